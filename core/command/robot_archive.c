/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "core/archive/link.h"
#include "core/archive/reader.h"
#include "core/command/robot_inside.h"
#include "core/mail/content.h"
#include "core/mail/mime.h"
#include "core/base/banned.h"

/*
 * get archive: what there is, and posts of it, each in a letter of its own. Of
 * an archive that is private only for members, owners and moderators.
 */

#define INDEX_POSTS 20		/* that are listed */
#define SENT_MOST 10		/* posts by one mail */
#define WHOLE_MAX (1024 * 1024)	/* octets; of a longer one only the header */

struct asked {
	struct robot *robot;
	GString *out;
	struct place_of_archive place;
	struct archive_reader *reader;
};

static enum err_code
say(struct asked *asked, const char *flag, const char *value,
    const char *other, struct err *err)
{
	return robot_say(asked->robot, asked->out, flag, value, other, err);
}

/* --- one post ----------------------------------------------------------- */

static char *
subject_of(const struct header *header)
{
	g_autofree char *value = header_get(header, "Subject");

	return mime_decode(value != NULL ? value : "");
}

/* *text NULL: it is not there as it was archived. */
static enum err_code
read_post(struct asked *asked, const struct archived *entry, GBytes **text,
	  struct err *err)
{
	enum archive_found found;
	enum err_code rc = ERR_OK;

	*text = NULL;
	if (asked->reader == NULL)
		rc = archive_reader_open(&asked->place, &asked->reader, err);
	return rc == ERR_OK ?
		archive_reader_get(asked->reader, entry, &found, text, err) :
		rc;
}

static enum err_code
send_text(struct asked *asked, const struct archived *entry,
	  const struct header *header, const struct letter_about *about,
	  struct err *err)
{
	struct robot *robot = asked->robot;
	g_autofree char *number = g_strdup_printf("%u", entry->number);
	g_autofree char *link = archive_link(robot->conf, robot->list->addr,
					     entry->message_id);
	g_autofree char *subject = subject_of(header);
	const struct letter_field fields[] = {
		{ "number", number }, { "subject", subject },
		{ "link", link }, { "cut", about->whole ? "" : "yes" },
		{ NULL, NULL },
	};
	const struct letter letter = {
		.list = robot->list->id, .list_addr = robot->list->addr,
		.conf = robot->conf, .to = robot->verified,
		.template = "archive-post", .fields = fields,
		.language = robot->member != NULL ? robot->member->language :
			NULL,
		.answers = robot->mail.post->message_id, .about = about,
		.sender = LETTER_NULL,
	};
	enum err_code rc = letter_send(robot->txn, robot->with->settings,
				       &letter, "post of the archive", NULL,
				       err);

	if (rc != ERR_OK)
		return rc;
	robot->archive_posts++;
	robot->out->answered = true;
	if (robot->is_single) {
		robot->sent = true;
		return ERR_OK;
	}
	return say(asked, "archive.sent", number, subject, err);
}

static enum err_code
send_post(struct asked *asked, const struct archived *entry, struct err *err)
{
	g_autofree char *number = g_strdup_printf("%u", entry->number);
	g_autoptr(GBytes) text = NULL;
	struct letter_about about;
	struct header header;
	gsize len;
	enum err_code rc;

	if (asked->robot->archive_posts >= SENT_MOST)
		return say(asked, "archive.enough", number, G_STRINGIFY(
			   SENT_MOST), err);
	rc = read_post(asked, entry, &text, err);
	if (rc != ERR_OK)
		return rc;
	about.bytes = text != NULL ? g_bytes_get_data(text, &len) : NULL;
	if (text == NULL || !header_parse(about.bytes, len, &header,
					  &about.body_at))
		return say(asked, "archive.unknown", number, NULL, err);
	about.len = len;
	about.whole = len <= WHOLE_MAX;
	rc = send_text(asked, entry, &header, &about, err);
	header_done(&header);
	return rc;
}

/* --- the last of them --------------------------------------------------- */

/* Numbers of the last `most`, the oldest first. */
static enum err_code
last_numbers(const struct robot *robot, guint most, GArray *numbers,
	     struct err *err)
{
	struct archive archive;
	enum err_code rc = archive_get(robot->txn, robot->list->id, &archive,
				       err);

	/* those that were forgotten have left holes */
	for (uint32_t n = archive.last; rc == ERR_OK && n > 0 &&
	     numbers->len < most; n--) {
		g_autoptr(archived_t) entry = NULL;

		rc = archive_by_number(robot->txn, robot->list->id, n, &entry,
				       err);
		if (entry != NULL)
			g_array_prepend_val(numbers, n);
	}
	return rc;
}

static char *
day_text(int64_t time_s)
{
	g_autoptr(GDateTime) date = g_date_time_new_from_unix_utc(time_s);

	return date != NULL ? g_date_time_format(date, "%Y-%m-%d") :
		g_strdup("-");
}

/* "  12  2026-11-27  Ann: Minutes of Monday" */
static enum err_code
append_line(struct asked *asked, const struct archived *entry,
	    struct err *err)
{
	g_autofree char *day = day_text(entry->time_s), *subject = NULL;
	g_autoptr(GPtrArray) names = NULL;
	g_autoptr(GBytes) text = NULL;
	struct header header;
	size_t body_at;
	const char *data;
	gsize len;
	enum err_code rc = read_post(asked, entry, &text, err);

