/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Where a text names whose mail has failed, and where the message begins that
 * it returns, in the words of servers. As in phrases_why.c, rows are pieces of
 * sentences.
 */
#include "core/bounce/phrases_inside.h"

#include "core/base/banned.h"

/* Addresses follow, in this line or below it */
static const char *const names_words[] = {
	"following address", "following email address", "following e-mail",
	"following recipient", "following destination", "following user",
	"following mailbox", "following list of recipients",
	"following person", "following people", "following receiver",
	"these recipients", "these addresses", "this recipient",
	"recipient(s):", "recipients:", "recipient:", "recipients failed",
	"its recipients", "recipients could not", "all recipients",
	"address(es) failed", "addresses failed", "address failed",
	"addresses had", "address had", "failed addresses", "failed recipient",
	"undelivered recipients", "the address to which",
	"the addresses to which", "failed to deliver to", "not delivered to",
	"not be delivered to", "n't be delivered to", "delivered to:",
	"unable to deliver to", "failure reasons", "could not deliver to",
	"not deliver it to", "not deliver mail to",
	"not deliver your message to", "not deliver the message to",
	"unable to deliver your message to",
	"unable to deliver the message to", "unable to send to",
	"did not reach", "didn't reach", "was not sent to", "not be sent to",
	"delivery to the following", "delivery failed to",
	"delivery failure to", "delivery to these", "unknown users",
	"unknown addresses", "mailboxes", "delivery errors",
	"delivery problems", "is not accepting", "are not accepting",
	"errors occurred", "rejected recipients", "invalid recipients",
	"invalid addresses", "user(s) unknown", "not reached", "failed for:",
	"delivery failed for", "folgende adresse", "folgenden adresse",
	"folgende empfänger", "folgenden empfänger", "an folgende",
	"nicht zugestellt werden:", "nicht erreicht", "destinataire suivant",
	"destinataires suivants", "adresse suivante", "adresses suivantes",
	"à l'adresse", "pu être délivré à", "pu etre delivre a",
	"pas pu être remis", "pu être distribué", "être remis à",
	"siguientes destinatarios", "siguiente destinatario",
	"siguiente dirección", "siguientes direcciones", "ser entregado",
	"pode ser enviada", "seguintes destinat", "seguinte destinat",
	"seguintes endereços", "ser entregue", "seguenti destinatari",
	"seguente indirizzo", "seguenti indirizzi", "seguente destinatario",
	"volgende adres", "volgende ontvanger", "följande mottagare",
	"følgende modtager", "følgende mottaker", "następujących",
	"následujíc", "aşağıdaki", "следующему адресу", "следующим адресам",
	"получателям", "получателю", "адресату", "адресатам", "次の", "下記",
	"宛先", "以下", "下列", "收件人", "다음", "수신자", "did not receive",
	"didn't receive", "users unknown", "final delivery userid",
};
const struct wordlist phrases_names = WORDLIST(names_words);

/* All that stands before an address */
static const char *const labels[] = {
	"recipient", "receiver", "recipient address", "recipients",
	"recipient(s)",
	"intended recipient", "original recipient", "final recipient",
	"failed recipient", "failed recipients", "failed address", "error-for",
	"user", "username", "mailbox", "address", "e-mail", "email",
	"email address", "e-mail address", "addressee", "rcpt to",
	"unknown user", "user unknown", "invalid recipient", "no such user",
	"undeliverable to", "undelivered to", "delivery to", "delivery failed",
	"could not be delivered to", "not delivered to",
	"failed to deliver to", "did not reach the following recipient",
	"unable to deliver to", "unable to deliver message to",
	"the recipient", "destinatario", "destinataire", "empfänger",
	"получатель", "адресат", "宛先", "受信者", "收件人", "수신자",
	"failed", "deliver to", "delivery failed to", "was not delivered to",
	"cannot deliver to", "undeliverable address",
	"invalid final delivery userid", "invalid receiver address",
	"user's mailbox is full", "unable to deliver your message to",
	"sorry, unable to deliver your message to",
	"a message could not be delivered to", "rejected recipient",
	"destination", "destination address", "to address",
	"envelope recipient", "failed to send to", "message to",
	"addressed to", "sent to",
};
const struct wordlist phrases_labels = WORDLIST(labels);

