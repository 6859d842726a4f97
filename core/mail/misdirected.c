/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/mail/misdirected.h"

#include <string.h>

#include "core/mail/mime.h"
#include "core/mail/own.h"
#include "core/base/banned.h"

#define WORDS_MAX 16		/* of a command */
#define SUBJECT_BODY_MAX 14	/* words below a Subject that is one */
#define SIGNATURE_WORDS 8	/* in a line of one */
#define SIGNATURE_LINES 12

/* --- words -------------------------------------------------------------- */

/* What goes with a command in English, German, French and Spanish, and says
 * nothing else. */
static const char *const companions[] = {
	"a", "account", "address", "again", "all", "an", "and", "any", "asap",
	"be", "best", "can", "cheers", "could", "dear", "do", "e-mail",
	"e-mails", "email", "emails", "for", "forum", "from", "further",
	"good", "group", "hello", "hey", "hi", "i", "i'd", "immediately",
	"kindly", "like", "list", "lists", "longer", "mail", "mailing",
	"mailing-list", "mailinglist", "mails", "me", "messages", "more",
	"my", "myself", "name", "need", "newsletter", "no", "now", "of",
	"off", "on", "our", "out", "person", "please", "pls", "plz",
	"receive", "receiving", "regards", "request", "send", "sir", "team",
	"thank", "thanks", "that", "the", "them", "these", "this", "thx",
	"to", "us", "want", "wish", "with", "would", "you", "your",
	"ab", "adresse", "an", "aus", "bitte", "danke", "dank", "dem", "den",
	"der", "die", "dieser", "diese", "e-mail-adresse", "für", "gern",
	"gerne", "gruß", "grüße", "hallo", "herren", "hiermit", "ich",
	"ihnen", "ihrer", "im", "keine", "könnten", "liebe", "liste", "mail",
	"mail-adresse", "mailingliste", "mails", "mehr", "mein", "meine",
	"meinen", "melde", "melden", "mich", "mit", "möchte", "namen",
	"newsletters", "sie", "verteiler", "viele", "vielen", "von", "vom",
	"voraus", "will", "würde", "zu", "zur",
	"bonjour", "cette", "cordialement", "de", "diffusion", "du",
	"d'avance", "l'avance", "la", "le", "les", "liste", "listes", "ma",
	"me", "merci", "mon", "à", "par", "plaît", "pouvez", "recevoir",
	"s'il", "souhaite", "svp", "veuillez", "veux", "voudrais", "vos",
	"votre", "vouloir", "vous", "j'aimerais", "je",
	"buenas", "buenos", "correo", "correos", "deseo", "días", "el",
	"esta", "este", "favor", "gracias", "hola", "lista", "mi", "mí",
	"no", "por", "quiero", "quisiera", "saludos", "solicito", "su",
	"tardes",
};

/* Several words that make a command together, with a blank at each end */
static const struct {
	const char *words;
	enum command_meant meant;
} phrases[] = {
	{" remove me ", COMMAND_UNSUBSCRIBE},
	{" remove my ", COMMAND_UNSUBSCRIBE},
	{" take me off ", COMMAND_UNSUBSCRIBE},
	{" take me out ", COMMAND_UNSUBSCRIBE},
	{" delete me ", COMMAND_UNSUBSCRIBE},
	{" delete my ", COMMAND_UNSUBSCRIBE},
	{" get me off ", COMMAND_UNSUBSCRIBE},
	{" stop sending me ", COMMAND_UNSUBSCRIBE},
	{" sign me off ", COMMAND_UNSUBSCRIBE},
	{" opt out ", COMMAND_UNSUBSCRIBE},
	{" melden sie mich ab ", COMMAND_UNSUBSCRIBE},
	{" melden sie mich bitte ab ", COMMAND_UNSUBSCRIBE},
	{" melde mich ab ", COMMAND_UNSUBSCRIBE},
	{" melde ich mich ab ", COMMAND_UNSUBSCRIBE},
	{" aus dem verteiler nehmen ", COMMAND_UNSUBSCRIBE},
	{" aus dem verteiler löschen ", COMMAND_UNSUBSCRIBE},
	{" aus der liste nehmen ", COMMAND_UNSUBSCRIBE},
	{" aus der liste löschen ", COMMAND_UNSUBSCRIBE},
	{" aus der liste streichen ", COMMAND_UNSUBSCRIBE},
	{" me retirer de ", COMMAND_UNSUBSCRIBE},
	{" retirez-moi de ", COMMAND_UNSUBSCRIBE},
	{" retirer mon adresse ", COMMAND_UNSUBSCRIBE},
	{" me désinscrire ", COMMAND_UNSUBSCRIBE},
	{" désinscrivez-moi ", COMMAND_UNSUBSCRIBE},
	{" désabonnez-moi ", COMMAND_UNSUBSCRIBE},
	{" darme de baja ", COMMAND_UNSUBSCRIBE},
	{" dar de baja ", COMMAND_UNSUBSCRIBE},
	{" darse de baja ", COMMAND_UNSUBSCRIBE},
	{" denme de baja ", COMMAND_UNSUBSCRIBE},
	{" bórrenme ", COMMAND_UNSUBSCRIBE},
	{" add me ", COMMAND_SUBSCRIBE},
	{" sign me up ", COMMAND_SUBSCRIBE},
	{" melden sie mich an ", COMMAND_SUBSCRIBE},
	{" m'abonner ", COMMAND_SUBSCRIBE},
	{" m'inscrire ", COMMAND_SUBSCRIBE},
	{" darme de alta ", COMMAND_SUBSCRIBE},
};

