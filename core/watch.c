/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * A thread that hangs cannot be ended alone, with what it has locked in the
 * database; nor can one that crashes. So the process goes, the service
 * manager starts the next, and recovery undoes the half-done transaction.
 *
 * What is written in a signal handler is written with what may be called
 * there: no allocation, no stdio, no lock. Other threads may change their
 * slots meanwhile; what is then read wrongly is no job's number, or costs one
 * attempt of many.
 */
#include "core/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <glib.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/wire.h"
#include "core/base/banned.h"

#define SLOTS_MAX 128		/* threads at once; more are not watched */
#define LOOK_MS 1000
#define STORE_SHARE 4		/* of time in the store, that counts */
#define NOTE_SIZE 16384
#define HEX "0123456789abcdef"

static const int crashes[] = {
	SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGSYS,
};

enum kind { FREE = 0, JOB_COUNTED = 'c', JOB = 'j', POST = 'p' };

struct slot {
	atomic_int kind;	/* enum kind */
	_Atomic int64_t since_ms, more_ms;
	atomic_bool in_store;	/* waits for it, at the moment */
	_Atomic uint8_t id[POST_ID_LEN];
	_Atomic uint32_t list;
};

static struct {
	struct slot slots[SLOTS_MAX];
	atomic_int note_fd;
	struct sigaction old[G_N_ELEMENTS(crashes)];
	struct settings *(*settings)(void);
	pthread_t thread;
	int64_t looked_ms;	/* the thread's: when it looked last */
	pthread_mutex_t lock;	/* of the next two */
	pthread_cond_t changed;
	bool stopping;
} watch = { .note_fd = -1, .lock = PTHREAD_MUTEX_INITIALIZER };

static _Thread_local struct slot *mine;
static _Thread_local struct post_id mine_id;	/* what it says */
static _Thread_local uint32_t mine_list;

/* --- what a thread is at ------------------------------------------------ */

static struct slot *
take_slot(enum kind kind)
{
	for (size_t i = 0; mine == NULL && i < SLOTS_MAX; i++) {
		int is_free = FREE;

		if (atomic_compare_exchange_strong(&watch.slots[i].kind,
						   &is_free, kind))
			mine = &watch.slots[i];
	}
	return mine;
}

static void
be_at(enum kind kind, const struct post_id *id, uint32_t list)
{
	struct slot *slot = mine;

	/* The relay says so for each reply. */
	if (slot != NULL && mine_list == list &&
	    memcmp(&mine_id, id, sizeof(mine_id)) == 0 &&
	    atomic_load_explicit(&slot->kind, memory_order_relaxed) ==
	    (int)kind)
		return;
	slot = take_slot(kind);
	if (slot == NULL)
		return;
	mine_id = *id;
	mine_list = list;
	atomic_store(&slot->since_ms, 0);
	atomic_store(&slot->more_ms, 0);
	atomic_store(&slot->in_store, false);
	for (size_t i = 0; i < POST_ID_LEN; i++)
		atomic_store_explicit(&slot->id[i], id->bytes[i],
				      memory_order_relaxed);
	atomic_store(&slot->list, list);
	atomic_store(&slot->kind, kind);
	atomic_store(&slot->since_ms, wire_now_ms());
}

void
watch_job(const struct job *job, bool counted)
{
	be_at(counted ? JOB_COUNTED : JOB, &job->id, job->list);
}

void
watch_post(const struct post_id *post, uint32_t list)
{
	be_at(POST, post, list);
}

void
watch_more(int64_t more_ms)
{
	if (mine != NULL)
		atomic_store(&mine->more_ms, more_ms);
}

void
watch_end(void)
{
	if (mine == NULL)
		return;
	atomic_store(&mine->since_ms, 0);
	atomic_store(&mine->kind, FREE);
	mine = NULL;
}

/* Of store_on_wait(): this thread waits for the store. */
static void
wait_for_store(bool waits)
{
	if (mine != NULL)
		atomic_store_explicit(&mine->in_store, waits,
				      memory_order_relaxed);
}

/* --- the note ----------------------------------------------------------- */

/* A line is: what happened ('s' signal, 'h' hung, 'o' other), a number, the
 * kind, the list, the id, in hexadecimal digits. */

static void
put_hex(char *out, uint64_t value, size_t digits)
{
	while (digits-- > 0) {
		out[digits] = HEX[value & 15];
		value >>= 4;
	}
}

