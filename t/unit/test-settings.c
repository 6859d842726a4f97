/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include <glib/gstdio.h>

#include "conf/settings.h"
#include "t/lib/tap.h"

static enum err_code
load(const char *text, struct settings **out, struct err *err)
{
	g_autofree char *dir = g_dir_make_tmp("muster-settings-XXXXXX", NULL);
	g_autofree char *path = g_build_filename(dir, "muster.conf", NULL);
	enum err_code rc;

	g_assert_true(g_file_set_contents(path, text, -1, NULL));
	rc = settings_load(path, out, err);
	(void) g_unlink(path);
	(void) g_rmdir(dir);
	return rc;
}

static void
test_defaults(void)
{
	struct settings *settings = NULL;
	struct err err = ERR_INIT;

	g_assert_cmpint(load("[muster]\ndomains = Lists.Example.org\n",
			     &settings, &err), ==, ERR_OK);
	g_assert_cmpstr(settings->hostname, ==, "lists.example.org");
	g_assert_cmpstr(settings->authserv_id, ==, "lists.example.org");
	g_assert_cmpstr(settings->relays[0].host, ==, "127.0.0.1");
	g_assert_cmpint(settings->relays[0].port, ==, 10025);
	g_assert_cmpint(settings->connections, ==, 8);
	g_assert_cmpint(settings->seen_keep_s, ==, 5 * 86400);
	g_assert_cmpstr(settings->run, ==, "/run/muster");
	g_assert_cmpstr(settings->logins_path, ==, "");
	g_assert_null(settings->trusted_sealers[0]);
	g_assert_true(g_str_has_suffix(settings->sets_dir, "/muster/sets"));
	g_assert_true(settings_has_domain(settings, "LISTS.example.ORG"));
	g_assert_false(settings_has_domain(settings, "example.org"));
	settings_unref(settings);
}

static void
test_values(void)
{
	struct settings *settings = NULL;
	struct err err = ERR_INIT;

	g_assert_cmpint(load(
		"# a remark\r\n"
		"[muster]\r\n"
		"domains = a.example, b.example ; two\r\n"
		"shared-domains = c.example\r\n"
		"feedback = Fbl@C.example\r\n"
		"feedback-from = Isp.example\r\n"
		"home = /srv/muster/\r\n"
		"[outbound]\r\n"
		"relay = [::1]:2525     ; behind a value\r\n"
		"in-flight=7\r\n"
		"max-age = 2w\r\n"
		"[auth]\r\n"
		"trusted = 192.0.2.0/24, 2001:db8::/32 192.0.2.7\r\n"
		"trusted-sealers = Big.example other.example\r\n"
		"logins = /etc/muster/logins\r\n"
		"[moderation]\r\n"
		"sets = /srv/sets/\r\n", &settings, &err), ==, ERR_OK);
	g_assert_cmpstr(settings->trusted[1], ==, "2001:db8::/32");
	g_assert_cmpuint(g_strv_length(settings->trusted), ==, 3);
	g_assert_cmpstr(settings->trusted_sealers[0], ==, "big.example");
	g_assert_cmpstr(settings->logins_path, ==, "/etc/muster/logins");
	g_assert_cmpstr(settings->sets_dir, ==, "/srv/sets");
	g_assert_cmpstr(settings->domains[1], ==, "b.example");
	g_assert_null(settings->domains[2]);
	g_assert_true(settings_shares_domain(settings, "C.example"));
	g_assert_cmpstr(settings->feedback, ==, "Fbl@c.example");
	g_assert_cmpstr(settings->feedback_from[0], ==, "isp.example");
	g_assert_true(settings_is_feedback(settings, "fbl@c.example"));
	g_assert_true(settings_is_feedback(settings, "FBL+x@c.example"));
	g_assert_false(settings_is_feedback(settings, "fbl@a.example"));
	g_assert_false(settings_is_feedback(settings, "fblx@c.example"));
	g_assert_false(settings_is_feedback(settings, "fb@c.example"));
	g_assert_cmpstr(settings->home, ==, "/srv/muster");
	g_assert_cmpstr(settings->relays[0].host, ==, "::1");
	g_assert_cmpint(settings->relays[0].port, ==, 2525);
	g_assert_cmpint(settings->in_flight, ==, 7);
	g_assert_cmpint(settings->max_age_s, ==, 14 * 86400);
	settings_unref(settings);
}

