/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Misfortune for musterd, by LD_PRELOAD.
 *
 * Poison: a list called poison-STAGE-segv or poison-STAGE-hang takes the
 * stage down that way, in its own thread, in the middle of its transaction:
 * where it writes the trace (pending, bounce, notice, held), composes
 * (outbound), or says MAIL (relay). As long as the file $MUSTER_T_CURED is
 * not there.
 *
 * Time: the file $MUSTER_T_CLOCK holds the seconds by which the date is
 * wrong, a text.
 *
 * Disk: while the file $MUSTER_T_READONLY is there, nothing below
 * $MUSTER_T_HOME can be written, as where it is mounted again read-only.
 *
 * Count: each fdatasync() and fsync() is a byte more in $MUSTER_T_SYNCS.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <glib.h>

static _Thread_local char before[16];	/* the text in front, in the trace */

static void
spoil(const char *how)
{
	const char *cured = getenv("MUSTER_T_CURED");

	if (cured != NULL && access(cured, F_OK) == 0)
		return;
	if (strncmp(how, "segv", 4) == 0)
		*(volatile int *)8 = 0;
	for (;;)
		(void) pause();
}

/* only: by what this thread is spoilt; NULL: by a record of the trace */
static void
taste(const char *text, const char *only)
{
	char thread[16] = "", start[32];

	if (strncmp(text, "poison-", 7) != 0)
		return;
	(void) pthread_getname_np(pthread_self(), thread, sizeof(thread));
	if (only != NULL && strcmp(thread, only) != 0)
		return;
	(void) snprintf(start, sizeof(start), "poison-%s-", thread);
	if (strncmp(text, start, strlen(start)) == 0)
		spoil(text + strlen(start));
}

static int
is_stage(const char *text)
{
	return strcmp(text, "pending") == 0 || strcmp(text, "bounce") == 0 ||
		strcmp(text, "held") == 0 || strcmp(text, "moderation") == 0;
}

/* A record is made of texts with their NUL. */
GByteArray *
g_byte_array_append(GByteArray *array, const guint8 *data, guint len)
{
	static GByteArray *(*real)(GByteArray *, const guint8 *, guint);
	int is_text = len > 2 && data[len - 1] == '\0';

	if (real == NULL)
		*(void **)&real = dlsym(RTLD_NEXT, "g_byte_array_append");
	if (is_text && is_stage(before))
		taste((const char *)data, NULL);
	if (is_text)
		(void) snprintf(before, sizeof(before), "%s",
				(const char *)data);
	return real(array, data, len);
}

/* The local part of bounces, for a composed post. */
gchar *
g_strdup_printf(const gchar *format, ...)
{
	va_list ap;
	gchar *text;

	va_start(ap, format);
	text = g_strdup_vprintf(format, ap);
	va_end(ap);
	taste(text, "outbound");
	return text;
}

GString *
g_string_append(GString *string, const gchar *text)
{
	taste(text, "relay");
	return g_string_append_len(string, text, -1);
}

int
clock_gettime(clockid_t id, struct timespec *now)
{
	const char *path = getenv("MUSTER_T_CLOCK");
	int rc = (int)syscall(SYS_clock_gettime, id, now);
	char text[32] = "";
	int fd;

	if (id != CLOCK_REALTIME || path == NULL)
		return rc;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return rc;
	if (read(fd, text, sizeof(text) - 1) > 0)
		now->tv_sec += strtol(text, NULL, 10);
	(void) close(fd);
	return rc;
}

/* GLib does not ask through that door. */
gint64
g_get_real_time(void)
{
	struct timespec now;

	(void) clock_gettime(CLOCK_REALTIME, &now);
	return (gint64)now.tv_sec * G_USEC_PER_SEC + now.tv_nsec / 1000;
}

static void
count(void)
{
	const char *path = getenv("MUSTER_T_SYNCS");
	int fd = path == NULL ? -1 :
		open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		return;
	(void) !write(fd, ".", 1);
	(void) close(fd);
}

/* The test's own reading of where a descriptor leads. */
static int
is_readonly(int fd)
{
	const char *flag = getenv("MUSTER_T_READONLY");
	const char *home = getenv("MUSTER_T_HOME");
	char link[32], path[512] = "";

	if (fd <= 2 || flag == NULL || home == NULL || access(flag, F_OK) != 0)
		return 0;
	(void) snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	if (readlink(link, path, sizeof(path) - 1) < 0 ||
	    strncmp(path, home, strlen(home)) != 0)
		return 0;
	errno = EROFS;
	return 1;
}

ssize_t
write(int fd, const void *bytes, size_t len)
{
	return is_readonly(fd) ? -1 : syscall(SYS_write, fd, bytes, len);
}

ssize_t
pwrite(int fd, const void *bytes, size_t len, off_t at)
{
	return is_readonly(fd) ? -1 : syscall(SYS_pwrite64, fd, bytes, len,
					      at);
}

ssize_t
pwrite64(int fd, const void *bytes, size_t len, off64_t at)
{
	return pwrite(fd, bytes, len, at);
}

int
fdatasync(int fd)
{
	if (is_readonly(fd))
		return -1;
	count();
	return (int)syscall(SYS_fdatasync, fd);
}

int
fsync(int fd)
{
	count();
	return (int)syscall(SYS_fsync, fd);
}
