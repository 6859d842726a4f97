/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/mail/via.h"

#include <string.h>

#include "core/mail/mime.h"
#include "core/base/banned.h"

#define LIST "dev@lists.example.org"

static void
see(const GString *text, const char *part)
{
	if (strstr(text->str, part) == NULL)
		g_error("\"%s\" is not in:\n%s", part, text->str);
}

static void
see_not(const GString *text, const char *part)
{
	if (strstr(text->str, part) != NULL)
		g_error("\"%s\" is in:\n%s", part, text->str);
}

static void
see_lines_short(const GString *text)
{
	g_auto(GStrv) lines = g_strsplit(text->str, "\r\n", -1);

	for (char **line = lines; *line != NULL; line++)
		g_assert_cmpuint(strlen(*line), <=, 998);
}

/* The header with From munged. */
static GString *
munged(const char *text, bool reply_is_lists)
{
	GString *out = g_string_new(NULL);
	struct header header;
	size_t body_at;

	g_assert_true(header_parse(text, strlen(text), &header, &body_at));
	via_set_from(&header, LIST, reply_is_lists);
	header_write(&header, out);
	header_done(&header);
	see_lines_short(out);
	return out;
}

/* --- names -------------------------------------------------------------- */

static const struct {
	const char *from;	/* value of From */
	const char *name;	/* that it gets, decoded */
} names[] = {
	{ "Ann Example <ann@example.net>", "Ann Example via dev" },
	{ "\"Example, Ann\" <ann@example.net>", "Example, Ann via dev" },
	{ "\"Ann \\\"Q\\\" E\" <ann@example.net>", "Ann  Q  E via dev" },
	{ "ann@example.net", "ann via dev" },
	{ "<ann@example.net>", "ann via dev" },
	{ "\"\" <ann@example.net>", "ann via dev" },
	{ "ann@example.net (Ann Example)", "Ann Example via dev" },
	{ "Ann (the boss) Example <ann@example.net> (home)",
	  "Ann  Example via dev" },
	{ "=?utf-8?q?J=C3=BCrgen?= <j@example.net>",
	  "J\xc3\xbcrgen via dev" },
	{ "=?iso-8859-1?q?J=FCrgen?= =?iso-8859-1?q?_M?= <j@example.net>",
	  "J\xc3\xbcrgen M via dev" },
	{ "\"=?utf-8?b?SsO8cmdlbg==?=\" <j@example.net>",
	  "J\xc3\xbcrgen via dev" },
	{ "=?iso-2022-jp?b?GyRCRnxLXBsoQg==?= <n@example.net>",
	  "\xe6\x97\xa5\xe6\x9c\xac via dev" },
	{ "J\xfcrgen <j@example.net>", "J\xc3\xbcrgen via dev" },
	{ "J\xc3\xbcrgen <j@example.net>", "J\xc3\xbcrgen via dev" },
	{ "=?utf-8?q?a=0D=0ABcc=3A_x=40y?= <ann@example.net>",
	  "a  Bcc: x via dev" },
	/* once */
	{ "Ann via dev <ann@example.net>", "Ann via dev" },
	{ "Ann via dev via dev <ann@example.net>", "Ann via dev" },
	/* no other domain in a name */
	{ "\"ann@bank.example\" <ann@example.net>", "ann via dev" },
	{ "\"Ann <ann@bank.example>\" <ann@example.net>", "Ann  ann via dev" },
	{ "\"@bank.example\" <ann@example.net>", "ann via dev" },
	/* several, and groups */
	{ "Ann <ann@example.net>, bob@example.net", "Ann, bob via dev" },
	{ "a@x.example, b@x.example, c@x.example, d@x.example",
	  "a, b, c and others via dev" },
	{ "Team: Ann <ann@example.net>, Bob <b@example.net>;",
	  "Ann, Bob via dev" },
	{ "Ann <ann@example.net>, Other <ann@example.net>", "Ann via dev" },
	/* what nobody understands */
	{ "Undisclosed:;", "via dev" },
	{ "", "via dev" },
	{ "(((", "via dev" },
	{ "Ann ann@example.net", "via dev" },
	{ "\"a b\"@example.net", "a b via dev" },
};

static void
check_name(const char *from, const char *wanted)
{
	g_autofree char *text = g_strdup_printf("From: %s\r\n\r\n", from);
	g_autoptr(GString) out = munged(text, false);
	g_autoptr(GPtrArray) boxes = NULL;
	struct header header;
	size_t body_at;
	const struct mailbox *box;
	bool complete;

	g_assert_true(header_parse(out->str, out->len, &header, &body_at));
	g_assert_cmpuint(header_count(&header, "From"), ==, 1);
	boxes = mime_named(&header, "From", &complete);
	g_assert_true(complete);
	g_assert_cmpuint(boxes->len, ==, 1);
	box = boxes->pdata[0];
	g_assert_cmpstr(box->addr, ==, LIST);
	g_assert_cmpstr(box->name, ==, wanted);
	g_assert_true(g_str_is_ascii(out->str));
	header_done(&header);
}

