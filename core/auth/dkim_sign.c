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

static void
add_names(GString *names, const char *name, unsigned int count)
{
	for (; count > 0; count--)
		g_string_append_printf(names, "%s%s",
				       names->len > 0 ? ":" : "", name);
}

static char *
names_of(const struct header *header)
{
	GString *names = g_string_new(NULL);

	for (size_t i = 0; i < G_N_ELEMENTS(oversigned); i++)
		add_names(names, oversigned[i],
			  header_count(header, oversigned[i]) + 1);
	for (size_t i = 0; i < G_N_ELEMENTS(covered); i++)
		add_names(names, covered[i],
			  header_count(header, covered[i]));
	return g_string_free(names, FALSE);
}

bool
dkim_add_signature(struct header *header, const uint8_t hash_body[32],
	  const struct sign_key *key, int64_t now_s)
{
	static const char name[] = "DKIM-Signature";
	g_autoptr(GString) value = g_string_new("v=1");
	g_autoptr(GString) data = g_string_new(NULL);
	g_autofree char *names = names_of(header);
	g_autofree char *hash = g_base64_encode(hash_body, 32);
	g_autofree char *time = g_strdup_printf("%lld", (long long)now_s);
	g_autofree char *own = NULL, *signature = NULL;
	size_t column = strlen(name) + 2 + value->len, bare, bare_column;

	tag_fold(value, &column, "a",
		 sig_algorithm_name(sign_key_algorithm(key)));
	tag_fold(value, &column, "c", "relaxed/relaxed");
	tag_fold(value, &column, "d", sign_key_domain(key));
	tag_fold(value, &column, "s", sign_key_selector(key));
	tag_fold(value, &column, "t", time);
	tag_fold(value, &column, "h", names);
	tag_fold(value, &column, "bh", hash);
	bare = value->len;
	bare_column = column;
	tag_fold(value, &column, "b", "");
	own = g_strdup_printf("%s: %s\r\n", name, value->str);
	if (!signed_fields(header, names, CANON_RELAXED, data))
		return false;
	signed_own(own, strlen(own), CANON_RELAXED, data);
	signature = sig_sign(key, data->str, data->len);
	if (signature == NULL)
		return false;
	g_string_truncate(value, bare);
	tag_fold(value, &bare_column, "b", signature);
	header_prepend(header, name, value->str);
	return true;
}
