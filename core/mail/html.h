/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_MAIL_HTML_H
#define MUSTER_MAIL_HTML_H

#include <stddef.h>

/*
 * html_to_text - what a document in HTML says, as lines of at most 72 columns
 * where words allow it, that end in CRLF, in UTF-8; without the last line end.
 *
 * charset	what the mail says it is in; NULL: what the document says, or
 *		UTF-8, or windows-1252
 *
 * Links are numbered, [1], and listed at the end, where their text is not
 * their address already; quotes have "> " in front, lists "* " or numbers;
 * the cells of a table stand in columns where they fit, else below each other.
 * What is not shown (scripts, styles, comments, what is hidden) is left out.
 *
 * NULL: it is larger or deeper than this reads. The caller frees. Any thread.
 */
char *html_to_text(const unsigned char *bytes, size_t len,
		   const char *charset);

#endif
