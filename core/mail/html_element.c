/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/mail/html_inside.h"

#include <string.h>

#include "core/base/banned.h"

/* What elements of HTML do to the page. */

#define HREF_MAX 2000		/* bytes of an address that is listed */

static const struct { const char *name; enum element_kind kind; } elements[] = {
	{ "a", ELEMENT_LINK }, { "address", ELEMENT_BLOCK },
	{ "article", ELEMENT_BLOCK }, { "aside", ELEMENT_BLOCK },
	{ "blockquote", ELEMENT_QUOTE }, { "body", ELEMENT_BLOCK },
	{ "br", ELEMENT_BREAK }, { "caption", ELEMENT_BLOCK },
	{ "center", ELEMENT_BLOCK }, { "dd", ELEMENT_INDENT },
	{ "dir", ELEMENT_LIST }, { "div", ELEMENT_BLOCK },
	{ "dl", ELEMENT_GAP }, { "dt", ELEMENT_BLOCK },
	{ "fieldset", ELEMENT_GAP }, { "figcaption", ELEMENT_BLOCK },
	{ "figure", ELEMENT_GAP }, { "footer", ELEMENT_BLOCK },
	{ "form", ELEMENT_BLOCK }, { "h1", ELEMENT_GAP },
	{ "h2", ELEMENT_GAP }, { "h3", ELEMENT_GAP }, { "h4", ELEMENT_GAP },
	{ "h5", ELEMENT_GAP }, { "h6", ELEMENT_GAP },
	{ "head", ELEMENT_HIDDEN }, { "header", ELEMENT_BLOCK },
	{ "hr", ELEMENT_RULE }, { "iframe", ELEMENT_HIDDEN },
	{ "img", ELEMENT_IMAGE }, { "li", ELEMENT_ITEM },
	{ "main", ELEMENT_BLOCK }, { "menu", ELEMENT_LIST },
	{ "nav", ELEMENT_BLOCK }, { "ol", ELEMENT_NUMBERED },
	{ "p", ELEMENT_GAP }, { "pre", ELEMENT_PRE }, { "q", ELEMENT_MARKS },
	{ "script", ELEMENT_HIDDEN }, { "section", ELEMENT_BLOCK },
	{ "select", ELEMENT_HIDDEN }, { "style", ELEMENT_HIDDEN },
	{ "svg", ELEMENT_HIDDEN }, { "table", ELEMENT_TABLE },
	{ "td", ELEMENT_CELL }, { "template", ELEMENT_HIDDEN },
	{ "textarea", ELEMENT_PRE }, { "th", ELEMENT_CELL },
	{ "title", ELEMENT_HIDDEN }, { "tr", ELEMENT_ROW },
	{ "ul", ELEMENT_LIST }, { "xmp", ELEMENT_PRE },
};

enum element_kind
element_kind(const char *name)
{
	for (size_t i = 0; i < G_N_ELEMENTS(elements); i++)
		if (elements[i].name[0] == g_ascii_tolower(name[0]) &&
		    g_ascii_strcasecmp(elements[i].name, name) == 0)
			return elements[i].kind;
	return ELEMENT_INLINE;
}

/* Borrowed; NULL: it has none, or one without a value. */
static const char *
attribute(const unsigned char **pairs, const char *name)
{
	for (; pairs != NULL && pairs[0] != NULL; pairs += 2)
		if (g_ascii_strcasecmp((const char *)pairs[0], name) == 0)
			return (const char *)pairs[1];
	return NULL;
}

static bool
has_attribute(const unsigned char **pairs, const char *name)
{
	for (; pairs != NULL && pairs[0] != NULL; pairs += 2)
		if (g_ascii_strcasecmp((const char *)pairs[0], name) == 0)
			return true;
	return false;
}

/* What newsletters show in the list of mails, and nobody in the mail. */
bool
element_is_hidden(const unsigned char **pairs)
{
	const char *style = attribute(pairs, "style");
	g_autoptr(GString) plain = g_string_new(NULL);

	if (has_attribute(pairs, "hidden"))
		return true;
	for (; style != NULL && *style != '\0'; style++)
		if (!g_ascii_isspace(*style))
			g_string_append_c(plain, g_ascii_tolower(*style));
	return strstr(plain->str, "display:none") != NULL ||
		strstr(plain->str, "visibility:hidden") != NULL ||
		strstr(plain->str, "mso-hide:all") != NULL;
}

