/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * DMARC (RFC 9989): a domain may ask to refuse mail that says it is from
 * there and is not signed by it. What a list has changed is such mail, and the
 * readers' hosts refuse it, for which the readers are demoted. So where the
 * author's domain asks for that, and no signature of it holds any more, From
 * becomes the list's.
 *
 * What the domain asks for is known from the gate. What is not known is taken
 * as if it asked for everything: a From that is munged without need is a lesser
 * harm than a post that bounces.
 */
#include <string.h>

#include "core/auth/domain.h"
#include "core/auth/survive.h"
#include "core/mail/mime.h"
#include "core/mail/via.h"
#include "core/pending/inside.h"
#include "core/base/banned.h"

/* --- whose it is -------------------------------------------------------- */

static bool
is_of(const char *addr, const char *domain)
{
	const char *at = strrchr(addr, '@');
	g_autofree char *ascii = at != NULL ? domain_ascii(at + 1) : NULL;

	return ascii != NULL && strcmp(ascii, domain) == 0;
}

/* Is From, as it is now, of this domain and no other? */
static bool
is_from(const struct work *work, const char *domain)
{
	bool complete;
	g_autoptr(GPtrArray) authors = mime_authors(&work->header, &complete);

	for (guint i = 0; i < authors->len; i++)
		if (!is_of(authors->pdata[i], domain))
			return false;
	return complete && authors->len > 0;
}

/* --- the question ------------------------------------------------------- */

/* The one domain of From as it is now: the gate has judged that which came,
 * and a filter may have put another. */
static bool
is_judged(const struct work *work)
{
	const char *domain = work->evidence->dmarc.author_domain;

	return domain[0] != '\0' && is_from(work, domain);
}

/* t=y changes nothing: it asks receivers to hold back, and lists are to do
 * as they would (RFC 9989 appendix A.6). */
static const char *
why_asked(const struct work *work)
{
	const struct dmarc_evidence *dmarc = &work->evidence->dmarc;

	if (!is_judged(work))
		return "who may write so is not known";
	if (strcmp(dmarc->policy, "reject") == 0)
		return "its domain asks to reject what it has not signed";
	if (strcmp(dmarc->policy, "quarantine") == 0)
		return "its domain asks to quarantine what it has not signed";
	if (dmarc->policy[0] == '\0' && dmarc->result != AUTH_NONE)
		return "what its domain asks for is not known";
	return NULL;
}

/* With l= the texts would pass some checks, and not others. */
static bool
still_holds(const struct work *work)
{
	struct survival survival = {
		.evidence = work->evidence, .came = &work->came_header,
		.now = &work->header,
	};

	if (filter_texts.is_wanted(work))
		return false;
	if (!work->own_body)
		survival.body = work_body(work, &survival.len);
	return dkim_survives(&survival);
}

/* The list's signature is one of the author's domain as well. */
static bool
list_signs_for_him(const struct work *work)
{
	return work->conf->sign_key[0] != '\0' &&
		is_from(work, work->conf->sign_domain);
}

/* NULL: From may stay as it is. */
static const char *
why_needed(const struct work *work, bool holds)
{
	const struct list_conf *conf = work->conf;

	/* It would not be another one. */
	if (is_from(work, conf->domain))
		return NULL;
	if (conf->dmarc_when == DMARC_WHEN_ALWAYS)
		return "as the list wants it of all posts";
	if (conf->dmarc_when == DMARC_WHEN_NEEDED &&
	    (holds || list_signs_for_him(work)))
		return NULL;
	return why_asked(work);
}

/* --- what is done ------------------------------------------------------- */

/* Has a filter put a Reply-To in the place of the author's? */
static bool
reply_is_lists(const struct work *work)
{
	g_autofree char *was = header_get(&work->came_header, "Reply-To");
	g_autofree char *is = header_get(&work->header, "Reply-To");

	return is != NULL && g_strcmp0(was, is) != 0;
}

static void
munge(struct work *work)
{
	via_set_from(&work->header, work->job->list_addr,
		     reply_is_lists(work));
}

static void
wrap(struct work *work)
{
	GString *out = g_string_new(NULL);
	size_t len;
	const char *body = work_body(work, &len);

	via_wrap(&work->header, &work->came_header, body, len,
		 work->job->list_addr, reply_is_lists(work), out);
	work_set_body(work, g_string_free_to_bytes(out));
}

/* No signature of it holds now, so the list need not spare its Sender. */
static void
set_sender(struct work *work)
{
	g_autofree char *addr = list_role_addr(work->job->list_addr,
					       "-bounces");
	g_autofree char *value = g_strdup_printf("<%s>", addr);

	header_set(&work->header, "Sender", value);
}

/* reject: what has got past the gate, and is not to be lost here, is munged */
static void
mitigate(struct work *work, const char *why)
{
	const bool wraps = work->conf->dmarc == DMARC_ACTION_WRAP;

	if (wraps)
		wrap(work);
	else
		munge(work);
	set_sender(work);
	work_note(work, "%s (%s)", wraps ? "wrapped" : "From munged", why);
}

/* Members answer to "Ann via dev": her name is taken away from the list's
 * address, unless it is signed by a signature that holds. */
static void
clean_recipients(struct work *work, bool holds)
{
	static const char *const names[] = { "To", "Cc" };
	const struct survival survival = {
		.evidence = work->evidence, .came = &work->came_header,
		.now = &work->header,
	};

	for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
		if ((!holds || !dkim_covers(&survival, names[i])) &&
		    via_unname(&work->header, names[i],
			       work->job->list_addr))
			work_note(work, "name of another taken out of %s",
				  names[i]);
}

static enum err_code
run(struct txn *txn, struct work *work, struct err *err)
{
	const bool holds = still_holds(work);
	const char *why = why_needed(work, holds);

	(void) txn;
	(void) err;
	clean_recipients(work, holds && why == NULL);
	if (why != NULL)
		mitigate(work, why);
	return ERR_OK;
}

static bool
is_wanted(const struct work *work)
{
	return is_post(work) && work->conf->dmarc != DMARC_ACTION_NONE;
}

const struct filter filter_dmarc = { "dmarc", is_wanted, run };
