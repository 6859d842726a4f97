/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/base/log.h"
#include "t/unit/held-case.h"
#include "core/base/banned.h"

/* --- notices ------------------------------------------------------------ */

static void
test_notice(void)
{
	g_auto(GStrv) sent = NULL;
	struct held_case h;
	struct job *held;

	held_begin(&h);
	stage_set(&h.t, "moderator", "mod@example.org, two@example.org");
	held = hold(&h, &anns);
	g_assert_cmpuint(run_due(&h, STAGE_NOTICE, notice_body), ==, 1);
	see_counts(&h, 1, 0, 0, 2);
	see_trace(&h, &held->post,
		  "notice to mod@example.org, two@example.org");
	sent = letters(&h);
	stage_see(sent[0], "mod@example.org: From: <dev-owner@lists.");
	stage_see(sent[1], "two@example.org: From: <dev-owner@lists.");
	stage_see(sent[0], "\r\nTo: <mod@example.org>\r\n");
	stage_see(sent[0], "\r\nSubject: Held for dev: hi there\r\n");
	stage_see(sent[0], "\r\nAuto-Submitted: auto-generated\r\n");
	stage_see(sent[0], "\r\nList-Id: <dev.lists.example.org>\r\n");
	stage_see(sent[0], "\r\nX-Auto-Response-Suppress: All\r\n");
	stage_see(sent[0], "Author:    ann@example.net\r\n");
	stage_see(sent[0], "           verified: ");
	stage_see(sent[0], "Held for:  rule 2: not author.member\r\n");
	stage_see(sent[0], "Expires:   2027-01-29 08:00 UTC\r\n");
	stage_see(sent[0], "  | first line\r\n");
	stage_see(sent[0], "Content-Type: message/rfc822\r\n");
	stage_see(sent[0], "\r\n\r\n" POST "\r\n--");
	see_counts(&h, 1, 0, 0, 0);
	job_free(held);
	held_end(&h);
}

/* The text between two others. */
static char *
between(const char *text, const char *left, const char *right)
{
	const char *from = strstr(text, left), *to;

	g_assert_nonnull(from);
	from += strlen(left);
	to = strstr(from, right);
	g_assert_nonnull(to);
	return g_strndup(from, (gsize)(to - from));
}

static enum held_decision
opened(struct held_case *h, const struct job *held, const char *token)
{
	uint8_t prefix[HELD_PREFIX_LEN];
	enum held_decision decision;

	g_assert_true(held_token_open(h->key, LIST_ADDR, token, &decision,
				      prefix));
	g_assert_cmpmem(prefix, sizeof(prefix), held->id.bytes,
			sizeof(prefix));
	return decision;
}

static void
test_addresses(void)
{
	static const struct {
		const char *before; enum held_decision decision;
	} ways[] = {
		{ "Approve: the post is sent to the list.\r\n\r\n  ",
		  HELD_APPROVE },
		{ "tells why.\r\n\r\n  ", HELD_REJECT },
		{ "Discard: nobody is told.\r\n\r\n  ", HELD_DISCARD },
		{ "of this author again.\r\n\r\n  ", HELD_ACCEPT },
		{ "\r\nReply-To: <", HELD_ASK },
	};
	g_auto(GStrv) sent = NULL;
	struct held_case h;
	struct job *held;

	held_begin(&h);
	held = hold(&h, &anns);
	run_due(&h, STAGE_NOTICE, notice_body);
	sent = letters(&h);
	for (size_t i = 0; i < G_N_ELEMENTS(ways); i++) {
		g_autofree char *start = g_strconcat(ways[i].before,
						     "dev-confirm+", NULL);
		g_autofree char *token = between(sent[0], start,
						 "@lists.example.org");

		g_assert_cmpint(opened(&h, held, token), ==,
				ways[i].decision);
	}
	stage_see(sent[0], "?subject=reject&body=Reason:%20>");
	job_free(held);
	held_end(&h);
}

