/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_INBOUND_STATE_H
#define MUSTER_INBOUND_STATE_H

#include "core/base/log.h"
#include "core/inbound/inbound.h"
#include "core/inbound/spool.h"

/*
 * Inside core/inbound: a connection and its message, shared by inbound.c
 * (envelope and bytes), end.c (end of message) and report.c (what is said to
 * the sender, the log and the trace).
 */

struct rcpt {
	char *path;		/* as it came */
	struct rcpt_answer is;
	struct smtp_reply reply;	/* at the end of message */
	char *why;		/* rule and fact, for the trace */
	bool accepted;
};

struct inbound {
	struct settings *settings;
	struct ask *ask;
	const char *door;
	struct inbound_peer peer;

	/* the message */
	struct addr sender;
	bool sender_ok;
	int64_t size_declared;
	char id[21];
	GPtrArray *rcpts;	/* of struct rcpt: ours, welcome at RCPT */
	GArray *refused;	/* of struct refusal, owned texts */
	unsigned int foreign;
	struct spool *spool;
	uint64_t prefix_len;	/* of our Received field in the spool */
	bool in_body;
	bool too_large;		/* over the limit of every list */
};

/* inbound.c */
struct rcpt *rcpt_at(const struct inbound *inbound, unsigned int index);
uint64_t inbound_client_size(const struct inbound *inbound);
void inbound_begin_spool(struct inbound *inbound);

/* report.c: replies */
void reply_none(struct smtp_reply *reply);
void reply_set(struct smtp_reply *reply, int code, const char *enhanced,
	       const char *format, ...)
	__attribute__((format(printf, 4, 5)));
void reply_of_err(struct smtp_reply *reply, const struct err *err);
void reply_not_welcome(const struct rcpt_answer *is,
		       struct smtp_reply *reply);
bool reply_if_too_large(const struct rcpt_answer *is, int64_t size,
			struct smtp_reply *reply);
char *reply_line(const struct smtp_reply *reply);

/* report.c: log and trace */
void inbound_log_ctx(const struct inbound *inbound, const char *list,
		     struct log_ctx *out);
void inbound_log_refused(const struct inbound *inbound, const char *list,
			 const char *path, const struct smtp_reply *reply);
void inbound_note_refusal(struct inbound *inbound, const char *list,
			  const char *path, const struct smtp_reply *reply);
void inbound_fill_submission(const struct inbound *inbound, GArray *to,
			     struct submission *out);
char *inbound_client_text(const struct inbound *inbound);
/* what no list took, for `muster trace`; the sender has his answer */
void inbound_tell_refusals(struct inbound *inbound, const char *message_id,
			   const char *author);

#endif
