/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <glib.h>

#include "core/inbound/state.h"
#include "core/base/banned.h"

#define TEXT_MAX 480

/* --- replies ------------------------------------------------------------ */

void
reply_set(struct smtp_reply *reply, int code, const char *enhanced,
	  const char *format, ...)
{
	va_list ap;

	reply->code = code;
	(void)g_strlcpy(reply->enhanced, enhanced, sizeof(reply->enhanced));
	va_start(ap, format);
	(void)vsnprintf(reply->text, TEXT_MAX, format, ap);
	va_end(ap);
	/* SMTP replies are ASCII (RFC 5321 section 4.2). */
	for (char *p = reply->text; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || (unsigned char)*p > '~')
			*p = '?';
}

void
reply_none(struct smtp_reply *reply)
{
	memset(reply, 0, sizeof(*reply));
}

/* A doubt is temporary: mail lost is worse than mail late. */
void
reply_of_err(struct smtp_reply *reply, const struct err *err)
{
	if (err->code == ERR_NOSPACE)
		reply_set(reply, 451, "4.3.1",
			  "The list server is short of "
			  "disk space; your mail server will try again");
	else
		reply_set(reply, 451, "4.3.0",
			  "The list server cannot take "
			  "this now; your mail server will try again");
}

void
inbound_log_ctx(const struct inbound *inbound, const char *list,
		struct log_ctx *out)
{
	out->qid = inbound->peer.qid;
	out->list = list;
	out->id = inbound->id;
}

/* RFC 1870: MAIL SIZE= may say it before any octet has come. */
bool
reply_if_too_large(const struct rcpt_answer *is, int64_t size,
		   struct smtp_reply *reply)
{
	if (is->size_max == 0 || size <= is->size_max)
		return false;
	reply_set(reply, 552, "5.3.4",
		  "%s takes messages of at most %lld "
		  "octets; this one has %lld",
		  is->list, (long long)is->size_max, (long long)size);
	return true;
}

void
reply_verdict(const struct verdict *verdict, struct smtp_reply *reply)
{
	g_autofree char *ascii = g_str_to_ascii(verdict->text, "C");

	reply_set(reply, verdict->code, verdict->enhanced, "%s", ascii);
}

void
reply_misdirected(struct smtp_reply *reply, const char *list,
		  enum command_meant meant)
{
	bool leave = meant == COMMAND_UNSUBSCRIBE;
	g_autofree char *addr = list_role_addr(list, leave ? "-leave"
							   : "-join");

	reply_set(reply, 550, "5.7.1",
		  "This was not sent to the members of %s: it looks like a "
		  "command; to %s, send any mail to %s", list,
		  leave ? "leave" : "join", addr);
}

void
inbound_log_refused(const struct inbound *inbound, const char *list,
		    const char *path, const struct smtp_reply *reply)
{
	struct log_ctx ctx;

	inbound_log_ctx(inbound, list, &ctx);
	log_info(&ctx, "rcpt.refused", kv_str("from", inbound->sender.text),
		 kv_str("to", path), kv_str("client", inbound->peer.addr),
		 kv_num("code", reply->code),
		 kv_str("enhanced", reply->enhanced),
		 kv_str("text", reply->text));
}

void
inbound_log_end(const struct inbound *inbound, const char *event,
		const char *list, const char *text)
{
	const struct message *message = &inbound->message;
	struct log_ctx ctx;

	inbound_log_ctx(inbound, list, &ctx);
	log_info(&ctx, event, kv_str("from", inbound->sender.text),
		 kv_str("author", message->author_text != NULL ?
			message->author_text : ""),
		 kv_str("message-id", message->message_id != NULL ?
			message->message_id : ""),
		 kv_str("client", inbound->peer.addr),
		 kv_num("size", inbound_client_size(inbound)),
		 kv_str("text", text));
}

/* --- the trace ---------------------------------------------------------- */

char *
reply_line(const struct smtp_reply *reply)
{
	return g_strdup_printf("%d %s %s", reply->code, reply->enhanced,
			       reply->text);
}

void
reply_of_line(struct smtp_reply *reply, const char *line)
{
	g_auto(GStrv) parts = g_strsplit(line, " ", 3);

	if (g_strv_length(parts) == 3)
		reply_set(reply, (int)g_ascii_strtoll(parts[0], NULL, 10),
			  parts[1], "%s", parts[2]);
	else
		reply_set(reply, 550, "5.7.1", "%s", line);
}

void
inbound_note_refusal(struct inbound *inbound, const char *list,
		     const char *path, const struct smtp_reply *reply)
{
	struct refusal refusal = {g_strdup(list), g_strdup(path),
				  reply_line(reply)};

	g_array_append_val(inbound->refused, refusal);
}

void
inbound_fill_submission(const struct inbound *inbound, GArray *to,
			struct submission *out)
{
	memset(out, 0, sizeof(*out));
	out->sender = inbound->sender.text != NULL ? inbound->sender.text : "";
	out->qid = inbound->peer.qid;
	out->message_id = "";
	out->author = "";
	out->door = inbound->env->door;
	out->evidence = inbound->message.evidence;
	out->helo = inbound->peer.helo;
	out->auth = inbound->peer.auth;
	out->client = "";
	(void)g_strlcpy(out->id, inbound->id, sizeof(out->id));
	out->to = to;
	out->refused = inbound->refused;
}

char *
inbound_client_text(const struct inbound *inbound)
{
	if (inbound->peer.addr[0] == '\0')
		return g_strdup(inbound->peer.host);
	return g_strdup_printf("%s%s[%s]", inbound->peer.host,
			       inbound->peer.host[0] != '\0' ? " " : "",
			       inbound->peer.addr);
}

/* What no list took, for `muster trace`; the sender has his answer. */
void
inbound_tell_refusals(struct inbound *inbound, const char *message_id,
		      const char *author)
{
	g_autoptr(GArray) to =
		g_array_new(FALSE, FALSE, sizeof(struct submission_to));
	g_autofree char *client = inbound_client_text(inbound);
	struct submission post;

	if (inbound->refused->len == 0)
		return;
	inbound_fill_submission(inbound, to, &post);
	post.client = client;
	post.message_id = message_id;
	post.author = author;
	ask_refused(inbound->env->ask, &post);
	g_array_set_size(inbound->refused, 0);
}
