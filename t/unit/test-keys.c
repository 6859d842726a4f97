/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "conf/keys.h"
#include "conf/settings.h"
#include "t/lib/tap.h"

static void
test_check(void)
{
	static const struct {
		const char *key, *value, *stored;	/* NULL: refused */
	} cases[] = {
		{ "policy", "members-strict", "members-strict" },
		{ "policy", "member", NULL },
		{ "max-size", "400k", "400k" },
		{ "max_size", "0", "0" },
		{ "max-size", "big", NULL },
		{ "owner", "Ann@Example.ORG, bob@b.example",
		  "Ann@example.org, bob@b.example" },
		{ "owner", "", "" },
		{ "owner", "ann", NULL },
		{ "subject-prefix", " [dev] ", "[dev]" },
		{ "subject-prefix", "a\nb", NULL },
		{ "subject-prefix", "[dev %{number:5}]",
		  "[dev %{number:5}]" },
		{ "subject-prefix", "%{number}", NULL },
		{ "subject-prefix", "[%{list}]", NULL },
		{ "reply-to", " Both ", "both" },
		{ "header-rules", "remove X-A\r\nadd B: c\n",
		  "remove X-A\nadd B: c" },
		{ "list-headers", "minimal", "minimal" },
		{ "reply-to", "sender", NULL },
		{ "description", "\377", NULL },
		{ "policy", "announce", "announce" },
		{ "policy", " moderated\n", "moderated" },
		{ "policy", "Members", NULL },
		{ "policy", "accept", "accept" },
		{ "policy", "\nhold when size > 1k\r\n\taccept # all\r\n",
		  "hold when size > 1k\n\taccept # all" },
		{ "policy", "", NULL },
		{ "policy", "hold \033[0m", NULL },
		{ "policy", "hold \377", NULL },
		{ "policy", "hold \"\302\233m\"", NULL },
		{ "policy", "hold \"\303\244\302\240\"",
		  "hold \"\303\244\302\240\"" },
		{ "banned", "@x.example, *.y.example\n\tann@z.example,,",
		  "@x.example, *.y.example, ann@z.example" },
		{ "banned", "a@b\001", NULL },
		{ "accepted", "", "" },
		{ "closed", "ON", "yes" },
		{ "closed", "maybe", NULL },
		{ "max-recipients", "10", "10" },
		{ "max-recipients", "10k", NULL },
		{ "max-recipients", "1000001", NULL },
		{ "author-rate", " 20/1d ", "20/1d" },
		{ "author-rate", "", "" },
		{ "author-rate", "0/1d", NULL },
		{ "author-rate", "20", NULL },
		{ "author-rate", "20/32d", NULL },
		{ "author-rate", "20/0", NULL },
		{ "list-rate", "200/1h/1d", NULL },
		{ "held-keep", "2w", "2w" },
		{ "held-keep", "30s", NULL },
		{ "held-keep", "366d", NULL },
		{ "held-keep", "", NULL },
		{ "unsubscribe-url", "https://x/%{token}",
		  "https://x/%{token}" },
		{ "archive", " MBOX ", "mbox" },
		{ "archive", "yes", NULL },
		{ "archive-url", "http://x/%{list-name}/%{message-id}/",
		  "http://x/%{list-name}/%{message-id}/" },
		{ "archive-url", "https://x/%{hash}?%{list}%{list-domain}",
		  "https://x/%{hash}?%{list}%{list-domain}" },
		{ "archive-url", "", "" },
		{ "archive-url", "https://x/%{messageid}", NULL },
		{ "archive-url", "ftp://x/%{hash}", NULL },
		{ "archive-url", "https://x/ %{hash}", NULL },
		{ "archive-url", "https://x/%{hash}>", NULL },
		{ "unsubscribe-url", "", "" },
		{ "unsubscribe-url", "https://x/", NULL },
		{ "unsubscribe-url", "http://x/%{token}", NULL },
		{ "unsubscribe-url", "https://x/%{token}/%{token}", NULL },
		{ "unsubscribe-url", "https://x/%{token}>", NULL },
		{ "footer", "a\r\n-- \nb \n\n", "a\n-- \nb" },
		{ "footer", "\033[0m", NULL },
		{ "footer", "%{list.name} %{", "%{list.name} %{" },
		{ "footer", "%{lists}", NULL },
		{ "header", "%{a b} 100%{}", "%{a b} 100%{}" },
		{ "header", "%{token}", NULL },
		{ "content", " remove name *.exe ;\n pass type text,image",
		  "remove name *.exe; pass type text, image" },
		{ "content", "", "" },
		{ "content", "remove *.exe", NULL },
		{ "content", "remove name \033[0m", NULL },
		{ "content-html", "Text", "text" },
		{ "content-html", "plain", NULL },
		{ "program", " tag ", "tag" },
		{ "program", "", "" },
		{ "program", "/bin/sh -c x", NULL },
		{ "program", "../x", NULL },
		{ "sign-key", "/etc/muster/x.pem", "/etc/muster/x.pem" },
		{ "sign-key", "x.pem", NULL },
		{ "sign-key", "/x\n", "/x" },
		{ "sign-key", "/x\ny", NULL },
		{ "sign-selector", "S2026._x", "s2026._x" },
		{ "sign-selector", "a;b", NULL },
		{ "subscription", "Confirm+Moderated", "confirm+moderated" },
		{ "subscription", "moderated+confirm", NULL },
		{ "commands-most", "1000", "1000" },
		{ "commands-most", "0", NULL },
		{ "commands-most", "1001", NULL },
		{ "bounce-breaker", "0", "0" },
		{ "bounce-breaker", "100", "100" },
		{ "bounce-breaker", "101", NULL },
		{ "bounce-breaker", "10%", NULL },
		{ "bounce-hard-weight", " 0.125 ", "0.125" },
		{ "bounce-hard-weight", "1000.000", "1000.000" },
		{ "bounce-hard-weight", "1000.001", NULL },
		{ "bounce-hard-weight", "0.1255", NULL },
		{ "bounce-hard-weight", ".5", NULL },
		{ "bounce-hard-weight", "1.", NULL },
		{ "bounce-hard-weight", "1,5", NULL },
		{ "bounce-hard-weight", "-1", NULL },
		{ "bounce-hard-weight", "9999999999999999999999", NULL },
		{ "sign-domain", "Lists.Example.org", "lists.example.org" },
		{ "sign-domain", "lists..example", NULL },
		{ "sign-domain", "b\303\274cher.example", NULL },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		const struct key *key = key_find(list_keys, cases[i].key);
		g_autofree char *got = NULL;
		struct err err = ERR_INIT;

		g_assert_nonnull(key);
		g_assert_cmpint(key_check(key, cases[i].value, &got, &err),
				==, cases[i].stored != NULL ? ERR_OK
				: ERR_INVALID);
		g_assert_cmpstr(got, ==, cases[i].stored);
		if (got == NULL)
			g_assert_nonnull(strstr(err.what, "expected"));
	}
}

