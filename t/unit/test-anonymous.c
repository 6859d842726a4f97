/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/mail/anonymous.h"

#include <string.h>

#include <glib.h>

#include "core/mail/mime.h"
#include "t/lib/tap.h"
#include "core/base/banned.h"

static char domain[] = "lists.example.org";
static char *const domains[] = { domain, NULL };

static const struct anonymity with = {
	.list = "dev@lists.example.org", .name = "Talk \xc3\xbc" "ber uns",
	.secret = (const uint8_t *)"secret", .secret_len = 6,
	.domains = domains, .people = "ann@client.test", .received_s = 0,
};

/* NULL: it cannot be; then *why says so. */
static char *
hide(const char *bytes, const char **why)
{
	g_autoptr(GString) out = g_string_new(NULL);
	struct header header;
	GBytes *made = NULL;
	size_t body_at;

	g_assert_true(header_parse(bytes, strlen(bytes), &header, &body_at));
	*why = anonymous_make(&with, &header, bytes + body_at,
			      strlen(bytes) - body_at, &made);
	header_write(&header, out);
	header_done(&header);
	g_string_append(out, "\r\n");
	if (made != NULL)
		g_string_append_len(out, g_bytes_get_data(made, NULL),
				    (gssize)g_bytes_get_size(made));
	else
		g_string_append(out, bytes + body_at);
	if (made != NULL)
		g_bytes_unref(made);
	return *why == NULL ? g_strdup(out->str) : NULL;
}

/* 32 characters of a hash are one "#" here. */
static char *
without_hashes(const char *text)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz234567";
	GString *out = g_string_new(NULL);

	while (*text != '\0') {
		size_t run = strspn(text, letters);

		if (run == 32)
			g_string_append_c(out, '#');
		else
			g_string_append_len(out, text, (gssize)MAX(run, 1));
		text += MAX(run, 1);
	}
	return g_string_free(out, FALSE);
}

static void
see(const char *bytes, const char *wanted)
{
	const char *why;
	g_autofree char *made = hide(bytes, &why);
	g_autofree char *plain = NULL;

	g_assert_cmpstr(why, ==, NULL);
	plain = without_hashes(made);
	g_assert_cmpstr(plain, ==, wanted);
}

#define OURS "From: Talk =?UTF-8?b?w7xiZXI=?= uns <dev@lists.example.org>" \
	"\r\nTo: dev@lists.example.org\r\n"
#define ANN "Received: from laptop.home by mx.client.test\r\n" \
	"From: Ann Miller <ann@client.test>\r\n"
#define EPOCH "Date: Thu, 01 Jan 1970 00:00:00 +0000\r\n"

static void
test_header(void)
{
	see(ANN "Return-Path: <ann@client.test>\r\n"
	    "DKIM-Signature: v=1; d=client.test\r\nARC-Seal: i=1\r\n"
	    "Authentication-Results: x; spf=pass smtp.mailfrom=ann@client.test"
	    "\r\nTo: dev@lists.example.org, bob@x.test\r\nCc: ann@client.test"
	    "\r\nSUBJECT: Hello\r\n  there\r\n"
	    "Date: Tue, 24 Nov 2026 01:30:00 +0930 (ACST)\r\n"
	    "Message-Id: <1.ann@laptop.home>\r\nIn-Reply-To: your mail of "
	    "today <2@client.test>\r\nReferences: <1@x.test>\r\n\t<2@y.test>"
	    "\r\nUser-Agent: Mutt\r\nOrganization: Ann Inc.\r\n"
	    "X-Originating-IP: 192.0.2.7\r\nFace: x\r\n"
	    "Auto-Submitted: auto-replied; owner-email=\"ann@client.test\"\r\n"
	    "X-Loop: ann@client.test\r\nX-Loop: other@Lists.example.org\r\n"
	    "X-No-Archive: Yes, says Ann\r\n"
	    "MIME-Version: 1.0 (Apple Mail)\r\n"
	    "Content-Type: Text/Plain; charset=utf-8; format=flowed;\r\n"
	    "\tx-unix-mode=0644; reply-type=ann\r\n"
	    "Content-Transfer-Encoding: 8BIT\r\nContent-Language: en-AU\r\n"
	    "Content-ID: <3@laptop.home>\r\n\r\nbody\r\n",
	    OURS "Subject: Hello  there\r\n"
	    "Date: Mon, 23 Nov 2026 16:00:00 +0000\r\n"
	    "Message-ID: <anon.#@lists.example.org>\r\n"
	    "In-Reply-To: <anon.#@lists.example.org>\r\n"
	    "References: <anon.#@lists.example.org>\r\n"
	    " <anon.#@lists.example.org>\r\nAuto-Submitted: auto-replied\r\n"
	    "X-No-Archive: yes\r\nX-Loop: other@Lists.example.org\r\n"
	    "MIME-Version: 1.0\r\n"
	    "Content-Type: text/plain; charset=utf-8; format=flowed\r\n"
	    "Content-Transfer-Encoding: 8bit\r\n\r\nbody\r\n");
	see("From: a@b.test\r\nDate: yesterday\r\n\r\n", OURS EPOCH "\r\n");
	/* like the first line in a mailbox, but a field */
	see("From : a@b.test\r\nContent-Type: multipart/mixed; boundary=b\r\n"
	    "\r\n--b\r\n\r\nx\r\n--b--\r\n",
	    OURS EPOCH "Content-Type: multipart/mixed; boundary=\"=_#\"\r\n"
	    "\r\n\r\n--=_#\r\n\r\nx\r\n--=_#--\r\n");
}

