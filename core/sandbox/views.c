/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * What a program may read: what belongs to every installation and is nobody's
 * secret. Of /etc only what libc, the shell and the interpreters ask for:
 * that directory also has keys which muster's user can read.
 */
#include <string.h>

#include "core/sandbox/inside.h"
#include "core/base/banned.h"

static const char *const system_views[] = {
	"/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32",
	"/etc/alternatives", "/etc/ca-certificates",
	"/etc/ca-certificates.conf", "/etc/debian_version", "/etc/fonts",
	"/etc/group", "/etc/host.conf",
	"/etc/hosts", "/etc/ld.so.cache", "/etc/ld.so.conf",
	"/etc/ld.so.conf.d", "/etc/locale.alias", "/etc/localtime",
	"/etc/magic", "/etc/magic.mime", "/etc/mailcap", "/etc/mime.types",
	"/etc/nsswitch.conf", "/etc/os-release", "/etc/passwd", "/etc/perl",
	"/etc/php", "/etc/protocols", "/etc/python3", "/etc/python3.11",
	"/etc/services", "/etc/sgml", "/etc/ssl/certs",
	"/etc/ssl/openssl.cnf", "/etc/terminfo", "/etc/timezone", "/etc/xml",
};

static const char *const devices[] = {
	"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom",
};

static void
add(struct order *order, const char *path, bool is_device)
{
	if (order->view_count == VIEWS_MAX)
		fail("too many paths: %d are the most", VIEWS_MAX);
	order->views[order->view_count++] =
		(struct view){ .path = path, .is_device = is_device };
}

/* Is path the directory, or below it? */
static bool
is_below(const char *path, const char *dir)
{
	const size_t len = strlen(dir);

	return strncmp(path, dir, len) == 0 &&
		(path[len] == '/' || path[len] == '\0');
}

bool
views_cover(const struct order *order, const char *path)
{
	for (size_t i = 0; i < order->view_count; i++)
		if (is_below(path, order->views[i].path))
			return true;
	return false;
}

void
views_add(struct order *order, const char *path)
{
	if (path[0] != '/' || path[1] == '\0' || strstr(path, "/../") != NULL)
		fail("\"%s\" is no absolute path below /", path);
	if (!views_cover(order, path))
		add(order, path, false);
}

void
views_add_system(struct order *order)
{
	for (size_t i = 0; i < sizeof(system_views) / sizeof(*system_views);
	     i++)
		add(order, system_views[i], false);
	for (size_t i = 0; i < sizeof(devices) / sizeof(*devices); i++)
		add(order, devices[i], true);
}
