/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The peer is the MTA, which has done its own checks, but what it passes on
 * comes from strangers, so the limits are ours. DSN (RFC 3461) is not
 * offered: an MTA then answers for us where success was to be reported.
 */
#include "core/inbound/lmtp_session.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include <glib.h>

#include "core/base/log.h"
#include "core/inbound/dot.h"
#include "core/inbound/inbound.h"
#include "core/inbound/lmtp_io.h"
#include "core/inbound/lmtp_path.h"
#include "core/base/banned.h"

#define IDLE_MS (5 * 60 * 1000) /* RFC 5321 section 4.5.3.2.7 */
#define ERRORS_MAX 20
#define COMMANDS_MAX 5000	/* between two messages */
#define PARAMS_MAX 16

struct session {
	const struct settings *settings;
	int stop_fd;
	struct lmtp_io *io;
	struct inbound *inbound;
	bool greeted;		/* LHLO was there */
	bool has_sender;
	bool over;		/* the connection is to be closed */
	unsigned int errors, commands;
};

/* --- replies ------------------------------------------------------------ */

static void
say(struct session *session, const char *reply)
{
	lmtp_io_say(session->io, "%s", reply);
}

/* The last word; the MTA tries later. */
static void
say_goodbye(struct session *session, const char *reply)
{
	lmtp_io_say(session->io, "421 %s", reply);
	session->over = true;
}

static void
log_closed(const char *why)
{
	log_warning(NULL, "lmtp.closed", kv_str("why", why));
}

static void
complain(struct session *session, const char *reply)
{
	say(session, reply);
	if (++session->errors < ERRORS_MAX)
		return;
	say_goodbye(session, "4.7.0 Too many errors");
	log_closed("too many errors");
}

static void
say_reply(struct session *session, const struct smtp_reply *reply)
{
	lmtp_io_say(session->io, "%d %s %s", reply->code, reply->enhanced,
		    reply->text);
}

/* --- commands ----------------------------------------------------------- */

static void
reset(struct session *session)
{
	inbound_reset(session->inbound);
	session->has_sender = false;
}

static void
cmd_lhlo(struct session *session, const char *rest)
{
	if (*rest == '\0') {
		complain(session, "501 5.5.4 LHLO wants a name");
		return;
	}
	reset(session);
	session->greeted = true;
	inbound_peer_set(session->inbound, NULL, NULL, rest, NULL, NULL);
	lmtp_io_say(session->io, "250-%s", session->settings->hostname);
	say(session, "250-PIPELINING");
	say(session, "250-8BITMIME");
	say(session, "250-SMTPUTF8");
	say(session, "250-ENHANCEDSTATUSCODES");
	say(session, "250 SIZE");
}

/* RFC 2033 section 4.1: not even tolerated */
static void
cmd_ehlo(struct session *session, const char *rest)
{
	(void)rest;
	complain(session, "500 5.5.1 This is LMTP, say LHLO");
}

static bool
mail_param_is_known(const char *param)
{
	return g_ascii_strncasecmp(param, "SIZE=", 5) == 0 ||
	       g_ascii_strcasecmp(param, "BODY=7BIT") == 0 ||
	       g_ascii_strcasecmp(param, "BODY=8BITMIME") == 0 ||
	       g_ascii_strcasecmp(param, "SMTPUTF8") == 0;
}

static bool
mail_params_are_known(char **params)
{
	for (int i = 0; params[i] != NULL; i++)
		if (i >= PARAMS_MAX || !mail_param_is_known(params[i]))
			return false;
	return true;
}

static void
cmd_mail(struct session *session, const char *rest)
{
	g_auto(GStrv) argv = lmtp_path_split(rest, "FROM:");
	struct smtp_reply reply;

	if (!session->greeted)
		complain(session, "503 5.5.1 Say LHLO first");
	else if (session->has_sender)
		complain(session, "503 5.5.1 There is a sender already");
	else if (argv == NULL)
		complain(session, "501 5.5.4 MAIL FROM:<address> is wanted");
	else if (!mail_params_are_known(argv + 1))
		complain(session, "555 5.5.4 Parameter not known");
	else {
		inbound_mail(session->inbound, (const char *const *)argv,
			     &reply);
		session->has_sender = reply.code < 400;
		if (session->has_sender)
			say(session, "250 2.1.0 Ok");
		else
			say_reply(session, &reply);
	}
}

