/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/mail/mime.h"

#include <string.h>

#include <gmime/gmime.h>

#include "core/mail/addr.h"
#include "core/base/banned.h"

#define LINE_MAX_LEN 998	/* RFC 5321 section 4.5.3.1.6 */

void
mime_init(void)
{
	g_mime_init();
}

/* --- mailboxes ---------------------------------------------------------- */

struct author_walk {
	GPtrArray *found;
	GHashTable *known;	/* borrows from found */
	bool complete;
};

static void
take_author(struct author_walk *walk, const char *addr)
{
	g_autofree char *canon = addr != NULL ? addr_canon(addr) : NULL;

	if (canon == NULL || walk->found->len >= MIME_AUTHORS_MAX) {
		walk->complete &= canon != NULL &&
			g_hash_table_contains(walk->known, canon);
		return;
	}
	if (g_hash_table_contains(walk->known, canon))
		return;
	g_ptr_array_add(walk->found, canon);
	g_hash_table_add(walk->known, canon);
	canon = NULL;
}

static void
walk_authors(struct author_walk *walk, InternetAddressList *list, int depth)
{
	int count = list != NULL ? internet_address_list_length(list) : 0;

	for (int i = 0; i < count; i++) {
		InternetAddress *one = internet_address_list_get_address(list,
									 i);

		if (INTERNET_ADDRESS_IS_MAILBOX(one))
			take_author(walk, internet_address_mailbox_get_addr(
				INTERNET_ADDRESS_MAILBOX(one)));
		else if (depth < 2)
			walk_authors(walk, internet_address_group_get_members(
				INTERNET_ADDRESS_GROUP(one)), depth + 1);
		else
			walk->complete = false;
	}
	if (count == 0 && depth == 0)
		walk->complete = false;
}

#define FROM_VALUE_MAX 65536	/* longer is nobody's honest From */

GPtrArray *
mime_authors(const struct header *header, bool *complete)
{
	struct author_walk walk = {
		.found = g_ptr_array_new_with_free_func(g_free),
		.known = g_hash_table_new(g_str_hash, g_str_equal),
		.complete = true,
	};
	unsigned int fields = 0;
	int index = -1;

	for (guint i = 0; i < header->fields->len; i++) {
		const struct header_field *field = &g_array_index(
			header->fields, struct header_field, i);
		g_autofree char *value = NULL;
		InternetAddressList *list;

		if (field->name_len != 4 ||
		    g_ascii_strncasecmp(field->raw, "From", 4) != 0)
			continue;
		if (++fields > MIME_AUTHORS_MAX ||
		    field->raw_len > FROM_VALUE_MAX) {
			walk.complete = false;
			break;
		}
		index = (int)i;
		value = header_value(header, index);
		list = internet_address_list_parse(NULL, value);
		walk_authors(&walk, list, 0);
		g_clear_object(&list);
	}
	g_hash_table_destroy(walk.known);
	*complete = walk.complete;
	return walk.found;
}

static char *
decode_name(const char *text, size_t len)
{
	g_autofree char *name = g_strstrip(g_strndup(text, len));
	g_autofree char *decoded = NULL;

	g_mime_utils_unquote_string(name);
	decoded = g_mime_utils_header_decode_phrase(NULL, name);
	return g_utf8_make_valid(decoded != NULL ? decoded : name, -1);
}

const char *
mime_mailbox(const char *text, char **addr_out, char **name_out)
{
	g_autofree char *line = g_strstrip(g_strdup(text));
	g_autofree char *canon = NULL, *addr = NULL;
	char *open = strrchr(line, '<');
	size_t len = strlen(line);

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

/* --- words -------------------------------------------------------------- */

char *
mime_decode(const char *value)
{
	g_autofree char *decoded = g_mime_utils_header_decode_text(NULL,
								   value);

	return g_utf8_make_valid(decoded != NULL ? decoded : value, -1);
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
	return on_one_line(g_mime_utils_header_encode_text(NULL, text,
							   "utf-8"));
}

char *
mime_encode_phrase(const char *text)
{
	return on_one_line(g_mime_utils_header_encode_phrase(NULL, text,
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
	g_autofree char *id = g_mime_utils_generate_message_id(domain);

	return g_strdup_printf("<%s>", id);
}

/* --- subjects ----------------------------------------------------------- */

/* Length of "Re: ", "AW: Fwd: ", "Re[2]: " in front. */
static size_t
reply_markers(const char *subject)
{
	static const char *const words[] = {
		"re", "aw", "antw", "sv", "vs", "fw", "fwd", "wg", "tr",
		"rif", "odp", "ang", "ref", "res", "enc", NULL
	};
	const char *at = subject, *end;

	for (;;) {
		const char *const *word = words;

		at += strspn(at, " \t");
		end = at + strspn(at, "abcdefghijklmnopqrstuvwxyz"
				  "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
		while (*word != NULL && (strlen(*word) != (size_t)(end - at) ||
		       g_ascii_strncasecmp(at, *word, end - at) != 0))
			word++;
		if (*word == NULL)
			break;
		end += strspn(end, "[]^0123456789 ");
		if (*end != ':')
			break;
		at = end + 1;
	}
	return (size_t)(at - subject);
}

static bool
is_ascii(const char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text >= 0x80)
			return false;
	return true;
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
	if (strstr(decoded + reply_markers(decoded), prefix) != NULL)
		return g_strdup(old);
	markers = reply_markers(old);
	if (is_ascii(prefix))
		return g_strdup_printf("%.*s%s %s", (int)markers, old, prefix,
				       old + markers);
	/* Blanks between encoded words vanish, so they become one text. */
	markers = reply_markers(decoded);
	joined = g_strdup_printf("%.*s%s %s", (int)markers, decoded, prefix,
				 decoded + markers);
	return mime_encode_text(joined);
}

/* --- lines -------------------------------------------------------------- */

bool
mime_needs_recode(const char *bytes, size_t len)
{
	while (len > 0) {
		const char *lf = memchr(bytes, '\n', len);
		size_t line = lf != NULL ? (size_t)(lf - bytes) : len;
		size_t text = line > 0 && bytes[line - 1] == '\r' ? line - 1
			: line;

		if (text > LINE_MAX_LEN)
			return true;
		line += lf != NULL;
		bytes += line;
		len -= line;
	}
	return false;
}
