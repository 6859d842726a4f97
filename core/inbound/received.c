/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/inbound/received.h"

#include <string.h>

#include <glib.h>

#include "core/mail/mime.h"
#include "core/base/banned.h"

#define WORD_MAX 255

/* A name as given by a stranger, fit for a header field. */
static char *
clean(const char *text, const char *otherwise)
{
	GString *out = g_string_new(NULL);

	for (; *text != '\0' && out->len < WORD_MAX; text++)
		if (g_ascii_isalnum(*text) || strchr(".-_:[]", *text) != NULL)
			g_string_append_c(out, *text);
	if (out->len == 0)
		g_string_append(out, otherwise);
	return g_string_free(out, FALSE);
}

/* RFC 3848, as far as we know it */
static const char *
protocol(const char *door, const struct inbound_peer *peer)
{
	if (strcmp(door, "lmtp") == 0)
		return "LMTP";
	if (peer->tls[0] != '\0')
		return peer->auth[0] != '\0' ? "ESMTPSA" : "ESMTPS";
	return peer->auth[0] != '\0' ? "ESMTPA" : "ESMTP";
}

char *
received_field(const char *hostname, const char *door,
	       const struct inbound_peer *peer, const char *id,
	       const char *list)
{
	g_autofree char *helo = clean(peer->helo, "unknown");
	g_autofree char *host = clean(peer->host, "unknown");
	g_autofree char *addr = clean(peer->addr, "");
	g_autofree char *date = mime_date_now();
	GString *out = g_string_new("Received: from ");

	g_string_append(out, helo);
	if (addr[0] != '\0')
		g_string_append_printf(out, " (%s [%s])", host, addr);
	g_string_append_printf(out, "\r\n\tby %s (muster) with %s id %s",
			       hostname, protocol(door, peer), id);
	if (list != NULL)
		g_string_append_printf(out, "\r\n\tfor <%s>", list);
	g_string_append_printf(out, ";\r\n\t%s\r\n", date);
	return g_string_free(out, FALSE);
}
