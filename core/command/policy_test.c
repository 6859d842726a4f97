/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * muster policy test: what a list's policy says to a message, rule by rule
 * and step by step. The facts are those that the doors would have, but
 * nothing is looked up in the DNS: what authentication would have found is
 * given with --evidence.
 */
#include <string.h>

#include "conf/settings.h"
#include "core/answers.h"
#include "core/command/print.h"
#include "core/command/verb.h"
#include "core/inbound/facts.h"
#include "core/inbound/sets.h"
#include "core/mail/addr.h"
#include "core/moderate/policy.h"
#include "core/base/banned.h"

#define MESSAGE_MAX (64 * 1024 * 1024)

struct trial {
	struct call *call;
	struct policy *policy;
	struct message message;
	struct evidence *evidence;
	struct questions questions;
	struct sets *sets;
	struct facts *facts;
	GHashTable *given;	/* name of the fact -> value as text */
	GPtrArray *owned;	/* of g_free() */
	GByteArray *bytes;
	size_t body_at;
	char *sender;
	GPtrArray *addressed;	/* the list alone, unless given */
	/* result, by rule */
	enum step *known_at;
	enum truth *truth;
	bool *seen;		/* it was looked at */
	struct verdict verdict;
	enum step decided_at;
};

/* --- facts that are given ----------------------------------------------- */

static bool
read_texts(struct trial *trial, const char *value, bool several,
	   struct fact_value *out)
{
	char **texts = several ? g_strsplit(value, ",", -1)
			       : g_new0(char *, 2);

	if (!several && value[0] != '\0')
		texts[0] = g_strdup(value);
	for (char **text = texts; *text != NULL; text++)
		g_ptr_array_add(trial->owned, g_strstrip(*text));
	g_ptr_array_add(trial->owned, texts);
	out->texts = (const char *const *)texts;
	return true;
}

static bool
read_time(const char *value, int64_t *out)
{
	char *end;
	guint64 hours = g_ascii_strtoull(value, &end, 10), minutes;

	if (end == value || *end != ':')
		return false;
	value = end + 1;
	minutes = g_ascii_strtoull(value, &end, 10);
	*out = (int64_t)(hours * 60 + minutes);
	return end != value && *end == '\0' && hours < 24 && minutes < 60;
}

/* False: not a value of the fact's type. */
static bool
read_value(struct trial *trial, const struct fact *fact, const char *value,
	   struct fact_value *out)
{
	bool truth = false;

	switch (fact->type) {
	case FACT_BOOL:
		if (!value_bool(value, &truth))
			return false;
		out->number = truth;
		return true;
	case FACT_NUMBER:
		return value_size(value, &out->number);
	case FACT_DURATION:
		return value_duration(value, &out->number);
	case FACT_TIME:
		return read_time(value, &out->number);
	case FACT_TEXT:
		return read_texts(trial, value, false, out);
	case FACT_TEXTS:
	case FACT_PERSON:
		return read_texts(trial, value, true, out);
	}
	g_assert_not_reached();
}

static enum admin_status
give(struct trial *trial, const char *pair)
{
	const char *equals = strchr(pair, '=');
	g_autofree char *name = NULL;
	struct fact_value value = {0};
	const struct fact *fact;

	if (equals == NULL)
		return usage_fail(trial->call->admin->errors,
				  trial->call->verb,
				  "--evidence wants FACT=VALUE, not \"%s\"",
				  pair);
	name = g_strndup(pair, (gsize)(equals - pair));
	fact = fact_find(name);
	if (fact == NULL)
		return call_refuse(trial->call, "there is no fact \"%s\"%s%s "
				   "(muster-policy(5) has them all)", name,
				   fact_suggest(name) != NULL ?
				   "; did you mean " : "",
				   fact_suggest(name) != NULL ?
				   fact_suggest(name) : "");
	if (!read_value(trial, fact, equals + 1, &value))
		return call_refuse(trial->call, "%s=%s: not a value of that "
				   "fact", name, equals + 1);
	g_hash_table_replace(trial->given, g_steal_pointer(&name),
			     g_strdup(equals + 1));
	return ADMIN_DONE;
}

/* What DMARC says settles who is verified, if that was not given too. */
static void
derive(struct trial *trial)
{
	const char *dmarc = g_hash_table_lookup(trial->given, "dmarc");
	struct evidence *evidence = trial->evidence;

	if (dmarc == NULL)
		return;
	evidence->verifiable = strcmp(dmarc, "pass") == 0 ||
			       strcmp(dmarc, "fail") == 0;
	if (strcmp(dmarc, "pass") == 0)
		evidence->by = BY_DMARC;
}

/* --- the source: the doors' facts, as far as a step knows them ---------- */

static bool
get(void *arg, enum fact_id id, const char *argument, int64_t seconds,
    struct fact_value *out)
{
	struct trial *trial = arg;
	const struct fact *fact = &fact_table[id];
	const struct fact_source *source = facts_source(trial->facts);
	const char *given = g_hash_table_lookup(trial->given, fact->name);

