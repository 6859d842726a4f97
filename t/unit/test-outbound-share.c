/* SPDX-License-Identifier: BSD-2-Clause */

/* Envelopes that members share, and how lists, relays and domains share
 * what there is. */
#include "core/base/log.h"
#include "core/outbound/slot.h"
#include "t/unit/outbound-case.h"
#include "core/base/banned.h"

#define BASE "PIPELINING,8BITMIME,SIZE 100000,DSN,SMTPUTF8"
#define CHUNKS BASE ",CHUNKING"
#define AT_A_TIME 64		/* posts, as claim.c has it */

/* How many transactions the sink has seen, and whether their senders are of
 * the post alone. */
static guint
count_transactions(struct out_case *o, guint *shared_out)
{
	g_autoptr(GHashTable) all = g_hash_table_new(NULL, NULL);
	const GPtrArray *copies;

	sink_stop(o->sink);
	copies = sink_copies(o->sink);
	*shared_out = 0;
	for (guint i = 0; i < copies->len; i++) {
		const struct sink_copy *copy = g_ptr_array_index(copies, i);
		const char *token = strchr(copy->sender, '+') + 1;

		g_hash_table_add(all, GUINT_TO_POINTER(copy->transaction));
		*shared_out += strcspn(token, "@") == VERP_POST_TOKEN_LEN;
	}
	return g_hash_table_size(all);
}

static const struct sink_copy *
copy_of(struct out_case *o, const char *addr)
{
	const GPtrArray *copies = sink_copies(o->sink);

	for (guint i = 0; i < copies->len; i++) {
		const struct sink_copy *copy = g_ptr_array_index(copies, i);

		if (strcmp(copy->addr, addr) == 0)
			return copy;
	}
	g_error("%s got nothing", addr);
}

static void
see_distinct(struct out_case *o, guint members)
{
	guint addrs, senders;

	count_distinct(o, &addrs, &senders);
	g_assert_cmpuint(addrs, ==, members);
	g_assert_cmpuint(sink_copies(o->sink)->len, ==, members);
}

/* --- xverp -------------------------------------------------------------- */

static void
test_xverp(void)
{
	static const char *const offers[] = { BASE ",XVERP",
					      CHUNKS ",XVERP", "XVERP" };

	for (size_t i = 0; i < G_N_ELEMENTS(offers); i++) {
		struct out_case o;
		guint shared;

		out_begin(&o, offers[i], "connections=2\n");
		stage_set(&o.t, "verp", "xverp");
		stage_members(&o.t, 1000);
		out_post(&o, ROLE_POST, "ann@example.net");
		out_start(&o);
		out_wait(&o);
		g_assert_cmpuint(count_transactions(&o, &shared), <=, 8);
		g_assert_cmpuint(shared, ==, 1000);
		see_distinct(&o, 1000);
		stage_see(copy_of(&o, "m0000000@example.net")->mail,
			  " XVERP=+=");
		out_end(&o);
	}
}

/* Before the relay has greeted us it is not known what it offers: then the
 * copies go singly, and later ones do not. */
static void
test_auto(void)
{
	struct out_case o;
	guint shared;

	out_begin(&o, BASE ",XVERP", "in-flight=100\n");
	stage_members(&o.t, 1000);
	out_post(&o, ROLE_POST, "ann@example.net");
	out_start(&o);
	out_wait(&o);
	(void) count_transactions(&o, &shared);
	g_assert_cmpuint(shared, >=, 500);
	see_distinct(&o, 1000);
	out_end(&o);
}

static void
test_not_offered(void)
{
	struct out_case o;
	guint shared;

	out_begin(&o, CHUNKS, "");
	stage_set(&o.t, "verp", "xverp");
	stage_members(&o.t, 100);
	out_post(&o, ROLE_POST, "ann@example.net");
	out_start(&o);
	out_wait(&o);
	(void) count_transactions(&o, &shared);
	g_assert_cmpuint(shared, ==, 0);
	see_each(&o, 100, 0);
	out_end(&o);
}

