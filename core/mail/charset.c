/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/mail/charset.h"

#include <string.h>

#include <gmime/gmime.h>

#include "core/base/banned.h"

/* By the names under which iconv knows them, in lower case: these begin so.
 * Not the ISO 646 variants, EBCDIC, UTF-7, HZ, ISO-2022-KR and -CN. */
static const char *const plain[] = {
	"iso-8859-", "iso8859-", "iso_8859", "latin", "windows-", "cp125",
	"cp437", "cp850", "cp852", "cp866", "cp932", "cp936", "cp949",
	"cp950", "koi8-", "gb2312", "gbk", "gb18030", "big5", "euc-", "euc",
	"shift_jis", "shift-jis", "sjis", "tis-620", "macintosh", "uhc",
	"mac-cyrillic", "viscii", "ksc", "ks_c", "johab", NULL
};

static enum charset_kind
kind_of(const char *name)
{
	if (strcmp(name, "us-ascii") == 0 || strcmp(name, "ascii") == 0)
		return CHARSET_ASCII;
	if (strcmp(name, "utf-8") == 0 || strcmp(name, "utf8") == 0)
		return CHARSET_UTF8;
	if (strcmp(name, "iso-2022-jp") == 0)
		return CHARSET_SHIFTS;
	for (size_t i = 0; plain[i] != NULL; i++)
		if (g_str_has_prefix(name, plain[i]))
			return CHARSET_PLAIN;
	return CHARSET_OTHER;
}

static bool
is_known(const char *name)
{
	GIConv conv = g_iconv_open("UTF-8", name);

	if (conv == (GIConv)-1)
		return false;
	(void) g_iconv_close(conv);
	return true;
}

bool
charset_find(const char *label, struct charset *out)
{
	g_autofree char *lower = NULL;
	const char *name;

	if (label == NULL || label[0] == '\0')
		label = "us-ascii";
	lower = g_ascii_strdown(label, -1);
	/* iconv would take "//TRANSLIT" behind a name for a wish. */
	if (strchr(lower, '/') != NULL || !g_str_is_ascii(lower))
		return false;
	out->kind = kind_of(lower);
	name = g_mime_charset_iconv_name(lower);
	if (out->kind == CHARSET_OTHER) {
		g_autofree char *known = g_ascii_strdown(name, -1);

		out->kind = kind_of(known);
	}
	return g_strlcpy(out->name, name, sizeof(out->name)) <
		sizeof(out->name) && is_known(name);
}

static char *
convert(const char *bytes, size_t len, const char *to, const char *from,
	size_t *len_out)
{
	gsize read = 0, written = 0;
	g_autofree char *out = g_convert(bytes, (gssize)len, to, from, &read,
					 &written, NULL);

	if (out == NULL || read != len)
		return NULL;
	*len_out = written;
	return g_steal_pointer(&out);
}

/* Both ways, since some tables of iconv lead two letters to one. */
static char *
convert_surely(const char *bytes, size_t len, const char *to,
	       const char *from, size_t *len_out)
{
	size_t made = 0, again = 0;
	g_autofree char *out = convert(bytes, len, to, from, &made);
	g_autofree char *back = out == NULL ? NULL :
		convert(out, made, from, to, &again);

	if (back == NULL || again != len || memcmp(back, bytes, len) != 0)
		return NULL;
	*len_out = made;
	return g_steal_pointer(&out);
}

static char *
copy(const char *bytes, size_t len, size_t *len_out)
{
	char *out = g_malloc(len + 1);

	memcpy(out, bytes, len);
	out[len] = '\0';
	*len_out = len;
	return out;
}

/* ESC begins other letters in what only calls itself ASCII. */
static bool
is_ascii(const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)bytes[i] >= 0x80 || bytes[i] == '\033')
			return false;
	return true;
}

char *
charset_put(const struct charset *charset, const char *text, size_t *len_out)
{
	const size_t len = strlen(text);

	if (charset->kind == CHARSET_OTHER ||
	    (charset->kind == CHARSET_ASCII && !is_ascii(text, len)))
		return NULL;
	if (charset->kind == CHARSET_UTF8 || is_ascii(text, len))
		return copy(text, len, len_out);
	return convert_surely(text, len, charset->name, "UTF-8", len_out);
}

char *
charset_take(const struct charset *charset, const char *bytes, size_t len,
	     size_t *len_out)
{
	if (charset->kind == CHARSET_ASCII)
		return is_ascii(bytes, len) ? copy(bytes, len, len_out) : NULL;
	if (charset->kind == CHARSET_UTF8)
		return g_utf8_validate(bytes, (gssize)len, NULL) ?
			copy(bytes, len, len_out) : NULL;
	return convert_surely(bytes, len, "UTF-8", charset->name, len_out);
}