static void
note(char what, uint32_t number, const struct slot *slot)
{
	char text[64];
	size_t len = 0;
	int fd = atomic_load(&watch.note_fd);

	text[len++] = what;
	put_hex(text + len, number, 8);
	len += 8;
	text[len++] = (char)atomic_load(&slot->kind);
	put_hex(text + len, atomic_load(&slot->list), 8);
	len += 8;
	for (size_t i = 0; i < POST_ID_LEN; i++, len += 2)
		put_hex(text + len, atomic_load(&slot->id[i]), 2);
	text[len++] = '\n';
	if (fd < 0 || write(fd, text, len) < 0)
		return;		/* it stays an attempt without a reason */
}

static bool
is_busy(const struct slot *slot)
{
	return atomic_load(&slot->kind) != FREE &&
		atomic_load(&slot->since_ms) != 0;
}

/* Who is at fault, and who was at work beside it. */
static void
note_all(char what, uint32_t number, const struct slot *fault)
{
	note(what, number, fault);
	for (size_t i = 0; i < SLOTS_MAX; i++)
		if (&watch.slots[i] != fault && is_busy(&watch.slots[i]) &&
		    atomic_load(&watch.slots[i].kind) == JOB_COUNTED)
			note('o', 0, &watch.slots[i]);
}

/* --- what crashes ------------------------------------------------------- */

static void
on_crash(int number, siginfo_t *info, void *context)
{
	(void) context;
	if (mine != NULL && is_busy(mine))
		note_all('s', (uint32_t)number, mine);
	for (size_t i = 0; i < G_N_ELEMENTS(crashes); i++)
		if (crashes[i] == number)
			(void) sigaction(number, &watch.old[i], NULL);
	/* A fault comes again by itself, when we return. */
	if (info->si_code <= 0)
		(void) raise(number);
}

static void
set_handlers(void)
{
	struct sigaction action = { .sa_flags = SA_SIGINFO | SA_NODEFER };

	action.sa_sigaction = on_crash;
	(void) sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < G_N_ELEMENTS(crashes); i++)
		(void) sigaction(crashes[i], &action, &watch.old[i]);
}

static void
reset_handlers(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(crashes); i++)
		(void) sigaction(crashes[i], &watch.old[i], NULL);
}

/* --- what hangs --------------------------------------------------------- */

static void
end_hung(const struct slot *slot, int64_t seconds)
{
	struct post_id id;
	char text[POST_ID_TEXT + 1];

	for (size_t i = 0; i < POST_ID_LEN; i++)
		id.bytes[i] = atomic_load(&slot->id[i]);
	post_id_text(&id, text);
	log_error(NULL, "job.hung", kv_str(atomic_load(&slot->kind) == POST ?
		  "id" : "job", text), kv_num("seconds", seconds),
		  kv_str("todo", "nothing: musterd ends, and the next start "
			 "counts an attempt of this job"));
	note_all('h', (uint32_t)seconds, slot);
	(void) signal(SIGABRT, SIG_DFL);
	abort();
}

/*
 * Who waits for the store may wait for a lock of the one that hangs, or for a
 * slow disk: of that time, seen at each look, only a part counts. All of it
 * would blame the innocent, and none of it would wait for ever.
 *
 * A look that comes late says that nobody ran: the process was stopped, or
 * all of the machine. None of that time counts.
 */
static void
forgive(int64_t now_ms, int64_t ran_ms, int64_t stopped_ms)
{
	for (size_t i = 0; i < SLOTS_MAX; i++) {
		struct slot *slot = &watch.slots[i];
		int64_t since_ms = atomic_load(&slot->since_ms), less_ms;

		if (since_ms == 0)
			continue;
		less_ms = stopped_ms + (atomic_load(&slot->in_store) ?
					ran_ms - ran_ms / STORE_SHARE : 0);
		/* Where it is at another job meanwhile, that one is new. */
		(void) atomic_compare_exchange_strong(&slot->since_ms,
			&since_ms, MIN(since_ms + less_ms, now_ms));
	}
}

