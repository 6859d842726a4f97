/* SPDX-License-Identifier: BSD-2-Clause */
#include "db/bdb.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "db/load.h"
#include "core/base/banned.h"

/*
 * Records of meta, behind the version byte:
 *	"schema"	u32, SCHEMA
 *	"secret"	32 bytes
 *	"next-list"	u32, the number of the next list (list.c)
 *	"load"		there while a checked dump is being put in (load.c)
 */
#define SCHEMA 1
#define SECRET_LEN 32
#define BALLAST_SIZE (64 * 1024 * 1024)
#define TXN_TRIES 50
#define ROOM_LEAST (32 * 1024 * 1024)
#define RECOVERY_ROOM (96 * 1024 * 1024)

static enum err_code
make_dir(const char *path, struct err *err)
{
	struct stat st;

	if (mkdir(path, 0700) == 0)
		return ERR_OK;
	if (errno != EEXIST)
		return err_errno(err, "", "%s", path);
	if (stat(path, &st) < 0)
		return err_errno(err, "", "%s", path);
	if (!S_ISDIR(st.st_mode))
		return err_set(err, ERR_INVALID,
			       "home must be a directory of muster's own",
			       "%s is not a directory", path);
	return ERR_OK;
}

static enum err_code
make_dirs(const char *home, struct err *err)
{
	static const char *const names[] = {
		"env", "env/data", "env/log", "load",
	};
	enum err_code rc;

	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		g_autofree char *path = g_build_filename(home, names[i],
							 NULL);

		rc = make_dir(path, err);
		if (rc != ERR_OK)
			return rc;
	}
	return ERR_OK;
}

/* Who has the lock, for those who find it taken: on a full disk nobody. */
static void
lock_sign(int fd)
{
	g_autofree char *pid = g_strdup_printf("%d\n", (int)getpid());

	if (ftruncate(fd, 0) != 0 ||
	    pwrite(fd, pid, strlen(pid), 0) != (ssize_t)strlen(pid))
		(void) ftruncate(fd, 0);
}

/* "process 4711 (muster)" */
static char *
lock_owner(int fd)
{
	g_autofree char *path = NULL, *name = NULL;
	char text[16] = "";
	long pid;

	if (pread(fd, text, sizeof(text) - 1, 0) <= 0 ||
	    (pid = strtol(text, NULL, 10)) <= 0)
		return g_strdup("another running process");
	path = g_strdup_printf("/proc/%ld/comm", pid);
	if (!g_file_get_contents(path, &name, NULL, NULL))
		return g_strdup_printf("process %ld", pid);
	return g_strdup_printf("process %ld (%s)", pid, g_strchomp(name));
}

static enum err_code
take_lock(struct store *store, struct err *err)
{
	g_autofree char *path = g_build_filename(store->home, "lock", NULL);
	g_autofree char *owner = NULL;

	store->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (store->lock_fd < 0)
		return err_errno(err, "", "%s", path);
	if (flock(store->lock_fd, LOCK_EX | LOCK_NB) == 0) {
		lock_sign(store->lock_fd);
		return ERR_OK;
	}
	if (errno != EWOULDBLOCK)
		return err_errno(err, "", "%s", path);
	owner = lock_owner(store->lock_fd);
	return err_set(err, ERR_BUSY,
		       "stop musterd, or ask it over its socket",
		       "%s belongs to %s", store->home, owner);
}

/* Made where it is missing and there is room; else the next start tries. */
static void
ballast_make(const struct store *store)
{
	g_autofree char *path = g_build_filename(store->home, "ballast",
						 NULL);
	struct err err = ERR_INIT;
	struct stat st;
	int fd;

	if (stat(path, &st) == 0 && st.st_size == BALLAST_SIZE)
		return;
	if (store_room(store, BALLAST_SIZE, &err) != ERR_OK) {
		log_err(NULL, "store.no-ballast", &err);
		return;
	}
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd >= 0 && posix_fallocate(fd, 0, BALLAST_SIZE) != 0)
		(void) unlink(path);	/* half of one is of no use */
	if (fd >= 0)
		(void) close(fd);
}

/* Recovery writes, and on a full disk it fails: with ENOSPC, or with
 * DB_RUNRECOVERY when it was half done. Then the ballast goes. The region
 * files (40 MB) of the attempt are gone by now, and look like free space. */
static bool
ballast_give_up(const struct store *store)
{
	g_autofree char *path = g_build_filename(store->home, "ballast",
						 NULL);
	struct err err = ERR_INIT;

	if (store_room(store, RECOVERY_ROOM, &err) == ERR_OK ||
	    unlink(path) < 0)
		return false;
	log_warning(NULL, "store.ballast-given-up", kv_str("home",
		    store->home), kv_str("todo", err.todo));
	return true;
}

