/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * musterd, the delivery daemon: owns the store, answers the gate and the
 * administrator, works off the stages.
 *
 * The LMTP door is this program again, with --lmtp-door, as a child of its
 * own: it parses what strangers send, so it must not share the memory that
 * holds the database. It is started with exec, so that it inherits nothing
 * but its listening socket, and started again when it dies.
 */
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib.h>

#include "conf/settings.h"
#include "config.h"
#include "core/base/daemon.h"
#include "core/auth/auth.h"
#include "core/base/log.h"
#include "core/base/wire.h"
#include "core/control.h"
#include "core/held/held.h"
#include "core/inbound/lmtp.h"
#include "core/mail/mime.h"
#include "core/mail/verp.h"
#include "core/outbound/outbound.h"
#include "core/server.h"
#include "core/stages.h"
#include "core/submission.h"
#include "core/watch.h"
#include "db/store.h"
#include "core/base/banned.h"

#define PROGRAM "musterd"
#define DESCRIPTORS_LEAST 128	/* the store's files take most of these */
#define GATE_CONNECTIONS 512
#define ADMIN_CONNECTIONS 32
#define LMTP_FD 3		/* of the door's listening socket */
#define LISTEN_MS 3000
#define HOME_MS 60000		/* for the home, where a muster is at it */
#define HOME_REST_MS 100
#define LMTP_REST_MS 1000	/* between two starts of a door that dies */

/*
 * What the threads share. Settings change at SIGUSR1; the rest is set before
 * the threads start and stays. The callbacks of submission and control have
 * no argument, so it lives here and not in main().
 */
static struct {
	pthread_mutex_t lock;
	struct settings *settings;
	struct store *store;
	struct verp *verp;
	struct held_key *held;
	struct stages *stages;
	struct outbound *outbound;
} daemon_state = { .lock = PTHREAD_MUTEX_INITIALIZER };

struct options {
	char *path;
	gboolean foreground, version;
	gint lmtp_door;		/* 0: musterd; else whose door it is */
};

static struct settings *
current_settings(void)
{
	struct settings *settings;

	(void) pthread_mutex_lock(&daemon_state.lock);
	settings = settings_ref(daemon_state.settings);
	(void) pthread_mutex_unlock(&daemon_state.lock);
	return settings;
}

static void
wake_outbound(void)
{
	outbound_wake(daemon_state.outbound);
}

static void
wake_stages(void)
{
	stages_wake(daemon_state.stages);
	outbound_wake(daemon_state.outbound);
}

/* --- the LMTP door ------------------------------------------------------ */

struct door {
	int listen_fd;
	pid_t pid;		/* 0: not running */
	int64_t start_after_ms;	/* when it may be started again */
};

static int
run_door(const struct options *options)
{
	struct settings *settings = NULL;
	struct err err = ERR_INIT;
	int status;

	/* Without musterd it can answer nothing but 451, and its socket
	 * would be in the way of the next one. */
	(void) prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != options->lmtp_door)
		return 1;	/* it was faster */
	if (settings_load(options->path, &settings, &err) != ERR_OK) {
		err_print(PROGRAM, &err);
		return 1;
	}
	log_open("muster-lmtp", options->foreground);
	status = lmtp_run(settings, LMTP_FD);
	settings_unref(settings);
	return status;
}

static enum err_code
door_start(struct door *door, const struct options *options, struct err *err)
{
	g_autofree char *whose = g_strdup_printf("--lmtp-door=%d",
						 (int)getpid());
	char *argv[] = {
		(char *)(uintptr_t)PROGRAM, whose,
		(char *)(uintptr_t)"-c", options->path,
		options->foreground ? (char *)(uintptr_t)"-F" : NULL, NULL
	};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t none;
	int rc;

	(void) posix_spawn_file_actions_init(&actions);
	(void) posix_spawn_file_actions_adddup2(&actions, door->listen_fd,
						LMTP_FD);
	(void) posix_spawnattr_init(&attr);
	(void) sigemptyset(&none);
	(void) posix_spawnattr_setsigmask(&attr, &none);
	(void) posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
	rc = posix_spawn(&door->pid, "/proc/self/exe", &actions, &attr, argv,
			 environ);
	(void) posix_spawnattr_destroy(&attr);
	(void) posix_spawn_file_actions_destroy(&actions);
	if (rc == 0)
		return ERR_OK;
	door->pid = 0;
	errno = rc;
	return err_errno(err, "", "cannot start the LMTP door");
}

