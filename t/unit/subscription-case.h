/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_T_SUBSCRIPTION_CASE_H
#define MUSTER_T_SUBSCRIPTION_CASE_H

#include "core/command/subscription.h"
#include "core/outbound/slot.h"
#include "db/event.h"
#include "db/token.h"
#include "t/unit/held-case.h"

/* A list and what is asked of it, each in a transaction of its own. */

#define JOE "joe@example.net"
#define EVE "eve@example.com"

struct sub {
	struct held_case h;
	struct subscription_result r;	/* of the last call */
	struct post_id mail;		/* that asks, see sub_mail() */
	bool has_mail;
	bool fail;			/* the transaction is cut off */
};

enum sub_call { CALL_JOIN, CALL_LEAVE, CALL_SET, CALL_MOVE, CALL_INVITE,
		CALL_CONFIRM, CALL_CLICK };

struct sub_ask {
	struct sub *sub;
	enum sub_call call;
	struct asker asker;
	struct join_options options;
	struct move_options move;
	enum subscription_letter goodbye;
	const char *key, *value;	/* CALL_SET */
	const char *token;
	uint32_t list;			/* 0: dev */
};

static inline enum err_code
sub_do(struct txn *txn, struct sub_ask *ask, const struct list *list,
       const struct list_conf *conf, struct err *err)
{
	struct sub *sub = ask->sub;
	const struct subscription_with with = {
		sub->h.t.settings, sub->h.t.verp, sub->h.now_ms,
	};
	const struct preference set = {
		ask->key != NULL ? key_find(member_keys, ask->key) : NULL,
		ask->value,
	};

	switch (ask->call) {
	case CALL_JOIN:
		return subscription_join(txn, &with, list, conf, &ask->asker,
					 &ask->options, &sub->r, err);
	case CALL_LEAVE:
		return subscription_leave(txn, &with, list, conf,
					  &ask->asker, ask->goodbye, &sub->r,
					  err);
	case CALL_SET:
		return subscription_set(txn, &with, list, conf, &ask->asker,
					&set, 1, &sub->r, err);
	case CALL_MOVE:
		return subscription_move(txn, &with, list, conf, &ask->asker,
					 &ask->move, &sub->r, err);
	case CALL_INVITE:
		return subscription_invite(txn, &with, list, conf,
					   &ask->asker, &sub->r, err);
	case CALL_CONFIRM:
		return subscription_confirm(txn, &with, list, conf,
					    &ask->asker, ask->token, &sub->r,
					    err);
	case CALL_CLICK:
		return subscription_leave_by_token(txn, &with, list, conf,
						   ask->token, "by one click",
						   NULL, &sub->r, err);
	}
	g_assert_not_reached();
}

static inline enum err_code
sub_body(struct txn *txn, void *arg, struct err *err)
{
	struct sub_ask *ask = arg;
	struct list *list = NULL;
	struct list_conf *conf = NULL;
	enum err_code rc = list_by_id(txn, ask->list != 0 ? ask->list :
				      ask->sub->h.t.list, &list, err);

	if (rc == ERR_OK)
		rc = list_conf_load(txn, list->addr, &conf, err);
	if (rc == ERR_OK)
		rc = sub_do(txn, ask, list, conf, err);
	list_free(list);
	list_conf_free(conf);
	return rc == ERR_OK && ask->sub->fail ?
		err_set(err, ERR_IO, "", "killed") : rc;
}

static inline enum subscription_outcome
sub_run(struct sub *sub, struct sub_ask ask)
{
	struct err err = ERR_INIT;
	enum err_code rc;

	ask.sub = sub;
	if (ask.asker.addr == NULL)
		ask.asker.addr = "";
	if (sub->has_mail)
		ask.asker.post = &sub->mail;
	rc = store_txn(sub->h.t.s.store, TXN_LAZY, sub_body, &ask, &err);
	if (sub->fail)
		g_assert_cmpint(rc, ==, ERR_IO);
	else if (rc != ERR_OK)
		g_error("%s", err.what);
	return sub->r.outcome;
}

/* --- short forms -------------------------------------------------------- */

static const struct join_options as_usual = { .delivery = DELIVERY_ON };

static inline struct asker
by_nobody(const char *addr)
{
	return (struct asker){ .addr = addr, .client = "192.0.2.7" };
}

static inline struct asker
by_himself(const char *addr)
{
	return (struct asker){ .addr = addr, .is_verified = true,
			       .client = "192.0.2.7" };
}

