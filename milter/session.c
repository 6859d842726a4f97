/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * libmilter's callbacks: what the MTA says goes to core/inbound, and what
 * that answers becomes an SMFIS code.
 *
 * A connection may carry many messages, and there is no abort after an end
 * of message, so state is reset at MAIL, at abort and at the end. Callbacks
 * of one session may come from different threads, one at a time.
 */
#include "milter/session.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include <glib.h>
#include <libmilter/mfapi.h>

#include "core/base/log.h"
#include "core/inbound/inbound.h"
#include "core/base/banned.h"

#define TEXT_MAX 900		/* libmilter takes 980 */

struct session {
	struct inbound *inbound;
	bool leading_space;	/* values come with their blank in front */
	bool can_skip;		/* of the body, once it is too much */
	bool quiet;		/* no reply where none is needed */
	bool in_post;
};

/* Set once by session_start(), before libmilter starts its threads. */
static struct gate *gate;

/* --- life --------------------------------------------------------------- */

static struct session *
session_new(SMFICTX *ctx)
{
	struct session *session = g_new0(struct session, 1);

	session->inbound = inbound_new(&gate->env);
	session->leading_space = true;
	atomic_fetch_add(&gate->sessions, 1);
	(void)smfi_setpriv(ctx, session);
	return session;
}

/* Negotiation has made it. Should libmilter ever come without, today's MTAs
 * do offer SMFIP_HDR_LEADSPC. */
static struct session *
session_of(SMFICTX *ctx)
{
	struct session *session = smfi_getpriv(ctx);

	return session != NULL ? session : session_new(ctx);
}

static void
session_begin_post(struct session *session)
{
	if (!session->in_post)
		atomic_fetch_add(&gate->posts, 1);
	session->in_post = true;
}

static void
session_end_post(struct session *session)
{
	inbound_reset(session->inbound);
	if (session->in_post)
		atomic_fetch_sub(&gate->posts, 1);
	session->in_post = false;
}

static void
session_free(SMFICTX *ctx)
{
	struct session *session = smfi_getpriv(ctx);

	if (session == NULL)
		return;
	(void)smfi_setpriv(ctx, NULL);
	session_end_post(session);
	inbound_free(session->inbound);
	g_free(session);
	atomic_fetch_sub(&gate->sessions, 1);
}

/* --- what the MTA knows ------------------------------------------------- */

static const char *
macro(SMFICTX *ctx, const char *name)
{
	const char *value = smfi_getsymval(ctx, (char *)(uintptr_t)name);

	return value != NULL ? value : "";
}

/* Postfix knows the queue id from the second recipient on, sendmail from
 * MAIL. */
static void
take_qid(SMFICTX *ctx, struct session *session)
{
	inbound_qid_set(session->inbound, macro(ctx, "i"));
}

/* An address literal without brackets (RFC 5321 section 4.1.3) */
static char *
addr_text(const struct sockaddr *addr)
{
	const struct sockaddr_in *in = (const struct sockaddr_in *)addr;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)addr;
	char text[INET6_ADDRSTRLEN];

	if (addr != NULL && addr->sa_family == AF_INET &&
	    inet_ntop(AF_INET, &in->sin_addr, text, sizeof(text)) != NULL)
		return g_strdup(text);
	if (addr != NULL && addr->sa_family == AF_INET6 &&
	    inet_ntop(AF_INET6, &in6->sin6_addr, text, sizeof(text)) != NULL)
		return g_strdup_printf("IPv6:%s", text);
	return NULL;
}

/* --- what the MTA is told ----------------------------------------------- */

/* libmilter takes the text as a format of its own: "%" is doubled. */
static char *
reply_text(const char *text)
{
	GString *out = g_string_new(NULL);

	for (; *text != '\0' && out->len < TEXT_MAX; text++) {
		if (*text == '%')
			g_string_append_c(out, '%');
		g_string_append_c(out, *text >= ' ' && *text <= '~' ? *text
								    : '?');
	}
	return g_string_free(out, FALSE);
}

/* Without a text of ours the MTA says something of its own. */
static sfsistat
refuse(SMFICTX *ctx, const struct smtp_reply *reply)
{
	g_autofree char *text = reply_text(reply->text);
	g_autofree char *enhanced = g_strdup(reply->enhanced);
	g_autofree char *code = g_strdup_printf("%d", reply->code);

	if (smfi_setreply(ctx, code, enhanced, text) != MI_SUCCESS)
		log_warning(NULL, "reply.lost", kv_str("code", code),
			    kv_str("text", reply->text));
	return reply->code < 500 ? SMFIS_TEMPFAIL : SMFIS_REJECT;
}

