/* SPDX-License-Identifier: BSD-2-Clause */
#include "t/unit/subscription-case.h"
#include "core/base/banned.h"

/* Joining, leaving, moderators, invitations, bans. */

/* --- who may join ------------------------------------------------------- */

static void
test_modes(void)
{
	static const struct {
		const char *mode, *self_service;
		enum subscription_outcome nobody, himself, confirmed, owner;
	} cases[] = {
		{ "open", "yes", SUB_CONFIRM, SUB_DONE, SUB_DONE, SUB_DONE },
		{ "open", "no", SUB_CONFIRM, SUB_DONE, SUB_DONE, SUB_DONE },
		{ "confirm", "yes", SUB_CONFIRM, SUB_DONE, SUB_DONE,
		  SUB_DONE },
		{ "confirm", "no", SUB_CONFIRM, SUB_CONFIRM, SUB_DONE,
		  SUB_DONE },
		{ "moderated", "yes", SUB_CONFIRM, SUB_HELD, SUB_HELD,
		  SUB_DONE },
		{ "confirm+moderated", "yes", SUB_CONFIRM, SUB_HELD, SUB_HELD,
		  SUB_DONE },
		{ "confirm+moderated", "no", SUB_CONFIRM, SUB_CONFIRM,
		  SUB_HELD, SUB_DONE },
		{ "closed", "yes", SUB_CLOSED, SUB_CLOSED, SUB_CLOSED,
		  SUB_DONE },
		{ "invite", "yes", SUB_INVITE_ONLY, SUB_INVITE_ONLY,
		  SUB_INVITE_ONLY, SUB_DONE },
	};
	struct sub sub;

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		sub_begin(&sub);
		stage_set(&sub.h.t, "subscription", cases[i].mode);
		stage_set(&sub.h.t, "self-service", cases[i].self_service);
		g_assert_cmpint(sub_join(&sub, by_nobody(JOE)), ==,
				cases[i].nobody);
		if (cases[i].nobody == SUB_CONFIRM) {
			g_autofree char *token = sub_token(&sub, JOE);

			g_assert_false(is_member(&sub, JOE));
			g_assert_cmpint(sub_confirm(&sub, token), ==,
					cases[i].confirmed);
			g_assert_cmpstr(sub.r.addr, ==, JOE);
			g_assert_cmpint(sub.r.act, ==, SUB_JOIN);
		}
		g_assert_cmpint(is_member(&sub, JOE), ==,
				cases[i].confirmed == SUB_DONE);
		g_assert_cmpint(sub_join(&sub, by_himself(EVE)), ==,
				cases[i].himself);
		g_assert_cmpint(is_member(&sub, EVE), ==,
				cases[i].himself == SUB_DONE);
		g_assert_cmpint(sub_join(&sub, by_owner("o@example.org")),
				==, cases[i].owner);
		g_assert_true(is_member(&sub, "o@example.org"));
		g_strfreev(letters(&sub.h));
		sub_end(&sub);
	}
}

static void
test_token_once(void)
{
	g_autofree char *token = NULL, *upper = NULL;
	struct sub sub;

	sub_begin(&sub);
	(void) sub_join(&sub, by_nobody(JOE));
	g_assert_cmpstr(sub.r.asked, ==, JOE);
	token = sub_token(&sub, JOE);
	upper = g_ascii_strup(token, -1);
	/* a machine's answer does nothing, and the token stays good */
	g_assert_cmpint(sub_run(&sub, (struct sub_ask){
		.call = CALL_CONFIRM, .token = token,
		.asker = { .is_automatic = true } }), ==, SUB_AUTOMATIC);
	g_assert_false(is_member(&sub, JOE));
	g_assert_cmpint(sub_confirm(&sub, upper), ==, SUB_DONE);
	g_assert_true(is_member(&sub, JOE));
	sub_see_letter(&sub, JOE, "dev-leave+");
	(void) sub_leave(&sub, by_himself(JOE));
	g_assert_cmpint(sub_confirm(&sub, token), ==, SUB_BAD_TOKEN);
	g_assert_false(is_member(&sub, JOE));
	sub_end(&sub);
}

