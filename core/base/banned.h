/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_BASE_BANNED_H
#define MUSTER_BASE_BANNED_H

/*
 * Calls that have a safer neighbour. Include this last. They become compile
 * errors that name what to use instead.
 */
#pragma GCC poison strcpy strcat strncpy strncat stpcpy sprintf vsprintf
#pragma GCC poison strtok gets localtime gmtime ctime asctime
#pragma GCC poison atoi atol atoll mktemp tmpnam strerror_r

#endif
