/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/mail/filter_inside.h"

#include <string.h>

#include "core/base/banned.h"

/*
 * The names of files in a zip archive. Programs that open one differ in which
 * of its headers they believe, and a hostile one has several; so all are read,
 * wherever they are: those in front of the files and those of the directory
 * (APPNOTE.TXT sections 4.3.7 and 4.3.12). Nothing is unpacked.
 */
#define NAMES_MAX 10000
#define NAME_LEN_MAX 1024

struct layout {
	const char *magic;	/* of 4 bytes */
	size_t length_at;	/* of the name, 2 bytes, little endian */
	size_t name_at;
};

static const struct layout layouts[] = {
	{ "PK\003\004", 26, 30 }, { "PK\001\002", 28, 46 },
};

static void
add_name(const struct layout *layout, const guint8 *at, size_t left,
	 GPtrArray *out)
{
	g_autofree char *name = NULL;
	size_t len;

	if (left < layout->name_at)
		return;
	len = at[layout->length_at] + 256u * at[layout->length_at + 1];
	if (len == 0 || len > NAME_LEN_MAX || len > left - layout->name_at)
		return;
	name = g_strndup((const char *)at + layout->name_at, len);
	g_ptr_array_add(out, filter_fold(name));
}

static void
add_names(const struct layout *layout, const GByteArray *bytes,
	  GPtrArray *out)
{
	const guint8 *at = bytes->data, *end = at + bytes->len;

	while (out->len < NAMES_MAX &&
	       (at = memmem(at, (size_t)(end - at), layout->magic, 4)) !=
	       NULL) {
		add_name(layout, at, (size_t)(end - at), out);
		at += 4;
	}
}

GPtrArray *
node_zipped(const struct node *node)
{
	GPtrArray *out = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GByteArray) bytes = NULL;

	if (!node_is_leaf(node) || node->part->is_text)
		return out;
	bytes = part_decode(node->part, node->body);
	for (size_t i = 0; i < G_N_ELEMENTS(layouts) && bytes->len > 0; i++)
		add_names(&layouts[i], bytes, out);
	return out;
}
