/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * libopendkim with an instance per message (it costs two microseconds), so
 * that its look-ups can find the message's. It asks for one key after the
 * other, and waits; dkim_start() has asked for all of them before.
 */
#include "core/auth/dkim.h"

#include <string.h>
#include <sys/types.h>

#include <dkim.h>

#include "core/auth/domain.h"
#include "core/auth/evidence.h"
#include "core/auth/sigcore.h"
#include "core/base/banned.h"

#define FIELD "DKIM-Signature"
#define RSA_BITS_MIN 1024	/* RFC 8301 section 3.2 */
#define STRING_MAX 255		/* RFC 1035 section 3.3.14 */
#define NAME_WIRE_MAX 255

/* --- keys --------------------------------------------------------------- */

/* d= and s= of a signature's field as a name in the DNS; NULL: none */
static char *
key_name_of(const struct header_field *field)
{
	const char *domain, *selector;
	char *name = NULL;
	struct tags tags;

	if (!tags_parse(field->raw + field->value_at,
			field->raw_len - field->value_at, &tags))
		return NULL;
	domain = tags_get(&tags, "d");
	selector = tags_get(&tags, "s");
	if (domain != NULL && selector != NULL)
		name = key_name(domain, selector);
	tags_done(&tags);
	return name;
}

void
dkim_start(struct lookups *lookups, const struct header *header)
{
	for (int i = 0; i < DKIM_SIGNATURES_MAX; i++) {
		int index = header_find(header, FIELD, i);
		g_autofree char *name = NULL;

		if (index < 0)
			return;
		name = key_name_of(&g_array_index(header->fields,
						  struct header_field,
						  (guint)index));
		if (name != NULL)
			(void)lookups_get(lookups, name, DNS_TXT);
	}
}

/* The record to show: the library takes several for an error. */
static const struct dns_record *
choose_record(const struct dns_answer *answer)
{
	for (size_t i = 0; i < answer->count; i++) {
		const struct dns_record *record = &answer->records[i];
		struct public_key *key = NULL;
		enum key_status status = key_parse(record->data, record->len,
						   &key);

		public_key_free(key);
		if (status == KEY_GOOD)
			return record;
	}
	return &answer->records[0];
}

struct query {
	char *name;
	unsigned char *buffer;
	size_t room;
};

struct packet {
	unsigned char *at, *end;
};

static void
put(struct packet *packet, const void *bytes, size_t len)
{
	if ((size_t)(packet->end - packet->at) >= len)
		memcpy(packet->at, bytes, len);
	packet->at += MIN(len, (size_t)(packet->end - packet->at));
}

static void
put_u16(struct packet *packet, unsigned int number)
{
	const unsigned char bytes[] = {(unsigned char)(number >> 8),
				       (unsigned char)number};

	put(packet, bytes, sizeof(bytes));
}

static void
put_name(struct packet *packet, const char *name)
{
	g_auto(GStrv) labels = g_strsplit(name, ".", -1);

	for (char **label = labels; *label != NULL; label++) {
		unsigned char len = (unsigned char)strlen(*label);

		if (len == 0)
			continue;
		put(packet, &len, 1);
		put(packet, *label, len);
	}
	put(packet, "", 1);
}

static void
put_txt(struct packet *packet, const struct dns_record *record)
{
	size_t strings = record->len / STRING_MAX + 1;

	put_u16(packet, 0xc00c);	/* the name of the question */
	put_u16(packet, DNS_TXT);
	put_u16(packet, 1);
	put_u16(packet, 0);		/* TTL */
	put_u16(packet, 60);
	put_u16(packet, (unsigned int)(record->len + strings));
	for (size_t at = 0; strings > 0; strings--, at += STRING_MAX) {
		unsigned char len = (unsigned char)MIN(record->len - at,
						       STRING_MAX);

		put(packet, &len, 1);
		put(packet, record->data + at, len);
	}
}

/* RFC 1035 section 4.1, in the library's buffer: it trusts the length that it
 * is told, so what does not fit is no key. */
