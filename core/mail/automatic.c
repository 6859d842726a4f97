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

struct look {
	const char *sender;
	const struct header *header;
	char *subject, *submitted, *precedence, *type;
	bool null_sender;
};

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
	"delivery has failed", "delivery incomplete", "delivery status",
	"could not deliver", "couldn't deliver", "failed mail", "mail failure",
	"mail status report", "message status", "undelivered",
	"message rejected", "rejected:", "address not found",
	"user unknown", "email could not be delivered",
	"your message could not be", "your message to", "nondelivery",
	"successful mail delivery report", "mail returned",
	"unzustellbar", "nicht zustellbar", "nachricht nicht zugestellt",
	"mail konnte nicht", "rapport de non-remise", "non remis",
	"echec de remise", "échec de la remise", "message non distribu",
	"no se puede entregar", "no entregado", "correo no entregado",
	"mancato recapito", "mensagem não entregue", "onbestelbaar",
	"zustellung fehlgeschlagen", "unzugestellt", "zustellfehler",
	"échec de remise", "no se ha podido entregar", "error de entrega",
	"consegna non riuscita", "falha na entrega", "niet bezorgd",
	"niedostarczona", "zwrot wiadomości", "nedoručiteln",
	"kunne ikke leveres", "gick inte att leverera", "доставка не удалась",
	"не удалось доставить", "送信できません", "無法傳遞",
	"无法投递", "无法送达", "배달되지 않",
	"недоставленное", "配信不能", "退信", "系统退信",
	"read:", "not read:", "disposition notification",
};

/* Subjects of replies that nobody wrote, at their beginning; the word may go
 * on ("Abwesenheitsnotiz"), and what may follow says follows_reply(). */
static const char *const reply_subjects[] = {
	"out of office", "out of the office", "out-of-office", "ooo:",
	"[ooo]", "ooo - ",
	"automatic reply", "automatic response", "automated reply",
	"automated response", "automatic answer", "auto:", "autoreply",
	"auto-reply", "auto reply", "autoresponse", "auto-response",
	"auto response", "autoanswer", "auto-answer",
	"autorespond", "auto-respond", "vacation reply", "vacation notice",
	"vacation message", "vacation response", "vacation auto",
	"i am out of", "i'm out of", "on vacation:", "on holiday:",
	"on leave:", "i am on vacation", "i'm on vacation", "i am on holiday",
	"i am on leave", "i am away", "i'm away", "i am currently away",
	"i am currently out of", "away from my mail", "away from the office",
	"away notice", "away message", "absence notice",
	"automatische antwort", "automatische rückantwort",
	"automatische beantwortung", "automatische benachrichtigung",
	"abwesenheit", "abwesend", "automatische abwesenheit",
	"nicht im büro", "ich bin im urlaub", "ich bin nicht im",
	"ich bin abwesend", "urlaubsnotiz", "urlaubsmeldung",
	"urlaubsbenachrichtigung", "autom. antwort", "autoantwort",
	"auto-antwort", "außer haus", "eingangsbestätigung",
	"automatisch antwoord", "automatisch bericht",
	"afwezig", "niet op kantoor", "niet aanwezig",
	"réponse automatique", "reponse automatique", "message automatique",
	"absence du bureau", "absent du bureau", "message d'absence",
	"notification d'absence", "avis d'absence", "je suis absent",
	"je suis en congé", "respuesta automática", "respuesta automatica",
	"contestación automática", "mensaje automático",
	"fuera de la oficina", "fuera de oficina", "estoy fuera",
	"estoy de vacaciones", "ausencia de la oficina",
	"resposta automàtica", "fora de l'oficina", "erantzun automatikoa",
	"risposta automatica", "fuori sede", "fuori ufficio",
	"assenza dall'ufficio", "messaggio automatico",
	"resposta automática", "resposta automatica", "fora do escritório",
	"ausência do escritório", "ausência temporária", "autosvar",
	"automatiskt svar", "automatisk svar", "frånvaro", "fravær",
	"fraværende", "ikke på kontoret", "ej på kontoret",
	"sjálfvirkt svar", "poissaolo", "automaattinen vastaus",
	"poissa toimistolta", "automaatvastus", "automaatne vastus",
	"automātiska atbilde", "automatinis atsakymas",
	"odpowiedź automatyczna", "automatyczna odpowiedź",
	"autoodpowiedź", "poza biurem", "nieobecność",
	"automatická odpověď", "automatická odpoveď", "mimo kancelář",
	"automatikus válasz", "házon kívül", "răspuns automat",
	"samodejni odgovor", "automatski odgovor", "аутоматски одговор",
	"автоматичен отговор", "автоматический ответ", "автоответ",
	"отсутствие на рабочем месте", "нет на месте",
	"автоматична відповідь", "автовідповідь", "αυτόματη απάντηση",
	"εκτός γραφείου", "otomatik yanıt", "otomatik cevap",
	"ofis dışında", "atvalinājums", "atvaļinājums",
	"tự động trả lời", "trả lời tự động", "ตอบกลับอัตโนมัติ",
	"balasan otomatis", "jawapan automatik",
	"自動応答", "自動返信", "不在通知", "不在のお知らせ",
	"自动回复", "自动答复", "自動回覆", "自動回復", "外出通知", "不在办公室",
	"자동 회신", "자동회신", "자동 응답", "자동응답", "부재중", "부재 중",
	"תשובה אוטומטית", "מענה אוטומטי", "رد تلقائي", "الرد التلقائي",
	"پاسخ خودکار", "स्वचालित उत्तर",
};

