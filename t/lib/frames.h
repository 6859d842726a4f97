/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_T_FRAMES_H
#define MUSTER_T_FRAMES_H

#include <stddef.h>
#include <stdint.h>

#include <glib.h>

/*
 * What a hostile peer sends over one of muster's sockets, out of a fuzzer's
 * bytes: each line is a frame, whose length is put in front; one that begins
 * with "!" is sent as it is.
 */
GByteArray *frames_make(const uint8_t *bytes, size_t len);

/* frames_send - in pieces of that size (0: in one), with descriptors on the
 * first byte, until the peer has no more of it; then it shuts its side down.
 * What the peer says meanwhile is thrown away, or it would wait for room. */
void frames_send(int fd, const GByteArray *frames, size_t piece,
		 const int *fds, size_t fd_count);

#endif
