/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/mail/anonymous_inside.h"

#include <string.h>

#include "core/mail/mime.h"
#include "core/base/banned.h"

#define BASE64_BYTES 57		/* that make a line of 76 (RFC 2045 6.8) */

/* A multipart that is of the post itself, not of a message in it */
struct level {
	char *boundary;		/* the new one */
	unsigned int left;	/* parts that are still to stay */
};

struct writer {
	const struct anonymity *with;
	const struct traits *traits;
	const struct parts *parts;
	GHashTable *levels;	/* old boundary -> struct level */
	GHashTable *ids;	/* Content-ID without <>, old -> new */
	GString *out;
};

static void
level_free(void *data)
{
	struct level *level = data;

	g_free(level->boundary);
	g_free(level);
}

static const struct piece *
piece_at(const struct writer *writer, guint index)
{
	return index < writer->parts->pieces->len ?
		&g_array_index(writer->parts->pieces, struct piece, index) :
		NULL;
}

/* --- before ------------------------------------------------------------- */

/* The multipart whose delimiter this is; NULL: none of ours. */
static struct level *
level_of(const struct writer *writer, const struct piece *edge, bool *is_last)
{
	const char *at = edge->span.bytes;
	g_autofree char *text = NULL;
	struct level *level;
	size_t len;

	text = g_strndup(at, edge->span.len);
	g_strstrip(text);
	if (!g_str_has_prefix(text, "--"))
		return NULL;
	*is_last = false;
	level = g_hash_table_lookup(writer->levels, text + 2);
	len = strlen(text);
	if (level != NULL || len < 5 || strcmp(text + len - 2, "--") != 0)
		return level;
	*is_last = true;
	text[len - 2] = '\0';
	return g_hash_table_lookup(writer->levels, text + 2);
}

static void
add_level(struct writer *writer, const char *boundary)
{
	struct level *level = g_new0(struct level, 1);

	level->boundary = anonymous_boundary(writer->with, boundary);
	g_hash_table_insert(writer->levels, g_strdup(boundary), level);
}

static char *
bare_id(const char *id)
{
	return strlen(id) < 3 ? NULL : g_strndup(id + 1, strlen(id) - 2);
}

static void
add_id(struct writer *writer, const struct part *part)
{
	g_autofree char *old = header_get(&part->header, "Content-ID");
	g_autofree char *new = old == NULL ? NULL :
		anonymous_id(writer->with, old);

	if (new != NULL && new[0] != '\0')
		g_hash_table_insert(writer->ids, bare_id(old), bare_id(new));
}

/* How many parts each multipart has must be known before one goes. */
static void
count_parts(struct writer *writer)
{
	const struct piece *piece;

	for (guint i = 0; (piece = piece_at(writer, i)) != NULL; i++) {
		struct level *level;
		bool is_last;

		if (piece->kind != PIECE_EDGE)
			continue;
		level = level_of(writer, piece, &is_last);
		if (level != NULL && !is_last)
			level->left++;
	}
}

static void
look(struct writer *writer)
{
	for (guint i = 0; i < writer->parts->parts->len; i++) {
		const struct part *part = writer->parts->parts->pdata[i];

		if (part->is_inside)
			continue;
		if (part->boundary != NULL)
			add_level(writer, part->boundary);
		add_id(writer, part);
	}
	count_parts(writer);
}

/* --- HTML --------------------------------------------------------------- */

/* A "cid:..." that begins here (RFC 2392): behind it, and what is to take its
 * place; NULL: none that we know. */
static const char *
known_id(const struct writer *writer, const char *at, const char **new_out)
{
	size_t len = strcspn(at, "\"'<>() \t\r\n");
	g_autofree char *coded = g_strndup(at, len);
	g_autofree char *id = g_uri_unescape_string(coded, NULL);

	*new_out = id == NULL ? NULL : g_hash_table_lookup(writer->ids, id);
	return *new_out != NULL ? at + len : NULL;
}

/* NULL: it names no part. */
static GString *
rename_ids(const struct writer *writer, const char *html)
{
	GString *out = g_string_new(NULL);
	bool changed = false;

	while (*html != '\0') {
		const char *new, *behind = NULL;

		if (g_ascii_strncasecmp(html, "cid:", 4) == 0)
			behind = known_id(writer, html + 4, &new);
		if (behind == NULL) {
			g_string_append_c(out, *html++);
			continue;
		}
		g_string_append_printf(out, "cid:%s", new);
		html = behind;
		changed = true;
	}
	if (!changed)
		g_string_free(out, TRUE);
	return changed ? out : NULL;
}

static GString *
html_of(const struct writer *writer, const struct part *part,
	const struct piece *leaf)
{
	g_autoptr(GByteArray) raw = NULL;

	if (strcmp(part->type, "text/html") != 0 || leaf == NULL ||
	    leaf->kind != PIECE_LEAF || part->encoding == PART_FOREIGN ||
	    g_hash_table_size(writer->ids) == 0)
		return NULL;
	raw = part_decode(part, leaf->span);
	/* what has NULs is no HTML */
	if (raw->len == 0 || memchr(raw->data, '\0', raw->len) != NULL)
		return NULL;
	g_byte_array_append(raw, (const guint8 *)"", 1);
	return rename_ids(writer, (const char *)raw->data);
}