static void
test_names(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
		check_name(names[i].from, names[i].name);
}

static void
test_long_names(void)
{
	g_autofree char *word = g_strnfill(3000, 'x');
	g_autofree char *plain = g_strdup_printf("From: %s <a@x.example>\r\n"
						 "\r\n", word);
	g_autofree char *quoted = g_strdup_printf("From: \"%s\" <a@x.example>"
						  "\r\n\r\n", word);
	g_autofree char *raw = g_strnfill(3000, '\xfc');
	g_autofree char *eight = g_strdup_printf("From: %s <a@x.example>\r\n"
						 "\r\n", raw);
	g_autoptr(GString) a = munged(plain, false);
	g_autoptr(GString) b = munged(quoted, false);
	g_autoptr(GString) c = munged(eight, false);

	see(a, "xxx via dev");
	see(b, "xxx via dev");
	see(c, "<dev@lists.example.org>");
}

static void
test_several_fields(void)
{
	g_autoptr(GString) out = munged("From: Ann <ann@example.net>\r\n"
					"X: y\r\nfrom: bob@example.net\r\n"
					"\r\n", false);

	see(out, "From: \"Ann, bob via dev\" <dev@lists.example.org>\r\n"
	    "X: y\r\n");
	see_not(out, "from:");
	see(out, "Author: Ann <ann@example.net>, bob@example.net\r\n");
}

/* --- where an answer goes ----------------------------------------------- */

#define ANN "From: Ann <ann@example.net>\r\n"

static void
test_reply_to(void)
{
	g_autoptr(GString) none = munged(ANN "\r\n", false);
	g_autoptr(GString) own = munged(ANN "Reply-To: office@example.net\r\n"
					"\r\n", false);
	g_autoptr(GString) same = munged(ANN "Reply-To: A <ANN@x>, <ann@"
					 "EXAMPLE.net>\r\n\r\n", false);
	g_autoptr(GString) two = munged(ANN "Reply-To: a@x.example\r\n"
					"Reply-To: b@x.example\r\n\r\n",
					false);
	g_autoptr(GString) empty = munged(ANN "Reply-To: \r\n\r\n", false);
	g_autoptr(GString) broken = munged(ANN "Reply-To: A <x@\r\n\r\n",
					   false);

	see(none, "Reply-To: Ann <ann@example.net>\r\n");
	see(none, "Author: Ann <ann@example.net>\r\n");
	see_not(none, "Cc:");
	see(own, "Reply-To: office@example.net, Ann <ann@example.net>\r\n");
	see(same, "Reply-To: A <ANN@x>, <ann@EXAMPLE.net>\r\n");
	see(two, "Reply-To: a@x.example, b@x.example, Ann <ann@example.net>");
	see(empty, "Reply-To: Ann <ann@example.net>\r\n");
	see(broken, "Reply-To: A <x@\r\n");
}

static void
test_cc(void)
{
	g_autoptr(GString) list = munged(ANN "Reply-To: " LIST "\r\n\r\n",
					 false);
	g_autoptr(GString) given = munged(ANN "Reply-To: team@x.example\r\n"
					  "Cc: bob@x.example\r\n\r\n", true);
	g_autoptr(GString) there = munged(ANN "To: " LIST ", ann@example.net"
					  "\r\nReply-To: " LIST "\r\n\r\n",
					  true);
	g_autoptr(GString) both = munged(ANN "Reply-To: " LIST ", ann@example"
					 ".net\r\n\r\n", true);

	see(list, "Cc: Ann <ann@example.net>\r\n");
	see(list, "Reply-To: " LIST "\r\n");
	see(given, "Cc: bob@x.example, Ann <ann@example.net>\r\n");
	see(given, "Reply-To: team@x.example\r\n");
	see_not(there, "Cc:");
	see_not(both, "Cc:");
}

static void
test_author(void)
{
	g_autoptr(GString) out = munged(ANN "Author: x@y.example\r\n\r\n",
					false);

	see(out, "Author: x@y.example\r\n");
	see_not(out, "Author: Ann");
}

/* --- the reverse -------------------------------------------------------- */

