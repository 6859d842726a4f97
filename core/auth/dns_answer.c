/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/auth/dns_answer.h"

#include <string.h>

#include <glib.h>

#include "core/auth/dns_name.h"
#include "core/base/banned.h"

/* The answer is its first member, so that one is the other. */
struct dns_making {
	struct dns_answer answer;
	GArray *records;
	size_t bytes;
	char *why;
};

static void
clear_record(gpointer data)
{
	struct dns_record *record = data;

	g_free((char *)record->data);
}

struct dns_answer *
dns_answer_new(enum dns_status status)
{
	struct dns_making *making = g_new0(struct dns_making, 1);

	making->answer.status = status;
	making->records =
		g_array_new(FALSE, FALSE, sizeof(struct dns_record));
	g_array_set_clear_func(making->records, clear_record);
	return &making->answer;
}

struct dns_answer *
dns_answer_failed(const char *why)
{
	struct dns_answer *answer = dns_answer_new(DNS_FAILED);
	struct dns_making *making = (struct dns_making *)answer;

	answer->why = making->why = g_strdup(why);
	return answer;
}

void
dns_answer_free(struct dns_answer *answer)
{
	struct dns_making *making = (struct dns_making *)answer;

	if (making == NULL)
		return;
	g_array_unref(making->records);
	g_free(making->why);
	g_free(making);
}

static char *
copy_with_nul(const char *data, size_t len)
{
	char *copy = g_malloc(len + 1);

	if (len > 0)
		memcpy(copy, data, len);
	copy[len] = '\0';
	return copy;
}

void
dns_answer_add(struct dns_answer *answer, const struct dns_record *record)
{
	struct dns_making *making = (struct dns_making *)answer;
	struct dns_record copy = *record;

	making->bytes += record->len;
	if (making->records->len >= DNS_RECORDS_MAX ||
	    making->bytes > DNS_BYTES_MAX)
		return;
	copy.data = copy_with_nul(record->data, record->len);
	g_array_append_val(making->records, copy);
	answer->status = DNS_FOUND;
	answer->records = (const struct dns_record *)making->records->data;
	answer->count = making->records->len;
}

static void
add_address(struct dns_answer *answer, size_t wanted, const uint8_t *rdata,
	    size_t len)
{
	struct dns_record record = { .data = (const char *)rdata,
				     .len = len };

	if (len == wanted)
		dns_answer_add(answer, &record);
}

static void
add_name(struct dns_answer *answer, unsigned int preference,
	 const uint8_t *rdata, size_t len)
{
	g_autofree char *name = dns_name_of_wire(rdata, len);
	struct dns_record record = { .preference = preference,
				     .data = name };

	if (name == NULL)
		return;
	record.len = strlen(name);
	dns_answer_add(answer, &record);
}

static void
add_text(struct dns_answer *answer, const uint8_t *rdata, size_t len)
{
	g_autoptr(GByteArray) text = g_byte_array_new();
	struct dns_record record = { 0 };
	size_t at = 0;

	while (at < len) {
		size_t part = rdata[at++];

		if (part > len - at)
			return;
		g_byte_array_append(text, rdata + at, (guint)part);
		at += part;
	}
	if (len == 0)
		return;
	record.data = (const char *)text->data;
	record.len = text->len;
	dns_answer_add(answer, &record);
}

void
dns_answer_add_wire(struct dns_answer *answer, enum dns_type type,
		    const uint8_t *rdata, size_t len)
{
	switch (type) {
	case DNS_A:
		add_address(answer, 4, rdata, len);
		break;
	case DNS_AAAA:
		add_address(answer, 16, rdata, len);
		break;
	case DNS_PTR:
		add_name(answer, 0, rdata, len);
		break;
	case DNS_MX:
		if (len > 2)
			add_name(answer, (unsigned int)rdata[0] << 8 | rdata[1],
				 rdata + 2, len - 2);
		break;
	case DNS_TXT:
		add_text(answer, rdata, len);
		break;
	}
}
