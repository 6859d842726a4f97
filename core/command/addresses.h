/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_COMMAND_ADDRESSES_H
#define MUSTER_COMMAND_ADDRESSES_H

#include "core/command/print.h"
#include "core/command/verb.h"

/*
 * Addresses from the command line (the second argument and those behind it)
 * or from a file of any size (--file FILE, or -), a batch at a time. A bad
 * line is reported and left out; it must not keep a million good ones
 * waiting. A verb hands a batch to the store in one transaction.
 */

struct address {
	char *addr;		/* as given */
	char *name;		/* UTF-8, "" if none */
	uint64_t line;		/* 0: of the command line */
};

struct addresses;

/*
 * addresses_batch - up to addresses.batch_max of them. It reports what
 * cannot be done with one of them by addresses_refuse(), and counts the
 * others.
 */
typedef enum err_code (*addresses_batch)(struct addresses *addresses,
					 const struct address *batch,
					 guint count, struct err *err);

struct addresses {
	const struct call *call;
	addresses_batch batch;
	guint batch_max;
	void *arg;		/* the verb's own */
	const char *doing;	/* of progress: "added" */
	uint64_t done;		/* counted by the verb */
	uint64_t bad;		/* how many were reported */
	/* private */
	GArray *waiting;	/* of struct address */
	const char *source;	/* the file's name, NULL: the command line */
	uint64_t line;
	struct progress progress;
};

/* addresses_run - all of them; call, batch, batch_max, arg and doing are
 * set */
enum err_code addresses_run(struct addresses *addresses, struct err *err);

/* addresses_refuse - a good address with which nothing could be done: one line
 * on stderr, "ADDR WHAT"; it is counted in bad */
void addresses_refuse(struct addresses *addresses,
		      const struct address *address, const char *what);

/* addresses_unit - "lines" or "addresses", for a summary */
const char *addresses_unit(const struct addresses *addresses);

#endif
