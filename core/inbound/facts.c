/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "core/inbound/facts_inside.h"
#include "core/inbound/sets.h"
#include "core/base/banned.h"

/* --- values ------------------------------------------------------------- */

bool
fact_number(struct fact_value *out, int64_t value)
{
	out->number = value;
	return true;
}

/* No text is no value: an empty one counts as absent. */
bool
fact_text(struct facts *facts, struct fact_value *out, const char *value)
{
	const char **texts = g_new0(const char *, 2);

	g_ptr_array_add(facts->owned, texts);
	if (value != NULL && value[0] != '\0')
		texts[0] = value;
	out->texts = texts;
	return true;
}

/* Takes the array, whose strings are kept with it. */
bool
fact_texts(struct facts *facts, struct fact_value *out, GPtrArray *array)
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
const struct person *
facts_person(struct facts *facts, const char *list, const char *addr)
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

bool
facts_remember(struct facts *facts, const char *key, int64_t value)
{
	g_hash_table_replace(facts->numbers, g_strdup(key),
			     g_memdup2(&value, sizeof(value)));
	return true;
}

/* Not before the end: until then a repeat of what has been counted already
 * cannot be told from a new post (end.c). */
bool
facts_rate(struct facts *facts, const char *author, int64_t seconds,
	   int64_t *out)
{
	g_autofree char *key =
		g_strdup_printf("rate %lld %s", (long long)seconds, author);
	const int64_t *known = g_hash_table_lookup(facts->numbers, key);

	if (facts->message->step < STEP_END)
		return false;
	if (known != NULL) {
		*out = *known;
		return true;
	}
	return facts->questions->rate(facts->questions->arg, facts->list,
				      author, seconds, out,
				      &facts->err) == ERR_OK &&
	       facts_remember(facts, key, *out);
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
		return facts_get_connection(facts, id, out);
	case FACT_SENDER:
	case FACT_SENDER_DOMAIN:
	case FACT_LIST:
	case FACT_LIST_DOMAIN:
	case FACT_LIST_RATE:
	case FACT_SENDER_MEMBER:
	case FACT_SENDER_BANNED:
	case FACT_SENDER_LIST:
	case FACT_SENDER_ACCEPTED:
	case FACT_CLIENT_BANNED:
	case FACT_RECIPIENTS:
	case FACT_RECIPIENT:
		return facts_get_envelope(facts, id, seconds, out);
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
		return facts_get_author(facts, id, seconds, out);
	case FACT_SUBJECT:
	case FACT_HEADER:
	case FACT_AUTOMATIC:
	case FACT_DUPLICATE:
		return facts_get_header(facts, id, argument, out);
	case FACT_SPF:
	case FACT_SPF_DOMAIN:
		return facts_get_spf(facts, id, out);
	case FACT_AUTHOR_VERIFIED:
	case FACT_AUTHOR_VERIFIABLE:
	case FACT_VERIFIED_BY:
	case FACT_DKIM:
	case FACT_DKIM_DOMAIN:
	case FACT_DMARC:
	case FACT_DMARC_POLICY:
	case FACT_DMARC_DOMAIN:
	case FACT_DMARC_ALIGNED:
	case FACT_ARC:
	case FACT_ARC_SEALER:
		return facts_get_evidence(facts, id, out);
	case FACT_COMMAND:
	case FACT_SIZE:
	case FACT_MIME_TYPE:
	case FACT_MIME_NAME:
	case FACT_MIME_PARTS:
	case FACT_BODY:
		return facts_get_content(facts, id, out);
	case FACT_COUNT:
		break;
	}
	g_assert_not_reached();
}

static enum truth
in_person(struct facts *facts, enum set_kind kind, const char *list,
	  const char *addr)
{
	const struct person *person = facts_person(facts, list, addr);

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
	facts->persons =
		g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	facts->numbers =
		g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
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

void
facts_know_parent(struct facts *facts, const char *parent, bool accepted)
{
	facts->parent = parent;
	facts->parent_accepted = accepted;
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
