/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <glib.h>

#include "conf/settings.h"
#include "core/base/banned.h"

/* Values as they are written in the settings file and in the lists' keys. */

struct unit { char letter; int64_t factor; };

static bool
value_scaled(const char *text, const struct unit *units, int64_t *out)
{
	int64_t factor = 1;
	char *end;
	long long number;

	if (!g_ascii_isdigit(text[0]))
		return false;
	errno = 0;
	number = strtoll(text, &end, 10);
	if (errno != 0)
		return false;
	if (end[0] != '\0') {
		while (units->letter != '\0' &&
		       units->letter != g_ascii_tolower(end[0]))
			units++;
		if (units->letter == '\0' || end[1] != '\0')
			return false;
		factor = units->factor;
	}
	if (number > INT64_MAX / factor)
		return false;
	*out = number * factor;
	return true;
}

bool
value_number(const char *text, int64_t *out)
{
	static const struct unit none = { '\0', 0 };

	return value_scaled(text, &none, out);
}

bool
value_size(const char *text, int64_t *out)
{
	static const struct unit units[] = {
		{ 'k', 1024 }, { 'm', 1024 * 1024 },
		{ 'g', 1024 * 1024 * 1024 }, { '\0', 0 },
	};

	return value_scaled(text, units, out);
}

bool
value_duration(const char *text, int64_t *out)
{
	static const struct unit units[] = {
		{ 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 },
		{ 'w', 7 * 86400 }, { '\0', 0 },
	};

	return value_scaled(text, units, out);
}

bool
value_bool(const char *text, bool *out)
{
	static const char *const words[2][5] = {
		{ "no", "off", "false", "0", NULL },
		{ "yes", "on", "true", "1", NULL },
	};

	for (int truth = 0; truth < 2; truth++)
		for (int i = 0; words[truth][i] != NULL; i++)
			if (g_ascii_strcasecmp(text, words[truth][i]) == 0) {
				*out = truth == 1;
				return true;
			}
	return false;
}

bool
value_rate(const char *text, int64_t *count, int64_t *seconds)
{
	const char *slash = strchr(text, '/');
	g_autofree char *posts = NULL;
	int64_t number, window;

	if (text[0] == '\0') {
		*count = *seconds = 0;
		return true;
	}
	if (slash == NULL)
		return false;
	posts = g_strndup(text, (gsize)(slash - text));
	if (!value_number(posts, &number) || number < 1 ||
	    number > RATE_COUNT_MAX || !value_duration(slash + 1, &window) ||
	    window < 1 || window > RATE_WINDOW_MAX_S)
		return false;
	*count = number;
	*seconds = window;
	return true;
}

bool
value_points(const char *text, int64_t *out)
{
	const size_t whole = strspn(text, "0123456789");
	const char *rest = text + whole;
	const size_t part = rest[0] == '.' ? strspn(rest + 1, "0123456789") :
		0;
	int64_t number = 0;

	/* so many digits as fit */
	if (whole == 0 || whole > 12 || part > 3 ||
	    rest[part > 0 ? part + 1 : 0] != '\0')
		return false;
	for (size_t i = 0; i < whole; i++)
		number = number * 10 + (text[i] - '0');
	for (size_t i = 1; i <= 3; i++)
		number = number * 10 + (i <= part ? rest[i] - '0' : 0);
	*out = number;
	return true;
}

bool
value_host(const char *host)
{
	if (host[0] == '\0' || host[0] == '.' || host[0] == '-' ||
	    strlen(host) > 253 || strstr(host, "..") != NULL)
		return false;
	for (; *host != '\0'; host++)
		if (!g_ascii_isalnum(*host) && *host != '.' && *host != '-' &&
		    *host != '_' && (unsigned char)*host < 0x80)
			return false;
	return true;
}

bool
value_network(const char *text)
{
	const char *slash = strchr(text, '/');
	g_autofree char *addr = slash != NULL ?
		g_strndup(text, (gsize)(slash - text)) : g_strdup(text);
	unsigned char bytes[sizeof(struct in6_addr)];
	int64_t len;
	int64_t most;

	if (inet_pton(AF_INET, addr, bytes) == 1)
		most = 32;
	else if (inet_pton(AF_INET6, addr, bytes) == 1)
		most = 128;
	else
		return false;
	return slash == NULL ||
		(value_number(slash + 1, &len) && len <= most);
}
