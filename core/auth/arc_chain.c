/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/auth/arc_chain.h"

#include <string.h>

#include "core/auth/authres.h"
#include "core/auth/signed_fields.h"
#include "core/base/banned.h"

static const struct header_field *
field_at(const struct header *header, int index)
{
	return &g_array_index(header->fields, struct header_field,
			      (guint)index);
}

static bool
kind_of(const struct header_field *field, enum arc_kind *out)
{
	static const char *const names[ARC_KINDS] = {
		[ARC_AAR] = "ARC-Authentication-Results",
		[ARC_AMS] = "ARC-Message-Signature",
		[ARC_AS] = "ARC-Seal",
	};

	for (int kind = 0; kind < ARC_KINDS; kind++)
		if (header_field_is(field, names[kind])) {
			*out = (enum arc_kind)kind;
			return true;
		}
	return false;
}

/* 1 to 50; 0: none */
static unsigned int
instance_of(const char *text)
{
	guint64 number;

	if (text == NULL || strlen(text) > 2 ||
	    !g_ascii_string_to_unsigned(text, 10, 1, ARC_SETS_MAX, &number,
					NULL))
		return 0;
	return (unsigned int)number;
}

/* "i=1; authserv-id; ..."; comments may stand around i= (section 4.1.1) */
static unsigned int
aar_instance(const char *value, size_t len)
{
	g_autoptr(GString) bare = g_string_new(NULL);
	size_t at = authres_bare(value, len, ';', bare);
	struct tags tags;
	unsigned int instance = 0;

	if (at == len || !tags_parse(bare->str, bare->len, &tags))
		return 0;
	if (tags.count == 1)
		instance = instance_of(tags_get(&tags, "i"));
	tags_done(&tags);
	return instance;
}

/* The instance of a field, whose tags (but of AAR) go to out; 0: unfit */
static unsigned int
read_field(const struct header_field *field, enum arc_kind kind,
	   struct tags *out)
{
	const char *value = field->raw + field->value_at;
	size_t len = field->raw_len - field->value_at;
	unsigned int instance;

	if (kind == ARC_AAR)
		return aar_instance(value, len);
	if (!tags_parse(value, len, out))
		return 0;
	instance = instance_of(tags_get(out, "i"));
	if (instance == 0)
		tags_done(out);
	return instance;
}

static const char *
add_field(struct arc_chain *chain, const struct header_field *field,
	  int index, enum arc_kind kind)
{
	struct tags tags = {0};
	unsigned int instance = read_field(field, kind, &tags);
	struct arc_set *set;

	if (instance == 0)
		return "an ARC field cannot be read";
	set = &chain->sets[instance - 1];
	if (set->field[kind] >= 0) {
		tags_done(&tags);
		return "an ARC set has a field twice";
	}
	set->field[kind] = index;
	if (kind == ARC_AMS)
		set->ams = tags;
	if (kind == ARC_AS)
		set->as = tags;
	chain->count = MAX(chain->count, instance);
	return NULL;
}

static bool
lists_name(const char *list, const char *name)
{
	g_auto(GStrv) words = g_strsplit(list, ":", SIGNED_NAMES_MAX + 1);

	for (char **word = words; *word != NULL; word++)
		if (g_ascii_strcasecmp(g_strstrip(*word), name) == 0)
			return true;
	return false;
}

static bool
has_all(const struct tags *tags, const char *const *names)
{
	for (; *names != NULL; names++)
		if (tags_get(tags, *names) == NULL)
			return false;
	return true;
}

/* t= and x= are 1*12DIGIT where they are there (RFC 6376 section 3.5). */
static bool
has_time(const struct tags *tags, const char *name)
{
	const char *text = tags_get(tags, name);
	size_t len = text != NULL ? strspn(text, "0123456789") : 0;

	return text == NULL || (len >= 1 && len <= 12 && text[len] == '\0');
}

/* The letters of base64, folds, and "=" only at the end: a decoder that
 * skips what is none of these would take many texts for one signature. */
static bool
is_base64(const char *text)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "abcdefghijklmnopqrstuvwxyz"
				      "0123456789+/ \t\r\n";
	size_t count = 0, pads = 0;

	for (; *text != '\0'; text++) {
		if (*text == '=')
			pads++;
		else if (strchr(letters, *text) == NULL ||
			 (pads > 0 && !g_ascii_isspace(*text)))
			return false;
		count += !g_ascii_isspace(*text);
	}
	return count > pads && pads <= 2 && count % 4 == 0;
}

