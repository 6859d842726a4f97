/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_INBOUND_FACTS_H
#define MUSTER_INBOUND_FACTS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/inbound/message.h"
#include "core/moderate/fact.h"

/*
 * The facts of one message for one list: what the message says itself, what
 * authentication found, and what the store knows about the people.
 */

/* What a list knows about an address. */
struct person {
	bool member, moderated, banned, accepted;
	bool owner, moderator;
	int64_t since_s;	/* unix time of the subscription */
	uint64_t posts;
};

/*
 * Who answers questions about the store: the gate's struct ask (ask_facts),
 * or the store itself. ERR_OK, or why there is no answer now.
 */
struct questions {
	enum err_code (*person)(void *arg, const char *list,
				const char *addr, struct person *out,
				struct err *err);
	/* posts to the list in that time; author "": of everybody */
	enum err_code (*rate)(void *arg, const char *list, const char *author,
			      int64_t seconds, int64_t *out,
			      struct err *err);
	enum err_code (*duplicate)(void *arg, const char *list,
				   const char *message_id, bool *out,
				   struct err *err);
	void *arg;
};

struct sets;		/* files for in file("name"), sets.h */

struct facts;

/* All is borrowed, and must outlive the facts; message goes on changing. */
struct facts *facts_new(struct message *message, const char *list,
			const struct questions *questions,
			struct sets *sets);
void facts_free(struct facts *facts);

/* facts_know_person - what is known already, so that nobody need ask;
 * client_banned: the client's address is banned by the list's patterns */
void facts_know_person(struct facts *facts, const char *addr,
		       const struct person *person);
void facts_know_client(struct facts *facts, bool client_banned);
/* facts_know_parent - the list whose copy this is, "" for none, and whether it
 * is always to accept; parent is borrowed */
void facts_know_parent(struct facts *facts, const char *parent,
		       bool accepted);

/* facts_source - for policy_decide(); lives as long as the facts */
const struct fact_source *facts_source(struct facts *facts);

/* facts_error - why a question had no answer, code ERR_OK if all had. A
 * question without answer is asked again at the next step. */
const struct err *facts_error(const struct facts *facts);

#endif
