/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include <glib.h>

#include "db/rate.h"
#include "core/base/banned.h"

/*
 * That a Message-ID has been on a list is one more name of the post, beside
 * those that lead to its trace: "dev@lists.example.org 4711@example.net".
 * Names are spread by their hash and go with the trace, which is just what
 * is wanted. The address of a list has no blank (list_name_check()), so no
 * Message-ID can pass for that of another list.
 */
static char *
name_on_list(const char *message_id, const char *list)
{
	g_autofree char *raw = g_strstrip(g_strdup(message_id));
	const size_t len = strlen(raw);
	const bool brackets = len >= 2 && raw[0] == '<' &&
		raw[len - 1] == '>';

	if (len == 0)
		return NULL;
	if (brackets)
		raw[len - 1] = '\0';
	return g_strconcat(list, " ", brackets ? raw + 1 : raw, NULL);
}

enum err_code
post_note_on_list(struct txn *txn, const struct post_id *id,
		  const char *message_id, const char *list, struct err *err)
{
	g_autofree char *name = name_on_list(message_id, list);

	return name != NULL ? trace_ref(txn, id, name, err) : ERR_OK;
}

enum err_code
post_was_on_list(struct txn *txn, const char *message_id, const char *list,
		 bool *was, struct err *err)
{
	g_autofree char *name = name_on_list(message_id, list);
	g_autoptr(GArray) ids = NULL;
	enum err_code rc = ERR_OK;

	if (name != NULL)
		rc = trace_find(txn, name, &ids, err);
	if (rc != ERR_OK)
		return rc;
	*was = ids != NULL && ids->len > 0;
	return ERR_OK;
}
