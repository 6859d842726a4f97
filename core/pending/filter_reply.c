/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "core/mail/mime.h"
#include "core/pending/inside.h"
#include "core/base/banned.h"

/*
 * Where replies go, as the list wants it (RFC 5322 section 3.6.2). An author
 * who names places for replies has his reasons, and by default those places
 * stay. Mail-Followup-To is his alone.
 */

#define MAILBOXES_MAX 100

/* Places, each once. */
struct places {
	GString *text;
	GPtrArray *known;	/* canonical */
};

static void
places_init(struct places *places)
{
	places->text = g_string_new(NULL);
	places->known = g_ptr_array_new_with_free_func(g_free);
}

static void
places_done(struct places *places)
{
	g_string_free(places->text, TRUE);
	g_ptr_array_unref(places->known);
}

static bool
is_known(const struct places *places, const char *addr)
{
	for (guint i = 0; i < places->known->len; i++)
		if (g_ascii_strcasecmp(places->known->pdata[i], addr) == 0)
			return true;
	return false;
}

static void
add_text(struct places *places, const char *text, size_t len)
{
	g_string_append_printf(places->text, "%s%.*s",
			       places->text->len > 0 ? ", " : "", (int)len,
			       text);
}

static void
add_addr(struct places *places, const char *addr)
{
	if (is_known(places, addr) || places->known->len >= MAILBOXES_MAX)
		return;
	add_text(places, addr, strlen(addr));
	g_ptr_array_add(places->known, g_strdup(addr));
}

static bool
knows_some(const struct places *places, const GPtrArray *mailboxes)
{
	for (guint i = 0; i < mailboxes->len; i++)
		if (is_known(places, mailboxes->pdata[i]))
			return true;
	return false;
}

/* As they are written, with names and all, where all of it is understood and
 * new. */
static void
add_value(struct places *places, const char *value)
{
	bool complete;
	g_autoptr(GPtrArray) mailboxes = mime_mailboxes(value, &complete);
	size_t len = strlen(value);

	while (len > 0 && (value[len - 1] == ',' || value[len - 1] == ' '))
		len--;
	if (!complete || knows_some(places, mailboxes)) {
		for (guint i = 0; i < mailboxes->len; i++)
			add_addr(places, mailboxes->pdata[i]);
		return;
	}
	add_text(places, value, len);
	for (guint i = 0; i < mailboxes->len; i++)
		g_ptr_array_add(places->known,
				g_strdup(mailboxes->pdata[i]));
}

static void
add_fields(struct places *places, const struct header *header,
	   const char *name)
{
	int index;

	for (int i = 0; (index = header_find(header, name, i)) >= 0; i++) {
		g_autofree char *value = header_value(header, index);

		add_value(places, value);
	}
}

/* False: they are what the field has. */
static bool
set_field(struct header *header, const struct places *places)
{
	g_autofree char *folded = NULL;
	struct places now;
	bool same;

	places_init(&now);
	add_fields(&now, header, "Reply-To");
	same = now.known->len == places->known->len &&
		header_count(header, "Reply-To") <= 1;
	for (guint i = 0; i < now.known->len; i++)
		same = same && is_known(places, now.known->pdata[i]);
	places_done(&now);
	if (same)
		return false;
	folded = header_fold(places->text->str, strlen("Reply-To: "));
	header_set(header, "Reply-To", folded);
	return true;
}

/* --- the filter --------------------------------------------------------- */

/* What the author says himself comes first. */
static void
collect(const struct work *work, struct places *out)
{
	const struct list_conf *conf = work->conf;
	const enum reply_to policy = conf->anonymous &&
		conf->reply_to == REPLY_TO_NONE ? REPLY_TO_LIST :
		conf->reply_to;

	if (conf->reply_to_keep)
		add_fields(out, &work->header, "Reply-To");
	if (out->known->len == 0 &&
	    (policy == REPLY_TO_AUTHOR || policy == REPLY_TO_BOTH))
		add_fields(out, &work->header, "From");
	if (policy == REPLY_TO_LIST || policy == REPLY_TO_BOTH)
		add_value(out, work->job->list_addr);
	if (policy == REPLY_TO_GIVEN)
		add_value(out, conf->reply_to_address);
}

static bool
set_places(struct work *work)
{
	struct places places;
	bool changed = false;

	places_init(&places);
	collect(work, &places);
	if (places.known->len > 0) {
		changed = set_field(&work->header, &places);
	} else if (!work->conf->reply_to_keep) {
		changed = header_find(&work->header, "Reply-To", 0) >= 0;
		header_remove(&work->header, "Reply-To");
	}
	places_done(&places);
	return changed;
}

static enum err_code
run(struct txn *txn, struct work *work, struct err *err)
{
	(void) txn;
	(void) err;
	if (set_places(work))
		work_note(work, "Reply-To set");
	return ERR_OK;
}

static bool
is_wanted(const struct work *work)
{
	return is_post(work) && (work->conf->reply_to != REPLY_TO_NONE ||
				 !work->conf->reply_to_keep ||
				 work->conf->anonymous);
}

const struct filter filter_reply = { "reply-to", is_wanted, run };
