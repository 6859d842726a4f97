/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * What goes of a post, what stays, what changes. Three walks over its tree:
 * first each part is asked for by itself, then HTML becomes text where
 * nothing beside it says the same, then each multipart is looked at with what
 * is left of it, from the innermost to the post. Nothing is written before all
 * is decided, and what is then written are the post's own bytes but where
 * something stands in their place: so what was signed, odd, or in a charset
 * nobody knows, stays what it was.
 */
#include "core/mail/filter_inside.h"

#include <string.h>

#include "core/mail/mime.h"
#include "core/base/banned.h"

/* --- notes and the report ----------------------------------------------- */

static void
make_note(const struct filtering *f, struct node *node, GPtrArray *items)
{
	const struct filter_item *const *all =
		(const struct filter_item *const *)items->pdata;

	g_free(node->text);
	node->text = (f->note != NULL ? f->note : filter_note)(
		f->arg, all, items->len);
	node->fate = FATE_TEXT;
	node->is_note = true;
}

static void
make_notes(const struct filtering *f)
{
	for (guint i = 0; i < f->tree.nodes->len; i++) {
		struct node *node = f->tree.nodes->pdata[i];
		g_autoptr(GPtrArray) one = NULL;

		if (node->fate != FATE_TEXT || !node->is_note ||
		    node->item == NULL)
			continue;
		one = g_ptr_array_new();
		g_ptr_array_add(one, node->item);
		make_note(f, node, one);
	}
}

static void
collect_items(struct filtering *f)
{
	for (guint i = 0; i < f->tree.nodes->len; i++) {
		struct node *node = f->tree.nodes->pdata[i];

		if (node->item != NULL)
			g_ptr_array_add(f->report->items, node->item);
	}
}

/* --- is anything left? -------------------------------------------------- */

static bool
says_something(const struct node *node, bool *noted)
{
	const GPtrArray *inner = node->written->len > 0 ? node->written :
		node->children;
	bool says = false;

	if (node->fate == FATE_TEXT)
		*noted = *noted || node->is_note;
	if (node->fate == FATE_GONE || node->fate == FATE_TEXT)
		return node->fate == FATE_TEXT && !node->is_note;
	if (node->is_whole)
		return true;
	if (node->children->len == 0)
		return node_is_leaf(node) && !node_is_blank(node);
	for (guint i = 0; i < inner->len; i++)
		says = says_something(inner->pdata[i], noted) || says;
	return says;
}

static char *
items_text(const GPtrArray *items)
{
	struct filter_report all = { .items = (GPtrArray *)(uintptr_t)items };

	return filter_report_text(&all);
}

/* *pass: it is to stay as it was. */
static enum err_code
see_empty(struct filtering *f, bool *pass, struct err *err)
{
	struct node *root = f->tree.root;
	g_autofree char *text = NULL;
	bool noted = false;

	if (root->fate != FATE_GONE && (f->report->items->len == 0 ||
					says_something(root, &noted)))
		return ERR_OK;
	f->report->was_empty = true;
	if (f->policy->empty == FILTER_EMPTY_SHUNT) {
		text = items_text(f->report->items);
		return err_set(err, ERR_INVALID, "drop it, or change the "
			       "list's content or content-empty and retry it",
			       "nothing is left of the post that the list "
			       "lets through: %s", text);
	}
	*pass = f->policy->empty == FILTER_EMPTY_PASS;
	if (!*pass && !noted)
		make_note(f, root, f->report->items);
	return ERR_OK;
}

/* ------------------------------------------------------------------------ */

static void
decide(struct filtering *f)
{
	filter_judge(f, f->tree.root);
	if (f->policy->text_of_html)
		filter_convert(f, f->tree.root, false);
	filter_settle(f, f->tree.root);
}

/* Nothing was done, whatever was thought of. */
static void
forget(struct filter_report *report)
{
	g_ptr_array_set_size(report->items, 0);
	report->reduced = report->converted = report->signatures = 0;
}

static enum err_code
apply(struct filtering *f, struct header *header, GBytes **body_out,
      struct err *err)
{
	bool pass = false;
	enum err_code rc;

	decide(f);
	collect_items(f);
	rc = see_empty(f, &pass, err);
	if (rc != ERR_OK)
		return rc;
	if (pass || f->tree.root->fate == FATE_KEEP) {
		forget(f->report);
		return ERR_OK;
	}
	make_notes(f);
	*body_out = tree_write(&f->tree, header);
	return ERR_OK;
}

enum err_code
filter_post(const struct filter_policy *policy, struct header *header,
	    const char *body, size_t len, filter_note_fn note, void *arg,
	    GBytes **body_out, struct filter_report *report, struct err *err)
{
	struct filtering f = {
		.policy = policy, .report = report, .note = note, .arg = arg,
	};
	enum err_code rc;

	memset(report, 0, sizeof(*report));
	report->items = g_ptr_array_new_with_free_func(filter_item_free);
	*body_out = NULL;
	rc = tree_read(header, body, len, &f.tree, err);
	if (rc == ERR_OK)
		rc = apply(&f, header, body_out, err);
	tree_done(&f.tree);
	return rc;
}
