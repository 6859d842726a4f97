/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/archive/archive.h"

#include "core/archive/link.h"
#include "core/archive/writer.h"
#include "core/base/banned.h"

bool
archive_is_wanted(const struct list_conf *conf, const struct header *header,
		  const char **why_out)
{
	*why_out = "";
	if (conf->archive == ARCHIVE_OFF)
		return false;
	if (!archive_is_refused(conf, header))
		return true;
	*why_out = "; not archived, as its author asks";
	return false;
}

struct job *
archive_job(const struct job *job)
{
	struct job *next = job_new(STAGE_ARCHIVE, &job->post, job->list,
				   job->list_addr);

	next->role = job->role;
	next->due_ms = job->made_ms;	/* at once, in the order they came */
	return next;
}

/* --- one job ------------------------------------------------------------ */

struct archiving {
	struct txn *txn;
	const struct job *job;
	const struct list_conf *conf;
	struct place_of_archive place;
	struct post *post;
	struct archive_text text;
};

static void
append_bytes(GByteArray *out, GBytes *bytes)
{
	gsize len;
	const guint8 *data = g_bytes_get_data(bytes, &len);

	g_byte_array_append(out, data, (guint)len);
}

static enum err_code
gone(struct err *err)
{
	return err_set(err, ERR_CORRUPT, "drop the job; run muster check",
		       "the post's bytes are gone");
}

/* What the list has made of it for all, with the header's empty line. */
static enum err_code
read_form(const struct archiving *one, GByteArray **out, struct err *err)
{
	const struct post_id *id = &one->job->post;
	g_autoptr(GBytes) bytes = NULL;
	struct form *form = NULL;
	const char *data = NULL;
	gsize len = 0, at;
	enum err_code rc = form_get(one->txn, id, one->job->list, FORM_BASE,
				    &form, err);

	if (rc == ERR_OK && form == NULL)
		rc = gone(err);
	if (rc == ERR_OK && form->body == NULL)
		rc = post_bytes(one->txn, id, &bytes, err);
	if (rc == ERR_OK && form->body == NULL && bytes == NULL)
		rc = gone(err);
	if (rc == ERR_OK) {
		data = g_bytes_get_data(form->body != NULL ? form->body :
					bytes, &len);
		at = MIN((gsize)form->body_at, len);
		*out = g_byte_array_new();
		append_bytes(*out, form->header);
		g_byte_array_append(*out, (const guint8 *)"\r\n", 2);
		g_byte_array_append(*out, (const guint8 *)data + at,
				    (guint)(len - at));
	}
	form_free(form);
	return rc;
}

static enum err_code
read_text(struct archiving *one, struct err *err)
{
	g_autoptr(GByteArray) whole = NULL;
	enum err_code rc;

	/* nobody changes these */
	txn_relax(one->txn, true);
	rc = post_get(one->txn, &one->job->post, &one->post, err);
	if (rc == ERR_OK && one->post == NULL)
		rc = gone(err);
	if (rc == ERR_OK)
		rc = read_form(one, &whole, err);
	txn_relax(one->txn, false);
	if (rc != ERR_OK)
		return rc;
	archive_text_init(&one->text, (const char *)whole->data, whole->len,
			  one->conf->archive_obscure);
	return ERR_OK;
}

/* The place first: where that is away, no post is read in vain. */
static enum err_code
write_text(struct archiving *one, struct archive_result *out,
	   struct err *err)
{
	g_autoptr(archive_writer_t) writer = NULL;
	g_autoptr(archived_t) entry = g_new0(struct archived, 1);
	enum err_code rc;

	rc = archive_writer_open(one->txn, &one->place, one->conf->archive,
				 one->job->list, one->job->attempts > 1,
				 &writer, err);
	if (rc == ERR_OK)
		rc = read_text(one, err);
	if (rc == ERR_OK) {
		entry->post = one->job->post;
		entry->time_s = one->post->received_s;
	}
	if (rc == ERR_OK)
		rc = archive_writer_put(writer, &one->text,
					one->conf->archive_obscure ? "" :
					one->post->sender, entry, err);
	if (rc == ERR_OK)
		rc = archive_writer_sync(writer, err);
	if (rc != ERR_OK)
		return rc;
	out->number = entry->number;
	out->size = entry->size;
	out->torn = archive_writer_torn(writer);
	return trace_add(one->txn, &one->job->post, "archive",
			 one->job->list_addr, err, "archived as number %u",
			 entry->number);
}

/* A load of a dump may bring a job back that was done. */
static enum err_code
archive_one(struct archiving *one, struct archive_result *out,
	    struct err *err)
{
	g_autoptr(archived_t) there = NULL;
	enum err_code rc = archive_by_post(one->txn, one->job->list,
					   &one->job->post, &there, err);

	if (rc != ERR_OK || there != NULL)
		return rc;
	if (one->conf->archive == ARCHIVE_OFF)
		return trace_add(one->txn, &one->job->post, "archive",
				 one->job->list_addr, err, "not archived: "
				 "the list has no archive any more");
	return write_text(one, out, err);
}

static void
archiving_done(struct archiving *one)
{
	archive_text_done(&one->text);
	archive_place_done(&one->place);
	post_free(one->post);
}

enum err_code
archive_run(struct txn *txn, const struct settings *settings,
	    const struct job *job, struct archive_result *out,
	    struct err *err)
{
	struct archiving one = { .txn = txn, .job = job };
	struct list_conf *conf = NULL;
	enum err_code rc;

	*out = (struct archive_result){ 0 };
	rc = queue_take_conf(txn, job, &conf, err);
	if (rc != ERR_OK || conf == NULL)
		return rc;
	one.conf = conf;
	archive_place_init(&one.place, settings, conf, job->list_addr);
	rc = archive_one(&one, out, err);
	archiving_done(&one);
	list_conf_free(conf);
	return rc == ERR_OK ? post_release(txn, &job->post, 1, err) : rc;
}