static void
test_bad_tokens(void)
{
	static const char *const odd[] = {
		"", "a", "aaaaaaaaaaaaaaaaaaaaaaaa", "........................",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	};
	g_autofree char *token = NULL;
	uint32_t other;
	struct sub sub;

	sub_begin(&sub);
	other = stage_add_list(&sub.h.t, "other@lists.example.org", NULL,
			       NULL);
	(void) sub_join(&sub, by_nobody(JOE));
	token = sub_token(&sub, JOE);
	for (size_t i = 0; i < G_N_ELEMENTS(odd); i++)
		g_assert_cmpint(sub_confirm(&sub, odd[i]), ==,
				SUB_BAD_TOKEN);
	g_assert_cmpint(sub_run(&sub, (struct sub_ask){
		.call = CALL_CONFIRM, .token = token, .list = other }), ==,
		SUB_BAD_TOKEN);
	sub.h.now_ms += 8 * DAY_MS;		/* token-keep is 7d */
	g_assert_cmpint(sub_confirm(&sub, token), ==, SUB_BAD_TOKEN);
	g_assert_false(is_member(&sub, JOE));
	sub_end(&sub);
}

/* Who asks in somebody's name must not spoil what that one was sent. */
static void
test_first_letter_stays_good(void)
{
	g_autofree char *first = NULL, *second = NULL;
	struct sub sub;

	sub_begin(&sub);
	(void) sub_join(&sub, by_nobody(JOE));
	first = sub_token(&sub, JOE);
	(void) sub_join(&sub, by_nobody(JOE));
	second = sub_token(&sub, JOE);
	g_assert_cmpstr(first, !=, second);
	g_assert_cmpint(sub_confirm(&sub, first), ==, SUB_DONE);
	g_strfreev(letters(&sub.h));
	/* and with it the request has come to its end */
	(void) sub_leave(&sub, by_himself(JOE));
	g_assert_cmpint(sub_confirm(&sub, second), ==, SUB_BAD_TOKEN);
	sub_end(&sub);
}

static void
test_details(void)
{
	g_autofree char *token = NULL;
	struct member *member;
	struct sub sub;

	sub_begin(&sub);
	(void) sub_run(&sub, (struct sub_ask){
		.call = CALL_JOIN,
		.asker = { .addr = "Jo\xc3\xab@ex\xc3\xa4mple.net",
			   .given = "Jo\xc3\xab@EX\xc3\x84MPLE.net",
			   .name = "Jo\xc3\xab \"X\"\nY", .language = "DE" },
		.options = { .delivery = DELIVERY_DIGEST } });
	g_assert_cmpint(sub.r.outcome, ==, SUB_CONFIRM);
	token = sub_token(&sub, "Jo\xc3\xab@ex\xc3\xa4mple.net");
	g_assert_cmpint(sub_confirm(&sub, token), ==, SUB_DONE);
	member = sub_member(&sub, "Jo\xc3\xab@ex\xc3\xa4mple.net");
	g_assert_nonnull(member);
	g_assert_cmpstr(member->addr, ==, "Jo\xc3\xab@EX\xc3\x84MPLE.net");
	g_assert_cmpstr(member->name, ==, "Jo\xc3\xab \"X\" Y");
	g_assert_cmpstr(member->language, ==, "de");
	g_assert_cmpint(member->delivery, ==, DELIVERY_DIGEST);
	member_free(member);
	/* the local part exactly: this is somebody else */
	g_assert_cmpint(sub_join(&sub, by_himself("jo\xc3\xab@ex\xc3\xa4mple"
						  ".net")), ==, SUB_DONE);
	/* what is no such address, or no language, is not kept */
	(void) sub_run(&sub, (struct sub_ask){
		.call = CALL_JOIN, .options = as_usual,
		.asker = { .addr = JOE, .given = "other@example.net",
			   .language = "../../x", .is_verified = true } });
	member = sub_member(&sub, JOE);
	g_assert_cmpstr(member->addr, ==, JOE);
	g_assert_cmpstr(member->language, ==, "");
	member_free(member);
	sub_end(&sub);
}

/* --- who is there already ----------------------------------------------- */

static void
turn_off(struct sub *sub, const char *addr)
{
	g_assert_cmpint(sub_set(sub, by_owner(addr), "delivery", "off"), ==,
			SUB_DONE);
}

