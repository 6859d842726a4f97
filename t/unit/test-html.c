/* SPDX-License-Identifier: BSD-2-Clause */

/* HTML to text, as people would have written it. */
#include <string.h>

#include "core/mail/html.h"
#include "core/mail/mime.h"
#include "t/lib/tap.h"

static void
see_in(const char *charset, const char *html, const char *text)
{
	g_autofree char *got = html_to_text((const unsigned char *)html,
					    strlen(html), charset);
	g_auto(GStrv) lines = g_strsplit(got != NULL ? got : "(none)", "\r\n",
					 -1);
	g_autofree char *joined = g_strjoinv("\n", lines);

	g_assert_cmpstr(joined, ==, text);
}

static void
see(const char *html, const char *text)
{
	see_in(NULL, html, text);
}

static void
test_text(void)
{
	see("a", "a");
	see("<p>a\n  b</p><p>c<br>d</p>e", "a b\n\nc\nd\n\ne");
	see("<div>a</div><div>b</div><div><br></div><div>c</div>", "a\nb\n\nc");
	see("<p>a</p><p>&nbsp;</p><p>b</p>", "a\n\nb");
	see("<h1>Title</h1>text<hr>more", "Title\n\ntext\n"
	    "----------------------------------------\nmore");
	see("a <b>b</b><i>c</i> <span> d</span>", "a bc d");
	see("<pre>a\n  b   c\n\n\nd\n</pre>e", "a\n  b   c\n\n\nd\n\ne");
	see("a<br><br> <br>b<p><br>c<br></p><br>d", "a\n\nb\n\nc\n\nd");
	see("<q>a</q>", "\"a\"");
}

static void
test_hidden(void)
{
	see("<html><head><title>t</title><style>p{}</style></head><body>"
	    "<script>if (a<b) x()</script>a<!-- b -->c<div style='DISPLAY : "
	    "none'>d<p>e</p></div>f<span hidden>g</span></body></html>",
	    "acf");
	see("<![if !mso]>a<![endif]><!--[if mso]>b<![endif]-->c", "ac");
	see("<noscript>a</noscript><o:p>b</o:p>", "ab");
	see("a&#8203;b&shy;c", "abc");
}

static void
test_wrap(void)
{
	see("<p>aaaaaaaaa bbbbbbbbb ccccccccc ddddddddd eeeeeeeee fffffffff "
	    "ggggggggg hhhhhhhhh iiiiiiiii</p>",
	    "aaaaaaaaa bbbbbbbbb ccccccccc ddddddddd eeeeeeeee fffffffff "
	    "ggggggggg\nhhhhhhhhh iiiiiiiii");
	/* Of Japanese a line may end behind each letter. */
	see("ああああああああああああああああああああああああああああああああああああああ",
	    "ああああああああああああああああああああああああああああああああああああ\nああ");
	see("<p>a&nbsp;&nbsp;b</p>", "a  b");
}

static void
test_lists(void)
{
	see("<ul><li>a<li>b<ul><li>c</ul></ul>d", "* a\n* b\n  * c\n\nd");
	see("<ol start=9><li>a</li><li><p>b</p><p>c</p></li></ol>",
	    "9. a\n10. b\n\n    c");
	see("<dl><dt>a<dd>b</dl>", "a\n    b");
	see("<li>a", "* a");
	see("<ul><li></li><li>a</li></ul>", "* a");
}

static void
test_quotes(void)
{
	see("a<blockquote>b<blockquote>c</blockquote>d</blockquote>e",
	    "a\n\n> b\n>\n>> c\n>\n> d\n\ne");
	see("<blockquote><p>a</p><p>b</p></blockquote>", "> a\n>\n> b");
}

static void
test_links(void)
{
	see("<a href='https://x.test/a'>text</a>, <a href=https://y.test>b</a> "
	    "<a href='https://x.test/a'>again</a>.",
	    "text [1], b [2] again [1].\n\n[1] https://x.test/a\n"
	    "[2] https://y.test");
	see("<a href='https://x.test/'>https://x.test</a> <a "
	    "href='mailto:a@b.test'>a@b.test</a> <a href='#top'>up</a> <a "
	    "href='javascript:x()'>no</a><a href='https://z.test'><img "
	    "src='p.gif'></a>", "https://x.test a@b.test up no");
	see("<a href='https://z.test/a b'><img alt='Shop'></a>",
	    "[Shop] [1]\n\n[1] https://z.test/a%20b");
	see("<a href='https://z.test/'><div>a</div></a>b",
	    "a [1]\nb\n\n[1] https://z.test/");
}

