/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/pending/pending.h"

#include "core/auth/sigcore.h"
#include "core/mail/header.h"
#include "t/unit/stage-case.h"
#include "core/base/banned.h"

#define FROM "From: Ann <ann@example.net>\r\n"
#define REST "To: dev@lists.example.org\r\nSubject: hi\r\n" \
	"Date: Mon, 23 Nov 2026 12:00:00 +0000\r\n" \
	"Message-ID: <1@example.net>\r\n"
#define BODY "body\r\n"
#define BODY_HASH "Ck5SoRNWUpSR4X0COv7R5ub2pUTtl6xz4dTFz++ji4M="
/* of which the gate has found that it holds */
#define SIGNED(names, more) "DKIM-Signature: v=1; a=rsa-sha256; d=example." \
	"net; s=s1;\r\n\tc=relaxed/relaxed; h=" names ";" more "\r\n" \
	"\tbh=" BODY_HASH ";\r\n\tb=AbC dEf\r\n\tGhIjK\r\n"

#define DMARC(result, policy, more) "{\"dmarc\":{\"author_domain\":" \
	"\"example.net\",\"result\":\"" result "\",\"policy\":\"" policy \
	"\"" more "}"
#define SIGNATURE ",\"dkim\":[{\"result\":\"pass\",\"domain\":" \
	"\"example.net\",\"selector\":\"s1\",\"signature\":\"AbCdEfGh\"}]"
#define STRICT DMARC("pass", "reject", "") "}"
#define STRICT_SIGNED DMARC("pass", "reject", "") SIGNATURE "}"
#define LAX DMARC("pass", "none", "") "}"

#define MUNGED "From: Ann via dev <dev@lists.example.org>\r\n"

static enum err_code
run_body(struct txn *txn, void *arg, struct err *err)
{
	struct stage_work *work = arg;

	return pending_run(txn, &(struct pending_with){
		work->t->settings, work->t->verp, work->t->keys }, work->job,
			   err);
}

struct made {
	struct stage_case t;
	struct form *form;
	char *header, *trace;
};

static void
begin(struct made *made, const char *evidence)
{
	stage_begin(&made->t);
	stage_set(&made->t, "dmarc", "munge-from");
	made->t.evidence = evidence;
}

static void
make(struct made *made, const char *bytes)
{
	struct stage_work work = { .t = &made->t };
	struct post_id id = stage_post(&made->t, STAGE_PENDING, ROLE_POST, "",
				       "ann@example.net", bytes);
	struct job *job = stage_job(&made->t, STAGE_PENDING);
	const char *text;
	gsize len;

	work.job = job;
	case_txn(&made->t.s, run_body, &work);
	job_free(job);
	case_ok(form_get(store_reader(made->t.s.store), &id, made->t.list,
			 FORM_COPIES, &made->form, &made->t.s.err),
		&made->t.s);
	text = g_bytes_get_data(made->form->header, &len);
	made->header = g_strndup(text, len);
	made->trace = stage_trace(&made->t, &id);
}

static void
made_done(struct made *made)
{
	form_free(made->form);
	g_free(made->header);
	g_free(made->trace);
	stage_end(&made->t);
}

static void
see_not(const char *text, const char *part)
{
	if (strstr(text, part) != NULL)
		g_error("\"%s\" is in:\n%s", part, text);
}

/* --- when --------------------------------------------------------------- */