/* What may follow these, where it is no mark */
static const char *const reply_followers[] = {
	"auto", "reply", "repl", "response", "responder", "message",
	"notification", "notice", "assistant", "alert", "re:", "aw:", "sv:",
	"fw:", "fwd:", "until", "till", "from ", "returning", "back on",
	"bis ", "vom ", "ab ", "jusqu", "hasta", "fino ", "t/m ", "tot ",
};

/* The same in brackets behind what was answered */
static const char *const reply_endings[] = {
	"(out of office reply)", "(automatic response)", "(auto reply)",
	"(autoreply)", "(automatic reply)", "(out of office)",
	"(auto-reply)", "(vacation)", "(ooo)", "(automatische antwort)",
	"(abwesend)", "(abwesenheitsnotiz)", "(réponse automatique)",
	"is out of the office", "is out of the office.",
	"is on vacation.", "is away.", "- out of office", "- autoreply",
	"- auto reply", "[out of office]", "[ooo]", "[auto-reply]",
	"[autoreply]", "[vacation]",
};

/* Lotus Notes: "Ann Person is out of the office (returning 20.05.)" */
static const char *const reply_middles[] = {
	"is out of the office (", "is out of the office until ",
	"is out of the office from ", "is out of office (",
	"will be out of the office starting ", "ist außer haus (",
	"ist nicht im haus (", "ist nicht im büro (",
};

/* What asks the sender to prove that he is a person: whole sentences */
static const char *const challenge_words[] = {
	"have your address added to the recipient's allowed",
	"added to the recipient's allowed list",
	"added to my list of approved senders",
	"to control spam, i now allow",
	"i now allow incoming messages only from senders i have approved",
	"is being held because the address",
	"your message is being held until",
	"message attached below is being held",
	"automatically by mail delivery software (tmda)",
	"click the link below to confirm that your message is not spam",
	"reply to this message to confirm delivery",
	"you must confirm that your message",
	"to have your message delivered, please confirm",
	"your message will be delivered once you",
	"message will not be delivered until you",
	"your email will not be delivered until",
	"deliver your message, please click",
	"release your message, please",
	"please reply to this email to confirm that you are",
	"your email requires verification",
	"your message is awaiting verification",
	"first time you have sent an email to",
	"first time you have emailed",
};

/* The same in words that people use too, when they write about it: only
 * where something else speaks for a robot */
static const char *const challenge_hints[] = {
	"this account is protected by", "protected by spamarrest",
	"spam arrest", "spamarrest.com", "boxtrapper", "bluebottle",
	"click on the following link to verify", "confirm that you are a human",
	"prove that you are not a spammer", "prove that you are a human",
	"verify that you are a", "verify you are a", "you are a real person",
	"challenge-response", "challenge/response",
	"sender verification", "sender confirmation",
	"verify your e-mail address", "verify your email address",
	"requires you to verify yourself", "uses a service to verify that",
	"approved senders", "whitelist", "anti-spam system",
};

