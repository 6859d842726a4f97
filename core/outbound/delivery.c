/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/outbound/delivery.h"

#include <string.h>

#include <glib.h>

#include "core/base/log.h"
#include "core/bounce/bounce.h"
#include "core/mail/addr.h"
#include "db/post.h"
#include "db/roster.h"
#include "core/base/banned.h"

struct delivery {
	struct job *job;		/* as it is in the queue */
	const struct verp *verp;
	struct composed *what;
	char **authors;			/* canonical addresses */
	char *read_after;		/* key up to which batches were made */
	size_t addrs_read;		/* the same for TO_ADDRS */
	bool read_all;
	GQueue batches;			/* made and not committed, in order */
	GHashTable *answered;		/* set of batches that came back */
	struct job *next;		/* what delivery_commit() has put */
	guint commits;			/* batches that it has recorded */
};

/* --- opening ------------------------------------------------------------ */

static enum err_code
read_form(struct txn *reader, const struct job *job, struct composed **out,
	  struct err *err)
{
	g_autoptr(GBytes) bytes = NULL, body = NULL;
	struct form *form = NULL;
	enum err_code rc;
	gsize len;

	rc = form_get(reader, &job->post, job->list, &form, err);
	if (rc == ERR_OK && form != NULL && form->body == NULL)
		rc = post_bytes(reader, &job->post, &bytes, err);
	if (rc != ERR_OK || form == NULL || (form->body == NULL &&
					     bytes == NULL)) {
		form_free(form);
		return rc;
	}
	if (form->body != NULL) {
		body = g_bytes_ref(form->body);
	} else {
		len = g_bytes_get_size(bytes);
		len -= MIN(len, form->body_at);
		body = g_bytes_new_from_bytes(bytes, g_bytes_get_size(bytes) -
					      len, len);
	}
	*out = compose(&job->post, job->list_addr, form->header, body);
	(*out)->null_sender = job->null_sender;
	form_free(form);
	return ERR_OK;
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
delivery_open(struct store *store, const struct verp *verp, struct job *job,
	      struct delivery **out, struct err *err)
{
	struct txn *reader = store_reader(store);
	struct composed *what = NULL;
	struct delivery *delivery;
	struct post *post = NULL;
	enum err_code rc;

	rc = post_get(reader, &job->post, &post, err);
	if (rc == ERR_OK && post != NULL)
		rc = read_form(reader, job, &what, err);
	if (rc == ERR_OK && what == NULL)
		rc = store_txn(store, TXN_LAZY, drop_body, job, err);
	*out = NULL;
	if (rc == ERR_OK && what != NULL) {
		delivery = g_new0(struct delivery, 1);
		delivery->job = job;
		delivery->verp = verp;
		delivery->what = what;
		delivery->authors = g_strsplit(post->author, ", ", -1);
		delivery->read_after = g_strdup(job->after);
		delivery->answered = g_hash_table_new(NULL, NULL);
		g_queue_init(&delivery->batches);
		*out = delivery;
	}
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
	composed_unref(delivery->what);
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
	return delivery->what->len + delivery->what->dotted_len;
}

size_t
delivery_batches(const struct delivery *delivery)
{
	return delivery->batches.length;
}

/* --- expansion ---------------------------------------------------------- */

static void
add_copy(struct delivery *delivery, struct batch *batch, const char *addr,
	 const char *key)
{
	uint8_t handle[MEMBER_HANDLE_LEN];
	char token[VERP_TOKEN_LEN + 1];

	member_handle(key, handle);
	verp_make(delivery->verp, delivery->job->list_addr, handle,
		  delivery->job->post.bytes, token);
	batch_add(batch, addr, key, token, NULL);
}

static bool
is_author(const struct delivery *delivery, const char *key)
{
	return g_strv_contains((const char *const *)delivery->authors, key);
}

static bool
wants_copy(const struct delivery *delivery, const struct roster_entry *entry)
{
	return entry->delivery && entry->since_s <= delivery->job->as_of_s &&
		(entry->own_posts || !is_author(delivery, entry->key));
}

static void
set_last(struct delivery *delivery, struct batch *batch, const char *key)
{
	g_free(delivery->read_after);
	delivery->read_after = g_strdup(key);
	batch->last = g_strdup(key);
}

/* Up to max members, of whom some may get nothing. */
static enum err_code
expand_members(struct delivery *delivery, struct store *store, size_t max,
	       struct batch *batch, struct err *err)
{
	const char *until = delivery->job->until, *key = NULL;
	struct roster_batch members;
	enum err_code rc;

