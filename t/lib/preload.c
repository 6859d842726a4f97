/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * For a private sendmail, by LD_PRELOAD: it logs by syslog(3) only, and
 * sleeps a minute at each start on a host whose name has no dot. The log
 * goes to the file $MUSTER_T_LOG, and the host is called $MUSTER_T_HOST.
 */
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

static char log_path[512], host[256];

/* sendmail clears its environment, so it is read before main(). */
__attribute__((constructor)) static void
preload_init(void)
{
	const char *path = getenv("MUSTER_T_LOG");
	const char *name = getenv("MUSTER_T_HOST");

	(void) snprintf(log_path, sizeof(log_path), "%s",
			path != NULL ? path : "/dev/null");
	(void) snprintf(host, sizeof(host), "%s",
			name != NULL ? name : "host.test");
}

int
gethostname(char *name, size_t len)
{
	(void) snprintf(name, len, "%s", host);
	return 0;
}

void
openlog(const char *ident, int option, int facility)
{
	(void) ident;
	(void) option;
	(void) facility;
}

void
closelog(void)
{
}

void
vsyslog(int priority, const char *format, va_list ap)
{
	char line[4096];
	int len, fd;

	(void) priority;
	len = snprintf(line, sizeof(line), "sendmail[%d]: ", (int)getpid());
	(void) vsnprintf(line + len, sizeof(line) - (size_t)len - 2, format,
			 ap);
	len = (int)strlen(line);
	line[len++] = '\n';
	fd = open(log_path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
	if (fd < 0)
		return;
	(void) !write(fd, line, (size_t)len);
	(void) close(fd);
}

void
syslog(int priority, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsyslog(priority, format, ap);
	va_end(ap);
}

/* What _FORTIFY_SOURCE makes of the two. */
void __vsyslog_chk(int priority, int flag, const char *format, va_list ap);
void __syslog_chk(int priority, int flag, const char *format, ...);

void
__vsyslog_chk(int priority, int flag, const char *format, va_list ap)
{
	(void) flag;
	vsyslog(priority, format, ap);
}

void
__syslog_chk(int priority, int flag, const char *format, ...)
{
	va_list ap;

	(void) flag;
	va_start(ap, format);
	vsyslog(priority, format, ap);
	va_end(ap);
}
