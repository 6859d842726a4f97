/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_DB_CHECK_H
#define MUSTER_DB_CHECK_H

#include "db/table.h"

/* What check.c and check_posts.c share. Private to db/. */
struct check {
	struct txn *txn;
	store_report report;
	void *arg;
	uint32_t list;		/* the last that was there */
	uint64_t orphans;	/* entries of the index without a member */
	GHashTable *jobs;	/* post id -> how many jobs name it */
	GHashTable *suspects;	/* lines, of the first round */
	bool again;		/* second round: report */
	uint64_t damaged;	/* pages */
};

void check_report(struct check *check, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* check_one - a record; ERR_CORRUPT is reported, and the walk goes on */
typedef enum err_code (*check_one)(struct check *check, struct place at,
				   struct bytes key, struct bytes value,
				   struct err *err);
enum err_code check_table(struct check *check, struct place at,
			  bool keys_only, check_one one, struct err *err);
enum err_code check_family(struct check *check, enum table table,
			   bool keys_only, check_one one, struct err *err);

/* check_pages - the checksums of all pages of home's files, on the disk */
enum err_code check_pages(struct check *check, const char *home,
			  struct err *err);

/* check_posts - posts, their forms and traces, and the queue */
enum err_code check_posts(struct check *check, struct err *err);

#endif
