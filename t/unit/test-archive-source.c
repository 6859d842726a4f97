/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/archive/source.h"

#include <string.h>

#include <gio/gio.h>

#include "core/mail/mime.h"
#include "t/lib/tap.h"
#include "core/base/banned.h"

/* --- what is read ------------------------------------------------------- */

/* Each message, behind "[WHERE TIME]" or "[WHERE: WRONG]"; an error last. */
static char *
read_all(const char *bytes, size_t len, enum source_form form)
{
	g_autoptr(GString) out = g_string_new(NULL);
	char *copy = g_memdup2(bytes, MAX(len, 1));
	FILE *in = len > 0 ? fmemopen(copy, len, "r") :
		fopen("/dev/null", "re");
	g_autoptr(source_t) source = NULL;
	struct source_message message;
	struct err err = ERR_INIT;
	enum err_code rc;
	bool more;

	g_assert_nonnull(in);
	source = source_mbox(in, "f", form);
	while ((rc = source_next(source, &message, &more, &err)) == ERR_OK &&
	       more) {
		if (message.wrong != NULL)
			g_string_append_printf(out, "[%s: %s]\n",
					       message.where, message.wrong);
		else
			g_string_append_printf(out, "[%s %lld]\n",
					       message.where,
					       (long long)message.time_s);
		g_string_append_len(out, (const char *)message.bytes->data,
				    message.bytes->len);
		source_message_done(&message);
	}
	if (rc != ERR_OK) {
		g_string_append_printf(out, "<%s>\n", err.what);
		source_message_done(&message);
	}
	(void) fclose(in);
	g_free(copy);
	return g_string_free(g_steal_pointer(&out), FALSE);
}

static void
see(const char *mbox, enum source_form form, const char *wanted)
{
	g_autofree char *got = read_all(mbox, strlen(mbox), form);

	g_assert_cmpstr(got, ==, wanted);
}

#define LINE "From ann@example.net Mon Nov 23 12:00:00 2026\n"
#define TIME "1795435200"

static void
test_plain(void)
{
	see(LINE "A: 1\n\none\n\n" LINE "A: 2\n\ntwo\n\nFrom here on\n"
	    ">From x\n>>From y\n\n", SOURCE_ANY,
	    "[f:1 " TIME "]\nA: 1\n\none\n"
	    "[f:6 " TIME "]\nA: 2\n\ntwo\n\nFrom here on\nFrom x\n>From y\n");
	see(LINE "A: 1\n\n>From x\n>>From y\n", SOURCE_MBOXO,
	    "[f:1 " TIME "]\nA: 1\n\nFrom x\n>>From y\n");
	see("", SOURCE_ANY, "");
	see("\n\n" LINE, SOURCE_ANY, "[f:3 " TIME "]\n");
	see(LINE "A: 1\r\n\r\none\r\n\r\n" LINE "A: 2\r\n", SOURCE_ANY,
	    "[f:1 " TIME "]\nA: 1\r\n\r\none\r\n[f:6 " TIME "]\nA: 2\r\n");
}

static void
test_rubbish(void)
{
	see("hello\n\n" LINE "A: 1\n\none\n", SOURCE_ANY,
	    "[f:1: it does not begin with a line \"From WHO DATE\"]\n"
	    "hello\n[f:3 " TIME "]\nA: 1\n\none\n");
}

/* In a text, a line that looks so, and what follows it is no header. */
static void
test_looks_so(void)
{
	see(LINE "A: 1\n\none\n\n" LINE "two words\n\n" LINE "A: 2\n",
	    SOURCE_ANY, "[f:1 " TIME "]\nA: 1\n\none\n\n" LINE "two words\n"
	    "[f:9 " TIME "]\nA: 2\n");
	see(LINE "A: 1\n\none\n" LINE "A: 2\n", SOURCE_ANY,
	    "[f:1 " TIME "]\nA: 1\n\none\n" LINE "A: 2\n");
}

