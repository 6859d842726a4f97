/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/command/top.h"

#include <string.h>

#include <glib.h>

#include "core/command/flow.h"
#include "core/command/print.h"
#include "core/base/banned.h"

#define BOLD "\033[1m"
#define PLAIN "\033[0m"
#define WIDTH_ALL 1000		/* where the terminal sets no bound */
#define LIST_LEAST 20
#define LIST_MOST 60
#define JOB_WIDTH 53		/* of a job's columns behind the list */
#define ENDS_WIDTH 10
#define POST_WIDTH 21

struct frame {
	GString *text;
	const struct top_size *size;
	size_t width;
	int lines;
};

/* --- values ------------------------------------------------------------- */

static const char *
text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text != NULL ? text : "-";
}

static json_int_t
int_of(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

/* "-" for null; the caller frees */
static char *
count_text(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	return json_is_integer(value) ? g_strdup_printf("%lld", (long long)
		json_integer_value(value)) : g_strdup("-");
}

/* Where it is little, tenths count. */
static char *
rate_text(double rate)
{
	return rate > 0 && rate < 10 ? g_strdup_printf("%.1f", rate) :
		g_strdup_printf("%.0f", rate);
}

static char *
rate_of(const json_t *object)
{
	const json_t *rate = json_object_get(object, "rate_per_s");

	return json_is_number(rate) ? rate_text(json_number_value(rate)) :
		g_strdup("-");
}

/* "11:20:31Z" of an RFC 3339 time today, else its date */
static char *
clock_text(const char *time, const char *now)
{
	if (strlen(time) < 20)
		return g_strdup("-");
	return strncmp(time, now, 10) == 0 ? g_strdup(time + 11) :
		g_strndup(time, 10);
}

/* --- lines -------------------------------------------------------------- */

static size_t
columns(const char *text)
{
	return (size_t)g_utf8_strlen(text, -1);
}

static bool
has_room(const struct frame *frame, int lines)
{
	return frame->size->height <= 0 ||
		frame->lines + lines <= frame->size->height;
}

/* One line, as much as fits. */
static void
add_line(struct frame *frame, bool bold, char *owned)
{
	g_autofree char *line = g_strchomp(owned);

	if (!has_room(frame, 1))
		return;
	if (columns(line) > frame->width)
		*g_utf8_offset_to_pointer(line, (glong)frame->width) = '\0';
	bold = bold && frame->size->bold;
	g_string_append_printf(frame->text, "%s%s%s\n", bold ? BOLD : "",
			       line, bold ? PLAIN : "");
	frame->lines++;
}

/* Padded, or cut with a "~" at its end. */
static char *
fitted(const char *text, size_t width)
{
	g_autofree char *plain = print_plain(text);
	size_t have = columns(plain);
	g_autofree char *part = NULL;

	if (have <= width)
		return g_strdup_printf("%s%*s", plain, (int)(width - have),
				       "");
	part = g_utf8_substring(plain, 0, (glong)width - 1);
	return g_strconcat(part, "~", NULL);
}

/* --- the head ----------------------------------------------------------- */

static void
add_head(struct frame *frame, const json_t *look, const char *notice)
{
	const json_t *outbound = json_object_get(look, "outbound");
	g_autofree char *rate = rate_of(outbound);
	bool running = json_is_true(json_object_get(look, "running"));

	add_line(frame, true, g_strdup_printf(
		"muster %s  %s  %s%s", text_of(look, "version"),
		text_of(look, "hostname"), text_of(look, "time"),
		running ? "" : "  musterd does not run"));
	if (notice != NULL)
		add_line(frame, true, g_strdup(notice));
	if (running)
		add_line(frame, false, g_strdup_printf(
			"copies   %s/s, %lld sent since the start, %lld "
			"connections", rate, (long long)
			int_of(outbound, "sent"), (long long)
			int_of(outbound, "connections")));
}

static void
add_queue(struct frame *frame, const json_t *look)
{
	const json_t *queue = json_object_get(look, "queue");
	const json_t *deferred = json_object_get(look, "deferred");
	g_autofree char *next = clock_text(text_of(deferred, "next"),
					   text_of(look, "time"));
	const int64_t programs = int_of(queue, "program");
	g_autofree char *program = programs == 0 ? g_strdup("") :
		g_strdup_printf("program %lld  ", (long long)programs);

	add_line(frame, false, g_strdup_printf(
		"queue    pending %lld  %soutbound %lld  bounce %lld  notice "
		"%lld  command %lld  held %lld  shunted %lld",
		(long long)int_of(queue, "pending"), program,
		(long long)int_of(queue, "outbound"),
		(long long)int_of(queue, "bounce"),
		(long long)int_of(queue, "notice"),
		(long long)int_of(queue, "command"),
		(long long)int_of(queue, "held"),
		(long long)int_of(queue, "shunted")));
	if (int_of(deferred, "jobs") > 0)
		add_line(frame, false, g_strdup_printf(
			"deferred %lld copies in %lld jobs, the next at %s",
			(long long)int_of(deferred, "copies"),
			(long long)int_of(deferred, "jobs"), next));
}

/* --- relays ------------------------------------------------------------- */

static const json_t *
same_relay(const json_t *look, const json_t *relay)
{
	const json_t *relays = json_object_get(look, "relays"), *other;
	size_t i;

	json_array_foreach(relays, i, other)
		if (int_of(other, "port") == int_of(relay, "port") &&
		    strcmp(text_of(other, "host"), text_of(relay, "host")) ==
		    0)
			return other;
	return NULL;
}

/* What it has taken since; musterd may have been started again. */
static char *
taken_text(const json_t *look, const json_t *before, const json_t *relay)
{
	const json_t *then = same_relay(before, relay);
	double seconds = (double)(int_of(look, "monotonic_ms") -
				  int_of(before, "monotonic_ms")) / 1000;
	json_int_t copies = int_of(relay, "sent") - int_of(then, "sent");

	if (then == NULL || copies < 0 || (copies > 0 && seconds <= 0))
		return g_strdup("-");
	return rate_text(copies > 0 ? (double)copies / seconds : 0);
}

static void
add_relays(struct frame *frame, const json_t *look, const json_t *before)
{
	const json_t *relays = json_object_get(look, "relays"), *relay;
	size_t i;

	if (json_array_size(relays) == 0)
		return;
	add_line(frame, false, g_strdup(""));
	add_line(frame, true, g_strdup_printf("%-32s %-5s %6s %7s %12s %9s",
		 "RELAY", "STATE", "CONNS", "STALLED", "SENT", "COPIES/S"));
	json_array_foreach(relays, i, relay) {
		g_autofree char *addr = g_strdup_printf("%s:%lld",
			text_of(relay, "host"), (long long)
			int_of(relay, "port"));
		g_autofree char *name = fitted(addr, 32);
		g_autofree char *rate = taken_text(look, before, relay);
		const json_t *why = json_object_get(relay, "why");
		g_autofree char *reason = json_is_string(why) ?
			print_plain(json_string_value(why)) : g_strdup("");

		add_line(frame, false, g_strdup_printf(
			"%s %-5s %6lld %7lld %12lld %9s  %s", name,
			text_of(relay, "state"), (long long)
			int_of(relay, "connections"), (long long)
			int_of(relay, "stalled"), (long long)
			int_of(relay, "sent"), rate, reason));
	}
}

/* --- jobs --------------------------------------------------------------- */

/* The columns that there is room for. */
struct layout { size_t list; bool ends, post; };

static struct layout
lay_out(const struct frame *frame, const json_t *jobs)
{
	struct layout layout = { .list = LIST_LEAST };
	size_t room = frame->width > JOB_WIDTH ? frame->width - JOB_WIDTH : 0;
	const json_t *job;
	size_t i;

	json_array_foreach(jobs, i, job)
		layout.list = MAX(layout.list, columns(text_of(job, "list")));
	layout.list = MIN(layout.list, LIST_MOST);
	layout.ends = room >= layout.list + ENDS_WIDTH;
	layout.post = room >= layout.list + ENDS_WIDTH + POST_WIDTH;
	layout.list = CLAMP(room, LIST_LEAST, layout.list);
	return layout;
}

static void
add_job(struct frame *frame, const struct layout *layout, const json_t *job,
	const char *now)
{
	const json_t *eta = json_object_get(job, "eta_s");
	g_autofree char *list = fitted(text_of(job, "list"), layout->list);
	g_autofree char *remaining = count_text(job, "remaining");
	g_autofree char *rate = rate_of(job);
	g_autofree char *left = json_is_integer(eta) ?
		duration_text(json_integer_value(eta)) : g_strdup("-");
	g_autofree char *ends = clock_text(text_of(job, "ends"), now);
	GString *line = g_string_new(NULL);

	g_string_append_printf(line, "%s %-7s %9lld %7lld %9s %8s %6s", list,
			       text_of(job, "state"), (long long)
			       int_of(job, "sent"), (long long)
			       int_of(job, "refused"), remaining, rate, left);
	if (layout->ends)
		g_string_append_printf(line, " %9s", ends);
	if (layout->post)
		g_string_append_printf(line, " %-20s", text_of(job, "post"));
	add_line(frame, false, g_string_free(line, FALSE));
}

static void
add_jobs(struct frame *frame, const json_t *look)
{
	const json_t *jobs = json_object_get(look, "jobs"), *job;
	const struct layout layout = lay_out(frame, jobs);
	json_int_t more = int_of(look, "jobs_left_out");
	g_autofree char *list = fitted("LIST", layout.list);
	size_t i;

	if (json_array_size(jobs) == 0)
		return;
	add_line(frame, false, g_strdup(""));
	add_line(frame, true, g_strdup_printf(
		"%s %-7s %9s %7s %9s %8s %6s%s%s", list, "STATE", "SENT",
		"REFUSED", "REMAINING", "COPIES/S", "LEFT",
		layout.ends ? "      ENDS" : "", layout.post ? " POST" : ""));
	json_array_foreach(jobs, i, job) {
		bool last = i + 1 == json_array_size(jobs) && more == 0;

		if (!has_room(frame, last ? 1 : 2))
			break;
		add_job(frame, &layout, job, text_of(look, "time"));
	}
	more += (json_int_t)(json_array_size(jobs) - i);
	if (more > 0)
		add_line(frame, false, g_strdup_printf(
			"and %lld more (muster queue ls)", (long long)more));
}

char *
top_frame(const json_t *look, const json_t *before, const char *notice,
	  const struct top_size *size)
{
	struct frame frame = {
		.text = g_string_new(NULL), .size = size,
		.width = size->width > 0 ? (size_t)size->width : WIDTH_ALL,
	};

	add_head(&frame, look, notice);
	add_queue(&frame, look);
	add_relays(&frame, look, before);
	add_jobs(&frame, look);
	return g_string_free(frame.text, FALSE);
}
