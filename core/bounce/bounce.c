/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/bounce/inside.h"

#include <string.h>

#include <glib.h>

#include "db/post.h"
#include "db/roster.h"
#include "core/base/banned.h"

#define REASON_MAX 300

/* One line of UTF-8 that fits and does not end inside a character. */
static char *
cut_reason(const char *reason)
{
	g_autofree char *valid = g_utf8_make_valid(reason, -1);
	const char *end;

	for (char *p = valid; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = ' ';
	g_strstrip(valid);
	end = valid + strnlen(valid, REASON_MAX);

	if (*end != '\0')
		end = g_utf8_find_prev_char(valid, end + 1);
	return g_strndup(valid, (gsize)(end - valid));
}

static enum err_code
count_failure(struct txn *txn, uint32_t list, struct member *member,
	      const char *reason, struct err *err)
{
	member->bounces++;
	member->bounced_s = g_get_real_time() / G_USEC_PER_SEC;
	g_free(member->bounce_reason);
	member->bounce_reason = g_strdup(reason);
	return roster_put(txn, list, member, err);
}

enum err_code
bounce_doubt(struct txn *txn, const struct job *job, const char *addr,
      const struct post_id *post, const char *reason, struct err *err)
{
	g_autofree char *cut = cut_reason(reason);
	struct member *member = NULL;
	enum err_code rc;

	rc = roster_find(txn, job->list, addr, &member, err);
	if (rc == ERR_OK && member == NULL)
		return trace_add(txn, &job->post, "bounce", job->list_addr,
				 err, "a failure of %s, who is not "
				 "subscribed; nothing counted", addr);
	if (rc == ERR_OK) {
		member->bounced_s = g_get_real_time() / G_USEC_PER_SEC;
		if (member->bounces == 0) {
			g_free(member->bounce_reason);
			member->bounce_reason = g_strdup(cut);
		}
		rc = roster_put(txn, job->list, member, err);
	}
	if (rc == ERR_OK)
		rc = trace_add(txn, post, "bounce", job->list_addr, err,
			       "%s is said to have failed: %s; not counted, "
			       "since a shared envelope proves nothing: his "
			       "next copies go singly", addr, cut);
	member_free(member);
	return rc;
}

enum err_code
bounce_record(struct txn *txn, uint32_t list, const char *list_addr,
	      const char *addr, const struct post_id *post,
	      const char *reason, struct err *err)
{
	g_autofree char *cut = cut_reason(reason);
	struct member *member = NULL;
	enum err_code rc;

	rc = roster_find(txn, list, addr, &member, err);
	if (rc == ERR_OK && member != NULL)
		rc = count_failure(txn, list, member, cut, err);
	if (rc == ERR_OK)
		rc = trace_add(txn, post, "bounce", list_addr, err,
			       "%s failed%s: %s", addr, member != NULL ? "" :
			       " (not subscribed any more)", cut);
	member_free(member);
	return rc;
}
