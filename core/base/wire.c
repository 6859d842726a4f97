/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/base/wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <glib.h>

#include "core/base/banned.h"

#define BACKLOG 256

static const char peer_gone[] = "see that the other process is running";

int64_t
wire_now_ms(void)
{
	struct timespec now;

	(void) clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* --- addresses ---------------------------------------------------------- */

struct endpoint {
	struct sockaddr_storage addr;
	socklen_t len;
	const char *path;	/* of a unix socket, else NULL */
};

static enum err_code
endpoint_unix(const char *path, struct endpoint *out, struct err *err)
{
	struct sockaddr_un *un = (struct sockaddr_un *)&out->addr;

	if (path[0] == '\0' || strlen(path) >= sizeof(un->sun_path))
		return err_set(err, ERR_INVALID, "choose a shorter path",
			       "socket path \"%s\" is empty or over %zu bytes",
			       path, sizeof(un->sun_path) - 1);
	memset(out, 0, sizeof(*out));
	un->sun_family = AF_UNIX;
	memcpy(un->sun_path, path, strlen(path) + 1);
	out->len = sizeof(*un);
	out->path = path;
	return ERR_OK;
}

static enum err_code
endpoint_inet(const char *text, struct endpoint *out, struct err *err)
{
	struct addrinfo hints = {
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICSERV | AI_PASSIVE,
	};
	struct addrinfo *found = NULL;
	const char *at = strchr(text, '@');
	g_autofree char *port = at != NULL ? g_strndup(text, at - text)
					   : g_strdup(text);
	int rc;

	rc = getaddrinfo(at != NULL ? at + 1 : "127.0.0.1", port, &hints,
			 &found);
	if (rc != 0)
		return err_set(err, ERR_INVALID,
			       "write inet:PORT@HOST or unix:/PATH",
			       "address \"inet:%s\": %s", text,
			       gai_strerror(rc));
	memset(out, 0, sizeof(*out));
	memcpy(&out->addr, found->ai_addr, found->ai_addrlen);
	out->len = found->ai_addrlen;
	freeaddrinfo(found);
	return ERR_OK;
}

static enum err_code
endpoint_parse(const char *text, struct endpoint *out, struct err *err)
{
	if (g_str_has_prefix(text, "inet:"))
		return endpoint_inet(text + strlen("inet:"), out, err);
	if (g_str_has_prefix(text, "unix:"))
		text += strlen("unix:");
	else if (g_str_has_prefix(text, "local:"))
		text += strlen("local:");
	return endpoint_unix(text, out, err);
}

/* A socket file that nobody listens on is a leftover of a killed process. */
static enum err_code
remove_stale(const struct endpoint *at, struct err *err)
{
	struct stat st;
	int fd, rc;

	if (lstat(at->path, &st) != 0)
		return ERR_OK;
	if (!S_ISSOCK(st.st_mode))
		return err_set(err, ERR_INVALID,
			       "move it away or name another path",
			       "%s is there and is no socket", at->path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	rc = fd < 0 ? -1 : connect(fd, (const struct sockaddr *)&at->addr,
				   at->len);
	if (fd >= 0)
		(void) close(fd);
	if (rc == 0)
		return err_set(err, ERR_BUSY, "stop that process first",
			       "another process listens on %s", at->path);
	if (unlink(at->path) != 0 && errno != ENOENT)
		return err_errno(err, "", "cannot remove stale socket %s",
				 at->path);
	return ERR_OK;
}

static enum err_code
bind_listen(int fd, const struct endpoint *at, const char *name,
	    unsigned int mode, struct err *err)
{
	int on = 1;

	if (at->path == NULL)
		(void) setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on,
				  sizeof(on));
	if (bind(fd, (const struct sockaddr *)&at->addr, at->len) != 0)
		return err_errno(err, "see that the directory exists and can "
				 "be written", "cannot bind %s", name);
	/* Nobody can connect before listen(), so the mode is in time. */
	if (at->path != NULL && chmod(at->path, (mode_t)mode) != 0)
		return err_errno(err, "", "cannot set the mode of %s", name);
	if (listen(fd, BACKLOG) != 0)
		return err_errno(err, "", "cannot listen on %s", name);
	return ERR_OK;
}

enum err_code
wire_listen(const char *path, unsigned int mode, int *fd_out,
	    struct err *err)
{
	struct endpoint at;
	enum err_code rc = endpoint_parse(path, &at, err);
	int fd;

	if (rc == ERR_OK && at.path != NULL)
		rc = remove_stale(&at, err);
	if (rc != ERR_OK)
		return rc;
	fd = socket(at.addr.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_errno(err, "", "cannot make a socket");
	rc = bind_listen(fd, &at, path, mode, err);
	if (rc != ERR_OK) {
		(void) close(fd);
		return rc;
	}
	*fd_out = fd;
	return ERR_OK;
}

/* --- waiting ------------------------------------------------------------ */

static enum err_code
wait_for(int fd, short events, int64_t deadline, struct err *err)
{
	struct pollfd poll_fd = { .fd = fd, .events = events };
	int64_t left;
	int rc;

	do {
		left = deadline == 0 ? -1 : deadline - wire_now_ms();
		if (deadline != 0 && left <= 0)
			return err_set(err, ERR_BUSY, "try again",
				       "no answer in time");
		rc = poll(&poll_fd, 1, (int)MIN(left, 60 * 60 * 1000));
	} while (rc == 0 || (rc < 0 && errno == EINTR));
	if (rc < 0)
		return err_errno(err, "", "poll");
	return ERR_OK;
}

enum err_code
wire_connect(const char *path, int64_t deadline, int *fd_out,
	     struct err *err)
{
	struct endpoint at;
	enum err_code rc = endpoint_parse(path, &at, err);
	int fd;

	if (rc != ERR_OK)
		return rc;
	fd = socket(at.addr.ss_family,
		    SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_errno(err, "", "cannot make a socket");
	/* EAGAIN is a unix socket's full backlog, which is no "wait". */
	if (connect(fd, (const struct sockaddr *)&at.addr, at.len) != 0) {
		rc = errno == EINPROGRESS ?
			wait_for(fd, POLLOUT, deadline, err) :
			err_set(err, ERR_DOWN, peer_gone,
				"cannot connect to %s: %s", path,
				g_strerror(errno));
		if (rc != ERR_OK) {
			(void) close(fd);
			return rc;
		}
	}
	*fd_out = fd;
	return ERR_OK;
}

/* --- frames ------------------------------------------------------------- */

/* The first piece carries the descriptors. */
static ssize_t
send_piece(int fd, const void *bytes, size_t len, const int *fds,
	   size_t fd_count)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int) * WIRE_FDS)];
		struct cmsghdr align;
	} control;
	struct iovec iov = { .iov_base = (void *)(uintptr_t)bytes,
			     .iov_len = len };
	struct msghdr packet = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *cmsg;

	if (fd_count > 0) {
		memset(&control, 0, sizeof(control));
		packet.msg_control = control.bytes;
		packet.msg_controllen = CMSG_SPACE(sizeof(int) * fd_count);
		cmsg = CMSG_FIRSTHDR(&packet);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(sizeof(int) * fd_count);
		memcpy(CMSG_DATA(cmsg), fds, sizeof(int) * fd_count);
	}
	return sendmsg(fd, &packet, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static enum err_code
send_all(int fd, const char *bytes, size_t len, const int *fds,
	 size_t fd_count, int64_t deadline, struct err *err)
{
	enum err_code rc;
	ssize_t sent;

	while (len > 0) {
		sent = send_piece(fd, bytes, len, fds, fd_count);
		if (sent > 0) {
			bytes += sent;
			len -= (size_t)sent;
			fd_count = 0;
			continue;
		}
		if (errno != EAGAIN && errno != EINTR)
			return err_set(err, ERR_DOWN, peer_gone,
				       "the peer has gone: %s",
				       g_strerror(errno));
		rc = wait_for(fd, POLLOUT, deadline, err);
		if (rc != ERR_OK)
			return rc;
	}
	return ERR_OK;
}

enum err_code
wire_send(int fd, const json_t *object, const int *fds, size_t fd_count,
	  int64_t deadline, struct err *err)
{
	g_autoptr(GByteArray) frame = g_byte_array_new();
	char *text = json_dumps(object, JSON_COMPACT);
	size_t len = text != NULL ? strlen(text) : 0;
	uint32_t head = htonl((uint32_t)len);

	if (len == 0 || len > WIRE_MAX) {
		free(text);
		return err_set(err, ERR_INVALID, "",
			       "a frame of %zu bytes cannot be sent", len);
	}
	g_byte_array_append(frame, (const guint8 *)&head, sizeof(head));
	g_byte_array_append(frame, (const guint8 *)text, (guint)len);
	free(text);
	return send_all(fd, (const char *)frame->data, frame->len, fds,
			fd_count, deadline, err);
}

struct received {
	int fds[WIRE_FDS];
	size_t count;
};

static void
close_received(struct received *got)
{
	for (size_t i = 0; i < got->count; i++)
		(void) close(got->fds[i]);
	got->count = 0;
}

static void
collect_fds(struct msghdr *packet, struct received *got)
{
	struct cmsghdr *cmsg;
	int fd;

	for (cmsg = CMSG_FIRSTHDR(packet); cmsg != NULL;
	     cmsg = CMSG_NXTHDR(packet, cmsg)) {
		if (cmsg->cmsg_level != SOL_SOCKET ||
		    cmsg->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t at = 0; CMSG_LEN(at + sizeof(fd)) <=
		     cmsg->cmsg_len; at += sizeof(fd)) {
			memcpy(&fd, CMSG_DATA(cmsg) + at, sizeof(fd));
			if (got->count < WIRE_FDS)
				got->fds[got->count++] = fd;
			else
				(void) close(fd);
		}
	}
}

static ssize_t
recv_piece(int fd, void *bytes, size_t len, struct received *got)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int) * WIRE_FDS)];
		struct cmsghdr align;
	} control;
	struct iovec iov = { .iov_base = bytes, .iov_len = len };
	struct msghdr packet = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	ssize_t count = recvmsg(fd, &packet, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	if (count >= 0)
		collect_fds(&packet, got);
	return count;
}

