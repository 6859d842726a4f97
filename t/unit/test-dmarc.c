/* SPDX-License-Identifier: BSD-2-Clause */

/* DMARC over a zone that is given, without a resolver. */
#include <string.h>

#include "core/auth/dmarc.h"
#include "core/base/wire.h"
#include "t/lib/tap.h"

struct play {
	const char *zone;	/* "NAME TEXT" a line; TEXT "!" fails, "?" is
				 * a name without TXT */
	const char *authors;	/* separated by blanks */
	const char *spf;	/* "RESULT DOMAIN", or "" */
	const char *dkim;	/* "RESULT DOMAIN, ..." */
	const char *is;		/* "RESULT POLICY RECORD ALIGNED" */
};

static void
put_zone(struct lookups *lookups, const char *zone)
{
	g_auto(GStrv) lines = g_strsplit(zone, "\n", -1);

	for (char **line = lines; *line != NULL; line++) {
		char *text = strchr(*line, ' ');
		struct dns_record txt = { 0 };

		if (text == NULL)
			continue;
		*text++ = '\0';
		txt.data = text;
		txt.len = strlen(text);
		if (strcmp(text, "!") == 0)
			lookups_put(lookups, *line, DNS_TXT, DNS_FAILED, NULL);
		else if (strcmp(text, "?") == 0)
			lookups_put(lookups, *line, DNS_A, DNS_NODATA, NULL);
		else
			lookups_put(lookups, *line, DNS_TXT, DNS_FOUND, &txt);
	}
}

static enum auth_result
result_of(const char *text, char **domain)
{
	g_auto(GStrv) words = g_strsplit(text, " ", 2);
	enum auth_result result;

	g_assert_true(auth_result_of_name(words[0], &result));
	g_free(*domain);
	*domain = g_strdup(words[1]);
	return result;
}

static GPtrArray *
signatures(const char *text)
{
	GPtrArray *out = dkim_evidence_array();
	g_auto(GStrv) each = g_strsplit(text, ", ", -1);

	for (char **one = each; *one != NULL; one++) {
		struct dkim_evidence *dkim = dkim_evidence_new();

		dkim->result = result_of(*one, &dkim->domain);
		g_ptr_array_add(out, dkim);
	}
	return out;
}

static char *
outcome(const struct play *play)
{
	struct lookups *lookups = lookups_new(NULL, wire_now_ms() + 60000,
					      NULL, NULL);
	g_auto(GStrv) authors = g_strsplit(play->authors, " ", -1);
	g_autoptr(GPtrArray) list = g_ptr_array_new();
	g_autoptr(GPtrArray) dkim = signatures(play->dkim);
	struct dmarc_evidence found;
	struct spf_evidence spf;
	char *text;

	for (char **author = authors; *author != NULL; author++)
		g_ptr_array_add(list, *author);
	spf_evidence_init(&spf);
	if (play->spf[0] != '\0')
		spf.result = result_of(play->spf, &spf.domain);
	put_zone(lookups, play->zone);
	dmarc_evidence_init(&found);
	dmarc_check(lookups, list, true, &spf, dkim, &found);
	text = g_strdup_printf("%s %s %s %s", auth_result_name(found.result),
			       found.policy, found.record_domain,
			       found.aligned);
	dmarc_evidence_done(&found);
	spf_evidence_done(&spf);
	lookups_free(lookups);
	return text;
}

static void
run_plays(const struct play *plays)
{
	for (; plays->zone != NULL; plays++) {
		g_autofree char *is = outcome(plays);

		if (strcmp(is, plays->is) != 0)
			g_test_message("zone: %s; From %s; spf %s; dkim %s",
				       plays->zone, plays->authors, plays->spf,
				       plays->dkim);
		g_assert_cmpstr(is, ==, plays->is);
	}
}

#define REJECT "_dmarc.a.example v=DMARC1; p=reject"
#define STRICT REJECT "; adkim=s; aspf=s"

