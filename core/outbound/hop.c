/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/outbound/hop.h"

#include <errno.h>
#include <netdb.h>
#include <sys/socket.h>

#include <glib.h>

#include "core/base/log.h"
#include "core/base/wire.h"
#include "core/base/banned.h"

#define PAUSE_FIRST_MS 1000
#define PAUSE_MOST_MS 60000

struct hop *
hop_new(const struct relay_addr *addr)
{
	struct hop *hop = g_new0(struct hop, 1);

	hop->host = g_strdup(addr->host);
	hop->port = addr->port;
	hop->weight = addr->weight;
	return hop;
}

void
hop_free(struct hop *hop)
{
	g_free(hop->why);
	g_free(hop->host);
	g_free(hop);
}

/* Replies may hold anything. */
char *
printable_reply(int code, const char *text)
{
	g_autofree char *line = code > 0 ?
		g_strdup_printf("%d %.800s", code, text) : g_strdup(text);
	char *valid = g_utf8_make_valid(line, -1);

	for (char *p = valid; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = ' ';
	return valid;
}

void
hop_failed(struct hop *hop, int code, const char *text)
{
	g_autofree char *why = printable_reply(code, text);
	bool was_up = !hop_is_down(hop);

	if (wire_now_ms() < hop->pause_until_ms)
		return;
	hop->pause_ms = was_up ? PAUSE_FIRST_MS :
		MIN(hop->pause_ms * 2, PAUSE_MOST_MS);
	hop->pause_until_ms = wire_now_ms() + hop->pause_ms;
	if (was_up)
		log_warning(NULL, "outbound.relay-down",
			    kv_str("host", hop->host),
			    kv_num("port", hop->port), kv_str("why", why),
			    kv_str("todo", "see that the relay runs; muster "
				   "goes on by itself"));
	g_free(hop->why);
	hop->why = g_steal_pointer(&why);
}

void
hop_served(struct hop *hop)
{
	if (!hop_is_down(hop) || wire_now_ms() < hop->pause_until_ms)
		return;
	hop->pause_ms = 0;
	hop->pause_until_ms = 0;
	log_info(NULL, "outbound.relay-up", kv_str("host", hop->host),
		 kv_num("port", hop->port));
}

bool
hop_is_ready(const struct hop *hop, int64_t now_ms)
{
	return now_ms >= hop->pause_until_ms;
}

struct conn *
hop_connect(struct hop *hop, struct settings *settings,
	    const struct conn_events *events)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
				  .ai_flags = AI_NUMERICSERV };
	struct addrinfo *found = NULL;
	struct conn *conn = NULL;
	char port[16];
	int rc;

	(void) g_snprintf(port, sizeof(port), "%d", (int)hop->port);
	rc = getaddrinfo(hop->host, port, &hints, &found);
	if (rc != 0) {
		hop_failed(hop, 0, gai_strerror(rc));
		return NULL;
	}
	for (struct addrinfo *at = found; at != NULL && conn == NULL;
	     at = at->ai_next)
		conn = conn_open(at->ai_addr, at->ai_addrlen, settings,
				 events);
	if (conn == NULL)
		hop_failed(hop, 0, g_strerror(errno));
	freeaddrinfo(found);
	return conn;
}
