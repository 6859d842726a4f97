/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/pending/digest.h"

#include <string.h>

#include <glib.h>

#include "core/mail/addr.h"
#include "core/mail/mime.h"
#include "core/base/banned.h"

#define DAY_S 86400

/* --- numbers ------------------------------------------------------------ */

/* What a volume is of; empty: all. */
static char *
period_of(const struct list_conf *conf, int64_t now_s)
{
	g_autoptr(GDateTime) now = g_date_time_new_from_unix_utc(now_s);

	switch (conf->digest_volume) {
	case VOLUME_YEAR:
		return g_date_time_format(now, "%Y");
	case VOLUME_QUARTER:
		return g_strdup_printf("%d-Q%d", g_date_time_get_year(now),
				       (g_date_time_get_month(now) + 2) / 3);
	case VOLUME_MONTH:
		return g_date_time_format(now, "%Y-%m");
	case VOLUME_WEEK:
		return g_date_time_format(now, "%G-W%V");
	case VOLUME_NEVER:
		break;
	}
	return g_strdup("");
}

/* Each issue gets its numbers with its first post, so that the trace of that
 * can name them. */
static void
number_issue(struct digest *digest, const struct digest_with *with)
{
	g_autofree char *period = period_of(with->conf, with->now_s);

	if (digest->volume == 0 || strcmp(digest->period, period) != 0) {
		digest->volume++;
		digest->volume_issue = 0;
	}
	digest->volume_issue++;
	(void) g_strlcpy(digest->period, period, sizeof(digest->period));
}

/* --- collecting --------------------------------------------------------- */

static bool
is_full(const struct digest *digest, const struct list_conf *conf)
{
	return digest->posts >= conf->digest_posts ||
		(conf->digest_size > 0 &&
		 digest->bytes >= (uint64_t)conf->digest_size);
}

static enum err_code
add(struct txn *txn, const struct digest_with *with, struct digest *digest,
    const struct post *post, uint64_t *position_out, char **what_out,
    struct err *err)
{
	enum err_code rc;

	if (digest->posts == 0)
		number_issue(digest, with);
	rc = digest_add(txn, digest, &post->id, post->size, with->now_s, err);
	if (rc != ERR_OK)
		return rc;
	*position_out = digest_position(digest);
	g_free(*what_out);
	*what_out = g_strdup_printf("; in digest vol %u no %u",
				    digest->volume, digest->volume_issue);
	return is_full(digest, with->conf) ?
		digest_close(txn, with, digest, err) : ERR_OK;
}

enum err_code
digest_collect(struct txn *txn, const struct digest_with *with,
	       const struct post *post, uint64_t *position_out,
	       bool *collected_out, char **what_out, struct err *err)
{
	bool mime = false, plain = false, found;
	struct digest digest;
	enum err_code rc = digest_readers(txn, with->list, &mime, &plain,
					  err);

	*collected_out = mime || plain;
	if (rc == ERR_OK && *collected_out) {
		rc = digest_lock(txn, with->list, &digest, &found, err);
		return rc != ERR_OK ? rc :
			add(txn, with, &digest, post, position_out, what_out,
			    err);
	}
	if (rc == ERR_OK)
		rc = digest_get(txn, with->list, &digest, &found, err);
	if (rc == ERR_OK)
		*position_out = found ? digest_position(&digest) : 0;
	return rc;
}

/* --- closing ------------------------------------------------------------ */

/* The digest itself, which has no bytes as yet. */
static enum err_code
put_post(struct txn *txn, const struct digest_with *with,
	 const struct digest *digest, struct post_id *id_out,
	 struct err *err)
{
	g_autofree char *message_id = mime_message_id(
		with->settings->hostname);
	g_autofree char *author = list_role_addr(with->list_addr,
						 "-request");
	char door[] = "muster";
	struct post post = {
		.received_s = with->now_s, .message_id = message_id,
		.author = author, .door = door, .jobs = 1,
	};
	enum err_code rc;

	post_id_new(&post.id);
	rc = post_put(txn, &post, -1, err);
	if (rc == ERR_OK)
		rc = trace_ref(txn, &post.id, message_id, err);
	if (rc == ERR_OK)
		rc = trace_add(txn, &post.id, "pending", with->list_addr, err,
			       "digest vol %u no %u closed, with %u posts",
			       digest->volume, digest->volume_issue,
			       digest->posts);
	*id_out = post.id;
	return rc;
}

