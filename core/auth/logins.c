/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/auth/logins.h"

#include <string.h>

#include <glib.h>

#include "core/mail/addr.h"
#include "core/mail/pattern.h"
#include "core/base/banned.h"

#define FILE_MAX (16 * 1024 * 1024)

struct logins {
	GHashTable *patterns;	/* login -> GPtrArray of char * */
};

static struct logins *
logins_new(void)
{
	struct logins *logins = g_new0(struct logins, 1);

	logins->patterns = g_hash_table_new_full(
		g_str_hash, g_str_equal, g_free,
		(GDestroyNotify)g_ptr_array_unref);
	return logins;
}

void
logins_free(struct logins *logins)
{
	if (logins == NULL)
		return;
	g_hash_table_destroy(logins->patterns);
	g_free(logins);
}

static GPtrArray *
patterns_of(struct logins *logins, const char *login)
{
	GPtrArray *patterns = g_hash_table_lookup(logins->patterns, login);

	if (patterns == NULL) {
		patterns = g_ptr_array_new_with_free_func(g_free);
		g_hash_table_insert(logins->patterns, g_strdup(login),
				    patterns);
	}
	return patterns;
}

/* NULL, or what is wrong with the line */
static const char *
read_line(struct logins *logins, char *line)
{
	g_auto(GStrv) words = NULL;
	GPtrArray *patterns = NULL;

	line[strcspn(line, "#")] = '\0';
	words = g_strsplit_set(g_strstrip(line), " \t\r", -1);
	for (char **word = words; *word != NULL; word++) {
		if ((*word)[0] == '\0')
			continue;
		if (patterns == NULL) {
			patterns = patterns_of(logins, *word);
			continue;
		}
		if (address_pattern_check(*word) != NULL)
			return address_pattern_check(*word);
		g_ptr_array_add(patterns, g_strdup(*word));
	}
	if (patterns != NULL && patterns->len == 0)
		return "an address is missing behind the login";
	return NULL;
}

static enum err_code
read_text(struct logins *logins, const char *path, const char *text,
	  struct err *err)
{
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

	for (unsigned int i = 0; lines[i] != NULL; i++) {
		const char *wrong = read_line(logins, lines[i]);

		if (wrong != NULL)
			return err_set(err, ERR_INVALID,
				       "a line is: login address...",
				       "%s: line %u: %s", path, i + 1, wrong);
	}
	return ERR_OK;
}

enum err_code
logins_read(const char *path, struct logins **out, struct err *err)
{
	struct logins *logins = logins_new();
	g_autofree char *text = NULL;
	g_autoptr(GError) error = NULL;
	enum err_code rc = ERR_OK;
	gsize len;

	if (path[0] != '\0' && !g_file_get_contents(path, &text, &len, &error))
		rc = err_set(err, ERR_INVALID, "see [auth] logins", "%s",
			     error->message);
	else if (text != NULL && (len > FILE_MAX || strlen(text) != len))
		rc = err_set(err, ERR_INVALID, "", "%s is no text file of at "
			     "most 16 MB", path);
	else if (text != NULL)
		rc = read_text(logins, path, text, err);
	if (rc == ERR_OK)
		*out = logins;
	else
		logins_free(logins);
	return rc;
}

bool
logins_allow(const struct logins *logins, const char *login,
	     const char *author)
{
	g_autofree char *own = addr_canon(login);
	const GPtrArray *patterns;

	if (login[0] == '\0')
		return false;
	if (own != NULL && strcmp(own, author) == 0)
		return true;
	patterns = g_hash_table_lookup(logins->patterns, login);
	for (guint i = 0; patterns != NULL && i < patterns->len; i++)
		if (address_matches(patterns->pdata[i], author))
			return true;
	return false;
}
