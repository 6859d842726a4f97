/* SPDX-License-Identifier: BSD-2-Clause */
#include "t/lib/dns.h"

#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <glib.h>

#include "core/base/wire.h"
#include "t/lib/dns_bind.h"
#include "t/lib/dns_conn.h"
#include "t/lib/dns_count.h"
#include "t/lib/dns_reply.h"
#include "core/base/banned.h"

#define KNOWN_MS 1000

/* Something to be sent later */
struct delayed {
	int64_t due_ms;
	GByteArray *packet;
	unsigned int serial;	/* of a connection; 0: to addr */
	struct sockaddr_in addr;
};

struct dns {
	int udp, tcp, stop_fd;	/* tcp is that of conns */
	int port;
	char *servers[2];
	pthread_t thread;

	/* The thread's own */
	struct dns_conns *conns;
	GPtrArray *delayed;
	GHashTable *due;	/* "NAME TYPE" -> int64_t, see due_ms_of() */

	struct dns_counts *counts;
	pthread_mutex_t lock;	/* of zone */
	struct dns_zone *zone;
};

unsigned int
dns_queries(struct dns *dns, const char *name, const char *type)
{
	return dns_count_get(dns->counts, name, type);
}

bool
dns_await(struct dns *dns, const char *name, const char *type,
	  unsigned int wanted)
{
	return dns_count_await(dns->counts, name, type, wanted);
}

void
dns_log(struct dns *dns, FILE *log)
{
	dns_count_log(dns->counts, log);
}

/* --- sending ------------------------------------------------------------- */

static void
delayed_free(gpointer data)
{
	struct delayed *delayed = data;

	g_byte_array_unref(delayed->packet);
	g_free(delayed);
}

static void
send_one(struct dns *dns, const struct delayed *what)
{
	if (what->serial == 0) {
		(void)sendto(dns->udp, what->packet->data, what->packet->len,
			     MSG_DONTWAIT,
			     (const struct sockaddr *)&what->addr,
			     sizeof(what->addr));
		return;
	}
	dns_conns_send(dns->conns, what->serial, what->packet);
}

/* What is due; returns for how long nothing else is, as poll() has it. */
static int
send_due(struct dns *dns)
{
	int64_t now_ms = wire_now_ms(), wait_ms = -1;

	for (guint i = 0; i < dns->delayed->len;) {
		struct delayed *delayed = g_ptr_array_index(dns->delayed, i);
		int64_t left_ms = delayed->due_ms - now_ms;

		if (left_ms <= 0) {
			send_one(dns, delayed);
			g_ptr_array_remove_index_fast(dns->delayed, i);
			continue;
		}
		if (wait_ms < 0 || left_ms < wait_ms)
			wait_ms = left_ms;
		i++;
	}
	return (int)wait_ms;
}

/*
 * When a slow answer is due. As with a resolver that has to ask others first,
 * that is so long after the first query; those who ask again meanwhile get it
 * then as well, and those soon after it at once.
 */
static int64_t
due_ms_of(struct dns *dns, const struct dns_question *question, int delay_ms)
{
	g_autofree char *key = g_strdup_printf("%s %s", question->name,
					       question->type);
	int64_t now_ms = wire_now_ms(), *due_ms;

	if (delay_ms == 0)
		return 0;
	due_ms = g_hash_table_lookup(dns->due, key);
	if (due_ms == NULL) {
		due_ms = g_new0(int64_t, 1);
		g_hash_table_insert(dns->due, g_steal_pointer(&key), due_ms);
	}
	if (now_ms > *due_ms + KNOWN_MS)
		*due_ms = now_ms + delay_ms;
	return *due_ms;
}

static GPtrArray *
ask_zone(struct dns *dns, const uint8_t *packet, size_t len, bool is_tcp,
	 int64_t *due_ms)
{
	struct dns_question question = { 0 };
	GPtrArray *packets;
	int delay_ms = 0;

	if (!dns_question_parse(packet, len, &question))
		return NULL;
	dns_count_add(dns->counts, question.name, question.type, is_tcp);
	(void)pthread_mutex_lock(&dns->lock);
	packets = dns_reply(dns->zone, packet, &question, is_tcp, &delay_ms);
	(void)pthread_mutex_unlock(&dns->lock);
	*due_ms = due_ms_of(dns, &question, delay_ms);
	dns_question_done(&question);
	return packets;
}