/* What programs say that could not deliver */
static const char *const bounce_words[] = {
	"could not be delivered", "couldn't be delivered",
	"was not delivered", "not able to deliver", "unable to deliver",
	"could not deliver", "delivery to the following recipient",
	"permanent fatal errors", "permanent error", "permanent failure",
	"delivery has failed", "delivery failed", "user unknown",
	"no such user", "mailbox unavailable", "mailbox is full",
	"undeliverable", "did not reach the following recipient",
	"returned to sender", "transcript of session follows",
	"will keep trying", "will be retried", "has been delayed",
};

/* Tools that write for people */
static const char *const generated_fields[] = {
	"X-Bugzilla-Type", "X-Bugzilla-Reason", "X-GitHub-Reason",
	"X-GitLab-NotificationReason", "X-GitLab-Project", "X-JIRA-FingerPrint",
	"X-Jenkins-Job", "X-Redmine-Host", "X-Trac-Project",
	"X-Launchpad-Notification-Type",
	"X-Autogenerated", "X-Auto-Generated", "X-Cron-Env",
	"X-Phabricator-Sent-This-Message", "X-Gerrit-MessageType",
	"X-PagerDuty-Id", "X-Nagios-Notification", "X-RT-Originator",
	"X-Sourceforge-Tracker-unixname", "X-Travis-Build",
	"X-RT-Loop-Prevention", "X-OTRS-Loop", "X-Zammad-Generated",
	"X-List-Administrivia", "X-Mantis-Bug",
};

