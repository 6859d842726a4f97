/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <string.h>

#include "db/list.h"
#include "db/roster.h"
#include "t/unit/store-case.h"

struct work {
	const char *addr, *key, *value;
	bool done;
};

static enum err_code
create_body(struct txn *txn, void *arg, struct err *err)
{
	struct work *work = arg;

	return list_create(txn, work->addr, 5, &work->done, err);
}

static enum err_code
delete_body(struct txn *txn, void *arg, struct err *err)
{
	struct work *work = arg;

	return list_delete(txn, work->addr, &work->done, err);
}

static enum err_code
set_body(struct txn *txn, void *arg, struct err *err)
{
	struct work *work = arg;

	return setting_put(txn, work->addr, work->key, work->value, err);
}

static enum err_code
unset_body(struct txn *txn, void *arg, struct err *err)
{
	struct work *work = arg;

	return setting_remove(txn, work->addr, work->key, &work->done, err);
}

static bool
create(struct store_case *t, const char *addr)
{
	struct work work = { .addr = addr };

	case_txn(t, create_body, &work);
	return work.done;
}

static void
set(struct store_case *t, const char *scope, const char *key,
    const char *value)
{
	struct work work = { .addr = scope, .key = key, .value = value };

	case_txn(t, set_body, &work);
}

static uint32_t
number(struct store_case *t, const char *addr)
{
	struct list *list;
	uint32_t id;

	case_ok(list_find(store_reader(t->store), addr, &list, &t->err), t);
	id = list != NULL ? list->id : 0;
	list_free(list);
	return id;
}

static void
test_create(void)
{
	struct store_case t;
	struct list *list;

	case_begin(&t);
	g_assert_true(create(&t, "dev@example.org"));
	g_assert_false(create(&t, "dev@example.org"));
	case_reopen(&t);
	case_ok(list_by_id(store_reader(t.store),
			   number(&t, "dev@example.org"), &list, &t.err), &t);
	g_assert_nonnull(list);
	g_assert_cmpstr(list->addr, ==, "dev@example.org");
	g_assert_cmpint(list->created_s, ==, 5);
	list_free(list);
	case_ok(list_by_id(store_reader(t.store), 12345, &list, &t.err), &t);
	g_assert_null(list);
	case_end(&t);
}

static void
test_next(void)
{
	static const char *const names[] = {
		"a@example.org", "a-b@example.org", "ab@example.org",
		"a@example.com", NULL
	};
	static const char *const sorted[] = {
		"a-b@example.org", "a@example.com", "a@example.org",
		"ab@example.org",
	};
	g_autofree char *after = g_strdup("");
	struct store_case t;
	struct list *list;

	case_begin(&t);
	for (size_t i = 0; names[i] != NULL; i++)
		g_assert_true(create(&t, names[i]));
	for (size_t i = 0; i < G_N_ELEMENTS(sorted); i++) {
		case_ok(list_next(store_reader(t.store), after, &list,
				  &t.err), &t);
		g_assert_nonnull(list);
		g_assert_cmpstr(list->addr, ==, sorted[i]);
		g_free(after);
		after = g_strdup(list->addr);
		list_free(list);
	}
	case_ok(list_next(store_reader(t.store), after, &list, &t.err), &t);
	g_assert_null(list);
	case_end(&t);
}

static void
add_members(struct store_case *t, uint32_t list, int count)
{
	struct member **members = g_new0(struct member *, count);

	for (int i = 0; i < count; i++) {
		char addr[64];

		(void) snprintf(addr, sizeof(addr), "u%d@example.net", i);
		members[i] = member_new(addr, 1);
	}
	case_ok(roster_import(t->store, list, members, (size_t)count, NULL,
			      &t->err), t);
	for (int i = 0; i < count; i++)
		member_free(members[i]);
	g_free(members);
}

