/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/outbound/limits.h"

#include <stdlib.h>
#include <string.h>

#include <glib.h>

#include "core/base/banned.h"

/*
 * A generic cell rate algorithm: each copy moves the time at which the next
 * would be on schedule, and may be early by one window, so that "20/1s" are
 * twenty at once and then one each 50 ms. The last date given out is kept
 * besides; what waits in the queue comes back spread over time.
 */
struct meter {
	double next_ms;		/* when the next is on schedule */
	double dated_ms;	/* the last date that was given */
};

struct limits { GHashTable *meters; };	/* by domain */

struct limits *
limits_new(void)
{
	struct limits *limits = g_new0(struct limits, 1);

	limits->meters = g_hash_table_new_full(g_str_hash, g_str_equal,
					       g_free, g_free);
	return limits;
}

void
limits_free(struct limits *limits)
{
	g_hash_table_destroy(limits->meters);
	g_free(limits);
}

static int
compare_domain(const void *domain, const void *limit)
{
	return strcmp(domain, ((const struct domain_limit *)limit)->domain);
}

const struct domain_limit *
limits_of(const struct settings *settings, const char *addr)
{
	const char *at = strrchr(addr, '@');

	if (at == NULL || settings->domain_limit_count == 0)
		return NULL;
	return bsearch(at + 1, settings->domain_limits,
		       settings->domain_limit_count,
		       sizeof(struct domain_limit), compare_domain);
}

static struct meter *
meter_of(struct limits *limits, const struct domain_limit *limit)
{
	struct meter *meter = g_hash_table_lookup(limits->meters,
						  limit->domain);

	if (meter == NULL) {
		meter = g_new0(struct meter, 1);
		g_hash_table_insert(limits->meters, g_strdup(limit->domain),
				    meter);
	}
	return meter;
}

static double
each_ms(const struct domain_limit *limit)
{
	return (double)limit->seconds * 1000.0 / (double)limit->count;
}

static double
window_ms(const struct domain_limit *limit)
{
	return (double)limit->seconds * 1000.0;
}

bool
limits_take(struct limits *limits, const struct domain_limit *limit,
	    int64_t now_ms)
{
	struct meter *meter;

	if (limit == NULL || limit->count == 0)
		return true;
	meter = meter_of(limits, limit);
	/* A clock that was set back does not stop a domain for long. */
	meter->next_ms = CLAMP(meter->next_ms, (double)now_ms,
			       (double)now_ms + window_ms(limit));
	if (meter->next_ms + each_ms(limit) >
	    (double)now_ms + window_ms(limit) + 0.5)
		return false;
	meter->next_ms += each_ms(limit);
	return true;
}

int64_t
limits_when(struct limits *limits, const struct domain_limit *limit,
	    int64_t now_ms)
{
	const struct meter *meter = meter_of(limits, limit);
	double when = meter->next_ms + each_ms(limit) - window_ms(limit);

	return MAX((int64_t)when + 1, now_ms + 1);
}

int64_t
limits_date(struct limits *limits, const struct domain_limit *limit,
	    int64_t now_ms)
{
	struct meter *meter = meter_of(limits, limit);
	int64_t first = limits_when(limits, limit, now_ms);

	meter->dated_ms = MAX(meter->dated_ms, (double)first) +
		each_ms(limit);
	return (int64_t)meter->dated_ms;
}
