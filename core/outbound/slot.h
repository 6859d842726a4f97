/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_OUTBOUND_SLOT_H
#define MUSTER_OUTBOUND_SLOT_H

#include "core/mail/verp.h"
#include "db/post.h"

/*
 * Personal parts. Where a copy is to say something of its own, the form of a
 * post has a mark, and outbound puts the recipient's own text in its place.
 * A mark has a MAC over post and list in it, so that no author can write one.
 */
enum slot {
	SLOT_MEMBER,	/* the address that the copy goes to, in UTF-8 and of
			 * at most ADDR_MAX octets; not in header fields, since
			 * it may have blanks that a signature does not see */
	SLOT_LEAVE,	/* the token with which he can leave */
	SLOT_MEMBER_QP,	/* as SLOT_MEMBER, in quoted-printable, of which the
			 * mark stands at the start of a line */
	SLOTS
};

#define SLOT_MARK_MAX 48

/* slot_value_qp - an address as it stands in the place of SLOT_MEMBER_QP;
 * NULL: as it is. The caller frees. */
char *slot_value_qp(const char *addr);

/* slot_mark - the mark, ended by NUL; printable ASCII without blanks */
void slot_mark(const struct verp *verp, const char *list,
	       const struct post_id *post, enum slot slot,
	       char mark[SLOT_MARK_MAX]);

/*
 * leave_token_make, leave_token_open - a token that says which member of a
 * list it was made for, good as long as he is one (RFC 8058 section 3.1: it
 * must be hard to guess). With the member's handle.
 */
void leave_token_make(const struct verp *verp, const char *list,
		      const uint8_t member[VERP_MEMBER_LEN],
		      const uint8_t post[VERP_POST_LEN],
		      char token[VERP_TOKEN_LEN + 1]);
bool leave_token_open(const struct verp *verp, const char *list,
		      const char *token, uint8_t member[VERP_MEMBER_LEN]);
/* leave_token_read - and in the copy of which post it was */
bool leave_token_read(const struct verp *verp, const char *list,
		      const char *token, uint8_t member[VERP_MEMBER_LEN],
		      uint8_t post[VERP_POST_LEN]);

#endif
