/* SPDX-License-Identifier: BSD-2-Clause */

/* The words that automatic mail is known by: see automatic.c. */
#include "core/mail/automatic_inside.h"

#include "core/base/banned.h"

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
	"自动回复", "自动答复", "自動回覆", "自動回復", "外出通知",
	"不在办公室",
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

const struct wordlist automatic_dsn_subjects = WORDLIST(dsn_subjects);
const struct wordlist automatic_reply_subjects = WORDLIST(reply_subjects);
const struct wordlist automatic_reply_followers = WORDLIST(reply_followers);
const struct wordlist automatic_reply_endings = WORDLIST(reply_endings);
const struct wordlist automatic_reply_middles = WORDLIST(reply_middles);
const struct wordlist automatic_challenge_words = WORDLIST(challenge_words);
const struct wordlist automatic_challenge_hints = WORDLIST(challenge_hints);
const struct wordlist automatic_bounce_words = WORDLIST(bounce_words);
const struct wordlist automatic_generated_fields = WORDLIST(generated_fields);
const struct wordlist automatic_reply_fields = WORDLIST(reply_fields);
