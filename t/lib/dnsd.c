/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * dnsd PORT ZONE-FILE LOG-FILE - the server of dns.h as a program, for
 * t/lib/Muster/Dns.pm. PORT 0: a free one. Says "port N" when it answers, and
 * after SIGHUP "reloaded", or "refused" and why; ends at SIGTERM.
 */
#include <signal.h>
#include <stdlib.h>

#include <glib.h>

#include "t/lib/dns.h"
#include "core/base/banned.h"

static char *
read_file(const char *path)
{
	GError *error = NULL;
	char *text;

	if (g_file_get_contents(path, &text, NULL, &error))
		return text;
	(void)fprintf(stderr, "dnsd: %s\n", error->message);
	exit(1);
}

static void
reload(struct dns *dns, const char *path)
{
	g_autofree char *text = read_file(path), *problem = NULL;

	if (dns_set_zone(dns, text, &problem))
		(void)printf("reloaded\n");
	else
		(void)printf("refused %s\n", problem);
}

int
main(int argc, char **argv)
{
	g_autofree char *zone = NULL;
	struct dns *dns;
	sigset_t signals;
	FILE *log;
	int signal = 0;

	if (argc != 4) {
		(void)fprintf(stderr, "usage: dnsd PORT ZONE-FILE LOG-FILE\n");
		return 2;
	}
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	(void)sigemptyset(&signals);
	(void)sigaddset(&signals, SIGHUP);
	(void)sigaddset(&signals, SIGTERM);
	(void)sigprocmask(SIG_BLOCK, &signals, NULL);
	log = fopen(argv[3], "a");
	if (log == NULL) {
		perror(argv[3]);
		return 1;
	}
	zone = read_file(argv[2]);
	dns = dns_start((int)strtol(argv[1], NULL, 10), zone);
	dns_log(dns, log);
	(void)printf("port %d\n", dns_port(dns));
	while (sigwait(&signals, &signal) == 0 && signal == SIGHUP)
		reload(dns, argv[2]);
	dns_stop(dns);
	(void)fclose(log);
	return 0;
}
