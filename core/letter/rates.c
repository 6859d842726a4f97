/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include <arpa/inet.h>
#include <openssl/sha.h>

#include "core/letter/letter.h"
#include "core/base/banned.h"

/*
 * A kind and a name have `most` places, each of which rests for the window
 * after it was used: so no window, wherever it begins, sees more.
 */
enum err_code
letter_allowed(struct txn *txn, const char *kind, const char *name,
	       unsigned int most, int64_t window_s, int64_t now_ms,
	       bool *allowed, struct err *err)
{
	struct post_id none = { { 0 } };
	uint8_t key[SHA256_DIGEST_LENGTH];
	bool rested = false;
	enum err_code rc = ERR_OK;

	G_STATIC_ASSERT(SHA256_DIGEST_LENGTH == SEEN_KEY_LEN);
	g_assert(window_s <= LETTER_WINDOW_MAX_S);
	for (unsigned int i = 0; i < most && rc == ERR_OK && !rested; i++) {
		g_autofree char *text = g_strdup_printf(
			"muster letter %s %u %s", kind, i, name);

		(void) SHA256((const uint8_t *)text, strlen(text), key);
		rc = seen_rested(txn, key, &none, now_ms / 1000, window_s,
				 &rested, err);
	}
	if (rc == ERR_OK)
		*allowed = rested;
	return rc;
}

#define NETWORK6_BYTES 6	/* /48: what a site gets (RFC 6177) */

static char *
network4(const uint8_t *bytes)
{
	return g_strdup_printf("%u.%u.%u.0/24", bytes[0], bytes[1], bytes[2]);
}

char *
letter_network(const char *client)
{
	/* RFC 4291 section 2.5.5.2 */
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	g_autofree char *bare = g_ascii_strncasecmp(client, "IPv6:", 5) == 0 ?
		g_strdup(client + 5) : g_strdup(client);
	uint8_t bytes[16];
	char text[INET6_ADDRSTRLEN];

	bare[strcspn(bare, "%")] = '\0';	/* a zone */
	if (inet_pton(AF_INET, bare, bytes) == 1)
		return network4(bytes);
	if (inet_pton(AF_INET6, bare, bytes) != 1)
		return g_strdup("");
	if (memcmp(bytes, mapped, sizeof(mapped)) == 0)
		return network4(bytes + sizeof(mapped));
	memset(bytes + NETWORK6_BYTES, 0, sizeof(bytes) - NETWORK6_BYTES);
	if (inet_ntop(AF_INET6, bytes, text, sizeof(text)) == NULL)
		return g_strdup("");
	return g_strdup_printf("%s/%d", text, NETWORK6_BYTES * 8);
}

char *
letter_domain(const char *addr)
{
	const char *at = strrchr(addr, '@');

	return at != NULL ? g_ascii_strdown(at + 1, -1) : g_strdup("");
}