/* Addresses that would not come back the same. */
static void
test_ambiguous(void)
{
	static const char *const addrs[] = {
		"\"b o\"@example.net", "l\xc3\xaet@example.net",
		"x/y@example.net", "per%cent@example.net",
		"a-local-part-that-makes-the-whole-one-over-64@example.net",
	};
	struct out_case o;
	guint shared;

	out_begin(&o, BASE ",XVERP", "");
	stage_set(&o.t, "verp", "xverp");
	for (size_t i = 0; i < G_N_ELEMENTS(addrs); i++)
		stage_member(&o.t, addrs[i], true, true);
	stage_member(&o.t, "a=b@example.net", true, true);
	stage_member(&o.t, "a+b@example.net", true, true);
	out_post(&o, ROLE_POST, "ann@example.net");
	out_start(&o);
	out_wait(&o);
	g_assert_cmpuint(count_transactions(&o, &shared), ==,
			 G_N_ELEMENTS(addrs) + 1);
	g_assert_cmpuint(shared, ==, 2);
	see_distinct(&o, G_N_ELEMENTS(addrs) + 2);
	out_end(&o);
}

/* In one envelope each has his own answer. */
static void
test_answers(void)
{
	struct out_case o;
	struct member *member;
	guint shared;

	out_begin(&o, CHUNKS ",XVERP", QUICK "connections=1\n");
	stage_set(&o.t, "verp", "xverp");
	stage_members(&o.t, 60);
	sink_rule(o.sink, (struct sink_rule){ "RCPT", "m0000003",
		  "550 5.1.1 no such user", -1, false });
	sink_rule(o.sink, (struct sink_rule){ "RCPT", "m0000005",
		  "451 4.2.0 greylisted", 1, false });
	for (int i = 40; i < 60; i++) {
		/* as a relay does whose limit is 40 */
		static char names[20][16];

		(void) g_snprintf(names[i - 40], sizeof(names[0]),
				  "m00000%02d", i);
		sink_rule(o.sink, (struct sink_rule){ "RCPT", names[i - 40],
			  "452 4.5.3 too many recipients", 1, false });
	}
	out_post(&o, ROLE_POST, "ann@example.net");
	out_start(&o);
	out_wait(&o);
	g_assert_cmpuint(count_transactions(&o, &shared), ==, 3);
	g_assert_cmpuint(shared, ==, 58);	/* the deferred one: singly */
	see_distinct(&o, 59);
	member = stage_get_member(&o.t, "m0000003@example.net");
	g_assert_cmpuint(member->bounces, ==, 1);
	member_free(member);
	member = stage_get_member(&o.t, "m0000050@example.net");
	g_assert_cmpuint(member->bounces, ==, 0);
	member_free(member);
	out_end(&o);
}

/* --- adaptive ----------------------------------------------------------- */

static void
test_adaptive(void)
{
	static const char *const domains[] = { "a.test", "b.test" };
	struct out_case o;
	struct member *member;
	guint shared;

	out_begin(&o, CHUNKS, "connections=2\n");
	stage_set(&o.t, "verp", "adaptive");
	stage_set(&o.t, "verp-every", "0");
	for (int i = 0; i < 80; i++) {
		g_autofree char *addr = g_strdup_printf("u%02d@%s", i,
							domains[i % 2]);

		stage_member(&o.t, addr, true, true);
	}
	/* one who is new, one in doubt */
	member = member_new("new@a.test", g_get_real_time() /
			    G_USEC_PER_SEC - 60);
	stage_put_member(&o.t, member);
	member = member_new("doubt@a.test", 1);
	member->bounced_s = g_get_real_time() / G_USEC_PER_SEC - 60;
	stage_put_member(&o.t, member);
	out_post(&o, ROLE_POST, "ann@example.net");
	out_start(&o);
	out_wait(&o);
	g_assert_cmpuint(count_transactions(&o, &shared), ==, 4);
	g_assert_cmpuint(shared, ==, 80);
	see_distinct(&o, 82);
	g_assert_cmpuint(strcspn(strchr(copy_of(&o, "new@a.test")->sender,
					'+') + 1, "@"), ==, VERP_TOKEN_LEN);
	g_assert_cmpuint(strcspn(strchr(copy_of(&o, "doubt@a.test")->sender,
					'+') + 1, "@"), ==, VERP_TOKEN_LEN);
	stage_see(copy_of(&o, "u00@a.test")->mail, "ENVID=");
	stage_see(copy_of(&o, "u00@a.test")->rcpt, "ORCPT=rfc822;u00@a.test");
	out_end(&o);
}

