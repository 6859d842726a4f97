/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_COMMAND_ROBOT_INSIDE_H
#define MUSTER_COMMAND_ROBOT_INSIDE_H

#include "core/command/request.h"
#include "core/command/robot.h"
#include "core/command/subscription.h"
#include "core/held/view.h"
#include "core/letter/letter.h"
#include "db/list.h"

/* Private to robot*.c. */

/* One mail, and the list that it asks. */
struct robot {
	struct txn *txn;
	const struct robot_with *with;
	const struct job *job;
	const struct list *list;
	const struct list_conf *conf;
	struct held_view mail;
	const char *verified;	/* author, canonical, "" if nobody is */
	const char *asker;	/* he, or whoever From names; "" if nobody */
	char *name;		/* as From gives it, "" if it does not */
	struct member *member;	/* the verified author on this list, or NULL */
	bool is_team;		/* he is an owner or a moderator */
	bool may_answer;
	bool is_single;		/* one command: its text is the answer */
	bool sent;		/* and has been sent */
	unsigned int archive_posts;	/* that were sent */
	struct robot_roster *roster;	/* read before anything is changed */
	struct robot_result *out;
};

/*
 * What `who`, `info` and `bounces` tell. The roster is read in large pieces,
 * which no transaction sees as it has changed them, and which would wait for
 * the locks of our own; so it is read first.
 */
struct robot_roster {
	GString *members;	/* those that may be shown, a line each */
	uint64_t count, hidden, shown;
	GString *bouncing;
	uint64_t bouncing_count;
};
enum err_code robot_roster_read(struct robot *robot, struct err *err);
void robot_roster_free(struct robot_roster *roster);	/* takes NULL */

/* --- robot_say.c: what is said about it --------------------------------- */

/*
 * robot_say - append what the template "command-outcome" says where this flag
 * is set: lines. value, other (NULL: none) are its fields of these names.
 * Nothing where nobody is to be answered.
 */
enum err_code robot_say(struct robot *robot, GString *out, const char *flag,
			const char *value, const char *other,
			struct err *err);
/* robot_text - a whole letter: it is the answer where it is all that was
 * asked for, else it is appended */
enum err_code robot_text(struct robot *robot, GString *out,
			 const char *template,
			 const struct letter_field *fields, struct err *err);
/* robot_answer - send a letter to the verified author */
enum err_code robot_answer(struct robot *robot, const char *template,
			   const struct letter_field *fields,
			   struct err *err);
/* robot_outcome - what became of a subscription, in words */
enum err_code robot_outcome(struct robot *robot, GString *out,
			    const struct subscription_result *result,
			    struct err *err);

/* --- the commands ------------------------------------------------------- */

/* robot_asker - somebody asks this about an address (canonical) */
struct asker robot_asker(const struct robot *robot, const char *addr,
			 const char *given);
struct subscription_with robot_subscription(const struct robot *robot);
/* robot_leave_addr - where this member can leave by one mail; the caller
 * frees */
char *robot_leave_addr(const struct robot *robot);

/* each appends what came of it to out */
typedef enum err_code (*robot_fn)(struct robot *robot,
				  const struct request *request, GString *out,
				  struct err *err);
enum err_code robot_subscribe(struct robot *robot,
			      const struct request *request, GString *out,
			      struct err *err);
enum err_code robot_unsubscribe(struct robot *robot,
				const struct request *request, GString *out,
				struct err *err);
enum err_code robot_set(struct robot *robot, const struct request *request,
			GString *out, struct err *err);
enum err_code robot_move(struct robot *robot, const struct request *request,
			 GString *out, struct err *err);
enum err_code robot_confirm(struct robot *robot,
			    const struct request *request, GString *out,
			    struct err *err);
enum err_code robot_show(struct robot *robot, const struct request *request,
			 GString *out, struct err *err);
enum err_code robot_which(struct robot *robot, const struct request *request,
			  GString *out, struct err *err);

enum err_code robot_help(struct robot *robot, const struct request *request,
			 GString *out, struct err *err);
enum err_code robot_info(struct robot *robot, const struct request *request,
			 GString *out, struct err *err);
enum err_code robot_who(struct robot *robot, const struct request *request,
			GString *out, struct err *err);
enum err_code robot_archive(struct robot *robot,
			    const struct request *request, GString *out,
			    struct err *err);
enum err_code robot_get(struct robot *robot, const struct request *request,
			GString *out, struct err *err);
enum err_code robot_password(struct robot *robot,
			     const struct request *request, GString *out,
			     struct err *err);

enum err_code robot_held(struct robot *robot, const struct request *request,
			 GString *out, struct err *err);
enum err_code robot_show_held(struct robot *robot,
			      const struct request *request, GString *out,
			      struct err *err);
enum err_code robot_decide(struct robot *robot,
			   const struct request *request, GString *out,
			   struct err *err);
enum err_code robot_people(struct robot *robot,
			   const struct request *request, GString *out,
			   struct err *err);
enum err_code robot_bounces(struct robot *robot,
			    const struct request *request, GString *out,
			    struct err *err);

#endif
