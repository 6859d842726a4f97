/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_OUTBOUND_REPORT_H
#define MUSTER_OUTBOUND_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "db/post.h"

/* A job that is being sent now */
struct outbound_report {
	struct post_id job;
	double rate;		/* copies per second, 0: not known yet */
};

/* How it is with one of the relays */
struct relay_report {
	char host[256];
	int64_t port;
	guint connections;
	guint stalled;		/* of them: one answer is long overdue */
	uint64_t sent;		/* copies, since the start */
	bool down;
	char why[256];		/* it is down; one printable line */
};

#endif
