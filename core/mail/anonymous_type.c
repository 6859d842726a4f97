/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/mail/anonymous_inside.h"

#include <string.h>

#include "core/mail/mime.h"
#include "core/base/banned.h"

#define VALUE_MAX 100		/* bytes of a parameter */
#define NAME_MAX_LEN 150	/* of a file's name */
#define SUFFIX_MAX 8		/* of such a name, behind its last dot */

/* RFC 2045 section 5.1 */
static bool
is_token(const char *text)
{
	if (text[0] == '\0' || strlen(text) > VALUE_MAX)
		return false;
	for (; *text != '\0'; text++)
		if (*text <= ' ' || *text >= 0x7f ||
		    strchr("()<>@,;:\\\"/[]?=", *text) != NULL)
			return false;
	return true;
}

static bool
is_type(const char *type)
{
	const char *slash = strchr(type, '/');
	g_autofree char *top = slash == NULL ? NULL :
		g_strndup(type, (size_t)(slash - type));

	return top != NULL && is_token(top) && is_token(slash + 1);
}

/* --- parameters --------------------------------------------------------- */

/* A token, or what is none in quotes; text of ASCII */
static void
add_param(GString *out, const char *name, const char *value)
{
	const bool is_plain = is_token(value);

	g_string_append_printf(out, "; %s=%s%s%s", name, is_plain ? "" : "\"",
			       value, is_plain ? "" : "\"");
}

/* RFC 2231 section 4 */
static void
add_extended(GString *out, const char *name, const char *value)
{
	g_string_append_printf(out, "; %s*=utf-8''", name);
	for (; *value != '\0'; value++) {
		if (g_ascii_isalnum(*value) || strchr("-._", *value) != NULL)
			g_string_append_c(out, *value);
		else
			g_string_append_printf(out, "%%%02X",
					       (unsigned char)*value);
	}
}

static bool
is_suffix(const char *text)
{
	size_t len = strlen(text);

	for (const char *p = text; *p != '\0'; p++)
		if (!g_ascii_isalnum(*p))
			return false;
	return len > 0 && len <= SUFFIX_MAX;
}

/* The author chose it, but his program may have. */
static char *
file_name(const struct traits *traits, const char *name)
{
	const char *dot = strrchr(name, '.');

	if (strlen(name) <= NAME_MAX_LEN && !traits_in(traits, name))
		return g_strdup(name);
	return dot != NULL && is_suffix(dot + 1) &&
		!traits_in(traits, dot + 1) ?
		g_strconcat("attachment", dot, NULL) : g_strdup("attachment");
}

static void
add_name(GString *out, const struct traits *traits, const char *name,
	 const char *value)
{
	g_autofree char *file = file_name(traits, value);

	if (g_str_is_ascii(file) && strpbrk(file, "\"\\") == NULL)
		add_param(out, name, file);
	else
		add_extended(out, name, file);
}

/* --- fields ------------------------------------------------------------- */

char *
anonymous_boundary(const struct anonymity *with, const char *boundary)
{
	char hash[ANONYMOUS_HASH_LEN + 1];

	anonymous_hash(with, "boundary", boundary, hash);
	return g_strconcat("=_", hash, NULL);
}

/* Those whose value is one of the words that they are made for */
static void
add_words(GString *out, const char *value)
{
	static const char *const names[] = {
		"charset", "format", "delsp", "report-type", "protocol",
		"type", "method", "smime-type",
	};

	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		g_autofree char *param = mime_param(value, names[i]);

		if (param != NULL && (is_token(param) || is_type(param)))
			add_param(out, names[i], param);
	}
}

static void
add_start(GString *out, const struct anonymity *with, const char *value)
{
	g_autofree char *start = mime_param(value, "start");
	g_autofree char *id = start == NULL ? NULL :
		anonymous_id(with, start);

	if (id != NULL && id[0] != '\0')
		add_param(out, "start", id);
}

char *
anonymous_type(const struct anonymity *with, const struct traits *traits,
	       const struct part *part)
{
	g_autofree char *value = header_get(&part->header, "Content-Type");
	g_autofree char *name = NULL, *boundary = NULL;
	g_autoptr(GString) out = g_string_new(NULL);

	if (value == NULL)
		return NULL;
	/* without the signature it is that */
	if (strcmp(part->type, "multipart/signed") == 0)
		g_string_append(out, "multipart/mixed");
	else
		g_string_append(out, is_type(part->type) ? part->type :
				"application/octet-stream");
	if (part->boundary != NULL) {
		boundary = anonymous_boundary(with, part->boundary);
		add_param(out, "boundary", boundary);
	}
	if (strcmp(part->type, "multipart/signed") != 0)
		add_words(out, value);
	add_start(out, with, value);
	name = mime_param(value, "name");
	if (name != NULL)
		add_name(out, traits, "name", name);
	return g_strdup(out->str);
}

char *
anonymous_disposition(const struct traits *traits, const struct part *part)
{
	g_autofree char *value = header_get(&part->header,
					    "Content-Disposition");
	g_autofree char *name = NULL;
	g_autoptr(GString) out = g_string_new(NULL);

	if (value == NULL)
		return NULL;
	g_string_append(out, g_ascii_strncasecmp(value, "inline", 6) == 0 ?
			"inline" : "attachment");
	name = mime_param(value, "filename");
	if (name != NULL)
		add_name(out, traits, "filename", name);
	return g_strdup(out->str);
}

const char *
anonymous_encoding(const struct part *part)
{
	static const char *const words[] = {
		"7bit", "8bit", "binary", "quoted-printable", "base64",
		"x-uuencode", "uuencode", "x-uue",
	};
	g_autofree char *value = header_get(&part->header,
					    "Content-Transfer-Encoding");

	if (value == NULL)
		return NULL;
	value[strcspn(value, " \t;(")] = '\0';
	for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
		if (g_ascii_strcasecmp(value, words[i]) == 0)
			return words[i];
	return NULL;
}

/* --- kinds -------------------------------------------------------------- */

bool
anonymous_goes(const struct part *part)
{
	static const char *const types[] = {
		"application/pgp-signature", "application/pgp-keys",
		"application/pkcs7-signature",
		"application/x-pkcs7-signature", "text/vcard",
		"text/x-vcard", "text/directory",
	};

	for (size_t i = 0; i < G_N_ELEMENTS(types); i++)
		if (strcmp(part->type, types[i]) == 0)
			return true;
	return false;
}

/* RFC 8551 section 3.2.2 */
bool
anonymous_cannot(const struct part *part)
{
	g_autofree char *value = NULL, *kind = NULL;

	if (strcmp(part->type, "application/pkcs7-mime") != 0 &&
	    strcmp(part->type, "application/x-pkcs7-mime") != 0)
		return false;
	value = header_get(&part->header, "Content-Type");
	kind = value == NULL ? NULL : mime_param(value, "smime-type");
	return kind == NULL ||
		(g_ascii_strcasecmp(kind, "enveloped-data") != 0 &&
		 g_ascii_strcasecmp(kind, "authenveloped-data") != 0);
}
