/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/held/letter.h"

#include <string.h>

#include "core/base/clock.h"
#include "core/mail/addr.h"
#include "core/mail/mime.h"
#include "db/post.h"
#include "db/queue.h"
#include "core/base/banned.h"

#define ENCODED_LINE 76		/* RFC 2045 section 6.8 */
#define MESSAGE_ID_MAX 500
#define TEXT_TYPE "text/plain; charset=utf-8"

/* --- parts -------------------------------------------------------------- */

static bool
is_plain(const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)bytes[i] >= 0x80 || bytes[i] == '\0')
			return false;
	return !mime_needs_recode(bytes, len);
}

static void
append_base64(GString *out, const char *bytes, size_t len)
{
	g_autofree char *text = g_base64_encode((const guchar *)bytes, len);
	size_t left = strlen(text);

	for (const char *at = text; left > 0;) {
		size_t line = MIN(left, ENCODED_LINE);

		g_string_append_len(out, at, (gssize)line);
		g_string_append(out, "\r\n");
		at += line;
		left -= line;
	}
}

/* Lines end in CRLF where they ended in LF or in both. */
static void
append_lines(GString *out, const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (bytes[i] == '\n' && (i == 0 || bytes[i - 1] != '\r'))
			g_string_append_c(out, '\r');
		g_string_append_c(out, bytes[i]);
	}
	if (len > 0 && bytes[len - 1] != '\n')
		g_string_append(out, "\r\n");
}

static const char *
encoding_of(const char *bytes, size_t len)
{
	return is_plain(bytes, len) ? "7bit" : "base64";
}

static void
append_encoded(GString *out, const char *bytes, size_t len)
{
	if (is_plain(bytes, len))
		append_lines(out, bytes, len);
	else
		append_base64(out, bytes, len);
}

static void
append_part(GString *out, const char *type, const char *bytes, size_t len)
{
	g_string_append_printf(out, "Content-Type: %s\r\n"
			       "Content-Transfer-Encoding: %s\r\n\r\n", type,
			       encoding_of(bytes, len));
	append_encoded(out, bytes, len);
}

/*
 * The post as it is, if it is short and can go over the wire unchanged: a
 * message/rfc822 must not be encoded (RFC 2046 section 5.2.1). Else its
 * header only.
 */
static void
append_post(GString *out, const struct held_view *view)
{
	gsize len;
	const char *bytes = g_bytes_get_data(view->head, &len);

	if (bytes == NULL)
		return;
	if (held_view_whole(view) && memchr(bytes, '\0', len) == NULL &&
	    !mime_needs_recode(bytes, len)) {
		g_string_append_printf(out, "Content-Type: message/rfc822\r\n"
				       "Content-Disposition: attachment; "
				       "filename=\"post.eml\"\r\n"
				       "Content-Transfer-Encoding: %s\r\n"
				       "\r\n", is_plain(bytes, len) ? "7bit" :
				       "8bit");
		append_lines(out, bytes, len);
		return;
	}
	append_part(out, "text/rfc822-headers; charset=utf-8", bytes,
		    MIN(view->body_at, len));
}

static GBytes *
make_body(const struct letter *letter, const char *boundary)
{
	GString *out = g_string_new(NULL);
	size_t len = strlen(letter->text);

	if (letter->about == NULL) {
		append_encoded(out, letter->text, len);
		return g_string_free_to_bytes(out);
	}
	g_string_append_printf(out, "--%s\r\n", boundary);
	append_part(out, TEXT_TYPE, letter->text, len);
	g_string_append_printf(out, "\r\n--%s\r\n", boundary);
	append_post(out, letter->about);
	g_string_append_printf(out, "\r\n--%s--\r\n", boundary);
	return g_string_free_to_bytes(out);
}

/* --- the header --------------------------------------------------------- */