static void
see_notice_of(const char *bytes, const char *part, const char *no)
{
	struct mail mail = anns;
	g_auto(GStrv) sent = NULL;
	struct held_case h;

	held_begin(&h);
	mail.bytes = bytes;
	job_free(hold(&h, &mail));
	run_due(&h, STAGE_NOTICE, notice_body);
	sent = letters(&h);
	stage_see(sent[0], part);
	if (strstr(sent[0], no) != NULL)
		g_error("\"%s\" is in:\n%s", no, sent[0]);
	for (const char *at = sent[0]; at != NULL; at = strchr(at + 1, '\n'))
		g_assert_cmpuint(strcspn(at + 1, "\n"), <=, 999);
	held_end(&h);
}

/* A post must not be able to break its notice. */
static void
test_hostile(void)
{
	g_autofree char *fill = g_strnfill(70000, 'x');
	g_autofree char *large = g_strconcat(POST, fill, "\r\n", NULL);
	g_autofree char *subject = g_strnfill(3000, 's');
	g_autofree char *long_line = g_strdup_printf("Subject: %s\r\n\r\n\r\n",
						     subject);

	see_notice_of(large, "Content-Type: text/rfc822-headers", "rfc822\r");
	see_notice_of(long_line, "Content-Type: text/rfc822-headers; "
		      "charset=utf-8\r\nContent-Transfer-Encoding: base64",
		      "rfc822\r");
	see_notice_of("Subject: \xc3\xbc\r\n\r\n\xff\xfe\r\n",
		      "Content-Transfer-Encoding: 8bit\r\n\r\nSubject: ",
		      "Held for dev: \xc3");
	see_notice_of("Subject: =?utf-8?q?a=0D=0ABcc:_x@y?=\r\n\r\n",
		      "Subject: Held for dev: a", "\nBcc:");
	see_notice_of("", "Subject: Held for dev: (no subject)",
		      "It begins");
	see_notice_of("no header\r\n", "\r\nno header", "Bcc");
}

static void
test_nobody(void)
{
	struct held_case h;
	struct job *held;

	held_begin(&h);
	stage_set(&h.t, "owner", "");
	held = hold(&h, &anns);
	run_due(&h, STAGE_NOTICE, notice_body);
	see_trace(&h, &held->post, "neither moderator nor owner");
	see_counts(&h, 1, 0, 0, 0);
	job_free(held);
	held_end(&h);
}

static void
test_author_told(void)
{
	struct mail forged = anns;
	g_auto(GStrv) sent = NULL, none = NULL;
	struct held_case h;
	struct job *held;

	held_begin(&h);
	stage_set(&h.t, "held-notice", "yes");
	held = hold(&h, &anns);
	run_due(&h, STAGE_NOTICE, notice_body);
	see_trace(&h, &held->post, "the author was told that it waits");
	sent = letters(&h);
	g_assert_cmpuint(g_strv_length(sent), ==, 2);
	stage_see(sent[0], "ann@example.net: ");
	stage_see(sent[0], "Auto-Submitted: auto-replied");
	g_assert_null(strstr(sent[0], "dev-confirm"));
	job_free(held);

	forged.evidence = "";
	held = hold(&h, &forged);
	run_due(&h, STAGE_NOTICE, notice_body);
	none = letters(&h);
	g_assert_cmpuint(g_strv_length(none), ==, 1);
	stage_see(none[0], "owner@example.org: ");
	stage_see(none[0], "NOT verified");
	job_free(held);
	held_end(&h);
}

/* --- digests ------------------------------------------------------------ */

