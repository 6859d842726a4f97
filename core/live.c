/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The live view of muster top. It runs in muster, not in musterd: who has
 * changed a terminal must be there to change it back. musterd is asked for
 * a look again and again, as --json prints it, and the frame is drawn here.
 *
 * How many members are left is counted by a walk over rosters, so musterd is
 * seldom asked for that: in between, what was sent since is taken off.
 *
 * One poll() waits for keys, signals, musterd's answer and the time of the
 * next look, so that q works while musterd does not answer.
 */
#include "core/live.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <glib.h>
#include <jansson.h>

#include "core/base/wire.h"
#include "core/command/flow.h"
#include "core/command/top.h"
#include "core/control.h"
#include "core/base/banned.h"

#define SHARE 20		/* looks take at most this part of the time */
#define COUNT_SHARE 100		/* and those that count, this part */
#define COUNT_EACH_MS 20000	/* the least between two counts */
#define COUNT_NEW_MS 2000	/* the same, where a job is new */
#define SILENT_MS 3000		/* without an answer: say so */
#define ANSWER_MOST (16 * 1024 * 1024)

/* The other screen, without a cursor; and back. */
#define ENTER "\033[?1049h\033[?25l"
#define LEAVE "\033[?25h\033[?1049l"
#define HOME "\033[H"
#define TO_LINE_END "\033[K"
#define TO_SCREEN_END "\033[J"

/* What a count has found about a job. */
struct counted { json_int_t left, done; };

struct live {
	const struct settings *settings;
	int interval_ms;
	int keys_fd;		/* a terminal, or -1 */
	int signals_fd;
	struct termios saved;
	bool has_saved, on_screen, over;

	int asked_fd;		/* musterd's connection, or -1 */
	int answer_fd;		/* what it prints */
	bool asked_count;
	int64_t asked_ms, next_ms;
	int64_t count_after_ms, count_new_after_ms;

	json_t *now, *before;	/* looks */
	GHashTable *counts;	/* job id -> struct counted */
	bool uncounted;		/* a job is new */
	char *notice;		/* what is wrong, or NULL */
};

/* --- the terminal ------------------------------------------------------- */

static void
put(const char *text)
{
	size_t len = strlen(text);
	ssize_t done;

	while (len > 0) {
		done = write(STDOUT_FILENO, text, len);
		if (done < 0 && errno != EINTR && errno != EAGAIN)
			return;		/* the terminal has gone: HUP comes */
		if (done > 0) {
			text += done;
			len -= (size_t)done;
		}
	}
}

static void
enter_screen(struct live *live)
{
	struct termios raw;

	if (live->keys_fd >= 0 && tcgetattr(live->keys_fd, &live->saved) ==
	    0) {
		live->has_saved = true;
		raw = live->saved;
		/* ^C and ^Z come as keys, so that we leave in order */
		raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ISIG);
		raw.c_cc[VMIN] = 1;
		raw.c_cc[VTIME] = 0;
		(void) tcsetattr(live->keys_fd, TCSADRAIN, &raw);
	}
	put(ENTER);
	live->on_screen = true;
}

static void
leave_screen(struct live *live)
{
	if (!live->on_screen)
		return;
	put(LEAVE);
	if (live->has_saved)
		(void) tcsetattr(live->keys_fd, TCSADRAIN, &live->saved);
	live->on_screen = false;
}

static void
draw(const struct live *live)
{
	struct winsize window = { 0 };
	struct top_size size = { .width = 80, .height = 24, .bold = true };
	g_autoptr(GString) screen = g_string_new(HOME);
	g_autofree char *frame = NULL;
	g_auto(GStrv) lines = NULL;

	if (live->now == NULL)
		return;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) == 0 &&
	    window.ws_col > 0 && window.ws_row > 0) {
		size.width = window.ws_col;
		size.height = window.ws_row;
	}
	frame = top_frame(live->now, live->before, live->notice, &size);
	lines = g_strsplit(frame, "\n", -1);
	for (int i = 0; lines[i] != NULL && lines[i + 1] != NULL &&
	     i < size.height; i++)
		g_string_append_printf(screen, "%s%s" TO_LINE_END,
				       i > 0 ? "\r\n" : "", lines[i]);
	g_string_append(screen, TO_SCREEN_END);
	put(screen->str);
}

/* --- who is left -------------------------------------------------------- */