/* *any: has a byte come? A peer may leave between frames, not inside. */
static enum err_code
recv_all(int fd, char *bytes, size_t len, struct received *got,
	 int64_t deadline, bool *any, struct err *err)
{
	enum err_code rc;
	ssize_t count;

	while (len > 0) {
		count = recv_piece(fd, bytes, len, got);
		if (count > 0) {
			bytes += count;
			len -= (size_t)count;
			*any = true;
			continue;
		}
		if (count == 0)
			return err_set(err, ERR_DOWN, peer_gone, "%s",
				       *any ? "the peer has gone" : "");
		if (errno != EAGAIN && errno != EINTR)
			return err_set(err, ERR_DOWN, peer_gone,
				       "the peer has gone: %s",
				       g_strerror(errno));
		rc = wait_for(fd, POLLIN, deadline, err);
		if (rc != ERR_OK)
			return rc;
	}
	return ERR_OK;
}

static enum err_code
recv_object(int fd, json_t **out, struct received *got, int64_t deadline,
	    struct err *err)
{
	g_autofree char *text = NULL;
	uint32_t head;
	bool any = false;
	json_t *object;
	json_error_t why;
	enum err_code rc;

	rc = recv_all(fd, (char *)&head, sizeof(head), got, deadline, &any,
		      err);
	if (rc != ERR_OK)
		return rc;
	head = ntohl(head);
	if (head == 0 || head > WIRE_MAX)
		return err_set(err, ERR_INVALID, "",
			       "a frame of %u bytes (at most %d)", head,
			       WIRE_MAX);
	text = g_malloc(head);
	rc = recv_all(fd, text, head, got, deadline, &any, err);
	if (rc != ERR_OK)
		return rc;
	object = json_loadb(text, head, JSON_REJECT_DUPLICATES, &why);
	if (!json_is_object(object)) {
		json_decref(object);
		return err_set(err, ERR_INVALID, "",
			       "a frame that is no JSON object");
	}
	*out = object;
	return ERR_OK;
}

