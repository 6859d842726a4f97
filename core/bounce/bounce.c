/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/bounce/bounce.h"

#include <string.h>

#include <glib.h>

#include "core/base/log.h"
#include "core/mail/mime.h"
#include "db/list.h"
#include "db/post.h"
#include "db/roster.h"
#include "core/base/banned.h"

/*
 * Whose copy it was is said by the token, which only we can make, and by
 * nothing in the message. So a forged report can at most repeat a token
 * that was seen on a copy, against the very member who got it.
 */

#define REASON_MAX 300

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

static enum err_code
count_failure(struct txn *txn, uint32_t list, struct member *member,
	      const char *reason, struct err *err)
{
	member->bounces++;
	member->bounced_s = g_get_real_time() / G_USEC_PER_SEC;
	g_free(member->bounce_reason);
	member->bounce_reason = g_strdup(reason);
	return roster_put(txn, list, member, err);
}

enum err_code
bounce_record(struct txn *txn, uint32_t list, const char *list_addr,
	      const char *addr, const struct post_id *post,
	      const char *reason, struct err *err)
{
	g_autofree char *cut = cut_reason(reason);
	struct member *member = NULL;
	enum err_code rc;

	rc = roster_find(txn, list, addr, &member, err);
	if (rc == ERR_OK && member != NULL)
		rc = count_failure(txn, list, member, cut, err);
	if (rc == ERR_OK)
		rc = trace_add(txn, post, "bounce", list_addr, err,
			       "%s failed%s: %s", addr, member != NULL ? "" :
			       " (not subscribed any more)", cut);
	member_free(member);
	return rc;
}

/* --- reports ------------------------------------------------------------ */

/* Whom and which post the token of the address names. */
struct subject {
	char *key;		/* canonical address, NULL: not on the list */
	struct post_id post;	/* that failed; the report's own if its trace
				 * has expired */
	uint8_t prefix[VERP_POST_LEN];	/* of its id */
};

static enum err_code
find_subject(struct txn *txn, const struct verp *verp, const struct job *job,
	     bool *ours, struct subject *out, struct err *err)
{
	uint8_t handle[VERP_MEMBER_LEN];
	struct member *member = NULL;
	bool found;
	enum err_code rc;

	out->key = NULL;
	out->post = job->post;
	*ours = verp_open(verp, job->list_addr, job->detail, handle,
			  out->prefix);
	if (!*ours)
		return ERR_OK;
	rc = roster_by_handle(txn, job->list, handle, &member, &out->key,
			      err);
	member_free(member);
	if (rc == ERR_OK)
		rc = post_id_by_prefix(txn, out->prefix, VERP_POST_LEN,
				       &out->post, &found, err);
	return rc;
}

/* A copy has one recipient, so one failure is recorded, the first. */
static const struct dsn_recipient *
first_failure(const struct dsn *dsn)
{
	for (guint i = 0; i < dsn->recipients->len; i++) {
		const struct dsn_recipient *one =
			g_ptr_array_index(dsn->recipients, i);

		if (one->action == DSN_FAILED)
			return one;
	}
	return NULL;
}

static enum err_code
record_report(struct txn *txn, const struct job *job,
	      const struct subject *subject, const struct dsn *dsn,
	      struct err *err)
{
	const struct dsn_recipient *failure = first_failure(dsn);
	g_autofree char *reason = NULL;
	enum err_code rc;

	if (failure == NULL)
		return trace_add(txn, &job->post, "bounce", job->list_addr,
				 err, "a report without a failure, e.g. of a "
				 "delay; nothing counted");
	reason = g_strdup_printf("%s%s%s", failure->status,
				 failure->diagnostic[0] != '\0' ? " " : "",
				 failure->diagnostic);
	if (subject->key == NULL)
		return trace_add(txn, &job->post, "bounce", job->list_addr,
				 err, "a failure of somebody who is not "
				 "subscribed any more: %s", reason);
	rc = bounce_record(txn, job->list, job->list_addr, subject->key,
			   &subject->post, reason, err);
	if (rc == ERR_OK && memcmp(&subject->post, &job->post,
				   sizeof(job->post)) != 0)
		rc = trace_add(txn, &job->post, "bounce", job->list_addr, err,
			       "a delivery report: counted against %s",
			       subject->key);
	return rc;
}

/* The report may carry the ENVID of the copy (RFC 3461 section 4.4), which
 * is the post's whole id. The token must agree. */
static void
take_envelope_id(const struct dsn *dsn, const uint8_t *prefix,
		 struct subject *subject)
{
	g_autofree char *text = g_strndup(dsn->envelope_id, POST_ID_TEXT);
	struct post_id id;

	if (post_id_parse(text, &id) &&
	    memcmp(id.bytes, prefix, VERP_POST_LEN) == 0)
		subject->post = id;
}

static enum err_code
judge(struct txn *txn, const struct job *job, struct subject *subject,
      bool ours, struct err *err)
{
	g_autoptr(GBytes) bytes = NULL;
	struct dsn dsn = { 0 };
	const char *text;
	enum err_code rc;
	gsize len;

	if (!ours)
		return trace_add(txn, &job->post, "bounce", job->list_addr,
				 err, "the address has no token of ours; "
				 "nothing counted");
	rc = post_bytes(txn, &job->post, &bytes, err);
	if (rc != ERR_OK || bytes == NULL)
		return rc;
	text = g_bytes_get_data(bytes, &len);
	if (!mime_dsn(text, len, &dsn))
		return trace_add(txn, &job->post, "bounce", job->list_addr,
				 err, "not a delivery status notification; "
				 "nothing counted");
	take_envelope_id(&dsn, subject->prefix, subject);
	rc = record_report(txn, job, subject, &dsn, err);
	dsn_done(&dsn);
	return rc;
}

enum err_code
bounce_run(struct txn *txn, const struct settings *settings,
	   const struct verp *verp, const struct job *job, struct err *err)
{
	struct subject subject = { 0 };
	bool taken = false, ours = false;
	enum err_code rc;

	(void) settings;
	rc = queue_take(txn, job, &taken, err);
	if (rc != ERR_OK || !taken)
		return rc;
	rc = find_subject(txn, verp, job, &ours, &subject, err);
	if (rc == ERR_OK)
		rc = judge(txn, job, &subject, ours, err);
	if (rc == ERR_OK)
		rc = post_release(txn, &job->post, 1, err);
	g_free(subject.key);
	return rc;
}
