/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/inbound/ask.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/wire.h"
#include "core/base/banned.h"

#define QUESTION_MS 5000 /* for all but a commit */
#define REST_MS 500	 /* after a failure, before the next attempt */
#define TICK_MS 3000
#define IDLE_MAX 64

struct ask {
	char *path;
	pthread_mutex_t lock; /* of all below */
	GArray *idle;	      /* of int, connections without a question */
	int64_t rest_until_ms;
};

struct ask *
ask_new(const char *submit_path)
{
	struct ask *ask = g_new0(struct ask, 1);

	ask->path = g_strdup(submit_path);
	ask->idle = g_array_new(FALSE, FALSE, sizeof(int));
	(void)pthread_mutex_init(&ask->lock, NULL);
	return ask;
}

void
ask_free(struct ask *ask)
{
	if (ask == NULL)
		return;
	for (guint i = 0; i < ask->idle->len; i++)
		(void)close(g_array_index(ask->idle, int, i));
	g_array_free(ask->idle, TRUE);
	(void)pthread_mutex_destroy(&ask->lock);
	g_free(ask->path);
	g_free(ask);
}

/* --- connections -------------------------------------------------------- */

static enum err_code
take_idle(struct ask *ask, int *fd_out, struct err *err)
{
	bool resting;

	*fd_out = -1;
	(void)pthread_mutex_lock(&ask->lock);
	resting = wire_now_ms() < ask->rest_until_ms;
	if (!resting && ask->idle->len > 0) {
		*fd_out = g_array_index(ask->idle, int, ask->idle->len - 1);
		g_array_set_size(ask->idle, ask->idle->len - 1);
	}
	(void)pthread_mutex_unlock(&ask->lock);
	if (resting)
		return err_set(err, ERR_DOWN,
			       "start musterd, or look at its "
			       "log",
			       "musterd did not answer a moment ago");
	return ERR_OK;
}

static void
give_back(struct ask *ask, int fd)
{
	(void)pthread_mutex_lock(&ask->lock);
	if (ask->idle->len < IDLE_MAX) {
		g_array_append_val(ask->idle, fd);
		fd = -1;
	}
	(void)pthread_mutex_unlock(&ask->lock);
	if (fd >= 0)
		(void)close(fd);
}

/* Connections that a dead musterd left are of no use to anybody. */
static void
rest(struct ask *ask)
{
	(void)pthread_mutex_lock(&ask->lock);
	ask->rest_until_ms = wire_now_ms() + REST_MS;
	for (guint i = 0; i < ask->idle->len; i++)
		(void)close(g_array_index(ask->idle, int, i));
	g_array_set_size(ask->idle, 0);
	(void)pthread_mutex_unlock(&ask->lock);
}

/* --- questions ---------------------------------------------------------- */

struct question {
	const json_t *object;
	int fd;		  /* that goes along, or -1 */
	int64_t deadline; /* of wire_now_ms() */
	void (*tick)(void *arg);
	void *arg;
};

/* In steps, so that whoever waits for us hears of it. */
static enum err_code
wait_answer(int fd, const struct question *question, struct err *err)
{
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
	int64_t left;

	for (;;) {
		left = question->deadline - wire_now_ms();
		if (left <= 0)
			return err_set(err, ERR_BUSY, "look at musterd's log",
				       "musterd did not answer in time");
		if (poll(&poll_fd, 1, (int)MIN(left, TICK_MS)) > 0)
			return ERR_OK;
		if (question->tick != NULL)
			question->tick(question->arg);
	}
}

static enum err_code
converse(int fd, const struct question *question, json_t **out, struct err *err)
{
	enum err_code rc;

	rc = wire_send(fd, question->object, &question->fd,
		       question->fd >= 0 ? 1 : 0, question->deadline, err);
	if (rc == ERR_OK)
		rc = wait_answer(fd, question, err);
	if (rc == ERR_OK)
		rc = wire_recv(fd, out, NULL, 0, NULL, question->deadline, err);
	return rc;
}

/*
 * A connection that was idle may have lost its musterd to a restart, so
 * such a failure is tried again on a new one. That is safe for a commit
 * too: what the dead one had committed is recognised as a repeat.
 */
