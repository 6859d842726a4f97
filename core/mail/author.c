/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The authors in From. GMime reads what it can and passes over the rest
 * without a word ("a@b@c" is a@b to it, and nothing behind a ";" is seen),
 * while a reader's program may show the rest. So the value is also held
 * against the grammar (RFC 5322 sections 3.4 and 4.4), and only where both
 * find the same mailboxes, and all of the value is accounted for, do we say
 * that we know who wrote.
 */
#include <string.h>

#include <gmime/gmime.h>

#include "core/mail/addr.h"
#include "core/mail/mime.h"
#include "core/base/banned.h"

#define FROM_LEN_MAX 65536	/* longer is nobody's honest From */
#define COMMENT_DEPTH_MAX 10

/* --- the grammar -------------------------------------------------------- */

struct scan {
	const char *at;
	GPtrArray *specs;	/* addr-specs, without comments and blanks */
	GString *words;		/* what may be a phrase or an addr-spec */
	bool spaced;		/* two words with a blank only between them */
};

static bool
is_atom(char c)
{
	return g_ascii_isalnum(c) || (unsigned char)c >= 0x80 ||
		(c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~.@", c) != NULL);
}

/* Behind a comment that begins here; NULL: it has no end. */
static const char *
skip_comment(const char *at)
{
	int depth = 0;

	for (; *at != '\0'; at++) {
		if (*at == '\\' && at[1] != '\0')
			at++;
		else if (*at == '(' && ++depth > COMMENT_DEPTH_MAX)
			return NULL;
		else if (*at == ')' && --depth == 0)
			return at + 1;
	}
	return NULL;
}

static bool
skip_blanks(struct scan *scan)
{
	while (*scan->at == ' ' || *scan->at == '(') {
		if (*scan->at == ' ') {
			scan->at++;
			continue;
		}
		scan->at = skip_comment(scan->at);
		if (scan->at == NULL)
			return false;
	}
	return true;
}

/* Length of what begins here and ends with the first `end` that is not
 * escaped; 0: it does not end. */
static size_t
enclosed(const char *at, char end)
{
	for (size_t len = 1; at[len] != '\0'; len++) {
		if (at[len] == end)
			return len + 1;
		if (at[len] == '\\' && at[len + 1] != '\0')
			len++;
	}
	return 0;
}

static size_t
word_len(const char *at)
{
	size_t len = 0;

	if (*at == '"')
		return enclosed(at, '"');
	if (*at == '[')
		return enclosed(at, ']');
	while (is_atom(at[len]))
		len++;
	return len;
}

/* Words up to one of ",;:<>", joined as an addr-spec would be: a blank may
 * only stand around "." and "@" there (obs-local-part, obs-domain). */
static bool
read_words(struct scan *scan)
{
	g_string_truncate(scan->words, 0);
	scan->spaced = false;
	if (!skip_blanks(scan))
		return false;
	while (*scan->at != '\0' && strchr(",;:<>", *scan->at) == NULL) {
		const char *before = scan->at;
		size_t len = word_len(scan->at);
		char last = scan->words->len > 0 ?
			scan->words->str[scan->words->len - 1] : '@';

		if (len == 0)
			return false;
		if (*before != '.' && *before != '@' && last != '.' &&
		    last != '@')
			scan->spaced = true;
		g_string_append_len(scan->words, before, (gssize)len);
		scan->at += len;
		if (!skip_blanks(scan))
			return false;
	}
	return true;
}

static bool
take_spec(struct scan *scan)
{
	if (scan->spaced || scan->words->len == 0 ||
	    scan->specs->len > MIME_AUTHORS_MAX)
		return false;
	g_ptr_array_add(scan->specs, g_strdup(scan->words->str));
	return true;
}

/* "<" [ route ":" ] addr-spec ">", the phrase being read already */
static bool
read_angle(struct scan *scan)
{
	scan->at++;
	if (!read_words(scan))
		return false;
	for (bool route = true; route && scan->words->str[0] == '@';) {
		route = *scan->at == ',';
		if (*scan->at != ',' && *scan->at != ':')
			return false;
		scan->at++;
		if (!read_words(scan))
			return false;
	}
	if (*scan->at != '>' || !take_spec(scan))
		return false;
	scan->at++;
	return skip_blanks(scan);
}

/* One mailbox; nothing at all is allowed too (obs-mbox-list). */
static bool
read_mailbox(struct scan *scan)
{
	if (!read_words(scan))
		return false;
	if (*scan->at == '<')
		return read_angle(scan);
	return scan->words->len == 0 || *scan->at == ':' || take_spec(scan);
}

/* All of the value, as a list of mailboxes and groups. */
static bool
read_list(struct scan *scan)
{
	bool in_group = false;

	for (;;) {
		if (!read_mailbox(scan))
			return false;
		if (*scan->at == '\0')
			return !in_group;
		if (*scan->at == ':') {
			if (in_group || scan->words->len == 0)
				return false;
			in_group = true;
		} else if (*scan->at == ';') {
			if (!in_group)
				return false;
			in_group = false;
			scan->at++;
			if (!skip_blanks(scan))
				return false;
			if (*scan->at == '\0')
				return true;
			if (*scan->at != ',')
				return false;
		} else if (*scan->at != ',') {
			return false;
		}
		scan->at++;
	}
}

/* --- both readers ------------------------------------------------------- */

struct walk {
	GPtrArray *found;
	GHashTable *known;	/* borrows from found */
	bool complete;
};

/* True: it was there, or is now. */
static bool
take_author(struct walk *walk, const char *addr)
{
	g_autofree char *canon = addr != NULL ? addr_canon(addr) : NULL;

	if (canon == NULL)
		return false;
	if (g_hash_table_contains(walk->known, canon))
		return true;
	if (walk->found->len >= MIME_AUTHORS_MAX)
		return false;
	g_ptr_array_add(walk->found, canon);
	g_hash_table_add(walk->known, g_steal_pointer(&canon));
	return true;
}

static void
walk_list(struct walk *walk, InternetAddressList *list, int depth)
{
	int count = list != NULL ? internet_address_list_length(list) : 0;

	for (int i = 0; i < count; i++) {
		InternetAddress *one = internet_address_list_get_address(list,
									 i);

		if (INTERNET_ADDRESS_IS_MAILBOX(one))
			walk->complete &= take_author(walk,
				internet_address_mailbox_get_addr(
					INTERNET_ADDRESS_MAILBOX(one)));
		else if (depth == 0)
			walk_list(walk, internet_address_group_get_members(
				INTERNET_ADDRESS_GROUP(one)), depth + 1);
		else
			walk->complete = false;
	}
}

static GHashTable *
canon_set(GPtrArray *specs)
{
	GHashTable *set = g_hash_table_new_full(g_str_hash, g_str_equal,
						g_free, NULL);

	for (guint i = 0; i < specs->len; i++) {
		char *canon = addr_canon(g_ptr_array_index(specs, i));

		if (canon == NULL)
			g_clear_pointer(&set, g_hash_table_unref);
		if (set == NULL)
			break;
		g_hash_table_add(set, canon);
	}
	return set;
}

/* GMime has had its turn, and found what is new in `found` from `first` on.
 * Is that what the grammar finds? */
static bool
agrees(const struct walk *walk, guint first, GPtrArray *specs)
{
	g_autoptr(GHashTable) set = canon_set(specs);
	GHashTableIter iter;
	gpointer canon;

	if (set == NULL || specs->len == 0)
		return false;
	for (guint i = first; i < walk->found->len; i++)
		if (!g_hash_table_contains(set, g_ptr_array_index(walk->found,
								  i)))
			return false;
	g_hash_table_iter_init(&iter, set);
	while (g_hash_table_iter_next(&iter, &canon, NULL))
		if (!g_hash_table_contains(walk->known, canon))
			return false;
	return true;
}

static bool
confirm(const struct walk *walk, guint first, const char *value)
{
	g_autoptr(GPtrArray) specs = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GString) words = g_string_new(NULL);
	struct scan scan = { .at = value, .specs = specs, .words = words };

	return read_list(&scan) && agrees(walk, first, specs);
}

static void
read_from(struct walk *walk, const struct header *header, int index)
{
	g_autofree char *value = header_value(header, index);
	InternetAddressList *list = internet_address_list_parse(NULL, value);
	guint first = walk->found->len;

	walk_list(walk, list, 0);
	walk->complete &= confirm(walk, first, value);
	g_clear_object(&list);
}

GPtrArray *
mime_authors(const struct header *header, bool *complete)
{
	struct walk walk = {
		.found = g_ptr_array_new_with_free_func(g_free),
		.known = g_hash_table_new(g_str_hash, g_str_equal),
		.complete = true,
	};
	size_t total = 0;

	for (guint i = 0; i < header->fields->len; i++) {
		const struct header_field *field = &g_array_index(
			header->fields, struct header_field, i);

		if (field->name_len != 4 ||
		    g_ascii_strncasecmp(field->raw, "From", 4) != 0)
			continue;
		total += field->raw_len;
		if (total > FROM_LEN_MAX) {
			walk.complete = false;
			break;
		}
		read_from(&walk, header, (int)i);
	}
	g_hash_table_destroy(walk.known);
	*complete = walk.complete;
	return walk.found;
}
