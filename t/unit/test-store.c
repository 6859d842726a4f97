/* SPDX-License-Identifier: BSD-2-Clause */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <pthread.h>
#include <string.h>
#include <sys/wait.h>

#include "db/bdb.h"
#include "db/inside.h"
#include "t/unit/store-case.h"

static enum err_code
count_body(struct txn *txn, void *arg, struct err *err)
{
	const char *name = arg;
	g_autofree char *value = NULL;
	g_autofree char *next = NULL;
	enum err_code rc = setting_get(txn, name, "description", &value, err);

	if (rc != ERR_OK)
		return rc;
	next = g_strdup_printf("%" G_GINT64_FORMAT, value == NULL ? 1 :
			       g_ascii_strtoll(value, NULL, 10) + 1);
	return setting_put(txn, name, "description", next, err);
}

static void
assert_count(struct store_case *t, const char *name, const char *want)
{
	g_autofree char *value = NULL;

	case_ok(setting_get(store_reader(t->store), name, "description", &value,
			    &t->err), t);
	g_assert_cmpstr(value, ==, want);
}

/* The clone that db5.3_verify and others see is a closed store. */
static void
verify(struct store_case *t)
{
	g_autofree char *data = g_build_filename(t->home, "env", "data",
						 NULL);
	g_autofree char *program = g_find_program_in_path("db5.3_verify");
	g_autoptr(GDir) dir = NULL;
	const char *name;

	if (program == NULL) {
		g_test_message("db5.3_verify is not installed");
		return;
	}
	dir = g_dir_open(data, 0, NULL);
	g_assert_nonnull(dir);
	while ((name = g_dir_read_name(dir)) != NULL) {
		g_autofree char *path = g_build_filename(data, name, NULL);
		char flag[] = "-q";
		char *argv[] = { program, flag, path, NULL };
		int status;

		g_assert_true(g_spawn_sync(NULL, argv, NULL,
					   G_SPAWN_DEFAULT, NULL, NULL, NULL,
					   NULL, &status, NULL));
		g_assert_true(g_spawn_check_wait_status(status, NULL));
	}
}

static void
test_open_close(void)
{
	uint8_t secret[32];
	struct store_case t;
	char name[] = "@a";
	int64_t free_bytes;

	case_begin(&t);
	memcpy(secret, store_secret(t.store), sizeof(secret));
	case_txn(&t, count_body, name);
	case_ok(store_space(t.store, &free_bytes, &t.err), &t);
	g_assert_cmpint(free_bytes, >, 0);
	for (int i = 0; i < 3; i++)
		case_reopen(&t);
	g_assert_cmpmem(secret, 32, store_secret(t.store), 32);
	assert_count(&t, "@a", "1");
	store_close(t.store);
	t.store = NULL;
	verify(&t);
	case_end(&t);
}

static void
test_busy(void)
{
	struct store *second = NULL;
	struct store_case t;

	case_begin(&t);
	g_assert_cmpint(store_open(t.home, &second, &t.err), ==, ERR_BUSY);
	g_assert_null(second);
	g_assert_nonnull(strstr(t.err.what, t.home));
	case_end(&t);
}

static void
test_no_home(void)
{
	g_autofree char *file = NULL, *below = NULL;
	struct store *store = NULL;
	struct err err = ERR_INIT;
	int fd = g_file_open_tmp("muster-XXXXXX", &file, NULL);

	g_assert_cmpint(fd, >=, 0);
	(void) close(fd);
	g_assert_cmpint(store_open(file, &store, &err), ==, ERR_INVALID);
	below = g_build_filename(file, "x", NULL);
	g_assert_cmpint(store_open(below, &store, &err), ==, ERR_IO);
	(void) unlink(file);
}

static enum err_code
schema_body(struct txn *txn, void *arg, struct err *err)
{
	g_autoptr(GByteArray) value = record_new();

	(void) arg;
	put_u32(value, 2);
	return table_put(txn, place_of(TABLE_META), bytes_of("schema", 6),
			 bytes_buf(value), err);
}

static void
test_schema(void)
{
	struct store *store = NULL;
	struct store_case t;

	case_begin(&t);
	case_txn(&t, schema_body, NULL);
	store_close(t.store);
	t.store = NULL;
	g_assert_cmpint(store_open(t.home, &store, &t.err), ==, ERR_INVALID);
	g_assert_nonnull(strstr(t.err.what, "schema version 2"));
	case_end(&t);
}

static enum err_code
failing_body(struct txn *txn, void *arg, struct err *err)
{
	enum err_code rc = count_body(txn, arg, err);

	return rc != ERR_OK ? rc : err_set(err, ERR_INVALID, "", "no");
}