static void
test_alignment(void)
{
	static const struct play plays[] = {
		{ REJECT, "x@a.example", "pass a.example", "",
		  "pass reject a.example spf" },
		{ REJECT, "x@a.example", "", "pass a.example",
		  "pass reject a.example dkim" },
		{ REJECT, "x@a.example", "pass a.example", "pass a.example",
		  "pass reject a.example dkim" },
		{ REJECT, "x@a.example", "pass m.a.example", "",
		  "pass reject a.example spf" },
		{ REJECT, "x@m.a.example", "", "pass a.example",
		  "pass reject a.example dkim" },
		{ REJECT, "x@m.a.example", "", "pass n.o.a.example",
		  "pass reject a.example dkim" },
		{ REJECT, "x@a.example", "pass b.example", "pass b.example",
		  "fail reject a.example " },
		{ REJECT, "x@a.example", "", "pass aa.example",
		  "fail reject a.example " },
		{ REJECT, "x@a.example", "pass example", "pass example",
		  "fail reject a.example " },
		{ REJECT, "x@a.example", "softfail a.example", "",
		  "fail reject a.example " },
		{ REJECT, "x@a.example", "",
		  "fail a.example, pass b.example, pass a.example",
		  "pass reject a.example dkim" },
		{ REJECT, "x@a.example", "", "policy a.example",
		  "fail reject a.example " },
		{ STRICT, "x@a.example", "pass m.a.example",
		  "pass m.a.example", "fail reject a.example " },
		{ STRICT, "x@a.example", "pass m.a.example", "pass a.example",
		  "pass reject a.example dkim" },
		{ STRICT, "x@a.example", "pass a.example", "pass m.a.example",
		  "pass reject a.example spf" },
		{ REJECT, "x@A.EXAMPLE.", "pass a.example", "",
		  "pass reject a.example spf" },
		{ NULL, NULL, NULL, NULL, NULL },
	};

	run_plays(plays);
}

static void
test_policy(void)
{
	static const struct play plays[] = {
		{ "", "x@a.example", "pass a.example", "", "none   " },
		{ "_dmarc.a.example v=DMARC1; p=none", "x@a.example", "", "",
		  "fail none a.example " },
		{ REJECT "; sp=none", "x@a.example", "", "",
		  "fail reject a.example " },
		{ REJECT "; sp=none\nm.a.example ?", "x@m.a.example", "", "",
		  "fail none a.example " },
		/* np: only where the name is not there */
		{ REJECT "; sp=none; np=quarantine\nm.a.example ?",
		  "x@m.a.example", "", "", "fail none a.example " },
		{ REJECT "; sp=none; np=quarantine", "x@m.a.example", "", "",
		  "fail quarantine a.example " },
		/* a record of its own goes before that of the organization */
		{ REJECT "\n_dmarc.m.a.example v=DMARC1; p=none",
		  "x@m.a.example", "", "", "fail none m.a.example " },
		{ "_dmarc.a.example v=spf1 -all\n" REJECT, "x@a.example", "",
		  "", "fail reject a.example " },
		/* two are none */
		{ REJECT "\n" REJECT, "x@a.example", "pass a.example", "",
		  "none   " },
		{ NULL, NULL, NULL, NULL, NULL },
	};

	run_plays(plays);
}

/* RFC 9989 section 4.10 */
static void
test_walk(void)
{
	static const struct play plays[] = {
		/* with psd=n the domain is an organization of its own */
		{ REJECT "\n_dmarc.m.a.example v=DMARC1; p=none; psd=n",
		  "x@m.a.example", "", "pass a.example",
		  "fail none m.a.example " },
		{ REJECT "\n_dmarc.m.a.example v=DMARC1; p=none; psd=n",
		  "x@a.example", "", "pass m.a.example",
		  "fail reject a.example " },
		/* with psd=y its children are */
		{ "_dmarc.a.example v=DMARC1; p=reject; psd=y",
		  "x@m.a.example", "", "pass n.a.example",
		  "fail reject a.example " },
		{ "_dmarc.a.example v=DMARC1; p=reject; psd=y",
		  "x@m.a.example", "", "pass n.m.a.example",
		  "pass reject a.example dkim" },
		/* the list of public suffixes says so where DNS does not */
		{ "_dmarc.co.uk v=DMARC1; p=reject", "x@a.co.uk", "",
		  "pass b.co.uk", "none   " },
		{ "_dmarc.co.uk v=DMARC1; p=reject; psd=y", "x@a.co.uk", "",
		  "pass b.co.uk", "fail reject co.uk " },
		/* the organization without a record */
		{ "_dmarc.m.a.example v=DMARC1; p=reject", "x@n.m.a.example",
		  "", "pass m.a.example", "pass reject m.a.example dkim" },
		/* more than eight labels: the last seven, then up */
		{ "_dmarc.c.d.e.f.g.h.example v=DMARC1; p=reject",
		  "x@1.2.3.4.5.a.b.c.d.e.f.g.h.example", "", "",
		  "fail reject c.d.e.f.g.h.example " },
		{ "_dmarc.4.5.a.b.c.d.e.f.g.h.example v=DMARC1; p=reject",
		  "x@1.2.3.4.5.a.b.c.d.e.f.g.h.example", "", "", "none   " },
		{ NULL, NULL, NULL, NULL, NULL },
	};

	run_plays(plays);
}

