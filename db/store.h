/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_DB_STORE_H
#define MUSTER_DB_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"

/*
 * The store: one Berkeley DB environment below home, owned by one process.
 * Only db/ includes <db.h>.
 *
 *	home/lock	held (flock) by the owner as long as it lives, whose
 *			process id it says
 *	home/env/	the environment; data/ and log/ below it
 *	home/load/	the copy of a dump that is being loaded
 *	home/ballast	64 MB to give up before recovery on a full disk
 *
 * store_open() always recovers, and finishes a load that a crash cut off.
 * All calls may come from any thread, but for store_open and store_close.
 */

struct store;

/*
 * store_open - take home's lock, create the directories (mode 0700) if
 * missing, recover, check the schema version, start the housekeeping
 * threads (deadlock detector, checkpoints).
 *
 * Fails with ERR_BUSY when another process owns the home, and names it;
 * ERR_INVALID when
 * home cannot be one (not a directory, other schema version); ERR_IO,
 * ERR_NOSPACE, ERR_CORRUPT.
 */
enum err_code store_open(const char *home, struct store **out,
			 struct err *err);
void store_close(struct store *store);		/* takes NULL */

/* The site's secret (VERP, tokens), made at creation, kept in meta. 32
 * bytes. */
const uint8_t *store_secret(const struct store *store);

/* store_space - bytes free for unprivileged users on home's file system */
enum err_code store_space(const struct store *store, int64_t *free_out,
			  struct err *err);

/*
 * A transaction. store_txn() begins one, runs body, and commits when body
 * returns ERR_OK, else aborts. On a deadlock it aborts and runs body AGAIN
 * (so body must have no effect but through txn and must reset what it
 * writes to arg), at most 50 times, then ERR_BUSY.
 *
 * TXN_DURABLE: on disk when store_txn() returns ERR_OK.
 * TXN_LAZY: survives the death of the process at once, a power failure only
 * after the next durable commit; for what nobody outside was told of.
 *
 * After DB_RUNRECOVERY nothing can go on: store_txn() logs and ends the
 * process (abort), and the next start recovers.
 */
struct txn;

enum txn_kind { TXN_DURABLE, TXN_LAZY };

typedef enum err_code (*txn_body)(struct txn *txn, void *arg,
				  struct err *err);

enum err_code store_txn(struct store *store, enum txn_kind kind,
			txn_body body, void *arg, struct err *err);

/* store_on_wait - to be told, in the thread itself, when it begins (true) and
 * ends (false) to wait for a lock or for the disk, that is, for what others
 * do. Before other threads use the store; waits() may not use it. */
void store_on_wait(struct store *store, void (*waits)(bool waits));

/*
 * store_reader - reads outside any transaction: each read sees committed
 * data, no lock is held on return. Shared by all threads, lives as long as
 * the store. Writing through it is a programming error (assert).
 */
struct txn *store_reader(struct store *store);
/* txn_relax - while it is set, what the transaction reads is not kept for it:
 * for much that nobody changes, such as posts, so that others can go on */
void txn_relax(struct txn *txn, bool relaxed);

/* store_check - walk and decode every record and every link between files;
 * each finding is one line through report. Returns ERR_OK even when there are
 * findings. */
typedef void (*store_report)(void *arg, const char *finding);
enum err_code store_check(struct store *store, store_report report,
			  void *arg, struct err *err);

/*
 * store_backup - a hot backup into dir (created, must be empty or absent),
 * with everything that was committed when it began, recovered, and ready to
 * be used as home/env of a stopped muster: dir becomes a HOME (dir/env/...).
 */
enum err_code store_backup(struct store *store, const char *dir,
			   struct err *err);

#endif
