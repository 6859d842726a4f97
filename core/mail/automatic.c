/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * What says for sure that nobody wrote it (RFC 3834, report types) comes
 * first; then the fields that programs of the time before it add; then, where
 * a null sender, a robot's address or nothing else speaks for it, the words
 * that such mail is known by. A subject alone is never enough where people
 * write about such things: it must begin with the words.
 */
#include "core/mail/automatic.h"

#include <string.h>

#include <glib.h>

#include "core/mail/content.h"
#include "core/mail/mime.h"
#include "core/base/banned.h"

const char *
automatic_name(enum automatic automatic)
{
	static const char *const names[] = {
		[AUTOMATIC_NO] = NULL,
		[AUTOMATIC_REPLY] = "autoreply",
		[AUTOMATIC_DSN] = "dsn",
		[AUTOMATIC_CHALLENGE] = "challenge",
		[AUTOMATIC_GENERATED] = "generated",
	};

	return names[automatic];
}

/* --- words -------------------------------------------------------------- */

/* Subjects of reports, at their beginning */
static const char *const dsn_subjects[] = {
	"undeliver", "delivery status notification", "mail delivery fail",
	"mail delivery problem", "mail delivery system",
	"returned mail", "delivery fail", "delivery report",
	"failure notice", "delivery notification", "delivery problem",
	"delivery delayed", "delayed mail", "mail could not be delivered",
	"message could not be delivered", "message not delivered",
	"mail not delivered", "non delivery", "non-delivery",
	"nondeliverable", "warning: could not send", "warning: message",
	"unable to deliver", "mail system error", "returned to sender",
	"mail undeliverable", "message delayed", "email delivery failure",
	"successful mail delivery report", "mail returned",
	"unzustellbar", "nicht zustellbar", "nachricht nicht zugestellt",
	"mail konnte nicht", "rapport de non-remise", "non remis",
	"echec de remise", "échec de la remise", "message non distribu",
	"no se puede entregar", "no entregado", "correo no entregado",
	"mancato recapito", "mensagem não entregue", "onbestelbaar",
	"недоставленное", "配信不能", "退信", "系统退信",
	"read:", "not read:", "disposition notification",
};

/* Subjects of replies that nobody wrote, at their beginning */
static const char *const reply_subjects[] = {
	"out of office", "out of the office", "out-of-office", "ooo:",
	"automatic reply", "automatic response", "automated reply",
	"automated response", "auto:", "autoreply", "auto-reply",
	"auto reply", "autoresponse", "auto-response", "auto response",
	"autorespond", "vacation reply", "vacation notice",
	"vacation message", "i am out of", "i'm out of", "on vacation:",
	"away from my mail", "away notice",
	"automatische antwort", "abwesenheitsnotiz", "abwesenheits",
	"automatische abwesenheit", "nicht im büro", "ich bin im urlaub",
	"autom. antwort", "automatisch antwoord", "afwezig",
	"niet op kantoor", "réponse automatique", "reponse automatique",
	"absence du bureau", "absent du bureau", "message d'absence",
	"je suis absent", "respuesta automática", "respuesta automatica",
	"fuera de la oficina", "fuera de oficina", "estoy fuera",
	"risposta automatica", "fuori sede", "fuori ufficio",
	"resposta automática", "resposta automatica", "fora do escritório",
	"autosvar", "automatiskt svar", "automatisk svar", "frånvaro",
	"poissaolo", "automaattinen vastaus", "odpowiedź automatyczna",
	"autoodpowiedź", "poza biurem", "nieobecność",
	"automatická odpověď", "mimo kancelář", "automatikus válasz",
	"házon kívül", "răspuns automat", "автоматический ответ",
	"автоответ", "отсутствие на рабочем месте", "автоматична відповідь",
	"αυτόματη απάντηση", "otomatik yanıt", "atvalinājums", "atvaļinājums",
	"自動応答", "自動返信", "不在通知", "自动回复", "自動回覆",
	"자동 회신", "부재중", "תשובה אוטומטית", "رد تلقائي",
};

