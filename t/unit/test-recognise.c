/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/bounce/recognise.h"

#include <string.h>

#include "core/bounce/phrases.h"
#include "core/mail/mime.h"
#include "core/mail/report.h"
#include "t/lib/tap.h"
#include "t/unit/recognise-case.h"
#include "core/base/banned.h"

static void
test_standards(void)
{
	static const struct sample samples[] = {
		{ DSN("Final-Recipient: rfc822; ann@a.test\nAction: failed\n"
		      "Status: 5.1.1\n"),
		  "hard delivery-status: ann@a.test hard 5.1.1 user" },
		{ DSN("Final-Recipient: rfc822; x@b.test\nOriginal-Recipient: "
		      "rfc822; ann@a.test\nAction: failed\nStatus: 4.4.7\n"),
		  "soft delivery-status: ann@a.test soft 4.4.7 expired" },
		{ DSN("Final-Recipient: rfc822; ann@a.test\nAction: failed\n"
		      "Status: 5.0.0\nDiagnostic-Code: smtp; 552 5.2.2 "
		      "mailbox full\n"),
		  "soft delivery-status: ann@a.test soft 5.2.2 full" },
		{ DSN("Final-Recipient: rfc822; ann@a.test\nAction: delayed\n"
		      "Status: 4.4.1\n"),
		  "delayed delivery-status: ann@a.test delayed 4.4.1 "
		  "network" },
		{ DSN("Final-Recipient: rfc822; ann@a.test\n"
		      "Action: delivered\nStatus: 2.0.0\n"),
		  "none delivery-status" },
		{ DSN("Final-Recipient: rfc822; ann@a.test\nAction: failed\n"
		      "Status: 5.1.1\n\nFinal-Recipient: rfc822; bob@a.test\n"
		      "Action: delayed\nStatus: 4.0.0\n\nFinal-Recipient: "
		      "rfc822; ann@a.test\nAction: failed\nStatus: 5.1.1\n"),
		  "hard delivery-status: ann@a.test hard 5.1.1 user, "
		  "bob@a.test delayed 4.0.0" },
		/* a part that has lost its type */
		{ FAILURE "Final-Recipient: rfc822; ann@a.test\n"
		  "Action: failed\nStatus: 5.1.1\n",
		  "hard fields: ann@a.test hard 5.1.1 user" },
		/* Exim, of a file */
		{ "X-Failed-Recipients: ann@a.test\n"
		  DSN("Action: failed\nFinal-Recipient: rfc822;/var/mail/ann\n"
		      "Status: 5.0.0\n"),
		  "hard delivery-status: ann@a.test hard" },
		{ "From: fb@isp.test\nContent-Type: multipart/report; "
		  "boundary=b\n\n--b\nContent-Type: message/feedback-report\n\n"
		  "Feedback-Type: abuse\nOriginal-Rcpt-To: <ann@a.test>\n\n"
		  "--b--\n",
		  "complaint feedback-report: ann@a.test complaint" },
		{ "From: fb@isp.test\nContent-Type: multipart/report; "
		  "boundary=b\n\n--b\nContent-Type: message/feedback-report\n\n"
		  "Feedback-Type: auth-failure\n\n--b--\n",
		  "none feedback-report" },
	};

	see_samples(samples, G_N_ELEMENTS(samples));
}

