/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "core/command/print.h"
#include "core/command/verb.h"
#include "core/base/banned.h"

/* Who is wanted, of those of a list. */
struct wanted {
	bool by_delivery, by_off;
	enum delivery_mode delivery;
	enum off_by off_by;
	bool moderated;
};

static bool
read_wanted(const struct call *call, struct wanted *out,
	    const char **complaint)
{
	*out = (struct wanted){
		.by_delivery = call->delivery != NULL,
		.by_off = call->off_by != NULL,
		.moderated = call->moderated,
	};
	*complaint = NULL;
	if (out->by_delivery &&
	    !delivery_mode_of_name(call->delivery, &out->delivery))
		*complaint = "--delivery: on, off, digest or plain is "
			"expected";
	else if (out->by_off && (!off_by_of_name(call->off_by, &out->off_by) ||
				 out->off_by == OFF_NOT))
		*complaint = "--off-by: self, admin or bounces is expected";
	return *complaint == NULL;
}

const char *
member_ls_check(const struct call *call)
{
	struct wanted wanted;
	const char *complaint;

	(void) read_wanted(call, &wanted, &complaint);
	return complaint;
}

static bool
is_wanted(const struct wanted *wanted, const struct roster_entry *entry)
{
	return (!wanted->by_delivery || entry->delivery == wanted->delivery) &&
		(!wanted->by_off || entry->off_by == wanted->off_by) &&
		(!wanted->moderated || entry->moderated);
}

static json_t *
entry_json(const struct call *call, const struct roster_entry *entry)
{
	return json_pack("{s:o, s:o, s:s, s:b, s:b, s:b, s:b, s:b, s:o, s:o, "
			 "s:o, s:o, s:I, s:I, s:o, s:o}",
			 "address", json_text(entry->addr),
			 "name", json_text(entry->name),
			 "delivery", delivery_mode_name(entry->delivery),
			 "own_posts", (int)entry->own_posts,
			 "moderated", (int)entry->moderated,
			 "duplicates", (int)entry->duplicates,
			 "ack", (int)entry->ack,
			 "hidden", (int)entry->hidden,
			 "language", json_text_or_null(entry->language),
			 "off_by", json_text_or_null(
				 off_by_name(entry->off_by)),
			 "off_since", json_time(entry->off_s),
			 "since", json_time(entry->since_s),
			 "posts", (json_int_t)entry->posts,
			 "bounces", (json_int_t)entry->bounces,
			 "last_bounce", json_time(entry->bounced_s),
			 "score", json_points(call, entry->bounce.score));
}

static void
flag_text(FILE *out, const char *key, bool differs, const char *value)
{
	if (differs)
		(void) fprintf(out, "\t%s=%s", key, value);
}

static void
bounce_text(FILE *out, const struct roster_entry *entry)
{
	g_autofree char *score = points_text(entry->bounce.score);
	g_autofree char *last = time_text_s(entry->bounced_s);

	flag_text(out, "score", entry->bounce.score > 0, score);
	if (entry->bounces > 0)
		(void) fprintf(out, "\tbounces=%u", entry->bounces);
	flag_text(out, "last-bounce", entry->bounced_s != 0, last);
}

/* What came first stays first, for those who count columns. */
static void
entry_text(FILE *out, const struct roster_entry *entry)
{
	g_autofree char *addr = print_plain(entry->addr);
	g_autofree char *language = print_plain(entry->language);

	(void) fputs(addr, out);
	flag_text(out, "delivery", entry->delivery != DELIVERY_ON,
		  delivery_mode_name(entry->delivery));
	flag_text(out, "moderated", entry->moderated, "yes");
	flag_text(out, "own-posts", !entry->own_posts, "no");
	flag_text(out, "off-by", entry->off_by != OFF_NOT,
		  off_by_name(entry->off_by));
	flag_text(out, "duplicates", !entry->duplicates, "no");
	flag_text(out, "ack", entry->ack, "yes");
	flag_text(out, "hidden", entry->hidden, "yes");
	flag_text(out, "language", language[0] != '\0', language);
	bounce_text(out, entry);
	(void) fputc('\n', out);
}

struct ls {
	const struct call *call;
	struct wanted wanted;
	struct print_array array;
};

static bool
ls_member(void *arg, const struct roster_entry *entry)
{
	struct ls *ls = arg;

	if (!is_wanted(&ls->wanted, entry))
		return true;
	if (ls->call->json)
		print_array_item(&ls->array, entry_json(ls->call, entry));
	else
		entry_text(ls->call->admin->out, entry);
	return !ferror(ls->call->admin->out);
}

enum admin_status
member_ls_run(struct call *call)
{
	g_autoptr(list_auto) list = NULL;
	struct ls ls = { .call = call };
	struct err err = ERR_INIT;
	const char *complaint;
	enum admin_status status = call_list(call, call->args[0], &list);

	if (status != ADMIN_DONE)
		return status;
	/* it was checked */
	(void) read_wanted(call, &ls.wanted, &complaint);
	print_array_begin(&ls.array, call);
	if (roster_each(call->admin->store, list->id, ls_member, &ls, &err) !=
	    ERR_OK)
		return call_fail(call, &err);
	print_array_end(&ls.array);
	return ADMIN_DONE;
}
