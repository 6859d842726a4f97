/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * A feedback report (RFC 5965) that came to the site's address for them. The
 * door has found out in whose copy it encloses a token, and made that the
 * detail of the job; here it is read again, by those who have the key.
 */
#include <string.h>

#include "core/bounce/inside.h"
#include "core/mail/feedback.h"
#include "core/outbound/slot.h"
#include "db/post.h"
#include "core/base/banned.h"

static const char *
behind(const char *detail, const char *role)
{
	size_t len = strlen(role);

	return strncmp(detail, role, len) == 0 ? detail + len : NULL;
}

static enum err_code
nothing(struct txn *txn, const struct bounce_with *with,
	const struct job *job, const char *why, struct err *err)
{
	return trace_add(txn, &job->post, BOUNCE_STAGE, with->list_addr, err,
			 "%s; nothing done", why);
}

/* All who got the post share such a token, so it proves nothing; who is said to
 * complain gets his next copies under senders of his own, which do. */
static enum err_code
doubt(struct txn *txn, const struct bounce_with *with, const struct job *job,
      const struct verp_says *says, const struct feedback *report,
      struct err *err)
{
	struct post_id post = job->post;
	const char *addr = says->addr != NULL ? says->addr : report->rcpt;
	bool found = false;
	enum err_code rc;

	if (addr[0] == '\0')
		return nothing(txn, with, job, "a complaint that does not "
			       "say whose it is", err);
	rc = post_id_by_prefix(txn, says->post, VERP_POST_LEN, &post, &found,
			       err);
	if (!found)
		post = job->post;
	return rc != ERR_OK ? rc :
		bounce_doubt(txn, job, addr, &post,
			     "have called a post spam", report->type, err);
}

static enum err_code
follow_bounces(struct txn *txn, const struct bounce_with *with,
	       const struct verp *verp, const struct job *job,
	       const char *token, const struct feedback *report,
	       struct err *err)
{
	struct complaint_proof proof = { .has_post = true };
	struct verp_says says = { 0 };
	enum err_code rc;

	if (!verp_read(verp, with->list_addr, token, &says))
		return nothing(txn, with, job, "a complaint without a token "
			       "of ours", err);
	memcpy(proof.member, says.member, sizeof(proof.member));
	memcpy(proof.post, says.post, sizeof(proof.post));
	rc = says.is_shared ? doubt(txn, with, job, &says, report, err) :
		complaint_act(txn, with, job, &proof, err);
	g_free(says.addr);
	return rc;
}

static enum err_code
follow_leave(struct txn *txn, const struct bounce_with *with,
	     const struct verp *verp, const struct job *job,
	     const char *token, struct err *err)
{
	struct complaint_proof proof = { .has_post = true, .is_leave = true };

	if (!leave_token_read(verp, with->list_addr, token, proof.member,
			      proof.post))
		return nothing(txn, with, job, "a complaint without a token "
			       "of ours", err);
	return complaint_act(txn, with, job, &proof, err);
}

static enum err_code
follow(struct txn *txn, const struct bounce_with *with,
       const struct verp *verp, const struct job *job,
       const struct feedback *report, struct err *err)
{
	const char *bounces = behind(job->detail, "bounces+");
	const char *leave = behind(job->detail, "leave+");

	if (!report->is_complaint)
		return nothing(txn, with, job, "a feedback report that is no "
			       "complaint", err);
	if (bounces != NULL)
		return follow_bounces(txn, with, verp, job, bounces, report,
				      err);
	if (leave != NULL)
		return follow_leave(txn, with, verp, job, leave, err);
	return nothing(txn, with, job, "a complaint without a token", err);
}

enum err_code
feedback_run(struct txn *txn, const struct bounce_with *with,
	     const struct verp *verp, const struct job *job, struct err *err)
{
	g_autoptr(GBytes) bytes = NULL;
	struct feedback report;
	enum err_code rc = post_bytes(txn, &job->post, &bytes, err);
	const char *text;
	gsize len;

	if (rc != ERR_OK || bytes == NULL)
		return rc;
	text = g_bytes_get_data(bytes, &len);
	if (!feedback_read(text, len, &report))
		return nothing(txn, with, job, "no feedback report", err);
	rc = follow(txn, with, verp, job, &report, err);
	feedback_done(&report);
	return rc;
}
