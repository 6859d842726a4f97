/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/mail/anonymous_inside.h"

#include <string.h>

#include "core/base/base32.h"
#include "core/mail/mime.h"
#include "core/base/banned.h"

#define IDS_MAX 100		/* in References */
#define ID_LEN_MAX 998
#define ID_PREFIX "<anon."
#define WORD_LEAST 3		/* characters that tell somebody */
#define LABEL_LEAST 4		/* the same of a domain */

/* --- ids ---------------------------------------------------------------- */

void
anonymous_hash(const struct anonymity *with, const char *kind,
	       const char *text, char out[ANONYMOUS_HASH_LEN + 1])
{
	GHmac *hmac = g_hmac_new(G_CHECKSUM_SHA256, with->secret,
				 with->secret_len);
	guint8 mac[32];
	gsize len = sizeof(mac);

	g_hmac_update(hmac, (const guchar *)kind, (gssize)strlen(kind) + 1);
	g_hmac_update(hmac, (const guchar *)with->list,
		      (gssize)strlen(with->list) + 1);
	g_hmac_update(hmac, (const guchar *)text, (gssize)strlen(text));
	g_hmac_get_digest(hmac, mac, &len);
	g_hmac_unref(hmac);
	base32_encode(mac, 20, out);
}

static const char *
domain_of(const struct anonymity *with)
{
	return strrchr(with->list, '@') + 1;
}

/* It may be somebody's imitation, which tells as little. */
static bool
is_ours(const struct anonymity *with, const char *id)
{
	const char *hash = id + strlen(ID_PREFIX);
	g_autofree char *end = g_strdup_printf("@%s>", domain_of(with));

	return g_str_has_prefix(id, ID_PREFIX) &&
		strspn(hash, "abcdefghijklmnopqrstuvwxyz234567") ==
		ANONYMOUS_HASH_LEN &&
		strcmp(hash + ANONYMOUS_HASH_LEN, end) == 0;
}

char *
anonymous_id(const struct anonymity *with, const char *id)
{
	char hash[ANONYMOUS_HASH_LEN + 1];
	size_t len = strlen(id);

	if (len < 3 || len > ID_LEN_MAX || id[0] != '<' || id[len - 1] != '>')
		return g_strdup("");
	if (is_ours(with, id))
		return g_strdup(id);
	anonymous_hash(with, "id", id, hash);
	return g_strdup_printf(ID_PREFIX "%s@%s>", hash, domain_of(with));
}

/* All ids in a value, the last of them where there are too many. */
static char *
map_ids(const struct anonymity *with, const char *value)
{
	g_autoptr(GPtrArray) ids = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GString) out = g_string_new(NULL);
	const char *end;

	while ((value = strchr(value, '<')) != NULL &&
	       (end = strchr(value, '>')) != NULL) {
		g_autofree char *id = g_strndup(value,
						(size_t)(end + 1 - value));

		if (ids->len == IDS_MAX)
			g_ptr_array_remove_index(ids, 0);
		g_ptr_array_add(ids, anonymous_id(with, id));
		value = end;
	}
	for (guint i = 0; i < ids->len; i++)
		if (((const char *)ids->pdata[i])[0] != '\0')
			g_string_append_printf(out, "%s%s",
					       out->len > 0 ? " " : "",
					       (const char *)ids->pdata[i]);
	return g_strdup(out->str);
}

/* --- what tells the author ---------------------------------------------- */

static void
add_word(struct traits *traits, const char *word, glong least)
{
	if (g_utf8_strlen(word, -1) >= least)
		g_ptr_array_add(traits->words, g_utf8_casefold(word, -1));
}

/* Runs of letters and digits */
static void
add_words(struct traits *traits, const char *text, glong least)
{
	g_autofree char *valid = g_utf8_make_valid(text, -1);
	g_autoptr(GString) word = g_string_new(NULL);

	for (const char *p = valid;; p = g_utf8_next_char(p)) {
		gunichar c = g_utf8_get_char(p);

		if (g_unichar_isalnum(c)) {
			g_string_append_unichar(word, c);
			continue;
		}
		add_word(traits, word->str, least);
		g_string_truncate(word, 0);
		if (c == '\0')
			return;
	}
}