static void
test_errors(void)
{
#define D "[muster]\ndomains = a.example\n"
	static const struct { const char *text, *line, *what; } cases[] = {
		{ "", "", "domains is missing" },
		{ "[muster]\ndomains =\n", "line 2", "at least one domain" },
		{ "[muster]\ndomains = a..b\n", "line 2", "domain names" },
		{ D "hoem = /x\n", "line 3", "did you mean \"home\"" },
		{ "[mustr]\n", "line 1", "did you mean \"muster\"" },
		{ D "home = var/lib\n", "line 3", "absolute path" },
		{ D "feedback = fbl\n", "line 3", "NAME@DOMAIN" },
		{ D "feedback = fbl+x@a.example\n", "line 3", "NAME@DOMAIN" },
		{ D "feedback = fbl@b.example\n", "line 3",
		  "an address in one of" },
		{ D "[milter]\nworkers = 0\n", "line 4", "from 1 to 64" },
		{ D "[milter]\nworkers = many\n", "line 4", "a number" },
		{ D "[milter]\nlisten = milter.sock\n", "line 4",
		  "unix:/PATH" },
		{ D "[outbound]\nrelay = localhost\n", "line 4",
		  "HOST:PORT" },
		{ D "[outbound]\nrelay = []:25\n", "line 4", "HOST:PORT" },
		{ D "[outbound]\nrelay = h:70000\n", "line 4", "HOST:PORT" },
		{ D "[outbound]\nrelay = h:25 0\n", "line 4", "weight" },
		{ D "[outbound]\nrelay = h:25 1 1\n", "line 4", "weight" },
		{ D "[outbound]\nrelay = h:25,\n", "line 4", "HOST:PORT" },
		{ D "[outbound]\ndomain-limits = x.net\n", "line 4",
		  "how many at once" },
		{ D "[outbound]\ndomain-limits = x.net 5 5\n", "line 4",
		  "how many at once" },
		{ D "[outbound]\ndomain-limits = x.net 0/1s\n", "line 4",
		  "how many at once" },
		{ D "[outbound]\ndomain-limits = x..y 1\n", "line 4",
		  "how many at once" },
		{ D "[outbound]\nmax-age = soon\n", "line 4", "duration" },
		{ D "[auth]\ntrusted = 192.0.2.0/33\n", "line 4",
		  "such as 192.0.2.0/24" },
		{ D "[auth]\ntrusted = 2001:db8::/129\n", "line 4",
		  "networks" },
		{ D "[auth]\ntrusted = 192.0.2.1 mx.example\n", "line 4",
		  "networks" },
		{ D "[auth]\ntrusted = 192.0.2.0/\n", "line 4",
		  "networks" },
		{ D "[auth]\ntrusted-sealers = a..b\n", "line 4",
		  "domain names" },
		{ D "[auth]\nlogins = logins\n", "line 4",
		  "absolute path" },
		{ D "[moderation]\nsets =\n", "line 4", "absolute path" },
		{ D "home =\n", "line 3", "absolute path" },
		{ D "domains = b.example\n", "line 3", "line 2 already" },
		{ "home = /x\n", "line 1", "below a [section]" },
		{ D "nonsense\n", "line 3", "KEY = VALUE" },
		{ "[muster\n", "line 1", "[name]" },
	};
#undef D

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct settings *settings = NULL;
		struct err err = ERR_INIT;

		g_assert_cmpint(load(cases[i].text, &settings, &err), ==,
				ERR_INVALID);
		g_assert_null(settings);
		g_test_message("%s", err.what);
		g_assert_nonnull(strstr(err.what, cases[i].line));
		g_assert_nonnull(strstr(err.what, cases[i].what));
		g_assert_nonnull(strstr(err.what, "muster.conf"));
	}
}

static void
test_missing_file(void)
{
	struct settings *settings = NULL;
	struct err err = ERR_INIT;

	g_assert_cmpint(settings_load("/nonexistent/muster.conf", &settings,
				      &err), ==, ERR_INVALID);
	g_assert_nonnull(strstr(err.what, "/nonexistent/muster.conf"));
}

static void
test_units(void)
{
	int64_t number, seconds;

	g_assert_true(value_size("400k", &number));
	g_assert_cmpint(number, ==, 400 * 1024);
	g_assert_true(value_size("10M", &number));
	g_assert_cmpint(number, ==, 10 * 1024 * 1024);
	g_assert_false(value_size("10MB", &number));
	g_assert_false(value_size("-1", &number));
	g_assert_false(value_size("", &number));
	g_assert_false(value_size("9223372036854775807g", &number));
	g_assert_false(value_size("99999999999999999999", &number));
	g_assert_true(value_rate("20/1d", &number, &seconds));
	g_assert_cmpint(number, ==, 20);
	g_assert_cmpint(seconds, ==, 86400);
	g_assert_true(value_rate("", &number, &seconds));
	g_assert_cmpint(number + seconds, ==, 0);
	g_assert_false(value_rate("20/", &number, &seconds));
	g_assert_false(value_rate("/1d", &number, &seconds));
	g_assert_false(value_rate("1000001/1d", &number, &seconds));
	g_assert_false(value_number("1k", &number));
	g_assert_true(value_duration("6h", &number));
	g_assert_cmpint(number, ==, 21600);
}

