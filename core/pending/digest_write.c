/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include <glib.h>

#include "core/auth/sigcore.h"
#include "core/letter/letter.h"
#include "core/mail/addr.h"
#include "core/mail/mime.h"
#include "core/pending/digest_inside.h"
#include "core/pending/inside.h"
#include "core/pending/seal.h"
#include "core/base/banned.h"

/* A digest as a message: its texts, the posts between them, its header. It is
 * written as it grows. */

#define RULE_TOP 70		/* RFC 1153 */
#define RULE_BETWEEN 30

/* --- output ------------------------------------------------------------- */

static enum err_code
say(struct making *making, const GString *text, struct err *err)
{
	making->is_ascii = making->is_ascii &&
		mime_is_ascii(text->str, text->len);
	body_hash_feed(making->hash, text->str, text->len);
	return form_writer_add(making->writer, text->str, text->len, err);
}

/* --- texts -------------------------------------------------------------- */

static enum err_code
fill(struct making *making, const char *name,
     const struct letter_field *fields, char **subject_out, char **body_out,
     char **language_out, struct err *err)
{
	const struct letter letter = {
		.list = making->job->list,
		.list_addr = making->job->list_addr, .conf = making->conf,
		.to = making->job->list_addr, .template = name,
		.fields = fields,
	};

	return letter_fill(making->txn, &letter, subject_out, body_out,
			   language_out, err);
}

enum err_code
digest_texts(struct making *making, struct err *err)
{
	g_autofree char *volume = g_strdup_printf("%u",
						  making->order.volume);
	g_autofree char *issue = g_strdup_printf(
		"%u", making->order.volume_issue);
	g_autofree char *count = g_strdup_printf("%u", making->posts->len);
	const struct letter_field fields[] = {
		{ "volume", volume }, { "issue", issue }, { "count", count },
		{ "contents", making->contents }, { NULL, NULL },
	};
	g_autofree char *none = NULL;
	enum err_code rc = fill(making, "digest", fields, &making->subject,
				&making->masthead, &making->language, err);

	return rc == ERR_OK ? fill(making, "digest-end", fields, &none,
				   &making->end, NULL, err) : rc;
}

/* --- MIME (RFC 2046 section 5.1.5) -------------------------------------- */

static void
append_text_part(GString *out, const char *text)
{
	g_autoptr(GBytes) body = letter_body(NULL, text, "");
	gsize len;
	const char *bytes = g_bytes_get_data(body, &len);

	g_string_append_printf(out, "Content-Type: " LETTER_TEXT_TYPE "\r\n"
			       "Content-Transfer-Encoding: %s\r\n\r\n",
			       letter_encoding(text));
	g_string_append_len(out, bytes, (gssize)len);
}

static enum err_code
mime_post(struct making *making, const struct excerpt *excerpt, void *arg,
	  struct err *err)
{
	g_autoptr(GString) out = g_string_new(NULL);
	g_autoptr(GString) header = g_string_new(NULL);
	(void) arg;

	header_write(&excerpt->header, header);
	g_string_append_printf(out, "\r\n--%s\r\n", making->inner);
	/* message/rfc822 is what a part of a digest is by itself */
	if (!mime_is_ascii(header->str, header->len) ||
	    !mime_is_ascii(excerpt->body, excerpt->body_len))
		g_string_append(out, "Content-Type: message/rfc822\r\n"
				"Content-Transfer-Encoding: 8bit\r\n");
	g_string_append(out, "\r\n");
	digest_lines(out, header->str, header->len, false);
	g_string_append(out, "\r\n");
	digest_lines(out, excerpt->body, excerpt->body_len, false);
	return say(making, out, err);
}

static enum err_code
make_mime(struct making *making, struct err *err)
{
	g_autoptr(GString) top = g_string_new(NULL);
	g_autoptr(GString) end = g_string_new(NULL);
	enum err_code rc;

	g_string_append_printf(top, "--%s\r\n", making->outer);
	append_text_part(top, making->masthead);
	g_string_append_printf(top, "\r\n--%s\r\nContent-Type: "
			       "multipart/digest; boundary=\"%s\"\r\n"
			       "Content-Transfer-Encoding: 8bit\r\n",
			       making->outer, making->inner);
	rc = say(making, top, err);
	if (rc == ERR_OK)
		rc = making_each(making, mime_post, NULL, err);
	g_string_append_printf(end, "\r\n--%s--\r\n\r\n--%s\r\n",
			       making->inner, making->outer);
	append_text_part(end, making->end);
	g_string_append_printf(end, "\r\n--%s--\r\n", making->outer);
	return rc == ERR_OK ? say(making, end, err) : rc;
}

/* --- plain (RFC 1153) --------------------------------------------------- */

static enum err_code
plain_post(struct making *making, const struct excerpt *excerpt, void *arg,
	   struct err *err)
{
	g_autofree char *parts = digest_omitted(excerpt);
	const struct letter_field fields[] = {
		{ "parts", parts }, { NULL, NULL },
	};
	g_autofree char *note = NULL, *none = NULL;
	g_autoptr(GString) out = g_string_new(NULL);
	enum err_code rc = ERR_OK;