	if (fact->step > trial->message.step)
		return false;
	if (given != NULL)
		return read_value(trial, fact, given, out);
	return source->get(source->arg, id, argument, seconds, out);
}

static enum truth
in(void *arg, enum set_kind kind, const char *name, const char *text)
{
	struct trial *trial = arg;
	const struct fact_source *source = facts_source(trial->facts);

	return source->in(source->arg, kind, name, text);
}

static void
enter_step(struct trial *trial, enum step step)
{
	struct message *message = &trial->message;

	message->step = step;
	if (step < STEP_END)
		return;
	message->body = (const char *)trial->bytes->data + trial->body_at;
	message->body_len = trial->bytes->len - trial->body_at;
	message->size = trial->bytes->len;
	message->evidence = trial->evidence;
}

static void
judge_step(struct trial *trial, enum step step)
{
	const struct fact_source source = {get, in, trial};
	g_autoptr(GArray) truths = NULL;

	enter_step(trial, step);
	truths = policy_explain(trial->policy, &source);
	for (guint i = 0; i < truths->len; i++) {
		const struct policy_applied *applied = &g_array_index(
			truths, struct policy_applied, i);
		size_t rule = applied->rule - 1;

		trial->seen[rule] = true;
		if (trial->truth[rule] != TRUTH_UNKNOWN)
			continue;
		trial->truth[rule] = applied->truth;
		trial->known_at[rule] = step;
	}
	if (trial->verdict.kind != VERDICT_NONE)
		return;
	verdict_done(&trial->verdict);
	memset(&trial->verdict, 0, sizeof(trial->verdict));
	policy_decide(trial->policy, &source, step == STEP_END,
		      &trial->verdict);
	trial->decided_at = step;
}

/* --- what is printed ---------------------------------------------------- */

static const char *
truth_name(enum truth truth)
{
	static const char *const names[] = {"unknown", "no", "yes"};

	return names[truth];
}

static json_t *
rule_json(const struct trial *trial, size_t rule)
{
	enum truth truth = trial->truth[rule - 1];

	return json_pack("{s:I, s:s, s:s, s:o}", "rule", (json_int_t)rule,
			 "matches", truth_name(truth), "known_at",
			 truth == TRUTH_UNKNOWN
				 ? ""
				 : step_name(trial->known_at[rule - 1]),
			 "text", json_text(policy_rule_text(trial->policy,
							    rule)));
}

static json_t *
rules_json(const struct trial *trial)
{
	json_t *rules = json_array();
	size_t count = policy_rule_count(trial->policy);

	for (size_t rule = 1; rule <= count; rule++)
		if (trial->seen[rule - 1])
			(void)json_array_append_new(rules,
						    rule_json(trial, rule));
	return rules;
}

static json_t *
verdict_json(const struct trial *trial)
{
	const struct verdict *verdict = &trial->verdict;

	return json_pack("{s:s, s:I, s:s, s:I, s:s, s:o, s:o}", "verdict",
			 verdict_name(verdict->kind), "rule",
			 (json_int_t)verdict->rule, "decided_at",
			 step_name(trial->decided_at), "code",
			 (json_int_t)verdict->code, "enhanced",
			 verdict->enhanced, "text", json_text(verdict->text),
			 "why", json_text(verdict->why));
}

static void
print_rules(FILE *out, const json_t *rules)
{
	const json_t *rule;
	size_t i;

	json_array_foreach(rules, i, rule) {
		g_autofree char *text = print_plain(
			json_string_value(json_object_get(rule, "text")));

		(void)fprintf(out, "rule %-3lld %-8s%-8s %s\n",
			      (long long)json_integer_value(
				      json_object_get(rule, "rule")),
			      json_string_value(json_object_get(rule,
								"matches")),
			      json_string_value(json_object_get(rule,
								"known_at")),
			      text);
	}
}

static void
print_trial(const struct trial *trial)
{
	json_t *verdict = verdict_json(trial), *rules = rules_json(trial);

	if (trial->call->json) {
		(void)json_object_set_new(verdict, "rules", rules);
		print_object(trial->call, verdict);
		return;
	}
	print_rules(trial->call->admin->out, rules);
	json_decref(rules);
	print_object(trial->call, verdict);
}

/* --- preparation -------------------------------------------------------- */

