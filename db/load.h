/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_DB_LOAD_H
#define MUSTER_DB_LOAD_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

#include "db/dump.h"
#include "db/fields.h"
#include "db/table.h"

/* The parts of a load, private to db/ (and its fuzz test). */

/*
 * load_check_new - the first pass: lines one by one, in their order. What
 * a line may refer to is in the lines before it or in the store; txn NULL:
 * there is no store.
 */
struct load_check;
typedef struct load_check load_check_t;
struct load_check *load_check_new(struct txn *txn);
/* line is without its newline; errors name "line N" */
enum err_code load_check_line(struct load_check *check, const char *line,
			      size_t len, struct err *err);
/* load_check_end - what only the end can tell */
enum err_code load_check_end(struct load_check *check,
			     struct dump_counts *out, struct err *err);
void load_check_free(struct load_check *check);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(load_check_t, load_check_free)

/* load_parse - a line as an object; ERR_INVALID without the line's number */
enum err_code load_parse(const char *line, size_t len, json_t **out,
			 struct err *err);

/*
 * load_put - the second pass: put a record that has passed the first. Doing
 * it again changes nothing more.
 */
struct load_put;
typedef struct load_put load_put_t;
enum err_code load_put_new(struct txn *reader, struct load_put **out,
			   struct err *err);
/* load_put_begin - at the beginning of each transaction, each time */
void load_put_begin(struct load_put *put);
enum err_code load_put(struct load_put *put, struct txn *txn,
		       const json_t *object, enum dump_type type,
		       struct err *err);
void load_put_free(struct load_put *put);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(load_put_t, load_put_free)

/* load_line - the next line of a file into buf of LINE_LONGEST + 1 bytes,
 * without its newline. *len_out SIZE_MAX: the end. */
enum err_code load_line(FILE *in, char *buf, size_t *len_out,
			struct err *err);

/* A dump that was checked and whose marker is in meta is put in. */
enum err_code load_finish(struct store *store, struct err *err);

#endif