static void
door_restart(struct door *door, const struct options *options)
{
	struct err err = ERR_INIT;

	if (door->pid != 0 || wire_now_ms() < door->start_after_ms)
		return;
	door->start_after_ms = wire_now_ms() + LMTP_REST_MS;
	if (door_start(door, options, &err) != ERR_OK)
		log_err(NULL, "lmtp.not-started", &err);
}

/* Children that have ended: the door, or one that a reload replaced. */
static void
door_reap(struct door *door)
{
	int status;
	pid_t pid;

	/* What other threads have started is theirs to wait for. */
	while ((pid = waitpid(-1, &status, WNOHANG | __WNOTHREAD)) > 0) {
		if (pid != door->pid)
			continue;
		door->pid = 0;
		log_warning(NULL, "lmtp.died", kv_num("signal",
			    WIFSIGNALED(status) ? WTERMSIG(status) : 0),
			    kv_num("status", WIFEXITED(status) ?
				   WEXITSTATUS(status) : 0));
	}
}

/* It and those that a reload replaced finish what they are at. */
static void
door_stop(struct door *door)
{
	if (door->pid != 0)
		(void) kill(door->pid, SIGTERM);
	while (waitpid(-1, NULL, __WNOTHREAD) > 0 || errno == EINTR)
		;
	door->pid = 0;
}

/* --- start -------------------------------------------------------------- */

struct sockets { int submit, control, lmtp; };

/* A musterd that serves the home does not leave it by itself; an
 * administrator's command does. */
static bool
is_served(const struct settings *settings)
{
	g_autofree char *control = settings_control_path(settings);
	struct err err = ERR_INIT;
	int fd;

	if (wire_connect(control, wire_now_ms() + LISTEN_MS, &fd, &err) !=
	    ERR_OK)
		return false;
	(void) close(fd);
	return true;
}

/* True: it is to stop. A reload waits until it runs. */
static bool
rest_for_home(void)
{
	const struct timespec wait = { .tv_nsec = HOME_REST_MS * 1000000L };
	sigset_t stop;

	(void) sigemptyset(&stop);
	(void) sigaddset(&stop, SIGTERM);
	(void) sigaddset(&stop, SIGINT);
	return sigtimedwait(&stop, NULL, &wait) > 0;
}

static enum err_code
open_store(const struct settings *settings, bool *stopped, struct err *err)
{
	const int64_t deadline = wire_now_ms() + HOME_MS;
	bool told = false;
	enum err_code rc;

	while ((rc = store_open(settings->home, &daemon_state.store, err)) ==
		       ERR_BUSY &&
	       !is_served(settings) && wire_now_ms() < deadline) {
		if (!told)
			log_warning(NULL, "store.awaited",
				    kv_str("what", err->what),
				    kv_num("wait_s", HOME_MS / 1000),
				    kv_str("todo", "nothing: musterd starts "
					   "when that has ended"));
		told = true;
		*stopped = rest_for_home();
		if (*stopped)
			break;
	}
	return rc;
}

/*
 * We hold the home's lock, so who still listens is the door of a musterd
 * that was killed, and about to die with it.
 */
static enum err_code
listen_patiently(const char *path, unsigned int mode, int *out,
		 struct err *err)
{
	const int64_t deadline = wire_now_ms() + LISTEN_MS;
	enum err_code rc;

	while ((rc = wire_listen(path, mode, out, err)) == ERR_BUSY &&
	       wire_now_ms() < deadline)
		g_usleep(20000);
	return rc;
}

/*
 * The gate runs as another user, so everybody may connect who can search
 * the run directory; what may be asked there is narrow. Control checks its
 * peer's credentials.
 */
