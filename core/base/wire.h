/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_BASE_WIRE_H
#define MUSTER_BASE_WIRE_H

#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "core/base/err.h"

/*
 * What muster's processes say to each other over unix stream sockets: a
 * frame of four bytes length (big endian) and that many bytes of JSON (one
 * object), with up to WIRE_FDS descriptors riding on its first byte. Both
 * sides treat the other as hostile: a frame over WIRE_MAX, one that is no
 * JSON object, or more descriptors than expected is ERR_INVALID, after
 * which the connection is to be closed.
 *
 * Deadlines are absolute, in ms of CLOCK_MONOTONIC (wire_now_ms); 0 waits
 * for ever. Past it: ERR_BUSY. A peer that is gone: ERR_DOWN.
 */

#define WIRE_MAX (1024 * 1024)
#define WIRE_FDS 4

int64_t wire_now_ms(void);

/*
 * wire_listen - a unix stream socket at path, with this mode; a stale socket
 * file is replaced, a live one or any other file is ERR_INVALID/ERR_BUSY.
 * Also takes inet:PORT@HOST when path starts with "inet:" (the LMTP door's
 * listen setting); a leading "unix:" or "local:" is allowed and dropped.
 */
enum err_code wire_listen(const char *path, unsigned int mode, int *fd_out,
			  struct err *err);

/* wire_connect - to the same kinds of address */
enum err_code wire_connect(const char *path, int64_t deadline, int *fd_out,
			   struct err *err);

enum err_code wire_send(int fd, const json_t *object, const int *fds,
			size_t fd_count, int64_t deadline, struct err *err);

/*
 * wire_recv - the next frame. *out is the caller's (json_decref). fds_out
 * gets at most fd_max descriptors, the caller's to close, close-on-exec;
 * fd_count_out says how many. fd_max 0: fds_out, fd_count_out may be NULL.
 * A peer that closed between two frames: ERR_DOWN with what = "".
 */
enum err_code wire_recv(int fd, json_t **out, int *fds_out, size_t fd_max,
			size_t *fd_count_out, int64_t deadline,
			struct err *err);

/*
 * Fields of a received object. They never fail: a field that is missing or
 * of another type is the default. The text is borrowed from the object.
 */
const char *wire_str(const json_t *object, const char *key,
		     const char *otherwise);
int64_t wire_int(const json_t *object, const char *key, int64_t otherwise);
int wire_bool(const json_t *object, const char *key, int otherwise);

#endif