/* Of those that are late the one that has been so longest. NULL: none is. */
static const struct slot *
find_hung(int64_t now_ms, int64_t limit_ms, int64_t *busy_ms_out)
{
	const struct slot *hung = NULL;
	int64_t most_ms = 0;

	for (size_t i = 0; i < SLOTS_MAX; i++) {
		const struct slot *slot = &watch.slots[i];
		int64_t since_ms = atomic_load(&slot->since_ms);
		int64_t late_ms = now_ms - since_ms - limit_ms -
			atomic_load(&slot->more_ms);

		if (!is_busy(slot) || since_ms == 0 || late_ms <= most_ms)
			continue;
		hung = slot;
		most_ms = late_ms;
		*busy_ms_out = now_ms - since_ms;
	}
	return hung;
}

/* look_ms: how long it was to be until now. The same until the next time. */
static int64_t
look_for_hung(int64_t look_ms)
{
	int64_t now_ms = wire_now_ms();
	int64_t passed_ms = now_ms - watch.looked_ms;
	int64_t ran_ms = MIN(passed_ms, look_ms);
	struct settings *settings = watch.settings();
	int64_t limit_ms = settings->hung_after_s * 1000, busy_ms;
	const struct slot *hung;

	settings_unref(settings);
	forgive(now_ms, ran_ms, passed_ms - ran_ms);
	watch.looked_ms = now_ms;
	hung = find_hung(now_ms, limit_ms, &busy_ms);
	if (hung != NULL)
		end_hung(hung, busy_ms / 1000);
	return MIN(LOOK_MS, limit_ms / 4);
}

static void
look_at_clock(int64_t *told_s)
{
	int64_t ahead_s = clock_ahead_s();

	if (ABS(ahead_s - *told_s) < 60)
		return;
	*told_s = ahead_s;
	if (ahead_s != 0)
		log_warning(NULL, "clock.was-set", kv_num("by", ahead_s),
			    kv_str("todo", "set it right, or restart musterd "
			    "if it is: the queue keeps the time from before"));
	else
		log_info(NULL, "clock.is-right", kv_num("by", 0));
}

static void *
look(void *unused)
{
	int64_t told_s = 0, look_ms = 0;

	(void) pthread_setname_np(pthread_self(), "watch");
	(void) pthread_mutex_lock(&watch.lock);
	while (!watch.stopping) {
		(void) clock_cond_wait(&watch.changed, &watch.lock, look_ms);
		(void) pthread_mutex_unlock(&watch.lock);
		look_ms = look_for_hung(look_ms);
		look_at_clock(&told_s);
		(void) pthread_mutex_lock(&watch.lock);
	}
	(void) pthread_mutex_unlock(&watch.lock);
	return unused;
}

/* --- what the last process has noted ------------------------------------ */

struct fault {
	char what;
	uint32_t number;
	char kind;
	uint32_t list;
	struct post_id id;
	struct store *store;
	GPtrArray *jobs;
};

static bool
read_line(const char *text, struct fault *out)
{
	unsigned int number, list, byte;
	char what, kind, id[POST_ID_LEN * 2 + 1];

	if (sscanf(text, "%c%8x%c%8x%24[0-9a-f]", &what, &number, &kind,
		   &list, id) != 5 || strlen(id) != POST_ID_LEN * 2)
		return false;
	out->what = what;
	out->number = number;
	out->kind = kind;
	out->list = list;
	for (size_t i = 0; i < POST_ID_LEN; i++) {
		if (sscanf(id + i * 2, "%2x", &byte) != 1)
			return false;
		out->id.bytes[i] = (uint8_t)byte;
	}
	return true;
}

static bool
is_of_post(void *arg, const struct job *job)
{
	struct fault *fault = arg;

	if (job->list == fault->list &&
	    memcmp(&job->post, &fault->id, sizeof(job->post)) == 0)
		g_ptr_array_add(fault->jobs, job_copy(job));
	return true;
}

static enum err_code
find_jobs(struct fault *fault, struct err *err)
{
	struct txn *reader = store_reader(fault->store);
	struct job *job = NULL;
	enum err_code rc;

	if (fault->kind == POST)
		return queue_walk_in(reader, STAGE_OUTBOUND, is_of_post,
				     fault, err);
	rc = queue_find(reader, &fault->id, &job, err);
	if (rc == ERR_OK && job != NULL)
		g_ptr_array_add(fault->jobs, job);
	return rc;
}

static char *
reason_of(const struct fault *fault)
{
	if (fault->what == 'h')
		return g_strdup_printf("hung: musterd had to end after %u s "
				       "at this job", fault->number);
	return g_strdup_printf("crash: signal %u (%s) ended musterd at this "
			       "job", fault->number,
			       g_strsignal((gint)fault->number));
}

