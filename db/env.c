/* SPDX-License-Identifier: BSD-2-Clause */
#include "db/bdb.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/wire.h"
#include "core/mail/verp.h"
#include "db/inside.h"
#include "core/base/banned.h"

/*
 * The environment and its files, as measured for Berkeley DB 5.3:
 *
 * - DB_REGION_INIT: regions in sparse files are a SIGBUS on a full disk.
 * - Log files of 16 MB, not 64: recovery, which each start does, fills the
 *   rest of the last one with zeros, and the first commit syncs them (28 ms
 *   against 10 here). A quarter of it, 4 MB, is the largest log buffer.
 * - DB_LOG_AUTO_REMOVE: there is one host, and logs that nobody removes grow
 *   for ever (1.2 GB for 60,000 posts of 20 KB). What is given up is to
 *   bring an old backup up to date by old logs; a backup takes along the
 *   logs that it needs itself.
 * - DB_CHKSUM, and pages of 4 KB: a torn page is found, not read as if the
 *   records had never been there, and 4 KB pages are hardly ever torn.
 * - The mutex and lock tables: with the defaults, large transactions and
 *   DB->verify fail.
 */
#define CACHE_SIZE (64U * 1024 * 1024)
#define LOG_SIZE (16U * 1024 * 1024)
#define LOG_BUFFER (4U * 1024 * 1024)
#define PAGE_SIZE 4096
#define LOCKS 100000
#define LOCKERS 4000
#define MUTEX_INCREMENT 20000
#define LOCK_WAIT_US (10 * 1000 * 1000)
#define DETECT_US (200 * 1000)
#define CHECKPOINT_US (1000 * 1000)
#define CHECKPOINT_KB 4096
#define CHECKPOINT_MIN 1
#define LIBRARY_LINES 10

/* On a full disk there is a line for each page that cannot be written, tens
 * of thousands of them; the first few of each second say it all. */
static void
library_text(const DB_ENV *env, const char *prefix, const char *text)
{
	struct store *store = env->app_private;
	int now_s = (int)(g_get_monotonic_time() / G_USEC_PER_SEC);

	(void) prefix;
	if (store == NULL)
		return;		/* a backup's; its result says enough */
	if (g_atomic_int_get(&store->library_s) != now_s) {
		g_atomic_int_set(&store->library_s, now_s);
		g_atomic_int_set(&store->library_lines, 0);
	}
	if (g_atomic_int_add(&store->library_lines, 1) < LIBRARY_LINES)
		log_warning(NULL, "store.library", kv_str("what", text));
}

static void
library_note(const DB_ENV *env, const char *text)
{
	(void) env;
	(void) text;	/* progress of recovery and the like */
}

static enum err_code
code_of(int rc)
{
	switch (rc) {
	case DB_LOCK_DEADLOCK:
	case DB_LOCK_NOTGRANTED:
	case ENOMEM:		/* of locks, most likely */
		return ERR_BUSY;
	case ENOSPC:
	case EDQUOT:
		return ERR_NOSPACE;
	case DB_RUNRECOVERY:
	case DB_PAGE_NOTFOUND:
	case DB_SECONDARY_BAD:
	case DB_VERIFY_BAD:
	case DB_BUFFER_SMALL:
		return ERR_CORRUPT;
	default:
		return ERR_IO;
	}
}

static const char *
todo_of(enum err_code code)
{
	switch (code) {
	case ERR_NOSPACE:
		return "free space on the file system of home";
	case ERR_CORRUPT:
		return "run \"muster check\"; restore the last backup";
	case ERR_BUSY:
		return "try again";
	case ERR_IO:
		return "see whether the disk of home can be written, and what "
			"the system's log says of it";
	default:
		return "";
	}
}

/* The regions are no longer right, and recovery needs a fresh process. */
static void
die_of_panic(const char *what)
{
	log_error(NULL, "store.panic", kv_str("what", what),
		  kv_str("todo", "nothing: the next start recovers; if it "
			 "comes again, stop musterd and run muster check"));
	/* Not by the handler that looks for a job whose fault it is. */
	(void) signal(SIGABRT, SIG_DFL);
	abort();
}

enum err_code
db_fail(struct store *store, struct txn *txn, int rc, struct err *err,
	const char *format, ...)
{
	enum err_code code = code_of(rc);
	char what[256];
	va_list ap;

	va_start(ap, format);
	(void) vsnprintf(what, sizeof(what), format, ap);
	va_end(ap);
	if (txn != NULL &&
	    (rc == DB_LOCK_DEADLOCK || rc == DB_LOCK_NOTGRANTED))
		txn->deadlock = true;
	if (rc == DB_RUNRECOVERY && store != NULL &&
	    !g_atomic_int_get(&store->checking))
		die_of_panic(what);
	return err_set(err, code, todo_of(code), "%s: %s", what,
		       db_strerror(rc));
}

