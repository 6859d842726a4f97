/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "core/mail/content.h"
#include "core/mail/mime.h"
#include "core/mail/misdirected.h"
#include "t/lib/tap.h"

#define LIST "dev@lists.example.org"

static enum command_meant
judge(const char *bytes, size_t len)
{
	g_autofree char *text = NULL;
	struct header header;
	enum command_meant meant;
	size_t body_at;

	g_assert_true(header_parse(bytes, len, &header, &body_at));
	text = content_own_text(&header, bytes + body_at, len - body_at);
	meant = misdirected(LIST, &header, text);
	header_done(&header);
	return meant;
}

static void
check_all(const char *const *posts, size_t count, enum command_meant wanted)
{
	for (size_t i = 0; i < count; i++) {
		enum command_meant got = judge(posts[i], strlen(posts[i]));

		if (got != wanted)
			g_test_message("of: %s", posts[i]);
		g_assert_cmpint(got, ==, wanted);
	}
}

static void
test_commands(void)
{
	static const char *const leave[] = {
		"Subject: unsubscribe\n\n",
		"Subject: Unsubscribe\n\nthanks\n",
		"Subject: unsubscribe\n\nunsubscribe\n",
		"Subject: UNSUBSCRIBE ME\n\n-- \nAnn\n",
		"Subject: [dev] unsubscribe\n\nI do not know how else.\n",
		"Subject: unsubscribe dev\n\n",
		"Subject: Please remove me from this list\n\n",
		"Subject: \n\nunsubscribe\n",
		"Subject: hi\n\nPlease unsubscribe me from this list.\n",
		"Subject: Re: [dev] the build\n\nunsubscribe\n\nOn Mon, Jun 1, "
		"2026 Ann <ann@example.org> wrote:\n> the build fails\n",
		"Subject: Re: x\n\nPlease take me off this mailing list. "
		"Thank you!\n\nSent from my iPhone\n",
		"Subject: x\n\nHello,\n\nplease remove my email address "
		"ann@example.org from your list.\n\nBest regards,\nAnn Person"
		"\nHead of Things\n+1 234 567\n",
		"Subject: x\n\nUNSUBSCRIBE\n\nThis e-mail and any attachment "
		"are confidential and intended only for the person to whom it "
		"is addressed. If you are not the intended recipient, you "
		"must not copy it, and should tell us so.\n",
		"Subject: unsubscribe\n\nThis message is confidential. It may "
		"be read by nobody but those whom it was sent to, and those "
		"must destroy it.\n",
		"Subject: x\n\nunsubscribe\nAnn Person\n",
		"Subject: x\nContent-Type: text/html\n\n<html><body><p>Please"
		" <b>unsubscribe</b>&nbsp;me</p><p>Ann</p><blockquote>some"
		"thing long that was written by others about things</block"
		"quote></body></html>\n",
		"Subject: x\nContent-Type: multipart/alternative; boundary=b"
		"\n\n--b\nContent-Type: text/plain\n\nunsubscribe\n--b\n"
		"Content-Type: text/html\n\n<p>unsubscribe</p>\n--b--\n",
		"Subject: Abmeldung\n\nHiermit melde ich mich von der Liste "
		"ab.\n\nMit freundlichen Gr\u00fc\u00dfen\nAnn\n",
		"Subject: x\n\nBitte melden Sie mich ab.\n\nViele Gr\u00fc\u00df"
		"e\nAnn\n",
		"Subject: x\n\nBitte aus dem Verteiler nehmen\n",
		"Subject: x\n\nbitte abmelden\n",
		"Subject: =?utf-8?q?d=C3=A9sabonnement?=\n\n",
		"Subject: x\n\nBonjour,\n\nje veux me d\u00e9sabonner de cette "
		"liste\n\nMerci\n",
		"Subject: x\n\nVeuillez me d\u00e9sinscrire de votre liste de "
		"diffusion, merci d\u2019avance.\n",
		"Subject: x\n\nPor favor darme de baja de la lista. Gracias\n",
		"Subject: baja\n\n",
		"Subject: x\n\nleave\n",
		"Subject: x\n\nplease remove me\n",
	};
	static const char *const join[] = {
		"Subject: subscribe\n\n",
		"Subject: x\n\nsubscribe dev\n",
		"Subject: x\n\nPlease add me to this list.\n",
		"Subject: Anmelden\n\n",
		"Subject: x\n\nBitte anmelden\n",
	};

	check_all(leave, G_N_ELEMENTS(leave), COMMAND_UNSUBSCRIBE);
	check_all(join, G_N_ELEMENTS(join), COMMAND_SUBSCRIBE);
}

