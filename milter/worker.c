/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * A worker of the gate. How it ends:
 *
 * - The parent is to stop, or is gone (the pipe has ended): it accepts no
 *   more, posts at their end finish, and it exits. A post that is further
 *   from its end gets a 451 from the MTA.
 * - The parent has new settings: it accepts no more and stays until its
 *   sessions have left. After drain seconds it does not wait for those
 *   between two posts, and after RETIRE_MAX_MS for none.
 * - A signal of its own: libmilter stops within five seconds, even while a
 *   post is at its end, so we wait for that too.
 */
#include "milter/worker.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <glib.h>
#include <libmilter/mfapi.h>

#include "core/base/log.h"
#include "core/base/wire.h"
#include "core/mail/mime.h"
#include "milter/gate.h"
#include "milter/seat.h"
#include "milter/session.h"
#include "core/base/banned.h"

#define STACK_BYTES (1024 * 1024) /* libmilters with a thread a session */
#define CHECK_MS 200
#define RETIRE_LEAST_MS 1000 /* for one that was accepted a moment ago */
#define RETIRE_MAX_MS (60 * 60 * 1000)
#define WAIT_STEP_US 20000
#define REPLY_US 200000 /* for libmilter to send what a callback returned */

struct worker {
	struct gate gate;
	int seat, orders;
	pthread_mutex_t leaving; /* held by the one who ends the process */
};

/* No end of message begins any more; wait for those that have begun. */
static void
finish_ends(struct worker *worker)
{
	struct gate *gate = &worker->gate;
	const int64_t deadline =
		wire_now_ms() + gate->env.settings->drain_s * 1000;

	atomic_store(&gate->stopping, true);
	while (atomic_load(&gate->ends) > 0 && wire_now_ms() < deadline)
		g_usleep(WAIT_STEP_US);
	if (atomic_load(&gate->ends) > 0)
		log_warning(NULL, "worker.cut",
			    kv_num("posts", atomic_load(&gate->ends)));
	if (atomic_load(&gate->sessions) > 0)
		g_usleep(REPLY_US);
}

static bool
may_retire(struct worker *worker, int64_t since_ms)
{
	const struct gate *gate = &worker->gate;
	const int64_t passed_ms = wire_now_ms() - since_ms;

	return (passed_ms >= RETIRE_LEAST_MS &&
		atomic_load(&gate->sessions) == 0) ||
	       (passed_ms >= gate->env.settings->drain_s * 1000 &&
		atomic_load(&gate->posts) == 0) ||
	       passed_ms >= RETIRE_MAX_MS;
}

/* True: stop. False: retire. */
static bool
await_order(int orders, int timeout_ms, bool *any_out)
{
	struct pollfd poll_fd = {.fd = orders, .events = POLLIN};
	char order;

	*any_out = poll(&poll_fd, 1, timeout_ms) > 0;
	return *any_out && read(orders, &order, 1) <= 0;
}

static void *
obey(void *data)
{
	struct worker *worker = data;
	int64_t retired_ms = 0;
	bool any;

	while (!await_order(worker->orders, retired_ms > 0 ? CHECK_MS : -1,
			    &any)) {
		if (any && retired_ms == 0) {
			seat_leave(worker->seat);
			retired_ms = wire_now_ms();
		}
		if (retired_ms > 0 && may_retire(worker, retired_ms))
			break;
	}
	(void)pthread_mutex_lock(&worker->leaving);
	seat_leave(worker->seat);
	finish_ends(worker);
	_exit(0);
}

static void
prepare_process(void)
{
	pthread_attr_t attr;

	/* The terminal's signals are for the parent. */
	(void)setpgid(0, 0);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)pthread_attr_init(&attr);
	(void)pthread_attr_setstacksize(&attr, STACK_BYTES);
	(void)pthread_setattr_default_np(&attr);
	(void)pthread_attr_destroy(&attr);
}

static bool
is_local(int seat)
{
	struct sockaddr_storage addr = {0};
	socklen_t len = sizeof(addr);

	return getsockname(seat, (struct sockaddr *)&addr, &len) == 0 &&
	       addr.ss_family == AF_UNIX;
}

int
worker_run(struct settings *settings, int seat, int orders)
{
	struct worker worker = {
		.gate = {.is_local = is_local(seat)},
		.seat = seat,
		.orders = orders,
		.leaving = PTHREAD_MUTEX_INITIALIZER,
	};
	struct err err = ERR_INIT;
	pthread_t thread;
	int rc;

	prepare_process();
	mime_init();
	if (inbound_env_init(&worker.gate.env, settings, "milter", &err) !=
	    ERR_OK) {
		log_err(NULL, "worker.not-started", &err);
		return 1;
	}
	session_start(&worker.gate);
	if (pthread_create(&thread, NULL, obey, &worker) != 0)
		return 1;
	rc = smfi_main();
	(void)pthread_mutex_lock(&worker.leaving);
	finish_ends(&worker);
	return rc == MI_SUCCESS ? 0 : 1;
}
