/* SPDX-License-Identifier: BSD-2-Clause */
#include "milter/crew.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib.h>

#include "core/base/log.h"
#include "core/base/wire.h"
#include "milter/worker.h"
#include "core/base/banned.h"

#define SHORT_MS 10000	/* a life that is suspicious */
#define REST_LEAST_MS 250
#define REST_MOST_MS 30000
#define SLACK_MS 5000	/* beyond drain, for the workers' own end */

struct member {
	pid_t pid;
	int orders;		/* our end of the pipe */
	int64_t since_ms;
	bool is_retired;
};

struct crew {
	int seat, private_fd;
	GArray *members;	/* of struct member */
	int64_t rest_ms;	/* before the next start */
	int64_t start_after_ms;
};

struct crew *
crew_new(int seat, int private_fd)
{
	struct crew *crew = g_new0(struct crew, 1);

	crew->seat = seat;
	crew->private_fd = private_fd;
	crew->members = g_array_new(FALSE, FALSE, sizeof(struct member));
	return crew;
}

void
crew_free(struct crew *crew)
{
	if (crew == NULL)
		return;
	g_array_free(crew->members, TRUE);
	g_free(crew);
}

static struct member *
member_at(const struct crew *crew, guint index)
{
	return &g_array_index(crew->members, struct member, index);
}

/* The others' pipes must end with the parent alone, and so must the lock. */
static _Noreturn void
be_worker(const struct crew *crew, struct settings *settings, int orders)
{
	for (guint i = 0; i < crew->members->len; i++)
		(void)close(member_at(crew, i)->orders);
	(void)close(crew->private_fd);
	_exit(worker_run(settings, crew->seat, orders));
}

static bool
start_one(struct crew *crew, struct settings *settings)
{
	struct member member = {.since_ms = wire_now_ms()};
	int pipes[2];

	if (pipe2(pipes, O_CLOEXEC) != 0)
		return false;
	member.orders = pipes[1];
	member.pid = fork();
	if (member.pid == 0) {
		(void)close(pipes[1]);
		be_worker(crew, settings, pipes[0]);
	}
	(void)close(pipes[0]);
	if (member.pid < 0) {
		(void)close(pipes[1]);
		return false;
	}
	g_array_append_val(crew->members, member);
	log_info(NULL, "worker.started", kv_num("pid", member.pid));
	return true;
}

/* Several that die together are one reason to rest. */
static void
rest(struct crew *crew)
{
	const int64_t now_ms = wire_now_ms();

	if (now_ms < crew->start_after_ms)
		return;
	crew->rest_ms =
		CLAMP(crew->rest_ms * 2, REST_LEAST_MS, REST_MOST_MS);
	crew->start_after_ms = now_ms + crew->rest_ms;
}

static int64_t
active_count(const struct crew *crew)
{
	int64_t count = 0;

	for (guint i = 0; i < crew->members->len; i++)
		count += !member_at(crew, i)->is_retired;
	return count;
}

int64_t
crew_fill(struct crew *crew, struct settings *settings)
{
	int64_t left_ms;

	while (active_count(crew) < settings->workers) {
		left_ms = crew->start_after_ms - wire_now_ms();
		if (left_ms > 0)
			return left_ms;
		if (start_one(crew, settings))
			continue;
		log_error(NULL, "worker.not-started",
			  kv_str("what", g_strerror(errno)),
			  kv_str("todo", "raise the limit on processes"));
		rest(crew);
	}
	return -1;
}

static void
note_death(struct crew *crew, const struct member *member, int status)
{
	log_warning(NULL, "worker.died", kv_num("pid", member->pid),
		    kv_num("signal",
			   WIFSIGNALED(status) ? WTERMSIG(status) : 0),
		    kv_num("status",
			   WIFEXITED(status) ? WEXITSTATUS(status) : 0));
	if (wire_now_ms() - member->since_ms < SHORT_MS)
		rest(crew);
	else
		crew->rest_ms = 0;
}

void
crew_reap(struct crew *crew)
{
	struct member *member;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (guint i = 0; i < crew->members->len; i++) {
			member = member_at(crew, i);
			if (member->pid != pid)
				continue;
			if (!member->is_retired || WIFSIGNALED(status))
				note_death(crew, member, status);
			(void)close(member->orders);
			g_array_remove_index_fast(crew->members, i);
			break;
		}
}

void
crew_retire(struct crew *crew)
{
	for (guint i = 0; i < crew->members->len; i++) {
		struct member *member = member_at(crew, i);

		/* One that is gone is reaped soon. */
		if (!member->is_retired &&
		    write(member->orders, WORKER_RETIRE, 1) != 1)
			log_warning(NULL, "worker.deaf",
				    kv_num("pid", member->pid));
		member->is_retired = true;
	}
	crew->rest_ms = 0;
	crew->start_after_ms = 0;
}

static void
close_orders(struct crew *crew)
{
	for (guint i = 0; i < crew->members->len; i++) {
		(void)close(member_at(crew, i)->orders);
		member_at(crew, i)->orders = -1;
		member_at(crew, i)->is_retired = true;
	}
}

/* SIGCHLD is blocked, so it can be waited for. */
static void
await_child(int64_t left_ms)
{
	const struct timespec wait = {
		.tv_sec = left_ms / 1000,
		.tv_nsec = left_ms % 1000 * 1000000,
	};
	sigset_t signals;

	(void)sigemptyset(&signals);
	(void)sigaddset(&signals, SIGCHLD);
	(void)sigtimedwait(&signals, NULL, &wait);
}

void
crew_stop(struct crew *crew, const struct settings *settings)
{
	const int64_t deadline =
		wire_now_ms() + settings->drain_s * 1000 + SLACK_MS;
	int64_t left_ms;

	close_orders(crew);
	crew_reap(crew);
	while (crew->members->len > 0 &&
	       (left_ms = deadline - wire_now_ms()) > 0) {
		await_child(left_ms);
		crew_reap(crew);
	}
	for (guint i = 0; i < crew->members->len; i++)
		(void)kill(member_at(crew, i)->pid, SIGKILL);
}
