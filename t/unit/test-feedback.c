/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "core/mail/feedback.h"
#include "core/mail/mime.h"
#include "t/lib/tap.h"

#define T24 "abcdefghijklmnopqrstuvwx"
#define BOUNCES "dev-bounces+" T24 "@lists.test"
#define LEAVE "dev-leave+" T24 "@lists.test"

/* fields: of the report's own part; NULL: it has none. copies: the parts that
 * follow. */
static char *
report(const char *fields, const char *copies)
{
	g_autofree char *own = fields == NULL ? g_strdup("") : g_strconcat(
		"--b\r\nContent-Type: message/feedback-report\r\n\r\n",
		fields, NULL);

	return g_strconcat("From: fbl@isp.test\r\nMIME-Version: 1.0\r\n"
			   "Content-Type: multipart/report; boundary=b;\r\n"
			   " report-type=feedback-report\r\n\r\n"
			   "--b\r\n\r\nspam\r\n", own, copies, "\r\n--b--\r\n",
			   NULL);
}

#define COPY "\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n"
#define HEAD "\r\n--b\r\nContent-Type: text/rfc822-headers\r\n\r\n"

/* "type rcpt|addr addr|addr" */
static char *
summary(const char *text)
{
	GString *out = g_string_new(NULL);
	struct feedback feedback;

	if (!feedback_read(text, strlen(text), &feedback))
		return g_string_free(g_string_append(out, "none"), FALSE);
	g_string_append_printf(out, "%s%s %s", feedback.type,
			       feedback.is_complaint ? "" : "!",
			       feedback.rcpt);
	for (guint i = 0; i < feedback.copies->len; i++) {
		const struct feedback_copy *copy = feedback.copies->pdata[i];

		g_string_append_c(out, '|');
		for (guint j = 0; j < copy->addrs->len; j++)
			g_string_append_printf(out, "%s%s", j > 0 ? " " : "",
					       (char *)copy->addrs->pdata[j]);
	}
	feedback_done(&feedback);
	return g_string_free(out, FALSE);
}

static void
check(const char *fields, const char *copies, const char *wanted)
{
	g_autofree char *text = report(fields, copies);
	g_autofree char *got = summary(text);

	g_assert_cmpstr(got, ==, wanted);
}

#define ABUSE "Feedback-Type: Abuse\r\nVersion: 1\r\n"

static void
test_forms(void)
{
	check(ABUSE, "", "abuse ");
	check(ABUSE "Original-Rcpt-To: <ann@Isp.test>\r\n", "",
	      "abuse ann@isp.test");
	check(ABUSE "Original-Rcpt-To: rfc822; ann@isp.test\r\n", "",
	      "abuse ann@isp.test");
	check("Feedback-Type: opt-out\r\nRemoval-Recipient: a@b.test\r\n", "",
	      "opt-out a@b.test");
	check("Feedback-Type: not-spam\r\n", "", "not-spam! ");
	check("Feedback-Type: auth-failure\r\n", "", "auth-failure! ");
	check("Version: 1\r\n", COPY "Return-Path: <" BOUNCES ">\r\n\r\nx",
	      "none");
	check(NULL, COPY "Return-Path: <" BOUNCES ">\r\n\r\nx", "none");
	check(NULL, COPY "X-HmXmrOriginalRecipient: a@b.test\r\n"
	      "Return-Path: " BOUNCES "\r\n\r\nx", "abuse a@b.test|" BOUNCES);
	g_autofree char *plain = summary("Subject: Feedback-Type: abuse\r\n"
					 "\r\nFeedback-Type: abuse\r\n");
	g_assert_cmpstr(plain, ==, "none");
}

