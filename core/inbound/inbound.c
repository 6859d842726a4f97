/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * At RCPT musterd is asked what the address is, and whatever the envelope
 * can decide is said there. The bytes go to a spool, only if somebody wants
 * them. At the end each list's verdict is found; if one accepts, musterd
 * commits the post, and only then is 250 the answer.
 *
 * A doubt (musterd away, a question without an answer) is 451 for the whole
 * message and nothing is kept. The client tries again, and what it sends
 * then is recognised where some of it had been committed.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <glib.h>

#include "core/inbound/state.h"
#include "core/inbound/received.h"
#include "core/moderate/moderate.h"
#include "core/base/banned.h"

#define RCPT_MAX 1000 /* of ours in one message */

/* --- life --------------------------------------------------------------- */

static void
rcpt_free(void *data)
{
	struct rcpt *rcpt = data;

	g_free(rcpt->path);
	g_free(rcpt->why);
	rcpt_answer_done(&rcpt->is);
	g_free(rcpt);
}

static void
refusal_done(void *data)
{
	struct refusal *refusal = data;

	g_free((char *)(uintptr_t)refusal->list);
	g_free((char *)(uintptr_t)refusal->rcpt);
	g_free((char *)(uintptr_t)refusal->reply);
}

struct inbound *
inbound_new(struct settings *settings, struct ask *ask, const char *door)
{
	struct inbound *inbound = g_new0(struct inbound, 1);

	inbound->settings = settings_ref(settings);
	inbound->ask = ask;
	inbound->door = door;
	inbound->rcpts = g_ptr_array_new_with_free_func(rcpt_free);
	inbound->refused = g_array_new(FALSE, FALSE, sizeof(struct refusal));
	g_array_set_clear_func(inbound->refused, refusal_done);
	inbound->peer =
		(struct inbound_peer){g_strdup(""), g_strdup(""), g_strdup(""),
				      g_strdup(""), g_strdup(""), g_strdup("")};
	return inbound;
}

void
inbound_free(struct inbound *inbound)
{
	if (inbound == NULL)
		return;
	inbound_reset(inbound);
	g_ptr_array_free(inbound->rcpts, TRUE);
	g_array_free(inbound->refused, TRUE);
	g_free(inbound->peer.host);
	g_free(inbound->peer.addr);
	g_free(inbound->peer.helo);
	g_free(inbound->peer.tls);
	g_free(inbound->peer.auth);
	g_free(inbound->peer.qid);
	settings_unref(inbound->settings);
	g_free(inbound);
}

static void
replace(char **text, const char *with)
{
	if (with == NULL)
		return;
	g_free(*text);
	*text = g_utf8_make_valid(with, -1);
}

void
inbound_peer_set(struct inbound *inbound, const char *host, const char *addr,
		 const char *helo, const char *tls, const char *auth)
{
	replace(&inbound->peer.host, host);
	replace(&inbound->peer.addr, addr);
	replace(&inbound->peer.helo, helo);
	replace(&inbound->peer.tls, tls);
	replace(&inbound->peer.auth, auth);
}

void
inbound_qid_set(struct inbound *inbound, const char *qid)
{
	replace(&inbound->peer.qid, qid);
}

void
inbound_reset(struct inbound *inbound)
{
	inbound_tell_refusals(inbound, "", "");
	g_ptr_array_set_size(inbound->rcpts, 0);
	addr_done(&inbound->sender);
	memset(&inbound->sender, 0, sizeof(inbound->sender));
	replace(&inbound->peer.qid, "");
	spool_free(inbound->spool);
	inbound->spool = NULL;
	inbound->sender_ok = false;
	inbound->size_declared = 0;
	inbound->foreign = 0;
	inbound->in_body = false;
	inbound->too_large = false;
	inbound->id[0] = '\0';
}

/* --- the envelope ------------------------------------------------------- */

/* 96 random bits in the alphabet of post_id_text(). */
static void
make_id(char out[21])
{
	static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz234567";
	uint8_t bytes[13] = {0};

	if (getrandom(bytes, 12, 0) != 12)
		abort(); /* cannot fail for so few bytes */
	for (int i = 0; i < 20; i++) {
		unsigned int bit = (unsigned int)i * 5, at = bit / 8;
		unsigned int two = (unsigned int)bytes[at] << 8 | bytes[at + 1];

		out[i] = alphabet[two >> (11 - bit % 8) & 31];
	}
	out[20] = '\0';
}

