/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * What stands behind the "+" of our addresses: text of anybody's, and our
 * own tokens made of any bytes, whole and damaged.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <glib.h>

#include "core/held/held.h"
#include "core/mail/addr.h"
#include "core/mail/verp.h"
#include "core/outbound/slot.h"
#include "core/base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LIST "dev@lists.test"
#define OTHER "ops@lists.test"

static struct verp *verp;
static struct held_key *held;

static void
check(bool holds)
{
	if (!holds)
		abort();
}

static void
clean_up(void)
{
	verp_free(verp);
	held_key_free(held);
}

static void
make_keys(void)
{
	const uint8_t secret[VERP_SECRET_LEN] = { 1, 2, 3 };

	verp = verp_new(secret);
	held = held_key_new(secret);
	(void)atexit(clean_up);
}

/* Whatever is read as a token is the one that we make. */
static void
check_read(const char *text)
{
	char token[VERP_TOKEN_LEN + 1], post[VERP_POST_TOKEN_LEN + 1];
	struct verp_says says;

	if (!verp_read(verp, LIST, text, &says))
		return;
	verp_make(verp, LIST, says.member, says.post, token);
	verp_make_post(verp, LIST, says.post, post);
	if (says.is_shared)
		check(g_ascii_strncasecmp(text, post, strlen(post)) == 0);
	else
		check(g_ascii_strcasecmp(text, token) == 0 &&
		      says.addr == NULL);
	if (says.addr != NULL) {
		g_autofree char *canon = addr_canon(says.addr);

		check(canon != NULL && strcmp(canon, says.addr) == 0);
	}
	g_free(says.addr);
}

static void
check_others(const char *text)
{
	uint8_t member[VERP_MEMBER_LEN], prefix[HELD_PREFIX_LEN];
	enum held_decision decision;

	(void)leave_token_open(verp, LIST, text, member);
	if (held_token_open(held, LIST, text, &decision, prefix))
		check(held_decision_name(decision) != NULL);
}

/* No token is good for another list or another purpose, nor when a letter of
 * it is another one. */
static void
check_made(const uint8_t *member, const uint8_t *post, uint8_t where)
{
	char token[VERP_TOKEN_LEN + 1], leave[VERP_TOKEN_LEN + 1];
	uint8_t member_out[VERP_MEMBER_LEN], post_out[VERP_POST_LEN];

	verp_make(verp, LIST, member, post, token);
	check(verp_open(verp, LIST, token, member_out, post_out));
	check(memcmp(member, member_out, VERP_MEMBER_LEN) == 0);
	check(memcmp(post, post_out, VERP_POST_LEN) == 0);
	check(!verp_open(verp, OTHER, token, member_out, post_out));
	leave_token_make(verp, LIST, member, post, leave);
	check(leave_token_open(verp, LIST, leave, member_out));
	check(!leave_token_open(verp, OTHER, leave, member_out));
	check(!leave_token_open(verp, LIST, token, member_out));
	check(!verp_open(verp, LIST, leave, member_out, post_out));
	where %= VERP_TOKEN_LEN;
	token[where] = token[where] == 'a' ? 'b' : 'a';
	check(!verp_open(verp, LIST, token, member_out, post_out));
}

/* What a relay makes of a member's address comes back as the same. */
static void
check_shared(const char *text, const uint8_t *post)
{
	char token[VERP_POST_TOKEN_LEN + 1];
	struct verp_says says;
	struct addr addr = { 0 };

	verp_make_post(verp, LIST, post, token);
	if (addr_parse(text, &addr) && addr.domain[0] != '\0' &&
	    verp_can_share(LIST, addr.text)) {
		g_autofree char *detail = g_strdup_printf("%s+%s", token,
							  addr.text);

		*strrchr(detail, '@') = '=';
		check(verp_read(verp, LIST, detail, &says));
		check(says.is_shared && says.addr != NULL);
		check(strcmp(says.addr, addr.text) == 0);
		check(memcmp(says.post, post, VERP_POST_LEN) == 0);
		g_free(says.addr);
	}
	addr_done(&addr);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const size_t head = VERP_MEMBER_LEN + VERP_POST_LEN + 1;
	g_autofree char *text = NULL;

	if (size < head)
		return 0;
	if (verp == NULL)
		make_keys();
	text = g_strndup((const char *)data + head, size - head);
	check_made(data, data + VERP_MEMBER_LEN, data[head - 1]);
	check_read(text);
	check_others(text);
	check_shared(text, data + VERP_MEMBER_LEN);
	return 0;
}
