/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * HTML to text: the door to libxml2, of which the parser is used and nothing
 * else.
 *
 * The converters of Debian 12 were looked at. html2text (1.3.2a) is from
 * another age and knows no UTF-8 inside; lynx and w3m lay out pages well, but
 * are browsers: a process a post, started by a daemon with threads and a
 * database open, with a network stack, helpers and settings of their own that
 * must all be locked away; and they differ from host to host in what they make
 * of a post, and in whether they are there. python3-html2text makes Markdown.
 * Of libraries, Gumbo reads as browsers do, but 0.10.1 is of 2015 and has no
 * upstream there; libxml2 reads what mail programs write, is fuzzed without a
 * pause, gets Debian's security updates, and its HTML parser is no recursion.
 *
 * It is used as hostile input asks for: it gets UTF-8 that was made valid
 * here, and so never converts; it builds no tree, so that memory does not grow
 * with elements; it loads nothing; we stop it at a depth, before what it does
 * for each open element can matter, and refuse what is larger than a mail that
 * somebody has written. What is then written, and how, is in html_page.c.
 */
#include "core/mail/html_inside.h"

#include <string.h>

#include <libxml/HTMLparser.h>

#include "core/mail/mime.h"
#include "core/base/banned.h"

#define BYTES_MAX (4 * 1024 * 1024)
#define DEPTH_MAX 1000
#define SNIFF_MAX 2048		/* in which a document says its charset */

struct reading {
	struct page page;
	xmlParserCtxt *parser;
	GArray *open;		/* of struct open */
	guint hidden_at;	/* how many are open where nothing is shown,
				 * 0: not hidden */
	bool is_deep;
};

/* --- what the parser calls ---------------------------------------------- */

static void
on_start(void *data, const xmlChar *name, const xmlChar **pairs)
{
	struct reading *r = data;
	struct open open = { .kind = element_kind((const char *)name) };

	if (r->open->len >= DEPTH_MAX || r->page.has_failed) {
		r->is_deep = true;
		xmlStopParser(r->parser);
		return;
	}
	if (r->hidden_at == 0 &&
	    (open.kind == ELEMENT_HIDDEN || element_is_hidden(pairs)))
		r->hidden_at = r->open->len + 1;
	if (r->hidden_at == 0)
		element_begin(&r->page, &open, pairs);
	else
		open.kind = ELEMENT_HIDDEN;
	g_array_append_val(r->open, open);
}

static void
close_last(struct reading *r)
{
	struct open open = g_array_index(r->open, struct open,
					 r->open->len - 1);

	element_end(&r->page, &open);
	if (r->hidden_at == r->open->len)
		r->hidden_at = 0;
	g_array_set_size(r->open, r->open->len - 1);
}

static void
on_end(void *data, const xmlChar *name)
{
	struct reading *r = data;

	(void) name;	/* the parser closes what is open, in order */
	if (r->open->len > 0)
		close_last(r);
}

static void
on_text(void *data, const xmlChar *text, int len)
{
	struct reading *r = data;

	if (r->hidden_at == 0 && len > 0)
		page_text(&r->page, (const char *)text, (size_t)len);
}

/* --- charsets ----------------------------------------------------------- */

/* charset=NAME in a <meta> near the beginning; the caller frees */
static char *
sniff(const char *bytes, size_t len)
{
	g_autofree char *start = g_strndup(bytes, MIN(len, SNIFF_MAX));
	g_autofree char *lower = g_ascii_strdown(start, -1);
	const char *at = strstr(lower, "charset=");
	size_t name;

	if (at == NULL)
		return NULL;
	at += strlen("charset=");
	at += strspn(at, "\"' ");
	name = strspn(at, "abcdefghijklmnopqrstuvwxyz0123456789-_:.");
	return name > 0 && name < 40 ? g_strndup(at, name) : NULL;
}

/* As browsers do where nothing is said (HTML, "determining the character
 * encoding"), and where ISO-8859-1 or ASCII is. The caller frees. */