static void
test_digest(void)
{
	g_auto(GStrv) sent = NULL, again = NULL;
	struct held_case h;
	struct job *one, *two, *digest;

	held_begin(&h);
	stage_set(&h.t, "moderator", "mod@example.org, two@example.org");
	stage_set(&h.t, "moderator-digest", "mod@example.org, no@example.org");
	one = hold(&h, &anns);
	two = hold(&h, &anns);
	run_due(&h, STAGE_NOTICE, notice_body);
	see_trace(&h, &one->post, "notice to two@example.org");
	see_trace(&h, &one->post, "in the next digest to mod@example.org");
	g_strfreev(letters(&h));
	see_counts(&h, 2, 1, 0, 0);
	digest = stage_job(&h.t, STAGE_NOTICE);
	g_assert_cmpint(digest->due_ms, >, NOW_MS);
	g_assert_cmpint(digest->due_ms, <=, NOW_MS + DAY_MS);
	h.now_ms = digest->due_ms;
	g_assert_cmpuint(run_due(&h, STAGE_NOTICE, notice_body), ==, 1);
	sent = letters(&h);
	g_assert_cmpuint(g_strv_length(sent), ==, 1);
	stage_see(sent[0], "mod@example.org: ");
	stage_see(sent[0], "Subject: Held for dev: 2 posts\r\n");
	stage_see(sent[0], "\r\n2.\r\n");
	stage_see(sent[0], "   approve:   dev-confirm+");
	job_free(digest);

	/* the next morning it says what became of them */
	(void) decide(&h, one, HELD_APPROVE, "");
	h.now_ms = two->due_ms;
	g_assert_cmpuint(run_due(&h, STAGE_HELD, expire_body), ==, 1);
	digest = stage_job(&h.t, STAGE_NOTICE);
	g_assert_cmpuint(g_strv_length(digest->addrs), ==, 1);
	g_assert_cmpuint(run_due(&h, STAGE_NOTICE, notice_body), ==, 1);
	again = letters(&h);
	stage_see(again[0], "Expired since the last digest");
	stage_see(again[0], "   ann@example.net: hi there\r\n");
	see_counts(&h, 0, 0, 1, 0);
	job_free(digest);
	job_free(one);
	job_free(two);
	held_end(&h);
}

/* Nobody gets a notice for each of a hundred posts. */
static void
test_flood(void)
{
	g_auto(GStrv) sent = NULL, digest = NULL;
	struct held_case h;

	held_begin(&h);
	for (int i = 0; i < 110; i++)
		job_free(hold(&h, &anns));
	g_assert_cmpuint(run_due(&h, STAGE_NOTICE, notice_body), ==, 110);
	sent = letters(&h);
	g_assert_cmpuint(g_strv_length(sent), ==, 20);
	see_counts(&h, 110, 1, 0, 0);
	h.now_ms += 3600000;
	g_assert_cmpuint(run_due(&h, STAGE_NOTICE, notice_body), ==, 1);
	digest = letters(&h);
	g_assert_cmpuint(g_strv_length(digest), ==, 1);
	stage_see(digest[0], "Subject: Held for dev: 110 posts\r\n");
	stage_see(digest[0], "Only the first 100 are shown.");
	see_counts(&h, 110, 0, 0, 0);
	held_end(&h);
}

/* --- tokens ------------------------------------------------------------- */

static void
test_tokens(void)
{
	char token[HELD_TOKEN_LEN + 1], verp[VERP_TOKEN_LEN + 1];
	const char *longest = "a234567890123456789012345678901@example.org";
	uint8_t prefix[HELD_PREFIX_LEN], other[32] = { 1 };
	g_autofree char *addr = NULL;
	enum held_decision decision;
	struct held_key *stranger = held_key_new(other);
	struct held_case h;
	struct post_id id;

	held_begin(&h);
	post_id_new(&id);
	held_token_make(h.key, LIST_ADDR, HELD_DISCARD, &id, token);
	g_assert_true(held_token_open(h.key, LIST_ADDR, token, &decision,
				      prefix));
	g_assert_cmpint(decision, ==, HELD_DISCARD);
	g_assert_false(held_token_open(h.key, "ops@lists.example.org", token,
				       &decision, prefix));
	g_assert_false(held_token_open(stranger, LIST_ADDR, token, &decision,
				       prefix));
	verp_make(h.t.verp, LIST_ADDR, id.bytes, id.bytes, verp);
	g_assert_false(held_token_open(h.key, LIST_ADDR, verp, &decision,
				       prefix));
	for (size_t i = 0; i < HELD_TOKEN_LEN; i++) {
		char was = token[i];

		token[i] = was == 'a' ? 'b' : 'a';
		g_assert_false(held_token_open(h.key, LIST_ADDR, token,
					       &decision, prefix));
		token[i] = was;
	}
	g_assert_false(held_token_open(h.key, LIST_ADDR, "", &decision,
				       prefix));
	g_assert_null(list_name_check(longest));
	addr = g_strdup_printf("-confirm+%s", token);
	g_assert_cmpuint(strcspn(longest, "@") + strlen(addr), <=,
			 ADDR_LOCAL_MAX);
	held_key_free(stranger);
	held_end(&h);
}

/* --- answers ------------------------------------------------------------ */

