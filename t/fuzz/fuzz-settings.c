/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * A settings file, and the values of single settings. The administrator is
 * no enemy, but he errs: he gets a sentence, and musterd no half-read file.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <glib.h>

#include "conf/relays.h"
#include "conf/settings.h"
#include "core/base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(bool holds)
{
	if (!holds)
		abort();
}

static void
check_settings(const struct settings *settings)
{
	check(settings->relay_count > 0 && settings->relay_count <= 16);
	check(settings->domains != NULL && settings->domains[0] != NULL);
	check(settings->hostname[0] != '\0');
	check(settings->authserv_id[0] != '\0');
	for (size_t i = 0; i < settings->relay_count; i++) {
		const struct relay_addr *relay = &settings->relays[i];

		check(relay->host != NULL && relay->host[0] != '\0');
		check(relay->port > 0 && relay->port < 65536);
		check(relay->weight > 0 && relay->weight <= 1000);
	}
	for (size_t i = 0; i < settings->domain_limit_count; i++) {
		const struct domain_limit *limit =
			&settings->domain_limits[i];

		check(limit->domain != NULL);
		check(limit->connections > 0 || limit->count > 0);
		check(limit->count == 0 || limit->seconds > 0);
	}
}

static void
check_file(const uint8_t *data, size_t size)
{
	int fd = memfd_create("settings", MFD_CLOEXEC);
	g_autofree char *path = g_strdup_printf("/proc/self/fd/%d", fd);
	struct settings *settings = NULL;
	struct err err = ERR_INIT;

	check(write(fd, data, size) == (ssize_t)size);
	if (settings_load(path, &settings, &err) == ERR_OK) {
		check_settings(settings);
		settings_unref(settings);
	} else {
		check(err.code == ERR_INVALID && err.what[0] != '\0');
		check(settings == NULL && err.todo != NULL);
	}
	(void)close(fd);
}

static void
check_values(const char *text)
{
	struct settings settings = { 0 };
	int64_t number = 0, seconds = 0;
	bool is;

	(void)relays_read(text, &settings);
	(void)domain_limits_read(text, &settings);
	relays_free(&settings);
	domain_limits_free(&settings);
	check(!value_size(text, &number) || number >= 0);
	check(!value_duration(text, &number) || number >= 0);
	check(!value_number(text, &number) || number >= 0);
	if (value_rate(text, &number, &seconds))
		check(number >= 0 && number <= RATE_COUNT_MAX &&
		      seconds >= 0 && seconds <= RATE_WINDOW_MAX_S);
	(void)value_bool(text, &is);
	(void)value_host(text);
	(void)value_network(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree char *text = g_strndup((const char *)data, size);

	check_file(data, size);
	check_values(text);
	return 0;
}
