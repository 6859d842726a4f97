/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * A function for each group of facts. A value lives as long as the facts, so what has
 * to be made is kept in `owned`. Once asked, the store's answers are kept
 * too: a fact does not change within a message.
 */
#include "core/inbound/facts.h"

#include <string.h>
#include <time.h>

#include <glib.h>

#include "core/inbound/sets.h"
#include "core/base/banned.h"

struct facts {
	struct message *message;
	char *list;
	const struct questions *questions;
	struct sets *sets;
	struct fact_source source;
	GHashTable *persons;	/* "list SP address" -> struct person */
	GHashTable *numbers;	/* question -> int64_t */
	GPtrArray *owned;
	bool client_banned;
	struct err err;		/* of the last question without answer */
};

/* --- values ------------------------------------------------------------- */

static bool
number(struct fact_value *out, int64_t value)
{
	out->number = value;
	return true;
}

/* No text is no value: an empty one counts as absent. */
static bool
text(struct facts *facts, struct fact_value *out, const char *value)
{
	const char **texts = g_new0(const char *, 2);

	g_ptr_array_add(facts->owned, texts);
	if (value != NULL && value[0] != '\0')
		texts[0] = value;
	out->texts = texts;
	return true;
}

/* Takes the array, whose strings are kept with it. */
static bool
texts_take(struct facts *facts, struct fact_value *out, GPtrArray *array)
{
	char **texts;

	g_ptr_array_add(array, NULL);
	texts = (char **)g_ptr_array_free(array, FALSE);
	for (char **one = texts; *one != NULL; one++)
		g_ptr_array_add(facts->owned, *one);
	g_ptr_array_add(facts->owned, texts);
	out->texts = (const char *const *)texts;
	return true;
}

/* --- what the store knows ----------------------------------------------- */

void
facts_know_person(struct facts *facts, const char *addr,
		  const struct person *person)
{
	g_hash_table_replace(facts->persons,
			     g_strdup_printf("%s %s", facts->list, addr),
			     g_memdup2(person, sizeof(*person)));
}

/* NULL: there is no answer now */
static const struct person *
person_of(struct facts *facts, const char *list, const char *addr)
{
	g_autofree char *key = g_strdup_printf("%s %s", list, addr);
	struct person *person = g_hash_table_lookup(facts->persons, key);
	struct person found = {0};

	if (person != NULL)
		return person;
	if (facts->questions->person(facts->questions->arg, list, addr, &found,
				     &facts->err) != ERR_OK)
		return NULL;
	person = g_memdup2(&found, sizeof(found));
	g_hash_table_insert(facts->persons, g_steal_pointer(&key), person);
	return person;
}

static bool
remember(struct facts *facts, const char *key, int64_t value)
{
	g_hash_table_replace(facts->numbers, g_strdup(key),
			     g_memdup2(&value, sizeof(value)));
	return true;
}

/* Not before the end: until then a repeat of what has been counted already
 * cannot be told from a new post (end.c). */
static bool
rate_of(struct facts *facts, const char *author, int64_t seconds,
	int64_t *out)
{
	g_autofree char *key = g_strdup_printf(
		"rate %lld %s", (long long)seconds, author);
	const int64_t *known = g_hash_table_lookup(facts->numbers, key);

	if (facts->message->step < STEP_END)
		return false;
	if (known != NULL) {
		*out = *known;
		return true;
	}
	return facts->questions->rate(facts->questions->arg, facts->list,
				      author, seconds, out, &facts->err) ==
		       ERR_OK &&
	       remember(facts, key, *out);
}

/* --- connection and envelope -------------------------------------------- */

static const char *
bare_addr(const char *addr)
{
	return g_ascii_strncasecmp(addr, "IPv6:", 5) == 0 ? addr + 5 : addr;
}

static const char *
domain_of(const char *addr)
{
	const char *at = strrchr(addr, '@');

	return at != NULL ? at + 1 : "";
}