static void
test_already(void)
{
	struct sub sub;

	sub_begin(&sub);
	(void) sub_join(&sub, by_himself(JOE));
	g_strfreev(letters(&sub.h));
	g_assert_cmpint(sub_join(&sub, by_himself(JOE)), ==, SUB_ALREADY);
	g_assert_cmpuint(sub_letters(&sub), ==, 0);
	g_assert_cmpint(sub_join(&sub, by_owner(JOE)), ==, SUB_ALREADY);
	/* to others it looks as if he were not */
	g_assert_cmpint(sub_join(&sub, by_nobody(JOE)), ==, SUB_CONFIRM);
	sub_see_letter(&sub, JOE, "already");
	sub_end(&sub);
}

/* To what he had before it was turned off. */
static void
test_comes_back_to_digests(void)
{
	struct member *member;
	struct sub sub;

	sub_begin(&sub);
	(void) sub_join(&sub, by_himself(JOE));
	member = sub_member(&sub, JOE);
	member_deliver(member, DELIVERY_DIGEST_PLAIN, OFF_NOT, 1);
	stage_put_member(&sub.h.t, member);
	turn_off(&sub, JOE);
	g_assert_cmpint(sub_join(&sub, by_himself(JOE)), ==, SUB_RETURNED);
	member = sub_member(&sub, JOE);
	g_assert_cmpint(member->delivery, ==, DELIVERY_DIGEST_PLAIN);
	member_free(member);
	sub_end(&sub);
}

static void
test_comes_back(void)
{
	g_autofree char *token = NULL;
	struct member *member;
	struct sub sub;

	sub_begin(&sub);
	(void) sub_join(&sub, by_himself(JOE));
	g_strfreev(letters(&sub.h));
	turn_off(&sub, JOE);
	g_assert_cmpint(sub_join(&sub, by_himself(JOE)), ==, SUB_RETURNED);
	turn_off(&sub, JOE);
	g_assert_cmpint(sub_join(&sub, by_nobody(JOE)), ==, SUB_CONFIRM);
	member = sub_member(&sub, JOE);
	g_assert_cmpint(member->delivery, ==, DELIVERY_OFF);
	member_free(member);
	token = sub_token(&sub, JOE);
	/* also on a list that takes nobody any more */
	stage_set(&sub.h.t, "subscription", "closed");
	g_assert_cmpint(sub_confirm(&sub, token), ==, SUB_RETURNED);
	member = sub_member(&sub, JOE);
	g_assert_cmpint(member->delivery, ==, DELIVERY_ON);
	g_assert_cmpint(member->off_by, ==, OFF_NOT);
	member_free(member);
	sub_end(&sub);
}

/* --- bans --------------------------------------------------------------- */

static void
test_bans(void)
{
	static const char *const banned[] = {
		"joe@example.net", "JOE@Example.net", "@example.net",
		"example.net", "*.net", "j*@example.net",
	};
	g_autofree char *token = NULL;
	struct sub sub;

	sub_begin(&sub);
	for (size_t i = 0; i < G_N_ELEMENTS(banned); i++) {
		stage_set(&sub.h.t, "banned", banned[i]);
		g_assert_cmpint(sub_join(&sub, by_nobody(JOE)), ==,
				SUB_BANNED);
		g_assert_cmpint(sub_join(&sub, by_himself(JOE)), ==,
				SUB_BANNED);
		g_assert_cmpint(sub_join(&sub, by_owner(JOE)), ==,
				SUB_BANNED);
		g_assert_cmpint(sub_run(&sub, (struct sub_ask){
			.call = CALL_INVITE, .asker = by_owner(JOE) }), ==,
			SUB_BANNED);
	}
	stage_set(&sub.h.t, "banned", "192.0.2.0/24");
	g_assert_cmpint(sub_join(&sub, by_himself(JOE)), ==, SUB_BANNED);
	g_assert_cmpuint(sub_letters(&sub), ==, 0);
	/* also if it comes between the request and its confirmation */
	stage_set(&sub.h.t, "banned", "");
	(void) sub_join(&sub, by_nobody(JOE));
	token = sub_token(&sub, JOE);
	stage_set(&sub.h.t, "banned", JOE);
	g_assert_cmpint(sub_confirm(&sub, token), ==, SUB_BANNED);
	g_assert_false(is_member(&sub, JOE));
	sub_end(&sub);
}

/* --- moderators --------------------------------------------------------- */

static struct job *
held_job(struct sub *sub)
{
	return stage_job(&sub->h.t, STAGE_HELD);
}