static void
add_text(struct header *header, const char *name, const char *text)
{
	g_autofree char *encoded = mime_encode_text(text);
	g_autofree char *folded = header_fold(encoded, strlen(name) + 2);

	header_append(header, name, folded);
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
add_origin(struct header *header, const struct letter *letter,
	   const char *message_id)
{
	g_autofree char *from = from_addr(letter);
	g_autofree char *date = mime_date_now();
	g_autofree char *list_id = g_strdup(letter->list_addr);

	*strrchr(list_id, '@') = '.';
	add_printf(header, "From", "<%s>", from);
	add_printf(header, "To", "<%s>", letter->to);
	if (letter->reply_to != NULL)
		add_printf(header, "Reply-To", "<%s>", letter->reply_to);
	header_append(header, "Date", date);
	header_append(header, "Message-ID", message_id);
	if (letter->answers != NULL && is_message_id(letter->answers)) {
		header_append(header, "In-Reply-To", letter->answers);
		header_append(header, "References", letter->answers);
	}
	header_append(header, "Auto-Submitted", letter->answers != NULL ?
		      "auto-replied" : "auto-generated");
	header_append(header, "Precedence", "bulk");
	/* Exchange knows neither of these (MS-OXCMAIL 2.2.3.2.14). */
	header_append(header, "X-Auto-Response-Suppress", "All");
	add_printf(header, "List-Id", "<%s>", list_id);
}

static void
add_type(struct header *header, const struct letter *letter,
	 const char *boundary)
{
	header_append(header, "MIME-Version", "1.0");
	if (letter->about != NULL) {
		add_printf(header, "Content-Type",
			   "multipart/mixed;\r\n boundary=\"%s\"", boundary);
		header_append(header, "Content-Transfer-Encoding", "8bit");
		return;
	}
	header_append(header, "Content-Type", TEXT_TYPE);
	header_append(header, "Content-Transfer-Encoding",
		      encoding_of(letter->text, strlen(letter->text)));
}

static GBytes *
make_header(const struct letter *letter, const char *message_id,
	    const char *boundary)
{
	GString *out = g_string_new(NULL);
	struct header header;
	size_t body_at;

	(void) header_parse("", 0, &header, &body_at);
	add_origin(&header, letter, message_id);
	add_text(&header, "Subject", letter->subject);
	add_type(&header, letter, boundary);
	header_write(&header, out);
	header_done(&header);
	return g_string_free_to_bytes(out);
}

/* --- sending ------------------------------------------------------------ */

static enum err_code
put_letter(struct txn *txn, const struct letter *letter,
	   const struct post *post, const struct form *form, struct err *err)
{
	struct job *job = job_new(STAGE_OUTBOUND, &post->id, letter->list,
				  letter->list_addr);
	enum err_code rc;

	job->role = ROLE_OWNER;
	job->as_of_s = post->received_s;
	job->audience = TO_ADDRS;
	job->null_sender = true;
	g_strfreev(job->addrs);
	job->addrs = g_new0(char *, 2);
	job->addrs[0] = g_strdup(letter->to);
	rc = post_put(txn, post, -1, err);	/* all of it is in the form */
	if (rc == ERR_OK)
		rc = form_put(txn, &post->id, letter->list, form, err);
	if (rc == ERR_OK)
		rc = queue_put(txn, job, err);
	job_free(job);
	return rc;
}

enum err_code
letter_send(struct txn *txn, const struct settings *settings,
	    const struct letter *letter, const char *what, struct err *err)
{
	g_autofree char *message_id = mime_message_id(settings->hostname);
	g_autofree char *author = from_addr(letter);
	char door[] = "muster", boundary[POST_ID_TEXT + 1];
	struct post post = {
		.received_s = clock_s(),
		.message_id = message_id, .author = author, .door = door,
		.jobs = 1,
	};
	struct form form = { 0 };
	struct post_id random;
	enum err_code rc;

	post_id_new(&post.id);
	post_id_new(&random);	/* nobody can know it and end a part early */
	post_id_text(&random, boundary);
	form.header = make_header(letter, message_id, boundary);
	form.body = make_body(letter, boundary);
	rc = put_letter(txn, letter, &post, &form, err);
	g_bytes_unref(form.header);
	g_bytes_unref(form.body);
	if (rc == ERR_OK)
		rc = trace_add(txn, &post.id, "outbound", letter->list_addr,
			       err, "%s, to %s", what, letter->to);
	if (rc == ERR_OK)
		rc = trace_ref(txn, &post.id, message_id, err);
	return rc;
}
