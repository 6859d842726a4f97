/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/mail/filter_inside.h"

#include <string.h>

#include "core/mail/mime.h"
#include "core/base/banned.h"

/* What becomes of a multipart with what is left in it. */

static bool
is_gone(const struct node *node)
{
	return node->fate == FATE_GONE;
}

static bool
is_noted(const struct node *node)
{
	return node->fate == FATE_TEXT && node->is_note;
}

/* A text that was made of HTML, which is now the plain one */
static bool
is_made(const struct node *node)
{
	while (node->fate == FATE_CHILD)
		node = node->written->pdata[0];
	return node->fate == FATE_TEXT && !node->is_note;
}

static bool
has_more_than_notes(const struct node *node)
{
	if (is_gone(node) || is_noted(node))
		return false;
	for (guint i = 0; i < node->written->len; i++)
		if (has_more_than_notes(node->written->pdata[i]))
			return true;
	return node->written->len == 0;
}

/* The notes that it begins with go. True: nothing is left of it. */
static bool
drop_notes(struct node *node)
{
	if (is_noted(node)) {
		node->item->action = FILTER_REMOVE;
		node->fate = FATE_GONE;
	} else if (node->written->len > 0) {
		while (node->written->len > 0 &&
		       drop_notes(node->written->pdata[0]))
			(void) g_ptr_array_remove_index(node->written, 0);
		if (node->written->len == 0)
			node->fate = FATE_GONE;
	}
	return is_gone(node);
}

/* A note beside what says the same would be the best of the alternatives. */
static void
clear_notes(struct node *node)
{
	bool kept = false;

	for (guint i = 0; i < node->children->len; i++)
		kept = kept || has_more_than_notes(node->children->pdata[i]);
	node->is_mixed = !kept;
	for (guint i = 0; kept && i < node->children->len; i++)
		(void) drop_notes(node->children->pdata[i]);
}

/* Of an empty text beside one that was made now, nobody needs both. */
static void
clear_blanks(struct node *node)
{
	bool made = false;

	for (guint i = 0; i < node->children->len; i++)
		made = made || is_made(node->children->pdata[i]);
	for (guint i = 0; made && i < node->children->len; i++) {
		struct node *child = node->children->pdata[i];

		if (child->fate == FATE_KEEP && node_is_leaf(child) &&
		    node_is_blank(child))
			child->fate = FATE_GONE;
	}
}

static bool
is_untouchable(const struct node *node)
{
	if (node->is_whole && !is_gone(node))
		return true;
	for (guint i = 0; i < node->children->len; i++)
		if (is_untouchable(node->children->pdata[i]))
			return true;
	return false;
}

/* Is it something by itself, which only lies in an alternative? Some programs
 * put what was attached beside their HTML. */
static bool
is_attached(const struct node *node)
{
	if (is_noted(node) || node_is_attachment(node) ||
	    node_is_message(node))
		return true;
	return node_is_leaf(node) &&
		!g_str_has_prefix(node->part->type, "text/") &&
		!g_str_has_prefix(node->part->type, "multipart/") &&
		header_find(&node->part->header, "Content-ID", 0) < 0;
}

static void
collect_attached(struct node *node, GPtrArray *out)
{
	if (is_gone(node))
		return;
	if (is_attached(node)) {
		g_ptr_array_add(out, node);
		return;
	}
	for (guint i = 0; i < node->children->len; i++)
		collect_attached(node->children->pdata[i], out);
}

/* Does what is left of it begin with a text? */
static bool
begins_plain(const struct node *node)
{
	if (is_gone(node))
		return false;
	while (!node->is_whole && node->written->len > 0)
		node = node->written->pdata[0];
	return is_made(node) || filter_is_plain(node);
}

static struct node *
find_plain(const struct node *alternative)
{
	for (guint i = 0; i < alternative->children->len; i++) {
		struct node *child = alternative->children->pdata[i];

		if (begins_plain(child))
			return child;
	}
	return NULL;
}

