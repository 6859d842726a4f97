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
	GArray *digests;	/* struct digest_post, set aside */
	GArray *orders;		/* the same, of which only list and issue
				 * count: issues that a job waits to send */
};

struct need {
	struct post_id post;
	bool written;
};

/* write_object - a line; takes the reference, NULL is an error */
enum err_code write_object(struct dump *dump, json_t *object,
			   struct err *err);
char *base64_of(struct bytes bytes);

/*
 * Members, tokens and events as lines of a dump, and back; dump_members.c.
 * list is an address. The checks say what fields_check() cannot; whether the
 * list is there is for the caller.
 */
json_t *member_json(const char *list, const struct roster_entry *entry);
enum err_code member_json_check(const json_t *object, struct err *err);
struct member *member_of_json(const json_t *object);
json_t *token_json(const char *list, const uint8_t hash[TOKEN_HASH],
		   const struct token_view *token);
enum err_code token_json_check(const json_t *object, struct err *err);
/* out borrows from the object; its list is not set */
void token_of_json(const json_t *object, uint8_t hash_out[TOKEN_HASH],
		   struct token_view *out);
json_t *event_json(const char *list, const struct event *event);
enum err_code event_json_check(const json_t *object, struct err *err);
void event_of_json(const json_t *object, struct event *out);	/* borrows */

/* need_find - NULL: no job or digest needs that post */
struct need *need_find(struct dump *dump, const struct post_id *post);

/* dump_digests.c: digests_aside - first of all; write_digests - behind the
 * posts */
enum err_code digests_aside(struct dump *dump, struct err *err);
enum err_code write_digests(struct dump *dump, GPtrArray *lists,
			    struct err *err);

/* dump_archives.c: write_archives - behind the jobs, so that none of them has
 * written what is not known here. out borrows from the object; its list is
 * not set. */
enum err_code write_archives(struct dump *dump, GPtrArray *lists,
			     struct err *err);
enum err_code archived_json_check(const json_t *object, struct err *err);
void archived_of_json(const json_t *object, struct archived *out);

/* jobs_aside - first; write_queue - posts, jobs, seen, trace, ref */
enum err_code jobs_aside(struct dump *dump, struct err *err);
enum err_code write_queue(struct dump *dump, struct err *err);

#endif