static enum err_code
tell_body(struct txn *txn, void *arg, struct err *err)
{
	const struct fault *fault = arg;
	g_autofree char *reason = reason_of(fault);
	enum err_code rc = ERR_OK;
	bool taken;

	for (guint i = 0; i < fault->jobs->len && rc == ERR_OK; i++) {
		const struct job *job = g_ptr_array_index(fault->jobs, i);
		struct job next = *job;		/* texts are borrowed */

		if (fault->what == 'o')
			next.attempts -= next.attempts > 0;
		else
			job_blame(&next, job, reason);
		next.attempts += fault->what != 'o' &&
			fault->kind != JOB_COUNTED;
		rc = queue_replace(txn, job, &next, &taken, err);
	}
	return rc;
}

static void
log_fault(const struct fault *fault)
{
	g_autofree char *reason = reason_of(fault);

	for (guint i = 0; i < fault->jobs->len && fault->what != 'o'; i++) {
		const struct job *job = g_ptr_array_index(fault->jobs, i);
		char id[POST_ID_TEXT + 1], post[POST_ID_TEXT + 1];
		struct log_ctx ctx = { .list = job->list_addr, .id = post };

		post_id_text(&job->id, id);
		post_id_text(&job->post, post);
		log_error(&ctx, "job.at-fault", kv_str("job", id),
			  kv_str("stage", stage_name(job->stage)),
			  kv_str("reason", reason), kv_str("todo", "nothing: "
			  "it is tried again, and set aside after [outbound] "
			  "attempts"));
	}
}

static void
free_job(void *job)
{
	job_free(job);
}

static enum err_code
tell(struct store *store, const char *line, struct err *err)
{
	g_autoptr(GPtrArray) jobs = g_ptr_array_new_with_free_func(free_job);
	struct fault fault = { .store = store, .jobs = jobs };
	enum err_code rc;

	if (!read_line(line, &fault))
		return ERR_OK;
	rc = find_jobs(&fault, err);
	if (rc == ERR_OK)
		rc = store_txn(store, TXN_LAZY, tell_body, &fault, err);
	if (rc == ERR_OK)
		log_fault(&fault);
	return rc;
}

static enum err_code
tell_all(struct store *store, const char *path, struct err *err)
{
	g_autofree char *text = NULL;
	g_auto(GStrv) lines = NULL;
	enum err_code rc = ERR_OK;

	if (!g_file_get_contents(path, &text, NULL, NULL))
		return ERR_OK;		/* the first start */
	lines = g_strsplit(text, "\n", -1);
	for (char **line = lines; *line != NULL && rc == ERR_OK; line++)
		rc = tell(store, *line, err);
	return rc;
}

/* Its blocks are there from the start: a full disk is when things crash. */
static enum err_code
open_note(const char *path, struct err *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0)
		return err_errno(err, "", "%s", path);
	(void) posix_fallocate(fd, 0, NOTE_SIZE);	/* or it is not */
	atomic_store(&watch.note_fd, fd);
	return ERR_OK;
}

enum err_code
watch_start(struct store *store, struct settings *(*settings)(void),
	    struct err *err)
{
	struct settings *now = settings();
	g_autofree char *path = g_build_filename(now->home, "fault", NULL);
	enum err_code rc = tell_all(store, path, err);

	settings_unref(now);
	if (rc == ERR_OK)
		rc = open_note(path, err);
	if (rc != ERR_OK)
		return rc;
	store_on_wait(store, wait_for_store);
	watch.settings = settings;
	watch.looked_ms = wire_now_ms();
	watch.stopping = false;
	clock_cond_init(&watch.changed);
	set_handlers();
	if (pthread_create(&watch.thread, NULL, look, NULL) != 0)
		return err_set(err, ERR_IO, "raise the limit on processes",
			       "cannot start a thread");
	return ERR_OK;
}

void
watch_stop(void)
{
	if (atomic_load(&watch.note_fd) < 0)
		return;
	(void) pthread_mutex_lock(&watch.lock);
	watch.stopping = true;
	(void) pthread_cond_signal(&watch.changed);
	(void) pthread_mutex_unlock(&watch.lock);
	(void) pthread_join(watch.thread, NULL);
	reset_handlers();
	(void) close(atomic_exchange(&watch.note_fd, -1));
	(void) pthread_cond_destroy(&watch.changed);
}
