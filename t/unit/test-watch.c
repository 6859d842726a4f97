/* SPDX-License-Identifier: BSD-2-Clause */
#include <semaphore.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "core/base/wire.h"
#include "core/watch.h"
#include "t/unit/stage-case.h"

#define HUNG_AFTER_S 1

/* --- a child with one thread that hangs and one that waits for it -------- */

static struct settings *now;	/* of the child */
static sem_t innocent_began, guilty_has_lock;

static struct settings *
settings_now(void)
{
	return settings_ref(now);
}

static struct job *
job_of(uint8_t number)
{
	struct post_id post = { { number } };
	struct job *job = job_new(STAGE_PENDING, &post, 1, LIST_ADDR);

	job->id.bytes[0] = number;
	return job;
}

static struct bytes
key(void)
{
	return bytes_of("key", 3);
}

static struct place
place(void)
{
	return (struct place){ TABLE_META, 0 };
}

static enum err_code
hang(struct txn *txn, void *arg, struct err *err)
{
	enum err_code rc = table_put(txn, place(), key(), key(), err);

	(void) arg;
	(void) sem_post(&guilty_has_lock);
	while (rc == ERR_OK)
		(void) pause();
	return rc;
}

static void *
be_guilty(void *store)
{
	g_autoptr(job_t) job = job_of('G');
	struct err err = ERR_INIT;

	(void) sem_wait(&innocent_began);
	watch_job(job, true);
	(void) store_txn(store, TXN_DURABLE, hang, NULL, &err);
	return NULL;
}

static void *
be_innocent(void *store)
{
	g_autoptr(job_t) job = job_of('I');
	g_autoptr(GBytes) value = NULL;
	struct err err = ERR_INIT;

	watch_job(job, true);
	(void) sem_post(&innocent_began);
	(void) sem_wait(&guilty_has_lock);
	(void) table_get(store_reader(store), place(), key(), &value, &err);
	return NULL;
}

static void
hang_and_wait(struct store *store)
{
	GThread *guilty;

	(void) sem_init(&innocent_began, 0, 0);
	(void) sem_init(&guilty_has_lock, 0, 0);
	guilty = g_thread_new("guilty", be_guilty, store);
	(void) g_thread_new("innocent", be_innocent, store);
	(void) g_thread_join(guilty);
}

/* --- a child that is stopped, longer than a job may take ------------------ */

static void
be_stopped(struct store *store)
{
	g_autoptr(job_t) job = job_of('I');
	int64_t until_ms;

	(void) store;
	watch_job(job, true);
	(void) raise(SIGSTOP);
	/* some looks, but less than hung-after */
	until_ms = wire_now_ms() + HUNG_AFTER_S * 1000 / 2;
	while (wire_now_ms() < until_ms)
		g_usleep(1000);
	watch_end();
	_exit(0);
}

/* ------------------------------------------------------------------------ */

static pid_t
start_child(struct stage_case *t, void (*live)(struct store *store))
{
	struct err err = ERR_INIT;
	struct store *store;
	pid_t pid;

	t->settings->hung_after_s = HUNG_AFTER_S;
	store_close(g_steal_pointer(&t->s.store));
	pid = fork();
	g_assert_cmpint(pid, >=, 0);
	if (pid > 0)
		return pid;
	(void) signal(SIGABRT, SIG_DFL);
	now = t->settings;
	if (store_open(t->s.home, &store, &err) == ERR_OK &&
	    watch_start(store, settings_now, &err) == ERR_OK)
		live(store);
	_exit(1);
}

static void
test_stopped(void)
{
	struct stage_case t;
	int status;
	pid_t pid;

	stage_begin(&t);
	pid = start_child(&t, be_stopped);
	g_assert_cmpint(waitpid(pid, &status, WUNTRACED), ==, pid);
	g_assert_true(WIFSTOPPED(status));
	g_usleep(HUNG_AFTER_S * 3 * G_USEC_PER_SEC / 2);
	g_assert_cmpint(kill(pid, SIGCONT), ==, 0);
	g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
	g_assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	case_reopen(&t.s);
	stage_end(&t);
}

static void
test_waiting(void)
{
	g_autofree char *fault = NULL, *note = NULL;
	struct stage_case t;
	int status;
	pid_t pid;

	stage_begin(&t);
	pid = start_child(&t, hang_and_wait);
	g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
	g_assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	fault = g_build_filename(t.s.home, "fault", NULL);
	g_assert_true(g_file_get_contents(fault, &note, NULL, NULL));
	/* h, seconds, kind, list, id; then who was beside it */
	g_test_message("%s", note);
	g_assert_true(g_str_has_prefix(note, "h"));
	g_assert_true(strncmp(note + 18, "47", 2) == 0);	/* G */
	g_assert_nonnull(strstr(note, "\no00000000c0000000149"));
	case_reopen(&t.s);
	stage_end(&t);
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{ "who waits for the lock of one that hangs is not blamed, "
		  "though he began before it", test_waiting },
		{ "a time for which the process was stopped is nobody's",
		  test_stopped },
		{ NULL, NULL },
	};

	return tap_run("watch", cases);
}
