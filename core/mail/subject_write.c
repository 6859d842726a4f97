/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/mail/subject_inside.h"

#include <string.h>

#include <glib.h>

#include "core/mail/mime.h"
#include "core/base/banned.h"

/* --- what stands in front ----------------------------------------------- */

struct lead {
	size_t len;		/* with the blanks behind it */
	unsigned int prefixes;
	GString *marks;		/* those that are to stay, and their blanks,
				 * as they are written */
};

static void
end_marks(GString *marks)
{
	if (g_str_has_suffix(marks->str, ":") ||
	    g_str_has_suffix(marks->str, COLON_WIDE))
		g_string_append_c(marks, ' ');
}

/* Programs that do not look behind a prefix put a mark in front of it where
 * there is one behind it already. */
static void
read_lead(const char *text, const struct prefix *prefix, struct lead *out)
{
	bool was_reply = false, is_reply = false, parted = false;
	size_t len, blanks = subject_blanks(text);

	*out = (struct lead){
		blanks, 0, g_string_new_len(text, (gssize)blanks)
	};
	for (;; out->len += len + blanks) {
		const char *at = text + out->len;

		if ((len = subject_mark(at, &is_reply)) > 0) {
			blanks = subject_blanks(at + len);
			if (!parted || !was_reply || !is_reply)
				g_string_append_len(out->marks, at,
						    (gssize)(len + blanks));
			was_reply = is_reply;
			parted = false;
		} else if ((len = prefix_in(at, prefix)) > 0) {
			blanks = subject_blanks(at + len);
			out->prefixes++;
			parted = true;
		} else {
			end_marks(out->marks);
			return;
		}
	}
}

static void
lead_done(struct lead *lead)
{
	g_string_free(lead->marks, TRUE);
}

static bool
same_lead(const struct lead *a, const struct lead *b)
{
	return a->prefixes == b->prefixes &&
		g_string_equal(a->marks, b->marks);
}

static char *
join(const char *marks, const char *prefix, const char *rest)
{
	return g_strconcat(marks, prefix,
			   rest[0] != '\0' ? " " : "", rest, NULL);
}

/* --- as bytes ----------------------------------------------------------- */

#define WORDS_MAX 8		/* that marks and prefix are looked for in */
#define ENCODED_WORD_MAX 75	/* RFC 2047 section 2 */

/* What is to be shown, and ways to write it. */
struct subject {
	const char *old;
	const struct prefix *prefix;
	const char *with;	/* the prefix as text */
	const struct lead *lead;	/* of what is shown */
	char *wanted;
};

/* All of the text as one encoded word; NULL: it is too long for that. */
static char *
encode_word(const char *text)
{
	GString *out = g_string_new("=?utf-8?q?");

	for (; *text != '\0'; text++) {
		if (g_ascii_isalnum(*text) || *text == ' ')
			g_string_append_c(out, *text == ' ' ? '_' : *text);
		else
			g_string_append_printf(out, "=%02X",
					       (unsigned char)*text);
	}
	g_string_append(out, "?=");
	return g_string_free(out, out->len > ENCODED_WORD_MAX);
}

/* It says what is wanted, or it is freed. */
static char *
if_right(const struct subject *subject, char *value)
{
	g_autofree char *shown = mime_decode(value);

	if (strcmp(shown, subject->wanted) == 0)
		return value;
	g_free(value);
	return NULL;
}

static char *
encode_marks(const struct lead *lead)
{
	g_autofree char *marks = mime_encode_text(lead->marks->str);

	return g_strconcat(g_strchomp(marks), marks[0] != '\0' ? " " : "",
			   NULL);
}

/* The prefix in front of a rest that is in bytes; a blank between two encoded
 * words is not shown (RFC 2047 section 6.2), one in them is. */
static char *
put_in_front(const struct subject *subject, const char *marks,
	     const char *rest)
{
	g_autofree char *plain = mime_encode_text(subject->with);
	g_autofree char *spaced = g_strconcat(subject->with, " ", NULL);
	g_autofree char *word = encode_word(spaced);
	char *value = if_right(subject, join(marks, plain, rest));

	if (value == NULL && word != NULL)
		value = if_right(subject, join(marks, word, rest));
	return value;
}

/* Marks and prefix are in no encoded word. */
static char *
cut_bytes(const struct subject *subject)
{
	struct lead lead;
	char *value = NULL;

	read_lead(subject->old, subject->prefix, &lead);
	if (same_lead(&lead, subject->lead))
		value = put_in_front(subject, lead.marks->str,
				     subject->old + lead.len);
	lead_done(&lead);
	return value;
}

/* Marks and prefix are in front of what is shown of some words; the rest of
 * these as an encoded word, where it is to have no blank behind it. */
static char *
in_front_of(const struct subject *subject, const char *shown,
	    const char *behind)
{
	g_autofree char *marks = encode_marks(subject->lead);
	g_autofree char *plain = mime_encode_text(shown);
	g_autofree char *word = encode_word(shown);
	g_autofree char *rest = NULL, *other = NULL;
	char *value;

	if (plain[0] == '\0')
		behind += strspn(behind, " ");
	rest = g_strconcat(plain, behind, NULL);
	value = put_in_front(subject, marks, rest);
	if (value != NULL || word == NULL)
		return value;
	other = g_strconcat(word, behind, NULL);
	return put_in_front(subject, marks, other);
}

/* Marks and prefix are in the first `len` bytes, which are made anew. */
static char *
cut_words(const struct subject *subject, size_t len)
{
	g_autofree char *head = g_strndup(subject->old, len);
	g_autofree char *shown = mime_decode(head);
	struct lead lead;
	char *value = NULL;

	read_lead(shown, subject->prefix, &lead);
	if (same_lead(&lead, subject->lead))
		value = in_front_of(subject, shown + lead.len,
				    subject->old + len);
	lead_done(&lead);
	return value;
}

/* As many words as need be, from the front. */
static char *
cut_encoded(const struct subject *subject)
{
	const char *at = subject->old;
	char *value = NULL;

	for (int i = 0; i < WORDS_MAX && value == NULL && *at != '\0'; i++) {
		at += strspn(at, " ");
		at += strcspn(at, " ");
		value = cut_words(subject, (size_t)(at - subject->old));
	}
	return value;
}

static char *
write_subject(const struct subject *subject)
{
	char *value = cut_bytes(subject);

	if (value == NULL && strstr(subject->old, "=?") != NULL)
		value = cut_encoded(subject);
	return value != NULL ? value : mime_encode_text(subject->wanted);
}

/* Is there nothing to be done? */
static bool
has_prefix(const struct prefix *prefix, const struct lead *lead,
	   const char *rest)
{
	return prefix->digits == 0 &&
		(lead->prefixes == 1 ||
		 (lead->prefixes == 0 && strstr(rest, prefix->front) != NULL));
}

char *
subject_prefixed(const char *old, const char *prefix, uint64_t number)
{
	const struct prefix halves = prefix_read(prefix);
	g_autofree char *with = prefix_print(&halves, number);
	g_autofree char *shown = NULL, *wanted = NULL;
	struct lead lead;
	char *value;

	if (prefix[0] == '\0')
		return g_strdup(old != NULL ? old : "");
	shown = mime_decode(old != NULL ? old : "");
	read_lead(shown, &halves, &lead);
	wanted = join(lead.marks->str, with, shown + lead.len);
	if (old != NULL && has_prefix(&halves, &lead, shown + lead.len))
		value = g_strdup(old);
	else
		value = write_subject(&(struct subject){
			old != NULL ? old : "", &halves, with, &lead, wanted });
	lead_done(&lead);
	return value;
}
