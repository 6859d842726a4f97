/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The tree is written again: spans of the post's own bytes, and what stands in
 * the place of some. The line end before a delimiter is the delimiter's own
 * (RFC 2046 section 5.1.1), so where what stood before it is gone one may have
 * to be made, and must not be made where nothing has changed.
 */
#include "core/mail/filter_inside.h"

#include <string.h>

#include "core/base/banned.h"

struct writer {
	GString *out;
};

/* --- fields ------------------------------------------------------------- */

/* What is said of the content that was there. kept: fields that are to keep
 * their place since they get another value */
static void
remove_content_fields(struct header *header, const char *const *kept)
{
	for (guint i = 0; i < header->fields->len;) {
		const struct header_field *field = &g_array_index(
			header->fields, struct header_field, i);
		g_autofree char *name = g_ascii_strdown(
			field->raw, (gssize)field->name_len);

		if (header_field_begins(field, "Content-") &&
		    !g_strv_contains(kept, name))
			(void) g_array_remove_index(header->fields, i);
		else
			i++;
	}
}

/* Of the length and the bytes as they were */
static void
remove_sums(struct header *header)
{
	header_remove(header, "Content-MD5");
	header_remove(header, "Content-Length");
	header_remove(header, "Lines");
}

static bool
has_sums(const struct header *header)
{
	return header_find(header, "Content-MD5", 0) >= 0 ||
		header_find(header, "Content-Length", 0) >= 0 ||
		header_find(header, "Lines", 0) >= 0;
}

static void
set_mime(struct header *header)
{
	if (header_find(header, "MIME-Version", 0) < 0)
		header_append(header, "MIME-Version", "1.0");
}

static void
set_text(struct header *header)
{
	static const char *const kept[] = {
		"content-type", "content-transfer-encoding",
		"content-language", NULL
	};

	remove_sums(header);
	remove_content_fields(header, kept);
	set_mime(header);
	header_set(header, "Content-Type", "text/plain; charset=\"utf-8\"");
	header_set(header, "Content-Transfer-Encoding", "quoted-printable");
}

/* With its folds; NUL is a blank, as header_value() reads it. */
static char *
raw_value(const struct header_field *field)
{
	const size_t len = field->raw_len - field->value_at;
	char *value = g_strndup("", len);

	memcpy(value, field->raw + field->value_at, len);
	for (size_t i = 0; i < len; i++)
		if (value[i] == '\0')
			value[i] = ' ';
	return value;
}

/* The header of a message gets what the part says of itself that is all of
 * its content from now on. */
static void
take_content_fields(struct header *header, const struct header *from)
{
	static const char *const none[] = { NULL };

	remove_sums(header);
	remove_content_fields(header, none);
	set_mime(header);
	for (guint i = 0; i < from->fields->len; i++) {
		const struct header_field *field = &g_array_index(
			from->fields, struct header_field, i);
		g_autofree char *name = NULL, *value = NULL;

		if (!header_field_begins(field, "Content-"))
			continue;
		name = g_strndup(field->raw, field->name_len);
		value = raw_value(field);
		header_append(header, name, g_strstrip(value));
	}
}

/* --- delimiters --------------------------------------------------------- */

/* "--boundary", as it stands there */
static struct span
delimiter_of(const struct node *multipart)
{
	struct span edge = ((struct node *)
			    multipart->children->pdata[0])->edge;

	while (edge.len > 0 && g_ascii_isspace(edge.bytes[0])) {
		edge.bytes++;
		edge.len--;
	}
	while (edge.len > 0 && g_ascii_isspace(edge.bytes[edge.len - 1]))
		edge.len--;
	return edge;
}

static void
set_mixed(struct header *header, const struct node *multipart)
{
	struct span delimiter = delimiter_of(multipart);
	g_autoptr(GString) type = g_string_new("multipart/mixed;\r\n"
					       "\tboundary=\"");

	for (size_t i = 2; i < delimiter.len; i++) {
		if (strchr("\"\\", delimiter.bytes[i]) != NULL)
			g_string_append_c(type, '\\');
		g_string_append_c(type, delimiter.bytes[i]);
	}
	g_string_append_c(type, '"');
	set_mime(header);
	header_set(header, "Content-Type", type->str);
}

static void
put(struct writer *w, struct span span)
{
	if (span.len > 0)
		g_string_append_len(w->out, span.bytes, (gssize)span.len);
}

static void
end_line(struct writer *w)
{
	if (w->out->len > 0 && w->out->str[w->out->len - 1] != '\n')
		g_string_append(w->out, "\r\n");
}

/* as_was: what stands before it has always stood there */
static void
put_edge(struct writer *w, struct span edge, bool as_was)
{
	if (!as_was && edge.len > 0 && w->out->len > 0 &&
	    edge.bytes[0] != '\r' && edge.bytes[0] != '\n')
		g_string_append(w->out, "\r\n");
	put(w, edge);
}

/* --- parts -------------------------------------------------------------- */

