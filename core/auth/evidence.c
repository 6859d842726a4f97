/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/auth/evidence.h"

#include <string.h>

#include "core/mail/addr.h"
#include "core/base/banned.h"

#define TEXT_MAX 254	/* bytes; a domain has 253 */
#define RESULTS_MAX 1800

/* --- names -------------------------------------------------------------- */

static const char *const results[] = {
	[AUTH_NONE] = "none",	      [AUTH_PASS] = "pass",
	[AUTH_FAIL] = "fail",	      [AUTH_SOFTFAIL] = "softfail",
	[AUTH_NEUTRAL] = "neutral",   [AUTH_POLICY] = "policy",
	[AUTH_TEMPERROR] = "temperror", [AUTH_PERMERROR] = "permerror",
};

static const char *const bys[] = {
	[BY_NONE] = "none",	  [BY_DMARC] = "dmarc",
	[BY_LOGIN] = "login",	  [BY_NETWORK] = "network",
	[BY_SEALER] = "sealer",
};

static size_t
index_of(const char *const *names, size_t count, const char *name)
{
	size_t i = 0;

	while (i < count && strcmp(names[i], name) != 0)
		i++;
	return i;
}

const char *
auth_result_name(enum auth_result result)
{
	return results[result];
}

bool
auth_result_of_name(const char *name, enum auth_result *out)
{
	size_t i = index_of(results, G_N_ELEMENTS(results), name);

	if (i == G_N_ELEMENTS(results))
		return false;
	*out = (enum auth_result)i;
	return true;
}

const char *
verified_by_name(enum verified_by by)
{
	return bys[by];
}

/* --- the tables: which member is which key ------------------------------ *
 * One table a structure makes, frees, writes and reads it.
 */

enum kind { KIND_TEXT, KIND_RESULT, KIND_BY, KIND_BOOL, KIND_COUNT };

struct member {
	const char *key;
	enum kind kind;
	size_t at;
};

#define MEMBER(type, kind, name) { #name, kind, offsetof(struct type, name) }

static const struct member spf_members[] = {
	MEMBER(spf_evidence, KIND_RESULT, result),
	MEMBER(spf_evidence, KIND_BOOL, by_helo),
	MEMBER(spf_evidence, KIND_TEXT, domain),
	MEMBER(spf_evidence, KIND_TEXT, reason),
	{ NULL, KIND_TEXT, 0 },
};

static const struct member dkim_members[] = {
	MEMBER(dkim_evidence, KIND_RESULT, result),
	MEMBER(dkim_evidence, KIND_TEXT, domain),
	MEMBER(dkim_evidence, KIND_TEXT, selector),
	MEMBER(dkim_evidence, KIND_TEXT, identity),
	MEMBER(dkim_evidence, KIND_TEXT, algorithm),
	MEMBER(dkim_evidence, KIND_TEXT, signature),
	MEMBER(dkim_evidence, KIND_TEXT, reason),
	{ NULL, KIND_TEXT, 0 },
};

static const struct member dmarc_members[] = {
	MEMBER(dmarc_evidence, KIND_RESULT, result),
	MEMBER(dmarc_evidence, KIND_TEXT, author_domain),
	MEMBER(dmarc_evidence, KIND_TEXT, record_domain),
	MEMBER(dmarc_evidence, KIND_TEXT, policy),
	MEMBER(dmarc_evidence, KIND_BOOL, testing),
	MEMBER(dmarc_evidence, KIND_TEXT, aligned),
	MEMBER(dmarc_evidence, KIND_TEXT, aligned_domain),
	MEMBER(dmarc_evidence, KIND_TEXT, reason),
	{ NULL, KIND_TEXT, 0 },
};

static const struct member arc_members[] = {
	MEMBER(arc_evidence, KIND_RESULT, result),
	MEMBER(arc_evidence, KIND_COUNT, instances),
	MEMBER(arc_evidence, KIND_COUNT, oldest_pass),
	MEMBER(arc_evidence, KIND_TEXT, sealer),
	MEMBER(arc_evidence, KIND_TEXT, results),
	MEMBER(arc_evidence, KIND_TEXT, reason),
	{ NULL, KIND_TEXT, 0 },
};

static const struct member top_members[] = {
	MEMBER(evidence, KIND_COUNT, dkim_ignored),
	MEMBER(evidence, KIND_TEXT, login),
	MEMBER(evidence, KIND_TEXT, client),
	MEMBER(evidence, KIND_BOOL, client_trusted),
	MEMBER(evidence, KIND_TEXT, author),
	MEMBER(evidence, KIND_BY, by),
	MEMBER(evidence, KIND_BOOL, verifiable),
	{ NULL, KIND_TEXT, 0 },
};

#define PLACE(type, object, member) \
	((type *)(void *)((char *)(object) + (member)->at))
