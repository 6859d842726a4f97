/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/submission.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib.h>

#include "core/answers.h"
#include "core/auth/evidence.h"
#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/wire.h"
#include "core/held/held.h"
#include "core/mail/addr.h"
#include "core/moderate/policy.h"
#include "db/list.h"
#include "db/post.h"
#include "db/queue.h"
#include "db/rate.h"
#include "db/way.h"
#include "core/base/banned.h"

/*
 * The gate parses what strangers send, so what comes from it is hostile
 * too: every field is checked, and nothing it says reaches more than the
 * questions here.
 */

#define TO_MAX 1000
#define REFUSED_MAX 2000
#define ANSWER_MS 10000

static json_t *
answer_err(const struct err *err)
{
	g_autofree char *what = g_utf8_make_valid(err->what, -1);

	return json_pack("{s:i, s:s}", "rc", (int)err->code, "what", what);
}

/* --- a post ------------------------------------------------------------- */

struct target {
	char *list;
	enum role role;
	char *detail;
	enum verdict_kind verdict;	/* ACCEPT, HOLD or DISCARD */
	char *why, *reason;
	uint8_t key[SEEN_KEY_LEN];
	bool misdirected;	/* of ROLE_POST: a command */
	bool made;		/* set by the transaction: it was new */
	uint32_t number;	/* the same: of the list */
};

/* What a request holds, read and checked before any transaction. */
struct offer {
	struct post *post;
	GArray *targets;	/* of struct target */
	const json_t *refused;	/* borrowed */
	int fd;
	int64_t deadline;
	int64_t now_s;
	bool repeat;		/* set by the transaction */
	struct post_id id;	/* of the post that is there now */
};

static void
target_done(void *data)
{
	struct target *target = data;

	g_free(target->list);
	g_free(target->detail);
	g_free(target->why);
	g_free(target->reason);
}

static void
offer_done(struct offer *offer)
{
	g_array_free(offer->targets, TRUE);
	post_free(offer->post);
}

static enum err_code
malformed(struct err *err, const char *field)
{
	return err_set(err, ERR_INVALID, "",
		       "the request has no good field \"%s\"", field);
}

static bool
read_verdict(const json_t *object, struct target *out)
{
	static const enum verdict_kind kinds[] = {
		VERDICT_ACCEPT, VERDICT_HOLD, VERDICT_DISCARD
	};
	const char *name = wire_str(object, "verdict", "");

	for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++)
		if (strcmp(verdict_name(kinds[i]), name) == 0) {
			out->verdict = kinds[i];
			return true;
		}
	return false;
}

static enum err_code
read_target(const json_t *object, struct target *out, struct err *err)
{
	g_autofree guchar *key = NULL;
	gsize len = 0;

	if (!role_of_name(wire_str(object, "role", ""), &out->role))
		return malformed(err, "role");
	key = g_base64_decode(wire_str(object, "key", ""), &len);
	if (len != SEEN_KEY_LEN)
		return malformed(err, "key");
	memcpy(out->key, key, SEEN_KEY_LEN);
	out->list = g_strdup(wire_str(object, "list", ""));
	out->detail = g_strdup(wire_str(object, "detail", ""));
	out->why = g_strdup(wire_str(object, "why", ""));
	out->reason = g_strdup(wire_str(object, "reason", ""));
	out->misdirected = wire_bool(object, "misdirected", 0);
	return read_verdict(object, out) ? ERR_OK : malformed(err, "verdict");
}

static enum err_code
read_targets(const json_t *request, struct offer *offer, struct err *err)
{
	const json_t *to = json_object_get(request, "to");
	enum err_code rc = ERR_OK;

	if (json_array_size(to) > TO_MAX)
		return malformed(err, "to");
	for (size_t i = 0; i < json_array_size(to) && rc == ERR_OK; i++) {
		struct target target = { 0 };

		rc = read_target(json_array_get(to, i), &target, err);
		if (rc == ERR_OK)
			g_array_append_val(offer->targets, target);
	}
	return rc;
}

