/* SPDX-License-Identifier: BSD-2-Clause */
#include <pthread.h>
#include <string.h>

#include "core/auth/dns_answer.h"
#include "core/auth/resolver_ctx.h"
#include "t/lib/tap.h"
#include "t/unit/lookups-case.h"

/* --- others -------------------------------------------------------------- */

static void
test_shared(void)
{
	struct scene scene = begin();
	struct lookups *lookups[50];

	for (size_t i = 0; i < G_N_ELEMENTS(lookups); i++) {
		lookups[i] = ask_for(scene.resolver, LONG_MS);
		g_assert_null(lookups_get(lookups[i], "slow.example",
					  DNS_TXT));
	}
	for (size_t i = 0; i < G_N_ELEMENTS(lookups); i++) {
		g_assert_cmpint(await_status(lookups[i], "slow.example",
					     DNS_TXT),
				==, DNS_FOUND);
		lookups_free(lookups[i]);
	}
	g_assert_cmpuint(dns_queries(scene.dns, "slow.example", "TXT"), ==, 1);
	end(&scene);
}

static void
test_cached(void)
{
	struct scene scene = begin();
	struct lookups *lookups;

	for (int i = 0; i < 3; i++) {
		lookups = ask_for(scene.resolver, LONG_MS);
		g_assert_cmpint(await_status(lookups, "a.example", DNS_TXT),
				==, DNS_FOUND);
		g_assert_cmpint(await_status(lookups, "n.example", DNS_TXT),
				==, DNS_NXDOMAIN);
		lookups_free(lookups);
	}
	g_assert_cmpuint(dns_queries(scene.dns, "a.example", "TXT"), ==, 1);
	g_assert_cmpuint(dns_queries(scene.dns, "n.example", "TXT"), ==, 1);
	end(&scene);
}

static void
test_unsigned(void)
{
	struct scene scene = begin();
	struct lookups *lookups = ask_for(scene.resolver, LONG_MS);

	g_assert_false(lookups_await(lookups, "a.example", DNS_TXT)->secure);
	lookups_free(lookups);
	end(&scene);
}

/* Each of the lookups asks for so many names below silent, all different. */
static void
ask_silent(struct lookups **lookups, size_t count, int each,
	   const char *silent)
{
	char name[64];

	for (size_t i = 0; i < count; i++) {
		for (int j = 0; j < each; j++) {
			(void)g_snprintf(name, sizeof(name), "x%zu-%d.%s", i,
					 j, silent);
			g_assert_null(lookups_get(lookups[i], name, DNS_TXT));
		}
	}
}

/* Long before anybody would give up. */
static void
check_prompt(struct resolver *resolver, const char *name)
{
	int64_t begun_ms = wire_now_ms();
	struct lookups *lookups = ask_for(resolver, LONG_MS);

	g_assert_cmpint(await_status(lookups, name, DNS_TXT), ==, DNS_FOUND);
	g_assert_cmpint(wire_now_ms() - begun_ms, <, LONG_MS / 2);
	lookups_free(lookups);
}

/* It is answered while others wait yet: for this name, for one. */
static void
check_beside_waiting(struct resolver *resolver, const char *name,
		     struct lookups *waiting, const char *silent)
{
	struct lookups *lookups = ask_for(resolver, LONG_MS);

	g_assert_cmpint(await_status(lookups, name, DNS_TXT), ==, DNS_FOUND);
	g_assert_null(lookups_get(waiting, silent, DNS_TXT));
	lookups_free(lookups);
}

static void
check_beside(const char *silent, int each)
{
	struct scene scene = begin();
	struct lookups *lookups[200];
	g_autofree char *asked = g_strdup_printf("x199-0.%s", silent);

	for (size_t i = 0; i < G_N_ELEMENTS(lookups); i++)
		lookups[i] = ask_for(scene.resolver, LONG_MS);
	ask_silent(lookups, G_N_ELEMENTS(lookups), each, silent);
	g_assert_true(dns_await(scene.dns, asked, "TXT", 1));
	check_beside_waiting(scene.resolver, "a.example", lookups[199],
			     asked);
	check_beside_waiting(scene.resolver, "tc.example", lookups[199],
			     asked);
	g_assert_true(dns_await(scene.dns, asked, "TXT", 3));
	check_beside_waiting(scene.resolver, "alias.example", lookups[199],
			     asked);
	check_beside_waiting(scene.resolver, "larger.example", lookups[199],
			     asked);
	for (size_t i = 0; i < G_N_ELEMENTS(lookups); i++)
		lookups_free(lookups[i]);
	end(&scene);
}

static void
test_beside_silence(void)
{
	check_beside("silent.example", 1);
	check_beside("silent.example", 20);
}

static void
test_beside_silent_tcp(void)
{
	check_beside("tcsilent.example", 1);
}

static void
test_silence_is_over(void)
{
	struct scene scene = begin();
	struct lookups *lookups = ask_for(scene.resolver, 3 * LONG_MS);

	/* Until libunbound gives up, with nothing else asked meanwhile */
	g_assert_cmpint(await_status(lookups, "x.silent.example", DNS_TXT),
			==, DNS_FAILED);
	g_assert_cmpstr(lookups_get(lookups, "x.silent.example", DNS_TXT)->why,
			==, "SERVFAIL");
	check_prompt(scene.resolver, "a.example");
	lookups_free(lookups);
	end(&scene);
}

static void
test_server_returns(void)
{
	struct scene scene = begin();
	struct lookups *lookups = ask_for(scene.resolver, LONG_MS);
	int port = dns_port(scene.dns);

	dns_stop(scene.dns);
	g_assert_cmpint(await_status(lookups, "a.example", DNS_TXT), ==,
			DNS_FAILED);
	lookups_free(lookups);
	scene.dns = dns_start(port, scene_zone);
	check_prompt(scene.resolver, "bytes.example");
	end(&scene);
}

