/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_DB_RECORD_H
#define MUSTER_DB_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

#include "db/post.h"

/*
 * Records and keys as bytes. Private to db/.
 *
 * Numbers are big endian, so that keys sort as their numbers do. A text is
 * u32 length, bytes, NUL; the NUL lets a reader borrow it where it lies. It
 * is valid UTF-8 (what is not is replaced by U+FFFD when it is written) and
 * has at most TEXT_LONGEST bytes, so that each record can be dumped. "text
 * key" below is the bytes and a NUL.
 *
 * The first byte of each value is the version of its layout: RECORD_VERSION,
 * but for members, posts and jobs, where it is MEMBER_VERSION, POST_VERSION
 * and JOB_VERSION. A later layout gets a number of its own, and its decoder
 * keeps reading the old ones.
 *
 *	file      key                           value, behind the version
 *	meta      name                          of its own, see store.c
 *	          "surge ", u32 list            u64 since_s, u32 count, u32
 *	                                        before, u64 members, u64
 *	                                        until_s, u64 from_s
 *	          "number ", u32 list           u64 number of its last post
 *	lists     'A' address (text key)        u32 number, u64 created_s
 *	          'G' u32 number                text address; deleted, members
 *	                                        are still to be purged
 *	          'I' u32 number                text address
 *	settings  scope (text key), name        text value
 *	members   u32 list, address (text key)  u16 flags (2 own posts, 4
 *	                                        moderated, 8 duplicates, 16
 *	                                        ack, 32 hidden), u8 delivery;
 *	                                        if it is off u8 off_by, u64
 *	                                        off_s; u64 since_s; with flag
 *	                                        256 u64 posts; 128 u32
 *	                                        bounces, u64 bounced_s, text
 *	                                        bounce_reason; 64 u32 score,
 *	                                        u64 score_s, u64 scored_s,
 *	                                        u64 probe_s, 4 bytes
 *	                                        probe_post, u64 warned_s, u32
 *	                                        warnings, u32 rise; texts: 512 addr (if
 *	                                        not as in the key), 1024
 *	                                        name, 2048 language; 4096 u8
 *	                                        bytes; in these times u64
 *	                                        position, u8 delivery from
 *	                                        there on.
 *	                                        Version 2: u8 flags (1
 *	                                        delivery, 2 own posts, 4
 *	                                        moderated), u64 since_s, u32
 *	                                        bounces, u64 bounced_s, u64
 *	                                        posts, texts: addr ("": as in
 *	                                        the key), name,
 *	                                        bounce_reason. Version 1: no
 *	                                        flag 4, no posts
 *	handles   8 bytes handle, u32 list      key in members (kept by
 *	                                        Berkeley DB, duplicates)
 *	token     'T' 32 bytes hash             u32 list, u64 made_s, u64
 *	                                        expires_s, texts: kind, addr,
 *	                                        other, detail
 *	          'A' u32 list, addr and kind   u64 expires_s
 *	          (text keys), 32 bytes hash
 *	event     u32 list, u64 time_us, u16 n  texts: kind, addr, what
 *	digest    DIGEST_STATE, u32 list        u32 issue, u32 number, u32
 *	                                        volume, u32 volume_issue, u64
 *	                                        opened_s, u32 posts, u64
 *	                                        bytes, text period
 *	          DIGEST_POST, u32 list, u32    post id
 *	          issue, u32 number
 *	archive   ARCHIVE_STATE, u32 list       u32 last number, u64 posts,
 *	                                        u64 octets of the mbox
 *	          ARCHIVE_ENTRY, u32 list, u32  post id, u64 time_s, u8 format,
 *	          number                        u64 offset, u64 size, 32 bytes
 *	                                        hash, text message_id
 *	          ARCHIVE_POST, u32 list, post  u32 number
 *	          id
 *	          ARCHIVE_NAME, u32 list, 16    nothing
 *	          bytes hash of the Message-ID,
 *	          u32 number
 *	readers   u32 list, u8 delivery,        key in members (kept by
 *	          address (text key)            Berkeley DB), of those only who
 *	                                        get digests
 *	post.X    12 bytes id, POST_META        u64 received_s, u64 size, u32
 *	                                        jobs, texts: sender, qid,
 *	                                        message_id, door, client,
 *	                                        helo, auth, author, evidence.
 *	                                        Version 1: no evidence
 *	          id, POST_FORM, u32 list,      u64 header size, u8 has a body,
 *	          FORM_META                     u64 body size, u64 body_at;
 *	                                        that of FORM_BASE has
 *	                                        FORM_PARTS more, as have
 *	          ..., FORM_HEADER, u32 n       piece n of the header, no
 *	                                        version, PIECE_MAX but the last
 *	          ..., FORM_BODY, u32 n         the same of the body
 *	          id, POST_BODY, u32 n          the same of the bytes as sent
 *	          id, POST_TRACE, u64 time_us,  texts: stage, list, what
 *	          u16 n
 *	          id, POST_WAY, u64 time_us,    u32 turn, u64 as_of_s, u64
 *	          u32 through, u32 list, post   position
 *	          id
 *	queue.X   u8 stage, u64 due_ms,         u8 was, u64 made_ms, u32
 *	          12 bytes id                   attempts, post id, u32 list, u8
 *	                                        role, u8 audience, u64 as_of_s,
 *	                                        u64 sent, u64 refused, texts:
 *	                                        list_addr, detail, after,
 *	                                        until, reason; u32 n, n
 *	                                        texts; u8 flags (1 null
 *	                                        sender), text held_for, u8
 *	                                        delivery, u64 position, u32
 *	                                        through, text through_addr,
 *	                                        group, u64 elsewhere.
 *	                                        Version 4: not the last four;
 *	                                        3: nor the two before them; 2:
 *	                                        nor held_for; 1: nor flags
 *	seen.X    32 bytes                      post id, u64 time_s
 *	ref.X     SHA-256 of the name, post id  u64 time_us, text name
 *	rate.X    u32 list, u32 hours since     u64 time_ms
 *	          1970, post id, 8 bytes
 *	          handle of the author
 *
 * X is the first nibble of the post's id (post, rate), the job's id, the
 * seen key, the hash of the name: files in order hold their keys in order
 * (but for queue, which is merged when read).
 */