/* Whoever quotes a post by either id is in its thread. */
static void
test_ids(void)
{
	struct anonymity other = with;
	g_autofree char *one = anonymous_id(&with, "<1@a.test>");
	g_autofree char *same = anonymous_id(&with, "<1@a.test>");
	g_autofree char *again = anonymous_id(&with, one);
	g_autofree char *two = anonymous_id(&with, "<2@a.test>");
	g_autofree char *theirs = NULL, *foreign = NULL, *none = NULL;

	g_assert_cmpstr(one, ==, same);
	g_assert_cmpstr(one, ==, again);
	g_assert_cmpstr(one, !=, two);
	other.list = "ops@lists.example.org";
	theirs = anonymous_id(&other, "<1@a.test>");
	g_assert_cmpstr(one, !=, theirs);
	other.list = "dev@lists.other.test";
	foreign = anonymous_id(&other, one);
	g_assert_cmpstr(one, !=, foreign);
	none = anonymous_id(&with, "1@a.test");
	g_assert_cmpstr(none, ==, "");
}

#define MIXED "Content-Type: multipart/mixed; boundary=ann-laptop\r\n"
#define EDGE "--ann-laptop\r\n"
#define END "--ann-laptop--\r\n"
#define MADE OURS EPOCH "Content-Type: multipart/mixed; " \
	"boundary=\"=_#\"\r\n\r\n"

static void
test_parts(void)
{
	see(ANN MIXED "\r\nThis is from Ann's Mail\r\n" EDGE
	    "Content-Type: text/plain; x-mac-creator=1\r\n"
	    "Content-Description: by Ann\r\n\r\none \r\n" EDGE
	    "Content-Type: application/pdf; name=\"Miller CV.pdf\"\r\n"
	    "Content-Disposition: attachment; filename=\"Miller CV.pdf\";\r\n"
	    " modification-date=\"Mon, 23 Nov 2026 12:00:00 +0930\"\r\n"
	    "Content-Transfer-Encoding: BASE64\r\n\r\nAAAA\r\n" EDGE
	    "Content-Disposition: inline; filename*=utf-8''%C3%BC.txt\r\n\r\n"
	    "two\r\n" EDGE "Content-Type: text/x-vcard; name=ann.vcf\r\n\r\n"
	    "BEGIN:VCARD\r\n" END "epilogue\r\n",
	    MADE "\r\n--=_#\r\nContent-Type: text/plain\r\n\r\none \r\n"
	    "--=_#\r\nContent-Type: application/pdf; name=attachment.pdf\r\n"
	    "Content-Transfer-Encoding: base64\r\n"
	    "Content-Disposition: attachment; filename=attachment.pdf\r\n\r\n"
	    "AAAA\r\n--=_#\r\n"
	    "Content-Disposition: inline; filename*=utf-8''%C3%BC.txt\r\n\r\n"
	    "two\r\n--=_#--\r\n");
	/* a message in it is what he sends, and stays as it is */
	see(ANN MIXED "\r\n" EDGE "Content-Type: message/rfc822\r\n\r\n"
	    "From: bob@x.test\r\nX-Mailer: y\r\n"
	    "Content-Type: multipart/mixed; boundary=inner\r\n\r\npre\r\n"
	    "--inner\r\nX-A: b\r\nContent-Type: text/vcard\r\n\r\nz\r\n"
	    "--inner--\r\nbehind\r\n" END,
	    MADE "\r\n--=_#\r\nContent-Type: message/rfc822\r\n\r\n"
	    "From: bob@x.test\r\nX-Mailer: y\r\n"
	    "Content-Type: multipart/mixed; boundary=inner\r\n\r\npre\r\n"
	    "--inner\r\nX-A: b\r\nContent-Type: text/vcard\r\n\r\nz\r\n"
	    "--inner--\r\nbehind\r\n--=_#--\r\n");
	/* no multipart without parts */
	see(ANN MIXED "\r\n" EDGE "Content-Type: text/vcard\r\n\r\nz\r\n"
	    EDGE "Content-Type: application/pgp-keys\r\n\r\nz\r\n" END,
	    MADE "\r\n--=_#\r\nContent-Type: text/plain\r\n\r\n"
	    "\r\n--=_#--\r\n");
}

