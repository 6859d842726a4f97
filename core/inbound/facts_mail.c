/* SPDX-License-Identifier: BSD-2-Clause */

/* Facts about what is sent: the header, what authentication found, the
 * content. */
#include <string.h>

#include "core/inbound/facts_inside.h"
#include "core/base/banned.h"

/* --- header ------------------------------------------------------------- */

static bool
get_duplicate(struct facts *facts, struct fact_value *out)
{
	const char *id = facts->message->message_id;
	const int64_t *known = g_hash_table_lookup(facts->numbers, "duplicate");
	bool duplicate = false;

	if (facts->message->step < STEP_END) /* as facts_rate() */
		return false;
	if (known != NULL)
		return fact_number(out, *known);
	if (id[0] != '\0' &&
	    facts->questions->duplicate(facts->questions->arg, facts->list, id,
					&duplicate, &facts->err) != ERR_OK)
		return false;
	return fact_number(out, duplicate) &&
	       facts_remember(facts, "duplicate", duplicate);
}

static bool
get_automatic(struct facts *facts, struct fact_value *out)
{
	enum automatic automatic;

	return message_automatic(facts->message, &automatic) &&
	       fact_text(facts, out, automatic_name(automatic));
}

static bool
get_subject(struct facts *facts, struct fact_value *out)
{
	GPtrArray *values = content_field(&facts->message->header, "Subject");

	g_ptr_array_set_size(values, MIN(values->len, 1));
	return fact_texts(facts, out, values);
}

bool
facts_get_header(struct facts *facts, enum fact_id id, const char *argument,
		 struct fact_value *out)
{
	if (facts->message->step < STEP_HEADERS)
		return false;
	switch (id) {
	case FACT_SUBJECT:
		return get_subject(facts, out);
	case FACT_HEADER:
		return fact_texts(
			facts, out,
			content_field(&facts->message->header, argument));
	case FACT_AUTOMATIC:
		return get_automatic(facts, out);
	default:
		return get_duplicate(facts, out);
	}
}

/* --- what authentication found ------------------------------------------ */

bool
facts_get_spf(struct facts *facts, enum fact_id id, struct fact_value *out)
{
	const struct message *message = facts->message;
	const struct spf_evidence *spf = message->evidence != NULL
						 ? &message->evidence->spf
						 : message->spf;

	if (spf == NULL)
		return false;
	return fact_text(facts, out,
			 id == FACT_SPF ? auth_result_name(spf->result)
					: spf->domain);
}

static bool
get_dkim(struct facts *facts, enum fact_id id, struct fact_value *out)
{
	const GPtrArray *dkim = facts->message->evidence->dkim;
	GPtrArray *texts = g_ptr_array_new();

	for (guint i = 0; i < dkim->len; i++) {
		const struct dkim_evidence *one = dkim->pdata[i];

		if (id == FACT_DKIM)
			g_ptr_array_add(
				texts, g_strdup(auth_result_name(one->result)));
		else if (one->result == AUTH_PASS)
			g_ptr_array_add(texts, g_strdup(one->domain));
	}
	if (id == FACT_DKIM && dkim->len == 0)
		g_ptr_array_add(texts, g_strdup("none"));
	return fact_texts(facts, out, texts);
}

bool
facts_get_evidence(struct facts *facts, enum fact_id id, struct fact_value *out)
{
	const struct evidence *evidence = facts->message->evidence;

	if (evidence == NULL)
		return false;
	switch (id) {
	case FACT_AUTHOR_VERIFIED:
		return fact_number(out, evidence->by != BY_NONE);
	case FACT_AUTHOR_VERIFIABLE:
		return fact_number(out, evidence->verifiable);
	case FACT_VERIFIED_BY:
		return fact_text(facts, out,
				 evidence->by == BY_NONE
					 ? ""
					 : verified_by_name(evidence->by));
	case FACT_DMARC:
		return fact_text(facts, out,
				 auth_result_name(evidence->dmarc.result));
	case FACT_DMARC_POLICY:
		return fact_text(facts, out, evidence->dmarc.policy);
	case FACT_DMARC_DOMAIN:
		return fact_text(facts, out, evidence->dmarc.record_domain);
	case FACT_DMARC_ALIGNED:
		return fact_text(facts, out, evidence->dmarc.aligned);
	case FACT_ARC:
		return fact_text(facts, out,
				 auth_result_name(evidence->arc.result));
	case FACT_ARC_SEALER:
		return fact_text(facts, out, evidence->arc.sealer);
	default:
		return get_dkim(facts, id, out);
	}
}

/* --- content ------------------------------------------------------------ */

static bool
get_command(struct facts *facts, struct fact_value *out)
{
	switch (message_command(facts->message)) {
	case COMMAND_SUBSCRIBE:
		return fact_text(facts, out, "subscribe");
	case COMMAND_UNSUBSCRIBE:
		return fact_text(facts, out, "unsubscribe");
	default:
		return fact_text(facts, out, "");
	}
}

static bool
copy_texts(struct facts *facts, const GPtrArray *from, struct fact_value *out)
{
	GPtrArray *texts = g_ptr_array_new();

	for (guint i = 0; i < from->len; i++)
		g_ptr_array_add(texts, g_strdup(from->pdata[i]));
	return fact_texts(facts, out, texts);
}

bool
facts_get_content(struct facts *facts, enum fact_id id, struct fact_value *out)
{
	struct message *message = facts->message;

	if (message->step < STEP_END)
		return false;
	switch (id) {
	case FACT_COMMAND:
		return get_command(facts, out);
	case FACT_SIZE:
		return fact_number(out, (int64_t)message->size);
	case FACT_MIME_TYPE:
		return copy_texts(facts, message_parts(message)->types, out);
	case FACT_MIME_NAME:
		return copy_texts(facts, message_parts(message)->names, out);
	case FACT_MIME_PARTS:
		return fact_number(out,
				   (int64_t)message_parts(message)->leaves);
	default:
		return fact_text(facts, out, message_text(message));
	}
}