/* In our own words, so that nothing else gets into the store. */
static char *
read_evidence(const json_t *request)
{
	const json_t *object = json_object_get(request, "evidence");
	struct evidence *evidence;
	json_t *json;
	char *text;

	if (object == NULL)
		return g_strdup("");
	evidence = evidence_of_json(object);
	json = evidence_json(evidence);
	text = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS);
	json_decref(json);
	evidence_free(evidence);
	return text;
}

static enum err_code
read_offer(const json_t *request, int fd, struct offer *out, struct err *err)
{
	struct post *post = g_new0(struct post, 1);

	memset(out, 0, sizeof(*out));
	out->post = post;
	out->targets = g_array_new(FALSE, TRUE, sizeof(struct target));
	g_array_set_clear_func(out->targets, target_done);
	out->fd = fd;
	out->now_s = clock_s();
	out->deadline = wire_int(request, "deadline", 0);
	out->refused = json_object_get(request, "refused");
	post->received_s = out->now_s;
	post->sender = g_strdup(wire_str(request, "sender", ""));
	post->qid = g_strdup(wire_str(request, "qid", ""));
	post->message_id = g_strdup(wire_str(request, "message_id", ""));
	post->door = g_strdup(wire_str(request, "door", ""));
	post->client = g_strdup(wire_str(request, "client", ""));
	post->helo = g_strdup(wire_str(request, "helo", ""));
	post->auth = g_strdup(wire_str(request, "auth", ""));
	post->author = g_strdup(wire_str(request, "author", ""));
	post->evidence = read_evidence(request);
	post->size = (uint64_t)wire_int(request, "size", 0);
	if (!post_id_parse(wire_str(request, "id", ""), &post->id))
		return malformed(err, "id");
	if (json_array_size(out->refused) > REFUSED_MAX)
		return malformed(err, "refused");
	return read_targets(request, out, err);
}

static enum err_code
trace_evidence(struct txn *txn, const struct post *post, struct err *err)
{
	struct evidence *evidence = evidence_of_text(post->evidence);
	g_autofree char *text = evidence_text(evidence);

	evidence_free(evidence);
	return trace_add(txn, &post->id, "authentication", "", err, "%s",
			 text);
}

static enum err_code
trace_origin(struct txn *txn, const struct offer *offer, struct err *err)
{
	const struct post *post = offer->post;
	enum err_code rc;

	rc = trace_add(txn, &post->id, "inbound", "", err,
		       "from <%s>, author %s, by %s from %s, queue id %s, "
		       "Message-ID %s, %llu octets", post->sender,
		       post->author[0] != '\0' ? post->author : "unknown",
		       post->door, post->client[0] != '\0' ? post->client :
		       "unknown", post->qid[0] != '\0' ? post->qid : "unknown",
		       post->message_id[0] != '\0' ? post->message_id : "none",
		       (unsigned long long)post->size);
	if (rc == ERR_OK && post->evidence[0] != '\0')
		rc = trace_evidence(txn, post, err);
	if (rc == ERR_OK)
		rc = trace_ref(txn, &post->id, post->message_id, err);
	if (rc == ERR_OK)
		rc = trace_ref(txn, &post->id, post->qid, err);
	return rc;
}

static enum err_code
trace_refusals(struct txn *txn, const struct offer *offer, struct err *err)
{
	enum err_code rc = ERR_OK;

	for (size_t i = 0; i < json_array_size(offer->refused) &&
	     rc == ERR_OK; i++) {
		const json_t *refusal = json_array_get(offer->refused, i);

		rc = trace_add(txn, &offer->post->id, "moderation",
			       wire_str(refusal, "list", ""), err,
			       "refused %s: %s", wire_str(refusal, "rcpt", ""),
			       wire_str(refusal, "reply", ""));
	}
	return rc;
}

