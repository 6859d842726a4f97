/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdint.h>
#include <string.h>

#include "core/letter/template.h"
#include "core/base/banned.h"

/*
 * Which texts there are, what each is for, and what may stand in it. Shipped
 * texts (conf/templates) and those of sites are checked against this table,
 * and muster-templates(5) and "muster template fields" show it.
 */

#define MUST true
#define MAY false
#define EXAMPLE_TOKEN "k7q2mhd4zr3x5wnb6yfc2vta"
#define FIELDS(...) \
	(const struct template_field[]){ __VA_ARGS__, \
		{ NULL, FIELD_LINE, MAY, NULL, NULL } }

/* What several have. */
#define CONFIRM_ADDRESS { "confirm.address", FIELD_ADDR, MUST, \
	"dev-confirm+" EXAMPLE_TOKEN "@lists.example.org", \
	"where a mail confirms this" }
#define CONFIRM_URL { "confirm.url", FIELD_ADDR, MAY, "", \
	"a page of the web that confirms this too" }
#define EXPIRES { "expires", FIELD_LINE, MAY, "2026-12-04 12:00 UTC", \
	"until when" }
#define ASKED_AT { "asked.at", FIELD_LINE, MAY, "2026-11-27 12:00 UTC", \
	"when this was asked for" }
#define ASKED_BY { "asked.by", FIELD_LINE, MAY, "ann@example.net", \
	"who asked, where that is known" }
#define CLIENT_NETWORK { "client.network", FIELD_LINE, MAY, \
	"192.0.2.0/24", "the network that the request came from" }
#define LEAVE_ADDRESS { "leave.address", FIELD_ADDR, MUST, \
	"dev-leave+" EXAMPLE_TOKEN "@lists.example.org", \
	"where a mail ends the subscription" }
#define OLD_ADDRESS { "old.address", FIELD_ADDR, MUST, "ann@example.net", \
	"the address that is subscribed" }
#define NEW_ADDRESS { "new.address", FIELD_ADDR, MUST, "ann@example.com", \
	"the address that is to take its place" }
#define ALL_LISTS { "all.lists", FIELD_FLAG, MAY, "", \
	"it is about all lists of the site" }
#define MEMBER_ADDRESS { "member.address", FIELD_ADDR, MUST, \
	"ann@example.net", "whom this is about" }
#define MEMBER_NAME { "member.name", FIELD_LINE, MAY, "Ann Example", \
	"his or her name" }
#define REASON { "reason", FIELD_LINE, MAY, \
	"550 5.1.1 <ann@example.net>: no such mailbox", \
	"why, in one line of whoever knows" }
#define POST_SUBJECT { "subject", FIELD_LINE, MAY, "Minutes of Monday", \
	"the post's subject; empty if it has none" }
#define BY_ADMIN { "by", FIELD_LINE, MAY, "owner@example.org", \
	"who did it" }

#define DIGEST_NUMBERS(must) \
	{ "volume", FIELD_LINE, must, "3", "number of the volume" }, \
	{ "issue", FIELD_LINE, must, "12", "number of the digest in it" }

/* What a held post is, for those who decide about it. */
#define HELD_POST \
	{ "author", FIELD_LINE, MAY, "ann@example.net", \
	  "who wrote it, as far as is known" }, \
	{ "verified.dmarc", FIELD_FLAG, MAY, "yes", \
	  "the author's domain vouches for it" }, \
	{ "verified.login", FIELD_FLAG, MAY, "", \
	  "it was sent after a login as this author" }, \
	{ "verified.network", FIELD_FLAG, MAY, "", \
	  "it was sent from a trusted network" }, \
	{ "verified.sealer", FIELD_FLAG, MAY, "", \
	  "a trusted forwarder vouches for it" }, \
	{ "forged", FIELD_FLAG, MAY, "", \
	  "not verified, though the author's domain vouches for its mail" }, \
	{ "unverified", FIELD_FLAG, MAY, "", \
	  "not verified: anybody could have written it" }, \
	POST_SUBJECT, \
	{ "reason", FIELD_LINE, MAY, "rule 2: not author.member", \
	  "why it is held" }, \
	{ "size", FIELD_LINE, MAY, "3.1 KiB", "how large it is" }, \
	EXPIRES, \
	{ "id", FIELD_LINE, MAY, "8d7c6b5a49382716", \
	  "for \"muster held show\"" }, \
	{ "approve.address", FIELD_ADDR, MUST, \
	  "dev-confirm+a" EXAMPLE_TOKEN "@lists.example.org", \
	  "a mail there sends the post to the list" }, \
	{ "reject.address", FIELD_ADDR, MUST, \
	  "dev-confirm+b" EXAMPLE_TOKEN "@lists.example.org", \
	  "a mail there refuses the post, and tells the author" }, \
	{ "discard.address", FIELD_ADDR, MUST, \
	  "dev-confirm+c" EXAMPLE_TOKEN "@lists.example.org", \
	  "a mail there throws the post away" }, \
	{ "accept.address", FIELD_ADDR, MUST, \
	  "dev-confirm+d" EXAMPLE_TOKEN "@lists.example.org", \
	  "a mail there approves it, and all later ones of the author" }

