/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/bounce/judge.h"

#include <string.h>

#include "core/bounce/phrases.h"
#include "core/base/banned.h"

const char *
bounce_class_name(enum bounce_class class)
{
	static const char *const names[] = {
		[BOUNCE_NONE] = "none",
		[BOUNCE_HARD] = "hard",
		[BOUNCE_SOFT] = "soft",
		[BOUNCE_DELAYED] = "delayed",
		[BOUNCE_REPLY] = "auto-reply",
		[BOUNCE_CHALLENGE] = "challenge",
		[BOUNCE_COMPLAINT] = "complaint",
	};

	return names[class];
}

const char *
bounce_reason_name(enum bounce_reason reason)
{
	static const char *const names[] = {
		[REASON_NONE] = "",
		[REASON_USER] = "user",
		[REASON_HOST] = "host",
		[REASON_MOVED] = "moved",
		[REASON_DISABLED] = "disabled",
		[REASON_FULL] = "full",
		[REASON_EXPIRED] = "expired",
		[REASON_NETWORK] = "network",
		[REASON_SIZE] = "size",
		[REASON_POLICY] = "policy",
		[REASON_RELAY] = "relay",
	};

	return names[reason];
}

/* --- numbers in a text -------------------------------------------------- */

/* "5.1.1" (RFC 3463 section 2) at this place: how long it is, or 0 */
static size_t
status_len(const char *at)
{
	size_t len = 1, digits;

	if ((at[0] != '4' && at[0] != '5') || at[1] != '.')
		return 0;
	for (int i = 0; i < 2; i++) {
		if (at[len] != '.')
			return 0;
		digits = strspn(at + len + 1, "0123456789");
		if (digits < 1 || digits > 3 ||
		    (digits > 1 && at[len + 1] == '0'))
			return 0;
		len += 1 + digits;
	}
	/* no address of a host, no version */
	return g_ascii_isalnum(at[len]) ||
	       (at[len] == '.' && g_ascii_isdigit(at[len + 1])) ? 0 : len;
}

/* The first status in the text; NULL: none. The caller frees. */
static char *
status_in(const char *text)
{
	for (const char *at = text; *at != '\0'; at++) {
		bool apart = at == text || (!g_ascii_isalnum(at[-1]) &&
					    at[-1] != '.');
		size_t len = apart ? status_len(at) : 0;

		if (len > 0)
			return g_strndup(at, len);
	}
	return NULL;
}

bool
judge_has_status(const char *text)
{
	g_autofree char *status = status_in(text);

	return status != NULL;
}

/* '4' or '5': of the first SMTP reply code in the text; 0: it has none */
static char
code_in(const char *text)
{
	for (const char *at = text; *at != '\0'; at++)
		if ((at[0] == '4' || at[0] == '5') && at[1] >= '0' &&
		    at[1] <= '7' && g_ascii_isdigit(at[2]) &&
		    (at == text || strchr(" :<(['\"-", at[-1]) != NULL) &&
		    (at[3] == ' ' || at[3] == '-' || at[3] == ':') &&
		    at[4] != '\0')
			return at[0];
	return 0;
}

/* --- the verdict -------------------------------------------------------- */

/* RFC 3463 section 3, where it says more than "failed" */
static enum bounce_reason
reason_of_status(const char *status)
{
	static const struct {
		const char *behind;	/* the class */
		enum bounce_reason reason;
	} rows[] = {
		{ "1.1", REASON_USER }, { "1.0", REASON_USER },
		{ "1.10", REASON_HOST }, { "1.2", REASON_HOST },
		{ "1.3", REASON_USER }, { "1.6", REASON_MOVED },
		{ "2.0", REASON_NONE }, { "2.1", REASON_DISABLED },
		{ "2.2", REASON_FULL }, { "2.3", REASON_SIZE },
		{ "3.1", REASON_FULL }, { "3.4", REASON_SIZE },
		{ "4.1", REASON_NETWORK }, { "4.2", REASON_NETWORK },
		{ "4.4", REASON_HOST }, { "4.6", REASON_NETWORK },
		{ "4.7", REASON_EXPIRED }, { "7.1", REASON_POLICY },
	};

	for (size_t i = 0; status[0] != '\0' && i < G_N_ELEMENTS(rows); i++)
		if (strcmp(status + 2, rows[i].behind) == 0)
			return rows[i].reason;
	return REASON_NONE;
}

static bool
says_nothing(const char *status)
{
	return status[0] == '\0' || strcmp(status + 1, ".0.0") == 0;
}

static enum bounce_class
class_of(const struct bounce_recipient *one, char code)
{
	if (one->reason == REASON_FULL)
		return BOUNCE_SOFT;
	if (one->status[0] == '4')
		return BOUNCE_SOFT;
	if (!says_nothing(one->status))
		return strcmp(one->status, "5.4.7") == 0 ? BOUNCE_SOFT
							  : BOUNCE_HARD;
	if (code != 0)
		return code == '4' ? BOUNCE_SOFT : BOUNCE_HARD;
	return one->reason == REASON_EXPIRED || one->reason == REASON_NETWORK
		       ? BOUNCE_SOFT
		       : BOUNCE_HARD;
}

void
judge_failure(struct bounce_recipient *one, const char *text)
{
	g_autofree char *plain = phrase_plain(text, strlen(text));
	g_autofree char *status = status_in(plain);

	if (says_nothing(one->status) && status != NULL) {
		g_free(one->status);
		one->status = g_steal_pointer(&status);
	}
	one->reason = phrase_reason(plain);
	if (one->reason == REASON_NONE || one->reason == REASON_POLICY) {
		enum bounce_reason numbered = reason_of_status(one->status);

		if (numbered != REASON_NONE)
			one->reason = numbered;
	}
	one->class = class_of(one, code_in(plain));
}

void
judge_whole(struct bounce_result *result)
{
	static const enum bounce_class order[] = {
		BOUNCE_HARD, BOUNCE_SOFT, BOUNCE_DELAYED,
	};

	for (size_t i = 0; i < G_N_ELEMENTS(order); i++)
		for (guint j = 0; j < result->recipients->len; j++) {
			const struct bounce_recipient *one =
				result->recipients->pdata[j];

			if (one->class == order[i]) {
				result->class = order[i];
				return;
			}
		}
}