static void
test_delete(void)
{
	struct work work = { .addr = "dev@example.org" };
	g_autoptr(GArray) lists = NULL;
	uint32_t old, other;
	uint64_t count;
	char *value;
	struct store_case t;
	bool more;
	int calls = 0;

	case_begin(&t);
	create(&t, "dev@example.org");
	create(&t, "devel@example.org");
	old = number(&t, "dev@example.org");
	other = number(&t, "devel@example.org");
	add_members(&t, old, 5001);
	add_members(&t, other, 10);
	set(&t, "dev@example.org", "policy", "open");
	set(&t, "devel@example.org", "policy", "open");
	case_txn(&t, delete_body, &work);
	g_assert_true(work.done);
	case_txn(&t, delete_body, &work);
	g_assert_false(work.done);
	g_assert_true(create(&t, "dev@example.org"));
	g_assert_cmpuint(number(&t, "dev@example.org"), >, other);
	case_ok(setting_get(store_reader(t.store), "dev@example.org",
			    "policy", &value, &t.err), &t);
	g_assert_null(value);
	case_ok(setting_get(store_reader(t.store), "devel@example.org",
			    "policy", &value, &t.err), &t);
	g_assert_cmpstr(value, ==, "open");
	g_free(value);
	do {
		case_ok(list_purge(t.store, &more, &t.err), &t);
		calls++;
	} while (more);
	g_assert_cmpint(calls, ==, 4);
	case_ok(roster_count(t.store, old, &count, NULL, &t.err), &t);
	g_assert_cmpuint(count, ==, 0);
	case_ok(roster_count(t.store, other, &count, NULL, &t.err), &t);
	g_assert_cmpuint(count, ==, 10);
	case_ok(roster_lists(store_reader(t.store), "u7@example.net",
			     &lists, &t.err), &t);
	g_assert_cmpuint(lists->len, ==, 1);
	case_end(&t);
}

static void
test_scopes(void)
{
	static const char *const want[] = {
		"", "@example.com", "@example.org", "dev@example.org",
	};
	g_autofree char *after = NULL;
	struct work work = { .addr = "@example.com", .key = "policy" };
	struct store_case t;
	char *scope;

	case_begin(&t);
	set(&t, "dev@example.org", "owner", "a@example.net");
	set(&t, "@example.org", "policy", "open");
	set(&t, "@example.org", "owner", "b@example.net");
	set(&t, "@example.com", "policy", "open");
	set(&t, "", "policy", "open");
	for (size_t i = 0; i <= G_N_ELEMENTS(want); i++) {
		case_ok(setting_next_scope(store_reader(t.store), after,
					   &scope, &t.err), &t);
		g_assert_cmpstr(scope, ==, i < G_N_ELEMENTS(want) ?
				want[i] : NULL);
		g_free(after);
		after = scope;
	}
	case_txn(&t, unset_body, &work);
	g_assert_true(work.done);
	case_txn(&t, unset_body, &work);
	g_assert_false(work.done);
	case_end(&t);
}

static void
check_conf(struct store_case *t, const char *scope, const char *policy,
	   const char *from, const char *prefix)
{
	struct list_conf *conf;

	case_ok(list_conf_load(store_reader(t->store), scope, &conf,
			       &t->err), t);
	g_assert_cmpstr(conf->policy, ==, policy);
	g_assert_cmpstr(g_hash_table_lookup(conf->from, "policy"), ==, from);
	g_assert_cmpstr(conf->subject_prefix, ==, prefix);
	list_conf_free(conf);
}

static void
test_inherit(void)
{
	struct list_conf *conf;
	struct store_case t;

	case_begin(&t);
	check_conf(&t, "dev@example.org", "members", NULL, "");
	set(&t, "", "policy", "open");
	set(&t, "@example.org", "subject-prefix", "[org]");
	set(&t, "@example.org", "policy", "members-strict");
	set(&t, "dev@example.org", "subject-prefix", "");
	set(&t, "dev@example.org", "max-size", "400k");
	set(&t, "dev@example.org", "owner", "a@example.net, b@example.net");
	check_conf(&t, "", "open", "", "");
	check_conf(&t, "@example.org", "members-strict", "@example.org",
		   "[org]");
	check_conf(&t, "dev@example.org", "members-strict", "@example.org",
		   "");
	check_conf(&t, "dev2@example.org", "members-strict", "@example.org",
		   "[org]");
	check_conf(&t, "dev@example.net", "open", "", "");
	case_ok(list_conf_load(store_reader(t.store), "dev@example.org",
			       &conf, &t.err), &t);
	g_assert_cmpint(conf->size_max, ==, 400 * 1024);
	g_assert_cmpuint(g_strv_length(conf->owners), ==, 2);
	g_assert_cmpstr(conf->owners[1], ==, "b@example.net");
	list_conf_free(conf);
	case_end(&t);
}

static struct list_conf *
conf_of(struct store_case *t, const char *scope)
{
	struct list_conf *conf;

	case_ok(list_conf_load(store_reader(t->store), scope, &conf,
			       &t->err), t);
	return conf;
}