static bool
get_time(struct facts *facts, enum fact_id id, struct fact_value *out)
{
	static const char *const days[] = {"sun", "mon", "tue", "wed",
					   "thu", "fri", "sat"};
	time_t began = (time_t)facts->message->began_s;
	struct tm tm;

	(void)localtime_r(&began, &tm);
	if (id == FACT_TIME_OF_DAY)
		return number(out, tm.tm_hour * 60 + tm.tm_min);
	return text(facts, out, days[tm.tm_wday]);
}

static bool
get_connection(struct facts *facts, enum fact_id id, struct fact_value *out)
{
	const struct message *message = facts->message;

	switch (id) {
	case FACT_CLIENT_ADDR:
		return text(facts, out, bare_addr(message->client_addr));
	case FACT_CLIENT_NAME:
		return text(facts, out, message->client_name);
	case FACT_CLIENT_TRUSTED:
		return number(out, message->client_trusted);
	case FACT_HELO:
		return text(facts, out, message->helo);
	case FACT_TLS:
		return number(out, message->tls[0] != '\0');
	case FACT_TLS_VERSION:
		return text(facts, out, message->tls);
	case FACT_LOGIN:
		return text(facts, out, message->login);
	default:
		return get_time(facts, id, out);
	}
}

static bool
get_sender_person(struct facts *facts, enum fact_id id,
		  struct fact_value *out)
{
	const char *sender = facts->message->sender;
	const struct person *person;

	if (sender[0] == '\0')
		return number(out, false);
	person = person_of(facts, facts->list, sender);
	if (person == NULL)
		return false;
	return number(out, id == FACT_SENDER_MEMBER ? person->member
						    : person->banned);
}

static bool
get_envelope(struct facts *facts, enum fact_id id, int64_t seconds,
	     struct fact_value *out)
{
	const struct message *message = facts->message;

	switch (id) {
	case FACT_SENDER:
		return text(facts, out, message->sender);
	case FACT_SENDER_DOMAIN:
		return text(facts, out, domain_of(message->sender));
	case FACT_LIST:
		return text(facts, out, facts->list);
	case FACT_LIST_DOMAIN:
		return text(facts, out, domain_of(facts->list));
	case FACT_LIST_RATE:
		return rate_of(facts, "", seconds, &out->number);
	case FACT_CLIENT_BANNED:
		return number(out, facts->client_banned);
	case FACT_RECIPIENTS:
		return message->step >= STEP_HEADERS &&
		       number(out, message->recipients);
	default:
		return get_sender_person(facts, id, out);
	}
}

/* --- authors ------------------------------------------------------------ */

/* The authors together: what all of them are, what one of them is, the
 * least of what they have. */
static bool
all_authors(struct facts *facts, struct person *out, unsigned int *any_banned,
	    unsigned int *any_moderated)
{
	const struct message *message = facts->message;
	bool there = message->authors->len > 0 && message->authors_complete;

	*out = (struct person){.member = there, .accepted = there,
			       .owner = there, .moderator = there,
			       .since_s = 0, .posts = UINT64_MAX};
	*any_banned = *any_moderated = 0;
	for (guint i = 0; i < message->authors->len; i++) {
		const struct person *one = person_of(
			facts, facts->list, message->authors->pdata[i]);

		if (one == NULL)
			return false;
		out->member &= one->member;
		out->accepted &= one->accepted;
		out->owner &= one->owner;
		out->moderator &= one->moderator;
		out->since_s = MAX(out->since_s, one->since_s);
		out->posts = MIN(out->posts, one->posts);
		*any_banned += one->banned;
		*any_moderated += one->moderated;
	}
	return true;
}

static bool
get_roles(struct facts *facts, const struct person *all,
	  struct fact_value *out)
{
	GPtrArray *roles = g_ptr_array_new();

	if (all->member)
		g_ptr_array_add(roles, g_strdup("member"));
	if (all->owner)
		g_ptr_array_add(roles, g_strdup("owner"));
	if (all->moderator)
		g_ptr_array_add(roles, g_strdup("moderator"));
	return texts_take(facts, out, roles);
}