static void
test_member(void)
{
	static const struct {
		const char *key, *value, *stored;	/* NULL: refused */
	} cases[] = {
		{ "delivery", "true", "on" },
		{ "delivery", "0", "off" },
		{ "delivery", " Digest ", "digest" },
		{ "delivery", "mime", "digest" },
		{ "delivery", "plain", "plain" },
		{ "delivery", "nomail", NULL },
		{ "language", "", "" },
		{ "language", "de", "de" },
		{ "language", "pt_BR", "pt-br" },
		{ "language", "zh-Hant-TW", "zh-hant-tw" },
		{ "language", "d", NULL },
		{ "language", "de-", NULL },
		{ "language", "-de", NULL },
		{ "language", "de/..", NULL },
		{ "language", "../de", NULL },
		{ "language", "deutschland", NULL },
		{ "language", "d\303\244", NULL },
		{ "language", "aa-aaaaaaaa-aaaaaaaa-aaaaaaaa-aaaaaa", NULL },
		{ "hidden", "YES", "yes" },
		{ "hidden", "perhaps", NULL },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		const struct key *key = key_find(member_keys, cases[i].key);
		g_autofree char *got = NULL;

		g_assert_nonnull(key);
		g_assert_cmpint(key_check(key, cases[i].value, &got, NULL),
				==, cases[i].stored != NULL ? ERR_OK :
				ERR_INVALID);
		g_assert_cmpstr(got, ==, cases[i].stored);
	}
}

static void
test_points(void)
{
	int64_t got = -1;

	g_assert_true(value_points("0.25", &got));
	g_assert_cmpint(got, ==, 250);
	g_assert_true(value_points("12", &got));
	g_assert_cmpint(got, ==, 12000);
	g_assert_true(value_points("1.005", &got));
	g_assert_cmpint(got, ==, 1005);
	g_assert_false(value_points("", &got));
	g_assert_false(value_points("1.0x", &got));
	g_assert_cmpint(got, ==, 1005);
}