static void
put_as_it_is(struct writer *w, const struct node *node, bool with_head)
{
	if (with_head) {
		put(w, node->from_line);
		put(w, node->head);
	}
	put(w, node->body);
	put(w, node->preamble);
	for (guint i = 0; i < node->children->len; i++) {
		const struct node *child = node->children->pdata[i];

		put(w, child->edge);
		put_as_it_is(w, child, true);
	}
	put(w, node->close);
	put(w, node->epilogue);
}

/* What is written in its place */
static struct node *
resolve(struct node *node)
{
	while (node->fate == FATE_CHILD)
		node = node->written->pdata[0];
	return node;
}

static void put_node(struct writer *w, struct node *node,
		     const struct node *parent);

static void
put_close(struct writer *w, const struct node *node, bool as_was)
{
	struct span delimiter = delimiter_of(node);

	if (node->close.len > 0) {
		put_edge(w, node->close, as_was);
		put(w, node->epilogue);
		return;
	}
	g_string_append(w->out, "\r\n");
	put(w, delimiter);
	g_string_append(w->out, "--");
}

static bool
is_next(const struct node *multipart, const struct node *before,
	const struct node *node)
{
	GPtrArray *all = multipart->children;
	guint at = 0;

	if (before == NULL)
		return true;	/* the preamble is where it was */
	if (before->fate != FATE_KEEP)
		return false;
	if (!g_ptr_array_find(all, before, &at))
		return false;
	return at + 1 < all->len ? all->pdata[at + 1] == node : node == NULL;
}

static void
put_parts(struct writer *w, const struct node *node)
{
	const struct node *first = node->children->pdata[0], *before = NULL;

	put(w, node->preamble);
	for (guint i = 0; i < node->written->len; i++) {
		struct node *one = node->written->pdata[i];
		const bool own = i > 0 && one->parent == node;

		put_edge(w, own ? one->edge : first->edge,
			 i == 0 || (own && is_next(node, before, one)));
		/* One at the very end may lack its line end. */
		if (one->parent != node || one->fate != FATE_KEEP)
			end_line(w);
		put_node(w, one, node);
		before = one;
	}
	put_close(w, node, is_next(node, before, NULL));
}

static void
put_content(struct writer *w, struct node *node)
{
	if (node->fate == FATE_TEXT)
		part_put_qp(node->text, strlen(node->text), w->out);
	else if (node->fate == FATE_KEEP)
		put_as_it_is(w, node, false);
	else if (node_is_message(node))
		put_node(w, node->children->pdata[0], node);
	else
		put_parts(w, node);
}

/* The header of a message in which something changes */
static void
change_root(struct node *root, struct header *header)
{
	struct node *node = resolve(root);

	if (node->fate == FATE_TEXT) {
		set_text(header);
		return;
	}
	if (node != root)
		take_content_fields(header, &node->part->header);
	else
		remove_sums(header);
	if (node->fate == FATE_CHANGED && node->is_mixed)
		set_mixed(header, node);
}

static void
put_header(struct writer *w, const struct header *header)
{
	header_write(header, w->out);
	end_line(w);
	g_string_append(w->out, "\r\n");
}

static void
put_made_head(struct writer *w)
{
	g_string_append(w->out,
			"Content-Type: text/plain; charset=\"utf-8\"\r\n"
			"Content-Transfer-Encoding: quoted-printable\r\n"
			"Content-Disposition: inline\r\n\r\n");
}

static bool
is_digest(const struct node *node)
{
	return node != NULL && node_is(node, "multipart/digest");
}

/* RFC 2046 section 5.1.5: what says nothing of its type is something else in
 * a digest; so what comes out of one, or into one, says it. */
static bool
says_type(struct node *node, const struct node *parent)
{
	struct header *header = &node->part->header;

	if (is_digest(node->parent) == is_digest(parent) ||
	    header_find(header, "Content-Type", 0) >= 0)
		return false;
	header_append(header, "Content-Type", is_digest(node->parent) ?
		      "message/rfc822" : "text/plain");
	return true;
}

static void
put_head(struct writer *w, struct node *node, const struct node *parent)
{
	struct header *header = &node->part->header;
	bool anew = says_type(node, parent);

	if (node->fate == FATE_CHANGED && has_sums(header)) {
		remove_sums(header);
		anew = true;
	}
	if (node->fate == FATE_CHANGED && node->is_mixed) {
		set_mixed(header, node);
		header_remove(header, "MIME-Version");
		anew = true;
	}
	if (anew)
		put_header(w, header);
	else
		put(w, node->head);
}

/* parent: in which it is written, which may be another than it was in */
static void
put_node(struct writer *w, struct node *node, const struct node *parent)
{
	struct node *real = resolve(node);

	put(w, node->from_line);
	if (node->part->is_root && node->fate != FATE_KEEP) {
		change_root(node, &node->part->header);
		put_header(w, &node->part->header);
	} else if (real->fate == FATE_TEXT) {
		put_made_head(w);
	} else {
		put_head(w, real, parent);
	}
	put_content(w, real);
}

GBytes *
tree_write(struct tree *tree, struct header *header)
{
	struct writer w = { g_string_sized_new(tree->whole.len) };

	change_root(tree->root, header);
	put_content(&w, resolve(tree->root));
	end_line(&w);
	return g_string_free_to_bytes(w.out);
}