static void
test_approve(void)
{
	g_autofree char *events = NULL;
	struct job *held;
	struct sub sub;

	sub_begin(&sub);
	stage_set(&sub.h.t, "subscription", "moderated");
	(void) sub_run(&sub, (struct sub_ask){
		.call = CALL_JOIN, .asker = { .addr = JOE, .name = "Joe",
					      .is_verified = true },
		.options = { .delivery = DELIVERY_DIGEST } });
	g_assert_cmpint(sub.r.outcome, ==, SUB_HELD);
	sub_see_letter(&sub, JOE, "waits for a moderator");
	/* once more: there is one already */
	g_assert_cmpint(sub_join(&sub, by_himself(JOE)), ==, SUB_HELD);
	see_counts(&sub.h, 1, 1, 0, 0);
	held = held_job(&sub);
	g_assert_cmpint(held->role, ==, ROLE_JOIN);
	g_assert_cmpint(run_due(&sub.h, STAGE_NOTICE, notice_body), ==, 1);
	sub_see_letter(&sub, "owner@example.org", "Joe\r\n");
	g_assert_cmpint(decide(&sub.h, held, HELD_APPROVE, ""), ==,
			HELD_DONE);
	g_assert_true(is_member(&sub, JOE));
	sub_see_letter(&sub, JOE, "dev-leave+");
	see_counts(&sub.h, 0, 0, 0, 0);
	g_assert_false(stage_has_post(&sub.h.t, &held->post));
	g_assert_cmpint(decide(&sub.h, held, HELD_REJECT, ""), ==,
			HELD_DECIDED);
	g_assert_true(is_member(&sub, JOE));
	events = sub_events(&sub);
	stage_see(events, "joined joe@example.net: joined, approved by the "
		  "administrator\n");
	job_free(held);
	sub_end(&sub);
}

static void
test_reject(void)
{
	struct job *held;
	struct sub sub;

	sub_begin(&sub);
	stage_set(&sub.h.t, "subscription", "confirm+moderated");
	(void) sub_join(&sub, by_himself(JOE));
	g_strfreev(letters(&sub.h));
	held = held_job(&sub);
	g_assert_cmpint(decide(&sub.h, held, HELD_REJECT, "we are\nfull"),
			==, HELD_DONE);
	sub_see_letter(&sub, JOE, "we are full");
	g_assert_false(is_member(&sub, JOE));
	job_free(held);
	/* he may ask again, and then nobody is told */
	(void) sub_join(&sub, by_himself(JOE));
	g_strfreev(letters(&sub.h));
	held = held_job(&sub);
	g_assert_cmpint(decide(&sub.h, held, HELD_DISCARD, ""), ==,
			HELD_DONE);
	g_assert_cmpuint(sub_letters(&sub), ==, 0);
	g_assert_false(is_member(&sub, JOE));
	job_free(held);
	sub_end(&sub);
}

static void
test_request_and_its_post(void)
{
	struct job *held;
	struct sub sub;

	sub_begin(&sub);
	stage_set(&sub.h.t, "subscription", "moderated");
	sub.mail = put_mail(&sub.h, &anns, STAGE_PENDING);
	sub.has_mail = true;
	g_assert_cmpint(sub_join(&sub, by_himself("ann@example.net")), ==,
			SUB_HELD);
	g_strfreev(letters(&sub.h));
	see_trace(&sub.h, &sub.mail, "join ann@example.net: waits for a "
		  "moderator");
	held = held_job(&sub);
	g_assert_true(post_id_equal(&held->post, &sub.mail));
	(void) run_due(&sub.h, STAGE_NOTICE, notice_body);
	sub_see_letter(&sub, "owner@example.org", "first line");
	/* banned meanwhile: it stays, to be rejected */
	stage_set(&sub.h.t, "banned", "ann@example.net");
	g_assert_cmpint(decide(&sub.h, held, HELD_APPROVE, ""), ==,
			HELD_IMPOSSIBLE);
	g_assert_cmpuint(stage_count(&sub.h.t, STAGE_HELD), ==, 1);
	sub.h.now_ms += 15 * DAY_MS;
	g_assert_cmpint(run_due(&sub.h, STAGE_HELD, expire_body), ==, 1);
	g_assert_cmpuint(stage_count(&sub.h.t, STAGE_HELD), ==, 0);
	g_assert_false(is_member(&sub, "ann@example.net"));
	job_free(held);
	sub_end(&sub);
}

