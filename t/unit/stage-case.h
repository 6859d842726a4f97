/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_T_STAGE_CASE_H
#define MUSTER_T_STAGE_CASE_H

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "conf/settings.h"
#include "core/auth/sign_keys.h"
#include "core/mail/mime.h"
#include "core/mail/verp.h"
#include "db/auto.h"
#include "db/list.h"
#include "db/post.h"
#include "db/queue.h"
#include "db/roster.h"
#include "t/unit/store-case.h"

/* A store with one list, dev@lists.example.org, and settings: what the
 * stages need, for one case. */

#define LIST_ADDR "dev@lists.example.org"

struct stage_case {
	struct store_case s;
	struct settings *settings;
	struct verp *verp;
	struct sign_keys *keys;
	uint32_t list;
	const char *list_addr;	/* of it */
	const char *evidence;	/* of the posts to come, as JSON; NULL: none */
};

/* what store_txn's bodies below take */
struct stage_work {
	struct stage_case *t;
	const struct post *post;
	const struct job *job;
	int fd;
	const char *list_addr, *key, *value;
	struct member *member;
	bool done;
};

static inline enum err_code
stage_list_body(struct txn *txn, void *arg, struct err *err)
{
	struct stage_work *work = arg;

	return list_create(txn, work->list_addr, 1, &work->done, err);
}

static inline enum err_code
stage_set_body(struct txn *txn, void *arg, struct err *err)
{
	struct stage_work *work = arg;

	return setting_put(txn, work->list_addr, work->key, work->value,
			   err);
}

static inline void
stage_set(struct stage_case *t, const char *key, const char *value)
{
	struct stage_work work = { .list_addr = t->list_addr, .key = key,
				   .value = value };

	case_txn(&t->s, stage_set_body, &work);
}

/* A list with one key set; its id. */
static inline uint32_t
stage_add_list(struct stage_case *t, const char *addr, const char *key,
	       const char *value)
{
	struct stage_work work = { .list_addr = addr, .key = key,
				   .value = value };
	struct list *list = NULL;
	uint32_t id;

	case_txn(&t->s, stage_list_body, &work);
	if (key != NULL)
		case_txn(&t->s, stage_set_body, &work);
	case_ok(list_find(store_reader(t->s.store), addr, &list, &t->s.err),
		&t->s);
	id = list->id;
	list_free(list);
	return id;
}

/* more: further lines of [outbound]; with port 0 the relay too */
static inline void
stage_settings(struct stage_case *t, int port, const char *more)
{
	g_autofree char *relay = port == 0 ? g_strdup("") :
		g_strdup_printf("relay=127.0.0.1:%d\n", port);
	g_autofree char *path = g_build_filename(t->s.home, "muster.conf",
						 NULL);
	g_autofree char *text = g_strdup_printf(
		"[muster]\nhome=%s\nrun=%s\ndomains=lists.example.org\n"
		"[outbound]\n%s%s", t->s.home, t->s.home, relay, more);

	if (t->settings != NULL)
		settings_unref(t->settings);
	t->settings = NULL;
	g_assert_true(g_file_set_contents(path, text, -1, NULL));
	case_ok(settings_load(path, &t->settings, &t->s.err), &t->s);
}

static inline void
stage_begin(struct stage_case *t)
{
	memset(t, 0, sizeof(*t));
	mime_init();
	case_begin(&t->s);
	t->list_addr = LIST_ADDR;
	t->list = stage_add_list(t, LIST_ADDR, NULL, NULL);
	t->verp = verp_new(store_secret(t->s.store));
	t->keys = sign_keys_new();
	stage_settings(t, 9, "");
	/* Nobody knows who has written these posts. */
	stage_set(t, "dmarc", "none");
}

static inline void
stage_end(struct stage_case *t)
{
	verp_free(t->verp);
	sign_keys_free(t->keys);
	settings_unref(t->settings);
	case_end(&t->s);
}

static inline enum err_code
stage_post_body(struct txn *txn, void *arg, struct err *err)
{
	struct stage_work *work = arg;
	enum err_code rc = post_put(txn, work->post, work->fd, err);

	return rc == ERR_OK ? queue_put(txn, work->job, err) : rc;
}