static size_t
write_packet(const struct query *query, const struct dns_answer *answer)
{
	struct packet packet = {query->buffer, query->buffer + query->room};
	const struct dns_record *record = answer->status == DNS_FOUND
						  ? choose_record(answer)
						  : NULL;
	bool nxdomain = answer->status == DNS_NXDOMAIN;

	if (record != NULL && record->len + record->len / STRING_MAX +
					      NAME_WIRE_MAX + 64 >
				      query->room)
		record = NULL;
	put_u16(&packet, 0);
	put_u16(&packet, nxdomain ? 0x8183 : 0x8180);
	put_u16(&packet, 1);
	put_u16(&packet, record != NULL ? 1 : 0);
	put_u16(&packet, 0);
	put_u16(&packet, 0);
	put_name(&packet, query->name);
	put_u16(&packet, DNS_TXT);
	put_u16(&packet, 1);
	if (record != NULL)
		put_txt(&packet, record);
	return (size_t)(packet.at - query->buffer);
}

static int
on_query(void *service, int type, unsigned char *name, unsigned char *buffer,
	 size_t room, void **handle)
{
	struct query *query = g_new0(struct query, 1);
	char *ascii = domain_ascii((const char *)name);

	(void)service;
	(void)type;
	query->name = ascii != NULL ? ascii : g_strdup((const char *)name);
	query->buffer = buffer;
	query->room = room;
	*handle = query;
	return DKIM_DNS_SUCCESS;
}

static int
on_cancel(void *service, void *handle)
{
	struct query *query = handle;

	(void)service;
	g_free(query->name);
	g_free(query);
	return DKIM_DNS_SUCCESS;
}

static int
on_wait(void *service, void *handle, struct timeval *timeout, size_t *bytes,
	int *error, int *dnssec)
{
	const struct query *query = handle;
	const struct dns_answer *answer =
		lookups_await(service, query->name, DNS_TXT);

	(void)timeout;
	if (answer->status == DNS_FAILED ||
	    query->room < NAME_WIRE_MAX + 64)
		return DKIM_DNS_ERROR;
	*bytes = write_packet(query, answer);
	*error = 0;
	if (dnssec != NULL)
		*dnssec = DKIM_DNSSEC_UNKNOWN;
	return DKIM_DNS_SUCCESS;
}

static int
on_init(void **service)
{
	(void)service;
	return 0;
}

static void
on_close(void *service)
{
	(void)service;
}

/* --- results ------------------------------------------------------------ */

static void
set_text(char **text, const void *to)
{
	if (to == NULL)
		return;
	g_free(*text);
	*text = g_utf8_make_valid(to, -1);
}

/* l= smaller than the canonical body (RFC 6376 section 8.2). The library's
 * own figures end where l= does. */
static bool
leaves_unsigned(DKIM_SIGINFO *sig, const char *body, size_t body_len)
{
	const void *limit = dkim_sig_gettagvalue(
		sig, 0, (u_char *)(uintptr_t) "l");
	dkim_canon_t header_canon, body_canon;
	struct body_hash *hash;
	uint8_t digest[32];

	if (limit == NULL)
		return false;
	if (dkim_sig_getcanons(sig, &header_canon, &body_canon) !=
	    DKIM_STAT_OK)
		return true;
	hash = body_hash_new(body_canon == DKIM_CANON_RELAXED ? CANON_RELAXED
							      : CANON_SIMPLE);
	body_hash_feed(hash, body, body_len);
	return g_ascii_strtoull(limit, NULL, 10) <
	       body_hash_end(hash, digest);
}

/* What our policy does not count, though it verifies (RFC 8301, RFC 6376
 * sections 5.4 and 8.2). NULL: it counts. */
static const char *
weakness(DKIM_SIGINFO *sig, const char *body, size_t body_len)
{
	unsigned int bits = 0;
	dkim_alg_t algorithm = DKIM_SIGN_UNKNOWN;

	(void)dkim_sig_getsignalg(sig, &algorithm);
	if (algorithm == DKIM_SIGN_RSASHA1)
		return "rsa-sha1 does not count any more";
	if (algorithm != DKIM_SIGN_ED25519SHA256 &&
	    dkim_sig_getkeysize(sig, &bits) == DKIM_STAT_OK &&
	    bits < RSA_BITS_MIN)
		return "the key is too short";
	if (leaves_unsigned(sig, body, body_len))
		return "l= leaves a part of the body unsigned";
	return NULL;
}

