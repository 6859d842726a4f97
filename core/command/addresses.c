/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/command/addresses.h"

#include <errno.h>
#include <string.h>

#include "core/mail/mime.h"
#include "core/base/banned.h"

#define LINE_LONGEST 2000	/* bytes; a name and an address need less */
#define SHOWN_LONGEST 100	/* bytes of a bad line in its report */

const char *
addresses_check(const struct call *call)
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

const char *
addresses_unit(const struct addresses *addresses)
{
	return addresses->source == NULL ? "addresses" : "lines";
}

/* --- one of them -------------------------------------------------------- */

static void
address_done(void *data)
{
	struct address *address = data;

	g_free(address->addr);
	g_free(address->name);
}

static void
report_bad(struct addresses *addresses, uint64_t line, const char *wrong,
	   const char *text)
{
	g_autofree char *plain = print_plain(text);
	FILE *errors = addresses->call->admin->errors;
	const char *end = plain + MIN(strlen(plain), SHOWN_LONGEST);

	addresses->bad++;
	progress_clear(&addresses->progress);
	if (*end != '\0') {
		/* not within a character */
		end = g_utf8_find_prev_char(plain, end + 1);
		plain[end - plain] = '\0';
	}
	if (addresses->source != NULL)
		(void) fprintf(errors, "%s:%llu: %s: %s\n",
			       addresses->source, (unsigned long long)line,
			       wrong, plain);
	else
		(void) fprintf(errors, "muster: %s: %s\n", wrong, plain);
}

void
addresses_refuse(struct addresses *addresses, const struct address *address,
		 const char *what)
{
	g_autofree char *plain = print_plain(address->addr);
	FILE *errors = addresses->call->admin->errors;

	addresses->bad++;
	progress_clear(&addresses->progress);
	if (addresses->source != NULL)
		(void) fprintf(errors, "%s:%llu: %s %s\n",
			       addresses->source,
			       (unsigned long long)address->line, plain,
			       what);
	else
		(void) fprintf(errors, "muster: %s %s\n", plain, what);
}

/* A name may come encoded and decode to anything. */
static const char *
check_name(const char *name)
{
	if (strlen(name) > KEY_TEXT_MAX)
		return "the name is over 400 bytes";
	for (; *name != '\0'; name++)
		if ((unsigned char)*name < ' ' || *name == 0x7f)
			return "the name has a control character";
	return NULL;
}

static void
take(struct addresses *addresses, const char *text)
{
	struct address address = { .line = addresses->line };
	const char *wrong = mime_mailbox(text, &address.addr, &address.name);

	if (wrong == NULL)
		wrong = check_name(address.name);
	if (wrong == NULL) {
		g_array_append_val(addresses->waiting, address);
		return;
	}
	address_done(&address);
	report_bad(addresses, addresses->line, wrong, text);
}

static enum err_code
flush(struct addresses *addresses, struct err *err)
{
	GArray *waiting = addresses->waiting;
	enum err_code rc = ERR_OK;

	if (waiting->len > 0)
		rc = addresses->batch(addresses, (const struct address *)
				      (void *)waiting->data, waiting->len,
				      err);
	g_array_set_size(waiting, 0);
	if (rc == ERR_OK)
		progress_show(&addresses->progress, "line %llu: %llu %s",
			      (unsigned long long)addresses->line,
			      (unsigned long long)addresses->done,
			      addresses->doing);
	return rc;
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
take_line(struct addresses *addresses, enum line kind, char *line)
{
	static const char bom[] = "\357\273\277";

	addresses->line++;
	if (addresses->line == 1 && g_str_has_prefix(line, bom))
		line += strlen(bom);
	if (kind == LINE_NUL) {
		report_bad(addresses, addresses->line,
			   "there is a NUL byte in it", line);
	} else if (kind == LINE_LONG) {
		report_bad(addresses, addresses->line,
			   "the line is over 2000 bytes", line);
	} else {
		g_strstrip(line);
		if (line[0] != '\0' && line[0] != '#')
			take(addresses, line);
	}
}

static enum err_code
read_error(const struct addresses *addresses, int problem, struct err *err)
{
	if (problem == ECANCELED)
		return err_set(err, ERR_BUSY, "run it again when musterd is "
			       "up; what is done already is left as it is",
			       "stopped at line %llu, because musterd stops",
			       (unsigned long long)addresses->line);
	errno = problem;
	return err_errno(err, "", "%s cannot be read", addresses->source);
}

static enum err_code
run_lines(struct addresses *addresses, struct err *err)
{
	FILE *in = addresses->call->admin->in;
	char line[LINE_LONGEST + 1];
	enum err_code rc = ERR_OK;
	enum line kind;

	errno = 0;
	while (rc == ERR_OK && (kind = next_line(in, line)) != LINE_END) {
		take_line(addresses, kind, line);
		if (addresses->waiting->len >= addresses->batch_max)
			rc = flush(addresses, err);
		errno = 0;
	}
	if (rc == ERR_OK && ferror(in))
		rc = read_error(addresses, errno, err);
	return rc;
}

/* --- all of them -------------------------------------------------------- */

static const char *
source_of(const struct call *call)
{
	if (call->file != NULL && strcmp(call->file, "-") != 0)
		return call->file;
	if (call->file != NULL || strcmp(call->args[1], "-") == 0)
		return "stdin";
	return NULL;
}

static enum err_code
run_arguments(struct addresses *addresses, struct err *err)
{
	const struct call *call = addresses->call;
	enum err_code rc = ERR_OK;

	for (int i = 1; i < call->count && rc == ERR_OK; i++) {
		take(addresses, call->args[i]);
		if (addresses->waiting->len >= addresses->batch_max)
			rc = flush(addresses, err);
	}
	return rc;
}

enum err_code
addresses_run(struct addresses *addresses, struct err *err)
{
	g_autoptr(GArray) waiting = g_array_new(FALSE, FALSE,
					      sizeof(struct address));
	enum err_code rc;

	g_array_set_clear_func(waiting, address_done);
	addresses->waiting = waiting;
	addresses->source = source_of(addresses->call);
	progress_init(&addresses->progress, addresses->call);
	rc = addresses->source != NULL ? run_lines(addresses, err) :
		run_arguments(addresses, err);
	if (rc == ERR_OK)
		rc = flush(addresses, err);
	progress_clear(&addresses->progress);
	return rc;
}