static void
add_base64(GString *out, const GString *text)
{
	for (size_t at = 0; at < text->len; at += BASE64_BYTES) {
		g_autofree char *line = g_base64_encode(
			(const guchar *)text->str + at,
			MIN(text->len - at, BASE64_BYTES));

		g_string_append_printf(out, "%s%s", at > 0 ? "\r\n" : "",
				       line);
	}
}

/* --- writing ------------------------------------------------------------ */

static void
add_field(GString *out, const char *name, const char *value)
{
	g_autofree char *folded = NULL;

	if (value == NULL || value[0] == '\0')
		return;
	folded = header_fold(value, strlen(name) + 2);
	g_string_append_printf(out, "%s: %s\r\n", name, folded);
}

static void
add_head(struct writer *writer, const struct part *part, const char *encoding)
{
	g_autofree char *type = anonymous_type(writer->with, writer->traits,
					       part);
	g_autofree char *disposition = anonymous_disposition(writer->traits,
							     part);
	g_autofree char *old = header_get(&part->header, "Content-ID");
	g_autofree char *id = old == NULL ? NULL :
		anonymous_id(writer->with, old);

	add_field(writer->out, "Content-Type", type);
	add_field(writer->out, "Content-Transfer-Encoding", encoding);
	add_field(writer->out, "Content-Disposition", disposition);
	add_field(writer->out, "Content-ID", id);
	g_string_append(writer->out, "\r\n");
}

static void
copy(struct writer *writer, const struct piece *piece)
{
	g_string_append_len(writer->out, piece->span.bytes,
			    (gssize)piece->span.len);
}

/* The head of a part of the post, and HTML that names others; true: the leaf
 * behind it is written. */
static bool
write_head(struct writer *writer, guint index)
{
	const struct piece *piece = piece_at(writer, index);
	const struct part *part = piece->part;
	GString *html;

	if (part->is_inside) {
		copy(writer, piece);
		return false;
	}
	/* that of the whole is made elsewhere */
	if (part->is_root)
		return false;
	html = html_of(writer, part, piece_at(writer, index + 1));
	add_head(writer, part, html != NULL ? "base64" :
		 anonymous_encoding(part));
	if (html == NULL)
		return false;
	add_base64(writer->out, html);
	g_string_free(html, TRUE);
	return true;
}

/* Does the part behind this delimiter go? The last that would be left becomes
 * an empty text. */
static bool
goes(const struct writer *writer, guint index)
{
	const struct piece *head = piece_at(writer, index + 1);
	const struct piece *leaf = piece_at(writer, index + 2);

	return head != NULL && leaf != NULL && head->kind == PIECE_HEAD &&
		leaf->kind == PIECE_LEAF && !head->part->is_inside &&
		anonymous_goes(head->part);
}

/* How many pieces behind it are done with too. */
static guint
write_edge(struct writer *writer, guint index)
{
	const struct piece *piece = piece_at(writer, index);
	bool is_last = false;
	struct level *level = level_of(writer, piece, &is_last);
	const bool part_goes = level != NULL && !is_last &&
		goes(writer, index);

	if (level == NULL) {
		copy(writer, piece);
		return 0;
	}
	if (part_goes && level->left > 1) {
		level->left--;
		return 2;
	}
	g_string_append_printf(writer->out, "\r\n--%s%s\r\n", level->boundary,
			       is_last ? "--" : "");
	if (part_goes)
		g_string_append(writer->out, "Content-Type: text/plain"
				"\r\n\r\n");
	return part_goes ? 2 : 0;
}

/* Around the parts of a multipart of the post itself. */
static bool
is_our_margin(const struct writer *writer, guint index)
{
	const struct piece *piece = piece_at(writer, index);
	const struct piece *before = piece_at(writer, index - 1);
	bool is_last = false;

	if (piece->part != NULL)
		return !piece->part->is_inside;
	/* a From that is like the first line in a mailbox */
	if (before == NULL)
		return true;
	return before->kind == PIECE_EDGE &&
		level_of(writer, before, &is_last) != NULL && is_last;
}

static void
write_all(struct writer *writer)
{
	const struct piece *piece;

	for (guint i = 0; (piece = piece_at(writer, i)) != NULL; i++)
		switch (piece->kind) {
		case PIECE_HEAD:
			i += write_head(writer, i);
			break;
		case PIECE_EDGE:
			i += write_edge(writer, i);
			break;
		case PIECE_MARGIN:
			if (!is_our_margin(writer, i))
				copy(writer, piece);
			break;
		case PIECE_LEAF:
			copy(writer, piece);
			break;
		}
}

void
anonymous_parts(const struct anonymity *with, const struct traits *traits,
		const struct parts *parts, GString *out)
{
	struct writer writer = {
		.with = with, .traits = traits, .parts = parts, .out = out,
		.levels = g_hash_table_new_full(g_str_hash, g_str_equal,
						g_free, level_free),
		.ids = g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
					     g_free),
	};

	look(&writer);
	write_all(&writer);
	g_hash_table_unref(writer.levels);
	g_hash_table_unref(writer.ids);
}
