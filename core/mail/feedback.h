/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_MAIL_FEEDBACK_H
#define MUSTER_MAIL_FEEDBACK_H

#include <stdbool.h>
#include <stddef.h>

#include <glib.h>

/*
 * A feedback report (RFC 5965): a mail provider says that one of his users
 * has called a mail spam, and encloses that mail, or its header. What is read
 * here is where the copy says which of ours it is; whether that is true, the
 * tokens say.
 */
#define FEEDBACK_COPIES_MAX 10	/* of one report; the RFC has one */
#define FEEDBACK_ADDRS_MAX 10	/* of one copy */

/* A copy that is complained of: enclosed itself, not in another */
struct feedback_copy {
	GPtrArray *addrs;	/* char *, canonical: the addresses with a
				 * token that it has (LIST-bounces+TOKEN,
				 * LIST-leave+TOKEN), those first that can be
				 * relied upon most; none of a list that its
				 * List-Id does not name */
};

struct feedback {
	char *type;		/* Feedback-Type in lower case; "abuse" where
				 * the form has none */
	bool is_complaint;	/* and no report of something else that has
				 * this form (RFC 6591: auth-failure, not-spam) */
	char *rcpt;		/* who complains, canonical, as the report
				 * says; "" if it does not */
	GPtrArray *copies;	/* of struct feedback_copy, frees them */
};

/* feedback_read - false: it is no such report. Besides those of the RFC there
 * are Outlook.com's, which have the copy and nothing else. */
bool feedback_read(const char *bytes, size_t len, struct feedback *out);
void feedback_done(struct feedback *feedback);

#endif
