/* SPDX-License-Identifier: BSD-2-Clause */
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "t/lib/tap.h"
#include "t/unit/lookups-case.h"

/* An answer as text: "FOUND 10 mx.example, 20 b" or "NXDOMAIN"; addresses in
 * hexadecimal, what is odd as \xNN */
static char *
show(const struct dns_answer *answer)
{
	static const char *const names[] = { "FOUND", "NODATA", "NXDOMAIN",
					     "FAILED" };
	GString *text;

	if (answer == NULL)
		return g_strdup("under way");
	text = g_string_new(names[answer->status]);
	for (size_t i = 0; i < answer->count; i++) {
		const struct dns_record *record = &answer->records[i];

		g_string_append(text, i == 0 ? " " : ", ");
		if (record->preference > 0)
			g_string_append_printf(text, "%u ",
					       record->preference);
		for (size_t j = 0; j < record->len; j++) {
			unsigned char c = (unsigned char)record->data[j];

			g_string_append_printf(
				text, g_ascii_isprint((char)c) ? "%c" : "\\x%02x",
				c);
		}
		g_assert_cmpint(record->data[record->len], ==, '\0');
	}
	return g_string_free(text, FALSE);
}

struct lookup_case {
	const char *name;
	enum dns_type type;
	const char *wanted;
};

/* The order of records is not kept. */
static char *
sorted(char *text)
{
	char *words = strchr(text, ' ');
	g_auto(GStrv) parts = NULL;
	char *swap, *joined, *all;

	if (words == NULL)
		return text;
	*words = '\0';
	parts = g_strsplit(words + 1, ", ", -1);
	if (g_strv_length(parts) == 2 && strcmp(parts[0], parts[1]) > 0) {
		swap = parts[0];
		parts[0] = parts[1];
		parts[1] = swap;
	}
	joined = g_strjoinv(", ", parts);
	all = g_strdup_printf("%s %s", text, joined);
	g_free(joined);
	g_free(text);
	return all;
}

static void
check_cases(const struct lookup_case *cases, size_t count)
{
	struct dns *dns = dns_start(0, scene_zone);
	struct resolver *resolver = resolver_of(dns);
	struct lookups *lookups = ask_for(resolver, LONG_MS);

	for (size_t i = 0; i < count; i++) {
		g_autofree char *got = sorted(show(lookups_await(
			lookups, cases[i].name, cases[i].type)));

		if (strcmp(got, cases[i].wanted) != 0)
			g_test_message("%s %d", cases[i].name,
				       (int)cases[i].type);
		g_assert_cmpstr(got, ==, cases[i].wanted);
	}
	g_assert_cmpuint(lookups_open(lookups), ==, 0);
	lookups_free(lookups);
	resolver_free(resolver);
	dns_stop(dns);
}

static void
test_answers(void)
{
	static const struct lookup_case cases[] = {
		{ "a.example", DNS_TXT, "FOUND v=spf1 -all" },
		{ "a.example", DNS_MX, "FOUND 10 mx1.a.example, 20 "
				       "mx2.a.example" },
		{ "a.example", DNS_A, "FOUND \\xc0\\x00\\x02\\x01, "
				      "\\xc0\\x00\\x02\\x02" },
		{ "a.example", DNS_AAAA,
		  "FOUND  \\x01\\x0d\\xb8\\x00\\x00\\x00\\x00\\x00\\x00\\x00"
		  "\\x00\\x00\\x00\\x00\\x07" },
		{ "a.example", DNS_PTR, "NODATA" },
		{ "gone.example", DNS_A, "NXDOMAIN" },
		{ "below.example", DNS_A, "NODATA" },
		{ "1.2.0.192.in-addr.arpa", DNS_PTR, "FOUND a.example" },
		{ "1.0.0.10.in-addr.arpa", DNS_PTR, "FOUND inside.example" },
		{ "null.example", DNS_MX, "FOUND " },
		{ "odd.example", DNS_MX, "FOUND 6 good.example" },
		{ "bytes.example", DNS_TXT, "FOUND a\\x00b\\xff\"c" },
		{ "empty.example", DNS_TXT, "FOUND " },
	};

	check_cases(cases, G_N_ELEMENTS(cases));
}

