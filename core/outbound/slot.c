/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/outbound/slot.h"

#include <glib.h>

#include "core/base/banned.h"

static const char *const names[SLOTS] = {
	[SLOT_MEMBER] = "member",
	[SLOT_LEAVE] = "leave",
};

/* What the tokens are for is part of what their MAC is over: a list's address
 * has no colon. */
void
slot_mark(const struct verp *verp, const char *list,
	  const struct post_id *post, enum slot slot,
	  char mark[SLOT_MARK_MAX])
{
	g_autofree char *scope = g_strdup_printf("%s:%s", names[slot], list);
	char token[VERP_POST_TOKEN_LEN + 1];

	verp_make_post(verp, scope, post->bytes, token);
	(void) g_snprintf(mark, SLOT_MARK_MAX, "%%{%s.%s}", names[slot],
			  token);
}

static char *
leave_scope(const char *list)
{
	return g_strdup_printf("leave:%s", list);
}

void
leave_token_make(const struct verp *verp, const char *list,
		 const uint8_t member[VERP_MEMBER_LEN],
		 const uint8_t post[VERP_POST_LEN],
		 char token[VERP_TOKEN_LEN + 1])
{
	g_autofree char *scope = leave_scope(list);

	verp_make(verp, scope, member, post, token);
}

bool
leave_token_open(const struct verp *verp, const char *list,
		 const char *token, uint8_t member[VERP_MEMBER_LEN])
{
	uint8_t post[VERP_POST_LEN];

	return leave_token_read(verp, list, token, member, post);
}

bool
leave_token_read(const struct verp *verp, const char *list,
		 const char *token, uint8_t member[VERP_MEMBER_LEN],
		 uint8_t post[VERP_POST_LEN])
{
	g_autofree char *scope = leave_scope(list);

	return verp_open(verp, scope, token, member, post);
}