static sfsistat
answer(SMFICTX *ctx, const struct smtp_reply *reply)
{
	return reply->code < 400 ? SMFIS_CONTINUE : refuse(ctx, reply);
}

/* Where a refusal cannot be said, the MTA need not wait for an answer. */
static sfsistat
go_on(const struct session *session)
{
	return session->quiet ? SMFIS_NOREPLY : SMFIS_CONTINUE;
}

/* --- connection --------------------------------------------------------- */

static void
ask_for_macros(SMFICTX *ctx)
{
	static const struct {
		int stage;
		const char *names;
	} wanted[] = {
		{SMFIM_CONNECT, "{client_addr}"},
		{SMFIM_HELO, "{tls_version}"},
		{SMFIM_ENVFROM, "i {auth_authen}"},
		{SMFIM_ENVRCPT, "i"},
		{SMFIM_DATA, "i"},
		{SMFIM_EOH, "i"},
		{SMFIM_EOM, "i"},
	};

	for (size_t i = 0; i < G_N_ELEMENTS(wanted); i++)
		if (smfi_setsymlist(ctx, wanted[i].stage,
				    (char *)(uintptr_t)wanted[i].names) !=
		    MI_SUCCESS)
			log_warning(NULL, "macros.not-asked",
				    kv_str("names", wanted[i].names));
}

/*
 * Replies are dispensed with on unix sockets only: over TCP the MTA's small
 * writes would each wait for a delayed acknowledgment.
 */
static sfsistat
on_negotiate(SMFICTX *ctx, unsigned long actions, unsigned long steps,
	     unsigned long unused2, unsigned long unused3,
	     unsigned long *actions_out, unsigned long *steps_out,
	     unsigned long *unused2_out, unsigned long *unused3_out)
{
	const unsigned long quiet =
		SMFIP_NR_CONN | SMFIP_NR_HELO | SMFIP_NR_HDR;
	struct session *session;

	(void)unused2;
	(void)unused3;
	if ((actions & SMFIF_DELRCPT) == 0) {
		log_error(NULL, "mta.unfit",
			  kv_str("what", "the MTA does not let recipients "
					 "be deleted"),
			  kv_str("todo", "use Postfix or sendmail"));
		return SMFIS_REJECT;
	}
	session_free(ctx);
	session = session_new(ctx);
	if ((actions & SMFIF_SETSYMLIST) != 0)
		ask_for_macros(ctx);
	session->leading_space = (steps & SMFIP_HDR_LEADSPC) != 0;
	session->can_skip = (steps & SMFIP_SKIP) != 0;
	session->quiet = gate->is_local && (steps & quiet) == quiet;
	*actions_out = actions & (SMFIF_DELRCPT | SMFIF_SETSYMLIST);
	*steps_out = steps & (SMFIP_HDR_LEADSPC | SMFIP_SKIP | SMFIP_NOUNKNOWN |
			      (session->quiet ? quiet : 0));
	*unused2_out = 0;
	*unused3_out = 0;
	return SMFIS_CONTINUE;
}

static sfsistat
on_connect(SMFICTX *ctx, char *host, struct sockaddr *addr)
{
	struct session *session = session_of(ctx);
	g_autofree char *text = addr_text(addr);

	/* "[192.0.2.1]" is how Postfix says that it knows no name. */
	if (host == NULL || host[0] == '[')
		host = (char *)(uintptr_t) "";
	inbound_peer_set(session->inbound, host,
			 text != NULL ? text : macro(ctx, "{client_addr}"), "",
			 "", "");
	return go_on(session);
}

static sfsistat
on_helo(SMFICTX *ctx, char *helo)
{
	struct session *session = session_of(ctx);

	inbound_peer_set(session->inbound, NULL, NULL, helo,
			 macro(ctx, "{tls_version}"), NULL);
	return go_on(session);
}

static sfsistat
on_close(SMFICTX *ctx)
{
	session_free(ctx);
	return SMFIS_CONTINUE;
}

/* --- envelope ----------------------------------------------------------- */

static sfsistat
on_envfrom(SMFICTX *ctx, char **argv)
{
	struct session *session = session_of(ctx);
	struct smtp_reply reply;

	session_end_post(session);
	session_begin_post(session);
	inbound_peer_set(session->inbound, NULL, NULL, NULL,
			 macro(ctx, "{tls_version}"),
			 macro(ctx, "{auth_authen}"));
	take_qid(ctx, session);
	inbound_mail(session->inbound, (const char *const *)argv, &reply);
	return answer(ctx, &reply);
}

static sfsistat
on_envrcpt(SMFICTX *ctx, char **argv)
{
	struct session *session = session_of(ctx);
	struct smtp_reply reply;

	take_qid(ctx, session);
	inbound_rcpt(session->inbound, argv[0], &reply);
	return answer(ctx, &reply);
}

