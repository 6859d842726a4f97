/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_DB_FIELDS_H
#define MUSTER_DB_FIELDS_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "core/base/err.h"
#include "db/queue.h"
#include "db/record.h"

/*
 * The records of a dump and their fields: the table that dump and load
 * share, and muster-dump(5) describes. Private to db/.
 */
#define DUMP_FORMAT "muster-dump"
#define DUMP_VERSION 1

enum dump_type {
	DUMP_META,
	DUMP_SETTING,
	DUMP_LIST,
	DUMP_MEMBER,
	DUMP_POST,
	DUMP_FORM,
	DUMP_PIECE,
	DUMP_JOB,
	DUMP_SEEN,
	DUMP_TRACE,
	DUMP_REF,
	DUMP_RATE,
	DUMP_TOKEN,
	DUMP_EVENT,
	DUMP_DIGEST,
	DUMP_DIGEST_POST,
	DUMP_WAY,
	DUMP_ARCHIVE,
	DUMP_ARCHIVED,
	DUMP_TYPES
};

const char *dump_type_name(enum dump_type type);

/*
 * fields_check - has the object the fields of its type, all of them (but
 * those that older dumps lack), no others, and each of the right kind and
 * range? ERR_INVALID: 'member: field
 * "addr": ...'
 */
enum err_code fields_check(json_t *object, enum dump_type *out,
			   struct err *err);
/* field_bad - ERR_INVALID for a field */
enum err_code field_bad(struct err *err, const json_t *object,
			const char *field, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* Fields of an object that fields_check() has passed. */
const char *field_text(const json_t *object, const char *name);
int64_t field_num(const json_t *object, const char *name);
bool field_bool(const json_t *object, const char *name);
void field_id(const json_t *object, const char *name, struct post_id *out);
GBytes *field_base64(const json_t *object, const char *name);
/* field_hex - false: not exactly len bytes in lower case hex */
bool field_hex(const json_t *object, const char *name, uint8_t *out,
	       size_t len);
/* field_texts - NULL-ended, the caller's (g_strfreev) */
char **field_texts(const json_t *object, const char *name);

const char *audience_name(enum audience audience);
bool audience_of_name(const char *name, enum audience *out);
bool stage_of_name(const char *name, enum stage *out);

#endif
