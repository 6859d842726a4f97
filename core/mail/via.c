/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/mail/via.h"

#include <string.h>

#include "core/mail/mime.h"
#include "core/base/banned.h"

#define NAME_CHARS_MAX 60	/* of one author in From */
#define PHRASE_CHARS_MAX 200	/* elsewhere, so that lines stay short */
#define NAMES_MAX 3		/* that are all named */

/* --- names -------------------------------------------------------------- */

/* " via dev" */
static char *
via_suffix(const char *list)
{
	return g_strdup_printf(" via %.*s", (int)strcspn(list, "@"), list);
}

/* Without what is an address in it, or looks like one: filters take a name
 * with another domain in it for a fraud. */
static void
cut_address(char *name)
{
	char *at = strchr(name, '@');

	if (at != NULL)
		*at = '\0';
	(void)g_strdelimit(name, "<>\"", ' ');
	g_strstrip(name);
}

/* valid UTF-8 in any case */
static char *
first_chars(const char *text, glong most)
{
	g_autofree char *valid = g_utf8_make_valid(text, -1);

	return g_utf8_substring(valid, 0, MIN(most,
					      g_utf8_strlen(valid, -1)));
}

static char *
name_of(const struct mailbox *box, const char *suffix)
{
	g_autofree char *name = g_strdup(box->name);
	g_autofree char *local = NULL;

	/* It has been here before, in whatever way. */
	while (g_str_has_suffix(name, suffix))
		name[strlen(name) - strlen(suffix)] = '\0';
	cut_address(name);
	if (name[0] != '\0')
		return first_chars(name, NAME_CHARS_MAX);
	local = g_strndup(box->addr, strcspn(box->addr, "@"));
	cut_address(local);
	return first_chars(local, NAME_CHARS_MAX);
}

static char *
names_of(const GPtrArray *boxes, const char *suffix)
{
	GString *names = g_string_new(NULL);

	for (guint i = 0; i < boxes->len && i < NAMES_MAX; i++) {
		g_autofree char *name = name_of(boxes->pdata[i], suffix);

		g_string_append_printf(names, "%s%s", names->len > 0 ? ", " :
				       "", name);
	}
	if (boxes->len > NAMES_MAX)
		g_string_append(names, " and others");
	return g_string_free(names, FALSE);
}

/* --- fields of addresses ------------------------------------------------ */

static void
set_folded(struct header *header, const char *name, const char *value)
{
	g_autofree char *folded = header_fold(value, strlen(name) + 2);

	header_set(header, name, folded);
}

static void
append_mailbox(GString *value, const char *name, const char *addr)
{
	g_autofree char *cut = first_chars(name, PHRASE_CHARS_MAX);
	g_autofree char *phrase = cut[0] != '\0' ? mime_encode_phrase(cut) :
		NULL;

	if (value->len > 0)
		g_string_append(value, ", ");
	if (phrase != NULL)
		g_string_append_printf(value, "%s <%s>", phrase, addr);
	else
		g_string_append(value, addr);
}

/* All of them as one value, written anew, whatever way they came in */
static char *
list_of(const GPtrArray *boxes)
{
	GString *value = g_string_new(NULL);

	for (guint i = 0; i < boxes->len; i++) {
		const struct mailbox *box = boxes->pdata[i];

		append_mailbox(value, box->name, box->addr);
	}
	return g_string_free(value, FALSE);
}

static bool
has_addr(const GPtrArray *boxes, const char *addr)
{
	for (guint i = 0; i < boxes->len; i++) {
		const struct mailbox *box = boxes->pdata[i];

		if (strcmp(box->addr, addr) == 0)
			return true;
	}
	return false;
}

/* Those of `boxes` that are not in `among`: borrowed */
static GPtrArray *
others(const GPtrArray *boxes, const GPtrArray *among)
{
	GPtrArray *rest = g_ptr_array_new();

	for (guint i = 0; i < boxes->len; i++) {
		struct mailbox *box = boxes->pdata[i];

		if (!has_addr(among, box->addr))
			g_ptr_array_add(rest, box);
	}
	return rest;
}

/* All fields of that name as one value, NULL: there is none; *complete false:
 * it is not understood */
static char *
value_of(const struct header *header, const char *name, bool *complete)
{
	g_autoptr(GPtrArray) boxes = mime_named(header, name, complete);
	g_autofree char *value = header_get(header, name);

	if (header_count(header, name) > 1)
		return list_of(boxes);
	if (value == NULL || value[0] == '\0') {
		*complete = true;
		return NULL;
	}
	return g_steal_pointer(&value);
}

/* What is not understood may not end where it seems to, so nothing is put
 * behind it. */
static void
add_to(struct header *header, const char *name, const GPtrArray *more)
{
	bool complete;
	g_autofree char *old = value_of(header, name, &complete);
	g_autofree char *added = list_of(more);
	g_autofree char *value = g_strdup_printf("%s%s%s", old != NULL ? old :
						 "", old != NULL ? ", " : "",
						 added);

	if (complete && more->len > 0)
		set_folded(header, name, value);
}

/* --- From --------------------------------------------------------------- */

/* He is not told twice, whichever way it is. */
static void
add_to_cc(struct header *header, const GPtrArray *authors)
{
	bool complete;
	g_autoptr(GPtrArray) to = mime_named(header, "To", &complete);
	g_autoptr(GPtrArray) cc = mime_named(header, "Cc", &complete);
	g_autoptr(GPtrArray) rest = others(authors, to);
	g_autoptr(GPtrArray) missing = others(rest, cc);

	add_to(header, "Cc", missing);
}

static void
keep_reachable(struct header *header, const GPtrArray *authors,
	       const char *list, bool reply_is_lists)
{
	bool complete;
	g_autoptr(GPtrArray) reply = mime_named(header, "Reply-To", &complete);
	g_autoptr(GPtrArray) missing = others(authors, reply);

	if (missing->len == 0)
		return;
	if (header_count(header, "Reply-To") > 0 &&
	    (reply_is_lists || has_addr(reply, list)))
		add_to_cc(header, missing);
	else
		add_to(header, "Reply-To", missing);
}

void
via_set_from(struct header *header, const char *list, bool reply_is_lists)
{
	bool complete;
	g_autoptr(GPtrArray) authors = mime_named(header, "From", &complete);
	g_autofree char *suffix = via_suffix(list);
	g_autofree char *names = names_of(authors, suffix);
	g_autofree char *name = g_strconcat(names, names[0] != '\0' ? suffix :
					    suffix + 1, NULL);
	g_autofree char *who = list_of(authors);
	g_autoptr(GString) from = g_string_new(NULL);

	append_mailbox(from, name, list);
	if (authors->len > 0 && header_find(header, "Author", 0) < 0)
		set_folded(header, "Author", who);
	keep_reachable(header, authors, list, reply_is_lists);
	set_folded(header, "From", from->str);
}

/* --- the reverse -------------------------------------------------------- */

bool
via_unname(struct header *header, const char *name, const char *list)
{
	g_autofree char *suffix = via_suffix(list);
	g_autofree char *old = header_get(header, name);
	g_autofree char *value = NULL;

	if (old == NULL || header_count(header, name) > 1)
		return false;
	value = mime_unname(old, list, suffix);
	if (value != NULL)
		set_folded(header, name, value);
	return value != NULL;
}
