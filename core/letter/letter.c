/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/letter/letter.h"

#include <string.h>

#include "core/base/clock.h"
#include "core/letter/inside.h"
#include "core/letter/plain.h"
#include "core/letter/source.h"
#include "core/mail/addr.h"
#include "core/mail/header.h"
#include "core/mail/mime.h"
#include "db/queue.h"
#include "core/base/banned.h"

#define MESSAGE_ID_MAX 500

/* --- the text ----------------------------------------------------------- */

static void
set_role(GHashTable *values, const char *list_addr, const char *name,
	 const char *suffix)
{
	g_hash_table_insert(values, g_strdup(name),
			    list_role_addr(list_addr, suffix));
}

static void
set(GHashTable *values, const char *name, const char *value)
{
	g_hash_table_insert(values, g_strdup(name),
			    g_strdup(value != NULL ? value : ""));
}

/* What every template may say: template_common */
static void
set_common(GHashTable *values, const struct letter *letter)
{
	const char *list = letter->list_addr;
	g_autofree char *name = g_strndup(list, strcspn(list, "@"));
	g_autofree char *date = plain_time(clock_s());

	set(values, "list.address", list);
	set(values, "list.name", name);
	set(values, "list.description", letter->conf->description);
	set_role(values, list, "list.owner", "-owner");
	set_role(values, list, "list.request", "-request");
	set_role(values, list, "list.join", "-join");
	set_role(values, list, "list.leave", "-leave");
	set(values, "recipient", letter->to);
	set(values, "date", date);
}

static GHashTable *
values_of(const struct letter *letter)
{
	GHashTable *values = g_hash_table_new_full(g_str_hash, g_str_equal,
						   g_free, g_free);

	set_common(values, letter);
	for (const struct letter_field *field = letter->fields;
	     field != NULL && field->name != NULL; field++)
		set(values, field->name, field->value);
	return values;
}

enum err_code
letter_fill(struct txn *txn, const struct letter *letter, char **subject_out,
	    char **body_out, char **language_out, struct err *err)
{
	const struct template_kind *kind =
		template_kind_find(letter->template);
	g_autoptr(GHashTable) values = values_of(letter);
	struct template_source source = { 0 };
	struct template *text = NULL;
	enum err_code rc;

	g_assert(kind != NULL);
	rc = template_find(txn, letter->list_addr, kind, letter->language,
			   letter->conf->language, &source, err);
	if (rc == ERR_OK)
		rc = template_parse(kind->name, kind, source.text, &text,
				    err);
	if (rc == ERR_OK) {
		template_fill(text, values, subject_out, body_out);
		if (language_out != NULL)
			*language_out = g_strdup(source.language);
	}
	template_free(text);
	template_source_done(&source);
	return rc;
}

/* --- the header --------------------------------------------------------- */

struct draft {
	const struct letter *letter;
	char *message_id;
	char *subject, *text, *language;
	char boundary[POST_ID_TEXT + 1];
};

static void
draft_done(struct draft *draft)
{
	g_free(draft->message_id);
	g_free(draft->subject);
	g_free(draft->text);
	g_free(draft->language);
}