static enum auth_result
result_of_error(int error)
{
	switch (error) {
	case DKIM_SIGERROR_KEYFAIL:
	case DKIM_SIGERROR_DNSSYNTAX:
		return AUTH_TEMPERROR;
	case DKIM_SIGERROR_BADSIG:
	case DKIM_SIGERROR_KEYREVOKED:
	case DKIM_SIGERROR_TOOLARGE_L:
	case DKIM_SIGERROR_SUBDOMAIN:
		return AUTH_FAIL;
	case DKIM_SIGERROR_KEYTOOSMALL:
		return AUTH_POLICY;
	case DKIM_SIGERROR_EXPIRED:
	case DKIM_SIGERROR_FUTURE:
	case DKIM_SIGERROR_NOKEY:
	case DKIM_SIGERROR_MULTIREPLY:
	case DKIM_SIGERROR_KEYVERSION:
	case DKIM_SIGERROR_KEYUNKNOWNHASH:
	case DKIM_SIGERROR_KEYHASHMISMATCH:
	case DKIM_SIGERROR_NOTEMAILKEY:
	case DKIM_SIGERROR_KEYTYPEMISSING:
	case DKIM_SIGERROR_KEYTYPEUNKNOWN:
	case DKIM_SIGERROR_KEYDECODE:
		return AUTH_PERMERROR;
	default:
		return AUTH_NEUTRAL;
	}
}

static void
judge(DKIM_SIGINFO *sig, const char *body, size_t body_len,
      struct dkim_evidence *out)
{
	unsigned int flags = dkim_sig_getflags(sig);
	int error = dkim_sig_geterror(sig);
	const char *weak;

	if (error == DKIM_SIGERROR_OK && (flags & DKIM_SIGFLAG_PASSED) != 0 &&
	    dkim_sig_getbh(sig) == DKIM_SIGBH_MATCH) {
		weak = weakness(sig, body, body_len);
		out->result = weak == NULL ? AUTH_PASS : AUTH_POLICY;
		set_text(&out->reason, weak);
	} else if (error == DKIM_SIGERROR_OK) {
		out->result = AUTH_FAIL;
		set_text(&out->reason,
			 dkim_sig_getbh(sig) == DKIM_SIGBH_MISMATCH
				 ? "the body has been changed"
				 : "the signature does not verify");
	} else {
		out->result = result_of_error(error);
		set_text(&out->reason, dkim_sig_geterrorstr(error));
	}
}

static void
describe(DKIM *dkim, DKIM_SIGINFO *sig, struct dkim_evidence *out)
{
	unsigned char identity[512] = "";
	const char *domain = (const char *)dkim_sig_getdomain(sig);
	const void *tag;
	char *ascii = domain != NULL ? domain_ascii(domain) : NULL;

	set_text(&out->domain, ascii != NULL ? ascii : domain);
	g_free(ascii);
	set_text(&out->selector, dkim_sig_getselector(sig));
	tag = dkim_sig_gettagvalue(sig, 0, (u_char *)(uintptr_t) "a");
	set_text(&out->algorithm, tag);
	if (dkim_sig_gettagvalue(sig, 0, (u_char *)(uintptr_t) "i") != NULL &&
	    dkim_sig_getidentity(dkim, sig, identity, sizeof(identity)) ==
		    DKIM_STAT_OK)
		set_text(&out->identity, identity);
	tag = dkim_sig_gettagvalue(sig, 0, (u_char *)(uintptr_t) "b");
	set_text(&out->signature, tag);
	if (strlen(out->signature) > 8)
		out->signature[8] = '\0';
}

/* --- the library -------------------------------------------------------- */

static DKIM_CBSTAT
on_signatures(DKIM *dkim, DKIM_SIGINFO **sigs, int count)
{
	(void)dkim;
	for (int i = DKIM_SIGNATURES_MAX; i < count; i++)
		dkim_sig_ignore(sigs[i]);
	return DKIM_CBSTAT_CONTINUE;
}

static DKIM_LIB *
library_new(struct lookups *lookups)
{
	DKIM_LIB *library = dkim_init(NULL, NULL);
	unsigned int flags = DKIM_LIBFLAGS_BADSIGHANDLES |
			     DKIM_LIBFLAGS_FIXCRLF;

	if (library == NULL)
		g_error("libopendkim: out of memory");
	(void)dkim_options(library, DKIM_OP_SETOPT, DKIM_OPTS_FLAGS, &flags,
			   sizeof(flags));
	dkim_dns_set_query_start(library, on_query);
	dkim_dns_set_query_waitreply(library, on_wait);
	dkim_dns_set_query_cancel(library, on_cancel);
	dkim_dns_set_init(library, on_init);
	dkim_dns_set_close(library, on_close);
	(void)dkim_dns_set_query_service(library, lookups);
	(void)dkim_set_prescreen(library, on_signatures);
	return library;
}

