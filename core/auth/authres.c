/* SPDX-License-Identifier: BSD-2-Clause */

/* Authentication-Results of others: read, and removed where forged. */
#include "core/auth/authres.h"

#include <string.h>

#include "core/base/banned.h"

#define ITEMS_MAX 100
#define COMMENT_DEPTH_MAX 20
#define FIELD "Authentication-Results"

/* --- the grammar of RFC 8601 section 2.2 -------------------------------- */

struct reader {
	const char *at;
	bool bad;
};

static void
skip_comment(struct reader *reader)
{
	unsigned int depth = 0;

	do {
		char c = *reader->at;

		if (c == '\0' || depth > COMMENT_DEPTH_MAX) {
			reader->bad = true;
			return;
		}
		if (c == '\\' && reader->at[1] != '\0')
			reader->at++;
		depth += c == '(';
		depth -= c == ')';
		reader->at++;
	} while (depth > 0);
}

static void
skip_cfws(struct reader *reader)
{
	while (!reader->bad) {
		reader->at += strspn(reader->at, " \t\r\n");
		if (*reader->at != '(')
			return;
		skip_comment(reader);
	}
}

size_t
authres_bare(const char *value, size_t len, char stop, GString *out)
{
	g_autofree char *text = g_strndup(value, len);
	struct reader reader = { .at = text };

	while (*reader.at != '\0' && *reader.at != stop) {
		if (*reader.at == '(') {
			skip_comment(&reader);
			if (reader.bad)
				return len;
			g_string_append_c(out, ' ');
		} else {
			g_string_append_c(out, *reader.at++);
		}
	}
	return *reader.at == stop ? (size_t)(reader.at - text) : len;
}

static char *
read_quoted(struct reader *reader)
{
	GString *text = g_string_new(NULL);

	for (reader->at++; *reader->at != '"'; reader->at++) {
		if (*reader->at == '\\' && reader->at[1] != '\0')
			reader->at++;
		if (*reader->at == '\0') {
			reader->bad = true;
			break;
		}
		g_string_append_c(text, *reader->at);
	}
	reader->at += !reader->bad;
	return g_string_free(text, FALSE);
}

/* A token or quoted-string; stop: what ends a token besides blanks. NULL:
 * neither. */
static char *
read_value(struct reader *reader, const char *stop)
{
	size_t len = 0;

	skip_cfws(reader);
	if (reader->bad)
		return NULL;
	if (*reader->at == '"')
		return read_quoted(reader);
	while (reader->at[len] != '\0' &&
	       strchr(stop, reader->at[len]) == NULL &&
	       (unsigned char)reader->at[len] > ' ')
		len++;
	reader->at += len;
	if (len == 0)
		reader->bad = true;
	return g_strndup(reader->at - len, len);
}

static bool
read_sign(struct reader *reader, char sign)
{
	skip_cfws(reader);
	if (reader->bad || *reader->at != sign)
		return false;
	reader->at++;
	return true;
}

/* authserv-id [ CFWS version ] */
static char *
read_id(struct reader *reader)
{
	char *id = read_value(reader, ";()\"");

	skip_cfws(reader);
	reader->at += strspn(reader->at, "0123456789");
	skip_cfws(reader);
	if (*reader->at != ';' && *reader->at != '\0')
		reader->bad = true;
	return id;
}

static void
item_free(void *data)
{
	struct authres_item *item = data;

	g_free(item->method);
	g_free(item->result);
	g_free(item->reason);
	g_hash_table_destroy(item->properties);
	g_free(item);
}

static char *
lower(char *text)
{
	char *out = text != NULL ? g_ascii_strdown(text, -1) : g_strdup("");

	g_free(text);
	return out;
}

/* A value, or an address whose local part may be quoted */
static char *
read_pvalue(struct reader *reader)
{
	char *value = read_value(reader, ";()\"");
	g_autofree char *domain = NULL;
	char *addr;

	if (value == NULL || *reader->at != '@')
		return value;
	domain = read_value(reader, ";()\"");
	addr = g_strconcat(value, domain, NULL);
	g_free(value);
	return addr;
}

/* ptype "." property "=" pvalue, or "reason" "=" value */
static void
read_property(struct reader *reader, struct authres_item *item)
{
	char *name = lower(read_value(reader, "=;()\""));
	char *value;

	if (!read_sign(reader, '=')) {
		reader->bad = true;
		g_free(name);
		return;
	}
	value = read_pvalue(reader);
	if (strcmp(name, "reason") == 0) {
		g_free(item->reason);
		item->reason = value != NULL ? value : g_strdup("");
		g_free(name);
	} else {
		g_hash_table_replace(item->properties, name,
				     value != NULL ? value : g_strdup(""));
	}
}

static struct authres_item *
read_item(struct reader *reader)
{
	struct authres_item *item = g_new0(struct authres_item, 1);
	char *slash;

	item->properties = g_hash_table_new_full(g_str_hash, g_str_equal,
						 g_free, g_free);
	item->reason = g_strdup("");
	item->method = lower(read_value(reader, "=;()\""));
	slash = strchr(item->method, '/');	/* its version */
	if (slash != NULL)
		*slash = '\0';
	if (strcmp(item->method, "none") == 0) {
		item->result = g_strdup("");
		return item;
	}
	if (!read_sign(reader, '='))
		reader->bad = true;
	item->result = lower(read_value(reader, ";()\""));
	for (;;) {
		skip_cfws(reader);
		if (reader->bad || *reader->at == '\0' || *reader->at == ';')
			return item;
		read_property(reader, item);
	}
}

GPtrArray *
authres_parse(const char *value, char **authserv_id)
{
	g_autoptr(GPtrArray) items = g_ptr_array_new_with_free_func(
		item_free);
	struct reader reader = {value, false};
	g_autofree char *id = read_id(&reader);

	while (!reader.bad && read_sign(&reader, ';')) {
		skip_cfws(&reader);
		if (*reader.at == '\0')
			break;	/* a last ";" that many write */
		if (items->len >= ITEMS_MAX)
			return NULL;
		g_ptr_array_add(items, read_item(&reader));
	}
	if (reader.bad || *reader.at != '\0')
		return NULL;
	if (authserv_id != NULL)
		*authserv_id = g_steal_pointer(&id);
	return g_steal_pointer(&items);
}

/* --- forged ones -------------------------------------------------------- */

static bool
is_below(const char *name, const char *parent)
{
	size_t len = strlen(name), parent_len = strlen(parent);

	if (len < parent_len ||
	    g_ascii_strcasecmp(name + len - parent_len, parent) != 0)
		return false;
	return len == parent_len || name[len - parent_len - 1] == '.';
}

/* Whoever reads it less strictly must not find our name in it either. */
static bool
claims_to_be_ours(const char *value, const char *authserv_id)
{
	struct reader reader = {value, false};
	g_autofree char *id = read_id(&reader);

	if (reader.bad || id == NULL)
		return true;
	(void)g_strstrip(id);
	if (g_str_has_suffix(id, "."))
		id[strlen(id) - 1] = '\0';
	return is_below(id, authserv_id);
}

unsigned int
authres_remove(struct header *header, const char *authserv_id)
{
	unsigned int removed = 0;

	for (guint i = header->fields->len; i > 0; i--) {
		const struct header_field *field = &g_array_index(
			header->fields, struct header_field, i - 1);
		g_autofree char *value = NULL;

		if (!header_field_is(field, FIELD))
			continue;
		value = header_value(header, (int)i - 1);
		if (!claims_to_be_ours(value, authserv_id))
			continue;
		g_array_remove_index(header->fields, i - 1);
		removed++;
	}
	return removed;
}