static bool
get_author_person(struct facts *facts, enum fact_id id,
		  struct fact_value *out)
{
	struct person all;
	unsigned int banned, moderated;

	if (!all_authors(facts, &all, &banned, &moderated))
		return false;
	switch (id) {
	case FACT_AUTHOR_MEMBER:
		return number(out, all.member);
	case FACT_AUTHOR_BANNED:
		return number(out, banned > 0);
	case FACT_AUTHOR_ACCEPTED:
		return number(out, all.accepted);
	case FACT_AUTHOR_MODERATED:
		return number(out, moderated > 0);
	case FACT_AUTHOR_SINCE:
		return number(out, all.member ? MAX(facts->message->began_s -
							    all.since_s, 0)
					      : 0);
	case FACT_AUTHOR_POSTS:
		return number(out, all.member ? (int64_t)MIN(all.posts,
							     INT64_MAX)
					      : 0);
	default:
		return get_roles(facts, &all, out);
	}
}

static bool
get_author_rate(struct facts *facts, int64_t seconds, struct fact_value *out)
{
	const GPtrArray *authors = facts->message->authors;
	int64_t most = 0, rate;

	for (guint i = 0; i < authors->len; i++) {
		if (!rate_of(facts, authors->pdata[i], seconds, &rate))
			return false;
		most = MAX(most, rate);
	}
	return number(out, most);
}

static bool
get_author(struct facts *facts, enum fact_id id, int64_t seconds,
	   struct fact_value *out)
{
	const struct message *message = facts->message;
	GPtrArray *texts;

	if (message->step < STEP_HEADERS)
		return false;
	if (id == FACT_AUTHOR_RATE)
		return get_author_rate(facts, seconds, out);
	if (id == FACT_AUTHOR_NAME)
		return texts_take(facts, out,
				  content_author_names(&message->header));
	if (id != FACT_AUTHOR && id != FACT_AUTHOR_DOMAIN)
		return get_author_person(facts, id, out);
	texts = g_ptr_array_new();
	for (guint i = 0; i < message->authors->len; i++) {
		const char *addr = message->authors->pdata[i];

		g_ptr_array_add(texts, g_strdup(id == FACT_AUTHOR
						? addr : domain_of(addr)));
	}
	return texts_take(facts, out, texts);
}

/* --- header ------------------------------------------------------------- */

static bool
get_duplicate(struct facts *facts, struct fact_value *out)
{
	const char *id = facts->message->message_id;
	const int64_t *known = g_hash_table_lookup(facts->numbers,
						   "duplicate");
	bool duplicate = false;

	if (facts->message->step < STEP_END)	/* as rate_of() */
		return false;
	if (known != NULL)
		return number(out, *known);
	if (id[0] != '\0' &&
	    facts->questions->duplicate(facts->questions->arg, facts->list,
					id, &duplicate,
					&facts->err) != ERR_OK)
		return false;
	return number(out, duplicate) &&
	       remember(facts, "duplicate", duplicate);
}

static bool
get_automatic(struct facts *facts, struct fact_value *out)
{
	enum automatic automatic;

	return message_automatic(facts->message, &automatic) &&
	       text(facts, out, automatic_name(automatic));
}

static bool
get_subject(struct facts *facts, struct fact_value *out)
{
	GPtrArray *values = content_field(&facts->message->header, "Subject");

	g_ptr_array_set_size(values, MIN(values->len, 1));
	return texts_take(facts, out, values);
}

static bool
get_header(struct facts *facts, enum fact_id id, const char *argument,
	   struct fact_value *out)
{
	if (facts->message->step < STEP_HEADERS)
		return false;
	switch (id) {
	case FACT_SUBJECT:
		return get_subject(facts, out);
	case FACT_HEADER:
		return texts_take(facts, out,
				  content_field(&facts->message->header,
						argument));
	case FACT_AUTOMATIC:
		return get_automatic(facts, out);
	default:
		return get_duplicate(facts, out);
	}
}

/* --- what authentication found ------------------------------------------ */

