/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/mail/filter_inside.h"

#include <string.h>

#include "core/mail/html.h"
#include "core/mail/mime.h"
#include "core/base/banned.h"

/* --- each part by itself ------------------------------------------------ */

static char *
name_of(const struct node *node)
{
	g_autoptr(GPtrArray) names = node_names(node);

	return g_strdup(names->len > 0 ? names->pdata[0] : "");
}

static void
drop(struct node *node, enum filter_action action)
{
	struct filter_item *item = g_new0(struct filter_item, 1);

	item->action = action;
	item->type = g_utf8_make_valid(node->part->type, -1);
	item->name = name_of(node);
	item->size = node_size(node);
	node->item = item;
	node->is_note = action == FILTER_REPLACE;
	node->fate = node->is_note ? FATE_TEXT : FATE_GONE;
}

/* RFC 4880 section 6.2, RFC 9580; at the beginning of a line */
static bool
has_armor(const struct node *node)
{
	static const char *const armors[] = {
		"-----BEGIN PGP SIGNED MESSAGE-----",
		"-----BEGIN PGP MESSAGE-----",
	};
	g_autofree char *text = NULL;

	if (!node_is(node, "text/plain"))
		return false;
	text = node_text(node);
	for (size_t i = 0; i < G_N_ELEMENTS(armors); i++) {
		const char *at = strstr(text, armors[i]);

		if (at != NULL && (at == text || at[-1] == '\n'))
			return true;
	}
	return false;
}

static bool
is_sealed(const struct node *node)
{
	return node_is(node, "multipart/signed") ||
		node_is(node, "multipart/encrypted") ||
		node_is(node, "application/pkcs7-mime") ||
		node_is(node, "application/x-pkcs7-mime");
}

/* RFC 6522: without these a report is none. */
static bool
is_of_report(const struct node *node)
{
	return node->parent != NULL &&
		node_is(node->parent, "multipart/report") &&
		(node->part->is_fields || node_is(node, "text/rfc822-headers"));
}

static void
judge_leaf(struct filtering *f, struct node *node)
{
	const bool keeps = !f->policy->open_signed;
	enum filter_action action;

	if (is_of_report(node))
		return;
	node->is_whole = keeps && is_sealed(node);
	action = rules_ask(f->policy, node, node->is_whole ? RULES_SUB :
			   RULES_ALL);
	if (action != FILTER_PASS && keeps && has_armor(node))
		action = rules_ask(f->policy, node, RULES_SUB);
	if (action != FILTER_PASS)
		drop(node, action);
}

/* An encrypted one has no parts that would be something by themselves. */
static void
judge_encrypted(struct filtering *f, struct node *node)
{
	enum filter_action action = rules_ask(f->policy, node,
					      f->policy->open_signed ?
					      RULES_ALL : RULES_SUB);

	node->is_whole = true;
	if (action != FILTER_PASS)
		drop(node, action);
}

void
filter_judge(struct filtering *f, struct node *node)
{
	enum filter_action action;

	if (node_is_leaf(node)) {
		judge_leaf(f, node);
		return;
	}
	if (node_is(node, "multipart/encrypted")) {
		judge_encrypted(f, node);
		return;
	}
	node->is_whole = is_sealed(node) && !f->policy->open_signed;
	action = rules_ask(f->policy, node, node->is_whole ? RULES_SUB :
			   RULES_MAIN);
	if (action != FILTER_PASS)
		drop(node, action);
	else if (!node->is_whole)
		for (guint i = 0; i < node->children->len; i++)
			filter_judge(f, node->children->pdata[i]);
}

/* --- HTML --------------------------------------------------------------- */

/* The first leaf that stays; notes do not, where an alternative says more. */
static const struct node *
first_left(const struct node *node)
{
	const struct node *first = NULL;

	if (node->fate == FATE_GONE || (node->fate == FATE_TEXT &&
					node->is_note))
		return NULL;
	if (node->is_whole || !node_is_multipart(node))
		return node;
	for (guint i = 0; first == NULL && i < node->children->len; i++)
		first = first_left(node->children->pdata[i]);
	return first;
}

bool
filter_is_plain(const struct node *node)
{
	const struct node *first = first_left(node);

	return first != NULL && first->fate == FATE_KEEP &&
		node_is_leaf(first) && node_is(first, "text/plain") &&
		!node_is_attachment(first) && !node_is_blank(first);
}

/* The alternative that says in plain text what the others say */
static const struct node *
plain_one(const struct node *alternative)
{
	for (guint i = 0; i < alternative->children->len; i++)
		if (filter_is_plain(alternative->children->pdata[i]))
			return alternative->children->pdata[i];
	return NULL;
}

static void
convert_leaf(struct filtering *f, struct node *node)
{
	g_autofree char *type = header_get(&node->part->header,
					   "Content-Type");
	g_autofree char *charset = type != NULL ? mime_param(type, "charset")
						: NULL;
	g_autoptr(GByteArray) bytes = NULL;
	g_autofree char *text = NULL;

	if (!node_is(node, "text/html") || node_is_attachment(node) ||
	    node->part->encoding == PART_FOREIGN)
		return;
	bytes = part_decode(node->part, node->body);
	text = html_to_text(bytes->data, bytes->len, charset);
	/* A picture and nothing else: there is no text to have. */
	if (text == NULL || text_is_blank(text))
		return;
	node->text = g_steal_pointer(&text);
	node->fate = FATE_TEXT;
	f->report->converted++;
}

void
filter_convert(struct filtering *f, struct node *node, bool told)
{
	const struct node *plain = NULL;

	if (node->fate != FATE_KEEP || node->is_whole)
		return;
	if (node_is_leaf(node)) {
		if (!told)
			convert_leaf(f, node);
		return;
	}
	if (node_is(node, "multipart/alternative"))
		plain = plain_one(node);
	else if (node_is_message(node))
		told = false;
	for (guint i = 0; i < node->children->len; i++) {
		struct node *child = node->children->pdata[i];

		filter_convert(f, child, told || (plain != NULL &&
						  child != plain));
	}
}
