/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * What bounces have led to, told to the owners once a day, in the morning.
 *
 * The events are in the store; what is made here is a job of STAGE_NOTICE that
 * knows since when (as_of_s) they are to be told. Its id follows from the
 * list, so there is one at a time, and it is there only where something has
 * happened: whatever adds an event worth telling makes sure of it in the same
 * transaction. So what is told once is not told again, and nothing is missed.
 */
#include <string.h>

#include <openssl/sha.h>

#include "core/base/clock.h"
#include "core/bounce/inside.h"
#include "core/letter/letter.h"
#include "core/letter/plain.h"
#include "db/event.h"
#include "db/post.h"
#include "core/base/banned.h"

#define LINES_MAX 200		/* of each kind; more are only counted */
#define SETTLE_US (60 * G_USEC_PER_SEC)	/* see event_walk() */

static const char digest_name[] = "bounce-digest";

bool
bounce_is_digest(const struct job *job)
{
	return strcmp(job->detail, digest_name) == 0;
}

static void
digest_id(const char *list, struct post_id *out)
{
	g_autofree char *text = g_strdup_printf("muster %s %s", digest_name,
						list);
	uint8_t hash[SHA256_DIGEST_LENGTH];

	(void) SHA256((const uint8_t *)text, strlen(text), hash);
	memcpy(out->bytes, hash, POST_ID_LEN);
}

/* It belongs to an empty post of its own. */
static enum err_code
put_digest(struct txn *txn, const struct bounce_with *with,
	   const struct post_id *id, struct err *err)
{
	char door[] = "muster";
	struct post post = {
		.received_s = clock_s(), .door = door, .jobs = 1,
	};
	g_autoptr(bounce_job_t) job = NULL;
	enum err_code rc;

	post_id_new(&post.id);
	job = job_new(STAGE_NOTICE, &post.id, with->list, with->list_addr);
	job->id = *id;
	job->due_ms = clock_morning_ms(clock_ms());
	job->as_of_s = g_get_real_time() / G_USEC_PER_SEC - 1;
	g_free(job->detail);
	job->detail = g_strdup(digest_name);
	rc = post_put(txn, &post, -1, err);
	return rc == ERR_OK ? queue_put(txn, job, err) : rc;
}

enum err_code
digest_note(struct txn *txn, const struct bounce_with *with, struct err *err)
{
	g_autoptr(bounce_job_t) there = NULL;
	struct post_id id;
	enum err_code rc;

	if (!with->conf->bounce_notify || with->conf->owners[0] == NULL)
		return ERR_OK;
	digest_id(with->list_addr, &id);
	rc = queue_find_in(txn, STAGE_NOTICE, id.bytes, POST_ID_LEN, &there,
			   err);
	return rc == ERR_OK && there == NULL ?
		put_digest(txn, with, &id, err) : rc;
}

/* --- what it says ------------------------------------------------------- */

enum part { PART_OFF, PART_WARNED, PART_REMOVED, PART_BACK, PART_OTHER,
	    PARTS, PART_NONE };

struct digest {
	GString *lines[PARTS];
	guint counts[PARTS];
};

static enum part
part_of(const struct event *event)
{
	static const struct { const char *kind; enum part part; } parts[] = {
		{ EVENT_OFF, PART_OFF }, { EVENT_WARNED, PART_WARNED },
		{ EVENT_REMOVED, PART_REMOVED }, { EVENT_BACK, PART_BACK },
		{ "returned", PART_BACK }, { EVENT_BREAKER, PART_OTHER },
		{ EVENT_COMPLAINT, PART_OTHER },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(parts); i++)
		if (strcmp(event->kind, parts[i].kind) == 0)
			return parts[i].part;
	/* core/command's, of one who has answered */
	if (strcmp(event->kind, "changed") == 0 &&
	    strstr(event->what, "delivery on") != NULL)
		return PART_BACK;
	return PART_NONE;
}

static enum err_code
add_event(void *arg, const struct event *event, struct err *err)
{
	struct digest *digest = arg;
	enum part part = part_of(event);
	g_autofree char *line = NULL;

	(void) err;
	if (part == PART_NONE || digest->counts[part]++ >= LINES_MAX)
		return ERR_OK;
	line = event->addr[0] == '\0' ? plain_line(event->what, 400) :
		event->what[0] == '\0' ? g_strdup(event->addr) :
		g_strdup_printf("%s: %s", event->addr, event->what);
	g_string_append_printf(digest->lines[part], "%s%s",
			       digest->lines[part]->len > 0 ? "\n" : "",
			       line);
	return ERR_OK;
}

