/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Progress: what the answers about the copies of a delivery's oldest batches
 * make of its job, in one transaction: the job moves on or is done, failures
 * are recorded, and what is to be tried again becomes a job of its own.
 */
#include <string.h>

#include <glib.h>

#include "core/base/clock.h"
#include "core/bounce/bounce.h"
#include "core/outbound/delivery_inside.h"
#include "db/list.h"
#include "db/post.h"
#include "core/base/banned.h"

struct tally {
	struct list_conf *conf;	/* of the list; NULL: none was refused yet */
	bool is_refusing;	/* with conf: more of the post has been
				 * refused than handed over */
	guint sent, refused, waiting;
	uint64_t left_out;	/* who have it from elsewhere */
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

/* The relay's own fault, or the members'? A job may be one of many of its
 * post, and knows only of its own copies. */
static bool
is_refusing(const struct delivery *delivery)
{
	uint64_t sent = delivery->job->sent, refused = delivery->job->refused;

	for (GList *at = delivery->batches.head; at != NULL &&
	     g_hash_table_contains(delivery->answered, at->data);
	     at = at->next) {
		const struct batch *batch = at->data;

		for (guint i = 0; i < batch->copies->len; i++) {
			const struct copy *copy = batch_copy(batch, i);

			sent += copy->result == COPY_SENT ? 1 : 0;
			refused += copy->result == COPY_REFUSED ? 1 : 0;
		}
	}
	return refused > 1 && refused > sent;
}

static enum err_code
count_refused(struct txn *txn, const struct delivery *delivery,
	      const struct settings *settings, const struct copy *copy,
	      struct tally *tally, struct err *err)
{
	const struct job *job = delivery->job;
	struct bounce_with with = {
		.settings = settings, .list = job->list,
		.list_addr = job->list_addr, .now_s = clock_s(),
	};
	enum err_code rc = ERR_OK;

	if (tally->conf == NULL) {
		tally->is_refusing = is_refusing(delivery);
		rc = list_conf_load(txn, job->list_addr, &tally->conf, err);
	}
	with.conf = tally->conf;
	return rc != ERR_OK ? rc :
		bounce_refused(txn, &with, copy->key, &job->post,
			       copy->reply != NULL ? copy->reply :
			       "no answer", copy->result != COPY_REFUSED,
			       tally->is_refusing, err);
}

static enum err_code
count_copy(struct txn *txn, const struct delivery *delivery,
	   const struct settings *settings, const struct copy *copy,
	   struct tally *tally, struct err *err)
{
	const struct job *job = delivery->job;

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
	return count_refused(txn, delivery, settings, copy, tally, err);
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
	rest->through = job->through;
	g_free(rest->through_addr);
	rest->through_addr = g_strdup(job->through_addr);
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

/* --- a job that was dropped --------------------------------------------- */

static void
end_dropped(struct delivery *delivery)
{
	delivery->dropped = true;
	delivery->read_all = true;
	for (GList *at = delivery->batches.head; at != NULL; at = at->next)
		batch_give_up(at->data);
}

enum err_code
delivery_look(struct delivery *delivery, struct txn *txn, struct err *err)
{
	struct job *job = NULL;
	enum err_code rc;

	if (delivery->dropped)
		return ERR_OK;
	rc = queue_again(txn, delivery->job, &job, err);
	if (rc == ERR_OK && job == NULL)
		end_dropped(delivery);
	job_free(job);
	return rc;
}

/* What has left has left. The post's hold is gone with the job. */
static enum err_code
tell_dropped(struct txn *txn, const struct job *job, const struct job *next,
	     struct err *err)
{
	return trace_add(txn, &job->post, "outbound", job->list_addr, err,
			 "dropped while it was sent; %llu copies had been "
			 "handed to the relay, %llu refused",
			 (unsigned long long)next->sent,
			 (unsigned long long)next->refused);
}

/* --- jobs for another time ---------------------------------------------- */

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
	if (delivery->dropped)
		return ERR_OK;	/* it only waits, and is then dropped too */
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

