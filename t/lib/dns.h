/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_T_DNS_H
#define MUSTER_T_DNS_H

#include <stdbool.h>
#include <stdio.h>

/*
 * A DNS server for tests, in a thread, on a loopback port of UDP and TCP. It
 * is the authority of everything: what its zone does not have is not there.
 * The zone is text, a line each:
 *
 *	# a comment
 *	$TTL 60				of all records; 300 unless said
 *	a.example A 192.0.2.1
 *	a.example TXT "v=spf1 " "-all"	strings; \DDD is any byte; one over
 *					255 bytes goes on in further ones
 *	a.example MX 10 mx.example
 *
 * with A, AAAA, MX, TXT, PTR and CNAME, and how the server behaves at a name
 * and below it (the nearest such name counts, and all that is said there):
 *
 *	b.example SERVFAIL
 *	b.example REFUSED
 *	b.example SILENT		never answers
 *	b.example TRUNCATE		nothing over UDP but TC
 *	b.example TRUNCATE-SILENT	the same, and silence over TCP
 *	b.example GARBAGE		a packet that cannot be parsed
 *	b.example DELAY 200		ms after the first query for it; later
 *					queries do not make it later
 *	b.example LIE			answers to another query, and to
 *					another question
 *	b.example HUGE 30000		a TXT record of so many bytes
 *
 * An answer that the asker's UDP has no room for comes over TCP.
 */
struct dns;

/* dns_start - port 0: a free one. The zone must be right. */
struct dns *dns_start(int port, const char *zone);
void dns_stop(struct dns *dns);		/* NULL is allowed */
int dns_port(const struct dns *dns);
/* dns_servers - of resolver_new(): the one, "127.0.0.1@PORT" */
char *const *dns_servers(const struct dns *dns);

/* dns_set_zone - false: it is wrong, and *problem (the caller's) says where;
 * then the old one stays. */
bool dns_set_zone(struct dns *dns, const char *zone, char **problem);

/* dns_queries - how many came, retries included. type NULL: of any; name in
 * lower case without final dot, what is not [a-z0-9_-] as \DDD. */
unsigned int dns_queries(struct dns *dns, const char *name,
			 const char *type);
/* dns_await - until so many came; false after a minute */
bool dns_await(struct dns *dns, const char *name, const char *type,
	       unsigned int count);

/* dns_log - a line "NAME TYPE udp" or "... tcp" for each query */
void dns_log(struct dns *dns, FILE *log);

#endif
