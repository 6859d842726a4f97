/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_INBOUND_H
#define MUSTER_INBOUND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/inbound/env.h"

/*
 * Inbound: from SMTP to a post with a verdict, the same for the gate
 * (milter/) and for the LMTP door. Both feed it what they hear, step by
 * step, and say to their peer what it answers.
 *
 *	inbound_new		a connection
 *	inbound_mail		MAIL: a new message, whatever there was before
 *	inbound_rcpt		RCPT, one by one -> a reply each
 *	inbound_wanted		at DATA: is any of it ours?
 *	inbound_field, _end_of_header, _body	the bytes (milter), or
 *	inbound_bytes		the bytes as they are (LMTP)
 *	inbound_end		end of message -> a verdict for each recipient
 *	inbound_reset		RSET, abort: forget the message
 *
 * One thread at a time per inbound; no thread affinity (libmilter's
 * callbacks hop).
 */

struct inbound;

/* An answer in SMTP. code 0: "go on", nothing to say (not ours). */
struct smtp_reply {
	int code;		/* 250, 451, 550 ... */
	char enhanced[12];	/* "5.7.1" (RFC 3463) */
	char text[512];		/* printable ASCII, one line */
};

struct inbound_peer {
	char *host;		/* as the MTA named it, "" unknown */
	char *addr;		/* "192.0.2.7", "IPv6:2001:db8::1", "" */
	char *helo;
	char *tls;		/* "TLSv1.3", "" none */
	char *auth;		/* login, "" none */
	char *qid;		/* may become known late */
};

/* env is borrowed for the connection's life */
struct inbound *inbound_new(const struct inbound_env *env);
void inbound_free(struct inbound *inbound);

/* The peer as known so far; strings are copied, NULL leaves the old. */
void inbound_peer_set(struct inbound *inbound, const char *host,
		      const char *addr, const char *helo, const char *tls,
		      const char *auth);
/* qid is read into the log, the trace and the repeat key; may be NULL */
void inbound_qid_set(struct inbound *inbound, const char *qid);

/*
 * inbound_mail - argv as in libmilter: the path, then the ESMTP parameters
 * (SIZE= is looked at). reply->code is 0 or a refusal (a sender that cannot
 * be an address is remembered and only matters to recipients of ours).
 */
void inbound_mail(struct inbound *inbound, const char *const *argv,
		  struct smtp_reply *reply);

/*
 * inbound_rcpt - reply->code 0: not ours, go on; 250: ours and so far
 * welcome; else the refusal of this recipient: 550 5.1.1 nobody, 552 5.3.4
 * SIZE= over the list's limit, what the list's policy says already, 451
 * 4.3.0. The first recipient of ours begins authentication.
 */
void inbound_rcpt(struct inbound *inbound, const char *path,
		  struct smtp_reply *reply);

/* How many recipients so far were not ours, and how many ours and welcome. */
unsigned int inbound_foreign(const struct inbound *inbound);
unsigned int inbound_wanted(const struct inbound *inbound);

/*
 * The bytes. From a milter: fields with the value as SMFIP_HDR_LEADSPC
 * gives it (folds as LF), then the body in pieces. Errors are kept until
 * inbound_end(). False: the message is over every limit, no more is needed.
 */
bool inbound_field(struct inbound *inbound, const char *name,
		   const char *value);
/* *reply: a refusal when all recipients are ours and each is refused by what
 * the header says, so that no body need be sent; else code 0. */
bool inbound_end_of_header(struct inbound *inbound,
			   struct smtp_reply *reply);
bool inbound_body(struct inbound *inbound, const void *bytes, size_t len);
/* From LMTP: the message as it came, dots removed, lines ending in CRLF */
bool inbound_bytes(struct inbound *inbound, const void *bytes, size_t len);

/*
 * inbound_end - decide and, where a list takes it, have it committed.
 *
 * rcpt	called for each recipient of ours that was welcome at RCPT, in order,
 *	with the path as it came and its own reply: what LMTP says; NULL is
 *	allowed
 * all	the one reply for SMTP: 4xx when it could not be committed or a list
 *	defers it (those that took it know it when it comes again); else 250
 *	when some list has it (or had it already); else, when every recipient
 *	of ours refuses, 5xx. Where there are also foreign recipients a milter
 *	does not send a 5xx or 250 of all, but deletes our recipients (with
 *	451 the whole message is tried again).
 * tick	called now and then while musterd commits (smfi_progress)
 */
typedef void (*inbound_rcpt_reply)(void *arg, const char *path,
				   const struct smtp_reply *reply);
void inbound_end(struct inbound *inbound, inbound_rcpt_reply rcpt,
		 void (*tick)(void *arg), void *arg,
		 struct smtp_reply *all);

void inbound_reset(struct inbound *inbound);

/* Paths, as they came, of all recipients of ours, for smfi_delrcpt() */
size_t inbound_rcpt_count(const struct inbound *inbound);
const char *inbound_rcpt_path(const struct inbound *inbound, size_t index);

#endif
