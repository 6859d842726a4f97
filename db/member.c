/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "core/mail/addr.h"
#include "db/inside.h"
#include "db/roster.h"
#include "core/base/banned.h"

/*
 * A member, and his record. Records are written in the layout of
 * MEMBER_VERSION, each when its member is next changed: those of the versions
 * before it are read as long as there are any.
 */
enum {
	FLAG_DELIVERY = 1,	/* of versions 1 and 2 only */
	FLAG_OWN_POSTS = 2,
	FLAG_MODERATED = 4,	/* from version 2 on */
	FLAG_DUPLICATES = 8,	/* this and what follows: from version 3 on */
	FLAG_ACK = 16,
	FLAG_HIDDEN = 32,
	FLAG_BOUNCE = 64,	/* there is a bounce_state */
};

static const char *const deliveries[] = { "off", "on", "digest", "plain" };
static const char *const offs[] = { "", "self", "admin", "bounces" };

const char *
delivery_mode_name(enum delivery_mode delivery)
{
	return deliveries[delivery];
}

const char *
off_by_name(enum off_by by)
{
	return offs[by];
}

/* -1: none of them */
static int
place_among(const char *const *names, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(names[i], name) == 0)
			return (int)i;
	return -1;
}

bool
delivery_mode_of_name(const char *name, enum delivery_mode *out)
{
	int at = place_among(deliveries, G_N_ELEMENTS(deliveries), name);

	if (at >= 0)
		*out = (enum delivery_mode)at;
	return at >= 0;
}

bool
off_by_of_name(const char *name, enum off_by *out)
{
	int at = place_among(offs, G_N_ELEMENTS(offs), name);

	if (at >= 0)
		*out = (enum off_by)at;
	return at >= 0;
}

struct member *
member_new(const char *addr, int64_t since_s)
{
	struct member *member = g_new0(struct member, 1);

	member->addr = g_strdup(addr);
	member->name = g_strdup("");
	member->language = g_strdup("");
	member->delivery = DELIVERY_ON;
	member->own_posts = true;
	member->duplicates = true;
	member->since_s = since_s;
	member->bounce_reason = g_strdup("");
	return member;
}

void
member_free(struct member *member)
{
	if (member == NULL)
		return;
	g_free(member->addr);
	g_free(member->name);
	g_free(member->language);
	g_free(member->bounce_reason);
	g_free(member);
}

void
member_key(GByteArray *out, uint32_t list, const char *addr)
{
	g_byte_array_set_size(out, 0);
	put_u32(out, list);
	put_key_text(out, addr);
}

bool
bounce_state_is_set(const struct bounce_state *state)
{
	return state->score != 0 || state->score_s != 0 ||
		state->scored_s != 0 || state->probe_s != 0 ||
		state->warned_s != 0 || state->warnings != 0;
}

void
member_deliver(struct member *member, enum delivery_mode delivery,
	       enum off_by by, int64_t now_s)
{
	const bool was_off = member->delivery == DELIVERY_OFF;

	if (delivery != DELIVERY_OFF) {
		if (was_off)
			member->bounce = (struct bounce_state){ 0 };
		member->off_by = OFF_NOT;
		member->off_s = 0;
	} else if (!was_off || member->off_by != by) {
		member->off_by = by;
		member->off_s = now_s;
	}
	member->delivery = delivery;
}

static void
put_bounce_state(GByteArray *out, const struct bounce_state *state)
{
	put_u32(out, state->score);
	put_u64(out, (uint64_t)state->score_s);
	put_u64(out, (uint64_t)state->scored_s);
	put_u64(out, (uint64_t)state->probe_s);
	put_raw(out, state->probe_post, sizeof(state->probe_post));
	put_u64(out, (uint64_t)state->warned_s);
	put_u32(out, state->warnings);
}

static void
get_bounce_state(struct cursor *in, struct bounce_state *out)
{
	const void *post;

	out->score = get_u32(in);
	out->score_s = get_time(in);
	out->scored_s = get_time(in);
	out->probe_s = get_time(in);
	post = get_raw(in, sizeof(out->probe_post));
	if (post != NULL)
		memcpy(out->probe_post, post, sizeof(out->probe_post));
	out->warned_s = get_time(in);
	out->warnings = get_u32(in);
}

static uint8_t
flags_of(const struct member *member)
{
	return (uint8_t)((member->own_posts ? FLAG_OWN_POSTS : 0) |
			 (member->moderated ? FLAG_MODERATED : 0) |
			 (member->duplicates ? FLAG_DUPLICATES : 0) |
			 (member->ack ? FLAG_ACK : 0) |
			 (member->hidden ? FLAG_HIDDEN : 0) |
			 (bounce_state_is_set(&member->bounce) ?
			  FLAG_BOUNCE : 0));
}

