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

/*
 * frames_serve - a hostile peer of serve(), which answers on a socket in a
 * thread of its own, and is to close it or return: of the fuzzer's bytes the
 * first is the size of the pieces, the second says how many descriptors ride
 * on the first of them (bits 0 to 2), which make_fd() makes of it; the rest
 * are frames as frames_make() makes them.
 */
void frames_serve(const GByteArray *frames, const uint8_t *data,
		  int (*make_fd)(uint8_t how), void (*serve)(int fd));

/* frames_send - in pieces of that size (0: in one), with descriptors on the
 * first byte, until the peer has no more of it; then it shuts its side down.
 * What the peer says meanwhile is thrown away, or it would wait for room. */
void frames_send(int fd, const GByteArray *frames, size_t piece,
		 const int *fds, size_t fd_count);

#endif
