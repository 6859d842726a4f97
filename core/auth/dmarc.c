/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/auth/dmarc.h"

#include <string.h>

#include "core/auth/dmarc_walk.h"
#include "core/auth/domain.h"
#include "core/base/banned.h"

static void
set_text(char **text, const char *to)
{
	g_free(*text);
	*text = g_strdup(to);
}

/* --- the author's domain ------------------------------------------------ */

static char *
domain_of(const char *addr)
{
	const char *at = strrchr(addr, '@');

	return at != NULL ? domain_ascii(at + 1) : NULL;
}

/* The one domain of all authors; NULL: there is none. */
static char *
author_domain(const GPtrArray *authors, bool complete)
{
	char *domain = NULL;

	if (!complete || authors->len == 0)
		return NULL;
	domain = domain_of(authors->pdata[0]);
	for (guint i = 1; i < authors->len && domain != NULL; i++) {
		g_autofree char *other = domain_of(authors->pdata[i]);

		if (other == NULL || strcmp(other, domain) != 0)
			g_clear_pointer(&domain, g_free);
	}
	return domain;
}

void
dmarc_start(struct lookups *lookups, const char *domain)
{
	g_autofree char *ascii = domain_ascii(domain);

	if (ascii != NULL)
		walk_start(lookups, ascii);
}

/* --- alignment ---------------------------------------------------------- */

struct question {
	struct lookups *lookups;
	const char *author;		/* domain */
	const struct dmarc_walk *walk;	/* of it; NULL: strictly only */
	const struct spf_evidence *spf;
	const GPtrArray *dkim;
	struct dmarc_evidence *out;
};

/* Section 4.4: the same domain or, relaxed, the same organization */
static bool
is_aligned(const struct question *q, const char *domain, bool strict)
{
	struct dmarc_walk other;

	if (strcmp(domain, q->author) == 0)
		return true;
	if (strict || q->walk == NULL ||
	    !domain_is_below(domain, q->walk->org))
		return false;
	walk(q->lookups, domain, &other);
	if (other.failed != NULL)
		return false;
	return strcmp(other.org, q->walk->org) == 0;
}

static bool
passes_by(const struct question *q, const char *method, const char *domain)
{
	set_text(&q->out->aligned, method);
	set_text(&q->out->aligned_domain, domain);
	q->out->result = AUTH_PASS;
	return true;
}

/* DKIM first: it says more than SPF, which anybody behind the same host
 * passes. */
static bool
passes(const struct question *q, bool strict_dkim, bool strict_spf)
{
	for (guint i = 0; i < q->dkim->len; i++) {
		const struct dkim_evidence *dkim = q->dkim->pdata[i];

		if (dkim->result == AUTH_PASS &&
		    is_aligned(q, dkim->domain, strict_dkim))
			return passes_by(q, "dkim", dkim->domain);
	}
	return q->spf->result == AUTH_PASS &&
	       is_aligned(q, q->spf->domain, strict_spf) &&
	       passes_by(q, "spf", q->spf->domain);
}

/* Something that is not known now could still have made it pass. */
static bool
may_pass_later(const struct question *q)
{
	if (q->spf->result == AUTH_TEMPERROR &&
	    domain_is_below(q->spf->domain, q->walk->org))
		return true;
	for (guint i = 0; i < q->dkim->len; i++) {
		const struct dkim_evidence *dkim = q->dkim->pdata[i];

		if (dkim->result == AUTH_TEMPERROR &&
		    domain_is_below(dkim->domain, q->walk->org))
			return true;
	}
	return false;
}

/* --- the policy --------------------------------------------------------- */

/* That of the author's own domain, of its organization, or of the public
 * suffix above (section 4.10.1). */
static const struct dmarc_step *
find_record(const struct dmarc_walk *walk)
{
	const struct dmarc_step *suffix = NULL;

	if (walk->count > 0 && walk->steps[0].found)
		return &walk->steps[0];
	for (size_t i = 0; i < walk->count; i++) {
		if (!walk->steps[i].found)
			continue;
		if (strcmp(walk->steps[i].domain, walk->org) == 0)
			return &walk->steps[i];
		suffix = &walk->steps[i];
	}
	/* Only one that speaks for those below it. */
	return suffix != NULL && suffix->record.psd == 'y' ? suffix : NULL;
}

/* RFC 8020: nothing is below or at a name that does not exist. */
static bool
does_not_exist(const struct question *q)
{
	const struct dns_answer *answer =
		lookups_await(q->lookups, q->author, DNS_A);

	return answer->status == DNS_NXDOMAIN;
}

static enum dmarc_policy
policy_for(const struct question *q, const struct dmarc_step *step)
{
	const struct dmarc_record *record = &step->record;

	if (strcmp(step->domain, q->author) == 0)
		return record->p;
	if (record->np != record->sp && does_not_exist(q))
		return record->np;
	return record->sp;
}

static const char *
policy_name(enum dmarc_policy policy)
{
	static const char *const names[] = {"none", "quarantine", "reject"};

	return names[policy];
}

static void
judge(const struct question *q, const struct dmarc_step *step)
{
	struct dmarc_evidence *out = q->out;

	set_text(&out->record_domain, step->domain);
	set_text(&out->policy, policy_name(policy_for(q, step)));
	out->testing = step->record.testing;
	if (passes(q, step->record.strict_dkim, step->record.strict_spf))
		return;
	if (may_pass_later(q)) {
		out->result = AUTH_TEMPERROR;
		set_text(&out->reason, "the DNS did not say whether an "
				       "aligned SPF or DKIM passes");
		return;
	}
	out->result = AUTH_FAIL;
	set_text(&out->reason, "neither SPF nor DKIM passes for the "
			       "author's domain");
}

static void
check(struct question *q)
{
	struct dmarc_walk found;
	const struct dmarc_step *step;

	walk(q->lookups, q->author, &found);
	/* Identical domains are aligned whatever the record would say. */
	if (found.failed != NULL && passes(q, true, true))
		return;
	if (found.failed != NULL) {
		q->out->result = AUTH_TEMPERROR;
		set_text(&q->out->reason, found.failed);
		return;
	}
	q->walk = &found;
	step = find_record(&found);
	if (step != NULL)
		judge(q, step);
}

void
dmarc_check(struct lookups *lookups, const GPtrArray *authors, bool complete,
	    const struct spf_evidence *spf, const GPtrArray *dkim,
	    struct dmarc_evidence *out)
{
	g_autofree char *author = author_domain(authors, complete);
	struct question q = {
		.lookups = lookups,
		.author = author,
		.spf = spf,
		.dkim = dkim,
		.out = out,
	};

	dmarc_evidence_done(out);
	dmarc_evidence_init(out);
	if (author == NULL) {
		out->result = AUTH_PERMERROR;
		set_text(&out->reason, authors->len == 0 ?
			 "From holds no address" :
			 "From is not of one domain that can be checked");
		return;
	}
	set_text(&out->author_domain, author);
	check(&q);
}
