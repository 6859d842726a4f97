/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_INBOUND_FACTS_INSIDE_H
#define MUSTER_INBOUND_FACTS_INSIDE_H

#include <glib.h>

#include "core/inbound/facts.h"

/*
 * Only the facts*.c. A value lives as long as the facts, so what has to be
 * made is kept in `owned`. Once asked, the store's answers are kept too: a
 * fact does not change within a message. All that return bool: false is "not
 * known now".
 */
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
	const char *parent;	/* borrowed, or NULL */
	bool parent_accepted;
	struct err err;		/* of the last question without answer */
};

/* Values. fact_text: no text is no value, an empty one counts as absent.
 * fact_texts takes the array, whose strings are kept with it. */
bool fact_number(struct fact_value *out, int64_t value);
bool fact_text(struct facts *facts, struct fact_value *out, const char *value);
bool fact_texts(struct facts *facts, struct fact_value *out, GPtrArray *array);

/* What the store knows; facts_person: NULL if it does not answer */
const struct person *facts_person(struct facts *facts, const char *list,
				  const char *addr);
bool facts_remember(struct facts *facts, const char *key, int64_t value);
bool facts_rate(struct facts *facts, const char *author, int64_t seconds,
		int64_t *out);

/* A group of facts each */
bool facts_get_connection(struct facts *facts, enum fact_id id,
			  struct fact_value *out);
bool facts_get_envelope(struct facts *facts, enum fact_id id, int64_t seconds,
			struct fact_value *out);
bool facts_get_author(struct facts *facts, enum fact_id id, int64_t seconds,
		      struct fact_value *out);
bool facts_get_header(struct facts *facts, enum fact_id id,
		      const char *argument, struct fact_value *out);
bool facts_get_spf(struct facts *facts, enum fact_id id,
		   struct fact_value *out);
bool facts_get_evidence(struct facts *facts, enum fact_id id,
			struct fact_value *out);
bool facts_get_content(struct facts *facts, enum fact_id id,
		       struct fact_value *out);

#endif