void
inbound_mail(struct inbound *inbound, const char *const *argv,
	     struct smtp_reply *reply)
{
	g_autofree char *qid = g_strdup(inbound->peer.qid);

	inbound_reset(inbound);
	replace(&inbound->peer.qid, qid);
	make_id(inbound->id);
	inbound->sender_ok = addr_parse(argv[0], &inbound->sender);
	for (argv++; argv[-1] != NULL && *argv != NULL; argv++)
		if (g_ascii_strncasecmp(*argv, "SIZE=", 5) == 0 &&
		    !value_size(*argv + 5, &inbound->size_declared))
			inbound->size_declared = 0;
	reply_none(reply);
}

static bool
is_command(enum role role)
{
	return role == ROLE_REQUEST || role == ROLE_JOIN ||
	       role == ROLE_LEAVE || role == ROLE_CONFIRM;
}

/* Posts: what the envelope decides. */
static void
judge_post_at_rcpt(const struct inbound *inbound, const struct rcpt_answer *is,
		   struct smtp_reply *reply)
{
	struct facts facts = {
		.sender_member = is->sender_member ? FACT_YES : FACT_NO,
		.author_member = FACT_UNKNOWN,
	};
	struct verdict verdict;

	if (inbound->sender.text[0] == '\0') {
		reply_set(reply, 550, "5.7.1",
			  "%s takes no automatic mail "
			  "and no delivery reports",
			  is->list);
		return;
	}
	moderate(is->policy, &facts, &verdict);
	if (verdict.kind == VERDICT_REJECT)
		reply_not_welcome(is, reply);
}

static void
judge_role_at_rcpt(const struct inbound *inbound, const struct rcpt_answer *is,
		   struct smtp_reply *reply)
{
	if (is->role == ROLE_BOUNCES) {
		if (!is->token_ok)
			reply_set(reply, 550, "5.1.1",
				  "This address takes "
				  "only delivery reports about copies that "
				  "%s has sent",
				  is->list);
		return;
	}
	if (!is->has_owner)
		reply_set(reply, 550, "5.1.1",
			  "Nobody reads this address of "
			  "%s; please ask the postmaster",
			  is->list);
	else if (is_command(is->role) && inbound->sender.text[0] == '\0')
		reply_set(reply, 550, "5.7.1",
			  "%s takes no automatic mail "
			  "at this address",
			  is->list);
}

/* reply->code stays 250, or becomes the refusal. */
static void
judge_at_rcpt(const struct inbound *inbound, const struct rcpt_answer *is,
	      struct smtp_reply *reply)
{
	reply_set(reply, 250, "2.1.5", "%s", "Ok");
	if (!inbound->sender_ok)
		reply_set(reply, 553, "5.1.7",
			  "%s takes no mail from a "
			  "sender address that cannot be understood",
			  is->list);
	else if (reply_if_too_large(is, inbound->size_declared, reply))
		return;
	else if (is->role == ROLE_POST)
		judge_post_at_rcpt(inbound, is, reply);
	else
		judge_role_at_rcpt(inbound, is, reply);
}

static bool
domain_is_ours(const struct inbound *inbound, const char *path)
{
	struct addr addr = {0};
	bool ours;

	if (!addr_parse(path, &addr))
		return false;
	ours = addr.domain[0] == '\0'
		       ? addr.local[0] != '\0'
		       : settings_has_domain(inbound->settings, addr.domain) ||
				 settings_shares_domain(inbound->settings,
							addr.domain);
	addr_done(&addr);
	return ours;
}

static void
keep_rcpt(struct inbound *inbound, const char *path, struct rcpt_answer *is)
{
	struct rcpt *rcpt = g_new0(struct rcpt, 1);

	rcpt->path = g_strdup(path);
	rcpt->is = *is;
	memset(is, 0, sizeof(*is));
	g_ptr_array_add(inbound->rcpts, rcpt);
}

static void
answer_rcpt(struct inbound *inbound, const char *path, struct rcpt_answer *is,
	    struct smtp_reply *reply)
{
	reply_none(reply);
	if (is->kind == RCPT_FOREIGN) {
		inbound->foreign++;
		return;
	}
	if (is->kind == RCPT_UNKNOWN) {
		reply_set(reply, 550, "5.1.1",
			  "There is no list and no "
			  "address of that name here");
		inbound_log_refused(inbound, NULL, path, reply);
		return;
	}
	judge_at_rcpt(inbound, is, reply);
	if (reply->code == 250) {
		keep_rcpt(inbound, path, is);
		return;
	}
	inbound_log_refused(inbound, is->list, path, reply);
	inbound_note_refusal(inbound, is->list, path, reply);
}

