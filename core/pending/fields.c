/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/pending/inside.h"

#include <string.h>

#include "core/mail/mime.h"
#include "core/pending/footer.h"
#include "core/pending/seal.h"
#include "core/base/banned.h"

/*
 * A post gets the fields that a list must add and loses those that would
 * lead astray on the next way; everything else keeps its bytes, so that the
 * author's DKIM signature holds. Where a signature covers a field that we
 * would set without need (Sender, Precedence), the field stays as it is.
 */

/* Tracks of the way here. Delivered-To would look like a loop to the MTA of
 * the next hop, and receipts are not the list's to ask for. */
static void
remove_routing(struct header *header)
{
	static const char *const names[] = {
		"Delivered-To", "X-Original-To", "Return-Path", "Errors-To",
		"Return-Receipt-To", "Disposition-Notification-To",
		"X-Confirm-Reading-To",
	};

	for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
		header_remove(header, names[i]);
}

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
static void
add_unsubscribe(struct work *work)
{
	g_autofree char *mailto = leave_mailto(work->conf,
					       work->job->list_addr,
					       &work->marks);
	const bool one_click = work->conf->unsubscribe_url[0] != '\0';
	g_autofree char *url = NULL, *value = NULL, *folded = NULL;

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

void
fields_add_list(struct work *work)
{
	const char *list = work->job->list_addr;
	struct header *header = &work->header;

	add_list_id(work);
	add_mailto(header, "List-Post", list, "", "");
	add_mailto(header, "List-Help", list, "-request", "?subject=help");
	add_mailto(header, "List-Subscribe", list, "-join", "");
	add_unsubscribe(work);
	if (work->conf->owners[0] != NULL)
		add_mailto(header, "List-Owner", list, "-owner", "");
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

	set_unsigned(&work->header, "Sender", value);
	set_unsigned(&work->header, "Precedence", "list");
}

static void
set_subject(struct work *work)
{
	g_autofree char *old = NULL, *subject = NULL, *folded = NULL;

	if (work->conf->subject_prefix[0] == '\0')
		return;
	old = header_get(&work->header, "Subject");
	subject = mime_subject_prefix(old, work->conf->subject_prefix);
	if (old != NULL && strcmp(old, subject) == 0)
		return;
	folded = header_fold(subject, strlen("Subject: "));
	header_set(&work->header, "Subject", folded);
}

/* Without these the MTA would add its own to each copy, its From being the
 * envelope sender with the token in it. */
static void
complete(struct work *work)
{
	struct header *header = &work->header;
	g_autofree char *value = NULL;

	if (header_find(header, "Date", 0) < 0) {
		g_autofree char *date = mime_date_now();

		header_append(header, "Date", date);
	}
	if (header_find(header, "Message-ID", 0) < 0) {
		g_autofree char *id = mime_message_id(
			work->with->settings->hostname);

		header_append(header, "Message-ID", id);
	}
	if (header_find(header, "From", 0) < 0) {
		value = work->post->sender[0] != '\0' ?
			g_strdup_printf("<%s>", work->post->sender) :
			list_role_addr(work->job->list_addr, "-bounces");
		header_append(header, "From", value);
	}
}

/* An owner may be another list's -owner address, whose owner is ours, and
 * with two of them on each side each turn would double the mail. */
static void
mark_owners(struct work *work)
{
	g_autofree char *addr = list_role_addr(work->job->list_addr,
					       "-owner");

	header_append(&work->header, "X-Loop", addr);
}

/* As the list wants it. */
static void
make_fields(struct work *work)
{
	remove_routing(&work->header);
	if (work->job->role == ROLE_POST) {
		remove_list_fields(&work->header);
		set_subject(work);
		fields_set_sender(work);
		fields_add_list(work);
	} else {
		mark_owners(work);
	}
	complete(work);
	seal_results(work->with->settings, work->evidence, &work->header);
}

/* --- the form ----------------------------------------------------------- */

/* The whole made anew where a line is too long for SMTP. */
static enum err_code
recode(struct work *work, GString *header, struct form *out, struct err *err)
{
	g_autoptr(GString) whole = g_string_new(header->str);
	g_autoptr(GString) made = g_string_new(NULL);
	struct header parsed;
	size_t body_at;

	g_string_append(whole, "\r\n");
	g_string_append_len(whole, work->bytes + work->body_at,
			    (gssize)(work->len - work->body_at));
	if (!mime_recode(whole->str, whole->len, made) ||
	    !header_parse(made->str, made->len, &parsed, &body_at))
		return err_set(err, ERR_INVALID, "look at it with muster "
			       "queue show, then drop it",
			       "the post has lines over 998 octets that "
			       "cannot be re-encoded");
	header_done(&parsed);
	/* The form's header is without the empty line. */
	out->header = g_bytes_new(made->str, body_at >= 2 ? body_at - 2 : 0);
	out->body = g_bytes_new(made->str + body_at, made->len - body_at);
	out->body_at = 0;
	return ERR_OK;
}

static enum err_code
make_form(struct work *work, struct form *out, struct err *err)
{
	GString *header = g_string_new(NULL);
	enum err_code rc;

	header_write(&work->header, header);
	work->recoded = mime_needs_recode(header->str, header->len) ||
		mime_needs_recode(work->bytes + work->body_at,
				  work->len - work->body_at);
	if (work->recoded) {
		rc = recode(work, header, out, err);
		g_string_free(header, TRUE);
		return rc;
	}
	out->header = g_string_free_to_bytes(header);
	out->body = NULL;
	out->body_at = work->body_at;
	return ERR_OK;
}

enum err_code
form_make(struct work *work, struct form *out, struct err *err)
{
	if (!header_parse(work->bytes, work->len, &work->header,
			  &work->body_at))
		return err_set(err, ERR_INVALID, "drop it",
			       "the post has too many header fields");
	make_fields(work);
	return make_form(work, out, err);
}

void
form_done(struct work *work, struct form *form)
{
	g_clear_pointer(&form->header, g_bytes_unref);
	g_clear_pointer(&form->body, g_bytes_unref);
	if (work->header.fields != NULL)
		header_done(&work->header);
}
