/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/inbound/repeat.h"

#include <stdbool.h>
#include <string.h>

#include <glib.h>

#include "core/base/banned.h"

/*
 * What differs between two attempts of one client, and must stay out:
 *
 * - Postfix adds a missing Message-Id (with its queue id in it), Date, From
 *   and To at the end of the header block, new at each attempt. So from a
 *   Message-Id that holds the queue id on, those names do not count.
 * - A client that gave a Message-ID but no Date gets a new Date from Postfix
 *   each time. Where the client's Message-ID is there it tells posts apart,
 *   so the Date does not count.
 * - Filters before us add fields, some with times.
 *
 * Two posts of a client that gives no Message-ID and no Date, equal in all
 * else, are one post: they cannot be told from a repeat.
 */

static bool
is_of_filters(const struct header_field *field)
{
	static const char *const names[] = {
		"Authentication-Results", "Received-SPF", "Return-Path",
		"Delivered-To", "X-Original-To", NULL
	};
	static const char *const prefixes[] = {
		"X-Spam", "X-Virus", "X-Rspamd", "X-Greylist", NULL
	};

	for (int i = 0; names[i] != NULL; i++)
		if (header_field_is(field, names[i]))
			return true;
	for (int i = 0; prefixes[i] != NULL; i++)
		if (header_field_begins(field, prefixes[i]))
			return true;
	return false;
}

static bool
is_added_by_mta(const struct header_field *field)
{
	static const char *const names[] = {
		"Date", "From", "To", "Message-ID", NULL
	};

	return header_field_in(field, names);
}

static void
digest_header(GChecksum *sum, const struct header *header, const char *qid)
{
	g_autofree char *id = header_get(header, "Message-ID");
	int id_at = header_find(header, "Message-ID", 0);
	bool id_is_mta = id != NULL && qid[0] != '\0' &&
		strstr(id, qid) != NULL;

	for (guint i = 0; i < header->fields->len; i++) {
		const struct header_field *field = &g_array_index(
			header->fields, struct header_field, i);

		if (is_of_filters(field))
			continue;
		if (id_is_mta ? (int)i >= id_at && is_added_by_mta(field)
			      : id != NULL && header_field_is(field, "Date"))
			continue;
		g_checksum_update(sum, (const guchar *)field->raw,
				  (gssize)field->raw_len);
	}
}

static void
finish(GChecksum *sum, uint8_t out[REPEAT_KEY_LEN])
{
	gsize len = REPEAT_KEY_LEN;

	g_checksum_get_digest(sum, out, &len);
	g_checksum_free(sum);
}

void
repeat_digest(const struct header *header, const char *body, size_t body_len,
	      const char *qid, uint8_t out[REPEAT_KEY_LEN])
{
	GChecksum *sum = g_checksum_new(G_CHECKSUM_SHA256);

	digest_header(sum, header, qid);
	g_checksum_update(sum, (const guchar *)"\r\n", 2);
	g_checksum_update(sum, (const guchar *)body, (gssize)body_len);
	finish(sum, out);
}

void
repeat_key(const uint8_t digest[REPEAT_KEY_LEN], const char *sender,
	   const char *list, const char *role, const char *detail,
	   uint8_t out[REPEAT_KEY_LEN])
{
	GChecksum *sum = g_checksum_new(G_CHECKSUM_SHA256);
	const char *const texts[] = { sender, list, role, detail };

	/* With their final NUL, so that no two lists of texts look alike. */
	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
		g_checksum_update(sum, (const guchar *)texts[i],
				  (gssize)strlen(texts[i]) + 1);
	g_checksum_update(sum, digest, REPEAT_KEY_LEN);
	finish(sum, out);
}
