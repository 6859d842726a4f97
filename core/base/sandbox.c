/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/base/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/wire.h"
#include "core/base/banned.h"

#define LOOK_MS 100		/* is_stopped */
#define GRACE_MS 10000		/* for the helper to end what there is */
#define COMPLAINT_MAX 4096	/* octets of standard error that are read */
#define COMPLAINT_LINE 300	/* and of them shown */
#define REPORT_MAX 8192
#define PIECE (64 * 1024)
#define HIGH 10			/* descriptors clear of 0 to 3 */

const struct sandbox_limits sandbox_limits_usual = {
	.time_ms = 30000, .output = 64 << 20, .cpu_s = 30,
	.memory = 256 << 20, .files = 64, .processes = 32, .space = 64 << 20,
};

/* In the order of the helper's descriptors; the first is written. */
enum channel { INPUT, OUTPUT, COMPLAINT, REPORT, CHANNELS };

struct run {
	const struct sandbox_order *order;
	int ours[CHANNELS], theirs[CHANNELS];	/* -1: closed */
	pid_t pid;
	gsize written;			/* of the input */
	GByteArray *read[CHANNELS];	/* from each that is read */
	int64_t until_ms;
	bool is_over;			/* ended by us */
	enum sandbox_end end;
};

/* --- channels ----------------------------------------------------------- */

static void
close_fd(int *fd)
{
	if (*fd >= 0)
		(void) close(*fd);
	*fd = -1;
}

/* Where standard descriptors are closed ours would lie among theirs. */
static int
high(int fd)
{
	const int copy = fd < HIGH ? fcntl(fd, F_DUPFD_CLOEXEC, HIGH) : fd;

	if (copy != fd)
		(void) close(fd);
	return copy;
}

static enum err_code
open_channels(struct run *run, struct err *err)
{
	for (int i = 0; i < CHANNELS; i++) {
		int ends[2];

		if (pipe2(ends, O_CLOEXEC) != 0)
			return err_errno(err, "raise LimitNOFILE, or ulimit "
					 "-n", "cannot make a pipe");
		run->ours[i] = high(ends[i == INPUT ? 1 : 0]);
		run->theirs[i] = high(ends[i == INPUT ? 0 : 1]);
		if (run->ours[i] < 0 || run->theirs[i] < 0)
			return err_errno(err, "raise LimitNOFILE, or ulimit "
					 "-n", "cannot make a pipe");
		(void) fcntl(run->ours[i], F_SETFL, O_NONBLOCK);
		run->read[i] = g_byte_array_new();
	}
	return ERR_OK;
}

static void
run_done(struct run *run)
{
	for (int i = 0; i < CHANNELS; i++) {
		close_fd(&run->ours[i]);
		close_fd(&run->theirs[i]);
		if (run->read[i] != NULL)
			g_byte_array_unref(run->read[i]);
	}
}

/* --- the helper --------------------------------------------------------- */

static void
add_number(GPtrArray *words, const char *key, int64_t value)
{
	g_ptr_array_add(words, g_strdup_printf("%s=%lld", key,
					       (long long)value));
}

static void
add_texts(GPtrArray *words, const char *key, char *const *values)
{
	for (; values != NULL && *values != NULL; values++)
		g_ptr_array_add(words, g_strconcat(key, *values, NULL));
}

static GPtrArray *
words_of(const struct sandbox_order *order)
{
	GPtrArray *words = g_ptr_array_new_with_free_func(g_free);

	g_ptr_array_add(words, g_strdup("muster-sandbox"));
	add_number(words, "cpu", order->limits.cpu_s);
	add_number(words, "memory", order->limits.memory);
	add_number(words, "files", order->limits.files);
	add_number(words, "processes", order->limits.processes);
	add_number(words, "space", order->limits.space);
	if (order->user != NULL && order->user[0] != '\0')
		g_ptr_array_add(words, g_strconcat("user=", order->user,
						   NULL));
	add_texts(words, "path=", order->paths);
	add_texts(words, "without=", (char *const *)(uintptr_t)order->without);
	g_ptr_array_add(words, g_strdup("--"));
	add_texts(words, "", order->argv);
	g_ptr_array_add(words, NULL);
	return words;
}

static GPtrArray *
env_of(const struct sandbox_order *order)
{
	GPtrArray *env = g_ptr_array_new_with_free_func(g_free);

	g_ptr_array_add(env, g_strdup("PATH=/usr/local/bin:/usr/bin:/bin"));
	g_ptr_array_add(env, g_strdup("LANG=C.UTF-8"));
	add_texts(env, "", order->env);
	g_ptr_array_add(env, NULL);
	return env;
}

/* Whatever we block or ignore is not for it to inherit. */
static void
set_signals(posix_spawnattr_t *attr)
{
	sigset_t none, all;

	(void) sigemptyset(&none);
	(void) sigfillset(&all);
	(void) posix_spawnattr_setsigmask(attr, &none);
	(void) posix_spawnattr_setsigdefault(attr, &all);
	(void) posix_spawnattr_setflags(attr, POSIX_SPAWN_SETSIGMASK |
					POSIX_SPAWN_SETSIGDEF);
}

