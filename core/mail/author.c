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
	/* of the mailbox that is read, in the value */
	struct { const char *at; size_t len; } phrase, comment;
	/* each one, also a repeat; NULL: nobody asks */
	void (*seen)(struct scan *scan, const char *canon);
	void *arg;
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
		scan->comment.at = scan->at;
		scan->at = skip_comment(scan->at);
		if (scan->at == NULL)
			return false;
		scan->comment.len = (size_t)(scan->at - scan->comment.at);
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
	if (scan->seen != NULL)
		scan->seen(scan, canon);
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
	scan->phrase.len = (size_t)(scan->at - scan->phrase.at);
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
	scan->at += strspn(scan->at, " ");
	scan->phrase.at = scan->at;
	scan->phrase.len = scan->comment.len = 0;
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
read_value(struct scan *scan, const char *value)
{
	bool ok;

	scan->at = value;
	scan->count = 0;
	ok = read_list(scan) && scan->count > 0;
	scan->at = NULL;
	return ok;
}

static bool
read_field(struct scan *scan, const struct header *header, int index)
{
	g_autofree char *value = header_value(header, index);

	return read_value(scan, value);
}

static void
scan_init(struct scan *scan, guint most)
{
	memset(scan, 0, sizeof(*scan));
	scan->found = g_ptr_array_new_with_free_func(g_free);
	scan->most = most;
	scan->known = g_hash_table_new(g_str_hash, g_str_equal);
	scan->words = g_string_new(NULL);
}

/* What was found; the caller unrefs */
static GPtrArray *
scan_end(struct scan *scan)
{
	g_hash_table_destroy(scan->known);
	g_string_free(scan->words, TRUE);
	return scan->found;
}

static void
read_fields(struct scan *scan, const struct header *header,
	    const char *const *names, bool *complete)
{
	size_t total = 0;

	*complete = true;
	for (guint i = 0; i < header->fields->len; i++) {
		const struct header_field *field = &g_array_index(
			header->fields, struct header_field, i);

		if (!header_field_in(field, names))
			continue;
		total += field->raw_len;
		if (total > FIELDS_LEN_MAX ||
		    !read_field(scan, header, (int)i))
			*complete = false;
		if (total > FIELDS_LEN_MAX)
			break;
	}
}

static GPtrArray *
mailboxes_of(const struct header *header, const char *const *names,
	     guint most, bool *complete)
{
	struct scan scan;

	scan_init(&scan, most);
	read_fields(&scan, header, names, complete);
	return scan_end(&scan);
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

/* --- with their names ---------------------------------------------------- */

static void
mailbox_free(void *data)
{
	struct mailbox *box = data;

	g_free(box->addr);
	g_free(box->name);
	g_free(box);
}

/* A phrase without its comments */
static char *
bare_phrase(const char *at, size_t len)
{
	g_autofree char *phrase = g_strndup(at, len);
	g_autoptr(GString) bare = g_string_new(NULL);

	for (const char *p = phrase; *p != '\0';) {
		const char *end = *p == '(' ? skip_comment(p) : NULL;
		size_t taken = *p == '"' ? MAX(enclosed(p, '"'), 1) : 1;

		if (end == NULL)
			g_string_append_len(bare, p, (gssize)taken);
		p = end != NULL ? end : p + taken;
	}
	return mime_decode_phrase(bare->str, bare->len);
}

/* The name in front of the address or, as was written once, in a comment
 * behind it */
static char *
name_of(const struct scan *scan)
{
	g_autofree char *comment = NULL;

	if (scan->phrase.len > 0)
		return bare_phrase(scan->phrase.at, scan->phrase.len);
	if (scan->comment.len <= 2)
		return g_strdup("");
	comment = g_strndup(scan->comment.at + 1, scan->comment.len - 2);
	return mime_decode(comment);
}

static void
note_mailbox(struct scan *scan, const char *canon)
{
	GPtrArray *boxes = scan->arg;
	struct mailbox *box;

	if (boxes->len >= scan->most ||
	    g_hash_table_contains(scan->known, canon))
		return;
	box = g_new0(struct mailbox, 1);
	box->addr = g_strdup(canon);
	box->name = name_of(scan);
	g_ptr_array_add(boxes, box);
}

GPtrArray *
mime_named(const struct header *header, const char *name, bool *complete)
{
	const char *const names[] = { name, NULL };
	GPtrArray *boxes = g_ptr_array_new_with_free_func(mailbox_free);
	struct scan scan;

	scan_init(&scan, MIME_RECIPIENTS_MAX);
	scan.seen = note_mailbox;
	scan.arg = boxes;
	read_fields(&scan, header, names, complete);
	g_ptr_array_unref(scan_end(&scan));
	return boxes;
}

struct unnaming {
	const char *addr, *suffix;
	const char *done;	/* up to here the value is in out */
	GString *out;
};

static void
unname(struct scan *scan, const char *canon)
{
	struct unnaming *u = scan->arg;
	g_autofree char *name = NULL;

	if (scan->phrase.len == 0 || strcmp(canon, u->addr) != 0)
		return;
	name = name_of(scan);
	if (!g_str_has_suffix(name, u->suffix))
		return;
	g_string_append_len(u->out, u->done, scan->phrase.at - u->done);
	u->done = scan->phrase.at + scan->phrase.len;
}

char *
mime_unname(const char *value, const char *addr, const char *suffix)
{
	struct unnaming u = { addr, suffix, value, g_string_new(NULL) };
	struct scan scan;
	bool complete;

	scan_init(&scan, MIME_RECIPIENTS_MAX);
	scan.seen = unname;
	scan.arg = &u;
	complete = read_value(&scan, value);
	g_ptr_array_unref(scan_end(&scan));
	if (!complete || u.done == value) {
		g_string_free(u.out, TRUE);
		return NULL;
	}
	g_string_append(u.out, u.done);
	return g_string_free(u.out, FALSE);
}
