/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_DB_ROSTER_H
#define MUSTER_DB_ROSTER_H

#include <stdbool.h>
#include <stdint.h>

#include "core/mail/verp.h"	/* MEMBER_HANDLE_LEN, VERP_MEMBER_LEN */
#include "db/list.h"
#include "db/store.h"

/*
 * The roster: who is subscribed to which list, keyed by (list, canonical
 * address), with an index (kept by Berkeley DB) from member_handle() of the
 * address to the entries, which serves "all lists of an address" and VERP
 * tokens alike.
 */

/* How a member gets the list's posts. */
enum delivery_mode {
	DELIVERY_OFF,
	DELIVERY_ON,		/* a copy of each: only these get copies */
	DELIVERY_DIGEST,	/* collected, as MIME */
	DELIVERY_DIGEST_PLAIN,	/* collected, as one plain text */
};

/* Who has turned delivery off. OFF_NOT: it is not off. */
enum off_by { OFF_NOT, OFF_BY_SELF, OFF_BY_ADMIN, OFF_BY_BOUNCES };

/* "off" "on" "digest" "plain"; "" "self" "admin" "bounces" */
const char *delivery_mode_name(enum delivery_mode delivery);
bool delivery_mode_of_name(const char *name, enum delivery_mode *out);
const char *off_by_name(enum off_by by);
bool off_by_of_name(const char *name, enum off_by *out);

/*
 * What failures add up to, and what has been done about it. The rules are
 * core/bounce's; all of it 0: nothing. Times are unix times, 0: never.
 */
struct bounce_state {
	uint32_t score;		/* thousandths, as of score_s */
	int64_t score_s;
	int64_t scored_s;	/* when it has last risen */
	uint32_t rise;		/* by how much, that day */
	int64_t probe_s;	/* when the probe left that is out; 0: none */
	uint8_t probe_post[VERP_POST_LEN];	/* what names it in its token */
	int64_t warned_s;	/* the last warning that delivery is off */
	uint32_t warnings;
};

struct member {
	char *addr;		/* as given, case kept */
	char *name;		/* UTF-8, "" if none */
	char *language;		/* a tag such as "de"; "": the list's */
	enum delivery_mode delivery;	/* see member_deliver() */
	enum off_by off_by;
	int64_t off_s;		/* unix time, 0: not off, or not known */
	bool own_posts;		/* gets copies of his own posts */
	bool duplicates;	/* gets the list's copy of a post that he is
				 * an addressee of himself, too */
	bool ack;		/* is told that a post of his was sent */
	bool hidden;		/* not in what `who` shows */
	bool moderated;		/* his posts wait for a moderator */
	int64_t since_s;	/* unix time of subscription */
	uint32_t bounces;	/* failures recorded */
	int64_t bounced_s;	/* unix time of the last, 0: never */
	char *bounce_reason;	/* "5.1.1 550 no such user", "" if none */
	struct bounce_state bounce;
	uint64_t posts;		/* of his that the list has accepted */
	GBytes *changes;	/* of delivery, or NULL; the store's own, see
				 * db/digest.h */
};

/* member_new - with delivery on, own posts and duplicates; the rest no, 0
 * and "" */
struct member *member_new(const char *addr, int64_t since_s);
void member_free(struct member *member);

/*
 * member_deliver - set delivery, and with it what belongs together: off has
 * by (not OFF_NOT) and now_s, of which a later one by the same changes
 * nothing; anything else has neither, and who comes back from off begins with
 * a bounce_state of 0. A record that is stored says "by an administrator"
 * where it is off and off_by is OFF_NOT.
 */
void member_deliver(struct member *member, enum delivery_mode delivery,
		    enum off_by by, int64_t now_s);

/* member_delivery_before - what he got before his delivery was turned off, as
 * far as that is known; DELIVERY_ON otherwise */
enum delivery_mode member_delivery_before(const struct member *member);

/*
 * roster_find - one subscriber of one list, by address
 *
 * addr	canonical (addr_canon)
 * out	the member, to be freed with member_free(); NULL when nobody has that
 *	address, which is an answer and not an error
 */
enum err_code roster_find(struct txn *txn, uint32_t list, const char *addr,
			  struct member **out, struct err *err);

/* roster_add - *added false when the address is on the list already (and
 * nothing is changed). The key is addr_canon(member->addr). */
