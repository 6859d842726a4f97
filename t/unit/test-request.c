/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "core/command/request.h"
#include "core/mail/mime.h"
#include "t/lib/tap.h"

#define LIST "dev@lists.example.org"
#define ID "abcdefghijklmnopqrs2"
#define ID2 "bbcdefghijklmnopqrs2"
#define TOKEN "abcdefghijklmnopqrstuvw7"

/* What was read, in one text: "subscribe digest; set ack=no; ?what" */
static void
print_one(GString *out, const struct request *request)
{
	static const char *const faults[] = {
		[REQUEST_FINE] = "", [REQUEST_UNKNOWN] = "?",
		[REQUEST_INCOMPLETE] = "-", [REQUEST_WRONG] = "!",
		[REQUEST_OTHER_LIST] = "@",
	};
	const struct request_kind *kind = request_kind_of(request->verb);

	if (out->len > 0)
		g_string_append(out, "; ");
	g_string_append_printf(out, "%s%s", faults[request->fault],
			       kind != NULL ? kind->name : request->line);
	if (request->fault != REQUEST_FINE) {
		if (request->what[0] != '\0')
			g_string_append_printf(out, " %s", request->what);
		return;
	}
	if (request->quiet)
		g_string_append(out, " quiet");
	if (request->key != NULL)
		g_string_append_printf(out, " %s=%s", request->key,
				       request->value);
	else if (request->value[0] != '\0')
		g_string_append_printf(out, " %s", request->value);
	if (request->addr[0] != '\0')
		g_string_append_printf(out, " <%s>", request->addr);
	if (request->name[0] != '\0')
		g_string_append_printf(out, " \"%s\"", request->name);
	for (char **word = request->words; *word != NULL; word++)
		g_string_append_printf(out, " %s", *word);
}

static char *
print_all(struct requests *requests)
{
	GString *out = g_string_new(NULL);

	for (guint i = 0; i < requests->all->len; i++)
		print_one(out, requests->all->pdata[i]);
	if (requests->is_empty)
		g_string_append(out, "empty");
	if (requests->more > 0)
		g_string_append_printf(out, " (%u more)", requests->more);
	if (requests->has_rest)
		g_string_append(out, " (rest)");
	requests_free(requests);
	return g_string_free(out, FALSE);
}

static void
check(const char *what, struct requests *requests, const char *wanted)
{
	g_autofree char *got = print_all(requests);

	if (strcmp(got, wanted) != 0)
		g_test_message("of: %s", what);
	g_assert_cmpstr(got, ==, wanted);
}

/* --- lines -------------------------------------------------------------- */

