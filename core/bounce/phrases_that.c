/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * That mail has failed, or not yet; and where a text names whose, in the words
 * of servers. As in phrases_why.c, rows are pieces of sentences.
 */
#include "core/bounce/phrases_inside.h"

#include "core/base/banned.h"

/* --- that it failed, or not yet ----------------------------------------- */

static const char *const failure_words[] = {
	"not be delivered", "n't be delivered", "not been delivered",
	"wasn't delivered", "not able to deliver", "wasn't able to deliver",
	"unable to deliver", "not deliver", "couldn't deliver",
	"can't deliver", "did not reach", "didn't reach", "could not reach",
	"undeliverable", "undeliverd", "undelivered", "non-delivery",
	"nondelivery", "non delivery", "delivery failed", "delivery failure",
	"delivery has failed", "delivery to the following", "delivery error",
	"delivery problem", "error delivering",
	"error was detected while processing", "failed to deliver",
	"failure delivering", "failed permanently", "permanent error",
	"permanent failure", "fatal errors", "failed mail", "mail failed",
	"mail failure", "failure notice", "failure reasons",
	"failed recipient", "returned mail", "returned to sender",
	"returning message", "message returned", "been returned because",
	"was returned", "rejected by", "automatically rejected",
	"not a member of this", "was rejected", "been rejected",
	"were rejected", "error occurred while attempting to deliver",
	"error has occurred while attempting", "not accepting mail",
	"giving up", "given up", "gave up", "transcript of session",
	"no longer valid", "bounced", "following address", "addresses had",
	"address failed", "delivery status notification", "unable to send",
	"not be sent", "not sent to", "could not send", "could not process",
	"couldn't be reached", "problem delivering", "nicht zugestellt",
	"nicht zustellbar", "unzustellbar", "konnte nicht",
	"zustellung fehlgeschlagen", "nicht ausgeliefert", "non remis",
	"n'a pas pu", "n'a pu être", "pas été remis", "pas été délivré",
	"échec de la remise", "non distribu", "impossible de remettre",
	"échec de remise", "no pudo ser entregado", "no se pudo entregar",
	"no se ha podido entregar", "no ha podido ser", "no entregado",
	"no puede ser entregado", "no pudo entregarse", "nao pode ser",
	"não pode ser", "não foi entregue", "não pôde ser", "nao foi entregue",
	"falha na entrega", "não foi possível", "mancata consegna",
	"mancato recapito", "non è stato possibile", "non consegnat",
	"impossibile recapitare", "impossibile consegnare",
	"niet worden bezorgd", "niet worden afgeleverd", "niet afgeleverd",
	"onbestelbaar", "niet bezorgd", "kunde inte levereras",
	"kunne ikke leveres", "ei voitu toimittaa", "nie można dostarczyć",
	"niedostarczon", "nie mogła zostać", "nedoručen", "nelze doručit",
	"nem kézbesíthető", "teslim edilemedi", "не может быть доставлено",
	"не доставлено", "не удалось доставить", "невозможно доставить",
	"недоставлен", "не было доставлено", "送信できません", "配信できません", "送信に失敗",
	"配信に失敗", "届けること", "お届けできません", "送れません", "配送できません", "エラー", "返送", "无法投递",
	"投递失败", "无法送达", "退信", "无法传递", "未能送达", "發送失敗", "发送失败", "無法傳遞", "無法送達",
	"전송하지 못", "전달되지", "배달되지", "발송 실패", "反送", "was aborted",
	"trouble delivering", "error sending your", "not receive a copy",
	"cannot send message for", "invalid final delivery",
	"invalid receiver", "not a valid user here", "had delivery",
	"unable to relay", "could not be relayed", "not be completed",
	"failed to be delivered", "delivery was not successful",
	"did not receive your", "not accept your", "sorry, we",
	"this is a permanent", "was considered unsolicited", "considered spam",
	"contained a virus", "contains a virus", "was infected", "was blocked",
	"been blocked", "was quarantined", "was discarded", "was refused",
	"requested action not taken", "duplicated message-id", "looped back",
};
const struct wordlist phrases_fails = WORDLIST(failure_words);