static void
test_failures(void)
{
	static const struct lookup_case cases[] = {
		{ "bad.example", DNS_TXT, "FAILED" },
		{ "x.bad.example", DNS_A, "FAILED" },
		{ "refused.example", DNS_TXT, "FAILED" },
		{ "garbage.example", DNS_TXT, "FAILED" },
		{ "loop.example", DNS_A, "FAILED" },
		{ "allodd.example", DNS_MX, "FAILED" },
	};

	check_cases(cases, G_N_ELEMENTS(cases));
}

static void
test_aliases(void)
{
	static const struct lookup_case cases[] = {
		{ "alias.example", DNS_TXT, "FOUND v=spf1 -all" },
		{ "lost.example", DNS_TXT, "NXDOMAIN" },
		{ "none.example", DNS_TXT, "NODATA" },
	};

	check_cases(cases, G_N_ELEMENTS(cases));
}

static void
test_names(void)
{
	static const struct lookup_case cases[] = {
		{ "A.EXAMPLE.", DNS_TXT, "FOUND v=spf1 -all" },
		{ "", DNS_A, "NXDOMAIN" },
		{ ".", DNS_A, "NXDOMAIN" },
		{ "a..example", DNS_A, "NXDOMAIN" },
		{ ".a.example", DNS_A, "NXDOMAIN" },
		{ "a.example..", DNS_A, "NXDOMAIN" },
		{ "*.star.example", DNS_TXT, "FOUND star" },
		{ "x.star.example", DNS_TXT, "NXDOMAIN" },
		{ "a b\"c(d;e@f\\g$.example", DNS_TXT, "NXDOMAIN" },
		{ "\377x \\y", DNS_TXT, "NXDOMAIN" },
		{ "\377x \\y.z.example", DNS_TXT, "FOUND odd" },
	};

	check_cases(cases, G_N_ELEMENTS(cases));
}

/* --- size ---------------------------------------------------------------- */

static void
check_text_size(struct lookups *lookups, const char *name, size_t size)
{
	const struct dns_answer *answer = lookups_await(lookups, name, DNS_TXT);

	g_assert_cmpint(answer->status, ==, DNS_FOUND);
	g_assert_cmpuint(answer->count, ==, 1);
	g_assert_cmpuint(answer->records[0].len, ==, size);
}

static void
test_tcp(void)
{
	struct scene scene = begin();
	struct lookups *lookups = ask_for(scene.resolver, LONG_MS);

	check_text_size(lookups, "tc.example", strlen("over-tcp"));
	check_text_size(lookups, "larger.example", 3000);
	check_text_size(lookups, "huge.example", 60000);
	lookups_free(lookups);
	end(&scene);
}

static void
test_many_records(void)
{
	g_autoptr(GString) text = g_string_new(NULL);
	struct lookups *lookups;
	struct resolver *resolver;
	struct dns *dns;

	for (int i = 1; i <= 100; i++)
		g_string_append_printf(text, "many.example A 192.0.2.%d\n", i);
	dns = dns_start(0, text->str);
	resolver = resolver_of(dns);
	lookups = ask_for(resolver, LONG_MS);
	g_assert_cmpuint(lookups_await(lookups, "many.example", DNS_A)->count,
			 ==, 100);
	lookups_free(lookups);
	resolver_free(resolver);
	dns_stop(dns);
}

static void
test_long_names(void)
{
	struct scene scene = begin();
	struct lookups *lookups = ask_for(scene.resolver, LONG_MS);
	g_autofree char *label = g_strnfill(63, 'x');
	g_autofree char *most = g_strdup_printf(
		"%s.%s.%s.%.53s.example", label, label, label, label);
	g_autofree char *longer = g_strdup_printf("y%s", most);
	g_autofree char *label_64 = g_strdup_printf("y%s.example", label);

	g_assert_cmpuint(strlen(most), ==, 253);
	g_assert_cmpint(await_status(lookups, most, DNS_A), ==, DNS_NXDOMAIN);
	g_assert_cmpuint(dns_queries(scene.dns, most, "A"), ==, 1);
	g_assert_cmpint(await_status(lookups, longer, DNS_A), ==,
			DNS_NXDOMAIN);
	g_assert_cmpint(await_status(lookups, label_64, DNS_A), ==,
			DNS_NXDOMAIN);
	g_assert_cmpuint(dns_queries(scene.dns, longer, NULL), ==, 0);
	g_assert_cmpuint(dns_queries(scene.dns, label_64, NULL), ==, 0);
	lookups_free(lookups);
	end(&scene);
}

