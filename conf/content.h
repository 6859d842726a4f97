/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_CONF_CONTENT_H
#define MUSTER_CONF_CONTENT_H

#include "core/base/err.h"
#include "core/mail/filter.h"

/*
 * The key "content": what a list lets through of the parts of a post, as
 * rules that are asked in their order, muster(1):
 *
 *	remove type application/x-msdownload;
 *	replace name *.exe, *.scr and not type text/plain;
 *	replace size > 2M;
 *	pass type text, image, application/pdf;
 *	default remove
 *
 * They are separated by ";" or line ends; "#" begins a remark.
 */

/* content_parse - rules and otherwise of *out, which has none so far; the
 * caller calls filter_policy_done() in any case. ERR_INVALID says in which
 * rule what was found, and what is expected. */
enum err_code content_parse(const char *text, struct filter_policy *out,
			    struct err *err);

/* content_print - the same rules on one line, as they are stored; the caller
 * frees. Only for what content_parse() has taken. */
char *content_print(const char *text);

#endif
