/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdarg.h>
#include <string.h>

#include "core/command/print.h"
#include "core/command/verb.h"
#include "core/mail/addr.h"
#include "core/base/banned.h"

/* What most verbs need: complaints, the list of an argument, KEY=VALUE. */

static enum admin_status
status_of(enum err_code code)
{
	switch (code) {
	case ERR_BUSY:
	case ERR_NOSPACE:
	case ERR_DOWN:
		return ADMIN_LATER;
	default:
		return ADMIN_REFUSED;
	}
}

enum admin_status
call_fail(const struct call *call, const struct err *err)
{
	g_autofree char *what = print_plain(err->what);
	const bool advice = err->todo != NULL && err->todo[0] != '\0';

	(void) fprintf(call->admin->errors, "muster: %s%s%s%s\n", what,
		       advice ? " (" : "", advice ? err->todo : "",
		       advice ? ")" : "");
	return status_of(err->code);
}

static void __attribute__((format(printf, 2, 0)))
say(const struct call *call, const char *format, va_list ap)
{
	g_autofree char *what = g_strdup_vprintf(format, ap);
	g_autofree char *safe = print_plain(what);

	(void) fprintf(call->admin->errors, "muster: %s\n", safe);
}

void
call_say(const struct call *call, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	say(call, format, ap);
	va_end(ap);
}

enum admin_status
call_refuse(const struct call *call, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	say(call, format, ap);
	va_end(ap);
	return ADMIN_REFUSED;
}

char *
list_canon(const char *text)
{
	g_autofree char *canon = addr_canon(text);

	return canon != NULL ? g_ascii_strdown(canon, -1) : NULL;
}

enum admin_status
call_list(const struct call *call, const char *name, struct list **out)
{
	g_autofree char *canon = list_canon(name);
	struct err err = ERR_INIT;

	if (canon == NULL)
		return call_refuse(call, "\"%s\" is no list; give its "
				   "address, NAME@DOMAIN", name);
	if (list_find(store_reader(call->admin->store), canon, out, &err) !=
	    ERR_OK)
		return call_fail(call, &err);
	if (*out == NULL)
		return call_refuse(call, "there is no list %s (muster list ls "
				   "prints all)", canon);
	return ADMIN_DONE;
}

enum admin_status
call_member_addr(const struct call *call, const char *text, char **out)
{
	char *canon = addr_canon(text);

	if (canon == NULL)
		return call_refuse(call, "\"%s\" is no address NAME@DOMAIN",
				   text);
	*out = canon;
	return ADMIN_DONE;
}

static void
pair_free(void *data)
{
	struct pair *pair = data;

	g_free(pair->value);
	g_free(pair);
}

GPtrArray *
pairs_new(void)
{
	return g_ptr_array_new_with_free_func(pair_free);
}

enum admin_status
pairs_add(const struct call *call, GPtrArray *pairs, const struct key *keys,
	  const char *name, const char *value)
{
	const struct key *key = key_find(keys, name);
	struct err err = ERR_INIT;
	struct pair *pair;
	char *checked;

	if (key == NULL) {
		(void) key_unknown(keys, name, &err);
		return call_fail(call, &err);
	}
	for (guint i = 0; i < pairs->len; i++)
		if (((struct pair *)pairs->pdata[i])->key == key)
			return call_refuse(call, "%s is given twice",
					   key->name);
	if (key_check(key, value, &checked, &err) != ERR_OK)
		return call_fail(call, &err);
	pair = g_new(struct pair, 1);
	pair->key = key;
	pair->value = checked;
	g_ptr_array_add(pairs, pair);
	return ADMIN_DONE;
}

enum admin_status
pairs_read(const struct call *call, GPtrArray *pairs, const struct key *keys,
	   int from)
{
	enum admin_status status = ADMIN_DONE;

	for (int i = from; i < call->count && status == ADMIN_DONE; i++) {
		const char *equals = strchr(call->args[i], '=');
		g_autofree char *name = g_strndup(call->args[i], (gsize)
						  (equals - call->args[i]));

		status = pairs_add(call, pairs, keys, name, equals + 1);
	}
	return status;
}