/* What was stored is checked again when a dump is loaded. */
static void
test_stored(void)
{
	static const char *const pairs[][2] = {
		{ "policy", "hold \"a\r\nb\"\r\n when tls\n accept \n" },
		{ "banned", " @a ;,b@c\nd" },
		{ "owner", "A@B.example ,c@d" },
		{ "author-rate", "1/1s " },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(pairs); i++) {
		const struct key *key = key_find(list_keys, pairs[i][0]);
		g_autofree char *once = NULL, *twice = NULL;

		g_assert_cmpint(key_check(key, pairs[i][1], &once, NULL), ==,
				ERR_OK);
		g_assert_cmpint(key_check(key, once, &twice, NULL), ==,
				ERR_OK);
		g_assert_cmpstr(once, ==, twice);
	}
}

static void
test_long(void)
{
	g_autofree char *fill = g_strnfill(KEY_LONG_MAX - 6, 'x');
	g_autofree char *policy = g_strconcat("hold \"", fill, NULL);
	g_autofree char *longer = g_strconcat(policy, "x", NULL);
	g_autofree char *stored = NULL, *none = NULL;
	const struct key *key = key_find(list_keys, "policy");
	struct err err = ERR_INIT;

	g_assert_cmpint(key_check(key, policy, &stored, &err), ==, ERR_OK);
	g_assert_cmpint(key_check(key, longer, &none, &err), ==,
			ERR_INVALID);
	g_assert_nonnull(strstr(err.what, "16000"));
	key = key_find(list_keys, "accepted");
	g_assert_cmpint(key_check(key, fill, &none, &err), ==, ERR_INVALID);
	g_assert_null(none);
}

static void
test_words(void)
{
	g_auto(GStrv) words = key_words("a@b, @c ,, *.d");
	static const struct { const char *value, *addr, *want; } cases[] = {
		{ "", "ann@x.example", "ann@x.example" },
		{ "b@y", "ann@x.example", "b@y, ann@x.example" },
		{ "b@y, ann@X.example", "ann@x.Example",
		  "b@y, ann@X.example" },
		{ "Ann@x", "ann@x", "Ann@x, ann@x" },
		{ "", "*@x", NULL },
		{ "", "\"a, b\"@x", NULL },
		{ "", "\"a b\"@x", NULL },
	};

	g_assert_cmpuint(g_strv_length(words), ==, 3);
	g_assert_cmpstr(words[2], ==, "*.d");
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *got = key_words_add(cases[i].value,
						     cases[i].addr);

		g_assert_cmpstr(got, ==, cases[i].want);
	}
}

static void
test_words_full(void)
{
	g_autofree char *value = g_strdup("");
	char *longer;
	size_t count = 0;

	for (;; count++) {
		g_autofree char *addr = g_strdup_printf("u%zu@x.example",
							count);

		longer = key_words_add(value, addr);
		if (longer == NULL)
			break;
		g_free(value);
		value = longer;
	}
	g_assert_cmpuint(count, >, 800);
	g_assert_cmpuint(strlen(value), <=, KEY_LONG_MAX);
}

static void
test_defaults(void)
{
	const struct key *const tables[] = { list_keys, member_keys };

	for (size_t i = 0; i < G_N_ELEMENTS(tables); i++)
		for (const struct key *key = tables[i]; key->name != NULL;
		     key++) {
			g_autofree char *got = NULL;

			g_assert_cmpint(key_check(key, key->fallback, &got,
						  NULL), ==, ERR_OK);
			g_assert_cmpstr(got, ==, key->fallback);
		}
}

static void
test_unknown(void)
{
	struct err err = ERR_INIT;

	g_assert_null(key_find(list_keys, "polcy"));
	(void) key_unknown(list_keys, "polcy", &err);
	g_assert_nonnull(strstr(err.what, "did you mean \"policy\""));
	(void) key_unknown(member_keys, "colour", &err);
	g_assert_nonnull(strstr(err.what, "own-posts"));
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{ "values are checked before they are stored", test_check },
		{ "so are those of members", test_member },
		{ "points are thousandths", test_points },
		{ "what was stored is a value, and stays as it is",
		  test_stored },
		{ "a policy and patterns are bounded", test_long },
		{ "an address is added once, and only as itself",
		  test_words },
		{ "a list of addresses that is full stays as it is",
		  test_words_full },
		{ "every default is a value", test_defaults },
		{ "an unknown key names the nearest", test_unknown },
		{ NULL, NULL },
	};

	return tap_run("keys", cases);
}
