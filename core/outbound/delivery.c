/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/outbound/delivery_inside.h"

#include <string.h>

#include <glib.h>

#include "core/auth/arc.h"
#include "core/auth/evidence.h"
#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/mail/header.h"
#include "core/mail/mime.h"
#include "db/post.h"
#include "core/base/banned.h"

#define RATE_EACH_S 0.5		/* between two looks at the rate */
#define RATE_OVER_S 5.0		/* that it is a mean of */
#define RATE_SILENT_S 10.0	/* without answers, before it falls */

/* --- opening ------------------------------------------------------------ */

struct opening {
	struct store *store;
	const struct verp *verp;
	struct sign_keys *keys;
	struct job *job;
};

/* An ARC set that pending has begun, for each copy to have its own, is none
 * where the list does not sign any more. */
static GBytes *
without_begun_set(GBytes *block)
{
	gsize len, at = 0, body_at;
	const char *bytes = g_bytes_get_data(block, &len);
	struct header header;

	if (!arc_has_begun(bytes, len) ||
	    !header_parse(bytes, len, &header, &body_at))
		return g_bytes_ref(block);
	at = g_array_index(header.fields, struct header_field, 0).raw_len;
	header_done(&header);
	return g_bytes_new_from_bytes(block, at, len - at);
}

static enum err_code
sign_copies(const struct opening *opening, const struct list_conf *conf,
	    const struct post *post, struct composed *composed,
	    struct err *err)
{
	const struct job *job = opening->job;
	struct evidence *evidence;
	struct sign_key *key;
	enum err_code rc;

	rc = sign_keys_get(opening->keys, conf->sign_key, conf->sign_domain,
			   conf->sign_selector, &key, err);
	if (rc != ERR_OK)
		return rc;
	evidence = evidence_of_text(post->evidence);
	composed_sign_with(composed, opening->verp, &job->post,
			   job_through_addr(job), key, evidence->arc.result);
	evidence_free(evidence);
	sign_key_unref(key);
	return ERR_OK;
}

static GBytes *
form_body(const struct form *form, GBytes *post)
{
	gsize len;

	if (form->body != NULL)
		return g_bytes_ref(form->body);
	len = g_bytes_get_size(post);
	len -= MIN(len, form->body_at);
	return g_bytes_new_from_bytes(post, g_bytes_get_size(post) - len, len);
}

static enum err_code
compose_form(const struct opening *opening, const struct list_conf *conf,
	     const struct post *post, const struct form *form, GBytes *bytes,
	     struct composed **out, struct err *err)
{
	const struct job *job = opening->job;
	bool signs = conf->sign_key[0] != '\0' &&
		conf->sign_selector[0] != '\0';
	g_autoptr(GBytes) body = form_body(form, bytes);
	g_autoptr(GBytes) header = signs ? g_bytes_ref(form->header) :
		without_begun_set(form->header);
	struct composed *composed = compose(opening->verp, &job->post,
					    job_through_addr(job), header,
					    body);
	enum err_code rc = ERR_OK;

	composed->null_sender = job->null_sender;
	if (job->through != 0)
		composed_send_from(composed, job->list_addr);
	if (signs && composed_is_personal(composed))
		rc = sign_copies(opening, conf, post, composed, err);
	if (rc == ERR_OK)
		*out = composed;
	else
		composed_unref(composed);
	return rc;
}

static enum err_code
read_form(const struct opening *opening, const struct list_conf *conf,
	  const struct post *post, struct composed **out, struct err *err)
{
	struct txn *reader = store_reader(opening->store);
	const struct job *job = opening->job;
	g_autoptr(GBytes) bytes = NULL;
	struct form *form = NULL;
	enum err_code rc;

	rc = form_get(reader, &job->post, job_through(job), FORM_COPIES,
		      &form, err);
	if (rc == ERR_OK && form != NULL && form->body == NULL)
		rc = post_bytes(reader, &job->post, &bytes, err);
	if (rc == ERR_OK && form != NULL && (form->body != NULL ||
					     bytes != NULL))
		rc = compose_form(opening, conf, post, form, bytes, out, err);
	form_free(form);
	return rc;
}

static void
free_late_job(void *job)
{
	job_free(job);
}

static enum err_code
drop_body(struct txn *txn, void *arg, struct err *err)
{
	const struct job *job = arg;
	bool taken = false;
	enum err_code rc = queue_take(txn, job, &taken, err);

	if (rc == ERR_OK && taken)
		rc = trace_add(txn, &job->post, "outbound", job->list_addr,
			       err, "the post is gone; sent to nobody more");
	return rc;
}

