/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/mail/own.h"

#include <stdint.h>
#include <string.h>

#include "core/mail/subject.h"
#include "core/base/banned.h"

/*
 * Mail programs agree about nothing but "> " and "-- " (RFC 3676 sections 4.3
 * and 4.5), and some not even about those. The rest is what they are seen to
 * write, in the languages that their users have most.
 */

#define ATTRIBUTION_LINES 3	/* that one is broken into */
#define FIELD_LINES 5		/* below the first field of a mail below */

/* --- one line ----------------------------------------------------------- */

static bool
is_unseen(gunichar c)
{
	return c == 0xad || (c >= 0x200b && c <= 0x200f) ||
	       (c >= 0x202a && c <= 0x202e) ||
	       (c >= 0x2060 && c <= 0x2069) || c == 0xfeff;
}

/* One blank between words, none at the ends */
static char *
squeeze(const char *line)
{
	GString *out = g_string_new(NULL);
	bool blank = false;

	for (; *line != '\0'; line = g_utf8_next_char(line)) {
		gunichar c = g_utf8_get_char(line);

		if (is_unseen(c))
			continue;
		if (g_unichar_isspace(c) || g_unichar_iscntrl(c)) {
			blank = true;
			continue;
		}
		if (blank && out->len > 0)
			g_string_append_c(out, ' ');
		blank = false;
		g_string_append_unichar(out, c);
	}
	return g_string_free(out, FALSE);
}

static const char *const tags[] = {
	"a", "b", "blockquote", "body", "br", "center", "div", "em", "font",
	"h1", "h2", "h3", "head", "hr", "html", "i", "img", "li", "meta",
	"o:p", "p", "pre", "span", "strong", "table", "tbody", "td", "tr",
	"tt", "u", "ul",
};

/* A tag of HTML, or "<mailto:...>": how long it is, 0 for anything else */
static size_t
tag_length(const char *at)
{
	const char *end = strchr(at, '>');
	const char *name = at + 1 + (at[1] == '/');
	size_t len = strcspn(name, " />");

	if (end == NULL)
		return 0;
	if (g_ascii_strncasecmp(at, "<mailto:", 8) == 0)
		return (size_t)(end + 1 - at);
	for (size_t i = 0; i < G_N_ELEMENTS(tags); i++)
		if (strlen(tags[i]) == len &&
		    g_ascii_strncasecmp(name, tags[i], len) == 0)
			return (size_t)(end + 1 - at);
	return 0;
}

static const struct {
	const char *entity, *text;
} entities[] = {
	{"&nbsp;", " "}, {"&gt;", ">"}, {"&lt;", "<"}, {"&quot;", "\""},
	{"&amp;", "&"},
};

static size_t
entity_length(const char *at, GString *out)
{
	for (size_t i = 0; i < G_N_ELEMENTS(entities); i++)
		if (g_str_has_prefix(at, entities[i].entity)) {
			g_string_append(out, entities[i].text);
			return strlen(entities[i].entity);
		}
	return 0;
}

static char *
strip_html(const char *line)
{
	GString *out = g_string_new(NULL);

	while (*line != '\0') {
		size_t len = 0;

		if (*line == '<' && (len = tag_length(line)) > 0)
			g_string_append_c(out, ' ');
		else if (*line == '&')
			len = entity_length(line, out);
		if (len == 0)
			g_string_append_c(out, *line++);
		line += len;
	}
	return g_string_free(out, FALSE);
}

char *
own_line(const char *line)
{
	g_autofree char *cut = g_strndup(line, OWN_LINE_MAX);
	g_autofree char *valid = g_utf8_make_valid(cut, -1);
	g_autofree char *bare = strip_html(valid);

	return squeeze(bare);
}

/* --- what is not the author's ------------------------------------------- */

static bool
begins_with_one(const char *text, const char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (g_str_has_prefix(text, words[i]))
			return true;
	return false;
}

static bool
is_quoted(const char *line)
{
	return line[0] == '>';
}

/* Five or more of one mark, and nothing else but a name in the middle */
static bool
is_rule(const char *line)
{
	static const char marks[] = "-_=*";
	size_t run = 0;

	if (line[0] == '\0' || strchr(marks, line[0]) == NULL)
		return false;
	while (line[run] == line[0])
		run++;
	return run >= 5;
}

static bool
is_telephone(const char *line)
{
	static const char *const begins[] = {
		"Sent from my ", "Sent from Mail", "Sent from Outlook",
		"Sent from Yahoo", "Sent with ", "Sent using ",
		"Sent via ", "Get Outlook for ", "Gesendet von ",
		"Von meinem ", "Gesendet mit ", "Diese Nachricht wurde von ",
		"Envoyé de mon ", "Envoyé depuis ", "Envoyé à partir ",
		"Télécharger Outlook", "Enviado desde ", "Enviado de ",
		"Obtener Outlook", "Inviato da ", "Verzonden vanaf ",
		"Holen Sie sich Outlook", "Outlook für ", "Obtenir Outlook",
	};

	return begins_with_one(line, begins, G_N_ELEMENTS(begins));
}

/* An em dash is what telephones make of "--". */
static bool
is_signature(const char *line)
{
	return strcmp(line, "--") == 0 || strcmp(line, "—") == 0 ||
	       strcmp(line, "---") == 0;
}

static bool
is_field(const char *line, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		size_t len = strlen(names[i]);
		const char *bare = line + (line[0] == '*');

		if (g_str_has_prefix(bare, names[i]) &&
		    (bare[len] == ':' || g_str_has_prefix(bare + len, " :") ||
		     g_str_has_prefix(bare + len, "\u00a0:")))
			return true;
	}
	return false;
}