/* addr: over UDP; serial: over TCP */
static void
answer(struct dns *dns, const uint8_t *packet, size_t len,
       const struct sockaddr_in *addr, unsigned int serial)
{
	int64_t due_ms = 0;
	g_autoptr(GPtrArray) packets =
		ask_zone(dns, packet, len, serial != 0, &due_ms);

	for (guint i = 0; packets != NULL && i < packets->len; i++) {
		struct delayed *delayed = g_new0(struct delayed, 1);

		delayed->due_ms = due_ms;
		delayed->packet = g_byte_array_ref(
			g_ptr_array_index(packets, i));
		delayed->serial = serial;
		if (addr != NULL)
			delayed->addr = *addr;
		if (due_ms > wire_now_ms()) {
			g_ptr_array_add(dns->delayed, delayed);
			continue;
		}
		send_one(dns, delayed);
		delayed_free(delayed);
	}
}

/* --- the sockets --------------------------------------------------------- */

static void
read_udp(struct dns *dns)
{
	uint8_t packet[4096];
	struct sockaddr_in addr;
	socklen_t addr_len;
	ssize_t len;

	while (true) {
		addr_len = sizeof(addr);
		len = recvfrom(dns->udp, packet, sizeof(packet), MSG_DONTWAIT,
			       (struct sockaddr *)&addr, &addr_len);
		if (len < 0)
			return;
		answer(dns, packet, (size_t)len, &addr, 0);
	}
}

static void
on_tcp(void *arg, const uint8_t *packet, size_t len, unsigned int serial)
{
	answer(arg, packet, len, NULL, serial);
}

static void *
run(void *data)
{
	struct dns *dns = data;
	struct pollfd fds[2 + DNS_CONNS_FDS];
	nfds_t count;
	int wait_ms;

	while (true) {
		wait_ms = send_due(dns);
		fds[0] = (struct pollfd){ dns->stop_fd, POLLIN, 0 };
		fds[1] = (struct pollfd){ dns->udp, POLLIN, 0 };
		count = dns_conns_fds(dns->conns, fds + 2);
		if (poll(fds, 2 + count, wait_ms) < 0)
			continue;
		if (fds[0].revents != 0)
			return NULL;
		read_udp(dns);
		dns_conns_serve(dns->conns, fds + 2, on_tcp, dns);
	}
}

/* --- life ---------------------------------------------------------------- */

bool
dns_set_zone(struct dns *dns, const char *text, char **problem)
{
	struct dns_zone *zone = dns_zone_parse(text, problem);

	if (zone == NULL)
		return false;
	(void)pthread_mutex_lock(&dns->lock);
	dns_zone_free(dns->zone);
	dns->zone = zone;
	(void)pthread_mutex_unlock(&dns->lock);
	return true;
}

struct dns *
dns_start(int port, const char *zone)
{
	struct dns *dns = g_new0(struct dns, 1);
	char *problem = NULL;

	(void)pthread_mutex_init(&dns->lock, NULL);
	dns->counts = dns_counts_new();
	dns->due = g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
					 g_free);
	dns->delayed = g_ptr_array_new_with_free_func(delayed_free);
	if (!dns_set_zone(dns, zone, &problem))
		g_error("zone: %s", problem);
	dns->port = dns_bind(port, &dns->udp, &dns->tcp);
	if (dns->port < 0)
		g_error("port %d: taken", port);
	dns->servers[0] = g_strdup_printf("127.0.0.1@%d", dns->port);
	dns->conns = dns_conns_new(dns->tcp);
	dns->stop_fd = eventfd(0, EFD_CLOEXEC);
	g_assert_cmpint(pthread_create(&dns->thread, NULL, run, dns), ==, 0);
	return dns;
}

void
dns_stop(struct dns *dns)
{
	if (dns == NULL)
		return;
	(void)eventfd_write(dns->stop_fd, 1);
	(void)pthread_join(dns->thread, NULL);
	(void)close(dns->udp);
	(void)close(dns->stop_fd);
	dns_conns_free(dns->conns);
	g_ptr_array_unref(dns->delayed);
	dns_counts_free(dns->counts);
	g_hash_table_unref(dns->due);
	dns_zone_free(dns->zone);
	(void)pthread_mutex_destroy(&dns->lock);
	g_free(dns->servers[0]);
	g_free(dns);
}

int
dns_port(const struct dns *dns)
{
	return dns->port;
}

char *const *
dns_servers(const struct dns *dns)
{
	return dns->servers;
}
