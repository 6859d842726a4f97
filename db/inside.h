/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_DB_INSIDE_H
#define MUSTER_DB_INSIDE_H

#include "db/archive.h"
#include "db/digest.h"
#include "db/event.h"
#include "db/list.h"
#include "db/post.h"
#include "db/queue.h"
#include "db/record.h"
#include "db/roster.h"
#include "db/surge.h"
#include "db/table.h"
#include "db/token.h"
#include "db/way.h"

/*
 * Records as the files of db/ and the dump share them. Private to db/.
 *
 * A decoder fills err with ERR_CORRUPT, file and key.
 */

/* list_restore - as list_create(), but sets created_s of one that is there */
enum err_code list_restore(struct txn *txn, const char *addr,
			   int64_t created_s, struct err *err);

/* A surge's key in meta: this, and u32 list */
#define SURGE_PREFIX "surge "
bool surge_decode(struct bytes value, struct surge *out);

/* The same of the number of its last post */
#define NUMBER_PREFIX "number "
bool number_decode(struct bytes value, uint64_t *out);

/* member_read - false: the record is not as it should be. All texts of out
 * are borrowed from key and value. */
bool member_read(struct bytes key, struct bytes value, uint32_t *list_out,
		 struct roster_entry *out);

bool bounce_state_is_set(const struct bounce_state *state);
struct member *member_of(const struct roster_entry *entry);

/* These replace what is in out. */
void member_key(GByteArray *out, uint32_t list, const char *addr);
void member_encode(GByteArray *out, const struct member *member,
		   const char *canon);
/* member_prepare - both; ERR_INVALID when member->addr is no address */
enum err_code member_prepare(uint32_t list, const struct member *member,
			     GByteArray *key, GByteArray *value,
			     struct err *err);

/* roster_restore - as roster_put(), but delivery and what it was before are
 * just what member says: for a load */
enum err_code roster_restore(struct txn *txn, uint32_t list,
			     const struct member *member, struct err *err);

/* What a member's delivery was, as bytes of his record and as text of a dump:
 * "0:on 4294967297:digest" ("" if it has always been the same) */
bool changes_are_right(struct bytes changes);
char *changes_text(const struct roster_entry *entry);
bool changes_of_text(const char *text, GBytes **out);

/* Archives */
void archive_key(GByteArray *out, enum archive_kind kind, uint32_t list);
void archived_key(GByteArray *out, uint32_t list, uint32_t number);
enum err_code archive_decode(struct bytes key, struct bytes value,
			     struct archive *out, struct err *err);
enum err_code archived_decode(struct bytes key, struct bytes value,
			      struct archived **out, struct err *err);
/* both as they are, whatever there is: for a load */
enum err_code archive_put(struct txn *txn, const struct archive *archive,
			  struct err *err);
enum err_code archived_put(struct txn *txn, const struct archived *archived,
			   struct err *err);
/* archive_purge - up to max records of a list that is gone */
enum err_code archive_purge(struct txn *txn, uint32_t list, size_t max,
			    size_t *count_out, struct err *err);

/* Digests */
struct digest_post {
	uint32_t list, issue, number;
	struct post_id post;
};
void digest_key(GByteArray *out, uint32_t list);
void digest_post_key(GByteArray *out, uint32_t list, uint32_t issue,
		     uint32_t number);
void digest_post_encode(GByteArray *out, const struct post_id *post);
enum err_code digest_decode(struct bytes key, struct bytes value,
			    struct digest *out, struct err *err);
enum err_code digest_post_decode(struct bytes key, struct bytes value,
				 struct digest_post *out, struct err *err);
/* digest_member_changed - next takes the place of old; *changes_out is what
 * his record is to have, NULL for nothing */
enum err_code digest_member_changed(struct txn *txn, uint32_t list,
				    const struct member *old,
				    const struct member *next,
				    GBytes **changes_out, struct err *err);
/* digest_purge - up to max posts of a list that is gone, and its issues */
enum err_code digest_purge(struct txn *txn, uint32_t list, size_t max,
			   size_t *count_out, struct err *err);

/* Posts. Keys have up to KEY_MAX bytes and replace what is in out. */
struct place post_place(const struct post_id *id);
void post_key(GByteArray *out, const struct post_id *id,
	      enum post_kind kind);
void form_key(GByteArray *out, const struct post_id *id, uint32_t list,
	      enum form_use use, enum form_part part);
/* Their names in a dump; of FORM_META there is none. False: no such; "" is a
 * use of older dumps. */
const char *form_use_name(enum form_use use);
bool form_use_of(const char *name, enum form_use *out);
const char *form_part_name(enum form_use use, enum form_part part);
bool form_part_of(const char *name, enum form_use *use,
		  enum form_part *part);
void post_encode(GByteArray *out, const struct post *post);
enum err_code post_decode(struct bytes key, struct bytes value,
			  struct post **out, struct err *err);

/* evidence_is_right - "", or a JSON object as text */
bool evidence_is_right(const char *evidence);

