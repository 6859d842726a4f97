/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/mail/header_rules.h"

#include <string.h>

#include <glib.h>

#include "core/mail/mime.h"
#include "t/lib/tap.h"
#include "core/base/banned.h"

#define CAME "Received: a\r\nFrom: a@b.test\r\nx-spam-score: 5\r\n" \
	"X-Spam-Flag : YES\r\n\tindeed\r\nX-Mailer: Mutt\r\n" \
	"X-Mailer: again\r\nDate: now\r\nSubject: hi\r\n"

/* What the rules make of it, and what they add; NULL: they are wrong. */
static char *
apply(const char *text, const char *came, struct err *err)
{
	struct header_rules *rules = NULL;
	g_autoptr(GString) out = g_string_new(NULL);
	struct header header;
	size_t body_at;

	if (header_rules_parse(text, &rules, err) != ERR_OK)
		return NULL;
	g_assert_true(header_parse(came, strlen(came), &header, &body_at));
	(void) header_rules_run(rules, &header);
	header_append(&header, "List-Id", "<dev>");
	(void) header_rules_add(rules, &header, "dev@l.test");
	header_write(&header, out);
	header_done(&header);
	header_rules_free(rules);
	return g_strdup(out->str);
}

static void
test_rules(void)
{
	static const struct { const char *rules, *came, *made; } cases[] = {
		{ "", CAME, CAME "List-Id: <dev>\r\n" },
		{ "  # nothing\n;;\n\n", CAME, CAME "List-Id: <dev>\r\n" },
		{ "remove X-Spam-*, X-MAILER", CAME,
		  "Received: a\r\nFrom: a@b.test\r\nDate: now\r\n"
		  "Subject: hi\r\nList-Id: <dev>\r\n" },
		{ "keep X-Spam-Score; remove X-* # all others", CAME,
		  "Received: a\r\nFrom: a@b.test\r\nx-spam-score: 5\r\n"
		  "Date: now\r\nSubject: hi\r\nList-Id: <dev>\r\n" },
		{ "remove *", CAME,
		  "From: a@b.test\r\nDate: now\r\nList-Id: <dev>\r\n" },
		{ "keep Received Subject\nremove *",
		  CAME, "Received: a\r\nFrom: a@b.test\r\nDate: now\r\n"
		  "Subject: hi\r\nList-Id: <dev>\r\n" },
		{ "rename X-Spam-Flag to X-Was-Flag",
		  "X-Spam-Flag : YES\r\n\tindeed\r\nX-Spam-Flags: 1\r\n",
		  "X-Was-Flag: YES\r\n\tindeed\r\nX-Spam-Flags: 1\r\n"
		  "List-Id: <dev>\r\n" },
		{ "rename X-Spam-* to Old-*", "X-Spam-Flag: YES\r\n"
		  "x-spam-score: 5\r\nX-Spam-: 1\r\n",
		  "Old-Flag: YES\r\nOld-score: 5\r\nOld-: 1\r\n"
		  "List-Id: <dev>\r\n" },
		/* what comes of it may be what no rule is about */
		{ "rename X-* to Li*", "X-st-Id: <other>\r\n",
		  "X-st-Id: <other>\r\nList-Id: <dev>\r\n" },
		{ "rename Received to X-Received; remove X-Received",
		  "Received: a\r\nX-Received: b\r\n",
		  "X-Received: a\r\nList-Id: <dev>\r\n" },
		{ "set X-Mailer: \"us; \\\"%{list}\\\"\"; add X-Mailer: two "
		  "words", "X-Mailer: a\r\nX: b\r\nX-Mailer: c\r\n",
		  "X: b\r\nList-Id: <dev>\r\n"
		  "X-Mailer: us; \"dev@l.test\"\r\nX-Mailer: two words\r\n" },
		{ "add X: \xc3\xbc", "", "List-Id: <dev>\r\n"
		  "X: =?UTF-8?b?w7w=?=\r\n" },
		{ "remove X", "X: no line end", "List-Id: <dev>\r\n" },
		{ "rename X to Y", "X: no line end",
		  "Y: no line end\r\nList-Id: <dev>\r\n" },
		{ "rename * to Old-*", "To: a\r\nFrom: b\r\n",
		  "Old-To: a\r\nFrom: b\r\nList-Id: <dev>\r\n" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct err err = ERR_INIT;
		g_autofree char *made = apply(cases[i].rules, cases[i].came,
					      &err);

		g_assert_cmpstr(made, ==, cases[i].made);
	}
}

static void
test_wrong(void)
{
	static const struct { const char *rules, *what; } cases[] = {
		{ "remove X-A\nremove From", "line 2: no rule may be about "
		  "From: each post must have it" },
		{ "remove list-id", "line 1: no rule may be about list-id: "
		  "list-headers says" },
		{ "\n\nkeep Content-Type", "line 3: no rule may be about "
		  "Content-Type: the post cannot be read" },
		{ "remove DKIM-Signature", "author-signature" },
		{ "remove ARC-Seal", "evidence" },
		{ "rename X-A to Message-Id", "each post must have it" },
		{ "rename X-A to Subject", "Subject cannot be added" },
		{ "rename X-A X-B", "\"rename X-Old to X-New\"" },
		{ "rename X-A to X-*", "\"rename X-Old to X-New\"" },
		{ "rename X-A to X-B X-C", "\"rename X-Old to X-New\"" },
		{ "rename X-* to *", "\"rename X-Old to X-New\"" },
		{ "add To: x@y.test", "To cannot be added" },
		{ "add Resent-To: x@y.test", "Resent-To cannot be added" },
		{ "add X-A", "\"add X-Name: text\"" },
		{ "add X-A:", "\"add X-Name: text\"" },
		{ "set X-A: \"", "\"set X-Name: text\"" },
		{ "set X-A: \"a\" b", "\"set X-Name: text\"" },
		{ "set X-A: \"a\\", "\"set X-Name: text\"" },
		{ "set X-*: a", "\"set X-Name: text\"" },
		{ "add X-A: %{member}", "%{list} is the only field" },
		{ "remove", "remove what?" },
		{ "keep ,", "keep what?" },
		{ "remove X-*-A", "\"X-*-A\" is no name" },
		{ "remove X A: b", "\"A:\" is no name" },
		{ "remove \xc3\xbc", "is no name" },
		{ "delete X-A", "\"delete\": a rule begins with keep" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct err err = ERR_INIT;
		g_autofree char *made = apply(cases[i].rules, CAME, &err);

		if (made != NULL || strstr(err.what, cases[i].what) == NULL)
			g_error("%s: %s", cases[i].rules, err.what);
		g_assert_cmpint(err.code, ==, ERR_INVALID);
	}
}

static void
test_limits(void)
{
	g_autofree char *long_name = g_strnfill(77, 'x');
	g_autofree char *long_text = g_strnfill(401, 'x');
	g_autofree char *name_rule = g_strconcat("remove ", long_name, NULL);
	g_autofree char *text_rule = g_strconcat("add X: ", long_text, NULL);
	g_autoptr(GString) many = g_string_new(NULL);
	struct err err = ERR_INIT;

	g_assert_null(apply(name_rule, CAME, &err));
	g_assert_null(apply(text_rule, CAME, &err));
	g_assert_nonnull(strstr(err.what, "more than 400 bytes"));
	for (int i = 0; i < HEADER_RULES_MAX; i++)
		g_string_append(many, "add X: y;");
	g_free(apply(many->str, CAME, &err));
	g_string_append(many, "add X: y");
	g_assert_null(apply(many->str, CAME, &err));
	g_assert_nonnull(strstr(err.what, "100 rules"));
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{ "the first rule that names a field decides", test_rules },
		{ "what is wrong is said, and where", test_wrong },
		{ "there are limits", test_limits },
		{ NULL, NULL },
	};

	mime_init();
	return tap_run("header-rules", cases);
}