static void
test_may(void)
{
	static const struct {
		const char *who; bool right; enum held_outcome outcome;
	} people[] = {
		{ "mod@example.org", true, HELD_DONE },
		{ "owner@example.org", true, HELD_DONE },
		{ "mod@example.org", false, HELD_NO_TOKEN },
		{ "", true, HELD_NOT_VERIFIED },
		{ "ann@example.net", true, HELD_NOT_MODERATOR },
		{ "digest@example.org", true, HELD_NOT_MODERATOR },
		{ "", false, HELD_NO_TOKEN },
	};
	struct list list = { .addr = (char *)(uintptr_t)LIST_ADDR };
	char token[HELD_TOKEN_LEN + 1];
	enum held_outcome outcome;
	struct held_case h;
	struct job *held;

	held_begin(&h);
	list.id = h.t.list;
	stage_set(&h.t, "moderator", "mod@example.org");
	stage_set(&h.t, "moderator-digest", "digest@example.org");
	held = hold(&h, &anns);
	held_token_make(h.key, LIST_ADDR, HELD_APPROVE, &held->id, token);
	for (size_t i = 0; i < G_N_ELEMENTS(people); i++) {
		g_autofree char *reply = NULL;

		case_ok(held_may_act(store_reader(h.t.s.store), h.key, &list,
				     people[i].right ? token : "nonsense",
				     people[i].who, &outcome, &h.t.s.err),
			&h.t.s);
		g_assert_cmpint(outcome, ==, people[i].outcome);
		reply = held_refusal(outcome, LIST_ADDR);
		if (outcome == HELD_DONE)
			g_assert_null(reply);
		else
			g_assert_true(g_str_has_prefix(reply, "550 5."));
	}
	(void) decide(&h, held, HELD_DISCARD, "");
	case_ok(held_may_act(store_reader(h.t.s.store), h.key, &list, token,
			     "mod@example.org", &outcome, &h.t.s.err),
		&h.t.s);
	g_assert_cmpint(outcome, ==, HELD_DECIDED);
	job_free(held);
	held_end(&h);
}

