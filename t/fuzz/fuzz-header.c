/* SPDX-License-Identifier: BSD-2-Clause */

/* A header block, and what is read from its From and Subject. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/mail/addr.h"
#include "core/mail/mime.h"
#include "core/mail/subject.h"
#include "core/mail/via.h"
#include "core/base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(bool holds)
{
	if (!holds)
		abort();
}

static void
check_identity(const struct header *header, const char *bytes,
	       size_t body_at)
{
	g_autoptr(GString) out = g_string_new(NULL);

	header_write(header, out);
	check(out->len <= body_at && body_at - out->len <= 2);
	check(out->len == 0 || memcmp(out->str, bytes, out->len) == 0);
}

static void
check_values(const struct header *header)
{
	for (guint i = 0; i < header->fields->len; i++) {
		g_autofree char *value = header_value(header, (int)i);
		g_autofree char *folded = header_fold(value, 10);
		g_auto(GStrv) lines = g_strsplit(folded, "\r\n", -1);
		g_autofree char *joined = g_strjoinv("", lines);

		check(strcmp(joined, value) == 0);
		for (char **line = lines + (lines[0] != NULL);
		     lines[0] != NULL && *line != NULL; line++)
			check(strspn(*line, " \t") > 0 &&
			      (*line)[strspn(*line, " \t")] != '\0');
	}
}

static void
check_authors(const struct header *header)
{
	bool complete;
	g_autoptr(GPtrArray) authors = mime_authors(header, &complete);

	check(authors->len <= MIME_AUTHORS_MAX);
	for (guint i = 0; i < authors->len; i++) {
		const char *author = g_ptr_array_index(authors, i);
		g_autofree char *canon = addr_canon(author);

		check(canon != NULL && strcmp(canon, author) == 0);
	}
	check(!complete || authors->len > 0 ||
	      header_find(header, "From", 0) < 0);
}

/* Changing it leaves one field each, whatever the value was. */
static void
check_changes(struct header *header)
{
	g_autofree char *old = header_get(header, "Subject");
	g_autofree char *once = subject_prefixed(old, "[dev]", 0);
	g_autofree char *twice = subject_prefixed(once, "[dev]", 0);
	g_autofree char *folded = header_fold(once, 9);
	g_autoptr(GString) out = g_string_new(NULL);
	unsigned int fields;
	struct header again;
	size_t body_at;

	check(strcmp(once, twice) == 0);
	header_set(header, "Subject", folded);
	header_prepend(header, "X", "\r\n\r\ny\nz\r\n");
	check(header_count(header, "Subject") == 1);
	fields = header->fields->len;
	header_write(header, out);
	check(header_parse(out->str, out->len, &again, &body_at));
	check(again.fields->len == fields && body_at == out->len);
	header_done(&again);
}

#define LIST "dev@lists.example.org"

/* Whatever From was: there is one, and it is the list's. */
static void
check_from(const struct header *header)
{
	bool complete;
	g_autoptr(GPtrArray) from = mime_named(header, "From", &complete);
	const struct mailbox *box;

	check(complete && from->len == 1 && header_count(header, "From") == 1);
	box = from->pdata[0];
	check(strcmp(box->addr, LIST) == 0);
	check(g_str_has_suffix(box->name, "via dev"));
}

/* From as the list's, alone and around the whole. */
static void
check_via(const struct header *came, const char *bytes, size_t size,
	  size_t body_at, bool wraps)
{
	g_autoptr(GString) text = g_string_new(NULL);
	g_autoptr(GString) inner = g_string_new(NULL);
	struct header header, again;
	size_t at;

	if (!header_parse(bytes, size, &header, &at))
		return;
	if (wraps)
		via_wrap(&header, came, bytes + body_at, size - body_at, LIST,
			 false, inner);
	else
		via_set_from(&header, LIST, (size & 1) != 0);
	(void) via_unname(&header, "To", LIST);
	(void) via_unname(&header, "Cc", LIST);
	header_write(&header, text);
	check(header_parse(text->str, text->len, &again, &at));
	check(at == text->len);
	check_from(&again);
	header_done(&again);
	header_done(&header);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *bytes = (const char *)data;
	struct header header;
	size_t body_at;

	mime_init();
	if (!header_parse(bytes, size, &header, &body_at))
		return 0;
	check_identity(&header, bytes, body_at);
	check_values(&header);
	check_authors(&header);
	(void) header_is_signed(&header, "From");
	if (header.fields->len < HEADER_FIELDS_MAX - 8) {
		check_via(&header, bytes, size, body_at, false);
		check_via(&header, bytes, size, body_at, true);
	}
	if (header.fields->len < HEADER_FIELDS_MAX - 2)
		check_changes(&header);
	header_done(&header);
	return 0;
}