#define RECORD_VERSION 1
#define MEMBER_VERSION 3
#define POST_VERSION 2
#define JOB_VERSION 5
#define PIECE_MAX (64 * 1024)
#define KEY_MAX 512		/* bytes of the longest key */
#define TEXT_LONGEST (16 * 1024)	/* of one text; longer ones are cut, so
				 * that a record of a dump keeps to a line
				 * of LINE_LONGEST, however it is escaped */
#define JOB_LONGEST (150 * 1024)	/* of a job's record */
#define LINE_LONGEST (1024 * 1024)
#define POST_LONGEST (1024LL * 1024 * 1024)

enum post_kind { POST_META = 1, POST_FORM, POST_BODY, POST_TRACE, POST_WAY };
enum archive_kind {
	ARCHIVE_STATE = 1, ARCHIVE_ENTRY, ARCHIVE_POST, ARCHIVE_NAME
};
enum digest_kind { DIGEST_STATE = 1, DIGEST_POST };
enum form_part { FORM_META = 1, FORM_HEADER, FORM_BODY };
#define FORM_PARTS 3		/* of a form; those of FORM_BASE follow */

struct bytes {
	const void *data;	/* NULL: nothing there */
	size_t len;
};

#define bytes_of(p, n)	((struct bytes){ (p), (n) })
#define bytes_buf(b)	((struct bytes){ (b)->data, (b)->len })

/* Writing appends to a GByteArray. */
GByteArray *record_new(void);		/* with the version byte */
void put_u8(GByteArray *out, uint8_t n);
void put_u16(GByteArray *out, uint16_t n);
void put_u32(GByteArray *out, uint32_t n);
void put_u64(GByteArray *out, uint64_t n);
void put_raw(GByteArray *out, const void *data, size_t len);
void put_key_text(GByteArray *out, const char *text);
void put_text(GByteArray *out, const char *text);	/* NULL is "" */
void put_id(GByteArray *out, const struct post_id *id);

/*
 * Reading: the first thing that is not there, or not right, sets bad, and
 * from then on everything reads as 0 or "". Whoever has read a record asks
 * cursor_end() whether it was good to its last byte.
 */
struct cursor {
	const uint8_t *at;
	size_t left;
	bool bad;
};

void cursor_init(struct cursor *in, struct bytes bytes);
void cursor_record(struct cursor *in, struct bytes bytes); /* and version */
/* cursor_version - the same where several layouts are read: the version,
 * from 1 to most; 0 and bad if it is another */
uint8_t cursor_version(struct cursor *in, struct bytes bytes, uint8_t most);
uint8_t get_u8(struct cursor *in);
uint16_t get_u16(struct cursor *in);
uint32_t get_u32(struct cursor *in);
uint64_t get_u64(struct cursor *in);
int64_t get_time(struct cursor *in);	/* u64 that fits int64_t */
const void *get_raw(struct cursor *in, size_t len);	/* NULL: bad */
const char *get_key_text(struct cursor *in);	/* borrowed, never NULL */
const char *get_text(struct cursor *in);	/* borrowed, never NULL */
void get_id(struct cursor *in, struct post_id *out);
bool cursor_end(const struct cursor *in);

#endif
