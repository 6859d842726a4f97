/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_MAIL_WORDLIST_H
#define MUSTER_MAIL_WORDLIST_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Tables of words that mail is known by: of a subject's beginning, of pieces
 * of sentences. Compared byte for byte: the text is made lower case before,
 * as the words are.
 */
struct wordlist {
	const char *const *words;
	size_t count;
};

/* WORDLIST - from an array of strings */
#define WORDLIST(array) { array, sizeof(array) / sizeof((array)[0]) }

bool wordlist_begins(const struct wordlist *list, const char *text);
bool wordlist_ends(const struct wordlist *list, const char *text);
bool wordlist_within(const struct wordlist *list, const char *text);

#endif
