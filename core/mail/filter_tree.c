/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/mail/filter_inside.h"

#include <string.h>

#include "core/mail/mime.h"
#include "core/base/banned.h"

#define TEXT_MAX (8 * 1024 * 1024)
#define SAID_MAX 4		/* fields of one part that are read for each */

/* --- from the list of pieces to a tree ---------------------------------- */

struct builder {
	struct tree *tree;
	struct node *open[PART_DEPTH_MAX];	/* by level */
	struct node *current;		/* whose head was the last */
	struct node *closed;		/* whose last delimiter was the last
					 * edge */
	struct node *parent;		/* of the part whose delimiter was it */
	struct span edge, from_line;
};

static void
node_free(void *data)
{
	struct node *node = data;

	g_ptr_array_unref(node->children);
	g_ptr_array_unref(node->written);
	g_free(node->text);
	g_free(node);
}

static void
add_head(struct builder *b, const struct piece *piece)
{
	struct node *node = g_new0(struct node, 1);

	node->children = g_ptr_array_new();
	node->written = g_ptr_array_new();
	node->part = piece->part;
	node->head = piece->span;
	/* Head upon head: what a message contains. */
	node->parent = b->parent != NULL ? b->parent : b->current;
	node->edge = b->edge;
	node->from_line = b->from_line;
	if (node->parent != NULL)
		g_ptr_array_add(node->parent->children, node);
	else
		b->tree->root = node;
	if (piece->part->level >= 0)
		b->open[piece->part->level] = node;
	g_ptr_array_add(b->tree->nodes, node);
	b->current = node;
	b->parent = NULL;
	b->edge = b->from_line = (struct span){ NULL, 0 };
}

static void
add_edge(struct builder *b, const struct piece *piece)
{
	struct node *multipart = b->open[piece->level];

	b->current = NULL;
	b->closed = b->parent = NULL;
	if (piece->is_last) {
		multipart->close = piece->span;
		b->closed = multipart;
		return;
	}
	b->edge = piece->span;
	b->parent = multipart;
}

static void
add_margin(struct builder *b, const struct piece *piece,
	   const struct piece *next)
{
	if (next != NULL && next->kind == PIECE_HEAD)
		b->from_line = piece->span;
	else if (b->closed != NULL)
		b->closed->epilogue = piece->span;
	else if (b->current != NULL)
		b->current->preamble = piece->span;
}

static void
build(struct tree *tree)
{
	struct builder b = { .tree = tree };
	const GArray *pieces = tree->parts.pieces;

	for (guint i = 0; i < pieces->len; i++) {
		const struct piece *piece = &g_array_index(pieces,
							   struct piece, i);

		switch (piece->kind) {
		case PIECE_HEAD:
			add_head(&b, piece);
			break;
		case PIECE_LEAF:
			b.current->body = piece->span;
			break;
		case PIECE_EDGE:
			add_edge(&b, piece);
			break;
		case PIECE_MARGIN:
			add_margin(&b, piece, i + 1 < pieces->len ?
				   piece + 1 : NULL);
			break;
		}
	}
}

/* Where there is no header nothing in the body may pass for one. */
static void
make_whole(const struct header *header, const char *body, size_t len,
	   struct whole *out)
{
	if (header->fields->len > 0) {
		whole_init(header, body, len, out);
		return;
	}
	out->made = g_string_sized_new(len + 3);
	g_string_append(out->made, "\r\n");
	g_string_append_len(out->made, body, (gssize)len);
	out->bytes = out->made->str;
	out->len = out->made->len;
}

static bool
is_too_deep(const struct tree *tree)
{
	for (guint i = 0; i < tree->parts.parts->len; i++)
		if (((struct part *)tree->parts.parts->pdata[i])->is_deep)
			return true;
	return false;
}

