/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/wire.h"
#include "core/command/verbs.h"
#include "core/outbound/outbound.h"
#include "db/queue.h"
#include "core/base/banned.h"

/* `muster check`: each finding is a line, "ok", "warning" or "error". */

#define CONNECT_MS 2000

struct findings {
	struct admin *admin;
	bool json, first;
	unsigned int errors;
};

static void
find(struct findings *findings, const char *level, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void
find(struct findings *findings, const char *level, const char *format, ...)
{
	g_autofree char *text = NULL;
	va_list ap;

	va_start(ap, format);
	text = g_strdup_vprintf(format, ap);
	va_end(ap);
	findings->errors += level[0] == 'e';
	if (findings->json)
		admin_array_add(findings->admin, &findings->first,
				json_pack("{s:s, s:s}", "level", level,
					  "finding", text));
	else
		(void) fprintf(findings->admin->out, "%s\t%s\n", level, text);
}

static void
check_socket(struct findings *findings, const char *address,
	     const char *who)
{
	struct err err = ERR_INIT;
	int fd;

	if (wire_connect(address, wire_now_ms() + CONNECT_MS, &fd, &err) ==
	    ERR_OK) {
		(void) close(fd);
		find(findings, "ok", "%s answers at %s", who, address);
	} else if (findings->admin->running) {
		find(findings, "error", "%s does not answer: %s", who,
		     err.what);
	} else {
		find(findings, "warning", "%s does not run: %s", who,
		     err.what);
	}
}

static void
check_relay(struct findings *findings, const struct settings *settings)
{
	g_autofree char *greeting = NULL, *extensions = NULL;
	struct err err = ERR_INIT;

	if (outbound_probe(settings, &greeting, &extensions, &err) == ERR_OK)
		find(findings, "ok", "relay %s:%lld: %s; %s",
		     settings->relay_host, (long long)settings->relay_port,
		     greeting, extensions);
	else
		find(findings, "error", "%s; set [outbound] relay, or start "
		     "it", err.what);
}

static void
check_home(struct findings *findings, const struct settings *settings)
{
	struct stat st;
	int64_t space = 0;

	if (stat(settings->home, &st) == 0 && (st.st_mode & 077) != 0)
		find(findings, "warning", "%s can be entered by others "
		     "(mode %03o); chmod 700", settings->home,
		     (unsigned int)(st.st_mode & 0777));
	if (store_space(findings->admin->store, &space, NULL) != ERR_OK ||
	    space < settings->space_floor)
		find(findings, "error", "%lld bytes free below %s, "
		     "space-floor is %lld: posts get 451", (long long)space,
		     settings->home, (long long)settings->space_floor);
	else
		find(findings, "ok", "%lld bytes free below %s",
		     (long long)space, settings->home);
}

static void
check_list(struct findings *findings, const struct list *list)
{
	struct list_conf *conf = NULL;
	struct err err = ERR_INIT;
	const char *domain = strrchr(list->addr, '@') + 1;

	if (!settings_has_domain(findings->admin->settings, domain) &&
	    !settings_shares_domain(findings->admin->settings, domain))
		find(findings, "error", "list %s is in no domain of the "
		     "settings, so it gets no mail", list->addr);
	if (list_conf_load(store_reader(findings->admin->store), list->addr,
			   &conf, &err) != ERR_OK)
		find(findings, "error", "list %s: %s", list->addr, err.what);
	else if (conf->owners[0] == NULL)
		find(findings, "warning", "list %s has no owner: nobody "
		     "reads its -owner and command mail; muster list set %s "
		     "owner=ADDR", list->addr, list->addr);
	list_conf_free(conf);
}

static void
check_lists(struct findings *findings)
{
	g_autofree char *after = g_strdup("");
	struct list *list = NULL;
	struct err err = ERR_INIT;

	while (list_next(store_reader(findings->admin->store), after, &list,
			 &err) == ERR_OK && list != NULL) {
		check_list(findings, list);
		g_free(after);
		after = g_strdup(list->addr);
		list_free(g_steal_pointer(&list));
	}
	if (err.code != ERR_OK)
		find(findings, "error", "%s", err.what);
}

static void
on_store_finding(void *arg, const char *finding)
{
	find(arg, "error", "%s", finding);
}

static void
check_store(struct findings *findings)
{
	unsigned int before = findings->errors;
	struct err err = ERR_INIT;
	uint64_t shunted = 0;

	if (store_check(findings->admin->store, on_store_finding, findings,
			&err) != ERR_OK)
		find(findings, "error", "%s", err.what);
	else if (findings->errors == before)
		find(findings, "ok", "every record of the store is good");
	if (queue_count(findings->admin->store, STAGE_SHUNTED, &shunted,
			&err) == ERR_OK && shunted > 0)
		find(findings, "warning", "%llu shunted jobs wait for you; "
		     "see muster queue ls", (unsigned long long)shunted);
}

int
verb_check(struct admin *admin, const struct words *words)
{
	struct findings findings = { admin, words->json, true, 0 };
	const struct settings *settings = admin->settings;

	if (words->json)
		admin_array_begin(admin);
	find(&findings, "ok", "settings of %s", settings->path);
	check_home(&findings, settings);
	check_socket(&findings, settings->milter_listen, "muster-milter");
	check_socket(&findings, settings->lmtp_listen, "the LMTP door");
	check_relay(&findings, settings);
	check_lists(&findings);
	check_store(&findings);
	if (words->json)
		admin_array_end(admin);
	return findings.errors > 0 ? ADMIN_REFUSED : ADMIN_DONE;
}
