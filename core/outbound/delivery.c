/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/outbound/delivery_inside.h"

#include <string.h>

#include <glib.h>
#include <jansson.h>

#include "core/auth/arc.h"
#include "core/auth/evidence.h"
#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/bounce/bounce.h"
#include "db/post.h"
#include "db/roster.h"
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
	json_t *json;

	rc = sign_keys_get(opening->keys, conf->sign_key, conf->sign_domain,
			   conf->sign_selector, &key, err);
	if (rc != ERR_OK)
		return rc;
	json = json_loads(post->evidence, 0, NULL);
	evidence = evidence_of_json(json);
	composed_sign_with(composed, opening->verp, &job->post,
			   job->list_addr, key, evidence->arc.result);
	evidence_free(evidence);
	json_decref(json);
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
					    job->list_addr, header, body);
	enum err_code rc = ERR_OK;

	composed->null_sender = job->null_sender;
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

	rc = form_get(reader, &job->post, job->list, &form, err);
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

enum err_code
delivery_open(struct store *store, const struct verp *verp,
	      struct sign_keys *keys, struct job *job,
	      struct delivery **out, struct err *err)
{
	const struct opening opening = { store, verp, keys, job };
	struct txn *reader = store_reader(store);
	struct list_conf *conf = NULL;
	struct composed *what = NULL;
	struct delivery *delivery;
	struct post *post = NULL;
	enum err_code rc;

	rc = post_get(reader, &job->post, &post, err);
	if (rc == ERR_OK)
		rc = list_conf_load(reader, job->list_addr, &conf, err);
	if (rc == ERR_OK && post != NULL)
		rc = read_form(&opening, conf, post, &what, err);
	if (rc == ERR_OK && what == NULL)
		rc = store_txn(store, TXN_LAZY, drop_body, job, err);
	*out = NULL;
	if (rc == ERR_OK && what != NULL) {
		delivery = g_new0(struct delivery, 1);
		delivery->job = job;
		delivery->verp = verp;
		delivery->what = what;
		delivery->bytes = what->raw.len + what->dotted.len;
		delivery->conf = g_steal_pointer(&conf);
		delivery->authors = g_strsplit(post->author, ", ", -1);
		delivery->read_after = g_strdup(job->after);
		delivery->answered = g_hash_table_new(NULL, NULL);
		g_queue_init(&delivery->batches);
		delivery->late_jobs = g_ptr_array_new_with_free_func(
			free_late_job);
		*out = delivery;
	}
	list_conf_free(conf);
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
delivery_reconfigure(struct delivery *delivery, struct txn *reader,
		     struct err *err)
{
	struct list_conf *conf = NULL;
	enum err_code rc = list_conf_load(reader, delivery->job->list_addr,
					  &conf, err);

	if (rc != ERR_OK)
		return rc;
	list_conf_free(delivery->conf);
	delivery->conf = conf;
	return ERR_OK;
}

bool
delivery_is_paused(const struct delivery *delivery)
{
	return delivery->conf != NULL &&
		delivery->conf->outgoing == OUTGOING_PAUSED;
}

/* --- speed -------------------------------------------------------------- */

/* Over some seconds, so that it neither jumps nor stays behind; from the
 * first answers on, for before them a relay may have been down. */
static void
note_rate(struct delivery *delivery, guint copies)
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
delivery_can_commit(const struct delivery *delivery)
{
	return first_is_answered(delivery) || delivery_is_done(delivery);
}

struct tally {
	guint sent, refused, waiting;
	GPtrArray *again;	/* addresses, borrowed */
	GPtrArray *late;	/* of the batch that is counted, the same */
	const char *reason;	/* of the last deferral, borrowed */
};

static bool
is_too_old(const struct job *job, const struct settings *settings)
{
	return clock_ms() - job->made_ms >
		settings->max_age_s * 1000;
}

static enum err_code
count_copy(struct txn *txn, const struct delivery *delivery,
	   const struct settings *settings, const struct copy *copy,
	   struct tally *tally, struct err *err)
{
	const struct job *job = delivery->job;
	g_autofree char *reason = NULL;

