/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>
#include <unistd.h>

#include "core/command/verbs.h"
#include "core/mail/addr.h"
#include "core/mail/mime.h"
#include "db/roster.h"
#include "core/base/banned.h"

/*
 * Adding members, one or a million: read line by line, put in batches. What
 * is wrong with a line is said with its number, and the others are added.
 */

#define BATCH 5000
#define LINE_LEN 1024
#define PROGRESS_US 500000

struct intake {
	struct admin *admin;
	uint32_t list;
	int64_t now_s;
	GPtrArray *batch;	/* of struct member */
	uint64_t added, known, bad;
	int64_t shown_us;
	bool show;		/* progress, on a terminal */
};

static void
show_progress(struct intake *intake, bool last)
{
	int64_t now = g_get_monotonic_time();

	if (!intake->show || (!last && now - intake->shown_us < PROGRESS_US))
		return;
	intake->shown_us = now;
	(void) fprintf(intake->admin->errors, "\r%llu added%s",
		       (unsigned long long)intake->added, last ? "\n" : "");
	(void) fflush(intake->admin->errors);
}

static enum err_code
put_batch(struct intake *intake, struct err *err)
{
	g_autofree bool *added = g_new0(bool, intake->batch->len);
	enum err_code rc;

	if (intake->batch->len == 0)
		return ERR_OK;
	rc = roster_import(intake->admin->store, intake->list,
			   (struct member *const *)intake->batch->pdata,
			   intake->batch->len, added, err);
	if (rc != ERR_OK)
		return rc;
	for (guint i = 0; i < intake->batch->len; i++) {
		intake->added += added[i];
		intake->known += !added[i];
	}
	g_ptr_array_set_size(intake->batch, 0);
	show_progress(intake, false);
	return ERR_OK;
}

static void
say_bad(struct intake *intake, const char *file, unsigned long long line,
	const char *wrong, const char *text)
{
	g_autofree char *valid = g_utf8_make_valid(text, -1);

	intake->bad++;
	if (file != NULL)
		(void) fprintf(intake->admin->errors, "%s:%llu: ", file,
			       line);
	else
		(void) fputs("muster: ", intake->admin->errors);
	(void) fprintf(intake->admin->errors, "%s: %.200s\n", wrong, valid);
}

static enum err_code
take_text(struct intake *intake, const char *file, unsigned long long line,
	  const char *text, struct err *err)
{
	g_autofree char *addr = NULL, *name = NULL;
	const char *wrong = mime_mailbox(text, &addr, &name);
	struct member *member;

	if (wrong != NULL) {
		say_bad(intake, file, line, wrong, text);
		return ERR_OK;
	}
	member = member_new(addr, intake->now_s);
	g_free(member->name);
	member->name = g_steal_pointer(&name);
	g_ptr_array_add(intake->batch, member);
	return intake->batch->len >= BATCH ? put_batch(intake, err) : ERR_OK;
}

/* The rest of a line that is too long for the buffer. */
static void
skip_line(FILE *in)
{
	int c;

	do
		c = fgetc(in);
	while (c != EOF && c != '\n');
}

static enum err_code
take_file(struct intake *intake, FILE *in, const char *file, struct err *err)
{
	char text[LINE_LEN];
	unsigned long long line = 0;
	enum err_code rc = ERR_OK;

	while (rc == ERR_OK && fgets(text, sizeof(text), in) != NULL) {
		char *start = text;
		bool whole = strchr(text, '\n') != NULL || feof(in);

		if (++line == 1 && g_str_has_prefix(text, "\xef\xbb\xbf"))
			start += 3;
		start = g_strstrip(start);
		if (!whole) {
			skip_line(in);
			say_bad(intake, file, line, "the line is too long",
				start);
		} else if (start[0] != '\0' && start[0] != '#') {
			rc = take_text(intake, file, line, start, err);
		}
	}
	if (rc == ERR_OK && ferror(in))
		rc = err_errno(err, "", "cannot read %s", file);
	return rc;
}

static enum err_code
take_all(struct intake *intake, const struct words *words, struct err *err)
{
	struct admin *admin = intake->admin;
	enum err_code rc = ERR_OK;
	FILE *in;

	if (words->file != NULL && strcmp(words->file, "-") != 0) {
		in = fdopen(dup(admin->file), "r");
		if (in == NULL)
			return err_errno(err, "", "cannot read %s",
					 words->file);
		rc = take_file(intake, in, words->file, err);
		(void) fclose(in);
	} else if (words->file != NULL) {
		rc = take_file(intake, admin->in, "stdin", err);
	}
	for (int i = 1; i < words->count && rc == ERR_OK; i++)
		rc = strcmp(words->args[i], "-") == 0 ?
			take_file(intake, admin->in, "stdin", err) :
			take_text(intake, NULL, 0, words->args[i], err);
	return rc == ERR_OK ? put_batch(intake, err) : rc;
}

static int
sum_up(const struct intake *intake)
{
	(void) fprintf(intake->admin->out, "%llu added, %llu were already "
		       "there, %llu bad lines\n",
		       (unsigned long long)intake->added,
		       (unsigned long long)intake->known,
		       (unsigned long long)intake->bad);
	return intake->bad > 0 ? ADMIN_REFUSED : ADMIN_DONE;
}

static void
free_member(void *data)
{
	member_free(data);
}

int
verb_member_add(struct admin *admin, const struct words *words)
{
	g_autoptr(GPtrArray) batch = g_ptr_array_new_with_free_func(
		free_member);
	struct intake intake = {
		.admin = admin, .batch = batch,
		.now_s = g_get_real_time() / G_USEC_PER_SEC,
		.show = isatty(fileno(admin->errors)) == 1,
	};
	struct err err = ERR_INIT;
	struct list *list;
	int status = ADMIN_DONE;

	if (words->count == 1 && words->file == NULL) {
		(void) admin_refuse(admin, "whom? Give addresses, --file F, "
				    "or - for stdin");
		return ADMIN_USAGE;
	}
	list = find_list(admin, words->args[0], &status);
	if (list == NULL)
		return status;
	intake.list = list->id;
	list_free(list);
	if (take_all(&intake, words, &err) != ERR_OK)
		return admin_fail(admin, &err);
	show_progress(&intake, true);
	return sum_up(&intake);
}
