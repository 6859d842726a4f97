/* SPDX-License-Identifier: BSD-2-Clause */
#include "db/include.h"

#include <string.h>

#include "conf/keys.h"
#include "core/mail/pattern.h"
#include "db/auto.h"
#include "db/list.h"
#include "core/base/banned.h"

static void
included_free(void *data)
{
	struct included *included = data;

	g_free(included->addr);
	g_free(included->by);
	g_free(included);
}

static const struct included *
find(const GPtrArray *all, const char *addr)
{
	for (guint i = 0; i < all->len; i++) {
		const struct included *one = g_ptr_array_index(all, i);

		if (strcmp(one->addr, addr) == 0)
			return one;
	}
	return NULL;
}

/* Those of the names that are there and were not met before. */
static enum err_code
add_names(struct txn *txn, const char *root, const char *by,
	  char *const *names, GPtrArray *all, struct err *err)
{
	enum err_code rc = ERR_OK;

	for (; *names != NULL && all->len < INCLUDES_MOST; names++) {
		g_autoptr(list_t) list = NULL;
		struct included *one;

		if (strcmp(*names, root) == 0 || find(all, *names) != NULL)
			continue;
		rc = list_find(txn, *names, &list, err);
		if (rc != ERR_OK)
			return rc;
		if (list == NULL)
			continue;
		one = g_new0(struct included, 1);
		one->list = list->id;
		one->addr = g_strdup(list->addr);
		one->by = g_strdup(by);
		g_ptr_array_add(all, one);
	}
	return rc;
}

static enum err_code
names_of(struct txn *txn, const char *list, char ***out, struct err *err)
{
	g_autofree char *value = NULL;
	enum err_code rc = setting_holds(txn, list, "include", &value, err);

	if (rc == ERR_OK)
		*out = key_words(value != NULL ? value : "");
	return rc;
}

/* In width, so that each stands as near as it can. */
static enum err_code
collect(struct txn *txn, const char *root, char *const *names,
	GPtrArray *all, struct err *err)
{
	enum err_code rc = add_names(txn, root, root, names, all, err);

	for (guint i = 0; i < all->len && rc == ERR_OK; i++) {
		const struct included *one = g_ptr_array_index(all, i);
		g_auto(GStrv) further = NULL;

		rc = names_of(txn, one->addr, &further, err);
		if (rc == ERR_OK)
			rc = add_names(txn, root, one->addr, further, all,
				       err);
	}
	return rc;
}

enum err_code
includes_get(struct txn *txn, const char *list, GPtrArray **out,
	     struct err *err)
{
	g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func(
		included_free);
	g_auto(GStrv) names = NULL;
	enum err_code rc = names_of(txn, list, &names, err);

	if (rc == ERR_OK)
		rc = collect(txn, list, names, all, err);
	if (rc == ERR_OK)
		*out = g_steal_pointer(&all);
	return rc;
}

/* --- two lists ---------------------------------------------------------- */

static enum err_code
includes(struct txn *txn, const char *list, const struct list_conf *conf,
	 const char *other, bool *out, struct err *err)
{
	g_autoptr(GPtrArray) all = NULL;
	enum err_code rc = ERR_OK;

	*out = false;
	if (conf->include[0] == NULL)
		return ERR_OK;
	rc = includes_get(txn, list, &all, err);
	if (rc == ERR_OK)
		*out = find(all, other) != NULL;
	return rc;
}

enum err_code
lists_relate(struct txn *txn, const char *list, const struct list_conf *conf,
	     const char *other, bool *relate_out, bool *later_out,
	     struct err *err)
{
	g_autoptr(list_conf_t) others = NULL;
	bool ours_in, theirs_in;	/* does one include the other? */
	bool behind, ahead;
	enum err_code rc = list_conf_load(txn, other, &others, err);

	if (rc == ERR_OK)
		rc = includes(txn, list, conf, other, &ours_in, err);
	if (rc == ERR_OK)
		rc = includes(txn, other, others, list, &theirs_in, err);
	if (rc != ERR_OK)
		return rc;
	behind = ours_in || addresses_match(conf->exclude, other);
	ahead = theirs_in || addresses_match(others->exclude, list);
	*relate_out = behind || ahead ||
		addresses_match(conf->siblings, other) ||
		addresses_match(others->siblings, list);
	*later_out = behind != ahead ? behind : strcmp(other, list) < 0;
	return ERR_OK;
}

/* --- what may be set ---------------------------------------------------- */

/* "a includes b, b includes a" */
static char *
spell(const GPtrArray *all, const char *root, const struct included *last)
{
	g_autoptr(GString) text = g_string_new(NULL);

	g_string_printf(text, "%s includes %s", last->addr, root);
	while (last != NULL) {
		g_autofree char *step = g_strdup_printf(
			"%s includes %s, ", last->by, last->addr);

		g_string_prepend(text, step);
		last = find(all, last->by);
	}
	return g_strdup(text->str);
}

static enum err_code
find_circle(struct txn *txn, const char *root, const GPtrArray *all,
	    char **why, struct err *err)
{
	enum err_code rc = ERR_OK;

	for (guint i = 0; i < all->len && rc == ERR_OK && *why == NULL;
	     i++) {
		const struct included *one = g_ptr_array_index(all, i);
		g_auto(GStrv) names = NULL;

		rc = names_of(txn, one->addr, &names, err);
		if (rc == ERR_OK && g_strv_contains(
				(const char *const *)names, root)) {
			g_autofree char *circle = spell(all, root, one);

			*why = g_strdup_printf("that would be a circle: %s",
					       circle);
		}
	}
	return rc;
}

enum err_code
includes_check(struct txn *txn, const char *list, char *const *names,
	       char **why, struct err *err)
{
	g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func(
		included_free);
	enum err_code rc;

	*why = NULL;
	if (g_strv_contains((const char *const *)names, list)) {
		*why = g_strdup("a list cannot include itself");
		return ERR_OK;
	}
	rc = collect(txn, list, names, all, err);
	for (; rc == ERR_OK && *names != NULL && *why == NULL; names++)
		if (find(all, *names) == NULL && all->len < INCLUDES_MOST)
			*why = g_strdup_printf("there is no list %s", *names);
	if (rc == ERR_OK && *why == NULL && all->len == INCLUDES_MOST)
		*why = g_strdup_printf("with what they include these are "
				       "%d lists or more", INCLUDES_MOST);
	return rc == ERR_OK && *why == NULL ?
		find_circle(txn, list, all, why, err) : rc;
}