/* What servers say that speak no standard, in their own words */
static void
test_words(void)
{
	static const struct sample samples[] = {
		{ FAILURE "Hi. This is the qmail-send program at mx.test.\n"
		  "I'm afraid I wasn't able to deliver your message to the "
		  "following addresses.\nThis is a permanent error; I've "
		  "given up. Sorry it didn't work out.\n\n<ann@a.test>:\n"
		  "Sorry, no mailbox here by that name. (#5.1.1)\n\n"
		  "<bob@a.test>:\nI'm not going to try again; this message has "
		  "been in the queue too long.\n\n--- Below this line is a "
		  "copy of the message.\n\nReturn-Path: <eve@e.test>\n",
		  "hard text: ann@a.test hard 5.1.1 user, bob@a.test soft "
		  "expired" },
		{ FAILURE "   ----- The following addresses had permanent "
		  "fatal "
		  "errors -----\n<ann@a.test>\n\n   ----- Transcript of "
		  "session "
		  "follows -----\n... while talking to mx.a.test.:\n>>> RCPT "
		  "To:<ann@a.test>\n<<< 550 No such user\n550 <ann@a.test>... "
		  "User unknown\n\n   ----- Unsent message follows -----\n"
		  "From: eve@e.test\nTo: mallory@e.test\n",
		  "hard text: ann@a.test hard user" },
		{ FAILURE "This is the Postfix program at host mx.test.\n\n"
		  "For further assistance, please contact "
		  "<postmaster@mx.test>\n\n<ann@a.test>: host mx.a.test"
		  "[192.0.2.1] said: 550\n    <eve@e.test>... blocked\n",
		  "hard text: ann@a.test hard policy" },
		{ FAILURE "A message that you sent could not be delivered to "
		  "one or more of its\nrecipients. The following address(es) "
		  "failed:\n\n  ann@a.test\n    SMTP error from remote mail "
		  "server after RCPT TO:<ann@a.test>:\n    host mx.a.test "
		  "[192.0.2.1]: 550 5.1.1 unknown\n",
		  "hard text: ann@a.test hard 5.1.1 user" },
		{ FAILURE "Your message\n\n  To:      dev@lists.test\n  "
		  "Subject: "
		  "hello\n\ndid not reach the following recipient(s):\n\n"
		  "c=US;a= ;p=A;o=B;dda:SMTP=ann@a.test; on Fri, 4 Oct 2002\n"
		  "    The recipient name is not recognized\n",
		  "hard text: ann@a.test hard user" },
		{ FAILURE "Your message\n\n  Subject: hello\n\nwas not "
		  "delivered "
		  "to:\n\n  ann@a.test\n\nbecause:\n\n  User ann (ann@a.test) "
		  "not listed in Domino Directory\n",
		  "hard text: ann@a.test hard user" },
		{ FAILURE "There was an error delivering your mail to "
		  "<ann@a.test>.\n\nmx.a.test did not like our RCPT TO:\n"
		  "450 try again later\n\nMessage headers follow.\n",
		  "soft text: ann@a.test soft network" },
		{ FAILURE "Your message to ann@a.test could not be delivered.\n"
		  "To find out why, write to helpdesk@mx.test or visit\n"
		  "http://mx.test/?who=eve@e.test\n",
		  "hard text: ann@a.test hard" },
		{ FAILURE "Each of the following recipients was rejected by a "
		  "remote mail server.\n\n    Recipient: <ann@a.test>\n"
		  "    Reason:    Mailbox full\n",
		  "soft text: ann@a.test soft full" },
		{ FAILURE "Sent <<< RCPT TO:<ann@a.test>\nReceived >>> 550 no\n"
		  "Sent <<< RCPT TO:<bob@a.test>\nReceived >>> 250 fine\n"
		  "It could not be delivered.\n",
		  "hard text: ann@a.test hard" },
		{ DAEMON "Subject: Mail Delivery Problem\n\nYour mail to the "
		  "following recipients could not be delivered:\n\tann\n",
		  "hard text: ann@mx.test hard" },
		{ FAILURE "Your message could not be delivered.\n\n"
		  "--- Original message follows.\nTo: ann@a.test\n\nhello\n",
		  "hard returned: ann@a.test hard" },
		{ FAILURE "Your message could not be delivered.\n\n"
		  "--- Original message follows.\nTo: dev@lists.test\n"
		  "List-Id: <dev.lists.test>\n\nhello\n",
		  "hard text" },
		{ "From: <>\nReturn-Path: <>\n\nYou sent mail to ann@a.test. "
		  "That's not a valid user here.\n",
		  "hard text: ann@a.test hard user" },
	};

	see_samples(samples, G_N_ELEMENTS(samples));
}

static void
test_languages(void)
{
	static const struct sample samples[] = {
		{ FAILURE "Ihre Nachricht konnte an folgende Empfänger nicht "
		  "zugestellt werden:\n\nann@a.test\n\nBenutzer unbekannt\n",
		  "hard text: ann@a.test hard user" },
		{ FAILURE "Votre message n'a pas pu être remis à\nann@a.test\n"
		  "Boîte aux lettres pleine\n",
		  "soft text: ann@a.test soft full" },
		{ FAILURE "Su mensaje no pudo ser entregado a los siguientes "
		  "destinatarios:\n<ann@a.test>\nNo existe el usuario\n",
		  "hard text: ann@a.test hard user" },
		{ FAILURE "Ваше письмо не может быть доставлено получателям:\n"
		  "  ann@a.test\n    пользователь не найден\n",
		  "hard text: ann@a.test hard user" },
		{ FAILURE "以下のメールアドレスへの送信に失敗しました。\n"
		  "ann@a.test\n"
		  "宛先不明です\n", "hard text: ann@a.test hard user" },
		{ FAILURE "您的邮件无法投递到下列收件人：\nann@a.test\n"
		  "邮箱已满\n",
		  "soft text: ann@a.test soft full" },
	};

	see_samples(samples, G_N_ELEMENTS(samples));
}