static enum err_code
open_env(struct store *store, struct err *err)
{
	g_autofree char *dir = g_build_filename(store->home, "env", NULL);
	int rc = env_open(dir, store, DB_RECOVER, &store->env);

	if (rc != 0 && ballast_give_up(store))
		rc = env_open(dir, store, DB_RECOVER, &store->env);
	if (rc == 0)
		return ERR_OK;
	if (store_room(store, RECOVERY_ROOM, err) == ERR_NOSPACE)
		return err_context(err, "recovery of %s", dir);
	return db_fail(NULL, NULL, rc, err, "recovery of %s", dir);
}

static enum err_code
meta_create(struct txn *txn, struct err *err)
{
	g_autoptr(GByteArray) schema = record_new();
	g_autoptr(GByteArray) secret = record_new();
	uint8_t random[SECRET_LEN];
	enum err_code rc;

	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		return err_errno(err, "", "random bytes for the secret");
	put_u32(schema, SCHEMA);
	put_raw(secret, random, sizeof(random));
	rc = table_put(txn, place_of(TABLE_META), bytes_of("secret", 6),
		       bytes_buf(secret), err);
	if (rc != ERR_OK)
		return rc;
	return table_put(txn, place_of(TABLE_META), bytes_of("schema", 6),
			 bytes_buf(schema), err);
}

static enum err_code
meta_body(struct txn *txn, void *arg, struct err *err)
{
	g_autoptr(GBytes) schema = NULL;
	enum err_code rc;

	(void) arg;
	rc = table_get(txn, place_of(TABLE_META), bytes_of("schema", 6),
		       &schema, err);
	if (rc != ERR_OK || schema != NULL)
		return rc;
	return meta_create(txn, err);
}

static enum err_code
meta_schema(struct store *store, struct err *err)
{
	g_autoptr(GBytes) found = NULL;
	struct cursor in;
	uint32_t schema;
	enum err_code rc;

	rc = table_get(&store->reader, place_of(TABLE_META),
		       bytes_of("schema", 6), &found, err);
	if (rc != ERR_OK)
		return rc;
	cursor_record(&in, bytes_whole(found));
	schema = get_u32(&in);
	if (cursor_end(&in) && schema == SCHEMA)
		return ERR_OK;
	return err_set(err, ERR_INVALID,
		       "dump it with the muster that wrote it, and load that",
		       "%s has schema version %u; this muster reads %d",
		       store->home, schema, SCHEMA);
}

static enum err_code
meta_secret(struct store *store, struct err *err)
{
	g_autoptr(GBytes) found = NULL;
	const uint8_t *secret;
	struct cursor in;
	enum err_code rc;

	rc = table_get(&store->reader, place_of(TABLE_META),
		       bytes_of("secret", 6), &found, err);
	if (rc != ERR_OK)
		return rc;
	cursor_record(&in, bytes_whole(found));
	secret = get_raw(&in, SECRET_LEN);
	if (!cursor_end(&in))
		return record_corrupt(place_of(TABLE_META),
				      bytes_of("secret", 6), err);
	memcpy(store->secret, secret, SECRET_LEN);
	return ERR_OK;
}

static enum err_code
open_all(struct store *store, struct err *err)
{
	enum err_code rc = make_dir(store->home, err);

	if (rc == ERR_OK)
		rc = take_lock(store, err);
	if (rc == ERR_OK)
		rc = make_dirs(store->home, err);
	if (rc == ERR_OK)
		rc = open_env(store, err);
	if (rc != ERR_OK)
		return rc;
	rc = tables_open(store, err);
	if (rc == ERR_OK)
		rc = store_txn(store, TXN_DURABLE, meta_body, NULL, err);
	if (rc == ERR_OK)
		rc = meta_schema(store, err);
	if (rc != ERR_OK)
		return rc;
	housekeeping_start(store);
	rc = load_finish(store, err);
	if (rc == ERR_OK)
		rc = meta_secret(store, err);
	if (rc == ERR_OK)
		ballast_make(store);
	return rc;
}

enum err_code
store_open(const char *home, struct store **out, struct err *err)
{
	struct store *store = g_new0(struct store, 1);
	enum err_code rc;

	store->home = g_strdup(home);
	store->lock_fd = -1;
	store->reader.store = store;
	(void) pthread_mutex_init(&store->lock, NULL);
	g_mutex_init(&store->no_checkpoint);
	g_mutex_init(&store->loading);
	clock_cond_init(&store->wake);
	rc = open_all(store, err);
	if (rc != ERR_OK) {
		store_close(store);
		return rc;
	}
	*out = store;
	return ERR_OK;
}

