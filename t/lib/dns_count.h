/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_T_DNS_COUNT_H
#define MUSTER_T_DNS_COUNT_H

#include <stdbool.h>
#include <stdio.h>

/* How often what was asked; see dns.h. Any thread. */
struct dns_counts;

struct dns_counts *dns_counts_new(void);
void dns_counts_free(struct dns_counts *counts);
void dns_count_add(struct dns_counts *counts, const char *name,
		   const char *type, bool is_tcp);
unsigned int dns_count_get(struct dns_counts *counts, const char *name,
			   const char *type);
bool dns_count_await(struct dns_counts *counts, const char *name,
		     const char *type, unsigned int wanted);
void dns_count_log(struct dns_counts *counts, FILE *log);

#endif
