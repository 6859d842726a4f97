/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/mail/addr.h"
#include "core/mail/anonymous.h"
#include "core/pending/inside.h"
#include "db/post.h"
#include "core/base/banned.h"

/*
 * A list whose posts do not say who wrote them. All that is made of the post
 * behind this knows the list as its author, what we say of who has sent it
 * too; the post itself, its trace and its evidence stay what they are, for the
 * administrator, for the member's own settings and for letters to him.
 */

static char *
list_name(const struct work *work)
{
	const char *list = work->job->list_addr;

	return work->conf->description[0] != '\0' ?
		g_strdup(work->conf->description) :
		g_strndup(list, strcspn(list, "@"));
}

/* Nothing has been found out about the list's own. */
static void
hide_evidence(struct work *work)
{
	work->shown = evidence_new();
}

/* The administrator may look for it by what readers see. */
static enum err_code
name_trace(struct txn *txn, const struct work *work, struct err *err)
{
	g_autofree char *id = header_get(&work->header, "Message-ID");

	return trace_ref(txn, &work->job->post, id != NULL ? id : "", err);
}

/* Where a line that is no field ends the header, what follows is text to us,
 * and names the author to those who read it as fields. */
static bool
is_whole(const struct work *work)
{
	size_t len;
	const char *bytes = g_bytes_get_data(work->came, &len);

	return header_is_ended(bytes, len, work->came_body_at);
}

static const char *
make(struct work *work)
{
	uint8_t secret[VERP_SECRET_LEN];
	g_autofree char *name = list_name(work);
	g_autofree char *people = g_strconcat(work->post->sender, ", ",
					      work->post->author, NULL);
	const struct anonymity with = {
		.list = work->job->list_addr, .name = name,
		.secret = secret, .secret_len = sizeof(secret),
		.domains = work->with->settings->domains, .people = people,
		.received_s = work->post->received_s,
	};
	GBytes *made = NULL;
	size_t len;
	const char *body = work_body(work, &len), *why;

	verp_secret(work->with->verp, "anonymous", secret);
	why = anonymous_make(&with, &work->header, body, len, &made);
	if (made != NULL)
		work_set_body(work, made);
	return why;
}

static enum err_code
run(struct txn *txn, struct work *work, struct err *err)
{
	const char *why = is_whole(work) ? make(work) :
		"a line in its header is no field";

	if (why != NULL)
		return err_set(err, ERR_INVALID, "drop it, and ask its author "
			       "to send it in another form", "an anonymous "
			       "list cannot pass the post on: %s", why);
	hide_evidence(work);
	work_note(work, "made anonymous");
	return name_trace(txn, work, err);
}

static bool
is_wanted(const struct work *work)
{
	return is_post(work) && work->conf->anonymous;
}

const struct filter filter_anonymous = { "anonymous", is_wanted, run };