/* --- time ---------------------------------------------------------------- */

/* What changed() has seen */
struct news {
	pthread_mutex_t lock;
	pthread_cond_t event;
	unsigned int calls;
	bool holds;		/* changed() does not return while it is set */
	struct lookups *lookups;
	size_t open;		/* at the last call */
};

static void
on_changed(void *arg)
{
	struct news *news = arg;

	(void)pthread_mutex_lock(&news->lock);
	news->calls++;
	if (news->lookups != NULL)
		news->open = lookups_open(news->lookups);
	(void)pthread_cond_broadcast(&news->event);
	while (news->holds)
		(void)pthread_cond_wait(&news->event, &news->lock);
	(void)pthread_mutex_unlock(&news->lock);
}

static void
await_calls(struct news *news, unsigned int calls)
{
	struct timespec until;
	int rc = 0;

	(void)clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 60;
	(void)pthread_mutex_lock(&news->lock);
	while (news->calls < calls && rc == 0)
		rc = pthread_cond_timedwait(&news->event, &news->lock,
					    &until);
	g_assert_cmpuint(news->calls, ==, calls);
	(void)pthread_mutex_unlock(&news->lock);
}

#define NEWS_INIT                                     \
	{                                             \
		.lock = PTHREAD_MUTEX_INITIALIZER,    \
		.event = PTHREAD_COND_INITIALIZER,    \
	}

static void
test_deadline(void)
{
	struct scene scene = begin();
	struct news news = NEWS_INIT;
	int64_t deadline_ms = wire_now_ms() + 300;
	struct lookups *lookups = lookups_new(scene.resolver, deadline_ms,
					      on_changed, &news);
	const struct dns_answer *answer;

	(void)pthread_mutex_lock(&news.lock);
	news.lookups = lookups;
	(void)pthread_mutex_unlock(&news.lock);
	g_assert_null(lookups_get(lookups, "a.silent.example", DNS_TXT));
	g_assert_null(lookups_get(lookups, "b.silent.example", DNS_A));
	g_assert_null(lookups_get(lookups, "tcsilent.example", DNS_A));
	g_assert_cmpuint(lookups_open(lookups), ==, 3);
	answer = lookups_await(lookups, "a.silent.example", DNS_TXT);
	g_assert_cmpint(answer->status, ==, DNS_FAILED);
	g_assert_cmpstr(answer->why, ==, "no answer by the deadline");
	g_assert_cmpint(wire_now_ms(), >=, deadline_ms);
	g_assert_cmpint(wire_now_ms(), <, deadline_ms + 5000);
	g_assert_cmpuint(lookups_open(lookups), ==, 0);
	answer = lookups_get(lookups, "b.silent.example", DNS_A);
	g_assert_nonnull(answer);
	await_calls(&news, 1);
	g_assert_cmpuint(news.open, ==, 0);
	answer = lookups_get(lookups, "late.example", DNS_A);
	g_assert_nonnull(answer);
	g_assert_cmpint(answer->status, ==, DNS_FAILED);
	lookups_free(lookups);
	end(&scene);
}

static void
test_changed(void)
{
	struct scene scene = begin();
	struct news news = NEWS_INIT;
	struct lookups *lookups =
		lookups_new(scene.resolver, wire_now_ms() + LONG_MS,
			    on_changed, &news);
	const struct dns_answer *answer;

	g_assert_null(lookups_get(lookups, "a.example", DNS_TXT));
	await_calls(&news, 1);
	answer = lookups_get(lookups, "a.example", DNS_TXT);
	g_assert_nonnull(answer);
	g_assert_true(answer == lookups_get(lookups, "A.example.", DNS_TXT));
	g_assert_null(lookups_get(lookups, "a.example", DNS_A));
	g_assert_null(lookups_get(lookups, "bad.example", DNS_A));
	await_calls(&news, 3);
	g_assert_nonnull(lookups_get(lookups, "", DNS_A));
	lookups_free(lookups);
	g_assert_cmpuint(news.calls, ==, 3);
	end(&scene);
}