static void
test_signed(void)
{
	static const char opaque[] = ANN "Content-Type: application/pkcs7-mime"
		"; smime-type=signed-data\r\n\r\nx\r\n";
	const char *why;

	see(ANN "Content-Type: multipart/signed; micalg=pgp-sha256;\r\n"
	    " protocol=\"application/pgp-signature\"; boundary=x\r\n\r\n"
	    "--x\r\nContent-Type: text/plain\r\n\r\none\r\n--x\r\n"
	    "Content-Type: application/pgp-signature\r\n\r\nsig\r\n--x--\r\n",
	    MADE "\r\n--=_#\r\nContent-Type: text/plain\r\n\r\none\r\n"
	    "--=_#--\r\n");
	see(ANN "Content-Type: application/pkcs7-mime; name=smime.p7m;\r\n"
	    " smime-type=enveloped-data\r\n\r\nx\r\n",
	    OURS EPOCH "Content-Type: application/pkcs7-mime; "
	    "smime-type=enveloped-data;\r\n name=smime.p7m\r\n\r\nx\r\n");
	g_assert_null(hide(opaque, &why));
	g_assert_nonnull(strstr(why, "S/MIME"));
}

/* A picture is found by its id, which names the author's host. */
static void
test_pictures(void)
{
	const char *why, *id, *end;
	g_autofree char *made = hide(ANN
		"Content-Type: multipart/related; start=\"<1@client.test>\";"
		" type=\"text/html\"; boundary=x\r\n\r\n"
		"--x\r\nContent-Type: text/html\r\nContent-ID: "
		"<1@client.test>\r\nContent-Transfer-Encoding: "
		"quoted-printable\r\n\r\n<img src=3D\"cid:2%40client.test\">"
		" <img src=3Dcid:9@y> =C3=BC\r\n--x\r\nContent-Type: image/png"
		"\r\nContent-ID: <2@client.test>\r\n\r\nx\r\n--x--\r\n", &why);
	g_autofree char *cid = NULL, *html = NULL, *wanted = NULL;
	g_autofree guchar *raw = NULL;
	gsize len;

	g_assert_null(strstr(made, "client"));
	id = strstr(made, "image/png\r\nContent-ID: <") + 24;
	cid = g_strndup(id, strcspn(id, ">"));
	id = strstr(made, "base64\r\n");
	id = strstr(id, "\r\n\r\n") + 4;
	end = strstr(id, "\r\n--");
	html = g_strndup(id, (size_t)(end - id));
	raw = g_base64_decode(html, &len);
	wanted = g_strdup_printf("<img src=\"cid:%s\"> <img src=cid:9@y> "
				 "\xc3\xbc", cid);
	g_assert_cmpmem(raw, len, wanted, strlen(wanted));
}

/* --- what is hostile ---------------------------------------------------- */

static void
test_odd(void)
{
	static const char *const posts[] = {
		"", "\r\n", ANN "\r\n", ANN MIXED "\r\n", ANN MIXED "\r\n" EDGE,
		ANN MIXED "\r\n" END, ANN MIXED "\r\n" EDGE EDGE EDGE,
		ANN MIXED "\r\n" EDGE MIXED "\r\n" EDGE END END,
		ANN "Content-Type: multipart/digest; boundary=\r\n\r\n--\r\n",
		ANN "Content-Type: multipart/mixed; boundary=\"a b \"\r\n\r\n"
		"--a b \r\n\r\nx\r\n--a b --\r\n",
		"From: <\r\nContent-Disposition: ;;\r\nContent-Type: /;=\r\n\r\n",
		ANN "Message-ID: <>\r\nReferences: <<<>>>\r\n\r\n",
		ANN "Content-Type: text/html\r\n\r\ncid:",
	};
	const char *why;

	for (size_t i = 0; i < G_N_ELEMENTS(posts); i++) {
		g_autofree char *made = hide(posts[i], &why);

		g_assert_nonnull(made);
		g_assert_null(strstr(made, "client.test"));
	}
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{ "the header has nothing of the author's", test_header },
		{ "threads hold", test_ids },
		{ "the parts tell nothing", test_parts },
		{ "signatures go", test_signed },
		{ "pictures are found", test_pictures },
		{ "odd posts are taken", test_odd },
		{ NULL, NULL },
	};

	mime_init();
	return tap_run("anonymous", cases);
}
