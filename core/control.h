/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_CONTROL_H
#define MUSTER_CONTROL_H

#include "conf/settings.h"
#include "core/command/admin.h"
#include "db/store.h"

/*
 * The control socket: muster's words go to musterd with the caller's input,
 * stdout and stderr as descriptors; the exit status comes back. Peer
 * credentials decide who may: root, and the user that musterd runs as.
 *
 *	-> {"argv": [...], "cwd": "/..."} with three descriptors
 *	<- {"status": N}, or {"status": N, "error": "..."} when nothing was
 *	   run
 */

/* musterd's side: one connection, one command */
struct control_server {
	struct store *store;
	struct settings *(*settings)(void);	/* current ones, ref'd */
	struct outbound *outbound;	/* for what is under way; or NULL */
	void (*wake)(void);
};
void serve_control(const struct control_server *server, int fd);

#define CONTROL_STREAMS 3	/* input, stdout, stderr of the verb */

/*
 * control_begin, control_end - muster's side: the words go out, and when *fd
 * can be read, *status_out is the exit status that musterd gave;
 * control_end() waits for it. Who closes *fd instead has lost interest.
 *
 * They fail with ERR_DOWN when musterd does not run, and only then;
 * ERR_INVALID when it does not want the command; ERR_BUSY when it went away
 * after it had got it, so that nobody knows what was done.
 */
enum err_code control_begin(const struct settings *settings, int argc,
			    char *const *argv,
			    const int streams[CONTROL_STREAMS], int *fd_out,
			    struct err *err);
enum err_code control_end(int fd, int *status_out, struct err *err);

/* control_ask - both, with our own stdout and stderr. in: the file that the
 * verb reads, or 0. */
enum err_code control_ask(const struct settings *settings, int argc,
			  char *const *argv, int in, int *status_out,
			  struct err *err);

#endif
