/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_MAIL_ADDR_H
#define MUSTER_MAIL_ADDR_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Addresses as they stand in MAIL and RCPT (RFC 5321 section 4.1.2), and
 * the role addresses of a list.
 *
 * Canonical form, used as key everywhere: local part unquoted where the
 * dot-string syntax allows it and otherwise quoted in the shortest way, its
 * case kept (RFC 5321 section 2.4); "@"; domain in lower case. UTF-8 is
 * allowed in both (RFC 6531) and must be valid; control characters never
 * are.
 * At most ADDR_MAX bytes.
 */

#define ADDR_MAX 320
#define ADDR_LOCAL_MAX 64	/* RFC 5321 section 4.5.3.1.1; longer local
				 * parts are read, but never made by us */

struct addr {
	char *text;	/* canonical, "" for the null path, without "@" when
			 * there is no domain */
	char *local;	/* without quotes */
	char *domain;	/* lower case, "" if there is none */
};

/*
 * addr_parse - a path of MAIL or RCPT as the milter or SMTP shows it: with
 * or without any number of brackets, with a source route (dropped), quoted
 * or not, with or without domain, or empty (the null path, "[]" too). A dot
 * at the end of the domain is dropped. False, with *out untouched: not an
 * address.
 */
bool addr_parse(const char *path, struct addr *out);
void addr_done(struct addr *addr);	/* takes a zeroed one */

/* addr_canon - canonical form of a mailbox with domain, or NULL. The
 * caller frees. */
char *addr_canon(const char *mailbox);

/*
 * What a local part in a list's domain means. The names of lists and roles
 * are compared without regard to case.
 */
enum role {
	ROLE_POST,	/* dev, and dev+anything */
	ROLE_REQUEST,	/* dev-request */
	ROLE_OWNER,	/* dev-owner */
	ROLE_JOIN,	/* dev-join, dev-subscribe */
	ROLE_LEAVE,	/* dev-leave, dev-unsubscribe */
	ROLE_CONFIRM,	/* dev-confirm+TOKEN */
	ROLE_BOUNCES,	/* dev-bounces+TOKEN, and dev-bounces */
	ROLE_FEEDBACK,	/* the site's address of feedback reports: of no list,
			 * so role_parse() never says it */
};

const char *role_name(enum role role);	/* "post", "request", ... */
bool role_of_name(const char *name, enum role *out);

struct role_addr {
	enum role role;
	char *list;	/* canonical address of the list, all lower case */
	char *detail;	/* behind the first "+", case kept; NULL if none */
};

/* role_parse - never fails for an address with a local part and a domain;
 * whether that list exists is for the store to say. "-owner" alone is a post
 * to a list of that name. */
void role_parse(const struct addr *addr, struct role_addr *out);
void role_addr_done(struct role_addr *addr);

/*
 * list_name_check - may a list have this canonical address? NULL if so, else
 * a static sentence: name of dot-string syntax in ASCII, no "+", no ending
 * that is a role's, not "postmaster" or "mailer-daemon" or "abuse", and
 * short enough that its longest role address (VERP) keeps to ADDR_LOCAL_MAX
 * and to a path's 254.
 */
const char *list_name_check(const char *addr);

/* list_role_addr - "dev" + "-owner" + "@domain"; suffix "" for posts. The
 * caller frees. */
char *list_role_addr(const char *list, const char *suffix);

#endif
