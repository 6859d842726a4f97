/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * SPF is evaluated again and again, in the resolver's thread, as its answers
 * come; everything else needs the content and is evaluated at the end, by
 * when its look-ups have had the whole time of the transfer.
 */
#include "core/auth/auth.h"

#include <pthread.h>
#include <string.h>

#include <glib.h>

#include "core/auth/arc.h"
#include "core/auth/dkim.h"
#include "core/auth/dmarc.h"
#include "core/auth/domain.h"
#include "core/auth/logins.h"
#include "core/auth/lookups.h"
#include "core/auth/spf.h"
#include "core/auth/verified.h"
#include "core/base/wire.h"
#include "core/mail/mime.h"
#include "core/mail/pattern.h"
#include "core/base/banned.h"

struct auth_env {
	struct settings *settings;
	struct resolver *resolver;
	struct logins *logins;
};

struct auth {
	struct auth_env *env;
	struct lookups *lookups;
	int64_t deadline_ms;
	char *helo, *sender;
	struct evidence *evidence;
	pthread_mutex_t lock;	/* of evidence->spf and spf_done */
	pthread_cond_t changed;
	bool spf_done;
};

/* --- what a process shares ---------------------------------------------- */

enum err_code
auth_check(const struct settings *settings, struct err *err)
{
	struct logins *logins = NULL;
	enum err_code rc = logins_read(settings->logins_path, &logins, err);

	logins_free(logins);
	return rc;
}

enum err_code
auth_env_new(struct settings *settings, struct auth_env **out,
	     struct err *err)
{
	struct auth_env *env = g_new0(struct auth_env, 1);
	enum err_code rc;

	env->settings = settings_ref(settings);
	rc = logins_read(settings->logins_path, &env->logins, err);
	if (rc == ERR_OK)
		rc = resolver_new(settings->dns_servers, &env->resolver, err);
	if (rc != ERR_OK) {
		auth_env_free(env);
		return rc;
	}
	*out = env;
	return ERR_OK;
}

void
auth_env_free(struct auth_env *env)
{
	if (env == NULL)
		return;
	if (env->resolver != NULL)
		resolver_free(env->resolver);
	logins_free(env->logins);
	settings_unref(env->settings);
	g_free(env);
}

/* --- SPF, while the sender is talking ----------------------------------- */

/* with the lock */
static void
try_spf(struct auth *auth)
{
	const struct spf_question question = {
		.client = auth->evidence->client,
		.helo = auth->helo,
		.sender = auth->sender,
		.receiver = auth->env->settings->hostname,
	};

	if (!auth->spf_done)
		auth->spf_done = spf_check(auth->lookups, &question,
					   &auth->evidence->spf);
}

static void
on_answer(void *data)
{
	struct auth *auth = data;

	(void)pthread_mutex_lock(&auth->lock);
	try_spf(auth);
	(void)pthread_cond_broadcast(&auth->changed);
	(void)pthread_mutex_unlock(&auth->lock);
}

/* wire_now_ms() is of the monotonic clock. */
static void
init_changed(pthread_cond_t *changed)
{
	pthread_condattr_t attr;

	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(changed, &attr);
	(void)pthread_condattr_destroy(&attr);
}

static void
await_spf(struct auth *auth)
{
	const struct timespec until = {
		.tv_sec = auth->deadline_ms / 1000,
		.tv_nsec = auth->deadline_ms % 1000 * 1000000,
	};

	(void)pthread_mutex_lock(&auth->lock);
	while (!auth->spf_done &&
	       pthread_cond_timedwait(&auth->changed, &auth->lock, &until) ==
		       0)
		;
	/* Behind the deadline every answer is there, if only as FAILED. */
	try_spf(auth);
	(void)pthread_mutex_unlock(&auth->lock);
}

/* --- one message -------------------------------------------------------- */

static const char *
bare_addr(const char *addr)
{
	return g_ascii_strncasecmp(addr, "IPv6:", 5) == 0 ? addr + 5 : addr;
}

bool
auth_is_trusted(const struct auth_env *env, const char *addr)
{
	return addresses_match(env->settings->trusted, bare_addr(addr));
}

static void
set_text(char **text, const char *to)
{
	g_free(*text);
	*text = g_strdup(to);
}

static void
begin_spf(struct auth *auth)
{
	struct evidence *evidence = auth->evidence;

	if (evidence->client_trusted) {
		set_text(&evidence->spf.reason,
			 "the client is in a trusted network");
		auth->spf_done = true;
		return;
	}
	(void)pthread_mutex_lock(&auth->lock);
	try_spf(auth);
	(void)pthread_mutex_unlock(&auth->lock);
}

struct auth *
auth_begin(struct auth_env *env, const struct auth_client *client)
{
	struct auth *auth = g_new0(struct auth, 1);

	auth->env = env;
	auth->helo = g_strdup(client->helo);
	auth->sender = g_strdup(client->sender);
	auth->evidence = evidence_new();
	set_text(&auth->evidence->client, bare_addr(client->addr));
	set_text(&auth->evidence->login, client->login);
	auth->evidence->client_trusted = auth_is_trusted(env, client->addr);
	(void)pthread_mutex_init(&auth->lock, NULL);
	init_changed(&auth->changed);
	auth->deadline_ms = wire_now_ms() + env->settings->dns_timeout_s * 1000;
	auth->lookups = lookups_new(env->resolver, auth->deadline_ms,
				    on_answer, auth);
	begin_spf(auth);
	return auth;
}

void
auth_free(struct auth *auth)
{
	if (auth == NULL)
		return;
	lookups_free(auth->lookups);
	(void)pthread_cond_destroy(&auth->changed);
	(void)pthread_mutex_destroy(&auth->lock);
	evidence_free(auth->evidence);
	g_free(auth->helo);
	g_free(auth->sender);
	g_free(auth);
}

void
auth_header(struct auth *auth, const struct header *header)
{
	g_autoptr(GPtrArray) authors = NULL;
	bool complete;

	dkim_start(auth->lookups, header);
	arc_start(auth->lookups, header);
	authors = mime_authors(header, &complete);
	if (authors->len > 0 && strchr(authors->pdata[0], '@') != NULL)
		dmarc_start(auth->lookups,
			    strrchr(authors->pdata[0], '@') + 1);
}

const struct spf_evidence *
auth_spf(struct auth *auth)
{
	bool done;

	(void)pthread_mutex_lock(&auth->lock);
	done = auth->spf_done;
	(void)pthread_mutex_unlock(&auth->lock);
	return done ? &auth->evidence->spf : NULL;
}

const struct evidence *
auth_end(struct auth *auth, const struct header *header, const char *body,
	 size_t body_len, const GPtrArray *authors, bool authors_complete)
{
	struct evidence *evidence = auth->evidence;

	await_spf(auth);
	g_ptr_array_unref(evidence->dkim);
	evidence->dkim = dkim_check(auth->lookups, header, body, body_len,
				     &evidence->dkim_ignored);
	arc_check(auth->lookups, header, body, body_len, &evidence->arc);
	dmarc_check(auth->lookups, authors, authors_complete, &evidence->spf,
		    evidence->dkim, &evidence->dmarc);
	verified_author(auth->env->settings, auth->env->logins, authors,
			authors_complete, evidence);
	return evidence;
}
