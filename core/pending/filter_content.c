/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "conf/content.h"
#include "core/letter/letter.h"
#include "core/mail/filter.h"
#include "core/pending/inside.h"
#include "core/base/banned.h"

/* Which parts of a post the list lets through, and in which form: the keys
 * content and content-*. What is done is in core/mail/filter.h. */

/* The notes are texts of the list. */
struct noting {
	struct txn *txn;
	const struct work *work;
	enum err_code rc;	/* of the first that could not be had */
	struct err *err;
};

static char *
note(void *arg, const struct filter_item *const *items, size_t count)
{
	struct noting *noting = arg;
	const struct job *job = noting->work->job;
	g_autofree char *parts = filter_items_text(items, count);
	g_autofree char *subject = NULL, *body = NULL;
	const struct letter_field fields[] = {
		{ "parts", parts }, { NULL, NULL },
	};
	const struct letter letter = {
		.list = job->list, .list_addr = job->list_addr,
		.conf = noting->work->conf, .to = job->list_addr,
		.template = "content-removed", .fields = fields,
	};

	if (noting->rc == ERR_OK)
		noting->rc = letter_fill(noting->txn, &letter, &subject,
					 &body, NULL, noting->err);
	return body != NULL ? g_strchomp(g_steal_pointer(&body)) :
		filter_note(NULL, items, count);
}

/* The rules were checked when they were put; those of another muster, that
 * cannot be read, must not let through what they would have stopped. */
static enum err_code
read_policy(const struct list_conf *conf, struct filter_policy *out,
	    struct err *err)
{
	static const enum filter_empty empties[] = {
		[CONTENT_NOTE] = FILTER_EMPTY_NOTE,
		[CONTENT_PASS] = FILTER_EMPTY_PASS,
		[CONTENT_SHUNT] = FILTER_EMPTY_SHUNT,
	};

	out->plain_alternative = conf->content_plain;
	out->text_of_html = conf->content_text;
	out->open_signed = conf->content_signed;
	out->empty = empties[conf->content_empty];
	return content_parse(conf->content, out, err);
}

static void
say(struct work *work, const struct filter_report *report)
{
	g_autofree char *text = filter_report_text(report);

	if (text[0] != '\0')
		work_note(work, "%s", text);
}

static enum err_code
apply(struct txn *txn, struct work *work, const struct filter_policy *policy,
      struct err *err)
{
	struct noting noting = { txn, work, ERR_OK, err };
	struct filter_report report;
	GBytes *body = NULL;
	size_t len;
	const char *old = work_body(work, &len);
	enum err_code rc = filter_post(policy, &work->header, old, len, note,
				       &noting, &body, &report, err);

	if (rc == ERR_OK)
		rc = noting.rc;
	if (rc == ERR_OK)
		say(work, &report);
	if (rc == ERR_OK && body != NULL)
		work_set_body(work, g_steal_pointer(&body));
	g_clear_pointer(&body, g_bytes_unref);
	filter_report_done(&report);
	return rc;
}

static enum err_code
run(struct txn *txn, struct work *work, struct err *err)
{
	struct filter_policy policy = { 0 };
	enum err_code rc = read_policy(work->conf, &policy, err);

	if (rc == ERR_OK)
		rc = apply(txn, work, &policy, err);
	filter_policy_done(&policy);
	return rc;
}

static bool
is_wanted(const struct work *work)
{
	const struct list_conf *conf = work->conf;

	return is_post(work) && (conf->content[0] != '\0' ||
				 conf->content_plain || conf->content_text);
}

const struct filter filter_content = { "content", is_wanted, run };
