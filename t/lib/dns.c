/* SPDX-License-Identifier: BSD-2-Clause */
#include "t/lib/dns.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <glib.h>

#include "core/base/wire.h"
#include "t/lib/dns_reply.h"
#include "core/base/banned.h"

#define PACKET_MAX 65535
#define CONNS_MAX 1000
#define KNOWN_MS 1000

struct conn {
	int fd;
	unsigned int serial;
	GByteArray *in, *out;
};

/* Something to be sent later */
struct delayed {
	int64_t due_ms;
	GByteArray *packet;
	unsigned int serial;	/* of a connection; 0: to addr */
	struct sockaddr_in addr;
};

struct dns {
	int udp, tcp, stop_fd;
	int port;
	char *servers[2];
	pthread_t thread;

	/* The thread's own */
	GPtrArray *conns;
	GPtrArray *delayed;
	GHashTable *due;	/* "NAME TYPE" -> int64_t, see due_ms_of() */
	unsigned int serials;

	pthread_mutex_t lock;	/* of all below */
	pthread_cond_t counted;
	struct dns_zone *zone;
	GHashTable *counts;	/* "NAME TYPE" and "NAME" */
	FILE *log;
};

/* --- counting ------------------------------------------------------------ */

/* Locked */
static void
count_one(struct dns *dns, char *key)
{
	guint count = GPOINTER_TO_UINT(g_hash_table_lookup(dns->counts, key));

	g_hash_table_replace(dns->counts, key, GUINT_TO_POINTER(count + 1));
}

/* Locked */
static void
count(struct dns *dns, const struct dns_question *question, bool is_tcp)
{
	count_one(dns, g_strdup(question->name));
	count_one(dns, g_strdup_printf("%s %s", question->name,
				       question->type));
	(void)pthread_cond_broadcast(&dns->counted);
	if (dns->log == NULL)
		return;
	(void)fprintf(dns->log, "%s %s %s\n", question->name, question->type,
		      is_tcp ? "tcp" : "udp");
	(void)fflush(dns->log);
}

static unsigned int
counted(struct dns *dns, const char *name, const char *type)
{
	g_autofree char *key =
		type == NULL ? g_strdup(name)
			     : g_strdup_printf("%s %s", name, type);

	return GPOINTER_TO_UINT(g_hash_table_lookup(dns->counts, key));
}

unsigned int
dns_queries(struct dns *dns, const char *name, const char *type)
{
	unsigned int result;

	(void)pthread_mutex_lock(&dns->lock);
	result = counted(dns, name, type);
	(void)pthread_mutex_unlock(&dns->lock);
	return result;
}

bool
dns_await(struct dns *dns, const char *name, const char *type,
	  unsigned int wanted)
{
	struct timespec until;
	int rc = 0;
	bool result;

	(void)clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 60;
	(void)pthread_mutex_lock(&dns->lock);
	while (counted(dns, name, type) < wanted && rc == 0)
		rc = pthread_cond_timedwait(&dns->counted, &dns->lock,
					    &until);
	result = counted(dns, name, type) >= wanted;
	(void)pthread_mutex_unlock(&dns->lock);
	return result;
}

void
dns_log(struct dns *dns, FILE *log)
{
	(void)pthread_mutex_lock(&dns->lock);
	dns->log = log;
	(void)pthread_mutex_unlock(&dns->lock);
}

/* --- sending ------------------------------------------------------------- */

static void
delayed_free(gpointer data)
{
	struct delayed *delayed = data;

	g_byte_array_unref(delayed->packet);
	g_free(delayed);
}

static struct conn *
conn_of(struct dns *dns, unsigned int serial)
{
	for (guint i = 0; i < dns->conns->len; i++) {
		struct conn *conn = g_ptr_array_index(dns->conns, i);

		if (conn->serial == serial)
			return conn;
	}
	return NULL;
}

static void
conn_flush(struct conn *conn)
{
	ssize_t sent;

	if (conn->out->len == 0)
		return;
	sent = send(conn->fd, conn->out->data, conn->out->len,
		    MSG_NOSIGNAL | MSG_DONTWAIT);
	if (sent > 0)
		g_byte_array_remove_range(conn->out, 0, (guint)sent);
}

