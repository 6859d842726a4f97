/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Whose copy it was is said by the token, which only we can make, and by
 * nothing in the message. So a forged report can at most repeat a token
 * that was seen on a copy, against the very member who got it.
 *
 * The token of a shared envelope was seen by all who got the post, and whom
 * it is about is said by the report, or by what stands behind the token. That
 * proves nothing, and so counts for nothing: the member is in doubt, and gets
 * his next copies under senders of his own, whose bounces count. Only what our
 * own MTA says itself is believed at once.
 */
#include <string.h>

#include <glib.h>

#include "core/base/clock.h"
#include "core/bounce/inside.h"
#include "core/bounce/recognise.h"
#include "core/mail/addr.h"
#include "core/mail/header.h"
#include "db/post.h"
#include "db/roster.h"
#include "core/base/banned.h"

#define SHARED_REPORTS_MAX 50	/* recipients of one report that are read */

/* What the address that the report came to says, and the report itself. */
struct report {
	struct bounce_with with;
	const struct verp *verp;
	struct verp_says says;
	struct post_id post;	/* that failed; the report's own if its trace
				 * has expired */
	char *member;		/* whom the token names, canonical; NULL */
	struct bounce_result result;
	bool is_mtas;		/* nobody else can have made it */
};

/* "hard: 5.1.1 550 5.1.1 no such user" */
static char *
failure_text(const struct bounce_recipient *failure)
{
	const char *reason = bounce_reason_name(failure->reason);
	g_autofree char *said = g_strdup_printf(
		"%s%s%s", failure->status,
		failure->status[0] != '\0' ? " " : "", failure->diagnostic);

	g_strstrip(said);
	return g_strdup_printf("%s: %s", bounce_class_name(failure->class),
			       said[0] != '\0' ? said :
			       reason[0] != '\0' ? reason : "no reason given");
}

/* The first of them at or behind *index, which is then behind it. */
static const struct bounce_recipient *
next_failure(const struct bounce_result *result, guint *index)
{
	while (*index < result->recipients->len) {
		const struct bounce_recipient *one =
			g_ptr_array_index(result->recipients, (*index)++);

		if (one->class == BOUNCE_HARD || one->class == BOUNCE_SOFT)
			return one;
	}
	return NULL;
}

/*
 * Was it made by the MTA that delivers to us? Such a report has passed no
 * host and no submission: it came by LMTP, and below the field of our own
 * door it has one Received field, in which nobody handed it over. Postfix:
 * "by mx.example.org (Postfix) id ...", and "(Postfix, from userid 1000)"
 * where a user did. sendmail: "from localhost (localhost) by mx.example.org
 * (8.17.1/8.17.1) id ...", and a "with" where somebody did.
 */
static bool
is_from_mta(const struct post *post, const struct header *header)
{
	g_autofree char *ours = header_get(header, "Received");
	g_autofree char *theirs = NULL;

	if (strcmp(post->door, "lmtp") != 0 || post->sender[0] != '\0' ||
	    header_count(header, "Received") != 2 ||
	    strstr(ours, " (muster) with LMTP id ") == NULL)
		return false;
	theirs = header_value(header, header_find(header, "Received", 1));
	if (g_str_has_prefix(theirs, "by "))
		return strstr(theirs, " (Postfix) id ") != NULL;
	return g_str_has_prefix(theirs, "from localhost (localhost) by ") &&
		strstr(theirs, " with ") == NULL;
}

/* Of the post that reports it; *sender is to be freed, NULL: not known */
static enum err_code
see_who_made_it(struct txn *txn, const struct job *job, const char *bytes,
		size_t len, struct report *report, char **sender,
		struct err *err)
{
	struct post *post = NULL;
	struct header header;
	size_t body_at;
	enum err_code rc = post_get(txn, &job->post, &post, err);

	if (rc != ERR_OK || post == NULL)
		return rc;
	*sender = g_strdup(post->sender);
	if (header_parse(bytes, len, &header, &body_at)) {
		report->is_mtas = is_from_mta(post, &header);
		header_done(&header);
	}
	post_free(post);
	return ERR_OK;
}

/* Such a copy has one recipient, so one failure is recorded: the first that
 * is his, or else the first, of where his mail has gone on to. */
static const struct bounce_recipient *
failure_of_member(const struct report *report)
{
	const struct bounce_recipient *first = NULL, *one;
	guint index = 0;

	while ((one = next_failure(&report->result, &index)) != NULL) {
		if (g_strcmp0(one->addr, report->member) == 0)
			return one;
		if (first == NULL)
			first = one;
	}
	return first;
}