	(void) arg;
	if (parts[0] != '\0')
		rc = fill(making, "digest-omitted", fields, &none, &note,
			  NULL, err);
	if (rc != ERR_OK)
		return rc;
	digest_plain(excerpt, note != NULL ? note : "", out);
	g_string_append(out, "\r\n");
	digest_rule(out, RULE_BETWEEN);
	return say(making, out, err);
}

/* "End of dev Digest V3 #12", and a line of asterisks below it. */
static void
append_closing(const struct making *making, GString *out)
{
	g_autofree char *line = g_strdup_printf("End of %s", making->subject);
	glong stars = MIN(g_utf8_strlen(line, -1), 70);

	digest_lines(out, line, strlen(line), false);
	for (glong i = 0; i < stars; i++)
		g_string_append_c(out, '*');
	g_string_append(out, "\r\n");
}

static enum err_code
make_plain(struct making *making, struct err *err)
{
	g_autoptr(GString) top = g_string_new(NULL);
	g_autoptr(GString) end = g_string_new(NULL);
	enum err_code rc;

	digest_lines(top, making->masthead, strlen(making->masthead), true);
	g_string_append(top, "\r\n");
	digest_rule(top, RULE_TOP);
	rc = say(making, top, err);
	if (rc == ERR_OK)
		rc = making_each(making, plain_post, NULL, err);
	append_closing(making, end);
	return rc == ERR_OK ? say(making, end, err) : rc;
}

/* --- the header --------------------------------------------------------- */

static void
add_addr(struct header *header, const char *name, const char *list,
	 const char *suffix)
{
	g_autofree char *addr = list_role_addr(list, suffix);
	g_autofree char *value = g_strdup_printf("<%s>", addr);

	header_append(header, name, value);
}

static void
add_type(struct making *making, struct header *header)
{
	g_autofree char *type = g_strdup_printf(
		"multipart/mixed;\r\n boundary=\"%s\"", making->outer);

	header_append(header, "MIME-Version", "1.0");
	header_append(header, "Content-Language", making->language);
	header_append(header, "Content-Type", making->plain ?
		      LETTER_TEXT_TYPE : type);
	header_append(header, "Content-Transfer-Encoding", making->is_ascii ?
		      "7bit" : "8bit");
}

static void
add_fields(struct making *making, struct work *work)
{
	const char *list = making->job->list_addr;
	g_autofree char *date = mime_date_now();
	struct header *header = &work->header;

	add_addr(header, "From", list, "-request");
	add_addr(header, "To", list, "");
	add_addr(header, "Reply-To", list, "");
	header_append(header, "Date", date);
	header_append(header, "Message-ID", making->message_id);
	mime_append_text(header, "Subject", making->subject);
	add_type(making, header);
	fields_set_sender(work);
	fields_add_list(work);
	fields_add_unsubscribe(work);
}

static enum err_code
make_header(struct making *making, GBytes **out, struct err *err)
{
	struct list_conf conf = *making->conf;	/* all is borrowed */
	struct work work = {
		.with = making->with, .job = making->job, .conf = &conf,
	};
	const struct seal_with seal = {
		.settings = making->with->settings,
		.keys = making->with->keys, .conf = making->conf,
		.list = making->job->list_addr,
		.own = is_personal(&conf) ? SEAL_OWN_FIELDS :
			SEAL_OWN_NOTHING,
	};
	GString *text = g_string_new(NULL);
	uint8_t hash[32];
	size_t body_at;
	enum err_code rc;

	for (int i = 0; i < SLOTS; i++)
		slot_mark(making->with->verp, making->job->list_addr,
			  &making->id, (enum slot)i, work.marks.text[i]);
	(void) header_parse("", 0, &work.header, &body_at);
	add_fields(making, &work);
	(void) body_hash_end(making->hash, hash);
	making->hash = NULL;
	rc = seal_own(&seal, hash, &work.header, err);
	header_write(&work.header, text);
	header_done(&work.header);
	*out = g_string_free_to_bytes(text);
	return rc;
}

/* --- all of it ---------------------------------------------------------- */

static void
random_text(char out[POST_ID_TEXT + 1])
{
	struct post_id id;

	post_id_new(&id);	/* nobody can know it and end a part early */
	post_id_text(&id, out);
}

enum err_code
digest_write(struct making *making, struct err *err)
{
	g_autoptr(GBytes) header = NULL;
	enum err_code rc;

	making->writer = form_writer_new(making->txn, &making->id,
					 making->job->list);
	making->hash = body_hash_new(CANON_RELAXED);
	making->is_ascii = true;
	random_text(making->outer);
	random_text(making->inner);
	rc = making->plain ? make_plain(making, err) : make_mime(making, err);
	if (rc == ERR_OK)
		rc = make_header(making, &header, err);
	if (rc == ERR_OK)
		rc = form_writer_end(making->writer, header, err);
	if (making->hash != NULL)
		(void) body_hash_end(making->hash, (uint8_t[32]){ 0 });
	making->hash = NULL;
	form_writer_free(making->writer);
	return rc;
}
