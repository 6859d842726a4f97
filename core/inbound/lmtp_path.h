/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_INBOUND_LMTP_PATH_H
#define MUSTER_INBOUND_LMTP_PATH_H

/*
 * lmtp_path_split - the words of "FROM:<a@b> SIZE=3" behind `keyword`
 * ("FROM:", any case; blanks behind it are tolerated): the path as it came,
 * with its brackets (a quoted local part may hold blanks, RFC 5321 section
 * 4.1.2), then the parameters. NULL: it is none. g_strfreev() frees.
 */
char **lmtp_path_split(const char *text, const char *keyword);

#endif