enum err_code
wire_recv(int fd, json_t **out, int *fds_out, size_t fd_max,
	  size_t *fd_count_out, int64_t deadline, struct err *err)
{
	struct received got = { .count = 0 };
	json_t *object = NULL;
	enum err_code rc = recv_object(fd, &object, &got, deadline, err);

	if (rc == ERR_OK && got.count > fd_max)
		rc = err_set(err, ERR_INVALID, "",
			     "%zu descriptors came where %zu are expected",
			     got.count, fd_max);
	if (rc != ERR_OK) {
		json_decref(object);
		close_received(&got);
		return rc;
	}
	if (fd_max > 0) {
		memcpy(fds_out, got.fds, sizeof(int) * got.count);
		*fd_count_out = got.count;
	}
	*out = object;
	return ERR_OK;
}

/* --- fields ------------------------------------------------------------- */

const char *
wire_str(const json_t *object, const char *key, const char *otherwise)
{
	const json_t *value = json_object_get(object, key);

	return json_is_string(value) ? json_string_value(value) : otherwise;
}

int64_t
wire_int(const json_t *object, const char *key, int64_t otherwise)
{
	const json_t *value = json_object_get(object, key);

	return json_is_integer(value) ? json_integer_value(value) : otherwise;
}

int
wire_bool(const json_t *object, const char *key, int otherwise)
{
	const json_t *value = json_object_get(object, key);

	return json_is_boolean(value) ? json_is_true(value) : otherwise;
}
