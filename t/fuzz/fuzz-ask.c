/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * A musterd that answers the gate whatever it likes. The first byte is the
 * question, the second the size of the pieces; the rest is what comes back,
 * as frames_make() says.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <glib.h>
#include <glib/gstdio.h>

#include "core/base/wire.h"
#include "core/inbound/ask.h"
#include "t/lib/frames.h"
#include "core/base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define QUESTIONS 8

/* Set by the first input; the process lives for all of them. */
static struct {
	char *dir, *path;
	int listen_fd;
} world;

static void
check(bool holds)
{
	if (!holds)
		abort();
}

static void
clean_up(void)
{
	(void)g_unlink(world.path);
	(void)g_rmdir(world.dir);
	(void)close(world.listen_fd);
	g_free(world.path);
	g_free(world.dir);
}

static void
make_world(void)
{
	struct err err = ERR_INIT;

	world.dir = g_dir_make_tmp("muster-fuzz-XXXXXX", NULL);
	world.path = g_build_filename(world.dir, "submit.sock", NULL);
	check(wire_listen(world.path, 0600, &world.listen_fd, &err) ==
	      ERR_OK);
	(void)atexit(clean_up);
}

struct answers {
	GByteArray *frames;
	size_t piece;
};

static void *
answer(void *data)
{
	const struct answers *answers = data;
	int fd = accept(world.listen_fd, NULL, NULL);

	frames_send(fd, answers->frames, answers->piece, NULL, 0);
	(void)close(fd);
	return NULL;
}

static enum err_code
ask_one(struct ask *ask, struct err *err)
{
	struct rcpt_answer is;
	enum err_code rc = ask_rcpt(ask, "a@far.test", "dev@lists.test", "",
				    &is, err);

	if (rc != ERR_OK)
		return rc;
	check(is.list != NULL && is.detail != NULL && is.policy_id != NULL);
	check(role_name(is.role) != NULL);
	rcpt_answer_done(&is);
	return rc;
}

static enum err_code
ask_for_policy(struct ask *ask, struct err *err)
{
	g_autofree char *id = NULL, *text = NULL;
	enum err_code rc = ask_policy(ask, "dev@lists.test", &id, &text, err);

	check(rc != ERR_OK || (id != NULL && text != NULL));
	return rc;
}

static enum err_code
ask_for_leave(struct ask *ask, struct err *err)
{
	g_autofree char *refusal = NULL;
	const struct rcpt_answer is = { .role = ROLE_CONFIRM,
		.list = (char *)(uintptr_t)"dev@lists.test",
		.detail = (char *)(uintptr_t)"token" };
	const struct command_question question = { .is = &is,
		.sender = "a@far.test", .client = "192.0.2.7",
		.author = "a@far.test", .from = "a@far.test" };

	return ask_command(ask, &question, &refusal, err);
}

static enum err_code
submit(struct ask *ask, bool refused, struct err *err)
{
	const struct submission_to to = { .list = "dev@lists.test",
		.why = "", .reason = "", .detail = "",
		.verdict = VERDICT_ACCEPT };
	struct submission post = { .sender = "a@far.test", .id = "x" };
	char id[21] = "";
	bool repeat;
	enum err_code rc = ERR_OK;

	post.to = g_array_new(FALSE, FALSE, sizeof(struct submission_to));
	post.refused = g_array_new(FALSE, FALSE, sizeof(struct refusal));
	g_array_append_val(post.to, to);
	if (refused)
		ask_refused(ask, &post);
	else
		rc = ask_submit(ask, &post, STDIN_FILENO, 5000, NULL, NULL,
				&repeat, id, err);
	check(memchr(id, '\0', sizeof(id)) != NULL);
	g_array_free(post.to, TRUE);
	g_array_free(post.refused, TRUE);
	return rc;
}

static enum err_code
ask_fact(const struct questions *ask, int which, struct err *err)
{
	struct person person;
	int64_t count;
	bool is;

	if (which == 0)
		return ask->person(ask->arg, "dev@lists.test", "a@far.test",
				   &person, err);
	if (which == 1)
		return ask->rate(ask->arg, "dev@lists.test", "", 60, &count,
				 err);
	return ask->duplicate(ask->arg, "dev@lists.test", "\xff", &is, err);
}

static enum err_code
ask_anything(struct ask *ask, int which, struct err *err)
{
	const struct questions facts = ask_questions(ask);
	const uint8_t key[32] = { 0 };
	bool taken;

	switch (which) {
	case 0:
		return ask_one(ask, err);
	case 1:
		return ask_for_policy(ask, err);
	case 2:
		return ask_for_leave(ask, err);
	case 3:
	case 4:
		return submit(ask, which == 4, err);
	case 5:
		return ask_taken(ask, key, &taken, err);
	default:
		return ask_fact(&facts, which - 6, err);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct answers answers;
	struct err err = ERR_INIT;
	struct ask *ask;
	GThread *thread;
	enum err_code rc;

	if (size < 2)
		return 0;
	if (world.path == NULL)
		make_world();
	ask = ask_new(world.path);
	answers.frames = frames_make(data + 2, size - 2);
	answers.piece = data[1];
	thread = g_thread_new("musterd", answer, &answers);
	rc = ask_anything(ask, data[0] % (QUESTIONS + 1), &err);
	check(rc == err.code || rc == ERR_OK);
	ask_free(ask);
	(void)g_thread_join(thread);
	g_byte_array_unref(answers.frames);
	return 0;
}
