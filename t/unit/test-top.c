/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include <glib.h>

#include "core/command/flow.h"
#include "core/command/top.h"
#include "t/lib/tap.h"

static const char look_text[] =
	"{\"time\": \"2026-11-27T11:20:31Z\", \"monotonic_ms\": 2000,"
	" \"running\": true, \"version\": \"1\", \"hostname\": \"h\","
	" \"outbound\": {\"connections\": 8, \"sent\": 500,"
	"  \"sending\": 1, \"rate_per_s\": 7.25},"
	" \"relays\": ["
	"  {\"host\": \"10.0.0.1\", \"port\": 25, \"state\": \"up\","
	"   \"why\": null, \"connections\": 8, \"stalled\": 2,"
	"   \"sent\": 500},"
	"  {\"host\": \"10.0.0.2\", \"port\": 25, \"state\": \"down\","
	"   \"why\": \"421 \\u001b[31mred\", \"connections\": 0,"
	"   \"sent\": 3}],"
	" \"queue\": {\"pending\": 1, \"outbound\": 2, \"bounce\": 3,"
	"  \"notice\": 4, \"command\": 7,"
	"  \"held\": 5, \"shunted\": 6},"
	" \"deferred\": {\"jobs\": 2, \"copies\": 9,"
	"  \"next\": \"2026-11-28T01:00:00Z\"},"
	" \"paused\": 0, \"jobs_left_out\": 0, \"jobs\": ["
	"  {\"list\": \"l\u00eete@example.org\", \"post\": \"p1\","
	"   \"state\": \"sending\", \"sent\": 500, \"refused\": 1,"
	"   \"remaining\": 700, \"rate_per_s\": 7.25, \"eta_s\": 97,"
	"   \"ends\": \"2026-11-27T11:22:08Z\"},"
	"  {\"list\": \"small@example.org\", \"post\": \"p2\","
	"   \"state\": \"waiting\", \"sent\": 0, \"refused\": 0,"
	"   \"remaining\": null, \"rate_per_s\": null, \"eta_s\": null,"
	"   \"ends\": null}]}";
static const char before_text[] =
	"{\"monotonic_ms\": 1500, \"relays\": ["
	"  {\"host\": \"10.0.0.1\", \"port\": 25, \"sent\": 400},"
	"  {\"host\": \"10.0.0.2\", \"port\": 25, \"sent\": 4}]}";

static char *
frame(int width, int height, const char *notice)
{
	const struct top_size size = { .width = width, .height = height };
	json_t *look = json_loads(look_text, 0, NULL);
	json_t *before = json_loads(before_text, 0, NULL);
	char *text;

	g_assert_nonnull(look);
	g_assert_nonnull(before);
	text = top_frame(look, before, notice, &size);
	json_decref(look);
	json_decref(before);
	return text;
}

static void
want_in(const char *text, const char *part)
{
	if (strstr(text, part) == NULL)
		g_error("\"%s\" is not in \"%s\"", part, text);
}

static void
test_whole(void)
{
	g_autofree char *text = frame(0, 0, "look here");

	want_in(text, "\nlook here\n");
	want_in(text, "pending 1  outbound 2  bounce 3  notice 4  "
		"command 7  held 5  "
		"shunted 6\n");
	want_in(text, "deferred 9 copies in 2 jobs, the next at 2026-11-28\n");
	want_in(text, " up         8       2          500       200\n");
	want_in(text, " 7.2  1m37s 11:22:08Z p1\n");
	want_in(text, "small@example.org    waiting         0       0         "
		"-        -      -         - p2\n");
}

static void
test_hostile(void)
{
	g_autofree char *text = frame(0, 0, NULL);

	/* a relay that has started again has no rate */
	want_in(text, "3         -  421 \\x1b[31mred\n");
	g_assert_null(strchr(text, '\033'));
}

static void
test_sizes(void)
{
	for (int width = 1; width < 140; width += 3)
		for (int height = 1; height < 30; height++) {
			g_autofree char *text = frame(width, height, NULL);
			g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

			for (int i = 0; lines[i] != NULL; i++)
				g_assert_cmpint(g_utf8_strlen(lines[i], -1),
						<=, width);
			g_assert_cmpuint(g_strv_length(lines) - 1, <=,
					 height);
		}
}

static void
test_durations(void)
{
	static const struct { int64_t seconds; const char *text; } cases[] = {
		{ 0, "0s" }, { 59, "59s" }, { 60, "1m00s" },
		{ 168, "2m48s" }, { 3600, "1h00m" }, { 86399, "23h59m" },
		{ 90000, "1d01h" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *text = duration_text(cases[i].seconds);

		g_assert_cmpstr(text, ==, cases[i].text);
	}
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{ "a frame has all of a look", test_whole },
		{ "what comes from outside commands no terminal",
		  test_hostile },
		{ "no line is wider, no frame higher than the terminal",
		  test_sizes },
		{ "durations have their two largest units", test_durations },
		{ NULL, NULL },
	};

	return tap_run("top", cases);
}
