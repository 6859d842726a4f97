/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The chain of filters between an accepted post and its form. Each sees what
 * those in front of it have left; an order that matters has its reason beside
 * it.
 */
#include <string.h>

#include "core/pending/inside.h"
#include "core/base/banned.h"

static const struct filter *const base[] = {
	/* the site's own, which sees the post as it came */
	&filter_program,
	/* what is removed nobody else need look at */
	&filter_content,
	/* before anything is added that is to stay */
	&filter_anonymous,
	&filter_way,
	/* about what came, not about what the list adds */
	&filter_rules,
	&filter_subject,
	&filter_fields,
	&filter_add,
	/* what the author's part lacks, when nobody removes a field any more */
	&filter_complete,
	/* a link is made of the Message-ID */
	&filter_archive,
	/* lines that no filter behind it makes longer */
	&filter_recode,
};

static const struct filter *const copies[] = {
	&filter_leave,
	&filter_reply,
	/* when all but the texts has changed, which it reckons with; they are
	 * put around what it wraps */
	&filter_dmarc,
	&filter_texts,
	/* when it is known what was changed, and there is none of ours yet */
	&filter_signature,
	/* nothing may change behind it */
	&filter_seal,
};

/* --- the work ----------------------------------------------------------- */

bool
is_post(const struct work *work)
{
	return work->job->role == ROLE_POST;
}

void
work_set_body(struct work *work, GBytes *body)
{
	if (work->body != NULL)
		g_bytes_unref(work->body);
	work->body = body;
	work->own_body = false;
}

bool
work_set_message(struct work *work, GBytes *whole)
{
	struct header header;
	size_t body_at, len;
	const char *text = g_bytes_get_data(whole, &len);

	if (!header_parse(text, len, &header, &body_at)) {
		g_bytes_unref(whole);
		return false;
	}
	if (work->header.fields != NULL)
		header_done(&work->header);
	work->header = header;
	work_set_body(work, g_bytes_new_from_bytes(whole, body_at,
						   len - body_at));
	if (work->bytes != NULL)
		g_bytes_unref(work->bytes);
	work->bytes = whole;
	return true;
}

const char *
work_body(const struct work *work, size_t *len_out)
{
	/* A body of no bytes has no address. */
	const char *body = g_bytes_get_data(work->body, len_out);

	return body != NULL ? body : "";
}

void
work_note(struct work *work, const char *format, ...)
{
	va_list ap;

	if (work->done->len > 0)
		g_string_append(work->done, ", ");
	va_start(ap, format);
	g_string_append_vprintf(work->done, format, ap);
	va_end(ap);
}

void
work_form(const struct work *work, struct form *out)
{
	GString *header = g_string_new(NULL);

	header_write(&work->header, header);
	out->header = g_string_free_to_bytes(header);
	out->body = work->own_body ? NULL : g_bytes_ref(work->body);
	out->body_at = work->own_body ? work->came_body_at : 0;
}

static bool
read_header(struct work *work)
{
	size_t len, body_at;
	const char *bytes = g_bytes_get_data(work->came, &len);

	if (!header_parse(bytes, len, &work->came_header, &body_at))
		return false;
	work->came_body_at = body_at;
	return true;
}

enum err_code
work_open(struct work *work, struct post *post, GBytes *came, struct err *err)
{
	work->post = post;
	work->came = came;
	work->done = g_string_new(NULL);
	work->evidence = evidence_of_text(post->evidence);
	work->shown = work->evidence;
	for (int i = 0; i < SLOTS; i++)
		slot_mark(work->with->verp, work->job->list_addr, &post->id,
			  (enum slot)i, work->marks.text[i]);
	if (!work_set_message(work, g_bytes_ref(came)) || !read_header(work))
		return err_set(err, ERR_INVALID, "drop it",
			       "the post has too many header fields");
	work->own_body = true;
	return ERR_OK;
}

enum err_code
work_begin(struct txn *txn, struct work *work, struct err *err)
{
	const struct post_id *id = &work->job->post;
	struct post *post = NULL;
	GBytes *came = NULL;
	enum err_code rc = post_get(txn, id, &post, err);

	if (rc == ERR_OK && post != NULL)
		rc = post_bytes(txn, id, &came, err);
	if (rc == ERR_OK && came == NULL)
		rc = err_set(err, ERR_CORRUPT, "drop the job; run muster "
			     "check", "the post's bytes are gone");
	if (rc == ERR_OK)
		return work_open(work, post, came, err);
	post_free(post);
	return rc;
}

void
work_done(struct work *work)
{
	if (work->header.fields != NULL)
		header_done(&work->header);
	if (work->came_header.fields != NULL)
		header_done(&work->came_header);
	g_clear_pointer(&work->body, g_bytes_unref);
	g_clear_pointer(&work->bytes, g_bytes_unref);
	g_clear_pointer(&work->came, g_bytes_unref);
	post_free(work->post);
	if (work->shown != work->evidence)
		evidence_free(work->shown);
	evidence_free(work->evidence);
	if (work->done != NULL)
		g_string_free(work->done, TRUE);
}

/* --- the chain ---------------------------------------------------------- */

static enum err_code
run_filters(struct txn *txn, struct work *work,
	    const struct filter *const *filters, size_t count,
	    struct err *err)
{
	for (size_t i = 0; i < count; i++) {
		const struct filter *filter = filters[i];
		enum err_code rc = ERR_OK;

		if (filter->is_wanted(work))
			rc = filter->run(txn, work, err);
		if (rc != ERR_OK)
			return err_context(err, "filter %s", filter->name);
	}
	return ERR_OK;
}

enum err_code
chain_base(struct txn *txn, struct work *work, struct err *err)
{
	return run_filters(txn, work, base, G_N_ELEMENTS(base), err);
}

enum err_code
chain_copies(struct txn *txn, struct work *work, struct err *err)
{
	return run_filters(txn, work, copies, G_N_ELEMENTS(copies), err);
}
