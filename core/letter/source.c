/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/letter/source.h"

#include <string.h>

#include "conf/keys.h"
#include "db/list.h"
#include "core/base/banned.h"

#define LAST_LANGUAGE "en"

static const struct shipped {
	const char *name, *language, *text;
} shipped[] = {
#include "core/letter/shipped.h"
	{ NULL, NULL, NULL },
};

const char *const template_languages[] = { "de", "en", "es", "fr", NULL };

void
template_source_done(struct template_source *source)
{
	g_free(source->text);
	g_free(source->language);
	g_free(source->scope);
	*source = (struct template_source){ 0 };
}

const char *
template_shipped(const char *name, const char *language)
{
	for (const struct shipped *one = shipped; one->name != NULL; one++)
		if (strcmp(one->name, name) == 0 &&
		    strcmp(one->language, language) == 0)
			return one->text;
	return NULL;
}

char *
template_setting(const char *name, const char *language)
{
	return g_strdup_printf(KEY_TEMPLATE_PREFIX "%s/%s", name, language);
}

bool
template_setting_read(const char *key, char **name_out, char **language_out)
{
	const char *name, *slash;

	if (key_of_setting(key) != &template_key)
		return false;
	name = key + strlen(KEY_TEMPLATE_PREFIX);
	slash = strchr(name, '/');
	*name_out = g_strndup(name, (gsize)(slash - name));
	*language_out = g_strdup(slash + 1);
	return true;
}

/* --- looking ------------------------------------------------------------ */

struct search {
	struct txn *txn;
	const char *scope;
	const struct template_kind *kind;
	struct template_source *out;
	struct err *err;
};

static bool
is_good(const struct template_kind *kind, const char *text)
{
	struct template *parsed = NULL;
	struct err err = ERR_INIT;
	bool good = template_parse(kind->name, kind, text, &parsed, &err) ==
		ERR_OK;

	template_free(parsed);
	return good;
}

static enum err_code
look_in_scope(const struct search *search, const char *scope,
	      const char *language)
{
	g_autofree char *key = template_setting(search->kind->name, language);
	g_autofree char *text = NULL;
	enum err_code rc;

	if (search->out->text != NULL)
		return ERR_OK;
	rc = setting_get(search->txn, scope, key, &text, search->err);
	if (rc != ERR_OK || text == NULL || !is_good(search->kind, text))
		return rc;
	search->out->text = g_steal_pointer(&text);
	search->out->language = g_strdup(language);
	search->out->scope = g_strdup(scope);
	return ERR_OK;
}

static void
look_in_shipped(const struct search *search, const char *language)
{
	const char *text = template_shipped(search->kind->name, language);

	if (search->out->text != NULL || text == NULL)
		return;
	search->out->text = g_strdup(text);
	search->out->language = g_strdup(language);
}

static enum err_code
look_in_language(const struct search *search, const char *language)
{
	const char *domain = strrchr(search->scope, '@');
	enum err_code rc = ERR_OK;

	if (search->out->text != NULL)
		return ERR_OK;
	if (domain != NULL && domain != search->scope)
		rc = look_in_scope(search, search->scope, language);
	if (rc == ERR_OK && domain != NULL)
		rc = look_in_scope(search, domain, language);
	if (rc == ERR_OK)
		rc = look_in_scope(search, "", language);
	if (rc == ERR_OK)
		look_in_shipped(search, language);
	return rc;
}

/* "pt-br", then "pt" */
static enum err_code
look_for(const struct search *search, const char *language)
{
	g_autofree char *short_form = NULL;
	enum err_code rc;

	if (language == NULL || language[0] == '\0')
		return ERR_OK;
	rc = look_in_language(search, language);
	if (rc != ERR_OK || strchr(language, '-') == NULL)
		return rc;
	short_form = g_strndup(language, strcspn(language, "-"));
	return look_in_language(search, short_form);
}

enum err_code
template_find(struct txn *txn, const char *scope,
	      const struct template_kind *kind, const char *language,
	      const char *list_language, struct template_source *out,
	      struct err *err)
{
	struct template_source found = { 0 };
	const struct search search = { txn, scope, kind, &found, err };
	enum err_code rc = look_for(&search, language);

	if (rc == ERR_OK)
		rc = look_for(&search, list_language);
	if (rc == ERR_OK)
		rc = look_for(&search, LAST_LANGUAGE);
	if (rc != ERR_OK) {
		template_source_done(&found);
		return rc;
	}
	g_assert(found.text != NULL);	/* all are shipped in that language */
	*out = found;
	return ERR_OK;
}
