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
 *
 * What most members do not have takes no room in them: a roster of a million
 * is read for each post, and what takes the time is how many pages it has.
 */
enum {
	FLAG_DELIVERY = 1,	/* of versions 1 and 2 only */
	FLAG_OWN_POSTS = 2,
	FLAG_MODERATED = 4,	/* from version 2 on */
	FLAG_DUPLICATES = 8,	/* this and what follows: from version 3 on */
	FLAG_ACK = 16,
	FLAG_HIDDEN = 32,
	FLAG_BOUNCE = 64,	/* from here on: what there is in the record */
	FLAG_FAILURES = 128,
	FLAG_POSTS = 256,
	FLAG_ADDR = 512,
	FLAG_NAME = 1024,
	FLAG_LANGUAGE = 2048,
	FLAG_CHANGES = 4096,
	FLAGS_ALL = 8191 & ~FLAG_DELIVERY,
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
	g_clear_pointer(&member->changes, g_bytes_unref);
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
		state->warned_s != 0 || state->warnings != 0 ||
		state->rise != 0;
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
	put_u32(out, state->rise);
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
	out->rise = get_u32(in);
}

static bool
has_text(const char *text)
{
	return text != NULL && text[0] != '\0';
}

static bool
has_failures(const struct member *member)
{
	return member->bounces != 0 || member->bounced_s != 0 ||
		has_text(member->bounce_reason);
}

static uint16_t
flags_of(const struct member *member, const char *canon)
{
	const struct { bool is; uint16_t flag; } all[] = {
		{ member->own_posts, FLAG_OWN_POSTS },
		{ member->moderated, FLAG_MODERATED },
		{ member->duplicates, FLAG_DUPLICATES },
		{ member->ack, FLAG_ACK },
		{ member->hidden, FLAG_HIDDEN },
		{ bounce_state_is_set(&member->bounce), FLAG_BOUNCE },
		{ has_failures(member), FLAG_FAILURES },
		{ member->posts != 0, FLAG_POSTS },
		/* mostly it is the same as the key */
		{ strcmp(member->addr, canon) != 0, FLAG_ADDR },
		{ has_text(member->name), FLAG_NAME },
		{ has_text(member->language), FLAG_LANGUAGE },
		{ bytes_whole(member->changes).len > 0, FLAG_CHANGES },
	};
	uint16_t flags = 0;

	for (size_t i = 0; i < G_N_ELEMENTS(all); i++)
		flags |= all[i].is ? all[i].flag : 0;
	return flags;
}

static void
put_off(GByteArray *out, const struct member *member)
{
	put_u8(out, (uint8_t)(member->off_by != OFF_NOT ? member->off_by :
			      OFF_BY_ADMIN));
	put_u64(out, (uint64_t)member->off_s);
}

static void
put_changes(GByteArray *out, struct bytes changes)
{
	put_u8(out, (uint8_t)changes.len);
	put_raw(out, changes.data, changes.len);
}

void
member_encode(GByteArray *out, const struct member *member,
	      const char *canon)
{
	const uint16_t flags = flags_of(member, canon);

	g_byte_array_set_size(out, 0);
	put_u8(out, MEMBER_VERSION);
	put_u16(out, flags);
	put_u8(out, (uint8_t)member->delivery);
	if (member->delivery == DELIVERY_OFF)
		put_off(out, member);
	put_u64(out, (uint64_t)member->since_s);
	if ((flags & FLAG_POSTS) != 0)
		put_u64(out, member->posts);
	if ((flags & FLAG_FAILURES) != 0) {
		put_u32(out, member->bounces);
		put_u64(out, (uint64_t)member->bounced_s);
		put_text(out, member->bounce_reason);
	}
	if ((flags & FLAG_BOUNCE) != 0)
		put_bounce_state(out, &member->bounce);
	if ((flags & FLAG_ADDR) != 0)
		put_text(out, member->addr);
	if ((flags & FLAG_NAME) != 0)
		put_text(out, member->name);
	if ((flags & FLAG_LANGUAGE) != 0)
		put_text(out, member->language);
	if ((flags & FLAG_CHANGES) != 0)
		put_changes(out, bytes_whole(member->changes));
}