/* The same in brackets behind what was answered */
static const char *const reply_endings[] = {
	"(out of office reply)", "(automatic response)", "(auto reply)",
	"(autoreply)", "(automatic reply)", "(out of office)",
	"(auto-reply)", "(vacation)", "is out of the office",
	"is out of the office.",
};

/* What asks the sender to prove that he is a person */
static const char *const challenge_words[] = {
	"have your address added to the recipient's allowed",
	"added to the recipient's allowed list",
	"to control spam, i now allow",
	"i now allow incoming messages only from senders i have approved",
	"is being held because the address",
	"your message is being held until",
	"message attached below is being held",
	"automatically by mail delivery software (tmda)",
	"this account is protected by",
	"protected by spamarrest", "spam arrest", "spamarrest.com",
	"boxtrapper", "click on the following link to verify your",
	"click the link below to confirm that your message is not spam",
	"confirm that you are a human", "prove that you are not a spammer",
	"prove that you are a human", "you must confirm that your message",
	"reply to this message to confirm delivery",
	"challenge-response", "challenge/response spam",
	"sender verification request", "requires you to verify yourself",
	"uses a service to verify that",
	"to have your message delivered, please confirm",
	"your email requires verification",
	"your message is awaiting verification",
};

/* Tools that write for people */
static const char *const generated_fields[] = {
	"X-Bugzilla-Type", "X-Bugzilla-Reason", "X-GitHub-Reason",
	"X-GitLab-NotificationReason", "X-GitLab-Project", "X-JIRA-FingerPrint",
	"X-Jenkins-Job", "X-Redmine-Host", "X-Trac-Project",
	"X-Launchpad-Notification-Type", "X-Debian-PR-Message",
	"X-Autogenerated", "X-Auto-Generated", "X-Cron-Env",
	"X-Phabricator-Sent-This-Message", "X-Gerrit-MessageType",
	"X-PagerDuty-Id", "X-Nagios-Notification", "X-RT-Originator",
	"X-Sourceforge-Tracker-unixname", "X-Travis-Build",
};

/* Programs that answer */
static const char *const reply_fields[] = {
	"X-Autoreply", "X-Auto-Reply", "X-Autorespond", "X-Auto-Respond",
	"X-Autoresponder", "X-AutoReply-From", "X-Mail-Autoreply",
	"X-Mail-Autoresponder", "X-Auto-Response", "X-Vacation",
	"X-FC-MachineGenerated", "X-Autoresponder-Source", "X-AutoResponse",
	"Vacation-Reply", "X-Amazon-Auto-Reply", "X-Away-Msg",
};

static bool
begins_with_one(const char *text, const char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (g_str_has_prefix(text, words[i]))
			return true;
	return false;
}

static bool
ends_with_one(const char *text, const char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (g_str_has_suffix(text, words[i]))
			return true;
	return false;
}

static bool
holds_one(const char *text, const char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strstr(text, words[i]) != NULL)
			return true;
	return false;
}

/* --- the header --------------------------------------------------------- */

/* The first word of a field's value without comments, lower case; "" if
 * there is none. */
static char *
first_word(const struct header *header, const char *name)
{
	g_autofree char *value = header_get(header, name);
	const char *at = value != NULL ? value : "";
	size_t len;

	for (;;) {
		at += strspn(at, " \t\r\n");
		if (*at != '(')
			break;
		at += strcspn(at, ")");
		at += *at == ')';
	}
	len = strcspn(at, " \t\r\n;(");
	return g_ascii_strdown(at, (gssize)len);
}

static char *
lower_value(const struct header *header, const char *name)
{
	g_autofree char *value = header_get(header, name);
	g_autofree char *decoded = value != NULL ? mime_decode(value)
						 : g_strdup("");

	return g_strstrip(g_utf8_strdown(decoded, -1));
}

static bool
has_field(const struct header *header, const char *const *names,
	  size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (header_find(header, names[i], 0) >= 0)
			return true;
	return false;
}

/* "Re:", "[list]" and blanks in front of what a subject says;
 * *is_reply: there was a "Re:" or the like */
