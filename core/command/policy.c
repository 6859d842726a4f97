/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/command/print.h"
#include "core/command/verb.h"
#include "core/moderate/moderate.h"
#include "core/base/banned.h"

enum admin_status
policy_show_run(struct call *call)
{
	g_autoptr(list_auto) list = NULL;
	g_autoptr(list_conf_auto) conf = NULL;
	g_autofree char *refusal = NULL, *text = NULL;
	struct err err = ERR_INIT;
	enum admin_status status = call_list(call, call->args[0], &list);

	if (status != ADMIN_DONE)
		return status;
	if (list_conf_load(store_reader(call->admin->store), list->addr,
			   &conf, &err) != ERR_OK)
		return call_fail(call, &err);
	refusal = refusal_text(list->addr, conf->refuse_text);
	text = policy_text(conf->policy, refusal);
	if (text == NULL)
		return call_refuse(call, "%s has the policy \"%s\", which is "
				   "none; muster list set %s policy=members",
				   list->addr, conf->policy, list->addr);
	if (call->json)
		print_object(call, json_pack(
			"{s:o, s:o, s:o}", "list", json_text(list->addr),
			"policy", json_text(conf->policy),
			"text", json_text(text)));
	else
		(void) fputs(text, call->admin->out);
	return ADMIN_DONE;
}