static void
read_flags(uint16_t flags, struct roster_entry *out)
{
	out->own_posts = (flags & FLAG_OWN_POSTS) != 0;
	out->moderated = (flags & FLAG_MODERATED) != 0;
	out->duplicates = (flags & FLAG_DUPLICATES) != 0;
	out->ack = (flags & FLAG_ACK) != 0;
	out->hidden = (flags & FLAG_HIDDEN) != 0;
}

/* Versions 1 and 2 knew on and off, which only administrators set. */
static bool
read_old(struct cursor *in, uint8_t version, struct roster_entry *out)
{
	const uint8_t known = FLAG_DELIVERY | FLAG_OWN_POSTS |
		(version >= 2 ? FLAG_MODERATED : 0);
	uint8_t flags = get_u8(in);

	read_flags(flags, out);
	out->duplicates = true;
	out->delivery = (flags & FLAG_DELIVERY) != 0 ? DELIVERY_ON :
		DELIVERY_OFF;
	out->off_by = out->delivery == DELIVERY_OFF ? OFF_BY_ADMIN : OFF_NOT;
	out->since_s = get_time(in);
	out->bounces = get_u32(in);
	out->bounced_s = get_time(in);
	if (version >= 2)
		out->posts = (uint64_t)get_time(in);
	out->addr = get_text(in);
	out->name = get_text(in);
	out->bounce_reason = get_text(in);
	return (flags & ~known) == 0;
}

static bool
read_delivery(struct cursor *in, struct roster_entry *out)
{
	uint8_t delivery = get_u8(in), by = OFF_NOT;

	if (delivery > DELIVERY_DIGEST_PLAIN)
		return false;
	out->delivery = (enum delivery_mode)delivery;
	if (delivery != DELIVERY_OFF)
		return true;
	by = get_u8(in);
	if (by == OFF_NOT || by > OFF_BY_BOUNCES)
		return false;
	out->off_by = (enum off_by)by;
	out->off_s = get_time(in);
	return true;
}

static bool
read_new(struct cursor *in, struct roster_entry *out)
{
	uint16_t flags = get_u16(in);

	read_flags(flags, out);
	if ((flags & ~FLAGS_ALL) != 0 || !read_delivery(in, out))
		return false;
	out->since_s = get_time(in);
	if ((flags & FLAG_POSTS) != 0)
		out->posts = (uint64_t)get_time(in);
	if ((flags & FLAG_FAILURES) != 0) {
		out->bounces = get_u32(in);
		out->bounced_s = get_time(in);
		out->bounce_reason = get_text(in);
	}
	if ((flags & FLAG_BOUNCE) != 0)
		get_bounce_state(in, &out->bounce);
	if ((flags & FLAG_ADDR) != 0)
		out->addr = get_text(in);
	if ((flags & FLAG_NAME) != 0)
		out->name = get_text(in);
	if ((flags & FLAG_LANGUAGE) != 0)
		out->language = get_text(in);
	if ((flags & FLAG_CHANGES) != 0) {
		out->changes_len = get_u8(in);
		out->changes = get_raw(in, out->changes_len);
		if (out->changes == NULL || out->changes_len == 0)
			return false;
	}
	return changes_are_right(bytes_of(out->changes, out->changes_len));
}

bool
member_read(struct bytes key, struct bytes value, uint32_t *list_out,
	    struct roster_entry *out)
{
	struct cursor k, v;
	uint8_t version;
	bool right;

	*out = (struct roster_entry){
		.addr = "", .name = "", .language = "", .bounce_reason = "",
	};
	cursor_init(&k, key);
	*list_out = get_u32(&k);
	out->key = get_key_text(&k);
	version = cursor_version(&v, value, MEMBER_VERSION);
	right = version >= 3 ? read_new(&v, out) :
		read_old(&v, version, out);
	if (out->addr[0] == '\0')
		out->addr = out->key;
	return right && cursor_end(&k) && cursor_end(&v);
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
		.changes = entry->changes_len == 0 ? NULL :
			g_bytes_new(entry->changes, entry->changes_len),
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