enum err_code roster_add(struct txn *txn, uint32_t list,
			 const struct member *member, bool *added,
			 struct err *err);
/* roster_put - add or replace. Where this changes his delivery, what there is
 * of an issue of a digest may come to him at once: db/digest.h. */
enum err_code roster_put(struct txn *txn, uint32_t list,
			 const struct member *member, struct err *err);
enum err_code roster_remove(struct txn *txn, uint32_t list, const char *addr,
			    bool *removed, struct err *err);

/*
 * roster_count_post - one post more of this canonical address has been
 * accepted; nothing if it is not on the list. Meant for the stage that takes
 * the post on: in the transaction that accepts it, the posts of one author
 * would meet on one page.
 */
enum err_code roster_count_post(struct txn *txn, uint32_t list,
				const char *addr, struct err *err);

/*
 * roster_batch - up to max members of a list in key order, those whose
 * canonical address follows `after` ("" for the first). Reads committed
 * data with a bulk cursor that is closed on return. Fewer than max: the end.
 * The batch owns its memory; entries borrow from it.
 */
struct roster_entry {
	const char *key;	/* canonical address */
	const char *addr;	/* as given */
	const char *name;
	const char *language;
	const char *bounce_reason;
	enum delivery_mode delivery;
	enum off_by off_by;
	bool own_posts;
	bool duplicates;
	bool ack;
	bool hidden;
	bool moderated;
	int64_t off_s;
	int64_t since_s;
	uint32_t bounces;
	int64_t bounced_s;
	struct bounce_state bounce;
	uint64_t posts;
	const void *changes;	/* see delivery_at() in db/digest.h */
	size_t changes_len;
};

struct roster_batch {
	struct roster_entry *entries;
	size_t count;
	bool end;		/* nothing follows the last entry */
	void *memory;
};

enum err_code roster_batch(struct store *store, uint32_t list,
			   const char *after, size_t max,
			   struct roster_batch *out, struct err *err);
/* roster_batch_from - the same from this canonical address on, with it */
enum err_code roster_batch_from(struct store *store, uint32_t list,
				const char *first, size_t max,
				struct roster_batch *out, struct err *err);
void roster_batch_done(struct roster_batch *batch);

/*
 * roster_each - one() for every member of a list in key order, read in
 * batches; no lock is held while it is called. It returns false where it has
 * seen enough. The entry is gone when it returns.
 */
typedef bool (*roster_one)(void *arg, const struct roster_entry *entry);
enum err_code roster_each(struct store *store, uint32_t list, roster_one one,
			  void *arg, struct err *err);

/* roster_count - walks the list; *off_out (may be NULL): of them with
 * DELIVERY_OFF */
enum err_code roster_count(struct store *store, uint32_t list,
			   uint64_t *out, uint64_t *off_out,
			   struct err *err);

/*
 * roster_ranks - ranks_out[i]: how many members who have this delivery now
 * come in key order up to and with keys[i] (canonical
 * addresses, ascending); *all_out: how many there are. Walks the list once,
 * and holds up nobody.
 */
enum err_code roster_ranks(struct store *store, uint32_t list,
			   enum delivery_mode delivery,
			   const char *const *keys, size_t count,
			   uint64_t *ranks_out, uint64_t *all_out,
			   struct err *err);

/* roster_by_handle - the member of this list whose handle begins with these
 * bytes; *out NULL if there is none or more than one. *key_out (may be
 * NULL): canonical address, the caller's. */
enum err_code roster_by_handle(struct txn *txn, uint32_t list,
			       const uint8_t handle[VERP_MEMBER_LEN],
			       struct member **out, char **key_out,
			       struct err *err);

/* roster_lists - numbers of all lists that this canonical address is on */
enum err_code roster_lists(struct txn *txn, const char *addr, GArray **out,
			   struct err *err);

/*
 * roster_import - add many, fast: members of an array sorted or not, those
 * that are there already are left as they are; in one transaction (keep to a
 * few thousand a call). added[i] says which were new; may be NULL. A million
 * take half the time if they come in the order of addresses over all calls.
 * ERR_NOSPACE, before anything is written, when the disk is nearly full.
 */
enum err_code roster_import(struct store *store, uint32_t list,
			    struct member *const *members, size_t count,
			    bool *added, struct err *err);

#endif
