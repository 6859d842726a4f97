/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/outbound/slot.h"

#include <glib.h>

#include "core/base/banned.h"

static const char *const names[SLOTS] = {
	[SLOT_MEMBER] = "member",
	[SLOT_LEAVE] = "leave",
	[SLOT_MEMBER_QP] = "memberqp",
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

#define QP_CHUNK 72		/* RFC 2045 section 6.7: lines of 76 */

static bool
is_plain(char c)
{
	return g_ascii_isgraph(c) && c != '=';
}

static bool
needs_qp(const char *addr)
{
	size_t len = 0;

	while (addr[len] != '\0' && is_plain(addr[len]))
		len++;
	return addr[len] != '\0' || len > QP_CHUNK || addr[0] == '.' ||
		addr[0] == '-';
}

/* Dots and dashes begin no line, and nothing ends one. */
char *
slot_value_qp(const char *addr)
{
	GString *out;
	size_t column = 0;

	if (!needs_qp(addr))
		return NULL;
	out = g_string_new(NULL);
	for (; *addr != '\0'; addr++) {
		const bool plain = is_plain(*addr) &&
			(column > 0 || (*addr != '.' && *addr != '-'));

		if (plain)
			g_string_append_c(out, *addr);
		else
			g_string_append_printf(out, "=%02X",
					       (unsigned char)*addr);
		column += plain ? 1 : 3;
		if (column > QP_CHUNK - 3 && addr[1] != '\0') {
			g_string_append(out, "=\r\n");
			column = 0;
		}
	}
	return g_string_free(out, FALSE);
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
