/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * A list and what it includes are a unit: a member of the list itself has
 * said there what he wants, and to whoever is only on an included list a copy
 * goes for the first of them that he is on. A unit that has a turn before ours
 * and relates to our list sends to whom it would send to if it were alone, or
 * leaves him to one that goes before it in its turn: so, by induction, whoever
 * is passed over here has a copy from somewhere.
 *
 * No copy is recorded for that. The rosters say it, at the moment when a copy
 * would be made; where that could have changed since the other way has passed
 * him, the doubt is on the side of a copy more.
 */
#include "core/outbound/elsewhere.h"

#include <string.h>

#include "core/outbound/walker.h"
#include "db/auto.h"
#include "db/digest.h"
#include "db/include.h"
#include "db/way.h"
#include "core/base/banned.h"

#define UNITS_MOST 100
#define NAMED_MOST 5

/* --- units -------------------------------------------------------------- */

struct source {
	struct way way;
	struct walker walker;
};

struct unit {
	uint32_t list;		/* through which it goes */
	struct post_id post;
	struct source *own;	/* its own members; turn is 0 where that way
				 * has been closed, or is paused */
	GPtrArray *sources;	/* of struct source: the included lists */
	int64_t as_of_s;
	bool is_ours;		/* our job is one of its included lists */
};

struct elsewhere {
	struct store *store;
	struct elsewhere_post post;
	GPtrArray *units;	/* of struct unit */
	GString *names;
};

static void
source_free(void *data)
{
	struct source *source = data;

	walker_done(&source->walker);
	g_free(source);
}

static void
unit_free(void *data)
{
	struct unit *unit = data;

	g_ptr_array_unref(unit->sources);
	source_free(unit->own);
	g_free(unit);
}

static struct unit *
unit_of(GPtrArray *units, const struct way *way)
{
	struct unit *unit;

	for (guint i = 0; i < units->len; i++) {
		unit = g_ptr_array_index(units, i);
		if (unit->list == way->through &&
		    post_id_equal(&unit->post, &way->post))
			return unit;
	}
	unit = g_new0(struct unit, 1);
	unit->list = way->through;
	unit->post = way->post;
	unit->own = g_new0(struct source, 1);
	unit->own->way.list = way->through;
	unit->sources = g_ptr_array_new_with_free_func(source_free);
	g_ptr_array_add(units, unit);
	return unit;
}

static void
add_source(GPtrArray *units, const struct way *way)
{
	struct unit *unit = unit_of(units, way);
	struct source *source;

	unit->as_of_s = way->as_of_s;
	if (way->list == way->through) {
		unit->own->way = *way;
		return;
	}
	source = g_new0(struct source, 1);
	source->way = *way;
	g_ptr_array_add(unit->sources, source);
}

/* --- which of them matter ----------------------------------------------- */

struct search {
	struct txn *reader;
	const struct job *job;
	struct list_conf *conf;	/* of the list whose post it is */
	uint32_t turn;		/* of our way */
	GPtrArray *units;
	GString *names;
	guint named;
};

static bool
is_of_unit(const struct search *search, const struct way *way)
{
	return way->through == job_through(search->job) &&
		post_id_equal(&way->post, &search->job->post);
}

/* One whose way has been closed goes behind all. */
static uint32_t
our_turn(const struct search *search, const GArray *ways)
{
	for (guint i = 0; i < ways->len; i++) {
		const struct way *way = &g_array_index(ways, struct way, i);

		if (is_of_unit(search, way) &&
		    way->list == search->job->list && way->turn > 0)
			return way->turn;
	}
	return UINT32_MAX;
}

/* A list that is gone, or paused, sends nothing that one could count on. */
static enum err_code
find_sending(const struct search *search, uint32_t id, struct list **out,
	     struct err *err)
{
	g_autofree char *outgoing = NULL;
	enum err_code rc = list_by_id(search->reader, id, out, err);

	if (rc != ERR_OK || *out == NULL)
		return rc;
	rc = setting_holds(search->reader, (*out)->addr, "outgoing",
			   &outgoing, err);
	if (rc == ERR_OK && g_strcmp0(outgoing, "paused") != 0)
		return ERR_OK;
	list_free(*out);
	*out = NULL;
	return rc;
}

