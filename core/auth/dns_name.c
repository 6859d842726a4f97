/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/auth/dns_name.h"

#include <stdbool.h>
#include <string.h>

#include <glib.h>

#include "core/base/banned.h"

static bool
has_good_labels(const char *name, size_t len)
{
	size_t label = 0;

	for (size_t i = 0; i < len; i++) {
		if (name[i] != '.') {
			label++;
			continue;
		}
		if (label == 0 || label > DNS_LABEL_MAX)
			return false;
		label = 0;
	}
	return label > 0 && label <= DNS_LABEL_MAX;
}

char *
dns_name_canon(const char *name)
{
	size_t len = strnlen(name, DNS_NAME_MAX + 2);

	if (len > 0 && name[len - 1] == '.')
		len--;
	if (len > DNS_NAME_MAX || !has_good_labels(name, len))
		return NULL;
	return g_ascii_strdown(name, (gssize)len);
}

char *
dns_name_escape(const char *canon)
{
	GString *out = g_string_new(NULL);

	for (; *canon != '\0'; canon++) {
		if (g_ascii_isalnum(*canon) || strchr("-_.", *canon) != NULL)
			g_string_append_c(out, *canon);
		else
			g_string_append_printf(out, "\\%03u",
					       (unsigned char)*canon);
	}
	return g_string_free(out, FALSE);
}

static bool
is_plain_label(const uint8_t *label, size_t len)
{
	return memchr(label, '.', len) == NULL &&
	       memchr(label, '\0', len) == NULL;
}

char *
dns_name_of_wire(const uint8_t *wire, size_t len)
{
	g_autoptr(GString) out = g_string_new(NULL);
	size_t at = 0, label;

	while (at < len && (label = wire[at]) != 0) {
		at++;
		if (label > DNS_LABEL_MAX || label >= len - at ||
		    !is_plain_label(wire + at, label))
			return NULL;
		if (out->len > 0)
			g_string_append_c(out, '.');
		g_string_append_len(out, (const char *)wire + at,
				    (gssize)label);
		at += label;
	}
	if (at + 1 != len || out->len > DNS_NAME_MAX)
		return NULL;
	return g_ascii_strdown(out->str, (gssize)out->len);
}
