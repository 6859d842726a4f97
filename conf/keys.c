/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf/keys.h"

#include <string.h>

#include <glib.h>

#include "core/base/banned.h"

#define KEYS_MAX 128	/* in one table */

static const char *const outgoing_choices[] = {
	"on", "paused", "drain", NULL
};
static const char *const verp_choices[] = {
	"auto", "single", "xverp", "adaptive", NULL
};

static const char *const subscription_choices[] = {
	"open", "confirm", "moderated", "confirm+moderated", "closed",
	"invite", NULL
};
static const char *const who_choices[] = {
	"owners", "members", "all", NULL
};
static const char *const alternative_choices[] = { "keep", "plain", NULL };
static const char *const html_choices[] = { "keep", "text", NULL };
static const char *const signed_choices[] = { "keep", "filter", NULL };
static const char *const empty_choices[] = {
	"note", "pass", "shunt", NULL
};
static const char *const complaint_choices[] = {
	"remove", "off", "ignore", NULL
};
static const char *const dmarc_choices[] = {
	"none", "munge-from", "wrap", "reject", NULL
};
static const char *const dmarc_when_choices[] = {
	"needed", "policy", "always", NULL
};

static const char *const reply_to_choices[] = {
	"none", "list", "author", "both", "given", NULL
};
static const char *const list_headers_choices[] = {
	"all", "minimal", "none", NULL
};
static const char *const list_post_choices[] = {
	"auto", "yes", "no", NULL
};
static const char *const sender_choices[] = {
	"list", "keep", NULL
};
static const char *const author_signature_choices[] = {
	"keep", "remove", "remove-broken", NULL
};
static const char *const archive_choices[] = {
	"off", "maildir", "mbox", NULL
};

static const char *const hour_choices[] = {
	"any", "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11",
	"12", "13", "14", "15", "16", "17", "18", "19", "20", "21", "22",
	"23", NULL
};
static const char *const volume_choices[] = {
	"year", "quarter", "month", "week", "never", NULL
};

