/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/auth/domain.h"

#include <string.h>

#include <glib.h>
#include <idn2.h>
#include <libpsl.h>

#include "core/base/banned.h"

#define NAME_MAX_LEN 253
#define LABEL_MAX 63

/* RFC 1035 section 2.3.4; any printable ASCII is a DNS label's, as the
 * underscore of _dmarc is. */
static bool
is_dns_name(const char *name)
{
	size_t label = 0, len = strlen(name);

	if (len == 0 || len > NAME_MAX_LEN)
		return false;
	for (const char *p = name;; p++) {
		if (*p == '.' || *p == '\0') {
			if (label == 0 || label > LABEL_MAX)
				return false;
			label = 0;
			if (*p == '\0')
				return true;
		} else if (*p <= ' ' || *p > '~') {
			return false;
		} else {
			label++;
		}
	}
}

static char *
to_ascii(const char *domain)
{
	char *idn = NULL, *copy;

	if (g_str_is_ascii(domain))
		return g_strdup(domain);
	if (strlen(domain) > 4 * NAME_MAX_LEN ||
	    !g_utf8_validate(domain, -1, NULL) ||
	    idn2_lookup_u8((const uint8_t *)domain, (uint8_t **)&idn,
			   IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) != IDN2_OK)
		return NULL;
	copy = g_strdup(idn);
	idn2_free(idn);
	return copy;
}

char *
domain_ascii(const char *domain)
{
	g_autofree char *ascii = to_ascii(domain);
	size_t len;

	if (ascii == NULL)
		return NULL;
	len = strlen(ascii);
	if (len > 0 && ascii[len - 1] == '.')
		ascii[len - 1] = '\0';
	if (!is_dns_name(ascii))
		return NULL;
	return g_ascii_strdown(ascii, -1);
}

/* The newest list of the system's, or the one that libpsl was built with;
 * loaded once, never changed. */
static const psl_ctx_t *
suffixes(void)
{
	static gsize list;

	if (g_once_init_enter(&list)) {
		psl_ctx_t *loaded = psl_latest(NULL);

		g_once_init_leave(&list,
				  loaded != NULL
					  ? (gsize)loaded
					  : (gsize)psl_builtin());
	}
	return (const psl_ctx_t *)list;
}

char *
domain_org(const char *ascii)
{
	const char *org = psl_registrable_domain(suffixes(), ascii);

	return g_strdup(org != NULL ? org : ascii);
}

bool
domain_is_suffix(const char *ascii)
{
	return psl_is_public_suffix(suffixes(), ascii) != 0;
}

bool
domain_is_below(const char *ascii, const char *parent)
{
	size_t len = strlen(ascii), parent_len = strlen(parent);

	if (parent_len == 0 || len < parent_len ||
	    g_ascii_strcasecmp(ascii + len - parent_len, parent) != 0)
		return false;
	return len == parent_len || ascii[len - parent_len - 1] == '.';
}
