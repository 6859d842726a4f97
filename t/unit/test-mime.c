/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "core/mail/mime.h"
#include "t/lib/tap.h"

static void
test_authors(void)
{
	static const struct {
		const char *text, *authors;
		bool complete;
	} cases[] = {
		{ "From: Ann <ann@A.test>\r\n\r\n", "ann@a.test", true },
		{ "From: ann@a.test, Bob <bob@b.test>\r\n\r\n",
		  "ann@a.test bob@b.test", true },
		{ "From: a@a.test\r\nFrom: b@b.test\r\n\r\n",
		  "a@a.test b@b.test", true },
		{ "From: Us: a@a.test, b@b.test;\r\n\r\n",
		  "a@a.test b@b.test", true },
		{ "From: a@a.test, a@A.test\r\n\r\n", "a@a.test", true },
		{ "From: \"b@b.test\" <a@a.test>\r\n\r\n", "a@a.test",
		  true },
		{ "From: nobody\r\n\r\n", "", false },
		{ "From:\r\n\r\n", "", false },
		{ "From: a@a.test, nobody\r\n\r\n", "a@a.test", false },
		{ "To: a@a.test\r\n\r\n", "", true },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GPtrArray) got = NULL;
		g_autofree char *joined = NULL;
		struct header header;
		size_t body_at;
		bool complete;

		g_test_message("%s", cases[i].text);
		g_assert_true(header_parse(cases[i].text,
					   strlen(cases[i].text), &header,
					   &body_at));
		got = mime_authors(&header, &complete);
		g_ptr_array_add(got, NULL);
		joined = g_strjoinv(" ", (char **)got->pdata);
		g_assert_cmpstr(joined, ==, cases[i].authors);
		g_assert_cmpint(complete, ==, cases[i].complete);
		header_done(&header);
	}
}

static void
test_mailboxes(void)
{
	static const struct { const char *text, *addr, *name; } cases[] = {
		{ "ann@a.test", "ann@a.test", "" },
		{ " Ann@a.test ", "Ann@a.test", "" },
		{ "<ann@a.test>", "ann@a.test", "" },
		{ "Ann B <ann@a.test>", "ann@a.test", "Ann B" },
		{ "\"B, Ann\" <ann@a.test>", "ann@a.test", "B, Ann" },
		{ "J\xc3\xb6rg <j@a.test>", "j@a.test", "J\xc3\xb6rg" },
		{ "=?utf-8?q?J=C3=B6rg?= <j@a.test>", "j@a.test",
		  "J\xc3\xb6rg" },
		{ "\"a b\"@a.test", "\"a b\"@a.test", "" },
		{ "ann", NULL, NULL },
		{ "ann@a.test bob@b.test", NULL, NULL },
		{ "ann@a.test,bob@b.test", NULL, NULL },
		{ "Ann <ann@a.test", NULL, NULL },
		{ "Ann <ann>", NULL, NULL },
		{ "\xff@a.test", NULL, NULL },
		{ "", NULL, NULL },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *addr = NULL, *name = NULL;
		const char *wrong = mime_mailbox(cases[i].text, &addr, &name);

		g_assert_cmpint(wrong == NULL, ==, cases[i].addr != NULL);
		g_assert_cmpstr(addr, ==, cases[i].addr);
		g_assert_cmpstr(name, ==, cases[i].name);
	}
}