const struct key list_keys[] = {
	{ "accept-automatic", KEY_BOOL, "no",
	  "yes: posts made by machines, such as bug trackers, are for the "
	  "policy; no: they are refused", false, NULL },
	{ "accepted", KEY_PATTERNS, "",
	  "authors always to accept: addresses and patterns", false, NULL },
	{ "anonymous", KEY_BOOL, "no",
	  "yes: posts do not say who wrote them; From is the list", false,
	  NULL },
	{ "archive", KEY_CHOICE, "off",
	  "posts are kept in: off (nothing), maildir, mbox", false,
	  archive_choices },
	{ "archive-all", KEY_BOOL, "no",
	  "yes: also those whose author asks not to be archived "
	  "(X-No-Archive)", false, NULL },
	{ "archive-dir", KEY_PATH, "",
	  "directory of the archive; may have %{list}, %{list-name} and "
	  "%{list-domain}; empty: HOME/archive/DOMAIN/LIST", false,
	  NULL },
	{ "archive-obscure", KEY_BOOL, "no",
	  "yes: addresses in archived posts are made unreadable", false,
	  NULL },
	{ "archive-private", KEY_BOOL, "yes",
	  "yes: only musterd's user can read the archive; no: everybody who "
	  "has an account on the machine", false, NULL },
	{ "archive-url", KEY_LINK, "",
	  "where posts are found, for Archived-At and List-Archive; may have "
	  "%{message-id}, %{hash}, %{list}, %{list-name}, %{list-domain}",
	  false, NULL },
	{ "author-rate", KEY_RATE, "",
	  "most posts of one author in a time, e.g. 20/1d; empty: any",
	  false, NULL },
	{ "author-signature", KEY_CHOICE, "keep",
	  "the author's DKIM-Signature: keep, remove, remove-broken (where it "
	  "does not hold for what the list has made of the post)", false,
	  author_signature_choices },
	{ "banned", KEY_PATTERNS, "",
	  "who may neither post nor join, besides those that the domain and "
	  "the site ban: "
	  "addresses and patterns", true, NULL },
	{ "bounce-breaker", KEY_PERCENT, "10",
	  "when so much of the roster, in percent, fails within an hour it "
	  "is not the members' fault, and no score rises; 0: never", false,
	  NULL },
	{ "bounce-breaker-least", KEY_COUNT, "20",
	  "and no fewer members than these", false, NULL },
	{ "bounce-decay", KEY_DURATION, "30d",
	  "time in which a member's bounce score falls to half", false, NULL },
	{ "bounce-good-weight", KEY_POINTS, "0.1",
	  "what each post takes off the score that has reached him since his "
	  "last failure", false, NULL },
	{ "bounce-hard-weight", KEY_POINTS, "1",
	  "what a failure for good adds to the score, once a day at most",
	  false, NULL },
	{ "bounce-notify", KEY_BOOL, "yes",
	  "yes: the owners get a digest of what bounces have led to", false,
	  NULL },
	{ "bounce-probe-wait", KEY_DURATION, "7d",
	  "how long a probe may take to come back; one that does not clears "
	  "the score", false, NULL },
	{ "bounce-processing", KEY_BOOL, "yes",
	  "no: failures are recorded, and nothing follows from them", false,
	  NULL },
	{ "bounce-soft-weight", KEY_POINTS, "0.25",
	  "what a failure that may pass adds to the score, once a day at "
	  "most", false, NULL },
	{ "bounce-threshold", KEY_POINTS, "4",
	  "a member with this score gets a probe; when that fails too, his "
	  "delivery is turned off", false, NULL },
	{ "bounce-warn-every", KEY_DURATION, "7d",
	  "how often he is then warned", false, NULL },
	{ "bounce-warnings", KEY_NUMBER, "3",
	  "and how often before he is removed; 0: he is neither warned nor "
	  "removed", false, NULL },
	{ "closed", KEY_BOOL, "no", "yes: every post is refused", false, NULL },
	{ "commands-most", KEY_COUNT, "10",
	  "commands that one message may have, 1 to 1000", false, NULL },
	{ "complaint", KEY_CHOICE, "remove",
	  "a member who reports a post as spam: remove, off (his delivery), "
	  "ignore", false, complaint_choices },
	{ "confirm-address-rate", KEY_RATE, "3/1d",
	  "most mails to one address in a time that ask it to confirm what "
	  "anybody may have asked for; empty: any", false, NULL },
	{ "confirm-domain-rate", KEY_RATE, "200/1h",
	  "the same for all addresses of a domain; empty: any", false, NULL },
	{ "confirm-network-rate", KEY_RATE, "30/1h",
	  "the same for what comes from one network; empty: any", false,
	  NULL },
	{ "content", KEY_CONTENT, "",
	  "which parts of a post pass, are removed or replaced by a note: "
	  "rules such as remove name *.exe; replace size > 2M", false, NULL },
	{ "content-alternative", KEY_CHOICE, "keep",
	  "plain: of a text that came as plain text and as HTML only the "
	  "plain one is sent on", false, alternative_choices },
	{ "content-empty", KEY_CHOICE, "note",
	  "a post of which content leaves nothing: note (it says so), pass "
	  "(as it is), shunt (set aside)", false, empty_choices },
	{ "content-html", KEY_CHOICE, "keep",
	  "text: HTML that came without plain text is made such", false,
	  html_choices },
	{ "content-signed", KEY_CHOICE, "keep",
	  "filter: content looks into what is signed too, and signatures go "
	  "where it changes something", false, signed_choices },
	{ "description", KEY_TEXT, "",
	  "what the list is for, one line; shown in List-Id", false, NULL },
	{ "digest-every", KEY_DURATION, "1d",
	  "a digest is sent when its first post has waited so long", false,
	  NULL },
	{ "digest-hour", KEY_CHOICE, "any",
	  "and not before this hour of the day in UTC, 0 to 23; any: at any",
	  false, hour_choices },
	{ "digest-posts", KEY_COUNT, "50",
	  "a digest is sent when it has so many posts", false, NULL },
	{ "digest-size", KEY_SIZE, "40k",
	  "a digest is sent when its posts have so many bytes", false, NULL },
	{ "digest-volume-every", KEY_CHOICE, "year",
	  "when the number of the digests begins again: year, quarter, "
	  "month, week or never", false, volume_choices },
	{ "dmarc", KEY_CHOICE, "munge-from",
	  "posts that would fail DMARC when they come from the list: none "
	  "(sent as they are), munge-from (\"Ann via dev\" <LIST>), wrap "
	  "(as an attachment), reject", false, dmarc_choices },
	{ "dmarc-when", KEY_CHOICE, "needed",
	  "which posts: needed (the author's domain asks for it, and no "
	  "signature of it holds), policy (the domain asks for it), always",
	  false, dmarc_when_choices },
	{ "emergency", KEY_BOOL, "no",
	  "yes: every post is held for a moderator", false, NULL },
	{ "exclude", KEY_PATTERNS, "",
	  "lists, or @DOMAIN for all of one: their members get no copy of a "
	  "post that has come to them, too", false, NULL },
	{ "footer", KEY_LINES, "",
	  "text below each post; may have %{list}, %{member}, "
	  "%{unsubscribe} and more", false, NULL },
	{ "goodbye", KEY_BOOL, "yes",
	  "yes: who has left is told so", false, NULL },
	{ "header", KEY_LINES, "",
	  "text above each post; may have what a footer may", false, NULL },
	{ "header-rules", KEY_RULES, "",
	  "fields to remove, rename or add, such as \"remove X-Spam-*; add "
	  "X-Club: ours\"", false, NULL },
	{ "held-keep", KEY_DURATION, "14d",
	  "how long a held post waits for a moderator", false, NULL },
	{ "held-notice", KEY_BOOL, "yes",
	  "yes: an author who is verified is told that his post is held",
	  false, NULL },
	{ "include", KEY_ADDRS, "",
	  "lists whose members get the posts, too", false, NULL },
	{ "language", KEY_LANGUAGE, "en",
	  "of the mail that muster writes for the list, such as de, fr or es",
	  false, NULL },
	{ "leave-confirm", KEY_BOOL, "yes",
	  "yes: who wants to leave and is not verified is asked to confirm; "
	  "no: he has left", false, NULL },
	{ "list-headers", KEY_CHOICE, "all",
	  "fields that say what the list is: all, minimal (its name, and how "
	  "to leave), none", false, list_headers_choices },
	{ "list-post", KEY_CHOICE, "auto",
	  "the field List-Post: yes; no (posting is not allowed); auto: no "
	  "where policy=announce", false, list_post_choices },
	{ "list-rate", KEY_RATE, "",
	  "most posts to the list in a time, e.g. 200/1h; empty: any",
	  false, NULL },
	{ "max-recipients", KEY_NUMBER, "0",
	  "most recipients of one post; 0 for any", false, NULL },
	{ "max-size", KEY_SIZE, "10M",
	  "largest post, e.g. 400k or 10M; 0 for no limit", false, NULL },
	{ "misdirected", KEY_BOOL, "yes",
	  "yes: a command that was sent to the list itself (\"unsubscribe\") "
	  "is not sent on; its author is told what to do", false, NULL },
	{ "moderator", KEY_ADDRS, "",
	  "who decides about held posts; empty: the owners", false, NULL },
	{ "moderator-digest", KEY_ADDRS, "",
	  "those of them who want one notice a day instead of one for each "
	  "post", false, NULL },
	{ "outgoing", KEY_CHOICE, "on",
	  "on; paused: posts are taken, no copies leave; drain: what is "
	  "queued leaves, no posts are taken", false, outgoing_choices },
	{ "owner", KEY_ADDRS, "",
	  "who reads LIST-owner", false, NULL },
	{ "policy", KEY_POLICY, "members",
	  "who may post: open, members (From is subscribed), members-strict "
	  "(the envelope sender too), moderated, announce, or the text of a "
	  "policy", false, NULL },
	{ "program", KEY_PROGRAM, "",
	  "the program that each post goes through: the NAME of a [program "
	  "NAME] of muster.conf(5); empty: none", false, NULL },
	{ "refuse-text", KEY_TEXT, "",
	  "what a refused author is told; empty: a sentence with the "
	  "address to subscribe", false, NULL },
	{ "reply-to", KEY_CHOICE, "none",
	  "where replies go: none (as the author says), list, author, both, "
	  "given (reply-to-address)", false, reply_to_choices },
	{ "reply-to-address", KEY_ADDRS, "",
	  "for reply-to=given", false, NULL },
	{ "reply-to-keep", KEY_BOOL, "yes",
	  "no: the author's own Reply-To is taken away", false, NULL },
	{ "self-service", KEY_BOOL, "yes",
	  "yes: a verified author need not confirm what only concerns "
	  "himself", false, NULL },
	{ "sender", KEY_CHOICE, "list",
	  "the field Sender: list (its bounce address), keep (the author's, "
	  "if there is one)", false, sender_choices },
	{ "siblings", KEY_PATTERNS, "",
	  "lists, or @DOMAIN for all of one: who is on several of them gets "
	  "one copy of a post to several", false, NULL },
	{ "sign-domain", KEY_DOMAIN, "",
	  "the domain that signs; empty: the list's own", false, NULL },
	{ "sign-key", KEY_PATH, "",
	  "file of the private key (PEM) that signs posts (DKIM) and seals "
	  "them (ARC); empty: neither", false, NULL },
	{ "sign-selector", KEY_DOMAIN, "",
	  "selector of that key in DNS", false, NULL },
	{ "subject-prefix", KEY_PREFIX, "",
	  "put in front of subjects, e.g. [dev]; may have the number of the "
	  "post: [dev %{number}], or, of five digits, %{number:5}", false,
	  NULL },
	{ "subscription", KEY_CHOICE, "confirm",
	  "who may join: open, confirm (who reads mail to the address), "
	  "moderated, confirm+moderated, closed, invite", false,
	  subscription_choices },
	{ "token-keep", KEY_DURATION, "7d",
	  "how long what is to be confirmed waits", false, NULL },
	{ "unsubscribe-url", KEY_URL, "",
	  "where a POST unsubscribes a member (RFC 8058), with %{token} in "
	  "it; empty: List-Unsubscribe has a mailto only", false, NULL },
	{ "verp", KEY_CHOICE, "auto",
	  "envelopes of copies: auto, single (one each), xverp (the relay "
	  "makes the senders), adaptive (proven members share one)", false,
	  verp_choices },
	{ "verp-every", KEY_NUMBER, "10",
	  "verp=adaptive: of so many posts, a proven member gets one under "
	  "a sender of his own; 0: none", false, NULL },
	{ "verp-proven", KEY_DURATION, "7d",
	  "verp=adaptive: how long a member must have had no failure to "
	  "be proven", false, NULL },
	{ "weight", KEY_WEIGHT, "1",
	  "the list's share of the connections to the relay, 1 to 100",
	  false, NULL },
	{ "welcome", KEY_BOOL, "yes",
	  "yes: who has joined is told how the list works", false, NULL },
	{ "who", KEY_CHOICE, "owners",
	  "who may ask who is subscribed: owners, members, all", false,
	  who_choices },
	{ NULL, KEY_TEXT, NULL, NULL, false, NULL },
};

