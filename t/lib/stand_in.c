/* SPDX-License-Identifier: BSD-2-Clause */
#include "t/lib/stand_in.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/banned.h"

static char *
set_key(enum set_kind kind, const char *name, const char *text)
{
	return g_strdup_printf("%d(%s)%s", (int)kind, name, text);
}

static bool
get(void *arg, enum fact_id fact, const char *argument, int64_t seconds,
    struct fact_value *out)
{
	struct stand_in *in = arg;

	(void) argument;
	(void) seconds;
	in->asked[fact]++;
	if (!in->known[fact])
		return false;
	out->number = in->numbers[fact];
	out->texts = (const char *const *)in->texts[fact];
	return true;
}

static enum truth
is_in(void *arg, enum set_kind kind, const char *name, const char *text)
{
	struct stand_in *in = arg;
	g_autofree char *key = set_key(kind, name, text);

	if (!in->sets_known[kind])
		return TRUTH_UNKNOWN;
	return g_hash_table_contains(in->in, key) ? TRUTH_YES : TRUTH_NO;
}

struct stand_in *
stand_in_new(void)
{
	struct stand_in *in = g_new0(struct stand_in, 1);

	in->source = (struct fact_source){ get, is_in, in };
	in->in = g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
				       NULL);
	return in;
}

void
stand_in_free(struct stand_in *in)
{
	for (size_t i = 0; i < FACT_COUNT; i++)
		g_strfreev(in->texts[i]);
	g_hash_table_unref(in->in);
	g_free(in);
}

void
stand_in_set(struct stand_in *in, const char *name, const char *value)
{
	const struct fact *fact = fact_find(name);

	if (fact == NULL)
		g_error("no fact %s", name);
	in->known[fact->id] = true;
	g_clear_pointer(&in->texts[fact->id], g_strfreev);
	if (fact->type >= FACT_TEXT)
		in->texts[fact->id] = g_strsplit(value, "|", -1);
	else if (strcmp(value, "yes") == 0 || strcmp(value, "no") == 0)
		in->numbers[fact->id] = value[0] == 'y';
	else
		in->numbers[fact->id] = g_ascii_strtoll(value, NULL, 10);
}

void
stand_in_sets(struct stand_in *in, const char *values)
{
	g_auto(GStrv) pairs = g_strsplit(values, ";", -1);

	for (char **pair = pairs; *pair != NULL; pair++) {
		char *equal = strchr(*pair, '=');

		if (equal == NULL)
			continue;
		*equal = '\0';
		stand_in_set(in, g_strstrip(*pair), g_strstrip(equal + 1));
	}
}

void
stand_in_put(struct stand_in *in, enum set_kind kind, const char *name,
	     const char *text)
{
	in->sets_known[kind] = true;
	(void) g_hash_table_add(in->in, set_key(kind, name, text));
}

void
stand_in_know(struct stand_in *in, enum step step)
{
	for (size_t i = 0; i < FACT_COUNT; i++)
		in->known[i] |= fact_table[i].step <= step;
	for (size_t i = 0; i <= SET_FILE; i++)
		in->sets_known[i] |= step >= STEP_RCPT;
}
