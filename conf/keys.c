/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf/keys.h"

#include <string.h>

#include <glib.h>

#include "conf/settings.h"
#include "core/mail/addr.h"
#include "core/base/banned.h"

#define TEXT_MAX 400	/* a refusal must fit in one line of SMTP */
#define OWNERS_MAX 100

const struct key list_keys[] = {
	{ "description", KEY_TEXT, "",
	  "what the list is for, one line; shown in List-Id" },
	{ "max-size", KEY_SIZE, "10M",
	  "largest post, e.g. 400k or 10M; 0 for no limit" },
	{ "owner", KEY_ADDRS, "",
	  "who reads LIST-owner and mail to the command addresses" },
	{ "policy", KEY_POLICY, "members",
	  "who may post: open, members (From is subscribed), members-strict "
	  "(the envelope sender too)" },
	{ "refuse-text", KEY_TEXT, "",
	  "what a refused author is told; empty: a sentence with the "
	  "address to subscribe" },
	{ "subject-prefix", KEY_TEXT, "",
	  "put in front of subjects, e.g. [dev]" },
	{ NULL, KEY_TEXT, NULL, NULL },
};

const struct key member_keys[] = {
	{ "delivery", KEY_DELIVERY, "on", "on, or off: gets no copies" },
	{ "name", KEY_TEXT, "", "display name" },
	{ "own-posts", KEY_BOOL, "yes",
	  "no: gets no copy of what he posts himself" },
	{ NULL, KEY_TEXT, NULL, NULL },
};

const struct key *
key_find(const struct key *keys, const char *name)
{
	g_autofree char *wanted = g_strdelimit(g_strdup(name), "_", '-');

	for (; keys->name != NULL; keys++)
		if (strcmp(keys->name, wanted) == 0)
			return keys;
	return NULL;
}

static enum err_code
bad(const struct key *key, const char *value, const char *accepted,
    struct err *err)
{
	return err_set(err, ERR_INVALID, "", "%s=%s: %s is expected",
		       key->name, value, accepted);
}

static enum err_code
check_text(const struct key *key, const char *value, char **out,
	   struct err *err)
{
	g_autofree char *text = g_strstrip(g_strdup(value));

	if (!g_utf8_validate(text, -1, NULL))
		return bad(key, "(bytes)", "text in UTF-8", err);
	if (strlen(text) > TEXT_MAX)
		return bad(key, "(long text)", "a line of at most 400 bytes",
			   err);
	for (const char *p = text; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			return bad(key, "(text)",
				   "one line without control characters",
				   err);
	*out = g_steal_pointer(&text);
	return ERR_OK;
}

static enum err_code
check_addrs(const struct key *key, const char *value, char **out,
	    struct err *err)
{
	g_auto(GStrv) parts = g_strsplit(value, ",", -1);
	g_autoptr(GString) joined = g_string_new(NULL);
	unsigned int count = 0;

	for (char **part = parts; *part != NULL; part++) {
		g_autofree char *addr = NULL;

		g_strstrip(*part);
		if ((*part)[0] == '\0')
			continue;
		addr = addr_canon(*part);
		if (addr == NULL || strchr(addr, ',') != NULL)
			return bad(key, *part, "an address NAME@DOMAIN", err);
		if (++count > OWNERS_MAX)
			return bad(key, "(many)", "at most 100 addresses",
				   err);
		g_string_append_printf(joined, "%s%s",
				       joined->len > 0 ? ", " : "", addr);
	}
	*out = g_strdup(joined->str);
	return ERR_OK;
}

static enum err_code
check_word(const struct key *key, const char *value,
	   const char *const *words, const char *accepted, char **out,
	   struct err *err)
{
	for (; *words != NULL; words++)
		if (strcmp(*words, value) == 0) {
			*out = g_strdup(value);
			return ERR_OK;
		}
	return bad(key, value, accepted, err);
}

static enum err_code
check_bool(const struct key *key, const char *value, const char *yes,
	   const char *no, char **out, struct err *err)
{
	bool truth;

	if (!value_bool(value, &truth))
		return bad(key, value, strcmp(yes, "on") == 0 ? "on or off"
			   : "yes or no", err);
	*out = g_strdup(truth ? yes : no);
	return ERR_OK;
}

enum err_code
key_check(const struct key *key, const char *value, char **out,
	  struct err *err)
{
	static const char *const policies[] = {
		"open", "members", "members-strict", NULL
	};
	int64_t size;

	switch (key->type) {
	case KEY_TEXT:
		return check_text(key, value, out, err);
	case KEY_BOOL:
		return check_bool(key, value, "yes", "no", out, err);
	case KEY_DELIVERY:
		return check_bool(key, value, "on", "off", out, err);
	case KEY_SIZE:
		if (!value_size(value, &size))
			return bad(key, value, "a size such as 400k or 10M",
				   err);
		*out = g_strdup(value);
		return ERR_OK;
	case KEY_POLICY:
		return check_word(key, value, policies,
				  "open, members or members-strict", out,
				  err);
	case KEY_ADDRS:
		return check_addrs(key, value, out, err);
	}
	g_assert_not_reached();
}

enum err_code
key_unknown(const struct key *keys, const char *name, struct err *err)
{
	const char *names[16];
	g_autoptr(GString) all = g_string_new(NULL);
	const char *nearest;
	size_t count = 0;

	for (; keys->name != NULL && count < G_N_ELEMENTS(names) - 1;
	     keys++) {
		names[count++] = keys->name;
		g_string_append_printf(all, "%s%s", all->len > 0 ? ", " : "",
				       keys->name);
	}
	names[count] = NULL;
	nearest = key_nearest(names, name);
	if (nearest != NULL)
		return err_set(err, ERR_INVALID, "",
			       "unknown key \"%s\"; did you mean \"%s\"?",
			       name, nearest);
	return err_set(err, ERR_INVALID, "",
		       "unknown key \"%s\"; there are %s", name, all->str);
}

/* Levenshtein's distance, for short names. */
static unsigned int
distance(const char *a, const char *b)
{
	unsigned int row[64];
	size_t len = strlen(b);

	if (len >= G_N_ELEMENTS(row) || strlen(a) >= G_N_ELEMENTS(row))
		return G_N_ELEMENTS(row);
	for (unsigned int j = 0; j <= len; j++)
		row[j] = j;
	for (unsigned int i = 1; a[i - 1] != '\0'; i++) {
		unsigned int corner = row[0];

		row[0] = i;
		for (unsigned int j = 1; j <= len; j++) {
			unsigned int above = row[j];
			unsigned int swap = corner + (a[i - 1] != b[j - 1]);

			row[j] = MIN(swap, MIN(above, row[j - 1]) + 1);
			corner = above;
		}
	}
	return row[len];
}

const char *
key_nearest(const char *const *names, const char *name)
{
	const char *best = NULL;
	unsigned int least = 3;	/* more than two slips is another word */

	for (; *names != NULL; names++) {
		unsigned int slips = distance(name, *names);

		if (slips < least && slips < strlen(*names)) {
			least = slips;
			best = *names;
		}
	}
	return best;
}