static void
test_sticky(void)
{
	struct scene scene = begin();
	struct lookups *brief = ask_for(scene.resolver, 50);
	struct lookups *patient = ask_for(scene.resolver, LONG_MS);

	g_assert_cmpint(await_status(brief, "slow.example", DNS_TXT), ==,
			DNS_FAILED);
	g_assert_cmpint(await_status(patient, "slow.example", DNS_TXT), ==,
			DNS_FOUND);
	g_assert_cmpint(await_status(brief, "slow.example", DNS_TXT), ==,
			DNS_FAILED);
	lookups_free(brief);
	lookups_free(patient);
	end(&scene);
}

/* --- life ---------------------------------------------------------------- */

static void
test_free_under_way(void)
{
	struct scene scene = begin();
	struct news news = NEWS_INIT;
	struct lookups *patient = ask_for(scene.resolver, LONG_MS);
	struct lookups *lookups;

	for (int i = 0; i < 20; i++) {
		lookups = lookups_new(scene.resolver, wire_now_ms() + LONG_MS,
				      on_changed, &news);
		g_assert_null(lookups_get(lookups, "slow.example", DNS_TXT));
		lookups_free(lookups);
	}
	/* The answer that the others had waited for */
	g_assert_cmpint(await_status(patient, "slow.example", DNS_TXT), ==,
			DNS_FOUND);
	g_assert_cmpuint(news.calls, ==, 0);
	lookups_free(patient);
	lookups_free(NULL);
	end(&scene);
}

static void *
free_it(void *arg)
{
	lookups_free(arg);
	return NULL;
}

static void *
let_go(void *arg)
{
	struct news *news = arg;

	(void)pthread_mutex_lock(&news->lock);
	news->holds = false;
	(void)pthread_cond_broadcast(&news->event);
	(void)pthread_mutex_unlock(&news->lock);
	return NULL;
}

static void
test_free_waits(void)
{
	struct scene scene = begin();
	struct news news = NEWS_INIT;
	struct lookups *lookups =
		lookups_new(scene.resolver, wire_now_ms() + LONG_MS,
			    on_changed, &news);
	pthread_t freer;

	news.holds = true;
	g_assert_null(lookups_get(lookups, "a.example", DNS_TXT));
	g_assert_null(lookups_get(lookups, "a.example", DNS_A));
	await_calls(&news, 1);
	(void)pthread_create(&freer, NULL, free_it, lookups);
	(void)let_go(&news);
	(void)pthread_join(freer, NULL);
	/* news may go now; asan and tsan say if changed() still had it */
	(void)pthread_mutex_destroy(&news.lock);
	memset(&news, 0xff, sizeof(news));
	end(&scene);
}

static void
test_end_under_way(void)
{
	struct scene scene = begin();
	struct lookups *lookups = ask_for(scene.resolver, LONG_MS);
	char name[64];

	for (int i = 0; i < 100; i++) {
		(void)g_snprintf(name, sizeof(name), "x%d.silent.example", i);
		g_assert_null(lookups_get(lookups, name, DNS_TXT));
	}
	g_assert_true(dns_await(scene.dns, "x15.silent.example", "TXT", 1));
	lookups_free(lookups);
	end(&scene);
}

static void
test_most_questions(void)
{
	struct scene scene = begin();
	struct lookups *lookups = ask_for(scene.resolver, LONG_MS);
	const struct dns_answer *answer;
	char name[64];

	for (int i = 0; i < LOOKUPS_MAX; i++) {
		(void)g_snprintf(name, sizeof(name), "x%d.example", i);
		(void)lookups_get(lookups, name, DNS_A);
	}
	answer = lookups_get(lookups, "a.example", DNS_A);
	g_assert_nonnull(answer);
	g_assert_cmpint(answer->status, ==, DNS_FAILED);
	g_assert_cmpstr(answer->why, ==, "too many questions");
	g_assert_cmpint(await_status(lookups, "x255.example", DNS_A), ==,
			DNS_NXDOMAIN);
	g_assert_cmpuint(dns_queries(scene.dns, "a.example", NULL), ==, 0);
	lookups_free(lookups);
	end(&scene);
}