static const char *
skip_prefixes(const char *subject, bool *is_reply)
{
	static const char *const prefixes[] = {
		"re:", "aw:", "sv:", "vs:", "antw:", "rv:", "fw:", "fwd:",
		"wg:", "tr:", "res:", "odp:", "ynt:", "回复:", "答复:",
	};
	bool more = true;

	*is_reply = false;
	while (more) {
		const char *close;

		more = false;
		subject += strspn(subject, " \t");
		for (size_t i = 0; i < G_N_ELEMENTS(prefixes); i++)
			if (g_str_has_prefix(subject, prefixes[i])) {
				subject += strlen(prefixes[i]);
				*is_reply = more = true;
			}
		close = subject[0] == '[' ? strchr(subject, ']') : NULL;
		if (close != NULL) {
			subject = close + 1;
			more = true;
		}
	}
	return subject;
}

/* MAILER-DAEMON and its like, by the local part of From */
static bool
is_daemon(const struct header *header)
{
	static const char *const names[] = {
		"mailer-daemon", "mailerdaemon", "postmaster", "mail-daemon",
		"mdaemon", "mailadmin", "maildaemon", "double-bounce",
		"mail.daemon", "microsoftexchange",
	};
	bool complete;
	g_autoptr(GPtrArray) authors = mime_authors(header, &complete);

	for (guint i = 0; i < authors->len; i++) {
		g_autofree char *addr = g_ascii_strdown(authors->pdata[i],
							-1);

		if (begins_with_one(addr, names, G_N_ELEMENTS(names)))
			return true;
	}
	return false;
}

struct look {
	const char *sender;
	const struct header *header;
	char *subject, *submitted, *precedence, *type;
	bool null_sender;
};

static enum automatic
by_type(const struct look *look)
{
	g_autofree char *value = header_get(look->header, "Content-Type");
	g_autofree char *report = value != NULL
					  ? mime_param(value, "report-type")
					  : NULL;

	if (g_str_has_prefix(look->type, "multipart/report") &&
	    report != NULL &&
	    g_ascii_strcasecmp(report, "feedback-report") != 0)
		return AUTOMATIC_DSN;
	if (g_str_has_prefix(look->type, "message/delivery-status") ||
	    g_str_has_prefix(look->type, "message/disposition-notif"))
		return AUTOMATIC_DSN;
	if (g_str_has_prefix(look->type, "text/calendar"))
		return AUTOMATIC_GENERATED;
	return AUTOMATIC_NO;
}

static bool
is_report_subject(const struct look *look)
{
	bool is_reply;
	const char *subject = skip_prefixes(look->subject, &is_reply);

	return !is_reply && begins_with_one(subject, dsn_subjects,
					    G_N_ELEMENTS(dsn_subjects));
}

static bool
is_reply_subject(const struct look *look)
{
	bool is_reply;
	const char *subject = skip_prefixes(look->subject, &is_reply);

	/* "Re: Out of office": a person answers one. */
	return (!is_reply && begins_with_one(subject, reply_subjects,
					     G_N_ELEMENTS(reply_subjects))) ||
	       ends_with_one(look->subject, reply_endings,
			     G_N_ELEMENTS(reply_endings));
}

static bool
is_bulk(const struct look *look)
{
	return strcmp(look->precedence, "bulk") == 0 ||
	       strcmp(look->precedence, "junk") == 0 ||
	       g_str_has_prefix(look->precedence, "auto");
}

/* RFC 3834 section 5: what says that it is automatic */
static enum automatic
by_submitted(const struct look *look)
{
	if (look->submitted[0] == '\0' || strcmp(look->submitted, "no") == 0)
		return AUTOMATIC_NO;
	if (is_report_subject(look) &&
	    (look->null_sender || is_daemon(look->header)))
		return AUTOMATIC_DSN;
	if (strcmp(look->submitted, "auto-replied") == 0 ||
	    look->null_sender || is_reply_subject(look))
		return AUTOMATIC_REPLY;
	return AUTOMATIC_GENERATED;
}