/* Mail for no list is waved through here, before its content is sent. */
static sfsistat
on_data(SMFICTX *ctx)
{
	struct session *session = session_of(ctx);

	take_qid(ctx, session);
	if (inbound_wanted(session->inbound) > 0)
		return SMFIS_CONTINUE;
	session_end_post(session);
	return SMFIS_ACCEPT;
}

static sfsistat
on_abort(SMFICTX *ctx)
{
	session_end_post(session_of(ctx));
	return SMFIS_CONTINUE;
}

/* --- content ------------------------------------------------------------ *
 * Whether it is too much is remembered, and said at the end.
 */

static sfsistat
on_header(SMFICTX *ctx, char *name, char *value)
{
	struct session *session = session_of(ctx);
	g_autofree char *spaced = NULL;

	if (!session->leading_space) {
		/* The MTA has removed one blank, if there was one. */
		spaced = g_strconcat(" ", value, NULL);
		value = spaced;
	}
	(void)inbound_field(session->inbound, name, value);
	return go_on(session);
}

/* What the header decides for all recipients is said before the body. */
static sfsistat
on_eoh(SMFICTX *ctx)
{
	struct session *session = session_of(ctx);
	struct smtp_reply reply;
	sfsistat status;

	(void)inbound_end_of_header(session->inbound, &reply);
	status = answer(ctx, &reply);
	if (status != SMFIS_CONTINUE)
		session_end_post(session);
	return status;
}

static sfsistat
on_body(SMFICTX *ctx, unsigned char *bytes, size_t len)
{
	struct session *session = session_of(ctx);

	if (inbound_body(session->inbound, bytes, len) || !session->can_skip)
		return SMFIS_CONTINUE;
	return SMFIS_SKIP;
}

/* --- end of message ----------------------------------------------------- */

static void
tick(void *ctx)
{
	(void)smfi_progress(ctx);
}

/* Our recipients have their post, or their refusal; the MTA delivers to the
 * others. Each path is deleted as often as it was given. */
static sfsistat
leave_to_others(SMFICTX *ctx, struct session *session)
{
	size_t count = inbound_rcpt_count(session->inbound);

	for (size_t i = 0; i < count; i++) {
		const char *path = inbound_rcpt_path(session->inbound, i);

		if (smfi_delrcpt(ctx, (char *)(uintptr_t)path) == MI_SUCCESS)
			continue;
		log_warning(NULL, "rcpt.not-deleted", kv_str("to", path));
		/* Tried again, the post is recognised as a repeat. */
		return SMFIS_TEMPFAIL;
	}
	return SMFIS_ACCEPT;
}

static sfsistat
conclude(SMFICTX *ctx, struct session *session)
{
	struct smtp_reply all;

	if (inbound_wanted(session->inbound) == 0)
		return SMFIS_ACCEPT;
	inbound_end(session->inbound, NULL, tick, ctx, &all);
	if (all.code >= 400 && all.code < 500)
		return refuse(ctx, &all);
	if (inbound_foreign(session->inbound) > 0)
		return leave_to_others(ctx, session);
	return all.code >= 500 ? refuse(ctx, &all) : SMFIS_DISCARD;
}

static sfsistat
on_eom(SMFICTX *ctx)
{
	struct session *session = session_of(ctx);
	sfsistat status = SMFIS_TEMPFAIL;

	/* Counted before the look at stopping: whoever stops us sets that
	 * first, and then waits for the count. */
	atomic_fetch_add(&gate->ends, 1);
	if (!atomic_load(&gate->stopping)) {
		take_qid(ctx, session);
		status = conclude(ctx, session);
	}
	session_end_post(session);
	atomic_fetch_sub(&gate->ends, 1);
	return status;
}

/* --- registration ------------------------------------------------------- */

bool
session_register(void)
{
	static char name[] = "muster";
	struct smfiDesc filter = {
		.xxfi_name = name,
		.xxfi_version = SMFI_VERSION,
		.xxfi_flags = SMFIF_DELRCPT | SMFIF_SETSYMLIST,
		.xxfi_connect = on_connect,
		.xxfi_helo = on_helo,
		.xxfi_envfrom = on_envfrom,
		.xxfi_envrcpt = on_envrcpt,
		.xxfi_header = on_header,
		.xxfi_eoh = on_eoh,
		.xxfi_body = on_body,
		.xxfi_eom = on_eom,
		.xxfi_abort = on_abort,
		.xxfi_close = on_close,
		.xxfi_data = on_data,
		.xxfi_negotiate = on_negotiate,
	};

	return smfi_register(filter) == MI_SUCCESS;
}

void
session_start(struct gate *of)
{
	gate = of;
}
