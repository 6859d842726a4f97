/* SPDX-License-Identifier: BSD-2-Clause */
#include "t/unit/subscription-case.h"
#include "core/base/banned.h"

/* Preferences, moving, and what somebody who has proved nothing can do. */

#define NEW "joe@new.example"

/* --- preferences -------------------------------------------------------- */

static void
begin_with_joe(struct sub *sub)
{
	sub_begin(sub);
	stage_set(&sub->h.t, "welcome", "no");
	stage_set(&sub->h.t, "goodbye", "no");
	(void) sub_join(sub, by_himself(JOE));
}

static void
test_set(void)
{
	static const struct { const char *key, *value; } cases[] = {
		{ "ack", "yes" }, { "delivery", "digest" },
		{ "delivery", "plain" }, { "delivery", "off" },
		{ "delivery", "on" }, { "duplicates", "no" },
		{ "hidden", "yes" }, { "language", "fr" },
		{ "name", "J\xc3\xb6 \"\\" }, { "own-posts", "no" },
	};
	struct member *member;
	struct sub sub;

	begin_with_joe(&sub);
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_assert_cmpint(sub_set(&sub, by_himself(JOE), cases[i].key,
					cases[i].value), ==, SUB_DONE);
		g_assert_cmpint(sub_set(&sub, by_himself(JOE), cases[i].key,
					cases[i].value), ==, SUB_ALREADY);
		g_assert_cmpint(sub_set(&sub, by_himself(EVE), cases[i].key,
					cases[i].value), ==, SUB_NOT_MEMBER);
	}
	member = sub_member(&sub, JOE);
	g_assert_true(member->ack && member->hidden);
	g_assert_false(member->duplicates || member->own_posts);
	g_assert_cmpint(member->delivery, ==, DELIVERY_ON);
	g_assert_cmpstr(member->language, ==, "fr");
	g_assert_cmpstr(member->name, ==, "J\xc3\xb6 \"\\");
	member_free(member);
	g_assert_cmpuint(sub_letters(&sub), ==, 0);
	sub_end(&sub);
}

static void
test_moderated(void)
{
	struct member *member;
	struct sub sub;

	begin_with_joe(&sub);
	(void) sub_set(&sub, by_owner(JOE), "moderated", "yes");
	g_assert_cmpint(sub_set(&sub, by_himself(JOE), "moderated", "no"),
			==, SUB_NOT_ALLOWED);
	g_assert_cmpstr(sub.r.why, !=, "");
	g_assert_cmpint(sub_set(&sub, by_nobody(JOE), "moderated", "no"), ==,
			SUB_NOT_ALLOWED);
	member = sub_member(&sub, JOE);
	g_assert_true(member->moderated);
	member_free(member);
	sub_end(&sub);
}

static void
test_off_by(void)
{
	struct member *member;
	struct sub sub;

	begin_with_joe(&sub);
	(void) sub_set(&sub, by_owner(JOE), "delivery", "off");
	member = sub_member(&sub, JOE);
	g_assert_cmpint(member->off_by, ==, OFF_BY_ADMIN);
	member_free(member);
	(void) sub_set(&sub, by_himself(JOE), "delivery", "off");
	member = sub_member(&sub, JOE);
	g_assert_cmpint(member->off_by, ==, OFF_BY_SELF);
	member_free(member);
	sub_end(&sub);
}

/* Several may be under way, and each is for itself. */
static void
test_set_confirmed(void)
{
	g_autofree char *first = NULL, *second = NULL;
	struct member *member;
	struct sub sub;

	begin_with_joe(&sub);
	g_assert_cmpint(sub_set(&sub, by_nobody(JOE), "delivery", "off"), ==,
			SUB_CONFIRM);
	first = sub_token(&sub, JOE);
	stage_set(&sub.h.t, "self-service", "no");
	g_assert_cmpint(sub_set(&sub, by_himself(JOE), "name", "\"Joe\""),
			==, SUB_CONFIRM);
	second = sub_token(&sub, JOE);
	g_assert_cmpint(sub_confirm(&sub, first), ==, SUB_DONE);
	g_assert_cmpint(sub_confirm(&sub, second), ==, SUB_DONE);
	g_assert_cmpint(sub.r.act, ==, SUB_SET);
	g_assert_cmpint(sub_confirm(&sub, second), ==, SUB_BAD_TOKEN);
	member = sub_member(&sub, JOE);
	g_assert_cmpint(member->delivery, ==, DELIVERY_OFF);
	g_assert_cmpint(member->off_by, ==, OFF_BY_SELF);
	g_assert_cmpstr(member->name, ==, "\"Joe\"");
	member_free(member);
	sub_end(&sub);
}