static const struct { const char *to, *wanted; } unnamed[] = {
	{ "Ann via dev <dev@lists.example.org>", "<dev@lists.example.org>" },
	{ "\"Ann, E. via dev\" <DEV@lists.example.org>",
	  NULL },	/* local parts have their case */
	{ "\"Ann, E. via dev\" <dev@LISTS.example.org>, Bob <b@x.example>",
	  "<dev@LISTS.example.org>, Bob <b@x.example>" },
	{ "Bob <b@x.example>, =?utf-8?q?J=C3=BCrgen_via_dev?= "
	  "<dev@lists.example.org>, \"Ann via dev\" <dev@lists.example.org>",
	  "Bob <b@x.example>, <dev@lists.example.org>, "
	  "<dev@lists.example.org>" },
	{ "g: Ann via dev <dev@lists.example.org>;",
	  "g: <dev@lists.example.org>;" },
	{ "Development <dev@lists.example.org>", NULL },
	{ "Ann via dev <other@lists.example.org>", NULL },
	{ "dev@lists.example.org", NULL },
	{ "Ann via dev <dev@lists.example.org", NULL },
	{ "", NULL },
};

static void
test_unname(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(unnamed); i++) {
		g_autofree char *text = g_strdup_printf("To: %s\r\n\r\n",
							unnamed[i].to);
		g_autofree char *is = NULL;
		struct header header;
		size_t body_at;

		g_assert_true(header_parse(text, strlen(text), &header,
					   &body_at));
		g_assert_true(via_unname(&header, "To", LIST) ==
			      (unnamed[i].wanted != NULL));
		is = header_get(&header, "To");
		g_assert_cmpstr(is, ==, unnamed[i].wanted != NULL ?
				unnamed[i].wanted : unnamed[i].to);
		header_done(&header);
	}
}

/* --- wrapped ------------------------------------------------------------ */

#define CAME "Received: from a by b\r\nDKIM-Signature: v=1; x\r\n" ANN \
	"To: " LIST "\r\nSubject: hi\r\nMessage-ID: <1@example.net>\r\n" \
	"Message-ID: <2@example.net>\r\n" \
	"References: <0@example.net>\r\nContent-Type: text/plain;\r\n" \
	" charset=utf-8\r\nX-Mailer: m\r\nList-Id: <theirs>\r\n\r\n"

static void
test_wrap(void)
{
	static const char body[] = "Gr\xc3\xbc\xc3\x9f" "e\r\n";
	g_autoptr(GString) outer = g_string_new(NULL);
	g_autoptr(GString) out = g_string_new(NULL);
	struct header came, header;
	size_t at;

	g_assert_true(header_parse(CAME, strlen(CAME), &came, &at));
	g_assert_true(header_parse(CAME, strlen(CAME), &header, &at));
	header_set(&header, "Subject", "[dev] hi");
	header_remove(&header, "List-Id");
	header_append(&header, "List-Id", "<ours>");
	header_append(&header, "Sender", "<dev-bounces@lists.example.org>");
	via_wrap(&header, &came, body, strlen(body), LIST, false, out);
	header_write(&header, outer);
	g_assert_cmpstr(outer->str, ==, "Received: from a by b\r\n"
		"From: Ann via dev <dev@lists.example.org>\r\n"
		"To: " LIST "\r\nSubject: [dev] hi\r\n"
		"Message-ID: <1@example.net>\r\nReferences: <0@example.net>"
		"\r\nList-Id: <ours>\r\n"
		"Sender: <dev-bounces@lists.example.org>\r\n"
		"Author: Ann <ann@example.net>\r\n"
		"Reply-To: Ann <ann@example.net>\r\nMIME-Version: 1.0\r\n"
		"Content-Type: message/rfc822\r\n"
		"Content-Disposition: inline\r\n"
		"Content-Transfer-Encoding: 8bit\r\n");
	g_assert_cmpstr(out->str, ==, "Received: from a by b\r\n"
		"DKIM-Signature: v=1; x\r\n" ANN "To: " LIST "\r\n"
		"Subject: hi\r\nMessage-ID: <1@example.net>\r\n"
		"Message-ID: <2@example.net>\r\n"
		"References: <0@example.net>\r\nContent-Type: text/plain;\r\n"
		" charset=utf-8\r\nX-Mailer: m\r\n\r\n"
		"Gr\xc3\xbc\xc3\x9f" "e\r\n");
	header_done(&header);
	header_done(&came);
}

int
main(int argc, char **argv)
{
	mime_init();
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/via/names", test_names);
	g_test_add_func("/via/long-names", test_long_names);
	g_test_add_func("/via/several-fields", test_several_fields);
	g_test_add_func("/via/reply-to", test_reply_to);
	g_test_add_func("/via/cc", test_cc);
	g_test_add_func("/via/author", test_author);
	g_test_add_func("/via/unname", test_unname);
	g_test_add_func("/via/wrap", test_wrap);
	return g_test_run();
}
