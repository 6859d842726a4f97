/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * A message may come to several lists, and a list may include others; who is
 * on several of them shall get one copy. Who has it from where is decided when
 * copies are made, by the rosters (core/outbound/elsewhere.h). Here it is
 * settled which way goes before which: as they come here, one transaction
 * after the other, so no list ever counts on one that is held, shunted or
 * refused. What one submission has brought to several lists comes here at
 * almost the same time, in any order; so a list that is to come second waits
 * for a moment.
 */
#include "core/pending/ways.h"

#include <string.h>

#include "core/base/clock.h"
#include "db/digest.h"
#include "db/include.h"
#include "db/way.h"
#include "core/base/banned.h"

#define PATIENCE_US (30 * G_USEC_PER_SEC)	/* since it was accepted */
#define WAIT_MS 100
#define WAYS_MOST 200		/* that are looked at */
#define NAMED_MOST 5		/* lists, in a trace */

static struct way *
way_at(const GArray *ways, guint i)
{
	return &g_array_index(ways, struct way, i);
}

/* --- who goes first ----------------------------------------------------- */

/* Not of a list that has been deleted since. */
static enum err_code
is_first(struct txn *txn, const struct job *job,
	 const struct list_conf *conf, const struct way *way, bool *out,
	 struct err *err)
{
	struct list *list = NULL;
	bool relate = false, later = false;
	enum err_code rc = list_by_id(txn, way->list, &list, err);

	if (rc == ERR_OK && list != NULL)
		rc = lists_relate(txn, job->list_addr, conf, list->addr,
				  &relate, &later, err);
	list_free(list);
	*out = relate && later;
	return rc;
}

/* Still to come, and accepted together with it not long ago. */
static bool
may_come(const struct way *way, const struct job *job, int64_t now_us)
{
	return way->turn == 0 && way->through == way->list &&
		way->list != job->list && way->time_us <= now_us &&
		now_us - way->time_us < PATIENCE_US;
}

static bool
is_among(const GArray *ways, const struct job *job)
{
	for (guint i = 0; i < ways->len; i++)
		if (way_at(ways, i)->list == job->list &&
		    way_at(ways, i)->through == job->list)
			return true;
	return false;
}

static enum err_code
put_off(struct txn *txn, const struct job *job, bool *put, struct err *err)
{
	struct job next = *job;		/* texts are borrowed */

	next.due_ms = clock_ms() + WAIT_MS;
	next.attempts -= next.attempts > 0;
	return queue_replace(txn, job, &next, put, err);
}

enum err_code
ways_wait(struct txn *txn, const struct job *job,
	  const struct list_conf *conf, bool *waits, struct err *err)
{
	g_autoptr(GArray) ways = NULL;
	int64_t now_us = g_get_real_time();
	bool first = false;
	enum err_code rc;

	*waits = false;
	if (job->role != ROLE_POST)
		return ERR_OK;
	rc = ways_get(txn, &job->post, &ways, err);
	if (rc != ERR_OK || !is_among(ways, job))
		return rc;
	for (guint i = 0; i < MIN(ways->len, WAYS_MOST) && rc == ERR_OK &&
	     !first; i++)
		if (may_come(way_at(ways, i), job, now_us))
			rc = is_first(txn, job, conf, way_at(ways, i), &first,
				      err);
	return rc == ERR_OK && first ? put_off(txn, job, waits, err) : rc;
}

/* --- the same message, come twice --------------------------------------- */

/* Date is the mail server's where the author has given none. */
static bool
is_of_the_way(const struct header_field *field)
{
	static const char *const names[] = {
		"Received", "Return-Path", "Delivered-To", "X-Original-To",
		"Authentication-Results", "Received-SPF", "Date", NULL
	};

	return header_field_in(field, names);
}

static void
digest_header(GChecksum *sum, const struct header *header)
{
	for (guint i = 0; i < header->fields->len; i++) {
		const struct header_field *field = &g_array_index(
			header->fields, struct header_field, i);

		if (!is_of_the_way(field))
			g_checksum_update(sum, (const guchar *)field->raw,
					  (gssize)field->raw_len);
	}
}