static enum err_code
exchange(struct ask *ask, const struct question *question, json_t **out,
	 struct err *err)
{
	enum err_code rc;
	bool reused;
	int fd;

	do {
		rc = take_idle(ask, &fd, err);
		if (rc != ERR_OK)
			return rc;
		reused = fd >= 0;
		if (!reused)
			rc = wire_connect(ask->path, question->deadline, &fd,
					  err);
		if (rc != ERR_OK)
			break;
		rc = converse(fd, question, out, err);
		if (rc == ERR_OK)
			give_back(ask, fd);
		else
			(void)close(fd);
	} while (rc == ERR_DOWN && reused);
	if (rc == ERR_DOWN || rc == ERR_BUSY)
		rest(ask);
	return rc;
}

/* What musterd says of itself: "rc" is an err_code, with "what". */
static enum err_code
ask_object(struct ask *ask, const struct question *question, json_t **out,
	   struct err *err)
{
	json_t *answer = NULL;
	enum err_code rc = exchange(ask, question, &answer, err);
	int64_t said;

	if (rc != ERR_OK)
		return rc;
	said = wire_int(answer, "rc", ERR_CORRUPT);
	if (said != ERR_OK) {
		rc = said > ERR_OK && said <= ERR_INVALID ? (enum err_code)said
							  : ERR_CORRUPT;
		(void)err_set(err, rc, "look at musterd's log", "musterd: %s",
			      wire_str(answer, "what", "no reason given"));
		json_decref(answer);
		return rc;
	}
	*out = answer;
	return ERR_OK;
}

static enum err_code
ask_simple(struct ask *ask, json_t *object, json_t **out, struct err *err)
{
	struct question question = {
		.object = object,
		.fd = -1,
		.deadline = wire_now_ms() + QUESTION_MS,
	};
	enum err_code rc;

	if (object == NULL)
		return err_set(err, ERR_INVALID, "",
			       "a question that is no UTF-8");
	rc = ask_object(ask, &question, out, err);
	json_decref(object);
	return rc;
}

static void
person_read(const json_t *object, struct person *out)
{
	out->member = wire_bool(object, "member", 0);
	out->moderated = wire_bool(object, "moderated", 0);
	out->banned = wire_bool(object, "banned", 0);
	out->accepted = wire_bool(object, "accepted", 0);
	out->owner = wire_bool(object, "owner", 0);
	out->moderator = wire_bool(object, "moderator", 0);
	out->since_s = wire_int(object, "since", 0);
	out->posts = (uint64_t)MAX(wire_int(object, "posts", 0), 0);
}

static void
rcpt_answer_read(const json_t *answer, struct rcpt_answer *out)
{
	const char *kind = wire_str(answer, "kind", "");

	memset(out, 0, sizeof(*out));
	out->kind = strcmp(kind, "list") == 0	   ? RCPT_LIST
		    : strcmp(kind, "unknown") == 0 ? RCPT_UNKNOWN
						   : RCPT_FOREIGN;
	if (!role_of_name(wire_str(answer, "role", "post"), &out->role))
		out->role = ROLE_POST;
	out->list = g_strdup(wire_str(answer, "list", ""));
	out->detail = g_strdup(wire_str(answer, "detail", ""));
	out->policy_id = g_strdup(wire_str(answer, "policy_id", ""));
	person_read(json_object_get(answer, "sender"), &out->sender);
	out->parent = g_strdup(wire_str(answer, "parent", ""));
	out->parent_accepted = wire_bool(answer, "parent_accepted", 0);
	out->client_banned = wire_bool(answer, "client_banned", 0);
	out->token_ok = wire_bool(answer, "token_ok", 0);
	out->has_owner = wire_bool(answer, "has_owner", 0);
	out->refusal = g_strdup(wire_str(answer, "refusal", ""));
	out->misdirected = wire_bool(answer, "misdirected", 0);
	out->commands_most = wire_int(answer, "commands_most", 1);
	out->draining = wire_bool(answer, "draining", 0);
	out->size_max = wire_int(answer, "size_max", 0);
}

