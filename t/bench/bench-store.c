/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The store by itself: bench-store [MEMBERS [SECONDS]]
 *
 * Group commit: posts of 4 KB, as the gate has them committed, from 1 to 32
 * threads at once: how many a second, and how often the log was synced for
 * each. Contention: 32 of them while members are imported, the roster is
 * walked, everything is dumped and a backup is made; the longest time that one
 * commit took, alone and beside each of these.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <glib.h>

#include "core/base/clock.h"
#include "db/dump.h"
#include "db/queue.h"
#include "db/roster.h"
#include "t/unit/store-case.h"
#include "core/base/banned.h"

#define SIZE 4096
#define THREADS_MAX 32
#define BATCH 1000		/* as core/command/member_add.c */
#define LIST 7

static gint syncs;

/* In front of the C library's, for Berkeley DB too. */
int
fdatasync(int fd)
{
	g_atomic_int_inc(&syncs);
	return (int)syscall(SYS_fdatasync, fd);
}

int
fsync(int fd)
{
	g_atomic_int_inc(&syncs);
	return (int)syscall(SYS_fsync, fd);
}

/* --- commits ------------------------------------------------------------ */

struct bench {
	struct store_case t;
	int fd;			/* of the bytes of a post */
	gint stop;
	int64_t members;
};

struct committer {
	struct bench *bench;
	GThread *thread;
	struct post post;
	uint64_t count;
	int64_t longest_us;
};

/* What submission.c does for a post that one list takes. */
static enum err_code
commit_body(struct txn *txn, void *arg, struct err *err)
{
	struct committer *committer = arg;
	struct post *post = &committer->post;
	struct job *job = job_new(STAGE_PENDING, &post->id, 1,
				  "dev@example.org");
	uint8_t key[SEEN_KEY_LEN] = { 0 };
	struct post_id earlier;
	bool made = false;
	enum err_code rc;

	memcpy(key, post->id.bytes, POST_ID_LEN);
	rc = seen_add(txn, key, &post->id, clock_s(), &made, &earlier, err);
	if (rc == ERR_OK)
		rc = queue_put(txn, job, err);
	if (rc == ERR_OK)
		rc = trace_add(txn, &post->id, "inbound", "dev@example.org",
			       err, "accepted");
	if (rc == ERR_OK)
		rc = post_put(txn, post, committer->bench->fd, err);
	job_free(job);
	return rc;
}

static void *
commit_posts(void *arg)
{
	struct committer *committer = arg;
	struct bench *bench = committer->bench;
	struct err err = ERR_INIT;

	while (!g_atomic_int_get(&bench->stop)) {
		int64_t begun = g_get_monotonic_time(), took;

		post_id_new(&committer->post.id);
		if (store_txn(bench->t.store, TXN_DURABLE, commit_body,
			      committer, &err) != ERR_OK)
			g_error("%s", err.what);
		took = g_get_monotonic_time() - begun;
		committer->longest_us = MAX(committer->longest_us, took);
		committer->count++;
	}
	return NULL;
}

static void
start(struct bench *bench, struct committer *all, guint threads)
{
	char text[] = "";

	bench->stop = 0;
	for (guint i = 0; i < threads; i++) {
		struct post *post = &all[i].post;

		all[i] = (struct committer){ .bench = bench };
		post->sender = post->qid = post->message_id = post->door =
			post->client = post->helo = post->auth =
			post->author = post->evidence = text;
		post->size = SIZE;
		post->jobs = 1;
		all[i].thread = g_thread_new("commit", commit_posts, &all[i]);
	}
}

static uint64_t
finish(struct bench *bench, struct committer *all, guint threads,
       int64_t *longest_us)
{
	uint64_t count = 0;

	g_atomic_int_set(&bench->stop, 1);
	*longest_us = 0;
	for (guint i = 0; i < threads; i++) {
		g_thread_join(all[i].thread);
		count += all[i].count;
		*longest_us = MAX(*longest_us, all[i].longest_us);
	}
	return count;
}

static void
bench_group(struct bench *bench, guint threads, int seconds)
{
	struct committer all[THREADS_MAX];
	gint before = g_atomic_int_get(&syncs);
	int64_t longest_us;
	uint64_t count;

	start(bench, all, threads);
	g_usleep((gulong)seconds * G_USEC_PER_SEC);
	count = finish(bench, all, threads, &longest_us);
	printf("%7u %11.0f %17.2f %16.1f\n", threads,
	       (double)count / seconds,
	       (double)(g_atomic_int_get(&syncs) - before) / (double)count,
	       (double)longest_us / 1000);
}

/* --- beside others ------------------------------------------------------ */

struct import { const struct bench *bench; int64_t from; };