static void
add_addr(struct traits *traits, const char *addr)
{
	const char *at = strrchr(addr, '@');
	g_autofree char *local = at == NULL ? NULL :
		g_strndup(addr, (size_t)(at - addr));

	if (local == NULL)
		return;
	add_word(traits, local, WORD_LEAST);
	add_words(traits, local, WORD_LEAST);
	add_word(traits, at + 1, LABEL_LEAST);
	add_words(traits, at + 1, LABEL_LEAST);
}

static void
add_mailboxes(struct traits *traits, const char *value)
{
	bool complete;
	g_autoptr(GPtrArray) addrs = mime_mailboxes(value, &complete);
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);

	mime_display_names(value, names);
	for (guint i = 0; i < names->len; i++)
		add_words(traits, names->pdata[i], WORD_LEAST);
	for (guint i = 0; i < addrs->len; i++)
		add_addr(traits, addrs->pdata[i]);
	if (!complete)
		add_words(traits, value, LABEL_LEAST);
}

void
traits_init(struct traits *traits, const struct anonymity *with,
	    const struct header *header)
{
	static const char *const names[] = {
		"From", "Sender", "Reply-To", "Return-Path",
	};

	traits->words = g_ptr_array_new_with_free_func(g_free);
	add_mailboxes(traits, with->people);
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		g_autofree char *value = header_get(header, names[i]);

		if (value != NULL)
			add_mailboxes(traits, value);
	}
}

void
traits_done(struct traits *traits)
{
	g_ptr_array_unref(traits->words);
}

bool
traits_in(const struct traits *traits, const char *text)
{
	g_autofree char *valid = g_utf8_make_valid(text, -1);
	g_autofree char *folded = g_utf8_casefold(valid, -1);

	for (guint i = 0; i < traits->words->len; i++)
		if (strstr(folded, traits->words->pdata[i]) != NULL)
			return true;
	return false;
}

/* --- the header --------------------------------------------------------- */

static void
add_folded(struct header *header, const char *name, const char *value)
{
	g_autofree char *folded = NULL;

	if (value == NULL || value[0] == '\0')
		return;
	folded = header_fold(value, strlen(name) + 2);
	header_append(header, name, folded);
}

static void
add_from(struct header *header, const struct anonymity *with)
{
	g_autofree char *phrase = mime_encode_phrase(with->name);
	g_autofree char *from = g_strdup_printf("%s%s<%s>", phrase,
						phrase[0] != '\0' ? " " : "",
						with->list);

	add_folded(header, "From", from);
	add_folded(header, "To", with->list);
}

static void
add_ids(struct header *header, const struct anonymity *with,
	const struct header *came)
{
	static const char *const names[] = {
		"Message-ID", "In-Reply-To", "References",
	};

	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		g_autofree char *old = header_get(came, names[i]);
		g_autofree char *ids = old == NULL ? NULL :
			map_ids(with, old);

		add_folded(header, names[i], ids);
	}
}

/* RFC 3834 section 5: its parameters may name an owner. */
static void
add_automatic(struct header *header, const struct header *came)
{
	static const char *const words[] = {
		"no", "auto-generated", "auto-replied", "auto-notified",
	};
	g_autofree char *value = header_get(came, "Auto-Submitted");
	const char *word = value == NULL ? NULL : "auto-generated";

	if (value != NULL)
		value[strcspn(value, " \t;(")] = '\0';
	for (size_t i = 0; i < G_N_ELEMENTS(words) && value != NULL; i++)
		if (g_ascii_strcasecmp(value, words[i]) == 0)
			word = words[i];
	add_folded(header, "Auto-Submitted", word);
}