static enum err_code
record_one(struct txn *txn, const struct job *job,
	   const struct report *report, const char *addr,
	   const struct bounce_recipient *failure, const char *reason,
	   struct err *err)
{
	const struct bounce_failure one = {
		.addr = addr, .post = &report->post,
		.class = failure->class, .why = failure->reason,
		.text = reason,
		.is_forgotten = post_id_equal(&report->post, &job->post),
	};

	return bounce_record(txn, &report->with, &one, err);
}

static enum err_code
record_single(struct txn *txn, const struct job *job,
	      const struct report *report, struct err *err)
{
	const struct bounce_recipient *failure = failure_of_member(report);
	g_autofree char *reason = failure_text(failure);
	enum err_code rc;

	if (report->member == NULL)
		return trace_add(txn, &job->post, "bounce", job->list_addr,
				 err, "a failure of somebody who is not "
				 "subscribed any more: %s", reason);
	rc = record_one(txn, job, report, report->member, failure, reason,
			err);
	if (rc == ERR_OK && memcmp(&report->post, &job->post,
				   sizeof(job->post)) != 0)
		rc = trace_add(txn, &job->post, "bounce", job->list_addr, err,
			       "a delivery report: counted against %s",
			       report->member);
	return rc;
}

/*
 * Whom a failure is about: whom the relay has named behind the token, if the
 * report does not say otherwise; else whom the report names, and rather by
 * what was said to the relay than by what it made of that (RFC 3461 section
 * 4.2). Canonical, NULL: nobody.
 */
static char *
failed_member(const struct report *report,
	      const struct bounce_recipient *failure)
{
	const char *named = failure->original[0] != '\0' ?
		failure->original : failure->final[0] != '\0' ?
		failure->final : failure->addr;
	g_autofree char *key = addr_canon(named);

	if (report->says.addr == NULL)
		return g_steal_pointer(&key);
	if (failure->original[0] != '\0' &&
	    g_strcmp0(key, report->says.addr) != 0)
		return NULL;
	return g_strdup(report->says.addr);
}

/* An MTA that delivers to us speaks RFC 3464; all else in its reports can be
 * what others have written. */
static bool
is_believed(const struct report *report)
{
	return report->is_mtas &&
	       strcmp(report->result.how, "delivery-status") == 0;
}

static enum err_code
record_shared(struct txn *txn, const struct job *job,
	      const struct report *report, struct err *err)
{
	const struct bounce_recipient *failure;
	enum err_code rc = ERR_OK;
	guint index = 0, most = report->says.addr != NULL ? 1 :
		SHARED_REPORTS_MAX;

	while (rc == ERR_OK && most-- > 0 &&
	       (failure = next_failure(&report->result, &index)) != NULL) {
		g_autofree char *key = failed_member(report, failure);
		g_autofree char *reason = failure_text(failure);

		if (key != NULL && is_believed(report))
			rc = record_one(txn, job, report, key, failure,
					reason, err);
		else if (key != NULL)
			rc = bounce_doubt(txn, job, key, &report->post,
					  "have failed", reason, err);
		else
			rc = trace_add(txn, &job->post, "bounce",
				       job->list_addr, err, "a failure of "
				       "somebody else than the address "
				       "says; nothing counted");
	}
	return rc;
}

/* Of what is no failure; NULL: it is one */
static const char *
no_failure(const struct bounce_result *result)
{
	switch (result->class) {
	case BOUNCE_NONE:
		return result->how[0] != '\0' ? "a report without a failure" :
			"not about a failure";
	case BOUNCE_DELAYED:
		return "a report without a failure, of a delay";
	case BOUNCE_REPLY:
		return "an automatic reply";
	case BOUNCE_CHALLENGE:
		return "a challenge, which nobody answers";
	case BOUNCE_COMPLAINT:
		return "a complaint";
	case BOUNCE_HARD:
	case BOUNCE_SOFT:
		break;
	}
	return NULL;
}

static enum err_code
record_report(struct txn *txn, const struct job *job,
	      const struct report *report, struct err *err)
{
	guint index = 0;

	if (next_failure(&report->result, &index) == NULL)
		return trace_add(txn, &job->post, "bounce", job->list_addr,
				 err, "a report of a failure that names "
				 "nobody; nothing counted");
	return report->says.is_shared ?
		record_shared(txn, job, report, err) :
		record_single(txn, job, report, err);
}

/*
 * Which post the copy was of. The report may carry the ENVID of the copy (RFC
 * 3461 section 4.4), which is the post's whole id; the token must agree.
 */
