/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Words that say something where they stand near each other (near.h), for
 * texts of which no table has the phrase.
 */
#include "core/bounce/phrases_inside.h"

#include "core/base/banned.h"

/* --- that mail failed --------------------------------------------------- */

static const char *const sending[] = {
	"deliver", "send", "sent", "reach", "forward", "transmit", "relay",
	"transfer", "hand over", "receive", "process", "accept", "dispatch",
	"get through", "zustell", "zugestellt", "nachrichtenzustell",
	"übermitt", "ausgeliefert", "lieferung", "ausliefer", "senden",
	"gesendet", "remise", "remis ", "remettre", "livr", "distribu",
	"achemin", "envoy", "envoi", "entreg", "enviar", "enviad", "envío",
	"consegn", "recapit", "inoltr", "inviar", "inviat", "bezorg",
	"aflever", "afgelever", "levering", "verzond", "verzend", "достав",
	"отправ", "dostarcz", "doręcz", "wysła", "doruč", "leverer", "levere",
	"toimit", "teslim", "kézbes", "配信", "送信", "配送", "お届け", "投递", "投遞",
	"送达", "送達", "发送", "發送", "전송", "배달", "발송",
};

static const char *const failing[] = {
	" not ", "cannot", "n't ", "unable", "fail", "impossib", "error",
	"problem", "trouble", "unsuccess", "refus", "reject", "abort",
	"regret", "unfortunately", "mislukt", "nicht", "fehl", "unmöglich",
	"échec", " pas ", "échou", "no se ", "no pudo", "no ha ", "no fue",
	"ha falla", "fallid", "fallit", "fallo ", "errore", "riuscit", " non ",
	"não ", " nao ", "falha", "falho", " erro ", "niet ", " fout", " не ",
	"ошибк", "невозмож", "неуда", " nie ", "błąd", " inte ", " ikke ",
	" ei ", "nelze", "edilemedi", "できません", "できない", "失敗", "失败", "无法", "無法",
	"未能", "실패", "없습니다",
};

const struct wordpair near_fails = {
	WORDLIST(sending), WORDLIST(failing), REASON_NONE
};

/* --- why ---------------------------------------------------------------- */

static const char *const stores[] = {
	"mailbox", "mail box", "inbox", "account", "quota", "storage",
	"folder", "disk", "maildir", "mailfolder", "message store",
	"file system", "filesystem", "box ", "postfach", "mailkonto", "boîte",
	"boite", "buzón", "buzon", "casella", "caixa", "ящик", "postvak",
	"skrzynk", "schránk", "postlåda", "postboks", "メールボックス", "邮箱", "郵箱",
	"信箱",
};

static const char *const filled[] = {
	"is full", "was full", "too full", "currently full", "already full",
	"overfull", "überfüllt", "zu viele", "zuviele", "not enough",
	"no free", "exceed", "over its", "over their", "over his",
	"over the limit", "over limit", "over the size", "over the allowed",
	"over the max", "overflow", "out of space", "no room", "no more room",
	"no space", "no more space", "exhausted", "limit reached",
	"limit exceeded", "reached its", "too many messages", " voll",
	" plein", " llen", " piena", " pieno", " chei", "переполн", " vol ",
	" vol.", "sobrepas", "superad", "excedid", "excèd", "dépass",
	"überschr", "insufficient", "満", "满", "滿",
};

static const char *const people[] = {
	"user", "recipient", "mailbox", "account", "address", "addressee",
	"alias", "person", "name", "member", "customer", "subscriber", "login",
	"mail box", "e-mail", "email", "employee", "adress", "destinat",
	"utilisateur", "compte", "benutzer", "empfänger", "empfaenger",
	"konto", "postfach", "usuari", "usuári", "utente", "casella",
	"indirizz", "endereço", "direcci", "cuenta", "conta ", "gebruiker",
	"ontvanger", "пользовател", "адрес", "ящик", "получател", "użytkownik",
	"odbiorc", "uživatel", "användare", "mottagar", "modtager", "ユーザ",
	"宛先", "アドレス", "用户", "用戶", "收件人", "邮箱地址", "수신자", "사용자",
};

static const char *const missing[] = {
	"unknown", "not found", "n't found", "not be found", "n't be found",
	"not exist", "n't exist", "no such", "invalid", "not known",
	"n't known", "not valid", "n't valid", "unrecogni", "not recogni",
	"cannot find", "n't find", "not find", "unable to find",
	"unable to locate", "not locate", "no record", "not here", "no longer",
	"not registered", "n't registered", "unregistered", "not have",
	"n't have", "discontinued", "deleted", "removed", "terminated",
	"cancelled", "canceled", "closed", "deactivat", "disabled",
	"suspended", "inactive", "incorrect", "misspel", "not defined",
	"undefined", " not a ", "n't a ", "gibt es", "unbekannt",
	"nicht gefunden", "existiert", "ungültig", "inconnu", "exist",
	"introuvable", "invalide", "desconoc", "no se encuentra", "no se ha",
	"sconosciut", "inesist", "encontrad", "существ", "найден", "неизвест",
	"istniej", "nie znale", "onbekend", "bestaat", "neexist", "okänd",
	"存在", "不明", "見つか", "找不到", "无此", "찾을",
};

static const char *const hosts[] = {
	"host", "domain", "mail server", "mail exchanger", "mx", "hostname",
	"site", "machine", "domaine", "dominio", "domínio", "домен",
};

static const char *const waiting[] = {
	"message", "envelope", "mail", "delivery", "queue", "retry", "host",
	"zustell", "nachricht",
};

static const char *const late[] = {
	"expired", "long time", "too long", "timeout", "lifetime", "too old",
	"allowed queue", "retries", "repeated attempt", "attempts exceeded",
	"several attempts", "multiple attempts", "abgelaufen",
};

static const char *const links[] = {
	"connect", "contact", "reach", "server", "host", "computer", "network",
	"dns", "lookup", "machine", "exchanger", "verbindung", "connexion",
	"serveur", "conexión", "servidor", "connessione", "сервер", "соединен",
	"サーバ", "服务器",
};

static const char *const down[] = {
	"refused", "timed out", "time out", "timeout", "unreachable",
	"not reachable", "n't reachable", "not respond", "n't respond",
	"not answer", "no answer", "is down", "unavailable", "not available",
	"n't connect", "not connect", "cannot connect", "unable to connect",
	"not complete", "n't complete", "temporar", "failed to connect",
	"not be contacted", "not be reached", "n't be reached", "is busy",
	"too busy", "has died", "connection died", "interrupted", "reset",
	"closed connection", "closed the connection",
	"not accepting connection", "not establish", "n't establish",
	"erreichbar", "injoignable", "inaccesible", "irraggiungibil",
	"недоступ", "応答", "超时",
};

/* The first that fits decides. */
const struct wordpair near_reasons[] = {
	{ WORDLIST(stores), WORDLIST(filled), REASON_FULL },
	{ WORDLIST(people), WORDLIST(missing), REASON_USER },
	{ WORDLIST(hosts), WORDLIST(missing), REASON_HOST },
	{ WORDLIST(waiting), WORDLIST(late), REASON_EXPIRED },
	{ WORDLIST(links), WORDLIST(down), REASON_NETWORK },
	{ { NULL, 0 }, { NULL, 0 }, REASON_NONE },
};
