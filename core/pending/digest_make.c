/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include <glib.h>

#include "core/auth/sigcore.h"
#include "core/base/clock.h"
#include "core/letter/letter.h"
#include "core/mail/addr.h"
#include "core/mail/mime.h"
#include "core/pending/digest.h"
#include "core/pending/digest_inside.h"
#include "core/pending/inside.h"
#include "core/pending/seal.h"
#include "core/base/banned.h"

/*
 * A closed issue becomes a message of each kind. What a post looked like when
 * it went to the members singly is not taken from there, since that has a
 * footer and each copy's own marks: it is made again, by the same code, from
 * the post's bytes.
 *
 * What is read here nobody changes, so no locks are kept on it
 * (txn_relax): a long digest does not keep others from their posts while it
 * is made.
 */

#define RULE_TOP 70		/* RFC 1153 */
#define RULE_BETWEEN 30

struct making {
	struct txn *txn;
	const struct pending_with *with;
	const struct list_conf *conf;
	const struct job *job;
	struct digest_order order;
	GArray *posts;			/* of struct post_id */
	char *contents;			/* lines */
	/* the message that is being made */
	bool plain;
	bool is_ascii;			/* so far */
	struct post_id id;
	char *message_id;
	char *subject, *masthead, *language, *end;
	char outer[POST_ID_TEXT + 1], inner[POST_ID_TEXT + 1];
	struct form_writer *writer;
	struct body_hash *hash;
};

/* --- output ------------------------------------------------------------- */

static bool
is_ascii(const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)bytes[i] >= 0x80)
			return false;
	return true;
}

static enum err_code
say(struct making *making, const GString *text, struct err *err)
{
	making->is_ascii = making->is_ascii &&
		is_ascii(text->str, text->len);
	body_hash_feed(making->hash, text->str, text->len);
	return form_writer_add(making->writer, text->str, text->len, err);
}

/* --- posts -------------------------------------------------------------- */

typedef enum err_code (*use_excerpt)(struct making *making,
				     const struct excerpt *excerpt,
				     void *arg, struct err *err);

static enum err_code
open_form(struct work *work, const struct form *form, struct making *making,
	  use_excerpt use, void *arg, struct err *err)
{
	struct excerpt excerpt;
	size_t body_at;
	gsize len;
	const char *bytes = g_bytes_get_data(form->header, &len);
	enum err_code rc;

	if (!header_parse(bytes, len, &excerpt.header, &body_at))
		return err_set(err, ERR_INVALID, "drop it",
			       "the post has too many header fields");
	digest_fields(&excerpt.header);
	excerpt.body = work->bytes + form->body_at;
	excerpt.body_len = work->len - form->body_at;
	if (form->body != NULL) {
		excerpt.body = g_bytes_get_data(form->body, &len);
		excerpt.body_len = len;
	}
	rc = use(making, &excerpt, arg, err);
	header_done(&excerpt.header);
	return rc;
}

static enum err_code
use_work(struct work *work, struct making *making, use_excerpt use,
	 void *arg, struct err *err)
{
	struct form form = { 0 };
	enum err_code rc = form_make(work, &form, err);

	if (rc == ERR_OK)
		rc = open_form(work, &form, making, use, arg, err);
	form_done(work, &form);
	return rc;
}

static enum err_code
with_post(struct making *making, guint index, use_excerpt use, void *arg,
	  struct err *err)
{
	g_autoptr(GBytes) bytes = NULL;
	struct job job = {
		.post = g_array_index(making->posts, struct post_id, index),
		.list = making->job->list, .role = ROLE_POST,
		.list_addr = making->job->list_addr,
	};
	struct list_conf conf = *making->conf;	/* all is borrowed */
	struct work work = {
		.with = making->with, .job = &job, .conf = &conf,
	};
	char text[POST_ID_TEXT + 1];
	enum err_code rc = work_begin(making->txn, &work, &bytes, err);

	if (rc == ERR_OK)
		rc = use_work(&work, making, use, arg, err);
	work_done(&work);
	post_id_text(&job.post, text);
	return rc == ERR_OK ? rc : err_context(err, "post %s", text);
}

/* --- the contents ------------------------------------------------------- */

struct contents { GString *lines; guint number; };

static enum err_code
add_title(struct making *making, const struct excerpt *excerpt, void *arg,
	  struct err *err)
{
	struct contents *contents = arg;
	g_autofree char *title = digest_title(&excerpt->header);

	(void) making;
	(void) err;
	g_string_append_printf(contents->lines, "%4u. %s\n",
			       contents->number, title);
	return ERR_OK;
}

