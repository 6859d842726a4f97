/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/command/request.h"

#include <string.h>

#include "core/base/banned.h"

/*
 * What people write who know Mailman, mlmmj, ezmlm, Majordomo, LISTSERV or
 * Sympa, or no such program. muster-commands(7) lists all of it.
 */

const struct request_kind request_kinds[] = {
	{ REQUEST_HELP, "help", "", REQUEST_FOR_VERIFIED,
	  "what commands there are" },
	{ REQUEST_INFO, "info", "", REQUEST_FOR_VERIFIED,
	  "what this list is for, and how one joins and leaves" },
	{ REQUEST_SUBSCRIBE, "subscribe",
	  "[digest|plain|nomail] [address=ADDRESS]", REQUEST_FOR_ALL,
	  "join the list" },
	{ REQUEST_UNSUBSCRIBE, "unsubscribe", "[address=ADDRESS]",
	  REQUEST_FOR_ALL, "leave the list" },
	{ REQUEST_SET, "set", "OPTION VALUE", REQUEST_FOR_ALL,
	  "change how you get the list's posts" },
	{ REQUEST_SHOW, "show", "", REQUEST_FOR_VERIFIED,
	  "your settings on this list" },
	{ REQUEST_WHICH, "which", "", REQUEST_FOR_VERIFIED,
	  "all lists here that your address is on" },
	{ REQUEST_WHO, "who", "", REQUEST_FOR_VERIFIED,
	  "the members, where the list shows them" },
	{ REQUEST_GET, "get",
	  "archive [NUMBER|MESSAGE-ID|last NUMBER]|welcome|policy",
	  REQUEST_FOR_VERIFIED, "a text of the list, or a post of it" },
	{ REQUEST_CONFIRM, "confirm", "TOKEN", REQUEST_FOR_ALL,
	  "say yes to what you were asked by mail" },
	{ REQUEST_MOVE, "move", "NEW-ADDRESS [all]", REQUEST_FOR_ALL,
	  "get the list at another address; all: every list here" },
	{ REQUEST_PASSWORD, "password", "", REQUEST_FOR_VERIFIED,
	  "there are no passwords: this says so" },
	{ REQUEST_STOP, "stop", "", REQUEST_FOR_ALL,
	  "nothing below this line is a command" },
	{ REQUEST_HELD, "held", "", REQUEST_FOR_TEAM,
	  "the posts that wait for a moderator" },
	{ REQUEST_SHOW, "show", "ID", REQUEST_FOR_TEAM,
	  "a post that waits" },
	{ REQUEST_APPROVE, "approve", "ID...", REQUEST_FOR_TEAM,
	  "send posts that wait to the list" },
	{ REQUEST_ACCEPT, "accept", "ID...", REQUEST_FOR_TEAM,
	  "the same, and hold no more posts of these authors" },
	{ REQUEST_REJECT, "reject", "ID [REASON]", REQUEST_FOR_TEAM,
	  "refuse a post that waits, and tell its author" },
	{ REQUEST_DISCARD, "discard", "ID...", REQUEST_FOR_TEAM,
	  "drop posts that wait, and tell nobody" },
	{ REQUEST_INVITE, "invite", "ADDRESS...", REQUEST_FOR_TEAM,
	  "ask people whether they want to join" },
	{ REQUEST_ADD, "add", "ADDRESS...", REQUEST_FOR_TEAM,
	  "make people members" },
	{ REQUEST_REMOVE, "remove", "ADDRESS...", REQUEST_FOR_TEAM,
	  "end their membership" },
	{ REQUEST_BOUNCES, "bounces", "", REQUEST_FOR_TEAM,
	  "the members whose mail comes back" },
	{ REQUEST_NONE, NULL, NULL, REQUEST_FOR_ALL, NULL },
};

