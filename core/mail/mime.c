/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/mail/mime.h"

#include <string.h>

#include <gmime/gmime.h>

#include "core/mail/addr.h"
#include "core/base/banned.h"

void
mime_init(void)
{
	g_mime_init();
}

/* UTF-8 without control characters, which encoded words may hold too. */
static char *
clean(const char *text)
{
	g_autofree char *valid = g_utf8_make_valid(text, -1);
	GString *out = g_string_sized_new(strlen(valid));

	for (const char *p = valid; *p != '\0'; p = g_utf8_next_char(p)) {
		gunichar c = g_utf8_get_char(p);

		g_string_append_unichar(out, g_unichar_iscntrl(c) ? ' ' : c);
	}
	return g_string_free(out, FALSE);
}

/* --- encoded words ------------------------------------------------------ */

/* An encoded word in base64 (RFC 2047 section 2); all of it borrowed. */
struct word {
	const char *charset, *code;
	size_t charset_len, code_len, len;
};

static bool
read_word(const char *text, struct word *out)
{
	const char *end;

	if (text[0] != '=' || text[1] != '?')
		return false;
	out->charset = text + 2;
	out->charset_len = strcspn(out->charset, "? \t");
	text = out->charset + out->charset_len;
	if (g_ascii_strncasecmp(text, "?b?", 3) != 0)
		return false;
	out->code = text + 3;
	out->code_len = strcspn(out->code, "? \t");
	end = out->code + out->code_len;
	out->len = (size_t)(end + 2 - out->charset) + 2;
	return end[0] == '?' && end[1] == '=';
}

static void
add_decoded(GByteArray *bytes, const struct word *word)
{
	g_autofree char *code = g_strndup(word->code, word->code_len);
	gsize len;
	g_autofree guchar *raw = g_base64_decode(code, &len);

	g_byte_array_append(bytes, raw, (guint)len);
}

/* The word that follows on this one, with the blanks between them, is of its
 * charset too. */
static bool
next_word(const struct word *word, const char *behind, struct word *out)
{
	behind += strspn(behind, " \t");
	return read_word(behind, out) &&
		out->charset_len == word->charset_len &&
		g_ascii_strncasecmp(out->charset, word->charset,
				    word->charset_len) == 0;
}

/* How much of the text was taken. */
static size_t
join_run(const char *text, const struct word *first, GString *out)
{
	g_autoptr(GByteArray) bytes = g_byte_array_new();
	g_autofree char *code = NULL;
	const char *behind = text + first->len;
	struct word word;

	add_decoded(bytes, first);
	while (next_word(first, behind, &word)) {
		add_decoded(bytes, &word);
		behind = word.charset - 2 + word.len;
	}
	code = g_base64_encode(bytes->data, bytes->len);
	g_string_append_printf(out, "=?%.*s?b?%s?=", (int)first->charset_len,
			       first->charset, code);
	return (size_t)(behind - text);
}

/*
 * GMime 3.2.13 reads words of one charset that follow on each other as if
 * their base64 were one, so that a character may be cut in two there, and so
 * passes over all that is behind the first "=" of it. Here it is one.
 */
static char *
join_words(const char *text)
{
	GString *out = g_string_new(NULL);

	while (*text != '\0') {
		struct word word, next;

		if (read_word(text, &word) &&
		    next_word(&word, text + word.len, &next))
			text += join_run(text, &word, out);
		else
			g_string_append_c(out, *text++);
	}
	return g_string_free(out, FALSE);
}

/* --- mailboxes ---------------------------------------------------------- */

#define MAILBOX_LEN_MAX 2000

char *
mime_decode_phrase(const char *phrase, size_t len)
{
	g_autofree char *raw = g_strstrip(g_strndup(phrase, len));
	/* Bytes that are no UTF-8 are most often these. */
	g_autofree char *name = g_utf8_validate(raw, -1, NULL) ?
		g_strdup(raw) : mime_to_utf8("windows-1252", raw, strlen(raw));
	g_autofree char *joined = NULL, *decoded = NULL;

	g_mime_utils_unquote_string(name);
	joined = join_words(name);
	decoded = g_mime_utils_header_decode_phrase(NULL, joined);
	return g_strstrip(clean(decoded != NULL ? decoded : name));
}

const char *
mime_mailbox(const char *text, char **addr_out, char **name_out)
{
	g_autofree char *line = g_strstrip(g_strndup(text,
						     MAILBOX_LEN_MAX + 1));
	g_autofree char *canon = NULL, *addr = NULL;
	char *open = strrchr(line, '<');
	size_t len = strlen(line);

	if (len > MAILBOX_LEN_MAX)
		return "it is too long for an address";
	if (!g_utf8_validate(line, -1, NULL))
		return "it is not UTF-8";
	if (open != NULL && line[len - 1] != '>')
		return "\"<\" without \">\" at the end";
	if (open == NULL && strpbrk(line, " \t,;") != NULL && line[0] != '"')
		return "one address a line, as NAME@DOMAIN or Name "
			"<NAME@DOMAIN>";
	addr = open != NULL ? g_strndup(open + 1, line + len - open - 2)
			    : g_strdup(line);
	canon = addr_canon(addr);
	if (canon == NULL)
		return "it is no address NAME@DOMAIN";
	*name_out = open != NULL ?
		mime_decode_phrase(line, (size_t)(open - line)) : g_strdup("");
	*addr_out = g_strstrip(g_steal_pointer(&addr));
	return NULL;
}

