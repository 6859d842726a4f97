/* SPDX-License-Identifier: BSD-2-Clause */
#include "t/lib/dns_reply.h"

#include <string.h>

#include "t/lib/dns_text.h"
#include "core/base/banned.h"

#define HEADER_LEN 12
#define CNAME_TYPE 5
#define CNAMES_MAX 8
#define OPT_TYPE 41
#define UDP_MIN 512

enum { SERVFAIL = 2, NXDOMAIN = 3, REFUSED = 5 };

static const struct dns_behaviour plain;

/* --- the question -------------------------------------------------------- */

static uint16_t
get_16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

bool
dns_question_parse(const uint8_t *packet, size_t len,
		   struct dns_question *out)
{
	size_t end;

	if (len < HEADER_LEN || (packet[2] & 0x80) != 0 ||
	    get_16(packet + 4) != 1)
		return false;
	out->name = dns_text_of_name(packet + HEADER_LEN, len - HEADER_LEN,
				     &end);
	if (out->name == NULL)
		return false;
	end += HEADER_LEN;
	if (len - end < 4) {
		g_clear_pointer(&out->name, g_free);
		return false;
	}
	out->type_number = get_16(packet + end);
	out->type = dns_text_type_name(out->type_number);
	out->end = end + 4;
	out->size_max = UDP_MIN;
	out->has_edns = len >= out->end + 11 && packet[out->end] == 0 &&
			get_16(packet + out->end + 1) == OPT_TYPE;
	if (out->has_edns)
		out->size_max = MAX(UDP_MIN, get_16(packet + out->end + 3));
	return true;
}

void
dns_question_done(struct dns_question *question)
{
	g_clear_pointer(&question->name, g_free);
}

/* --- answers ------------------------------------------------------------- */

/* A packet in the making: the question is in it. */
struct reply {
	GByteArray *bytes;
	uint16_t answers, authorities, extras;
};

static void
put_16(GByteArray *to, unsigned int value)
{
	uint8_t bytes[] = { (uint8_t)(value >> 8), (uint8_t)value };

	g_byte_array_append(to, bytes, 2);
}

static struct reply
reply_begin(const uint8_t *packet, const struct dns_question *question,
	    int rcode)
{
	struct reply reply = { .bytes = g_byte_array_new() };
	/* QR AA RD, RA */
	uint8_t flags[] = { (uint8_t)(0x84 | (packet[2] & 1)),
			    (uint8_t)(0x80 | rcode) };
	static const uint8_t counts[8] = { 0, 1 };

	g_byte_array_append(reply.bytes, packet, 2);
	g_byte_array_append(reply.bytes, flags, 2);
	g_byte_array_append(reply.bytes, counts, 8);
	g_byte_array_append(reply.bytes, packet + HEADER_LEN,
			    (guint)(question->end - HEADER_LEN));
	return reply;
}

static void
put_record(struct reply *reply, const char *name, uint16_t type,
	   guint32 ttl_s, const GByteArray *data)
{
	g_autoptr(GByteArray) owner = dns_text_name(name);

	g_byte_array_append(reply->bytes, owner->data, owner->len);
	put_16(reply->bytes, type);
	put_16(reply->bytes, 1);
	put_16(reply->bytes, ttl_s >> 16);
	put_16(reply->bytes, ttl_s & 0xffff);
	put_16(reply->bytes, data->len);
	g_byte_array_append(reply->bytes, data->data, data->len);
}

/* The SOA of the root, which is all that is ours (RFC 2308 section 2). */
static void
put_soa(struct reply *reply, guint32 ttl_s)
{
	g_autoptr(GByteArray) data = g_byte_array_new();
	static const uint8_t names[2] = { 0, 0 };

	g_byte_array_append(data, names, 2);
	for (int i = 0; i < 5; i++) {
		put_16(data, 0);
		put_16(data, i == 4 ? ttl_s : 1);
	}
	put_record(reply, ".", 6, ttl_s, data);
	reply->authorities++;
}

static void
put_huge(struct reply *reply, const char *name, guint32 ttl_s, guint size)
{
	g_autoptr(GByteArray) data = g_byte_array_new();
	uint8_t string[256];

	while (size > 0) {
		guint part = MIN(size, 255);

		string[0] = (uint8_t)part;
		memset(string + 1, 'x', part);
		g_byte_array_append(data, string, part + 1);
		size -= part;
	}
	put_record(reply, name, 16, ttl_s, data);
	reply->answers++;
}

static void
set_16(GByteArray *packet, guint at, uint16_t value)
{
	packet->data[at] = (uint8_t)(value >> 8);
	packet->data[at + 1] = (uint8_t)value;
}

static GByteArray *
reply_end(struct reply *reply, const struct dns_question *question)
{
	static const uint8_t opt[11] = { 0, 0, OPT_TYPE, 16 };

	if (question->has_edns) {
		g_byte_array_append(reply->bytes, opt, sizeof(opt));
		reply->extras++;
	}
	set_16(reply->bytes, 6, reply->answers);
	set_16(reply->bytes, 8, reply->authorities);
	set_16(reply->bytes, 10, reply->extras);
	return reply->bytes;
}

