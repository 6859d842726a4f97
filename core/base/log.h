/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_BASE_LOG_H
#define MUSTER_BASE_LOG_H

#include <stdint.h>

#include "core/base/err.h"

/*
 * One event, one line:
 *
 *	post.accepted qid=4bXk2Z1mJz list=dev@example.org from=<a@b> size=28
 *
 * The event comes first, then what the context carries (qid, list, id, each
 * only where known), then the pairs of the call. Values are quoted where
 * they hold a blank, a quote or "=", and control bytes and broken UTF-8 are
 * escaped, here and nowhere else. No text from outside is ever a format.
 *
 * Thread-safe after log_open(). Events and keys are interface: the daemons'
 * man pages list them.
 */

struct log_ctx {
	const char *qid;	/* the MTA's queue id, or NULL */
	const char *list;	/* list address, or NULL */
	const char *id;		/* muster's id of the post, or NULL */
};

struct kv {
	const char *key;	/* NULL ends the array */
	const char *str;	/* used when not NULL */
	int64_t num;
};

#define kv_str(k, s)	((struct kv){ (k), (s) != NULL ? (s) : "", 0 })
#define kv_num(k, n)	((struct kv){ (k), NULL, (int64_t)(n) })
#define KV_END		((struct kv){ NULL, NULL, 0 })

/* Where the lines go: stderr with time and program name in front, or
 * syslog(3) facility mail. program is static text. */
void log_open(const char *program, int to_stderr);

void log_write(int priority, const struct log_ctx *ctx, const char *event,
	       const struct kv *pairs);

/* error: someone must act. warning: odd, we went on, and how.
 * info: the life of a post. ctx may be NULL. */
#define log_error(ctx, event, ...) \
	log_write(3, ctx, event, (struct kv[]){ __VA_ARGS__, KV_END })
#define log_warning(ctx, event, ...) \
	log_write(4, ctx, event, (struct kv[]){ __VA_ARGS__, KV_END })
#define log_info(ctx, event, ...) \
	log_write(6, ctx, event, (struct kv[]){ __VA_ARGS__, KV_END })

/* log_err - an err at the edge: what= and todo= */
void log_err(const struct log_ctx *ctx, const char *event,
	     const struct err *err);

#endif
