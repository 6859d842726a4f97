/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_DB_AUTO_H
#define MUSTER_DB_AUTO_H

#include "db/list.h"
#include "db/post.h"
#include "db/queue.h"
#include "db/roster.h"
#include "db/token.h"

/* g_autoptr() for the store's types. Private to db/. */
typedef struct list list_t;
typedef struct list_conf list_conf_t;
typedef struct post post_t;
typedef struct form form_t;
typedef struct job job_t;
typedef struct member member_t;
typedef struct token token_t;

G_DEFINE_AUTOPTR_CLEANUP_FUNC(list_t, list_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(list_conf_t, list_conf_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(post_t, post_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(form_t, form_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(job_t, job_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(member_t, member_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(token_t, token_free)

#endif