static enum admin_status
read_message(struct trial *trial)
{
	FILE *in_file = trial->call->admin->in;
	char buffer[65536];
	size_t len;

	while ((len = fread(buffer, 1, sizeof(buffer), in_file)) > 0) {
		for (size_t i = 0; i < len; i++) {
			guint at = trial->bytes->len;

			if (buffer[i] == '\n' &&
			    (at == 0 || trial->bytes->data[at - 1] != '\r'))
				g_byte_array_append(trial->bytes,
						    (const guint8 *)"\r", 1);
			g_byte_array_append(trial->bytes,
					    (const guint8 *)&buffer[i], 1);
		}
		if (trial->bytes->len > MESSAGE_MAX)
			return call_refuse(trial->call, "the message has more "
					   "than 64 MB");
	}
	if (!message_set_header(&trial->message,
				(const char *)trial->bytes->data,
				trial->bytes->len, &trial->body_at))
		return call_refuse(trial->call, "the message has too many "
				   "header fields");
	return ADMIN_DONE;
}

static enum admin_status
set_envelope(struct trial *trial, const char *list)
{
	const struct call *call = trial->call;
	struct message *message = &trial->message;
	const GPtrArray *authors = message->authors;

	if (call->from != NULL && call->from[0] != '\0') {
		trial->sender = addr_canon(call->from);
		if (trial->sender == NULL)
			return call_refuse(call, "--from %s: not an address",
					   call->from);
	} else {
		trial->sender = g_strdup(call->from == NULL && authors->len > 0
						 ? authors->pdata[0]
						 : "");
	}
	message->sender = trial->sender;
	message->client_addr = call->client != NULL ? call->client : "";
	message->client_name = "";
	message->helo = call->helo != NULL ? call->helo : "";
	message->login = call->login != NULL ? call->login : "";
	message->tls = "";
	message->began_s = g_get_real_time() / G_USEC_PER_SEC;
	message->recipients = 1;
	g_ptr_array_add(trial->addressed, g_strdup(list));
	message->addressed = trial->addressed;
	message->spf = &trial->evidence->spf;
	return ADMIN_DONE;
}

static enum admin_status
set_policy(struct trial *trial, const char *list)
{
	g_autoptr(list_conf_auto) conf = NULL;
	g_autofree char *text = NULL;
	struct err err = ERR_INIT;

	if (list_conf_load(store_reader(trial->call->admin->store), list,
			   &conf, &err) != ERR_OK)
		return call_fail(trial->call, &err);
	text = list_policy_text(list, conf);
	if (policy_parse(list, text, &trial->policy, &err) != ERR_OK)
		return call_fail(trial->call, &err);
	trial->known_at = g_new0(enum step, policy_rule_count(trial->policy));
	trial->truth = g_new0(enum truth, policy_rule_count(trial->policy));
	trial->seen = g_new0(bool, policy_rule_count(trial->policy));
	return ADMIN_DONE;
}

static struct trial *
trial_new(struct call *call)
{
	struct trial *trial = g_new0(struct trial, 1);

	trial->call = call;
	trial->given = g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
					     g_free);
	trial->owned = g_ptr_array_new_with_free_func(g_free);
	trial->bytes = g_byte_array_new();
	trial->addressed = g_ptr_array_new_with_free_func(g_free);
	trial->evidence = evidence_new();
	trial->questions = store_questions(call->admin->store);
	trial->sets = sets_new(call->admin->settings->sets_dir);
	return trial;
}

static void
trial_free(struct trial *trial)
{
	facts_free(trial->facts);
	message_done(&trial->message);
	if (trial->policy != NULL)
		policy_unref(trial->policy);
	verdict_done(&trial->verdict);
	g_hash_table_destroy(trial->given);
	g_ptr_array_unref(trial->owned);
	g_byte_array_unref(trial->bytes);
	g_ptr_array_unref(trial->addressed);
	evidence_free(trial->evidence);
	sets_free(trial->sets);
	g_free(trial->sender);
	g_free(trial->known_at);
	g_free(trial->truth);
	g_free(trial->seen);
	g_free(trial);
}

static enum admin_status
run(struct trial *trial, const char *list)
{
	char **given = trial->call->evidence;
	enum admin_status status = read_message(trial);

	if (status == ADMIN_DONE)
		status = set_envelope(trial, list);
	for (; status == ADMIN_DONE && given != NULL && *given != NULL;
	     given++)
		status = give(trial, *given);
	if (status == ADMIN_DONE)
		status = set_policy(trial, list);
	if (status != ADMIN_DONE)
		return status;
	derive(trial);
	trial->facts = facts_new(&trial->message, list, &trial->questions,
				 trial->sets);
	for (enum step step = STEP_CONNECT; step <= STEP_END; step++)
		judge_step(trial, step);
	if (facts_error(trial->facts)->code != ERR_OK)
		return call_fail(trial->call, facts_error(trial->facts));
	print_trial(trial);
	return ADMIN_DONE;
}

enum admin_status
policy_test_run(struct call *call)
{
	g_autoptr(list_auto) list = NULL;
	struct trial *trial;
	enum admin_status status = call_list(call, call->args[0], &list);

	if (status != ADMIN_DONE)
		return status;
	trial = trial_new(call);
	status = run(trial, list->addr);
	trial_free(trial);
	return status;
}