static json_int_t
int_of(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static void
remember_count(struct live *live)
{
	const json_t *job;
	size_t i;

	g_hash_table_remove_all(live->counts);
	json_array_foreach(json_object_get(live->now, "jobs"), i, job) {
		const json_t *left = json_object_get(job, "remaining");
		struct counted *counted;

		if (!json_is_integer(left))
			continue;
		counted = g_new(struct counted, 1);
		counted->left = json_integer_value(left);
		counted->done = int_of(job, "sent") + int_of(job, "refused");
		g_hash_table_insert(live->counts, g_strdup(json_string_value(
				    json_object_get(job, "id"))), counted);
	}
}

static void
fill_in_count(struct live *live)
{
	json_t *job;
	size_t i;

	live->uncounted = false;
	json_array_foreach(json_object_get(live->now, "jobs"), i, job) {
		const char *id = json_string_value(json_object_get(job,
								   "id"));
		const struct counted *counted = id != NULL ?
			g_hash_table_lookup(live->counts, id) : NULL;
		json_int_t done = int_of(job, "sent") +
			int_of(job, "refused");

		if (json_is_integer(json_object_get(job, "remaining")))
			continue;
		if (counted == NULL) {
			live->uncounted = true;
			continue;
		}
		(void) json_object_set_new(job, "remaining", json_integer(
			MAX(counted->left - (done - counted->done), 0)));
		flow_estimate(job);
	}
}

/* --- looks -------------------------------------------------------------- */

static int
open_memory(void)
{
	return memfd_create("muster-top", MFD_CLOEXEC);
}

static enum err_code
ask(struct live *live, struct err *err)
{
	int64_t now = wire_now_ms();
	bool count = live->now == NULL || now >= live->count_after_ms ||
		(live->uncounted && now >= live->count_new_after_ms);
	char *argv[] = {
		(char *)(uintptr_t)"top", (char *)(uintptr_t)"--json",
		count ? NULL : (char *)(uintptr_t)"--uncounted", NULL
	};
	int streams[CONTROL_STREAMS];
	enum err_code rc;

	live->answer_fd = open_memory();
	if (live->answer_fd < 0)
		return err_errno(err, "", "no memory for an answer");
	streams[0] = live->answer_fd;	/* nothing is read */
	streams[1] = live->answer_fd;
	streams[2] = live->answer_fd;
	live->asked_ms = now;
	live->asked_count = count;
	rc = control_begin(live->settings, count ? 2 : 3, argv, streams,
			   &live->asked_fd, err);
	if (rc != ERR_OK) {
		(void) close(live->answer_fd);
		live->answer_fd = -1;
	}
	return rc;
}

static json_t *
read_look(int fd)
{
	g_autofree char *bytes = NULL;
	struct stat st;
	ssize_t len;

	if (fstat(fd, &st) != 0 || st.st_size > ANSWER_MOST)
		return NULL;
	bytes = g_malloc((gsize)st.st_size + 1);
	len = pread(fd, bytes, (size_t)st.st_size, 0);
	return len > 0 ? json_loadb(bytes, (size_t)len, 0, NULL) : NULL;
}

static void
take_look(struct live *live, json_t *look)
{
	json_decref(live->before);
	live->before = live->now;
	live->now = look;
	g_clear_pointer(&live->notice, g_free);
	if (live->asked_count)
		remember_count(live);
	fill_in_count(live);
}

/* The next look waits longer where this one took long. */
static void
set_times(struct live *live)
{
	int64_t now = wire_now_ms(), took = now - live->asked_ms;

	live->next_ms = MAX(live->asked_ms + live->interval_ms, now);
	if (live->asked_count) {
		live->count_after_ms = now + MAX(took * COUNT_SHARE,
						 COUNT_EACH_MS);
		live->count_new_after_ms = now + MAX(took * SHARE,
						     COUNT_NEW_MS);
	} else {
		live->next_ms = MAX(live->next_ms, now + took * SHARE);
	}
}

static enum err_code
answered(struct live *live, struct err *err)
{
	int status = 0;
	json_t *look;
	enum err_code rc = control_end(live->asked_fd, &status, err);

	live->asked_fd = -1;
	look = rc == ERR_OK && status == 0 ? read_look(live->answer_fd) :
		NULL;
	(void) close(live->answer_fd);
	live->answer_fd = -1;
	set_times(live);
	if (look != NULL)
		take_look(live, look);
	else if (rc == ERR_OK)
		rc = err_set(err, ERR_BUSY, "", "musterd cannot say how it is "
			     "(status %d)", status);
	return rc;
}

static void
note(struct live *live, const char *what)
{
	g_free(live->notice);
	live->notice = g_strdup_printf("this is old: %s", what);
	live->next_ms = wire_now_ms() + live->interval_ms;
}

/* --- the loop ----------------------------------------------------------- */

static void
stop_for_a_while(struct live *live)
{
	leave_screen(live);
	(void) raise(SIGSTOP);
	enter_screen(live);
}

static void
read_keys(struct live *live)
{
	char keys[64];
	ssize_t len = read(live->keys_fd, keys, sizeof(keys));

	if (len <= 0)		/* the terminal has gone */
		live->over = true;
	for (ssize_t i = 0; i < len; i++) {
		if (strchr("qQ\003\004", keys[i]) != NULL)
			live->over = true;	/* ^C, ^D */
		else if (keys[i] == '\032')
			stop_for_a_while(live);
	}
	/* Any other key: look now. */
	if (live->asked_fd < 0)
		live->next_ms = 0;
}

static void
read_signal(struct live *live)
{
	struct signalfd_siginfo info;

	if (read(live->signals_fd, &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo != SIGWINCH)
		live->over = true;
	else
		draw(live);
}

static int
time_left(const struct live *live)
{
	int64_t until = live->asked_fd >= 0 ? live->asked_ms + SILENT_MS :
		live->next_ms;

	if (live->asked_fd >= 0 && live->notice != NULL)
		return -1;
	return (int)CLAMP(until - wire_now_ms(), 0, 3600 * 1000);
}

static void
step(struct live *live)
{
	struct pollfd fds[] = {
		{ .fd = live->keys_fd, .events = POLLIN },
		{ .fd = live->signals_fd, .events = POLLIN },
		{ .fd = live->asked_fd, .events = POLLIN },
	};
	struct err err = ERR_INIT;

	if (poll(fds, G_N_ELEMENTS(fds), time_left(live)) < 0)
		return;
	if (fds[0].revents != 0)
		read_keys(live);
	if (fds[1].revents != 0)
		read_signal(live);
	if (live->over)
		return;
	if (fds[2].revents != 0) {
		if (answered(live, &err) != ERR_OK)
			note(live, err.what);
		draw(live);
	} else if (live->asked_fd >= 0 && live->notice == NULL &&
		   wire_now_ms() - live->asked_ms >= SILENT_MS) {
		note(live, "musterd does not answer");
		draw(live);
	} else if (live->asked_fd < 0 && wire_now_ms() >= live->next_ms &&
		   ask(live, &err) != ERR_OK) {
		note(live, err.what);
		draw(live);
	}
}

static int
open_signals(void)
{
	sigset_t set;

	(void) sigemptyset(&set);
	(void) sigaddset(&set, SIGINT);
	(void) sigaddset(&set, SIGTERM);
	(void) sigaddset(&set, SIGHUP);
	(void) sigaddset(&set, SIGQUIT);
	(void) sigaddset(&set, SIGWINCH);
	(void) sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void
done(struct live *live)
{
	leave_screen(live);
	if (live->asked_fd >= 0)
		(void) close(live->asked_fd);
	if (live->answer_fd >= 0)
		(void) close(live->answer_fd);
	if (live->keys_fd > STDERR_FILENO)
		(void) close(live->keys_fd);
	(void) close(live->signals_fd);
	json_decref(live->now);
	json_decref(live->before);
	g_hash_table_unref(live->counts);
	g_free(live->notice);
}

/* The first look, before anything is done to the terminal: its errors are
 * told as those of any verb. */
static enum err_code
first_look(struct live *live, struct err *err)
{
	enum err_code rc = ask(live, err);

	return rc == ERR_OK ? answered(live, err) : rc;
}

enum err_code
live_top(const struct settings *settings, int interval_s, int *status_out,
	 struct err *err)
{
	struct live live = {
		.settings = settings,
		.interval_ms = interval_s > 0 ? interval_s * 1000 : 1000,
		.asked_fd = -1, .answer_fd = -1,
		.counts = g_hash_table_new_full(g_str_hash, g_str_equal,
						g_free, g_free),
	};
	enum err_code rc;

	live.keys_fd = isatty(STDIN_FILENO) == 1 ? STDIN_FILENO :
		open("/dev/tty", O_RDONLY | O_CLOEXEC);
	live.signals_fd = -1;
	rc = first_look(&live, err);
	if (rc == ERR_OK) {
		live.signals_fd = open_signals();
		enter_screen(&live);
		draw(&live);
		while (!live.over)
			step(&live);
		*status_out = 0;
	}
	done(&live);
	return rc;
}