static void
test_lines(void)
{
	static const struct { const char *line, *is; } rows[] = {
		{ "help", "help" },
		{ "HELP.", "help" },
		{ "?", "help" },
		{ "help set", "help" },
		{ "\"help\"", "help" },
		{ "*unsubscribe*", "unsubscribe" },
		{ "\u201eunsubscribe\u201c", "unsubscribe" },
		{ "info", "info" },
		{ "info dev", "info" },
		{ "info announce", "@info announce" },
		{ "\u00a0\u00a0subscribe\u00a0digest\u200b",
		  "subscribe digest" },
		{ "<div>unsubscribe</div>", "unsubscribe" },
		{ "unsubscribe<br>", "unsubscribe" },
		{ "&nbsp;which", "which" },
		/* joining */
		{ "subscribe", "subscribe" },
		{ "SUBSCRIBE dev", "subscribe" },
		{ "subscribe dev@lists.example.org", "subscribe" },
		{ "subscribe dev Ann Person", "subscribe \"Ann Person\"" },
		{ "subscribe Ann Person", "subscribe \"Ann Person\"" },
		{ "SUB DEV Ann Person", "subscribe \"Ann Person\"" },
		{ "join", "subscribe" },
		{ "subscribe nomail", "subscribe off" },
		{ "subscribe plain", "subscribe plain" },
		{ "subscribe digest address=Ann@Example.ORG",
		  "subscribe digest <Ann@example.org>" },
		{ "subscribe xyzzy nodigest", "@subscribe xyzzy" },
		{ "subscribe announce", "@subscribe announce" },
		{ "subscribe announce Ann Person", "@subscribe announce" },
		{ "subscribe dev ann@example.org",
		  "subscribe <ann@example.org>" },
		{ "subscribe <ann@example.org<mailto:ann@example.org>>",
		  "subscribe <ann@example.org>" },
		{ "subscribe address=nowhere", "!subscribe address=nowhere" },
		{ "please subscribe me", "subscribe" },
		{ "Subscribe me to this list, please!", "subscribe" },
		{ "subscribe-digest", "subscribe digest" },
		{ "anmelden", "subscribe" },
		/* leaving */
		{ "unsubscribe", "unsubscribe" },
		{ "Unsubscribe!", "unsubscribe" },
		{ "unsub dev", "unsubscribe" },
		{ "signoff dev", "unsubscribe" },
		{ "sign off", "unsubscribe" },
		{ "SIGNOFF *", "unsubscribe" },
		{ "leave", "unsubscribe" },
		{ "remove", "unsubscribe" },
		{ "remove me", "unsubscribe" },
		{ "unsubscribe address=bob@example.net",
		  "unsubscribe <bob@example.net>" },
		{ "unsubscribe dev bob@example.net",
		  "unsubscribe <bob@example.net>" },
		{ "unsubscribe announce", "@unsubscribe announce" },
		{ "D\u00e9sabonner", "unsubscribe" },
		{ "Subject: unsubscribe", "unsubscribe" },
		{ "command=unsubscribe", "unsubscribe" },
		/* settings */
		{ "set delivery off", "set delivery=off" },
		{ "set delivery = on", "set delivery=on" },
		{ "set delivery=digest", "set delivery=digest" },
		{ "set delivery mime", "set delivery=digest" },
		{ "set delivery plain.", "set delivery=plain" },
		{ "set digest plain", "set delivery=plain" },
		{ "set digest mime", "set delivery=digest" },
		{ "set digest on", "set delivery=digest" },
		{ "set digest off", "set delivery=on" },
		{ "set digest", "set delivery=digest" },
		{ "SET DEV NOMAIL", "set delivery=off" },
		{ "set dev digest", "set delivery=digest" },
		{ "SET dev MAIL", "set delivery=on" },
		{ "set dev digestplain", "set delivery=plain" },
		{ "set nomail", "set delivery=off" },
		{ "set vacation on", "set delivery=off" },
		{ "nomail", "set delivery=off" },
		{ "digest", "set delivery=digest" },
		{ "Digest of last week", "?Digest of last week" },
		{ "set ack on", "set ack=yes" },
		{ "set dev noack", "set ack=no" },
		{ "set dev repro", "set own-posts=yes" },
		{ "set own-posts off", "set own-posts=no" },
		{ "set myposts on", "set own-posts=yes" },
		{ "set duplicates no", "set duplicates=no" },
		{ "set hide on", "set hidden=yes" },
		{ "set dev conceal", "set hidden=yes" },
		{ "set name Ann von Person", "set name=Ann von Person" },
		{ "set name \"Ann Person\"", "set name=Ann Person" },
		{ "set name Ann (work)", "set name=Ann (work)" },
		{ "set name", "set name=" },
		{ "set language de", "set language=de" },
		{ "set language", "-set" },
		{ "set", "-set" },
		{ "set delivery", "-set" },
		{ "set delivery sometimes", "!set sometimes" },
		{ "set colour red", "!set colour" },
		{ "set announce nomail", "@set announce" },
		{ "set authenticate xyzzy", "password" },
		{ "set show", "show" },
		{ "set address new@example.org", "move <new@example.org>" },
		{ "change new@example.org", "move <new@example.org>" },
		/* questions */
		{ "show", "show" },
		{ "query dev", "show" },
		{ "show " ID, "show " ID },
		{ "which", "which" },
		{ "lists", "which" },
		{ "who", "who" },
		{ "who xyzzy address=ann@example.org", "who" },
		{ "review dev", "who" },
		{ "who can tell me how this works",
		  "?who can tell me how this works" },
		{ "list of open bugs in the tracker",
		  "?list of open bugs in the tracker" },
		{ "get archive", "get archive" },
		{ "index dev", "get archive" },
		{ "get archive 12", "get archive 12" },
		{ "get dev archive 3, 12", "get archive 3 12" },
		{ "get archive last 5", "get archive last 5" },
		{ "index 7", "get archive 7" },
		{ "get archive <_a.b+C@x.example>",
		  "get archive _a.b+C@x.example" },
		{ "get archive please", "get archive" },
		{ "get archive last", "-get" },
		{ "get archive 0", "!get 0" },
		{ "get archive 99999999999", "!get 99999999999" },
		{ "get archive yesterday", "!get yesterday" },
		{ "get dev welcome", "get welcome" },
		{ "intro", "get welcome" },
		{ "get policy", "get policy" },
		{ "get", "-get" },
		{ "get lost", "!get lost" },
		/* tokens, addresses */
		{ "confirm " TOKEN, "confirm " TOKEN },
		{ "confirm ABCDEFGHIJKLMNOPQRSTUVW7.", "confirm " TOKEN },
		{ "confirm dev-confirm+" TOKEN "@lists.example.org",
		  "confirm " TOKEN },
		{ "auth " TOKEN " subscribe dev ann@example.org",
		  "confirm " TOKEN },
		{ "accept " TOKEN, "confirm " TOKEN },
		{ "confirm", "-confirm" },
		{ "confirm 1234", "!confirm 1234" },
		{ "move new@example.org", "move <new@example.org>" },
		{ "move to new@example.org all", "move all <new@example.org>" },
		{ "move old@example.org new@example.org",
		  "move <new@example.org> old@example.org" },
		{ "move", "-move" },
		{ "password xyzzy", "password" },
		/* owners */
		{ "held", "held" },
		{ "approve " ID, "approve " ID },
		{ "approve " ID ", " ID2, "approve " ID " " ID2 },
		{ "APPROVE ABCDEFGHIJKLMNOPQRS2", "approve " ID },
		{ "approve", "-approve" },
		{ "approve all", "!approve all" },
		{ "accept " ID, "accept " ID },
		{ "reject " ID, "reject " ID },
		{ "reject " ID ": not about us, sorry",
		  "reject not about us, sorry " ID },
		{ "distribute dev " ID, "approve " ID },
		{ "discard " ID, "discard " ID },
		{ "invite a@example.org, b@example.org",
		  "invite a@example.org b@example.org" },
		{ "add Ann Person <ann@example.org>",
		  "add \"Ann Person\" ann@example.org" },
		{ "quiet add dev ann@example.org Ann Person",
		  "add quiet \"Ann Person\" ann@example.org" },
		{ "remove ann@example.org", "remove ann@example.org" },
		{ "del dev ann@example.org", "remove ann@example.org" },
		{ "add", "-add" },
		{ "add somebody", "!add somebody" },
		{ "bounces", "bounces" },
		{ "what a day", "?what a day" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
		check(rows[i].line, requests_read(LIST, "", rows[i].line, 10),
		      rows[i].is);
}

/* --- mails -------------------------------------------------------------- */

static void
test_texts(void)
{
	static const struct { const char *subject, *text, *is; } rows[] = {
		{ "help", "", "help" },
		{ "Re: [dev] help", "", "help" },
		{ "AW: subscribe digest", "", "subscribe digest" },
		{ "unsubscribe", "unsubscribe\n", "unsubscribe" },
		{ "my subscription", "set delivery off\nwhich\n",
		  "set delivery=off; which" },
		{ "", "", "empty" },
		{ "Re:", "\n\n", "empty" },
		{ "a question", "", "?a question" },
		{ "stop", "which\n", "which" },
		{ "", "Hello,\n\nunsubscribe\n\nThanks,\nAnn\nwhich\n",
		  "unsubscribe" },
		{ "", "Bonjour\nwhich\nMerci d'avance\nJean\n", "which" },
		{ "", "which\nstop\nwho\n", "which" },
		{ "", "which\nEND.\nwho\n", "which" },
		{ "", "which\n-- \nwho\n", "which" },
		{ "", "which\n--\nwho\n", "which" },
		{ "", "which\n\u2014\nwho\n", "which" },
		{ "", "which\nSent from my iPhone\nwho\n", "which" },
		{ "", "> who\n> help\nwhich\n", "which" },
		{ "", "which\nOn Mon, Jun 1, 2026 at 12:00 PM Ann Person <\n"
		  "ann@example.org> wrote:\n> who\n", "which" },
		{ "", "On 1 Jun 2026, at 12:00, Ann <a@example.org> wrote:\n"
		  "> help\n\nwhich\n", "which" },
		{ "", "which\n\nAm 01.06.26 um 12:00 schrieb Ann:\n\nhelp\n",
		  "which" },
		{ "", "which\n\nLe lun. 1 juin 2026 \u00e0 12:00, Ann a "
		  "\u00e9crit :\n> who\n", "which" },
		{ "", "which\n\nAnn Person writes:\n> who\n", "which" },
		{ "", "which\n\n* Ann <ann@example.org> [2026-06-01 12:00]:\n"
		  "> who\n", "which" },
		{ "", "which\n\n________________________________\n"
		  "From: Ann\nSent: Monday\nTo: dev\nwho\n", "which" },
		{ "", "which\n\nFrom: Ann <ann@example.org>\nSent: Monday\n"
		  "To: x\nwho\n", "which" },
		{ "", "which\n\nVon: Ann\nGesendet: Montag\nwho\n", "which" },
		{ "", "which\n-----Original Message-----\nwho\n", "which" },
		{ "", "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\n"
		  "which\n-----BEGIN PGP SIGNATURE-----\nwho\n", "which" },
		{ "", "one line\ntwo lines\nthree lines\nfour\nwho\n",
		  "?one line; ?two lines; ?three lines (rest)" },
		{ "", "help\ninfo\nwhich\nwho\nshow\n",
		  "help; info; which; who (1 more)" },
		{ "", "reject " ID " this is not\nabout our work\n\nwhich\n",
		  "reject this is not about our work " ID "; which" },
		{ "", "add a@example.org\nb@example.org, c@example.org\n"
		  "Ann\n", "add a@example.org b@example.org c@example.org; "
		  "?Ann" },
		{ "", "approve " ID "\n" ID2 "\nheld\n",
		  "approve " ID " " ID2 "; held" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
		check(rows[i].text, requests_read(LIST, rows[i].subject,
						  rows[i].text, 4),
		      rows[i].is);
}

/* As mail programs send it */
static void
test_clients(void)
{
	static const struct { const char *post, *is; } rows[] = {
		/* Gmail */
		{ "Subject: \nMIME-Version: 1.0\nContent-Type: multipart/"
		  "alternative; boundary=\"000\"\n\n--000\nContent-Type: "
		  "text/plain; charset=\"UTF-8\"\n\nset delivery off\n\nOn "
		  "Mon, Jun 1, 2026 at 12:00 PM <dev-request@lists.example."
		  "org> wrote:\n\n> help\n>\n\n--000\nContent-Type: text/html;"
		  " charset=\"UTF-8\"\n\n<div dir=\"ltr\">which</div>\n\n"
		  "--000--\n", "set delivery=off" },
		/* Gmail, where only its HTML is there */
		{ "Subject: \nContent-Type: text/html; charset=utf-8\n"
		  "Content-Transfer-Encoding: quoted-printable\n\n<div dir=3D"
		  "\"ltr\"><div>set=C2=A0delivery\noff</div><div><br></div>"
		  "</div><br><div class=3D\"gmail_quote\"><div dir=3D\"ltr\""
		  " class=3D\"gmail_attr\">On Mon wrote:<br></div><blockquote"
		  " class=3D\"gmail_quote\"><div>help</div></blockquote>"
		  "</div>\n", "set delivery=off" },
		/* Apple Mail */
		{ "Subject: \nContent-Type: text/html; charset=us-ascii\n\n"
		  "<html><head><meta http-equiv=\"Content-Type\"></head>"
		  "<body style=\"word-wrap: break-word;\">which<br><div><br>"
		  "<blockquote type=\"cite\"><div>On 1 Jun 2026, at 12:00, "
		  "Ann wrote:</div><div>who</div></blockquote></div><div>"
		  "show</div></body></html>\n", "which; show" },
		/* Outlook */
		{ "Subject: RE: Results\nContent-Type: text/html; charset=iso-"
		  "8859-1\n\n<html><head><style><!-- p {} --></style></head>"
		  "<body lang=\"EN-US\"><div class=\"WordSection1\"><p class="
		  "\"MsoNormal\">unsubscribe<o:p></o:p></p><p class=\"Mso"
		  "Normal\"><o:p>&nbsp;</o:p></p></div><div id=\"appendonsend"
		  "\"></div><hr><div>help</div></body></html>\n",
		  "unsubscribe" },
		/* Thunderbird */
		{ "Subject: \nContent-Type: text/html\n\n<html><body><p>which"
		  "</p><div class=\"moz-cite-prefix\">On 6/1/26 12:00, Ann "
		  "wrote:<br></div><blockquote type=\"cite\" cite=\"mid:1\">"
		  "who</blockquote><br></body></html>\n", "which" },
		{ "Subject: \nContent-Type: text/plain; charset=UTF-8; format="
		  "flowed\nContent-Transfer-Encoding: 8bit\n\nset name J\u00f6"
		  "rg\n\nAm 01.06.26 um 12:00 schrieb dev-request@lists."
		  "example.org:\n> help\n\n-- \nJ\u00f6rg\n",
		  "set name=J\u00f6rg" },
		/* mutt */
		{ "Subject: Re: help\nContent-Type: text/plain; charset=us-"
		  "ascii\n\nOn Mon, Jun 01, 2026 at 12:00:00PM +0000, Ann "
		  "wrote:\n> help\n\nwhich\n\n-- \nAnn\n", "help; which" },
		/* K-9 */
		{ "Subject: \nContent-Type: text/plain; charset=utf-8\nContent-"
		  "Transfer-Encoding: base64\n\nd2hpY2gKLS0gCkRpZXNlIE5hY2hy"
		  "aWNodCB3dXJkZSB2b24gbWVpbmVtIEFuZHJvaWQtR2Vyw6R0IG1pdCBL"
		  "LTkgTWFpbCBnZXNlbmRldC4K\n", "which" },
		/* charsets */
		{ "Subject: =?utf-8?q?D=C3=A9sabonner?=\n\n\n",
		  "unsubscribe" },
		{ "Subject: \nContent-Type: text/plain; charset=utf-16\nContent"
		  "-Transfer-Encoding: base64\n\n/v8AdwBoAGkAYwBoAAo=\n",
		  "which" },
		{ "Subject: \nContent-Type: text/plain; charset=iso-8859-1\n"
		  "Content-Transfer-Encoding: quoted-printable\n\nset name "
		  "J=F6rg\n", "set name=J\u00f6rg" },
		/* a form */
		{ "Subject: Form\nContent-Type: text/plain\n\ncommand="
		  "subscribe\n", "subscribe" },
		/* what is passed on is not what is asked */
		{ "Subject: \nContent-Type: multipart/mixed; boundary=b\n\n"
		  "--b\nContent-Type: text/plain\n\nwhich\n--b\nContent-Type: "
		  "message/rfc822\n\nSubject: x\n\nunsubscribe\n--b--\n",
		  "which" },
		{ "Subject: \nContent-Type: multipart/mixed; boundary=b\n\n"
		  "--b\nContent-Type: text/plain\nContent-Disposition: "
		  "attachment\n\nunsubscribe\n--b\nContent-Type: text/plain"
		  "\n\nwhich\n--b--\n", "which" },
		/* in words */
		{ "Subject: hi\n\nPlease take me off your list.\n",
		  "unsubscribe" },
		{ "Subject: dev\n\nBitte aus dem Verteiler nehmen\n",
		  "unsubscribe" },
		{ "Subject: \n\nUnsubscribe me from these mails.\n",
		  "unsubscribe" },
		{ "Subject: hi\n\nis anybody there\n",
		  "?is anybody there" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct header header;
		size_t body_at;

		g_assert_true(header_parse(rows[i].post, strlen(rows[i].post),
					   &header, &body_at));
		check(rows[i].post, requests_of_post(
			LIST, &header, rows[i].post + body_at,
			strlen(rows[i].post + body_at), 10), rows[i].is);
		header_done(&header);
	}
}

/* --- the table ---------------------------------------------------------- */

static void
test_table(void)
{
	for (const struct request_word *word = request_words;
	     word->word != NULL; word++) {
		g_assert_nonnull(request_kind_of(word->verb));
		g_assert_true(request_word_find(word->word) == word);
	}
	for (const struct request_kind *kind = request_kinds;
	     kind->name != NULL; kind++)
		g_assert_cmpint(request_word_find(kind->name)->verb, ==,
				kind->verb);
}

/* --- what people read --------------------------------------------------- */

static char *
read_source(const char *name)
{
	const char *src = g_getenv("MUSTER_SRC");
	g_autofree char *path = g_build_filename(src != NULL ? src : ".",
						 name, NULL);
	char *text;

	g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
	return text;
}

static bool
matches(const char *text, const char *format, const char *word)
{
	g_autofree char *escaped = g_regex_escape_string(word, -1);
	g_auto(GStrv) parts = g_strsplit(format, "WORD", 2);
	g_autofree char *pattern = g_strconcat(parts[0], escaped, parts[1],
					       NULL);

	return g_regex_match_simple(pattern, text, G_REGEX_MULTILINE, 0);
}

/* As mdoc(7) has it */
static char *
unescape(const char *page)
{
	g_autoptr(GString) text = g_string_new(page);

	g_string_replace(text, "\\-", "-", 0);
	g_string_replace(text, "\\('e", "\u00e9", 0);
	return g_strdup(text->str);
}

static void
test_page(void)
{
	g_autofree char *page = read_source("core/command/muster-commands.7");
	g_autofree char *text = unescape(page);

	for (const struct request_kind *kind = request_kinds;
	     kind->name != NULL; kind++)
		if (!matches(text, "^\\.It Cm WORD\\b", kind->name))
			g_error("muster-commands(7) lacks %s", kind->name);
	for (const struct request_word *word = request_words;
	     word->word != NULL; word++)
		if (!matches(text, "[ \\n]WORD[ \\n]", word->word))
			g_error("muster-commands(7) lacks %s", word->word);
}

static void
test_help(void)
{
	static const char *const languages[] = {"en", "de", "fr", "es"};

	for (size_t i = 0; i < G_N_ELEMENTS(languages); i++) {
		g_autofree char *name = g_strdup_printf(
			"conf/templates/%s/command-help", languages[i]);
		g_autofree char *text = read_source(name);

		for (const struct request_kind *kind = request_kinds;
		     kind->name != NULL; kind++)
			if (kind->verb != REQUEST_PASSWORD &&
			    !matches(text, "^  WORD ", kind->name))
				g_error("%s lacks %s", name, kind->name);
	}
}

static void
test_proof(void)
{
	static const struct { const char *text; bool needs; } rows[] = {
		{ "subscribe", false }, { "unsubscribe", false },
		{ "confirm " TOKEN, false }, { "set ack on", false },
		{ "help", true }, { "which\nsubscribe", false },
		{ "confirm", true }, { "", true }, { "held", true },
		{ "subscribe announce", true },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct requests *all = requests_read(LIST, "", rows[i].text,
						     10);

		g_assert_cmpint(requests_need_proof(all), ==, rows[i].needs);
		requests_free(all);
	}
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{ "a line, in the words of many programs", test_lines },
		{ "quotes, signatures and greetings are none", test_texts },
		{ "as mail programs send it", test_clients },
		{ "each word leads to a command", test_table },
		{ "what needs no proof", test_proof },
		{ "muster-commands(7) has each word", test_page },
		{ "help has each command, in each language", test_help },
		{ NULL, NULL },
	};

	mime_init();
	return tap_run("request", cases);
}