static enum automatic
by_fields(const struct look *look)
{
	if (has_field(look->header, reply_fields,
		      G_N_ELEMENTS(reply_fields)) ||
	    g_str_has_prefix(look->precedence, "auto"))
		return AUTOMATIC_REPLY;
	if (header_find(look->header, "X-Failed-Recipients", 0) >= 0)
		return AUTOMATIC_DSN;
	if (has_field(look->header, generated_fields,
		      G_N_ELEMENTS(generated_fields)))
		return AUTOMATIC_GENERATED;
	return AUTOMATIC_NO;
}

static enum automatic
by_subject(const struct look *look)
{
	if (is_report_subject(look) &&
	    (look->null_sender || is_daemon(look->header)))
		return AUTOMATIC_DSN;
	return is_reply_subject(look) ? AUTOMATIC_REPLY : AUTOMATIC_NO;
}

/* Nobody may answer it, so nobody wrote it (RFC 5321 section 4.5.5). */
static enum automatic
by_sender(const struct look *look)
{
	if (!look->null_sender)
		return AUTOMATIC_NO;
	return is_bulk(look) ? AUTOMATIC_REPLY : AUTOMATIC_DSN;
}

static bool
is_challenge(const struct look *look, const char *body, size_t body_len)
{
	g_autofree char *text = content_text(look->header, body, body_len);
	g_autofree char *lower = NULL;

	if (strlen(text) > 3000)
		text[3000] = '\0';
	lower = g_ascii_strdown(text, -1);
	for (char *p = lower; *p != '\0'; p++)
		if (*p == '\n' || *p == '\r')
			*p = ' ';
	return holds_one(lower, challenge_words,
			 G_N_ELEMENTS(challenge_words));
}

static enum automatic
look_at_header(const struct look *look)
{
	static enum automatic (*const looks[])(const struct look *) = {
		by_type, by_submitted, by_fields, by_subject, by_sender,
	};
	enum automatic found = AUTOMATIC_NO;

	for (size_t i = 0;
	     i < G_N_ELEMENTS(looks) && found == AUTOMATIC_NO; i++)
		found = looks[i](look);
	return found;
}

enum automatic
automatic_kind(const char *sender, const struct header *header,
	       const char *body, size_t body_len)
{
	struct look look = {
		.header = header,
		.sender = sender,
		.null_sender = sender != NULL && sender[0] == '\0',
	};
	enum automatic found;

	look.subject = lower_value(header, "Subject");
	look.type = lower_value(header, "Content-Type");
	look.submitted = first_word(header, "Auto-Submitted");
	look.precedence = first_word(header, "Precedence");
	found = look_at_header(&look);
	if (body != NULL &&
	    (found == AUTOMATIC_NO || found == AUTOMATIC_REPLY) &&
	    is_challenge(&look, body, body_len))
		found = AUTOMATIC_CHALLENGE;
	g_free(look.subject);
	g_free(look.type);
	g_free(look.submitted);
	g_free(look.precedence);
	return found;
}

/* --- commands ----------------------------------------------------------- */

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

static const char *const join_phrases[] = {
	"subscribe me", "add me to", "want to subscribe",
	"like to subscribe", "please subscribe", "bitte anmelden",
	"je veux m'abonner", "quiero suscribirme",
};

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
	if (holds_one(words, leave_phrases, G_N_ELEMENTS(leave_phrases)))
		return COMMAND_UNSUBSCRIBE;
	if (holds_one(words, join_phrases, G_N_ELEMENTS(join_phrases)))
		return COMMAND_SUBSCRIBE;
	return COMMAND_NONE;
}

enum command_meant
command_meant(const struct header *header, const char *body, size_t body_len)
{
	g_autofree char *subject = lower_value(header, "Subject");
	g_autofree char *text = NULL, *own = NULL;
	enum command_meant meant;
	bool is_reply;
	const char *bare = skip_prefixes(subject, &is_reply);

	meant = is_reply ? COMMAND_NONE : command_in(bare, 8);
	if (meant != COMMAND_NONE)
		return meant;
	text = content_text(header, body, body_len);
	own = own_words(text);
	return command_in(own, COMMAND_WORDS_MAX);
}