static void
test_none(void)
{
	static const struct sample samples[] = {
		{ "", "none" },
		{ "\n\n\n", "none" },
		{ "From: ann@a.test\nSubject: lunch\n\nBob could not be "
		  "reached: bob@a.test\n", "none" },
		/* a person asks about one */
		{ "From: ann@a.test\nSubject: Fwd: Undelivered Mail\n\nWhat is "
		  "this?\n> <bob@b.test>: User unknown\n", "none" },
		{ "From: postmaster@a.test\nSubject: urgent business\n\nWrite "
		  "to rich@b.test and get 85 millions\n", "none" },
		{ "Return-Path: <>\nFrom: ann@a.test\nSubject: Out of office\n"
		  "\nI am away. Ask bob@a.test.\n", "auto-reply automatic" },
		{ "Return-Path: <>\nFrom: ann@a.test\nSubject: thank you\n"
		  "Auto-Submitted: auto-replied\n\nThis address is no longer "
		  "valid; your message to ann@a.test was not delivered. Ask "
		  "bob@a.test.\n", "auto-reply automatic" },
		{ "Return-Path: <>\nFrom: ann@a.test\nSubject: Not read: hi\n"
		  "Content-Type: multipart/report; boundary=b\n\n--b\n\nYour "
		  "message to ann@a.test was not delivered to her.\n--b\n"
		  "Content-Type: message/disposition-notification\n\n"
		  "Disposition: manual-action/MDN-sent-manually; deleted\n\n"
		  "--b--\n", "none disposition" },
		{ "From: ann@a.test\nSubject: hi\nPrecedence: auto_reply\n\n"
		  "Your message is being held because the address is new.\n",
		  "challenge automatic" },
		{ DAEMON "Subject: Warning: message delayed 24 hours\n\nYour "
		  "message has not yet been delivered to:\n\n  ann@a.test\n\n"
		  "No action is required on your part.\n",
		  "delayed text: ann@a.test delayed" },
		{ DAEMON "Subject: Delivery Status Notification (Delay)\n\n"
		  "THIS "
		  "IS A WARNING MESSAGE ONLY.\nDelivery to the following "
		  "recipient has been delayed:\n\n   ann@a.test\n\nIt was "
		  "rejected: 452 quota exceeded\n",
		  "delayed text: ann@a.test delayed full" },
	};

	see_samples(samples, G_N_ELEMENTS(samples));
}

static void
test_broken(void)
{
	static const struct sample samples[] = {
		{ "From x Thu Apr  1 00:00:00 2010\n" FAILURE
		  "Unable to deliver to:\n<ann@a.test>\n",
		  "hard text: ann@a.test hard" },
		{ "Received: from a\nby b with a lost blank\n" FAILURE
		  "Unable to deliver to:\n<ann@a.test>\n",
		  "hard text: ann@a.test hard" },
		/* no boundary is where the header says */
		{ DAEMON "Subject: Returned mail\nContent-Type: "
		  "multipart/report; boundary=lost\n\n--b\n\nsorry\n\n--b\n"
		  "Content-Type: message/delivery-status\n\nReporting-MTA: x\n"
		  "\n"
		  "Final-Recipient: rfc822; ann@a.test\nAction: failed\n"
		  "Status: 5.1.1\n", "hard fields: ann@a.test hard 5.1.1 "
		  "user" },
		/* a scanner's report around the server's */
		{ DAEMON "Subject: Delivery Status Notification\nContent-Type: "
		  "multipart/mixed; boundary=o\n\n--o\nContent-Type: "
		  "message/rfc822\n\n" DSN("Final-Recipient: rfc822; "
		  "ann@a.test\nAction: failed\nStatus: 5.1.1\n") "\n--o--\n",
		  "hard enclosed: ann@a.test hard 5.1.1 user" },
	};

	see_samples(samples, G_N_ELEMENTS(samples));
}

static void
test_envelope(void)
{
	static const char nobody[] = DAEMON
		"Subject: Undelivered mail\n\nIt could not be delivered.\n";
	static const char words[] =
		"From: ann@a.test\nSubject: hello\n\n"
		"Your message to bob@a.test was not delivered.\n";
	struct bounce_envelope envelope = { "", "ann@a.test" };
	g_autofree char *named = summary(nobody, &envelope);
	g_autofree char *null = summary(words, &envelope);
	g_autofree char *not_null = NULL;

	g_assert_cmpstr(named, ==, "hard text: ann@a.test hard");
	g_assert_cmpstr(null, ==, "hard text: bob@a.test hard");
	envelope.sender = "ann@a.test";
	not_null = summary(words, &envelope);
	g_assert_cmpstr(not_null, ==, "none");
}

