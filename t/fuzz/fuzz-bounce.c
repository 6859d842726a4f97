/* SPDX-License-Identifier: BSD-2-Clause */

/* What came back, by whoever sent it: nothing in it may break the reader, and
 * what is read keeps to its limits. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/bounce/recognise.h"
#include "core/mail/addr.h"
#include "core/mail/feedback.h"
#include "core/mail/mime.h"
#include "core/mail/report.h"
#include "core/base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_addr(const char *addr)
{
	g_autofree char *again = addr[0] != '\0' ? addr_canon(addr) : NULL;

	if (addr[0] != '\0' && g_strcmp0(again, addr) != 0)
		abort();
}

static void
check_result(const struct bounce_result *result)
{
	if (result->recipients->len > BOUNCE_RECIPIENTS_MAX ||
	    result->how == NULL || result->envelope_id == NULL)
		abort();
	for (guint i = 0; i < result->recipients->len; i++) {
		const struct bounce_recipient *one =
			result->recipients->pdata[i];

		check_addr(one->addr);
		if (one->class == BOUNCE_NONE ||
		    strlen(one->diagnostic) > BOUNCE_DIAGNOSTIC_MAX ||
		    !g_utf8_validate(one->diagnostic, -1, NULL) ||
		    !g_utf8_validate(one->status, -1, NULL))
			abort();
	}
}

static void
check_message(const char *bytes, size_t len,
	      const struct bounce_envelope *envelope)
{
	struct bounce_result result;

	bounce_recognise(bytes, len, envelope, &result);
	check_result(&result);
	bounce_result_done(&result);
}

static void
check_copy(const struct feedback_copy *copy)
{
	if (copy->addrs->len > FEEDBACK_ADDRS_MAX)
		abort();
	for (guint i = 0; i < copy->addrs->len; i++) {
		check_addr(copy->addrs->pdata[i]);
		if (strchr(copy->addrs->pdata[i], '+') == NULL)
			abort();
	}
}

static void
check_feedback(const char *bytes, size_t len)
{
	struct feedback feedback;

	if (!feedback_read(bytes, len, &feedback))
		return;
	check_addr(feedback.rcpt);
	if (feedback.type == NULL || feedback.copies->len >
	    FEEDBACK_COPIES_MAX)
		abort();
	for (guint i = 0; i < feedback.copies->len; i++)
		check_copy(feedback.copies->pdata[i]);
	feedback_done(&feedback);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct bounce_envelope envelope = { "", "ann@a.test" };
	g_autofree char *bytes = g_malloc(size + 1);
	size_t first;

	mime_init();
	memcpy(bytes, data, size);
	bytes[size] = '\0';
	first = report_mbox_len(bytes, size);
	if (first > size || (size > 0 && first == 0))
		abort();
	check_message(bytes, size, NULL);
	check_message(bytes, first, &envelope);
	check_feedback(bytes, size);
	return 0;
}