#define VALUE(type, object, member) \
	(*(const type *)(const void *)((const char *)(object) + (member)->at))

static void
texts_init(void *object, const struct member *member)
{
	for (; member->key != NULL; member++)
		if (member->kind == KIND_TEXT)
			*PLACE(char *, object, member) = g_strdup("");
}

static void
texts_free(void *object, const struct member *member)
{
	for (; member->key != NULL; member++)
		if (member->kind == KIND_TEXT)
			g_free(*PLACE(char *, object, member));
}

/* All together must fit into a record of the store. */
static json_t *
text_json(const char *text, const char *key)
{
	size_t most = strcmp(key, "results") == 0  ? RESULTS_MAX
		      : strcmp(key, "author") == 0 ? ADDR_MAX
						   : TEXT_MAX;
	g_autofree char *valid = g_utf8_make_valid(
		text, (gssize)strnlen(text, most));

	return json_string(valid);
}

static json_t *
member_json(const void *object, const struct member *member)
{
	switch (member->kind) {
	case KIND_TEXT:
		return text_json(VALUE(char *, object, member), member->key);
	case KIND_RESULT:
		return json_string(
			results[VALUE(enum auth_result, object, member)]);
	case KIND_BY:
		return json_string(bys[VALUE(enum verified_by, object,
					     member)]);
	case KIND_BOOL:
		return json_boolean(VALUE(bool, object, member));
	case KIND_COUNT:
		return json_integer(VALUE(unsigned int, object, member));
	}
	g_assert_not_reached();
}

/* What is "", false, 0 or none is left out. */
static bool
member_is_default(const void *object, const struct member *member)
{
	switch (member->kind) {
	case KIND_TEXT:
		return VALUE(char *, object, member)[0] == '\0';
	case KIND_RESULT:
		return VALUE(enum auth_result, object, member) == AUTH_NONE;
	case KIND_BY:
		return VALUE(enum verified_by, object, member) == BY_NONE;
	case KIND_BOOL:
		return !VALUE(bool, object, member);
	case KIND_COUNT:
		return VALUE(unsigned int, object, member) == 0;
	}
	g_assert_not_reached();
}

static json_t *
object_json(const void *object, const struct member *member)
{
	json_t *out = json_object();

	for (; member->key != NULL; member++)
		if (!member_is_default(object, member))
			(void)json_object_set_new(out, member->key,
						  member_json(object, member));
	return out;
}

static void
member_read(const json_t *value, const struct member *member, void *object)
{
	const char *text = json_string_value(value);
	size_t by;

	switch (member->kind) {
	case KIND_TEXT:
		if (text != NULL) {
			g_free(*PLACE(char *, object, member));
			*PLACE(char *, object, member) = g_strdup(text);
		}
		break;
	case KIND_RESULT:
		if (text != NULL)
			(void)auth_result_of_name(
				text, PLACE(enum auth_result, object, member));
		break;
	case KIND_BY:
		by = text != NULL ? index_of(bys, G_N_ELEMENTS(bys), text)
				  : BY_NONE;
		if (by < G_N_ELEMENTS(bys))
			*PLACE(enum verified_by, object, member) =
				(enum verified_by)by;
		break;
	case KIND_BOOL:
		*PLACE(bool, object, member) = json_is_true(value);
		break;
	case KIND_COUNT:
		*PLACE(unsigned int, object, member) = (unsigned int)CLAMP(
			json_integer_value(value), 0, G_MAXINT);
		break;
	}
}

static void
object_read(const json_t *json, const struct member *member, void *object)
{
	for (; member->key != NULL; member++) {
		const json_t *value = json_object_get(json, member->key);

		if (value != NULL)
			member_read(value, member, object);
	}
}

/* --- the value ---------------------------------------------------------- */

static void
dkim_free_one(void *data)
{
	texts_free(data, dkim_members);
	g_free(data);
}

struct dkim_evidence *
dkim_evidence_new(void)
{
	struct dkim_evidence *dkim = g_new0(struct dkim_evidence, 1);

	texts_init(dkim, dkim_members);
	return dkim;
}

GPtrArray *
dkim_evidence_array(void)
{
	return g_ptr_array_new_with_free_func(dkim_free_one);
}

void
spf_evidence_init(struct spf_evidence *spf)
{
	memset(spf, 0, sizeof(*spf));
	texts_init(spf, spf_members);
}

void
spf_evidence_done(struct spf_evidence *spf)
{
	texts_free(spf, spf_members);
}

void
dmarc_evidence_init(struct dmarc_evidence *dmarc)
{
	memset(dmarc, 0, sizeof(*dmarc));
	texts_init(dmarc, dmarc_members);
}

void
dmarc_evidence_done(struct dmarc_evidence *dmarc)
{
	texts_free(dmarc, dmarc_members);
}