void
rcpt_answer_done(struct rcpt_answer *answer)
{
	g_free(answer->list);
	g_free(answer->detail);
	g_free(answer->policy_id);
	g_free(answer->refusal);
	g_free(answer->parent);
	memset(answer, 0, sizeof(*answer));
}

enum err_code
ask_rcpt(struct ask *ask, const char *sender, const char *rcpt,
	 const char *client, struct rcpt_answer *out, struct err *err)
{
	json_t *answer = NULL;
	enum err_code rc;

	rc = ask_simple(ask,
			json_pack("{s:s, s:s, s:s, s:s}", "op", "rcpt",
				  "sender", sender, "rcpt", rcpt, "client",
				  client),
			&answer, err);
	if (rc != ERR_OK)
		return rc;
	rcpt_answer_read(answer, out);
	json_decref(answer);
	return ERR_OK;
}

enum err_code
ask_policy(struct ask *ask, const char *list, char **id, char **text,
	   struct err *err)
{
	json_t *answer = NULL;
	enum err_code rc;

	rc = ask_simple(ask, json_pack("{s:s, s:s}", "op", "policy", "list",
				       list), &answer, err);
	if (rc != ERR_OK)
		return rc;
	*id = g_strdup(wire_str(answer, "id", ""));
	*text = g_strdup(wire_str(answer, "text", ""));
	json_decref(answer);
	return ERR_OK;
}

enum err_code
ask_command(struct ask *ask, const struct command_question *question,
	    char **refusal, struct err *err)
{
	g_autofree char *from = g_utf8_make_valid(question->from, -1);
	json_t *answer = NULL;
	enum err_code rc;

	rc = ask_simple(
		ask,
		json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:b}",
			  "op", "command", "list", question->is->list, "role",
			  role_name(question->is->role), "detail",
			  question->is->detail, "sender", question->sender,
			  "client", question->client, "author",
			  question->author, "from", from, "needs_proof",
			  question->needs_proof),
		&answer, err);
	if (rc != ERR_OK)
		return rc;
	*refusal = wire_bool(answer, "ok", 0)
			   ? NULL
			   : g_strdup(wire_str(answer, "refusal", "No"));
	json_decref(answer);
	return ERR_OK;
}

enum err_code
ask_taken(struct ask *ask, const uint8_t key[32], bool *taken,
	  struct err *err)
{
	g_autofree char *text = g_base64_encode(key, 32);
	json_t *answer = NULL;
	enum err_code rc;

	rc = ask_simple(ask, json_pack("{s:s, s:s}", "op", "taken", "key",
				       text), &answer, err);
	if (rc != ERR_OK)
		return rc;
	*taken = wire_bool(answer, "taken", 0);
	json_decref(answer);
	return ERR_OK;
}

/* --- facts -------------------------------------------------------------- */

static enum err_code
ask_person(void *arg, const char *list, const char *addr, struct person *out,
	   struct err *err)
{
	json_t *answer = NULL;
	enum err_code rc;

	rc = ask_simple(arg,
			json_pack("{s:s, s:s, s:s}", "op", "person", "list",
				  list, "addr", addr),
			&answer, err);
	if (rc != ERR_OK)
		return rc;
	person_read(json_object_get(answer, "person"), out);
	json_decref(answer);
	return ERR_OK;
}

static enum err_code
ask_rate(void *arg, const char *list, const char *author, int64_t seconds,
	 int64_t *out, struct err *err)
{
	json_t *answer = NULL;
	enum err_code rc;

	rc = ask_simple(arg,
			json_pack("{s:s, s:s, s:s, s:I}", "op", "rate",
				  "list", list, "author", author, "seconds",
				  (json_int_t)seconds),
			&answer, err);
	if (rc != ERR_OK)
		return rc;
	*out = wire_int(answer, "posts", 0);
	json_decref(answer);
	return ERR_OK;
}

static enum err_code
ask_duplicate(void *arg, const char *list, const char *message_id, bool *out,
	      struct err *err)
{
	g_autofree char *valid = g_utf8_make_valid(message_id, -1);
	json_t *answer = NULL;
	enum err_code rc;