/* Two requests of one address, one after the other: what the moderator was
 * sent for the first decides nothing about the second. */
static void
test_old_notice(void)
{
	struct post_id first;
	struct job *held;
	struct sub sub;

	sub_begin(&sub);
	stage_set(&sub.h.t, "subscription", "moderated");
	(void) sub_join(&sub, by_himself(JOE));
	held = held_job(&sub);
	first = held->id;
	(void) decide(&sub.h, held, HELD_DISCARD, "");
	job_free(held);
	(void) sub_join(&sub, by_himself(JOE));
	held = held_job(&sub);
	g_assert_cmpmem(held->id.bytes, 6, first.bytes, 6);
	g_assert_false(post_id_equal(&held->id, &first));
	job_free(held);
	g_strfreev(letters(&sub.h));
	sub_end(&sub);
}

/* The moderator sends a mail to the address in his notice. */
static void
test_approve_by_mail(void)
{
	char token[HELD_TOKEN_LEN + 1];
	struct mail mail = {
		"mod@example.org", "mod@example.org", MOD, APPROVE, token,
	};
	struct job *held;
	struct sub sub;

	sub_begin(&sub);
	stage_set(&sub.h.t, "subscription", "moderated");
	stage_set(&sub.h.t, "moderator", "mod@example.org");
	(void) sub_join(&sub, by_himself(JOE));
	g_strfreev(letters(&sub.h));
	held = held_job(&sub);
	held_token_make(sub.h.key, LIST_ADDR, HELD_ASK, &held->id, token);
	(void) put_mail(&sub.h, &mail, STAGE_PENDING);
	g_assert_cmpint(run_due(&sub.h, STAGE_PENDING, answer_body), ==, 1);
	g_assert_cmpint(sub.h.result.outcome, ==, HELD_DONE);
	g_assert_true(is_member(&sub, JOE));
	sub_see_letter(&sub, JOE, "dev-leave+");
	job_free(held);
	sub_end(&sub);
}

/* With and without a mail that asks; and tokens, which only who has got the
 * letters can use. */
static void
test_dump(void)
{
	g_autofree char *first = NULL, *second = NULL, *token = NULL;
	struct job *held;
	struct sub a, b;

	sub_begin(&a);
	sub_begin(&b);
	stage_set(&a.h.t, "subscription", "moderated");
	(void) sub_join(&a, by_nobody(EVE));
	token = sub_token(&a, EVE);
	(void) sub_run(&a, (struct sub_ask){
		.call = CALL_JOIN, .options = as_usual,
		.asker = { .addr = JOE, .name = "J \"o\" \\ e",
			   .is_verified = true } });
	first = dump_text(&a.h);
	stage_see(first, "\"role\":\"join\"");
	g_assert_null(strstr(first, token));
	load_text(&b.h, first);
	second = dump_text(&b.h);
	g_assert_cmpstr(first, ==, second);
	g_strfreev(letters(&b.h));
	held = held_job(&b);
	g_assert_cmpint(decide(&b.h, held, HELD_APPROVE, ""), ==, HELD_DONE);
	g_assert_true(is_member(&b, JOE));
	g_assert_cmpint(sub_confirm(&b, token), ==, SUB_HELD);
	g_strfreev(letters(&b.h));
	job_free(held);
	sub_end(&a);
	sub_end(&b);
}

/* --- leaving ------------------------------------------------------------ */

