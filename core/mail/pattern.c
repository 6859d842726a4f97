/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/mail/pattern.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <string.h>

#include <glib.h>

#include "core/mail/addr.h"
#include "core/base/banned.h"

/* --- networks ----------------------------------------------------------- */

struct network {
	int family;
	uint8_t addr[16];
	unsigned int bits;	/* that count */
};

static bool
addr_read(const char *text, struct network *out)
{
	out->family = strchr(text, ':') != NULL ? AF_INET6 : AF_INET;
	out->bits = out->family == AF_INET6 ? 128 : 32;
	return inet_pton(out->family, text, out->addr) == 1;
}

/* "::ffff:192.0.2.1" is the host 192.0.2.1. */
static void
unmap(struct network *addr)
{
	static const uint8_t prefix[12] = {0, 0, 0, 0, 0, 0,
					   0, 0, 0, 0, 0xff, 0xff};

	if (addr->family != AF_INET6 || memcmp(addr->addr, prefix, 12) != 0)
		return;
	memmove(addr->addr, addr->addr + 12, 4);
	addr->family = AF_INET;
	addr->bits = 32;
}

static bool
network_read(const char *text, struct network *out)
{
	g_autofree char *addr = g_strdup(text);
	char *slash = strchr(addr, '/');
	guint64 bits;

	if (slash != NULL)
		*slash = '\0';
	if (!addr_read(addr, out))
		return false;
	if (slash == NULL)
		return true;
	if (!g_ascii_string_to_unsigned(slash + 1, 10, 0, out->bits, &bits,
					NULL))
		return false;
	out->bits = (unsigned int)bits;
	return true;
}

static bool
network_has(const struct network *network, const struct network *addr)
{
	unsigned int bytes = network->bits / 8, rest = network->bits % 8;
	uint8_t mask = (uint8_t)(0xff00 >> rest);

	return network->family == addr->family &&
	       memcmp(network->addr, addr->addr, bytes) == 0 &&
	       (rest == 0 || (network->addr[bytes] & mask) ==
				     (addr->addr[bytes] & mask));
}

static bool
network_matches(const struct network *network, const char *text)
{
	struct network addr;

	if (!addr_read(text, &addr))
		return false;
	if (network_has(network, &addr))
		return true;
	unmap(&addr);
	return network_has(network, &addr);
}

/* --- addresses ---------------------------------------------------------- */

/* `*` stands for any text; linear but for its stars, of which there are few */
static bool
glob_matches(const char *pattern, const char *text)
{
	const char *star = NULL, *again = NULL;

	while (*text != '\0') {
		char p = g_ascii_tolower(*pattern), t = g_ascii_tolower(*text);

		if (*pattern == '*') {
			star = pattern++;
			again = text;
		} else if (*pattern != '\0' && p == t) {
			pattern++;
			text++;
		} else if (star != NULL) {
			pattern = star + 1;
			text = ++again;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return *pattern == '\0';
}

static const char *
domain_of(const char *addr)
{
	const char *at = strrchr(addr, '@');

	return at != NULL ? at + 1 : addr;
}

static bool
local_matches(const char *pattern, const char *at, const char *text)
{
	g_autofree char *want = g_strndup(pattern, (gsize)(at - pattern));
	const char *text_at = strrchr(text, '@');
	g_autofree char *local = NULL;

	if (text_at == NULL)
		return false;
	local = g_strndup(text, (gsize)(text_at - text));
	return glob_matches(want, local);
}

bool
address_matches(const char *pattern, const char *text)
{
	const char *at = strrchr(pattern, '@');
	struct network network;

	if (at == NULL && network_read(pattern, &network))
		return network_matches(&network, text);
	if (at == NULL || at == pattern)
		return glob_matches(at == NULL ? pattern : at + 1,
				    domain_of(text));
	return local_matches(pattern, at, text) &&
	       glob_matches(at + 1, domain_of(text));
}

static bool
is_domain_glob(const char *domain)
{
	if (domain[0] == '\0' || domain[0] == '.')
		return false;
	for (; *domain != '\0'; domain++)
		if ((unsigned char)*domain <= ' ' || *domain == '@' ||
		    *domain == ',' || *domain == '/' || *domain == 0x7f)
			return false;
	return true;
}

const char *
address_pattern_check(const char *pattern)
{
	const char *at = strrchr(pattern, '@');
	struct network network;

	if (strlen(pattern) > ADDR_MAX)
		return "a pattern of more than 320 bytes";
	if (at == NULL && network_read(pattern, &network))
		return NULL;
	/* "192.0.2" is meant for a network, and is none. */
	if (at == NULL && (strchr(pattern, '.') == NULL ||
			   !g_ascii_isalpha(strrchr(pattern, '.')[1])))
		return "an address (ann@example.org), a domain "
		       "(@example.org), what is below one (*.example.org) or "
		       "a network (192.0.2.0/24) is expected";
	if (!is_domain_glob(at == NULL ? pattern : at + 1))
		return "that is not a domain";
	for (const char *p = pattern; at != NULL && p < at; p++)
		if ((unsigned char)*p <= ' ' || *p == ',' || *p == 0x7f)
			return "blanks, commas and control characters are "
			       "not allowed";
	return NULL;
}

bool
pattern_is_network(const char *pattern)
{
	struct network network;

	return strchr(pattern, '@') == NULL && network_read(pattern, &network);
}
