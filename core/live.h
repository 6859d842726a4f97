/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_LIVE_H
#define MUSTER_LIVE_H

#include "conf/settings.h"
#include "core/base/err.h"

/*
 * live_top - muster top on a terminal (stdout), until q or ^C; the terminal
 * is then as it was. It asks musterd again after interval_s (0: 1), or later
 * where its looks would take more than a small share of the time.
 *
 * Fails with ERR_DOWN when musterd does not run at the beginning; when it
 * goes away later, that is shown, and it is asked until it is back.
 */
enum err_code live_top(const struct settings *settings, int interval_s,
		       int *status_out, struct err *err);

#endif