/* All that its author wrote. False: it has no name of its own. */
static bool
content_key(const struct work *work, uint8_t out[SEEN_KEY_LEN])
{
	static const char what[] = "ways of one message";
	gsize len = SEEN_KEY_LEN, came_len;
	const char *came = g_bytes_get_data(work->came, &came_len);
	const size_t body_at = work->came_body_at;
	GChecksum *sum;

	if (work->post->message_id[0] == '\0')
		return false;
	sum = g_checksum_new(G_CHECKSUM_SHA256);
	g_checksum_update(sum, (const guchar *)what, sizeof(what));
	digest_header(sum, &work->came_header);
	g_checksum_update(sum, (const guchar *)"\r\n", 2);
	g_checksum_update(sum, (const guchar *)came + body_at,
			  (gssize)(came_len - body_at));
	g_checksum_get_digest(sum, out, &len);
	g_checksum_free(sum);
	return true;
}

/* The post that was the first with this content, or this one. */
static enum err_code
find_group(struct txn *txn, const struct work *work, struct post_id *out,
	   struct err *err)
{
	const struct post_id *id = &work->job->post;
	uint8_t key[SEEN_KEY_LEN];
	bool first;

	*out = *id;
	return content_key(work, key) ?
		seen_add(txn, key, id, clock_s(), &first, out, err) : ERR_OK;
}

/* --- opening ------------------------------------------------------------ */

struct opening {
	struct txn *txn;
	const struct work *work;
	struct job *next;
	GArray *own;		/* ways of the post */
	GArray *ways;		/* of its group; the same, in most cases */
	uint32_t turn;
	GString *included, *others;
	guint included_count;
};

/* The turn behind all that are open. */
static uint32_t
next_turn(const GArray *ways)
{
	uint32_t turn = 0;

	for (guint i = 0; i < ways->len; i++)
		turn = MAX(turn, way_at(ways, i)->turn);
	return turn + 1;
}

/* Those that wait for this one look at the ways of its post. */
static enum err_code
note_come(struct opening *opening, struct err *err)
{
	enum err_code rc = ERR_OK;

	for (guint i = 0; i < opening->own->len && rc == ERR_OK; i++) {
		struct way way = *way_at(opening->own, i);

		if (way.list != opening->next->list ||
		    way.through != way.list || way.turn != 0)
			continue;
		way.turn = opening->turn;
		way.as_of_s = opening->next->as_of_s;
		way.position = opening->next->position;
		rc = way_put(opening->txn, &way, err);
	}
	return rc;
}

static enum err_code
put_way(struct opening *opening, const struct job *job, struct err *err)
{
	struct way way = {
		.group = opening->next->group, .post = job->post,
		.time_us = g_get_real_time(), .list = job->list,
		.through = job_through(job), .turn = opening->turn,
		.as_of_s = job->as_of_s, .position = job->position,
	};

	for (guint i = 0; i < opening->ways->len; i++) {
		const struct way *known = way_at(opening->ways, i);

		if (known->list == way.list && known->through == way.through &&
		    post_id_equal(&known->post, &way.post))
			way.time_us = known->time_us;
	}
	return way_put(opening->txn, &way, err);
}

/* It has it itself, and its copies leave. */
static bool
is_open(const struct opening *opening, uint32_t list)
{
	for (guint i = 0; i < opening->ways->len; i++) {
		const struct way *way = way_at(opening->ways, i);

		if (way->list == list && way->through == list && way->turn > 0)
			return true;
	}
	return false;
}

static enum err_code
position_of(struct txn *txn, uint32_t list, uint64_t *out, struct err *err)
{
	struct digest digest;
	bool found;
	enum err_code rc = digest_get(txn, list, &digest, &found, err);

	if (rc == ERR_OK)
		*out = found ? digest_position(&digest) : 0;
	return rc;
}

static enum err_code
put_included(struct opening *opening, const struct included *included,
	     struct err *err)
{
	const struct job *next = opening->next;
	struct job *job = job_new(STAGE_OUTBOUND, &next->post, included->list,
				  included->addr);
	enum err_code rc = position_of(opening->txn, included->list,
				       &job->position, err);

	job->role = next->role;
	job->audience = TO_MEMBERS;
	job->as_of_s = next->as_of_s;
	job->through = next->list;
	g_free(job->through_addr);
	job->through_addr = g_strdup(next->list_addr);
	job->group = next->group;
	if (rc == ERR_OK)
		rc = queue_put(opening->txn, job, err);
	if (rc == ERR_OK)
		rc = post_hold(opening->txn, &job->post, 1, err);
	if (rc == ERR_OK)
		rc = put_way(opening, job, err);
	job_free(job);
	return rc;
}

