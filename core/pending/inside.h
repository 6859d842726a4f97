/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_PENDING_INSIDE_H
#define MUSTER_PENDING_INSIDE_H

#include <stdbool.h>

#include <glib.h>

#include "core/mail/header.h"
#include "core/pending/footer.h"
#include "core/pending/pending.h"
#include "core/pending/seal.h"
#include "db/list.h"
#include "db/post.h"

/* Private to core/pending. */

/* A post that is worked on. */
struct work {
	const struct pending_with *with;
	const struct job *job;
	struct list_conf *conf;
	struct post *post;
	struct evidence *evidence;
	struct header header;
	const char *bytes;
	size_t len, body_at;
	struct marks marks;
	bool recoded, has_footer;
	struct sealed sealed;
};

/* work_begin - load what is not there yet: post, evidence, bytes_out, which
 * the caller keeps until work_done(), and marks; conf is there. ERR_CORRUPT
 * when the bytes are gone. */
enum err_code work_begin(struct txn *txn, struct work *work,
			 GBytes **bytes_out, struct err *err);
void work_done(struct work *work);	/* all but conf */

/* acknowledge - to the author, where he may be written to and wants that */
enum err_code acknowledge(struct txn *txn, const struct work *work,
			  struct err *err);

/* fields.c: what makes work->header one of the list's; and the form */
void fields_add_list(struct work *work);
void fields_set_sender(struct work *work);
/* form_make - the header is read and made the list's, the body recoded where
 * it has to be. In any case the caller ends both with form_done(). */
enum err_code form_make(struct work *work, struct form *out,
			struct err *err);
void form_done(struct work *work, struct form *form);

#endif
