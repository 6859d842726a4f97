/* SPDX-License-Identifier: BSD-2-Clause */

/* Commands that somebody has sent to a list instead of its robot. */
#include "core/mail/automatic.h"

#include <string.h>

#include <glib.h>

#include "core/mail/automatic_inside.h"
#include "core/mail/content.h"
#include "core/mail/own.h"
#include "core/base/banned.h"

#define COMMAND_WORDS_MAX 14

static const char *const leave_words[] = {
	"unsubscribe", "unsubcribe", "unsuscribe", "unsub", "signoff",
	"sign-off", "leave", "abmelden", "abmeldung", "abbestellen",
	"austragen", "désabonner", "desabonner", "désabonnement",
	"désinscription", "desuscribir", "desuscribirme", "baja",
	"cancelar", "disiscrivi", "cancellami", "remove",
};

static const char *const join_words[] = {
	"subscribe", "anmelden", "anmeldung", "abonnieren", "abonner",
	"suscribir", "suscribirme", "alta", "iscrivi",
};

static const char *const leave_phrases[] = {
	"unsubscribe me", "remove me", "take me off", "delete me from",
	"unsubscribe from", "unsubscribed from", "remove my address",
	"remove my email", "remove my name", "remove email address",
	"remove this address", "please unsubscribe", "pls unsubscribe",
	"want to unsubscribe", "like to unsubscribe", "stop sending me",
	"get me off", "melden sie mich ab", "bitte abmelden",
	"bitte austragen", "aus der liste", "aus dem verteiler",
	"me désabonner", "me désinscrire", "retirez-moi", "darme de baja",
	"dar de baja", "bórrenme", "quiero desuscribirme",
};
static const struct wordlist leave_list = WORDLIST(leave_phrases);

static const char *const join_phrases[] = {
	"subscribe me", "add me to", "want to subscribe",
	"like to subscribe", "please subscribe", "bitte anmelden",
	"je veux m'abonner", "quiero suscribirme",
};
static const struct wordlist join_list = WORDLIST(join_phrases);

/* Without quotes, signature, the footer of a list; one blank between words,
 * no marks at the ends. */
static char *
own_words(const char *text)
{
	g_auto(GStrv) lines = g_strsplit(text, "\n", 2000);
	GString *out = g_string_new(NULL);

	for (char **line = lines; *line != NULL; line++) {
		g_strstrip(*line);
		if (strcmp(*line, "--") == 0 ||
		    g_str_has_prefix(*line, "____") ||
		    g_str_has_prefix(*line, "-----"))
			break;
		if ((*line)[0] == '>' || (*line)[0] == '\0')
			continue;
		g_string_append_printf(out, "%s ", *line);
	}
	return g_string_free(out, FALSE);
}

/* In lower case, marks made blanks, blanks run together; *count words */
static char *
plain_words(const char *text, unsigned int *count)
{
	g_autofree char *lower = g_utf8_strdown(text, -1);
	GString *out = g_string_new(NULL);
	bool blank = true;

	*count = 0;
	for (const char *p = lower; *p != '\0'; p = g_utf8_next_char(p)) {
		gunichar c = g_utf8_get_char(p);

		if (g_unichar_isalnum(c) || c == '-' || c == '\'' ||
		    c == '@' || c == '(') {
			*count += blank;
			if (blank && out->len > 0)
				g_string_append_c(out, ' ');
			g_string_append_unichar(out, c);
			blank = false;
		} else {
			blank = true;
		}
	}
	return g_string_free(out, FALSE);
}

static bool
is_word(const char *text, const char *const *words, size_t count)
{
	size_t len = strcspn(text, " ");

	for (size_t i = 0; i < count; i++)
		if (strlen(words[i]) == len &&
		    strncmp(text, words[i], len) == 0)
			return true;
	return false;
}

/* "unsubscribe", "please unsubscribe dev", "take me off your list" */
static enum command_meant
command_in(const char *text, unsigned int words_max)
{
	unsigned int count;
	g_autofree char *words = plain_words(text, &count);
	const char *first = g_str_has_prefix(words, "please ") ? words + 7
							       : words;

	if (count == 0 || count > words_max)
		return COMMAND_NONE;
	if (count <= 3 && is_word(first, leave_words,
				  G_N_ELEMENTS(leave_words)))
		return COMMAND_UNSUBSCRIBE;
	if (count <= 3 && is_word(first, join_words,
				  G_N_ELEMENTS(join_words)))
		return COMMAND_SUBSCRIBE;
	if (wordlist_within(&leave_list, words))
		return COMMAND_UNSUBSCRIBE;
	if (wordlist_within(&join_list, words))
		return COMMAND_SUBSCRIBE;
	return COMMAND_NONE;
}

enum command_meant
command_of_word(const char *word)
{
	if (is_word(word, leave_words, G_N_ELEMENTS(leave_words)))
		return COMMAND_UNSUBSCRIBE;
	return is_word(word, join_words, G_N_ELEMENTS(join_words)) ?
		COMMAND_SUBSCRIBE : COMMAND_NONE;
}

enum command_meant
command_meant(const struct header *header, const char *body, size_t body_len)
{
	g_autofree char *subject = automatic_lower(header, "Subject");
	g_autofree char *text = NULL, *own = NULL;
	enum command_meant meant;
	bool is_reply;
	const char *bare = own_subject(subject, &is_reply);

	meant = is_reply ? COMMAND_NONE : command_in(bare, 8);
	if (meant != COMMAND_NONE)
		return meant;
	text = content_text(header, body, body_len);
	own = own_words(text);
	return command_in(own, COMMAND_WORDS_MAX);
}