static enum err_code
import_body(struct txn *txn, void *arg, struct err *err)
{
	const struct import *import = arg;
	enum err_code rc = ERR_OK;
	bool added;

	for (int64_t i = import->from; i < import->from + BATCH &&
	     rc == ERR_OK; i++) {
		char addr[40], text[] = "";
		struct member member = { .addr = addr, .name = text,
			.bounce_reason = text, .delivery = DELIVERY_ON,
			.own_posts = true };

		(void) g_snprintf(addr, sizeof(addr), "m%08lld@example.net",
				  (long long)i);
		rc = roster_add(txn, LIST, &member, &added, err);
	}
	return rc;
}

static void
do_import(struct bench *bench)
{
	struct import import = { .bench = bench };

	for (; import.from < bench->members; import.from += BATCH)
		case_txn(&bench->t, import_body, &import);
}

static void
do_walk(struct bench *bench)
{
	g_autofree char *after = g_strdup("");
	struct roster_batch batch;
	struct err err = ERR_INIT;
	bool end = false;

	while (!end) {
		case_ok(roster_batch(bench->t.store, LIST, after, BATCH,
				     &batch, &err), &bench->t);
		end = batch.end || batch.count == 0;
		if (!end) {
			g_free(after);
			after = g_strdup(batch.entries[batch.count - 1].key);
		}
		roster_batch_done(&batch);
	}
}

static void
do_dump(struct bench *bench)
{
	FILE *out = fopen("/dev/null", "w");

	case_ok(dump_write(bench->t.store, NULL, out, &bench->t.err),
		&bench->t);
	(void) fclose(out);
}

static void
do_backup(struct bench *bench)
{
	g_autofree char *dir = g_strdup_printf("%s.copy", bench->t.home);

	case_ok(store_backup(bench->t.store, dir, &bench->t.err), &bench->t);
	case_remove(dir);
}

static void
do_nothing(struct bench *bench)
{
	(void) bench;
	g_usleep(3 * G_USEC_PER_SEC);
}

static const struct beside {
	const char *name;
	void (*run)(struct bench *bench);
} besides[] = {
	{ "nothing", do_nothing },
	{ "import of members", do_import },
	{ "walk over them", do_walk },
	{ "dump", do_dump },
	{ "backup", do_backup },
};

static void
bench_beside(struct bench *bench, const struct beside *beside)
{
	struct committer all[THREADS_MAX];
	int64_t longest_us, begun = g_get_monotonic_time();
	double seconds;
	uint64_t count;

	start(bench, all, THREADS_MAX);
	beside->run(bench);
	seconds = (double)(g_get_monotonic_time() - begun) / 1e6;
	count = finish(bench, all, THREADS_MAX, &longest_us);
	printf("%-20s %7.1f s %11.0f %16.1f\n", beside->name, seconds,
	       (double)count / seconds, (double)longest_us / 1000);
}

static void *
run_beside(void *arg)
{
	struct bench *bench = ((void **)arg)[0];
	const struct beside *beside = ((void **)arg)[1];

	beside->run(bench);
	return NULL;
}

/* All at once; the import meets what is there already. */
static void
do_all(struct bench *bench)
{
	GThread *threads[G_N_ELEMENTS(besides)];
	void *args[G_N_ELEMENTS(besides)][2];

	for (size_t i = 1; i < G_N_ELEMENTS(besides); i++) {
		args[i][0] = bench;
		args[i][1] = (void *)(uintptr_t)&besides[i];
		threads[i] = g_thread_new("beside", run_beside, args[i]);
	}
	for (size_t i = 1; i < G_N_ELEMENTS(besides); i++)
		g_thread_join(threads[i]);
}

int
main(int argc, char **argv)
{
	static const guint threads[] = { 1, 4, 16, 32 };
	const struct beside all = { "all of them", do_all };
	char bytes[SIZE];
	struct bench bench;
	int seconds = argc > 2 ? (int)strtol(argv[2], NULL, 10) : 4;

	memset(&bench, 0, sizeof(bench));
	bench.members = argc > 1 ? strtoll(argv[1], NULL, 10) : 1000000;
	case_begin(&bench.t);
	memset(bytes, 'x', sizeof(bytes));
	bench.fd = memfd_create("post", MFD_CLOEXEC);
	if (bench.fd < 0 || write(bench.fd, bytes, SIZE) != SIZE)
		g_error("no memory for a post");
	printf("threads   commits/s  syncs per commit  longest (ms)\n");
	for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
		bench_group(&bench, threads[i], seconds);
	printf("\n32 threads beside         for   commits/s     longest (ms)\n");
	for (size_t i = 0; i < G_N_ELEMENTS(besides); i++)
		bench_beside(&bench, &besides[i]);
	bench_beside(&bench, &all);
	(void) close(bench.fd);
	case_end(&bench.t);
	return 0;
}