static enum err_code
trace_verdicts(struct txn *txn, const struct offer *offer, struct err *err)
{
	enum err_code rc = ERR_OK;

	for (guint i = 0; i < offer->targets->len && rc == ERR_OK; i++) {
		const struct target *target = &g_array_index(
			offer->targets, struct target, i);

		if (target->made)
			rc = trace_add(txn, &offer->post->id, "moderation",
				       target->list, err, "%s", target->why);
	}
	return rc == ERR_OK ? trace_refusals(txn, offer, err) : rc;
}

/* Posts are counted where they reach a list or its moderators. */
static enum err_code
count_post(struct txn *txn, const struct offer *offer,
	   const struct list *list, struct err *err)
{
	const struct post *post = offer->post;
	g_auto(GStrv) authors = g_strsplit(post->author, ", ", -1);
	enum err_code rc = ERR_OK;

	for (char **author = authors; *author != NULL && rc == ERR_OK;
	     author++)
		rc = rate_add(txn, list->id, *author, offer->now_s * 1000,
			      &post->id, err);
	if (rc == ERR_OK)
		rc = post_note_on_list(txn, &post->id, post->message_id,
				       list->addr, err);
	return rc;
}

static enum stage
stage_of(const struct target *target)
{
	switch (target->role) {
	case ROLE_BOUNCES:
	case ROLE_FEEDBACK:
		return STAGE_BOUNCE;
	case ROLE_POST:
		return target->misdirected ? STAGE_COMMAND : STAGE_PENDING;
	case ROLE_OWNER:
		return STAGE_PENDING;
	default:
		return STAGE_COMMAND;
	}
}

static enum err_code
put_job(struct txn *txn, struct offer *offer, const struct target *target,
	const struct list *list, struct err *err)
{
	struct job *job = job_new(stage_of(target), &offer->post->id,
				  list->id, list->addr);
	enum err_code rc;

	job->role = target->role;
	g_free(job->detail);
	job->detail = g_strdup(target->detail);
	rc = queue_put(txn, job, err);
	job_free(job);
	offer->post->jobs++;
	return rc;
}

static enum err_code
hold(struct txn *txn, struct offer *offer, const struct target *target,
     const struct list *list, struct err *err)
{
	const struct held_offer held = {
		.post = &offer->post->id,
		.list = list,
		.role = target->role,
		.detail = target->detail,
		.reason = target->reason,
		.now_ms = offer->now_s * 1000,
	};

	offer->post->jobs += HELD_JOBS;
	return held_put(txn, &held, err);
}

/* What the verdict asks for; a discarded post leaves its trace only. */
static enum err_code
carry_out(struct txn *txn, struct offer *offer, const struct target *target,
	  const struct list *list, struct err *err)
{
	enum err_code rc = ERR_OK;

	if (target->role == ROLE_POST && !target->misdirected &&
	    target->verdict != VERDICT_DISCARD)
		rc = count_post(txn, offer, list, err);
	if (rc != ERR_OK)
		return rc;
	if (target->verdict == VERDICT_ACCEPT)
		return put_job(txn, offer, target, list, err);
	if (target->verdict == VERDICT_HOLD)
		return hold(txn, offer, target, list, err);
	return ERR_OK;
}

/* Posts whose RCPT was answered before the list began to drain come too
 * late: the administrator waits for the last one to leave. */
static enum err_code
check_drain(struct txn *txn, const struct target *target, struct err *err)
{
	g_autofree char *outgoing = NULL;
	enum err_code rc;

	if (target->role != ROLE_POST)
		return ERR_OK;
	rc = setting_holds(txn, target->list, "outgoing", &outgoing, err);
	if (rc == ERR_OK && g_strcmp0(outgoing, "drain") == 0)
		rc = err_set(err, ERR_BUSY, "muster list resume, when the work "
			     "is done", "list %s drains and takes no posts",
			     target->list);
	return rc;
}