static void
test_additive(void)
{
	struct list_conf *conf;
	struct store_case t;

	case_begin(&t);
	conf = conf_of(&t, "dev@example.org");
	g_assert_null(conf->banned[0]);
	list_conf_free(conf);
	set(&t, "", "banned", "@spam.example");
	set(&t, "@example.org", "banned", "");
	set(&t, "dev@example.org", "banned", "a@x.example, 192.0.2.0/24");
	set(&t, "", "accepted", "@a.example");
	set(&t, "dev@example.org", "accepted", "@b.example");
	conf = conf_of(&t, "dev@example.org");
	g_assert_cmpuint(g_strv_length(conf->banned), ==, 3);
	g_assert_cmpstr(conf->banned[0], ==, "@spam.example");
	g_assert_cmpstr(conf->banned[2], ==, "192.0.2.0/24");
	g_assert_cmpstr(g_hash_table_lookup(conf->from, "banned"), ==,
			",@example.org,dev@example.org");
	g_assert_cmpuint(g_strv_length(conf->accepted), ==, 1);
	g_assert_cmpstr(conf->accepted[0], ==, "@b.example");
	list_conf_free(conf);
	conf = conf_of(&t, "@example.org");
	g_assert_cmpuint(g_strv_length(conf->banned), ==, 1);
	list_conf_free(conf);
	case_end(&t);
}

static void
test_values(void)
{
	struct list_conf *conf;
	struct store_case t;

	case_begin(&t);
	set(&t, "", "owner", "o@example.net");
	conf = conf_of(&t, "dev@example.org");
	g_assert_cmpstr(conf->moderators[0], ==, "o@example.net");
	g_assert_null(conf->digest_moderators[0]);
	g_assert_false(conf->closed || conf->emergency ||
		       conf->accept_automatic);
	g_assert_true(conf->held_notice);
	g_assert_cmpint(conf->held_keep_s, ==, 14 * 86400);
	g_assert_cmpint(conf->author_rate + conf->author_rate_s +
			conf->recipients_max, ==, 0);
	g_assert_cmpstr(conf->sign_domain, ==, "example.org");
	g_assert_cmpstr(conf->sign_key, ==, "");
	list_conf_free(conf);
	set(&t, "@example.org", "moderator", "m@x.example, n@x.example");
	set(&t, "@example.org", "author-rate", "20/1d");
	set(&t, "@example.org", "sign-domain", "sign.example");
	set(&t, "dev@example.org", "closed", "yes");
	set(&t, "dev@example.org", "max-recipients", "12");
	set(&t, "dev@example.org", "list-rate", "of a later version");
	conf = conf_of(&t, "dev@example.org");
	g_assert_cmpuint(g_strv_length(conf->moderators), ==, 2);
	g_assert_cmpint(conf->author_rate, ==, 20);
	g_assert_cmpint(conf->author_rate_s, ==, 86400);
	g_assert_cmpint(conf->list_rate, ==, 0);
	g_assert_cmpint(conf->recipients_max, ==, 12);
	g_assert_true(conf->closed);
	g_assert_cmpstr(conf->sign_domain, ==, "sign.example");
	list_conf_free(conf);
	conf = conf_of(&t, "");
	g_assert_cmpstr(conf->sign_domain, ==, "");
	list_conf_free(conf);
	case_end(&t);
}

static void
test_many_settings(void)
{
	g_autofree char *long_text = g_strnfill(390, 'x');
	struct list_conf *conf;
	struct store_case t;

	case_begin(&t);
	for (int i = 0; i < 500; i++) {
		char key[32];

		(void) snprintf(key, sizeof(key), "later-key-%d", i);
		set(&t, "dev@example.org", key, long_text);
	}
	set(&t, "dev@example.org", "policy", "open");
	case_ok(list_conf_load(store_reader(t.store), "dev@example.org",
			       &conf, &t.err), &t);
	g_assert_cmpstr(conf->policy, ==, "open");
	list_conf_free(conf);
	case_end(&t);
}

static void
want_holds(struct store_case *t, const char *scope, const char *wanted)
{
	g_autofree char *value = NULL;

	case_ok(setting_holds(store_reader(t->store), scope, "outgoing",
			      &value, &t->err), t);
	g_assert_cmpstr(value, ==, wanted);
}