/* Programs that answer, besides those that is_reply_field() knows */
static const char *const reply_fields[] = {
	"X-Vacation", "X-FC-MachineGenerated", "Vacation-Reply",
	"X-Away-Msg", "X-Mail-Auto-Reply", "X-OutOfOffice",
	"X-Out-Of-Office",
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

/* Behind blanks and comments, which may be nested (RFC 5322 section 3.2.2) */
static const char *
skip_comments(const char *at)
{
	unsigned int depth = 0;

	for (; *at != '\0'; at++) {
		if (*at == '(')
			depth++;
		else if (*at == ')' && depth > 0)
			depth--;
		else if (*at == '\\' && depth > 0 && at[1] != '\0')
			at++;
		else if (depth == 0 && strchr(" \t\r\n", *at) == NULL)
			break;
	}
	return at;
}

/* The first word of a field's value without comments and quotes, in lower
 * case; "" if there is none. */
static char *
word_of(const char *value)
{
	const char *at = skip_comments(value);

	at += *at == '"';
	return g_ascii_strdown(at, (gssize)strcspn(at, " \t\r\n;(\""));
}

static char *
first_word(const struct header *header, const char *name)
{
	g_autofree char *value = header_get(header, name);

	return word_of(value != NULL ? value : "");
}

#define SUBMITTED_MAX 16

/* Auto-Submitted; of several the first that does not say "no" */
static char *
submitted_word(const struct header *header)
{
	char *word = g_strdup("");
	int at, nth = 0;

	/* Each search begins at the top: of thousands only the first count. */
	while (nth < SUBMITTED_MAX &&
	       (at = header_find(header, "Auto-Submitted", nth++)) >= 0) {
		g_autofree char *value = header_value(header, at);

		g_free(word);
		word = word_of(value);
		if (word[0] != '\0' && strcmp(word, "no") != 0)
			break;
	}
	return word;
}

static char *
lower_value(const struct header *header, const char *name)
{
	g_autofree char *value = header_get(header, name);
	g_autofree char *decoded = value != NULL ? mime_decode(value)
						 : g_strdup("");

	return g_strstrip(g_utf8_strdown(decoded, -1));
}

/* The field is there, and what it says is not "no". */
static bool
says_yes(const struct header *header, int index)
{
	static const char *const nos[] = {"no", "false", "none", "0", "off"};
	g_autofree char *value = NULL, *word = NULL;

	if (index < 0)
		return false;
	value = header_value(header, index);
	word = word_of(value);
	for (size_t i = 0; i < G_N_ELEMENTS(nos); i++)
		if (strcmp(word, nos[i]) == 0)
			return false;
	return true;
}

static bool
has_field(const struct header *header, const char *const *names,
	  size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (says_yes(header, header_find(header, names[i], 0)))
			return true;
	return false;
}

/* X-Autoreply, X-Auto-Reply-From, X-Mail-Autoresponder, X-AutoResponse,
 * Auto-Replied and however else it is written; but not what asks others not
 * to answer. */
static bool
is_reply_field(const struct header_field *field)
{
	g_autoptr(GString) name = g_string_new(NULL);

	for (size_t i = 0; i < field->name_len; i++)
		if (field->raw[i] != '-' && field->raw[i] != '_')
			g_string_append_c(name, g_ascii_tolower(field->raw[i]));
	return strstr(name->str, "suppress") == NULL &&
	       (strstr(name->str, "autorepl") != NULL ||
		strstr(name->str, "autorespon") != NULL ||
		strstr(name->str, "autoanswer") != NULL);
}

static bool
has_reply_field(const struct header *header)
{
	for (guint i = 0; i < header->fields->len; i++)
		if (is_reply_field(&g_array_index(header->fields,
						  struct header_field, i)) &&
		    says_yes(header, (int)i))
			return true;
	return has_field(header, reply_fields, G_N_ELEMENTS(reply_fields));
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

/* MAILER-DAEMON and its like, by the local part of From or of the envelope */
static bool
is_daemon(const struct look *look)
{
	static const char *const names[] = {
		"mailer-daemon", "mailerdaemon", "postmaster", "mail-daemon",
		"mdaemon", "mailadmin", "maildaemon", "double-bounce",
		"mail.daemon", "microsoftexchange",
	};
	bool complete;
	g_autoptr(GPtrArray) authors = mime_authors(look->header, &complete);
	g_autofree char *sender = g_ascii_strdown(
		look->sender != NULL ? look->sender : "", -1);

	if (begins_with_one(sender, names, G_N_ELEMENTS(names)))
		return true;
	for (guint i = 0; i < authors->len; i++) {
		g_autofree char *addr = g_ascii_strdown(authors->pdata[i],
							-1);

		if (begins_with_one(addr, names, G_N_ELEMENTS(names)))
			return true;
	}
	return false;
}

static enum automatic
by_type(const struct look *look)
{
	/* RFC 6522: of delivery (3464), disposition (8098), tracking (3886),
	 * abuse (5965); no person writes any */
	static const char *const reports[] = {
		"multipart/report", "message/delivery-status",
		"message/disposition-notif", "message/tracking-status",
		"message/feedback-report", "message/global-delivery-status",
		"message/global-disposition-notif",
	};

	if (begins_with_one(look->type, reports, G_N_ELEMENTS(reports)))
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

/* Nothing, a mark, or one of the words that go on with it: what stands
 * behind the words of a reply's subject. The word itself may go on. */
static bool
follows_reply(const char *rest)
{
	while (g_unichar_isalpha(g_utf8_get_char(rest)))
		rest = g_utf8_next_char(rest);
	rest += strspn(rest, " \t");
	if (strcmp(rest, ".") == 0)
		return true;
	return *rest == '\0' || strchr(":-([|", *rest) != NULL ||
	       g_str_has_prefix(rest, "–") || g_str_has_prefix(rest, "—") ||
	       g_str_has_prefix(rest, "：") ||
	       begins_with_one(rest, reply_followers,
			       G_N_ELEMENTS(reply_followers));
}

/* hinted: something else speaks for it, so that the words are enough */
static bool
begins_as_reply(const char *subject, bool hinted)
{
	for (size_t i = 0; i < G_N_ELEMENTS(reply_subjects); i++) {
		const char *words = reply_subjects[i];

		if (g_str_has_prefix(subject, words) &&
		    (hinted || g_str_has_suffix(words, ":") ||
		     follows_reply(subject + strlen(words))))
			return true;
	}
	return false;
}

static bool
is_patch(const char *subject)
{
	return strstr(subject, "[patch") != NULL ||
	       strstr(subject, "[rfc") != NULL;
}

static bool
is_reply_subject(const struct look *look, bool hinted)
{
	bool is_reply;
	const char *subject = skip_prefixes(look->subject, &is_reply);

	/* "Re: Out of office": a person answers one; "[PATCH] autoreply: ..." is
	 * about a program. */
	return (!is_reply && (hinted || !is_patch(look->subject)) &&
		(begins_as_reply(look->subject, hinted) ||
		 begins_as_reply(subject, hinted) ||
		 holds_one(subject, reply_middles,
			   G_N_ELEMENTS(reply_middles)))) ||
	       ends_with_one(look->subject, reply_endings,
			     G_N_ELEMENTS(reply_endings));
}

/* It has come over a list, which may say "bulk" of what people write. */
static bool
is_of_list(const struct look *look)
{
	static const char *const fields[] = {
		"List-Id", "List-Post", "List-Unsubscribe", "List-Help",
		"Mailing-List", "X-Mailing-List", "X-BeenThere", "X-Loop",
		"X-List-Id", "Resent-From",
	};
	g_autofree char *from = lower_value(look->header, "Sender");

	return has_field(look->header, fields, G_N_ELEMENTS(fields)) ||
	       g_str_has_prefix(from, "owner-");
}

static bool
is_bulk(const struct look *look)
{
	return strcmp(look->precedence, "bulk") == 0 ||
	       strcmp(look->precedence, "junk") == 0 ||
	       g_str_has_prefix(look->precedence, "auto");
}

/* vacation(1) and its like: bulk or junk, in answer to something; no person
 * who answers writes that, and no list has added it. */
static bool
is_bulk_answer(const struct look *look)
{
	bool is_reply;

	(void)skip_prefixes(look->subject, &is_reply);
	return is_bulk(look) && !is_of_list(look) &&
	       (is_reply || header_find(look->header, "In-Reply-To", 0) >= 0 ||
		header_find(look->header, "References", 0) >= 0);
}

/* Exchange has had a rule of the mailbox send it. */
static bool
is_by_rule(const struct look *look)
{
	return header_find(look->header, "X-MS-Exchange-Inbox-Rules-Loop",
			   0) >= 0;
}

/* Debian's tracker: its own words, and not those of people it hands on */
static bool
is_by_tracker(const struct look *look)
{
	g_autofree char *kind = first_word(look->header,
					   "X-Debian-PR-Message");

	return g_str_has_prefix(kind, "ack") ||
	       strcmp(kind, "transcript") == 0 || strcmp(kind, "closed") == 0;
}

/* What alone proves nothing */
static bool
is_hinted(const struct look *look)
{
	g_autofree char *suppress = lower_value(look->header,
						"X-Auto-Response-Suppress");

	return look->null_sender ||
	       (look->submitted[0] != '\0' &&
		strcmp(look->submitted, "no") != 0) ||
	       (is_bulk(look) && !is_of_list(look)) || is_by_rule(look) ||
	       is_daemon(look) || strcmp(suppress, "all") == 0;
}

/* RFC 3834 section 5: what says that it is automatic */
static enum automatic
by_submitted(const struct look *look)
{
	if (look->submitted[0] == '\0' || strcmp(look->submitted, "no") == 0)
		return AUTOMATIC_NO;
	if (is_report_subject(look) &&
	    (look->null_sender || is_daemon(look)))
		return AUTOMATIC_DSN;
	if (strcmp(look->submitted, "auto-replied") == 0 ||
	    look->null_sender || is_by_rule(look) || is_bulk_answer(look) ||
	    is_reply_subject(look, true))
		return AUTOMATIC_REPLY;
	return AUTOMATIC_GENERATED;
}

/* Fields of a value that says it: what programs are known by */
static bool
is_by_robot(const struct look *look)
{
	static const char *const rows[][2] = {
		{"X-Autogenerated", "reply"},
		{"X-POST-MessageClass", "9; autoresponder"},
		{"Delivered-To", "autoresponder"},
		{"X-Precedence", "auto"},
		{"X-Mailer", "vacation"}, {"User-Agent", "vacation"},
		{"X-Mailer", "autorespond"}, {"X-Mailer", "auto-respond"},
		{"X-Mailer", "mail auto reply"},
		{"X-Sieve-Action", "vacation"},
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *value = lower_value(look->header, rows[i][0]);

		if (g_str_has_prefix(value, rows[i][1]))
			return true;
	}
	return false;
}

static enum automatic
by_fields(const struct look *look)
{
	if (has_reply_field(look->header) || is_by_robot(look) ||
	    g_str_has_prefix(look->precedence, "auto"))
		return AUTOMATIC_REPLY;
	if (header_find(look->header, "X-Failed-Recipients", 0) >= 0)
		return AUTOMATIC_DSN;
	if (is_by_tracker(look) || has_field(look->header, generated_fields,
					     G_N_ELEMENTS(generated_fields)))
		return AUTOMATIC_GENERATED;
	return AUTOMATIC_NO;
}

static enum automatic
by_subject(const struct look *look)
{
	if (is_report_subject(look) && (look->null_sender || is_daemon(look)))
		return AUTOMATIC_DSN;
	return is_reply_subject(look, is_hinted(look)) || is_bulk_answer(look)
		       ? AUTOMATIC_REPLY
		       : AUTOMATIC_NO;
}

/* Nobody may answer it, so nobody wrote it (RFC 5321 section 4.5.5). */
static enum automatic
by_sender(const struct look *look)
{
	if (!look->null_sender)
		return AUTOMATIC_NO;
	return is_bulk(look) ? AUTOMATIC_REPLY : AUTOMATIC_DSN;
}

/* The beginning of what its writer has put down himself, in lower case, in
 * one line: what he quotes is by others. */
static char *
own_beginning(const struct look *look, const char *body, size_t body_len)
{
	g_autofree char *text = content_text(look->header, body, body_len);
	g_auto(GStrv) lines = NULL;
	GString *own = g_string_new(NULL);

	lines = g_strsplit(text, "\n", 200);
	for (char **line = lines; *line != NULL && own->len < 3000; line++) {
		g_autofree char *lower = g_ascii_strdown(*line, -1);

		g_strstrip(lower);
		if (lower[0] != '>' && lower[0] != '|')
			g_string_append_printf(own, "%s ", lower);
	}
	if (own->len > 4000)
		g_string_truncate(own, 4000);
	return g_string_free(own, FALSE);
}

/* What only the body tells */
static enum automatic
by_body(const struct look *look, enum automatic found, const char *body,
	size_t body_len)
{
	g_autofree char *own = own_beginning(look, body, body_len);

	if (holds_one(own, challenge_words, G_N_ELEMENTS(challenge_words)))
		return AUTOMATIC_CHALLENGE;
	if ((found == AUTOMATIC_REPLY || is_hinted(look)) &&
	    holds_one(own, challenge_hints, G_N_ELEMENTS(challenge_hints)))
		return AUTOMATIC_CHALLENGE;
	if (found == AUTOMATIC_NO && is_daemon(look) &&
	    holds_one(own, bounce_words, G_N_ELEMENTS(bounce_words)))
		return AUTOMATIC_DSN;
	return found;
}

static enum automatic
look_at_header(const struct look *look)
{
	static enum automatic (*const looks[])(const struct look *) = {
		by_type, by_submitted, by_fields, by_subject,
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
	look.submitted = submitted_word(header);
	look.precedence = first_word(header, "Precedence");
	found = look_at_header(&look);
	if (body != NULL &&
	    (found == AUTOMATIC_NO || found == AUTOMATIC_REPLY))
		found = by_body(&look, found, body, body_len);
	if (found == AUTOMATIC_NO)
		found = by_sender(&look);
	g_free(look.subject);
	g_free(look.type);
	g_free(look.submitted);
	g_free(look.precedence);
	return found;
}

/* Suppress: of "DR, RN, NRN, OOF, AutoReply" and "All" the last two are about
 * what we would send. */
bool
automatic_unwelcome(const struct header *header)
{
	g_autofree char *suppress = lower_value(header,
						"X-Auto-Response-Suppress");
	g_autofree char *precedence = first_word(header, "Precedence");
	const struct look look = { .header = header };

	return strcmp(precedence, "bulk") == 0 ||
	       strcmp(precedence, "junk") == 0 ||
	       strcmp(precedence, "list") == 0 || is_of_list(&look) ||
	       strstr(suppress, "all") != NULL ||
	       strstr(suppress, "autoreply") != NULL;
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
