/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_T_DNS_BIND_H
#define MUSTER_T_DNS_BIND_H

/* dns_bind - sockets of UDP and TCP at one port of loopback, which it
 * returns. port 0: any that is free for both. -1: it is taken. */
int dns_bind(int port, int *udp, int *tcp);

#endif