static enum err_code
relates(struct search *search, const struct way *way, bool *out,
	struct err *err)
{
	g_autoptr(list_t) list = NULL;
	bool later;
	enum err_code rc;

	*out = false;
	rc = find_sending(search, way->through, &list, err);
	if (rc != ERR_OK || list == NULL)
		return rc;
	rc = lists_relate(search->reader, job_through_addr(search->job),
			  search->conf, list->addr, out, &later, err);
	if (rc == ERR_OK && *out && way->list == way->through &&
	    search->named++ < NAMED_MOST)
		g_string_append_printf(search->names, "%s%s",
				       search->names->len > 0 ? ", " : "",
				       list->addr);
	return rc;
}

/* Of our own unit, where ours is an included list: those before it. */
static bool
is_before_in_unit(const struct search *search, const struct way *way)
{
	return search->job->through != 0 &&
		(way->list == way->through || way->list < search->job->list);
}

static enum err_code
look_at(struct search *search, const struct way *way, struct err *err)
{
	g_autoptr(list_t) list = NULL;
	bool matters;
	enum err_code rc = ERR_OK;

	/* Ours is paused where the list whose post it is is. */
	if (is_of_unit(search, way)) {
		matters = is_before_in_unit(search, way);
		if (matters && way->list == way->through)
			add_source(search->units, way);
		matters &= way->list != way->through;
	} else if (way->turn >= search->turn ||
		   way->through == job_through(search->job)) {
		matters = false;	/* later, or another post */
	} else {
		rc = relates(search, way, &matters, err);
	}
	if (rc != ERR_OK || !matters || way->turn == 0)
		return rc;
	rc = find_sending(search, way->list, &list, err);
	if (rc == ERR_OK && list != NULL)
		add_source(search->units, way);
	return rc;
}

/* Our own unit is asked for its own members in any case: they have said there
 * what they want. */
static void
add_own_unit(struct search *search)
{
	const struct job *job = search->job;
	const struct way way = { .through = job->through, .post = job->post };
	struct unit *unit;

	if (job->through == 0)
		return;
	unit = unit_of(search->units, &way);
	unit->is_ours = true;
	unit->as_of_s = job->as_of_s;
	g_string_append(search->names, job->through_addr);
	search->named = 1;
}

static enum err_code
look_at_all(struct search *search, struct err *err)
{
	g_autoptr(GArray) ways = NULL;
	enum err_code rc = ways_get(search->reader, &search->job->group,
				    &ways, err);

	if (rc == ERR_OK)
		rc = list_conf_load(search->reader,
				    job_through_addr(search->job),
				    &search->conf, err);
	if (rc != ERR_OK)
		return rc;
	search->turn = our_turn(search, ways);
	add_own_unit(search);
	for (guint i = 0; i < ways->len && rc == ERR_OK &&
	     search->units->len < UNITS_MOST; i++)
		rc = look_at(search, &g_array_index(ways, struct way, i),
			     err);
	return rc;
}

enum err_code
elsewhere_open(struct store *store, const struct job *job,
	       const struct elsewhere_post *post, struct elsewhere **out,
	       struct err *err)
{
	g_autoptr(GPtrArray) units = g_ptr_array_new_with_free_func(
		unit_free);
	g_autoptr(GString) names = g_string_new(NULL);
	struct search search = {
		.reader = store_reader(store), .job = job, .units = units,
		.names = names,
	};
	enum err_code rc = ERR_OK;

	*out = NULL;
	if (job->audience == TO_MEMBERS && job_has_group(job))
		rc = look_at_all(&search, err);
	list_conf_free(search.conf);
	if (rc != ERR_OK || units->len == 0)
		return rc;
	*out = g_new0(struct elsewhere, 1);
	(*out)->store = store;
	(*out)->post = *post;
	(*out)->units = g_steal_pointer(&units);
	(*out)->names = g_steal_pointer(&names);
	return ERR_OK;
}

