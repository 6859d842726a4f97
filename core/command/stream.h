/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_COMMAND_STREAM_H
#define MUSTER_COMMAND_STREAM_H

#include <stdio.h>

/*
 * A stdio stream over a caller's descriptor. It remembers why it failed
 * (stdio itself only that it did), and, in musterd, it looks at the caller's
 * connection too: the descriptor may be a terminal, or a pipe that nobody
 * reads, and outlives the caller. When he has gone, or musterd is to stop, a
 * read ends with ECANCELED, and a write does where it would have to wait.
 */
struct stream {
	int fd;			/* closed with the stream */
	int peer;		/* the connection, or -1 */
	int problem;		/* errno of what failed first, else 0 */
};

/* stream_open - takes stream->fd over; *stream must outlive the result */
FILE *stream_open(struct stream *stream, const char *mode);

#endif