/* They need something in front that makes them a wish: "leave" and
 * "remove" are words of every discussion. */
static const char *const weak[] = {
	"leave", "remove", "alta", "cancelar", "anmeldung",
};

static bool
is_among(const char *word, const char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(words[i], word) == 0)
			return true;
	return false;
}

/* A mark that is part of a word, and not at its end */
static bool
is_inner_mark(const char *at)
{
	return strchr("-'@.+_", *at) != NULL &&
	       g_unichar_isalnum(g_utf8_get_char(g_utf8_next_char(at)));
}

/* In lower case, without marks, a blank at each end of each */
static char *
plain(const char *text)
{
	g_autofree char *lower = g_utf8_strdown(text, -1);
	GString *out = g_string_new(" ");

	for (const char *p = lower; *p != '\0'; p = g_utf8_next_char(p)) {
		gunichar c = g_utf8_get_char(p);

		if (c == 0x2019)	/* d’avance */
			g_string_append_c(out, '\'');
		else if (g_unichar_isalnum(c) || is_inner_mark(p))
			g_string_append_unichar(out, c);
		else if (out->str[out->len - 1] != ' ')
			g_string_append_c(out, ' ');
	}
	if (out->str[out->len - 1] != ' ')
		g_string_append_c(out, ' ');
	return g_string_free(out, FALSE);
}

struct sentence {
	const char *list;
	guint words;
	guint strong, weak_words;	/* commands among them */
	bool other;			/* a word that does not go with one */
	enum command_meant meant;
};

static bool
names_list(const char *list, const char *word)
{
	size_t len = strcspn(list, "@");

	return strchr(word, '@') != NULL ||
	       (strlen(word) == len && strncmp(word, list, len) == 0);
}

static void
read_word(struct sentence *sentence, const char *word)
{
	enum command_meant meant = command_of_word(word);

	sentence->words++;
	if (meant == COMMAND_NONE) {
		sentence->other |= !names_list(sentence->list, word) &&
			!is_among(word, companions, G_N_ELEMENTS(companions));
		return;
	}
	/* "subscribe" and "unsubscribe" in one sentence are a discussion. */
	sentence->other |= sentence->meant != COMMAND_NONE &&
			   sentence->meant != meant;
	sentence->meant = meant;
	if (is_among(word, weak, G_N_ELEMENTS(weak)))
		sentence->weak_words++;
	else
		sentence->strong++;
}

/* A phrase is taken out of the text: what is left must be companions. */
static bool
cut_phrase(GString *text, enum command_meant *meant)
{
	for (size_t i = 0; i < G_N_ELEMENTS(phrases); i++) {
		const char *at = strstr(text->str, phrases[i].words);

		if (at == NULL)
			continue;
		(void)g_string_erase(text, at - text->str,
				     (gssize)strlen(phrases[i].words) - 1);
		*meant = phrases[i].meant;
		return true;
	}
	return false;
}

/* The whole text is a command; *is_weak: by a word that is used elsewhere */
static enum command_meant
command_only(const char *list, const char *text, bool *is_weak)
{
	struct sentence sentence = {.list = list};
	g_autofree char *words = plain(text);
	g_autoptr(GString) left = g_string_new(words);
	g_auto(GStrv) all = NULL;

	if (strchr(text, '?') != NULL)
		return COMMAND_NONE;
	if (cut_phrase(left, &sentence.meant))
		sentence.strong++;
	all = g_strsplit(left->str, " ", -1);
	for (char **word = all; *word != NULL && !sentence.other &&
				sentence.words <= WORDS_MAX; word++)
		if ((*word)[0] != '\0')
			read_word(&sentence, *word);
	if (sentence.other || sentence.words > WORDS_MAX ||
	    sentence.strong + sentence.weak_words == 0 ||
	    (sentence.strong == 0 && sentence.words > 4))
		return COMMAND_NONE;
	*is_weak = sentence.strong == 0;
	return sentence.meant;
}

/* --- what stands below -------------------------------------------------- */

static guint
count_words(const char *text)
{
	g_autofree char *words = plain(text);
	guint count = 0;

	for (const char *p = words; *p != '\0'; p++)
		count += *p == ' ' && p[1] != '\0';
	return count;
}