static GByteArray *
empty_reply(const uint8_t *packet, const struct dns_question *question,
	    int rcode, bool is_truncated)
{
	struct reply reply = reply_begin(packet, question, rcode);

	if (is_truncated)
		reply.bytes->data[2] |= 2;
	return reply_end(&reply, question);
}

/* The records of the name; those of its alias, if it is one: *next. */
static void
put_records(struct reply *reply, const struct dns_zone *zone,
	    const char *name, uint16_t type, char **next)
{
	const GPtrArray *records = dns_zone_records(zone, name);

	for (guint i = 0; records != NULL && i < records->len; i++) {
		const struct dns_zone_record *record =
			g_ptr_array_index(records, i);

		if (record->type != type && record->type != CNAME_TYPE)
			continue;
		put_record(reply, name, record->type, dns_zone_ttl_s(zone),
			   record->data);
		reply->answers++;
		if (record->type != type)
			*next = dns_text_of_name(record->data->data,
						 record->data->len, NULL);
	}
}

static GByteArray *
true_reply(const struct dns_zone *zone, const uint8_t *packet,
	   const struct dns_question *question,
	   const struct dns_behaviour *behaviour)
{
	struct reply reply = reply_begin(packet, question, 0);
	g_autofree char *name = g_strdup(question->name);
	uint16_t before;

	for (int i = 0; i < CNAMES_MAX; i++) {
		char *next = NULL;

		before = reply.answers;
		put_records(&reply, zone, name, question->type_number, &next);
		if (behaviour->huge > 0 && question->type_number == 16)
			put_huge(&reply, name, dns_zone_ttl_s(zone),
				 behaviour->huge);
		if (next == NULL)
			break;
		g_free(name);
		name = next;
	}
	if (reply.answers == before) {
		if (dns_zone_records(zone, name) == NULL &&
		    behaviour->huge == 0)
			reply.bytes->data[3] |= NXDOMAIN;
		put_soa(&reply, dns_zone_ttl_s(zone));
	}
	return reply_end(&reply, question);
}

/* --- behaviours ---------------------------------------------------------- */

/* The right answer to another query, and an answer to another question. */
static void
add_lies(GPtrArray *packets, const struct dns_zone *zone,
	 const uint8_t *packet, const struct dns_question *question)
{
	GByteArray *lie = true_reply(zone, packet, question, &plain);

	lie->data[1] ^= 0x55;
	g_ptr_array_add(packets, lie);
	lie = true_reply(zone, packet, question, &plain);
	if (lie->data[HEADER_LEN] > 0)
		lie->data[HEADER_LEN + 1] ^= 1;
	g_ptr_array_add(packets, lie);
}

static GByteArray *
garbage(const uint8_t *packet, const struct dns_question *question)
{
	GByteArray *bytes = empty_reply(packet, question, 0, false);
	guint from = bytes->len;

	g_byte_array_set_size(bytes, from + 64);
	for (guint i = from; i < bytes->len; i++)
		bytes->data[i] = (uint8_t)(i * 37 + 0xc1);
	set_16(bytes, 6, 999);
	return bytes;
}

static GByteArray *
fit_for_udp(const uint8_t *packet, const struct dns_question *question,
	    GByteArray *reply)
{
	if (reply->len <= question->size_max)
		return reply;
	g_byte_array_unref(reply);
	return empty_reply(packet, question, 0, true);
}

static GByteArray *
one_reply(const struct dns_zone *zone, const uint8_t *packet,
	  const struct dns_question *question,
	  const struct dns_behaviour *behaviour, bool is_tcp)
{
	GByteArray *reply;

	if ((behaviour->how & IS_SERVFAIL) != 0)
		return empty_reply(packet, question, SERVFAIL, false);
	if ((behaviour->how & IS_REFUSED) != 0)
		return empty_reply(packet, question, REFUSED, false);
	if ((behaviour->how & IS_GARBAGE) != 0)
		return garbage(packet, question);
	if ((behaviour->how & (IS_TRUNCATE | IS_TRUNCATE_SILENT)) != 0 &&
	    !is_tcp)
		return empty_reply(packet, question, 0, true);
	reply = true_reply(zone, packet, question, behaviour);
	return is_tcp ? reply : fit_for_udp(packet, question, reply);
}

GPtrArray *
dns_reply(const struct dns_zone *zone, const uint8_t *packet,
	       const struct dns_question *question, bool is_tcp,
	       int *delay_ms)
{
	GPtrArray *packets = g_ptr_array_new_with_free_func(
		(GDestroyNotify)g_byte_array_unref);
	const struct dns_behaviour *behaviour =
		dns_zone_behaviour(zone, question->name);

	*delay_ms = behaviour->delay_ms;
	if ((behaviour->how & IS_SILENT) != 0 ||
	    ((behaviour->how & IS_TRUNCATE_SILENT) != 0 && is_tcp))
		return packets;
	if ((behaviour->how & IS_LIE) != 0)
		add_lies(packets, zone, packet, question);
	else
		g_ptr_array_add(packets, one_reply(zone, packet, question,
						   behaviour, is_tcp));
	return packets;
}
