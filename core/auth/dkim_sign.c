/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/auth/dkim_sign.h"

#include <string.h>

#include "core/auth/signed_fields.h"
#include "core/base/banned.h"

/* Signed where they are there, and once more than they are there, so that
 * nobody can add another (RFC 6376 section 8.15). */
static const char *const oversigned[] = {
	"From", "Sender", "Reply-To", "To", "Cc", "Subject", "Date",
	"Message-ID", "MIME-Version", "Content-Type",
	"Content-Transfer-Encoding", "List-Id", "List-Unsubscribe",
	"List-Unsubscribe-Post",
};

/* Signed where they are there. */
static const char *const covered[] = {
	"In-Reply-To", "References", "Content-Disposition", "List-Post",
	"List-Help", "List-Subscribe", "List-Owner", "List-Archive",
};

static char *
names_of(const struct header *header)
{
	GString *names = g_string_new(NULL);

	for (size_t i = 0; i < G_N_ELEMENTS(oversigned); i++)
		sig_names(names, oversigned[i],
			  header_count(header, oversigned[i]) + 1);
	for (size_t i = 0; i < G_N_ELEMENTS(covered); i++)
		sig_names(names, covered[i],
			  header_count(header, covered[i]));
	return g_string_free(names, FALSE);
}

G_STATIC_ASSERT((G_N_ELEMENTS(oversigned) + G_N_ELEMENTS(covered)) *
		SIG_NAMES_EACH <= SIGNED_NAMES_MAX);

struct sig_draft *
dkim_draft(const struct header *header, const struct sign_key *key,
	   int64_t now_s)
{
	GString *value = g_string_new("v=1");
	g_autofree char *names = names_of(header);
	g_autofree char *time = g_strdup_printf("%lld", (long long)now_s);
	size_t column = strlen(DKIM_FIELD) + 2 + value->len;

	tag_fold(value, &column, "a",
		 sig_algorithm_name(sign_key_algorithm(key)));
	tag_fold(value, &column, "c", "relaxed/relaxed");
	tag_fold(value, &column, "d", sign_key_domain(key));
	tag_fold(value, &column, "s", sign_key_selector(key));
	tag_fold(value, &column, "t", time);
	return sig_draft_new(DKIM_FIELD, key, header, names, value, column);
}

bool
dkim_add_signature(struct header *header, const uint8_t hash_body[32],
	  const struct sign_key *key, int64_t now_s)
{
	struct sig_draft *draft = dkim_draft(header, key, now_s);
	g_autofree char *value = sig_draft_one(draft, hash_body);

	if (value != NULL)
		header_prepend(header, DKIM_FIELD, value);
	sig_draft_free(draft);
	return value != NULL;
}
