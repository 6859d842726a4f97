/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/auth/sig_draft.h"

#include <string.h>

#include "core/auth/signed_fields.h"
#include "core/base/banned.h"

void
sig_names(GString *names, const char *name, unsigned int count)
{
	for (count = MIN(count, SIG_NAMES_EACH); count > 0; count--) {
		if (names->len > 0)
			g_string_append_c(names, ':');
		g_string_append(names, name);
	}
}

struct sig_draft *
sig_draft_new(const char *name, const struct sign_key *key,
	      const struct header *header, const char *names, GString *value,
	      size_t column)
{
	struct sig_draft *draft = g_new0(struct sig_draft, 1);

	draft->name = name;
	draft->key = key;
	draft->value = value;
	draft->column = column;
	draft->fields = g_string_new(NULL);
	tag_fold(draft->value, &draft->column, "h", names);
	if (signed_fields(header, names, CANON_RELAXED, draft->fields))
		return draft;
	sig_draft_free(draft);
	return NULL;
}

void
sig_draft_free(struct sig_draft *draft)
{
	if (draft == NULL)
		return;
	g_string_free(draft->fields, TRUE);
	g_string_free(draft->value, TRUE);
	g_free(draft);
}

char *
sig_draft_sign(const struct sig_draft *draft, const char *fields, size_t len,
	       const uint8_t hash_body[32])
{
	g_autofree char *hash = g_base64_encode(hash_body, 32);
	g_autoptr(GString) data = g_string_sized_new(len + 1024);
	GString *value = g_string_sized_new(1024);
	g_autofree char *own = NULL, *signature = NULL;
	size_t column = draft->column, bare, bare_column;

	g_string_append_len(value, draft->value->str,
			    (gssize)draft->value->len);
	tag_fold(value, &column, "bh", hash);
	bare = value->len;
	bare_column = column;
	tag_fold(value, &column, "b", "");
	own = g_strdup_printf("%s: %s\r\n", draft->name, value->str);
	g_string_append_len(data, fields, (gssize)len);
	signed_own(own, strlen(own), CANON_RELAXED, data);
	signature = sig_sign(draft->key, data->str, data->len);
	if (signature == NULL) {
		g_string_free(value, TRUE);
		return NULL;
	}
	g_string_truncate(value, bare);
	tag_fold(value, &bare_column, "b", signature);
	return g_string_free(value, FALSE);
}

char *
sig_draft_one(const struct sig_draft *draft, const uint8_t hash_body[32])
{
	return sig_draft_sign(draft, draft->fields->str, draft->fields->len,
			      hash_body);
}
