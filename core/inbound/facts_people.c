/* SPDX-License-Identifier: BSD-2-Clause */

/* Facts about who sends it: the connection, the envelope, the authors. */
#include <string.h>
#include <time.h>

#include "core/inbound/facts_inside.h"
#include "core/mail/addr.h"
#include "core/base/banned.h"

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
		return fact_number(out, tm.tm_hour * 60 + tm.tm_min);
	return fact_text(facts, out, days[tm.tm_wday]);
}

bool
facts_get_connection(struct facts *facts, enum fact_id id,
		     struct fact_value *out)
{
	const struct message *message = facts->message;

	switch (id) {
	case FACT_CLIENT_ADDR:
		return fact_text(facts, out, bare_addr(message->client_addr));
	case FACT_CLIENT_NAME:
		return fact_text(facts, out, message->client_name);
	case FACT_CLIENT_TRUSTED:
		return fact_number(out, message->client_trusted);
	case FACT_HELO:
		return fact_text(facts, out, message->helo);
	case FACT_TLS:
		return fact_number(out, message->tls[0] != '\0');
	case FACT_TLS_VERSION:
		return fact_text(facts, out, message->tls);
	case FACT_LOGIN:
		return fact_text(facts, out, message->login);
	default:
		return get_time(facts, id, out);
	}
}

static bool
get_sender_person(struct facts *facts, enum fact_id id, struct fact_value *out)
{
	const char *sender = facts->message->sender;
	const struct person *person;

	if (sender[0] == '\0')
		return fact_number(out, false);
	person = facts_person(facts, facts->list, sender);
	if (person == NULL)
		return false;
	return fact_number(out, id == FACT_SENDER_MEMBER ? person->member
							 : person->banned);
}

/* In canonical form; what is no address stays as it came. */
static bool
get_addressed(struct facts *facts, struct fact_value *out)
{
	const GPtrArray *addressed = facts->message->addressed;
	GPtrArray *texts = g_ptr_array_new();

	for (guint i = 0; i < addressed->len; i++) {
		const char *path = addressed->pdata[i];
		struct addr addr = {0};

		g_ptr_array_add(texts, g_strdup(addr_parse(path, &addr)
							? addr.text
							: path));
		addr_done(&addr);
	}
	return fact_texts(facts, out, texts);
}

bool
facts_get_envelope(struct facts *facts, enum fact_id id, int64_t seconds,
		   struct fact_value *out)
{
	const struct message *message = facts->message;

	switch (id) {
	case FACT_SENDER:
		return fact_text(facts, out, message->sender);
	case FACT_SENDER_DOMAIN:
		return fact_text(facts, out, domain_of(message->sender));
	case FACT_LIST:
		return fact_text(facts, out, facts->list);
	case FACT_LIST_DOMAIN:
		return fact_text(facts, out, domain_of(facts->list));
	case FACT_LIST_RATE:
		return facts_rate(facts, "", seconds, &out->number);
	case FACT_SENDER_LIST:
		return fact_text(facts, out, facts->parent != NULL ?
				 facts->parent : "");
	case FACT_SENDER_ACCEPTED:
		return fact_number(out, facts->parent_accepted);
	case FACT_CLIENT_BANNED:
		return fact_number(out, facts->client_banned);
	case FACT_RECIPIENTS:
		return message->step >= STEP_HEADERS &&
		       fact_number(out, message->recipients);
	case FACT_RECIPIENT:
		return message->step >= STEP_HEADERS &&
		       get_addressed(facts, out);
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

	*out = (struct person){.member = there,
			       .accepted = there,
			       .owner = there,
			       .moderator = there,
			       .since_s = 0,
			       .posts = UINT64_MAX};
	*any_banned = *any_moderated = 0;
	for (guint i = 0; i < message->authors->len; i++) {
		const struct person *one = facts_person(
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
get_roles(struct facts *facts, const struct person *all, struct fact_value *out)
{
	GPtrArray *roles = g_ptr_array_new();

	if (all->member)
		g_ptr_array_add(roles, g_strdup("member"));
	if (all->owner)
		g_ptr_array_add(roles, g_strdup("owner"));
	if (all->moderator)
		g_ptr_array_add(roles, g_strdup("moderator"));
	return fact_texts(facts, out, roles);
}

static bool
get_author_person(struct facts *facts, enum fact_id id, struct fact_value *out)
{
	struct person all;
	unsigned int banned, moderated;

	if (!all_authors(facts, &all, &banned, &moderated))
		return false;
	switch (id) {
	case FACT_AUTHOR_MEMBER:
		return fact_number(out, all.member);
	case FACT_AUTHOR_BANNED:
		return fact_number(out, banned > 0);
	case FACT_AUTHOR_ACCEPTED:
		return fact_number(out, all.accepted);
	case FACT_AUTHOR_MODERATED:
		return fact_number(out, moderated > 0);
	case FACT_AUTHOR_SINCE:
		return fact_number(
			out,
			all.member
				? MAX(facts->message->began_s - all.since_s, 0)
				: 0);
	case FACT_AUTHOR_POSTS:
		return fact_number(
			out,
			all.member ? (int64_t)MIN(all.posts, INT64_MAX) : 0);
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
		if (!facts_rate(facts, authors->pdata[i], seconds, &rate))
			return false;
		most = MAX(most, rate);
	}
	return fact_number(out, most);
}

bool
facts_get_author(struct facts *facts, enum fact_id id, int64_t seconds,
		 struct fact_value *out)
{
	const struct message *message = facts->message;
	GPtrArray *texts;

	if (message->step < STEP_HEADERS)
		return false;
	if (id == FACT_AUTHOR_RATE)
		return get_author_rate(facts, seconds, out);
	if (id == FACT_AUTHOR_NAME)
		return fact_texts(facts, out,
				  content_author_names(&message->header));
	if (id != FACT_AUTHOR && id != FACT_AUTHOR_DOMAIN)
		return get_author_person(facts, id, out);
	texts = g_ptr_array_new();
	for (guint i = 0; i < message->authors->len; i++) {
		const char *addr = message->authors->pdata[i];

		g_ptr_array_add(
			texts,
			g_strdup(id == FACT_AUTHOR ? addr : domain_of(addr)));
	}
	return fact_texts(facts, out, texts);
}
