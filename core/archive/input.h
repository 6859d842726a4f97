/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_ARCHIVE_INPUT_H
#define MUSTER_ARCHIVE_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "core/base/err.h"

/*
 * A file that is read line by line, with a look at what follows. One that is
 * compressed (gzip, RFC 1952; also several behind one another) is read as what
 * it holds.
 */
#define INPUT_LINE_MAX (1024 * 1024)	/* longer lines come in pieces */

struct input;
struct input *input_new(FILE *in, const char *name);
void input_free(struct input *input);

/*
 * input_peek - the line that begins `ahead` octets from here, with its line
 * end where it has one; *len_out 0: there is nothing. input_room - are there
 * so many octets? input_at - the next of them. What these return holds until
 * the next call.
 */
enum err_code input_peek(struct input *input, size_t ahead,
			 const char **line_out, size_t *len_out,
			 struct err *err);
enum err_code input_room(struct input *input, size_t len, bool *there,
			 struct err *err);
const char *input_at(const struct input *input);
void input_skip(struct input *input, size_t len);

uint64_t input_line_number(const struct input *input);	/* from 1 on */
uint64_t input_octets(const struct input *input);	/* read so far */
const char *input_name(const struct input *input);

#endif
