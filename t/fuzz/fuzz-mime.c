/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * A whole post. "~" in it stands for 400 letters, so that short inputs have
 * long lines too.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/mail/mime.h"
#include "core/base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(bool holds)
{
	if (!holds)
		abort();
}

static GString *
expand(const uint8_t *data, size_t size)
{
	g_autofree char *letters = g_strnfill(400, 'x');
	GString *out = g_string_new(NULL);

	for (size_t i = 0; i < size; i++) {
		if (data[i] == '~')
			g_string_append(out, letters);
		else
			g_string_append_c(out, (char)data[i]);
	}
	return out;
}

static void
check_recoded(const GString *out)
{
	g_autoptr(GString) again = g_string_new(NULL);

	check(!mime_needs_recode(out->str, out->len));
	for (size_t i = 0; i < out->len; i++)
		check(out->str[i] != '\n' ||
		      (i > 0 && out->str[i - 1] == '\r'));
	/* Once is enough. */
	check(mime_recode(out->str, out->len, again));
	check(g_string_equal(out, again));
}

static void
check_report(struct dsn *dsn)
{
	check(dsn->recipients->len <= 1000);
	for (guint i = 0; i < dsn->recipients->len; i++) {
		const struct dsn_recipient *one = g_ptr_array_index(
			dsn->recipients, i);

		check(g_utf8_validate(one->original, -1, NULL));
		check(g_utf8_validate(one->final, -1, NULL));
		check(g_utf8_validate(one->diagnostic, -1, NULL));
		check(strlen(one->diagnostic) <= 400);
		check(strpbrk(one->diagnostic, "\r\n") == NULL);
		check(strpbrk(one->final, "\r\n") == NULL);
	}
	dsn_done(dsn);
}

static void
check_words(const char *text)
{
	g_autofree char *decoded = mime_decode(text);
	g_autofree char *words = mime_encode_text(decoded);
	g_autofree char *phrase = mime_encode_phrase(decoded);

	check(g_utf8_validate(decoded, -1, NULL));
	check(strpbrk(words, "\r\n") == NULL);
	check(strpbrk(phrase, "\r\n") == NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autoptr(GString) post = expand(data, size);
	g_autoptr(GString) out = g_string_new(NULL);
	struct dsn dsn = { 0 };

	mime_init();
	if (mime_recode(post->str, post->len, out))
		check_recoded(out);
	if (mime_dsn((const char *)data, size, &dsn))
		check_report(&dsn);
	check_words(post->str);
	return 0;
}