/* A field without its last line end, as the library wants it */
static void
feed_field(DKIM *dkim, const struct header_field *field)
{
	size_t len = field->raw_len;

	while (len > 0 &&
	       (field->raw[len - 1] == '\n' || field->raw[len - 1] == '\r'))
		len--;
	(void)dkim_header(dkim, (u_char *)(uintptr_t)field->raw, len);
}

static DKIM_STAT
feed(DKIM *dkim, const struct header *header, const char *body,
     size_t body_len)
{
	DKIM_STAT status;

	for (guint i = 0; i < header->fields->len; i++)
		feed_field(dkim, &g_array_index(header->fields,
						struct header_field, i));
	status = dkim_eoh(dkim);
	if (status != DKIM_STAT_OK)
		return status;
	if (body_len > 0)
		status = dkim_body(dkim, (u_char *)(uintptr_t)body, body_len);
	return status == DKIM_STAT_OK ? dkim_eom(dkim, NULL) : status;
}

static void
collect(DKIM *dkim, const char *body, size_t body_len, GPtrArray *out,
	unsigned int *ignored)
{
	DKIM_SIGINFO **sigs = NULL;
	int count = 0;

	if (dkim_getsiglist(dkim, &sigs, &count) != DKIM_STAT_OK)
		return;
	for (int i = 0; i < count; i++) {
		struct dkim_evidence *one;

		if (i >= DKIM_SIGNATURES_MAX) {
			(*ignored)++;
			continue;
		}
		one = dkim_evidence_new();
		describe(dkim, sigs[i], one);
		judge(sigs[i], body, body_len, one);
		g_ptr_array_add(out, one);
	}
}

/*
 * What is signed is the lowest of several fields, and what a reader sees
 * may be another. The library's own check (STRICTHDRS) wants a Date as well,
 * whose lack harms nobody.
 */
static bool
is_ambiguous(const struct header *header)
{
	static const char *const singles[] = {
		"From", "Sender", "Reply-To", "To", "Cc", "Message-ID",
		"Subject", "Date", "In-Reply-To", "References",
	};	/* RFC 5322 section 3.6 */

	for (size_t i = 0; i < G_N_ELEMENTS(singles); i++)
		if (header_count(header, singles[i]) > 1)
			return true;
	return header_count(header, "From") == 0;
}

/* libopendkim 2.11 copies a field up to a NUL, and then reads as many bytes
 * as it was told: past the end. No field may have one (RFC 5322 section
 * 2.2). */
static bool
has_nul(const struct header *header)
{
	for (guint i = 0; i < header->fields->len; i++) {
		const struct header_field *field = &g_array_index(
			header->fields, struct header_field, i);

		if (memchr(field->raw, '\0', field->raw_len) != NULL)
			return true;
	}
	return false;
}

static void
refuse_all(const struct header *header, GPtrArray *out)
{
	unsigned int count = MIN(header_count(header, FIELD),
				 DKIM_SIGNATURES_MAX);

	for (; count > 0; count--) {
		struct dkim_evidence *one = dkim_evidence_new();

		one->result = AUTH_PERMERROR;
		set_text(&one->reason, "the header breaks RFC 5322");
		g_ptr_array_add(out, one);
	}
}

GPtrArray *
dkim_check(struct lookups *lookups, const struct header *header,
	    const char *body, size_t body_len, unsigned int *ignored)
{
	GPtrArray *out = dkim_evidence_array();
	DKIM_STAT status;
	DKIM_LIB *library;
	DKIM *dkim;

	*ignored = 0;
	if (header_find(header, FIELD, 0) < 0)
		return out;
	if (is_ambiguous(header) || has_nul(header)) {
		refuse_all(header, out);
		return out;
	}
	library = library_new(lookups);
	dkim = dkim_verify(library, (const u_char *)"post", NULL, &status);
	if (dkim != NULL) {
		status = feed(dkim, header, body, body_len);
		if (status == DKIM_STAT_SYNTAX)
			refuse_all(header, out);
		else
			collect(dkim, body, body_len, out, ignored);
		(void)dkim_free(dkim);
	}
	dkim_close(library);
	return out;
}