static void
test_leave(void)
{
	g_autofree char *token = NULL, *events = NULL;
	struct sub sub;

	sub_begin(&sub);
	stage_set(&sub.h.t, "welcome", "no");
	g_assert_cmpint(sub_leave(&sub, by_himself(JOE)), ==,
			SUB_NOT_MEMBER);
	(void) sub_join(&sub, by_himself(JOE));
	g_assert_cmpint(sub_leave(&sub, by_himself(JOE)), ==, SUB_DONE);
	g_assert_false(is_member(&sub, JOE));
	sub_see_letter(&sub, JOE, "dev@lists.example.org");
	(void) sub_join(&sub, by_himself(JOE));
	g_assert_cmpint(sub_leave(&sub, by_nobody(JOE)), ==, SUB_CONFIRM);
	g_assert_true(is_member(&sub, JOE));
	token = sub_token(&sub, JOE);
	stage_set(&sub.h.t, "goodbye", "no");
	g_assert_cmpint(sub_confirm(&sub, token), ==, SUB_DONE);
	g_assert_cmpint(sub.r.act, ==, SUB_LEAVE);
	g_assert_false(is_member(&sub, JOE));
	(void) sub_join(&sub, by_himself(JOE));
	stage_set(&sub.h.t, "leave-confirm", "no");
	g_assert_cmpint(sub_leave(&sub, by_nobody(JOE)), ==, SUB_DONE);
	g_assert_false(is_member(&sub, JOE));
	g_assert_cmpint(sub_leave(&sub, by_nobody(JOE)), ==, SUB_DONE);
	g_assert_cmpuint(sub_letters(&sub), ==, 0);
	events = sub_events(&sub);
	stage_see(events, "left joe@example.net: left, verified\n");
	stage_see(events, "left joe@example.net: left, and confirmed it\n");
	stage_see(events, "left joe@example.net: left, not verified\n");
	sub_end(&sub);
}

static void
click(struct sub *sub, const char *token, enum subscription_outcome want)
{
	g_assert_cmpint(sub_run(sub, (struct sub_ask){
		.call = CALL_CLICK, .token = token }), ==, want);
}

static void
test_one_click(void)
{
	uint8_t handle[MEMBER_HANDLE_LEN];
	struct post_id post;
	char token[VERP_TOKEN_LEN + 1], other[VERP_TOKEN_LEN + 1];
	struct sub sub;

	sub_begin(&sub);
	stage_set(&sub.h.t, "welcome", "no");
	post_id_new(&post);
	member_handle(JOE, handle);
	leave_token_make(sub.h.t.verp, LIST_ADDR, handle, post.bytes, token);
	leave_token_make(sub.h.t.verp, "other@lists.example.org", handle,
			 post.bytes, other);
	(void) sub_join(&sub, by_himself(JOE));
	(void) sub_join(&sub, by_himself(EVE));
	click(&sub, other, SUB_BAD_TOKEN);
	click(&sub, "", SUB_BAD_TOKEN);
	click(&sub, "aaaaaaaaaaaaaaaaaaaaaaaa", SUB_BAD_TOKEN);
	g_assert_true(is_member(&sub, JOE));
	click(&sub, token, SUB_DONE);
	g_assert_cmpstr(sub.r.addr, ==, JOE);
	g_assert_false(is_member(&sub, JOE));
	g_assert_true(is_member(&sub, EVE));
	g_assert_cmpuint(sub_letters(&sub), ==, 1);
	click(&sub, token, SUB_NOT_MEMBER);
	g_assert_cmpuint(sub_letters(&sub), ==, 0);
	sub_end(&sub);
}

/* The token that a welcome has is good. */
static void
test_welcome_token(void)
{
	static const char way[] = "dev-leave+";
	g_autofree char *token = NULL;
	g_auto(GStrv) sent = NULL;
	struct sub sub;

	sub_begin(&sub);
	(void) sub_join(&sub, by_himself(JOE));
	sent = letters(&sub.h);
	token = g_strndup(strstr(sent[0], way) + strlen(way),
			  VERP_TOKEN_LEN);
	click(&sub, token, SUB_DONE);
	sub_end(&sub);
}

/* Letters that were sent to him before he left do not bring him back. */
static void
test_nothing_brings_back(void)
{
	g_autofree char *set = NULL, *leave = NULL;
	struct sub sub;

	sub_begin(&sub);
	stage_set(&sub.h.t, "welcome", "no");
	stage_set(&sub.h.t, "goodbye", "no");
	(void) sub_join(&sub, by_himself(JOE));
	(void) sub_set(&sub, by_nobody(JOE), "delivery", "off");
	set = sub_token(&sub, JOE);
	(void) sub_leave(&sub, by_nobody(JOE));
	leave = sub_token(&sub, JOE);
	(void) sub_leave(&sub, by_himself(JOE));
	(void) sub_join(&sub, by_himself(JOE));
	g_assert_cmpint(sub_confirm(&sub, leave), ==, SUB_BAD_TOKEN);
	g_assert_cmpint(sub_confirm(&sub, set), ==, SUB_BAD_TOKEN);
	g_assert_true(is_member(&sub, JOE));
	sub_end(&sub);
}

/* --- invitations -------------------------------------------------------- */