/* --- what is put --------------------------------------------------------- */

static void
put_text(struct lookups *lookups, const char *name, const char *text)
{
	struct dns_record record = { .data = text, .len = strlen(text) };

	lookups_put(lookups, name, DNS_TXT, DNS_FOUND, &record);
}

static void
check_shown(struct lookups *lookups, const char *name, const char *wanted)
{
	g_autofree char *got = show(lookups_get(lookups, name, DNS_TXT));

	g_assert_cmpstr(got, ==, wanted);
}

static void
test_put(void)
{
	struct lookups *lookups = ask_for(NULL, LONG_MS);
	const struct dns_answer *first;

	put_text(lookups, "A.example.", "one");
	first = lookups_get(lookups, "a.example", DNS_TXT);
	put_text(lookups, "a.example", "two");
	lookups_put(lookups, "n.example", DNS_TXT, DNS_NODATA, NULL);
	lookups_put(lookups, "f.example", DNS_TXT, DNS_FAILED, NULL);
	check_shown(lookups, "a.EXAMPLE", "FOUND one, two");
	check_shown(lookups, "n.example", "NODATA");
	check_shown(lookups, "f.example", "FAILED");
	check_shown(lookups, "other.example", "NXDOMAIN");
	g_assert_cmpuint(lookups_open(lookups), ==, 0);
	g_assert_cmpuint(first->count, ==, 1);
	g_assert_cmpint(await_status(lookups, "other.example", DNS_A), ==,
			DNS_NXDOMAIN);
	lookups_free(lookups);
}

static void
test_put_limits(void)
{
	struct lookups *lookups = ask_for(NULL, LONG_MS);
	g_autofree char *text = g_strnfill(30000, 'x');
	const struct dns_answer *answer;

	for (int i = 0; i < 3; i++)
		put_text(lookups, "large.example", text);
	answer = lookups_get(lookups, "large.example", DNS_TXT);
	g_assert_cmpuint(answer->count, ==, 2);
	lookups_free(lookups);
}

static void
test_put_first(void)
{
	struct scene scene = begin();
	struct lookups *lookups = ask_for(scene.resolver, LONG_MS);

	put_text(lookups, "a.example", "ours");
	check_shown(lookups, "a.example", "FOUND ours");
	g_assert_null(lookups_get(lookups, "x.silent.example", DNS_TXT));
	put_text(lookups, "x.silent.example", "put");
	check_shown(lookups, "x.silent.example", "FOUND put");
	g_assert_cmpuint(lookups_open(lookups), ==, 0);
	g_assert_cmpuint(dns_queries(scene.dns, "a.example", NULL), ==, 0);
	lookups_free(lookups);
	end(&scene);
}

static const struct tap_case cases[] = {
	{ "records of every type, no data, no name", test_answers },
	{ "SERVFAIL, REFUSED, garbage and loops are failures",
	  test_failures },
	{ "aliases are followed", test_aliases },
	{ "names of any bytes and case", test_names },
	{ "names and labels that are too long are not asked",
	  test_long_names },
	{ "what is truncated comes over TCP, up to 60,000 bytes", test_tcp },
	{ "all records of an answer with many", test_many_records },
	{ "silence fails at the deadline, and says so", test_deadline },
	{ "changed() after each answer", test_changed },
	{ "an answer stays what it is", test_sticky },
	{ "free while under way, a late answer is harmless",
	  test_free_under_way },
	{ "free waits for changed()", test_free_waits },
	{ "an end with questions under way", test_end_under_way },
	{ "no more than LOOKUPS_MAX questions", test_most_questions },
	{ "put without a resolver, all else is not there", test_put },
	{ "what is put has the same limits", test_put_limits },
	{ "what is put is not asked, or answers what was", test_put_first },
	{ NULL, NULL },
};

int
main(void)
{
	return tap_run("lookups", cases);
}
