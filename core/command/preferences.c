/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "conf/settings.h"	/* value_bool() */
#include "core/command/subscription_inside.h"
#include "db/event.h"
#include "core/base/banned.h"

/* How a member gets the list. The keys are those of member_keys. */

/* --- one key ------------------------------------------------------------ */

static bool
set_text(char **at, const char *value)
{
	if (strcmp(*at, value) == 0)
		return false;
	g_free(*at);
	*at = g_strdup(value);
	return true;
}

static bool
set_delivery(struct member *member, const char *value, enum off_by by,
	     int64_t now_s)
{
	enum delivery_mode delivery = DELIVERY_ON;

	if (!delivery_mode_of_name(value, &delivery))
		g_assert_not_reached();		/* key_check() has seen it */
	/* Whose mail came back, and who says that it is off for good, is not
	 * to be warned and removed. */
	if (member->delivery == delivery &&
	    (delivery != DELIVERY_OFF || member->off_by == by))
		return false;
	member_deliver(member, delivery, by, now_s);
	return true;
}

static bool *
flag_of(struct member *member, const char *name)
{
	const struct { const char *name; bool *flag; } flags[] = {
		{ "ack", &member->ack },
		{ "duplicates", &member->duplicates },
		{ "hidden", &member->hidden },
		{ "moderated", &member->moderated },
		{ "own-posts", &member->own_posts },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(flags); i++)
		if (strcmp(flags[i].name, name) == 0)
			return flags[i].flag;
	g_assert_not_reached();		/* a key that nobody has put here */
}

bool
preference_apply(struct member *member, const struct preference *preference,
		 enum off_by by, int64_t now_s)
{
	const char *name = preference->key->name;
	const char *value = preference->value;
	bool truth = false, *flag;

	if (strcmp(name, "name") == 0)
		return set_text(&member->name, value);
	if (strcmp(name, "language") == 0)
		return set_text(&member->language, value);
	if (strcmp(name, "delivery") == 0)
		return set_delivery(member, value, by, now_s);
	if (!value_bool(value, &truth))
		g_assert_not_reached();
	flag = flag_of(member, name);
	if (*flag == truth)
		return false;
	*flag = truth;
	return true;
}

/* --- all of them -------------------------------------------------------- */

struct setting {
	const struct preference *preferences;
	size_t count;
};

static char *
setting_text(const struct setting *setting, const char *between)
{
	GString *text = g_string_new(NULL);

	for (size_t i = 0; i < setting->count; i++)
		g_string_append_printf(text, "%s%s %s", i > 0 ? between : "",
				       setting->preferences[i].key->name,
				       setting->preferences[i].value);
	return g_string_free(text, FALSE);
}

static enum err_code
apply(const struct request *req, struct member *member,
      const struct setting *setting, struct err *err)
{
	const enum off_by by = req->is_proven ? OFF_BY_SELF : OFF_BY_ADMIN;
	g_autofree char *text = setting_text(setting, ", ");
	bool changed = false;
	enum err_code rc;

	for (size_t i = 0; i < setting->count; i++)
		changed |= preference_apply(member, &setting->preferences[i],
					    by, request_now_s(req));
	req->out->outcome = changed ? SUB_DONE : SUB_ALREADY;
	if (!changed)
		return ERR_OK;
	rc = roster_put(req->txn, req->list->id, member, err);
	return rc != ERR_OK ? rc :
		event_add(req->txn, req->list->id, "changed", req->out->addr,
			  err, "%s set: %s", request_who(req), text);
}

static enum err_code
ask(const struct request *req, const struct member *member,
    const struct setting *setting, struct err *err)
{
	g_autofree char *text = setting_text(setting, "\n");
	json_t *detail = json_object(), *set = json_object();
	const struct letter_field fields[] = {
		{ "settings", text }, { NULL, NULL },
	};
	const struct question question = {
		.kind = TOKEN_SET, .template = "set-confirm",
		.addr = req->out->addr, .language = member->language,
		.detail = detail, .fields = fields,
	};
	enum err_code rc;

	for (size_t i = 0; i < setting->count; i++)
		(void) json_object_set_new(
			set, setting->preferences[i].key->name,
			json_string(setting->preferences[i].value));
	(void) json_object_set_new(detail, "set", set);
	rc = request_ask(req, &question, err);
	json_decref(detail);
	return rc;
}

