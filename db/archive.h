/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_DB_ARCHIVE_H
#define MUSTER_DB_ARCHIVE_H

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "db/list.h"
#include "db/post.h"
#include "db/store.h"

/*
 * What is in the archive of each list. The posts themselves are in files
 * (core/archive/archive.h); here is what should be there: each has a number
 * in its list, from 1 on, and the hash of its bytes, so that it can be found
 * and verified, and written no second time.
 */

#define ARCHIVE_HASH 32		/* SHA-256 */

/* The archive of a list. */
struct archive {
	uint32_t list;
	uint32_t last;		/* the number that was given last */
	uint64_t posts;
	uint64_t mbox_size;	/* octets of the mbox, as far as it is known */
};

struct archived {
	uint32_t list, number;
	struct post_id post;	/* of one that was imported: made of its hash */
	int64_t time_s;		/* when it came; unix time */
	enum archive_format format;
	uint64_t offset;	/* in the mbox; 0 in a Maildir */
	uint64_t size;		/* octets in the file */
	uint8_t hash[ARCHIVE_HASH];	/* of its text, lines ending in LF */
	char *message_id;	/* with brackets, "" if none */
};

void archived_free(struct archived *archived);	/* takes NULL */
typedef struct archived archived_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(archived_t, archived_free)

/* archive_get - one that is empty where there is none yet; archive_lock - the
 * same, to be changed */
enum err_code archive_get(struct txn *txn, uint32_t list,
			  struct archive *out, struct err *err);
enum err_code archive_lock(struct txn *txn, uint32_t list,
			   struct archive *out, struct err *err);

/* archive_add - one more in an archive that is locked. It gets its number
 * here; changes archive, and stores it. */
enum err_code archive_add(struct txn *txn, struct archive *archive,
			  struct archived *archived, struct err *err);
/* archive_forget - it is known no more; the same */
enum err_code archive_forget(struct txn *txn, struct archive *archive,
			     const struct archived *archived,
			     struct err *err);
/* archive_set_mbox - where the mbox ends from now on; the same */
enum err_code archive_set_mbox(struct txn *txn, struct archive *archive,
			       uint64_t size, struct err *err);

/* Each *out is NULL where there is none. */
enum err_code archive_by_number(struct txn *txn, uint32_t list,
				uint32_t number, struct archived **out,
				struct err *err);
enum err_code archive_by_post(struct txn *txn, uint32_t list,
			      const struct post_id *post,
			      struct archived **out, struct err *err);
/* archive_next - the first whose number follows `after` */
enum err_code archive_next(struct txn *txn, uint32_t list, uint32_t after,
			   struct archived **out, struct err *err);

/* archive_by_message_id - all of that Message-ID (with brackets), in the
 * order of their numbers: array of struct archived *, frees them */
enum err_code archive_by_message_id(struct txn *txn, uint32_t list,
				    const char *message_id, GPtrArray **out,
				    struct err *err);

#endif
