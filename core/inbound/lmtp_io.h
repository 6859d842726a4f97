/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_INBOUND_LMTP_IO_H
#define MUSTER_INBOUND_LMTP_IO_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The two directions of an LMTP connection, buffered. Replies leave when the
 * peer is waited for, so that those to a pipelined group (RFC 2920) leave
 * together. One thread.
 */
struct lmtp_io;

#define LMTP_LINE_MAX 4096	/* with CRLF; RFC 5321 asks for 512, and
				 * extensions add to it */

enum lmtp_got {
	LMTP_GOT,
	LMTP_TOO_LONG,		/* a line that was skipped */
	LMTP_GONE,		/* the peer closed, or failed */
	LMTP_IDLE,		/* the peer was silent for too long */
	LMTP_STOP,		/* the peer has nothing to say, and we stop */
};

/* fd is non-blocking and stays the caller's; stop_fd becomes readable when
 * the process is to stop. */
struct lmtp_io *lmtp_io_new(int fd, int stop_fd, int idle_ms);
void lmtp_io_free(struct lmtp_io *io);

/* lmtp_io_line - the next line without its end (CRLF or LF), NUL-terminated;
 * it may hold NULs, len_out tells. Valid until the next call. */
enum lmtp_got lmtp_io_line(struct lmtp_io *io, const char **line_out,
			   size_t *len_out);

/* lmtp_io_bytes - what is there, at least one byte; lmtp_io_used() says how
 * many of them were taken. */
enum lmtp_got lmtp_io_bytes(struct lmtp_io *io, const char **bytes_out,
			    size_t *len_out);
void lmtp_io_used(struct lmtp_io *io, size_t len);

/* lmtp_io_say - a reply line, CRLF is added; failures show at reading */
void lmtp_io_say(struct lmtp_io *io, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
bool lmtp_io_flush(struct lmtp_io *io);

#endif
