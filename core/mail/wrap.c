/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "core/mail/mime.h"
#include "core/mail/via.h"
#include "core/base/banned.h"

/* --- which field is where ----------------------------------------------- */

/* What a list puts on top, or puts in place of what came */
static bool
is_lists(const struct header_field *field)
{
	static const char *const names[] = {
		"X-Loop", "Precedence", "Sender", "Authentication-Results",
		"Archived-At", "Reply-To", "Subject", NULL
	};

	return header_field_begins(field, "List-") ||
		header_field_in(field, names);
}

/* What the outer message has, besides: what threads, replies and filters go
 * by, the way here, which ends loops, and the chain that is sealed on. */
static bool
is_outer(const struct header_field *field)
{
	static const char *const names[] = {
		"From", "To", "Cc", "Date", "Message-ID", "References",
		"In-Reply-To", "Author", "Received", "Auto-Submitted", NULL
	};

	return is_lists(field) || header_field_begins(field, "ARC-") ||
		header_field_in(field, names);
}

static const struct header_field *
field_at(const struct header *header, guint index)
{
	return &g_array_index(header->fields, struct header_field, index);
}

static GBytes *
bytes_of(const struct header_field *field)
{
	return g_bytes_new_static(field->raw, field->raw_len);
}

static void
unref_bytes(void *bytes)
{
	g_bytes_unref(bytes);
}

/* The fields that came, by their bytes */
static GHashTable *
fields_of(const struct header *came)
{
	GHashTable *fields = g_hash_table_new_full(g_bytes_hash,
						   g_bytes_equal,
						   unref_bytes, NULL);

	for (guint i = 0; i < came->fields->len; i++)
		g_hash_table_add(fields, bytes_of(field_at(came, i)));
	return fields;
}

static bool
has_come(GHashTable *fields, const struct header_field *field)
{
	g_autoptr(GBytes) bytes = bytes_of(field);

	return g_hash_table_contains(fields, bytes);
}

/* --- the content -------------------------------------------------------- */

static void
put_field(GString *out, const struct header_field *field)
{
	g_string_append_len(out, field->raw, (gssize)field->raw_len);
	if (out->str[out->len - 1] != '\n')
		g_string_append(out, "\r\n");
}

/* The Subject that came, where the list has put another in its place */
static void
put_subject(GString *out, const struct header *came)
{
	int index = header_find(came, "Subject", 0);

	if (index >= 0)
		put_field(out, field_at(came, (guint)index));
}

static void
put_inner(GString *out, const struct header *header,
	  const struct header *came, const char *body, size_t len)
{
	g_autoptr(GHashTable) fields = fields_of(came);
	static const char *const subject[] = { "Subject", NULL };

	for (guint i = 0; i < header->fields->len; i++) {
		const struct header_field *field = field_at(header, i);

		if (!is_lists(field) || has_come(fields, field))
			put_field(out, field);
		else if (header_field_in(field, subject))
			put_subject(out, came);
	}
	g_string_append(out, "\r\n");
	g_string_append_len(out, body, (gssize)len);
}

/* --- around it ---------------------------------------------------------- */

/* There is one of that name already, and may be no other (RFC 5322 section
 * 3.6): whoever made the post did not know. */
static bool
is_one_too_many(const struct header *header, guint count,
		const struct header_field *field)
{
	static const char *const once[] = {
		"To", "Cc", "Date", "Message-ID", "References",
		"In-Reply-To", "Subject", "Reply-To", NULL
	};

	if (!header_field_in(field, once))
		return false;
	for (guint i = 0; i < count; i++) {
		const struct header_field *other = field_at(header, i);

		if (other->name_len == field->name_len &&
		    g_ascii_strncasecmp(other->raw, field->raw,
					field->name_len) == 0)
			return true;
	}
	return false;
}

static void
keep_outer(struct header *header)
{
	guint kept = 0;

	for (guint i = 0; i < header->fields->len; i++) {
		const struct header_field field = *field_at(header, i);

		if (is_outer(&field) &&
		    !is_one_too_many(header, kept, &field))
			g_array_index(header->fields, struct header_field,
				      kept++) = field;
	}
	g_array_set_size(header->fields, kept);
}

void
via_wrap(struct header *header, const struct header *came, const char *body,
	 size_t len, const char *list, bool reply_is_lists, GString *out)
{
	const gsize from = out->len;

	put_inner(out, header, came, body, len);
	keep_outer(header);
	via_set_from(header, list, reply_is_lists);
	header_append(header, "MIME-Version", "1.0");
	header_append(header, "Content-Type", "message/rfc822");
	header_append(header, "Content-Disposition", "inline");
	header_append(header, "Content-Transfer-Encoding",
		      mime_is_ascii(out->str + from, out->len - from) ? "7bit" :
		      "8bit");
}