static void
send_one(struct dns *dns, const struct delayed *what)
{
	struct conn *conn;
	uint8_t len[2];

	if (what->serial == 0) {
		(void)sendto(dns->udp, what->packet->data, what->packet->len,
			     MSG_DONTWAIT,
			     (const struct sockaddr *)&what->addr,
			     sizeof(what->addr));
		return;
	}
	conn = conn_of(dns, what->serial);
	if (conn == NULL)
		return;
	len[0] = (uint8_t)(what->packet->len >> 8);
	len[1] = (uint8_t)what->packet->len;
	g_byte_array_append(conn->out, len, 2);
	g_byte_array_append(conn->out, what->packet->data,
			    what->packet->len);
	conn_flush(conn);
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
	(void)pthread_mutex_lock(&dns->lock);
	count(dns, &question, is_tcp);
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
conn_free(gpointer data)
{
	struct conn *conn = data;

	(void)close(conn->fd);
	g_byte_array_unref(conn->in);
	g_byte_array_unref(conn->out);
	g_free(conn);
}

static void
accept_one(struct dns *dns)
{
	int fd = accept4(dns->tcp, NULL, NULL, SOCK_CLOEXEC);
	struct conn *conn;

	if (fd < 0)
		return;
	conn = g_new0(struct conn, 1);
	conn->fd = fd;
	conn->serial = ++dns->serials;
	conn->in = g_byte_array_new();
	conn->out = g_byte_array_new();
	g_ptr_array_add(dns->conns, conn);
	if (dns->conns->len > CONNS_MAX)
		g_ptr_array_remove_index(dns->conns, 0);
}

/* False: it is over. */
static bool
conn_read(struct dns *dns, struct conn *conn)
{
	uint8_t bytes[4096];
	ssize_t got = recv(conn->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
	guint len;

	if (got < 0)
		return errno == EAGAIN || errno == EINTR;
	if (got == 0)
		return false;
	g_byte_array_append(conn->in, bytes, (guint)got);
	while (conn->in->len >= 2) {
		len = (guint)(conn->in->data[0] << 8 | conn->in->data[1]);
		if (conn->in->len < len + 2)
			break;
		answer(dns, conn->in->data + 2, len, NULL, conn->serial);
		g_byte_array_remove_range(conn->in, 0, len + 2);
	}
	return true;
}

static void
serve_conns(struct dns *dns, const struct pollfd *fds, guint count_polled)
{
	for (guint i = count_polled; i-- > 0;) {
		struct conn *conn = g_ptr_array_index(dns->conns, i);

		conn_flush(conn);
		if (fds[i].revents != 0 && !conn_read(dns, conn))
			g_ptr_array_remove_index(dns->conns, i);
	}
}

static void *
run(void *data)
{
	struct dns *dns = data;
	struct pollfd fds[3 + CONNS_MAX];
	guint polled;
	int wait_ms;

	while (true) {
		wait_ms = send_due(dns);
		fds[0] = (struct pollfd){ dns->stop_fd, POLLIN, 0 };
		fds[1] = (struct pollfd){ dns->udp, POLLIN, 0 };
		fds[2] = (struct pollfd){ dns->tcp, POLLIN, 0 };
		polled = dns->conns->len;
		for (guint i = 0; i < polled; i++) {
			struct conn *conn = g_ptr_array_index(dns->conns, i);
			short out = conn->out->len > 0 ? POLLOUT : 0;

			fds[3 + i] = (struct pollfd){
				conn->fd, (short)(POLLIN | out), 0
			};
		}
		if (poll(fds, 3 + polled, wait_ms) < 0)
			continue;
		if (fds[0].revents != 0)
			return NULL;
		read_udp(dns);
		serve_conns(dns, fds + 3, polled);
		if (fds[2].revents != 0)
			accept_one(dns);
	}
}

/* --- life ---------------------------------------------------------------- */

static int
bind_one(int type, int port)
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0), on = 1;

	g_assert_cmpint(fd, >=, 0);
	if (type == SOCK_STREAM)
		(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on,
				 sizeof(on));
	if (bind(fd, (const struct sockaddr *)&addr, sizeof(addr)) == 0)
		return fd;
	(void)close(fd);
	return -1;
}

static int
port_of(int fd)
{
	struct sockaddr_in addr;
	socklen_t len = sizeof(addr);

	g_assert_cmpint(getsockname(fd, (struct sockaddr *)&addr, &len), ==,
			0);
	return ntohs(addr.sin_port);
}

/* The same port of both; that of TCP may be taken when that of UDP is not. */
static bool
bind_both(struct dns *dns, int port)
{
	int room = 4 * 1024 * 1024;

	for (int tries = 0; tries < 100; tries++) {
		dns->udp = bind_one(SOCK_DGRAM, port);
		if (dns->udp < 0)
			return false;
		dns->port = port_of(dns->udp);
		dns->tcp = bind_one(SOCK_STREAM, dns->port);
		if (dns->tcp >= 0)
			break;
		(void)close(dns->udp);
		if (port != 0)
			return false;
	}
	(void)setsockopt(dns->udp, SOL_SOCKET, SO_RCVBUF, &room,
			 sizeof(room));
	return dns->tcp >= 0 && listen(dns->tcp, 500) == 0;
}

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
	(void)pthread_cond_init(&dns->counted, NULL);
	dns->counts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
					    NULL);
	dns->due = g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
					 g_free);
	dns->conns = g_ptr_array_new_with_free_func(conn_free);
	dns->delayed = g_ptr_array_new_with_free_func(delayed_free);
	if (!dns_set_zone(dns, zone, &problem))
		g_error("zone: %s", problem);
	if (!bind_both(dns, port))
		g_error("port %d: taken", port);
	dns->servers[0] = g_strdup_printf("127.0.0.1@%d", dns->port);
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
	(void)close(dns->tcp);
	(void)close(dns->stop_fd);
	g_ptr_array_unref(dns->conns);
	g_ptr_array_unref(dns->delayed);
	g_hash_table_unref(dns->counts);
	g_hash_table_unref(dns->due);
	dns_zone_free(dns->zone);
	(void)pthread_cond_destroy(&dns->counted);
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
