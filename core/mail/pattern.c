/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/mail/pattern.h"

#include <arpa/inet.h>
#include <string.h>

#include <glib.h>

#include "core/base/banned.h"

#define PATTERN_MAX 400		/* bytes; an address has at most 320 */

struct network {
	unsigned char bytes[16];	/* IPv4 as ::ffff:a.b.c.d */
	unsigned int bits;
};

static bool
read_client(const char *text, struct network *out)
{
	static const unsigned char mapped[12] = {
		[10] = 0xff, [11] = 0xff
	};

	out->bits = 128;
	if (inet_pton(AF_INET6, text, out->bytes) == 1)
		return true;
	memcpy(out->bytes, mapped, sizeof(mapped));
	return inet_pton(AF_INET, text, out->bytes + sizeof(mapped)) == 1;
}

static bool
read_network(const char *text, struct network *out)
{
	const char *slash = strchr(text, '/');
	char head[INET6_ADDRSTRLEN] = "";
	unsigned int most, bits = 0;

	if (slash == NULL)
		return read_client(text, out);
	if ((size_t)(slash - text) >= sizeof(head))
		return false;
	memcpy(head, text, (size_t)(slash - text));
	if (!read_client(head, out))
		return false;
	most = strchr(head, ':') != NULL ? 128 : 32;
	if (slash[1] == '\0' || strlen(slash + 1) > 3)
		return false;
	for (const char *p = slash + 1; *p != '\0'; p++) {
		if (!g_ascii_isdigit(*p))
			return false;
		bits = bits * 10 + (unsigned int)(*p - '0');
	}
	out->bits = 128 - most + bits;
	return bits <= most;
}

static bool
network_has(const struct network *network, const struct network *client)
{
	unsigned int whole = network->bits / 8, rest = network->bits % 8;
	unsigned int mask = 0xff00u >> rest & 0xff;

	if (memcmp(network->bytes, client->bytes, whole) != 0)
		return false;
	return rest == 0 || ((network->bytes[whole] ^ client->bytes[whole]) &
			     mask) == 0;
}

/* Goes back to the last "*" only, which is enough, and so takes
 * len(pattern) * len(text) steps at most. */
bool
pattern_matches(const char *pattern, const char *text)
{
	const char *star = NULL, *tried = NULL;

	while (*text != '\0') {
		if (*pattern == '*') {
			star = ++pattern;
			tried = text;
		} else if (*pattern != '\0' && g_ascii_tolower(*pattern) ==
			   g_ascii_tolower(*text)) {
			pattern++;
			text++;
		} else if (star != NULL) {
			pattern = star;
			text = ++tried;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return *pattern == '\0';
}

bool
address_matches(const char *pattern, const char *text)
{
	struct network network, client;
	const char *domain;

	if (read_client(text, &client) && read_network(pattern, &network))
		return network_has(&network, &client);
	domain = strrchr(text, '@');
	domain = domain != NULL ? domain + 1 : text;
	if (pattern[0] == '@')
		return pattern_matches(pattern + 1, domain);
	if (strchr(pattern, '@') != NULL)
		return pattern_matches(pattern, text);
	return pattern_matches(pattern, domain);
}

bool
addresses_match(char *const *patterns, const char *text)
{
	for (; *patterns != NULL; patterns++)
		if (address_matches(*patterns, text))
			return true;
	return false;
}

bool
pattern_is_network(const char *pattern)
{
	struct network network;

	return read_network(pattern, &network);
}

static bool
is_all_digits(const char *label)
{
	return label != NULL && label[1] != '\0' &&
	       strspn(label + 1, "0123456789") == strlen(label + 1);
}

static const char *
check_domain(const char *domain)
{
	if (domain[0] == '\0')
		return "a domain stands behind the @";
	if (domain[0] == '.' || strstr(domain, "..") != NULL)
		return "a domain has no empty parts; for the domains below "
			"b.example write \"*.b.example\"";
	return NULL;
}

const char *
address_pattern_check(const char *pattern)
{
	const char *at = strrchr(pattern, '@');

	if (pattern[0] == '\0')
		return "an empty pattern matches nothing";
	if (strlen(pattern) > PATTERN_MAX)
		return "a pattern has at most 400 bytes";
	if (!g_utf8_validate(pattern, -1, NULL))
		return "this is not UTF-8";
	for (const char *p = pattern; *p != '\0'; p++)
		if (g_ascii_iscntrl(*p) || *p == ' ' || *p == ',')
			return "a pattern has no blanks and commas";
	if (pattern_is_network(pattern))
		return NULL;
	if (strchr(pattern, '/') != NULL && at == NULL)
		return "this is no network: 192.0.2.0/24, 2001:db8::/32";
	/* "192.0.2" is meant for a network, and is none. */
	if (at == NULL && (strpbrk(pattern, ".*") == NULL ||
			   is_all_digits(strrchr(pattern, '.'))))
		return "this is no address: ann@b.example, @b.example for a "
			"domain, *.b.example for those below it, "
			"192.0.2.0/24 for a network";
	return check_domain(at != NULL ? at + 1 : pattern);
}
