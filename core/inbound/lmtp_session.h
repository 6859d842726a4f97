/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_INBOUND_LMTP_SESSION_H
#define MUSTER_INBOUND_LMTP_SESSION_H

#include "core/inbound/env.h"

/*
 * lmtp_session_serve - one LMTP connection (RFC 2033), until it ends. fd is
 * non-blocking and stays the caller's; stop_fd becomes readable when the
 * process is to stop: a message whose final dot has come is finished, then
 * the answer is 421.
 */
void lmtp_session_serve(const struct inbound_env *env, int fd, int stop_fd);

#endif