	rc = roster_batch(store, delivery->job->list, delivery->read_after,
			  max, &members, err);
	if (rc != ERR_OK)
		return rc;
	delivery->read_all = members.end;
	for (size_t i = 0; i < members.count; i++) {
		const struct roster_entry *entry = &members.entries[i];

		if (until[0] != '\0' && strcmp(entry->key, until) > 0) {
			delivery->read_all = true;
			break;
		}
		if (wants_copy(delivery, entry))
			add_copy(delivery, batch, entry->addr, entry->key);
		key = entry->key;
	}
	if (key != NULL)
		set_last(delivery, batch, key);
	roster_batch_done(&members);
	return ERR_OK;
}

static void
expand_addrs(struct delivery *delivery, size_t max, struct batch *batch)
{
	char **addrs = delivery->job->addrs;

	for (; max > 0 && addrs[delivery->addrs_read] != NULL; max--) {
		const char *addr = addrs[delivery->addrs_read++];
		g_autofree char *key = addr_canon(addr);

		add_copy(delivery, batch, addr, key != NULL ? key : addr);
	}
	delivery->read_all = addrs[delivery->addrs_read] == NULL;
}

enum err_code
delivery_next(struct delivery *delivery, struct store *store,
	      struct settings *settings, size_t max, struct batch **out,
	      struct err *err)
{
	struct batch *batch = NULL;
	enum err_code rc = ERR_OK;

	*out = NULL;
	while (!delivery->read_all && rc == ERR_OK) {
		batch = batch_new(delivery->what, settings, delivery);
		batch->list = delivery->job->list;
		if (delivery->job->audience == TO_MEMBERS)
			rc = expand_members(delivery, store, max, batch, err);
		else
			expand_addrs(delivery, max, batch);
		if (rc == ERR_OK && batch->copies->len > 0)
			break;
		batch_free(batch);
		batch = NULL;
	}
	if (batch == NULL)
		return rc;
	g_queue_push_tail(&delivery->batches, batch);
	*out = batch;
	return ERR_OK;
}

/* --- progress ----------------------------------------------------------- */

void
delivery_answered(struct delivery *delivery, struct batch *batch)
{
	g_hash_table_add(delivery->answered, batch);
}

static bool
first_is_answered(const struct delivery *delivery)
{
	const struct batch *first = g_queue_peek_head(
		(GQueue *)(uintptr_t)&delivery->batches);

	return first != NULL &&
		g_hash_table_contains(delivery->answered, first);
}

bool
delivery_is_done(const struct delivery *delivery)
{
	return delivery->read_all && delivery->batches.length == 0;
}

bool
delivery_can_commit(const struct delivery *delivery)
{
	return first_is_answered(delivery) || delivery_is_done(delivery);
}

struct tally {
	guint sent, refused, waiting;
	GPtrArray *again;	/* addresses, borrowed */
	const char *reason;	/* of the last deferral, borrowed */
};

static bool
is_too_old(const struct job *job, const struct settings *settings)
{
	return g_get_real_time() / 1000 - job->made_ms >
		settings->max_age_s * 1000;
}

static enum err_code
count_copy(struct txn *txn, const struct delivery *delivery,
	   const struct settings *settings, const struct copy *copy,
	   struct tally *tally, struct err *err)
{
	const struct job *job = delivery->job;
	g_autofree char *reason = NULL;

