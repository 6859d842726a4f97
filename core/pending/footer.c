/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/pending/footer.h"

#include <string.h>

#include "core/mail/addr.h"
#include "core/mail/mime.h"
#include "core/pending/inside.h"
#include "core/base/banned.h"

#define LINE_MAX_LEN 998	/* RFC 5321 section 4.5.3.1.6 */

/* --- names in templates ------------------------------------------------- */

static char *
replace(const char *text, const char *name, const char *with)
{
	g_auto(GStrv) parts = g_strsplit(text, name, -1);

	return g_strjoinv(with, parts);
}

char *
unsubscribe_url(const struct list_conf *conf, const struct marks *marks)
{
	return replace(conf->unsubscribe_url, "%{token}",
		       marks->text[SLOT_LEAVE]);
}

bool
is_personal(const struct list_conf *conf)
{
	return conf->unsubscribe_url[0] != '\0' ||
		strstr(conf->footer, "%{member}") != NULL;
}

/* The token in it is proof enough, whoever sends that mail. */
char *
leave_mailto(const struct list_conf *conf, const char *list,
	     const struct marks *marks)
{
	g_autofree char *suffix = is_personal(conf) ?
		g_strconcat("-leave+", marks->text[SLOT_LEAVE], NULL) :
		g_strdup("-leave");
	g_autofree char *addr = list_role_addr(list, suffix);

	return g_strconcat("mailto:", addr, NULL);
}

/* Where a reader leaves the list: with one step, or by mail. */
static char *
leave_place(const struct list_conf *conf, const char *list,
	    const struct marks *marks)
{
	return conf->unsubscribe_url[0] != '\0' ?
		unsubscribe_url(conf, marks) :
		leave_mailto(conf, list, marks);
}

/* In one pass, so that what is put in is not looked at again. */
static char *
fill_template(const struct list_conf *conf, const char *list,
	      const struct marks *marks)
{
	g_autofree char *leave = leave_place(conf, list, marks);
	const struct { const char *name, *with; } all[] = {
		{ "%{list}", list },
		{ "%{member}", marks->text[SLOT_MEMBER] },
		{ "%{unsubscribe}", leave },
	};
	GString *out = g_string_new(NULL);

	for (const char *p = conf->footer; *p != '\0';) {
		size_t taken = 0;

		for (size_t i = 0; i < G_N_ELEMENTS(all) && taken == 0; i++) {
			if (!g_str_has_prefix(p, all[i].name))
				continue;
			g_string_append(out, all[i].with);
			taken = strlen(all[i].name);
		}
		if (taken == 0)
			g_string_append_c(out, *p);
		p += MAX(taken, 1);
	}
	return g_string_free(out, FALSE);
}

/* --- lines -------------------------------------------------------------- */

/* What may not be cut: a mark, or a character. How much of the text that is,
 * and how long it can become in a copy. */
static size_t
next_unit(const char *text, const struct marks *marks, size_t *most)
{
	static const size_t longest[SLOTS] = {
		[SLOT_MEMBER] = ADDR_MAX,
		[SLOT_LEAVE] = VERP_TOKEN_LEN,
	};
	size_t len;

	for (int i = 0; i < SLOTS; i++)
		if (g_str_has_prefix(text, marks->text[i])) {
			*most = longest[i];
			return strlen(marks->text[i]);
		}
	len = (size_t)(g_utf8_next_char(text) - text);
	*most = len;
	return len;
}

/* Length of what fits on one line, up to the last blank if there is one. */
static size_t
line_part(const char *line, size_t len, const struct marks *marks)
{
	size_t at = 0, room = LINE_MAX_LEN, blank = 0, most;

	while (at < len) {
		size_t unit = next_unit(line + at, marks, &most);

		if (most > room)
			return blank > 0 ? blank : at;
		if (line[at] == ' ')
			blank = at;
		room -= most;
		at += unit;
	}
	return len;
}

/* Blanks at its end would go on the way, but those of the line before a
 * signature ("-- ", RFC 3676 section 4.3). */
static size_t
without_blanks(const char *line, size_t len)
{
	if (len == 3 && memcmp(line, "-- ", 3) == 0)
		return len;
	while (len > 0 && (line[len - 1] == ' ' || line[len - 1] == '\t'))
		len--;
	return len;
}

static void
append_line(const char *line, const struct marks *marks, GString *out)
{
	size_t len = without_blanks(line, strlen(line));

	do {
		size_t part = line_part(line, len, marks);

		g_string_append_len(out, line, (gssize)part);
		g_string_append(out, "\r\n");
		line += part;
		len -= part;
		for (; len > 0 && *line == ' '; len--)
			line++;
	} while (len > 0);
}

char *
footer_text(const struct list_conf *conf, const char *list,
	    const struct marks *marks, bool *is_ascii)
{
	g_autofree char *filled = fill_template(conf, list, marks);
	g_auto(GStrv) lines = g_strsplit(filled, "\n", -1);
	GString *out = g_string_new(NULL);

	*is_ascii = g_str_is_ascii(filled) &&
		strstr(filled, marks->text[SLOT_MEMBER]) == NULL;
	for (char **line = lines; *line != NULL && conf->footer[0] != '\0';
	     line++)
		append_line(*line, marks, out);
	return g_string_free(out, FALSE);
}

/* --- the filter --------------------------------------------------------- */

static bool
has_marks(const char *text, const struct marks *marks)
{
	for (int i = 0; i < SLOTS; i++)
		if (strstr(text, marks->text[i]) != NULL)
			return true;
	return false;
}

static enum err_code
run(struct txn *txn, struct work *work, struct err *err)
{
	bool is_ascii;
	g_autofree char *text = footer_text(work->conf, work->job->list_addr,
					    &work->marks, &is_ascii);
	size_t len;
	const char *body = work_body(work, &len);
	GString *out = g_string_sized_new(len + strlen(text) + 1024);

	(void) txn;
	(void) err;
	(void) mime_append(&work->header, body, len, text, is_ascii, out);
	work_set_body(work, g_string_free_to_bytes(out));
	if (has_marks(text, &work->marks))
		work->own = SEAL_OWN_BODY;
	work_note(work, "footer added");
	return ERR_OK;
}

static bool
is_wanted(const struct work *work)
{
	return is_post(work) && work->conf->footer[0] != '\0';
}

const struct filter filter_texts = { "texts", is_wanted, run };
