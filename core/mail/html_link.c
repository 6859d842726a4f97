/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/mail/html_inside.h"

#include <string.h>

#include "core/base/banned.h"

/* Links: their numbers in the text, and what is listed below it. */

/* The address as it is listed, or NULL: nowhere that a reader could go. The
 * caller frees. */
static char *
clean_href(const char *href)
{
	static const char *const schemes[] = {
		"http://", "https://", "mailto:", "ftp://", "tel:", "news:",
	};
	GString *out = g_string_new(NULL);
	bool known = false;

	for (const char *p = href; *p != '\0'; p++) {
		if (*p == ' ' && out->len > 0 && p[1] != '\0')
			g_string_append(out, "%20");
		else if ((unsigned char)*p > ' ' && *p != 0x7f)
			g_string_append_c(out, *p);
	}
	for (size_t i = 0; i < G_N_ELEMENTS(schemes); i++)
		known = known || g_ascii_strncasecmp(
			out->str, schemes[i], strlen(schemes[i])) == 0;
	return g_string_free(out, !known);
}

/* "example.org" for "https://example.org/", "a@b" for "mailto:a@b" */
static bool
says_address(const char *text, const char *href)
{
	static const char *const fronts[] = { "https://", "http://",
					      "mailto:", "tel:", "ftp://" };
	size_t len;

	for (size_t i = 0; i < G_N_ELEMENTS(fronts); i++) {
		if (g_str_has_prefix(href, fronts[i]))
			href += strlen(fronts[i]);
		if (g_str_has_prefix(text, fronts[i]))
			text += strlen(fronts[i]);
	}
	len = strlen(href);
	if (len > 0 && href[len - 1] == '/')
		len--;
	return g_ascii_strncasecmp(text, href, len) == 0 &&
		(text[len] == '\0' || strcmp(text + len, "/") == 0);
}

static int
link_number(struct page *page, char *href)
{
	void *known = g_hash_table_lookup(page->numbers, href);

	if (known != NULL) {
		g_free(href);
		return GPOINTER_TO_INT(known);
	}
	if (page->links->len >= PAGE_LINKS_MAX) {
		g_free(href);
		return 0;
	}
	g_ptr_array_add(page->links, href);
	(void) g_hash_table_insert(page->numbers, href,
				   GINT_TO_POINTER((int)page->links->len));
	return (int)page->links->len;
}

/* Behind the last line, where a link holds whole blocks */
static void
put_behind(struct page *page, const char *mark)
{
	GString *out = page_top(page)->out;

	if (page->para->len > 0)
		g_string_append(page->para, mark);
	else if (out->len > 1 && out->str[out->len - 1] == '\n' &&
		 out->str[out->len - 2] != '\n')
		g_string_insert(out, (gssize)out->len - 1, mark);
}

void
page_link(struct page *page, const char *href, size_t since,
	  unsigned int flushed)
{
	const bool whole = page->flushed == flushed;
	const char *text = whole && since <= page->para->len ?
		page->para->str + since : "";
	g_autofree char *mark = NULL, *plain = g_strdup(text);
	char *clean = clean_href(href);
	int number;

	if (clean == NULL)
		return;
	g_strstrip(plain);
	if ((whole && page_is_nothing(plain)) || says_address(plain, clean)) {
		g_free(clean);
		return;
	}
	number = link_number(page, clean);
	if (number == 0)
		return;
	mark = g_strdup_printf(" [%d]", number);
	put_behind(page, mark);
}
