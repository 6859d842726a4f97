/* SPDX-License-Identifier: BSD-2-Clause */
#include "t/lib/answerer.h"

#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/wire.h"
#include "core/base/banned.h"

struct answerer {
	int listen_fd;
	GThread *acceptor;
	GPtrArray *threads;
	GArray *fds;
	pthread_mutex_t lock; /* of all below */
	pthread_cond_t changed;
	unsigned int count, waiting;
	GBytes *last;
	gboolean fail, hold;
};

struct visit {
	struct answerer *answerer;
	int fd;
};

static json_t *
answer_rcpt(const json_t *request)
{
	g_autofree char *rcpt =
		g_ascii_strdown(wire_str(request, "rcpt", ""), -1);
	bool is_small = strstr(rcpt, "small@") != NULL;
	bool is_strict = strstr(rcpt, "strict@") != NULL;
	bool is_bounces = strstr(rcpt, "dev-bounces") != NULL;
	const char *list = is_small    ? "small@lists.test"
			   : is_strict ? "strict@lists.test"
				       : "dev@lists.test";

	if (!is_small && !is_strict && strstr(rcpt, "dev") == NULL)
		return json_pack("{s:i, s:s}", "rc", 0, "kind", "unknown");
	return json_pack("{s:i, s:s, s:s, s:s, s:s, s:s, s:b, s:b, s:I}",
			 "rc", 0, "kind", "list", "list", list, "role",
			 is_bounces ? "bounces" : "post", "detail",
			 is_bounces ? "token" : "", "policy_id",
			 is_strict ? "strict" : "open", "token_ok", is_bounces,
			 "has_owner", 1, "size_max",
			 (json_int_t)(is_small ? 200 : 0));
}

static json_t *
answer_policy(const json_t *request)
{
	bool is_strict = strstr(wire_str(request, "list", ""), "strict") !=
			 NULL;

	return json_pack("{s:i, s:s, s:s}", "rc", 0, "id",
			 is_strict ? "strict" : "open", "text",
			 is_strict ? "reject \"Only subscribers may post\" "
				     "when not sender.member accept"
				   : "accept");
}

static void
keep_post(struct answerer *answerer, int fd)
{
	struct stat st;
	char *map;

	g_assert_cmpint(fstat(fd, &st), ==, 0);
	map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	g_assert_true(map != MAP_FAILED);
	g_clear_pointer(&answerer->last, g_bytes_unref);
	answerer->last = g_bytes_new(map, (gsize)st.st_size);
	answerer->count++;
	(void)munmap(map, (size_t)st.st_size);
}

static json_t *
answer_submit(struct answerer *answerer, const json_t *request, int fd)
{
	json_t *answer;

	(void)pthread_mutex_lock(&answerer->lock);
	answerer->waiting++;
	(void)pthread_cond_broadcast(&answerer->changed);
	while (answerer->hold)
		(void)pthread_cond_wait(&answerer->changed, &answerer->lock);
	answerer->waiting--;
	if (answerer->fail) {
		answer = json_pack("{s:i, s:s}", "rc", ERR_NOSPACE, "what",
				   "the disk is full");
	} else {
		keep_post(answerer, fd);
		answer = json_pack("{s:i, s:b, s:s}", "rc", 0, "repeat", 0,
				   "id", wire_str(request, "id", ""));
	}
	(void)pthread_mutex_unlock(&answerer->lock);
	return answer;
}

static json_t *
answer_one(struct answerer *answerer, const json_t *request, int fd)
{
	const char *op = wire_str(request, "op", "");

	if (strcmp(op, "rcpt") == 0)
		return answer_rcpt(request);
	if (strcmp(op, "submit") == 0)
		return answer_submit(answerer, request, fd);
	if (strcmp(op, "policy") == 0)
		return answer_policy(request);
	return json_pack("{s:i}", "rc", 0);
}

