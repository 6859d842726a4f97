/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_T_DNS_TEXT_H
#define MUSTER_T_DNS_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

/* Names and data of a zone, from text and to it */

/* The types that a zone can have; 0: none of them */
uint16_t dns_text_type(const char *name);
const char *dns_text_type_name(uint16_t type);	/* "OTHER" */

/* The words of a line, escapes and quotes as they stand. "#" and ";" begin a
 * comment. */
GPtrArray *dns_text_words(const char *line);

/* A name in wire format, and back: lower case, what is odd as \DDD. NULL: it
 * is none. */
GByteArray *dns_text_name(const char *word);
char *dns_text_of_name(const uint8_t *wire, size_t len, size_t *end);

/* The RDATA of a record from its words; NULL: it cannot be read. */
GByteArray *dns_text_data(uint16_t type, char *const *words, guint count);

#endif