static enum err_code
find_post(struct txn *txn, struct report *report, bool *agrees,
	  struct err *err)
{
	g_autofree char *text = g_strndup(report->result.envelope_id,
					  POST_ID_TEXT);
	const uint8_t *prefix = report->says.post;
	struct post_id id;
	bool found;

	*agrees = true;
	if (!post_id_parse(text, &id))
		return post_id_by_prefix(txn, prefix, VERP_POST_LEN,
					 &report->post, &found, err);
	*agrees = memcmp(id.bytes, prefix, VERP_POST_LEN) == 0;
	if (!*agrees)
		return post_id_by_prefix(txn, prefix, VERP_POST_LEN,
					 &report->post, &found, err);
	report->post = id;
	return ERR_OK;
}

static enum err_code
judge_result(struct txn *txn, const struct job *job, struct report *report,
	     struct err *err)
{
	const char *what = no_failure(&report->result);
	enum err_code rc;
	bool agrees;

	if (what != NULL)
		return trace_add(txn, &job->post, "bounce", job->list_addr,
				 err, "%s; nothing counted", what);
	rc = find_post(txn, report, &agrees, err);
	if (rc == ERR_OK && report->says.is_shared && !agrees)
		return trace_add(txn, &job->post, "bounce", job->list_addr,
				 err, "a report about another post than its "
				 "address says; nothing counted");
	return rc == ERR_OK ? record_report(txn, job, report, err) : rc;
}

/* Whom the token names: of a single one always, of a shared one where the
 * relay has written him behind it */
static enum err_code
find_member(struct txn *txn, const struct job *job, struct report *report,
	    struct err *err)
{
	struct member *member = NULL;
	enum err_code rc;

	if (report->says.is_shared) {
		report->member = g_strdup(report->says.addr);
		return ERR_OK;
	}
	rc = roster_by_handle(txn, job->list, report->says.member, &member,
			      &report->member, err);
	member_free(member);
	return rc;
}

static enum err_code
judge(struct txn *txn, const struct job *job, struct report *report,
      struct err *err)
{
	struct bounce_envelope envelope = { 0 };
	g_autoptr(GBytes) bytes = NULL;
	g_autofree char *sender = NULL;
	const char *text;
	enum err_code rc;
	gsize len;

	rc = post_bytes(txn, &job->post, &bytes, err);
	if (rc != ERR_OK || bytes == NULL)
		return rc;
	text = g_bytes_get_data(bytes, &len);
	rc = find_member(txn, job, report, err);
	if (rc == ERR_OK)
		rc = see_who_made_it(txn, job, text, len, report, &sender,
				     err);
	if (rc != ERR_OK)
		return rc;
	envelope.sender = sender;
	/* Whoever has left is none of the roster, and has failed all the
	 * same. */
	envelope.member = report->member != NULL ? report->member : "";
	bounce_recognise(text, len, &envelope, &report->result);
	rc = report->result.class == BOUNCE_COMPLAINT ?
		complaint_run(txn, &report->with, report->verp, job,
			      &report->says, text, len, err) :
		judge_result(txn, job, report, err);
	bounce_result_done(&report->result);
	return rc;
}

static enum err_code
run_report(struct txn *txn, struct report *report, const struct job *job,
	   struct err *err)
{
	g_autoptr(bounce_conf_t) conf = NULL;
	enum err_code rc;

	if (job->role != ROLE_FEEDBACK &&
	    !verp_read(report->verp, job->list_addr, job->detail,
		       &report->says))
		return trace_add(txn, &job->post, BOUNCE_STAGE,
				 job->list_addr, err, "the address has no "
				 "token of ours; nothing counted");
	rc = list_conf_load(txn, job->list_addr, &conf, err);
	report->with.conf = conf;
	if (rc == ERR_OK)
		rc = job->role == ROLE_FEEDBACK ?
			feedback_run(txn, &report->with, report->verp, job,
				     err) :
			judge(txn, job, report, err);
	g_free(report->says.addr);
	g_free(report->member);
	return rc;
}

enum err_code
bounce_run(struct txn *txn, const struct settings *settings,
	   const struct verp *verp, const struct job *job, struct err *err)
{
	struct report report = {
		.post = job->post, .verp = verp,
		.with = { .settings = settings, .list = job->list,
			  .list_addr = job->list_addr, .now_s = clock_s() },
	};
	bool taken = false;
	enum err_code rc;

	rc = queue_take(txn, job, &taken, err);
	if (rc != ERR_OK || !taken)
		return rc;
	rc = run_report(txn, &report, job, err);
	if (rc == ERR_OK)
		rc = post_release(txn, &job->post, 1, err);
	return rc;
}