	if (rc != ERR_OK || text == NULL)
		return rc;
	data = g_bytes_get_data(text, &len);
	if (!header_parse(data, len, &header, &body_at))
		return ERR_OK;
	names = content_author_names(&header);
	subject = subject_of(&header);
	g_string_append_printf(asked->out, "  %4u  %s  %s%s%s\n",
			       entry->number, day, names->len > 0 ?
			       (const char *)names->pdata[0] : "",
			       names->len > 0 ? ": " : "", subject);
	header_done(&header);
	return ERR_OK;
}

typedef enum err_code (*with_entry)(struct asked *asked,
				    const struct archived *entry,
				    struct err *err);

static enum err_code
each_last(struct asked *asked, guint most, with_entry with, struct err *err)
{
	const struct robot *robot = asked->robot;
	g_autoptr(GArray) numbers = g_array_new(FALSE, FALSE,
						sizeof(uint32_t));
	enum err_code rc = last_numbers(robot, most, numbers, err);

	for (guint i = 0; rc == ERR_OK && i < numbers->len; i++) {
		g_autoptr(archived_t) entry = NULL;

		rc = archive_by_number(robot->txn, robot->list->id,
				       g_array_index(numbers, uint32_t, i),
				       &entry, err);
		if (rc == ERR_OK && entry != NULL)
			rc = with(asked, entry, err);
	}
	return rc;
}

static enum err_code
say_index(struct asked *asked, uint64_t posts, struct err *err)
{
	const struct robot *robot = asked->robot;
	g_autofree char *top = archive_top(robot->conf, robot->list->addr);
	g_autofree char *count = g_strdup_printf("%llu", (unsigned long long)
						 posts);
	enum err_code rc = say(asked, "archive.index", count, top, err);

	if (rc != ERR_OK || !robot->may_answer)
		return rc;
	g_string_append_c(asked->out, '\n');
	return each_last(asked, INDEX_POSTS, append_line, err);
}

/* --- what was asked for ------------------------------------------------- */

static enum err_code
send_named(struct asked *asked, const char *word, struct err *err)
{
	const struct robot *robot = asked->robot;
	g_autofree char *id = g_strdup_printf("<%s>", word);
	g_autoptr(archived_t) entry = NULL;
	g_autoptr(GPtrArray) named = NULL;
	guint64 number;
	enum err_code rc;

	if (g_ascii_string_to_unsigned(word, 10, 1, UINT32_MAX, &number,
				       NULL))
		rc = archive_by_number(robot->txn, robot->list->id,
				       (uint32_t)number, &entry, err);
	else
		rc = archive_by_message_id(robot->txn, robot->list->id, id,
					   &named, err);
	if (rc != ERR_OK)
		return rc;
	if (entry != NULL)
		return send_post(asked, entry, err);
	if (named == NULL || named->len == 0)
		return say(asked, "archive.unknown", word, NULL, err);
	return send_post(asked, named->pdata[0], err);
}

static enum err_code
answer(struct asked *asked, const struct request *request, uint64_t posts,
       struct err *err)
{
	char *const *words = request->words;
	guint64 last;
	enum err_code rc = ERR_OK;

	if (words[0] == NULL)
		return say_index(asked, posts, err);
	for (; *words != NULL && rc == ERR_OK; words++) {
		if (strcmp(*words, REQUEST_LAST) != 0) {
			rc = send_named(asked, *words, err);
			continue;
		}
		last = g_ascii_strtoull(*++words, NULL, 10);
		rc = each_last(asked, (guint)MIN(last, SENT_MOST), send_post,
			       err);
	}
	return rc;
}

static bool
may_see(const struct robot *robot)
{
	return !robot->conf->archive_private || robot->is_team ||
		robot->member != NULL;
}

/* What cannot be read now is not a fault of the one who asks, nor of the other
 * commands of his mail. */
static enum err_code
answer_or_say(struct asked *asked, const struct request *request,
	      uint64_t posts, struct err *err)
{
	struct err why = ERR_INIT;
	enum err_code rc = answer(asked, request, posts, &why);

	if (rc == ERR_DOWN)
		return say(asked, "archive.away", NULL, NULL, err);
	return rc == ERR_OK ? rc : err_set(err, rc, why.todo, "%s", why.what);
}

enum err_code
robot_archive(struct robot *robot, const struct request *request,
	      GString *out, struct err *err)
{
	struct asked asked = { .robot = robot, .out = out };
	struct archive archive;
	enum err_code rc = archive_get(robot->txn, robot->list->id, &archive,
				       err);

	if (rc != ERR_OK)
		return rc;
	if (archive.posts == 0)
		return robot_say(robot, out, "no.archive", NULL, NULL, err);
	if (!may_see(robot))
		return robot_say(robot, out, "archive.members", NULL, NULL,
				 err);
	if (!robot->may_answer)
		return ERR_OK;
	archive_place_init(&asked.place, robot->with->settings, robot->conf,
			   robot->list->addr);
	rc = answer_or_say(&asked, request, archive.posts, err);
	archive_reader_close(asked.reader);
	archive_place_done(&asked.place);
	return rc;
}