static void
begin_list(struct page *page, bool numbered, const unsigned char **pairs)
{
	const char *start = attribute(pairs, "start");
	gint64 first = start != NULL ? g_ascii_strtoll(start, NULL, 10) : 1;
	int before = numbered ? (int)CLAMP(first, 1, 1000000) - 1 : -1;

	page_block(page, page->lists->len == 0);
	g_array_append_val(page->lists, before);
}

static bool
begin_item(struct page *page)
{
	int *number = page->lists->len > 0 ? &g_array_index(
		page->lists, int, page->lists->len - 1) : NULL;
	g_autofree char *marker = NULL, *indent = NULL;

	page_block(page, false);
	marker = number == NULL || *number < 0 ? g_strdup("* ") :
		g_strdup_printf("%d. ", ++*number);
	indent = g_strnfill(strlen(marker), ' ');
	return page_open(page, FRAME_INDENT, marker, indent);
}

static void
put_image(struct page *page, const char *alt)
{
	if (alt == NULL || alt[strspn(alt, " \t\r\n")] == '\0')
		return;
	page_text(page, "[", 1);
	page_text(page, alt, strlen(alt));
	page_text(page, "]", 1);
}

static bool
begin_cell(struct page *page)
{
	if (page_inside(page) == FRAME_TABLE)
		return page_open(page, FRAME_CELL, "", "");
	page_block(page, false);
	return false;
}

void
element_begin(struct page *page, struct open *open,
	      const unsigned char **pairs)
{
	switch (open->kind) {
	case ELEMENT_BLOCK:
		page_block(page, false);
		break;
	case ELEMENT_GAP:
		page_block(page, true);
		break;
	case ELEMENT_BREAK:
		page_break(page);
		break;
	case ELEMENT_RULE:
		page_rule(page);
		break;
	case ELEMENT_QUOTE:
		page_block(page, true);
		open->has_frame = page_open(page, FRAME_INDENT, "> ", "> ");
		break;
	case ELEMENT_LIST:
	case ELEMENT_NUMBERED:
		begin_list(page, open->kind == ELEMENT_NUMBERED, pairs);
		break;
	case ELEMENT_ITEM:
		open->has_frame = begin_item(page);
		break;
	case ELEMENT_INDENT:
		page_block(page, false);
		open->has_frame = page_open(page, FRAME_INDENT, "    ",
					    "    ");
		break;
	case ELEMENT_PRE:
		page_block(page, true);
		page->stiff++;
		break;
	case ELEMENT_TABLE:
		page_block(page, false);
		open->has_frame = page_open(page, FRAME_TABLE, "", "");
		break;
	case ELEMENT_ROW:
		page_row(page);
		break;
	case ELEMENT_CELL:
		open->has_frame = begin_cell(page);
		break;
	case ELEMENT_LINK:
		open->href = g_strdup(attribute(pairs, "href"));
		open->since = page->para->len;
		open->flushed = page->flushed;
		break;
	case ELEMENT_IMAGE:
		put_image(page, attribute(pairs, "alt"));
		break;
	case ELEMENT_MARKS:
		page_text(page, "\"", 1);
		break;
	case ELEMENT_HIDDEN:
	case ELEMENT_INLINE:
		break;
	}
}

void
element_end(struct page *page, struct open *open)
{
	if (open->has_frame)
		page_close(page);
	switch (open->kind) {
	case ELEMENT_GAP:
	case ELEMENT_QUOTE:
		page_block(page, true);
		break;
	case ELEMENT_LIST:
	case ELEMENT_NUMBERED:
		g_array_set_size(page->lists, page->lists->len - 1);
		page_block(page, page->lists->len == 0);
		break;
	case ELEMENT_PRE:
		page_block(page, true);
		page->stiff--;
		break;
	case ELEMENT_LINK:
		if (open->href != NULL && strlen(open->href) <= HREF_MAX)
			page_link(page, open->href, open->since,
				  open->flushed);
		break;
	case ELEMENT_MARKS:
		page_text(page, "\"", 1);
		break;
	case ELEMENT_INLINE:
	case ELEMENT_BREAK:
	case ELEMENT_RULE:
	case ELEMENT_IMAGE:
	case ELEMENT_HIDDEN:
		break;
	default:
		page_block(page, false);
		break;
	}
	g_free(open->href);
}