static const struct {
	const char *what, *evidence, *header;
	const char *keys[6];
	bool munged;
} cases[] = {
	{ "its domain asks to reject", STRICT, FROM REST, { NULL }, true },
	{ "or to quarantine", DMARC("pass", "quarantine", "") "}", FROM REST,
	  { NULL }, true },
	{ "t=y is the same to lists",
	  DMARC("fail", "quarantine", ",\"testing\":true") "}", FROM REST,
	  { NULL }, true },
	{ "it asks for nothing", LAX, FROM REST, { NULL }, false },
	{ "it has no record", DMARC("none", "", "") "}", FROM REST, { NULL },
	  false },
	/* never open */
	{ "the DNS did not say", DMARC("temperror", "", "") "}", FROM REST,
	  { NULL }, true },
	{ "nor for what it asks, but it passed", DMARC("pass", "", "") "}",
	  FROM REST, { NULL }, true },
	{ "the DNS said as much", DMARC("temperror", "none", "") "}",
	  FROM REST, { NULL }, false },
	{ "nobody has looked", NULL, FROM REST, { NULL }, true },
	{ "an older muster, or none", "{\"spf\":{}}", FROM REST, { NULL },
	  true },
	{ "what is no JSON", "{", FROM REST, { NULL }, true },
	{ "From of two domains",
	  "{\"dmarc\":{\"result\":\"permerror\"}}",
	  "From: Ann <ann@example.net>, bob@example.com\r\n" REST, { NULL },
	  true },
	{ "another From than was judged", LAX,
	  "From: x@other.example\r\n" REST, { NULL }, true },
	{ "From is not understood", LAX, "From: ann\r\n" REST, { NULL },
	  true },
	/* keys */
	{ "dmarc=none", STRICT, FROM REST, { "dmarc", "none" }, false },
	{ "dmarc=reject, and past the gate", STRICT, FROM REST,
	  { "dmarc", "reject" }, true },
	{ "always", LAX, FROM REST, { "dmarc-when", "always" }, true },
	{ "always, but of the list's domain", LAX,
	  "From: x@lists.example.org\r\n" REST, { "dmarc-when", "always" },
	  false },
	/* the signature */
	{ "it holds", STRICT_SIGNED,
	  SIGNED("from:to:subject", "") FROM REST, { NULL }, false },
	{ "policy: it does not matter", STRICT_SIGNED,
	  SIGNED("from:to:subject", "") FROM REST,
	  { "dmarc-when", "policy" }, true },
	{ "always: neither", STRICT_SIGNED,
	  SIGNED("from:to:subject", "") FROM REST,
	  { "dmarc-when", "always" }, true },
	{ "a footer breaks it", STRICT_SIGNED,
	  SIGNED("from:to:subject", "") FROM REST, { "footer", "x" }, true },
	{ "and where l= is there", STRICT_SIGNED,
	  SIGNED("from:to:subject", " l=6;") FROM REST, { "footer", "x" },
	  true },
	{ "a prefix breaks it", STRICT_SIGNED,
	  SIGNED("from:to:subject", "") FROM REST,
	  { "subject-prefix", "[dev]" }, true },
	{ "but not where Subject is not signed", STRICT_SIGNED,
	  SIGNED("from:to", "") FROM REST, { "subject-prefix", "[dev]" },
	  false },
	{ "nor where it is there already", STRICT_SIGNED,
	  SIGNED("from:to:subject", "") FROM
	  "Subject: [dev] hi\r\nTo: dev@lists.example.org\r\n",
	  { "subject-prefix", "[dev]" }, false },
	{ "oversigned, none added", STRICT_SIGNED,
	  SIGNED("from:from:to:to:cc:subject:subject:sender:reply-to", "")
	  FROM REST, { NULL }, false },
	{ "oversigned fields that a list adds", STRICT_SIGNED,
	  SIGNED("from:list-unsubscribe", "") FROM REST, { NULL }, true },
	{ "another list's, which we take away", STRICT_SIGNED,
	  SIGNED("from:list-id", "") "List-Id: <x.example>\r\n" FROM REST,
	  { NULL }, true },
	{ "another signature was judged", STRICT_SIGNED,
	  "DKIM-Signature: v=1; d=example.net; s=s1; h=from; b=AbCdEfXX\r\n"
	  FROM REST, { NULL }, true },
	{ "of another domain",
	  DMARC("pass", "reject", "") ",\"dkim\":[{\"result\":\"pass\","
	  "\"domain\":\"other.example\",\"selector\":\"s1\",\"signature\":"
	  "\"AbCdEfGh\"}]}", SIGNED("from", "") FROM REST, { NULL }, true },
	{ "of one that is aligned",
	  DMARC("pass", "reject", ",\"aligned\":\"dkim\",\"aligned_domain\":"
	  "\"mail.example.net\"") ",\"dkim\":[{\"result\":\"pass\","
	  "\"domain\":\"mail.example.net\",\"selector\":\"s1\","
	  "\"signature\":\"AbCdEfGh\"}]}", SIGNED("from", "") FROM REST,
	  { NULL }, false },
	{ "it did not hold at the gate",
	  DMARC("pass", "reject", "") ",\"dkim\":[{\"result\":\"fail\","
	  "\"domain\":\"example.net\",\"selector\":\"s1\",\"signature\":"
	  "\"AbCdEfGh\"}]}", SIGNED("from", "") FROM REST, { NULL }, true },
	{ "a signature that claims nothing", STRICT_SIGNED,
	  "DKIM-Signature: d=example.net; s=s1; b=AbCdEfGh\r\n" FROM REST,
	  { NULL }, true },
};

/* What is made anew for a long line is looked at: the hash of its body. */
static void
test_made_anew(void)
{
	static const struct { const char *hash; bool munged; } each[] = {
		{ BODY_HASH, false },
		{ "AAAAUFqeDXPR8pr/+SXWHiaIvEk0Hn/WT2n8lMUP2UQ=", true },
	};
	g_autofree char *words = g_strnfill(2000, 'x');

	for (size_t i = 9; i < 2000; i += 10)
		words[i] = ' ';
	for (size_t i = 0; i < G_N_ELEMENTS(each); i++) {
		g_autofree char *bytes = g_strdup_printf(
			"DKIM-Signature: v=1; d=example.net; s=s1; h=from; "
			"c=relaxed/relaxed;\r\n\tbh=%s; b=AbCdEfGhIjK\r\n"
			"X-Long: %s\r\n" FROM REST "\r\n" BODY,
			each[i].hash, words);
		struct made made;

		begin(&made, STRICT_SIGNED);
		make(&made, bytes);
		stage_see(made.trace, "re-encoded");
		g_assert_true((strstr(made.header, MUNGED) != NULL) ==
			      each[i].munged);
		made_done(&made);
	}
}

