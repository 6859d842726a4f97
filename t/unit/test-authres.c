/* SPDX-License-Identifier: BSD-2-Clause */

/* Authentication-Results: ours printed, forged ones removed, others read. */
#include <string.h>

#include "core/auth/authres.h"
#include "t/lib/tap.h"

#define ID "lists.example.org"

/* How many of the header's fields are ours or could be */
static unsigned int
removed(const char *text, size_t *left)
{
	struct header header;
	size_t body_at;
	unsigned int count;

	g_assert_true(header_parse(text, strlen(text), &header, &body_at));
	count = authres_remove(&header, ID);
	*left = header.fields->len;
	header_done(&header);
	return count;
}

static void
see_removed(const char *value, bool is_ours)
{
	g_autofree char *text = g_strdup_printf(
		"From: a@b.example\r\nAuthentication-Results:%s\r\n"
		"Subject: x\r\n\r\n", value);
	size_t left;

	g_test_message("%s", value);
	g_assert_cmpuint(removed(text, &left), ==, is_ours);
	g_assert_cmpuint(left, ==, is_ours ? 2 : 3);
}

static void
test_forged(void)
{
	static const char *const ours[] = {
		" lists.example.org; dmarc=pass",
		"lists.example.org;dmarc=pass",
		" LISTS.Example.ORG; dmarc=pass",
		" lists.example.org. ; dmarc=pass",
		" \" lists.example.org. \"; dmarc=pass",
		"\r\n\t\r\n lists.example.org;\r\n\tdmarc=pass",
		" (a \\) (nested) comment) lists.example.org (b) 1; none",
		" lists.example.org 1; none",
		" lists.example.org 999 ; dmarc=pass",
		" \"lists.example.org\"; dmarc=pass",
		" \"lists\\.example.org\"; dmarc=pass",
		" mx.lists.example.org; dmarc=pass",
		" lists.example.org",
		/* not to be understood: what the next reader makes of it is
		 * not known */
		" (unclosed lists.example.org; dmarc=pass",
		" \"lists.example.org; dmarc=pass",
		" ; dmarc=pass",
		"",
		" a.example b.example; dmarc=pass",
		" a.example(",
	};
	static const char *const others[] = {
		" mx.example.org; dmarc=pass",
		" example.org; dmarc=pass",
		" xlists.example.org; dmarc=pass",
		" mx.example.org 1 ; none",
		" \"mx.example.org\"; spf=pass reason=\"lists.example.org\"",
		" (lists.example.org) mx.example.org; none",
	};

	for (size_t i = 0; i < G_N_ELEMENTS(ours); i++)
		see_removed(ours[i], true);
	for (size_t i = 0; i < G_N_ELEMENTS(others); i++)
		see_removed(others[i], false);
}

static void
test_long(void)
{
	g_autofree char *comment = g_strnfill(60000, '(');
	g_autofree char *blanks = g_strnfill(60000, ' ');
	g_autofree char *deep = g_strconcat(" ", comment, ID "; none", NULL);
	g_autofree char *wide = g_strconcat(blanks, ID "; none", NULL);
	g_autofree char *flat = g_strnfill(60000, 'x');
	g_autofree char *commented = g_strconcat(" (", flat, ") " ID
						 "; dmarc=pass", NULL);

	see_removed(deep, true);
	see_removed(wide, true);
	see_removed(commented, true);
}

/* Whatever its name looks like */
static void
test_names(void)
{
	size_t left;

	g_assert_cmpuint(removed("authentication-RESULTS: " ID "; none\r\n"
				 "Authentication-Results : " ID "; none\r\n"
				 "Authentication-Results: mx.example; none\r\n"
				 "AUTHENTICATION-RESULTS: " ID "\r\n\r\n",
				 &left), ==, 3);
	g_assert_cmpuint(left, ==, 1);
}

/* --- printing ----------------------------------------------------------- */

static void
set(char **text, const char *to)
{
	g_free(*text);
	*text = g_strdup(to);
}

static void
add_dkim(struct evidence *evidence, enum auth_result result,
	 const char *domain)
{
	struct dkim_evidence *dkim = dkim_evidence_new();

	dkim->result = result;
	set(&dkim->domain, domain);
	set(&dkim->selector, "s1");
	set(&dkim->algorithm, "rsa-sha256");
	set(&dkim->signature, "AbCdEfGh");
	g_ptr_array_add(evidence->dkim, dkim);
}

static const struct authres_item *
item_of(const GPtrArray *items, const char *method, unsigned int nth)
{
	for (guint i = 0; i < items->len; i++) {
		const struct authres_item *item = items->pdata[i];

		if (strcmp(item->method, method) == 0 && nth-- == 0)
			return item;
	}
	g_assert_not_reached();
}

static const char *
property(const struct authres_item *item, const char *name)
{
	return g_hash_table_lookup(item->properties, name);
}