const struct template_field template_common[] = {
	{ "list.address", FIELD_ADDR, MAY, "dev@lists.example.org",
	  "the list" },
	{ "list.name", FIELD_LINE, MAY, "dev",
	  "what stands before the @ of its address" },
	{ "list.description", FIELD_LINE, MAY, "Developers of example",
	  "its description" },
	{ "list.owner", FIELD_ADDR, MAY, "dev-owner@lists.example.org",
	  "where its owners are reached" },
	{ "list.request", FIELD_ADDR, MAY, "dev-request@lists.example.org",
	  "where commands go to" },
	{ "list.join", FIELD_ADDR, MAY, "dev-join@lists.example.org",
	  "where a mail asks for a subscription" },
	{ "list.leave", FIELD_ADDR, MAY, "dev-leave@lists.example.org",
	  "where a mail ends a subscription" },
	{ "recipient", FIELD_ADDR, MAY, "ann@example.net",
	  "whom the letter goes to" },
	{ "date", FIELD_LINE, MAY, "2026-11-27 12:00 UTC", "now" },
	{ NULL, FIELD_LINE, MAY, NULL, NULL },
};

const struct template_kind template_kinds[] = {
	{ "already-member", "to an address that is subscribed, when a "
	  "subscription was asked for", false, FIELDS(
		CLIENT_NETWORK, ASKED_AT,
		{ "delivery.off", FIELD_FLAG, MAY, "",
		  "the member gets no copies at present" }) },
	{ "archive-post", "a post of the archive, to whoever has asked for it, "
	  "enclosed", false, FIELDS(
		{ "number", FIELD_LINE, MUST, "12", "its number there" },
		POST_SUBJECT,
		{ "link", FIELD_LINE, MAY, "https://lists.example.org/dev/"
		  "1@example.net/", "where it is on the web" },
		{ "cut", FIELD_FLAG, MAY, "",
		  "only its header is enclosed" }) },
	{ "bounce-breaker", "to the owners: so much mail came back at once "
	  "that nobody is held responsible", false, FIELDS(
		{ "count", FIELD_LINE, MUST, "412",
		  "how many members it is about" },
		{ "members", FIELD_LINE, MAY, "1000",
		  "how many members the list has" },
		{ "since", FIELD_LINE, MAY, "2026-11-27 09:00 UTC",
		  "since when" },
		{ "until", FIELD_LINE, MAY, "2026-11-28 09:00 UTC",
		  "until when nothing is counted" },
		{ "reasons", FIELD_LINES, MAY,
		  "398  550 5.7.1 blocked using example.com\n"
		  " 14  550 5.1.1 no such user", "what was said most often" })
	},
	{ "bounce-digest", "to the owners: what mail that came back has led "
	  "to", false, FIELDS(
		{ "since", FIELD_LINE, MAY, "2026-11-26", "from when on" },
		{ "until", FIELD_LINE, MAY, "2026-11-27", "up to when" },
		{ "off", FIELD_LINES, MAY, "ann@example.net: 550 5.1.1 no "
		  "such user", "who gets no copies any more" },
		{ "warned", FIELD_LINES, MAY, "bob@example.net (1 of 3)",
		  "who was warned" },
		{ "removed", FIELD_LINES, MAY, "eve@example.net",
		  "who was removed" },
		{ "back", FIELD_LINES, MAY, "joe@example.net",
		  "who gets copies again" },
		{ "other", FIELD_LINES, MAY, "", "what else has happened" })
	},
	{ "bounce-off", "to a member: delivery was stopped, since mail came "
	  "back", false, FIELDS(
		CONFIRM_ADDRESS, CONFIRM_URL, REASON,
		{ "remove.date", FIELD_LINE, MAY, "2026-12-27",
		  "when the subscription ends" }) },
	{ "bounce-probe", "to a member: whether mail arrives", false, FIELDS(
		REASON,
		{ "bounced.at", FIELD_LINE, MAY, "2026-11-26",
		  "when mail came back last" }) },
	{ "bounce-removed", "to one who was a member: the subscription has "
	  "ended, since mail came back", false, FIELDS(
		REASON,
		{ "off.since", FIELD_LINE, MAY, "2026-10-27",
		  "since when delivery was off" }) },
	{ "bounce-warning", "to a member: delivery is still off", false,
	  FIELDS(
		CONFIRM_ADDRESS, CONFIRM_URL, REASON,
		{ "off.since", FIELD_LINE, MAY, "2026-11-27",
		  "since when delivery is off" },
		{ "remove.date", FIELD_LINE, MUST, "2026-12-27",
		  "when the subscription ends" }) },
	{ "command-help", "answer to \"help\": what can be asked by mail",
	  false, FIELDS(
		{ "moderator", FIELD_FLAG, MAY, "yes",
		  "it goes to an owner or a moderator" }) },
	{ "command-info", "answer to \"info\": what the list is", false,
	  FIELDS(
		{ "join.open", FIELD_FLAG, MAY, "",
		  "anybody can subscribe" },
		{ "join.confirm", FIELD_FLAG, MAY, "yes",
		  "anybody can subscribe, and confirms it" },
		{ "join.moderated", FIELD_FLAG, MAY, "",
		  "a moderator decides who can subscribe" },
		{ "join.invite", FIELD_FLAG, MAY, "",
		  "only who was invited can subscribe" },
		{ "join.closed", FIELD_FLAG, MAY, "",
		  "only owners can add members" },
		{ "members", FIELD_LINE, MAY, "1000",
		  "how many there are, if that may be told" },
		{ "details", FIELD_LINES, MAY, "",
		  "what the list says of itself" }) },
	{ "command-outcome", "what came of one command, in command-results",
	  true, FIELDS(
		{ "value", FIELD_LINE, MAY, "ann@example.net",
		  "an address, a word, or an id" },
		{ "other", FIELD_LINE, MAY, "", "what else is to be said" },
		{ "joined", FIELD_FLAG, MAY, "yes",
		  "the address is a member now" },
		{ "returned", FIELD_FLAG, MAY, "",
		  "a member gets posts again" },
		{ "confirm", FIELD_FLAG, MAY, "",
		  "an address is asked to confirm" },
		{ "held", FIELD_FLAG, MAY, "",
		  "a moderator decides" },
		{ "member.already", FIELD_FLAG, MAY, "",
		  "the address is a member already" },
		{ "set.already", FIELD_FLAG, MAY, "",
		  "a setting has that value already" },
		{ "invited", FIELD_FLAG, MAY, "",
		  "an invitation is on its way" },
		{ "invited.already", FIELD_FLAG, MAY, "",
		  "the one invited is a member" },
		{ "left", FIELD_FLAG, MAY, "",
		  "the address is no member any more" },
		{ "set", FIELD_FLAG, MAY, "",
		  "value: the option; other: what it is now" },
		{ "moved", FIELD_FLAG, MAY, "",
		  "posts go to another address now" },
		{ "not.member", FIELD_FLAG, MAY, "",
		  "the address is no member" },
		{ "banned", FIELD_FLAG, MAY, "",
		  "the list does not want the address" },
		{ "closed", FIELD_FLAG, MAY, "",
		  "only owners add members" },
		{ "invite.only", FIELD_FLAG, MAY, "",
		  "only who was invited can join" },
		{ "too.often", FIELD_FLAG, MAY, "",
		  "enough mails were sent about it" },
		{ "bad.token", FIELD_FLAG, MAY, "",
		  "what was to be confirmed is not known" },
		{ "not.allowed", FIELD_FLAG, MAY, "",
		  "somebody else must do it" },
		{ "bad.value", FIELD_FLAG, MAY, "",
		  "value: why it is not possible, in English" },
		{ "nothing", FIELD_FLAG, MAY, "",
		  "nothing was done" },
		{ "unknown", FIELD_FLAG, MAY, "",
		  "the line is no command" },
		{ "incomplete", FIELD_FLAG, MAY, "",
		  "value: how it is written" },
		{ "wrong", FIELD_FLAG, MAY, "",
		  "value: what was not understood; other: how it is written" },
		{ "other.list", FIELD_FLAG, MAY, "",
		  "value: a word that may be another list's name, or a password" },
		{ "not.team", FIELD_FLAG, MAY, "",
		  "only for owners and moderators" },
		{ "rest", FIELD_FLAG, MAY, "",
		  "after some lines that were no commands" },
		{ "no.password", FIELD_FLAG, MAY, "",
		  "there are no passwords" },
		{ "no.lists", FIELD_FLAG, MAY, "",
		  "the address is on no list" },
		{ "nobody", FIELD_FLAG, MAY, "",
		  "value: how many members there are that are not shown" },
		{ "who.members", FIELD_FLAG, MAY, "",
		  "only members may see the members" },
		{ "who.owners", FIELD_FLAG, MAY, "",
		  "only owners may see the members" },
		{ "policy", FIELD_FLAG, MAY, "",
		  "the policy follows" },
		{ "no.archive", FIELD_FLAG, MAY, "",
		  "there is no archive" },
		{ "archive.index", FIELD_FLAG, MAY, "",
		  "value: how many posts the archive has, of which the last "
		  "follow; other: where it begins on the web" },
		{ "archive.members", FIELD_FLAG, MAY, "",
		  "only members may read the archive" },
		{ "archive.sent", FIELD_FLAG, MAY, "",
		  "value: the number of a post that is sent; other: its "
		  "subject" },
		{ "archive.unknown", FIELD_FLAG, MAY, "",
		  "value: a number or Message-ID that the archive has not" },
		{ "archive.enough", FIELD_FLAG, MAY, "",
		  "value: the number of a post that is not sent; other: how "
		  "many are by one mail" },
		{ "archive.away", FIELD_FLAG, MAY, "",
		  "the archive cannot be read now" },
		{ "held.none", FIELD_FLAG, MAY, "",
		  "no post waits" },
		{ "held.unknown", FIELD_FLAG, MAY, "",
		  "value: an id that waits no more" },
		{ "held.approved", FIELD_FLAG, MAY, "",
		  "value: its id" },
		{ "held.accepted", FIELD_FLAG, MAY, "",
		  "value: its id" },
		{ "held.rejected", FIELD_FLAG, MAY, "",
		  "value: its id" },
		{ "held.discarded", FIELD_FLAG, MAY, "",
		  "value: its id" },
		{ "held.impossible", FIELD_FLAG, MAY, "",
		  "value: its id; other: why, in English" },
		{ "added", FIELD_FLAG, MAY, "",
		  "an owner has added the address" },
		{ "added.already", FIELD_FLAG, MAY, "",
		  "it was a member already" },
		{ "removed", FIELD_FLAG, MAY, "",
		  "an owner has removed the address" },
		{ "removed.not", FIELD_FLAG, MAY, "",
		  "it was no member" },
		{ "bounces.none", FIELD_FLAG, MAY, "",
		  "no member's mail comes back" }) },
	{ "command-results", "answer to commands by mail", false, FIELDS(
		{ "results", FIELD_LINES, MUST,
		  "> set delivery off\n"
		  "You get no posts until you say: set delivery on\n"
		  "> frobnicate\nThere is no such command.",
		  "each command and what came of it" },
		{ "ignored", FIELD_LINE, MAY, "",
		  "how many more commands there were, of one mail too "
		  "many" }) },
	{ "command-show", "answer to \"show\": the member's settings", false,
	  FIELDS(
		{ "settings", FIELD_LINES, MUST,
		  "delivery     on\nown-posts    on\nack          off\n"
		  "duplicates   on\nhide         off",
		  "one a line, as \"set\" takes them" },
		MEMBER_NAME,
		{ "since", FIELD_LINE, MAY, "2026-01-31",
		  "when the subscription began" },
		{ "off.by.bounces", FIELD_FLAG, MAY, "",
		  "delivery is off, since mail came back" }) },
	{ "command-which", "answer to \"which\": the lists that an address is "
	  "subscribed to", false, FIELDS(
		{ "lists", FIELD_LINES, MUST,
		  "dev@lists.example.org\nannounce@lists.example.org",
		  "one a line" }) },
	{ "command-who", "answer to \"who\": the members", false, FIELDS(
		{ "members", FIELD_LINES, MUST,
		  "ann@example.net\nbob@example.net", "one a line" },
		{ "count", FIELD_LINE, MAY, "3", "how many there are" },
		{ "hidden", FIELD_LINE, MAY, "1",
		  "how many of them are not shown" }) },
	{ "complaint-removed", "to the owners: a member called a post spam, "
	  "and was removed", false, FIELDS(
		MEMBER_ADDRESS,
		{ "reported.by", FIELD_LINE, MAY, "example.net",
		  "who passed the complaint on" },
		POST_SUBJECT) },
	{ "content-removed", "in a post, in the place of parts that the list "
	  "does not let through", true, FIELDS(
		{ "parts", FIELD_LINES, MUST,
		  "* application/x-msdownload (a.exe, 34 kB)",
		  "type, name and size of each" }) },
	{ "digest", "to members who get digests: what stands in front of the "
	  "posts", false, FIELDS(
		DIGEST_NUMBERS(MUST),
		{ "count", FIELD_LINE, MAY, "2", "how many posts it has" },
		{ "contents", FIELD_LINES, MUST,
		  "  1. Minutes of Monday (Ann Example)\n"
		  "  2. Re: Minutes of Monday (Bob Example)",
		  "number, subject and author of each, one a line" }) },
	{ "digest-end", "what stands behind the posts of a digest", true,
	  FIELDS(DIGEST_NUMBERS(MAY)) },
	{ "digest-omitted", "below a post of a plain digest: what was left "
	  "out", true, FIELDS(
		{ "parts", FIELD_LINE, MUST, "image/png (photo.png)",
		  "types and names of what is not text" }) },
	{ "held-digest", "to moderators: the posts that wait for a decision",
	  false, FIELDS(
		{ "count", FIELD_LINE, MAY, "2", "how many wait" },
		{ "shown", FIELD_LINE, MAY, "",
		  "how many of them are shown, if not all" },
		{ "posts", FIELD_LINES, MUST,
		  "1.\n   Author:    ann@example.net\n   ...",
		  "each as held-digest-post says it" },
		{ "expired", FIELD_LINES, MAY,
		  "eve@example.net: Buy our watches",
		  "those that nobody has decided about" },
		{ "expired.more", FIELD_LINE, MAY, "",
		  "how many more there were" }) },
	{ "held-digest-post", "one of the posts in held-digest", true, FIELDS(
		{ "number", FIELD_LINE, MAY, "1", "which of them" },
		HELD_POST) },
	{ "held-not-done", "to a moderator: what was asked for by mail was "
	  "not done", false, FIELDS(
		POST_SUBJECT,
		{ "decided", FIELD_FLAG, MAY, "yes",
		  "the post has been decided about, or has expired" },
		{ "not.understood", FIELD_FLAG, MAY, "",
		  "the mail does not say what is to be done" },
		{ "reason", FIELD_LINE, MAY, "",
		  "why else it is not possible" }) },
	{ "held-notice", "to moderators: a post waits for a decision", false,
	  FIELDS(
		HELD_POST,
		{ "beginning", FIELD_LINES, MAY,
		  "Dear all,\n\nhere are the minutes of Monday.",
		  "its first lines" }) },
	{ "held-rejected", "to an author: a moderator has not accepted the "
	  "post", false, FIELDS(
		POST_SUBJECT,
		{ "received", FIELD_LINE, MAY, "2026-11-27 12:00 UTC",
		  "when the post came" },
		{ "reason", FIELD_LINE, MAY, "This was asked last week.",
		  "what the moderator says" }) },
	{ "held-waiting", "to an author: the post waits for a moderator",
	  false, FIELDS(POST_SUBJECT, EXPIRES) },
	{ "invite", "to whom an owner would like to have on the list", false,
	  FIELDS(
		CONFIRM_ADDRESS, CONFIRM_URL, EXPIRES,
		{ "by", FIELD_LINE, MAY, "owner@example.org",
		  "who invites" },
		{ "note", FIELD_LINES, MAY, "Would you like to join us?",
		  "what is said to the one who is invited" }) },
	{ "join-confirm", "to an address for which a subscription was asked "
	  "for", false, FIELDS(
		CONFIRM_ADDRESS, CONFIRM_URL, EXPIRES, ASKED_AT, ASKED_BY,
		CLIENT_NETWORK) },
	{ "join-held", "to one who wants to subscribe: a moderator decides",
	  false, FIELDS(ASKED_AT) },
	{ "join-moderate", "to moderators: somebody wants to subscribe",
	  false, FIELDS(
		MEMBER_ADDRESS, MEMBER_NAME, ASKED_AT, CLIENT_NETWORK,
		EXPIRES,
		{ "note", FIELD_LINES, MAY, "I work on example too.",
		  "what that person wrote" },
		{ "approve.address", FIELD_ADDR, MUST,
		  "dev-confirm+a" EXAMPLE_TOKEN "@lists.example.org",
		  "a mail there approves it" },
		{ "reject.address", FIELD_ADDR, MUST,
		  "dev-confirm+b" EXAMPLE_TOKEN "@lists.example.org",
		  "a mail there refuses it" }) },
	{ "join-refused", "to one who wanted to subscribe", false, FIELDS(
		{ "reason", FIELD_LINE, MAY,
		  "The list is for members of the society only.",
		  "what the moderator says" }) },
	{ "join-welcome", "to a new member", false, FIELDS(
		LEAVE_ADDRESS,
		{ "delivery.off", FIELD_FLAG, MAY, "",
		  "the member gets no copies as yet" },
		{ "delivery.digest", FIELD_FLAG, MAY, "",
		  "the member gets digests" }) },
	{ "leave-confirm", "to a member for whom leaving was asked for",
	  false, FIELDS(
		CONFIRM_ADDRESS, CONFIRM_URL, EXPIRES, ASKED_AT, ASKED_BY,
		CLIENT_NETWORK) },
	{ "leave-goodbye", "to one who has left", false, FIELDS(ASKED_AT) },
	{ "member-added", "to one whom an administrator has added", false,
	  FIELDS(LEAVE_ADDRESS, BY_ADMIN) },
	{ "member-removed", "to one whom an administrator has removed",
	  false, FIELDS(
		BY_ADMIN,
		{ "reason", FIELD_LINE, MAY, "You asked us to.", "why" }) },
	{ "misdirected", "to an author: a command was sent to the list",
	  false, FIELDS(POST_SUBJECT, LEAVE_ADDRESS) },
	{ "move-confirm-new", "to the new address of a member", false, FIELDS(
		CONFIRM_ADDRESS, CONFIRM_URL, OLD_ADDRESS, NEW_ADDRESS,
		ALL_LISTS, EXPIRES, ASKED_AT, CLIENT_NETWORK) },
	{ "move-confirm-old", "to the old address of a member", false, FIELDS(
		CONFIRM_ADDRESS, CONFIRM_URL, OLD_ADDRESS, NEW_ADDRESS,
		ALL_LISTS, EXPIRES, ASKED_AT, CLIENT_NETWORK) },
	{ "move-done", "to both addresses: the new one is subscribed", false,
	  FIELDS(OLD_ADDRESS, NEW_ADDRESS, ALL_LISTS) },
	{ "not-member", "to one who wants to leave, but is not subscribed "
	  "with this address", false, FIELDS(ASKED_AT) },
	{ "post-acknowledged", "to a member with ack=yes: his post has been "
	  "accepted", false, FIELDS(POST_SUBJECT) },
	{ "set-confirm", "to a member for whom a change of settings was "
	  "asked for", false, FIELDS(
		{ "settings", FIELD_LINES, MUST, "delivery digest",
		  "one a line, as \"set\" takes them" },
		CONFIRM_ADDRESS, CONFIRM_URL, EXPIRES, ASKED_AT, ASKED_BY,
		CLIENT_NETWORK) },
	{ NULL, NULL, false, NULL },
};