static enum err_code
put_order(struct txn *txn, const struct digest_with *with,
	  const struct digest *digest, bool mime, bool plain,
	  struct err *err)
{
	const struct digest_order order = {
		digest->issue, digest->volume, digest->volume_issue, mime,
		plain,
	};
	struct post_id post;
	struct job *job;
	enum err_code rc = put_post(txn, with, digest, &post, err);

	if (rc != ERR_OK)
		return rc;
	job = job_new(STAGE_PENDING, &post, with->list, with->list_addr);
	job->role = ROLE_POST;
	job->audience = TO_MEMBERS;
	job->as_of_s = with->now_s;
	job->delivery = DELIVERY_DIGEST;
	job->position = digest_position(digest);
	g_free(job->detail);
	job->detail = digest_order_text(&order);
	rc = queue_put(txn, job, err);
	job_free(job);
	return rc;
}

enum err_code
digest_close(struct txn *txn, const struct digest_with *with,
	     struct digest *digest, struct err *err)
{
	bool mime = false, plain = false;
	enum err_code rc = digest_readers(txn, with->list, &mime, &plain,
					  err);

	if (rc == ERR_OK && (mime || plain))
		rc = put_order(txn, with, digest, mime, plain, err);
	else if (rc == ERR_OK)
		rc = digest_remove(txn, with->list, digest->issue, err);
	return rc == ERR_OK ? digest_turn(txn, digest, err) : rc;
}

/* --- time --------------------------------------------------------------- */

int64_t
digest_due_s(const struct digest *digest, const struct list_conf *conf)
{
	int64_t due, earliest;

	if (digest->posts == 0)
		return INT64_MAX;
	due = digest->opened_s + conf->digest_every_s;
	if (conf->digest_hour < 0)
		return due;
	/* the first such hour of the day on which it would be due, which is
	 * less than a day before */
	earliest = MAX(due - DAY_S, digest->opened_s);
	due = earliest - earliest % DAY_S + conf->digest_hour * 3600;
	return due > earliest ? due : due + DAY_S;
}

struct tick {
	const struct settings *settings;
	int64_t now_s;
	uint32_t list;
	bool closed;
};

static enum err_code
tick_list(struct txn *txn, struct tick *tick, const struct list *list,
	  struct err *err)
{
	struct list_conf *conf = NULL;
	struct digest digest;
	bool found;
	enum err_code rc = list_conf_load(txn, list->addr, &conf, err);
	const struct digest_with with = {
		tick->settings, conf, list->id, list->addr, tick->now_s,
	};

	if (rc == ERR_OK)
		rc = digest_lock(txn, list->id, &digest, &found, err);
	/* a clock that was set back does not keep it for ever */
	if (rc == ERR_OK && digest.opened_s > tick->now_s) {
		digest.opened_s = tick->now_s;
		rc = digest_put(txn, &digest, err);
	}
	tick->closed = rc == ERR_OK &&
		(digest_due_s(&digest, conf) <= tick->now_s ||
		 (digest.posts > 0 && is_full(&digest, conf)));
	if (tick->closed)
		rc = digest_close(txn, &with, &digest, err);
	list_conf_free(conf);
	return rc;
}

static enum err_code
tick_body(struct txn *txn, void *arg, struct err *err)
{
	struct tick *tick = arg;
	struct list *list = NULL;
	enum err_code rc = list_by_id(txn, tick->list, &list, err);

	tick->closed = false;
	if (rc == ERR_OK && list != NULL)
		rc = tick_list(txn, tick, list, err);
	list_free(list);
	return rc;
}

enum err_code
digest_tick(struct store *store, const struct settings *settings,
	    int64_t now_s, unsigned int *closed, struct err *err)
{
	struct tick tick = { .settings = settings, .now_s = now_s };
	struct digest digest = { .list = 0 };
	bool found;
	enum err_code rc;

	*closed = 0;
	while ((rc = digest_next(store_reader(store), digest.list, &digest,
				 &found, err)) == ERR_OK && found) {
		if (digest.posts == 0)
			continue;
		tick.list = digest.list;
		rc = store_txn(store, TXN_LAZY, tick_body, &tick, err);
		if (rc != ERR_OK)
			return rc;
		*closed += tick.closed ? 1 : 0;
	}
	return rc;
}