const struct request_word request_words[] = {
	{ "help", REQUEST_HELP, NULL },
	{ "?", REQUEST_HELP, NULL },
	{ "commands", REQUEST_HELP, NULL },
	{ "hilfe", REQUEST_HELP, NULL },
	{ "aide", REQUEST_HELP, NULL },
	{ "ayuda", REQUEST_HELP, NULL },

	{ "info", REQUEST_INFO, NULL },
	{ "information", REQUEST_INFO, NULL },
	{ "faq", REQUEST_INFO, NULL },
	{ "about", REQUEST_INFO, NULL },

	{ "subscribe", REQUEST_SUBSCRIBE, NULL },
	{ "sub", REQUEST_SUBSCRIBE, NULL },
	{ "subs", REQUEST_SUBSCRIBE, NULL },
	{ "join", REQUEST_SUBSCRIBE, NULL },
	{ "subcribe", REQUEST_SUBSCRIBE, NULL },
	{ "suscribe", REQUEST_SUBSCRIBE, NULL },
	{ "signup", REQUEST_SUBSCRIBE, NULL },
	{ "sign-up", REQUEST_SUBSCRIBE, NULL },
	{ "subscribe-digest", REQUEST_SUBSCRIBE, "digest" },
	{ "digest-subscribe", REQUEST_SUBSCRIBE, "digest" },
	{ "subscribe-nomail", REQUEST_SUBSCRIBE, "nomail" },
	{ "anmelden", REQUEST_SUBSCRIBE, NULL },
	{ "abonnieren", REQUEST_SUBSCRIBE, NULL },
	{ "abonner", REQUEST_SUBSCRIBE, NULL },
	{ "inscription", REQUEST_SUBSCRIBE, NULL },
	{ "suscribir", REQUEST_SUBSCRIBE, NULL },
	{ "suscribirme", REQUEST_SUBSCRIBE, NULL },
	{ "alta", REQUEST_SUBSCRIBE, NULL },

	{ "unsubscribe", REQUEST_UNSUBSCRIBE, NULL },
	{ "unsub", REQUEST_UNSUBSCRIBE, NULL },
	{ "signoff", REQUEST_UNSUBSCRIBE, NULL },
	{ "sign-off", REQUEST_UNSUBSCRIBE, NULL },
	{ "sig", REQUEST_UNSUBSCRIBE, NULL },
	{ "leave", REQUEST_UNSUBSCRIBE, NULL },
	{ "unjoin", REQUEST_UNSUBSCRIBE, NULL },
	{ "unsubcribe", REQUEST_UNSUBSCRIBE, NULL },
	{ "unsuscribe", REQUEST_UNSUBSCRIBE, NULL },
	{ "unsuscribed", REQUEST_UNSUBSCRIBE, NULL },
	{ "unsubscribed", REQUEST_UNSUBSCRIBE, NULL },
	{ "unsubscribe-digest", REQUEST_UNSUBSCRIBE, NULL },
	{ "unsubscribe-nomail", REQUEST_UNSUBSCRIBE, NULL },
	{ "digest-unsubscribe", REQUEST_UNSUBSCRIBE, NULL },
	{ "abmelden", REQUEST_UNSUBSCRIBE, NULL },
	{ "abmeldung", REQUEST_UNSUBSCRIBE, NULL },
	{ "abbestellen", REQUEST_UNSUBSCRIBE, NULL },
	{ "austragen", REQUEST_UNSUBSCRIBE, NULL },
	{ "désabonner", REQUEST_UNSUBSCRIBE, NULL },
	{ "desabonner", REQUEST_UNSUBSCRIBE, NULL },
	{ "désinscription", REQUEST_UNSUBSCRIBE, NULL },
	{ "désabonnement", REQUEST_UNSUBSCRIBE, NULL },
	{ "desuscribir", REQUEST_UNSUBSCRIBE, NULL },
	{ "desuscribirme", REQUEST_UNSUBSCRIBE, NULL },
	{ "baja", REQUEST_UNSUBSCRIBE, NULL },

	{ "set", REQUEST_SET, NULL },
	{ "change", REQUEST_SET, NULL },
	{ "nomail", REQUEST_SET, "delivery off" },
	{ "digest", REQUEST_SET, "delivery digest" },
	{ "mail", REQUEST_SET, "delivery on" },

	{ "show", REQUEST_SHOW, NULL },
	{ "status", REQUEST_SHOW, NULL },
	{ "query", REQUEST_SHOW, NULL },
	{ "options", REQUEST_SHOW, NULL },
	{ "settings", REQUEST_SHOW, NULL },

	{ "which", REQUEST_WHICH, NULL },
	{ "lists", REQUEST_WHICH, NULL },
	{ "list", REQUEST_WHICH, NULL },
	{ "subscriptions", REQUEST_WHICH, NULL },

	{ "who", REQUEST_WHO, NULL },
	{ "review", REQUEST_WHO, NULL },
	{ "rev", REQUEST_WHO, NULL },
	{ "members", REQUEST_WHO, NULL },
	{ "roster", REQUEST_WHO, NULL },

	{ "get", REQUEST_GET, NULL },
	{ "index", REQUEST_GET, "archive" },
	{ "ind", REQUEST_GET, "archive" },
	{ "archive", REQUEST_GET, "archive" },
	{ "archives", REQUEST_GET, "archive" },
	{ "welcome", REQUEST_GET, "welcome" },
	{ "intro", REQUEST_GET, "welcome" },
	{ "policy", REQUEST_GET, "policy" },
	{ "rules", REQUEST_GET, "policy" },

	{ "confirm", REQUEST_CONFIRM, NULL },
	{ "auth", REQUEST_CONFIRM, NULL },
	{ "ok", REQUEST_CONFIRM, NULL },

	{ "move", REQUEST_MOVE, NULL },

	{ "password", REQUEST_PASSWORD, NULL },
	{ "login", REQUEST_PASSWORD, NULL },

	{ "stop", REQUEST_STOP, NULL },
	{ "end", REQUEST_STOP, NULL },
	{ "quit", REQUEST_STOP, NULL },
	{ "exit", REQUEST_STOP, NULL },

	{ "held", REQUEST_HELD, NULL },
	{ "pending", REQUEST_HELD, NULL },
	{ "modindex", REQUEST_HELD, NULL },

	{ "approve", REQUEST_APPROVE, NULL },
	{ "distribute", REQUEST_APPROVE, NULL },
	{ "dis", REQUEST_APPROVE, NULL },

	{ "accept", REQUEST_ACCEPT, NULL },

	{ "reject", REQUEST_REJECT, NULL },
	{ "rej", REQUEST_REJECT, NULL },
	{ "refuse", REQUEST_REJECT, NULL },

	{ "discard", REQUEST_DISCARD, NULL },

	{ "invite", REQUEST_INVITE, NULL },
	{ "add", REQUEST_ADD, NULL },

	{ "remove", REQUEST_REMOVE, NULL },
	{ "delete", REQUEST_REMOVE, NULL },
	{ "del", REQUEST_REMOVE, NULL },

	{ "bounces", REQUEST_BOUNCES, NULL },
	{ NULL, REQUEST_NONE, NULL },
};

const struct request_kind *
request_kind_of(enum request_verb verb)
{
	for (const struct request_kind *kind = request_kinds;
	     kind->name != NULL; kind++)
		if (kind->verb == verb)
			return kind;
	return NULL;
}

const struct request_word *
request_word_find(const char *text)
{
	g_autofree char *lower = g_utf8_strdown(text, -1);

	for (const struct request_word *word = request_words;
	     word->word != NULL; word++)
		if (strcmp(word->word, lower) == 0)
			return word;
	return NULL;
}
