/* SPDX-License-Identifier: BSD-2-Clause */
#include "t/lib/dns_zone.h"

#include <string.h>

#include "t/lib/dns_text.h"
#include "core/base/banned.h"

static const struct {
	const char *word;
	enum dns_how how;
	guint64 most;	/* of the number behind it; 0: there is none */
} hows[] = {
	{ "SERVFAIL", IS_SERVFAIL, 0 },
	{ "REFUSED", IS_REFUSED, 0 },
	{ "SILENT", IS_SILENT, 0 },
	{ "TRUNCATE", IS_TRUNCATE, 0 },
	{ "TRUNCATE-SILENT", IS_TRUNCATE_SILENT, 0 },
	{ "GARBAGE", IS_GARBAGE, 0 },
	{ "LIE", IS_LIE, 0 },
	{ "DELAY", IS_DELAY, 600000 },
	{ "HUGE", IS_HUGE, 64000 },
};

static const struct dns_behaviour plain;

struct dns_zone {
	GHashTable *records;	/* name -> GPtrArray of struct
				 * dns_zone_record; those above have an empty
				 * one */
	GHashTable *behaviours;	/* name -> struct dns_behaviour */
	guint32 ttl_s;
};

static void
record_free(gpointer data)
{
	struct dns_zone_record *record = data;

	if (record->data != NULL)
		g_byte_array_unref(record->data);
	g_free(record);
}

static GPtrArray *
records_at(struct dns_zone *zone, const char *name)
{
	GPtrArray *records = g_hash_table_lookup(zone->records, name);

	if (records != NULL)
		return records;
	records = g_ptr_array_new_with_free_func(record_free);
	g_hash_table_insert(zone->records, g_strdup(name), records);
	return records;
}

static const char *
parent_of(const char *name)
{
	const char *dot = strchr(name, '.');

	if (strcmp(name, ".") == 0)
		return NULL;
	return dot == NULL ? "." : dot + 1;
}

static bool
add_record(struct dns_zone *zone, const char *name, char *const *words,
	   guint count)
{
	struct dns_zone_record *record;
	uint16_t type = dns_text_type(words[0]);
	GByteArray *data = dns_text_data(type, words + 1, count - 1);

	if (data == NULL)
		return false;
	record = g_new(struct dns_zone_record, 1);
	record->type = type;
	record->data = data;
	g_ptr_array_add(records_at(zone, name), record);
	while ((name = parent_of(name)) != NULL)
		(void)records_at(zone, name);
	return true;
}

static bool
add_behaviour(struct dns_zone *zone, const char *name, size_t which,
	      char *const *words, guint count)
{
	struct dns_behaviour *behaviour =
		g_hash_table_lookup(zone->behaviours, name);
	guint64 number = 0;

	if (count != (hows[which].most > 0 ? 2U : 1U) ||
	    (count == 2 &&
	     !g_ascii_string_to_unsigned(words[1], 10, 1, hows[which].most,
					 &number, NULL)))
		return false;
	if (behaviour == NULL) {
		behaviour = g_new0(struct dns_behaviour, 1);
		g_hash_table_insert(zone->behaviours, g_strdup(name),
				    behaviour);
	}
	behaviour->how |= hows[which].how;
	if (hows[which].how == IS_DELAY)
		behaviour->delay_ms = (int)number;
	if (hows[which].how == IS_HUGE)
		behaviour->huge = (guint)number;
	return true;
}

static bool
add_line(struct dns_zone *zone, char *const *words, guint count)
{
	g_autoptr(GByteArray) wire = dns_text_name(words[0]);
	g_autofree char *name = NULL;
	guint64 ttl_s;

	if (count < 2 || wire == NULL)
		return false;
	if (strcmp(words[0], "$TTL") == 0) {
		if (!g_ascii_string_to_unsigned(words[1], 10, 0, 86400,
						&ttl_s, NULL))
			return false;
		zone->ttl_s = (guint32)ttl_s;
		return true;
	}
	name = dns_text_of_name(wire->data, wire->len, NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(hows); i++)
		if (strcmp(hows[i].word, words[1]) == 0)
			return add_behaviour(zone, name, i, words + 1,
					     count - 1);
	return add_record(zone, name, words + 1, count - 1);
}

struct dns_zone *
dns_zone_parse(const char *text, char **problem)
{
	struct dns_zone *zone = g_new0(struct dns_zone, 1);
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

	zone->ttl_s = 300;
	zone->records = g_hash_table_new_full(
		g_str_hash, g_str_equal, g_free,
		(GDestroyNotify)g_ptr_array_unref);
	zone->behaviours = g_hash_table_new_full(g_str_hash, g_str_equal,
						 g_free, g_free);
	(void)records_at(zone, ".");
	for (size_t i = 0; lines[i] != NULL; i++) {
		g_autoptr(GPtrArray) words = dns_text_words(lines[i]);

		if (words->len == 0 ||
		    add_line(zone, (char *const *)words->pdata, words->len))
			continue;
		*problem = g_strdup_printf("line %zu: %s", i + 1, lines[i]);
		dns_zone_free(zone);
		return NULL;
	}
	return zone;
}

void
dns_zone_free(struct dns_zone *zone)
{
	if (zone == NULL)
		return;
	g_hash_table_unref(zone->records);
	g_hash_table_unref(zone->behaviours);
	g_free(zone);
}

const struct dns_behaviour *
dns_zone_behaviour(const struct dns_zone *zone, const char *name)
{
	const struct dns_behaviour *behaviour;

	for (; name != NULL; name = parent_of(name)) {
		behaviour = g_hash_table_lookup(zone->behaviours, name);
		if (behaviour != NULL)
			return behaviour;
	}
	return &plain;
}

const GPtrArray *
dns_zone_records(const struct dns_zone *zone, const char *name)
{
	return g_hash_table_lookup(zone->records, name);
}

guint32
dns_zone_ttl_s(const struct dns_zone *zone)
{
	return zone->ttl_s;
}
