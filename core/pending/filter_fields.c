/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/pending/inside.h"

#include <string.h>

#include "core/mail/mime.h"
#include "core/base/banned.h"

/*
 * A post gets the fields that a list must add; everything else keeps its
 * bytes, so that the author's DKIM signature holds. Where a signature covers a
 * field that we would set without need (Sender, Precedence), the field stays as
 * it is.
 */

/* Another list's: the post is ours now (RFC 2369 section 4, RFC 2919
 * section 5). */
static void
remove_list_fields(struct header *header)
{
	static const char *const names[] = {
		"List-Id", "List-Post", "List-Help", "List-Subscribe",
		"List-Unsubscribe", "List-Unsubscribe-Post", "List-Owner",
		"List-Archive",
	};

	for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
		header_remove(header, names[i]);
}

static void
add_mailto(struct header *header, const char *name, const char *list,
	   const char *suffix, const char *query)
{
	g_autofree char *addr = list_role_addr(list, suffix);
	g_autofree char *value = g_strdup_printf("<mailto:%s%s>", addr,
						 query);

	header_append(header, name, value);
}

static void
add_list_id(struct work *work)
{
	g_autofree char *id = g_strdup(work->job->list_addr);
	g_autofree char *phrase = NULL, *value = NULL, *folded = NULL;
	char *at = strrchr(id, '@');

	*at = '.';
	if (work->conf->description[0] != '\0')
		phrase = mime_encode_phrase(work->conf->description);
	value = g_strdup_printf("%s%s<%s>", phrase != NULL ? phrase : "",
				phrase != NULL ? " " : "", id);
	folded = header_fold(value, strlen("List-Id: "));
	header_append(&work->header, "List-Id", folded);
}

/* By one step where the list has a place for that (RFC 8058 section 3.1),
 * and by mail, which in a personal copy names its reader by a token. */
void
fields_add_unsubscribe(struct work *work)
{
	g_autofree char *mailto = leave_mailto(work->conf,
					       work->job->list_addr,
					       &work->marks);
	const bool one_click = work->conf->unsubscribe_url[0] != '\0';
	g_autofree char *url = NULL, *value = NULL, *folded = NULL;

	if (work->conf->list_headers == LIST_HEADERS_NONE)
		return;
	if (one_click)
		url = unsubscribe_url(work->conf, &work->marks);
	value = g_strdup_printf("%s%s%s<%s>", one_click ? "<" : "",
				one_click ? url : "", one_click ? ">, " : "",
				mailto);
	folded = header_fold(value, strlen("List-Unsubscribe: "));
	header_append(&work->header, "List-Unsubscribe", folded);
	if (one_click)
		header_append(&work->header, "List-Unsubscribe-Post",
			      "List-Unsubscribe=One-Click");
}

/* RFC 2369 section 3.4 */
static void
add_list_post(struct work *work)
{
	const struct list_conf *conf = work->conf;

	if (conf->list_post == LIST_POST_NO ||
	    (conf->list_post == LIST_POST_AUTO &&
	     strcmp(conf->policy, "announce") == 0))
		header_append(&work->header, "List-Post",
			      "NO (posting not allowed on this list)");
	else
		add_mailto(&work->header, "List-Post", work->job->list_addr,
			   "", "");
}

static void
add_list_rest(struct work *work)
{
	const char *list = work->job->list_addr;
	struct header *header = &work->header;

	add_list_post(work);
	add_mailto(header, "List-Help", list, "-request", "?subject=help");
	add_mailto(header, "List-Subscribe", list, "-join", "");
	if (work->conf->owners[0] != NULL)
		add_mailto(header, "List-Owner", list, "-owner", "");
}

void
fields_add_list(struct work *work)
{
	const char *list = work->job->list_addr;
	struct header *header = &work->header;

	if (work->conf->list_headers != LIST_HEADERS_NONE)
		add_list_id(work);
	if (work->conf->list_headers == LIST_HEADERS_ALL)
		add_list_rest(work);
	/* Another list takes our List-Id away, but not this, so that a loop
	 * through it ends when the post comes back (core/inbound/end.c). */
	header_append(header, "X-Loop", list);
}

static void
set_unsigned(struct header *header, const char *name, const char *value)
{
	if (!header_is_signed(header, name))
		header_set(header, name, value);
}

void
fields_set_sender(struct work *work)
{
	g_autofree char *addr = list_role_addr(work->job->list_addr,
					       "-bounces");
	g_autofree char *value = g_strdup_printf("<%s>", addr);

	if (!work->conf->sender_keep)
		set_unsigned(&work->header, "Sender", value);
	set_unsigned(&work->header, "Precedence", "list");
}

static enum err_code
run(struct txn *txn, struct work *work, struct err *err)
{
	(void) txn;
	(void) err;
	remove_list_fields(&work->header);
	fields_set_sender(work);
	fields_add_list(work);
	work_note(work, "list fields added");
	return ERR_OK;
}

const struct filter filter_fields = { "fields", is_post, run };

static enum err_code
run_leave(struct txn *txn, struct work *work, struct err *err)
{
	(void) txn;
	(void) err;
	fields_add_unsubscribe(work);
	if (is_personal(work->conf))
		work->own = SEAL_OWN_FIELDS;
	return ERR_OK;
}

const struct filter filter_leave = { "leave", is_post, run_leave };