/* How a tag must look, where it is there; text of each is case-sensitive
 * (RFC 6376 section 3.2). */
static bool
has_form(const struct tags *tags)
{
	const char *query = tags_get(tags, "q");

	return has_time(tags, "t") && has_time(tags, "x") &&
	       is_base64(tags_get(tags, "b")) &&
	       (query == NULL || lists_name(query, "dns/txt"));
}

static const char *
check_set(const struct arc_set *set, unsigned int instance)
{
	static const char *const ams[] = {"a", "b", "bh", "d", "h", "s", NULL};
	static const char *const as[] = {"a", "b", "cv", "d", "s", NULL};
	const char *cv;

	for (int kind = 0; kind < ARC_KINDS; kind++)
		if (set->field[kind] < 0)
			return "an ARC set is not complete";
	if (!has_all(&set->ams, ams) || !has_all(&set->as, as))
		return "an ARC field lacks a tag";
	if (!has_form(&set->ams) || !has_form(&set->as))
		return "an ARC field has a tag of a wrong form";
	if (lists_name(tags_get(&set->ams, "h"), "arc-seal"))
		return "an ARC-Message-Signature covers seals";
	if (tags_get(&set->as, "h") != NULL)
		return "an ARC-Seal has h=";
	cv = tags_get(&set->as, "cv");
	if (strcmp(cv, "fail") == 0)
		return "a sealer has found the chain broken";
	if (strcmp(cv, instance == 1 ? "none" : "pass") != 0)
		return "an ARC-Seal has a wrong cv=";
	return NULL;
}

static const char *
read_all(struct arc_chain *chain, const struct header *header)
{
	const char *wrong = NULL, *now;
	enum arc_kind kind;

	/* All of them, even so: a seal goes on top of the highest. */
	for (guint i = 0; i < header->fields->len; i++) {
		const struct header_field *field = field_at(header, (int)i);

		if (!kind_of(field, &kind))
			continue;
		chain->any = true;
		now = add_field(chain, field, (int)i, kind);
		wrong = wrong == NULL ? now : wrong;
	}
	for (unsigned int i = chain->count; i > 0 && wrong == NULL; i--)
		wrong = check_set(&chain->sets[i - 1], i);
	return wrong;
}

struct arc_chain *
arc_chain_read(const struct header *header)
{
	struct arc_chain *chain = g_new0(struct arc_chain, 1);

	for (int i = 0; i < ARC_SETS_MAX; i++)
		for (int kind = 0; kind < ARC_KINDS; kind++)
			chain->sets[i].field[kind] = -1;
	chain->wrong = read_all(chain, header);
	return chain;
}

void
arc_chain_free(struct arc_chain *chain)
{
	for (int i = 0; i < ARC_SETS_MAX; i++) {
		tags_done(&chain->sets[i].ams);
		tags_done(&chain->sets[i].as);
	}
	g_free(chain);
}

void
arc_chain_fields(const struct header *header, const struct arc_chain *chain,
		 unsigned int first, unsigned int last, GString *out)
{
	for (unsigned int i = first; i <= last; i++) {
		const struct arc_set *set = &chain->sets[i - 1];

		for (int kind = 0; kind < ARC_KINDS; kind++) {
			const struct header_field *field;

			if (set->field[kind] < 0)
				continue;
			field = field_at(header, set->field[kind]);
			canon_field(CANON_RELAXED, field->raw,
				    field->raw_len, out);
		}
	}
}

void
arc_chain_data(const struct header *header, const struct arc_chain *chain,
	       unsigned int first, unsigned int last, GString *out)
{
	const struct arc_set *set = &chain->sets[last - 1];

	arc_chain_fields(header, chain, first, last - 1, out);
	for (int kind = 0; kind < ARC_KINDS; kind++) {
		const struct header_field *field =
			field_at(header, set->field[kind]);

		if (kind == ARC_AS)
			signed_own(field->raw, field->raw_len, CANON_RELAXED,
				   out);
		else
			canon_field(CANON_RELAXED, field->raw,
				    field->raw_len, out);
	}
}