static bool
get_spf(struct facts *facts, enum fact_id id, struct fact_value *out)
{
	const struct message *message = facts->message;
	const struct spf_evidence *spf = message->evidence != NULL
						 ? &message->evidence->spf
						 : message->spf;

	if (spf == NULL)
		return false;
	return text(facts, out, id == FACT_SPF ? auth_result_name(spf->result)
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
			g_ptr_array_add(texts, g_strdup(auth_result_name(
						       one->result)));
		else if (one->result == AUTH_PASS)
			g_ptr_array_add(texts, g_strdup(one->domain));
	}
	if (id == FACT_DKIM && dkim->len == 0)
		g_ptr_array_add(texts, g_strdup("none"));
	return texts_take(facts, out, texts);
}

static bool
get_evidence(struct facts *facts, enum fact_id id, struct fact_value *out)
{
	const struct evidence *evidence = facts->message->evidence;

	if (evidence == NULL)
		return false;
	switch (id) {
	case FACT_AUTHOR_VERIFIED:
		return number(out, evidence->by != BY_NONE);
	case FACT_AUTHOR_VERIFIABLE:
		return number(out, evidence->verifiable);
	case FACT_VERIFIED_BY:
		return text(facts, out, evidence->by == BY_NONE ? "" :
			    verified_by_name(evidence->by));
	case FACT_DMARC:
		return text(facts, out,
			    auth_result_name(evidence->dmarc.result));
	case FACT_DMARC_POLICY:
		return text(facts, out, evidence->dmarc.policy);
	case FACT_DMARC_DOMAIN:
		return text(facts, out, evidence->dmarc.record_domain);
	case FACT_ARC:
		return text(facts, out,
			    auth_result_name(evidence->arc.result));
	case FACT_ARC_SEALER:
		return text(facts, out, evidence->arc.sealer);
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
		return text(facts, out, "subscribe");
	case COMMAND_UNSUBSCRIBE:
		return text(facts, out, "unsubscribe");
	default:
		return text(facts, out, "");
	}
}

static bool
copy_texts(struct facts *facts, const GPtrArray *from,
	   struct fact_value *out)
{
	GPtrArray *texts = g_ptr_array_new();

	for (guint i = 0; i < from->len; i++)
		g_ptr_array_add(texts, g_strdup(from->pdata[i]));
	return texts_take(facts, out, texts);
}

static bool
get_content(struct facts *facts, enum fact_id id, struct fact_value *out)
{
	struct message *message = facts->message;

	if (message->step < STEP_END)
		return false;
	switch (id) {
	case FACT_COMMAND:
		return get_command(facts, out);
	case FACT_SIZE:
		return number(out, (int64_t)message->size);
	case FACT_MIME_TYPE:
		return copy_texts(facts, message_parts(message)->types, out);
	case FACT_MIME_NAME:
		return copy_texts(facts, message_parts(message)->names, out);
	case FACT_MIME_PARTS:
		return number(out, (int64_t)message_parts(message)->leaves);
	default:
		return text(facts, out, message_text(message));
	}
}

/* --- the source --------------------------------------------------------- */

static bool
get(void *arg, enum fact_id id, const char *argument, int64_t seconds,
    struct fact_value *out)
{
	struct facts *facts = arg;

