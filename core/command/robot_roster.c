/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "core/bounce/score.h"
#include "core/command/robot_inside.h"
#include "core/letter/plain.h"
#include "core/base/banned.h"

#define WHO_MOST 2000		/* that are shown */
#define BOUNCES_MOST 200
#define REASON_CHARS 200

/* Owners see whom they write to. */
static void
add_member(const struct robot *robot, const struct roster_entry *entry,
	   struct robot_roster *roster)
{
	roster->count++;
	if (entry->hidden && !robot->is_team) {
		roster->hidden++;
		return;
	}
	if (roster->shown++ >= WHO_MOST)
		return;
	g_string_append_printf(roster->members, "%s%s%s%s",
			       roster->members->len > 0 ? "\n" : "",
			       entry->addr, entry->name[0] != '\0' ? "  " : "",
			       entry->name);
}

static void
add_bouncing(const struct robot *robot, const struct roster_entry *entry,
	     struct robot_roster *roster)
{
	uint32_t score = score_at(&entry->bounce, robot->conf, 0,
				  robot->with->now_ms / 1000);
	bool is_off = entry->delivery == DELIVERY_OFF &&
		entry->off_by == OFF_BY_BOUNCES;
	g_autofree char *reason = NULL;

	if ((score == 0 && !is_off) ||
	    roster->bouncing_count++ >= BOUNCES_MOST)
		return;
	reason = plain_line(entry->bounce_reason, REASON_CHARS);
	g_string_append_printf(roster->bouncing, "%s  %u.%02u  delivery %s\n",
			       entry->addr, score / 1000, score % 1000 / 10,
			       delivery_mode_name(entry->delivery));
	if (reason[0] != '\0')
		g_string_append_printf(roster->bouncing, "    %s\n", reason);
}

static bool
add_one(void *arg, const struct roster_entry *entry)
{
	struct robot *robot = arg;

	add_member(robot, entry, robot->roster);
	add_bouncing(robot, entry, robot->roster);
	return true;
}

enum err_code
robot_roster_read(struct robot *robot, struct err *err)
{
	struct robot_roster *roster = g_new0(struct robot_roster, 1);
	enum err_code rc;

	roster->members = g_string_new(NULL);
	roster->bouncing = g_string_new(NULL);
	robot->roster = roster;
	rc = roster_each(robot->with->store, robot->list->id, add_one, robot,
			 err);
	if (roster->shown > WHO_MOST)
		g_string_append(roster->members, "\n...");
	if (roster->bouncing_count > BOUNCES_MOST)
		g_string_append(roster->bouncing, "...\n");
	return rc;
}

void
robot_roster_free(struct robot_roster *roster)
{
	if (roster == NULL)
		return;
	g_string_free(roster->members, TRUE);
	g_string_free(roster->bouncing, TRUE);
	g_free(roster);
}
