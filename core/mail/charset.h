/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_MAIL_CHARSET_H
#define MUSTER_MAIL_CHARSET_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Charsets of texts that are not only read, but changed, so that no letter
 * may be guessed (mime_to_utf8() is for reading). For this folder only.
 */
enum charset_kind {
	CHARSET_ASCII,
	CHARSET_UTF8,
	CHARSET_PLAIN,	/* in it ASCII is ASCII, and a line means the same
			 * wherever it stands */
	CHARSET_SHIFTS,	/* ISO-2022-JP: the same, once it is back in ASCII */
	CHARSET_OTHER,	/* known, and nothing of that is sure: UTF-16 */
};

#define CHARSET_NAME_MAX 64

struct charset {
	enum charset_kind kind;
	char name[CHARSET_NAME_MAX];	/* by which iconv knows it */
};

/* charset_find - label: of a Content-Type; NULL or "" is US-ASCII (RFC 2045
 * section 5.2). False: unknown. */
bool charset_find(const char *label, struct charset *out);

/* charset_put - UTF-8 in that charset, the same when it is read again. NULL:
 * it lacks a letter, or is of CHARSET_OTHER. The caller frees. */
char *charset_put(const struct charset *charset, const char *text,
		  size_t *len_out);

/* charset_take - bytes in UTF-8, of which the same bytes can be made again.
 * NULL: it cannot. The caller frees. */
char *charset_take(const struct charset *charset, const char *bytes,
		   size_t len, size_t *len_out);

#endif
