/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/bounce/inside.h"

#include <string.h>

#include <glib.h>
#include <openssl/sha.h>

#include "core/bounce/judge.h"
#include "db/event.h"
#include "db/post.h"
#include "db/rate.h"
#include "db/roster.h"
#include "core/base/banned.h"

/*
 * A failure is recorded whenever somebody has proved it, and then it is asked
 * whether it counts. One copy counts once, however often its report is sent
 * again; and of all that fails on a day one counts. So what somebody has who
 * got hold of a copy is one report that he can send: it does no more than the
 * probe that it may lead to can put right.
 */

#define REASON_MAX 300
#define OLD_S (10 * 86400)	/* no mail server tries for so long */
#define SAME_MS 60000		/* posts that left together fail together */

/* One line of UTF-8 that fits and does not end inside a character. */
static char *
cut_reason(const char *reason)
{
	g_autofree char *valid = g_utf8_make_valid(reason, -1);
	const char *end;

	for (char *p = valid; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = ' ';
	g_strstrip(valid);
	end = valid + strnlen(valid, REASON_MAX);

	if (*end != '\0')
		end = g_utf8_find_prev_char(valid, end + 1);
	return g_strndup(valid, (gsize)(end - valid));
}

enum err_code
bounce_doubt(struct txn *txn, const struct job *job, const char *addr,
      const struct post_id *post, const char *said, const char *reason,
      struct err *err)
{
	g_autofree char *cut = cut_reason(reason);
	struct member *member = NULL;
	enum err_code rc;

	rc = roster_find(txn, job->list, addr, &member, err);
	if (rc == ERR_OK && member == NULL)
		return trace_add(txn, &job->post, BOUNCE_STAGE,
				 job->list_addr, err, "%s, who is not "
				 "subscribed, is said to %s; nothing "
				 "counted", addr, said);
	if (rc == ERR_OK) {
		member->bounced_s = g_get_real_time() / G_USEC_PER_SEC;
		if (member->bounces == 0) {
			g_free(member->bounce_reason);
			member->bounce_reason = g_strdup(cut);
		}
		rc = roster_put(txn, job->list, member, err);
	}
	if (rc == ERR_OK)
		rc = trace_add(txn, post, BOUNCE_STAGE, job->list_addr, err,
			       "%s is said to %s: %s; not counted, since a "
			       "shared envelope proves nothing: his next "
			       "copies go singly", addr, said, cut);
	member_free(member);
	return rc;
}

/* --- does it count? ----------------------------------------------------- */

/* One failure of one member, while it is looked at. */
struct fall {
	struct txn *txn;
	const struct bounce_with *with;
	const struct bounce_failure *failure;
	struct member *member;
	int64_t sent_ms;	/* when the post began; 0: nobody knows */
	int64_t last_s;		/* of the failure before this */
	const char *not_counted;	/* why; NULL: it counts */
	bool is_repeated;	/* a report of this copy has counted */
};

static bool
is_probe(const struct fall *fall)
{
	const struct bounce_state *state = &fall->member->bounce;

	return state->probe_s != 0 &&
		memcmp(state->probe_post, fall->failure->post->bytes,
		       VERP_POST_LEN) == 0;
}

/* What is known without looking at the store again. */
static const char *
no_use(const struct fall *fall)
{
	const struct member *member = fall->member;

	if (!fall->with->conf->bounce_processing)
		return "the list's bounce-processing is off";
	if (fall->failure->is_forgotten || fall->sent_ms == 0 ||
	    fall->sent_ms / 1000 < fall->with->now_s - OLD_S)
		return "the post is too old";
	if (fall->sent_ms / 1000 < member->since_s)
		return "the post is older than his subscription";
	if (fall->failure->is_ours)
		return "our own relay refuses most copies";
	if (member->delivery == DELIVERY_OFF)
		return "his delivery is off";
	return NULL;
}

/*
 * Has a report of this very copy counted before? That is remembered for as
 * long as one could count: what is seen is kept for days from the time that it
 * was seen at, which are fewer than those that a post is young.
 */
static enum err_code
see_if_new(const struct fall *fall, bool *is_new, struct err *err)
{
	g_autoptr(GByteArray) text = g_byte_array_new();
	const char *list = fall->with->list_addr;
	uint8_t key[SHA256_DIGEST_LENGTH];
	struct post_id first;

	G_STATIC_ASSERT(SEEN_KEY_LEN == SHA256_DIGEST_LENGTH);
	g_byte_array_append(text, (const uint8_t *)"bounce", 7);
	g_byte_array_append(text, (const uint8_t *)list,
			    (guint)strlen(list) + 1);
	g_byte_array_append(text, (const uint8_t *)fall->failure->addr,
			    (guint)strlen(fall->failure->addr) + 1);
	g_byte_array_append(text, fall->failure->post->bytes, VERP_POST_LEN);
	(void) SHA256(text->data, text->len, key);
	return seen_add(fall->txn, key, fall->failure->post,
			fall->sent_ms / 1000 + OLD_S, is_new, &first, err);
}

static enum err_code
see_if_counts(struct fall *fall, struct err *err)
{
	bool is_new = true, is_open = false;
	enum err_code rc = ERR_OK;

	fall->not_counted = no_use(fall);
	if (fall->not_counted == NULL)
		rc = see_if_new(fall, &is_new, err);
	fall->is_repeated = !is_new;
	if (rc == ERR_OK && !is_new)
		fall->not_counted = "this copy has counted already";
	if (rc == ERR_OK && fall->not_counted == NULL)
		rc = surge_note(fall->txn, fall->with, fall->last_s, &is_open,
				err);
	if (rc == ERR_OK && is_open)
		fall->not_counted = "so much fails at once that it is not "
			"the members' fault";
	return rc;
}

/* --- what follows ------------------------------------------------------- */

/*
 * Posts that have reached him: those between the news of his last failure and
 * the post that has failed now. Later ones may still come back. A digest is
 * another matter: it fails as one, however many posts are in it.
 */
static enum err_code
count_good(const struct fall *fall, uint64_t *good, struct err *err)
{
	const struct member *member = fall->member;
	int64_t since_s = MAX(fall->last_s, member->bounce.score_s);
	uint64_t most = score_good_most(&member->bounce, fall->with->conf);

	*good = 0;
	if (most == 0 || member->delivery != DELIVERY_ON)
		return ERR_OK;
	return rate_count_until(fall->txn, fall->with->list,
				(since_s + 1) * 1000, fall->sent_ms - SAME_MS,
				most, good, err);
}

static enum err_code
tell(const struct fall *fall, const char *what, struct err *err)
{
	return trace_add(fall->txn, fall->failure->post, BOUNCE_STAGE,
			 fall->with->list_addr, err, "%s failed: %s; %s",
			 fall->failure->addr, fall->member->bounce_reason,
			 what);
}

static enum err_code
put(const struct fall *fall, struct err *err)
{
	return roster_put(fall->txn, fall->with->list, fall->member, err);
}

static enum err_code
put_rise(const struct fall *fall, uint32_t score, struct err *err)
{
	char post[POST_ID_TEXT + 1];
	enum err_code rc = put(fall, err);

	post_id_text(fall->failure->post, post);
	return rc != ERR_OK ? rc :
		event_add(fall->txn, fall->with->list, EVENT_FAILED,
			  fall->failure->addr, err, "%s; score %u.%02u; post "
			  "%s", fall->member->bounce_reason, score / 1000,
			  score % 1000 / 10, post);
}

static enum err_code
count(struct fall *fall, struct err *err)
{
	const struct list_conf *conf = fall->with->conf;
	const struct bounce_failure *failure = fall->failure;
	struct bounce_state *state = &fall->member->bounce;
	g_autofree char *what = NULL;
	uint64_t good;
	bool rises;
	enum err_code rc = count_good(fall, &good, err);

	if (rc != ERR_OK)
		return rc;
	score_settle(state, conf, good, fall->with->now_s);
	rises = score_rise(state, score_weight(conf, failure->class,
					       failure->why),
			   fall->with->now_s);
	what = rises ? g_strdup_printf("score %u.%02u", state->score / 1000,
				       state->score % 1000 / 10) :
		g_strdup("not counted: one failure a day is enough");
	rc = tell(fall, what, err);
	if (rc == ERR_OK)
		rc = rises ? put_rise(fall, state->score, err) :
			put(fall, err);
	if (rc == ERR_OK && rises && state->probe_s == 0 &&
	    state->score >= conf->bounce_threshold)
		rc = step_probe(fall->txn, fall->with, failure->addr,
				fall->member, err);
	return rc;
}

/* It says nothing about him while everything fails: he gets another. */
static enum err_code
probe_failed(struct fall *fall, struct err *err)
{
	enum err_code rc;

	if (fall->not_counted != NULL) {
		fall->member->bounce.probe_s = 0;
		rc = put(fall, err);
		return rc == ERR_OK ? tell(fall, fall->not_counted, err) : rc;
	}
	rc = tell(fall, "it was a probe: his delivery is turned off", err);
	return rc == ERR_OK ? step_off(fall->txn, fall->with,
				       fall->failure->addr, fall->member,
				       err) : rc;
}

static enum err_code
follow(struct fall *fall, struct err *err)
{
	g_autofree char *what = NULL;
	enum err_code rc = see_if_counts(fall, err);

	if (rc != ERR_OK)
		return rc;
	if (is_probe(fall))
		return probe_failed(fall, err);
	if (fall->not_counted == NULL)
		return count(fall, err);
	what = g_strdup_printf("not counted: %s", fall->not_counted);
	/* A replay is no news of him: neither a failure more, nor a later
	 * one, since which fewer posts would speak for him. */
	if (!fall->is_repeated)
		rc = put(fall, err);
	return rc == ERR_OK ? tell(fall, what, err) : rc;
}

static enum err_code
record(struct fall *fall, struct err *err)
{
	struct member *member = fall->member;
	int64_t began_us = 0;
	enum err_code rc = trace_began(fall->txn, fall->failure->post,
				       &began_us, err);

	if (rc != ERR_OK)
		return rc;
	fall->sent_ms = began_us / 1000;
	fall->last_s = member->bounced_s;
	if (member->bounces < UINT32_MAX)
		member->bounces++;
	member->bounced_s = fall->with->now_s;
	g_free(member->bounce_reason);
	member->bounce_reason = cut_reason(fall->failure->text);
	return follow(fall, err);
}

enum err_code
bounce_record(struct txn *txn, const struct bounce_with *with,
	      const struct bounce_failure *failure, struct err *err)
{
	g_autofree char *cut = NULL;
	struct fall fall = { .txn = txn, .with = with, .failure = failure };
	enum err_code rc = roster_find(txn, with->list, failure->addr,
				       &fall.member, err);

	if (rc == ERR_OK && fall.member != NULL) {
		rc = record(&fall, err);
		member_free(fall.member);
		return rc;
	}
	cut = cut_reason(failure->text);
	return rc != ERR_OK ? rc :
		trace_add(txn, failure->post, BOUNCE_STAGE, with->list_addr,
			  err, "%s failed (not subscribed any more): %s",
			  failure->addr, cut);
}

/* Is the refusal about the address, and not about all that we send? */
static bool
is_about_addr(enum bounce_reason why)
{
	return why == REASON_USER || why == REASON_HOST ||
		why == REASON_MOVED || why == REASON_DISABLED ||
		why == REASON_FULL;
}

enum err_code
bounce_refused(struct txn *txn, const struct bounce_with *with,
	       const char *addr, const struct post_id *post,
	       const char *reply, bool given_up, bool is_most,
	       struct err *err)
{
	struct bounce_recipient judged = { .status = g_strdup("") };
	g_autofree char *text = NULL;
	struct bounce_failure failure = { .addr = addr, .post = post };
	enum err_code rc;

	judge_failure(&judged, reply);
	failure.class = given_up ? BOUNCE_SOFT : judged.class == BOUNCE_SOFT ?
		BOUNCE_SOFT : BOUNCE_HARD;
	failure.why = judged.reason;
	failure.is_ours = is_most && !is_about_addr(judged.reason);
	text = g_strconcat(given_up ? "given up after [outbound] max-age: " :
			   "refused at re-injection: ", reply, NULL);
	failure.text = text;
	rc = bounce_record(txn, with, &failure, err);
	g_free(judged.status);
	return rc;
}
