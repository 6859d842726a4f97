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

/* --- mailboxes ---------------------------------------------------------- */

#define MAILBOX_LEN_MAX 2000

static char *
decode_name(const char *text, size_t len)
{
	g_autofree char *name = g_strstrip(g_strndup(text, len));
	g_autofree char *decoded = NULL;

	g_mime_utils_unquote_string(name);
	decoded = g_mime_utils_header_decode_phrase(NULL, name);
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
	*name_out = open != NULL ? decode_name(line, (size_t)(open - line))
				 : g_strdup("");
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
	InternetAddressList *list = internet_address_list_parse(NULL, cut);

	if (list == NULL)
		return;
	add_names(list, out);
	g_object_unref(list);
}

/* --- words -------------------------------------------------------------- */

char *
mime_decode(const char *value)
{
	g_autofree char *decoded = g_mime_utils_header_decode_text(NULL,
								   value);

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

char *
mime_message_id(const char *domain)
{
	return g_strdup_printf("<%" G_GINT64_MODIFIER "x.%08x%08x@%s>",
			       g_get_real_time(), g_random_int(),
			       g_random_int(), domain);
}

/* --- subjects ----------------------------------------------------------- */

/* "Re" and "Fwd" in the languages of those whose programs translate them. */
static bool
is_marker(const char *word, size_t len)
{
	static const char *const words[] = {
		"re", "aw", "antw", "sv", "vs", "rv", "fw", "fwd", "wg", "tr",
		"rif", "odp", "ang", "ref", "res", "enc", "ynt", "atb", "bls",
		"vb", "vl", "doorst", "pd",
	};

	for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
		if (strlen(words[i]) == len &&
		    g_ascii_strncasecmp(word, words[i], len) == 0)
			return true;
	return false;
}

/* Length of "Re: ", "AW: Fwd: ", "RE[2]: ", "Re^2: " in front, and of the
 * blanks before what follows. */
static size_t
reply_markers(const char *subject)
{
	const char *at = subject + strspn(subject, " ");

	for (;;) {
		const char *end = at;

		while (g_ascii_isalpha(*end))
			end++;
		if (!is_marker(at, (size_t)(end - at)))
			break;
		end += strspn(end, "[]()^0123456789 ");
		if (*end != ':')
			break;
		at = end + 1;
		at += strspn(at, " ");
	}
	return (size_t)(at - subject);
}

/* Are the markers the same in both, so that none is in an encoded word? */
static bool
same_markers(const char *raw, const char *decoded)
{
	size_t len = reply_markers(raw);

	return len == reply_markers(decoded) &&
		memcmp(raw, decoded, len) == 0;
}

static char *
insert_prefix(const char *subject, size_t markers, const char *prefix)
{
	const char *rest = subject + markers;

	return g_strdup_printf("%.*s%s%s%s%s", (int)markers, subject,
			       markers > 0 && rest[-1] != ' ' ? " " : "",
			       prefix, *rest != '\0' ? " " : "", rest);
}

char *
mime_subject_prefix(const char *old, const char *prefix)
{
	g_autofree char *decoded = NULL, *joined = NULL;
	size_t markers;

	if (prefix[0] == '\0')
		return g_strdup(old != NULL ? old : "");
	if (old == NULL || old[0] == '\0')
		return mime_encode_text(prefix);
	decoded = mime_decode(old);
	markers = reply_markers(decoded);
	if (strstr(decoded + markers, prefix) != NULL)
		return g_strdup(old);
	if (g_str_is_ascii(prefix) && same_markers(old, decoded))
		return insert_prefix(old, markers, prefix);
	/* Blanks between encoded words vanish, so they become one text. */
	joined = insert_prefix(decoded, markers, prefix);
	return mime_encode_text(joined);
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
