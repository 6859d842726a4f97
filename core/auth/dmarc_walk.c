/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/auth/dmarc_walk.h"

#include <string.h>

#include "core/auth/domain.h"
#include "core/base/banned.h"

static size_t
label_count(const char *domain)
{
	size_t count = 1;

	for (; *domain != '\0'; domain++)
		count += *domain == '.';
	return count;
}

static const char *
parent_of(const char *domain)
{
	const char *dot = strchr(domain, '.');

	return dot != NULL ? dot + 1 : NULL;
}

/* The next name: one label less, but of a long one the last seven. */
static const char *
next_of(const char *domain)
{
	const char *next = parent_of(domain);

	while (next != NULL && label_count(next) >= WALK_MAX)
		next = parent_of(next);
	return next;
}

void
walk_start(struct lookups *lookups, const char *domain)
{
	for (int i = 0; i < WALK_MAX && domain != NULL; i++) {
		g_autofree char *name = g_strconcat("_dmarc.", domain, NULL);

		(void)lookups_get(lookups, name, DNS_TXT);
		domain = next_of(domain);
	}
}

/* The one record of an answer; two are as good as none (section 4.10.1). */
static bool
read_answer(const struct dns_answer *answer, struct dmarc_record *out)
{
	unsigned int found = 0;

	for (size_t i = 0; i < answer->count; i++)
		found += dmarc_record_parse(answer->records[i].data,
					    answer->records[i].len, out);
	return found == 1;
}

/* False: no answer now. */
static bool
read_step(struct lookups *lookups, struct dmarc_walk *walk,
	  const char *domain, struct dmarc_step *out)
{
	g_autofree char *name = g_strconcat("_dmarc.", domain, NULL);
	const struct dns_answer *answer = lookups_await(lookups, name,
							DNS_TXT);

	out->domain = domain;
	out->found = answer->status == DNS_FOUND &&
		     read_answer(answer, &out->record);
	if (answer->status == DNS_FAILED)
		walk->failed = answer->why;
	return answer->status != DNS_FAILED;
}

/* The name one label below `above`, on the way from domain. */
static const char *
below(const char *domain, const char *above)
{
	const char *parent = parent_of(domain);

	while (parent != NULL && strlen(parent) > strlen(above)) {
		domain = parent;
		parent = parent_of(domain);
	}
	return domain;
}

/*
 * Section 4.10.2. Where a record is found at what the public suffix list
 * calls a suffix and does not say otherwise (psd=n), the list is believed: its
 * registrants are strangers to each other.
 */
static const char *
organization(const struct dmarc_walk *walk, const char *domain)
{
	const char *org = domain;

	for (size_t i = 0; i < walk->count; i++) {
		const struct dmarc_step *step = &walk->steps[i];

		if (!step->found)
			continue;
		if (step->record.psd == 'n')
			return step->domain;
		if (i > 0 && (step->record.psd == 'y' ||
			      domain_is_suffix(step->domain)))
			return below(domain, step->domain);
		org = step->domain;
	}
	return org;
}

void
walk(struct lookups *lookups, const char *domain, struct dmarc_walk *out)
{
	const char *at = domain;

	memset(out, 0, sizeof(*out));
	walk_start(lookups, domain);
	while (at != NULL && out->count < WALK_MAX &&
	       read_step(lookups, out, at, &out->steps[out->count])) {
		const struct dmarc_step *step = &out->steps[out->count++];

		if (step->found && step->record.psd != 'u')
			break;
		at = next_of(at);
	}
	out->org = organization(out, domain);
}