enum err_code
tree_read(const struct header *header, const char *body, size_t len,
	  struct tree *out, struct err *err)
{
	memset(out, 0, sizeof(*out));
	make_whole(header, body, len, &out->whole);
	if (!parts_read(out->whole.bytes, out->whole.len, &out->parts)) {
		whole_done(&out->whole);
		memset(out, 0, sizeof(*out));
		return err_set(err, ERR_INVALID, "look at the post; no mail "
			       "program makes such", "its MIME structure has "
			       "more than %d parts, or a part more than %d "
			       "fields", PART_COUNT_MAX, HEADER_FIELDS_MAX);
	}
	out->nodes = g_ptr_array_new_with_free_func(node_free);
	if (is_too_deep(out))
		return err_set(err, ERR_INVALID, "look at the post; no mail "
			       "program makes such", "its MIME structure is "
			       "deeper than %d parts", PART_DEPTH_MAX);
	build(out);
	return ERR_OK;
}

void
tree_done(struct tree *tree)
{
	if (tree->nodes == NULL)
		return;
	g_ptr_array_unref(tree->nodes);
	parts_done(&tree->parts);
	whole_done(&tree->whole);
	memset(tree, 0, sizeof(*tree));
}

/* --- what a node is ----------------------------------------------------- */

bool
node_is(const struct node *node, const char *type)
{
	return strcmp(node->part->type, type) == 0;
}

bool
node_is_multipart(const struct node *node)
{
	return node->part->level >= 0 && node->children->len > 0;
}

bool
node_is_message(const struct node *node)
{
	return node->part->level < 0 && node->children->len > 0;
}

/* A multipart without a part has nothing that anybody sees. */
bool
node_is_leaf(const struct node *node)
{
	return node->children->len == 0 && node->preamble.bytes == NULL;
}

bool
node_is_attachment(const struct node *node)
{
	g_autofree char *value = header_get(&node->part->header,
					    "Content-Disposition");

	return value != NULL &&
		g_ascii_strncasecmp(value, "attachment", 10) == 0;
}

char *
node_text(const struct node *node)
{
	struct piece piece = { .part = node->part, .span = node->body };

	return part_utf8(&piece, TEXT_MAX);
}

bool
text_is_blank(const char *text)
{
	for (; *text != '\0'; text = g_utf8_next_char(text)) {
		gunichar c = g_utf8_get_char(text);

		if (!g_unichar_isspace(c) &&
		    g_unichar_type(c) != G_UNICODE_FORMAT &&
		    !g_unichar_iscntrl(c))
			return false;
	}
	return true;
}

#define BLANK_MAX 65536		/* encoded bytes; longer texts say something */

bool
node_is_blank(const struct node *node)
{
	g_autofree char *text = NULL;

	if (!node->part->is_text || node->body.len > BLANK_MAX)
		return false;
	text = node_text(node);
	return text_is_blank(text);
}

static void
add_said(GPtrArray *out, char *text)
{
	if (text != NULL && text[0] != '\0')
		g_ptr_array_add(out, text);
	else
		g_free(text);
}

/* A parameter of each field of that name */
static void
add_params(const struct node *node, const char *field, const char *param,
	   GPtrArray *out)
{
	const struct header *header = &node->part->header;
	int at;

	for (int i = 0; i < SAID_MAX &&
			(at = header_find(header, field, i)) >= 0; i++) {
		g_autofree char *value = header_value(header, at);

		add_said(out, mime_param(value, param));
	}
}

GPtrArray *
node_names(const struct node *node)
{
	GPtrArray *out = g_ptr_array_new_with_free_func(g_free);

	add_params(node, "Content-Disposition", "filename", out);
	add_params(node, "Content-Type", "name", out);
	return out;
}

/* The first is what this program takes it for; and what is written in each
 * field, which readers may understand otherwise. */
GPtrArray *
node_types(const struct node *node)
{
	const struct header *header = &node->part->header;
	GPtrArray *out = g_ptr_array_new_with_free_func(g_free);
	int at;

	g_ptr_array_add(out, g_strdup(node->part->type));
	for (int i = 1; i < SAID_MAX &&
			(at = header_find(header, "Content-Type", i)) >= 0;
	     i++) {
		g_autofree char *value = header_value(header, at);

		value[strcspn(value, " \t;(")] = '\0';
		add_said(out, g_steal_pointer(&value));
	}
	return out;
}

uint64_t
node_size(const struct node *node)
{
	uint64_t size = 0;

	if (node_is_leaf(node))
		return part_size(node->part, node->body);
	for (guint i = 0; i < node->children->len; i++) {
		const struct node *child = node->children->pdata[i];

		size += child->head.len + node_size(child);
	}
	return size;
}
