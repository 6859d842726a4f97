/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_MAIL_VERP_H
#define MUSTER_MAIL_VERP_H

#include <stdbool.h>
#include <stdint.h>

/*
 * VERP: the envelope sender of each copy, dev-bounces+TOKEN@lists.example.org
 *
 * TOKEN is 24 characters of a-z 2-7 (RFC 4648 base32 without padding, read
 * in any case): six bytes of a MAC over list, member and post, and nine
 * bytes (five of the member's handle, four of the post's) encrypted under a
 * stream that the MAC begins (a synthetic IV). It tells us which list, member
 * and post a bounce is about without a record per copy, tells others nothing,
 * and cannot be made without the key. The list's address goes into the MAC,
 * so a token is good for one list only.
 *
 * A member's handle is the first five bytes of member_handle() of his
 * canonical address, a post's the first four bytes of its id.
 */

#define VERP_SECRET_LEN 32
#define VERP_TOKEN_LEN 24
#define VERP_MEMBER_LEN 5
#define VERP_POST_LEN 4

struct verp;

/* The key schedule of one secret. Immutable: any thread may use it. */
struct verp *verp_new(const uint8_t secret[VERP_SECRET_LEN]);
void verp_free(struct verp *verp);

/* verp_secret - another secret, of this one and for that purpose */
void verp_secret(const struct verp *verp, const char *purpose,
		 uint8_t out[VERP_SECRET_LEN]);

/* token is ended by NUL */
void verp_make(const struct verp *verp, const char *list,
	       const uint8_t member[VERP_MEMBER_LEN],
	       const uint8_t post[VERP_POST_LEN],
	       char token[VERP_TOKEN_LEN + 1]);

/* verp_open - false: not a token that we made for this list */
bool verp_open(const struct verp *verp, const char *list, const char *token,
	       uint8_t member[VERP_MEMBER_LEN], uint8_t post[VERP_POST_LEN]);

/*
 * A token of a post alone, of 16 characters: four bytes of its id behind six
 * of a MAC over them and the list. It is the same in all copies of a post that
 * share an envelope, so all who got the post know it:
 * dev-bounces+TOKEN@lists.example.org, or with the member behind it, as a
 * relay writes it (XVERP with "+="),
 * dev-bounces+TOKEN+ann=example.org@lists.example.org
 */
#define VERP_POST_TOKEN_LEN 16
void verp_make_post(const struct verp *verp, const char *list,
		    const uint8_t post[VERP_POST_LEN],
		    char token[VERP_POST_TOKEN_LEN + 1]);

/* What stands behind the "+" of a bounce address */
struct verp_says {
	bool is_shared;		/* a token of a post alone */
	uint8_t member[VERP_MEMBER_LEN];	/* where it is not */
	uint8_t post[VERP_POST_LEN];
	char *addr;		/* is_shared: whom the relay named, canonical,
				 * or NULL; to be freed */
};
/* verp_read - false: it has no token of ours for this list */
bool verp_read(const struct verp *verp, const char *list, const char *detail,
	       struct verp_says *out);

/*
 * verp_can_share - would a relay's way to write this address (canonical)
 * behind such a token come back as the same address, in a local part that
 * keeps to RFC 5321? list: canonical address.
 */
bool verp_can_share(const char *list, const char *addr);

/* member_handle - eight bytes that stand for a canonical address: the start
 * of its SHA-256. */
#define MEMBER_HANDLE_LEN 8
void member_handle(const char *addr, uint8_t out[MEMBER_HANDLE_LEN]);

#endif