static void
test_trouble(void)
{
	static const struct play plays[] = {
		{ "_dmarc.a.example !", "x@a.example", "fail a.example", "",
		  "temperror   " },
		/* what is aligned in any case passes in any case */
		{ "_dmarc.a.example !", "x@a.example", "pass a.example", "",
		  "pass   spf" },
		{ "_dmarc.a.example !", "x@a.example", "", "pass m.a.example",
		  "temperror   " },
		{ "_dmarc.m.a.example !\n" REJECT, "x@m.a.example", "",
		  "pass a.example", "temperror   " },
		{ REJECT, "x@a.example", "temperror a.example", "",
		  "temperror reject a.example " },
		{ REJECT, "x@a.example", "", "temperror m.a.example",
		  "temperror reject a.example " },
		{ REJECT, "x@a.example", "temperror b.example", "",
		  "fail reject a.example " },
		{ REJECT, "x@a.example", "temperror a.example",
		  "pass a.example", "pass reject a.example dkim" },
		{ NULL, NULL, NULL, NULL, NULL },
	};

	run_plays(plays);
}

static void
test_from(void)
{
	static const struct play plays[] = {
		{ REJECT, "", "pass a.example", "", "permerror   " },
		{ REJECT, "x@a.example y@a.example", "pass a.example", "",
		  "pass reject a.example spf" },
		{ REJECT, "x@a.example y@b.example", "pass a.example", "",
		  "permerror   " },
		{ REJECT, "x@a.example y@m.a.example", "pass a.example", "",
		  "permerror   " },
		{ REJECT, "x@a..example", "pass a.example", "",
		  "permerror   " },
		{ REJECT, "x@[192.0.2.1]", "pass a.example", "",
		  "none   " },
		{ "_dmarc.xn--bcher-kva.example v=DMARC1; p=reject",
		  "x@b\303\274cher.example", "", "pass xn--bcher-kva.example",
		  "pass reject xn--bcher-kva.example dkim" },
		{ NULL, NULL, NULL, NULL, NULL },
	};

	run_plays(plays);
}

struct reading {
	const char *text;
	const char *is;		/* "p/sp/np adkim aspf psd t"; NULL: none */
};

static char *
read_record(const char *text)
{
	struct dmarc_record r;

	if (!dmarc_record_parse(text, strlen(text), &r))
		return NULL;
	return g_strdup_printf("%c/%c/%c %c %c %c %c", "nqr"[r.p],
			       "nqr"[r.sp], "nqr"[r.np],
			       r.strict_dkim ? 's' : 'r',
			       r.strict_spf ? 's' : 'r', r.psd,
			       r.testing ? 'y' : 'n');
}

static void
test_record(void)
{
	static const struct reading readings[] = {
		{ "v=DMARC1; p=reject", "r/r/r r r u n" },
		{ "v=DMARC1;p=reject;", "r/r/r r r u n" },
		{ "v = DMARC1 ; p = Quarantine ; ; x", "q/q/q r r u n" },
		{ "v=DMARC1; p=none; sp=quarantine", "n/q/q r r u n" },
		{ "v=DMARC1; p=none; sp=quarantine; np=reject",
		  "n/q/r r r u n" },
		{ "v=DMARC1; sp=none; p=reject; adkim=s; aspf=S; psd=N; t=Y",
		  "r/n/n s s n y" },
		{ "v=DMARC1; p=reject; pct=0", "r/r/r r r u y" },
		{ "v=DMARC1; p=reject; pct=50; ri=x; fo=?; adkim=q",
		  "r/r/r r r u n" },
		{ "v=DMARC1", NULL },
		{ "v=DMARC1; rua=mailto:a@b.example", "n/n/n r r u n" },
		{ "v=DMARC1; p=bogus; rua=mailto:a@b.example",
		  "n/n/n r r u n" },
		{ "v=DMARC1; p=reject; sp=bogus; rua=mailto:a@b.example",
		  "n/n/n r r u n" },
		{ "v=DMARC1; p=bogus", NULL },
		{ "p=reject; v=DMARC1", NULL },
		{ "v=dmarc1; p=reject", NULL },
		{ "v=DMARC12; p=reject", NULL },
		{ " v=DMARC1; p=reject", NULL },
		{ "v=DMARC1 p=reject", NULL },
		{ "", NULL },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(readings); i++) {
		g_autofree char *is = read_record(readings[i].text);

		g_test_message("%s", readings[i].text);
		g_assert_cmpstr(is, ==, readings[i].is);
	}
}

static const struct tap_case cases[] = {
	{ "aligned strictly and relaxed, over all that passes",
	  test_alignment },
	{ "the policy that holds for the author's domain", test_policy },
	{ "the organization, by walking up and by the public suffixes",
	  test_walk },
	{ "DNS that does not answer is never \"no record\"", test_trouble },
	{ "From with none, several, or no domain at all", test_from },
	{ "records, tag by tag", test_record },
	{ NULL, NULL },
};

int
main(void)
{
	return tap_run("dmarc", cases);
}
