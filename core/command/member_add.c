/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/command/print.h"
#include "core/command/verb.h"
#include "core/mail/addr.h"
#include "core/mail/mime.h"
#include "core/base/banned.h"

/*
 * Addresses into the roster, from the command line or from a file of any
 * size: a batch at a time is in memory, and is one transaction. A bad line
 * is reported and left out; it must not keep a million good ones waiting.
 */
#define BATCH 1000
#define LINE_LONGEST 2000	/* bytes; a name and an address need less */
#define NAME_LONGEST 400	/* KEY_TEXT_MAX of conf/keys.h */
#define SHOWN_LONGEST 100	/* bytes of a bad line in its report */

struct adding {
	const struct call *call;
	uint32_t list;
	int64_t now_s;
	GPtrArray *members;	/* struct member *, of the batch */
	const char *source;	/* the file's name, NULL: the command line */
	uint64_t line;
	uint64_t added, there, bad;
	struct progress progress;
};

const char *
member_add_check(const struct call *call)
{
	bool dash = false;

	for (int i = 1; i < call->count; i++)
		dash |= strcmp(call->args[i], "-") == 0;
	if (call->count == 1 && call->file == NULL)
		return "addresses, --file FILE or - are missing";
	if ((call->count > 1 && call->file != NULL) ||
	    (call->count > 2 && dash))
		return "addresses come either from the command line or from "
			"one file";
	return NULL;
}

static void
report_bad(struct adding *adding, const char *wrong, const char *text)
{
	g_autofree char *plain = print_plain(text);
	FILE *errors = adding->call->admin->errors;
	const char *end = plain + MIN(strlen(plain), SHOWN_LONGEST);

	adding->bad++;
	progress_clear(&adding->progress);
	if (*end != '\0') {
		/* not within a character */
		end = g_utf8_find_prev_char(plain, end + 1);
		plain[end - plain] = '\0';
	}
	if (adding->source != NULL)
		(void) fprintf(errors, "%s:%llu: %s: %s\n", adding->source,
			       (unsigned long long)adding->line, wrong,
			       plain);
	else
		(void) fprintf(errors, "muster: %s: %s\n", wrong, plain);
}

/* A name may come encoded and decode to anything. */
static const char *
check_name(const char *name)
{
	if (strlen(name) > NAME_LONGEST)
		return "the name is over 400 bytes";
	for (; *name != '\0'; name++)
		if ((unsigned char)*name < ' ' || *name == 0x7f)
			return "the name has a control character";
	return NULL;
}

static void
take(struct adding *adding, const char *text)
{
	g_autofree char *addr = NULL, *name = NULL;
	const char *wrong = mime_mailbox(text, &addr, &name);
	struct member *member;

	if (wrong == NULL)
		wrong = check_name(name);
	if (wrong != NULL) {
		report_bad(adding, wrong, text);
		return;
	}
	member = member_new(addr, adding->now_s);
	g_free(member->name);
	member->name = g_steal_pointer(&name);
	g_ptr_array_add(adding->members, member);
}

static enum err_code
flush(struct adding *adding, struct err *err)
{
	GPtrArray *members = adding->members;
	g_autofree bool *added = g_new0(bool, members->len + 1);
	enum err_code rc;

	if (members->len == 0)
		return ERR_OK;
	rc = roster_import(adding->call->admin->store, adding->list,
			   (struct member *const *)members->pdata,
			   members->len, added, err);
	if (rc != ERR_OK)
		return rc;
	for (guint i = 0; i < members->len; i++)
		if (added[i])
			adding->added++;
		else
			adding->there++;
	g_ptr_array_set_size(members, 0);
	progress_show(&adding->progress, "line %llu: %llu added",
		      (unsigned long long)adding->line,
		      (unsigned long long)adding->added);
	return ERR_OK;
}

/* --- a file ------------------------------------------------------------- */

enum line { LINE_END, LINE_GOOD, LINE_LONG, LINE_NUL };

