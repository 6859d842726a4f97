/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_DB_INCLUDE_H
#define MUSTER_DB_INCLUDE_H

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "db/list.h"
#include "db/store.h"

/*
 * Lists that a list includes, and those that they include: its posts go to
 * their members too (keys "include").
 */
#define INCLUDES_MOST 100	/* lists, however deep they are */

struct included {
	uint32_t list;
	char *addr;	/* canonical */
	char *by;	/* the address of the list that names it; the first
			 * that is met, of several */
};

/* includes_get - all of them, each once, the nearest first: array of struct
 * included *, frees them. The list itself is none of them, nor is a list that
 * is not there; a circle ends where it closes. */
enum err_code includes_get(struct txn *txn, const char *list,
			   GPtrArray **out, struct err *err);

/*
 * lists_relate - does who is on both lists get a message that comes over both
 * but once? *later_out: then the first is to go behind the other: it excludes
 * or includes that one; where neither does so, or both do, the order is that
 * of their addresses. conf is of list; the other's is read.
 */
enum err_code lists_relate(struct txn *txn, const char *list,
			   const struct list_conf *conf, const char *other,
			   bool *relate_out, bool *later_out,
			   struct err *err);

/* includes_check - may a list include these (canonical addresses, NULL-ended)?
 * *why NULL: yes; else a sentence, which the caller frees: one is not there,
 * there are too many, or it would be a circle, which is spelt out. */
enum err_code includes_check(struct txn *txn, const char *list,
			     char *const *names, char **why,
			     struct err *err);

#endif