/* --- moving ------------------------------------------------------------- */

static enum subscription_outcome
move(struct sub *sub, struct asker asker, bool to_verified, bool all)
{
	return sub_run(sub, (struct sub_ask){
		.call = CALL_MOVE, .asker = asker,
		.move = { NEW, "joe@NEW.example", to_verified, all } });
}

static void
test_move(void)
{
	static const struct { bool old, new; } cases[] = {
		{ false, false }, { true, false }, { false, true },
		{ true, true },
	};
	struct sub sub;

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		enum subscription_outcome outcome;

		begin_with_joe(&sub);
		outcome = move(&sub, cases[i].old ? by_himself(JOE) :
			       by_nobody(JOE), cases[i].new, false);
		if (!cases[i].old) {
			g_autofree char *token = sub_token(&sub, JOE);

			g_assert_cmpint(outcome, ==, SUB_CONFIRM);
			outcome = sub_confirm(&sub, token);
			g_assert_cmpint(sub_confirm(&sub, token), ==,
					SUB_BAD_TOKEN);
			sub.r.outcome = outcome;
		}
		if (!cases[i].new) {
			g_autofree char *token = sub_token(&sub, NEW);

			g_assert_cmpint(outcome, ==, SUB_CONFIRM);
			g_assert_false(is_member(&sub, NEW));
			outcome = sub_confirm(&sub, token);
			g_assert_cmpint(sub.r.act, ==, SUB_MOVE);
			g_assert_cmpstr(sub.r.addr, ==, JOE);
			g_assert_cmpstr(sub.r.other, ==, NEW);
		}
		g_assert_cmpint(outcome, ==, SUB_DONE);
		g_assert_true(is_member(&sub, NEW));
		g_assert_false(is_member(&sub, JOE));
		g_assert_cmpuint(sub_letters(&sub), ==, 2);
		sub_end(&sub);
	}
}

struct put_work { uint32_t list; const struct member *member; };

static enum err_code
put_member_body(struct txn *txn, void *arg, struct err *err)
{
	const struct put_work *work = arg;

	return roster_put(txn, work->list, work->member, err);
}

static void
set_record(struct sub *sub, uint32_t list, const struct member *member)
{
	struct put_work work = { list, member };

	case_txn(&sub->h.t.s, put_member_body, &work);
}

static struct member *
rich_member(const char *addr)
{
	struct member *member = member_new(addr, 1000);

	g_free(member->name);
	member->name = g_strdup("Joe");
	g_free(member->language);
	member->language = g_strdup("de");
	member->own_posts = false;
	member->moderated = true;
	member->hidden = true;
	member->posts = 7;
	member->bounces = 3;
	member->bounced_s = 5;
	member_deliver(member, DELIVERY_DIGEST, OFF_NOT, 1);
	member->bounce.score = 2500;
	return member;
}

static void
test_move_keeps(void)
{
	struct member *member = rich_member(JOE);
	struct sub sub;

	begin_with_joe(&sub);
	set_record(&sub, sub.h.t.list, member);
	member_free(member);
	g_assert_cmpint(move(&sub, by_owner(JOE), false, false), ==,
			SUB_DONE);
	member = sub_member(&sub, NEW);
	g_assert_cmpstr(member->addr, ==, "joe@NEW.example");
	g_assert_cmpstr(member->name, ==, "Joe");
	g_assert_cmpstr(member->language, ==, "de");
	g_assert_true(member->moderated && member->hidden);
	g_assert_false(member->own_posts);
	g_assert_cmpint(member->since_s, ==, 1000);
	g_assert_cmpuint(member->posts, ==, 7);
	g_assert_cmpint(member->delivery, ==, DELIVERY_DIGEST);
	/* failures were the old mailbox's */
	g_assert_cmpuint(member->bounces, ==, 0);
	g_assert_cmpuint(member->bounce.score, ==, 0);
	member_free(member);
	g_assert_cmpuint(sub_letters(&sub), ==, 0);
	sub_end(&sub);
}