/* Of another than our lists it may be the author's own. */
static void
add_loops(struct header *header, const struct anonymity *with,
	  const struct header *came)
{
	int index;

	for (int i = 0; (index = header_find(came, "X-Loop", i)) >= 0; i++) {
		g_autofree char *value = header_value(came, index);
		const char *at = strrchr(value, '@');

		for (char *const *domain = with->domains; at != NULL &&
		     *domain != NULL; domain++)
			if (g_ascii_strcasecmp(at + 1, *domain) == 0) {
				add_folded(header, "X-Loop", value);
				break;
			}
	}
}

static void
add_content(struct header *header, const struct anonymity *with,
	    const struct traits *traits, const struct part *part)
{
	g_autofree char *type = anonymous_type(with, traits, part);
	g_autofree char *disposition = anonymous_disposition(traits, part);

	if (header_find(&part->header, "MIME-Version", 0) >= 0)
		header_append(header, "MIME-Version", "1.0");
	add_folded(header, "Content-Type", type);
	add_folded(header, "Content-Transfer-Encoding",
		   anonymous_encoding(part));
	add_folded(header, "Content-Disposition", disposition);
}

/* part->header is the same as what came in header. */
static void
make_header(const struct anonymity *with, const struct traits *traits,
	    const struct part *part, struct header *header)
{
	const struct header *came = &part->header;
	g_autofree char *subject = header_get(came, "Subject");
	g_autofree char *date = header_get(came, "Date");
	g_autofree char *utc = mime_date_utc(date != NULL ? date : "",
					     with->received_s);

	g_array_set_size(header->fields, 0);
	add_from(header, with);
	add_folded(header, "Subject", subject);
	add_folded(header, "Date", utc);
	add_ids(header, with, came);
	add_automatic(header, came);
	if (header_find(came, "X-No-Archive", 0) >= 0)
		header_append(header, "X-No-Archive", "yes");
	add_loops(header, with, came);
	add_content(header, with, traits, part);
}

/* --- all ---------------------------------------------------------------- */

static const char *
why_not(const struct parts *parts)
{
	for (guint i = 0; i < parts->parts->len; i++) {
		const struct part *part = parts->parts->pdata[i];

		if (part->is_deep)
			return "its parts are in each other more than 50 "
				"times";
		if (!part->is_inside && anonymous_cannot(part))
			return "it is signed so that it cannot be read "
				"without the author's name (S/MIME)";
	}
	return NULL;
}

static const char *
make(const struct anonymity *with, const struct parts *parts, bool has_body,
     struct header *header, GBytes **body_out)
{
	const char *why = why_not(parts);
	struct traits traits;

	*body_out = NULL;
	if (why != NULL)
		return why;
	traits_init(&traits, with, header);
	if (has_body) {
		GString *out = g_string_new(NULL);

		anonymous_parts(with, &traits, parts, out);
		*body_out = g_string_free_to_bytes(out);
	}
	make_header(with, &traits, parts->parts->pdata[0], header);
	traits_done(&traits);
	return NULL;
}

static const char *
read_and_make(const struct anonymity *with, const GString *bytes,
	      bool has_body, struct header *header, GBytes **body_out)
{
	struct parts parts;
	const char *why;

	if (!parts_read(bytes->str, bytes->len, &parts))
		return "it has too many parts";
	why = make(with, &parts, has_body, header, body_out);
	parts_done(&parts);
	return why;
}

/* A body that is one part is not looked at. */
const char *
anonymous_make(const struct anonymity *with, struct header *header,
	       const char *body, size_t len, GBytes **body_out)
{
	g_autoptr(GString) bytes = g_string_new(NULL);
	g_autofree char *type = header_get(header, "Content-Type");
	const bool is_multipart = type != NULL &&
		g_ascii_strncasecmp(type, "multipart/", 10) == 0;

	header_write(header, bytes);
	if (bytes->len > 0 && bytes->str[bytes->len - 1] != '\n')
		g_string_append(bytes, "\r\n");
	g_string_append(bytes, "\r\n");
	if (is_multipart)
		g_string_append_len(bytes, body, (gssize)len);
	return read_and_make(with, bytes, is_multipart, header, body_out);
}
