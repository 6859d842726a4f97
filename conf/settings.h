/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_CONF_SETTINGS_H
#define MUSTER_CONF_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"

/*
 * The settings file, muster.conf(5): GKeyFile syntax, one table row per key
 * in settings.c with section, name, type, default, least, most and help.
 * The reader, `muster check`, --settings of the programs and the manual page
 * are all held to that table by a test.
 *
 * A loaded struct is read-only and counted: across a reload a post keeps
 * those it began with. Any thread may read, ref and unref.
 */

/* A relay of relay = HOST:PORT WEIGHT, ... */
struct relay_addr {
	char *host;
	int64_t port;
	int64_t weight;		/* 1 to 1000 */
};

/* A domain of recipients and what it is not to be sent more than */
struct domain_limit {
	char *domain;		/* lower case */
	int64_t connections;	/* 0: any */
	int64_t count, seconds;	/* copies in a time; 0: any */
};

/* [program NAME]: what lists may choose by the key "program", and the limits
 * of struct sandbox_limits (core/base/sandbox.h) */
struct program {
	char *name;
	char **command;		/* the first word is an absolute path */
	char **paths;		/* that it may read besides the system's */
	int64_t time_s, cpu_s;
	int64_t memory, output, space;
	int64_t files, processes;
};

struct settings {
	/* [muster] */
	char *home;
	char *run;
	char **domains;		/* lower case; every address in them is ours */
	char **shared_domains;	/* lower case; only the addresses of lists */
	char *hostname;
	int64_t hung_after_s;	/* that one job may keep its thread */
	int64_t space_floor;	/* bytes free below which posts get 451 */
	int64_t seen_keep_s;	/* how long a repeat is recognised */
	int64_t trace_keep_s;
	char *feedback;		/* canonical address, "": none */
	char **feedback_from;	/* lower case; none: whoever is verified */
	/* [milter] */
	char *milter_listen;
	int64_t workers;
	int64_t drain_s;	/* for messages at their end after SIGTERM */
	int64_t hops_max;	/* Received fields that make a loop */
	/* [lmtp] */
	char *lmtp_listen;
	/* [outbound] */
	struct relay_addr *relays;	/* at least one */
	size_t relay_count;
	int64_t connections;	/* to all of them */
	struct domain_limit *domain_limits;	/* in order of domain */
	size_t domain_limit_count;
	int64_t in_flight;	/* copies sent and not yet committed; the most
				 * that a crash repeats */
	int64_t retry_first_s, retry_most_s, max_age_s;
	int64_t timeout_s;	/* for one reply of the relay */
	int64_t attempts;	/* of a job before it is shunted */
	/* [dns], [auth]: read and checked, used by authentication */
	char **dns_servers;
	int64_t dns_timeout_s;
	char *authserv_id;
	char **trusted;		/* "192.0.2.0/24", "2001:db8::1" */
	char **trusted_sealers;	/* lower case */
	char *logins_path;	/* "": a login is the address that it is */
	/* [moderation] */
	char *sets_dir;		/* of in file("name") */
	/* [sandbox] */
	char *sandbox_helper;
	char *sandbox_user;	/* of programs, where musterd is root */
	int64_t programs_most;	/* at a time */
	int64_t programs_of_list;	/* of them for one list */
	/* [program NAME], in the order of the file */
	struct program *programs;
	size_t program_count;

	char *path;		/* of the file, absolute */
	int refs;		/* atomic; not for callers */
};

/*
 * settings_load - read and check a whole file. Errors are ERR_INVALID and
 * name file, line, key, what was found and what is accepted; unknown
 * sections and keys are errors too (with the nearest known name).
 */
enum err_code settings_load(const char *path, struct settings **out,
			    struct err *err);
struct settings *settings_ref(struct settings *settings);
void settings_unref(struct settings *settings);

/* settings_default_path - SYSCONFDIR/muster/muster.conf */
const char *settings_default_path(void);

/* settings_describe - the table as text, a key a line:
 * "section TAB name TAB type TAB default TAB help"; caller frees. */
char *settings_describe(void);

/* settings_program - by name; NULL: there is none. Borrowed. */
const struct program *settings_program(const struct settings *settings,
				       const char *name);

/* Where the sockets are, all below run; the caller frees. */
char *settings_submit_path(const struct settings *settings);
char *settings_control_path(const struct settings *settings);

/* settings_has_domain - is every address of this domain ours? Any case. */
bool settings_has_domain(const struct settings *settings, const char *domain);
bool settings_shares_domain(const struct settings *settings,
			    const char *domain);

/* settings_is_feedback - is this canonical address the one for feedback
 * reports, but for the case of its letters and what follows a "+"? */
bool settings_is_feedback(const struct settings *settings, const char *addr);

/* Values with units, used by this table and by the lists' keys:
 * "400k" "10M" "1048576" -> bytes; "30s" "15m" "6h" "5d" "2w" -> seconds. */
bool value_size(const char *text, int64_t *out);
bool value_duration(const char *text, int64_t *out);
bool value_bool(const char *text, bool *out);	/* yes no on off true false */
bool value_number(const char *text, int64_t *out);	/* digits */
/* value_rate - "20/1d": so many posts in so many seconds; "" is 0 in 0 */
#define RATE_COUNT_MAX 1000000
#define RATE_WINDOW_MAX_S (31 * 86400)
bool value_rate(const char *text, int64_t *count, int64_t *seconds);
/* value_points - "2", "0.25": at most three digits behind the point ->
 * thousandths */
bool value_points(const char *text, int64_t *out);
bool value_host(const char *text);	/* a host name */
/* value_network - "192.0.2.0/24", "2001:db8::/32", or a single address */
bool value_network(const char *text);

#endif