	if (copy->result == COPY_SENT) {
		tally->sent++;
		return ERR_OK;
	}
	if (copy->result == COPY_OPEN || (copy->result == COPY_DEFERRED &&
					  !is_too_old(job, settings))) {
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
	int64_t age = g_get_real_time() / 1000 - job->made_ms;
	int64_t wait = CLAMP(age, settings->retry_first_s * 1000,
			     settings->retry_most_s * 1000);

	return wait - wait / 4 + g_random_int_range(0, (int)MIN(wait / 2 + 1,
							   G_MAXINT32));
}

static enum err_code
put_again(struct txn *txn, const struct delivery *delivery,
	  const struct settings *settings, const struct tally *tally,
	  struct err *err)
{
	const struct job *job = delivery->job;
	struct job *later;
	enum err_code rc;

	if (tally->again->len == 0)
		return ERR_OK;
	later = job_new(STAGE_OUTBOUND, &job->post, job->list,
			job->list_addr);
	later->made_ms = job->made_ms;
	later->role = job->role;
	later->as_of_s = job->as_of_s;
	later->null_sender = job->null_sender;
	later->audience = TO_ADDRS;
	/* Without a reason they were only cut short by our own end. */
	if (tally->reason != NULL)
		later->due_ms = g_get_real_time() / 1000 +
			back_off_ms(job, settings);
	g_strfreev(later->addrs);
	later->addrs = g_new0(char *, tally->again->len + 1);
	for (guint i = 0; i < tally->again->len; i++)
		later->addrs[i] = g_strdup(g_ptr_array_index(tally->again,
							     i));
	g_free(later->reason);
	later->reason = g_strdup(tally->reason != NULL ? tally->reason : "");
	rc = queue_put(txn, later, err);
	if (rc == ERR_OK)
		rc = post_hold(txn, &job->post, 1, err);
	if (rc == ERR_OK)
		rc = trace_add(txn, &job->post, "outbound", job->list_addr,
			       err, "%u to be tried again%s%s",
			       tally->waiting, tally->reason != NULL ? ": " :
			       "", later->reason);
	job_free(later);
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
		done += ((const struct batch *)at->data)->copies->len;
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
	for (GList *at = delivery->batches.head; at != NULL &&
	     g_hash_table_contains(delivery->answered, at->data);
	     at = at->next) {
		const struct batch *batch = at->data;

		for (guint i = 0; i < batch->copies->len && rc == ERR_OK; i++)
			rc = count_copy(txn, delivery, settings,
					batch_copy(batch, i), tally, err);
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
	struct tally tally = { .again = again };
	const struct batch *last = NULL;
	bool taken = false;
	enum err_code rc;

	job_free(delivery->next);
	delivery->next = NULL;
	rc = tally_batches(txn, delivery, settings, &tally, &last, err);
	if (rc == ERR_OK)
		rc = put_again(txn, delivery, settings, &tally, err);
	if (rc != ERR_OK)
		return rc;
	delivery->next = advance(delivery, last, delivery->commits, &tally);
	if (delivery->read_all &&
	    delivery->commits == delivery->batches.length)
		return finish(txn, delivery->job, delivery->next, err);
	return queue_replace(txn, delivery->job, delivery->next, &taken, err);
}

guint
delivery_committed(struct delivery *delivery)
{
	guint copies = 0;

	for (; delivery->commits > 0; delivery->commits--) {
		struct batch *batch = g_queue_pop_head(&delivery->batches);

		copies += batch->copies->len;
		delivery->addrs_read -= delivery->job->audience == TO_ADDRS ?
			MIN(delivery->addrs_read, batch->copies->len) : 0;
		g_hash_table_remove(delivery->answered, batch);
		batch_free(batch);
	}
	if (delivery->next != NULL) {
		job_free(delivery->job);
		delivery->job = g_steal_pointer(&delivery->next);
	}
	return copies;
}
