/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_T_UNIT_RECOGNISE_CASE_H
#define MUSTER_T_UNIT_RECOGNISE_CASE_H

/* Messages, and in one line what is recognised in them. */
#include <string.h>

#include "core/bounce/recognise.h"
#include "t/lib/tap.h"

#define DAEMON "From: MAILER-DAEMON@mx.test\nTo: dev-bounces@lists.test\n"
#define FAILURE DAEMON "Subject: failure notice\n\n"
#define DSN(fields) \
	DAEMON "MIME-Version: 1.0\nContent-Type: multipart/report; " \
	"boundary=b\n\n--b\n\nsorry\n--b\nContent-Type: " \
	"message/delivery-status\n\nReporting-MTA: dns; mx.test\n\n" fields \
	"\n--b--\n"

/* "hard text: ann@a.test hard 5.1.1 user" */
static inline char *
summary(const char *text, const struct bounce_envelope *envelope)
{
	struct bounce_result result;
	GString *out = g_string_new(NULL);

	bounce_recognise(text, strlen(text), envelope, &result);
	g_string_append(out, bounce_class_name(result.class));
	if (result.how[0] != '\0')
		g_string_append_printf(out, " %s", result.how);
	for (guint i = 0; i < result.recipients->len; i++) {
		const struct bounce_recipient *one =
			result.recipients->pdata[i];

		g_string_append_printf(out, "%s%s %s", i > 0 ? ", " : ": ",
				       one->addr,
				       bounce_class_name(one->class));
		if (one->status[0] != '\0')
			g_string_append_printf(out, " %s", one->status);
		if (one->reason != REASON_NONE)
			g_string_append_printf(
				out, " %s", bounce_reason_name(one->reason));
	}
	bounce_result_done(&result);
	return g_string_free(out, FALSE);
}

struct sample { const char *text, *wanted; };

static inline void
see_samples(const struct sample *samples, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		g_autofree char *got = summary(samples[i].text, NULL);

		g_test_message("%s", samples[i].text);
		g_assert_cmpstr(got, ==, samples[i].wanted);
	}
}

#endif