void
arc_evidence_init(struct arc_evidence *arc)
{
	memset(arc, 0, sizeof(*arc));
	texts_init(arc, arc_members);
}

void
arc_evidence_done(struct arc_evidence *arc)
{
	texts_free(arc, arc_members);
}

struct evidence *
evidence_new(void)
{
	struct evidence *evidence = g_new0(struct evidence, 1);

	texts_init(evidence, top_members);
	spf_evidence_init(&evidence->spf);
	dmarc_evidence_init(&evidence->dmarc);
	arc_evidence_init(&evidence->arc);
	evidence->dkim = dkim_evidence_array();
	return evidence;
}

void
evidence_free(struct evidence *evidence)
{
	if (evidence == NULL)
		return;
	texts_free(evidence, top_members);
	spf_evidence_done(&evidence->spf);
	dmarc_evidence_done(&evidence->dmarc);
	arc_evidence_done(&evidence->arc);
	g_ptr_array_unref(evidence->dkim);
	g_free(evidence);
}

json_t *
evidence_json(const struct evidence *evidence)
{
	json_t *out = object_json(evidence, top_members);
	json_t *dkim = json_array();

	for (guint i = 0; i < evidence->dkim->len; i++)
		(void)json_array_append_new(
			dkim, object_json(evidence->dkim->pdata[i],
					  dkim_members));
	(void)json_object_set_new(out, "spf",
				  object_json(&evidence->spf, spf_members));
	(void)json_object_set_new(out, "dkim", dkim);
	(void)json_object_set_new(out, "dmarc", object_json(&evidence->dmarc,
							    dmarc_members));
	(void)json_object_set_new(out, "arc",
				  object_json(&evidence->arc, arc_members));
	return out;
}

struct evidence *
evidence_of_json(const json_t *object)
{
	struct evidence *evidence = evidence_new();
	const json_t *dkim = json_object_get(object, "dkim");

	object_read(object, top_members, evidence);
	object_read(json_object_get(object, "spf"), spf_members,
		    &evidence->spf);
	object_read(json_object_get(object, "dmarc"), dmarc_members,
		    &evidence->dmarc);
	object_read(json_object_get(object, "arc"), arc_members,
		    &evidence->arc);
	for (size_t i = 0; i < json_array_size(dkim); i++) {
		struct dkim_evidence *one = dkim_evidence_new();

		object_read(json_array_get(dkim, i), dkim_members, one);
		g_ptr_array_add(evidence->dkim, one);
	}
	return evidence;
}

/* --- for people --------------------------------------------------------- */

static void
add_result(GString *text, const char *method, enum auth_result result,
	   const char *domain, const char *reason)
{
	g_string_append_printf(text, "%s%s=%s", text->len > 0 ? " " : "",
			       method, results[result]);
	if (domain[0] == '\0' && reason[0] == '\0')
		return;
	g_string_append_printf(text, " (%s%s%s)", domain,
			       domain[0] != '\0' && reason[0] != '\0' ? ": "
								      : "",
			       reason);
}

static void
add_author(GString *text, const struct evidence *evidence)
{
	if (evidence->by == BY_NONE)
		g_string_append(text, evidence->verifiable
				? "; author not verified, though the domain "
				  "publishes a policy"
				: "; author not verified");
	else
		g_string_append_printf(text, "; author %s verified by %s",
				       evidence->author, bys[evidence->by]);
}

char *
evidence_text(const struct evidence *evidence)
{
	GString *text = g_string_new(NULL);

	add_result(text, "spf", evidence->spf.result, evidence->spf.domain,
		   evidence->spf.reason);
	for (guint i = 0; i < evidence->dkim->len; i++) {
		const struct dkim_evidence *dkim = evidence->dkim->pdata[i];

		add_result(text, "dkim", dkim->result, dkim->domain,
			   dkim->reason);
	}
	if (evidence->dkim->len == 0)
		add_result(text, "dkim", AUTH_NONE, "", "");
	if (evidence->dkim_ignored > 0)
		g_string_append_printf(text, " (%u more signatures ignored)",
				       evidence->dkim_ignored);
	add_result(text, "dmarc", evidence->dmarc.result,
		   evidence->dmarc.author_domain, evidence->dmarc.reason);
	if (evidence->dmarc.policy[0] != '\0')
		g_string_append_printf(text, " p=%s", evidence->dmarc.policy);
	add_result(text, "arc", evidence->arc.result, evidence->arc.sealer,
		   evidence->arc.reason);
	if (evidence->login[0] != '\0')
		g_string_append_printf(text, " login=%s", evidence->login);
	add_author(text, evidence);
	return g_string_free(text, FALSE);
}

struct evidence *
evidence_of_text(const char *text)
{
	json_t *object = json_loads(text, 0, NULL);
	struct evidence *evidence = evidence_of_json(object);

	json_decref(object);
	return evidence;
}