static void
test_subjects(void)
{
	static const struct { const char *old, *prefix, *wanted; } cases[] = {
		{ NULL, "[dev]", "[dev]" },
		{ "Hi", "[dev]", "[dev] Hi" },
		{ "Re: Hi", "[dev]", "Re: [dev] Hi" },
		{ "AW: WG: Hi", "[dev]", "AW: WG: [dev] Hi" },
		{ "Re[2]: Hi", "[dev]", "Re[2]: [dev] Hi" },
		{ "Re: [dev] Hi", "[dev]", "Re: [dev] Hi" },
		{ "[dev] Hi", "[dev]", "[dev] Hi" },
		{ "Regarding: Hi", "[dev]", "[dev] Regarding: Hi" },
		{ "=?utf-8?q?=C3=BCber?=", "[dev]",
		  "[dev] =?utf-8?q?=C3=BCber?=" },
		{ "=?utf-8?b?UmU6IFtkZXZdIMO8YmVy?=", "[dev]",
		  "=?utf-8?b?UmU6IFtkZXZdIMO8YmVy?=" },
		{ "Hi", "", "Hi" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *got = mime_subject_prefix(cases[i].old,
							   cases[i].prefix);

		g_assert_cmpstr(got, ==, cases[i].wanted);
	}
}

static void
check_recoded(const char *text, size_t len, const char *holds)
{
	g_autoptr(GString) out = g_string_new(NULL);

	g_assert_true(mime_needs_recode(text, len));
	g_assert_true(mime_recode(text, len, out));
	g_assert_false(mime_needs_recode(out->str, out->len));
	g_assert_nonnull(strstr(out->str, holds));
}

static void
test_recode(void)
{
	g_autofree char *x = g_strnfill(3000, 'x');
	g_autofree char *plain = g_strdup_printf("A: b\r\n\r\n%s\r\n", x);
	g_autofree char *part = g_strdup_printf(
		"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
		"pre\r\n--b\r\n\r\nshort\r\n--b\r\n"
		"Content-Type: application/pdf\r\n\r\n%s\r\n--b--\r\n", x);
	g_autofree char *field = g_strdup_printf("A: %s\r\n\r\nbody\r\n", x);
	g_autofree char *open = g_strdup_printf(
		"Content-Type: multipart/mixed; boundary=b\r\n\r\n%s\r\n",
		x);

	check_recoded(plain, strlen(plain),
		      "Content-Transfer-Encoding: quoted-printable\r\n");
	check_recoded(part, strlen(part), "\r\n\r\nshort\r\n--b\r\n");
	check_recoded(part, strlen(part),
		      "Content-Transfer-Encoding: base64\r\n");
	check_recoded(field, strlen(field), "\r\n\r\nbody\r\n");
	check_recoded(open, strlen(open), "xxx\r\n");
}

static const char report[] =
	"Content-Type: multipart/report; report-type=delivery-status;"
	" boundary=b\r\n\r\n--b\r\n\r\nSorry.\r\n--b\r\n"
	"Content-Type: message/delivery-status\r\n\r\n"
	"Reporting-MTA: dns; mx.test\r\n"
	"Original-Envelope-Id: abc.1\r\n\r\n"
	"Final-Recipient: RFC822; Bob@b.test\r\n"
	"Original-Recipient: rfc822;bob+x@b.test\r\n"
	"Action: failed (really)\r\nStatus: 5.1.1 (no such user)\r\n"
	"Diagnostic-Code: smtp; 550 5.1.1\r\n  User unknown\r\n\r\n"
	"Final-Recipient: rfc822; eve@b.test\r\nAction: delayed\r\n"
	"Status: 4.4.1\r\n\r\n--b--\r\n";

static void
test_dsn(void)
{
	const struct dsn_recipient *bob, *eve;
	struct dsn dsn = { 0 };

	g_assert_false(mime_dsn("A: b\r\n\r\nhi\r\n", 12, &dsn));
	g_assert_true(mime_dsn(report, strlen(report), &dsn));
	g_assert_cmpstr(dsn.envelope_id, ==, "abc.1");
	g_assert_cmpuint(dsn.recipients->len, ==, 2);
	bob = g_ptr_array_index(dsn.recipients, 0);
	eve = g_ptr_array_index(dsn.recipients, 1);
	g_assert_cmpint(bob->action, ==, DSN_FAILED);
	g_assert_cmpstr(bob->final, ==, "Bob@b.test");
	g_assert_cmpstr(bob->original, ==, "bob+x@b.test");
	g_assert_cmpstr(bob->status, ==, "5.1.1");
	g_assert_cmpstr(bob->diagnostic, ==, "550 5.1.1  User unknown");
	g_assert_cmpint(eve->action, ==, DSN_DELAYED);
	dsn_done(&dsn);
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{ "every author is found, or it is said", test_authors },
		{ "an address file's lines are read", test_mailboxes },
		{ "a subject is prefixed once", test_subjects },
		{ "long lines are re-encoded, nothing else", test_recode },
		{ "a delivery report names its recipients", test_dsn },
		{ NULL, NULL },
	};

	mime_init();
	return tap_run("mime", cases);
}