static enum err_code
open_sockets(const struct settings *settings, struct sockets *out,
	     struct err *err)
{
	g_autofree char *submit = settings_submit_path(settings);
	g_autofree char *control = settings_control_path(settings);
	enum err_code rc;

	rc = listen_patiently(submit, 0666, &out->submit, err);
	if (rc == ERR_OK)
		rc = listen_patiently(control, 0600, &out->control, err);
	if (rc == ERR_OK)
		rc = listen_patiently(settings->lmtp_listen, 0666, &out->lmtp,
				      err);
	return rc;
}

static void
handle_submission(void *arg, int fd)
{
	serve_submission(arg, fd);
}

static void
handle_control(void *arg, int fd)
{
	serve_control(arg, fd);
}

/* --- run ---------------------------------------------------------------- */

static void
reload(const struct options *options, struct door *door)
{
	struct settings *fresh = NULL, *old;
	struct err err = ERR_INIT;

	if (settings_load(options->path, &fresh, &err) != ERR_OK ||
	    auth_check(fresh, &err) != ERR_OK) {
		log_err(NULL, "settings.kept", &err);
		settings_unref(fresh);
		return;
	}
	(void) pthread_mutex_lock(&daemon_state.lock);
	old = daemon_state.settings;
	daemon_state.settings = fresh;
	(void) pthread_mutex_unlock(&daemon_state.lock);
	if (strcmp(old->home, fresh->home) != 0 ||
	    strcmp(old->run, fresh->run) != 0 ||
	    strcmp(old->lmtp_listen, fresh->lmtp_listen) != 0)
		log_warning(NULL, "settings.need-restart",
			    kv_str("keys", "home, run, [lmtp] listen"));
	outbound_reload(daemon_state.outbound, fresh);
	settings_unref(old);
	/* The old door drains beside the new one. */
	if (door->pid != 0)
		(void) kill(door->pid, SIGTERM);
	door->pid = 0;
	door->start_after_ms = 0;
	log_info(NULL, "settings.reloaded", kv_str("file", options->path));
}

static void
run_until_term(const struct options *options, struct door *door,
	       const sigset_t *signals)
{
	const struct timespec wait = { .tv_sec = 1 };

	for (;;) {
		door_restart(door, options);
		switch (sigtimedwait(signals, NULL, &wait)) {
		case SIGTERM:
		case SIGINT:
			return;
		case SIGUSR1:
			reload(options, door);
			break;
		case SIGCHLD:
			door_reap(door);
			break;
		}
	}
}

static enum err_code
start_stages(struct err *err)
{
	enum err_code rc;

	daemon_state.verp = verp_new(store_secret(daemon_state.store));
	daemon_state.held = held_key_new(store_secret(daemon_state.store));
	rc = watch_start(daemon_state.store, current_settings, err);
	if (rc != ERR_OK)
		return rc;
	rc = outbound_start(daemon_state.store, daemon_state.settings,
			    daemon_state.verp, &daemon_state.outbound, err);
	if (rc != ERR_OK)
		return rc;
	daemon_state.stages = stages_start(daemon_state.store,
					   current_settings,
					   daemon_state.verp, wake_outbound);
	return ERR_OK;
}

/* In this order nobody is left without an answer: first the door, then the
 * sockets with what they are at, then the stages, last the store. */
static void
serve(const struct options *options, const struct sockets *sockets,
      int ready, const sigset_t *signals)
{
	struct submission_server submission = {
		.store = daemon_state.store, .verp = daemon_state.verp,
		.held = daemon_state.held, .settings = current_settings,
		.wake = wake_stages,
	};
	struct control_server control = {
		.store = daemon_state.store, .settings = current_settings,
		.outbound = daemon_state.outbound, .wake = wake_stages,
	};
	struct door door = { .listen_fd = sockets->lmtp };
	struct server *gate, *admin;

	gate = server_start("submit", sockets->submit, GATE_CONNECTIONS,
			    handle_submission, &submission);
	admin = server_start("control", sockets->control, ADMIN_CONNECTIONS,
			     handle_control, &control);
	log_info(NULL, "musterd.started", kv_str("version", PACKAGE_VERSION),
		 kv_str("home", daemon_state.settings->home));
	daemon_ready(ready);
	run_until_term(options, &door, signals);
	log_info(NULL, "musterd.stopping", kv_str("why", "signal"));
	door_stop(&door);
	server_stop(gate);
	server_stop(admin);
}