static enum err_code
put_includes(struct opening *opening, struct err *err)
{
	g_autoptr(GPtrArray) all = NULL;
	enum err_code rc;

	if (opening->work->conf->include[0] == NULL)
		return ERR_OK;
	rc = includes_get(opening->txn, opening->next->list_addr, &all, err);
	for (guint i = 0; rc == ERR_OK && i < all->len; i++) {
		const struct included *one = g_ptr_array_index(all, i);

		if (is_open(opening, one->list))
			continue;
		rc = put_included(opening, one, err);
		if (++opening->included_count <= NAMED_MOST)
			g_string_append_printf(opening->included, "%s%s",
					       opening->included->len > 0 ?
					       ", " : "", one->addr);
	}
	return rc;
}

/* Those that go before it and have to do with it. */
static enum err_code
name_others(struct opening *opening, struct err *err)
{
	guint count = 0;
	enum err_code rc = ERR_OK;

	for (guint i = 0; i < MIN(opening->ways->len, WAYS_MOST) &&
	     rc == ERR_OK && count < NAMED_MOST; i++) {
		const struct way *way = way_at(opening->ways, i);
		struct list *list = NULL;
		bool relate = false, later;

		if (way->turn == 0 || way->through != way->list ||
		    way->list == opening->next->list)
			continue;
		rc = list_by_id(opening->txn, way->list, &list, err);
		if (rc == ERR_OK && list != NULL)
			rc = lists_relate(opening->txn,
					  opening->next->list_addr,
					  opening->work->conf, list->addr,
					  &relate, &later, err);
		if (relate) {
			g_string_append_printf(opening->others, "%s%s",
					       count > 0 ? ", " : "",
					       list->addr);
			count++;
		}
		list_free(list);
	}
	return rc;
}

static char *
note_text(const struct opening *opening)
{
	g_autofree char *more = opening->included_count > NAMED_MOST ?
		g_strdup_printf(" and %u more", opening->included_count -
				NAMED_MOST) : g_strdup("");

	return g_strdup_printf("%s%s%s%s%s%s",
		opening->included_count > 0 ? ", and of the lists that it "
		"includes, " : "", opening->included->str, more,
		opening->others->len > 0 ? "; but not to who has it from " :
		"", opening->others->str,
		opening->others->len > 0 ? " already" : "");
}

static enum err_code
open_way(struct opening *opening, struct err *err)
{
	enum err_code rc = find_group(opening->txn, opening->work,
				      &opening->next->group, err);

	if (rc == ERR_OK)
		rc = ways_get(opening->txn, &opening->next->group,
			      &opening->ways, err);
	if (rc != ERR_OK)
		return rc;
	opening->turn = next_turn(opening->ways);
	rc = name_others(opening, err);
	if (rc == ERR_OK)
		rc = put_way(opening, opening->next, err);
	if (rc == ERR_OK && !post_id_equal(&opening->next->group,
					   &opening->next->post))
		rc = note_come(opening, err);
	return rc == ERR_OK ? put_includes(opening, err) : rc;
}

/* Most lists have nothing to do with others, and most posts are for one. */
static bool
has_others(const struct list_conf *conf, const GArray *own)
{
	return own->len > 0 || conf->siblings[0] != NULL ||
		conf->exclude[0] != NULL || conf->include[0] != NULL;
}

enum err_code
ways_open(struct txn *txn, const struct work *work, struct job *next,
	  char **note_out, struct err *err)
{
	g_autoptr(GString) included = g_string_new(NULL);
	g_autoptr(GString) others = g_string_new(NULL);
	struct opening opening = {
		.txn = txn, .work = work, .next = next,
		.included = included, .others = others,
	};
	enum err_code rc = ways_get(txn, &next->post, &opening.own, err);

	if (rc == ERR_OK && has_others(work->conf, opening.own))
		rc = open_way(&opening, err);
	if (rc == ERR_OK)
		*note_out = note_text(&opening);
	g_clear_pointer(&opening.own, g_array_unref);
	g_clear_pointer(&opening.ways, g_array_unref);
	return rc;
}