static void
cmd_rcpt(struct session *session, const char *rest)
{
	g_auto(GStrv) argv = lmtp_path_split(rest, "TO:");
	struct smtp_reply reply;

	if (!session->has_sender) {
		complain(session, "503 5.5.1 Say MAIL first");
		return;
	}
	if (argv == NULL) {
		complain(session, "501 5.5.4 RCPT TO:<address> is wanted");
		return;
	}
	if (argv[1] != NULL) {
		complain(session, "555 5.5.4 Parameter not known");
		return;
	}
	inbound_rcpt(session->inbound, argv[0], &reply);
	if (reply.code == 0)
		say(session, "550 5.1.1 There is no list of that name here");
	else
		say_reply(session, &reply);
}

static void
cmd_rset(struct session *session, const char *rest)
{
	(void)rest;
	reset(session);
	say(session, "250 2.0.0 Ok");
}

static void
cmd_noop(struct session *session, const char *rest)
{
	(void)rest;
	say(session, "250 2.0.0 Ok");
}

static void
cmd_vrfy(struct session *session, const char *rest)
{
	(void)rest;
	say(session, "252 2.5.0 Send some mail, I will try");
}

static void
cmd_quit(struct session *session, const char *rest)
{
	(void)rest;
	say(session, "221 2.0.0 Bye");
	session->over = true;
}

/* --- DATA --------------------------------------------------------------- */

static void
take_bytes(void *arg, const char *bytes, size_t len)
{
	struct session *session = arg;

	/* Too much is remembered, and said at the end. */
	(void)inbound_bytes(session->inbound, bytes, len);
}

/* False: the connection has ended before the message. */
static bool
receive(struct session *session)
{
	struct dot dot = {.emit = take_bytes, .arg = session};
	enum lmtp_got got;
	const char *bytes;
	size_t len;

	do {
		got = lmtp_io_bytes(session->io, &bytes, &len);
		if (got != LMTP_GOT)
			break;
		lmtp_io_used(session->io, dot_feed(&dot, bytes, len));
	} while (dot.state != DOT_END);
	if (got == LMTP_GOT)
		return true;
	session->over = true;
	if (got == LMTP_STOP)
		say_goodbye(session, "4.3.2 Shutting down");
	if (got == LMTP_IDLE)
		say_goodbye(session, "4.4.2 Nothing heard for too long");
	log_closed(got == LMTP_STOP ? "stopping in DATA"
		   : got == LMTP_IDLE ? "idle in DATA"
				      : "peer gone in DATA");
	return false;
}

/* RFC 2033 section 4.2: a reply for each recipient that was accepted */
static void
say_rcpt_reply(void *arg, const char *path, const struct smtp_reply *reply)
{
	(void)path;
	say_reply(arg, reply);
}

static void
cmd_data(struct session *session, const char *rest)
{
	struct smtp_reply all;

	if (*rest != '\0') {
		complain(session, "501 5.5.4 DATA wants nothing behind it");
		return;
	}
	if (inbound_wanted(session->inbound) == 0) {
		complain(session, session->has_sender
					  ? "554 5.5.1 No valid recipients"
					  : "503 5.5.1 Say MAIL first");
		return;
	}
	say(session, "354 End with a dot");
	if (!receive(session))
		return;
	inbound_end(session->inbound, say_rcpt_reply, NULL, session, &all);
	session->commands = 0;
	reset(session);
}

/* --- dispatch ----------------------------------------------------------- */