static void
test_counted(void)
{
	static const char mbox[] = LINE "A: 1\nContent-Length: 53\n\n"
		"\n" LINE "B: 2\n\n" LINE "A: 3\ncontent-length: 8\n\n"
		">From x\n";

	see(mbox, SOURCE_MBOXCL2, "[f:1 " TIME "]\nA: 1\n\n\n" LINE "B: 2\n"
	    "\n[f:9 " TIME "]\nA: 3\n\n>From x\n");
	see(mbox, SOURCE_ANY, "[f:1 " TIME "]\nA: 1\n\n\n" LINE "B: 2\n"
	    "\n[f:9 " TIME "]\nA: 3\n\nFrom x\n");
	/* not believed */
	see(LINE "A: 1\nContent-Length: 3\n\none two\n\n" LINE "A: 2\n",
	    SOURCE_MBOXCL2, "[f:1 " TIME "]\nA: 1\n\none two\n[f:7 " TIME
	    "]\nA: 2\n");
	see(LINE "A: 1\nContent-Length: 999999\n\none\n", SOURCE_ANY,
	    "[f:1 " TIME "]\nA: 1\n\none\n");
}

static void
test_pipermail(void)
{
	see("From ann at example.net  Mon Nov 23 12:00:00 2026\n"
	    "From: ann at example.net (Ann Example)\n"
	    "Date: Mon, 23 Nov 2026 12:00:00 +0000\n"
	    "Subject: [dev] hi\nIn-Reply-To: <1@x>\n"
	    "Message-ID: <2@example.net>\n\n"
	    ">From bob at example.net\ngr\xc3\xbc\xc3\x9f" "e\n"
	    "-------------- next part --------------\n\n\n"
	    "From bob at example.org  Mon Nov 23 12:00:00 2026\n"
	    "From: bob at example.org (=?utf-8?q?B=C3=B6b?=)\n\n\xe4\n\n",
	    SOURCE_ANY,
	    "[f:1 " TIME "]\nFrom: Ann Example <ann@example.net>\r\n"
	    "Date: Mon, 23 Nov 2026 12:00:00 +0000\n"
	    "Subject: [dev] hi\nIn-Reply-To: <1@x>\n"
	    "Message-ID: <2@example.net>\nMIME-Version: 1.0\r\n"
	    "Content-Type: text/plain; charset=utf-8\r\n"
	    "Content-Transfer-Encoding: 8bit\r\n\n"
	    "From bob at example.net\ngr\xc3\xbc\xc3\x9f" "e\n"
	    "-------------- next part --------------\n\n"
	    "[f:13 " TIME "]\nFrom: =?utf-8?q?B=C3=B6b?= <bob@example.org>"
	    "\r\nMIME-Version: 1.0\r\n"
	    "Content-Type: text/plain; charset=iso-8859-1\r\n"
	    "Content-Transfer-Encoding: 8bit\r\n\n\xe4\n");
}

/* HyperKitty's as_message() and as_string(unixfrom=True). */
static void
test_hyperkitty(void)
{
	see("From ann at example.net Mon Nov 23 12:00:00 2026\n"
	    "Content-Type: text/plain; charset=\"utf-8\"\n"
	    "From: Ann Example <ann at example.net>\n"
	    "To: dev at lists.example.org\n\nhi\n",
	    SOURCE_ANY, "[f:1 " TIME "]\n"
	    "Content-Type: text/plain; charset=\"utf-8\"\n"
	    "From: Ann Example <ann@example.net>\r\n"
	    "To: dev@lists.example.org\r\n\nhi\n");
}

static void
test_from_line(void)
{
	static const struct { const char *line; bool is, pipermail; } all[] = {
		{ LINE, true, false },
		{ "From - Mon Nov 23 12:00:00 2026\n", true, false },
		{ "From MAILER-DAEMON Mon Nov  3 12:00 2026\r\n", true, false },
		{ "From a@b Mon Nov 23 12:00:00 +0100 2026\n", true, false },
		{ "From a@b Mon Nov 23 12:00:00 2026 +0100\n", true, false },
		{ "From a@b Mon Nov 23 12:00:00 CET 2026\n", true, false },
		{ "From \"a b\"@c  Mon Nov 23 12:00:00 2026 remote from x\n",
		  true, false },
		{ "From a at b  Mon Nov 23 12:00:00 2026\n", true, true },
		{ "From here on\n", false, false },
		{ "From Monday on\n", false, false },
		{ "From Mon to Tue Nov 23\n", false, false },
		{ "From: a@b Mon Nov 23 12:00:00 2026\n", false, false },
		{ "From a@b Mon Nov 32 12:00:00 2026\n", false, false },
		{ "From a@b Mon Nov 23 25:00:00 2026\n", false, false },
		{ "From a@b Mon Nov 23 12:00:00 26\n", false, false },
		{ "From ", false, false },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(all); i++) {
		bool is_pipermail = false;
		int64_t time_s = 0;
		bool is = from_line_read(all[i].line, strlen(all[i].line),
					 &time_s, &is_pipermail);

		if (is != all[i].is || is_pipermail != all[i].pipermail)
			g_error("%s", all[i].line);
	}
}

