/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/held/view.h"

#include <string.h>

#include "core/held/held.h"
#include "core/letter/plain.h"
#include "core/mail/content.h"
#include "core/mail/mime.h"
#include "core/base/banned.h"

#define LINES_MAX 12
#define LINES_READ 1000	/* the last of them is all the rest */
#define LINE_CHARS 200
#define SUBJECT_CHARS 200

static void
read_header(struct held_view *view)
{
	g_autofree char *raw = NULL, *decoded = NULL;
	const char *bytes;
	gsize len;

	bytes = g_bytes_get_data(view->head, &len);
	if (!header_parse(bytes != NULL ? bytes : "", len, &view->header,
			  &view->body_at)) {
		(void) header_parse("", 0, &view->header, &view->body_at);
		view->body_at = len;
	}
	raw = header_get(&view->header, "Subject");
	decoded = raw != NULL ? mime_decode(raw) : NULL;
	view->subject = plain_line(decoded != NULL ? decoded : "",
				      SUBJECT_CHARS);
}

enum err_code
held_view_load(struct txn *txn, const struct post_id *id,
	       struct held_view *out, bool *found, struct err *err)
{
	enum err_code rc;

	memset(out, 0, sizeof(*out));
	rc = post_get(txn, id, &out->post, err);
	if (rc == ERR_OK && out->post != NULL)
		rc = post_head(txn, id, &out->head, err);
	*found = rc == ERR_OK && out->head != NULL;
	if (!*found) {
		post_free(out->post);
		memset(out, 0, sizeof(*out));
		return rc;
	}
	out->evidence = evidence_of_text(out->post->evidence);
	out->author = plain_line(out->evidence->author[0] != '\0' ?
				    out->evidence->author : out->post->author,
				    SUBJECT_CHARS);
	read_header(out);
	return ERR_OK;
}

void
held_view_done(struct held_view *view)
{
	if (view->post == NULL)
		return;
	header_done(&view->header);
	post_free(view->post);
	evidence_free(view->evidence);
	g_bytes_unref(view->head);
	g_free(view->subject);
	g_free(view->author);
}

const char *
held_view_subject(const struct held_view *view)
{
	return view->subject[0] != '\0' ? view->subject : "(no subject)";
}

const char *
held_author(const struct job *held, const struct held_view *view)
{
	return held_is_request(held) ? held->addrs[0] : view->author;
}

bool
held_view_whole(const struct held_view *view)
{
	return g_bytes_get_size(view->head) == view->post->size;
}

struct letter_about
held_view_about(const struct held_view *view)
{
	struct letter_about about = {
		.body_at = view->body_at, .whole = held_view_whole(view),
	};

	about.bytes = g_bytes_get_data(view->head, &about.len);
	return about;
}

/* No empty lines at the beginning, and none at the end. */
static char **
first_lines(char *const *all)
{
	GPtrArray *lines = g_ptr_array_new_with_free_func(g_free);

	for (; *all != NULL && lines->len < LINES_MAX; all++) {
		g_autofree char *line = plain_line(*all, LINE_CHARS);

		if (line[0] != '\0' || lines->len > 0)
			g_ptr_array_add(lines, g_steal_pointer(&line));
	}
	while (lines->len > 0 &&
	       *(const char *)lines->pdata[lines->len - 1] == '\0')
		g_ptr_array_remove_index(lines, lines->len - 1);
	g_ptr_array_add(lines, NULL);
	return (char **)g_ptr_array_free(lines, FALSE);
}

char **
held_view_lines(const struct held_view *view)
{
	g_autofree char *text = NULL;
	g_auto(GStrv) all = NULL;
	gsize len;
	const char *bytes = g_bytes_get_data(view->head, &len);

	if (bytes == NULL || view->body_at >= len)
		return g_new0(char *, 1);
	text = content_text(&view->header, bytes + view->body_at,
			    len - view->body_at);
	all = g_strsplit(text, "\n", LINES_READ);
	return first_lines(all);
}

const char *
held_verified_text(const struct evidence *evidence)
{
	switch (evidence->by) {
	case BY_DMARC:
		return "verified: the author's domain vouches for it (DMARC)";
	case BY_LOGIN:
		return "verified: sent after a login as this author";
	case BY_NETWORK:
		return "verified: sent from a trusted network";
	case BY_SEALER:
		return "verified: a trusted forwarder vouches for it (ARC)";
	case BY_NONE:
		break;
	}
	return evidence->verifiable ?
		"NOT verified: this domain vouches for its mail, but not for "
		"this post; it may be forged" :
		"NOT verified: anybody could have written this address";
}