/* A post with one job of that stage and role, as submission makes it. */
static inline struct post_id
stage_post(struct stage_case *t, enum stage stage, enum role role,
	   const char *detail, const char *author, const char *bytes)
{
	g_autoptr(GBytes) whole = g_bytes_new(bytes, strlen(bytes));
	struct post post = {
		.received_s = 1, .jobs = 1, .size = strlen(bytes),
		.sender = (char *)(uintptr_t)author,
		.qid = (char *)(uintptr_t)"4bXk2Z1mJz",
		.message_id = (char *)(uintptr_t)"<1@example.net>",
		.door = (char *)(uintptr_t)"lmtp",
		.client = (char *)(uintptr_t)"", .helo = (char *)(uintptr_t)"",
		.auth = (char *)(uintptr_t)"",
		.author = (char *)(uintptr_t)author,
		.evidence = (char *)(uintptr_t)t->evidence,
	};
	struct stage_work work = { .t = t, .post = &post };
	struct job *job;

	post_id_new(&post.id);
	job = job_new(stage, &post.id, t->list, t->list_addr);
	job->role = role;
	g_free(job->detail);
	job->detail = g_strdup(detail);
	work.job = job;
	work.fd = case_memfd(whole);
	case_txn(&t->s, stage_post_body, &work);
	(void) close(work.fd);
	job_free(job);
	return post.id;
}

static inline enum err_code
stage_member_body(struct txn *txn, void *arg, struct err *err)
{
	struct stage_work *work = arg;

	return roster_put(txn, work->t->list, work->member, err);
}

/* Frees the member. */
static inline void
stage_put_member(struct stage_case *t, struct member *member)
{
	struct stage_work work = { .t = t, .member = member };

	case_txn(&t->s, stage_member_body, &work);
	member_free(member);
}

static inline void
stage_member(struct stage_case *t, const char *addr, bool delivery,
	     bool own_posts)
{
	struct member *member = member_new(addr, 1);

	member->delivery = delivery ? DELIVERY_ON : DELIVERY_OFF;
	member->own_posts = own_posts;
	stage_put_member(t, member);
}

static inline struct member *
stage_get_member(struct stage_case *t, const char *addr)
{
	struct member *member = NULL;

	case_ok(roster_find(store_reader(t->s.store), t->list, addr, &member,
			    &t->s.err), &t->s);
	return member;
}

/* m0000000@example.net and so on */
static inline void
stage_members(struct stage_case *t, unsigned int count)
{
	struct member *members[1000];
	char addr[64];
	unsigned int n;

	for (unsigned int done = 0; done < count; done += n) {
		n = MIN(count - done, G_N_ELEMENTS(members));
		for (unsigned int i = 0; i < n; i++) {
			(void) snprintf(addr, sizeof(addr),
					"m%07u@example.net", done + i);
			members[i] = member_new(addr, 1);
		}
		case_ok(roster_import(t->s.store, t->list, members, n, NULL,
				      &t->s.err), &t->s);
		for (unsigned int i = 0; i < n; i++)
			member_free(members[i]);
	}
}

/* The only due job of a stage; NULL if there is none. */
static inline struct job *
stage_job(struct stage_case *t, enum stage stage)
{
	g_autoptr(GPtrArray) jobs = case_due(&t->s, stage, INT64_MAX);

	g_assert_cmpuint(jobs->len, <=, 1);
	return jobs->len == 0 ? NULL : g_ptr_array_steal_index(jobs, 0);
}

static inline uint64_t
stage_count(struct stage_case *t, enum stage stage)
{
	uint64_t count;

	case_ok(queue_count(t->s.store, stage, &count, &t->s.err), &t->s);
	return count;
}

/* All of a post's trace, a line each; the caller frees. */
static inline char *
stage_trace(struct stage_case *t, const struct post_id *id)
{
	g_autoptr(GPtrArray) entries = NULL;
	GString *text = g_string_new(NULL);

	case_ok(trace_get(store_reader(t->s.store), id, &entries,
			  &t->s.err), &t->s);
	for (guint i = 0; i < entries->len; i++) {
		const struct trace_entry *entry = g_ptr_array_index(entries,
								    i);

		g_string_append_printf(text, "%s: %s\n", entry->stage,
				       entry->what);
	}
	return g_string_free(text, FALSE);
}

static inline void
stage_see(const char *text, const char *part)
{
	if (strstr(text, part) == NULL)
		g_error("\"%s\" is not in:\n%s", part, text);
}

static inline bool
stage_has_post(struct stage_case *t, const struct post_id *id)
{
	struct post *post = NULL;

	case_ok(post_get(store_reader(t->s.store), id, &post, &t->s.err),
		&t->s);
	post_free(post);
	return post != NULL;
}

#endif