static enum err_code
start(struct run *run, struct err *err)
{
	const char *helper = run->order->helper != NULL ? run->order->helper :
		PKGLIBEXECDIR "/muster-sandbox";
	g_autoptr(GPtrArray) words = words_of(run->order);
	g_autoptr(GPtrArray) env = env_of(run->order);
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	int rc;

	(void) posix_spawn_file_actions_init(&actions);
	for (int i = 0; i < CHANNELS; i++)
		(void) posix_spawn_file_actions_adddup2(&actions,
							run->theirs[i], i);
	(void) posix_spawnattr_init(&attr);
	set_signals(&attr);
	rc = posix_spawn(&run->pid, helper, &actions, &attr,
			 (char **)words->pdata, (char **)env->pdata);
	(void) posix_spawnattr_destroy(&attr);
	(void) posix_spawn_file_actions_destroy(&actions);
	for (int i = 0; i < CHANNELS; i++)
		close_fd(&run->theirs[i]);
	if (rc == 0)
		return ERR_OK;
	errno = rc;
	return err_errno(err, "see [sandbox] helper in muster.conf(5)",
			 "cannot start %s", helper);
}

/* --- moving bytes ------------------------------------------------------- */

/* It is to end; the helper sees that nobody listens any more. */
static void
end_it(struct run *run, enum sandbox_end end)
{
	run->is_over = true;
	run->end = end;
	for (int i = 0; i < CHANNELS; i++)
		close_fd(&run->ours[i]);
}

/* A program need not read all of it. */
static void
write_input(struct run *run)
{
	gsize len;
	const char *bytes = g_bytes_get_data(run->order->input, &len);
	ssize_t count = 0;

	if (run->written < len)
		count = write(run->ours[INPUT], bytes + run->written,
			      MIN(len - run->written, PIECE));
	if (count > 0)
		run->written += (gsize)count;
	if (run->written == len ||
	    (count < 0 && errno != EAGAIN && errno != EINTR))
		close_fd(&run->ours[INPUT]);
}

static int64_t
most_of(const struct run *run, enum channel channel)
{
	return channel == OUTPUT ? run->order->limits.output :
		channel == COMPLAINT ? COMPLAINT_MAX : REPORT_MAX;
}

static void
read_some(struct run *run, enum channel channel)
{
	char piece[PIECE];
	const ssize_t count = read(run->ours[channel], piece, sizeof(piece));
	const int64_t room = most_of(run, channel) -
		(int64_t)run->read[channel]->len;

	if (count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR))
		close_fd(&run->ours[channel]);
	if (count <= 0)
		return;
	if (room > 0)
		g_byte_array_append(run->read[channel], (guint8 *)piece,
				    (guint)MIN(count, room));
	if (channel == OUTPUT && count > room)
		end_it(run, SANDBOX_FLOOD);
}

static void
move(struct run *run, const struct pollfd *fds)
{
	if (fds[INPUT].revents != 0)
		write_input(run);
	for (int i = OUTPUT; i < CHANNELS; i++)
		if (fds[i].revents != 0 && run->ours[i] >= 0)
			read_some(run, (enum channel)i);
}

/* Until the helper has hung up: then nobody is left who could write. */
static void
talk(struct run *run)
{
	struct pollfd fds[CHANNELS];
	int64_t left_ms;

	while (run->ours[OUTPUT] >= 0 || run->ours[COMPLAINT] >= 0 ||
	       run->ours[REPORT] >= 0) {
		left_ms = run->until_ms - wire_now_ms();
		if (left_ms <= 0) {
			end_it(run, SANDBOX_LATE);
			return;
		}
		if (run->order->is_stopped != NULL &&
		    run->order->is_stopped(run->order->arg)) {
			end_it(run, SANDBOX_STOPPED);
			return;
		}
		for (int i = 0; i < CHANNELS; i++)
			fds[i] = (struct pollfd){ run->ours[i], i == INPUT ?
				POLLOUT : POLLIN, 0 };
		if (poll(fds, CHANNELS, (int)MIN(left_ms, LOOK_MS)) > 0)
			move(run, fds);
	}
}

/* The helper waits for all that it has started. If it does not end, it is
 * stuck in the kernel, or in who knows what. */
static void
wait_helper(struct run *run)
{
	const int fd = pidfd_open(run->pid, 0);
	struct pollfd ended = { .fd = fd, .events = POLLIN };
	const int64_t until_ms = wire_now_ms() + GRACE_MS;
	int64_t left_ms = GRACE_MS;

	while (fd >= 0 && (ended.revents & POLLIN) == 0 && left_ms > 0) {
		(void) poll(&ended, 1, (int)left_ms);
		left_ms = until_ms - wire_now_ms();
	}
	if (left_ms <= 0)
		(void) kill(run->pid, SIGKILL);
	if (fd >= 0)
		(void) close(fd);
	while (waitpid(run->pid, NULL, 0) < 0 && errno == EINTR)
		;
}

