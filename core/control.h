/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_CONTROL_H
#define MUSTER_CONTROL_H

#include "conf/settings.h"
#include "core/command/admin.h"
#include "db/store.h"

/*
 * The control socket: muster's words go to musterd with the caller's stdin,
 * stdout, stderr (and the opened --file) as descriptors; the exit status
 * comes back. Peer credentials decide who may: root, and the user that
 * musterd runs as.
 */

/* musterd's side: one connection, one command */
struct control_server {
	struct store *store;
	struct settings *(*settings)(void);	/* current ones, ref'd */
	void (*wake)(void);
};
void serve_control(const struct control_server *server, int fd);

/* muster's side: *status_out is the exit status that musterd gave.
 * ERR_DOWN: musterd does not run. file: descriptor or -1. */
enum err_code control_ask(const struct settings *settings, int argc,
			  char **argv, int file, int *status_out,
			  struct err *err);

#endif