static inline struct asker
by_owner(const char *addr)
{
	return (struct asker){ .addr = addr, .is_authority = true,
			       .who = "owner@example.org" };
}

static inline enum subscription_outcome
sub_join(struct sub *sub, struct asker asker)
{
	return sub_run(sub, (struct sub_ask){
		.call = CALL_JOIN, .asker = asker, .options = as_usual });
}

static inline enum subscription_outcome
sub_leave(struct sub *sub, struct asker asker)
{
	return sub_run(sub, (struct sub_ask){
		.call = CALL_LEAVE, .asker = asker });
}

static inline enum subscription_outcome
sub_set(struct sub *sub, struct asker asker, const char *key,
	const char *value)
{
	return sub_run(sub, (struct sub_ask){
		.call = CALL_SET, .asker = asker, .key = key,
		.value = value });
}

static inline enum subscription_outcome
sub_move(struct sub *sub, struct asker asker, const char *to)
{
	return sub_run(sub, (struct sub_ask){
		.call = CALL_MOVE, .asker = asker, .move = { .to = to } });
}

static inline enum subscription_outcome
sub_confirm(struct sub *sub, const char *token)
{
	return sub_run(sub, (struct sub_ask){
		.call = CALL_CONFIRM, .token = token });
}

static inline void
sub_begin(struct sub *sub)
{
	memset(sub, 0, sizeof(*sub));
	held_begin(&sub->h);
}

static inline void
sub_end(struct sub *sub)
{
	int count = 0;

	case_ok(store_check(sub->h.t.s.store, count_finding, &count,
			    &sub->h.t.s.err), &sub->h.t.s);
	g_assert_cmpint(count, ==, 0);
	held_end(&sub->h);
}

/* --- looking ------------------------------------------------------------ */

static inline struct member *
sub_member_of(struct sub *sub, uint32_t list, const char *addr)
{
	struct member *member = NULL;

	case_ok(roster_find(store_reader(sub->h.t.s.store), list, addr,
			    &member, &sub->h.t.s.err), &sub->h.t.s);
	return member;
}

static inline struct member *
sub_member(struct sub *sub, const char *addr)
{
	return sub_member_of(sub, sub->h.t.list, addr);
}

static inline bool
is_member(struct sub *sub, const char *addr)
{
	struct member *member = sub_member(sub, addr);
	bool is = member != NULL;

	member_free(member);
	return is;
}

/* The token of the only letter that is on its way, which goes to `to` and is
 * taken. */
static inline char *
sub_token(struct sub *sub, const char *to)
{
	g_auto(GStrv) sent = letters(&sub->h);
	g_autofree char *begin = g_strconcat(to, ": ", NULL);
	static const char way[] = "Reply-To: <dev-confirm+";
	const char *at;

	g_assert_cmpuint(g_strv_length(sent), ==, 1);
	if (!g_str_has_prefix(sent[0], begin))
		g_error("not to %s: %s", to, sent[0]);
	at = strstr(sent[0], way);
	g_assert_nonnull(at);
	return g_strndup(at + strlen(way), TOKEN_TEXT);
}

/* The only letter is to this address, and says this. */
static inline void
sub_see_letter(struct sub *sub, const char *to, const char *says)
{
	g_auto(GStrv) sent = letters(&sub->h);
	g_autofree char *begin = g_strconcat(to, ": ", NULL);

	g_assert_cmpuint(g_strv_length(sent), ==, 1);
	if (!g_str_has_prefix(sent[0], begin))
		g_error("not to %s: %s", to, sent[0]);
	stage_see(sent[0], says);
}

static inline guint
sub_letters(struct sub *sub)
{
	g_auto(GStrv) sent = letters(&sub->h);

	return g_strv_length(sent);
}

static inline enum err_code
add_event(void *arg, const struct event *event, struct err *err)
{
	(void) err;
	g_string_append_printf(arg, "%s %s: %s\n", event->kind, event->addr,
			       event->what);
	return ERR_OK;
}

static inline char *
sub_events(struct sub *sub)
{
	GString *out = g_string_new(NULL);

	case_ok(event_walk(store_reader(sub->h.t.s.store), sub->h.t.list, 0,
			   INT64_MAX, add_event, out, &sub->h.t.s.err),
		&sub->h.t.s);
	return g_string_free(out, FALSE);
}

#endif