struct delivery *
delivery_new(struct job *job, const struct verp *verp, struct composed *what,
	     const char *authors)
{
	struct delivery *delivery = g_new0(struct delivery, 1);

	delivery->job = job;
	delivery->verp = verp;
	delivery->what = what;
	delivery->authors = g_strsplit(authors, ", ", -1);
	delivery->read_after = g_strdup(job->after);
	delivery->named = g_hash_table_new_full(g_str_hash, g_str_equal,
						g_free, NULL);
	delivery->answered = g_hash_table_new(NULL, NULL);
	delivery->late_jobs = g_ptr_array_new_with_free_func(free_late_job);
	g_queue_init(&delivery->batches);
	return delivery;
}

static bool
is_author(void *arg, const char *key)
{
	const struct delivery *delivery = arg;

	return g_strv_contains((const char *const *)delivery->authors, key);
}

static bool
is_named(void *arg, const char *key)
{
	const struct delivery *delivery = arg;

	return g_hash_table_contains(delivery->named, key);
}

struct elsewhere_post
delivery_post(struct delivery *delivery)
{
	return (struct elsewhere_post){ is_author, is_named, delivery };
}

/* Of the post as it is sent, whose header the list may have changed. */
static void
note_named(struct delivery *delivery)
{
	const struct text *text = &delivery->what->raw;
	g_autoptr(GPtrArray) named = NULL;
	struct header header;
	size_t body_at;
	bool complete;

	if (delivery->job->audience != TO_MEMBERS ||
	    !header_parse(text->bytes, text->len, &header, &body_at))
		return;
	named = mime_recipients(&header, &complete);
	header_done(&header);
	g_ptr_array_set_free_func(named, NULL);
	for (guint i = 0; i < named->len; i++)
		g_hash_table_add(delivery->named, named->pdata[i]);
}

static enum err_code
look_elsewhere(struct delivery *delivery, struct store *store,
	       struct err *err)
{
	const struct elsewhere_post post = delivery_post(delivery);
	struct elsewhere *elsewhere = NULL;
	enum err_code rc = elsewhere_open(store, delivery->job, &post,
					  &elsewhere, err);

	if (rc != ERR_OK)
		return rc;
	elsewhere_free(delivery->elsewhere);
	delivery->elsewhere = elsewhere;
	return ERR_OK;
}

/* The job is the caller's still. */
static void
forget(struct delivery *delivery)
{
	delivery->job = NULL;
	delivery_free(delivery);
}

enum err_code
delivery_open(struct store *store, const struct verp *verp,
	      struct sign_keys *keys, struct job *job,
	      struct delivery **out, struct err *err)
{
	const struct opening opening = { store, verp, keys, job };
	struct txn *reader = store_reader(store);
	struct list_conf *conf = NULL, *owns = NULL;
	struct composed *what = NULL;
	struct delivery *delivery;
	struct post *post = NULL;
	enum err_code rc;

	rc = post_get(reader, &job->post, &post, err);
	if (rc == ERR_OK)
		rc = list_conf_load(reader, job->list_addr, &conf, err);
	if (rc == ERR_OK)	/* of the list that has made the form */
		rc = list_conf_load(reader, job_through_addr(job), &owns,
				    err);
	if (rc == ERR_OK && post != NULL)
		rc = read_form(&opening, owns, post, &what, err);
	if (rc == ERR_OK && what == NULL)
		rc = store_txn(store, TXN_LAZY, drop_body, job, err);
	*out = NULL;
	if (rc == ERR_OK && what != NULL) {
		delivery = delivery_new(job, verp, what, post->author);
		delivery->bytes = what->raw.len + what->dotted.len;
		note_named(delivery);
		delivery->conf = g_steal_pointer(&conf);
		rc = look_elsewhere(delivery, store, err);
		if (rc == ERR_OK)
			*out = delivery;
		else
			forget(delivery);
	}
	list_conf_free(conf);
	list_conf_free(owns);
	post_free(post);
	return rc;
}

void
delivery_free(struct delivery *delivery)
{
	if (delivery == NULL)
		return;
	g_queue_clear_full(&delivery->batches,
			   (GDestroyNotify)batch_free);
	g_hash_table_destroy(delivery->answered);
	g_hash_table_destroy(delivery->named);
	elsewhere_free(delivery->elsewhere);
	g_ptr_array_free(delivery->late_jobs, TRUE);
	composed_unref(delivery->what);
	list_conf_free(delivery->conf);
	job_free(delivery->job);
	g_strfreev(delivery->authors);
	g_free(delivery->read_after);
	g_free(delivery);
}