/* The next line without its end; what is too long is passed over. */
static enum line
next_line(FILE *in, char *buf)
{
	enum line result = LINE_GOOD;
	size_t len = 0;
	int c;

	while ((c = getc_unlocked(in)) != EOF && c != '\n') {
		if (c == '\0')
			result = LINE_NUL;
		if (len < LINE_LONGEST)
			buf[len++] = (char)c;
		else if (result == LINE_GOOD)
			result = LINE_LONG;
	}
	buf[len] = '\0';
	/* What an error cut off may look like an address, and is none. */
	return c == EOF && (len == 0 || ferror(in)) ? LINE_END : result;
}

static void
take_line(struct adding *adding, enum line kind, char *line)
{
	static const char bom[] = "\357\273\277";

	adding->line++;
	if (adding->line == 1 && g_str_has_prefix(line, bom))
		line += strlen(bom);
	if (kind == LINE_NUL) {
		report_bad(adding, "there is a NUL byte in it", line);
	} else if (kind == LINE_LONG) {
		report_bad(adding, "the line is over 2000 bytes", line);
	} else {
		g_strstrip(line);
		if (line[0] != '\0' && line[0] != '#')
			take(adding, line);
	}
}

static enum err_code
read_error(const struct adding *adding, int problem, struct err *err)
{
	if (problem == ECANCELED)
		return err_set(err, ERR_BUSY, "run it again when musterd is "
			       "up; what is there already is left as it is",
			       "stopped at line %llu, because musterd stops",
			       (unsigned long long)adding->line);
	errno = problem;
	return err_errno(err, "", "%s cannot be read", adding->source);
}

static enum err_code
add_lines(struct adding *adding, struct err *err)
{
	FILE *in = adding->call->admin->in;
	char line[LINE_LONGEST + 1];
	enum err_code rc = ERR_OK;
	enum line kind;

	errno = 0;
	while (rc == ERR_OK && (kind = next_line(in, line)) != LINE_END) {
		take_line(adding, kind, line);
		if (adding->members->len >= BATCH)
			rc = flush(adding, err);
		errno = 0;
	}
	if (rc == ERR_OK && ferror(in))
		rc = read_error(adding, errno, err);
	return rc;
}

/* --- the verb ----------------------------------------------------------- */

static enum err_code
add_all(struct adding *adding, struct err *err)
{
	enum err_code rc = ERR_OK;

	if (adding->source != NULL)
		rc = add_lines(adding, err);
	else
		for (int i = 1; i < adding->call->count; i++)
			take(adding, adding->call->args[i]);
	if (rc == ERR_OK)
		rc = flush(adding, err);
	progress_clear(&adding->progress);
	return rc;
}

static void
print_summary(const struct adding *adding)
{
	const struct call *call = adding->call;

	if (call->json)
		print_object(call, json_pack(
			"{s:I, s:I, s:I}", "added", (json_int_t)adding->added,
			"already_there", (json_int_t)adding->there,
			"bad", (json_int_t)adding->bad));
	else
		(void) fprintf(call->admin->out, "%llu added, %llu were "
			       "already there, %llu bad %s\n",
			       (unsigned long long)adding->added,
			       (unsigned long long)adding->there,
			       (unsigned long long)adding->bad,
			       adding->source == NULL ? "addresses" : "lines");
}

static const char *
source_of(const struct call *call)
{
	if (call->file != NULL && strcmp(call->file, "-") != 0)
		return call->file;
	if (call->file != NULL || strcmp(call->args[1], "-") == 0)
		return "stdin";
	return NULL;
}

static void
free_member(void *member)
{
	member_free(member);
}

enum admin_status
member_add_run(struct call *call)
{
	g_autoptr(list_auto) list = NULL;
	g_autoptr(GPtrArray) members = g_ptr_array_new_with_free_func(
		free_member);
	struct adding adding = {
		.call = call, .members = members, .source = source_of(call),
		.now_s = clock_s(),
	};
	struct err err = ERR_INIT;
	enum admin_status status = call_list(call, call->args[0], &list);

	if (status != ADMIN_DONE)
		return status;
	adding.list = list->id;
	progress_init(&adding.progress, call);
	if (add_all(&adding, &err) != ERR_OK)
		status = call_fail(call, &err);
	print_summary(&adding);
	if (status == ADMIN_DONE && adding.bad > 0)
		status = ADMIN_REFUSED;
	return status;
}