/* Of some posts, each member gets one that proves who bounces. */
static void
test_every(void)
{
	struct out_case o;
	guint shared, alone = 0;

	out_begin(&o, CHUNKS, "");
	stage_set(&o.t, "verp", "adaptive");
	stage_set(&o.t, "verp-every", "4");
	stage_members(&o.t, 400);
	out_start(&o);
	for (int i = 0; i < 8; i++)
		out_post(&o, ROLE_POST, "ann@example.net");
	out_wait(&o);
	(void) count_transactions(&o, &shared);
	alone = sink_copies(o.sink)->len - shared;
	g_assert_cmpuint(sink_copies(o.sink)->len, ==, 8 * 400);
	g_assert_cmpuint(alone, >, 8 * 400 / 4 / 2);
	g_assert_cmpuint(alone, <, 8 * 400 / 4 * 2);
	out_end(&o);
}

/* --- turns -------------------------------------------------------------- */

static uint32_t
add_list(struct out_case *o, const char *addr, const char *weight)
{
	return stage_add_list(&o->t, addr, "weight", weight);
}

/* A post on another list, whose members are people@SUFFIX. */
static struct post_id
post_on(struct out_case *o, const char *addr, uint32_t list, guint members,
	const char *suffix)
{
	struct stage_case other = o->t;

	other.list = list;
	other.list_addr = addr;
	for (guint i = 0; i < members; i++) {
		g_autofree char *who = g_strdup_printf("p%05u@%s", i, suffix);

		stage_member(&other, who, true, true);
	}
	return out_post_as(o, &other, ROLE_POST, "ann@example.net");
}

static void
test_small_among_large(void)
{
	struct out_case o;
	struct post_id large, small;
	uint32_t list;

	/* in lock-step, so that the large one takes its time */
	out_begin(&o, "SIZE 100000", "in-flight=100\n");
	stage_members(&o.t, 20000);
	list = add_list(&o, "small@lists.example.org", "1");
	out_start(&o);
	large = out_post(&o, ROLE_POST, "ann@example.net");
	g_assert_true(sink_wait(o.sink, 500));
	small = post_on(&o, "small@lists.example.org", list, 10, "s.test");
	outbound_wake(o.outbound);
	while (stage_has_post(&o.t, &small))
		g_usleep(500);
	g_assert_true(stage_has_post(&o.t, &large));
	out_wait(&o);
	see_distinct(&o, 20010);
	out_end(&o);
}

/* As many large posts as are sent at a time leave no place; then comes one
 * to few, and is gone before any of them. */
static void
test_small_behind_many(void)
{
	struct post_id large[AT_A_TIME], small;
	struct out_case o;
	uint32_t list;

	out_begin(&o, CHUNKS, "");
	sink_keep_text(o.sink, false);
	stage_members(&o.t, 20000);
	list = add_list(&o, "small@lists.example.org", "1");
	for (size_t i = 0; i < AT_A_TIME; i++)
		large[i] = out_post(&o, ROLE_POST, "ann@example.net");
	out_start(&o);
	g_assert_true(sink_wait(o.sink, AT_A_TIME));
	small = post_on(&o, "small@lists.example.org", list, 10, "s.test");
	while (stage_has_post(&o.t, &small))
		g_usleep(500);
	for (size_t i = 0; i < AT_A_TIME; i++)
		g_assert_true(stage_has_post(&o.t, &large[i]));
	g_assert_cmpuint(sink_count(o.sink), <, AT_A_TIME * 20000 / 2);
	out_end(&o);
}

