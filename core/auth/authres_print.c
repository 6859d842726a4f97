/* SPDX-License-Identifier: BSD-2-Clause */

/* Evidence as an Authentication-Results field, RFC 8601 section 2.2. What
 * comes from mail is a token or a quoted-string. */
#include <string.h>

#include "core/auth/authres.h"
#include "core/base/banned.h"

#define VALUE_MAX 200
#define LINE_MAX_LEN 76

struct print {
	GString *out;
	size_t column;
};

/* Words are folded between, never inside. */
static void
put_word(struct print *print, const char *word)
{
	size_t len = strlen(word);

	if (print->column + 1 + len > LINE_MAX_LEN) {
		g_string_append(print->out, "\r\n\t");
		print->column = 8;
	} else {
		g_string_append_c(print->out, ' ');
		print->column++;
	}
	g_string_append(print->out, word);
	print->column += len;
}

/* RFC 2045 section 5.1, and "@", which a pvalue may have */
static bool
is_token(const char *text)
{
	if (text[0] == '\0')
		return false;
	for (; *text != '\0'; text++)
		if (*text <= ' ' || *text >= 0x7f ||
		    strchr("()<>,;:\\\"/[]?=", *text) != NULL)
			return false;
	return true;
}

static char *
value_of(const char *text)
{
	g_autofree char *cut = g_utf8_make_valid(
		text, (gssize)strnlen(text, VALUE_MAX));
	GString *quoted;

	if (is_token(cut))
		return g_steal_pointer(&cut);
	quoted = g_string_new("\"");
	for (const char *p = cut; *p != '\0'; p++) {
		if (*p == '"' || *p == '\\')
			g_string_append_c(quoted, '\\');
		/* Readers of ASCII only must be able to parse it. */
		g_string_append_c(quoted, *p >= ' ' && *p < 0x7f ? *p : '?');
	}
	g_string_append_c(quoted, '"');
	return g_string_free(quoted, FALSE);
}

static void
put_property(struct print *print, const char *name, const char *text)
{
	g_autofree char *value = value_of(text);
	g_autofree char *word = g_strdup_printf("%s=%s", name, value);

	if (text[0] != '\0')
		put_word(print, word);
}

static void
put_result(struct print *print, const char *method, enum auth_result result)
{
	g_autofree char *word = g_strdup_printf("%s=%s", method,
						auth_result_name(result));

	g_string_append_c(print->out, ';');
	put_word(print, word);
}

static void
put_spf(struct print *print, const struct spf_evidence *spf)
{
	put_result(print, "spf", spf->result);
	put_property(print, "reason", spf->reason);
	put_property(print, spf->by_helo ? "smtp.helo" : "smtp.mailfrom",
		     spf->domain);
}

static void
put_dkim(struct print *print, const struct dkim_evidence *dkim)
{
	put_result(print, "dkim", dkim->result);
	put_property(print, "reason", dkim->reason);
	put_property(print, "header.d", dkim->domain);
	put_property(print, "header.i", dkim->identity);
	put_property(print, "header.s", dkim->selector);
	put_property(print, "header.a", dkim->algorithm);
	put_property(print, "header.b", dkim->signature);
}

static void
put_dmarc(struct print *print, const struct dmarc_evidence *dmarc)
{
	put_result(print, "dmarc", dmarc->result);
	put_property(print, "reason", dmarc->reason);
	put_property(print, "header.from", dmarc->author_domain);
	put_property(print, "policy.published-domain-policy", dmarc->policy);
}

static void
put_arc(struct print *print, const struct evidence *evidence)
{
	const struct arc_evidence *arc = &evidence->arc;
	g_autofree char *oldest = g_strdup_printf("%u", arc->oldest_pass);

	put_result(print, "arc", arc->result);
	put_property(print, "reason", arc->reason);
	if (arc->result == AUTH_PASS)
		put_property(print, "header.oldest-pass", oldest);
	put_property(print, "smtp.remote-ip", evidence->client);
}

char *
authres_print(const struct evidence *evidence, const char *authserv_id)
{
	struct print print = {g_string_new(authserv_id),
			      strlen("Authentication-Results: ") +
				      strlen(authserv_id)};

	put_spf(&print, &evidence->spf);
	if (evidence->dkim->len == 0)
		put_result(&print, "dkim", AUTH_NONE);
	for (guint i = 0; i < evidence->dkim->len; i++)
		put_dkim(&print, evidence->dkim->pdata[i]);
	put_dmarc(&print, &evidence->dmarc);
	put_arc(&print, evidence);
	if (evidence->login[0] != '\0') {
		put_result(&print, "auth", AUTH_PASS);
		put_property(&print, "smtp.auth", evidence->login);
	}
	return g_string_free(print.out, FALSE);
}