static void
test_move_meets(void)
{
	struct member *member = rich_member(JOE);
	struct sub sub;

	begin_with_joe(&sub);
	set_record(&sub, sub.h.t.list, member);
	member_free(member);
	(void) sub_join(&sub, by_himself(NEW));
	g_assert_cmpint(move(&sub, by_owner(JOE), false, false), ==,
			SUB_DONE);
	member = sub_member(&sub, NEW);
	g_assert_cmpint(member->delivery, ==, DELIVERY_ON);
	g_assert_cmpstr(member->name, ==, "");
	g_assert_cmpint(member->since_s, ==, 1000);
	g_assert_cmpuint(member->posts, ==, 7);
	member_free(member);
	g_assert_false(is_member(&sub, JOE));
	sub_end(&sub);
}

static void
test_move_all(void)
{
	struct member *member = rich_member(JOE);
	uint32_t second, third;
	struct sub sub;

	begin_with_joe(&sub);
	second = stage_add_list(&sub.h.t, "two@lists.example.org", NULL,
				NULL);
	third = stage_add_list(&sub.h.t, "three@lists.example.org", "banned",
			       "@new.example");
	set_record(&sub, second, member);
	set_record(&sub, third, member);
	member_free(member);
	g_assert_cmpint(move(&sub, by_himself(JOE), true, true), ==,
			SUB_DONE);
	g_assert_cmpuint(sub.r.lists, ==, 2);
	g_assert_true(is_member(&sub, NEW));
	member = sub_member_of(&sub, second, NEW);
	g_assert_nonnull(member);
	member_free(member);
	/* where the new one is banned the old one stays */
	member = sub_member_of(&sub, third, JOE);
	g_assert_nonnull(member);
	member_free(member);
	member = sub_member_of(&sub, third, NEW);
	g_assert_null(member);
	sub_end(&sub);
}

static void
test_move_refused(void)
{
	struct sub sub;

	begin_with_joe(&sub);
	g_assert_cmpint(sub_move(&sub, by_himself(JOE), JOE), ==,
			SUB_ALREADY);
	g_assert_cmpint(sub_move(&sub, by_himself(EVE), NEW), ==,
			SUB_NOT_MEMBER);
	stage_set(&sub.h.t, "banned", JOE);
	g_assert_cmpint(sub_move(&sub, by_himself(JOE), NEW), ==,
			SUB_BANNED);
	stage_set(&sub.h.t, "banned", NEW);
	g_assert_cmpint(sub_move(&sub, by_himself(JOE), NEW), ==,
			SUB_BANNED);
	g_assert_cmpuint(sub_letters(&sub), ==, 0);
	g_assert_true(is_member(&sub, JOE));
	sub_end(&sub);
}

/* --- bombs -------------------------------------------------------------- */

/* "ann#@" with a number for the "#" */
static char *
with_number(const char *target, guint number)
{
	g_autofree char *text = g_strdup_printf("%u", number);
	g_auto(GStrv) parts = g_strsplit(target, "#", -1);

	return g_strjoinv(text, parts);
}

static guint
bomb(struct sub *sub, guint count, const char *target, bool many_clients)
{
	guint sent = 0;

	for (guint i = 0; i < count; i++) {
		g_autofree char *addr = with_number(target, i);
		g_autofree char *client = many_clients ?
			g_strdup_printf("10.%u.%u.1", i >> 8 & 255, i & 255) :
			g_strdup("2001:db8:1::7");
		const struct asker asker = { .addr = addr,
					     .client = client };

		switch (i % 4) {
		case 0:
			(void) sub_leave(sub, asker);
			break;
		case 1:
			(void) sub_set(sub, asker, "ack", "yes");
			break;
		default:
			(void) sub_join(sub, asker);
		}
		if (i % 100 == 99)
			sent += sub_letters(sub);
	}
	return sent + sub_letters(sub);
}