const struct key member_keys[] = {
	{ "ack", KEY_BOOL, "no",
	  "yes: is told when a post of his has been sent", false, NULL },
	{ "delivery", KEY_DELIVERY, "on",
	  "on; off: gets no copies; digest: collected, as MIME; plain: "
	  "collected, as text", false, NULL },
	{ "duplicates", KEY_BOOL, "yes",
	  "no: gets no copy of a post that he is an addressee of himself",
	  false, NULL },
	{ "hidden", KEY_BOOL, "no",
	  "yes: not shown to those who ask who is subscribed", false, NULL },
	{ "language", KEY_LANGUAGE, "",
	  "of what muster writes to him, such as de; empty: the list's",
	  false, NULL },
	{ "moderated", KEY_BOOL, "no",
	  "yes: what he posts is held for a moderator", false, NULL },
	{ "name", KEY_TEXT, "", "display name", false, NULL },
	{ "own-posts", KEY_BOOL, "yes",
	  "no: gets no copy of what he posts himself", false, NULL },
	{ NULL, KEY_TEXT, NULL, NULL, false, NULL },
};

const struct key template_key = {
	"template", KEY_TEMPLATE, "", "the text of a letter", false, NULL
};

const char *const text_field_names[TEXT_FIELDS + 1] = {
	[FIELD_LIST] = "list",
	[FIELD_LIST_ADDRESS] = "list.address",
	[FIELD_LIST_NAME] = "list.name",
	[FIELD_LIST_DOMAIN] = "list.domain",
	[FIELD_DESCRIPTION] = "list.description",
	[FIELD_REQUEST] = "list.request",
	[FIELD_OWNER] = "list.owner",
	[FIELD_JOIN] = "list.join",
	[FIELD_LEAVE] = "list.leave",
	[FIELD_ARCHIVE] = "archive",
	[FIELD_LINK] = "link",
	[FIELD_MEMBER] = "member",
	[FIELD_UNSUBSCRIBE] = "unsubscribe",
};