/* --- what came of it ---------------------------------------------------- */

/* Up to a NUL; the caller frees. */
static char *
text_of(const GByteArray *bytes)
{
	return bytes->len > 0 ? g_strndup((const char *)bytes->data,
					  bytes->len) : g_strdup("");
}

static char *
first_line(const GByteArray *bytes)
{
	g_autofree char *text = text_of(bytes);
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	char *line;

	for (char **at = lines; *at != NULL; at++) {
		if (g_strstrip(*at)[0] == '\0')
			continue;
		if (strlen(*at) > COMPLAINT_LINE)
			(*at)[COMPLAINT_LINE] = '\0';
		line = g_utf8_make_valid(*at, -1);
		for (char *p = line; *p != '\0'; p = g_utf8_next_char(p))
			if (g_ascii_iscntrl(*p))
				*p = ' ';
		return line;
	}
	return g_strdup("");
}

/* The lines that core/sandbox/sandbox.c describes. */
static enum err_code
read_line(const char *line, struct sandbox_result *out, bool *is_ended,
	  struct err *err)
{
	const char *text = strchr(line, ' ');

	text = text != NULL ? text + 1 : "";
	if (g_str_has_prefix(line, "failed "))
		return err_set(err, ERR_INVALID, "see [program] and [sandbox] "
			       "in muster.conf(5)", "%s", text);
	if (g_str_has_prefix(line, "later "))
		return err_set(err, ERR_BUSY, "nothing: it is tried again",
			       "%s", text);
	*is_ended = true;
	out->status = (int)g_ascii_strtoll(text, NULL, 10);
	if (g_str_has_prefix(line, "exit ")) {
		out->end = SANDBOX_EXITED;
	} else if (g_str_has_prefix(line, "signal ")) {
		out->end = SANDBOX_SIGNALLED;
	} else {
		*is_ended = false;
		g_free(out->holds);
		out->holds = g_strdup(text);
	}
	return ERR_OK;
}

static enum err_code
read_report(const struct run *run, struct sandbox_result *out,
	    struct err *err)
{
	g_autofree char *text = text_of(run->read[REPORT]);
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	bool is_ended = run->is_over;
	enum err_code rc = ERR_OK;

	for (char **line = lines; *line != NULL && rc == ERR_OK; line++)
		if ((*line)[0] != '\0')
			rc = read_line(*line, out, &is_ended, err);
	if (rc == ERR_OK && !is_ended && !run->is_over)
		rc = err_set(err, ERR_IO, "see the system's log",
			     "the sandbox ended without a word");
	return rc;
}

static enum err_code
finish(struct run *run, struct sandbox_result *out, struct err *err)
{
	struct sandbox_result result = { 0 };
	enum err_code rc = read_report(run, &result, err);

	if (rc != ERR_OK) {
		g_free(result.holds);
		return rc;
	}
	if (run->is_over)
		result.end = run->end;
	if (result.holds == NULL)
		result.holds = g_strdup("");
	result.complaint = first_line(run->read[COMPLAINT]);
	result.output = g_byte_array_free_to_bytes(
		g_steal_pointer(&run->read[OUTPUT]));
	*out = result;
	return ERR_OK;
}

enum err_code
sandbox_run(const struct sandbox_order *order, struct sandbox_result *out,
	    struct err *err)
{
	struct run run = {
		.order = order, .ours = { -1, -1, -1, -1 },
		.theirs = { -1, -1, -1, -1 },
		.until_ms = wire_now_ms() + order->limits.time_ms,
	};
	enum err_code rc = open_channels(&run, err);

	if (rc == ERR_OK)
		rc = start(&run, err);
	if (rc == ERR_OK) {
		talk(&run);
		for (int i = 0; i < CHANNELS; i++)
			close_fd(&run.ours[i]);
		wait_helper(&run);
		rc = finish(&run, out, err);
	}
	run_done(&run);
	return rc;
}

void
sandbox_result_done(struct sandbox_result *result)
{
	g_clear_pointer(&result->output, g_bytes_unref);
	g_clear_pointer(&result->complaint, g_free);
	g_clear_pointer(&result->holds, g_free);
}

char *
sandbox_end_text(const struct sandbox_result *result,
		 const struct sandbox_limits *limits)
{
	switch (result->end) {
	case SANDBOX_EXITED:
		return g_strdup_printf("exit status %d", result->status);
	case SANDBOX_SIGNALLED:
		return g_strdup_printf("killed by signal %d (%s)",
				       result->status,
				       result->status == SIGXCPU ?
				       "it used more CPU time than it may" :
				       g_strsignal(result->status));
	case SANDBOX_LATE:
		return g_strdup_printf("took longer than %lld s", (long long)
				       ((limits->time_ms + 999) / 1000));
	case SANDBOX_FLOOD:
		return g_strdup_printf("wrote more than %lld bytes",
				       (long long)limits->output);
	case SANDBOX_STOPPED:
		return g_strdup("musterd stopped");
	}
	g_assert_not_reached();
}