static void
test_lies(void)
{
	struct scene scene = begin();
	struct lookups *lookups = ask_for(scene.resolver, 1000);

	g_assert_cmpint(await_status(lookups, "lie.example", DNS_A), ==,
			DNS_FAILED);
	g_assert_cmpuint(dns_queries(scene.dns, "lie.example", "A"), >=, 1);
	lookups_free(lookups);
	end(&scene);
}

static void *
ask_a_lot(void *arg)
{
	static const char *const names[] = { "a.example",     "gone.example",
					     "bad.example",   "tc.example",
					     "garbage.example", "slow.example",
					     "alias.example" };
	struct resolver *resolver = arg;

	for (int i = 0; i < 100; i++) {
		struct lookups *lookups = ask_for(resolver, LONG_MS);

		for (size_t j = 0; j < G_N_ELEMENTS(names); j++)
			(void)lookups_get(lookups, names[j], DNS_TXT);
		g_assert_cmpint(await_status(lookups, "alias.example",
					     DNS_TXT),
				==, DNS_FOUND);
		g_assert_cmpint(await_status(lookups, "gone.example", DNS_TXT),
				==, DNS_NXDOMAIN);
		lookups_free(lookups);
	}
	return NULL;
}

static void
test_threads(void)
{
	struct scene scene = begin();
	pthread_t threads[8];

	for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
		(void)pthread_create(&threads[i], NULL, ask_a_lot,
				     scene.resolver);
	for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
		(void)pthread_join(threads[i], NULL);
	end(&scene);
}

static void
test_wrong_server(void)
{
	char server[] = "ns.example";
	char *const servers[] = { server, NULL };
	struct resolver *resolver = NULL;
	struct err err = ERR_INIT;

	g_assert_cmpint(resolver_new(servers, &resolver, &err), ==,
			ERR_INVALID);
	g_assert_nonnull(strstr(err.what, "\"ns.example\""));
	g_assert_null(resolver);
	resolver_free(NULL);
}

/* --- what comes from libunbound ------------------------------------------ */

static void
test_broken_data(void)
{
	static const struct {
		enum dns_type type;
		const char *data;
		size_t len;
	} broken[] = {
		{ DNS_A, "\300\0\2", 3 },
		{ DNS_A, "\300\0\2\1\1", 5 },
		{ DNS_AAAA, "\300\0\2\1", 4 },
		{ DNS_TXT, "", 0 },
		{ DNS_TXT, "\5four", 5 },
		{ DNS_TXT, "\4four\1", 6 },
		{ DNS_PTR, "", 0 },
		{ DNS_PTR, "\1a", 2 },
		{ DNS_PTR, "\5a\0", 3 },
		{ DNS_PTR, "\1a\0\0", 4 },
		{ DNS_PTR, "\300\14", 2 },
		{ DNS_PTR, "\3a.b\0", 5 },
		{ DNS_PTR, "\3a\0b\0", 5 },
		{ DNS_MX, "\0\1", 2 },
		{ DNS_MX, "\0", 1 },
		{ DNS_MX, "\0\1\1a", 4 },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(broken); i++) {
		struct dns_answer *answer = dns_answer_new(DNS_NODATA);
		g_autofree uint8_t *data =
			g_memdup2(broken[i].data, broken[i].len);

		dns_answer_add_wire(answer, broken[i].type, data,
				    broken[i].len);
		g_assert_cmpuint(answer->count, ==, 0);
		g_assert_cmpint(answer->status, ==, DNS_NODATA);
		dns_answer_free(answer);
	}
}

static void
test_bogus(void)
{
	char address[] = "\300\0\2\1", why[] = "forged";
	char *data[] = { address, NULL };
	int len[] = { 4, 0 };
	struct ub_result result = { .data = data, .len = len, .havedata = 1,
				    .secure = 1 };
	struct dns_answer *answer = resolver_ctx_answer(DNS_A, 0, &result);

	g_assert_cmpint(answer->status, ==, DNS_FOUND);
	g_assert_true(answer->secure);
	dns_answer_free(answer);
	result.secure = 0;
	result.bogus = 1;
	result.why_bogus = why;
	answer = resolver_ctx_answer(DNS_A, 0, &result);
	g_assert_cmpint(answer->status, ==, DNS_FAILED);
	g_assert_cmpstr(answer->why, ==, "bogus: forged");
	g_assert_cmpuint(answer->count, ==, 0);
	dns_answer_free(answer);
	answer = resolver_ctx_answer(DNS_A, UB_NOMEM, NULL);
	g_assert_cmpint(answer->status, ==, DNS_FAILED);
	dns_answer_free(answer);
}

static const struct tap_case cases[] = {
	{ "a server that is no address is refused", test_wrong_server },
	{ "one query for all who ask the same", test_shared },
	{ "answers are kept, and that there is none", test_cached },
	{ "what is not signed is not secure", test_unsigned },
	{ "200 who wait for silent names do not delay others",
	  test_beside_silence },
	{ "nor do 200 who wait for silence over TCP",
	  test_beside_silent_tcp },
	{ "a silent name is no fault of the server", test_silence_is_over },
	{ "a server that comes back is asked at once", test_server_returns },
	{ "answers to other queries and questions are not taken",
	  test_lies },
	{ "eight threads", test_threads },
	{ "records that are broken are left out", test_broken_data },
	{ "what is bogus is a failure", test_bogus },
	{ NULL, NULL },
};

int
main(void)
{
	return tap_run("resolver", cases);
}
