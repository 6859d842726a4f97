/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/pending/footer.h"

#include <string.h>

#include "conf/keys.h"
#include "core/mail/addr.h"
#include "core/mail/mime.h"
#include "core/pending/inside.h"
#include "core/base/banned.h"

#define LINE_MAX_LEN 998	/* RFC 5321 section 4.5.3.1.6 */
#define PLACE_MAX 500		/* octets of a URL that is put in */

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
		strstr(conf->above, "%{member}") != NULL ||
		strstr(conf->below, "%{member}") != NULL;
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

/* "<https://...>" of a field without the brackets; "" if it is no such thing:
 * an author may have written it. */
static char *
place_of(const struct header *header, const char *name)
{
	g_autofree char *value = header_get(header, name);
	size_t len = value != NULL ? strlen(value) : 0;

	if (len < 3 || len > PLACE_MAX || value[0] != '<' ||
	    value[len - 1] != '>')
		return g_strdup("");
	for (size_t i = 0; i < len; i++)
		if (!g_ascii_isgraph(value[i]))
			return g_strdup("");
	return g_strndup(value + 1, len - 2);
}

static char *
field_value(const struct text_source *source, enum text_field field)
{
	const struct list_conf *conf = source->conf;
	const char *list = source->list, *at = strrchr(list, '@');

	switch (field) {
	case FIELD_LIST:
	case FIELD_LIST_ADDRESS:
		return g_strdup(list);
	case FIELD_LIST_NAME:
		return g_strndup(list, (gsize)(at - list));
	case FIELD_LIST_DOMAIN:
		return g_strdup(at + 1);
	case FIELD_DESCRIPTION:
		return g_strdup(conf->description);
	case FIELD_REQUEST:
		return list_role_addr(list, "-request");
	case FIELD_OWNER:
		return list_role_addr(list, "-owner");
	case FIELD_JOIN:
		return list_role_addr(list, "-join");
	case FIELD_LEAVE:
		return list_role_addr(list, "-leave");
	case FIELD_ARCHIVE:
		return place_of(source->header, "List-Archive");
	case FIELD_LINK:
		/* Another list's is no place of ours. */
		return header_find(source->header, "List-Archive", 0) < 0 ?
			g_strdup("") : place_of(source->header, "Archived-At");
	case FIELD_MEMBER:
		return g_strdup(source->marks->text[SLOT_MEMBER]);
	case FIELD_UNSUBSCRIBE:
		return leave_place(conf, list, source->marks);
	case TEXT_FIELDS:
		break;
	}
	g_assert_not_reached();
}

/* In one pass, so that what is put in is not looked at again. */
static char *
fill_template(const char *template, const struct text_source *source)
{
	GString *out = g_string_new(NULL);
	enum text_field field;

	for (const char *p = template; *p != '\0';) {
		size_t taken = text_field_at(p, &field);

		if (taken > 0 && field != TEXT_FIELDS) {
			g_autofree char *value = field_value(source, field);

			g_string_append(out, value);
		} else {
			taken = 1;
			g_string_append_c(out, *p);
		}
		p += taken;
	}
	return g_string_free(out, FALSE);
}

/* --- lines -------------------------------------------------------------- */

/* What may not be cut: a mark, or a character. How much of the text that is,
 * and how long it can become in a copy. */
static size_t
next_unit(const char *text, const struct marks *marks, size_t *most)
{
	static const size_t longest[] = {
		[SLOT_MEMBER] = ADDR_MAX,
		[SLOT_LEAVE] = VERP_TOKEN_LEN,
	};
	size_t len;

	for (size_t i = 0; i < G_N_ELEMENTS(longest); i++)
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
 * signature ("-- ", RFC 3676 section 4.3). Above a post that would make all of
 * it a signature. */
static size_t
without_blanks(const char *line, size_t len, bool is_above)
{
	if (len == 3 && memcmp(line, "-- ", 3) == 0 && !is_above)
		return len;
	while (len > 0 && (line[len - 1] == ' ' || line[len - 1] == '\t'))
		len--;
	return len;
}

static void
append_line(const char *line, bool is_above, const struct marks *marks,
	    GString *out)
{
	size_t len = without_blanks(line, strlen(line), is_above);

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

static GString *
make_text(const char *template, bool is_above,
	  const struct text_source *source)
{
	g_autofree char *filled = fill_template(template, source);
	g_auto(GStrv) lines = g_strsplit(filled, "\n", -1);
	GString *out = g_string_new(NULL);

	for (char **line = lines; *line != NULL && template[0] != '\0';
	     line++)
		append_line(*line, is_above, source->marks, out);
	return out;
}

char *
text_above(const struct text_source *source)
{
	GString *out = make_text(source->conf->above, true, source);

	if (out->len > 0)
		g_string_append(out, "\r\n");
	return g_string_free(out, FALSE);
}

char *
text_below(const struct text_source *source)
{
	GString *out = make_text(source->conf->below, false, source);

	return g_string_free(out, FALSE);
}

/* --- the filter --------------------------------------------------------- */

static bool
has_marks(const struct mime_texts *texts)
{
	for (size_t i = 0; i < texts->mark_count; i++)
		if (strstr(texts->above, texts->marks[i].text) != NULL ||
		    strstr(texts->below, texts->marks[i].text) != NULL)
			return true;
	return false;
}

static void
add_texts(struct work *work, const struct mime_texts *texts)
{
	size_t len;
	const char *body = work_body(work, &len);
	GString *out = g_string_sized_new(len + strlen(texts->above) +
					  strlen(texts->below) + 1024);

	(void) mime_add(&work->header, body, len, texts, out);
	work_set_body(work, g_string_free_to_bytes(out));
	if (has_marks(texts))
		work->own = SEAL_OWN_BODY;
	work_note(work, "%s added", texts->above[0] == '\0' ? "footer" :
		  texts->below[0] == '\0' ? "header" : "header and footer");
}

static enum err_code
run(struct txn *txn, struct work *work, struct err *err)
{
	const struct text_source source = {
		.conf = work->conf, .list = work->job->list_addr,
		.marks = &work->marks, .header = &work->header,
	};
	const char (*mark)[SLOT_MARK_MAX] = work->marks.text;
	const struct mime_mark marks[] = {
		{ mark[SLOT_MEMBER], mark[SLOT_MEMBER_QP], false },
		{ mark[SLOT_LEAVE], mark[SLOT_LEAVE], true },
	};
	g_autofree char *above = text_above(&source);
	g_autofree char *below = text_below(&source);

	(void) txn;
	(void) err;
	add_texts(work, &(struct mime_texts){
		.above = above, .below = below,
		.marks = marks, .mark_count = G_N_ELEMENTS(marks) });
	return ERR_OK;
}

static bool
is_wanted(const struct work *work)
{
	return is_post(work) && (work->conf->above[0] != '\0' ||
				 work->conf->below[0] != '\0');
}

const struct filter filter_texts = { "texts", is_wanted, run };