static char *
to_utf8(const char *bytes, size_t len, const char *charset)
{
	g_autofree char *said = charset != NULL && charset[0] != '\0' ?
		g_strdup(charset) : sniff(bytes, len);
	const bool is_utf8 = g_utf8_validate_len(bytes, len, NULL);

	if (said == NULL || g_ascii_strcasecmp(said, "us-ascii") == 0)
		return mime_to_utf8(is_utf8 ? "" : "windows-1252", bytes,
				    len);
	if (g_ascii_strcasecmp(said, "iso-8859-1") == 0)
		return mime_to_utf8("windows-1252", bytes, len);
	return mime_to_utf8(said, bytes, len);
}

/* ------------------------------------------------------------------------ */

/* What the library sets up when it is first used must not be set up by two
 * threads. */
static void
init_once(void)
{
	static gsize done;

	if (g_once_init_enter(&done)) {
		xmlInitParser();
		g_once_init_leave(&done, 1);
	}
}

/* Where the comment, or the "<![if ...]>" of Outlook's, that begins at `at`
 * ends; `at`: none does; NULL: it has no end. */
static const char *
skip_odd(const char *at)
{
	const char *end;

	if (g_str_has_prefix(at, "<!--")) {
		end = strstr(at, "-->");
		return end != NULL ? end + 3 : NULL;
	}
	if (g_str_has_prefix(at, "<![")) {
		end = strchr(at, '>');
		return end != NULL ? end + 1 : NULL;
	}
	return at;
}

/* Behind a script or style that begins at `at`, where "<!--" is none */
static const char *
skip_raw(const char *at)
{
	const char *end = NULL;

	if (g_ascii_strncasecmp(at, "<style", 6) == 0)
		end = strcasestr(at, "</style");
	else if (g_ascii_strncasecmp(at, "<script", 7) == 0)
		end = strcasestr(at, "</script");
	else
		return at;
	return end;
}

/* As a document that the library reads as browsers do: text without <body>
 * would be in a <p>, and "<![if ...]>" would be text. What has no end is left
 * to the library. The caller frees. */
static char *
mend(const char *html)
{
	GString *out = g_string_sized_new(strlen(html) + 8);

	if (strcasestr(html, "<body") == NULL)
		g_string_append(out, "<body>");
	while (*html != '\0') {
		const size_t text = html[0] == '<' ? 0 : strcspn(html, "<");
		const char *raw = text > 0 ? html : skip_raw(html);
		const char *odd = raw == html ? skip_odd(html) : raw;

		if (odd == NULL) {
			g_string_append(out, html);
			break;
		}
		if (odd == html) {
			g_string_append_len(out, html, (gssize)MAX(text, 1));
			odd += MAX(text, 1);
		}
		html = odd;
	}
	return g_string_free(out, FALSE);
}

static void
parse(struct reading *r, const char *html)
{
	const htmlSAXHandler handler = {
		.startElement = on_start, .endElement = on_end,
		.characters = on_text, .cdataBlock = on_text,
		.ignorableWhitespace = on_text,
	};

	r->parser = htmlNewParserCtxt();
	g_assert(r->parser != NULL);	/* out of memory */
	*r->parser->sax = handler;
	r->parser->userData = r;
	(void) htmlCtxtReadMemory(r->parser, html, (int)strlen(html), NULL,
				  "UTF-8", HTML_PARSE_NONET |
				  HTML_PARSE_NOERROR | HTML_PARSE_NOWARNING |
				  HTML_PARSE_IGNORE_ENC |
				  HTML_PARSE_NODEFDTD);
	if (r->parser->myDoc != NULL)
		xmlFreeDoc(r->parser->myDoc);
	htmlFreeParserCtxt(r->parser);
	while (r->open->len > 0)
		close_last(r);
}

char *
html_to_text(const unsigned char *bytes, size_t len, const char *charset)
{
	struct reading r = { 0 };
	g_autofree char *utf8 = NULL, *html = NULL, *text = NULL;

	if (len == 0 || len > BYTES_MAX)
		return NULL;
	init_once();
	utf8 = to_utf8((const char *)bytes, len, charset);
	r.open = g_array_new(FALSE, FALSE, sizeof(struct open));
	page_init(&r.page);
	html = mend(utf8);
	parse(&r, html);
	text = page_finish(&r.page);
	page_done(&r.page);
	g_array_unref(r.open);
	return r.is_deep ? NULL : g_steal_pointer(&text);
}