	switch (id) {
	case FACT_CLIENT_ADDR:
	case FACT_CLIENT_NAME:
	case FACT_CLIENT_TRUSTED:
	case FACT_TIME_OF_DAY:
	case FACT_WEEKDAY:
	case FACT_HELO:
	case FACT_TLS:
	case FACT_TLS_VERSION:
	case FACT_LOGIN:
		return get_connection(facts, id, out);
	case FACT_SENDER:
	case FACT_SENDER_DOMAIN:
	case FACT_LIST:
	case FACT_LIST_DOMAIN:
	case FACT_LIST_RATE:
	case FACT_SENDER_MEMBER:
	case FACT_SENDER_BANNED:
	case FACT_CLIENT_BANNED:
	case FACT_RECIPIENTS:
		return get_envelope(facts, id, seconds, out);
	case FACT_AUTHOR:
	case FACT_AUTHOR_NAME:
	case FACT_AUTHOR_DOMAIN:
	case FACT_AUTHOR_MEMBER:
	case FACT_AUTHOR_BANNED:
	case FACT_AUTHOR_ACCEPTED:
	case FACT_AUTHOR_MODERATED:
	case FACT_AUTHOR_ROLE:
	case FACT_AUTHOR_SINCE:
	case FACT_AUTHOR_POSTS:
	case FACT_AUTHOR_RATE:
		return get_author(facts, id, seconds, out);
	case FACT_SUBJECT:
	case FACT_HEADER:
	case FACT_AUTOMATIC:
	case FACT_DUPLICATE:
		return get_header(facts, id, argument, out);
	case FACT_SPF:
	case FACT_SPF_DOMAIN:
		return get_spf(facts, id, out);
	case FACT_AUTHOR_VERIFIED:
	case FACT_AUTHOR_VERIFIABLE:
	case FACT_VERIFIED_BY:
	case FACT_DKIM:
	case FACT_DKIM_DOMAIN:
	case FACT_DMARC:
	case FACT_DMARC_POLICY:
	case FACT_DMARC_DOMAIN:
	case FACT_ARC:
	case FACT_ARC_SEALER:
		return get_evidence(facts, id, out);
	case FACT_COMMAND:
	case FACT_SIZE:
	case FACT_MIME_TYPE:
	case FACT_MIME_NAME:
	case FACT_MIME_PARTS:
	case FACT_BODY:
		return get_content(facts, id, out);
	case FACT_COUNT:
		break;
	}
	g_assert_not_reached();
}

static enum truth
in_person(struct facts *facts, enum set_kind kind, const char *list,
	  const char *addr)
{
	const struct person *person = person_of(facts, list, addr);

	if (person == NULL)
		return TRUTH_UNKNOWN;
	switch (kind) {
	case SET_MEMBERS:
		return person->member ? TRUTH_YES : TRUTH_NO;
	case SET_OWNERS:
		return person->owner ? TRUTH_YES : TRUTH_NO;
	case SET_MODERATORS:
		return person->moderator ? TRUTH_YES : TRUTH_NO;
	case SET_ACCEPTED:
		return person->accepted ? TRUTH_YES : TRUTH_NO;
	default:
		return person->banned ? TRUTH_YES : TRUTH_NO;
	}
}

static enum truth
in(void *arg, enum set_kind kind, const char *name, const char *addr)
{
	struct facts *facts = arg;

	if (kind == SET_FILE)
		return sets_have(facts->sets, name, addr);
	return in_person(facts, kind, name[0] != '\0' ? name : facts->list,
			 addr);
}

struct facts *
facts_new(struct message *message, const char *list,
	  const struct questions *questions, struct sets *sets)
{
	struct facts *facts = g_new0(struct facts, 1);

	facts->message = message;
	facts->list = g_strdup(list);
	facts->questions = questions;
	facts->sets = sets;
	facts->source = (struct fact_source){get, in, facts};
	facts->persons = g_hash_table_new_full(g_str_hash, g_str_equal,
					       g_free, g_free);
	facts->numbers = g_hash_table_new_full(g_str_hash, g_str_equal,
					       g_free, g_free);
	facts->owned = g_ptr_array_new_with_free_func(g_free);
	return facts;
}

void
facts_free(struct facts *facts)
{
	if (facts == NULL)
		return;
	g_hash_table_destroy(facts->persons);
	g_hash_table_destroy(facts->numbers);
	g_ptr_array_unref(facts->owned);
	g_free(facts->list);
	g_free(facts);
}

void
facts_know_client(struct facts *facts, bool client_banned)
{
	facts->client_banned = client_banned;
}

const struct fact_source *
facts_source(struct facts *facts)
{
	return &facts->source;
}

const struct err *
facts_error(const struct facts *facts)
{
	return &facts->err;
}
