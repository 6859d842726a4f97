/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * A post to which texts are added: above, below, and a post, with a NUL in
 * front of the second and third; else texts of our own. "~" in a text stands
 * for a mark of what may have any letters, "^" for one of what is ASCII.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/mail/mime.h"
#include "core/base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define OPEN "%{member.aaaaaaaaaaaaaaaa}"
#define OPEN_QP "%{memberqp.aaaaaaaaaaaaaaaa}"
#define SHUT "%{leave.aaaaaaaaaaaaaaaa}"

static const struct mime_mark marks[] = {
	{ OPEN, OPEN_QP, false }, { SHUT, SHUT, true },
};

static void
check(bool holds)
{
	if (!holds)
		abort();
}

/* As core/pending makes them: lines of UTF-8 that are not long. */
static char *
make_text(const char *bytes, size_t len)
{
	g_autofree char *valid = g_utf8_make_valid(bytes, (gssize)len);
	GString *out = g_string_new(NULL);
	size_t start = 0;

	for (const char *p = valid; *p != '\0'; p = g_utf8_next_char(p)) {
		gunichar c = g_utf8_get_char(p);

		if (c == '\n' || out->len - start > 900) {
			g_string_append(out, "\r\n");
			start = out->len;
		}
		if (c == '~')
			g_string_append(out, OPEN);
		else if (c == '^')
			g_string_append(out, SHUT);
		else if (!g_unichar_iscntrl(c))
			g_string_append_unichar(out, c);
	}
	if (out->len > 0)
		g_string_append(out, "\r\n");
	return g_string_free(out, FALSE);
}

static unsigned int
count_of(const char *text, size_t len, const char *part)
{
	unsigned int count = 0;
	const char *at;

	while ((at = memmem(text, len, part, strlen(part))) != NULL) {
		len -= (size_t)(at - text) + strlen(part);
		text = at + strlen(part);
		count++;
	}
	return count;
}

/* Whatever becomes of it, outbound finds each mark. */
static void
check_marks(const struct mime_texts *texts, const char *body, size_t len,
	    const GString *out)
{
	for (size_t i = 0; i < G_N_ELEMENTS(marks); i++) {
		unsigned int in = count_of(texts->above, strlen(texts->above),
					   marks[i].text) +
			count_of(texts->below, strlen(texts->below),
				 marks[i].text);
		unsigned int found = count_of(out->str, out->len,
					      marks[i].text);

		if (strcmp(marks[i].text, marks[i].qp) != 0)
			found += count_of(out->str, out->len, marks[i].qp);
		/* The fuzzer can write a mark, an author cannot. */
		if (memmem(body, len, "%{", 2) == NULL)
			check(found >= in);
	}
}

static void
check_post(const struct mime_texts *texts, const char *bytes, size_t len)
{
	g_autoptr(GString) out = g_string_new(NULL);
	struct header header;
	size_t body_at;
	enum append_way way;

	if (mime_needs_recode(bytes, len) ||
	    !header_parse(bytes, len, &header, &body_at))
		return;
	bytes += body_at;
	len -= body_at;
	way = mime_add(&header, bytes, len, texts, out);
	check_marks(texts, bytes, len, out);
	check(!mime_needs_recode(out->str, out->len));
	if (way == APPEND_AROUND)
		check(len == 0 || memmem(out->str, out->len, bytes, len) !=
		      NULL);
	check(header_count(&header, "Content-Type") <= 1 ||
	      way != APPEND_AROUND);
	header_done(&header);
}

/* The bytes in front of the next NUL; the rest stays. */
static char *
next_text(const char **data, size_t *len)
{
	const char *nul = *len > 0 ? memchr(*data, '\0', *len) : NULL;
	size_t part = nul != NULL ? (size_t)(nul - *data) : 0;
	char *text;

	if (nul == NULL || part > 4000)
		return make_text("\xce\x95 ~^\n", 6);
	text = make_text(*data, part);
	*data += part + 1;
	*len -= part + 1;
	return text;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *bytes = (const char *)data;
	size_t len = size;
	g_autofree char *above = next_text(&bytes, &len);
	g_autofree char *below = next_text(&bytes, &len);
	const struct mime_texts texts = { above, below, marks,
					  G_N_ELEMENTS(marks) };

	mime_init();
	check_post(&texts, bytes, len);
	return 0;
}