static void
test_bomb_address(void)
{
	struct sub sub;

	begin_with_joe(&sub);
	g_assert_cmpuint(bomb(&sub, 10000, "ann@example.net", true), <=, 3);
	/* nor a member, nor one who has many spellings */
	g_assert_cmpuint(bomb(&sub, 2000, JOE, true), <=, 3);
	g_assert_cmpuint(bomb(&sub, 2000, "z.oe+#@example.org", true), <=,
			 3);
	/* her neighbours can still join */
	g_assert_cmpint(sub_join(&sub, by_nobody("bob@example.net")), ==,
			SUB_CONFIRM);
	sub_end(&sub);
}

static void
test_bomb_others(void)
{
	struct sub sub;

	begin_with_joe(&sub);
	/* one network, many addresses */
	g_assert_cmpuint(bomb(&sub, 1000, "ann#@example.net", false), <=,
			 30);
	/* many networks, one domain with all below it */
	g_assert_cmpuint(bomb(&sub, 3000, "ann@a#.example.com", true), <=,
			 200);
	g_assert_cmpint(sub_join(&sub, by_nobody("x@example.com")), ==,
			SUB_TOO_OFTEN);
	/* who proves himself has nothing to do with that */
	g_assert_cmpint(sub_join(&sub, by_himself("x@example.com")), ==,
			SUB_DONE);
	sub.h.now_ms += DAY_MS;
	g_assert_cmpint(sub_join(&sub, by_nobody("y@example.com")), ==,
			SUB_CONFIRM);
	sub_end(&sub);
}

static void
test_own_letters(void)
{
	struct sub sub;

	sub_begin(&sub);
	for (int i = 0; i < 50; i++) {
		g_assert_cmpint(sub_join(&sub, by_himself(JOE)), ==,
				SUB_DONE);
		g_assert_cmpint(sub_leave(&sub, by_himself(JOE)), ==,
				SUB_DONE);
	}
	g_assert_true(sub.r.untold);
	g_assert_cmpuint(sub_letters(&sub), <=, 12);
	sub_end(&sub);
}

/* --- nothing is told, nothing is changed -------------------------------- */

static struct sub_ask
odd_ask(const char *addr, guint what)
{
	struct sub_ask ask = { .asker = by_nobody(addr),
			       .options = as_usual };

	ask.call = (enum sub_call)(what % 4);	/* join leave set move */
	ask.key = what & 4 ? "delivery" : "hidden";
	ask.value = what & 4 ? "off" : "yes";
	ask.move.to = what & 8 ? NEW : "other@new.example";
	ask.move.all = (what & 16) != 0;
	return ask;
}

static void
test_same_answer(void)
{
	struct subscription_result first;
	struct sub sub;

	begin_with_joe(&sub);
	for (guint what = 0; what < 32; what++) {
		struct sub_ask ask = odd_ask(JOE, what);

		(void) sub_run(&sub, ask);
		first = sub.r;
		ask.asker.addr = EVE;
		(void) sub_run(&sub, ask);
		g_assert_cmpint(sub.r.outcome, ==, first.outcome);
		g_assert_cmpint(sub.r.act, ==, first.act);
		g_assert_cmpstr(sub.r.other, ==, first.other);
		g_assert_cmpint(sub.r.asked[0] != '\0', ==,
				first.asked[0] != '\0');
		g_assert_cmpstr(sub.r.why, ==, first.why);
		g_assert_cmpuint(sub.r.lists, ==, first.lists);
	}
	g_strfreev(letters(&sub.h));
	sub_end(&sub);
}

static char *
roster_text(struct sub *sub)
{
	GString *out = g_string_new(NULL);
	struct roster_batch batch;

	case_ok(roster_batch(sub->h.t.s.store, sub->h.t.list, "", 1000,
			     &batch, &sub->h.t.s.err), &sub->h.t.s);
	for (size_t i = 0; i < batch.count; i++) {
		const struct roster_entry *e = &batch.entries[i];

		g_string_append_printf(out, "%s %s %d %d %d %d %d %lld\n",
				       e->addr, e->name, (int)e->delivery,
				       e->hidden, e->ack, e->own_posts,
				       e->moderated, (long long)e->since_s);
	}
	roster_batch_done(&batch);
	return g_string_free(out, FALSE);
}