static void
test_abort(void)
{
	struct store_case t;
	char name[] = "@a";

	case_begin(&t);
	g_assert_cmpint(store_txn(t.store, TXN_DURABLE, failing_body, name,
				  &t.err), ==, ERR_INVALID);
	assert_count(&t, "@a", NULL);
	case_end(&t);
}

/* Two records in opposite order: each meeting of two threads is a deadlock.
 * They are in files of their own, so that they are on pages of their own. */
struct crossing {
	struct store_case *t;
	bool turned;
	gint runs;
	pthread_barrier_t *met;	/* both hold their first record */
};

static enum err_code
add_one(struct txn *txn, struct place at, struct err *err)
{
	g_autoptr(GByteArray) value = record_new();
	g_autoptr(GBytes) old = NULL;
	struct cursor in;
	enum err_code rc = table_get(txn, at, bytes_of("n", 1), &old, err);

	if (rc != ERR_OK)
		return rc;
	cursor_record(&in, bytes_whole(old));
	put_u32(value, old != NULL ? get_u32(&in) + 1 : 1);
	return table_put(txn, at, bytes_of("n", 1), bytes_buf(value), err);
}

static enum err_code
cross_body(struct txn *txn, void *arg, struct err *err)
{
	struct crossing *crossing = arg;
	struct place a = { TABLE_SEEN, 1 }, b = { TABLE_SEEN, 2 };
	enum err_code rc;

	bool first = g_atomic_int_add(&crossing->runs, 1) == 0;

	rc = add_one(txn, crossing->turned ? b : a, err);
	if (first)
		(void) pthread_barrier_wait(crossing->met);
	if (rc == ERR_OK)
		rc = add_one(txn, crossing->turned ? a : b, err);
	return rc;
}

#define CROSSINGS 100
#define CROSSERS 2

static void *
cross(void *arg)
{
	struct crossing *crossing = arg;
	struct err err = ERR_INIT;

	for (int i = 0; i < CROSSINGS; i++)
		if (store_txn(crossing->t->store, TXN_LAZY, cross_body,
			      crossing, &err) != ERR_OK)
			g_error("%s", err.what);
	return NULL;
}

static void
test_deadlock(void)
{
	struct crossing crossings[CROSSERS];
	GThread *threads[CROSSERS];
	pthread_barrier_t met;
	g_autoptr(GBytes) value = NULL;
	struct cursor in;
	struct store_case t;
	int runs = 0;

	case_begin(&t);
	g_assert_cmpint(pthread_barrier_init(&met, NULL, CROSSERS), ==, 0);
	for (int i = 0; i < CROSSERS; i++) {
		crossings[i] = (struct crossing){ &t, i % 2 == 0, 0, &met };
		threads[i] = g_thread_new("cross", cross, &crossings[i]);
	}
	for (int i = 0; i < CROSSERS; i++) {
		g_thread_join(threads[i]);
		runs += crossings[i].runs;
	}
	case_ok(table_get(store_reader(t.store), (struct place){ TABLE_SEEN,
			  1 }, bytes_of("n", 1), &value, &t.err), &t);
	cursor_record(&in, bytes_whole(value));
	g_assert_cmpuint(get_u32(&in), ==, CROSSERS * CROSSINGS);
	g_assert_cmpint(runs, >, CROSSERS * CROSSINGS);	/* some ran again */
	(void) pthread_barrier_destroy(&met);
	case_end(&t);
}

/* A post and its job, as the door puts them. */
struct entry {
	struct post post;
	int fd;
};

static enum err_code
accept_body(struct txn *txn, void *arg, struct err *err)
{
	struct entry *entry = arg;
	struct job *job = job_new(STAGE_PENDING, &entry->post.id, 1,
				  "dev@example.org");
	enum err_code rc = post_put(txn, &entry->post, entry->fd, err);

	if (rc == ERR_OK)
		rc = queue_put(txn, job, err);
	if (rc == ERR_OK)
		rc = trace_add(txn, &entry->post.id, "inbound",
			       "dev@example.org", err, "accepted");
	job_free(job);
	return rc;
}

static struct entry
entry_of(int fd, size_t size)
{
	struct entry entry = { .post = { .size = size, .jobs = 1 },
			       .fd = fd };

	post_id_new(&entry.post.id);
	return entry;
}

#define WRITERS 8
#define WRITES 100

static void *
write_posts(void *arg)
{
	struct store_case *t = arg;
	g_autoptr(GBytes) bytes = g_bytes_new_take(g_malloc0(4000), 4000);
	struct err err = ERR_INIT;
	int fd = case_memfd(bytes);

	for (int i = 0; i < WRITES; i++) {
		struct entry entry = entry_of(fd, 4000);

		if (store_txn(t->store, TXN_DURABLE, accept_body, &entry,
			      &err) != ERR_OK)
			g_error("%s", err.what);
	}
	(void) close(fd);
	return NULL;
}