static enum subscription_outcome
invite(struct sub *sub, struct asker asker)
{
	return sub_run(sub, (struct sub_ask){
		.call = CALL_INVITE, .asker = asker });
}

static void
test_invite(void)
{
	g_autofree char *token = NULL, *events = NULL;
	struct sub sub;

	sub_begin(&sub);
	stage_set(&sub.h.t, "subscription", "invite");
	g_assert_cmpint(invite(&sub, by_himself(JOE)), ==, SUB_NOT_ALLOWED);
	g_assert_cmpint(invite(&sub, by_owner(JOE)), ==, SUB_CONFIRM);
	token = sub_token(&sub, JOE);
	/* once, until it has expired */
	g_assert_cmpint(invite(&sub, by_owner(JOE)), ==, SUB_TOO_OFTEN);
	g_assert_cmpuint(sub_letters(&sub), ==, 0);
	g_assert_cmpint(sub_confirm(&sub, token), ==, SUB_DONE);
	g_assert_cmpint(sub.r.act, ==, SUB_INVITE);
	g_assert_true(is_member(&sub, JOE));
	g_assert_cmpint(invite(&sub, by_owner(JOE)), ==, SUB_ALREADY);
	/* who was invited and writes from that address has accepted */
	(void) invite(&sub, by_owner(EVE));
	g_strfreev(letters(&sub.h));
	g_assert_cmpint(sub_join(&sub, by_nobody(EVE)), ==, SUB_INVITE_ONLY);
	g_assert_cmpint(sub_join(&sub, by_himself(EVE)), ==, SUB_DONE);
	g_strfreev(letters(&sub.h));
	(void) invite(&sub, by_owner("zoe@example.net"));
	g_strfreev(letters(&sub.h));
	sub.h.now_ms += 8 * DAY_MS;
	g_assert_cmpint(sub_join(&sub, by_himself("zoe@example.net")), ==,
			SUB_INVITE_ONLY);
	g_assert_cmpint(invite(&sub, by_owner("zoe@example.net")), ==,
			SUB_CONFIRM);
	events = sub_events(&sub);
	stage_see(events, "invited joe@example.net: owner@example.org "
		  "invited joe@example.net\n");
	sub_end(&sub);
}

/* An administrator who asks first lets in by that, whatever the list says. */
static void
test_owner_asks_first(void)
{
	g_autofree char *token = NULL;
	struct sub sub;

	sub_begin(&sub);
	stage_set(&sub.h.t, "subscription", "closed");
	g_assert_cmpint(sub_run(&sub, (struct sub_ask){
		.call = CALL_JOIN, .asker = by_owner(JOE),
		.options = { .delivery = DELIVERY_ON, .confirm = true } }),
		==, SUB_CONFIRM);
	g_assert_false(is_member(&sub, JOE));
	token = sub_token(&sub, JOE);
	g_assert_cmpint(sub_confirm(&sub, token), ==, SUB_DONE);
	g_assert_true(is_member(&sub, JOE));
	sub_end(&sub);
}

static const struct tap_case cases[] = {
	{ "every mode, by who has proved what", test_modes },
	{ "a token is good once, for a person", test_token_once },
	{ "other tokens are none", test_bad_tokens },
	{ "a second request leaves the first letter good",
	  test_first_letter_stays_good },
	{ "name, language, delivery and spelling come along",
	  test_details },
	{ "a member is told that he is one, and nobody else",
	  test_already },
	{ "who was off comes back", test_comes_back },
	{ "to digests, if he had these", test_comes_back_to_digests },
	{ "bans hold, for everybody and at every step", test_bans },
	{ "a moderator approves", test_approve },
	{ "a moderator rejects, or discards", test_reject },
	{ "requests and tokens survive dump and load", test_dump },
	{ "a moderator approves by mail", test_approve_by_mail },
	{ "a request has its mail, and expires",
	  test_request_and_its_post },
	{ "an old notice decides nothing", test_old_notice },
	{ "leaving, by one mail", test_leave },
	{ "leaving, by one click", test_one_click },
	{ "a welcome says how to leave", test_welcome_token },
	{ "nothing sent before brings him back",
	  test_nothing_brings_back },
	{ "invitations", test_invite },
	{ "an administrator asks first", test_owner_asks_first },
	{ NULL, NULL }
};

int
main(void)
{
	return tap_run("join", cases);
}
