/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_INBOUND_LMTP_H
#define MUSTER_INBOUND_LMTP_H

#include "conf/settings.h"

/*
 * The LMTP door (RFC 2033): what milters never see, such as the MTA's own
 * DSNs, sendmail(1) mail and posts through aliases, comes by the transport
 * of the list addresses. It parses what strangers send, so it runs as a
 * process of its own, a child of musterd without the database, and asks
 * over the submission socket like the gate does.
 */

/*
 * lmtp_run - serve until SIGTERM, then finish the messages at their end (up
 * to settings->drain_s) and return an exit status. listen_fd is bound and
 * listening, and becomes non-blocking. SIGUSR1: nothing (musterd starts a new
 * child for new settings).
 */
int lmtp_run(struct settings *settings, int listen_fd);

#endif