void
inbound_rcpt(struct inbound *inbound, const char *path,
	     struct smtp_reply *reply)
{
	struct rcpt_answer is = {0};
	struct err err = ERR_INIT;
	struct log_ctx ctx;

	reply_none(reply);
	if (!domain_is_ours(inbound, path)) {
		inbound->foreign++;
		return;
	}
	if (inbound->rcpts->len >= RCPT_MAX ||
	    inbound->refused->len >= RCPT_MAX) {
		reply_set(reply, 452, "4.5.3",
			  "Too many recipients in one "
			  "message");
		return;
	}
	if (ask_rcpt(inbound->ask,
		     inbound->sender_ok ? inbound->sender.text : "", path, &is,
		     &err) != ERR_OK) {
		inbound_log_ctx(inbound, NULL, &ctx);
		log_err(&ctx, "rcpt.deferred", &err);
		reply_of_err(reply, &err);
		return;
	}
	answer_rcpt(inbound, path, &is, reply);
	rcpt_answer_done(&is);
}

unsigned int
inbound_foreign(const struct inbound *inbound)
{
	return inbound->foreign;
}

unsigned int
inbound_wanted(const struct inbound *inbound)
{
	return inbound->rcpts->len;
}

size_t
inbound_rcpt_count(const struct inbound *inbound)
{
	return inbound->rcpts->len;
}

const char *
inbound_rcpt_path(const struct inbound *inbound, size_t index)
{
	const struct rcpt *rcpt = g_ptr_array_index(inbound->rcpts, index);

	return rcpt->path;
}

/* --- the bytes ---------------------------------------------------------- */

struct rcpt *
rcpt_at(const struct inbound *inbound, unsigned int index)
{
	return g_ptr_array_index(inbound->rcpts, index);
}

/* The largest that any of the lists takes; 0: without limit. */
static int64_t
largest_limit(const struct inbound *inbound)
{
	int64_t most = 0;

	for (guint i = 0; i < inbound->rcpts->len; i++) {
		int64_t limit = rcpt_at(inbound, i)->is.size_max;

		if (limit == 0)
			return 0;
		most = MAX(most, limit);
	}
	return most;
}

uint64_t
inbound_client_size(const struct inbound *inbound)
{
	return inbound->spool == NULL
		       ? 0
		       : spool_size(inbound->spool) - inbound->prefix_len;
}

void
inbound_begin_spool(struct inbound *inbound)
{
	g_autofree char *received = NULL;

	if (inbound->spool != NULL)
		return;
	received = received_field(
		inbound->settings->hostname, inbound->door, &inbound->peer,
		inbound->id,
		inbound->rcpts->len == 1 ? rcpt_at(inbound, 0)->is.list : NULL);
	inbound->spool = spool_new();
	spool_add(inbound->spool, received, strlen(received));
	inbound->prefix_len = spool_size(inbound->spool);
}

bool
inbound_bytes(struct inbound *inbound, const void *bytes, size_t len)
{
	int64_t limit = largest_limit(inbound);

	if (inbound->too_large || inbound->rcpts->len == 0)
		return false;
	inbound_begin_spool(inbound);
	if (limit > 0 && inbound_client_size(inbound) + len > (uint64_t)limit) {
		inbound->too_large = true;
		return false;
	}
	spool_add(inbound->spool, bytes, len);
	return true;
}

bool
inbound_field(struct inbound *inbound, const char *name, const char *value)
{
	g_autoptr(GString) field = g_string_new(name);

	g_string_append_c(field, ':');
	/* The milter protocol shows folds as LF; they came as CRLF. */
	for (const char *p = value; *p != '\0'; p++) {
		if (*p == '\n' && (p == value || p[-1] != '\r'))
			g_string_append_c(field, '\r');
		g_string_append_c(field, *p);
	}
	g_string_append(field, "\r\n");
	return inbound_bytes(inbound, field->str, field->len);
}

bool
inbound_end_of_header(struct inbound *inbound)
{
	return inbound_bytes(inbound, "\r\n", 2);
}

bool
inbound_body(struct inbound *inbound, const void *bytes, size_t len)
{
	return inbound_bytes(inbound, bytes, len);
}