/* target->made false when it was seen before. */
static enum err_code
take_target(struct txn *txn, struct offer *offer, struct target *target,
	    struct err *err)
{
	struct post_id earlier = offer->post->id;
	struct list *list = NULL;
	enum err_code rc;

	target->made = false;
	rc = seen_add(txn, target->key, &offer->post->id, offer->now_s,
		      &target->made, &earlier, err);
	if (rc != ERR_OK)
		return rc;
	if (!target->made) {
		offer->id = earlier;
		return trace_add(txn, &earlier, "inbound", target->list, err,
				 "sent again by the client (queue id %s); "
				 "answered 250, not taken twice",
				 offer->post->qid);
	}
	rc = list_find(txn, target->list, &list, err);
	if (rc == ERR_OK && list == NULL)
		rc = err_set(err, ERR_BUSY, "", "list %s has just been "
			     "deleted", target->list);
	if (rc == ERR_OK)
		rc = check_drain(txn, target, err);
	if (rc == ERR_OK) {
		target->number = list->id;
		rc = carry_out(txn, offer, target, list, err);
	}
	list_free(list);
	return rc;
}

/* Will it go to the members? */
static bool
is_on_its_way(const struct target *target)
{
	return target->made && target->role == ROLE_POST &&
		target->verdict == VERDICT_ACCEPT && !target->misdirected;
}

/* Several lists have taken it, and who is on more than one of them may be to
 * get it once. */
static enum err_code
put_ways(struct txn *txn, const struct offer *offer, struct err *err)
{
	struct way way = {
		.group = offer->post->id, .post = offer->post->id,
		.time_us = g_get_real_time(),
	};
	guint count = 0;
	enum err_code rc = ERR_OK;

	for (guint i = 0; i < offer->targets->len; i++)
		count += is_on_its_way(&g_array_index(offer->targets,
						      struct target, i));
	for (guint i = 0; i < offer->targets->len && count > 1 &&
	     rc == ERR_OK; i++) {
		const struct target *target = &g_array_index(
			offer->targets, struct target, i);

		way.list = way.through = target->number;
		if (is_on_its_way(target))
			rc = way_put(txn, &way, err);
	}
	return rc;
}

static enum err_code
take_targets(struct txn *txn, struct offer *offer, struct err *err)
{
	enum err_code rc = ERR_OK;

	offer->post->jobs = 0;
	offer->id = offer->post->id;
	offer->repeat = true;
	for (guint i = 0; i < offer->targets->len && rc == ERR_OK; i++) {
		struct target *target = &g_array_index(offer->targets,
						       struct target, i);

		rc = take_target(txn, offer, target, err);
		offer->repeat &= !target->made;
	}
	if (!offer->repeat)
		offer->id = offer->post->id;
	return rc == ERR_OK ? put_ways(txn, offer, err) : rc;
}

static enum err_code
submit_body(struct txn *txn, void *arg, struct err *err)
{
	struct offer *offer = arg;
	enum err_code rc = take_targets(txn, offer, err);

	if (rc != ERR_OK || offer->repeat)
		return rc;
	rc = trace_origin(txn, offer, err);
	if (rc == ERR_OK)
		rc = trace_verdicts(txn, offer, err);
	/* Where every list has discarded it, nobody needs the bytes. */
	if (rc == ERR_OK && offer->post->jobs > 0)
		rc = post_put(txn, offer->post, offer->fd, err);
	/* The gate has given up by then and said 451. */
	if (rc == ERR_OK && offer->deadline > 0 &&
	    wire_now_ms() >= offer->deadline)
		rc = err_set(err, ERR_BUSY, "", "too late to commit");
	return rc;
}

static enum err_code
check_offer(const struct submission_server *server, const struct offer *offer,
	    struct err *err)
{
	struct settings *settings = server->settings();
	int64_t floor = settings->space_floor, space = 0;
	struct post *there = NULL;
	struct stat st;
	enum err_code rc;