/* As for leaving: what is said and counted does not depend on the roster. */
static enum err_code
set_unproven(const struct request *req, const struct member *member,
	     const struct setting *setting, struct err *err)
{
	bool allowed;
	enum err_code rc = request_allowed(req, req->out->addr, &allowed,
					   err);

	if (rc != ERR_OK || !allowed)
		return rc;
	req->out->outcome = SUB_CONFIRM;
	return member != NULL ? ask(req, member, setting, err) : ERR_OK;
}

static enum err_code
set_proven(const struct request *req, struct member *member,
	   const struct setting *setting, struct err *err)
{
	bool allowed;
	enum err_code rc;

	if (member == NULL) {
		req->out->outcome = SUB_NOT_MEMBER;
		return ERR_OK;
	}
	if (req->asker->is_authority || req->is_confirmed ||
	    req->conf->self_service)
		return apply(req, member, setting, err);
	rc = request_allowed(req, req->out->addr, &allowed, err);
	return rc == ERR_OK && allowed ? ask(req, member, setting, err) : rc;
}

/* --- whether ------------------------------------------------------------ */

static bool
is_allowed(const struct request *req, const struct setting *setting)
{
	for (size_t i = 0; i < setting->count; i++) {
		const struct preference *one = &setting->preferences[i];

		if (strcmp(one->key->name, "moderated") == 0 &&
		    !req->asker->is_authority) {
			req->out->outcome = SUB_NOT_ALLOWED;
			(void) g_strlcpy(req->out->why, "\"moderated\" is for "
					 "the owners to set",
					 sizeof(req->out->why));
			return false;
		}
	}
	return true;
}

static enum err_code
set(const struct request *req, const struct setting *setting,
    struct err *err)
{
	g_autoptr(sub_member_t) member = NULL;
	enum err_code rc;

	if (req->asker->is_automatic) {
		req->out->outcome = SUB_AUTOMATIC;
		return ERR_OK;
	}
	if (!is_allowed(req, setting))
		return ERR_OK;
	rc = roster_find(req->txn, req->list->id, req->out->addr, &member,
			 err);
	if (rc != ERR_OK)
		return rc;
	return request_is_free(req) ?
		set_proven(req, member, setting, err) :
		set_unproven(req, member, setting, err);
}

enum err_code
subscription_set(struct txn *txn, const struct subscription_with *with,
		 const struct list *list, const struct list_conf *conf,
		 const struct asker *asker,
		 const struct preference *preferences, size_t count,
		 struct subscription_result *out, struct err *err)
{
	const struct setting setting = { preferences, count };
	struct request req;

	request_init(&req, txn, with, list, conf, asker, SUB_SET, out);
	return request_end(&req, set(&req, &setting, err), err);
}

/* --- what comes back ---------------------------------------------------- */

/* Keys may have changed their meaning since the token was made, with a new
 * version: what is not good any more is left out. */
static size_t
read_preferences(const json_t *set, struct preference *out, char **values,
		 size_t max)
{
	const char *name;
	json_t *value;
	size_t count = 0;

	json_object_foreach((json_t *)(uintptr_t)set, name, value) {
		const struct key *key = key_find(member_keys, name);
		const char *text = json_string_value(value);

		if (key == NULL || text == NULL || count == max ||
		    key_check(key, text, &values[count], NULL) != ERR_OK)
			continue;
		out[count] = (struct preference){ key, values[count] };
		count++;
	}
	return count;
}

#define PREFERENCES_MAX 16

enum err_code
set_confirmed(struct request *req, const struct token *token,
	      struct err *err)
{
	json_t *detail = detail_read(token->detail);
	struct preference preferences[PREFERENCES_MAX];
	char *values[PREFERENCES_MAX] = { NULL };
	struct setting setting = { .preferences = preferences };
	enum err_code rc;

	setting.count = read_preferences(json_object_get(detail, "set"),
					 preferences, values,
					 PREFERENCES_MAX);
	rc = set(req, &setting, err);
	for (size_t i = 0; i < setting.count; i++)
		g_free(values[i]);
	json_decref(detail);
	return rc;
}