static void
test_weights(void)
{
	const GPtrArray *copies;
	struct out_case o;
	uint32_t list;
	guint light = 0, heavy = 0;

	out_begin(&o, "PIPELINING", "in-flight=200\nconnections=2\n");
	stage_members(&o.t, 3000);
	list = add_list(&o, "heavy@lists.example.org", "4");
	(void) post_on(&o, "heavy@lists.example.org", list, 3000, "h.test");
	out_post(&o, ROLE_POST, "ann@example.net");
	out_start(&o);
	out_wait(&o);
	sink_stop(o.sink);
	copies = sink_copies(o.sink);
	g_assert_cmpuint(copies->len, ==, 6000);
	for (guint i = 0; i < copies->len && heavy < 2900; i++) {
		const struct sink_copy *copy = g_ptr_array_index(copies, i);

		if (g_str_has_suffix(copy->addr, "h.test"))
			heavy++;
		else
			light++;
	}
	g_test_message("%u of the light list beside %u", light, heavy);
	g_assert_cmpuint(light, >, 2900 / 8);
	g_assert_cmpuint(light, <, 2900 / 2);
	out_end(&o);
}

/* --- relays ------------------------------------------------------------- */

static void
test_relays(void)
{
	g_autofree char *more = NULL;
	struct out_case o;
	struct sink *second = sink_start(0, BASE);
	guint first_count, second_count;

	out_begin(&o, BASE, "");
	more = g_strdup_printf("connections=8\nrelay=127.0.0.1:%d 1, "
			       "127.0.0.1:%d 3\n", sink_port(o.sink),
			       sink_port(second));
	stage_settings(&o.t, 0, more);
	stage_members(&o.t, 4000);
	out_post(&o, ROLE_POST, "ann@example.net");
	out_start(&o);
	out_wait(&o);
	first_count = sink_count(o.sink);
	second_count = sink_count(second);
	g_assert_cmpuint(first_count + second_count, ==, 4000);
	g_assert_cmpuint(second_count, >, first_count * 2);
	g_assert_cmpuint(first_count, >, 400);
	sink_free(second);
	out_end(&o);
}

static void
test_relay_fails(void)
{
	g_autofree char *more = NULL;
	struct out_case o;
	struct sink *second = sink_start(0, BASE);
	int port = sink_port(second);
	guint before;

	out_begin(&o, BASE, "");
	more = g_strdup_printf("in-flight=40\nrelay=127.0.0.1:%d, "
			       "127.0.0.1:%d\n", sink_port(o.sink), port);
	stage_settings(&o.t, 0, more);
	stage_members(&o.t, 2000);
	sink_stop(second);
	out_post(&o, ROLE_POST, "ann@example.net");
	out_start(&o);
	out_wait(&o);
	g_assert_cmpuint(sink_count(o.sink), ==, 2000);
	/* it is back, and is tried again */
	sink_free(second);
	second = sink_start(port, BASE);
	for (before = 0; sink_count(second) == 0; before++) {
		g_assert_cmpuint(before, <, 600);
		out_post(&o, ROLE_POST, "ann@example.net");
		out_wait(&o);
		g_usleep(20000);
	}
	sink_free(second);
	out_end(&o);
}

/* --- domains ------------------------------------------------------------ */

static void
test_domain_connections(void)
{
	struct out_case o;

	out_begin(&o, "PIPELINING", "domain-limits=slow.test 1\n"
		  "[milter]\ndrain=0s\n");
	for (int i = 0; i < 40; i++) {
		g_autofree char *addr = g_strdup_printf("u%02d@slow.test", i);

		stage_member(&o.t, addr, true, true);
	}
	stage_members(&o.t, 100);
	/* while it says nothing about the first, no other one is begun */
	sink_rule(o.sink, (struct sink_rule){ "DOT", "slow.test", "", 1,
		  false });
	out_post(&o, ROLE_POST, "ann@example.net");
	out_start(&o);
	g_assert_true(sink_wait_rule(o.sink, 1));
	g_assert_true(sink_wait(o.sink, 99));	/* one may be behind it */
	out_stop(&o);
	sink_stop(o.sink);
	for (guint i = 0; i < sink_copies(o.sink)->len; i++) {
		const struct sink_copy *copy = g_ptr_array_index(
			sink_copies(o.sink), i);

		g_assert_false(g_str_has_suffix(copy->addr, "slow.test"));
	}
	out_end(&o);
}