static uint64_t
syncs(struct store_case *t)
{
	DB_LOG_STAT *stat = NULL;
	DB_ENV *env = t->store->env;
	uint64_t count;

	g_assert_cmpint(env->log_stat(env, &stat, 0), ==, 0);
	count = (uint64_t)stat->st_scount;
	free(stat);
	return count;
}

static void
test_group_commit(void)
{
	GThread *threads[WRITERS];
	struct store_case t;
	uint64_t before, after;
	gint64 start;

	case_begin(&t);
	before = syncs(&t);
	start = g_get_monotonic_time();
	for (int i = 0; i < WRITERS; i++)
		threads[i] = g_thread_new("write", write_posts, &t);
	for (int i = 0; i < WRITERS; i++)
		g_thread_join(threads[i]);
	after = syncs(&t);
	g_test_message("%d commits, %d syncs, %d ms", WRITERS * WRITES,
		       (int)(after - before),
		       (int)((g_get_monotonic_time() - start) / 1000));
	g_assert_cmpuint(after - before, <, WRITERS * WRITES * 9 / 10);
	case_end(&t);
}

#define ROUNDS 20

/* Commits posts, and writes the id of each to the pipe when it is durable. */
static void
child_commits(const char *home, int out)
{
	g_autoptr(GBytes) bytes = g_bytes_new_take(g_malloc0(9000), 9000);
	struct store_case t = { .err = ERR_INIT };
	int fd = case_memfd(bytes);

	case_ok(store_open(home, &t.store, &t.err), &t);
	for (;;) {
		struct entry entry = entry_of(fd, 9000);

		case_txn(&t, accept_body, &entry);
		if (write(out, entry.post.id.bytes, POST_ID_LEN) !=
		    POST_ID_LEN)
			_exit(1);
	}
}