	if (copy->result == COPY_ELSEWHERE)
		return ERR_OK;
	if (copy->result == COPY_SENT) {
		tally->sent++;
		return ERR_OK;
	}
	if (copy->result == COPY_LATE) {
		g_ptr_array_add(tally->late, (char *)(uintptr_t)copy->addr);
		return ERR_OK;
	}
	if (copy->result == COPY_OPEN || copy->result == COPY_AGAIN ||
	    (copy->result == COPY_DEFERRED && !is_too_old(job, settings))) {
		tally->waiting++;
		if (copy->reply != NULL)
			tally->reason = copy->reply;
		g_ptr_array_add(tally->again, (char *)(uintptr_t)copy->addr);
		return ERR_OK;
	}
	tally->refused++;
	reason = g_strdup_printf("%s%s", copy->result == COPY_REFUSED ?
				 "refused at re-injection: " :
				 "given up after [outbound] max-age: ",
				 copy->reply != NULL ? copy->reply :
				 "no answer");
	return bounce_record(txn, job->list, job->list_addr, copy->key,
			     &job->post, reason, err);
}

/* The time since the post was handed over doubles with each try, give or
 * take a quarter, so that those who wait together do not come together. */
static int64_t
back_off_ms(const struct job *job, const struct settings *settings)
{
	int64_t age = clock_ms() - job->made_ms;
	int64_t wait = CLAMP(age, settings->retry_first_s * 1000,
			     settings->retry_most_s * 1000);

	return wait - wait / 4 + g_random_int_range(0, (int)MIN(wait / 2 + 1,
							   G_MAXINT32));
}

/* A job of those addresses of this one that are left for another time. */
static struct job *
rest_of(const struct job *job, const GPtrArray *addrs, int64_t due_ms,
	const char *reason)
{
	struct job *rest = job_new(STAGE_OUTBOUND, &job->post, job->list,
				   job->list_addr);

	rest->made_ms = job->made_ms;
	rest->role = job->role;
	rest->as_of_s = job->as_of_s;
	rest->null_sender = job->null_sender;
	rest->audience = TO_ADDRS;
	rest->due_ms = due_ms;
	g_strfreev(rest->addrs);
	rest->addrs = g_new0(char *, addrs->len + 1);
	for (guint i = 0; i < addrs->len; i++)
		rest->addrs[i] = g_strdup(g_ptr_array_index(addrs, i));
	g_free(rest->reason);
	rest->reason = g_strdup(reason);
	return rest;
}

static enum err_code
put_job(struct txn *txn, const struct job *job, struct err *err)
{
	enum err_code rc = queue_put(txn, job, err);

	return rc == ERR_OK ? post_hold(txn, &job->post, 1, err) : rc;
}

static enum err_code
put_rest(struct txn *txn, const struct job *job, const GPtrArray *addrs,
	 int64_t due_ms, const char *reason, struct err *err)
{
	struct job *rest = rest_of(job, addrs, due_ms, reason);
	enum err_code rc = put_job(txn, rest, err);

	job_free(rest);
	return rc;
}

/* Due now: were we killed, it would be tried again. As long as we live it
 * is claimed by the delivery that has the late batch. */
static enum err_code
put_late(struct txn *txn, struct delivery *delivery,
	 const struct tally *tally, struct err *err)
{
	const struct job *job = delivery->job;
	struct job *late = rest_of(job, tally->late, 0,
				   "the relay has not answered yet");
	enum err_code rc;

	g_ptr_array_add(delivery->late_jobs, late);
	rc = put_job(txn, late, err);
	if (rc == ERR_OK)
		rc = trace_add(txn, &job->post, "outbound", job->list_addr,
			       err, "no answer about %u of the copies yet; "
			       "they are waited for apart",
			       tally->late->len);
	return rc;
}

static enum err_code
put_again(struct txn *txn, const struct delivery *delivery,
	  const struct settings *settings, const struct tally *tally,
	  struct err *err)
{
	const struct job *job = delivery->job;
	const char *reason = tally->reason != NULL ? tally->reason : "";
	int64_t due_ms = 0;
	enum err_code rc;

	if (tally->again->len == 0)
		return ERR_OK;
	/* Without a reason they were only cut short by our own end. */
	if (tally->reason != NULL)
		due_ms = clock_ms() + back_off_ms(job, settings);
	rc = put_rest(txn, job, tally->again, due_ms, reason, err);
	if (rc == ERR_OK)
		rc = trace_add(txn, &job->post, "outbound", job->list_addr,
			       err, "%u to be tried again%s%s",
			       tally->waiting, reason[0] != '\0' ? ": " : "",
			       reason);
	return rc;
}

static enum err_code
put_later(struct txn *txn, const struct job *job, const struct batch *batch,
	  struct err *err)
{
	enum err_code rc = ERR_OK;

	for (guint i = 0; i < batch->later->len && rc == ERR_OK; i++) {
		const struct later *later = g_ptr_array_index(batch->later,
							      i);
		g_autofree char *reason = g_strdup_printf(
			"[outbound] domain-limits: %s", later->limit->domain);

		rc = put_rest(txn, job, later->addrs, later->due_ms, reason,
			      err);
	}
	return rc;
}

/* The job as it is after these batches; texts of its own. */
static struct job *
advance(const struct delivery *delivery, const struct batch *last,
	guint batches, const struct tally *tally)
{
	const struct job *job = delivery->job;
	struct job *next = job_new(job->stage, &job->post, job->list,
				   job->list_addr);
	size_t done = 0;

	next->id = job->id;
	next->due_ms = job->due_ms;
	next->made_ms = job->made_ms;
	next->role = job->role;
	next->null_sender = job->null_sender;
	next->audience = job->audience;
	next->as_of_s = job->as_of_s;
	next->sent = job->sent + tally->sent;
	next->refused = job->refused + tally->refused;
	g_free(next->until);
	next->until = g_strdup(job->until);
	g_free(next->after);
	next->after = g_strdup(last != NULL && last->last != NULL ?
			       last->last : job->after);
	if (job->audience != TO_ADDRS)
		return next;
	/* What has not been given out by these batches is left. */
	for (GList *at = delivery->batches.head; at != NULL && batches > 0;
	     at = at->next, batches--)
		done += ((const struct batch *)at->data)->addrs;
	g_strfreev(next->addrs);
	next->addrs = g_strdupv(job->addrs + MIN(done,
				g_strv_length(job->addrs)));
	return next;
}

static enum err_code
finish(struct txn *txn, const struct job *job, const struct job *next,
       struct err *err)
{
	bool taken = false;
	enum err_code rc = queue_take(txn, job, &taken, err);