/* Bytes in pieces of PIECE_MAX below a key (piece_key: key and number). */
void piece_key(GByteArray *key, size_t key_len, uint32_t number);
enum err_code pieces_put(struct txn *txn, struct place at, GByteArray *key,
			 GBytes *bytes, struct err *err);
enum err_code pieces_get(struct txn *txn, struct place at, GByteArray *key,
			 uint64_t size, GBytes **out, struct err *err);

struct form_head {
	uint64_t header_size, body_size, body_at;
	bool has_body;
};
void form_encode(GByteArray *out, const struct form_head *head);
enum err_code form_decode(struct bytes key, struct bytes value,
			  struct form_head *out, struct err *err);

/* trace */
struct trace_view {
	struct post_id id;
	int64_t time_us;
	uint16_t number;	/* of those with the same time */
	const char *stage, *list, *what;
};
void trace_key(GByteArray *out, const struct post_id *id, int64_t time_us,
	       uint16_t number);
void trace_encode(GByteArray *out, const char *stage, const char *list,
		  const char *what);
enum err_code trace_decode(struct bytes key, struct bytes value,
			   struct trace_view *out, struct err *err);

/* ways */
void way_key(GByteArray *out, const struct way *way);
void way_encode(GByteArray *out, const struct way *way);
enum err_code way_decode(struct bytes key, struct bytes value,
			 struct way *out, struct err *err);

/* one_line - of valid UTF-8 without control characters, made of at most max
 * bytes; the caller's */
char *one_line(const char *text, size_t max);
/* is_kind - 1 to max of a-z 0-9 - */
bool is_kind(const char *text, size_t max);

struct ref_view {
	struct post_id id;
	int64_t time_us;
	const char *name;
};
struct place ref_key(GByteArray *out, const char *name,
		     const struct post_id *id);	/* id NULL: its prefix */
void ref_encode(GByteArray *out, int64_t time_us, const char *name);
enum err_code ref_decode(struct place at, struct bytes key,
			 struct bytes value, struct ref_view *out,
			 struct err *err);

/* seen */
void seen_encode(GByteArray *out, const struct post_id *id, int64_t time_s);
enum err_code seen_decode(struct place at, struct bytes key,
			  struct bytes value, struct post_id *id,
			  int64_t *time_s, struct err *err);

/* rates */
struct rate_view {
	uint32_t list;
	struct post_id id;
	uint8_t author[MEMBER_HANDLE_LEN];
	int64_t time_ms;
};
struct place rate_key(GByteArray *out, const struct rate_view *rate);
void rate_encode(GByteArray *out, int64_t time_ms);
enum err_code rate_decode(struct place at, struct bytes key,
			  struct bytes value, struct rate_view *out,
			  struct err *err);

/* tokens */
struct token_view {
	const char *kind, *addr, *other, *detail;
	uint32_t list;
	int64_t made_s, expires_s;
};
/* token_read - of the record of one, or (is_index, then only list, addr, kind
 * and expires_s are there) of the entry that leads to it */
enum err_code token_read(struct bytes key, struct bytes value,
			 bool *is_index_out, uint8_t hash_out[TOKEN_HASH],
			 struct token_view *out, struct err *err);
/* token_put - under this hash, in place of what is there */
enum err_code token_put(struct txn *txn, const uint8_t hash[TOKEN_HASH],
			const struct token_view *token, struct err *err);
/* token_get - *found false: there is none; out borrows from *bytes_out */
enum err_code token_get(struct txn *txn, const uint8_t hash[TOKEN_HASH],
			GBytes **bytes_out, struct token_view *out,
			bool *found, struct err *err);
/* token_is_indexed - is the entry that leads to it there? */
enum err_code token_is_indexed(struct txn *txn,
			       const uint8_t hash[TOKEN_HASH],
			       const struct token_view *token, bool *is,
			       struct err *err);

/* events */
void event_key(GByteArray *out, uint32_t list, int64_t time_us,
	       uint16_t number);
void event_encode(GByteArray *out, const struct event *event);
enum err_code event_decode(struct bytes key, struct bytes value,
			   uint32_t *list_out, struct event *out,
			   struct err *err);

/* queue */
struct place job_place(const struct job *job);
void job_key(GByteArray *out, const struct job *job);
void job_encode(GByteArray *out, const struct job *job);
enum err_code job_decode(struct place at, struct bytes key,
			 struct bytes value, struct job **out,
			 struct err *err);

/* queue_scan - records of all files in the order of their keys; key and
 * value stay valid until the next call */
struct queue_scan;
typedef struct queue_scan queue_scan_t;
struct queue_scan *queue_scan_new(struct txn *txn);
enum err_code queue_scan_next(struct queue_scan *scan, struct place *at,
			      struct bytes *key, struct bytes *value,
			      struct err *err);
void queue_scan_free(struct queue_scan *scan);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(queue_scan_t, queue_scan_free)

#endif