/* What companies put below each mail, and nobody who has something to say */
static bool
is_disclaimer(const char *text)
{
	static const char *const words[] = {
		"confidential", "intended recipient", "privileged",
		"the addressee", "intended only for", "intended solely",
		"received this e-mail in error", "received this email in",
		"disclaimer", "consider the environment", "virus-free",
		"vertraulich", "rechtlich geschützt", "irrtümlich",
		"confidentiel", "destinataire", "confidencial",
		"destinatario", "registered office", "amtsgericht",
		"handelsregister", "geschäftsführer", "registered in england",
		"company number", "unsubscribe from this group",
	};
	g_autofree char *lower = g_utf8_strdown(text, -1);

	for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
		if (strstr(lower, words[i]) != NULL)
			return true;
	return false;
}

/* A name, an office, a telephone number: short, and no sentence */
static bool
is_signature_line(const char *line)
{
	size_t len = strlen(line);

	return count_words(line) <= SIGNATURE_WORDS &&
	       strchr(line, '?') == NULL &&
	       !(len > 0 && line[len - 1] == ':');
}

static bool
is_signature(const char *paragraph)
{
	g_auto(GStrv) lines = g_strsplit(paragraph, "\n", -1);

	if (g_strv_length(lines) > SIGNATURE_LINES)
		return false;
	for (char **line = lines; *line != NULL; line++)
		if (!is_signature_line(*line))
			return false;
	return true;
}

/* Behind a disclaimer all is one. */
static bool
says_nothing(const GPtrArray *paragraphs, guint from)
{
	for (guint i = from; i < paragraphs->len; i++) {
		const char *paragraph = paragraphs->pdata[i];

		if (is_disclaimer(paragraph))
			return true;
		if (!is_signature(paragraph))
			return false;
	}
	return true;
}

/* --- the mail ----------------------------------------------------------- */

static GPtrArray *
paragraphs_of(const char *text)
{
	g_autoptr(GPtrArray) lines = own_lines(text);
	GPtrArray *out = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GString) paragraph = g_string_new(NULL);

	g_ptr_array_add(lines, g_strdup(""));
	for (guint i = 0; i < lines->len; i++) {
		const char *line = lines->pdata[i];

		if (line[0] != '\0') {
			g_string_append_printf(paragraph, "%s%s",
					       paragraph->len > 0 ? "\n" : "",
					       line);
		} else if (paragraph->len > 0) {
			g_ptr_array_add(out, g_strdup(paragraph->str));
			g_string_truncate(paragraph, 0);
		}
	}
	return out;
}

static bool
is_greeting(const char *paragraph)
{
	return count_words(paragraph) <= 4 &&
	       g_str_has_suffix(paragraph, ",");
}

/* "Unsubscribe" and a name below it, in one paragraph */
static enum command_meant
command_first(const char *list, const char *paragraph)
{
	bool is_weak;
	enum command_meant meant = command_only(list, paragraph, &is_weak);
	const char *end = strchr(paragraph, '\n');
	g_autofree char *first = NULL;

	if (meant != COMMAND_NONE || end == NULL ||
	    !is_signature(end + 1))
		return meant;
	first = g_strndup(paragraph, (gsize)(end - paragraph));
	/* the first line of a sentence that goes on is no command by itself */
	return count_words(first) <= 6 ? command_only(list, first, &is_weak)
				       : COMMAND_NONE;
}

static enum command_meant
command_in_text(const char *list, const GPtrArray *paragraphs)
{
	guint first = 0;
	enum command_meant meant;

	if (paragraphs->len > 1 && is_greeting(paragraphs->pdata[0]))
		first = 1;
	if (paragraphs->len == 0)
		return COMMAND_NONE;
	meant = command_first(list, paragraphs->pdata[first]);
	return meant != COMMAND_NONE && says_nothing(paragraphs, first + 1)
		       ? meant
		       : COMMAND_NONE;
}

/* Where the Subject is a command, a few words do not change that. */
static bool
adds_little(const GPtrArray *paragraphs, bool is_weak)
{
	const char *first = paragraphs->len > 0 ? paragraphs->pdata[0] : "";

	if (is_weak && (paragraphs->len > 1 || count_words(first) > 3))
		return false;
	return is_disclaimer(first) ||
	       (count_words(first) <= SUBJECT_BODY_MAX &&
		strchr(first, '?') == NULL && says_nothing(paragraphs, 1));
}

enum command_meant
misdirected(const char *list, const struct header *header, const char *text)
{
	g_autofree char *raw = header_get(header, "Subject");
	g_autofree char *decoded = mime_decode(raw != NULL ? raw : "");
	g_autofree char *subject = own_line(decoded);
	g_autoptr(GPtrArray) paragraphs = paragraphs_of(text);
	enum command_meant meant = COMMAND_NONE;
	bool is_reply, is_weak = false;
	const char *bare = own_subject(subject, &is_reply);

	if (!is_reply)
		meant = command_only(list, bare, &is_weak);
	if (meant != COMMAND_NONE && adds_little(paragraphs, is_weak))
		return meant;
	return command_in_text(list, paragraphs);
}
