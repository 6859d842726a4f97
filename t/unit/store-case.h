/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_T_STORE_CASE_H
#define MUSTER_T_STORE_CASE_H

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <glib.h>
#include <glib/gstdio.h>

#include "db/queue.h"
#include "db/store.h"
#include "db/table.h"
#include "t/lib/tap.h"

/* A store of its own in a temporary directory, for one case. */
struct store_case {
	char *home;
	struct store *store;
	struct err err;
};

static inline void
case_ok(enum err_code rc, const struct store_case *t)
{
	if (rc != ERR_OK)
		g_error("code %d: %s", rc, t->err.what);
}

static inline void
case_begin(struct store_case *t)
{
	*t = (struct store_case){ .err = ERR_INIT };
	t->home = g_dir_make_tmp("muster-store-XXXXXX", NULL);
	g_assert_nonnull(t->home);
	case_ok(store_open(t->home, &t->store, &t->err), t);
}

static inline void
case_reopen(struct store_case *t)
{
	store_close(t->store);
	t->store = NULL;
	case_ok(store_open(t->home, &t->store, &t->err), t);
}

static inline void
case_remove(const char *path)
{
	g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
	const char *name;

	while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
		g_autofree char *inner = g_build_filename(path, name, NULL);

		case_remove(inner);
	}
	(void) g_remove(path);
}

static inline void
case_end(struct store_case *t)
{
	store_close(t->store);
	case_remove(t->home);
	g_free(t->home);
}

static inline void
case_txn(struct store_case *t, txn_body body, void *arg)
{
	case_ok(store_txn(t->store, TXN_DURABLE, body, arg, &t->err), t);
}

/* All jobs of a stage that are due, up to 1000. */
static inline GPtrArray *
case_due(struct store_case *t, enum stage stage, int64_t now_ms)
{
	struct queue_turn *turn = queue_turn_new(stage, 0, 1);
	GPtrArray *jobs = NULL;
	int64_t next;

	case_ok(queue_due(t->store, turn, now_ms, 1000, &jobs, &next,
			  &t->err), t);
	queue_turn_free(turn);
	return jobs;
}

static inline int
case_memfd(GBytes *bytes)
{
	int fd = memfd_create("post", MFD_CLOEXEC);
	gsize len;
	const char *data = g_bytes_get_data(bytes, &len);

	g_assert_cmpint(fd, >=, 0);
	while (len > 0) {
		ssize_t n = write(fd, data, len);

		g_assert_cmpint(n, >, 0);
		data += n;
		len -= (gsize)n;
	}
	return fd;
}

#endif
