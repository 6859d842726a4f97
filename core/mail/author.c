/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The authors in From, by the grammar (RFC 5322 sections 3.4 and 4.4) and
 * not by GMime 3.2.13: it takes what it can and passes over the rest without
 * a word ("a@b@c" is a@b to it, and nothing behind a ";" is seen), while a
 * reader's program may show the rest; and it leaks memory on some of what
 * strangers may write. Here a From is either understood to its end or it is
 * said that it was not.
 *
 * More than the grammar is taken where it is common and has one meaning
 * only: ".", "@" and "[" in a name without quotes, if a <mailbox> follows.
 */
#include <string.h>

#include "core/mail/addr.h"
#include "core/mail/mime.h"
#include "core/base/banned.h"

#define FIELDS_LEN_MAX 65536	/* longer is nobody's honest From */
#define COMMENT_DEPTH_MAX 10

/* --- the grammar -------------------------------------------------------- */

struct scan {
	const char *at;
	guint most;		/* in found */
	GPtrArray *found;	/* canonical */
	GHashTable *known;	/* borrows from found */
	GString *words;		/* what may be a phrase or an addr-spec */
	unsigned int count;	/* of mailboxes in this field */
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

/* The words are an address that is known, or is now. */
static bool
take_spec(struct scan *scan)
{
	g_autofree char *canon = NULL;

	if (scan->spaced || scan->words->len == 0)
		return false;
	canon = addr_canon(scan->words->str);
	if (canon == NULL)
		return false;
	scan->count++;
	if (g_hash_table_contains(scan->known, canon))
		return true;
	if (scan->found->len >= scan->most)
		return false;
	g_hash_table_add(scan->known, canon);
	g_ptr_array_add(scan->found, g_steal_pointer(&canon));
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

/* --- the fields --------------------------------------------------------- */

static bool
read_field(struct scan *scan, const struct header *header, int index)
{
	g_autofree char *value = header_value(header, index);
	bool ok;

	scan->at = value;
	scan->count = 0;
	ok = read_list(scan) && scan->count > 0;
	scan->at = NULL;
	return ok;
}

static bool
is_named(const struct header_field *field, const char *const *names)
{
	for (; *names != NULL; names++)
		if (field->name_len == strlen(*names) &&
		    g_ascii_strncasecmp(field->raw, *names,
					field->name_len) == 0)
			return true;
	return false;
}

static GPtrArray *
mailboxes_of(const struct header *header, const char *const *names,
	     guint most, bool *complete)
{
	g_autoptr(GHashTable) known = g_hash_table_new(g_str_hash,
						       g_str_equal);
	g_autoptr(GString) words = g_string_new(NULL);
	struct scan scan = {
		.found = g_ptr_array_new_with_free_func(g_free),
		.most = most, .known = known, .words = words,
	};
	size_t total = 0;

	*complete = true;
	for (guint i = 0; i < header->fields->len; i++) {
		const struct header_field *field = &g_array_index(
			header->fields, struct header_field, i);

		if (!is_named(field, names))
			continue;
		total += field->raw_len;
		if (total > FIELDS_LEN_MAX ||
		    !read_field(&scan, header, (int)i))
			*complete = false;
		if (total > FIELDS_LEN_MAX)
			break;
	}
	return scan.found;
}

GPtrArray *
mime_mailboxes(const char *value, bool *complete)
{
	g_autoptr(GHashTable) known = g_hash_table_new(g_str_hash,
						       g_str_equal);
	g_autoptr(GString) words = g_string_new(NULL);
	struct scan scan = {
		.at = value,
		.found = g_ptr_array_new_with_free_func(g_free),
		.most = MIME_AUTHORS_MAX, .known = known, .words = words,
	};

	*complete = strlen(value) <= FIELDS_LEN_MAX && read_list(&scan) &&
		scan.count > 0;
	return scan.found;
}

GPtrArray *
mime_authors(const struct header *header, bool *complete)
{
	static const char *const names[] = { "From", NULL };

	return mailboxes_of(header, names, MIME_AUTHORS_MAX, complete);
}

GPtrArray *
mime_recipients(const struct header *header, bool *complete)
{
	static const char *const names[] = { "To", "Cc", NULL };

	return mailboxes_of(header, names, MIME_RECIPIENTS_MAX, complete);
}
