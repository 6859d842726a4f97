/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/bounce/place.h"

#include <string.h>

#include "core/bounce/phrases.h"
#include "core/base/banned.h"

/* What may be around an address at the beginning of a line */
#define MARKS " \t<>\"'`*-|#[](){},;:.0123456789~="

bool
place_is_marks(const char *text)
{
	return text[strspn(text, MARKS)] == '\0';
}

char
place_reply(const char *text)
{
	text += strspn(text, " \t<>-");
	return text[0] >= '2' && text[0] <= '5' && g_ascii_isdigit(text[1]) &&
	       g_ascii_isdigit(text[2]) && !g_ascii_isdigit(text[3]) ?
	       text[0] : 0;
}

bool
place_refuses(char code)
{
	return code == '4' || code == '5';
}

/* Text up to an address, or behind it, without what is between them */
static char *
before(const char *line, size_t start)
{
	size_t from = start > 120 ? start - 120 : 0;
	char *text = phrase_plain(line + from, start - from);
	size_t len = strlen(text);

	while (len > 0 && strchr(" <\"'`([:,-=;", text[len - 1]) != NULL)
		text[--len] = '\0';
	return text;
}

static const char *
behind(const char *line, size_t end)
{
	return line + end + strspn(line + end, ">\"'`)] \t");
}

void
place_init(struct place *place, const struct words_line *line,
	   const struct addr_span *span)
{
	g_autofree char *start = g_strndup(line->text, span->start);

	*place = (struct place){ .line = line };
	place->span = *span;
	place->lead = before(line->text, span->start);
	place->code = place_reply(start);
	place->led = place_is_marks(start) ||
		     strstr(place->lead, "dda:smtp") != NULL;
	place->rest = behind(line->text, span->end);
}

bool
place_ends_entry(const char *rest)
{
	return rest[0] == '\0' || strchr(":;,([<-|", rest[0]) != NULL ||
	       g_str_has_prefix(rest, "...") || g_str_has_prefix(rest, "on ") ||
	       g_str_has_prefix(rest, "：");
}

bool
place_is_led(const struct place *place)
{
	bool bracketed = place->span.start > 0 &&
			 place->line->text[place->span.start - 1] == '<';

	if (!place->led || place->code != 0)
		return false;
	return place->rest[0] == ':' || g_str_has_prefix(place->rest, "...") ||
	       (bracketed && place->rest[0] == '(');
}

bool
place_is_labelled(const struct place *place)
{
	return !place->led && strlen(place->lead) < 50 &&
	       phrase_is_label(place->lead);
}

bool
place_is_in_sentence(const struct place *place)
{
	g_autofree char *after = phrase_plain(place->rest,
					      MIN(strlen(place->rest), 80));

	return phrase_before(place->lead) ||
	       phrase_after(after + strspn(after, ",.:- "));
}

bool
place_is_role(const char *addr)
{
	static const char *const roles[] = {
		"postmaster@", "mailer-daemon@", "abuse@", "support@",
		"helpdesk@", "hostmaster@", "webmaster@", "admin@",
		"administrator@", "noreply@", "no-reply@", "help@",
	};

	for (size_t i = 0; i < G_N_ELEMENTS(roles); i++)
		if (g_ascii_strncasecmp(addr, roles[i],
					strlen(roles[i])) == 0)
			return true;
	return false;
}

bool
place_is_quoted(const struct place *place)
{
	static const char *const fields[] = {
		"to:", "cc:", "bcc:", "from:", "subject:", "sent:", "date:",
		"reply-to:", "sender:", "message-id:", "return-path:",
		"von:", "an:", "betreff:", "de:", "à:", "para:", "mail from",
	};

	for (size_t i = 0; i < G_N_ELEMENTS(fields); i++)
		if (g_str_has_prefix(place->line->plain, fields[i]))
			return true;
	return false;
}