static void
test_when(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *bytes = g_strconcat(cases[i].header, "\r\n",
						     BODY, NULL);
		struct made made;
		bool munged;

		begin(&made, cases[i].evidence);
		for (size_t j = 0; cases[i].keys[j] != NULL; j += 2)
			stage_set(&made.t, cases[i].keys[j],
				  cases[i].keys[j + 1]);
		make(&made, bytes);
		munged = strstr(made.header,
				"via dev") != NULL;
		if (munged != cases[i].munged)
			g_error("%s: %s\n%s", cases[i].what, munged ?
				"munged" : "not munged", made.header);
		g_assert_true((strstr(made.trace, "From munged (") != NULL)
			      == munged);
		made_done(&made);
	}
}

/* --- what --------------------------------------------------------------- */

static void
test_munged(void)
{
	struct made made;

	begin(&made, STRICT);
	make(&made, FROM "Sender: ann@example.net\r\nDKIM-Signature: "
	     "h=from:sender; b=x\r\n" REST "\r\n" BODY);
	stage_see(made.header, MUNGED);
	stage_see(made.header, "\r\nReply-To: Ann <ann@example.net>\r\n");
	stage_see(made.header, "\r\nAuthor: Ann <ann@example.net>\r\n");
	stage_see(made.header,
		  "\r\nSender: <dev-bounces@lists.example.org>\r\n");
	see_not(made.header, "Sender: ann");
	stage_see(made.trace, "From munged (its domain asks to reject what it "
		  "has not signed)");
	g_assert_null(made.form->body);
	made_done(&made);
}

/* The names of those who wrote before do not pile up in To. */
static void
test_answers(void)
{
	static const char to[] =
		"To: Bob via dev <dev@lists.example.org>\r\n"
		"Cc: \"A, X via dev\" <dev@lists.example.org>, c@x.example"
		"\r\n";
	static const struct { const char *signature; bool to, cc; } each[] = {
		{ "", true, true },
		{ SIGNED("from:to:cc", ""), false, false },
		{ SIGNED("from:to", ""), false, true },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(each); i++) {
		g_autofree char *bytes = g_strconcat(each[i].signature, FROM,
						     to, "\r\n" BODY, NULL);
		struct made made;

		begin(&made, DMARC("pass", "none", "") SIGNATURE "}");
		make(&made, bytes);
		stage_see(made.header, each[i].to ?
			  "\r\nTo: <dev@lists.example.org>\r\n" :
			  "\r\nTo: Bob via dev <");
		stage_see(made.header, each[i].cc ?
			  "\r\nCc: <dev@lists.example.org>, c@x.example\r\n" :
			  "\r\nCc: \"A, X via dev\" <");
		stage_see(made.header, FROM);
		made_done(&made);
	}
}

/* Of the domain that the list signs for. */
static void
test_own_domain(void)
{
	struct made made;

	begin(&made, STRICT);
	stage_set(&made.t, "sign-domain", "example.net");
	make(&made, FROM REST "\r\n" BODY);
	stage_see(made.header, MUNGED);	/* there is no key */
	made_done(&made);
}

static void
test_wrapped(void)
{
	struct made made;
	const char *body;
	gsize len;
	g_autofree char *text = NULL;

	begin(&made, STRICT);
	stage_set(&made.t, "dmarc", "wrap");
	stage_set(&made.t, "footer", "the end");
	stage_set(&made.t, "subject-prefix", "[dev]");
	make(&made, SIGNED("from:subject", "") FROM REST "\r\n" BODY);
	stage_see(made.header, MUNGED);
	stage_see(made.header, "\r\nSubject: [dev] hi\r\n");
	stage_see(made.header, "\r\nMessage-ID: <1@example.net>\r\n");
	stage_see(made.header, "\r\nContent-Type: multipart/mixed;");
	see_not(made.header, "DKIM");
	body = g_bytes_get_data(made.form->body, &len);
	text = g_strndup(body, len);
	stage_see(text, "Content-Type: message/rfc822\r\n");
	stage_see(text, SIGNED("from:subject", "") FROM REST "\r\n" BODY);
	stage_see(text, "the end");
	see_not(text, "List-Unsubscribe");
	stage_see(made.trace, "wrapped (its domain");
	made_done(&made);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/mitigation/when", test_when);
	g_test_add_func("/mitigation/made-anew", test_made_anew);
	g_test_add_func("/mitigation/munged", test_munged);
	g_test_add_func("/mitigation/answers", test_answers);
	g_test_add_func("/mitigation/own-domain", test_own_domain);
	g_test_add_func("/mitigation/wrapped", test_wrapped);
	return g_test_run();
}
