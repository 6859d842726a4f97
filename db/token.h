/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_DB_TOKEN_H
#define MUSTER_DB_TOKEN_H

#include <stdbool.h>
#include <stdint.h>

#include "db/store.h"

/*
 * Tokens: what somebody is asked to send back, to show that he reads mail to
 * an address, LIST-confirm+TOKEN@DOMAIN. 24 characters of a-z 2-7 (base32 of
 * 120 random bits, read in any case), which say nothing. The store keeps no
 * more than the SHA-256 of those bits: who reads it, a dump or a backup cannot
 * confirm anything.
 *
 * A token is good once and for a time. What it stands for is in its record;
 * what kinds there are is for those who make them to say.
 */
#define TOKEN_TEXT 24
#define TOKEN_HASH 32
#define TOKEN_KIND_MAX 32

struct token {
	char *kind;		/* "join": 1 to TOKEN_KIND_MAX of a-z 0-9 - */
	uint32_t list;		/* its number; 0: of no list */
	char *addr;		/* canonical: whom it is about */
	char *other;		/* a second address (canonical), or "" */
	char *detail;		/* UTF-8, "" if none; as its kind reads it */
	int64_t made_s, expires_s;	/* unix time */
};

void token_free(struct token *token);	/* takes NULL */

/*
 * token_new - make and store one; text_out is for the mail and is kept
 * nowhere. The caller's texts are only read. ERR_INVALID for a kind or an
 * address that is not as it must be.
 */
enum err_code token_new(struct txn *txn, const struct token *token,
			char text_out[TOKEN_TEXT + 1], struct err *err);

/*
 * token_find - what stands behind the text, whatever it is: *out NULL for one
 * that is no token, is not known, has been taken, or had expired at now_s.
 * token_take - the same, and it is gone with the transaction: of two that take
 * it at once, one gets it. A caller who then finds that it is of another kind
 * or list returns an error, or calls token_find() first.
 */
enum err_code token_find(struct txn *txn, const char *text, int64_t now_s,
			 struct token **out, struct err *err);
enum err_code token_take(struct txn *txn, const char *text, int64_t now_s,
			 struct token **out, struct err *err);

/*
 * token_remove_for - those of this list about this canonical address, of this
 * kind or (NULL) of any; *count_out (may be NULL): how many.
 */
enum err_code token_remove_for(struct txn *txn, uint32_t list,
			       const char *addr, const char *kind,
			       uint64_t *count_out, struct err *err);

/*
 * token_walk - those of a list (addr NULL), or of it about one canonical
 * address, by address and kind; also those that have expired and are not yet
 * forgotten. The hash names one that nobody has the text of, for
 * token_remove(). An error of one() ends the walk and is returned. one() may
 * remove tokens.
 */
typedef enum err_code (*token_one)(void *arg, const uint8_t hash[TOKEN_HASH],
				   const struct token *token,
				   struct err *err);
enum err_code token_walk(struct txn *txn, uint32_t list, const char *addr,
			 token_one one, void *arg, struct err *err);
enum err_code token_remove(struct txn *txn, const uint8_t hash[TOKEN_HASH],
			   bool *removed, struct err *err);

/* token_expire - forget those that have expired; own lazy transactions.
 * Those of a deleted list stay until then, and lead nowhere. */
enum err_code token_expire(struct store *store, int64_t now_s,
			   struct err *err);

#endif
