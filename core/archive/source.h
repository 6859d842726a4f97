/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_ARCHIVE_SOURCE_H
#define MUSTER_ARCHIVE_SOURCE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <glib.h>

#include "core/base/err.h"

/*
 * Messages that are to be imported, one by one, from an mbox or a Maildir.
 *
 * There is no one form of an mbox. A message begins with a line "From WHO
 * DATE" behind an empty one; the forms differ in what becomes of lines of a
 * text that look so:
 *
 * SOURCE_MBOXRD	">From" and ">>From" have got a ">" more
 * SOURCE_MBOXO		only "From" has
 * SOURCE_MBOXCL	as MBOXO, and Content-Length says where the message
 *			ends
 * SOURCE_MBOXCL2	nothing, only Content-Length says it
 * SOURCE_PIPERMAIL	as MBOXO; the monthly texts of Mailman 2 and what
 *			HyperKitty exports, in which addresses are "a at b"
 * SOURCE_ANY		each message as its first line and its Content-Length
 *			show: PIPERMAIL, MBOXCL or MBOXRD
 *
 * A Content-Length that does not lead to such a line or to the end is not
 * believed in any form.
 */
enum source_form {
	SOURCE_ANY, SOURCE_MBOXRD, SOURCE_MBOXO, SOURCE_MBOXCL,
	SOURCE_MBOXCL2, SOURCE_PIPERMAIL,
	SOURCE_FORMS
};
extern const char *const source_forms[];	/* names, NULL-ended */

#define SOURCE_LARGEST (256 * 1024 * 1024)	/* octets of a message */

struct source_message {
	GByteArray *bytes;	/* as it was before it was put there */
	int64_t time_s;		/* when it came; 0: unknown */
	char *where;		/* "FILE:LINE" */
	const char *wrong;	/* why it is none, a static text; or NULL */
};

struct source;

/* source_mbox - in is read from where it is, and stays the caller's.
 * source_maildir - the files of new and cur, by name; dir stays the caller's.
 * name: what people call it. */
struct source *source_mbox(FILE *in, const char *name, enum source_form form);
struct source *source_maildir(int dir, const char *name);
void source_free(struct source *source);
typedef struct source source_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(source_t, source_free)

/* source_next - the next one, good or not; *more false: there is none. What is
 * in out is to be freed with source_message_done(). */
enum err_code source_next(struct source *source, struct source_message *out,
			  bool *more, struct err *err);
void source_message_done(struct source_message *message);

/* source_octets - how much was read so far, for progress */
uint64_t source_octets(const struct source *source);

/* Private to core/archive: source_mbox.c, source_dialect.c */
struct mbox_source;
struct mbox_source *mbox_source_new(FILE *in, const char *name,
				    enum source_form form);
void mbox_source_free(struct mbox_source *mbox);
enum err_code mbox_source_next(struct mbox_source *mbox,
			       struct source_message *out, bool *more,
			       struct err *err);
uint64_t mbox_source_octets(const struct mbox_source *mbox);

/* from_line_read - is it a line between two messages? time_s: when, 0 where
 * that cannot be read; is_pipermail: with "a at b" */
bool from_line_read(const char *line, size_t len, int64_t *time_s,
		    bool *is_pipermail);
/* pipermail_mend - a message as one again: addresses with "@", and where its
 * text is not ASCII it says in which charset it is */
void pipermail_mend(GByteArray *message);

#endif