/* One sentence, one reason */
static void
test_phrases(void)
{
	static const struct {
		const char *text;
		enum bounce_reason reason;
	} rows[] = {
		{ "550 5.1.1 <a@b.test>... User unknown", REASON_USER },
		{ "Requested action not taken: mailbox unavailable",
		  REASON_USER },
		{ "The email account that you tried to reach does not exist.",
		  REASON_USER },
		{ "mailbox unavailable: quota exceeded", REASON_FULL },
		{ "552 The recipient's mailbox is full", REASON_FULL },
		{ "Not enough storage space", REASON_FULL },
		{ "Unrouteable address", REASON_HOST },
		{ "Host or domain name not found", REASON_HOST },
		{ "The account has been disabled", REASON_DISABLED },
		{ "The recipient has moved", REASON_MOVED },
		{ "message has been in the queue too long", REASON_EXPIRED },
		{ "connect to mx.test: Connection refused", REASON_NETWORK },
		{ "Message size exceeds fixed limit", REASON_SIZE },
		{ "Relay access denied", REASON_RELAY },
		{ "blocked using a blocklist", REASON_POLICY },
		{ "Usuario desconocido", REASON_USER },
		{ "Postfach ist voll", REASON_FULL },
		{ "хост... адрес не найден", REASON_USER },
		{ "hello", REASON_NONE },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *plain = phrase_plain(rows[i].text,
						      strlen(rows[i].text));

		g_test_message("%s", rows[i].text);
		g_assert_cmpstr(bounce_reason_name(phrase_reason(plain)), ==,
				bounce_reason_name(rows[i].reason));
	}
}

static void
test_plain(void)
{
	g_autofree char *ascii = phrase_plain("  A\t\r\n b\x01 C ", 12);
	g_autofree char *utf8 = phrase_plain("\xc3\x84 \xe2\x80\x99X\xff", 8);

	g_assert_cmpstr(ascii, ==, "a b c");
	g_assert_cmpstr(utf8, ==, "\xc3\xa4 'x\xef\xbf\xbd");
}

/* As many as somebody cares to send, and as long */
static void
test_limits(void)
{
	g_autoptr(GString) dsn = g_string_new("");
	g_autoptr(GString) words = g_string_new(FAILURE
		"The following addresses failed:\n");
	g_autoptr(GString) line = g_string_new(FAILURE);
	g_autofree char *text = NULL;
	struct bounce_result result;

	for (int i = 0; i < 5000; i++) {
		g_string_append_printf(dsn, "Final-Recipient: rfc822; "
				       "a%d@a.test\nAction: failed\n\n", i);
		g_string_append_printf(words, "a%d@a.test\n", i);
	}
	for (int i = 0; i < 500000; i++)
		g_string_append(line, "a@b.c ");
	text = g_strdup_printf(DSN("%s"), dsn->str);
	bounce_recognise(text, strlen(text), NULL, &result);
	g_assert_cmpuint(result.recipients->len, ==, BOUNCE_RECIPIENTS_MAX);
	bounce_result_done(&result);
	bounce_recognise(words->str, words->len, NULL, &result);
	g_assert_cmpuint(result.recipients->len, ==, 100);
	bounce_result_done(&result);
	bounce_recognise(line->str, line->len, NULL, &result);
	g_assert_cmpuint(result.recipients->len, <=, 1);
	bounce_result_done(&result);
}

static void
test_mbox(void)
{
	static const char two[] = "From a Thu Apr  1 00:00:00 2010\nA: b\n\n"
		"From here on, nothing\n\nFrom b Fri Apr  2 00:00:00 2010\nC: "
		  "d\n";
	static const char one[] = "A: b\n\n\nFrom b Fri Apr  2 2010\nC: d\n";
	size_t first = report_mbox_len(two, sizeof(two) - 1);

	g_assert_true(g_str_has_prefix(two + first, "From b Fri"));
	g_assert_cmpuint(report_mbox_len(two + first, sizeof(two) - 1 - first),
			 ==, sizeof(two) - 1 - first);
	g_assert_cmpuint(report_mbox_len(one, sizeof(one) - 1), ==,
			 sizeof(one) - 1);
}

static const struct tap_case cases[] = {
	{ "reports that keep to a standard", test_standards },
	{ "reports in a server's own words", test_words },
	{ "in the languages that servers speak", test_languages },
	{ "what is no failure", test_none },
	{ "broken reports", test_broken },
	{ "the envelope says what the message does not", test_envelope },
	{ "a sentence has one reason", test_phrases },
	{ "text is made plain", test_plain },
	{ "limits", test_limits },
	{ "an mbox has messages", test_mbox },
	{ NULL, NULL }
};

int
main(void)
{
	mime_init();
	return tap_run("recognise", cases);
}