	if (rc != ERR_OK || !taken)
		return rc;
	rc = trace_add(txn, &job->post, "outbound", job->list_addr, err,
		       "%llu copies handed to the relay, %llu refused",
		       (unsigned long long)next->sent,
		       (unsigned long long)next->refused);
	if (rc == ERR_OK)
		rc = post_release(txn, &job->post, 1, err);
	return rc;
}

static enum err_code
tally_batches(struct txn *txn, struct delivery *delivery,
	      const struct settings *settings, struct tally *tally,
	      const struct batch **last, struct err *err)
{
	enum err_code rc = ERR_OK;

	delivery->commits = 0;
	delivery->has_put = false;
	for (GList *at = delivery->batches.head; at != NULL &&
	     g_hash_table_contains(delivery->answered, at->data);
	     at = at->next) {
		const struct batch *batch = at->data;

		g_ptr_array_set_size(tally->late, 0);
		for (guint i = 0; i < batch->copies->len && rc == ERR_OK; i++)
			rc = count_copy(txn, delivery, settings,
					batch_copy(batch, i), tally, err);
		if (rc == ERR_OK && batch->late != NULL)
			rc = put_late(txn, delivery, tally, err);
		if (rc == ERR_OK)
			rc = put_later(txn, delivery->job, batch, err);
		delivery->has_put |= batch->later->len > 0;
		if (rc != ERR_OK)
			return rc;
		delivery->commits++;
		*last = batch;
	}
	return ERR_OK;
}

enum err_code
delivery_commit(struct txn *txn, struct delivery *delivery,
		const struct settings *settings, struct err *err)
{
	g_autoptr(GPtrArray) again = g_ptr_array_new();
	g_autoptr(GPtrArray) late = g_ptr_array_new();
	struct tally tally = { .again = again, .late = late };
	const struct batch *last = NULL;
	bool taken = false;
	enum err_code rc;

	job_free(delivery->next);
	delivery->next = NULL;
	g_ptr_array_set_size(delivery->late_jobs, 0);
	rc = tally_batches(txn, delivery, settings, &tally, &last, err);
	if (rc == ERR_OK)
		rc = put_again(txn, delivery, settings, &tally, err);
	if (rc != ERR_OK)
		return rc;
	delivery->has_put |= again->len > 0;
	delivery->next = advance(delivery, last, delivery->commits, &tally);
	if (delivery->read_all &&
	    delivery->commits == delivery->batches.length)
		return finish(txn, delivery->job, delivery->next, err);
	return queue_replace(txn, delivery->job, delivery->next, &taken, err);
}

/* What a batch went on without; it may have been answered meanwhile. */
static struct delivery *
adopt(const struct delivery *parent, struct job *job, struct batch *batch)
{
	struct delivery *delivery = g_new0(struct delivery, 1);

	delivery->job = job;
	delivery->verp = parent->verp;
	delivery->what = composed_ref(parent->what);
	delivery->authors = g_new0(char *, 1);
	delivery->read_after = g_strdup("");
	delivery->answered = g_hash_table_new(NULL, NULL);
	delivery->late_jobs = g_ptr_array_new_with_free_func(free_late_job);
	g_queue_init(&delivery->batches);
	g_queue_push_tail(&delivery->batches, batch);
	delivery->copies = batch_size(batch);
	delivery->addrs_read = batch_size(batch);
	delivery->read_all = true;
	batch->addrs = batch_size(batch);
	batch->owner = delivery;
	return delivery;
}

guint
delivery_committed(struct delivery *delivery, GPtrArray *born)
{
	guint copies = 0;

	for (; delivery->commits > 0; delivery->commits--) {
		struct batch *batch = g_queue_pop_head(&delivery->batches);

		copies += batch_size(batch);
		delivery->addrs_read -= batch->addrs;
		g_hash_table_remove(delivery->answered, batch);
		if (batch->late != NULL)
			g_ptr_array_add(born, adopt(delivery,
				g_ptr_array_steal_index(delivery->late_jobs,
							0),
				g_steal_pointer(&batch->late)));
		batch_free(batch);
	}
	delivery->copies -= copies;
	note_rate(delivery, copies);
	if (delivery->next != NULL) {
		job_free(delivery->job);
		delivery->job = g_steal_pointer(&delivery->next);
	}
	return copies;
}