static const struct command {
	const char *verb;
	void (*run)(struct session *session, const char *rest);
} commands[] = {
	{"LHLO", cmd_lhlo}, {"MAIL", cmd_mail}, {"RCPT", cmd_rcpt},
	{"DATA", cmd_data}, {"RSET", cmd_rset}, {"NOOP", cmd_noop},
	{"VRFY", cmd_vrfy}, {"QUIT", cmd_quit}, {"HELO", cmd_ehlo},
	{"EHLO", cmd_ehlo},
};

static const struct command *
find_command(const char *line, size_t verb_len)
{
	for (size_t i = 0; i < G_N_ELEMENTS(commands); i++)
		if (verb_len == strlen(commands[i].verb) &&
		    g_ascii_strncasecmp(line, commands[i].verb, verb_len) == 0)
			return &commands[i];
	return NULL;
}

static void
run_line(struct session *session, const char *line, size_t len)
{
	size_t verb_len = strcspn(line, " ");
	const struct command *command = find_command(line, verb_len);
	const char *rest = line + verb_len;
	g_autofree char *arg = NULL;

	if (strlen(line) != len)
		complain(session, "500 5.5.2 A line with NUL");
	else if (command == NULL)
		complain(session, "500 5.5.1 Command not known");
	else {
		arg = g_strchomp(g_strdup(rest + strspn(rest, " ")));
		command->run(session, arg);
	}
}

static bool
is_stopping(const struct session *session)
{
	struct pollfd poll_fd = {.fd = session->stop_fd, .events = POLLIN};

	return poll(&poll_fd, 1, 0) > 0;
}

static void
serve_command(struct session *session, const char *line, size_t len)
{
	if (is_stopping(session)) {
		say_goodbye(session, "4.3.2 Shutting down");
	} else if (++session->commands > COMMANDS_MAX) {
		say_goodbye(session, "4.7.0 Too many commands");
		log_closed("too many commands");
	} else {
		run_line(session, line, len);
	}
}

static void
serve_line(struct session *session)
{
	const char *line;
	size_t len;

	switch (lmtp_io_line(session->io, &line, &len)) {
	case LMTP_GOT:
		serve_command(session, line, len);
		break;
	case LMTP_TOO_LONG:
		complain(session, "500 5.5.2 Line too long");
		break;
	case LMTP_IDLE:
		say_goodbye(session, "4.4.2 Nothing heard for too long");
		break;
	case LMTP_STOP:
		say_goodbye(session, "4.3.2 Shutting down");
		break;
	case LMTP_GONE:
		session->over = true;
		break;
	}
}

/* --- a connection ------------------------------------------------------- */

/* An address literal without brackets, "" for a unix socket */
static char *
peer_text(int fd)
{
	struct sockaddr_storage addr = {0};
	const struct sockaddr_in *in = (const struct sockaddr_in *)&addr;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&addr;
	socklen_t len = sizeof(addr);
	char text[INET6_ADDRSTRLEN] = "";

	(void)getpeername(fd, (struct sockaddr *)&addr, &len);
	if (addr.ss_family == AF_INET)
		(void)inet_ntop(AF_INET, &in->sin_addr, text, sizeof(text));
	else if (addr.ss_family == AF_INET6)
		(void)inet_ntop(AF_INET6, &in6->sin6_addr, text, sizeof(text));
	if (addr.ss_family == AF_INET6)
		return g_strdup_printf("IPv6:%s", text);
	return g_strdup(text);
}

void
lmtp_session_serve(const struct inbound_env *env, int fd, int stop_fd)
{
	g_autofree char *peer = peer_text(fd);
	struct session session = {
		.settings = env->settings,
		.stop_fd = stop_fd,
		.io = lmtp_io_new(fd, stop_fd, IDLE_MS),
		.inbound = inbound_new(env),
	};

	inbound_peer_set(session.inbound, NULL, peer, NULL, NULL, NULL);
	lmtp_io_say(session.io, "220 %s LMTP muster",
		    env->settings->hostname);
	while (!session.over)
		serve_line(&session);
	(void)lmtp_io_flush(session.io);
	inbound_free(session.inbound);
	lmtp_io_free(session.io);
}
