/* SPDX-License-Identifier: BSD-2-Clause */

/* Real posts, many of them broken, through lists with several rules; three
 * other programs read what came out. */
#include <glib/gstdio.h>

#include "t/unit/filter-case.h"

/* Which main type has to be gone afterwards */
static const struct { const char *rules, *gone; } policies[] = {
	{ "remove type image", "image" },
	{ "replace type application, image", "application" },
	{ "plain text:", "none" },
	{ "text: pass type text/plain, text/html; default remove", "image" },
	{ "open plain text: pass type text/plain, text/html; "
	  "default replace", "image" },
	{ "replace size > 2k and not type text", "none" },
	{ "remove name *.gif, *.jpg, *.zip, *.patch, *.doc", "none" },
	{ "plain: remove type text/html", "none" },
	{ "pass-empty text: remove type text/plain", "none" },
};

struct run {
	char *dir;
	unsigned int posts, changed, refused, written;
};

static char *
corpus(void)
{
	const char *src = g_getenv("MUSTER_SRC");
	g_autofree char *path = g_build_filename(src != NULL ? src : ".",
						 "..", "shared", "corpus",
						 "mail", "eml", NULL);

	if (g_file_test(path, G_FILE_TEST_EXISTS))
		return g_steal_pointer(&path);
	g_test_skip("no corpus");
	return NULL;
}

/* As a mail server has it */
static char *
with_crlf(const char *bytes, size_t len, size_t *len_out)
{
	GString *out = g_string_sized_new(len + len / 20);

	for (size_t i = 0; i < len; i++) {
		if (bytes[i] == '\n' && (i == 0 || bytes[i - 1] != '\r'))
			g_string_append_c(out, '\r');
		g_string_append_c(out, bytes[i]);
	}
	*len_out = out->len;
	return g_string_free(out, FALSE);
}

static void
save(const struct run *run, const char *suffix, const char *bytes, size_t len)
{
	g_autofree char *path = g_strdup_printf("%s/%05u.%s", run->dir,
						run->written, suffix);

	g_assert_true(g_file_set_contents(path, bytes, (gssize)len, NULL));
}

static void
see_again(const struct filter_policy *policy, const char *name,
	  const struct filtered *first)
{
	struct filtered again = filter_with(policy, first->post, first->len);

	g_assert_cmpint(again.rc, ==, ERR_OK);
	/* A list that removes texts removes what was made. */
	if (again.post != NULL)
		g_test_message("%s: %s, then %s", name, first->report,
			       again.report);
	g_assert_null(again.post);
	filtered_done(&again);
}

static void
run_one(struct run *run, size_t i, const char *name, const char *bytes,
	size_t len)
{
	g_autofree char *rules = g_strdup_printf("%s %s\n", policies[i].gone,
						 name);
	struct filter_policy policy;
	struct filtered got;

	read_policy(policies[i].rules, &policy);
	got = filter_with(&policy, bytes, len);
	run->refused += got.rc != ERR_OK;
	if (got.rc != ERR_OK)
		g_test_message("%s: %s", name, got.err.what);
	if (got.post != NULL) {
		run->changed++;
		save(run, "before", bytes, len);
		save(run, "after", got.post, got.len);
		save(run, "rules", rules, strlen(rules));
		g_test_message("%05u: %s: %s: %s", run->written, name,
			       policies[i].rules, got.report);
		run->written++;
		if (strstr(policies[i].rules, "remove type text/plain") ==
		    NULL)
			see_again(&policy, name, &got);
	}
	filtered_done(&got);
	filter_policy_done(&policy);
}

static void
ask(const char *program, const char *script, const char *which,
    const char *dir)
{
	const char *src = g_getenv("MUSTER_SRC");
	g_autofree char *path = g_build_filename(src != NULL ? src : ".", "t",
						 "unit", script, NULL);
	g_autofree char *found = g_find_program_in_path(program);
	g_autofree char *said = NULL;
	const char *argv[] = { found, path, which != NULL ? which : dir,
			       which != NULL ? dir : NULL, NULL };
	int status = 0;

	if (found == NULL) {
		g_test_message("no %s: not compared", program);
		return;
	}
	g_assert_true(g_spawn_sync(NULL, (char **)(uintptr_t)argv, NULL,
				   G_SPAWN_STDERR_TO_DEV_NULL, NULL,
				   NULL, &said, NULL,
				   &status, NULL));
	if (g_spawn_check_wait_status(status, NULL) == FALSE &&
	    status == 77 << 8) {
		g_test_message("no %s: not compared", which);
		return;
	}
	g_assert_cmpstr(said, ==, "");
	g_assert_cmpint(status, ==, 0);
}

static void
remove_all(const char *dir)
{
	g_autoptr(GDir) files = g_dir_open(dir, 0, NULL);
	const char *name;

	while ((name = g_dir_read_name(files)) != NULL) {
		g_autofree char *path = g_build_filename(dir, name, NULL);

		(void) g_unlink(path);
	}
	g_assert_cmpint(g_rmdir(dir), ==, 0);
}

static void
test_corpus(void)
{
	g_autofree char *eml = corpus();
	g_autoptr(GDir) files = NULL;
	struct run run = { 0 };
	const char *name;

	if (eml == NULL)
		return;
	run.dir = g_dir_make_tmp("muster-filter-XXXXXX", NULL);
	files = g_dir_open(eml, 0, NULL);
	while ((name = g_dir_read_name(files)) != NULL) {
		g_autofree char *path = g_build_filename(eml, name, NULL);
		g_autofree char *raw = NULL, *bytes = NULL;
		size_t raw_len, len;

		g_assert_true(g_file_get_contents(path, &raw, &raw_len, NULL));
		bytes = with_crlf(raw, raw_len, &len);
		run.posts++;
		for (size_t i = 0; i < G_N_ELEMENTS(policies); i++)
			run_one(&run, i, name, bytes, len);
	}
	g_test_message("%u posts, %zu lists: %u changed, %u refused",
		       run.posts, G_N_ELEMENTS(policies), run.changed,
		       run.refused);
	ask("python3", "filter-oracle.py", NULL, run.dir);
	ask("perl", "filter-oracle.pl", "MIME::Parser", run.dir);
	ask("perl", "filter-oracle.pl", "Email::MIME", run.dir);
	if (g_getenv("MUSTER_KEEP") == NULL)
		remove_all(run.dir);
	g_free(run.dir);
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{ "what comes out is what others read too", test_corpus },
		{ NULL, NULL },
	};

	mime_init();
	return tap_run("filter-corpus", cases);
}