const struct template_kind *
template_kind_find(const char *name)
{
	for (const struct template_kind *kind = template_kinds;
	     kind->name != NULL; kind++)
		if (strcmp(kind->name, name) == 0)
			return kind;
	return NULL;
}

static const struct template_field *
find_in(const struct template_field *fields, const char *name)
{
	for (; fields->name != NULL; fields++)
		if (strcmp(fields->name, name) == 0)
			return fields;
	return NULL;
}

const struct template_field *
template_field_find(const struct template_kind *kind, const char *name)
{
	const struct template_field *found = find_in(template_common, name);

	if (found != NULL || kind != NULL)
		return found != NULL ? found : find_in(kind->fields, name);
	for (kind = template_kinds; kind->name != NULL && found == NULL;
	     kind++)
		found = find_in(kind->fields, name);
	return found;
}

static void
add_examples(GHashTable *values, const struct template_field *fields)
{
	for (; fields->name != NULL; fields++)
		g_hash_table_insert(values, (void *)(uintptr_t)fields->name,
				    g_strdup(fields->example));
}

GHashTable *
template_example(const struct template_kind *kind)
{
	GHashTable *values = g_hash_table_new_full(g_str_hash, g_str_equal,
						   NULL, g_free);

	add_examples(values, template_common);
	add_examples(values, kind->fields);
	return values;
}
