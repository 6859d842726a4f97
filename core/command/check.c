/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/auth/domain.h"
#include "core/base/wire.h"
#include "core/answers.h"
#include "core/command/print.h"
#include "core/command/verb.h"
#include "core/letter/source.h"
#include "core/moderate/policy.h"
#include "core/outbound/outbound.h"
#include "core/pending/program.h"
#include "core/base/banned.h"

#define CONNECT_MS 5000
#define FINDINGS_MAX 1000	/* of the database, that are printed */

enum level { FINE, WARNING, ERROR };

struct check {
	const struct call *call;
	struct print_array array;
	bool failed;
};

static void
finding(struct check *check, enum level level, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void
finding(struct check *check, enum level level, const char *format, ...)
{
	static const char *const names[] = { "ok", "warning", "error" };
	FILE *out = check->call->admin->out;
	g_autofree char *what = NULL, *plain = NULL;
	va_list ap;

	va_start(ap, format);
	what = g_strdup_vprintf(format, ap);
	va_end(ap);
	check->failed |= level == ERROR;
	if (check->call->json) {
		print_array_item(&check->array, json_pack(
			"{s:s, s:o}", "level", names[level],
			"what", json_text(what)));
		return;
	}
	plain = print_plain(what);
	(void) fprintf(out, "%s: %s\n", names[level], plain);
	(void) fflush(out);	/* the next check may take a while */
}

static void
finding_err(struct check *check, enum level level, const struct err *err)
{
	const bool advice = err->todo != NULL && err->todo[0] != '\0';

	finding(check, level, "%s%s%s", err->what, advice ? "; " : "",
		advice ? err->todo : "");
}

/* --- the surroundings --------------------------------------------------- */

static void
check_space(struct check *check)
{
	const struct settings *settings = check->call->admin->settings;
	struct err err = ERR_INIT;
	int64_t space;

	if (store_space(check->call->admin->store, &space, &err) != ERR_OK)
		finding_err(check, ERROR, &err);
	else if (space < settings->space_floor)
		finding(check, ERROR, "home %s has %lld bytes free, below "
			"space-floor: posts get 451; free some space",
			settings->home, (long long)space);
	else
		finding(check, FINE, "home %s, %lld bytes free",
			settings->home, (long long)space);
}

static void
check_run_dir(struct check *check)
{
	const char *run = check->call->admin->settings->run;
	struct stat st;

	if (stat(run, &st) != 0 || !S_ISDIR(st.st_mode))
		finding(check, WARNING, "run %s is no directory; musterd "
			"makes it where it may", run);
	else if ((st.st_mode & S_IWOTH) != 0)
		finding(check, ERROR, "run %s is writable for everybody, who "
			"could take the place of musterd; chmod o-w it",
			run);
	else
		finding(check, FINE, "run %s", run);
}

static void
check_socket(struct check *check, const char *what, const char *path,
	     const char *todo)
{
	struct err err = ERR_INIT;
	int fd;

	if (wire_connect(path, wire_now_ms() + CONNECT_MS, &fd, &err) !=
	    ERR_OK) {
		finding(check, WARNING, "%s does not answer: %s; %s", what,
			err.what, todo);
		return;
	}
	(void) close(fd);
	finding(check, FINE, "%s answers at %s", what, path);
}

static void
check_sockets(struct check *check)
{
	const struct settings *settings = check->call->admin->settings;
	g_autofree char *submit = settings_submit_path(settings);

	check_socket(check, "the gate", settings->milter_listen,
		     "start muster-milter, where mail comes through a "
		     "milter");
	if (!check->call->admin->running) {
		finding(check, WARNING, "musterd does not run: mail waits in "
			"the MTA; start it");
		return;
	}
	finding(check, FINE, "musterd runs");
	check_socket(check, "musterd's door for the gate", submit,
		     "restart musterd");
	check_socket(check, "the LMTP door", settings->lmtp_listen,
		     "see musterd's log");
}

static void
check_relay(struct check *check, const struct relay_addr *relay)
{
	const struct settings *settings = check->call->admin->settings;
	g_autofree char *greeting = NULL, *extensions = NULL;
	struct err err = ERR_INIT;

	if (outbound_probe(settings, relay, &greeting, &extensions, &err) !=
	    ERR_OK)
		finding_err(check, ERROR, &err);
	else
		finding(check, FINE, "relay %s:%lld: %s; it offers %s",
			relay->host, (long long)relay->port, greeting,
			extensions);
}

static void
check_relays(struct check *check)
{
	const struct settings *settings = check->call->admin->settings;

	for (size_t i = 0; i < settings->relay_count; i++)
		check_relay(check, &settings->relays[i]);
}

static void
check_program(struct check *check, const struct program *program)
{
	if (!g_file_test(program->command[0], G_FILE_TEST_IS_EXECUTABLE))
		finding(check, ERROR, "program %s: %s cannot be run",
			program->name, program->command[0]);
	for (char **path = program->paths; *path != NULL; path++)
		if (!g_file_test(*path, G_FILE_TEST_EXISTS))
			finding(check, WARNING, "program %s: there is no %s",
				program->name, *path);
}

/* What a program is not to touch depends on the kernel, and on what confines
 * this process. */
static void
check_sandbox(struct check *check)
{
	const struct settings *settings = check->call->admin->settings;
	g_autofree char *holds = NULL;
	struct err err = ERR_INIT;

	if (settings->program_count == 0)
		return;
	if (program_probe(settings, &holds, &err) != ERR_OK)
		finding_err(check, ERROR, &err);
	else
		finding(check, FINE, "programs are held by %s", holds);
	for (size_t i = 0; i < settings->program_count; i++)
		check_program(check, &settings->programs[i]);
}

/* --- lists, database ---------------------------------------------------- */

/* A dump that was loaded, or another version, may have left one that cannot
 * be read. */
static void
check_policy(struct check *check, const char *addr,
	     const struct list_conf *conf)
{
	g_autofree char *text = list_policy_text(addr, conf);
	struct policy *policy = NULL;
	struct err err = ERR_INIT;

	if (policy_parse("policy", text, &policy, &err) != ERR_OK)
		finding(check, ERROR, "list %s: %s; see muster policy show "
			"%s", addr, err.what, addr);
	policy_unref(policy);
}

/* The same organization (RFC 9989 section 4.4), by the public suffix list */
static bool
is_aligned(const char *a, const char *b)
{
	g_autofree char *of_a = domain_org(a), *of_b = domain_org(b);

	return strcmp(of_a, of_b) == 0;
}

/* A From of the list's is there to pass DMARC: something has to make it. */
static void
check_from(struct check *check, const char *addr,
	   const struct list_conf *conf)
{
	const bool changes = list_conf_changes_all(conf) ||
		conf->dmarc_when != DMARC_WHEN_NEEDED;

	if (conf->dmarc == DMARC_ACTION_NONE ||
	    conf->dmarc == DMARC_ACTION_REJECT || !changes)
		return;
	if (conf->sign_key[0] == '\0')
		finding(check, WARNING, "list %s: From becomes %s (dmarc, "
			"dmarc-when), and there is no sign-key: unless the "
			"mail server signs them, copies pass DMARC by SPF "
			"only, and not where they are forwarded", addr, addr);
	else if (!is_aligned(conf->sign_domain, conf->domain))
		finding(check, WARNING, "list %s: From becomes %s (dmarc, "
			"dmarc-when), for which a signature of %s does not "
			"count (DMARC); set sign-domain to %s or a domain "
			"above it", addr, addr, conf->sign_domain,
			conf->domain);
}

static void
check_list(struct check *check, const char *addr,
	   const struct list_conf *conf)
{
	const struct settings *settings = check->call->admin->settings;
	const char *domain = strrchr(addr, '@') + 1;

	if (!settings_has_domain(settings, domain) &&
	    !settings_shares_domain(settings, domain))
		finding(check, ERROR, "list %s: its domain is neither in "
			"\"domains\" nor in \"shared-domains\", so its mail "
			"is not accepted; add it to %s", addr,
			settings->path);
	if (settings_is_feedback(settings, addr))
		finding(check, ERROR, "list %s: its mail is taken for "
			"feedback reports; give \"feedback\" in %s another "
			"address", addr, settings->path);
	if (conf->owners[0] == NULL)
		finding(check, WARNING, "list %s has no owner; muster list "
			"set %s owner=ADDR", addr, addr);
	if (conf->program[0] != '\0' &&
	    settings_program(settings, conf->program) == NULL)
		finding(check, ERROR, "list %s: its program %s is not in %s, "
			"so its posts are shunted; add it, or muster list set "
			"%s program=", addr, conf->program, settings->path,
			addr);
	check_policy(check, addr, conf);
	check_from(check, addr, conf);
}

static enum err_code
check_next_list(struct check *check, char **after, bool *end,
		struct err *err)
{
	struct txn *reader = store_reader(check->call->admin->store);
	g_autoptr(list_auto) list = NULL;
	g_autoptr(list_conf_auto) conf = NULL;
	enum err_code rc = list_next(reader, *after, &list, err);

	*end = list == NULL;
	if (rc != ERR_OK || list == NULL)
		return rc;
	rc = list_conf_load(reader, list->addr, &conf, err);
	if (rc != ERR_OK)
		return rc;
	check_list(check, list->addr, conf);
	g_free(*after);
	*after = g_strdup(list->addr);
	return ERR_OK;
}

static void
check_lists(struct check *check)
{
	g_autofree char *after = g_strdup("");
	struct err err = ERR_INIT;
	unsigned int count = 0;
	bool end = false;

	for (;; count++) {
		if (check_next_list(check, &after, &end, &err) != ERR_OK) {
			finding_err(check, ERROR, &err);
			return;
		}
		if (end)
			break;
	}
	finding(check, FINE, "%u %s looked at", count,
		count == 1 ? "list" : "lists");
}

/* Texts of letters, which a dump or another version may have left. */
struct texts { struct check *check; const char *scope; };

static bool
check_text(void *arg, const char *key, const char *value)
{
	struct texts *texts = arg;
	g_autofree char *name = NULL, *language = NULL;
	const struct template_kind *kind;
	struct template *parsed = NULL;
	struct err err = ERR_INIT;

	if (!template_setting_read(key, &name, &language))
		return true;
	kind = template_kind_find(name);
	if (kind == NULL)
		finding(texts->check, WARNING, "template %s of %s: there is "
			"no such template", name, scope_text(texts->scope));
	else if (template_parse(name, kind, value, &parsed, &err) != ERR_OK)
		finding(texts->check, ERROR, "template %s (%s) of %s is not "
			"used: %s; set or unset it", name, language,
			scope_text(texts->scope), err.what);
	template_free(parsed);
	return true;
}

static void
check_templates(struct check *check)
{
	struct txn *reader = store_reader(check->call->admin->store);
	struct texts texts = { .check = check };
	struct err err = ERR_INIT;
	char *scope = NULL, *next = NULL;
	enum err_code rc = setting_next_scope(reader, NULL, &scope, &err);

	while (rc == ERR_OK && scope != NULL) {
		texts.scope = scope;
		next = NULL;
		rc = setting_walk(reader, scope, KEY_TEMPLATE_PREFIX,
				  check_text, &texts, &err);
		if (rc == ERR_OK)
			rc = setting_next_scope(reader, scope, &next, &err);
		g_free(scope);
		scope = next;
	}
	if (rc != ERR_OK)
		finding_err(check, ERROR, &err);
}

static void
collect(void *arg, const char *text)
{
	GPtrArray *findings = arg;

	g_ptr_array_add(findings, findings->len < FINDINGS_MAX ?
			g_strdup(text) : NULL);
}

/* The findings are kept until the walk is over: printing may have to wait. */
static void
check_store(struct check *check)
{
	g_autoptr(GPtrArray) findings = g_ptr_array_new_with_free_func(
		g_free);
	struct err err = ERR_INIT;

	if (store_check(check->call->admin->store, collect, findings, &err) !=
	    ERR_OK)
		finding_err(check, ERROR, &err);
	for (guint i = 0; i < MIN(findings->len, FINDINGS_MAX); i++)
		finding(check, ERROR, "database: %s",
			(const char *)findings->pdata[i]);
	if (findings->len > FINDINGS_MAX)
		finding(check, ERROR, "database: %u findings more",
			findings->len - FINDINGS_MAX);
	if (findings->len == 0)
		finding(check, FINE, "database");
}

enum admin_status
check_run(struct call *call)
{
	struct check check = { .call = call };

	print_array_begin(&check.array, call);
	/* had they a mistake, nobody would have come so far */
	finding(&check, FINE, "settings %s", call->admin->settings->path);
	check_space(&check);
	check_run_dir(&check);
	check_sockets(&check);
	check_relays(&check);
	check_sandbox(&check);
	check_lists(&check);
	check_templates(&check);
	check_store(&check);
	print_array_end(&check.array);
	return check.failed ? ADMIN_REFUSED : ADMIN_DONE;
}