/* What we print, we read. */
static void
test_print(void)
{
	struct evidence *evidence = evidence_new();
	g_autoptr(GPtrArray) items = NULL;
	g_autofree char *text = NULL, *id = NULL;

	evidence->spf.result = AUTH_SOFTFAIL;
	set(&evidence->spf.domain, "a.example");
	add_dkim(evidence, AUTH_PASS, "a.example");
	add_dkim(evidence, AUTH_FAIL, "b.example");
	evidence->dmarc.result = AUTH_PASS;
	set(&evidence->dmarc.author_domain, "a.example");
	set(&evidence->dmarc.policy, "reject");
	set(&evidence->login, "ann");
	set(&evidence->client, "192.0.2.7");
	text = authres_print(evidence, ID);
	for (const char *line = text; line != NULL;
	     line = strstr(line, "\r\n") ? strstr(line, "\r\n") + 2 : NULL)
		g_assert_cmpuint(strcspn(line, "\r"), <=, 900);
	items = authres_parse(text, &id);
	g_assert_nonnull(items);
	g_assert_cmpstr(id, ==, ID);
	g_assert_cmpstr(item_of(items, "spf", 0)->result, ==, "softfail");
	g_assert_cmpstr(item_of(items, "dkim", 0)->result, ==, "pass");
	g_assert_cmpstr(property(item_of(items, "dkim", 0), "header.d"), ==,
			"a.example");
	g_assert_cmpstr(item_of(items, "dkim", 1)->result, ==, "fail");
	g_assert_cmpstr(item_of(items, "dmarc", 0)->result, ==, "pass");
	g_assert_cmpstr(property(item_of(items, "dmarc", 0), "header.from"),
			==, "a.example");
	g_assert_cmpstr(item_of(items, "auth", 0)->result, ==, "pass");
	evidence_free(evidence);
}

/* What mail says cannot make a result, a field or a line of its own. */
static void
test_hostile(void)
{
	static const char *const texts[] = {
		"x; dmarc=pass", "x\r\nBcc: y@z.example", "x\") dkim=pass (\"",
		"\\\"; dmarc=pass", "(((", "x y", "\001\177", "\303\274",
	};

	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
		struct evidence *evidence = evidence_new();
		g_autoptr(GPtrArray) items = NULL;
		g_autofree char *text = NULL;

		add_dkim(evidence, AUTH_FAIL, "b.example");
		set(&((struct dkim_evidence *)evidence->dkim->pdata[0])
			    ->identity, texts[i]);
		set(&((struct dkim_evidence *)evidence->dkim->pdata[0])
			    ->selector, texts[i]);
		set(&((struct dkim_evidence *)evidence->dkim->pdata[0])
			    ->reason, texts[i]);
		set(&evidence->spf.domain, texts[i]);
		set(&evidence->spf.reason, texts[i]);
		evidence->spf.result = AUTH_FAIL;
		set(&evidence->login, texts[i]);
		text = authres_print(evidence, ID);
		items = authres_parse(text, NULL);
		g_test_message("%s", text);
		g_assert_nonnull(items);
		for (guint k = 0; k < items->len; k++) {
			const struct authres_item *item = items->pdata[k];

			g_assert_true(strcmp(item->method, "auth") == 0 ||
				      strcmp(item->result, "pass") != 0);
		}
		for (const char *p = strstr(text, "\r\n"); p != NULL;
		     p = strstr(p + 2, "\r\n"))
			g_assert_true(p[2] == ' ' || p[2] == '\t');
		evidence_free(evidence);
	}
}

static void
test_nothing(void)
{
	struct evidence *evidence = evidence_new();
	g_autofree char *text = authres_print(evidence, ID);
	g_autoptr(GPtrArray) items = authres_parse(text, NULL);

	g_assert_nonnull(items);
	for (guint i = 0; i < items->len; i++)
		g_assert_cmpstr(((struct authres_item *)items->pdata[i])
				->result, !=, "pass");
	evidence_free(evidence);
}

/* --- those of others ---------------------------------------------------- */

/* RFC 8601 appendix B, and what is seen in the wild */
static void
test_parse(void)
{
	static const char text[] =
		" example.com;\r\n"
		"               dkim=pass (good signature) header.i=@x.example;\r\n"
		" spf=pass smtp.mailfrom=\"a b\"@x.example ;"
		" dmarc=fail (p=none;dis=none) header.from=x.example;"
		" auth=pass (cram-md5) smtp.auth=sender@example.com;"
		" DKIM/1=neutral reason=\"bad \\\"key\\\"\" header.d=Y.example";
	g_autofree char *id = NULL;
	g_autoptr(GPtrArray) items = authres_parse(text, &id);

	g_assert_nonnull(items);
	g_assert_cmpstr(id, ==, "example.com");
	g_assert_cmpuint(items->len, ==, 5);
	g_assert_cmpstr(property(item_of(items, "dkim", 0), "header.i"), ==,
			"@x.example");
	g_assert_cmpstr(property(item_of(items, "dmarc", 0), "header.from"),
			==, "x.example");
	g_assert_cmpstr(item_of(items, "dkim", 1)->reason, ==,
			"bad \"key\"");
}

static void
test_unreadable(void)
{
	static const char *const texts[] = {
		"", ";", "mx.example; dkim", "mx.example; dkim=",
		"mx.example; =pass", "mx.example; dkim=pass header.d",
		"mx.example; dkim=pass (", "mx.example; dkim=pass reason=\"x",
	};

	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
		g_autofree char *id = NULL;
		g_autoptr(GPtrArray) items = authres_parse(texts[i], &id);

		g_test_message("%s", texts[i]);
		g_assert_null(items);
	}
}

static const struct tap_case cases[] = {
	{ "forged fields are known, however they are written", test_forged },
	{ "also very long and very deep ones", test_long },
	{ "also under other spellings of the name", test_names },
	{ "what is printed can be read", test_print },
	{ "what mail says makes no results of its own", test_hostile },
	{ "nothing checked is nothing passed", test_nothing },
	{ "the fields of others", test_parse },
	{ "what does not follow the grammar is not used", test_unreadable },
	{ NULL, NULL },
};

int
main(void)
{
	return tap_run("authres", cases);
}