static void *
converse(void *data)
{
	g_autofree struct visit *visit = data;
	struct err err = ERR_INIT;
	json_t *request, *answer;
	int fd;
	size_t count;

	while (wire_recv(visit->fd, &request, &fd, 1, &count, 0, &err) ==
	       ERR_OK) {
		answer = answer_one(visit->answerer, request, fd);
		if (count > 0)
			(void)close(fd);
		(void)wire_send(visit->fd, answer, NULL, 0, 0, &err);
		json_decref(request);
		json_decref(answer);
	}
	return NULL;
}

static void *
accept_loop(void *data)
{
	struct answerer *answerer = data;
	struct visit *visit;
	int fd;

	while ((fd = accept(answerer->listen_fd, NULL, NULL)) >= 0) {
		visit = g_new(struct visit, 1);
		visit->answerer = answerer;
		visit->fd = fd;
		g_array_append_val(answerer->fds, fd);
		g_ptr_array_add(answerer->threads,
				g_thread_new("answer", converse, visit));
	}
	return NULL;
}

struct answerer *
answerer_start(const char *submit_path)
{
	struct answerer *answerer = g_new0(struct answerer, 1);
	struct err err = ERR_INIT;

	(void)pthread_mutex_init(&answerer->lock, NULL);
	(void)pthread_cond_init(&answerer->changed, NULL);
	answerer->threads = g_ptr_array_new();
	answerer->fds = g_array_new(FALSE, FALSE, sizeof(int));
	if (wire_listen(submit_path, 0600, &answerer->listen_fd, &err) !=
	    ERR_OK)
		g_error("%s", err.what);
	answerer->acceptor = g_thread_new("accept", accept_loop, answerer);
	return answerer;
}

void
answerer_stop(struct answerer *answerer)
{
	answerer_release(answerer);
	(void)shutdown(answerer->listen_fd, SHUT_RDWR);
	g_thread_join(answerer->acceptor);
	(void)close(answerer->listen_fd);
	for (guint i = 0; i < answerer->threads->len; i++) {
		int fd = g_array_index(answerer->fds, int, i);

		(void)shutdown(fd, SHUT_RDWR);
		g_thread_join(g_ptr_array_index(answerer->threads, i));
		(void)close(fd);
	}
	g_ptr_array_free(answerer->threads, TRUE);
	g_array_free(answerer->fds, TRUE);
	g_clear_pointer(&answerer->last, g_bytes_unref);
	(void)pthread_mutex_destroy(&answerer->lock);
	(void)pthread_cond_destroy(&answerer->changed);
	g_free(answerer);
}

unsigned int
answerer_count(struct answerer *answerer)
{
	unsigned int count;

	(void)pthread_mutex_lock(&answerer->lock);
	count = answerer->count;
	(void)pthread_mutex_unlock(&answerer->lock);
	return count;
}

GBytes *
answerer_last(struct answerer *answerer)
{
	GBytes *last;

	(void)pthread_mutex_lock(&answerer->lock);
	last = answerer->last != NULL ? g_bytes_ref(answerer->last) : NULL;
	(void)pthread_mutex_unlock(&answerer->lock);
	return last;
}

void
answerer_fail(struct answerer *answerer, gboolean fail)
{
	(void)pthread_mutex_lock(&answerer->lock);
	answerer->fail = fail;
	(void)pthread_mutex_unlock(&answerer->lock);
}

static void
set_hold(struct answerer *answerer, gboolean hold)
{
	(void)pthread_mutex_lock(&answerer->lock);
	answerer->hold = hold;
	(void)pthread_cond_broadcast(&answerer->changed);
	(void)pthread_mutex_unlock(&answerer->lock);
}

void
answerer_hold(struct answerer *answerer)
{
	set_hold(answerer, TRUE);
}

void
answerer_await(struct answerer *answerer)
{
	(void)pthread_mutex_lock(&answerer->lock);
	while (answerer->waiting == 0)
		(void)pthread_cond_wait(&answerer->changed, &answerer->lock);
	(void)pthread_mutex_unlock(&answerer->lock);
}

void
answerer_release(struct answerer *answerer)
{
	set_hold(answerer, FALSE);
}