/* The files first, so that the last checkpoint lists none as open and the
 * next recovery has nothing to look at. */
void
store_close(struct store *store)
{
	if (store == NULL)
		return;
	housekeeping_stop(store);
	tables_close(store);
	if (store->env != NULL) {
		(void) store->env->txn_checkpoint(store->env, 0, 0, 0);
		(void) store->env->close(store->env, 0);
	}
	if (store->lock_fd >= 0)
		(void) close(store->lock_fd);
	(void) pthread_mutex_destroy(&store->lock);
	g_mutex_clear(&store->no_checkpoint);
	g_mutex_clear(&store->loading);
	(void) pthread_cond_destroy(&store->wake);
	explicit_bzero(store->secret, sizeof(store->secret));
	g_free(store->home);
	g_free(store);
}

const uint8_t *
store_secret(const struct store *store)
{
	return store->secret;
}

enum err_code
store_space(const struct store *store, int64_t *free_out, struct err *err)
{
	struct statvfs fs;

	if (statvfs(store->home, &fs) < 0)
		return err_errno(err, "", "%s", store->home);
	*free_out = (int64_t)fs.f_bavail * (int64_t)fs.f_frsize;
	return ERR_OK;
}

enum err_code
store_room(const struct store *store, uint64_t bytes, struct err *err)
{
	int64_t free_bytes = 0;
	enum err_code rc = store_space(store, &free_bytes, err);

	if (rc != ERR_OK || (uint64_t)free_bytes >= bytes + ROOM_LEAST)
		return rc;
	return err_set(err, ERR_NOSPACE,
		       "free space on the file system of home",
		       "%s: %lld bytes are free, %llu are needed",
		       store->home, (long long)free_bytes,
		       (unsigned long long)(bytes + ROOM_LEAST));
}

const char *
store_home(const struct store *store)
{
	return store->home;
}

GMutex *
store_load_lock(struct store *store)
{
	return &store->loading;
}

void
store_quiet(struct store *store, bool quiet)
{
	g_atomic_int_set(&store->checking, quiet);
}

void
store_on_wait(struct store *store, void (*waits)(bool waits))
{
	store->waits = waits;
}

void
store_waits(const struct store *store, bool waits)
{
	if (store->waits != NULL)
		store->waits(waits);
}

struct txn *
store_reader(struct store *store)
{
	return &store->reader;
}

void
txn_relax(struct txn *txn, bool relaxed)
{
	txn->relaxed = relaxed;
}

static enum err_code
txn_end(struct txn *txn, enum err_code rc, struct err *err)
{
	bool aborts = rc != ERR_OK || txn->deadlock;
	int db;

	store_waits(txn->store, true);
	db = aborts ? txn->handle->abort(txn->handle) :
		txn->handle->commit(txn->handle, 0);
	store_waits(txn->store, false);
	if (aborts && db != 0)
		(void) db_fail(txn->store, NULL, db, NULL, "abort");
	if (aborts)
		return rc != ERR_OK ? rc : ERR_BUSY;
	return db == 0 ? ERR_OK :
		db_fail(txn->store, txn, db, err, "commit");
}

static enum err_code
txn_once(struct store *store, uint32_t flags, txn_body body, void *arg,
	 bool *again, struct err *err)
{
	struct txn txn = { .store = store };
	enum err_code code;
	int rc;

	rc = store->env->txn_begin(store->env, NULL, &txn.handle, flags);
	if (rc != 0)
		return db_fail(store, NULL, rc, err, "transaction");
	code = body(&txn, arg, err);
	code = txn_end(&txn, code, err);
	*again = txn.deadlock;
	return code;
}

enum err_code
store_txn(struct store *store, enum txn_kind kind, txn_body body, void *arg,
	  struct err *err)
{
	uint32_t flags = kind == TXN_LAZY ? DB_TXN_WRITE_NOSYNC : 0;
	enum err_code rc = ERR_BUSY;
	bool again = true;

	for (int i = 0; again && i < TXN_TRIES; i++) {
		if (i > 0)
			g_usleep((gulong)g_random_int_range(1000, 20000));
		again = false;
		rc = txn_once(store, flags, body, arg, &again, err);
	}
	if (again)
		return err_set(err, ERR_BUSY, "try again",
			       "%d deadlocks in a row", TXN_TRIES);
	return rc;
}