static enum err_code
read_contents(struct making *making, struct err *err)
{
	struct contents contents = { g_string_new(NULL), 0 };
	enum err_code rc = ERR_OK;

	for (guint i = 0; rc == ERR_OK && i < making->posts->len; i++) {
		contents.number = i + 1;
		rc = with_post(making, i, add_title, &contents, err);
	}
	making->contents = g_string_free(contents.lines, FALSE);
	return rc;
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

static enum err_code
fill_texts(struct making *making, struct err *err)
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
	if (!is_ascii(header->str, header->len) ||
	    !is_ascii(excerpt->body, excerpt->body_len))
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
	for (guint i = 0; rc == ERR_OK && i < making->posts->len; i++)
		rc = with_post(making, i, mime_post, NULL, err);
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
	for (guint i = 0; rc == ERR_OK && i < making->posts->len; i++)
		rc = with_post(making, i, plain_post, NULL, err);
	append_closing(making, end);
	return rc == ERR_OK ? say(making, end, err) : rc;
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
	add_text(header, "Subject", making->subject);
	add_type(making, header);
	fields_set_sender(work);
	fields_add_list(work);
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

/* --- a message ---------------------------------------------------------- */

static void
random_text(char out[POST_ID_TEXT + 1])
{
	struct post_id id;

	post_id_new(&id);	/* nobody can know it and end a part early */
	post_id_text(&id, out);
}

static enum err_code
write_form(struct making *making, struct err *err)
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

static struct job *
next_job(const struct making *making)
{
	const struct job *job = making->job;
	struct job *next = job_new(STAGE_OUTBOUND, &making->id, job->list,
				   job->list_addr);

	next->role = ROLE_POST;
	next->audience = TO_MEMBERS;
	next->as_of_s = job->as_of_s;
	next->position = job->position;
	next->delivery = making->plain ? DELIVERY_DIGEST_PLAIN :
		DELIVERY_DIGEST;
	return next;
}

/* The job's own post is that of the first message. */
static enum err_code
second_post(struct making *making, struct err *err)
{
	g_autofree char *author = list_role_addr(making->job->list_addr,
						 "-request");
	char door[] = "muster";
	struct post post = {
		.received_s = making->job->as_of_s, .author = author,
		.door = door, .jobs = 1,
	};
	enum err_code rc;

	g_free(making->message_id);
	making->message_id = mime_message_id(
		making->with->settings->hostname);
	post.message_id = making->message_id;
	post_id_new(&post.id);
	making->id = post.id;
	rc = post_put(making->txn, &post, -1, err);
	return rc == ERR_OK ? trace_ref(making->txn, &post.id,
					making->message_id, err) : rc;
}

static enum err_code
make_one(struct making *making, bool plain, bool first, struct err *err)
{
	enum err_code rc = first ? ERR_OK : second_post(making, err);
	struct job *next;

	making->plain = plain;
	if (rc == ERR_OK)
		rc = write_form(making, err);
	if (rc != ERR_OK)
		return rc;
	next = next_job(making);
	rc = queue_put(making->txn, next, err);
	job_free(next);
	return rc == ERR_OK ?
		trace_add(making->txn, &making->id, "pending",
			  making->job->list_addr, err, "%s digest vol %u no "
			  "%u made of %u posts; on its way to the members "
			  "who get such", plain ? "plain" : "MIME",
			  making->order.volume, making->order.volume_issue,
			  making->posts->len) : rc;
}

static enum err_code
make_all(struct making *making, struct err *err)
{
	const struct digest_order *order = &making->order;
	enum err_code rc = read_contents(making, err);

	if (rc == ERR_OK)
		rc = fill_texts(making, err);
	if (rc == ERR_OK && order->mime)
		rc = make_one(making, false, true, err);
	if (rc == ERR_OK && order->plain)
		rc = make_one(making, true, !order->mime, err);
	return rc;
}

/* Nothing is left of the issue: it was dropped. */
static enum err_code
end_empty(struct making *making, struct err *err)
{
	const struct job *job = making->job;
	enum err_code rc = trace_add(making->txn, &job->post, "pending",
				     job->list_addr, err, "the digest has no "
				     "posts any more; sent to nobody");

	return rc == ERR_OK ? post_release(making->txn, &job->post, 1, err) :
		rc;
}

static enum err_code
run(struct making *making, struct err *err)
{
	const struct job *job = making->job;
	struct post *post = NULL;
	bool taken = false;
	enum err_code rc = queue_take(making->txn, job, &taken, err);

	if (rc != ERR_OK || !taken)
		return rc;
	rc = post_get(making->txn, &job->post, &post, err);
	if (rc == ERR_OK && post == NULL)
		rc = err_set(err, ERR_CORRUPT, "drop the job; run muster "
			     "check", "the digest's post is gone");
	if (rc == ERR_OK)
		making->message_id = g_strdup(post->message_id);
	post_free(post);
	if (rc == ERR_OK)
		rc = digest_posts(making->txn, job->list,
				  making->order.issue, &making->posts, err);
	if (rc == ERR_OK)
		rc = making->posts->len > 0 ? make_all(making, err) :
			end_empty(making, err);
	return rc == ERR_OK ? digest_remove(making->txn, job->list,
					    making->order.issue, err) : rc;
}

enum err_code
digest_make(struct txn *txn, const struct pending_with *with,
	    const struct list_conf *conf, const struct job *job,
	    struct err *err)
{
	struct making making = {
		.txn = txn, .with = with,
		.conf = conf, .job = job, .id = job->post,
	};
	enum err_code rc;

	if (!digest_order_read(job, &making.order))
		return err_set(err, ERR_INVALID, "drop it",
			       "a digest is to be made, and the job does not "
			       "say of which issue");
	txn_relax(txn, true);
	rc = run(&making, err);
	txn_relax(txn, false);
	if (making.posts != NULL)
		g_array_unref(making.posts);
	g_free(making.contents);
	g_free(making.message_id);
	g_free(making.subject);
	g_free(making.masthead);
	g_free(making.language);
	g_free(making.end);
	return rc;
}
