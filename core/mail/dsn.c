/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Delivery status notifications (RFC 3464, RFC 6533), read from the parts of
 * type message/delivery-status that are the post's own, not those of a
 * message which it contains. Reporters differ more than the RFC allows:
 * empty lines within a recipient's fields or none between two, fields left
 * out, types in any case. So fields are taken one by one, and a recipient
 * ends where the next begins.
 */
#include <string.h>

#include "core/mail/mime.h"
#include "core/mail/part.h"
#include "core/base/banned.h"

#define RECIPIENTS_MAX 1000
#define DIAGNOSTIC_MAX 400
#define STATUS_PART_MAX (1024 * 1024)

/* --- values ------------------------------------------------------------- */

/* UTF-8 on one line, with single blanks. */
static char *
one_line(const char *value)
{
	g_autofree char *text = g_utf8_make_valid(value, -1);
	char *to = text;

	for (const char *from = text; *from != '\0'; from++)
		if (*from != ' ' || (to > text && to[-1] != ' '))
			*to++ = *from;
	*to = '\0';
	return g_strchomp(g_steal_pointer(&text));
}

/* "smtp; text" -> "text", *type_len that of "smtp"; 0: it has no type. */
static const char *
behind_type(const char *value, size_t *type_len)
{
	size_t len = strspn(value, "abcdefghijklmnopqrstuvwxyz"
			    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.");
	const char *end = value + len + strspn(value + len, " ");

	*type_len = 0;
	if (len == 0 || *end != ';' || g_ascii_isdigit(value[0]))
		return value;
	*type_len = len;
	return end + 1 + strspn(end + 1, " ");
}

/* An octet that "xtext" cannot hold as itself (RFC 3461 section 4). */
static bool
needs_escape(int octet)
{
	return octet <= ' ' || octet >= 0x7f || octet == '+' || octet == '=';
}

/*
 * Who makes a report should have undone the xtext of ORCPT; some have not.
 * It is taken for xtext only if all of it is, with no more escapes than
 * needed, so that "ann+41@" keeps its plus. NULL: it is none.
 */
static char *
undo_xtext(const char *text)
{
	g_autoptr(GString) out = g_string_new(NULL);

	if (strchr(text, '+') == NULL || strchr(text, '=') != NULL)
		return NULL;
	for (; *text != '\0'; text++) {
		int high, low;

		if (*text != '+') {
			g_string_append_c(out, *text);
			continue;
		}
		high = g_ascii_xdigit_value(text[1]);
		low = high < 0 ? -1 : g_ascii_xdigit_value(text[2]);
		if (low < 0 || g_ascii_islower(text[1]) ||
		    g_ascii_islower(text[2]) || high * 16 + low < ' ' ||
		    !needs_escape(high * 16 + low))
			return NULL;
		g_string_append_c(out, (char)(high * 16 + low));
		text += 2;
	}
	return g_utf8_validate(out->str, -1, NULL) ? g_strdup(out->str)
						   : NULL;
}

/* "\x{EC}" -> that character (RFC 6533 section 3, utf-8-addr-xtext). */
static char *
undo_unicode(const char *text)
{
	GString *out = g_string_new(NULL);

	while (*text != '\0') {
		char *end = NULL;
		guint64 code = 0;

		if (g_str_has_prefix(text, "\\x{") &&
		    g_ascii_isxdigit(text[3]))
			code = g_ascii_strtoull(text + 3, &end, 16);
		if (end != NULL && *end == '}' && code > ' ' &&
		    code <= 0x10ffff && g_unichar_validate((gunichar)code)) {
			g_string_append_unichar(out, (gunichar)code);
			text = end + 1;
		} else {
			g_string_append_c(out, *text++);
		}
	}
	return g_string_free(out, FALSE);
}

/* What stands before a blank, a comment or ">" that are not quoted. */
static char *
first_word(const char *text)
{
	bool quoted = false;
	size_t len = 0;

	if (text[0] == '(')	/* a comment in front */
		text += strcspn(text, ")") + (strchr(text, ')') != NULL);
	text += strspn(text, " <");
	for (; text[len] != '\0'; len++) {
		if (text[len] == '"')
			quoted = !quoted;
		else if (text[len] == '\\' && text[len + 1] != '\0')
			len++;
		else if (!quoted && strchr(" (>", text[len]) != NULL)
			break;
	}
	return g_strndup(text, len);
}

/* "rfc822; <ann@example.org> (Ann)" -> "ann@example.org" */
static char *
address_of(const char *value)
{
	size_t type;
	g_autofree char *word = first_word(behind_type(value, &type));
	char *plain;

	if (type == 5 && g_ascii_strncasecmp(value, "utf-8", 5) == 0)
		plain = undo_unicode(word);
	else
		plain = undo_xtext(word);
	return plain != NULL ? plain : g_steal_pointer(&word);
}

/* "5.1.1 (bad mailbox)" -> "5.1.1" */
static char *
status_of(const char *value)
{
	size_t len = strspn(value, "0123456789.");

	return g_strndup(value, len >= 5 && len <= 9 ? len : 0);
}

static char *
diagnostic_of(const char *value)
{
	size_t type;
	const char *text = behind_type(value, &type);
	const char *end = text + strlen(text);

	if (end - text > DIAGNOSTIC_MAX)	/* at a character's end */
		end = g_utf8_find_prev_char(text, text + DIAGNOSTIC_MAX + 1);
	return g_strndup(text, (gsize)(end - text));
}

/* --- recipients --------------------------------------------------------- */

enum field { FIELD_ORIGINAL, FIELD_FINAL, FIELD_ACTION, FIELD_STATUS,
	     FIELD_DIAGNOSTIC, FIELD_COUNT };

static const char *const field_names[FIELD_COUNT] = {
	"Original-Recipient", "Final-Recipient", "Action", "Status",
	"Diagnostic-Code",
};

struct reading {
	struct dsn *dsn;
	char *values[FIELD_COUNT];	/* of the recipient being read */
	bool gap;			/* an empty line since the last */
};

static void
recipient_free(void *data)
{
	struct dsn_recipient *one = data;

	g_free(one->original);
	g_free(one->final);
	g_free(one->status);
	g_free(one->diagnostic);
	g_free(one);
}

/* A report that has no Action, which the RFC demands, or one in a language
 * of its own, speaks by its Status. */
static enum dsn_action
action_of(const char *action, const char *status)
{
	static const struct { const char *word; enum dsn_action action; }
	known[] = {
		{ "fail", DSN_FAILED }, { "expire", DSN_FAILED },
		{ "delay", DSN_DELAYED },
		{ "deliver", DSN_OTHER }, { "relay", DSN_OTHER },
		{ "expand", DSN_OTHER },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(known); i++)
		if (g_ascii_strncasecmp(action, known[i].word,
					strlen(known[i].word)) == 0)
			return known[i].action;
	return status[0] == '5' ? DSN_FAILED : status[0] == '4' ?
		DSN_DELAYED : DSN_OTHER;
}

static bool
has(const struct reading *reading, enum field field)
{
	return reading->values[field] != NULL;
}

static const char *
value_of(const struct reading *reading, enum field field)
{
	return has(reading, field) ? reading->values[field] : "";
}

/* The recipient is complete, or there is none. */
static void
flush(struct reading *reading)
{
	if ((has(reading, FIELD_ORIGINAL) || has(reading, FIELD_FINAL) ||
	     has(reading, FIELD_ACTION)) &&
	    reading->dsn->recipients->len < RECIPIENTS_MAX) {
		struct dsn_recipient *one = g_new0(struct dsn_recipient, 1);

		one->original = address_of(value_of(reading, FIELD_ORIGINAL));
		one->final = address_of(value_of(reading, FIELD_FINAL));
		one->status = status_of(value_of(reading, FIELD_STATUS));
		one->diagnostic = diagnostic_of(value_of(reading,
							 FIELD_DIAGNOSTIC));
		one->action = action_of(value_of(reading, FIELD_ACTION),
					one->status);
		g_ptr_array_add(reading->dsn->recipients, one);
	}
	for (int i = 0; i < FIELD_COUNT; i++)
		g_clear_pointer(&reading->values[i], g_free);
}

/* Does this field begin another recipient than the one being read? */
static bool
is_next(const struct reading *reading, enum field field)
{
	bool named = has(reading, FIELD_ORIGINAL) || has(reading, FIELD_FINAL);

	if (has(reading, field))
		return field == FIELD_ORIGINAL || field == FIELD_FINAL ||
			reading->gap;
	return reading->gap && named && field <= FIELD_FINAL;
}

static void
read_field(struct reading *reading, const struct header *group, int index)
{
	const struct header_field *raw = &g_array_index(
		group->fields, struct header_field, (guint)index);
	g_autofree char *name = g_strndup(raw->raw, raw->name_len);
	g_autofree char *value = NULL, *line = NULL;

	value = header_value(group, index);
	line = one_line(value);
	if (g_ascii_strcasecmp(name, "Original-Envelope-Id") == 0) {
		g_free(reading->dsn->envelope_id);
		reading->dsn->envelope_id = g_steal_pointer(&line);
		return;
	}
	for (int i = 0; i < FIELD_COUNT; i++) {
		if (g_ascii_strcasecmp(name, field_names[i]) != 0)
			continue;
		if (is_next(reading, (enum field)i))
			flush(reading);
		reading->gap = false;
		if (!has(reading, (enum field)i))
			reading->values[i] = g_steal_pointer(&line);
		return;
	}
}

/* Groups of fields with empty lines between (RFC 3464 section 2.1). A line
 * that is no field is passed over. */
static void
read_groups(struct span text, struct dsn *out)
{
	struct reading reading = { .dsn = out };
	struct header group;
	size_t at;

	while (text.len > 0 && header_parse(text.bytes, text.len, &group,
					    &at)) {
		for (guint i = 0; i < group.fields->len; i++)
			read_field(&reading, &group, (int)i);
		reading.gap = true;
		header_done(&group);
		text.bytes += at;
		text.len -= at;
		if (at == 0)
			(void) span_line(&text);
	}
	flush(&reading);
}

/* --- the parts ---------------------------------------------------------- */

static bool
is_status(const struct piece *piece)
{
	return piece->kind == PIECE_LEAF && !piece->part->is_inside &&
		(strcmp(piece->part->type, "message/delivery-status") == 0 ||
		 strcmp(piece->part->type,
			"message/global-delivery-status") == 0);
}

static void
read_part(const struct piece *piece, struct dsn *out)
{
	g_autoptr(GByteArray) text = part_decode(piece->part, (struct span){
		piece->span.bytes, MIN(piece->span.len, STATUS_PART_MAX) });

	read_groups((struct span){ (const char *)text->data, text->len },
		    out);
}

bool
mime_dsn(const char *bytes, size_t len, struct dsn *out)
{
	struct dsn dsn = { 0 };
	struct parts parts;

	if (!parts_read(bytes, len, &parts))
		return false;
	for (guint i = 0; i < parts.pieces->len; i++) {
		const struct piece *piece = &g_array_index(parts.pieces,
							   struct piece, i);

		if (!is_status(piece))
			continue;
		if (dsn.recipients == NULL)
			dsn = (struct dsn){ g_strdup(""),
				g_ptr_array_new_with_free_func(
					recipient_free) };
		read_part(piece, &dsn);
	}
	parts_done(&parts);
	if (dsn.recipients == NULL)
		return false;
	*out = dsn;
	return true;
}

bool
mime_dsn_text(const char *text, size_t len, struct dsn *out)
{
	struct dsn dsn = { g_strdup(""),
			   g_ptr_array_new_with_free_func(recipient_free) };

	read_groups((struct span){ text, MIN(len, STATUS_PART_MAX) }, &dsn);
	if (dsn.recipients->len == 0) {
		dsn_done(&dsn);
		return false;
	}
	*out = dsn;
	return true;
}

void
dsn_done(struct dsn *dsn)
{
	g_clear_pointer(&dsn->envelope_id, g_free);
	g_clear_pointer(&dsn->recipients, g_ptr_array_unref);
}
