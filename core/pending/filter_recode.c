/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/mail/mime.h"
#include "core/pending/inside.h"
#include "core/base/banned.h"

/* A post whose lines are too long for SMTP (RFC 5321 section 4.5.3.1.6) is
 * made anew, in an encoding that has shorter ones. */

static bool
needs_recode(const struct work *work, const GString *header)
{
	size_t len;
	const char *body = work_body(work, &len);

	return mime_needs_recode(header->str, header->len) ||
		mime_needs_recode(body, len);
}

static enum err_code
recode(struct work *work, GString *whole, struct err *err)
{
	g_autoptr(GString) made = g_string_new(NULL);
	size_t len;
	const char *body = work_body(work, &len);

	g_string_append(whole, "\r\n");
	g_string_append_len(whole, body, (gssize)len);
	if (!mime_recode(whole->str, whole->len, made) ||
	    !work_set_message(work, g_bytes_new(made->str, made->len)))
		return err_set(err, ERR_INVALID, "look at it with muster "
			       "queue show, then drop it",
			       "the post has lines over 998 octets that "
			       "cannot be re-encoded");
	work_note(work, "re-encoded for its long lines");
	return ERR_OK;
}

static enum err_code
run(struct txn *txn, struct work *work, struct err *err)
{
	g_autoptr(GString) header = g_string_new(NULL);

	(void) txn;
	header_write(&work->header, header);
	return needs_recode(work, header) ? recode(work, header, err) :
		ERR_OK;
}

static bool
is_wanted(const struct work *work)
{
	(void) work;
	return true;
}

const struct filter filter_recode = { "recode", is_wanted, run };