/* Subjects of reports, wherever in them the words stand */
static const char *const report_words[] = {
	"undeliver", "delivery fail", "delivery status", "delivery report",
	"delivery notification", "delivery problem", "delivery error",
	"delivery has failed", "delivery incomplete", "delivery delayed",
	"delivery unsuccessful", "failure notice", "failure delivery",
	"mail failure", "mail delivery", "mail system error", "returned mail",
	"returned to sender", "returned email", "message returned",
	"mail returned", "not be delivered", "couldn't be delivered",
	"non-delivery", "nondelivery", "non delivery", "non delivered",
	"user unknown", "unknown user", "failed mail", "unable to deliver",
	"could not deliver", "could not send", "failed delivery",
	"mail status report", "automatically rejected", "are not member",
	"are not a member", "message status", "bounced mail", "bounce message",
	"rejected mail", "message rejected", "mail rejected",
	"address not found", "processing error", "mail error", "smtp error",
	"warning: message", "still being retried", "message delayed",
	"not delivered", "error sending", "failed to send", "unzustellbar",
	"nicht zugestellt", "nicht zustellbar", "zustellung fehl",
	"zustellfehler", "non remis", "non-remise", "échec de remise",
	"échec de la remise", "non distribu", "no se puede entregar",
	"no entregado", "error de entrega", "no se ha podido entregar",
	"mancat", "não entregue", "falha na entrega", "onbestelbaar",
	"niet bezorgd", "niedostarczon", "zwrot wiadomo", "nedoručiteln",
	"kunne ikke leveres", "gick inte att leverera", "не доставлено",
	"недоставлен", "не удалось доставить", "доставка не", "送信できません",
	"配信不能", "配送できません", "返送", "エラー",
	"メールを配信できません", "退信", "无法投递", "无法送达", "無法傳遞",
	"投递失败", "배달되지", "전송 실패", "발송 실패",
	"cannot send message", "nameserver error", "unable to send",
	"unsuccessful delivery", "problem delivering", "trouble delivering",
	"not accepted", "delivery to", "unsolicited bulk",
	"message you sent blocked", "virus in mail from you",
	"banned contents from you", "message blocked", "mail blocked",
	"[bounce]", "loop alert",
};
const struct wordlist phrases_is_report = WORDLIST(report_words);

static const char *const delay_words[] = {
	"has been delayed", "is delayed", "was delayed",
	"been temporarily delayed", "will be retried", "will retry",
	"will continue to try", "will continue trying", "still trying",
	"still being retried", "keep trying", "attempts will continue",
	"delivery attempts will", "no action is required",
	"warning message only", "warning only", "do not need to resend",
	"don't need to resend", "not yet been delivered", "has not yet been",
	"not yet delivered", "delivery delayed",
	"could not send message for past", "could not send mail for past",
	"could not send message for the past", "warning: message",
	"warning: could not send", "will be attempted again", "will try again",
	"retry for", "retrying", "status: delayed", "will be tried again",
	"will be reattempted", "will be re-attempted", "will keep on trying",
	"continue to be attempted", "still in the queue", "still queued",
	"not been delivered yet", "delivery is delayed",
	"temporarily undeliverable", "temporarily undelivered", "(delay)",
	"delayed mail", "mail delayed", "delay notification",
	"will make further attempts", "further attempts will be made",
	"wird erneut versucht", "erneut zuzustellen", "nouvel essai",
	"de nouveau essay", "seguirá intentando", "se reintentar",
	"verrà ritentat", "opnieuw geprobeerd", "再送を試み", "将重试", "继续尝试",
	"enqueued and undeliver", "verzögert", "weitere zustellversuche",
	"noch nicht zugestellt", "wird weiterhin versucht", "retardé",
	"nouvelle tentative", "pas encore été", "retrasad", "todavía no",
	"se volverá a intentar", "in ritardo", "atrasad", "vertraagd",
	"opóźnion", "försena", "forsinket", "отложен", "задержан",
	"будет повтор", "попытки доставки будут", "遅延", "遅れて", "延迟", "지연",
};
const struct wordlist phrases_delays = WORDLIST(delay_words);

/* What a text that speaks of delays says when they are over */
static const char *const end_words[] = {
	"failed permanently", "permanent error", "permanent failure",
	"permanent fatal", "given up", "giving up", "gave up",
	"not going to try again", "will not be retried", "won't be retried",
	"no further attempts", "will not try again", "action: failed",
	"could not be delivered and", "has been returned",
	"delivery has failed", "delivery to the following recipient failed",
	"delivery to the following recipients failed", "after trying for",
};
const struct wordlist phrases_gives_up = WORDLIST(end_words);

static const char *const success_words[] = {
	"successful delivery", "successfully delivered",
	"delivered successfully", "successful mail delivery", "was successful",
	"were successful", "successfully relayed", "been successfully",
	"relayed to non-dsn", "return receipt", "erfolgreich zugestellt",
	"remis avec succès", "entregado correctamente", "успешно доставлен",
};
const struct wordlist phrases_succeeds = WORDLIST(success_words);