#define LIST_LEN_MAX 16384

static void
add_names(InternetAddressList *list, GPtrArray *out)
{
	int count = internet_address_list_length(list);

	for (int i = 0; i < count && out->len < MIME_AUTHORS_MAX; i++) {
		InternetAddress *one = internet_address_list_get_address(list,
									 i);
		const char *name = internet_address_get_name(one);

		if (name != NULL && name[0] != '\0')
			g_ptr_array_add(out, clean(name));
	}
}

void
mime_display_names(const char *value, GPtrArray *out)
{
	g_autofree char *cut = g_strndup(value, LIST_LEN_MAX);
	g_autofree char *joined = join_words(cut);
	InternetAddressList *list = internet_address_list_parse(NULL, joined);

	if (list == NULL)
		return;
	add_names(list, out);
	g_object_unref(list);
}

/* --- words -------------------------------------------------------------- */

char *
mime_decode(const char *value)
{
	g_autofree char *joined = join_words(value);
	g_autofree char *decoded = g_mime_utils_header_decode_text(NULL,
								   joined);

	return clean(decoded != NULL ? decoded : value);
}

/* GMime folds where it likes; our fields are folded in one place. */
static char *
on_one_line(char *text)
{
	char *to = text;

	for (const char *from = text; *from != '\0'; from++) {
		if (*from == '\r' || *from == '\n')
			continue;
		*to++ = *from == '\t' ? ' ' : *from;
	}
	*to = '\0';
	return text;
}

char *
mime_encode_text(const char *text)
{
	g_autofree char *utf8 = clean(text);

	return on_one_line(g_mime_utils_header_encode_text(NULL, utf8,
							   "utf-8"));
}

void
mime_append_text(struct header *header, const char *name, const char *text)
{
	g_autofree char *encoded = mime_encode_text(text);
	g_autofree char *folded = header_fold(encoded, strlen(name) + 2);

	header_append(header, name, folded);
}

char *
mime_encode_phrase(const char *text)
{
	g_autofree char *utf8 = clean(text);

	return on_one_line(g_mime_utils_header_encode_phrase(NULL, utf8,
							     "utf-8"));
}

char *
mime_date_now(void)
{
	g_autoptr(GDateTime) now = g_date_time_new_now_local();

	return g_mime_utils_header_format_date(now);
}

int64_t
mime_date_read(const char *value)
{
	g_autoptr(GDateTime) date = g_mime_utils_header_decode_date(value);

	return date != NULL ? g_date_time_to_unix(date) : 0;
}

char *
mime_date_utc(const char *value, int64_t fallback_s)
{
	g_autoptr(GDateTime) date = g_mime_utils_header_decode_date(value);
	g_autoptr(GDateTime) utc = date != NULL ? g_date_time_to_utc(date) :
		g_date_time_new_from_unix_utc(fallback_s);

	return g_mime_utils_header_format_date(utc);
}

char *
mime_message_id(const char *domain)
{
	return g_strdup_printf("<%" G_GINT64_MODIFIER "x.%08x%08x@%s>",
			       g_get_real_time(), g_random_int(),
			       g_random_int(), domain);
}

/* --- contents ----------------------------------------------------------- */

#define PARAM_VALUE_MAX 8192

char *
mime_param(const char *value, const char *name)
{
	g_autofree char *cut = g_strndup(value, PARAM_VALUE_MAX);
	GMimeParamList *params = NULL;
	const char *semicolon = strchr(cut, ';');
	GMimeParam *param;
	char *out = NULL;

	if (semicolon == NULL)
		return NULL;
	params = g_mime_param_list_parse(NULL, semicolon + 1);
	if (params == NULL)
		return NULL;
	param = g_mime_param_list_get_parameter(params, name);
	if (param != NULL && g_mime_param_get_value(param) != NULL)
		out = mime_decode(g_mime_param_get_value(param));
	g_object_unref(params);
	return out;
}

/* Bytes that are no text of the charset, or of a charset that nobody knows:
 * as UTF-8 as far as they are that. */
static char *
as_they_are(const char *bytes, size_t len)
{
	g_autofree char *copy = g_malloc0(len + 1);

	for (size_t i = 0; i < len; i++)
		copy[i] = bytes[i] != '\0' ? bytes[i] : ' ';
	return g_utf8_make_valid(copy, (gssize)len);
}

char *
mime_to_utf8(const char *charset, const char *bytes, size_t len)
{
	const char *known = charset[0] != '\0'
				    ? g_mime_charset_iconv_name(charset)
				    : "utf-8";
	g_autofree char *converted = NULL;
	gsize written = 0;

	if (g_ascii_strcasecmp(known, "utf-8") == 0 ||
	    g_ascii_strcasecmp(known, "us-ascii") == 0)
		return as_they_are(bytes, len);
	converted = g_convert_with_fallback(bytes, (gssize)len, "UTF-8",
					    known, "?", NULL, &written, NULL);
	return converted != NULL ? as_they_are(converted, written)
				 : as_they_are(bytes, len);
}
