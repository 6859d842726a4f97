/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_DB_POST_H
#define MUSTER_DB_POST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

#include "db/store.h"

/*
 * Posts: the bytes as they were sent (with our Received on top), their
 * metadata, and what a list has made of them (a "form"). Spread over 16 files
 * by the first four bits of the id, so that commits of different posts seldom
 * meet on a page.
 *
 * An id is 12 random bytes, unique across hosts, shown as 20 characters of
 * a-z 2-7 (base32).
 */

#define POST_ID_LEN 12
#define POST_ID_TEXT 20

struct post_id { uint8_t bytes[POST_ID_LEN]; };

void post_id_new(struct post_id *out);
void post_id_text(const struct post_id *id, char out[POST_ID_TEXT + 1]);
bool post_id_parse(const char *text, struct post_id *out);
/* for GHashTable; the keys are struct post_id */
guint post_id_hash(const void *id);
gboolean post_id_equal(const void *a, const void *b);

struct post {
	struct post_id id;
	int64_t received_s;	/* unix time */
	char *sender;		/* canonical envelope sender, "" for null */
	char *qid;		/* the MTA's queue id, "" unknown */
	char *message_id;	/* with brackets, "" if none */
	char *door;		/* "milter" or "lmtp"; "muster": our own */
	char *client;		/* "host [addr]", "" unknown */
	char *helo;
	char *auth;		/* authenticated login, "" if none */
	char *author;		/* canonical From addresses, joined by ", " */
	char *evidence;		/* evidence_json() as text, "" if none; one of
				 * more than 16 KB is stored as "" */
	uint64_t size;		/* octets stored */
	uint32_t jobs;		/* queue jobs that need it; the post goes with
				 * the last (post_release) */
};

void post_free(struct post *post);

/*
 * post_put - metadata and bytes. fd is read from its beginning to
 * post->size bytes (pread; the bytes are copied into the transaction in
 * pieces of 64 KB).
 */
enum err_code post_put(struct txn *txn, const struct post *post, int fd,
		       struct err *err);
/* *out NULL: no such post (or gone already) */
enum err_code post_get(struct txn *txn, const struct post_id *id,
		       struct post **out, struct err *err);
/* post_id_by_prefix - the only id that begins so, of a post or, when it is
 * gone, of its trace: for VERP tokens */
enum err_code post_id_by_prefix(struct txn *txn, const uint8_t *prefix,
				size_t len, struct post_id *out, bool *found,
				struct err *err);

/* post_bytes - all bytes as sent; *out NULL if it is gone */
enum err_code post_bytes(struct txn *txn, const struct post_id *id,
			 GBytes **out, struct err *err);
/* post_head - the first of them, all or POST_HEAD_MAX */
#define POST_HEAD_MAX (64 * 1024)
enum err_code post_head(struct txn *txn, const struct post_id *id,
			GBytes **out, struct err *err);

/*
 * Forms: what is to be re-injected for a list: a header block, and a body
 * where it differs from the post's own. form_body NULL and body_at: the
 * body is the post's bytes from there on.
 */
enum form_use {
	FORM_COPIES,	/* as each member gets it by itself */
	FORM_BASE,	/* without what only those have: as it is in digests
			 * and in the archive; there only where one of them
			 * wants it */
};

struct form {
	GBytes *header;		/* with final CRLFs, without the empty line */
	GBytes *body;		/* or NULL */
	uint64_t body_at;
};

enum err_code form_put(struct txn *txn, const struct post_id *id,
		       uint32_t list, enum form_use use,
		       const struct form *form, struct err *err);
enum err_code form_get(struct txn *txn, const struct post_id *id,
		       uint32_t list, enum form_use use, struct form **out,
		       struct err *err);	/* *out NULL: none */
void form_free(struct form *form);
void form_done(struct form *form);	/* what is in it */

/*
 * A form, for copies, of which neither the whole nor its size is ever in
 * memory: the body comes in pieces of any length, and the header last, when it
 * is known what the body was. All goes into the transaction, and is there to be read when
 * form_writer_end() has returned ERR_OK.
 */
struct form_writer;
struct form_writer *form_writer_new(struct txn *txn,
				    const struct post_id *id, uint32_t list);
enum err_code form_writer_add(struct form_writer *writer, const void *bytes,
			      size_t len, struct err *err);
enum err_code form_writer_end(struct form_writer *writer, GBytes *header,
			      struct err *err);
void form_writer_free(struct form_writer *writer);

/*
 * post_hold / post_release - one job more, or n fewer, needs this post. With
 * the last the metadata, bytes and forms are deleted; its trace stays.
 */
enum err_code post_hold(struct txn *txn, const struct post_id *id,
			uint32_t jobs, struct err *err);
enum err_code post_release(struct txn *txn, const struct post_id *id,
			   uint32_t jobs, struct err *err);

/*
 * seen: invariant 3. A key is 32 bytes (core/inbound makes it). seen_add
 * says with *first whether it was new; if not, *id_out is the post that it
 * belongs to.
 */
#define SEEN_KEY_LEN 32
enum err_code seen_add(struct txn *txn, const uint8_t key[SEEN_KEY_LEN],
		       const struct post_id *id, int64_t now_s, bool *first,
		       struct post_id *id_out, struct err *err);
/* seen_has - is it known? */
enum err_code seen_has(struct txn *txn, const uint8_t key[SEEN_KEY_LEN],
		       bool *has, struct err *err);
/* seen_rested - has this key rested for rest_s? Only then *rested is true,
 * and it is noted with now_s for the next time. */
enum err_code seen_rested(struct txn *txn, const uint8_t key[SEEN_KEY_LEN],
			  const struct post_id *id, int64_t now_s,
			  int64_t rest_s, bool *rested, struct err *err);
/* seen_expire - forget those older than before_s; own lazy transactions */
enum err_code seen_expire(struct store *store, int64_t before_s,
			  struct err *err);

/*
 * trace: invariant 5. What happened to a post, in order of time; outlives
 * the post until trace_expire().
 */
struct trace_entry {
	int64_t time_us;	/* unix time, set by trace_add when 0 */
	char *stage;		/* "inbound" "moderation" "pending" "outbound"
				 * "bounce" "queue" */
	char *list;		/* canonical address, "" if of no list */
	char *what;		/* one line of UTF-8, for people */
};

enum err_code trace_add(struct txn *txn, const struct post_id *id,
			const char *stage, const char *list,
			struct err *err, const char *format, ...)
	__attribute__((format(printf, 6, 7)));
/* trace_began - when the story of a post begins, unix time; 0: there is none
 * (any more) */
enum err_code trace_began(struct txn *txn, const struct post_id *id,
			  int64_t *time_us_out, struct err *err);
/* trace_ref - make it found by this Message-ID or queue id too; empty text
 * is ignored */
enum err_code trace_ref(struct txn *txn, const struct post_id *id,
			const char *name, struct err *err);
/* trace_find - all ids that go by this name (id text, Message-ID with or
 * without brackets, queue id), oldest first: array of struct post_id */
enum err_code trace_find(struct txn *txn, const char *name, GArray **out,
			 struct err *err);
/* trace_get - array of struct trace_entry *, frees them */
enum err_code trace_get(struct txn *txn, const struct post_id *id,
			GPtrArray **out, struct err *err);
enum err_code trace_expire(struct store *store, int64_t before_s,
			   struct err *err);

#endif
