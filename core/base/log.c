/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/base/log.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include <glib.h>

#include "core/base/banned.h"

/* Set once by log_open(), before any thread is started. */
static const char *log_program = "muster";
static bool log_to_stderr = true;

void
log_open(const char *program, int to_stderr)
{
	log_program = program;
	log_to_stderr = to_stderr;
	if (!to_stderr)
		openlog(program, LOG_PID, LOG_MAIL);
}

static bool
value_is_plain(const char *value)
{
	if (value[0] == '\0')
		return false;
	for (; *value != '\0'; value++)
		if ((unsigned char)*value <= ' ' || *value == '"' ||
		    *value == '=' || *value == '\\' || *value == 0x7f)
			return false;
	return true;
}

static void
append_value(GString *line, const char *raw)
{
	g_autofree char *value = g_utf8_make_valid(raw, -1);

	if (value_is_plain(value)) {
		g_string_append(line, value);
		return;
	}
	g_string_append_c(line, '"');
	for (const char *p = value; *p != '\0'; p++) {
		if (*p == '"' || *p == '\\')
			g_string_append_printf(line, "\\%c", *p);
		else if ((unsigned char)*p < ' ' || *p == 0x7f)
			g_string_append_printf(line, "\\x%02x",
					       (unsigned char)*p);
		else
			g_string_append_c(line, *p);
	}
	g_string_append_c(line, '"');
}

static void
append_pair(GString *line, const char *key, const char *value)
{
	g_string_append_printf(line, " %s=", key);
	append_value(line, value);
}

static void
append_context(GString *line, const struct log_ctx *ctx)
{
	if (ctx == NULL)
		return;
	if (ctx->qid != NULL && ctx->qid[0] != '\0')
		append_pair(line, "qid", ctx->qid);
	if (ctx->list != NULL && ctx->list[0] != '\0')
		append_pair(line, "list", ctx->list);
	if (ctx->id != NULL && ctx->id[0] != '\0')
		append_pair(line, "id", ctx->id);
}

static void
write_stderr(const char *text)
{
	g_autoptr(GString) line = g_string_new(NULL);
	struct timespec now;
	struct tm tm;
	char stamp[32];

	(void) clock_gettime(CLOCK_REALTIME, &now);
	(void) gmtime_r(&now.tv_sec, &tm);
	(void) strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", &tm);
	g_string_printf(line, "%s.%03ldZ %s[%d]: %s\n", stamp,
			now.tv_nsec / 1000000, log_program, (int)getpid(),
			text);
	/* One write, so that lines of several processes do not mix. */
	if (write(STDERR_FILENO, line->str, line->len) < 0)
		return;		/* nobody left to tell */
}

void
log_write(int priority, const struct log_ctx *ctx, const char *event,
	  const struct kv *pairs)
{
	g_autoptr(GString) line = g_string_new(event);
	char number[32];

	append_context(line, ctx);
	for (; pairs->key != NULL; pairs++) {
		if (pairs->str == NULL)
			(void) snprintf(number, sizeof(number), "%lld",
					(long long)pairs->num);
		append_pair(line, pairs->key,
			    pairs->str != NULL ? pairs->str : number);
	}
	if (log_to_stderr)
		write_stderr(line->str);
	else
		syslog(priority, "%s", line->str);
}

void
log_err(const struct log_ctx *ctx, const char *event, const struct err *err)
{
	log_error(ctx, event, kv_str("what", err->what),
		  kv_str("todo", err->todo));
}
