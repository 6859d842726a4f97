/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "core/mail/mime.h"
#include "t/lib/tap.h"

/* A report whose status part has these fields and this text. */
static char *
report(const char *fields, const char *text)
{
	return g_strdup_printf(
		"Content-Type: multipart/report; boundary=b\r\n\r\n"
		"--b\r\n\r\nSorry.\r\n--b\r\n"
		"Content-Type: message/delivery-status\r\n%s\r\n"
		"Reporting-MTA: dns; mx.test\r\n%s\r\n--b--\r\n",
		fields, text);
}

/* "action original final status diagnostic" of each, a line each */
static char *
summary(const struct dsn *dsn)
{
	GString *out = g_string_new(NULL);

	for (guint i = 0; i < dsn->recipients->len; i++) {
		const struct dsn_recipient *one = g_ptr_array_index(
			dsn->recipients, i);

		g_string_append_printf(out, "%s%d,%s,%s,%s,%s",
				       i > 0 ? "\n" : "", one->action,
				       one->original, one->final,
				       one->status, one->diagnostic);
	}
	return g_string_free(out, FALSE);
}

static void
test_forms(void)
{
	static const struct { const char *text, *wanted; } cases[] = {
		{ "\r\nFinal-Recipient: RFC822; Bob@b.test\r\n"
		  "Original-Recipient: rfc822;bob+x@b.test\r\n"
		  "Action: failed (really)\r\nStatus: 5.1.1 (no user)\r\n"
		  "Diagnostic-Code: smtp; 550 5.1.1\r\n  User unknown\r\n\r\n"
		  "Final-Recipient: rfc822; eve@b.test\r\nAction: delayed\r\n"
		  "Status: 4.4.1\r\n",
		  "0,bob+x@b.test,Bob@b.test,5.1.1,550 5.1.1 User unknown\n"
		  "1,,eve@b.test,4.4.1," },
		/* without the last line end, with LF, without Action */
		{ "\nfinal-recipient:rfc822;<a@b.test>\nStatus:5.0.0",
		  "0,,a@b.test,5.0.0," },
		{ "\nFinal-Recipient: a@b.test\nStatus: 4.2.2",
		  "1,,a@b.test,4.2.2," },
		{ "\nFinal-Recipient: a@b.test\nStatus: 2.0.0",
		  "2,,a@b.test,2.0.0," },
		{ "\nFinal-Recipient: a@b.test\nAction: zugestellt\n"
		  "Status: 2.1.5", "2,,a@b.test,2.1.5," },
		{ "\nFinal-Recipient: a@b.test\nAction: fehlgeschlagen\n"
		  "Status: 5.1.5", "0,,a@b.test,5.1.5," },
		{ "\nFinal-Recipient: a@b.test\nAction: relayed\n\n"
		  "Final-Recipient: c@b.test\nAction: delivered\n\n"
		  "Final-Recipient: d@b.test\nAction: EXPANDED\n",
		  "2,,a@b.test,,\n2,,c@b.test,,\n2,,d@b.test,," },
		/* empty lines where there should be none, and the reverse */
		{ "\nFinal-Recipient: a@b.test\n\nAction: failed\n\n"
		  "Status: 5.1.1\n\nFinal-Recipient: c@b.test\n"
		  "Action: failed\n", "0,,a@b.test,5.1.1,\n0,,c@b.test,," },
		{ "Final-Recipient: a@b.test\nAction: failed\n"
		  "Final-Recipient: c@b.test\nAction: failed\n",
		  "0,,a@b.test,,\n0,,c@b.test,," },
		{ "\nFinal-Recipient: a@b.test\nAction: failed\n\n"
		  "Original-Recipient: rfc822;C@b.test\n"
		  "Final-Recipient: c@b.test\nAction: failed\n",
		  "0,,a@b.test,,\n0,C@b.test,c@b.test,," },
		{ "\nAction: failed\nFinal-Recipient: a@b.test\n\n"
		  "Action: failed\nFinal-Recipient: c@b.test\n",
		  "0,,a@b.test,,\n0,,c@b.test,," },
		/* xtext, and what only looks like it */
		{ "\nOriginal-Recipient: rfc822;ann+2Bx+3Dy@b.test\n"
		  "Action: failed\n", "0,ann+x=y@b.test,,," },
		{ "\nOriginal-Recipient: rfc822;ann+41@b.test\n"
		  "Action: failed\n", "0,ann+41@b.test,,," },
		{ "\nOriginal-Recipient: rfc822;ann+0A@b.test\n"
		  "Action: failed\n", "0,ann+0A@b.test,,," },
		{ "\nOriginal-Recipient: rfc822;ann+tag@b.test\n"
		  "Action: failed\n", "0,ann+tag@b.test,,," },
		{ "\nFinal-Recipient: utf-8; j\\x{F6}rg@b.test\n"
		  "Action: failed\n", "0,,j\xc3\xb6rg@b.test,," },
		{ "\nFinal-Recipient: UTF-8; j\xc3\xb6rg@b.test\n"
		  "Action: failed\n", "0,,j\xc3\xb6rg@b.test,," },
		{ "\nFinal-Recipient: rfc822; \"a b\"@b.test (Ann)\n"
		  "Action: failed\n", "0,,\"a b\"@b.test,," },
		{ "\nFinal-Recipient: rfc822; (Ann) a@b.test\n"
		  "Action: failed\n", "0,,a@b.test,," },
		{ "\nFinal-Recipient: a@b.test\nAction: failed\n"
		  "Diagnostic-Code: 550 5.1.1; no \xff\n",
		  "0,,a@b.test,,550 5.1.1; no \xef\xbf\xbd" },
		{ "\nthis is no field\nFinal-Recipient: a@b.test\n"
		  "nor this\nAction: failed\n", "0,,a@b.test,," },
		{ "\nFinal-Recipient:\nAction: failed\nStatus: 9", "0,,,," },
		{ "", "" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *text = report("", cases[i].text);
		g_autofree char *got = NULL;
		struct dsn dsn = { 0 };

		g_test_message("%s", cases[i].text);
		g_assert_true(mime_dsn(text, strlen(text), &dsn));
		got = summary(&dsn);
		g_assert_cmpstr(got, ==, cases[i].wanted);
		dsn_done(&dsn);
	}
}

static void
test_encoded(void)
{
	static const char status[] = "Final-Recipient: rfc822; a=b@b.test\n"
		"Original-Envelope-Id: dev.1\nAction: failed\n";
	g_autofree char *base64 = g_base64_encode((const guchar *)status,
						  strlen(status));
	g_autofree char *in_lines = g_strdup_printf("\r\n%.20s\r\n%s\r\n",
						    base64, base64 + 20);
	g_autofree char *texts[] = {
		g_strdup_printf("Content-Type: message/delivery-status\r\n"
				"Content-Transfer-Encoding: Base64\r\n%s",
				in_lines),
		g_strdup("Content-Type: message/global-delivery-status\r\n"
			 "content-transfer-encoding: quoted-printable\r\n"
			 "\r\nFinal-Recipient: rfc822; a=3Db=\r\n@b.test\r\n"
			 "Original-Envelope-Id: dev.1\r\nAction: fai=6ced"),
	};

	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
		g_autofree char *got = NULL;
		struct dsn dsn = { 0 };

		g_assert_true(mime_dsn(texts[i], strlen(texts[i]), &dsn));
		got = summary(&dsn);
		g_assert_cmpstr(got, ==, "0,,a=b@b.test,,");
		g_assert_cmpstr(dsn.envelope_id, ==, "dev.1");
		dsn_done(&dsn);
		g_free(texts[i]);
		texts[i] = NULL;
	}
}

