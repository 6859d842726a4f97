/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_PENDING_FOOTER_H
#define MUSTER_PENDING_FOOTER_H

#include <stdbool.h>

#include "core/mail/header.h"
#include "core/outbound/slot.h"
#include "db/list.h"

/* The marks of one post on one list: what stands in its form where a copy has
 * something of its own */
struct marks { char text[SLOTS][SLOT_MARK_MAX]; };

/* unsubscribe_url - that of the list, with the mark of the token in it; the
 * caller frees. The list must have one. */
char *unsubscribe_url(const struct list_conf *conf,
		      const struct marks *marks);

/* is_personal - has each copy something of its own, by the list's keys? */
bool is_personal(const struct list_conf *conf);

/* leave_mailto - "mailto:dev-leave@..." for all copies, or, in a personal one,
 * with the mark of its token behind "dev-leave+". The caller frees. */
char *leave_mailto(const struct list_conf *conf, const char *list,
		   const struct marks *marks);

/* What the fields of a list's texts say (conf/keys.h). header: of the post,
 * where it says where it is archived. */
struct text_source {
	const struct list_conf *conf;
	const char *list;
	const struct marks *marks;
	const struct header *header;
};

/*
 * text_above, text_below - the list's header and footer as lines of a post,
 * which keep to 998 octets whatever goes into their marks. An empty line sets
 * the one above off. "" : the list has none. The caller frees.
 */
char *text_above(const struct text_source *source);
char *text_below(const struct text_source *source);

#endif
