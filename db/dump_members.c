/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <string.h>

#include "conf/keys.h"
#include "core/mail/addr.h"
#include "db/dump_parts.h"
#include "db/fields.h"
#include "core/base/banned.h"

/* What is about people, as lines of a dump, and back. */

static void
hex_of(const uint8_t *bytes, size_t len, char *out)
{
	for (size_t i = 0; i < len; i++)
		(void) snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

/* A million lines are not made twice as long by what few members have. */
static json_t *
bounce_json(const struct bounce_state *state)
{
	char post[2 * VERP_POST_LEN + 1];

	if (!bounce_state_is_set(state))
		return json_object();
	hex_of(state->probe_post, sizeof(state->probe_post), post);
	return json_pack("{sI sI sI sI ss sI sI sI}",
			 "score", (json_int_t)state->score,
			 "score_s", (json_int_t)state->score_s,
			 "scored_s", (json_int_t)state->scored_s,
			 "probe_s", (json_int_t)state->probe_s,
			 "probe_post", post,
			 "warned_s", (json_int_t)state->warned_s,
			 "warnings", (json_int_t)state->warnings,
			 "rise", (json_int_t)state->rise);
}

/* NULL, as of json_pack(), when a text is not UTF-8. */
json_t *
member_json(const char *list, const struct roster_entry *entry)
{
	json_t *object = json_pack(
		"{ss ss ss ss ss ss ss sI sb sb sb sb sb sI sI sI sI ss}",
		"type", "member", "list", list, "addr", entry->addr,
		"name", entry->name, "language", entry->language,
		"delivery", delivery_mode_name(entry->delivery),
		"off_by", off_by_name(entry->off_by),
		"off_s", (json_int_t)entry->off_s,
		"own_posts", (int)entry->own_posts,
		"duplicates", (int)entry->duplicates,
		"ack", (int)entry->ack, "hidden", (int)entry->hidden,
		"moderated", (int)entry->moderated,
		"posts", (json_int_t)entry->posts,
		"since_s", (json_int_t)entry->since_s,
		"bounces", (json_int_t)entry->bounces,
		"bounced_s", (json_int_t)entry->bounced_s,
		"bounce_reason", entry->bounce_reason);
	json_t *bounce = bounce_json(&entry->bounce);
	g_autofree char *changes = changes_text(entry);

	(void) json_object_update(object, bounce);	/* takes NULL */
	json_decref(bounce);
	if (object != NULL && changes[0] != '\0')
		(void) json_object_set_new(object, "changes",
					   json_string(changes));
	return object;
}

static enum err_code
check_language(const json_t *object, struct err *err)
{
	const char *language = field_text(object, "language");
	g_autofree char *stored = NULL;
	struct err why = ERR_INIT;

	if (key_check(key_find(member_keys, "language"), language, &stored,
		      &why) != ERR_OK)
		return field_bad(err, object, "language", "%s", why.what);
	return strcmp(stored, language) == 0 ? ERR_OK :
		field_bad(err, object, "language", "lower case is expected");
}

enum err_code
member_json_check(const json_t *object, struct err *err)
{
	const char *delivery = json_string_value(json_object_get(object,
							"delivery"));
	const char *post = field_text(object, "probe_post");
	uint8_t probe[VERP_POST_LEN];
	g_autoptr(GBytes) changes = NULL;
	enum delivery_mode mode;
	enum off_by by;

	if (!changes_of_text(field_text(object, "changes"), &changes))
		return field_bad(err, object, "changes", "at most 24 times "
				 "POSITION:DELIVERY are expected, "
				 "ascending");
	if (delivery != NULL && !delivery_mode_of_name(delivery, &mode))
		return field_bad(err, object, "delivery", "off, on, digest "
				 "or plain is expected");
	if (!off_by_of_name(field_text(object, "off_by"), &by))
		return field_bad(err, object, "off_by", "self, admin, "
				 "bounces or \"\" is expected");
	if (post[0] != '\0' &&
	    !field_hex(object, "probe_post", probe, sizeof(probe)))
		return field_bad(err, object, "probe_post", "%zu hexadecimal "
				 "digits in lower case are expected",
				 2 * sizeof(probe));
	return check_language(object, err);
}

/* Older dumps have true and false. */
static void
read_delivery(const json_t *object, struct member *member)
{
	enum delivery_mode delivery = field_bool(object, "delivery") ?
		DELIVERY_ON : DELIVERY_OFF;
	enum off_by by = OFF_NOT;

	(void) delivery_mode_of_name(field_text(object, "delivery"), &delivery);
	(void) off_by_of_name(field_text(object, "off_by"), &by);
	member->delivery = delivery;
	if (delivery != DELIVERY_OFF)
		return;
	member->off_by = by;
	member->off_s = field_num(object, "off_s");
}

static void
read_bounce(const json_t *object, struct bounce_state *out)
{
	out->score = (uint32_t)field_num(object, "score");
	out->score_s = field_num(object, "score_s");
	out->scored_s = field_num(object, "scored_s");
	out->probe_s = field_num(object, "probe_s");
	/* it was checked; nothing there is 0 */
	(void) field_hex(object, "probe_post", out->probe_post,
			 sizeof(out->probe_post));
	out->warned_s = field_num(object, "warned_s");
	out->warnings = (uint32_t)field_num(object, "warnings");
	out->rise = (uint32_t)field_num(object, "rise");
}

static void
set_text(char **text, const json_t *object, const char *name)
{
	g_free(*text);
	*text = g_strdup(field_text(object, name));
}

struct member *
member_of_json(const json_t *object)
{
	struct member *member = member_new(field_text(object, "addr"),
					   field_num(object, "since_s"));

	set_text(&member->name, object, "name");
	set_text(&member->language, object, "language");
	set_text(&member->bounce_reason, object, "bounce_reason");
	read_delivery(object, member);
	read_bounce(object, &member->bounce);
	member->own_posts = field_bool(object, "own_posts");
	if (json_object_get(object, "duplicates") != NULL)
		member->duplicates = field_bool(object, "duplicates");
	member->ack = field_bool(object, "ack");
	member->hidden = field_bool(object, "hidden");
	member->moderated = field_bool(object, "moderated");
	member->bounces = (uint32_t)field_num(object, "bounces");
	member->bounced_s = field_num(object, "bounced_s");
	member->posts = (uint64_t)field_num(object, "posts");
	/* it was checked */
	(void) changes_of_text(field_text(object, "changes"),
			       &member->changes);
	return member;
}

/* --- tokens ------------------------------------------------------------- */

json_t *
token_json(const char *list, const uint8_t hash[TOKEN_HASH],
	   const struct token_view *token)
{
	char text[2 * TOKEN_HASH + 1];

	hex_of(hash, TOKEN_HASH, text);
	return json_pack("{ss ss ss ss ss ss ss sI sI}", "type", "token",
			 "hash", text, "list", list, "kind", token->kind,
			 "addr", token->addr, "other", token->other,
			 "detail", token->detail,
			 "made_s", (json_int_t)token->made_s,
			 "expires_s", (json_int_t)token->expires_s);
}

static enum err_code
check_kind(const json_t *object, size_t max, struct err *err)
{
	return is_kind(field_text(object, "kind"), max) ? ERR_OK :
		field_bad(err, object, "kind", "1 to %zu letters a-z, digits "
			  "and hyphens are expected", max);
}

enum err_code
token_json_check(const json_t *object, struct err *err)
{
	uint8_t hash[TOKEN_HASH];

	if (!field_hex(object, "hash", hash, sizeof(hash)))
		return field_bad(err, object, "hash", "%zu hexadecimal "
				 "digits in lower case are expected",
				 2 * sizeof(hash));
	return check_kind(object, TOKEN_KIND_MAX, err);
}

void
token_of_json(const json_t *object, uint8_t hash_out[TOKEN_HASH],
	      struct token_view *out)
{
	(void) field_hex(object, "hash", hash_out, TOKEN_HASH); /* checked */
	*out = (struct token_view){
		.kind = field_text(object, "kind"),
		.addr = field_text(object, "addr"),
		.other = field_text(object, "other"),
		.detail = field_text(object, "detail"),
		.made_s = field_num(object, "made_s"),
		.expires_s = field_num(object, "expires_s"),
	};
}

/* --- events ------------------------------------------------------------- */

json_t *
event_json(const char *list, const struct event *event)
{
	return json_pack("{ss ss ss ss ss sI sI}", "type", "event",
			 "list", list, "kind", event->kind,
			 "addr", event->addr, "what", event->what,
			 "time_us", (json_int_t)event->time_us,
			 "number", (json_int_t)event->number);
}

enum err_code
event_json_check(const json_t *object, struct err *err)
{
	return check_kind(object, EVENT_KIND_MAX, err);
}

void
event_of_json(const json_t *object, struct event *out)
{
	*out = (struct event){
		.time_us = field_num(object, "time_us"),
		.number = (uint16_t)field_num(object, "number"),
		.kind = field_text(object, "kind"),
		.addr = field_text(object, "addr"),
		.what = field_text(object, "what"),
	};
}
