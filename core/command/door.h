/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_COMMAND_DOOR_H
#define MUSTER_COMMAND_DOOR_H

#include <stdbool.h>
#include <stdint.h>

#include "core/command/subscription.h"
#include "core/held/held.h"
#include "core/mail/addr.h"
#include "core/mail/verp.h"
#include "db/list.h"
#include "db/store.h"

/*
 * What the doors say to mail for LIST-request, -join, -leave and -confirm,
 * while the client is connected: whatever can be known then is said then, so
 * that nobody has to be written to (invariant 4). Nothing here writes, and the
 * stage (robot.h) judges again.
 */
struct door_mail {
	const struct list *list;
	const struct list_conf *conf;
	enum role role;
	const char *detail;	/* "" if none */
	const char *sender;	/* canonical envelope sender, "" for null */
	const char *client;	/* IP, "" if unknown */
};

struct door_with {
	const struct verp *verp;
	const struct held_key *held;
	int64_t now_ms;
};

/* door_token - is the detail a token that we made for this role of the list?
 * Roles that take none: TOKEN_NONE. */

enum err_code door_token(struct txn *txn, const struct door_with *with,
			 const struct door_mail *mail,
			 enum token_state *out, struct err *err);

/* door_rcpt - "550 5.7.1 ...", one line of ASCII if the list's address is;
 * NULL: welcome so far. The caller frees. */
char *door_rcpt(const struct door_mail *mail, bool token_ok);

/* What is known at the end of the message. */
struct door_author {
	const char *verified;	/* of its evidence, "" if none */
	const char *from;	/* the addresses in From, joined by ", " */
	bool needs_proof;	/* requests_need_proof() */
};

/* door_end - the same; *refusal NULL: taken */
enum err_code door_end(struct txn *txn, const struct door_with *with,
		       const struct door_mail *mail,
		       const struct door_author *author, char **refusal,
		       struct err *err);

/* door_asker - whom a command without an address is about: the verified
 * author, or else whom From names, if that is one. NULL: nobody knows.
 * Borrowed from author. */
const char *door_asker(const struct door_author *author);

#endif
