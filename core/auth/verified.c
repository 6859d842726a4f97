/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/auth/verified.h"

#include <string.h>

#include "core/auth/authres.h"
#include "core/auth/domain.h"
#include "core/base/banned.h"

static bool
login_is_all(const struct logins *logins, const char *login,
	     const GPtrArray *authors)
{
	for (guint i = 0; i < authors->len; i++)
		if (!logins_allow(logins, login, authors->pdata[i]))
			return false;
	return true;
}

static bool
is_trusted_sealer(const struct settings *settings, const char *sealer)
{
	for (char **one = settings->trusted_sealers; *one != NULL; one++)
		if (g_ascii_strcasecmp(*one, sealer) == 0)
			return true;
	return false;
}

/* What the sealer saw: dmarc=pass for this very domain. */
static bool
sealer_saw_pass(const struct evidence *evidence)
{
	g_autoptr(GPtrArray) items = NULL;

	items = authres_parse(evidence->arc.results, NULL);
	for (guint i = 0; items != NULL && i < items->len; i++) {
		const struct authres_item *item = items->pdata[i];
		const char *from = g_hash_table_lookup(item->properties,
						       "header.from");
		g_autofree char *ascii = from != NULL ? domain_ascii(from)
						      : NULL;

		if (strcmp(item->method, "dmarc") == 0 && ascii != NULL &&
		    strcmp(ascii, evidence->dmarc.author_domain) == 0)
			return strcmp(item->result, "pass") == 0;
	}
	return false;
}

static enum verified_by
who_vouches(const struct settings *settings, const struct logins *logins,
	    const GPtrArray *authors, const struct evidence *evidence)
{
	if (login_is_all(logins, evidence->login, authors))
		return BY_LOGIN;
	if (evidence->dmarc.result == AUTH_PASS)
		return BY_DMARC;
	if (evidence->client_trusted)
		return BY_NETWORK;
	if (evidence->arc.result == AUTH_PASS &&
	    is_trusted_sealer(settings, evidence->arc.sealer) &&
	    sealer_saw_pass(evidence))
		return BY_SEALER;
	return BY_NONE;
}

void
verified_author(const struct settings *settings, const struct logins *logins,
		const GPtrArray *authors, bool complete,
		struct evidence *evidence)
{
	evidence->verifiable = evidence->dmarc.record_domain[0] != '\0';
	/* author_domain is empty where authors are of several domains. */
	if (!complete || authors->len == 0 ||
	    evidence->dmarc.author_domain[0] == '\0')
		return;
	evidence->by = who_vouches(settings, logins, authors, evidence);
	if (evidence->by == BY_NONE)
		return;
	g_free(evidence->author);
	evidence->author = g_strdup(authors->pdata[0]);
}

/* --- of whatever sent it ------------------------------------------------ */

static bool
is_among(char *const *among, const char *domain)
{
	if (domain[0] == '\0')
		return false;
	if (among[0] == NULL)
		return true;
	for (; *among != NULL; among++)
		if (domain_is_below(domain, *among))
			return true;
	return false;
}

/* The author's own, or what it is below: what others have signed too says
 * less. */
static bool
is_better(const char *domain, const char *author)
{
	const char *at = strrchr(author, '@');

	return at != NULL && (domain_is_below(at + 1, domain) ||
			      domain_is_below(domain, at + 1));
}

static void
consider(const char *domain, char *const *among, const char *author,
	 const char **best)
{
	if (is_among(among, domain) &&
	    (*best == NULL || (!is_better(*best, author) &&
			       is_better(domain, author))))
		*best = domain;
}

const char *
verified_domain(const struct evidence *evidence, char *const *among,
		const char *author)
{
	const char *at = strrchr(evidence->author, '@'), *best = NULL;

	if (evidence->by != BY_NONE && at != NULL)
		consider(at + 1, among, author, &best);
	for (guint i = 0; i < evidence->dkim->len; i++) {
		const struct dkim_evidence *one = evidence->dkim->pdata[i];

		if (one->result == AUTH_PASS)
			consider(one->domain, among, author, &best);
	}
	if (evidence->spf.result == AUTH_PASS)
		consider(evidence->spf.domain, among, author, &best);
	return best;
}
