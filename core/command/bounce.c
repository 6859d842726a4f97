/* SPDX-License-Identifier: BSD-2-Clause */

/* muster bounce test: what a message says that came back. */
#include <string.h>

#include "core/bounce/recognise.h"
#include "core/command/print.h"
#include "core/command/verb.h"
#include "core/mail/mime.h"
#include "core/mail/report.h"
#include "core/base/banned.h"

#define MESSAGE_MAX (64 * 1024 * 1024)
#define MESSAGES_MAX 10000

static bool
has_failed(enum bounce_class class)
{
	return class == BOUNCE_HARD || class == BOUNCE_SOFT;
}

static json_t *
recipient_json(const struct bounce_recipient *one)
{
	return json_pack("{s:s, s:o, s:o, s:s, s:o}",
			 "class", bounce_class_name(one->class),
			 "address", json_text(one->addr),
			 "status", json_text(one->status),
			 "reason", bounce_reason_name(one->reason),
			 "diagnostic", json_text(one->diagnostic));
}

static json_t *
result_json(const struct bounce_result *result)
{
	json_t *recipients = json_array();

	for (guint i = 0; i < result->recipients->len; i++)
		(void)json_array_append_new(recipients, recipient_json(
			result->recipients->pdata[i]));
	return json_pack("{s:s, s:s, s:o}",
			 "class", bounce_class_name(result->class),
			 "how", result->how, "recipients", recipients);
}

/* Whatever is no failure is "none": a script that counts failures needs to
 * know no other word. */
static void
print_result(const struct call *call, const struct bounce_result *result)
{
	guint lines = 0;

	for (guint i = 0; i < result->recipients->len; i++) {
		const struct bounce_recipient *one =
			result->recipients->pdata[i];
		g_autofree char *addr = print_plain(one->addr);

		if (!has_failed(one->class))
			continue;
		(void)fprintf(call->admin->out, "%s\t%s\n",
			      bounce_class_name(one->class), addr);
		lines++;
	}
	if (lines == 0)
		(void)fprintf(call->admin->out, "%s\t\n",
			      has_failed(result->class)
				      ? bounce_class_name(result->class)
				      : "none");
}

static void
test_message(const struct call *call, struct print_array *array,
	     const char *bytes, size_t len)
{
	struct bounce_result result;

	bounce_recognise(bytes, len, NULL, &result);
	if (!call->json)
		print_result(call, &result);
	else if (array != NULL)
		print_array_item(array, result_json(&result));
	else
		print_object(call, result_json(&result));
	bounce_result_done(&result);
}

/* As kept by mail programs, in one file with others of its kind */
static void
test_mbox(const struct call *call, const char *bytes, size_t len)
{
	struct print_array array;

	print_array_begin(&array, call);
	for (int i = 0; len > 0 && i < MESSAGES_MAX; i++) {
		size_t one = report_mbox_len(bytes, len);

		test_message(call, &array, bytes, one);
		bytes += one;
		len -= one;
	}
	print_array_end(&array);
}

enum admin_status
bounce_test_run(struct call *call)
{
	const char *arg = call->args[0];
	const char *file = strcmp(arg, "-") == 0 ? "stdin" : arg;
	g_autofree char *bytes = NULL;
	struct err err = ERR_INIT;
	size_t len;

	if (call_input(call, file, MESSAGE_MAX, &bytes, &len, &err) != ERR_OK)
		return call_fail(call, &err);
	if (report_mbox_len(bytes, len) < len)
		test_mbox(call, bytes, len);
	else
		test_message(call, NULL, bytes, len);
	return ADMIN_DONE;
}
