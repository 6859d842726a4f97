/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/inbound/env.h"

#include <string.h>

#include <glib.h>

#include "core/base/banned.h"

enum err_code
inbound_env_init(struct inbound_env *env, struct settings *settings,
		 const char *door, struct err *err)
{
	g_autofree char *submit = settings_submit_path(settings);
	enum err_code rc;

	memset(env, 0, sizeof(*env));
	rc = auth_env_new(settings, &env->auth, err);
	if (rc != ERR_OK)
		return rc;
	env->settings = settings_ref(settings);
	env->ask = ask_new(submit);
	env->policies = policies_new(env->ask);
	env->sets = sets_new(settings->sets_dir);
	env->door = door;
	return ERR_OK;
}

void
inbound_env_done(struct inbound_env *env)
{
	policies_free(env->policies);
	sets_free(env->sets);
	ask_free(env->ask);
	auth_env_free(env->auth);
	settings_unref(env->settings);
	memset(env, 0, sizeof(*env));
}
