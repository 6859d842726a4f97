/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_DB_BDB_H
#define MUSTER_DB_BDB_H

#include <db.h>
#include <pthread.h>
#include <glib.h>

#include "core/base/err.h"
#include "db/store.h"
#include "db/table.h"

/*
 * What table.c, env.c, store.c and backup.c share: the only files that see
 * Berkeley DB.
 */
struct txn {
	struct store *store;
	DB_TXN *handle;		/* NULL: store_reader() */
	bool deadlock;		/* abort and run it again */
	bool relaxed;		/* reads keep no locks */
};

struct store {
	char *home;
	int lock_fd;
	DB_ENV *env;
	DB *files[TABLES][SHARDS];
	DB *index;		/* handles, associated with members */
	DB *readers;		/* the same of readers */
	struct txn reader;
	uint8_t secret[32];
	int checking;		/* atomic: a damaged page is a finding */
	void (*waits)(bool waits);	/* of store_on_wait(), or NULL */
	int library_s;		/* atomic: second of the library's last line */
	int library_lines;	/* atomic: how many in that second */

	/* housekeeping */
	GThread *detector;
	GThread *checkpointer;
	pthread_mutex_t lock;	/* of pthread: the thread sanitizer knows it */
	pthread_cond_t wake;
	bool stopping;		/* under lock */
	GMutex no_checkpoint;	/* held by a backup */
	GMutex loading;		/* held by a load */
};

/* db_fail - Berkeley DB's rc as an error. DB_RUNRECOVERY ends the process,
 * unless store_check() runs. txn may be NULL. */
enum err_code db_fail(struct store *store, struct txn *txn, int rc,
		      struct err *err, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

/* store_waits - around each call of Berkeley DB for a transaction or reader:
 * it may wait for a lock or for the disk */
void store_waits(const struct store *store, bool waits);

/* env_open - an environment in dir with our settings; flags are added to
 * those of DB_ENV->open */
int env_open(const char *dir, void *owner, uint32_t flags, DB_ENV **out);

enum err_code tables_open(struct store *store, struct err *err);
void tables_close(struct store *store);

void housekeeping_start(struct store *store);
void housekeeping_stop(struct store *store);

#endif
