/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_ARCHIVE_FILES_H
#define MUSTER_ARCHIVE_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

/* What the parts of core/archive do with files. False: see errno. */

bool files_write(int fd, const char *bytes, size_t len, uint64_t at);
bool files_read(int fd, char *bytes, size_t len, uint64_t at);

/* files_count - those of a folder; 0 where there is none */
uint64_t files_count(int dir, const char *folder);
/* files_in_cur - what readers of the Maildir have moved there: name without
 * the flags behind it -> name, frees them */
GHashTable *files_in_cur(int dir);

#endif