	if (tally->again->len == 0 || delivery->dropped)
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
	next->delivery = job->delivery;
	next->position = job->position;
	next->sent = job->sent + tally->sent;
	next->refused = job->refused + tally->refused;
	next->through = job->through;
	g_free(next->through_addr);
	next->through_addr = g_strdup(job->through_addr);
	next->group = job->group;
	next->elsewhere = job->elsewhere + tally->left_out;
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

/* "; 12 members have it from dev@lists.example.org" */
static char *
elsewhere_text(const struct delivery *delivery)
{
	if (delivery->next->elsewhere == 0)
		return g_strdup("");
	return g_strdup_printf("; %llu %s it from %s",
			       (unsigned long long)delivery->next->elsewhere,
			       delivery->next->elsewhere == 1 ? "member has" :
			       "members have",
			       delivery->elsewhere != NULL ?
			       elsewhere_names(delivery->elsewhere) :
			       "another list");
}

static enum err_code
finish(struct txn *txn, const struct delivery *delivery, struct err *err)
{
	const struct job *job = delivery->job, *next = delivery->next;
	g_autofree char *elsewhere = elsewhere_text(delivery);
	bool taken = false;
	enum err_code rc = queue_take(txn, job, &taken, err);

	if (rc != ERR_OK || !taken)
		return rc;
	rc = trace_add(txn, &job->post, "outbound", job->list_addr, err,
		       "%llu copies handed to the relay, %llu refused%s%s%s",
		       (unsigned long long)next->sent,
		       (unsigned long long)next->refused,
		       job->through != 0 ? "; included by " : "",
		       job->through_addr, elsewhere);
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
		if (rc == ERR_OK && !delivery->dropped)
			rc = put_later(txn, delivery->job, batch, err);
		delivery->has_put |= batch->later->len > 0;
		if (rc != ERR_OK)
			return rc;
		delivery->commits++;
		tally->left_out += batch->left_out;
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
	bool taken = false, ends;
	enum err_code rc;

	job_free(delivery->next);
	delivery->next = NULL;
	g_ptr_array_set_size(delivery->late_jobs, 0);
	rc = delivery_look(delivery, txn, err);
	if (rc == ERR_OK)
		rc = tally_batches(txn, delivery, settings, &tally, &last, err);
	list_conf_free(tally.conf);
	if (rc == ERR_OK)
		rc = put_again(txn, delivery, settings, &tally, err);
	if (rc != ERR_OK)
		return rc;
	delivery->has_put |= again->len > 0;
	ends = delivery->read_all &&
		delivery->commits == delivery->batches.length;
	if (ends)
		tally.left_out += delivery->left_out;
	delivery->next = advance(delivery, last, delivery->commits, &tally);
	if (delivery->dropped)
		return ends ? tell_dropped(txn, delivery->job, delivery->next,
					   err) : ERR_OK;
	if (ends)
		return finish(txn, delivery, err);
	return queue_replace(txn, delivery->job, delivery->next, &taken, err);
}

/* What a batch went on without; it may have been answered meanwhile. */
static struct delivery *
adopt(const struct delivery *parent, struct job *job, struct batch *batch)
{
	struct delivery *delivery = delivery_new(job, parent->verp,
		composed_ref(parent->what), "");

	g_queue_push_tail(&delivery->batches, batch);
	delivery->copies = batch_size(batch);
	delivery->addrs_read = batch_size(batch);
	delivery->read_all = true;
	batch->addrs = batch_size(batch);
	batch->owner = delivery;
	if (parent->dropped)
		end_dropped(delivery);
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
	delivery->recorded += copies;
	delivery_note_rate(delivery, copies);
	if (delivery->next != NULL) {
		job_free(delivery->job);
		delivery->job = g_steal_pointer(&delivery->next);
	}
	return copies;
}
