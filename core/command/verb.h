/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_COMMAND_VERB_H
#define MUSTER_COMMAND_VERB_H

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "conf/keys.h"
#include "core/command/admin.h"
#include "db/list.h"
#include "db/post.h"
#include "db/queue.h"
#include "db/roster.h"

/* Private to core/command: the table of verbs, and one call of one. */

enum {
	OPTION_JSON = 1 << 0,
	OPTION_OWNER = 1 << 1,
	OPTION_UNSET = 1 << 2,
	OPTION_FILE = 1 << 3,
	OPTION_DRY_RUN = 1 << 4,
	OPTION_REASON = 1 << 5,
	OPTION_RAW = 1 << 6,
	OPTION_EVIDENCE = 1 << 8,	/* what is to be assumed of a post:
					 * from, client, helo, login,
					 * evidence */
	OPTION_WAIT = 1 << 9,		/* wait, timeout */
	OPTION_MEMBERS = 1 << 7,	/* delivery, off-by, moderated */
	OPTION_LIVE = 1 << 10,		/* once, interval, uncounted */
	OPTION_LANGUAGE = 1 << 11,
	OPTION_PREVIEW = 1 << 12,
	OPTION_NAME = 1 << 13,
	OPTION_MODE = 1 << 14,		/* delivery, of who joins */
	OPTION_WELCOME = 1 << 15,	/* welcome, no-welcome */
	OPTION_CONFIRM = 1 << 16,
	OPTION_GOODBYE = 1 << 17,	/* goodbye, no-goodbye */
	OPTION_ALL = 1 << 18,
	OPTION_OFF = 1 << 19,
	OPTION_FORMAT = 1 << 20,
	OPTION_FORGET = 1 << 21,
};

struct verb;

struct call {
	const struct admin *admin;	/* NULL while only usage is checked */
	const struct verb *verb;
	char **args;			/* NULL-ended, UTF-8 */
	int count;
	gboolean json, dry_run, help, version;
	char **owners, **unsets;	/* NULL if not given */
	char *file, *config;
	char *reason;			/* OPTION_REASON, NULL if not given */
	gboolean raw;
	char *from, *client, *helo, *login;	/* OPTION_EVIDENCE; NULL if */
	char **evidence;			/* not given */
	gboolean wait;
	char *timeout;
	char *delivery;		/* OPTION_MEMBERS, OPTION_MODE; NULL if not
				 * given */
	char *off_by;			/* OPTION_MEMBERS, the same */
	gboolean moderated;
	gboolean off;
	gboolean once, uncounted;
	int interval_s;		/* 0 if not given */
	char *language, *name;	/* NULL if not given */
	gboolean preview;
	char *format;			/* NULL if not given */
	gboolean forget;
	gboolean welcome, no_welcome, confirm, goodbye, no_goodbye, all;
};

/*
 * One row per verb: the parser, --help, the completion and the test of the
 * manual page all go by it.
 */
struct verb {
	const char *noun;
	const char *name;	/* NULL: the noun is the verb */
	const char *synopsis;	/* behind noun and verb */
	const char *help;	/* one sentence */
	const char *more;	/* further lines of --help, or NULL */
	const char *takes;	/* what completes each argument, the last
				 * one repeated: LIST KEY MEMBERKEY TEMPLATE
				 * FILE DIR OUT or anything else for nothing.
				 * The file that FILE stands for is admin->in;
				 * that of OUT is to be made. */
	unsigned int options;
	int least, most;	/* arguments; most < 0: any */
	int pairs_from;		/* from this argument on KEY=VALUE; < 0: no
				 * such */
	bool storeless;
	/* a complaint about usage that the rest cannot express, or NULL */
	const char *(*check)(const struct call *call);
	enum admin_status (*run)(struct call *call);
};

extern const struct verb verbs[];	/* ended by noun == NULL */

/* verb_parse - argv into out, which is to be freed with call_done() in any
 * case. False: help or a complaint has been printed, *status is set. */