size_t
text_field_at(const char *text, enum text_field *field)
{
	size_t len;
	int i = 0;

	if (!g_str_has_prefix(text, "%{"))
		return 0;
	text += strlen("%{");
	len = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRST"
		     "UVWXYZ0123456789._-");
	if (len == 0 || text[len] != '}')
		return 0;
	while (i < TEXT_FIELDS && (strlen(text_field_names[i]) != len ||
	       memcmp(text_field_names[i], text, len) != 0))
		i++;
	*field = (enum text_field)i;
	return len + strlen("%{}");
}

const struct key *
key_find(const struct key *keys, const char *name)
{
	g_autofree char *wanted = g_strdelimit(g_strdup(name), "_", '-');

	for (; keys->name != NULL; keys++)
		if (strcmp(keys->name, wanted) == 0)
			return keys;
	return NULL;
}

#define TEMPLATE_NAME_MAX 40

static bool
is_template(const char *name)
{
	size_t len;

	if (!g_str_has_prefix(name, KEY_TEMPLATE_PREFIX))
		return false;
	name += strlen(KEY_TEMPLATE_PREFIX);
	len = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-");
	return len > 0 && len <= TEMPLATE_NAME_MAX && name[len] == '/' &&
		key_is_language(name + len + 1);
}

const struct key *
key_of_setting(const char *name)
{
	for (const struct key *key = list_keys; key->name != NULL; key++)
		if (strcmp(key->name, name) == 0)
			return key;
	return is_template(name) ? &template_key : NULL;
}