const struct job *
delivery_job(const struct delivery *delivery)
{
	return delivery->job;
}

size_t
delivery_bytes(const struct delivery *delivery)
{
	return delivery->bytes;
}

bool
delivery_signs(const struct delivery *delivery)
{
	return delivery->what->signer != NULL;
}

enum err_code
delivery_reconfigure(struct delivery *delivery, struct store *store,
		     struct err *err)
{
	struct list_conf *conf = NULL;
	const struct job *job = delivery->job;
	struct txn *reader = store_reader(store);
	enum err_code rc = list_conf_load(reader, job->list_addr, &conf, err);

	if (rc != ERR_OK)
		return rc;
	list_conf_free(delivery->conf);
	delivery->conf = conf;
	rc = job_is_paused(reader, job, &delivery->paused, err);
	return rc == ERR_OK ? look_elsewhere(delivery, store, err) : rc;
}

static enum err_code
list_is_paused(struct txn *txn, const char *list, bool *out, struct err *err)
{
	g_autofree char *outgoing = NULL;
	enum err_code rc = setting_holds(txn, list, "outgoing", &outgoing,
					 err);

	*out = rc == ERR_OK && g_strcmp0(outgoing, "paused") == 0;
	return rc;
}

enum err_code
job_is_paused(struct txn *txn, const struct job *job, bool *out,
	      struct err *err)
{
	enum err_code rc = list_is_paused(txn, job->list_addr, out, err);

	return rc == ERR_OK && !*out && job->through != 0 ?
		list_is_paused(txn, job->through_addr, out, err) : rc;
}

bool
delivery_is_paused(const struct delivery *delivery)
{
	return delivery->paused;
}

guint
delivery_recorded(const struct delivery *delivery)
{
	return delivery->read_all ? 0 : delivery->recorded;
}

void
delivery_leave(struct delivery *delivery)
{
	delivery->leaving = true;
}

bool
delivery_is_leaving(const struct delivery *delivery)
{
	return delivery->leaving;
}

void
delivery_take_turn(struct delivery *delivery, uint64_t turn)
{
	delivery->turn = turn;
}

uint64_t
delivery_turn(const struct delivery *delivery)
{
	return delivery->turn;
}

/* --- speed -------------------------------------------------------------- */

/* Over some seconds, so that it neither jumps nor stays behind; from the
 * first answers on, for before them a relay may have been down. */
void
delivery_note_rate(struct delivery *delivery, guint copies)
{
	int64_t now = g_get_monotonic_time();
	double seconds = (double)(now - delivery->rated_us) / 1e6;
	double share;

	if (delivery->rated_us == 0) {
		delivery->rated_us = now;
		return;
	}
	delivery->unrated += copies;
	if (seconds < RATE_EACH_S)
		return;
	share = delivery->rate == 0 ? 1 : MIN(seconds / RATE_OVER_S, 1);
	delivery->rate += ((double)delivery->unrated / seconds -
			   delivery->rate) * share;
	delivery->unrated = 0;
	delivery->rated_us = now;
}

double
delivery_rate(const struct delivery *delivery)
{
	double silent_s = (double)(g_get_monotonic_time() -
				   delivery->rated_us) / 1e6;

	/* Nothing is recorded where nothing is taken. */
	return silent_s <= RATE_SILENT_S ? delivery->rate :
		delivery->rate * RATE_SILENT_S / silent_s;
}

size_t
delivery_batches(const struct delivery *delivery)
{
	return delivery->batches.length;
}

double
delivery_load(const struct delivery *delivery)
{
	return (double)delivery->copies /
		(delivery->conf != NULL ? delivery->conf->weight : 1);
}

/* --- progress ----------------------------------------------------------- */

void
delivery_answered(struct delivery *delivery, struct batch *batch)
{
	g_hash_table_add(delivery->answered, batch);
}

struct batch *
delivery_first(const struct delivery *delivery)
{
	return g_queue_peek_head((GQueue *)(uintptr_t)&delivery->batches);
}

static bool
first_is_answered(const struct delivery *delivery)
{
	const struct batch *first = delivery_first(delivery);

	return first != NULL &&
		g_hash_table_contains(delivery->answered, first);
}

bool
delivery_is_done(const struct delivery *delivery)
{
	return delivery->read_all && delivery->batches.length == 0;
}

bool
delivery_has_put(const struct delivery *delivery)
{
	return delivery->has_put;
}

bool
delivery_was_dropped(const struct delivery *delivery)
{
	return delivery->dropped;
}

bool
delivery_can_commit(const struct delivery *delivery)
{
	return first_is_answered(delivery) || delivery_is_done(delivery);
}
