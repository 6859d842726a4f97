/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_COMMAND_PRINT_H
#define MUSTER_COMMAND_PRINT_H

#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

#include "core/command/verb.h"

/*
 * What the verbs print. Data is made once, as JSON; the text form is made of
 * the same object, so that the two tell the same: a line "key = value" per
 * member, with "-" for "_" in the key, yes and no for truth, "-" for
 * null, and the members of an inner object as "outer-inner".
 */

/* print_plain - text from outside for a terminal: control characters become
 * \xNN. The caller frees. */
char *print_plain(const char *text);

/* Times as RFC 3339 in UTC. The caller frees. */
char *time_text_s(int64_t time_s);
char *time_text_us(int64_t time_us);

/* points_text - thousandths as "0.25". The caller frees. */
char *points_text(uint32_t thousandths);

/* json_text - a string of any bytes, made valid UTF-8
 * json_text_or_null - the same, and null for ""
 * json_time - null for 0
 * json_points - a number with --json, else its text */
json_t *json_text(const char *text);
json_t *json_text_or_null(const char *text);
json_t *json_time(int64_t time_s);
json_t *json_points(const struct call *call, uint32_t thousandths);

/* row_text - the text of a member for a row; "-" for none, "" and null.
 * Borrowed. */
const char *row_text(const json_t *object, const char *key);

/* print_object - one, as --json or text; takes object over */
void print_object(const struct call *call, json_t *object);
void print_lines(FILE *out, const json_t *object);

/*
 * An array that is printed as it comes. Begin and end do nothing without
 * --json, and items are for it only. print_array_row - an item, or else what
 * row() makes of it. Both take item over.
 */
struct print_array {
	FILE *out;
	bool json;
	uint64_t count;
};
typedef void (*print_array_text)(FILE *out, const json_t *item);
void print_array_begin(struct print_array *array, const struct call *call);
void print_array_item(struct print_array *array, json_t *item);
void print_array_row(struct print_array *array, json_t *item,
		     print_array_text row);
void print_array_end(struct print_array *array);

/* Progress on a terminal, at most twice a second; elsewhere nothing. */
struct progress {
	FILE *out;		/* NULL: nobody to tell */
	int64_t last_ms;
	bool shown;
};
void progress_init(struct progress *progress, const struct call *call);
void progress_show(struct progress *progress, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void progress_clear(struct progress *progress);

#endif