static int
env_settings(DB_ENV *env)
{
	int rc = env->set_data_dir(env, "data");

	if (rc == 0)
		rc = env->set_lg_dir(env, "log");
	if (rc == 0)
		rc = env->set_cachesize(env, 0, CACHE_SIZE, 1);
	if (rc == 0)
		rc = env->set_lg_max(env, LOG_SIZE);
	if (rc == 0)
		rc = env->set_lg_bsize(env, LOG_BUFFER);
	if (rc == 0)
		rc = env->set_lk_max_locks(env, LOCKS);
	if (rc == 0)
		rc = env->set_lk_max_objects(env, LOCKS);
	if (rc == 0)
		rc = env->set_lk_max_lockers(env, LOCKERS);
	if (rc == 0)
		rc = env->mutex_set_increment(env, MUTEX_INCREMENT);
	if (rc == 0)
		rc = env->set_lk_detect(env, DB_LOCK_DEFAULT);
	if (rc == 0)
		rc = env->set_timeout(env, LOCK_WAIT_US, DB_SET_LOCK_TIMEOUT);
	if (rc == 0)
		rc = env->set_flags(env, DB_AUTO_COMMIT | DB_REGION_INIT, 1);
	if (rc == 0)
		rc = env->log_set_config(env, DB_LOG_AUTO_REMOVE, 1);
	return rc;
}

int
env_open(const char *dir, void *owner, uint32_t flags, DB_ENV **out)
{
	DB_ENV *env;
	int rc = db_env_create(&env, 0);

	if (rc != 0)
		return rc;
	env->app_private = owner;
	env->set_errcall(env, library_text);
	env->set_msgcall(env, library_note);
	rc = env_settings(env);
	if (rc == 0)
		rc = env->open(env, dir, DB_CREATE | DB_INIT_TXN |
			       DB_INIT_LOG | DB_INIT_LOCK | DB_INIT_MPOOL |
			       DB_THREAD | flags, 0600);
	if (rc != 0) {
		(void) env->close(env, 0);	/* rc says why already */
		return rc;
	}
	*out = env;
	return 0;
}

static int
file_open(DB_ENV *env, const char *name, uint32_t flags, DB **out)
{
	DB *db;
	int rc = db_create(&db, env, 0);

	if (rc != 0)
		return rc;
	rc = db->set_pagesize(db, PAGE_SIZE);
	if (rc == 0)
		rc = db->set_flags(db, flags);
	if (rc == 0)
		rc = db->open(db, NULL, name, NULL, DB_BTREE,
			      DB_CREATE | DB_THREAD | DB_AUTO_COMMIT, 0600);
	if (rc != 0) {
		(void) db->close(db, DB_NOSYNC);
		return rc;
	}
	*out = db;
	return 0;
}

/* The key in handles of a record of members: handle, number of the list. */
static int
index_key(DB *index, const DBT *key, const DBT *value, DBT *out)
{
	uint8_t *made;
	struct cursor in;
	const void *list;
	const char *addr;

	(void) index;
	(void) value;
	cursor_init(&in, bytes_of(key->data, key->size));
	list = get_raw(&in, sizeof(uint32_t));
	addr = get_key_text(&in);
	if (!cursor_end(&in))
		return DB_DONOTINDEX;	/* store_check() finds such a key */
	made = g_malloc(MEMBER_HANDLE_LEN + sizeof(uint32_t));
	member_handle(addr, made);
	memcpy(made + MEMBER_HANDLE_LEN, list, sizeof(uint32_t));
	memset(out, 0, sizeof(*out));
	out->data = made;
	out->size = MEMBER_HANDLE_LEN + sizeof(uint32_t);
	out->flags = DB_DBT_APPMALLOC;	/* free(), which g_free() is */
	return 0;
}

/* The key in readers of a member who gets digests: number of the list,
 * delivery, address. Others are not in it. */