/* --- gzip --------------------------------------------------------------- */

static GByteArray *
gzip(const char *bytes, size_t len)
{
	g_autoptr(GConverter) gzip = G_CONVERTER(g_zlib_compressor_new(
		G_ZLIB_COMPRESSOR_FORMAT_GZIP, 6));
	GByteArray *out = g_byte_array_new();
	gsize used, made;

	g_byte_array_set_size(out, (guint)len + 1000);
	g_assert_cmpint(g_converter_convert(gzip, bytes, len, out->data,
					    out->len,
					    G_CONVERTER_INPUT_AT_END, &used,
					    &made, NULL), ==,
			G_CONVERTER_FINISHED);
	g_byte_array_set_size(out, (guint)made);
	return out;
}

static void
test_gzip(void)
{
	static const char one[] = LINE "A: 1\n\none\n\n";
	g_autoptr(GByteArray) file = gzip(one, strlen(one));
	g_autoptr(GByteArray) again = gzip(one, strlen(one));
	g_autofree char *twice = NULL, *cut = NULL, *broken = NULL;

	cut = read_all((const char *)file->data, file->len - 9, SOURCE_ANY);
	g_assert_nonnull(strstr(cut, "<f: the compressed data is damaged "
				"behind line "));
	g_byte_array_append(file, again->data, again->len);
	g_byte_array_append(file, (const guint8 *)"\0\0\0\0", 4);
	twice = read_all((const char *)file->data, file->len, SOURCE_ANY);
	g_assert_cmpstr(twice, ==, "[f:1 " TIME "]\nA: 1\n\none\n"
			"[f:6 " TIME "]\nA: 1\n\none\n");
	file->data[20] ^= 0xff;
	broken = read_all((const char *)file->data, file->len, SOURCE_ANY);
	g_assert_nonnull(strstr(broken, "<f: the compressed data is damaged"));
}

/* Longer than the pieces it is read in. */
static void
test_large(void)
{
	g_autoptr(GString) mbox = g_string_new(NULL);
	g_autoptr(GString) wanted = g_string_new(NULL);
	g_autofree char *line = g_strnfill(3 * 1024 * 1024, 'x');
	g_autofree char *got = NULL, *unzipped = NULL;
	g_autoptr(GByteArray) zipped = NULL;

	for (int i = 0; i < 3; i++) {
		g_string_append_printf(mbox, LINE "A: %d\n\n%s\nend\n\n", i,
				       line);
		g_string_append_printf(wanted, "[f:%d " TIME "]\nA: %d\n\n"
				       "%s\nend\n", 6 * i + 1, i, line);
	}
	got = read_all(mbox->str, mbox->len, SOURCE_ANY);
	g_assert_true(strcmp(got, wanted->str) == 0);
	zipped = gzip(mbox->str, mbox->len);
	unzipped = read_all((const char *)zipped->data, zipped->len,
			    SOURCE_ANY);
	g_assert_true(strcmp(unzipped, wanted->str) == 0);
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{ "mboxrd and mboxo", test_plain },
		{ "what stands before the first message", test_rubbish },
		{ "a text that looks like a beginning", test_looks_so },
		{ "Content-Length, where it is right", test_counted },
		{ "Pipermail's texts become messages", test_pipermail },
		{ "what HyperKitty exports", test_hyperkitty },
		{ "lines between two messages", test_from_line },
		{ "gzip, in several parts, and damaged", test_gzip },
		{ "lines and messages of megabytes", test_large },
		{ NULL, NULL },
	};

	mime_init();
	return tap_run("archive-source", cases);
}
