/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/inbound/policies.h"

#include <pthread.h>

#include <glib.h>

#include "core/base/banned.h"

#define POLICIES_MAX 2000	/* then all are forgotten and asked for anew */

struct policies {
	struct ask *ask;
	pthread_mutex_t lock;	/* of by_id */
	GHashTable *by_id;	/* id -> struct policy */
};

static void
unref(void *policy)
{
	policy_unref(policy);
}

struct policies *
policies_new(struct ask *ask)
{
	struct policies *policies = g_new0(struct policies, 1);

	policies->ask = ask;
	policies->by_id = g_hash_table_new_full(g_str_hash, g_str_equal,
						g_free, unref);
	(void)pthread_mutex_init(&policies->lock, NULL);
	return policies;
}

void
policies_free(struct policies *policies)
{
	g_hash_table_destroy(policies->by_id);
	(void)pthread_mutex_destroy(&policies->lock);
	g_free(policies);
}

static struct policy *
known(struct policies *policies, const char *id)
{
	struct policy *policy;

	(void)pthread_mutex_lock(&policies->lock);
	policy = g_hash_table_lookup(policies->by_id, id);
	if (policy != NULL)
		policy = policy_ref(policy);
	(void)pthread_mutex_unlock(&policies->lock);
	return policy;
}

static void
keep(struct policies *policies, const char *id, struct policy *policy)
{
	(void)pthread_mutex_lock(&policies->lock);
	if (g_hash_table_size(policies->by_id) >= POLICIES_MAX)
		g_hash_table_remove_all(policies->by_id);
	g_hash_table_replace(policies->by_id, g_strdup(id),
			     policy_ref(policy));
	(void)pthread_mutex_unlock(&policies->lock);
}

enum err_code
policies_get(struct policies *policies, const char *list, const char *id,
	     struct policy **out, struct err *err)
{
	g_autofree char *text = NULL, *now = NULL;
	struct policy *policy = known(policies, id);
	enum err_code rc = ERR_OK;

	if (policy == NULL) {
		/* It may have changed since the RCPT; the newest is good. */
		rc = ask_policy(policies->ask, list, &now, &text, err);
		if (rc == ERR_OK)
			rc = policy_parse(list, text, &policy, err);
		if (rc == ERR_OK)
			keep(policies, now, policy);
	}
	if (rc != ERR_OK)
		return err_context(err, "the policy of %s", list);
	*out = policy;
	return ERR_OK;
}