bool verb_parse(int argc, char *const *argv, FILE *out_stream, FILE *errors,
		struct call *out, enum admin_status *status);
void call_done(struct call *call);
/* call_option_entries - those of a verb, read into call; g_free() it */
GOptionEntry *call_option_entries(const struct verb *verb,
				  struct call *call);

/* usage.c */
void usage_help(FILE *out, const char *noun, const struct verb *verb);
enum admin_status usage_fail(FILE *errors, const struct verb *verb,
			     const char *format, ...)
	__attribute__((format(printf, 3, 4)));
enum admin_status usage_unknown_noun(FILE *errors, const char *noun);
enum admin_status usage_unknown_verb(FILE *errors, const char *noun,
				     const char *name);

/* One line on the caller's stderr, call_say() for what is no complaint.
 * call_fail() maps the code to a status; call_refuse() is ADMIN_REFUSED. */
void call_say(const struct call *call, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
enum admin_status call_fail(const struct call *call, const struct err *err);
enum admin_status call_refuse(const struct call *call, const char *format,
			      ...) __attribute__((format(printf, 2, 3)));

/* call_list - the list that an argument names; complains if there is none.
 * call_member_addr - its canonical form; complains if it is no address. */
enum admin_status call_list(const struct call *call, const char *name,
			    struct list **out);
enum admin_status call_member_addr(const struct call *call, const char *text,
				   char **out);
/* list_canon - "NAME@DOMAIN" in the form of a list's address, or NULL */
char *list_canon(const char *text);

/*
 * call_scope - "site", "@domain" or a list, as the store's scope; complains
 * about others. scope_text - the other way, for people.
 */
#define SCOPE_SITE "site"
enum admin_status call_scope(const struct call *call, const char *name,
			     char **scope_out);
const char *scope_text(const char *scope);

/*
 * call_input - admin->in to its end, with a NUL behind it; name is what it
 * is called. ERR_INVALID when it has more than max bytes.
 */
enum err_code call_input(const struct call *call, const char *name,
			 size_t max, char **out, size_t *len_out,
			 struct err *err);

/*
 * call_text - the same as a text in UTF-8 of about max bytes, with LF; it
 * complains. file is as call_text_name() says: of the argument FILE, which
 * may be "-" or NULL.
 * call_mistake - what a parser says of a text: "FILE:3:12: what", which
 * editors and people jump to, so nothing stands in front of it
 */
enum admin_status call_text(const struct call *call, const char *file,
			    size_t max, char **out);
const char *call_text_name(const char *file);
enum admin_status call_mistake(const struct call *call,
			       const struct err *err);

/* policy_value_check - what key_check() leaves to its caller: can this
 * policy, or this list of patterns, be read? Other keys always pass. */
enum err_code policy_value_check(const struct key *key, const char *value,
				 struct err *err);

/* template_call_kind - the template that a word names; complains if there is
 * none. template_call_language - what --language says, or the scope's. */
struct template_kind;
enum admin_status template_call_kind(const struct call *call,
				     const char *name,
				     const struct template_kind **out);
enum admin_status template_call_language(const struct call *call,
					 const char *scope, char **out);

/* KEY=VALUE arguments, checked. */
struct pair {
	const struct key *key;
	char *value;
};
GPtrArray *pairs_new(void);	/* of struct pair *, frees them */
/* pairs_add - refuses unknown keys, wrong values and repeats */
enum admin_status pairs_add(const struct call *call, GPtrArray *pairs,
			    const struct key *keys, const char *name,
			    const char *value);
/* pairs_read - the call's arguments from `from` on */
enum admin_status pairs_read(const struct call *call, GPtrArray *pairs,
			     const struct key *keys, int from);

/* list_set_pairs - set these, and unset what the call says, in the scope
 * that the first argument names */
enum admin_status list_set_pairs(struct call *call, GPtrArray *pairs);

/*
 * outgoing_changed - the key "outgoing" may have changed: jobs that were set
 * aside because their list was paused are due at once where it is not any
 * more, and the stages are woken. resumed_out (may be NULL): how many.
 */
enum admin_status outgoing_changed(const struct call *call,
				   guint *resumed_out);

/* archive_changed - who may read the archives of a scope's lists may have
 * changed: at once, not with their next posts */
enum admin_status archive_changed(const struct call *call, const char *scope);

/* The verbs. */
enum admin_status list_create_run(struct call *call);
enum admin_status list_ls_run(struct call *call);
enum admin_status list_show_run(struct call *call);
enum admin_status list_set_run(struct call *call);
enum admin_status list_pause_run(struct call *call);
enum admin_status list_resume_run(struct call *call);
enum admin_status list_drain_run(struct call *call);
enum admin_status list_delete_run(struct call *call);
enum admin_status list_keys_run(struct call *call);
enum admin_status member_add_run(struct call *call);
enum admin_status member_ls_run(struct call *call);
enum admin_status member_show_run(struct call *call);
enum admin_status member_set_run(struct call *call);
enum admin_status member_remove_run(struct call *call);
enum admin_status member_invite_run(struct call *call);
enum admin_status member_move_run(struct call *call);
enum admin_status member_leave_run(struct call *call);
enum admin_status member_find_run(struct call *call);
enum admin_status digest_ls_run(struct call *call);
enum admin_status digest_send_run(struct call *call);
enum admin_status archive_ls_run(struct call *call);
enum admin_status archive_export_run(struct call *call);
enum admin_status archive_import_run(struct call *call);
enum admin_status archive_verify_run(struct call *call);
enum admin_status held_ls_run(struct call *call);
enum admin_status held_show_run(struct call *call);
enum admin_status held_approve_run(struct call *call);
enum admin_status held_accept_run(struct call *call);
enum admin_status held_reject_run(struct call *call);
enum admin_status held_discard_run(struct call *call);
enum admin_status queue_ls_run(struct call *call);
enum admin_status queue_show_run(struct call *call);
enum admin_status queue_retry_run(struct call *call);
enum admin_status queue_drop_run(struct call *call);
enum admin_status policy_show_run(struct call *call);
enum admin_status policy_set_run(struct call *call);
enum admin_status policy_check_run(struct call *call);
enum admin_status policy_presets_run(struct call *call);
enum admin_status policy_test_run(struct call *call);
enum admin_status template_ls_run(struct call *call);
enum admin_status template_show_run(struct call *call);
enum admin_status template_set_run(struct call *call);
enum admin_status template_unset_run(struct call *call);
enum admin_status template_check_run(struct call *call);
enum admin_status template_fields_run(struct call *call);
enum admin_status bounce_ls_run(struct call *call);
enum admin_status bounce_show_run(struct call *call);
enum admin_status bounce_reset_run(struct call *call);
enum admin_status bounce_test_run(struct call *call);
enum admin_status trace_run(struct call *call);
enum admin_status status_run(struct call *call);
enum admin_status top_run(struct call *call);
enum admin_status check_run(struct call *call);
enum admin_status backup_run(struct call *call);
enum admin_status dump_run(struct call *call);
enum admin_status load_run(struct call *call);
enum admin_status settings_run(struct call *call);
enum admin_status completion_bash_run(struct call *call);
enum admin_status completion_words_run(struct call *call);
const char *archive_export_check(const struct call *call);
const char *archive_import_check(const struct call *call);
const char *held_show_check(const struct call *call);
const char *list_drain_check(const struct call *call);
const char *top_check(const struct call *call);
const char *list_set_check(const struct call *call);
const char *member_ls_check(const struct call *call);
const char *member_add_check(const struct call *call);
const char *member_remove_check(const struct call *call);
const char *addresses_check(const struct call *call);

/* g_autoptr() for the store's types */
typedef struct list list_auto;
typedef struct list_conf list_conf_auto;
typedef struct post post_auto;
typedef struct job job_auto;
typedef struct member member_auto;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(list_auto, list_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(list_conf_auto, list_conf_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(post_auto, post_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(job_auto, job_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(member_auto, member_free)

#endif