static bool
finish(struct digest *digest)
{
	bool any = false;

	for (int i = 0; i < PARTS; i++) {
		any |= digest->counts[i] > 0;
		if (digest->counts[i] > LINES_MAX)
			g_string_append_printf(digest->lines[i],
					       "\n(+ %u)",
					       digest->counts[i] - LINES_MAX);
	}
	return any;
}

static enum err_code
send_digest(struct txn *txn, const struct bounce_with *with,
	    const struct digest *digest, int64_t since_s, int64_t until_s,
	    struct err *err)
{
	g_autofree char *since = plain_time(since_s);
	g_autofree char *until = plain_time(until_s);
	const struct letter_field fields[] = {
		{ "since", since }, { "until", until },
		{ "off", digest->lines[PART_OFF]->str },
		{ "warned", digest->lines[PART_WARNED]->str },
		{ "removed", digest->lines[PART_REMOVED]->str },
		{ "back", digest->lines[PART_BACK]->str },
		{ "other", digest->lines[PART_OTHER]->str }, { NULL, NULL },
	};
	struct letter letter = {
		.list = with->list, .list_addr = with->list_addr,
		.conf = with->conf, .template = digest_name,
		.fields = fields,
	};
	enum err_code rc = ERR_OK;

	for (char **to = with->conf->owners; *to != NULL && rc == ERR_OK;
	     to++) {
		letter.to = *to;
		rc = letter_send(txn, with->settings, &letter,
				 "digest of mail that came back", NULL, err);
	}
	return rc;
}

/* --- the job ------------------------------------------------------------ */

/* What is too young to be told has a digest of its own. */
static enum err_code
end_or_again(struct txn *txn, const struct job *job, bool more,
	     int64_t until_us, int64_t now_ms, struct err *err)
{
	struct job next = *job;		/* texts are borrowed */

	if (!more)
		return post_release(txn, &job->post, 1, err);
	next.as_of_s = until_us / G_USEC_PER_SEC;
	next.due_ms = clock_morning_ms(now_ms);
	next.attempts = 0;
	return queue_put(txn, &next, err);
}

static enum err_code
write_digest(struct txn *txn, const struct bounce_with *with,
	     const struct job *job, int64_t now_ms, struct err *err)
{
	struct digest digest = { 0 }, later = { 0 };
	/* whole seconds, as the next one begins with one */
	const int64_t since_us = job->as_of_s * G_USEC_PER_SEC, until_us =
		(g_get_real_time() - SETTLE_US) / G_USEC_PER_SEC *
		G_USEC_PER_SEC;
	enum err_code rc;

	for (int i = 0; i < PARTS; i++) {
		digest.lines[i] = g_string_new(NULL);
		later.lines[i] = g_string_new(NULL);
	}
	rc = event_walk(txn, with->list, since_us, until_us, add_event,
			&digest, err);
	if (rc == ERR_OK)
		rc = event_walk(txn, with->list, MAX(since_us, until_us),
				INT64_MAX, add_event, &later, err);
	if (rc == ERR_OK && finish(&digest))
		rc = send_digest(txn, with, &digest, job->as_of_s,
				 until_us / G_USEC_PER_SEC, err);
	if (rc == ERR_OK)
		rc = end_or_again(txn, job, finish(&later),
				  MAX(since_us, until_us), now_ms, err);
	for (int i = 0; i < PARTS; i++) {
		(void) g_string_free(digest.lines[i], TRUE);
		(void) g_string_free(later.lines[i], TRUE);
	}
	return rc;
}

enum err_code
bounce_digest_run(struct txn *txn, const struct settings *settings,
		  const struct job *job, int64_t now_ms, struct err *err)
{
	g_autoptr(bounce_conf_t) conf = NULL;
	struct bounce_with with = {
		.settings = settings, .list = job->list,
		.list_addr = job->list_addr, .now_s = now_ms / 1000,
	};
	enum err_code rc = queue_take_conf(txn, job, &conf, err);

	if (rc != ERR_OK || conf == NULL)
		return rc;
	with.conf = conf;
	if (!conf->bounce_notify || conf->owners[0] == NULL)
		return post_release(txn, &job->post, 1, err);
	return write_digest(txn, &with, job, now_ms, err);
}