static void
test_none(void)
{
	g_autofree char *inner = report("", "\r\nFinal-Recipient: a@b.test");
	g_autofree char *outer = g_strdup_printf(
		"Content-Type: multipart/mixed; boundary=o\r\n\r\n--o\r\n"
		"\r\nWhat is this?\r\n--o\r\nContent-Type: message/rfc822\r\n"
		"\r\n%s\r\n--o--\r\n", inner);
	const char *const texts[] = { "A: b\r\n\r\nhi\r\n", "", outer };
	struct dsn dsn = { 0 };

	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
		g_assert_false(mime_dsn(texts[i], strlen(texts[i]), &dsn));
		g_assert_null(dsn.recipients);
	}
}

static void
test_limits(void)
{
	g_autoptr(GString) many = g_string_new(NULL);
	g_autofree char *word = g_strnfill(5000, '\xc3');
	g_autofree char *text = NULL;
	const struct dsn_recipient *first;
	struct dsn dsn = { 0 };

	for (size_t i = 1; i < strlen(word); i += 2)
		word[i] = '\xbc';
	for (int i = 0; i < 1500; i++)
		g_string_append_printf(many, "\r\nFinal-Recipient: a%d@b.test"
				       "\r\nAction: failed\r\n", i);
	g_string_insert(many, 2, "Diagnostic-Code: smtp; x\r\n");
	g_string_insert(many, 27, word);
	text = report("", many->str);
	g_assert_true(mime_dsn(text, strlen(text), &dsn));
	g_assert_cmpuint(dsn.recipients->len, ==, 1000);
	first = g_ptr_array_index(dsn.recipients, 0);
	g_assert_cmpuint(strlen(first->diagnostic), <=, 400);
	g_assert_cmpuint(strlen(first->diagnostic), >, 390);
	g_assert_true(g_utf8_validate(first->diagnostic, -1, NULL));
	dsn_done(&dsn);
	dsn_done(&dsn);
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{ "a report names its recipients, whatever its form",
		  test_forms },
		{ "an encoded report is decoded", test_encoded },
		{ "what only contains a report is none", test_none },
		{ "a report has its limits", test_limits },
		{ NULL, NULL },
	};

	mime_init();
	return tap_run("dsn", cases);
}
