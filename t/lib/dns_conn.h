/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_T_DNS_CONN_H
#define MUSTER_T_DNS_CONN_H

#include <poll.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

/* The TCP connections of dns.c, which polls for them. One thread. */
struct dns_conns;

#define DNS_CONNS_MAX 1000	/* the oldest is closed for one more */
#define DNS_CONNS_FDS (DNS_CONNS_MAX + 1)

/* dns_conns_new - fd, which it closes in the end, accepts them */
struct dns_conns *dns_conns_new(int fd);
void dns_conns_free(struct dns_conns *conns);

/* dns_conns_fds - fill what to poll for; how many they are */
nfds_t dns_conns_fds(struct dns_conns *conns, struct pollfd *fds);

/* dns_conns_serve - after poll(): on_packet is called for each query; serial
 * is that of its connection, from 1 */
typedef void dns_on_packet(void *arg, const uint8_t *packet, size_t len,
			   unsigned int serial);
void dns_conns_serve(struct dns_conns *conns, const struct pollfd *fds,
		     dns_on_packet *on_packet, void *arg);

/* dns_conns_send - nothing if the connection is gone */
void dns_conns_send(struct dns_conns *conns, unsigned int serial,
		    const GByteArray *packet);

#endif
