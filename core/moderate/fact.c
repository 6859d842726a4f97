/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/moderate/fact.h"

#include <string.h>

#include "conf/keys.h"
#include "core/base/banned.h"

#define FACT(id, name, type, argument, step, help) \
	[FACT_##id] = { FACT_##id, name, FACT_##type, ARG_##argument, \
			STEP_##step, help }

const struct fact fact_table[FACT_COUNT] = {
	FACT(CLIENT_ADDR, "client.addr", TEXT, NONE, CONNECT,
	     "address of the client that delivers, \"192.0.2.7\""),
	FACT(CLIENT_NAME, "client.name", TEXT, NONE, CONNECT,
	     "its name, if the mail server has verified it"),
	FACT(CLIENT_TRUSTED, "client.trusted", BOOL, NONE, CONNECT,
	     "the client is in a trusted network of the settings"),
	FACT(TIME_OF_DAY, "time", TIME, NONE, CONNECT,
	     "local time of day"),
	FACT(WEEKDAY, "weekday", TEXT, NONE, CONNECT,
	     "\"mon\" \"tue\" \"wed\" \"thu\" \"fri\" \"sat\" \"sun\""),
	FACT(HELO, "helo", TEXT, NONE, HELO,
	     "what the client calls itself"),
	FACT(TLS, "tls", BOOL, NONE, MAIL,
	     "the connection is encrypted"),
	FACT(TLS_VERSION, "tls.version", TEXT, NONE, MAIL,
	     "\"TLSv1.3\""),
	FACT(LOGIN, "login", TEXT, NONE, MAIL,
	     "name of SMTP AUTH"),
	FACT(SENDER, "sender", PERSON, NONE, MAIL,
	     "envelope sender; none if it is null"),
	FACT(SENDER_DOMAIN, "sender.domain", TEXT, NONE, MAIL,
	     "its domain"),
	FACT(SPF, "spf", TEXT, NONE, MAIL,
	     "result of SPF: \"pass\" \"fail\" \"softfail\" \"neutral\" "
	     "\"none\" \"temperror\" \"permerror\""),
	FACT(SPF_DOMAIN, "spf.domain", TEXT, NONE, MAIL,
	     "the domain that SPF was asked about"),
	FACT(LIST, "list", TEXT, NONE, RCPT,
	     "address of the list"),
	FACT(LIST_DOMAIN, "list.domain", TEXT, NONE, RCPT,
	     "its domain"),
	FACT(SENDER_MEMBER, "sender.member", BOOL, NONE, RCPT,
	     "the envelope sender is a member"),
	FACT(SENDER_BANNED, "sender.banned", BOOL, NONE, RCPT,
	     "the envelope sender is banned by the list, its domain or the "
	     "site"),
	FACT(SENDER_LIST, "sender.list", TEXT, NONE, RCPT,
	     "the list of this site that this list is a member of, and whose "
	     "copy this is; none if it is no such copy"),
	FACT(SENDER_ACCEPTED, "sender.accepted", BOOL, NONE, RCPT,
	     "it is a copy of a list that is always to accept"),
	FACT(CLIENT_BANNED, "client.banned", BOOL, NONE, RCPT,
	     "so is the client"),
	FACT(RECIPIENTS, "recipients", NUMBER, NONE, HEADERS,
	     "recipients in the envelope"),
	FACT(RECIPIENT, "recipient", PERSON, NONE, HEADERS,
	     "each of them: this list, other lists, people; of very many the "
	     "first 1000"),
	FACT(AUTHOR, "author", PERSON, NONE, HEADERS,
	     "every address of From"),
	FACT(AUTHOR_NAME, "author.name", TEXTS, NONE, HEADERS,
	     "the names that stand with them"),
	FACT(AUTHOR_DOMAIN, "author.domain", TEXTS, NONE, HEADERS,
	     "their domains"),
	FACT(AUTHOR_MEMBER, "author.member", BOOL, NONE, HEADERS,
	     "there is an author, and all are members"),
	FACT(AUTHOR_BANNED, "author.banned", BOOL, NONE, HEADERS,
	     "an author is banned by the list, its domain or the site"),
	FACT(AUTHOR_ACCEPTED, "author.accepted", BOOL, NONE, HEADERS,
	     "all authors are ones always to accept"),
	FACT(AUTHOR_MODERATED, "author.moderated", BOOL, NONE, HEADERS,
	     "an author is a moderated member"),
	FACT(AUTHOR_ROLE, "author.role", TEXTS, NONE, HEADERS,
	     "\"member\" \"owner\" \"moderator\": what all authors are"),
	FACT(AUTHOR_SINCE, "author.since", DURATION, NONE, HEADERS,
	     "how long the author has been a member; of several the least"),
	FACT(AUTHOR_POSTS, "author.posts", NUMBER, NONE, HEADERS,
	     "posts of the author that were accepted; of several the least"),
	FACT(SUBJECT, "subject", TEXT, NONE, HEADERS,
	     "the subject, decoded"),
	FACT(HEADER, "header", TEXTS, TEXT, HEADERS,
	     "the fields of that name, decoded"),
	FACT(LIST_RATE, "list.rate", NUMBER, DURATION, END,
	     "posts to the list within that time, without this one"),
	FACT(AUTHOR_RATE, "author.rate", NUMBER, DURATION, END,
	     "posts of the author to this list within that time, without "
	     "this one; of several the most"),
	FACT(AUTOMATIC, "automatic", TEXT, NONE, END,
	     "\"autoreply\" \"dsn\" \"challenge\" \"generated\"; none if a "
	     "person wrote it"),
	FACT(DUPLICATE, "duplicate", BOOL, NONE, END,
	     "its Message-ID has been on the list"),
	FACT(COMMAND, "command", TEXT, NONE, END,
	     "\"subscribe\" \"unsubscribe\": a command sent to the list by "
	     "mistake"),
	FACT(AUTHOR_VERIFIED, "author.verified", BOOL, NONE, END,
	     "the post is from its author"),
	FACT(AUTHOR_VERIFIABLE, "author.verifiable", BOOL, NONE, END,
	     "the author's domain publishes a DMARC policy"),
	FACT(VERIFIED_BY, "verified.by", TEXT, NONE, END,
	     "what verified the author: \"dmarc\" \"login\" \"network\" "
	     "\"sealer\""),
	FACT(DKIM, "dkim", TEXTS, NONE, END,
	     "result of each DKIM signature; \"none\" if there is none"),
	FACT(DKIM_DOMAIN, "dkim.domain", TEXTS, NONE, END,
	     "domains of those that pass"),
	FACT(DMARC, "dmarc", TEXT, NONE, END,
	     "result of DMARC: \"pass\" \"fail\" \"none\" \"temperror\" "
	     "\"permerror\""),
	FACT(DMARC_POLICY, "dmarc.policy", TEXT, NONE, END,
	     "what the author's domain asks for: \"none\" \"quarantine\" "
	     "\"reject\""),
	FACT(DMARC_DOMAIN, "dmarc.domain", TEXT, NONE, END,
	     "the domain whose DMARC record holds"),
	FACT(DMARC_ALIGNED, "dmarc.aligned", TEXT, NONE, END,
	     "what of the author's domain has made it pass: \"dkim\" "
	     "\"spf\""),
	FACT(ARC, "arc", TEXT, NONE, END,
	     "result of ARC: \"pass\" \"fail\" \"none\" \"temperror\""),
	FACT(ARC_SEALER, "arc.sealer", TEXT, NONE, END,
	     "domain of the newest ARC seal"),
	FACT(SIZE, "size", NUMBER, NONE, END,
	     "octets of the whole post"),
	FACT(MIME_TYPE, "mime.type", TEXTS, NONE, END,
	     "types of all parts, \"text/plain\""),
	FACT(MIME_NAME, "mime.name", TEXTS, NONE, END,
	     "file names of all parts, decoded"),
	FACT(MIME_PARTS, "mime.parts", NUMBER, NONE, END,
	     "parts that hold no others"),
	FACT(BODY, "body", TEXT, NONE, END,
	     "text of all text parts, decoded"),
};

const char *
step_name(enum step step)
{
	static const char *const names[] = {
		[STEP_CONNECT] = "connect", [STEP_HELO] = "helo",
		[STEP_MAIL] = "mail", [STEP_RCPT] = "rcpt",
		[STEP_HEADERS] = "headers", [STEP_END] = "end",
	};

	return names[step];
}

const struct fact *
fact_find(const char *name)
{
	for (size_t i = 0; i < FACT_COUNT; i++)
		if (strcmp(fact_table[i].name, name) == 0)
			return &fact_table[i];
	return NULL;
}

const char *const *
fact_values(enum fact_id id)
{
	static const char *const days[] = { "mon", "tue", "wed", "thu", "fri",
					    "sat", "sun", NULL };
	static const char *const results[] = { "pass", "fail", "softfail",
		"neutral", "none", "policy", "temperror", "permerror", NULL };
	static const char *const asked[] = { "none", "quarantine", "reject",
					     NULL };
	static const char *const roles[] = { "member", "owner", "moderator",
					     NULL };
	static const char *const machines[] = { "autoreply", "dsn",
		"challenge", "generated", NULL };
	static const char *const commands[] = { "subscribe", "unsubscribe",
						NULL };
	static const char *const means[] = { "dmarc", "login", "network",
					     "sealer", NULL };
	static const char *const *const values[FACT_COUNT] = {
		[FACT_WEEKDAY] = days, [FACT_SPF] = results,
		[FACT_DKIM] = results, [FACT_DMARC] = results,
		[FACT_ARC] = results, [FACT_DMARC_POLICY] = asked,
		[FACT_AUTHOR_ROLE] = roles, [FACT_AUTOMATIC] = machines,
		[FACT_COMMAND] = commands, [FACT_VERIFIED_BY] = means,
	};

	return values[id];
}

/* What people write who know other programs. */
static const char *
other_word(const char *name)
{
	static const struct {
		const char *word;
		const char *fact;
	} words[] = {
		{ "attachment", "mime.name" }, { "envelope", "sender" },
		{ "envelope.sender", "sender" }, { "filename", "mime.name" },
		{ "from", "author" }, { "ip", "client.addr" },
		{ "mail.from", "sender" }, { "member", "author.member" },
		{ "moderated", "author.moderated" }, { "rate", "author.rate" },
		{ "rcpt", "recipient" }, { "rcpts", "recipients" },
		{ "role", "author.role" },
		{ "type", "mime.type" }, { "user", "login" },
		{ "verified", "author.verified" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
		if (g_ascii_strcasecmp(words[i].word, name) == 0)
			return words[i].fact;
	return NULL;
}

const char *
fact_suggest(const char *name)
{
	const char *names[FACT_COUNT + 1];
	g_autofree char *dotted = g_ascii_strdown(name, -1);
	const char *other;

	(void) g_strdelimit(dotted, "_-", '.');
	other = other_word(dotted);
	if (other != NULL)
		return other;
	for (size_t i = 0; i < FACT_COUNT; i++)
		names[i] = fact_table[i].name;
	names[FACT_COUNT] = NULL;
	return key_nearest(names, dotted);
}