static void
test_holds(void)
{
	struct store_case t;

	case_begin(&t);
	want_holds(&t, "dev@example.org", NULL);
	set(&t, "", "outgoing", "paused");
	want_holds(&t, "dev@example.org", "paused");
	want_holds(&t, "@example.org", "paused");
	want_holds(&t, "", "paused");
	set(&t, "@example.org", "outgoing", "drain");
	want_holds(&t, "dev@example.org", "drain");
	want_holds(&t, "dev@example.net", "paused");
	set(&t, "dev@example.org", "outgoing", "on");
	want_holds(&t, "dev@example.org", "on");
	want_holds(&t, "@example.org", "drain");
	case_end(&t);
}

static enum err_code
life_body(struct txn *txn, void *arg, struct err *err)
{
	static const char *const pairs[][2] = {
		{ "subscription", "invite" }, { "who", "all" },
		{ "complaint", "ignore" }, { "leave-confirm", "no" },
		{ "commands-most", "3" }, { "confirm-domain-rate", "" },
		{ "bounce-soft-weight", "0.125" }, { "bounce-warnings", "0" },
	};
	enum err_code rc = ERR_OK;

	(void) arg;
	for (size_t i = 0; rc == ERR_OK && i < G_N_ELEMENTS(pairs); i++)
		rc = setting_put(txn, "@example.org", pairs[i][0],
				 pairs[i][1], err);
	return rc;
}

static void
test_life(void)
{
	struct list_conf *conf;
	struct store_case t;

	case_begin(&t);
	conf = conf_of(&t, "dev@example.org");
	g_assert_cmpint(conf->subscription, ==, SUBSCRIPTION_CONFIRM);
	g_assert_cmpint(conf->who, ==, WHO_OWNERS);
	g_assert_cmpint(conf->complaint, ==, COMPLAINT_REMOVE);
	g_assert_true(conf->leave_confirm && conf->self_service &&
		      conf->welcome && conf->goodbye &&
		      conf->bounce_processing && conf->bounce_notify);
	g_assert_cmpint(conf->commands_most, ==, 10);
	g_assert_cmpint(conf->token_keep_s, ==, 7 * 86400);
	g_assert_cmpint(conf->confirm_address_rate, ==, 3);
	g_assert_cmpint(conf->confirm_address_rate_s, ==, 86400);
	g_assert_cmpint(conf->confirm_domain_rate, ==, 200);
	g_assert_cmpint(conf->confirm_network_rate_s, ==, 3600);
	g_assert_cmpint(conf->bounce_hard, ==, 1000);
	g_assert_cmpint(conf->bounce_soft, ==, 250);
	g_assert_cmpint(conf->bounce_threshold, ==, 4000);
	g_assert_cmpint(conf->bounce_decay_s, ==, 30 * 86400);
	g_assert_cmpint(conf->bounce_probe_wait_s, ==, 7 * 86400);
	g_assert_cmpint(conf->bounce_warn_every_s, ==, 7 * 86400);
	g_assert_cmpint(conf->bounce_warnings, ==, 3);
	g_assert_cmpint(conf->bounce_breaker, ==, 10);
	g_assert_cmpint(conf->bounce_breaker_least, ==, 20);
	list_conf_free(conf);
	case_txn(&t, life_body, NULL);
	conf = conf_of(&t, "dev@example.org");
	g_assert_cmpint(conf->subscription, ==, SUBSCRIPTION_INVITE);
	g_assert_cmpint(conf->who, ==, WHO_ALL);
	g_assert_cmpint(conf->complaint, ==, COMPLAINT_IGNORE);
	g_assert_false(conf->leave_confirm);
	g_assert_cmpint(conf->commands_most, ==, 3);
	g_assert_cmpint(conf->confirm_domain_rate, ==, 0);
	g_assert_cmpint(conf->bounce_soft, ==, 125);
	g_assert_cmpint(conf->bounce_warnings, ==, 0);
	list_conf_free(conf);
	case_end(&t);
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{ "a list is created once, and found by its number",
		  test_create },
		{ "lists come in byte order", test_next },
		{ "a deleted list leaves nothing to its successor",
		  test_delete },
		{ "scopes come in byte order", test_scopes },
		{ "a list inherits from domain and site", test_inherit },
		{ "what holds is the list's, its domain's, or the site's",
		  test_holds },
		{ "site, domain and list ban together, but accept apart",
		  test_additive },
		{ "values are read, those that cannot be say nothing",
		  test_values },
		{ "settings of a later version are passed over",
		  test_many_settings },
		{ "joining, leaving and bounces: defaults, and what is set",
		  test_life },
		{ NULL, NULL },
	};

	return tap_run("list", cases);
}