static void
test_domain_rate(void)
{
	struct out_case o;
	int64_t begun, took;

	out_begin(&o, "PIPELINING", "domain-limits=slow.test 10/1s\n");
	for (int i = 0; i < 25; i++) {
		g_autofree char *addr = g_strdup_printf("u%02d@slow.test", i);

		stage_member(&o.t, addr, true, true);
	}
	stage_members(&o.t, 100);
	begun = g_get_monotonic_time();
	out_post(&o, ROLE_POST, "ann@example.net");
	out_start(&o);
	g_assert_true(sink_wait(o.sink, 110));
	out_wait(&o);
	took = g_get_monotonic_time() - begun;
	/* ten at once, then one each 100 ms: no sooner, whatever the load */
	g_assert_cmpint(took, >, 1300000);
	see_each(&o, 125, 0);
	out_end(&o);
}

/* --- what is late ------------------------------------------------------- */

static struct job *
wait_for_late(struct out_case *o)
{
	struct job *job = NULL;

	/* the post's own job is done, and one of a single address is left */
	for (;; g_usleep(2000)) {
		if (stage_count(&o->t, STAGE_OUTBOUND) == 1)
			job = stage_job(&o->t, STAGE_OUTBOUND);
		if (job != NULL && job->audience == TO_ADDRS)
			return job;
		job_free(job);
		job = NULL;
	}
}

static void
test_late(void)
{
	struct out_case o;
	struct job *job;

	out_begin(&o, BASE, "in-flight=40\n[milter]\ndrain=0s\n");
	stage_members(&o.t, 400);
	sink_rule(o.sink, (struct sink_rule){ "RCPT", "m0000003", "", 1,
		  false });
	out_post(&o, ROLE_POST, "ann@example.net");
	out_start(&o);
	g_assert_true(sink_wait(o.sink, 399));
	job = wait_for_late(&o);
	g_assert_cmpuint(g_strv_length(job->addrs), ==, 1);
	g_assert_cmpstr(job->addrs[0], ==, "m0000003@example.net");
	job_free(job);
	/* it is on its way all the same, and not sent a second time */
	g_assert_cmpuint(sink_count(o.sink), ==, 399);
	out_stop(&o);
	sink_clear_rules(o.sink);
	out_start(&o);
	out_wait(&o);
	see_each(&o, 400, 0);
	out_end(&o);
}

/* The answer comes after all. */
static void
test_late_answer(void)
{
	struct out_case o;
	struct post_id id;
	bool late = false;

	out_begin(&o, CHUNKS, "in-flight=40\n");
	stage_members(&o.t, 400);
	sink_rule(o.sink, (struct sink_rule){ "DOT", "m0000003", "", 1,
		  true });
	id = out_post(&o, ROLE_POST, "ann@example.net");
	out_start(&o);
	for (; !late; g_usleep(2000)) {
		g_autofree char *trace = stage_trace(&o.t, &id);

		late = strstr(trace, "they are waited for apart") != NULL;
	}
	sink_clear_rules(o.sink);
	sink_go_on(o.sink);
	out_wait(&o);
	see_each(&o, 400, 0);
	out_end(&o);
}

static const struct tap_case cases[] = {
	{ "xverp: one envelope for many", test_xverp },
	{ "auto: xverp as soon as it is known to be offered", test_auto },
	{ "xverp: not offered, each singly", test_not_offered },
	{ "xverp: ambiguous addresses go singly", test_ambiguous },
	{ "xverp: each member has his own answer", test_answers },
	{ "adaptive: the proven share, by domain", test_adaptive },
	{ "adaptive: a sender of his own now and then", test_every },
	{ "a small list's post passes a large one", test_small_among_large },
	{ "a post passes as many large ones as are sent at a time",
	  test_small_behind_many },
	{ "lists share by weight", test_weights },
	{ "relays share by weight", test_relays },
	{ "a relay that fails is left out and tried again",
	  test_relay_fails },
	{ "a domain's transactions at once", test_domain_connections },
	{ "a domain's rate", test_domain_rate },
	{ "a copy without an answer holds up no other", test_late },
	{ "and its answer is taken when it comes", test_late_answer },
	{ NULL, NULL }
};

int
main(void)
{
	log_open("test-outbound-share", 1);
	return tap_run("outbound-share", cases);
}