enum err_code
key_unknown(const struct key *keys, const char *name, struct err *err)
{
	const char *names[KEYS_MAX + 1];
	g_autoptr(GString) all = g_string_new(NULL);
	const char *nearest;
	size_t count = 0;

	for (; keys->name != NULL && count < G_N_ELEMENTS(names) - 1;
	     keys++) {
		names[count++] = keys->name;
		g_string_append_printf(all, "%s%s", all->len > 0 ? ", " : "",
				       keys->name);
	}
	names[count] = NULL;
	nearest = key_nearest(names, name);
	if (nearest != NULL)
		return err_set(err, ERR_INVALID, "",
			       "unknown key \"%s\"; did you mean \"%s\"?",
			       name, nearest);
	return err_set(err, ERR_INVALID, "",
		       "unknown key \"%s\"; there are %s", name, all->str);
}

/* Levenshtein's distance, for short names. */
static unsigned int
distance(const char *a, const char *b)
{
	unsigned int row[64];
	size_t len = strlen(b);

	if (len >= G_N_ELEMENTS(row) || strlen(a) >= G_N_ELEMENTS(row))
		return G_N_ELEMENTS(row);
	for (unsigned int j = 0; j <= len; j++)
		row[j] = j;
	for (unsigned int i = 1; a[i - 1] != '\0'; i++) {
		unsigned int corner = row[0];

		row[0] = i;
		for (unsigned int j = 1; j <= len; j++) {
			unsigned int above = row[j];
			unsigned int swap = corner + (a[i - 1] != b[j - 1]);

			row[j] = MIN(swap, MIN(above, row[j - 1]) + 1);
			corner = above;
		}
	}
	return row[len];
}

const char *
key_nearest(const char *const *names, const char *name)
{
	const char *best = NULL;
	unsigned int least = 3;	/* more than two slips is another word */

	for (; *names != NULL; names++) {
		unsigned int slips = distance(name, *names);

		if (slips < least && slips < strlen(*names)) {
			least = slips;
			best = *names;
		}
	}
	return best;
}
