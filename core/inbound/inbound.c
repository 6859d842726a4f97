/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * At RCPT musterd is asked what the address is, and whatever the envelope
 * can decide is said there. The bytes go to a spool, only if somebody wants
 * them. At the end each list's verdict is there; if one takes it, musterd
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
#include "core/base/banned.h"

#define HEAD_MAX (1024 * 1024)	/* octets of the header block */

/* --- life --------------------------------------------------------------- */

static void
refusal_done(void *data)
{
	struct refusal *refusal = data;

	g_free((char *)(uintptr_t)refusal->list);
	g_free((char *)(uintptr_t)refusal->rcpt);
	g_free((char *)(uintptr_t)refusal->reply);
}

struct inbound *
inbound_new(const struct inbound_env *env)
{
	struct inbound *inbound = g_new0(struct inbound, 1);

	inbound->env = env;
	inbound->settings = env->settings;
	inbound->questions = ask_questions(env->ask);
	inbound->head = g_string_new(NULL);
	inbound->rcpts = g_ptr_array_new_with_free_func(rcpt_free);
	inbound->addressed = g_ptr_array_new_with_free_func(g_free);
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
	g_ptr_array_free(inbound->addressed, TRUE);
	g_array_free(inbound->refused, TRUE);
	g_free(inbound->peer.host);
	g_free(inbound->peer.addr);
	g_free(inbound->peer.helo);
	g_free(inbound->peer.tls);
	g_free(inbound->peer.auth);
	g_free(inbound->peer.qid);
	g_string_free(inbound->head, TRUE);
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
	message_done(&inbound->message);
	auth_free(inbound->auth);
	inbound->auth = NULL;
	g_string_truncate(inbound->head, 0);
	inbound->head_done = false;
	addr_done(&inbound->sender);
	memset(&inbound->sender, 0, sizeof(inbound->sender));
	replace(&inbound->peer.qid, "");
	spool_free(inbound->spool);
	inbound->spool = NULL;
	inbound->sender_ok = false;
	inbound->size_declared = 0;
	inbound->foreign = 0;
	g_ptr_array_set_size(inbound->addressed, 0);
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
	inbound->message = (struct message){
		.client_addr = inbound->peer.addr,
		.client_name = inbound->peer.host,
		.helo = inbound->peer.helo,
		.tls = inbound->peer.tls,
		.login = inbound->peer.auth,
		.sender = inbound->sender_ok ? inbound->sender.text : "",
		.client_trusted = auth_is_trusted(inbound->env->auth,
						  inbound->peer.addr),
		.began_s = g_get_real_time() / G_USEC_PER_SEC,
		.step = STEP_RCPT,
	};
	reply_none(reply);
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
		inbound->settings->hostname, inbound->env->door, &inbound->peer,
		inbound->id,
		inbound->rcpts->len == 1 ? rcpt_at(inbound, 0)->is.list : NULL);
	inbound->spool = spool_new();
	spool_add(inbound->spool, received, strlen(received));
	inbound->prefix_len = spool_size(inbound->spool);
}

/* Until the empty line; a longer header is looked at at the end only. */
static void
feed_head(struct inbound *inbound, const char *bytes, size_t len)
{
	GString *head = inbound->head;
	size_t from = head->len > 3 ? head->len - 3 : 0;
	const char *end;

	if (head->len + len > HEAD_MAX)
		len = HEAD_MAX - head->len;
	g_string_append_len(head, bytes, (gssize)len);
	if (head->len >= 2 && memcmp(head->str, "\r\n", 2) == 0)
		end = head->str;
	else
		end = memmem(head->str + from, head->len - from,
			     "\r\n\r\n", 4);
	if (end == NULL)
		return;
	g_string_truncate(head, (gsize)(end - head->str) +
					(end > head->str ? 2 : 0));
	judge_header(inbound);
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
	if (!inbound->head_done)
		feed_head(inbound, bytes, len);
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
inbound_end_of_header(struct inbound *inbound, struct smtp_reply *reply)
{
	bool more = inbound_bytes(inbound, "\r\n", 2);

	reply_none(reply);
	if (more && inbound->foreign == 0)
		inbound_refuse_early(inbound, reply);
	return more;
}

bool
inbound_body(struct inbound *inbound, const void *bytes, size_t len)
{
	return inbound_bytes(inbound, bytes, len);
}