/* Kills the child at a random moment after its first commit. */
static void
kill_one(const char *home, GArray *acknowledged)
{
	struct post_id id;
	int ends[2], status, wanted = 1 + g_random_int_range(0, 60);
	pid_t pid;

	g_assert_cmpint(pipe2(ends, O_CLOEXEC), ==, 0);
	pid = fork();
	g_assert_cmpint(pid, >=, 0);
	if (pid == 0)
		child_commits(home, ends[1]);
	(void) close(ends[1]);
	while (read(ends[0], id.bytes, POST_ID_LEN) == POST_ID_LEN) {
		g_array_append_val(acknowledged, id);
		if (--wanted == 0)
			(void) kill(pid, SIGKILL);
	}
	(void) close(ends[0]);
	g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
	g_assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void
count_finding(void *arg, const char *text)
{
	g_test_message("%s", text);
	(*(int *)arg)++;
}

static int
findings(struct store_case *t)
{
	int count = 0;

	case_ok(store_check(t->store, count_finding, &count, &t->err), t);
	return count;
}

static void
test_kill(void)
{
	g_autoptr(GArray) ids = g_array_new(FALSE, FALSE,
					    sizeof(struct post_id));
	struct store_case t;

	case_begin(&t);
	store_close(t.store);
	t.store = NULL;
	for (int i = 0; i < ROUNDS; i++)
		kill_one(t.home, ids);
	case_ok(store_open(t.home, &t.store, &t.err), &t);
	for (guint i = 0; i < ids->len; i++) {
		g_autoptr(GBytes) bytes = NULL;

		case_ok(post_bytes(store_reader(t.store), &g_array_index(
				   ids, struct post_id, i), &bytes, &t.err),
			&t);
		g_assert_nonnull(bytes);
		g_assert_cmpuint(g_bytes_get_size(bytes), ==, 9000);
	}
	g_test_message("%u acknowledged, all there", ids->len);
	g_assert_cmpint(findings(&t), ==, 0);
	store_close(t.store);
	t.store = NULL;
	verify(&t);
	case_end(&t);
}

static enum err_code
spoil_body(struct txn *txn, void *arg, struct err *err)
{
	const struct entry *entry = arg;
	g_autoptr(GByteArray) key = g_byte_array_new();
	struct member *member = member_new("a@example.net", 1);
	bool removed;
	enum err_code rc;

	/* a piece gone, a count wrong, a member of no list, a stray record */
	post_key(key, &entry->post.id, POST_BODY);
	piece_key(key, key->len, 0);
	rc = table_remove(txn, post_place(&entry->post.id), bytes_buf(key),
			  &removed, err);
	if (rc == ERR_OK)
		rc = post_hold(txn, &entry->post.id, 5, err);
	if (rc == ERR_OK)
		rc = roster_put(txn, 77, member, err);
	if (rc == ERR_OK)
		rc = table_put(txn, place_of(TABLE_SETTINGS),
			       bytes_of("no NUL", 6), bytes_of("x", 1), err);
	member_free(member);
	return rc;
}

static void
test_check(void)
{
	g_autoptr(GBytes) bytes = g_bytes_new_take(g_malloc0(100), 100);
	struct entry entry = entry_of(case_memfd(bytes), 100);
	struct store_case t;

	case_begin(&t);
	case_txn(&t, accept_body, &entry);
	g_assert_cmpint(findings(&t), ==, 0);
	case_txn(&t, spoil_body, &entry);
	g_assert_cmpint(findings(&t), ==, 4);
	(void) close(entry.fd);
	case_end(&t);
}

static void
spoil_page(const char *home, const char *file)
{
	g_autofree char *path = g_build_filename(home, "env", "data", file,
						 NULL);
	char junk[64];
	int fd = open(path, O_RDWR | O_CLOEXEC);

	memset(junk, 'x', sizeof(junk));
	g_assert_cmpint(fd, >=, 0);
	/* in the middle of the root, the second page */
	g_assert_cmpint(pwrite(fd, junk, sizeof(junk), 4096 + 2000), ==,
			sizeof(junk));
	(void) close(fd);
}

static void
note_finding(void *arg, const char *text)
{
	g_string_append_printf(arg, "%s\n", text);
}

/* In a child: the environment is beyond use afterwards. */
static void
child_checks(const char *home)
{
	g_autoptr(GString) text = g_string_new(NULL);
	struct store_case t = { .err = ERR_INIT };

	if (store_open(home, &t.store, &t.err) != ERR_OK)
		_exit(3);
	if (store_check(t.store, note_finding, text, &t.err) != ERR_OK)
		_exit(4);
	_exit(strstr(text->str, "settings: page 1 of ") != NULL ? 0 : 5);
}

static void
test_damaged_page(void)
{
	struct store_case t;
	char name[] = "@a";
	int status;
	pid_t pid;

	case_begin(&t);
	case_txn(&t, count_body, name);
	store_close(t.store);
	t.store = NULL;
	spoil_page(t.home, "settings");
	pid = fork();
	g_assert_cmpint(pid, >=, 0);
	if (pid == 0)
		child_checks(t.home);
	g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
	g_assert_cmpint(status, ==, 0);
	case_end(&t);
}

static void
test_backup(void)
{
	g_autofree char *dir = g_dir_make_tmp("muster-backup-XXXXXX", NULL);
	g_autofree char *home = g_build_filename(dir, "home", NULL);
	g_autofree char *absent = g_build_filename(dir, "no", "x", NULL);
	struct store_case t, copy;
	char name[] = "@a";
	GThread *thread;

	case_begin(&t);
	case_txn(&t, count_body, name);
	thread = g_thread_new("write", write_posts, &t);
	case_ok(store_backup(t.store, home, &t.err), &t);
	g_thread_join(thread);
	g_assert_cmpint(store_backup(t.store, home, &t.err), ==, ERR_INVALID);
	g_assert_cmpint(store_backup(t.store, absent, &t.err), ==, ERR_IO);
	g_assert_cmpint(g_access(absent, F_OK), !=, 0);
	copy = (struct store_case){ .home = g_strdup(home), .err = ERR_INIT };
	case_ok(store_open(home, &copy.store, &copy.err), &copy);
	assert_count(&copy, "@a", "1");
	g_assert_cmpmem(store_secret(t.store), 32, store_secret(copy.store),
			32);
	g_assert_cmpint(findings(&copy), ==, 0);
	store_close(copy.store);
	copy.store = NULL;
	verify(&copy);
	case_end(&copy);
	case_end(&t);
	case_remove(dir);
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{ "what was committed is there after a restart",
		  test_open_close },
		{ "a home has one owner", test_busy },
		{ "what cannot be a home is refused", test_no_home },
		{ "another schema is refused", test_schema },
		{ "a body that fails leaves nothing", test_abort },
		{ "a deadlock is run again", test_deadlock },
		{ "writers of different posts share a sync",
		  test_group_commit },
		{ "what was acknowledged survives kill -9", test_kill },
		{ "a check finds broken links and records", test_check },
		{ "a check names the file of a damaged page",
		  test_damaged_page },
		{ "a backup is a home, with all that was committed",
		  test_backup },
		{ NULL, NULL },
	};

	return tap_run("store", cases);
}
