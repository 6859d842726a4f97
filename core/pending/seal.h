/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_PENDING_SEAL_H
#define MUSTER_PENDING_SEAL_H

#include <stdbool.h>

#include "conf/settings.h"
#include "core/auth/evidence.h"
#include "core/mail/header.h"
#include "db/list.h"
#include "db/post.h"

/*
 * What a copy says about who sent the post: our Authentication-Results (RFC
 * 8601), and the ARC set (RFC 8617) of a list that has a key.
 */

/* seal_results - take away every Authentication-Results field that claims to
 * be ours, put ours on top */
void seal_results(const struct settings *settings,
		  const struct evidence *evidence, struct header *header);

/*
 * seal_form - last of all, since nothing may change behind it: add the ARC
 * set to form->header. body: what will follow it. *sealed false: the list has
 * no key, or the chain allows no further set.
 */
enum err_code seal_form(const struct settings *settings,
			const struct list_conf *conf, const char *list,
			const struct evidence *evidence, const char *body,
			size_t body_len, struct form *form, bool *sealed,
			struct err *err);

#endif
