/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/auth/sign_keys.h"

#include <string.h>
#include <sys/stat.h>

#include <glib/gstdio.h>

#include "t/lib/tap.h"

#define FIRST "-----BEGIN PRIVATE KEY-----\n" \
	"MC4CAQAwBQYDK2VwBCIEIPQSkW7AYxXtUWBS0wPvVaJIScTgqEsuGdx0qbGeP3i2\n" \
	"-----END PRIVATE KEY-----\n"
#define SECOND "-----BEGIN PRIVATE KEY-----\n" \
	"MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n" \
	"-----END PRIVATE KEY-----\n"

struct at { char *dir, *path; struct sign_keys *keys; };

static void
put(const struct at *at, const char *pem)
{
	g_autofree char *other = g_strconcat(at->path, ".new", NULL);

	g_assert_true(g_file_set_contents(other, pem, -1, NULL));
	g_assert_cmpint(chmod(other, 0600), ==, 0);
	g_assert_cmpint(g_rename(other, at->path), ==, 0);
}

static void
begin(struct at *at)
{
	at->dir = g_dir_make_tmp("muster-keys-XXXXXX", NULL);
	at->path = g_build_filename(at->dir, "key", NULL);
	at->keys = sign_keys_new();
	put(at, FIRST);
}

static void
end(struct at *at)
{
	sign_keys_free(at->keys);
	(void) g_unlink(at->path);
	g_assert_cmpint(g_rmdir(at->dir), ==, 0);
	g_free(at->path);
	g_free(at->dir);
}

static struct sign_key *
get(const struct at *at, const char *domain)
{
	struct sign_key *key = NULL;
	struct err err = ERR_INIT;

	if (sign_keys_get(at->keys, at->path, domain, "s", &key, &err) !=
	    ERR_OK)
		g_error("%s", err.what);
	sign_key_unref(key);	/* it is kept */
	return key;
}

static void
test_once(void)
{
	struct sign_key *key;
	struct at at;

	begin(&at);
	key = get(&at, "a.example");
	g_assert_true(get(&at, "a.example") == key);
	g_assert_true(get(&at, "b.example") != key);
	g_assert_true(get(&at, "a.example") == key);
	g_assert_cmpstr(sign_key_domain(get(&at, "b.example")), ==,
			"b.example");
	end(&at);
}

static void
test_changed(void)
{
	g_autofree char *before = NULL, *after = NULL;
	struct at at;

	begin(&at);
	before = sign_key_record(get(&at, "a.example"));
	put(&at, SECOND);
	after = sign_key_record(get(&at, "a.example"));
	g_assert_cmpstr(before, !=, after);
	end(&at);
}

static void
test_refused(void)
{
	struct sign_key *key = NULL;
	struct err err = ERR_INIT;
	struct at at;

	begin(&at);
	(void) get(&at, "a.example");
	g_assert_cmpint(chmod(at.path, 0644), ==, 0);
	g_assert_cmpint(sign_keys_get(at.keys, at.path, "a.example", "s",
				      &key, &err), ==, ERR_INVALID);
	g_assert_null(key);
	g_assert_cmpint(g_unlink(at.path), ==, 0);
	g_assert_cmpint(sign_keys_get(at.keys, at.path, "a.example", "s",
				      &key, &err), ==, ERR_IO);
	g_assert_null(key);
	end(&at);
}

static const struct tap_case cases[] = {
	{ "a file is read once", test_once },
	{ "and again when it is another", test_changed },
	{ "or when others may read it, or it is gone", test_refused },
	{ NULL, NULL }
};

int
main(void)
{
	return tap_run("sign-keys", cases);
}