static void
add_printf(struct header *header, const char *name, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void
add_printf(struct header *header, const char *name, const char *format, ...)
{
	g_autofree char *value = NULL;
	va_list ap;

	va_start(ap, format);
	value = g_strdup_vprintf(format, ap);
	va_end(ap);
	header_append(header, name, value);
}

/* Whoever answers by hand reaches people, where there are any. */
static char *
from_addr(const struct letter *letter)
{
	return list_role_addr(letter->list_addr, letter->conf->owners[0] !=
			      NULL ? "-owner" : "-bounces");
}

/* It came from outside, and goes into fields as it is. */
static bool
is_message_id(const char *text)
{
	size_t len = strlen(text);

	for (const char *p = text; *p != '\0'; p++)
		if (!g_ascii_isgraph(*p))
			return false;
	return len > 2 && len <= MESSAGE_ID_MAX && text[0] == '<' &&
		text[len - 1] == '>';
}

static void
add_origin(struct header *header, const struct draft *draft)
{
	const struct letter *letter = draft->letter;
	g_autofree char *from = from_addr(letter);
	g_autofree char *date = mime_date_now();

	add_printf(header, "From", "<%s>", from);
	add_printf(header, "To", "<%s>", letter->to);
	if (letter->reply_to != NULL)
		add_printf(header, "Reply-To", "<%s>", letter->reply_to);
	header_append(header, "Date", date);
	header_append(header, "Message-ID", draft->message_id);
	if (letter->answers != NULL && is_message_id(letter->answers)) {
		header_append(header, "In-Reply-To", letter->answers);
		header_append(header, "References", letter->answers);
	}
}

/* That it is automatic, to all who ask one of the ways there are. */
static void
add_nature(struct header *header, const struct letter *letter)
{
	g_autofree char *list_id = g_strdup(letter->list_addr);

	*strrchr(list_id, '@') = '.';
	header_append(header, "Auto-Submitted", letter->answers != NULL ?
		      "auto-replied" : "auto-generated");
	header_append(header, "Precedence", "bulk");
	/* Exchange knows neither of these (MS-OXCMAIL 2.2.3.2.14). */
	header_append(header, "X-Auto-Response-Suppress", "All");
	add_printf(header, "List-Id", "<%s>", list_id);
}

static void
add_type(struct header *header, const struct draft *draft)
{
	header_append(header, "MIME-Version", "1.0");
	header_append(header, "Content-Language", draft->language);
	if (draft->letter->about != NULL) {
		add_printf(header, "Content-Type",
			   "multipart/mixed;\r\n boundary=\"%s\"",
			   draft->boundary);
		header_append(header, "Content-Transfer-Encoding", "8bit");
		return;
	}
	header_append(header, "Content-Type", LETTER_TEXT_TYPE);
	header_append(header, "Content-Transfer-Encoding",
		      letter_encoding(draft->text));
}

static GBytes *
make_header(const struct draft *draft)
{
	GString *out = g_string_new(NULL);
	struct header header;
	size_t body_at;

	(void) header_parse("", 0, &header, &body_at);
	add_origin(&header, draft);
	add_nature(&header, draft->letter);
	mime_append_text(&header, "Subject", draft->subject);
	add_type(&header, draft);
	header_write(&header, out);
	header_done(&header);
	return g_string_free_to_bytes(out);
}

/* --- sending ------------------------------------------------------------ */

static struct job *
job_of(const struct letter *letter, const struct post *post)
{
	struct job *job = job_new(STAGE_OUTBOUND, &post->id, letter->list,
				  letter->list_addr);

	job->role = ROLE_OWNER;
	job->as_of_s = post->received_s;
	job->audience = TO_ADDRS;
	job->null_sender = letter->sender == LETTER_NULL;
	g_strfreev(job->addrs);
	job->addrs = g_new0(char *, 2);
	job->addrs[0] = g_strdup(letter->to);
	return job;
}

static enum err_code
put_letter(struct txn *txn, const struct letter *letter,
	   const struct post *post, const struct form *form, struct err *err)
{
	struct job *job = job_of(letter, post);
	enum err_code rc = post_put(txn, post, -1, err);

	/* the post has no bytes: all of it is in the form */
	if (rc == ERR_OK)
		rc = form_put(txn, &post->id, letter->list, FORM_COPIES,
			      form, err);
	if (rc == ERR_OK)
		rc = queue_put(txn, job, err);
	job_free(job);
	return rc;
}

static enum err_code
put_draft(struct txn *txn, const struct draft *draft, const char *what,
	  struct post_id *post_out, struct err *err)
{
	g_autofree char *author = from_addr(draft->letter);
	char door[] = "muster";
	struct post post = {
		.received_s = clock_s(), .message_id = draft->message_id,
		.author = author, .door = door, .jobs = 1,
	};
	struct form form = {
		.header = make_header(draft),
		.body = letter_body(draft->letter->about, draft->text,
				    draft->boundary),
	};
	enum err_code rc;

	post_id_new(&post.id);
	rc = put_letter(txn, draft->letter, &post, &form, err);
	g_bytes_unref(form.header);
	g_bytes_unref(form.body);
	if (rc == ERR_OK)
		rc = trace_add(txn, &post.id, "outbound",
			       draft->letter->list_addr, err, "%s, to %s",
			       what, draft->letter->to);
	if (rc == ERR_OK)
		rc = trace_ref(txn, &post.id, draft->message_id, err);
	if (rc == ERR_OK && post_out != NULL)
		*post_out = post.id;
	return rc;
}

enum err_code
letter_send(struct txn *txn, const struct settings *settings,
	    const struct letter *letter, const char *what,
	    struct post_id *post_out, struct err *err)
{
	struct draft draft = { .letter = letter };
	struct post_id random;
	enum err_code rc = letter_fill(txn, letter, &draft.subject,
				       &draft.text, &draft.language, err);

	post_id_new(&random);	/* nobody can know it and end a part early */
	post_id_text(&random, draft.boundary);
	draft.message_id = mime_message_id(settings->hostname);
	if (rc == ERR_OK)
		rc = put_draft(txn, &draft, what, post_out, err);
	draft_done(&draft);
	return rc;
}