static void
test_tables(void)
{
	see("<table><tr><th>Name<th>Size<tr><td>a<td>1<tr><td>long name<td>22"
	    "</table>", "Name       Size\na          1\nlong name  22");
	see("<table><tr><td>&nbsp;</td><td><table><tr><td><p>one</p><p>two</p>"
	    "</td></tr></table></td></tr></table>", "one\n\ntwo");
	see("a<table><tr><td>b<td><td>c</table>d", "a\nb  c\nd");
	see("<table><tr><td>aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	    "<td>bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb</table>",
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n"
	    "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb");
	see("<td>a<tr>b", "a\nb");
}

static void
test_charsets(void)
{
	see_in("iso-8859-1", "\xe4&auml;&#228;&#xe4;&euro;&#128;&#146;\x80",
	       "ääää€€’€");
	see_in("utf-8", "<meta charset=latin1>\xc3\xa4", "ä");
	see("<meta http-equiv='Content-Type' content='text/html; "
	    "charset=koi8-r'>\xd0\xd2\xc9", "при");
	see("\xe4", "ä");
	see("\xc3\xa4", "ä");
	see_in("iso-2022-jp", "\x1b$B$\"\x1b(B<br>", "あ");
	see("&lt;b&gt; &amp;amp; &bogus; &", "<b> &amp; &bogus; &");
}

static void
test_limits(void)
{
	g_autoptr(GString) html = g_string_new(NULL);
	g_autofree char *text = NULL;

	for (int i = 0; i < 900; i++)
		g_string_append(html, "<blockquote><table><tr><td>");
	see(html->str, "(none)");
	g_string_truncate(html, 0);
	for (int i = 0; i < 100; i++)
		g_string_append(html, "<blockquote>");
	g_string_append(html, "deep");
	text = html_to_text((const unsigned char *)html->str, html->len, NULL);
	g_assert_nonnull(text);
	g_assert_nonnull(strstr(text, "deep"));
	see("", "(none)");
	g_string_set_size(html, 5 * 1024 * 1024);
	memset(html->str, 'a', html->len);
	see(html->str, "(none)");
}

#define TIMES (1024 * 1024)

/* What would be slow if it could be */
static void
test_hostile(void)
{
	static const char *const texts[] = {
		"<", "<a", "<a href=x>", "<b>", "</b>", "<br>", "<td>", "<li>",
		"<table>", "<tr><td>", "&", "&#1;", "<!--", "<p", "<a b='",
		"<blockquote><br>", "<script>", "<ol><li>", "<div style=x>",
		"</p>", "<form>", "<select><option>",
	};

	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
		g_autoptr(GString) html = g_string_new(NULL);
		g_autofree char *text = NULL;
		gint64 begun = g_get_monotonic_time();

		while (html->len < TIMES)
			g_string_append(html, texts[i]);
		text = html_to_text((const unsigned char *)html->str,
				    html->len, NULL);
		g_test_message("%s: %.2f s, %zu bytes", texts[i],
			       (double)(g_get_monotonic_time() - begun) / 1e6,
			       text != NULL ? strlen(text) : 0);
		g_assert_cmpint(g_get_monotonic_time() - begun, <,
				60 * G_USEC_PER_SEC);
	}
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{ "paragraphs and lines", test_text },
		{ "what is not shown", test_hidden },
		{ "lines of 72 columns", test_wrap },
		{ "lists", test_lists },
		{ "quotes", test_quotes },
		{ "links are listed", test_links },
		{ "tables", test_tables },
		{ "charsets and entities", test_charsets },
		{ "limits", test_limits },
		{ "nothing is slow", test_hostile },
		{ NULL, NULL },
	};

	mime_init();
	return tap_run("html", cases);
}