static int
reader_key(DB *index, const DBT *key, const DBT *value, DBT *out)
{
	g_autoptr(GByteArray) made = NULL;
	struct roster_entry entry;
	uint32_t list;

	(void) index;
	if (!member_read(bytes_of(key->data, key->size),
			 bytes_of(value->data, value->size), &list, &entry) ||
	    (entry.delivery != DELIVERY_DIGEST &&
	     entry.delivery != DELIVERY_DIGEST_PLAIN))
		return DB_DONOTINDEX;
	made = g_byte_array_new();
	put_u32(made, list);
	put_u8(made, (uint8_t)entry.delivery);
	put_key_text(made, entry.key);
	memset(out, 0, sizeof(*out));
	out->size = made->len;
	out->data = g_byte_array_free(g_steal_pointer(&made), FALSE);
	out->flags = DB_DBT_APPMALLOC;
	return 0;
}

static int
index_open(struct store *store)
{
	DB *members = store->files[TABLE_MEMBERS][0];
	int rc = file_open(store->env, "handles", DB_CHKSUM | DB_DUPSORT,
			   &store->index);

	if (rc == 0)
		rc = members->associate(members, NULL, store->index,
					index_key, 0);
	if (rc == 0)
		rc = file_open(store->env, "readers", DB_CHKSUM,
			       &store->readers);
	if (rc == 0)
		rc = members->associate(members, NULL, store->readers,
					reader_key, 0);
	return rc;
}

enum err_code
tables_open(struct store *store, struct err *err)
{
	char name[16];
	int rc;

	for (int t = 0; t < TABLES; t++)
		for (unsigned int i = 0; i < table_shards(t); i++) {
			(void) place_name((struct place){ t, i }, name);
			rc = file_open(store->env, name, t == TABLE_HANDLES ?
				       DB_CHKSUM | DB_DUPSORT : DB_CHKSUM,
				       &store->files[t][i]);
			if (rc != 0)
				return db_fail(NULL, NULL, rc, err,
					       "%s/env/data/%s",
					       store->home, name);
		}
	rc = index_open(store);
	return rc == 0 ? ERR_OK :
		db_fail(NULL, NULL, rc, err, "index of %s", store->home);
}

void
tables_close(struct store *store)
{
	/* A close that fails leaves work for the next start's recovery. */
	if (store->index != NULL)
		(void) store->index->close(store->index, 0);
	store->index = NULL;
	if (store->readers != NULL)
		(void) store->readers->close(store->readers, 0);
	store->readers = NULL;
	for (int t = 0; t < TABLES; t++)
		for (unsigned int i = 0; i < table_shards(t); i++) {
			DB *db = store->files[t][i];

			if (db != NULL)
				(void) db->close(db, 0);
			store->files[t][i] = NULL;
		}
}

/* True when it is time to stop. */
static bool
wait_us(struct store *store, gint64 us)
{
	int64_t until_ms = wire_now_ms() + us / 1000;
	bool stopping;

	(void) pthread_mutex_lock(&store->lock);
	while (!store->stopping &&
	       clock_cond_until(&store->wake, &store->lock, until_ms) == 0)
		;
	stopping = store->stopping;
	(void) pthread_mutex_unlock(&store->lock);
	return stopping;
}

/* Lock timeouts come only when somebody looks for them. */
static void *
detect(void *arg)
{
	struct store *store = arg;
	int rejected, rc;

	while (!wait_us(store, DETECT_US)) {
		rc = store->env->lock_detect(store->env, 0, DB_LOCK_EXPIRE,
					     &rejected);
		if (rc == DB_RUNRECOVERY)
			(void) db_fail(store, NULL, rc, NULL, "detector");
	}
	return NULL;
}

static void *
checkpoint(void *arg)
{
	struct store *store = arg;
	struct err err = ERR_INIT;
	int rc;

	while (!wait_us(store, CHECKPOINT_US)) {
		if (!g_mutex_trylock(&store->no_checkpoint))
			continue;
		rc = store->env->txn_checkpoint(store->env, CHECKPOINT_KB,
						CHECKPOINT_MIN, 0);
		g_mutex_unlock(&store->no_checkpoint);
		if (rc == 0)
			continue;
		(void) db_fail(store, NULL, rc, &err, "checkpoint");
		log_err(NULL, "store.checkpoint", &err);
	}
	return NULL;
}

void
housekeeping_start(struct store *store)
{
	store->detector = g_thread_new("detect", detect, store);
	store->checkpointer = g_thread_new("checkpoint", checkpoint, store);
}

void
housekeeping_stop(struct store *store)
{
	(void) pthread_mutex_lock(&store->lock);
	store->stopping = true;
	(void) pthread_cond_broadcast(&store->wake);
	(void) pthread_mutex_unlock(&store->lock);
	if (store->detector != NULL)
		g_thread_join(store->detector);
	if (store->checkpointer != NULL)
		g_thread_join(store->checkpointer);
}