static void
random_ask(struct sub *sub)
{
	static const char *const people[] = {
		JOE, EVE, NEW, "zoe@example.org", "other@new.example",
	};
	static const char *const tokens[] = {
		"", "aaaaaaaaaaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbbbbbbbbbb",
	};
	guint what = (guint)g_test_rand_int_range(0, 128);
	struct sub_ask ask = odd_ask(people[what % G_N_ELEMENTS(people)],
				     what / 4);

	if (what >= 120)
		ask.call = CALL_CONFIRM;
	else if (what >= 116)
		ask.call = CALL_CLICK;
	else if (what >= 112)
		ask.call = CALL_INVITE;
	ask.token = tokens[what % G_N_ELEMENTS(tokens)];
	ask.asker.is_automatic = what % 7 == 0;
	(void) sub_run(sub, ask);
}

/* Whatever is asked, in whatever order, by somebody who proves nothing. */
static void
test_unproven(void)
{
	static const char *const modes[] = {
		"open", "confirm", "moderated", "confirm+moderated", "closed",
		"invite",
	};
	g_autofree char *before = NULL, *events = NULL;
	struct sub sub;

	begin_with_joe(&sub);
	(void) sub_join(&sub, by_himself("zoe@example.org"));
	(void) sub_set(&sub, by_himself("zoe@example.org"), "delivery",
		       "off");
	before = roster_text(&sub);
	events = sub_events(&sub);
	for (int i = 0; i < 1500; i++) {
		g_autofree char *after = NULL;

		if (i % 50 == 0)
			stage_set(&sub.h.t, "subscription",
				  modes[i / 50 % G_N_ELEMENTS(modes)]);
		random_ask(&sub);
		sub.h.now_ms += g_test_rand_int_range(0, 3600 * 1000);
		if (i % 10 != 0)
			continue;
		after = roster_text(&sub);
		g_assert_cmpstr(before, ==, after);
	}
	{
		g_autofree char *now = sub_events(&sub);

		g_assert_cmpstr(events, ==, now);
	}
	g_assert_cmpuint(stage_count(&sub.h.t, STAGE_HELD), ==, 0);
	g_strfreev(letters(&sub.h));
	sub_end(&sub);
}

/* --- a kill in the middle ----------------------------------------------- */

static void
test_kill(void)
{
	g_autofree char *token = NULL, *before = NULL, *after = NULL;
	struct sub sub;

	begin_with_joe(&sub);
	stage_set(&sub.h.t, "welcome", "yes");
	stage_set(&sub.h.t, "goodbye", "yes");
	(void) sub_join(&sub, by_nobody(EVE));
	token = sub_token(&sub, EVE);
	before = roster_text(&sub);
	sub.fail = true;
	(void) sub_confirm(&sub, token);
	(void) sub_join(&sub, by_himself("zoe@example.org"));
	(void) sub_leave(&sub, by_himself(JOE));
	(void) move(&sub, by_himself(JOE), true, true);
	sub.fail = false;
	after = roster_text(&sub);
	g_assert_cmpstr(before, ==, after);
	g_assert_cmpuint(sub_letters(&sub), ==, 0);
	g_assert_cmpint(sub_confirm(&sub, token), ==, SUB_DONE);
	g_assert_cmpuint(sub_letters(&sub), ==, 1);
	sub_end(&sub);
}

static const struct tap_case cases[] = {
	{ "each preference, set by a member", test_set },
	{ "whose posts are held cannot change that", test_moderated },
	{ "who turned delivery off is known", test_off_by },
	{ "what is confirmed is done, each for itself", test_set_confirmed },
	{ "a move needs both addresses", test_move },
	{ "a move keeps all that is known", test_move_keeps },
	{ "a move to a member", test_move_meets },
	{ "a move on all lists", test_move_all },
	{ "moves that are none", test_move_refused },
	{ "an address cannot be bombed", test_bomb_address },
	{ "nor a domain, nor from one network", test_bomb_others },
	{ "nor can one bomb oneself", test_own_letters },
	{ "a stranger is told the same, member or not", test_same_answer },
	{ "a stranger changes nothing", test_unproven },
	{ "a kill in the middle leaves all as it was", test_kill },
	{ NULL, NULL }
};

int
main(void)
{
	return tap_run("preferences", cases);
}