static void
reduce(struct filtering *f, struct node *node)
{
	struct node *plain = find_plain(node);
	bool others = false;

	if (plain == NULL || is_untouchable(node))
		return;
	g_ptr_array_add(node->written, plain);
	for (guint i = 0; i < node->children->len; i++) {
		struct node *child = node->children->pdata[i];

		if (child == plain || is_gone(child))
			continue;
		collect_attached(child, node->written);
		others = true;
	}
	node->is_mixed = node->is_mixed || node->written->len > 1;
	if (others)
		f->report->reduced++;
	else
		g_ptr_array_set_size(node->written, 0);
}

/* RFC 2387 section 3: what the others belong to */
static const struct node *
root_of_related(const struct node *node)
{
	g_autofree char *type = header_get(&node->part->header,
					   "Content-Type");
	g_autofree char *start = type != NULL ? mime_param(type, "start")
					      : NULL;

	for (guint i = 0; start != NULL && i < node->children->len; i++) {
		const struct node *child = node->children->pdata[i];
		g_autofree char *id = header_get(&child->part->header,
						 "Content-ID");

		if (id != NULL && strcmp(id, start) == 0)
			return child;
	}
	return node->children->pdata[0];
}

static void
settle_signed(struct filtering *f, struct node *node)
{
	const struct node *first = node->children->pdata[0];

	if (first->fate == FATE_KEEP)
		return;
	for (guint i = 1; i < node->children->len; i++)
		((struct node *)node->children->pdata[i])->fate = FATE_GONE;
	node->is_mixed = true;
	f->report->signatures++;
}

/* What it becomes where it is the only one that is left */
static bool
may_stand_alone(const struct node *node, const struct node *child)
{
	static const char *const kept[] = {
		"multipart/digest", "multipart/report", "multipart/form-data",
		"multipart/encrypted",
	};

	for (size_t i = 0; i < G_N_ELEMENTS(kept); i++)
		if (node_is(node, kept[i]))
			return false;
	if (node_is(node, "multipart/signed") && !node->is_mixed)
		return false;
	while (child->fate == FATE_CHILD)
		child = child->written->pdata[0];
	return child->fate == FATE_TEXT || node_is_multipart(child) ||
		(node_is_leaf(child) && !node_is_attachment(child) &&
		 g_str_has_prefix(child->part->type, "text/"));
}

/* What the kind of multipart asks for */
static void
settle_kind(struct filtering *f, struct node *node)
{
	if (node_is(node, "multipart/alternative")) {
		clear_notes(node);
		clear_blanks(node);
		if (f->policy->plain_alternative)
			reduce(f, node);
	} else if (node_is(node, "multipart/signed")) {
		settle_signed(f, node);
	} else if (node_is(node, "multipart/related")) {
		enum fate fate = root_of_related(node)->fate;

		node->is_mixed = fate == FATE_GONE || fate == FATE_TEXT ||
			fate == FATE_CHILD;
	}
}

static bool
has_changed(const struct node *node)
{
	for (guint i = 0; i < node->children->len; i++)
		if (((struct node *)node->children->pdata[i])->fate !=
		    FATE_KEEP)
			return true;
	return node->written->len > 0;
}

static void
settle_multipart(struct filtering *f, struct node *node)
{
	settle_kind(f, node);
	if (!has_changed(node))
		return;
	for (guint i = 0, chosen = node->written->len;
	     chosen == 0 && i < node->children->len; i++)
		if (!is_gone(node->children->pdata[i]))
			g_ptr_array_add(node->written,
					node->children->pdata[i]);
	if (node->written->len == 0)
		node->fate = FATE_GONE;
	else if (node->written->len == 1 && node->children->len > 1 &&
		 may_stand_alone(node, node->written->pdata[0]))
		node->fate = FATE_CHILD;
	else
		node->fate = FATE_CHANGED;
}

void
filter_settle(struct filtering *f, struct node *node)
{
	if (node->fate != FATE_KEEP || node->is_whole ||
	    node->children->len == 0)
		return;
	for (guint i = 0; i < node->children->len; i++)
		filter_settle(f, node->children->pdata[i]);
	if (node_is_multipart(node)) {
		settle_multipart(f, node);
	} else {
		const struct node *inner = node->children->pdata[0];

		if (inner->fate != FATE_KEEP)
			node->fate = is_gone(inner) ? FATE_GONE :
				FATE_CHANGED;
	}
}
