/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_COMMAND_VERBS_H
#define MUSTER_COMMAND_VERBS_H

#include <stdbool.h>

#include <glib.h>
#include <jansson.h>

#include "conf/keys.h"
#include "core/command/admin.h"
#include "db/list.h"

/*
 * Inside core/command: the words of one command, taken apart, and a
 * function for each verb. A verb prints to admin->out and ->errors and
 * returns the exit status.
 */
struct words {
	char **args;		/* without noun, verb and options */
	int count;
	gboolean json, dry_run, help;
	char **owners;		/* --owner, may be NULL */
	char **unset;		/* --unset, may be NULL */
	char *file;		/* --file */
	char *config;		/* -c */
};

enum {				/* what a verb takes beside --help */
	TAKES_JSON = 1, TAKES_OWNER = 2, TAKES_UNSET = 4, TAKES_FILE = 8,
	TAKES_DRY_RUN = 16,
};

struct verb {
	const char *noun;
	const char *verb;	/* NULL: the noun is the verb */
	const char *args;	/* for the synopsis */
	const char *help;
	unsigned int takes;
	int least, most;	/* arguments; most -1: any number */
	int (*run)(struct admin *admin, const struct words *words);
	bool storeless;		/* runs without settings and store */
};

extern const struct verb verbs[];	/* ended by noun == NULL */

/* list.c */
int verb_list_create(struct admin *admin, const struct words *words);
int verb_list_ls(struct admin *admin, const struct words *words);
int verb_list_show(struct admin *admin, const struct words *words);
int verb_list_set(struct admin *admin, const struct words *words);
int verb_list_delete(struct admin *admin, const struct words *words);
int verb_list_keys(struct admin *admin, const struct words *words);
/* member.c */
int verb_member_ls(struct admin *admin, const struct words *words);
int verb_member_show(struct admin *admin, const struct words *words);
int verb_member_set(struct admin *admin, const struct words *words);
int verb_member_remove(struct admin *admin, const struct words *words);
/* member_add.c */
int verb_member_add(struct admin *admin, const struct words *words);
/* queue.c */
int verb_queue_ls(struct admin *admin, const struct words *words);
int verb_queue_show(struct admin *admin, const struct words *words);
int verb_queue_retry(struct admin *admin, const struct words *words);
int verb_queue_drop(struct admin *admin, const struct words *words);
/* site.c */
int verb_policy_show(struct admin *admin, const struct words *words);
int verb_trace(struct admin *admin, const struct words *words);
int verb_status(struct admin *admin, const struct words *words);
int verb_backup(struct admin *admin, const struct words *words);
int verb_dump(struct admin *admin, const struct words *words);
int verb_load(struct admin *admin, const struct words *words);
int verb_settings(struct admin *admin, const struct words *words);
int verb_completion(struct admin *admin, const struct words *words);
/* check.c */
int verb_check(struct admin *admin, const struct words *words);

/* --- report.c: what all verbs say the same way --- */

/* The sentence of err on admin->errors; the exit status that fits. */
int admin_fail(struct admin *admin, const struct err *err);
/* The same for a sentence of our own: exit status 1. */
int admin_refuse(struct admin *admin, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* Objects: one a command, or many as an array. Takes over object. */
void admin_print(struct admin *admin, json_t *object);
void admin_array_begin(struct admin *admin);
void admin_array_add(struct admin *admin, bool *first, json_t *object);
void admin_array_end(struct admin *admin);
/* RFC 3339 in UTC, "" for 0; the caller frees */
char *time_text(int64_t time_s);

/* list.c: the list of this name, or NULL with *status after saying so. The
 * name may be written in any case. */
struct list *find_list(struct admin *admin, const char *name, int *status);

/* "KEY=VALUE" for one of keys, checked: name and value as to be stored */
enum err_code read_pair(const struct key *keys, const char *text,
			const char **name_out, char **value_out,
			struct err *err);

#endif