static void
stop_stages(void)
{
	if (daemon_state.stages != NULL)
		stages_stop(daemon_state.stages);
	if (daemon_state.outbound != NULL)
		outbound_stop(daemon_state.outbound);
	watch_stop();
	verp_free(daemon_state.verp);
	held_key_free(daemon_state.held);
	store_close(daemon_state.store);
	settings_unref(daemon_state.settings);
}

static enum err_code
run(const struct options *options, const sigset_t *signals, struct err *err)
{
	struct sockets sockets = { -1, -1, -1 };
	enum err_code rc;
	bool stopped = false;
	int ready = -1;

	rc = settings_load(options->path, &daemon_state.settings, err);
	if (rc == ERR_OK)
		rc = auth_check(daemon_state.settings, err);
	if (rc == ERR_OK && !options->foreground)
		rc = daemon_fork(&ready, err);
	if (rc != ERR_OK)
		return rc;
	rc = daemon_raise_descriptors(DESCRIPTORS_LEAST, err);
	if (rc == ERR_OK)
		rc = daemon_make_run(daemon_state.settings->run, err);
	if (rc == ERR_OK)
		rc = open_store(daemon_state.settings, &stopped, err);
	if (rc == ERR_OK)
		rc = open_sockets(daemon_state.settings, &sockets, err);
	if (rc == ERR_OK)
		rc = start_stages(err);
	if (rc == ERR_OK)
		serve(options, &sockets, ready, signals);
	stop_stages();
	if (stopped)
		rc = ERR_OK;
	if (rc == ERR_OK)
		log_info(NULL, "musterd.stopped", kv_num("pid", getpid()));
	return rc;
}

/* --- the command line --------------------------------------------------- */

static bool
read_options(int argc, char **argv, struct options *out)
{
	GOptionEntry entries[] = {
		{ "config", 'c', 0, G_OPTION_ARG_FILENAME, &out->path,
		  "Settings file", "FILE" },
		{ "foreground", 'F', 0, G_OPTION_ARG_NONE, &out->foreground,
		  "Stay in the foreground and log to stderr", NULL },
		{ "version", 0, 0, G_OPTION_ARG_NONE, &out->version,
		  "Print the version", NULL },
		{ "lmtp-door", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_INT,
		  &out->lmtp_door, "Be the LMTP door of that process", "PID" },
		{ 0 }
	};

	if (!daemon_options(PROGRAM, "- the delivery daemon of muster",
			    entries, argc, argv))
		return false;
	if (out->path == NULL)
		out->path = g_strdup(settings_default_path());
	return true;
}

int
main(int argc, char **argv)
{
	struct options options = { 0 };
	struct err err = ERR_INIT;
	g_autofree char *absolute = NULL;
	sigset_t signals;

	daemon_block_signals(&signals);
	(void) setlocale(LC_CTYPE, "C.UTF-8");
	if (!read_options(argc, argv, &options))
		return 2;
	if (options.version) {
		(void) puts(PROGRAM " " PACKAGE_VERSION);
		return 0;
	}
	/* We change the directory, and the door reads it again. */
	absolute = g_canonicalize_filename(options.path, NULL);
	g_free(options.path);
	options.path = absolute;
	mime_init();
	if (options.lmtp_door != 0)
		return run_door(&options);
	log_open(PROGRAM, options.foreground);
	if (run(&options, &signals, &err) != ERR_OK) {
		err_print(PROGRAM, &err);
		if (!options.foreground)
			log_err(NULL, "musterd.failed", &err);
		return err.code == ERR_BUSY ? 75 : 1;
	}
	return 0;
}