static void
test_places(void)
{
	static const char *const one[] = {
		"Return-Path: <" BOUNCES ">\r\n",
		"From b@x.test Tue Dec 28 18:43:07 2010\r\n"
		"Return-Path: <" BOUNCES ">\r\n",
		"return-path:" BOUNCES "\r\n",
		"Sender: " BOUNCES "\r\n",
		"X-Original-Mail-From: <" BOUNCES ">\r\n",
		"Received: from a by b (envelope-from\r\n\t<" BOUNCES ">) id 1;"
		" now\r\n",
		"Received-SPF: pass (b: ok) client-ip=192.0.2.1;"
		" envelope-from=\"" BOUNCES "\"; helo=x\r\n",
		"Authentication-Results: b; spf=pass smtp.mailfrom=" BOUNCES
		"; dkim=pass\r\n",
	};

	for (size_t i = 0; i < G_N_ELEMENTS(one); i++) {
		g_autofree char *copy = g_strconcat(COPY, one[i],
						    "List-Id: <dev.lists.test>"
						    "\r\n\r\nx", NULL);
		g_autofree char *head = g_strconcat(HEAD, one[i], NULL);

		check(ABUSE, copy, "abuse |" BOUNCES);
		if (strchr(one[i], '=') == NULL)
			check(ABUSE, head, "abuse |" BOUNCES);
	}
	check(ABUSE, COPY "List-Unsubscribe: <https://x.test/?t=" T24 ">,\r\n"
	      " <mailto:" LEAVE "?subject=leave>\r\n\r\nx", "abuse |" LEAVE);
	check(ABUSE, COPY "List-Unsubscribe: <mailto:dev-leave%2B" T24
	      "%40lists.test>\r\n\r\nx", "abuse |" LEAVE);
	check(ABUSE "Original-Mail-From: <" BOUNCES ">\r\n",
	      COPY "List-Unsubscribe: <mailto:" LEAVE ">\r\n\r\nx",
	      "abuse |" BOUNCES " " LEAVE);
	/* of which of two copies is it? */
	check(ABUSE "Original-Mail-From: <" BOUNCES ">\r\n",
	      COPY "A: b\r\n\r\nx" COPY "A: b\r\n\r\nx", "abuse ||");
	/* no more than these places, and no address without a token */
	check(ABUSE, COPY "Subject: " BOUNCES "\r\nSender: dev-bounces@"
	      "lists.test\r\nFrom: dev+x@lists.test\r\n\r\n" BOUNCES,
	      "abuse |");
}

/* What would be somebody else's */
static void
test_others(void)
{
	check(ABUSE, COPY "Return-Path: <" BOUNCES ">\r\nList-Id: Dev <Dev."
	      "Lists.test>\r\n\r\nx", "abuse |" BOUNCES);
	check(ABUSE, COPY "Return-Path: <" BOUNCES ">\r\nList-Id: <dev.other."
	      "test>\r\n\r\nx", "abuse |");
	check(ABUSE, COPY "Return-Path: <" BOUNCES ">\r\nList-Id:\r\n\r\nx",
	      "abuse |");
	check(ABUSE, COPY "From: a@b.test\r\nContent-Type: message/rfc822\r\n"
	      "\r\nReturn-Path: <" BOUNCES ">\r\n\r\nx", "abuse |");
	check(ABUSE, COPY "From: a@b.test\r\nContent-Type: multipart/mixed;"
	      " boundary=c\r\n\r\n--c\r\nContent-Type: message/rfc822\r\n\r\n"
	      "Return-Path: <" BOUNCES ">\r\n\r\nx\r\n--c--\r\n", "abuse |");
}

static void
test_limits(void)
{
	GString *copies = g_string_new(NULL);
	GString *fields = g_string_new(COPY);
	g_autofree char *text = NULL, *many = NULL;
	struct feedback feedback;
	const struct feedback_copy *copy;

	for (int i = 0; i < 50; i++)
		g_string_append(copies, COPY "Return-Path: <" BOUNCES
				">\r\n\r\nx");
	text = report(ABUSE, copies->str);
	g_assert_true(feedback_read(text, strlen(text), &feedback));
	g_assert_cmpuint(feedback.copies->len, ==, FEEDBACK_COPIES_MAX);
	feedback_done(&feedback);
	for (int i = 0; i < 300; i++)
		g_string_append_printf(fields, "Received: x <l%d-bounces+x@"
				       "lists.test>\r\n", i);
	many = report(ABUSE, fields->str);
	g_assert_true(feedback_read(many, strlen(many), &feedback));
	copy = feedback.copies->pdata[0];
	g_assert_cmpuint(copy->addrs->len, ==, FEEDBACK_ADDRS_MAX);
	feedback_done(&feedback);
	g_string_free(copies, TRUE);
	g_string_free(fields, TRUE);
}

static const struct tap_case cases[] = {
	{ "what is a feedback report", test_forms },
	{ "where a copy says whose it is", test_places },
	{ "and where another mail does", test_others },
	{ "there are limits", test_limits },
	{ NULL, NULL }
};

int
main(void)
{
	mime_init();
	return tap_run("feedback", cases);
}
