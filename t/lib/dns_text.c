/* SPDX-License-Identifier: BSD-2-Clause */
#include "t/lib/dns_text.h"

#include <arpa/inet.h>
#include <string.h>

#include "core/base/banned.h"

static const struct {
	const char *name;
	uint16_t type;
} types[] = {
	{ "A", 1 },    { "NS", 2 },   { "CNAME", 5 }, { "SOA", 6 },
	{ "PTR", 12 }, { "MX", 15 },  { "TXT", 16 },  { "AAAA", 28 },
	{ "DS", 43 },  { "DNSKEY", 48 },
};

uint16_t
dns_text_type(const char *name)
{
	for (size_t i = 0; i < G_N_ELEMENTS(types); i++)
		if (g_ascii_strcasecmp(types[i].name, name) == 0)
			return types[i].type;
	return 0;
}

const char *
dns_text_type_name(uint16_t type)
{
	for (size_t i = 0; i < G_N_ELEMENTS(types); i++)
		if (types[i].type == type)
			return types[i].name;
	return "OTHER";
}

/* Behind the word that begins at text. */
static const char *
word_end(const char *text)
{
	bool is_quoted = *text == '"';

	if (is_quoted)
		text++;
	while (*text != '\0') {
		if (is_quoted && *text == '"')
			return text + 1;
		if (!is_quoted && g_ascii_isspace(*text))
			return text;
		text += text[0] == '\\' && text[1] != '\0' ? 2 : 1;
	}
	return text;
}

GPtrArray *
dns_text_words(const char *line)
{
	GPtrArray *words = g_ptr_array_new_with_free_func(g_free);
	const char *end;

	while (true) {
		while (g_ascii_isspace(*line))
			line++;
		if (*line == '\0' || *line == '#' || *line == ';')
			return words;
		end = word_end(line);
		g_ptr_array_add(words, g_strndup(line, (gsize)(end - line)));
		line = end;
	}
}

/* One byte, \X and \DDD resolved (RFC 1035 section 5.1). */
static uint8_t
take_byte(const char **at)
{
	const char *p = *at;

	if (p[0] != '\\' || p[1] == '\0') {
		*at = p + 1;
		return (uint8_t)p[0];
	}
	if (g_ascii_isdigit(p[1]) && g_ascii_isdigit(p[2]) &&
	    g_ascii_isdigit(p[3])) {
		*at = p + 4;
		return (uint8_t)(g_ascii_digit_value(p[1]) * 100 +
				 g_ascii_digit_value(p[2]) * 10 +
				 g_ascii_digit_value(p[3]));
	}
	*at = p + 2;
	return (uint8_t)p[1];
}

static void
put_byte(GByteArray *to, unsigned int value)
{
	uint8_t byte = (uint8_t)value;

	g_byte_array_append(to, &byte, 1);
}

GByteArray *
dns_text_name(const char *word)
{
	g_autoptr(GByteArray) name = g_byte_array_new();
	guint label_at = 0;

	if (strcmp(word, ".") == 0)
		word++;
	while (*word != '\0') {
		label_at = name->len;
		put_byte(name, 0);
		while (*word != '\0' && *word != '.')
			put_byte(name, (unsigned char)g_ascii_tolower(
					       (char)take_byte(&word)));
		name->data[label_at] = (uint8_t)(name->len - label_at - 1);
		if (name->data[label_at] == 0 || name->len - label_at > 64)
			return NULL;
		if (*word == '.')
			word++;
	}
	put_byte(name, 0);
	return name->len > 255 ? NULL : g_steal_pointer(&name);
}

char *
dns_text_of_name(const uint8_t *wire, size_t len, size_t *end)
{
	g_autoptr(GString) name = g_string_new(NULL);
	size_t at = 0, label;

	for (; at < len && (label = wire[at]) != 0; at += label + 1) {
		if (label > 63 || label + 1 > len - at)
			return NULL;
		if (name->len > 0)
			g_string_append_c(name, '.');
		for (size_t i = at + 1; i <= at + label; i++) {
			char c = g_ascii_tolower((char)wire[i]);

			if (g_ascii_isalnum(c) || c == '-' || c == '_')
				g_string_append_c(name, c);
			else
				g_string_append_printf(name, "\\%03u",
						       wire[i]);
		}
	}
	if (at >= len)
		return NULL;
	if (end != NULL)
		*end = at + 1;
	return g_strdup(name->len == 0 ? "." : name->str);
}

/* A string of TXT; what is longer than 255 goes on in further ones. */
static void
put_string(GByteArray *data, const char *word)
{
	g_autoptr(GByteArray) bytes = g_byte_array_new();
	guint at = 0, part;
	const char *stop = word + strlen(word);

	if (*word == '"') {
		word++;
		stop -= stop > word && stop[-1] == '"';
	}
	while (word < stop)
		put_byte(bytes, take_byte(&word));
	do {
		part = MIN(bytes->len - at, 255);
		put_byte(data, part);
		g_byte_array_append(data, bytes->data + at, part);
		at += part;
	} while (at < bytes->len);
}

static bool
put_address(GByteArray *data, int family, guint len, const char *word)
{
	uint8_t bytes[16];

	if (inet_pton(family, word, bytes) != 1)
		return false;
	g_byte_array_append(data, bytes, len);
	return true;
}

static bool
put_name(GByteArray *data, const char *word)
{
	g_autoptr(GByteArray) name = dns_text_name(word);

	if (name == NULL)
		return false;
	g_byte_array_append(data, name->data, name->len);
	return true;
}

static bool
put_mx(GByteArray *data, char *const *words)
{
	guint64 preference;

	if (!g_ascii_string_to_unsigned(words[0], 10, 0, 65535, &preference,
					NULL))
		return false;
	put_byte(data, (unsigned int)preference >> 8);
	put_byte(data, (unsigned int)preference & 255);
	return put_name(data, words[1]);
}

GByteArray *
dns_text_data(uint16_t type, char *const *words, guint count)
{
	g_autoptr(GByteArray) data = g_byte_array_new();
	const char *name = dns_text_type_name(type);
	bool ok = false;

	if (count == 0)
		return NULL;
	if (strcmp(name, "TXT") == 0) {
		for (guint i = 0; i < count; i++)
			put_string(data, words[i]);
		ok = data->len <= 65000;
	} else if (strcmp(name, "A") == 0) {
		ok = put_address(data, AF_INET, 4, words[0]);
	} else if (strcmp(name, "AAAA") == 0) {
		ok = put_address(data, AF_INET6, 16, words[0]);
	} else if (strcmp(name, "MX") == 0) {
		ok = count == 2 && put_mx(data, words);
	} else if (strcmp(name, "PTR") == 0 || strcmp(name, "CNAME") == 0) {
		ok = put_name(data, words[0]);
	}
	return ok ? g_steal_pointer(&data) : NULL;
}