void
member_encode(GByteArray *out, const struct member *member,
	      const char *canon)
{
	const bool is_off = member->delivery == DELIVERY_OFF;

	g_byte_array_set_size(out, 0);
	put_u8(out, MEMBER_VERSION);
	put_u8(out, flags_of(member));
	put_u8(out, (uint8_t)member->delivery);
	put_u8(out, (uint8_t)(!is_off ? OFF_NOT : member->off_by != OFF_NOT ?
			      member->off_by : OFF_BY_ADMIN));
	put_u64(out, (uint64_t)member->since_s);
	put_u32(out, member->bounces);
	put_u64(out, (uint64_t)member->bounced_s);
	put_u64(out, member->posts);
	/* most have neither */
	if (is_off)
		put_u64(out, (uint64_t)member->off_s);
	if (bounce_state_is_set(&member->bounce))
		put_bounce_state(out, &member->bounce);
	/* mostly it is the same as the key, which need not be kept twice */
	put_text(out, strcmp(member->addr, canon) == 0 ? "" : member->addr);
	put_text(out, member->name);
	put_text(out, member->language);
	put_text(out, member->bounce_reason);
}

/* Versions 1 and 2 knew on and off, which only administrators set. */
static bool
read_old_delivery(uint8_t flags, struct roster_entry *out)
{
	out->delivery = (flags & FLAG_DELIVERY) != 0 ? DELIVERY_ON :
		DELIVERY_OFF;
	out->off_by = out->delivery == DELIVERY_OFF ? OFF_BY_ADMIN : OFF_NOT;
	out->duplicates = true;
	return true;
}

static bool
read_delivery(struct cursor *in, uint8_t flags, struct roster_entry *out)
{
	uint8_t delivery = get_u8(in), by = get_u8(in);

	if (delivery > DELIVERY_DIGEST_PLAIN || by > OFF_BY_BOUNCES ||
	    (delivery == DELIVERY_OFF) != (by != OFF_NOT))
		return false;
	out->delivery = (enum delivery_mode)delivery;
	out->off_by = (enum off_by)by;
	out->duplicates = (flags & FLAG_DUPLICATES) != 0;
	out->ack = (flags & FLAG_ACK) != 0;
	out->hidden = (flags & FLAG_HIDDEN) != 0;
	return true;
}

static uint8_t
flags_known(uint8_t version)
{
	if (version == 1)
		return FLAG_DELIVERY | FLAG_OWN_POSTS;
	if (version == 2)
		return FLAG_DELIVERY | FLAG_OWN_POSTS | FLAG_MODERATED;
	return FLAG_OWN_POSTS | FLAG_MODERATED | FLAG_DUPLICATES | FLAG_ACK |
		FLAG_HIDDEN | FLAG_BOUNCE;
}

static bool
read_value(struct bytes value, struct roster_entry *out)
{
	struct cursor v;
	uint8_t version = cursor_version(&v, value, MEMBER_VERSION);
	uint8_t flags = get_u8(&v);
	bool right = version >= 3 ? read_delivery(&v, flags, out) :
		read_old_delivery(flags, out);

	out->own_posts = (flags & FLAG_OWN_POSTS) != 0;
	out->moderated = (flags & FLAG_MODERATED) != 0;
	out->since_s = get_time(&v);
	out->bounces = get_u32(&v);
	out->bounced_s = get_time(&v);
	if (version >= 2)
		out->posts = (uint64_t)get_time(&v);
	if (version >= 3 && out->delivery == DELIVERY_OFF)
		out->off_s = get_time(&v);
	if ((flags & FLAG_BOUNCE) != 0)
		get_bounce_state(&v, &out->bounce);
	out->addr = get_text(&v);
	out->name = get_text(&v);
	out->language = version >= 3 ? get_text(&v) : "";
	out->bounce_reason = get_text(&v);
	return right && cursor_end(&v) && (flags & ~flags_known(version)) == 0;
}

bool
member_read(struct bytes key, struct bytes value, uint32_t *list_out,
	    struct roster_entry *out)
{
	struct cursor k;
	bool right;

	*out = (struct roster_entry){ 0 };
	cursor_init(&k, key);
	*list_out = get_u32(&k);
	out->key = get_key_text(&k);
	right = read_value(value, out);
	if (out->addr[0] == '\0')
		out->addr = out->key;
	return right && cursor_end(&k);
}

struct member *
member_of(const struct roster_entry *entry)
{
	struct member *member = g_new(struct member, 1);

	*member = (struct member){
		.addr = g_strdup(entry->addr), .name = g_strdup(entry->name),
		.language = g_strdup(entry->language),
		.bounce_reason = g_strdup(entry->bounce_reason),
		.delivery = entry->delivery, .off_by = entry->off_by,
		.off_s = entry->off_s, .own_posts = entry->own_posts,
		.duplicates = entry->duplicates, .ack = entry->ack,
		.hidden = entry->hidden, .moderated = entry->moderated,
		.since_s = entry->since_s, .bounces = entry->bounces,
		.bounced_s = entry->bounced_s, .bounce = entry->bounce,
		.posts = entry->posts,
	};
	return member;
}

enum err_code
member_prepare(uint32_t list, const struct member *member, GByteArray *key,
	       GByteArray *value, struct err *err)
{
	g_autofree char *canon = addr_canon(member->addr);

	if (canon == NULL)
		return err_set(err, ERR_INVALID, "",
			       "\"%s\" is not a mail address", member->addr);
	member_key(key, list, canon);
	member_encode(value, member, canon);
	return ERR_OK;
}