static void
test_words(void)
{
	static const struct {
		enum held_decision token; const char *text;
		int decision; const char *reason;
	} texts[] = {
		{ HELD_ASK, "approve", HELD_APPROVE, "" },
		{ HELD_ASK, "\n\n  Approve!\n> approve or reject", HELD_APPROVE,
		  "" },
		{ HELD_ASK, "REJECT: off topic,\nas I said\n\nBob\n",
		  HELD_REJECT, "off topic, as I said" },
		{ HELD_ASK, "reject\nReason: spam\n-- \nBob", HELD_REJECT,
		  "spam" },
		{ HELD_ASK, "discard\n", HELD_DISCARD, "" },
		{ HELD_ASK, "accept.", HELD_ACCEPT, "" },
		{ HELD_ASK, "", 0, "" },
		{ HELD_ASK, "I am out of office until Monday", 0, "" },
		{ HELD_ASK, "> approve\n", 0, "" },
		{ HELD_ASK, "On Monday you wrote:\napprove\n", 0, "" },
		{ HELD_ASK, "approved", 0, "" },
		{ HELD_ASK, "approve-not", 0, "" },
		{ HELD_ASK, "approve\xc3\xa9", 0, "" },
		{ HELD_ASK, "don't approve", 0, "" },
		{ HELD_REJECT, "", HELD_REJECT, "" },
		{ HELD_REJECT, "approve", HELD_REJECT, "" },
		{ HELD_REJECT, "Hello,\nREASON: too\nlong\n\nx", HELD_REJECT,
		  "too long" },
		{ HELD_REJECT, "ok\n> Reason: quoted\n", HELD_REJECT, "" },
		{ HELD_APPROVE, "reject", HELD_APPROVE, "" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
		struct answer answer = { 0 };
		bool good = answer_read(texts[i].token, texts[i].text,
					&answer);

		g_test_message("%s", texts[i].text);
		g_assert_cmpint(good ? (int)answer.decision : 0, ==,
				texts[i].decision);
		if (good)
			g_assert_cmpstr(answer.reason, ==, texts[i].reason);
		g_free(answer.reason);
	}
}

/* A moderator's mail about that post, run. */
static enum held_outcome
answer(struct held_case *h, const struct job *held, enum held_decision token,
       const char *evidence, const char *bytes)
{
	char text[HELD_TOKEN_LEN + 1];
	struct mail mail = { "mod@example.org", "mod@example.org", evidence,
			     bytes, text };
	struct decide_work work = { .h = h };
	g_autoptr(GPtrArray) jobs = NULL;
	struct post_id id;

	held_token_make(h->key, LIST_ADDR, token, &held->id, text);
	id = put_mail(h, &mail, STAGE_PENDING);
	jobs = case_due(&h->t.s, STAGE_PENDING, INT64_MAX);
	for (guint i = 0; i < jobs->len; i++)
		if (post_id_equal(&((struct job *)jobs->pdata[i])->post, &id))
			work.job = jobs->pdata[i];
	g_assert_true(held_is_answer(h->key, work.job));
	case_txn(&h->t.s, answer_body, &work);
	g_assert_false(stage_has_post(&h->t, &id));
	see_trace(h, &id, "held post");
	return h->result.outcome;
}

static void
test_answer(void)
{
	g_auto(GStrv) sent = NULL;
	struct held_case h;
	struct job *held;

	held_begin(&h);
	stage_set(&h.t, "moderator", "mod@example.org");
	held = hold(&h, &anns);
	run_due(&h, STAGE_NOTICE, notice_body);
	g_strfreev(letters(&h));
	g_assert_cmpint(answer(&h, held, HELD_APPROVE, "", APPROVE), ==,
			HELD_NOT_VERIFIED);
	g_assert_cmpint(answer(&h, held, HELD_APPROVE, ANN, APPROVE), ==,
			HELD_NOT_MODERATOR);
	g_assert_cmpint(answer(&h, held, HELD_APPROVE, MOD,
			       "Auto-Submitted: auto-replied\r\n\r\n"), ==,
			HELD_AUTOMATIC);
	see_counts(&h, 1, 0, 0, 0);
	g_assert_cmpint(answer(&h, held, HELD_ASK, MOD,
			       "Subject: Re: Held\r\n\r\nyes\r\n"), ==,
			HELD_NOT_UNDERSTOOD);
	see_counts(&h, 1, 0, 0, 1);
	sent = letters(&h);
	stage_see(sent[0], "mod@example.org: ");
	stage_see(sent[0], "Subject: Not done: Re: Held");
	g_assert_cmpint(answer(&h, held, HELD_ASK, MOD, APPROVE), ==,
			HELD_DONE);
	see_trace(&h, &held->post, "approved by mod@example.org, by mail");
	see_counts(&h, 0, 0, 1, 0);
	g_assert_cmpint(answer(&h, held, HELD_APPROVE, MOD, APPROVE), ==,
			HELD_DECIDED);
	see_counts(&h, 0, 0, 1, 1);
	job_free(held);
	held_end(&h);
}

static void
test_answer_reject(void)
{
	g_auto(GStrv) sent = NULL;
	struct held_case h;
	struct job *held;

	held_begin(&h);
	stage_set(&h.t, "moderator", "mod@example.org");
	held = hold(&h, &anns);
	g_assert_cmpint(answer(&h, held, HELD_REJECT, MOD, "Subject: reject"
			       "\r\n\r\nReason: too long\r\n"), ==,
			HELD_DONE);
	see_trace(&h, &held->post, "rejected by mod@example.org, by mail: "
		  "too long; the author was told");
	sent = letters(&h);
	stage_see(sent[0], "ann@example.net: ");
	stage_see(sent[0], "\r\n  too long\r\n");
	job_free(held);
	held_end(&h);
}

static const struct tap_case cases[] = {
	{ "each moderator gets a notice", test_notice },
	{ "its addresses act", test_addresses },
	{ "a post cannot break its notice", test_hostile },
	{ "a list without anybody to tell", test_nobody },
	{ "the author is told where that is allowed", test_author_told },
	{ "one digest each morning", test_digest },
	{ "a flood of posts is no flood of notices", test_flood },
	{ "a token is good for its list alone", test_tokens },
	{ "only verified moderators may act", test_may },
	{ "an answer is understood, or nothing is done", test_words },
	{ "a moderator decides by mail", test_answer },
	{ "and says why", test_answer_reject },
	{ NULL, NULL }
};

int
main(void)
{
	log_open("test-held-mail", 1);
	return tap_run("held-mail", cases);
}