	settings_unref(settings);
	if (offer->fd < 0 || fstat(offer->fd, &st) != 0 ||
	    (uint64_t)st.st_size != offer->post->size)
		return malformed(err, "size");
	if (offer->targets->len == 0)
		return malformed(err, "to");
	rc = store_space(server->store, &space, err);
	if (rc != ERR_OK)
		return rc;
	/* A file may say that it is larger than any disk. */
	if (space < floor || offer->post->size > (uint64_t)(space - floor) / 2)
		return err_set(err, ERR_NOSPACE, "free disk space below home",
			       "%lld bytes free, space-floor is %lld",
			       (long long)space, (long long)floor);
	rc = post_get(store_reader(server->store), &offer->post->id, &there,
		      err);
	if (rc == ERR_OK && there != NULL)
		rc = malformed(err, "id");
	post_free(there);
	return rc;
}

static enum err_code
answer_submit(const struct submission_server *server, const json_t *request,
	      int fd, json_t **out, struct err *err)
{
	struct offer offer;
	char id[POST_ID_TEXT + 1];
	enum err_code rc;

	rc = read_offer(request, fd, &offer, err);
	if (rc == ERR_OK)
		rc = check_offer(server, &offer, err);
	if (rc == ERR_OK)
		rc = store_txn(server->store, TXN_DURABLE, submit_body,
			       &offer, err);
	if (rc == ERR_OK) {
		post_id_text(&offer.id, id);
		*out = json_pack("{s:i, s:s, s:b}", "rc", ERR_OK, "id", id,
				 "repeat", offer.repeat);
		server->wake();
	}
	offer_done(&offer);
	return rc;
}

/* --- what no list took -------------------------------------------------- */

static enum err_code
refused_body(struct txn *txn, void *arg, struct err *err)
{
	enum err_code rc = trace_origin(txn, arg, err);

	return rc == ERR_OK ? trace_refusals(txn, arg, err) : rc;
}

static enum err_code
answer_refused(const struct submission_server *server, const json_t *request,
	       json_t **out, struct err *err)
{
	struct offer offer;
	enum err_code rc = read_offer(request, -1, &offer, err);

	if (rc == ERR_OK)
		rc = store_txn(server->store, TXN_LAZY, refused_body, &offer,
			       err);
	if (rc == ERR_OK)
		*out = json_pack("{s:i}", "rc", ERR_OK);
	offer_done(&offer);
	return rc;
}

/* --- the connection ----------------------------------------------------- */

static enum err_code
answer(const struct submission_server *server, const json_t *request, int fd,
       json_t **out, struct err *err)
{
	const char *op = wire_str(request, "op", "");

	if (strcmp(op, "submit") == 0)
		return answer_submit(server, request, fd, out, err);
	if (strcmp(op, "refused") == 0)
		return answer_refused(server, request, out, err);
	return answer_question(server, op, request, out, err);
}

static bool
serve_one(const struct submission_server *server, int fd)
{
	struct err err = ERR_INIT;
	json_t *request = NULL, *reply = NULL;
	int passed = -1;
	size_t count = 0;
	bool sent;

	if (wire_recv(fd, &request, &passed, 1, &count, 0, &err) != ERR_OK)
		return false;
	if (answer(server, request, passed, &reply, &err) != ERR_OK) {
		log_err(NULL, "submission.failed", &err);
		reply = answer_err(&err);
	}
	sent = wire_send(fd, reply, NULL, 0, wire_now_ms() + ANSWER_MS,
			 &err) == ERR_OK;
	if (count > 0)
		(void) close(passed);
	json_decref(request);
	json_decref(reply);
	return sent;
}

void
serve_submission(const struct submission_server *server, int fd)
{
	while (serve_one(server, fd))
		;
}