	rc = ask_simple(arg,
			json_pack("{s:s, s:s, s:s}", "op", "duplicate",
				  "list", list, "message_id", valid),
			&answer, err);
	if (rc != ERR_OK)
		return rc;
	*out = wire_bool(answer, "duplicate", 0);
	json_decref(answer);
	return ERR_OK;
}

struct questions
ask_questions(struct ask *ask)
{
	return (struct questions){ask_person, ask_rate, ask_duplicate, ask};
}

/* --- posts -------------------------------------------------------------- */

/* What comes from outside need not be UTF-8; what is stored is. */
static void
set_text(json_t *object, const char *key, const char *text)
{
	g_autofree char *valid =
		g_utf8_make_valid(text != NULL ? text : "", -1);

	(void)json_object_set_new(object, key, json_string(valid));
}

static json_t *
pack_to(const struct submission_to *to)
{
	json_t *object = json_object();
	g_autofree char *key = g_base64_encode(to->key, sizeof(to->key));

	set_text(object, "list", to->list);
	set_text(object, "role", role_name(to->role));
	set_text(object, "detail", to->detail);
	set_text(object, "verdict", verdict_name(to->verdict));
	set_text(object, "why", to->why);
	set_text(object, "reason", to->reason);
	set_text(object, "key", key);
	(void)json_object_set_new(object, "misdirected",
				  json_boolean(to->misdirected));
	return object;
}

static json_t *
pack_refusal(const struct refusal *refusal)
{
	json_t *object = json_object();

	set_text(object, "list", refusal->list);
	set_text(object, "rcpt", refusal->rcpt);
	set_text(object, "reply", refusal->reply);
	return object;
}

static json_t *
pack_submission(const char *op, const struct submission *post)
{
	json_t *object = json_object();
	json_t *to = json_array(), *refused = json_array();

	set_text(object, "op", op);
	set_text(object, "id", post->id);
	set_text(object, "sender", post->sender);
	set_text(object, "qid", post->qid);
	set_text(object, "message_id", post->message_id);
	set_text(object, "door", post->door);
	set_text(object, "client", post->client);
	set_text(object, "helo", post->helo);
	set_text(object, "auth", post->auth);
	set_text(object, "author", post->author);
	if (post->evidence != NULL)
		(void)json_object_set_new(object, "evidence",
					  evidence_json(post->evidence));
	(void)json_object_set_new(object, "size",
				  json_integer((json_int_t)post->size));
	for (guint i = 0; i < post->to->len; i++)
		(void)json_array_append_new(
			to, pack_to(&g_array_index(post->to,
						   struct submission_to, i)));
	for (guint i = 0; i < post->refused->len; i++)
		(void)json_array_append_new(
			refused, pack_refusal(&g_array_index(
					 post->refused, struct refusal, i)));
	(void)json_object_set_new(object, "to", to);
	(void)json_object_set_new(object, "refused", refused);
	return object;
}

enum err_code
ask_submit(struct ask *ask, const struct submission *post, int fd,
	   int64_t deadline_ms, void (*tick)(void *arg), void *arg,
	   bool *repeat, char id_out[21], struct err *err)
{
	json_t *object = pack_submission("submit", post);
	struct question question = {
		.object = object,
		.fd = fd,
		.deadline = wire_now_ms() + deadline_ms,
		.tick = tick,
		.arg = arg,
	};
	json_t *answer = NULL;
	enum err_code rc;

	/* The clock is the machine's, so musterd can keep to it too. */
	(void)json_object_set_new(object, "deadline",
				  json_integer(question.deadline));
	rc = ask_object(ask, &question, &answer, err);
	json_decref(object);
	if (rc != ERR_OK)
		return rc;
	*repeat = wire_bool(answer, "repeat", 0);
	(void)g_strlcpy(id_out, wire_str(answer, "id", post->id), 21);
	json_decref(answer);
	return ERR_OK;
}

void
ask_refused(struct ask *ask, const struct submission *post)
{
	json_t *answer = NULL;

	if (ask_simple(ask, pack_submission("refused", post), &answer, NULL) ==
	    ERR_OK)
		json_decref(answer);
}
