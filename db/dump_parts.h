/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_DB_DUMP_PARTS_H
#define MUSTER_DB_DUMP_PARTS_H

#include <stdio.h>

#include <glib.h>
#include <jansson.h>

#include "db/dump.h"
#include "db/inside.h"

/* What dump.c and dump_posts.c share. Private to db/. */
#define DUMP_SCAN (256 * 1024)

struct dump {
	struct store *store;
	struct txn *txn;
	FILE *out;
	FILE *jobs;		/* set aside: place, key, value */
	GArray *needs;		/* struct need, sorted by post */
	GHashTable *lists;	/* number -> address */
};

struct need {
	struct post_id post;
	bool written;
};

/* write_object - a line; takes the reference, NULL is an error */
enum err_code write_object(struct dump *dump, json_t *object,
			   struct err *err);
char *base64_of(struct bytes bytes);

/* jobs_aside - first; write_queue - posts, jobs, seen, trace, ref */
enum err_code jobs_aside(struct dump *dump, struct err *err);
enum err_code write_queue(struct dump *dump, struct err *err);

#endif
