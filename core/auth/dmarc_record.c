/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * RFC 9989 section 4.7. What is wrong in a tag loses that tag only, but for
 * the policies themselves: a record without a policy that can be read is
 * one for reports, which asks for nothing (p=none), or none at all.
 */
#include <string.h>

#include "core/auth/dmarc.h"
#include "core/base/banned.h"

struct reading {
	struct dmarc_record record;
	bool has_p, has_sp, has_np, bad_policy, has_reports;
};

static bool
policy_of(const char *value, enum dmarc_policy *out)
{
	static const char *const names[] = {
		[DMARC_NONE] = "none",
		[DMARC_QUARANTINE] = "quarantine",
		[DMARC_REJECT] = "reject",
	};

	for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
		if (g_ascii_strcasecmp(value, names[i]) == 0) {
			*out = (enum dmarc_policy)i;
			return true;
		}
	return false;
}

static void
read_policy(struct reading *reading, const char *value, bool *has,
	    enum dmarc_policy *out)
{
	*has = policy_of(value, out);
	reading->bad_policy |= !*has;
}

static void
read_tag(struct reading *reading, const char *name, const char *value)
{
	struct dmarc_record *record = &reading->record;

	if (strcmp(name, "p") == 0)
		read_policy(reading, value, &reading->has_p, &record->p);
	else if (strcmp(name, "sp") == 0)
		read_policy(reading, value, &reading->has_sp, &record->sp);
	else if (strcmp(name, "np") == 0)
		read_policy(reading, value, &reading->has_np, &record->np);
	else if (strcmp(name, "adkim") == 0)
		record->strict_dkim = g_ascii_strcasecmp(value, "s") == 0;
	else if (strcmp(name, "aspf") == 0)
		record->strict_spf = g_ascii_strcasecmp(value, "s") == 0;
	else if (strcmp(name, "psd") == 0)
		record->psd = value[0] != '\0' && value[1] == '\0' &&
					      strchr("yYnN", value[0]) != NULL
				      ? g_ascii_tolower(value[0])
				      : 'u';
	else if (strcmp(name, "t") == 0)
		record->testing = g_ascii_strcasecmp(value, "y") == 0;
	else if (strcmp(name, "pct") == 0 && strcmp(value, "0") == 0)
		record->testing = true;	/* what t=y has replaced */
	else if (strcmp(name, "rua") == 0)
		reading->has_reports = g_ascii_strncasecmp(value, "mailto:",
							   7) == 0;
}

static void
read_tags(struct reading *reading, char **specs)
{
	for (; *specs != NULL; specs++) {
		char *equals = strchr(*specs, '=');

		if (equals == NULL)
			continue;
		*equals = '\0';
		g_strstrip(*specs);
		read_tag(reading, *specs, g_strstrip(equals + 1));
	}
}

/* "v=DMARC1" with blanks, and nothing in front */
static bool
is_version(const char *spec)
{
	if (*spec++ != 'v')
		return false;
	spec += strspn(spec, " \t");
	if (*spec++ != '=')
		return false;
	spec += strspn(spec, " \t");
	if (strncmp(spec, "DMARC1", 6) != 0)
		return false;
	return spec[6 + strspn(spec + 6, " \t")] == '\0';
}

bool
dmarc_record_parse(const char *text, size_t len, struct dmarc_record *out)
{
	struct reading reading = {.record = {.psd = 'u'}};
	g_autofree char *copy = NULL;
	g_auto(GStrv) specs = NULL;

	if (len > 16 * 1024 || memchr(text, '\0', len) != NULL)
		return false;
	copy = g_strndup(text, len);
	specs = g_strsplit(copy, ";", -1);
	if (specs[0] == NULL || !is_version(specs[0]))
		return false;
	read_tags(&reading, specs + 1);
	if (!reading.has_p || reading.bad_policy) {
		if (!reading.has_reports)
			return false;
		reading.record.p = DMARC_NONE;
		reading.has_sp = reading.has_np = false;
	}
	if (!reading.has_sp)
		reading.record.sp = reading.record.p;
	if (!reading.has_np)
		reading.record.np = reading.record.sp;
	*out = reading.record;
	return true;
}
