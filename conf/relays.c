/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf/relays.h"

#include <stdlib.h>
#include <string.h>

#include <glib.h>

#include "core/base/banned.h"

#define RELAYS_MAX 16
#define WEIGHT_MAX 1000
#define LIMITS_MAX 1000
#define CONNECTIONS_MAX 1000

/* The words of one part between commas, without the empty ones. */
static char **
words_of(const char *part)
{
	g_auto(GStrv) all = g_strsplit_set(part, " \t", -1);
	GPtrArray *words = g_ptr_array_new();

	for (char **word = all; *word != NULL; word++)
		if ((*word)[0] != '\0')
			g_ptr_array_add(words, g_strdup(*word));
	g_ptr_array_add(words, NULL);
	return (char **)g_ptr_array_free(words, FALSE);
}

/* HOST:PORT, [HOST]:PORT */
static bool
read_addr(const char *word, struct relay_addr *out)
{
	const char *colon = strrchr(word, ':');
	const char *from = word, *to = colon;

	if (colon == NULL || colon == word ||
	    !value_number(colon + 1, &out->port) || out->port < 1 ||
	    out->port > 65535)
		return false;
	if (from[0] == '[') {
		if (to[-1] != ']')
			return false;
		from++;
		to--;
	}
	if (from >= to)
		return false;
	out->host = g_strndup(from, (gsize)(to - from));
	return true;
}

static bool
read_relay(const char *part, struct relay_addr *out)
{
	g_auto(GStrv) words = words_of(part);
	guint count = g_strv_length(words);

	out->weight = 1;
	if (count < 1 || count > 2)
		return false;
	if (count == 2 && (!value_number(words[1], &out->weight) ||
			   out->weight < 1 || out->weight > WEIGHT_MAX))
		return false;
	return read_addr(words[0], out);
}

const char *
relays_read(const char *value, struct settings *settings)
{
	static const char accepted[] = "HOST:PORT or [ADDRESS]:PORT, each "
		"perhaps with a weight from 1 to 1000, separated by commas,";
	g_auto(GStrv) parts = g_strsplit(value, ",", -1);
	guint count = g_strv_length(parts);

	if (count < 1 || count > RELAYS_MAX)
		return accepted;
	relays_free(settings);
	settings->relays = g_new0(struct relay_addr, count);
	settings->relay_count = count;
	for (guint i = 0; i < count; i++)
		if (!read_relay(parts[i], &settings->relays[i]))
			return accepted;
	return NULL;
}

void
relays_free(struct settings *settings)
{
	for (size_t i = 0; i < settings->relay_count; i++)
		g_free(settings->relays[i].host);
	g_clear_pointer(&settings->relays, g_free);
	settings->relay_count = 0;
}

/* DOMAIN, and behind it in either order how many at once and in a time */
static bool
read_limit(const char *part, struct domain_limit *out)
{
	g_auto(GStrv) words = words_of(part);
	guint count = g_strv_length(words);

	if (count < 2 || count > 3 || !value_host(words[0]))
		return false;
	for (guint i = 1; i < count; i++) {
		bool is_rate = strchr(words[i], '/') != NULL;

		if (is_rate ? out->count != 0 ||
		    !value_rate(words[i], &out->count, &out->seconds) :
		    out->connections != 0 ||
		    !value_number(words[i], &out->connections) ||
		    out->connections < 1 ||
		    out->connections > CONNECTIONS_MAX)
			return false;
	}
	out->domain = g_ascii_strdown(words[0], -1);
	return true;
}

static int
limit_order(const void *a, const void *b)
{
	return strcmp(((const struct domain_limit *)a)->domain,
		      ((const struct domain_limit *)b)->domain);
}

const char *
domain_limits_read(const char *value, struct settings *settings)
{
	static const char accepted[] = "DOMAIN with how many at once (4), how "
		"many in a time (20/1s), or both, separated by commas,";
	g_auto(GStrv) parts = g_strsplit(value, ",", -1);
	guint count = value[0] == '\0' ? 0 : g_strv_length(parts);

	if (count > LIMITS_MAX)
		return accepted;
	domain_limits_free(settings);
	settings->domain_limits = g_new0(struct domain_limit, count + 1);
	settings->domain_limit_count = count;
	for (guint i = 0; i < count; i++)
		if (!read_limit(parts[i], &settings->domain_limits[i]))
			return accepted;
	if (count > 1)
		qsort(settings->domain_limits, count,
		      sizeof(struct domain_limit), limit_order);
	return NULL;
}

void
domain_limits_free(struct settings *settings)
{
	for (size_t i = 0; i < settings->domain_limit_count; i++)
		g_free(settings->domain_limits[i].domain);
	g_clear_pointer(&settings->domain_limits, g_free);
	settings->domain_limit_count = 0;
}