/* What ends before the address of whom it did not reach */
static const char *const before_words[] = {
	"delivered to", "deliver to", "delivering to", "delivery to",
	"message to", "mail to", "email to", "e-mail to", "addressed to",
	"sent to", "send to", "undeliverable to", "recipient", "recipients",
	"reach", "the address", "email address", "e-mail address", "mailbox",
	"mailbox for", "mailbox of", "user", "account", "account for",
	"user unknown", "unknown address", "invalid address", "was addressed",
	"failed for", "delivery failed", "delivery for", "not found",
	"rcpt to", "recipient address", "message for", "mail for",
	"destined to", "destined for", "intended for", "address rejected",
	"could not deliver", "email for", "nachricht an", "mail an",
	"e-mail an", "empfänger", "adresse", "message à", "courrier à",
	"destinataire", "délivré à", "delivre a", "remis à", "mensaje a",
	"correo a", "destinatario", "mensaje para", "entregado a",
	"mensagem para", "destinatário", "entregue a", "messaggio a",
	"indirizzo", "utente", "bericht aan", "ontvanger", "адресату",
	"получателю", "адрес", "пользователь", "宛先", "用户", "收件人",
	"unknown:", "gateway for", "recipients of", "list",
};
const struct wordlist phrases_before = WORDLIST(before_words);

/* What begins behind it */
static const char *const after_words[] = {
	"could not", "couldn't", "cannot", "can't", "can not", "was not",
	"wasn't", "is not", "isn't", "does not", "doesn't", "do not",
	"did not", "didn't", "has not", "hasn't", "are not", "is over",
	"is full", "is unknown", "is invalid", "is incorrect", "is disabled",
	"is currently", "is no longer", "has exceeded", "has been disabled",
	"has been suspended", "has been closed", "has moved", "unknown",
	"not found", "not listed", "not exist", "no such", "user unknown",
	"failed", "rejected", "refused", "was rejected", "was refused",
	"was undeliverable", "is undeliverable", "bounced", "invalid",
	"mailbox full", "over quota", "quota exceeded", "because", "...user",
	"... ", "is an invalid", "address rejected", "n'a pas", "n'existe",
	"ne peut", "n'est", "est inconnu", "konnte nicht", "ist nicht",
	"existiert nicht", "ist unbekannt", "unbekannt", "no pudo",
	"no existe", "no es", "no se", "não", "nao", "non è", "non esiste",
	"bestaat niet", "is onbekend", "не ", "nie ", "は存在", "は見つか",
	"への", "宛", "不存在", "が見つか",
};
const struct wordlist phrases_after = WORDLIST(after_words);

/* What ends before the address of somebody else */
static const char *const contact_words[] = {
	"contact", "contact:", "assistance", "from", "from:", "mailfrom",
	"sender", "sender:", "envelope-from", "by", "reply to", "reply-to:",
	"reply-to", "write to", "ask", "call", "help", "support", "questions",
	"question", "administrator", "postmaster", "webmaster", "message-id:",
	"message-id", "id", "cc", "bcc", "report to", "reported to",
	"forward to", "forwarded to", "redirected to", "instead", "notify",
	"visit", "via", "kontakt", "wenden", "contacter", "contacte",
	"contattare", "on behalf of", "subject:", "return-path:", "abuse",
	"helo", "hostmaster", "please send", "please use", "please email",
	"send mail to", "try",
};
const struct wordlist phrases_contact = WORDLIST(contact_words);

/* Behind these begins what is returned */
static const char *const return_words[] = {
	"original message", "original mail", "original email",
	"original e-mail", "original header", "returned message",
	"returned mail", "unsent message", "undelivered message",
	"copy of the message", "copy of your message", "copy of the original",
	"copy of the mail", "copy of the first part", "copy of your mail",
	"copy of the e-mail", "header of the original",
	"headers of the original", "message header", "header of the message",
	"headers of the message", "mail header", "message content",
	"rejected message", "failed message", "your original", "beginning of",
	"first lines of", "text of the message", "message follows",
	"headers follow", "header follows", "mail follows",
	"forwarded message", "included message", "bounced message",
	"summary of the undelivered", "originalnachricht",
	"ursprüngliche nachricht", "kopie der", "message d'origine",
	"message original", "copie du message", "mensaje original",
	"copia del mensaje", "mensagem original", "messaggio originale",
	"copia del messaggio", "oorspronkelijk", "исходное сообщение",
	"исходного сообщения", "копия", "元のメール", "元のメッセージ",
	"オリジナル", "原邮件", "原始邮件", "原始郵件", "您的原",
	"원본 메시지", "old message", "your message reads",
	"message text follows", "message log follows", "text of your message",
	"body of your message", "contents of the message", "message body",
	"attached message", "is returned below",
};
const struct wordlist phrases_returns = WORDLIST(return_words);

/* A program, a file, a name that is kept back */
static const char *const nameless_words[] = {
	"|", "\"|", "/", "\"/", "pipe to", "save to", "an undisclosed",
	":include:",
};
const struct wordlist phrases_nameless = WORDLIST(nameless_words);

/* Whose it is, before the address */
static const char *const owner_words[] = {
	"expanded from", "generated from", "generated by", "on behalf of",
	"alias of",
};
const struct wordlist phrases_owners = WORDLIST(owner_words);