#define DOMAINS "[muster]\ndomains = a.example\n"

static void
test_programs(void)
{
	struct settings *settings = NULL;
	struct err err = ERR_INIT;
	const struct program *tag, *wrap;

	g_assert_cmpint(load(
		"[program tag]\ncommand = /usr/bin/tag -q 'two words' # x\n"
		"time = 5s\nmemory = 1G\npaths = /srv/words/ /srv/a/../b\n"
		DOMAINS "[program  wrap_2 ]\ncommand=/usr/bin/wrap\n"
		"[sandbox]\nat-once = 9\nuser = filter\n", &settings, &err),
		==, ERR_OK);
	g_assert_cmpuint(settings->program_count, ==, 2);
	tag = settings_program(settings, "tag");
	wrap = settings_program(settings, "wrap_2");
	g_assert_cmpuint(g_strv_length(tag->command), ==, 3);
	g_assert_cmpstr(tag->command[2], ==, "two words");
	g_assert_cmpstr(tag->paths[0], ==, "/srv/words");
	g_assert_cmpstr(tag->paths[1], ==, "/srv/b");
	g_assert_cmpint(tag->time_s, ==, 5);
	g_assert_cmpint(tag->memory, ==, 1 << 30);
	g_assert_cmpint(tag->processes, ==, 32);
	g_assert_cmpint(wrap->time_s, ==, 30);
	g_assert_null(wrap->paths[0]);
	g_assert_null(settings_program(settings, "Tag"));
	g_assert_cmpint(settings->programs_most, ==, 9);
	g_assert_cmpint(settings->programs_of_list, ==, 2);
	g_assert_cmpstr(settings->sandbox_user, ==, "filter");
	settings_unref(settings);
}

static void
test_bad_programs(void)
{
	static const struct { const char *text, *says; } bad[] = {
		{ "[program]\ncommand = /x\n", "[program NAME]" },
		{ "[program a b]\ncommand = /x\n", "[program NAME]" },
		{ "[program ../x]\n", "[program NAME]" },
		{ "[program x]\n", "[program x] command is missing" },
		{ "[program x]\n[dns]\n", "[program x] command is missing" },
		{ "[program x]\ncommand = tag\n", "absolute path" },
		{ "[program x]\ncommand = /tag 'open\n", "absolute path" },
		{ "[program x]\ncommand =\n", "absolute path" },
		{ "[program x]\ncommand = /x\ntime = 0s\n", "1 to 3600" },
		{ "[program x]\ncommand = /x\ncommand = /y\n",
		  "command is given in line 4 already" },
		{ "[program x]\ncommand = /x\n[program x]\n",
		  "there is a [program x] already" },
		{ "[program x]\ncommand = /x\npaths = /\n", "below /" },
		{ "[program x]\ncommand = /x\npaths = srv\n", "absolute" },
		{ "[program x]\ncommand = /x\nmemroy = 1M\n",
		  "did you mean \"memory\"" },
		{ "[programs]\n", "did you mean \"program\"" },
		{ "[program x]\ncommand = /x\npaths = /srv /var\n"
		  "[muster]\nhome = /var/lib/muster\n", "would read" },
		{ "[program x]\ncommand = /x\npaths = /h/env/data\n"
		  "[muster]\nhome = /h\n", "would read" },
		{ "[sandbox]\nuser = a b\n", "one word" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_autofree char *text = g_strconcat(DOMAINS, bad[i].text,
						    NULL);
		struct settings *settings = NULL;
		struct err err = ERR_INIT;

		g_assert_cmpint(load(text, &settings, &err), ==, ERR_INVALID);
		g_test_message("%s", err.what);
		g_assert_nonnull(strstr(err.what, bad[i].says));
	}
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{ "every key has a default but domains", test_defaults },
		{ "values are read, remarks are not", test_values },
		{ "a wrong line is named, with what is accepted",
		  test_errors },
		{ "a missing file is named", test_missing_file },
		{ "sizes and durations have units", test_units },
		{ "programs, each with its own", test_programs },
		{ "a program that is wrong is told how", test_bad_programs },
		{ NULL, NULL },
	};

	return tap_run("settings", cases);
}