/* "From: ...", and soon "Sent: ...": as Outlook quotes. */
static bool
is_mail_below(char *const *line)
{
	static const char *const froms[] = {"From", "Von", "De", "Da", "Van",
					    "Från", "Fra"};
	static const char *const sents[] = {
		"Sent", "Date", "Gesendet", "Datum", "Envoyé", "Enviado",
		"Enviado el", "Fecha", "Enviada em", "Inviato", "Data",
		"Verzonden", "Skickat", "Sendt",
	};

	if (!is_field(line[0], froms, G_N_ELEMENTS(froms)))
		return false;
	for (int i = 1; i <= FIELD_LINES && line[i] != NULL; i++)
		if (is_field(line[i], sents, G_N_ELEMENTS(sents)))
			return true;
	return false;
}

static bool
ends_own(char *const *line)
{
	static const char *const starts[] = {
		"Begin forwarded message", "Anfang der weitergeleiteten",
		"Début du message", "Inicio del mensaje",
		"Forwarded message from",
	};

	return is_signature(*line) || is_rule(*line) ||
	       is_telephone(*line) || is_mail_below(line) ||
	       begins_with_one(*line, starts, G_N_ELEMENTS(starts));
}

/* --- who is quoted ------------------------------------------------------ */

static bool
holds_digit(const char *text)
{
	return text[strcspn(text, "0123456789")] != '\0';
}

static bool
says_wrote(const char *text)
{
	static const char *const words[] = {
		"wrote", "writes", "said", "schrieb", "écrit", "escribi",
		"scritto", "schreef", "skrev", "napisał", "escreveu",
	};

	for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
		if (strstr(text, words[i]) != NULL)
			return true;
	return false;
}

/* "On Mon, Jun 1, 2026 at 12:00 PM Ann <ann@example.org> wrote:" */
static bool
is_attribution(const char *text)
{
	return g_str_has_suffix(text, ":") && holds_digit(text) &&
	       (says_wrote(text) || strchr(text, '@') != NULL);
}

static bool
begins_as_attribution(const char *text)
{
	static const char *const begins[] = {
		"On ", "Am ", "Le ", "El ", "Il ", "Op ", "Den ", "W dniu ",
		"Em ", "På ", "Dne ", "2",
	};

	return begins_with_one(text, begins, G_N_ELEMENTS(begins));
}

static char *const *
skip_empty(char *const *line)
{
	while (*line != NULL && (*line)[0] == '\0')
		line++;
	return line;
}

/* What is quoted stands here, marked. */
static bool
is_marked_below(char *const *line)
{
	line = skip_empty(line);
	return *line != NULL && is_quoted(*line);
}

/* How many lines from here on say who is quoted; 0: this is not such. */
static size_t
attribution_lines(char *const *line)
{
	g_autoptr(GString) text = g_string_new(NULL);

	if (g_str_has_suffix(line[0], ":") && is_marked_below(line + 1))
		return 1;
	for (size_t i = 0; i < ATTRIBUTION_LINES && line[i] != NULL &&
			   line[i][0] != '\0'; i++) {
		/* the line above is the author's own */
		if (i > 0 && begins_as_attribution(line[i]) &&
		    !begins_as_attribution(line[0]))
			return 0;
		g_string_append_printf(text, "%s%s", i > 0 ? " " : "",
				       line[i]);
		if (is_attribution(text->str) &&
		    (begins_as_attribution(line[0]) ||
		     is_marked_below(line + i + 1)))
			return i + 1;
	}
	return 0;
}

/* --- all ---------------------------------------------------------------- */

static char **
clean_lines(const char *text)
{
	char **lines = g_strsplit(text, "\n", OWN_LINES_MAX + 1);

	for (size_t i = 0; lines[i] != NULL; i++) {
		char *line = i < OWN_LINES_MAX ? own_line(lines[i])
					       : g_strdup("");

		g_free(lines[i]);
		lines[i] = line;
	}
	return lines;
}

static void
add_line(GPtrArray *out, const char *line)
{
	const char *last = out->len > 0 ? out->pdata[out->len - 1] : "";

	if (line[0] != '\0' || last[0] != '\0')
		g_ptr_array_add(out, g_strdup(line));
}

/* RFC 9580 section 7: what is signed begins behind an empty line. */
static char **
skip_armor(char **line)
{
	line = (char **)(uintptr_t)skip_empty(line);
	if (*line == NULL ||
	    !g_str_has_prefix(*line, "-----BEGIN PGP SIGNED MESSAGE"))
		return line;
	while (*line != NULL && (*line)[0] != '\0')
		line++;
	return line;
}

GPtrArray *
own_lines(const char *text)
{
	GPtrArray *out = g_ptr_array_new_with_free_func(g_free);
	g_auto(GStrv) lines = clean_lines(text);
	char **line = skip_armor(lines);

	while (*line != NULL && !ends_own(line)) {
		size_t skip;

		if (is_quoted(*line)) {
			add_line(out, "");
			line++;
			continue;
		}
		skip = (*line)[0] != '\0' ? attribution_lines(line) : 0;
		if (skip > 0 && !is_marked_below(line + skip))
			break;
		if (skip == 0)
			add_line(out, *line++);
		line += skip;
	}
	return out;
}

/* --- the Subject -------------------------------------------------------- */

const char *
own_subject(const char *subject, bool *is_reply)
{
	bool more = true, ignored;

	*is_reply = false;
	while (more) {
		const char *close;
		size_t mark;

		subject += subject_blanks(subject);
		mark = subject_mark(subject, &ignored);
		subject += mark;
		*is_reply = *is_reply || mark > 0;
		close = mark == 0 && subject[0] == '[' ?
			strchr(subject, ']') : NULL;
		if (close != NULL)
			subject = close + 1;
		more = mark > 0 || close != NULL;
	}
	return subject;
}