/* People talk about it, and about other things with the same words. */
static void
test_posts(void)
{
	static const char *const posts[] = {
		"Subject: hello\n\nhi\n",
		"Subject: \n\n",
		"Subject: Re: unsubscribe\n\nDo it by the link below.\n",
		"Subject: unsubscribe\n\nThe unsubscribe link in our footer "
		"leads nowhere since the last release, see bug 1234. Who can "
		"look into it today?\n",
		"Subject: unsubscribe does not work\n\nI get an error.\n",
		"Subject: How to unsubscribe?\n\nHow do I unsubscribe?\n",
		"Subject: x\n\nI unsubscribed from the list yesterday, please "
		"CC me.\n",
		"Subject: x\n\nPlease unsubscribe the callback before the "
		"object goes.\n",
		"Subject: subscribe() leaks\n\nIt leaks.\n",
		"Subject: x\n\nUnsubscribe\n\nThat is the word on the button, "
		"and it should be \"Leave\" as everywhere else in our forms, "
		"don't you think so.\n",
		"Subject: Leave\n\nI am going to be on leave until Monday, so "
		"please ask Bob about the release.\n",
		"Subject: remove\n\nWe should remove the old parser before "
		"the release, it is used by nobody any more.\n",
		"Subject: [PATCH] remove\n\nSigned-off-by: Ann Person <ann@"
		"example.org>\n---\n a | 1 -\n 1 file changed\n\nWe do not "
		"need it any more since the parser has gone, so remove it.\n",
		"Subject: x\n\nPlease remove me as maintainer.\n",
		"Subject: x\n\nremove the list\n\nfrom the index, and all is "
		"well, as the tests that I have attached show.\n",
		"Subject: x\n\nsubscribe or unsubscribe\n",
		"Subject: x\n\nBitte melden Sie mich f\u00fcr den Workshop an."
		"\n",
		"Subject: Anmeldung zum Workshop\n\nBis Freitag.\n",
		"Subject: x\n\nTo unsubscribe write to dev-leave@lists."
		"example.org\n",
		"Subject: x\n\n> unsubscribe\n\nNo, not like this.\n",
		"Subject: x\n\nCan somebody please unsubscribe Bob, who has "
		"left the company\n",
		"Subject: x\n\nunsubscribe:\n\nthe new handler takes a second "
		"argument, which says how long the old one may go on.\n",
	};

	check_all(posts, G_N_ELEMENTS(posts), COMMAND_NONE);
}

/* --- real posts --------------------------------------------------------- */

static const char *
skip_mbox(const char *bytes, gsize *len)
{
	const char *end = *len > 5 && strncmp(bytes, "From ", 5) == 0 ?
		memchr(bytes, '\n', *len) : NULL;

	if (end == NULL)
		return bytes;
	*len -= (gsize)(end + 1 - bytes);
	return end + 1;
}

static void
test_corpus(void)
{
	const char *src = g_getenv("MUSTER_SRC");
	g_autofree char *path = g_build_filename(
		src != NULL ? src : ".", "..", "shared", "corpus", "mail",
		"eml", NULL);
	g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
	const char *name;
	guint count = 0;

	if (dir == NULL) {
		g_test_skip("no corpus");
		return;
	}
	while ((name = g_dir_read_name(dir)) != NULL) {
		g_autofree char *file = g_build_filename(path, name, NULL);
		g_autofree char *bytes = NULL;
		const char *at;
		gsize len;

		g_assert_true(g_file_get_contents(file, &bytes, &len, NULL));
		at = skip_mbox(bytes, &len);
		if (judge(at, len) != COMMAND_NONE) {
			g_test_message("%s is taken for a command", name);
			g_test_fail();
		}
		count++;
	}
	g_test_message("%u posts", count);
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{ "commands, in many words", test_commands },
		{ "posts are none", test_posts },
		{ "no post of the corpus is one", test_corpus },
		{ NULL, NULL },
	};

	mime_init();
	return tap_run("misdirected", cases);
}