void
elsewhere_free(struct elsewhere *elsewhere)
{
	if (elsewhere == NULL)
		return;
	g_ptr_array_unref(elsewhere->units);
	g_string_free(elsewhere->names, TRUE);
	g_free(elsewhere);
}

const char *
elsewhere_names(const struct elsewhere *elsewhere)
{
	return elsewhere->names->str;
}

void
elsewhere_begin(struct elsewhere *elsewhere)
{
	for (guint i = 0; i < elsewhere->units->len; i++) {
		struct unit *unit = g_ptr_array_index(elsewhere->units, i);

		walker_done(&unit->own->walker);
		for (guint j = 0; j < unit->sources->len; j++) {
			struct source *source = g_ptr_array_index(
				unit->sources, j);

			walker_done(&source->walker);
		}
	}
}

/* --- a member ----------------------------------------------------------- */

bool
member_takes(const struct roster_entry *entry,
	     const struct elsewhere_post *post)
{
	return entry->delivery != DELIVERY_OFF &&
		(entry->own_posts || !post->is_author(post->arg, entry->key)) &&
		(entry->duplicates || !post->is_named(post->arg, entry->key));
}

/* In the second of the post he may have come too late for that way. */
static bool
was_there(const struct roster_entry *entry, int64_t as_of_s)
{
	return entry->since_s < as_of_s;
}

static enum err_code
find(struct elsewhere *elsewhere, struct source *source, const char *key,
     const struct roster_entry **out, struct err *err)
{
	return walker_find(&source->walker, elsewhere->store,
			   source->way.list, key, out, err);
}

/* What those who are on the list itself get: single copies, or nothing of
 * the kind. */
static bool
is_sent_own(const struct elsewhere *elsewhere, const struct unit *unit,
	    const struct roster_entry *entry)
{
	return delivery_at(entry, unit->own->way.position) == DELIVERY_ON &&
		member_takes(entry, &elsewhere->post);
}

/* In our own unit it is not for us to send where he has asked for something
 * else there; where his copy fails to leave, it is. */
static bool
is_served_own(const struct elsewhere *elsewhere, const struct unit *unit,
	      const struct roster_entry *entry)
{
	const bool is_open = unit->own->way.turn > 0;
	const bool is_sent = is_sent_own(elsewhere, unit, entry);

	return unit->is_ours ? is_open || !is_sent : is_open && is_sent;
}

static enum err_code
is_served_included(struct elsewhere *elsewhere, const struct unit *unit,
		   const char *key, bool *out, struct err *err)
{
	enum err_code rc = ERR_OK;

	*out = false;
	for (guint i = 0; i < unit->sources->len && rc == ERR_OK && !*out;
	     i++) {
		struct source *source = g_ptr_array_index(unit->sources, i);
		const struct roster_entry *entry;

		rc = find(elsewhere, source, key, &entry, err);
		*out = rc == ERR_OK && entry != NULL &&
			was_there(entry, source->way.as_of_s) &&
			delivery_at(entry, source->way.position) !=
			DELIVERY_OFF &&
			member_takes(entry, &elsewhere->post);
	}
	return rc;
}

static enum err_code
is_served(struct elsewhere *elsewhere, struct unit *unit, const char *key,
	  bool *out, struct err *err)
{
	const struct roster_entry *entry;
	enum err_code rc = find(elsewhere, unit->own, key, &entry, err);

	if (rc != ERR_OK)
		return rc;
	if (entry == NULL || !was_there(entry, unit->as_of_s))
		return is_served_included(elsewhere, unit, key, out, err);
	*out = is_served_own(elsewhere, unit, entry);
	return ERR_OK;
}

enum err_code
elsewhere_has(struct elsewhere *elsewhere, const char *key, bool *out,
	      struct err *err)
{
	enum err_code rc = ERR_OK;

	*out = false;
	for (guint i = 0; i < elsewhere->units->len && rc == ERR_OK && !*out;
	     i++)
		rc = is_served(elsewhere, g_ptr_array_index(elsewhere->units,
							    i), key, out, err);
	return rc;
}
