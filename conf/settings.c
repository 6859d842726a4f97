/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf/settings.h"

#include <string.h>

#include <glib.h>

#include "conf/keys.h"
#include "conf/programs.h"
#include "conf/relays.h"
#include "core/mail/addr.h"
#include "core/base/banned.h"

/*
 * One row per key. A value is read into the member at `offset` by the
 * reader of its type, which also says what it accepts.
 */
enum type {
	T_PATH,		/* absolute; none where the default is none */
	T_HOST,		/* a host name */
	T_HOSTS,	/* several, or none */
	T_ADDR,		/* an address, or none */
	T_LISTEN,	/* unix:/PATH or inet:PORT@HOST */
	T_RELAYS,	/* HOST:PORT, perhaps with a weight */
	T_LIMITS,	/* of domains */
	T_NUMBER,
	T_SIZE,
	T_DURATION,
	T_WORDS,	/* any words, or none */
	T_NETWORKS,	/* addresses and networks, or none */
	T_WORD,		/* one, or none */
	T_COMMAND,	/* a path and words behind it */
	T_PATHS,	/* absolute paths, or none */
};

struct row {
	const char *section, *name;
	enum type type;
	const char *fallback;	/* NULL: must be given */
	int64_t least, most;
	size_t offset;		/* in settings, or of SECTION_PROGRAM in it */
	const char *help;
};

#define AT(member) offsetof(struct settings, member)
#define IN(member) offsetof(struct program, member)

/* The one section that may be there several times, each with a name */
#define SECTION_PROGRAM "program"

static const struct row rows[] = {
	{ "muster", "home", T_PATH, LOCALSTATEDIR "/lib/muster", 0, 0,
	  AT(home), "directory of the database" },
	{ "muster", "run", T_PATH, "/run/muster", 0, 0, AT(run),
	  "directory of the sockets between muster's processes" },
	{ "muster", "domains", T_HOSTS, NULL, 0, 0, AT(domains),
	  "list domains; every address in them is muster's" },
	{ "muster", "shared-domains", T_HOSTS, "", 0, 0, AT(shared_domains),
	  "domains with other mailboxes too; only the lists' own addresses "
	  "are muster's" },
	{ "muster", "hostname", T_HOST, "", 0, 0, AT(hostname),
	  "name in Received fields and SMTP greetings; empty: the first of "
	  "domains" },
	{ "muster", "space-floor", T_SIZE, "64M", 0, INT64_MAX,
	  AT(space_floor), "with less free space than this, posts get 451" },
	{ "muster", "seen-keep", T_DURATION, "5d", 60, 31536000,
	  AT(seen_keep_s), "how long a repeated post is recognised" },
	{ "muster", "trace-keep", T_DURATION, "30d", 60, 315360000,
	  AT(trace_keep_s), "how long the story of a post is kept" },
	{ "muster", "hung-after", T_DURATION, "2m", 1, 86400,
	  AT(hung_after_s), "a job that musterd is at for longer is taken for "
	  "hung: musterd ends, and the next start counts an attempt" },
	{ "muster", "feedback", T_ADDR, "", 0, 0, AT(feedback),
	  "address for the feedback reports of mail providers (RFC 5965), in "
	  "one of the list domains; empty: none" },
	{ "muster", "feedback-from", T_HOSTS, "", 0, 0, AT(feedback_from),
	  "whose reports are believed, by SPF or DKIM: domains; empty: any "
	  "that verifies" },
	{ "milter", "listen", T_LISTEN, "unix:/run/muster/milter.sock", 0, 0,
	  AT(milter_listen), "where the MTA finds the gate" },
	{ "milter", "workers", T_NUMBER, "4", 1, 64, AT(workers),
	  "worker processes of the gate" },
	{ "milter", "drain", T_DURATION, "60s", 0, 3600, AT(drain_s),
	  "after SIGTERM, how long posts at their end may take to finish" },
	{ "milter", "hops", T_NUMBER, "30", 1, 200, AT(hops_max),
	  "Received fields above which a post is refused as a loop" },
	{ "lmtp", "listen", T_LISTEN, "unix:/run/muster/lmtp.sock", 0, 0,
	  AT(lmtp_listen), "where the MTA delivers what no milter has seen" },
	{ "outbound", "relay", T_RELAYS, "127.0.0.1:10025", 0, 0,
	  AT(relays), "where copies are re-injected, no milter there; several "
	  "with weights: HOST:PORT 3, HOST:PORT 1" },
	{ "outbound", "connections", T_NUMBER, "8", 1, 1000, AT(connections),
	  "most connections to the relays together" },
	{ "outbound", "domain-limits", T_LIMITS, "", 0, 0, AT(domain_limits),
	  "most copies at once and in a time for domains of recipients, e.g. "
	  "example.net 4 20/1s, example.com 2" },
	{ "outbound", "in-flight", T_NUMBER, "4000", 1, 100000,
	  AT(in_flight), "copies sent and not yet recorded as sent: the most "
	  "that a crash can repeat" },
	{ "outbound", "retry-first", T_DURATION, "60s", 1, 86400,
	  AT(retry_first_s), "after a 4xx, the first try again" },
	{ "outbound", "retry-most", T_DURATION, "1h", 1, 604800,
	  AT(retry_most_s), "the longest time between two tries" },
	{ "outbound", "max-age", T_DURATION, "5d", 60, 2592000,
	  AT(max_age_s), "a copy that is older is given up" },
	{ "outbound", "timeout", T_DURATION, "5m", 1, 3600, AT(timeout_s),
	  "for one reply of the relay" },
	{ "outbound", "attempts", T_NUMBER, "5", 1, 1000, AT(attempts),
	  "tries of a job that fails or ends its process, before it is "
	  "shunted" },
	{ "dns", "servers", T_WORDS, "", 0, 0, AT(dns_servers),
	  "host@port of DNS servers; empty: the system's" },
	{ "dns", "timeout", T_DURATION, "5", 1, 60, AT(dns_timeout_s),
	  "seconds for all look-ups of one message" },
	{ "auth", "authserv-id", T_HOST, "", 0, 0, AT(authserv_id),
	  "name in Authentication-Results; empty: hostname" },
	{ "auth", "logins", T_PATH, "", 0, 0, AT(logins_path),
	  "file that says which authors a login may write as; empty: only "
	  "the address that it is" },
	{ "auth", "trusted", T_NETWORKS, "", 0, 0, AT(trusted),
	  "networks that need no SPF, such as backup MX hosts" },
	{ "auth", "trusted-sealers", T_HOSTS, "", 0, 0, AT(trusted_sealers),
	  "domains whose ARC seals are believed where DMARC fails" },
	{ "moderation", "sets", T_PATH, SYSCONFDIR "/muster/sets", 0, 0,
	  AT(sets_dir), "directory of the files that policies name" },
	{ "sandbox", "helper", T_PATH, PKGLIBEXECDIR "/muster-sandbox", 0, 0,
	  AT(sandbox_helper), "what puts programs behind their fences" },
	{ "sandbox", "user", T_WORD, "nobody", 0, 0, AT(sandbox_user),
	  "whom programs run as where musterd is root" },
	{ "sandbox", "at-once", T_NUMBER, "4", 1, 64, AT(programs_most),
	  "most programs that run at a time" },
	{ "sandbox", "at-once-of-list", T_NUMBER, "2", 1, 64,
	  AT(programs_of_list), "and of them for one list" },
	{ SECTION_PROGRAM, "command", T_COMMAND, NULL, 0, 0, IN(command),
	  "the program that a list may have its posts go through: an absolute "
	  "path, and its arguments" },
	{ SECTION_PROGRAM, "time", T_DURATION, "30s", 1, 3600, IN(time_s),
	  "longest that it may take for a post" },
	{ SECTION_PROGRAM, "cpu", T_DURATION, "30s", 1, 3600, IN(cpu_s),
	  "most CPU time of one of its processes" },
	{ SECTION_PROGRAM, "memory", T_SIZE, "256M", 1 << 20, INT64_MAX,
	  IN(memory), "most memory of one of its processes" },
	{ SECTION_PROGRAM, "output", T_SIZE, "64M", 1 << 10, 1 << 30,
	  IN(output), "largest message that it may write" },
	{ SECTION_PROGRAM, "space", T_SIZE, "64M", 0, INT64_MAX, IN(space),
	  "room in its own /tmp" },
	{ SECTION_PROGRAM, "files", T_NUMBER, "64", 8, 65536, IN(files),
	  "files that one of its processes may have open" },
	{ SECTION_PROGRAM, "processes", T_NUMBER, "32", 1, 10000,
	  IN(processes), "processes that it may have at a time" },
	{ SECTION_PROGRAM, "paths", T_PATHS, "", 0, 0, IN(paths),
	  "files and directories that it may read besides the system's" },
};

/* --- readers ------------------------------------------------------------ *
 * Each returns NULL, or a static text of what is accepted.
 */

static const char *
read_path(const char *value, char **out, bool required)
{
	size_t len;

	if (value[0] != '/' && (value[0] != '\0' || required))
		return "an absolute path";
	len = strlen(value);
	while (len > 1 && value[len - 1] == '/')
		len--;
	*out = g_strndup(value, len);
	return NULL;
}

static const char *
read_host(const char *value, char **out)
{
	if (value[0] != '\0' && !value_host(value))
		return "a host name";
	*out = g_ascii_strdown(value, -1);
	return NULL;
}

static char **
split_words(const char *value)
{
	g_auto(GStrv) parts = g_strsplit_set(value, " \t,;", -1);
	GPtrArray *words = g_ptr_array_new();

	for (char **part = parts; *part != NULL; part++)
		if ((*part)[0] != '\0')
			g_ptr_array_add(words, g_strdup(*part));
	g_ptr_array_add(words, NULL);
	return (char **)g_ptr_array_free(words, FALSE);
}

static const char *
read_hosts(const char *value, char ***out, bool required)
{
	g_auto(GStrv) words = split_words(value);

	if (required && words[0] == NULL)
		return "at least one domain, e.g. lists.example.org";
	for (char **word = words; *word != NULL; word++) {
		char *lower = g_ascii_strdown(*word, -1);

		g_free(*word);
		*word = lower;
		if (!value_host(lower))
			return "domain names, separated by blanks";
	}
	*out = g_steal_pointer(&words);
	return NULL;
}

static const char *
read_addr(const char *value, char **out)
{
	g_autofree char *addr = value[0] != '\0' ? addr_canon(value) :
		g_strdup("");

	if (addr == NULL || strchr(addr, '+') != NULL)
		return "an address NAME@DOMAIN without \"+\"";
	*out = g_steal_pointer(&addr);
	return NULL;
}

static const char *
read_networks(const char *value, char ***out)
{
	g_auto(GStrv) words = split_words(value);

	for (char **word = words; *word != NULL; word++)
		if (!value_network(*word))
			return "addresses and networks such as 192.0.2.0/24 "
				"and 2001:db8::/32, separated by blanks";
	*out = g_steal_pointer(&words);
	return NULL;
}

static const char *
read_listen(const char *value, char **out)
{
	static const char accepted[] =
		"unix:/PATH or inet:PORT@HOST";
	const char *path = value;

	if (g_str_has_prefix(value, "inet:")) {
		if (!g_ascii_isdigit(value[5]))
			return accepted;
	} else {
		if (g_str_has_prefix(path, "unix:"))
			path += strlen("unix:");
		else if (g_str_has_prefix(path, "local:"))
			path += strlen("local:");
		if (path[0] != '/')
			return accepted;
		if (strlen(path) > 107)
			return "a socket path of at most 107 bytes";
	}
	*out = g_strdup(value);
	return NULL;
}

static const char *
read_scaled(const struct row *row, const char *value, int64_t *out)
{
	int64_t number;
	bool ok = row->type == T_DURATION ? value_duration(value, &number) :
		row->type == T_SIZE ? value_size(value, &number) :
		value_number(value, &number);

	if (!ok)
		return row->type == T_DURATION ?
			"a duration such as 30s, 15m, 6h, 5d" :
			row->type == T_SIZE ? "a size such as 400k or 64M" :
			"a number";
	if (number < row->least || number > row->most)
		return "";	/* out of range; the caller knows the range */
	*out = number;
	return NULL;
}

static const char *
read_word(const char *value, char **out)
{
	if (strpbrk(value, " \t") != NULL)
		return "one word";
	*out = g_strdup(value);
	return NULL;
}

/* base: settings, or the program that the row is of */
static const char *
read_value(const struct row *row, const char *value, void *base)
{
	struct settings *settings = base;
	void *at = (char *)base + row->offset;

	switch (row->type) {
	case T_PATH:
		return read_path(value, at, row->fallback == NULL ||
				 row->fallback[0] != '\0');
	case T_HOST:
		return read_host(value, at);
	case T_HOSTS:
		return read_hosts(value, at, row->fallback == NULL);
	case T_ADDR:
		return read_addr(value, at);
	case T_LISTEN:
		return read_listen(value, at);
	case T_RELAYS:
		return relays_read(value, settings);
	case T_LIMITS:
		return domain_limits_read(value, settings);
	case T_WORDS:
		*(char ***)at = split_words(value);
		return NULL;
	case T_NETWORKS:
		return read_networks(value, at);
	case T_WORD:
		return read_word(value, at);
	case T_COMMAND:
		return program_command_read(value, at);
	case T_PATHS:
		return program_paths_read(value, at);
	case T_NUMBER:
	case T_SIZE:
	case T_DURATION:
		return read_scaled(row, value, at);
	}
	g_assert_not_reached();
}

/* --- the file ----------------------------------------------------------- */

static const struct row *
row_find(const char *section, const char *name)
{
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
		if (strcmp(rows[i].section, section) == 0 &&
		    strcmp(rows[i].name, name) == 0)
			return &rows[i];
	return NULL;
}

/* Names of the sections (name == NULL), or of one section's keys. */
static const char *
row_nearest(const char *section, const char *name)
{
	const char *names[G_N_ELEMENTS(rows) + 1];
	size_t count = 0;

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
		if (name == NULL)
			names[count++] = rows[i].section;
		else if (strcmp(rows[i].section, section) == 0)
			names[count++] = rows[i].name;
	names[count] = NULL;
	return key_nearest(names, name != NULL ? name : section);
}

struct reading {
	const char *path;
	struct settings *settings;
	int lines[G_N_ELEMENTS(rows)];	/* where a row was given, 0: not; of
					 * a program those of the one that is
					 * being read */
	char *section;
	int line;
	struct program *program;	/* NULL: none is being read */
};

static bool
is_of_program(const struct row *row)
{
	return strcmp(row->section, SECTION_PROGRAM) == 0;
}

static enum err_code
bad_name(const struct reading *at, const char *kind, const char *name,
	 const char *nearest, struct err *err)
{
	return err_set(err, ERR_INVALID, "see muster.conf(5)",
		       "%s line %d: unknown %s \"%s\"%s%s%s", at->path,
		       at->line, kind, name,
		       nearest != NULL ? "; did you mean \"" : "",
		       nearest != NULL ? nearest : "",
		       nearest != NULL ? "\"?" : "");
}

static enum err_code
bad_value(const struct reading *at, const struct row *row,
	  const char *value, const char *accepted, struct err *err)
{
	if (accepted[0] != '\0')
		return err_set(err, ERR_INVALID, "see muster.conf(5)",
			       "%s line %d: [%s] %s = %s: %s is expected",
			       at->path, at->line, row->section, row->name,
			       value, accepted);
	return err_set(err, ERR_INVALID, "see muster.conf(5)",
		       "%s line %d: [%s] %s = %s: from %lld to %lld is "
		       "accepted", at->path, at->line, row->section,
		       row->name, value, (long long)row->least,
		       (long long)row->most);
}

static enum err_code
read_default(struct reading *at, const struct row *row, void *base,
	     struct err *err)
{
	if (at->lines[row - rows] != 0)
		return ERR_OK;
	if (row->fallback == NULL)
		return err_set(err, ERR_INVALID, "see muster.conf(5)",
			       "%s: [%s%s%s] %s is missing and has no default",
			       at->path, row->section,
			       at->program != NULL ? " " : "",
			       at->program != NULL ? at->program->name : "",
			       row->name);
	if (read_value(row, row->fallback, base))
		g_assert_not_reached();
	return ERR_OK;
}

static enum err_code
read_defaults(struct reading *at, struct err *err)
{
	enum err_code rc = ERR_OK;

	for (size_t i = 0; i < G_N_ELEMENTS(rows) && rc == ERR_OK; i++)
		if (!is_of_program(&rows[i]))
			rc = read_default(at, &rows[i], at->settings, err);
	return rc;
}

/* The section of a program ends. */
static enum err_code
end_program(struct reading *at, struct err *err)
{
	enum err_code rc = ERR_OK;

	for (size_t i = 0; i < G_N_ELEMENTS(rows) && at->program != NULL &&
	     rc == ERR_OK; i++) {
		if (!is_of_program(&rows[i]))
			continue;
		rc = read_default(at, &rows[i], at->program, err);
		at->lines[i] = 0;
	}
	at->program = NULL;
	return rc;
}

/* "program tag" becomes "program". */
static enum err_code
begin_program(struct reading *at, struct err *err)
{
	const size_t len = strlen(SECTION_PROGRAM);
	g_autofree char *name = g_strstrip(g_strdup(at->section + len));

	if (!program_name_is_right(name))
		return err_set(err, ERR_INVALID, "see muster.conf(5)",
			       "%s line %d: [%s]: a program is written "
			       "[program NAME], of letters, digits, \"-\" and "
			       "\"_\", at most 40", at->path, at->line,
			       at->section);
	if (settings_program(at->settings, name) != NULL)
		return err_set(err, ERR_INVALID, "keep one of them",
			       "%s line %d: there is a [program %s] already",
			       at->path, at->line, name);
	at->section[len] = '\0';
	at->program = programs_add(at->settings, name);
	if (at->program == NULL)
		return err_set(err, ERR_INVALID, "remove some",
			       "%s line %d: too many programs", at->path,
			       at->line);
	return ERR_OK;
}

static bool
is_program(const char *section)
{
	const size_t len = strlen(SECTION_PROGRAM);

	return strncmp(section, SECTION_PROGRAM, len) == 0 &&
		(section[len] == '\0' || g_ascii_isspace(section[len]));
}

static enum err_code
read_section(struct reading *at, const char *line, struct err *err)
{
	size_t len = strlen(line);
	enum err_code rc = end_program(at, err);
	bool known = false;

	if (rc != ERR_OK)
		return rc;
	if (line[len - 1] != ']')
		return err_set(err, ERR_INVALID, "see muster.conf(5)",
			       "%s line %d: a section is written [name]",
			       at->path, at->line);
	g_free(at->section);
	at->section = g_strndup(line + 1, len - 2);
	if (is_program(at->section))
		return begin_program(at, err);
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
		known |= strcmp(rows[i].section, at->section) == 0;
	if (!known)
		return bad_name(at, "section", at->section,
				row_nearest(at->section, NULL), err);
	return ERR_OK;
}

/* A blank and ";" or "#" begin a remark behind a value. */
static void
cut_remark(char *value)
{
	for (char *p = value; *p != '\0'; p++)
		if ((*p == ';' || *p == '#') &&
		    (p == value || g_ascii_isspace(p[-1]))) {
			*p = '\0';
			break;
		}
	g_strchomp(value);
}

static enum err_code
read_pair(struct reading *at, char *line, struct err *err)
{
	char *equals = strchr(line, '=');
	const struct row *row;
	const char *accepted;
	char *value;

	if (equals == NULL || at->section == NULL)
		return err_set(err, ERR_INVALID, "see muster.conf(5)",
			       "%s line %d: \"%s\" is no KEY = VALUE%s",
			       at->path, at->line, line,
			       at->section == NULL ? " below a [section]"
						   : "");
	*equals = '\0';
	value = g_strchug(equals + 1);
	cut_remark(value);
	g_strchomp(line);
	row = row_find(at->section, line);
	if (row == NULL)
		return bad_name(at, "key", line,
				row_nearest(at->section, line), err);
	if (at->lines[row - rows] != 0)
		return err_set(err, ERR_INVALID, "keep one of them",
			       "%s line %d: %s is given in line %d already",
			       at->path, at->line, line,
			       at->lines[row - rows]);
	at->lines[row - rows] = at->line;
	accepted = is_of_program(row) ? read_value(row, value, at->program) :
		read_value(row, value, at->settings);
	return accepted != NULL ? bad_value(at, row, value, accepted, err)
				: ERR_OK;
}

static enum err_code
read_lines(struct reading *at, char *text, struct err *err)
{
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	enum err_code rc = ERR_OK;

	for (char **line = lines; *line != NULL && rc == ERR_OK; line++) {
		char *start = g_strstrip(*line);

		at->line++;
		if (start[0] == '\0' || start[0] == '#' || start[0] == ';')
			continue;
		if (start[0] == '[')
			rc = read_section(at, start, err);
		else
			rc = read_pair(at, start, err);
	}
	return rc == ERR_OK ? end_program(at, err) : rc;
}

/* Is either of them the other, or below it? */
static bool
overlap(const char *a, const char *b)
{
	const size_t len = MIN(strlen(a), strlen(b));

	return strncmp(a, b, len) == 0 && (a[len] == '/' || a[len] == '\0') &&
		(b[len] == '/' || b[len] == '\0');
}

/* Nobody wants a program to read the database. */
static enum err_code
check_programs(const struct reading *at, struct err *err)
{
	const struct settings *settings = at->settings;

	for (size_t i = 0; i < settings->program_count; i++) {
		const struct program *program = &settings->programs[i];

		for (char **path = program->paths; *path != NULL; path++)
			if (overlap(*path, settings->home))
				return err_set(err, ERR_INVALID, "name what "
					       "it needs, elsewhere", "%s: "
					       "[program %s] paths = %s: it "
					       "would read [muster] home = %s",
					       at->path, program->name, *path,
					       settings->home);
	}
	return ERR_OK;
}

/* What no key says alone */
static enum err_code
check_whole(const struct reading *at, struct err *err)
{
	const struct settings *settings = at->settings;
	const char *domain = strrchr(settings->feedback, '@');
	const struct row *row = row_find("muster", "feedback");

	if (domain == NULL || settings_has_domain(settings, domain + 1) ||
	    settings_shares_domain(settings, domain + 1))
		return ERR_OK;
	return err_set(err, ERR_INVALID, "see muster.conf(5)",
		       "%s line %d: [muster] feedback = %s: an address in one "
		       "of \"domains\" or \"shared-domains\" is expected",
		       at->path, at->lines[row - rows], settings->feedback);
}

static void
fill_dependent(struct settings *settings)
{
	if (settings->hostname[0] == '\0') {
		g_free(settings->hostname);
		settings->hostname = g_strdup(settings->domains[0]);
	}
	if (settings->authserv_id[0] == '\0') {
		g_free(settings->authserv_id);
		settings->authserv_id = g_strdup(settings->hostname);
	}
}

enum err_code
settings_load(const char *path, struct settings **out, struct err *err)
{
	g_autoptr(GError) problem = NULL;
	g_autofree char *text = NULL;
	struct reading at = { .path = path };
	enum err_code rc;
	gsize len;

	if (!g_file_get_contents(path, &text, &len, &problem))
		return err_set(err, ERR_INVALID,
			       "name the settings file with -c FILE",
			       "cannot read the settings: %s",
			       problem->message);
	if (strlen(text) != len || !g_utf8_validate(text, -1, NULL))
		return err_set(err, ERR_INVALID, "write it in UTF-8",
			       "%s is no text file in UTF-8", path);
	at.settings = g_new0(struct settings, 1);
	at.settings->refs = 1;
	at.settings->path = g_canonicalize_filename(path, NULL);
	rc = read_lines(&at, text, err);
	if (rc == ERR_OK)
		rc = read_defaults(&at, err);
	if (rc == ERR_OK)
		rc = check_whole(&at, err);
	if (rc == ERR_OK)
		rc = check_programs(&at, err);
	g_free(at.section);
	if (rc != ERR_OK) {
		settings_unref(at.settings);
		return rc;
	}
	fill_dependent(at.settings);
	*out = at.settings;
	return ERR_OK;
}

struct settings *
settings_ref(struct settings *settings)
{
	g_atomic_int_inc(&settings->refs);
	return settings;
}

void
settings_unref(struct settings *settings)
{
	if (settings == NULL || !g_atomic_int_dec_and_test(&settings->refs))
		return;
	g_free(settings->home);
	g_free(settings->run);
	g_strfreev(settings->domains);
	g_strfreev(settings->shared_domains);
	g_free(settings->hostname);
	g_free(settings->feedback);
	g_strfreev(settings->feedback_from);
	g_free(settings->milter_listen);
	g_free(settings->lmtp_listen);
	relays_free(settings);
	domain_limits_free(settings);
	g_strfreev(settings->dns_servers);
	g_free(settings->authserv_id);
	g_strfreev(settings->trusted);
	g_strfreev(settings->trusted_sealers);
	g_free(settings->logins_path);
	g_free(settings->sets_dir);
	g_free(settings->sandbox_helper);
	g_free(settings->sandbox_user);
	programs_free(settings);
	g_free(settings->path);
	g_free(settings);
}

const char *
settings_default_path(void)
{
	return SYSCONFDIR "/muster/muster.conf";
}

static const char *
type_name(enum type type)
{
	static const char *const names[] = {
		[T_PATH] = "path", [T_HOST] = "host", [T_HOSTS] = "domains",
		[T_ADDR] = "mailbox",
		[T_LISTEN] = "address", [T_RELAYS] = "relays",
		[T_LIMITS] = "limits",
		[T_NUMBER] = "number", [T_SIZE] = "size",
		[T_DURATION] = "duration", [T_WORDS] = "words",
		[T_NETWORKS] = "networks", [T_WORD] = "word",
		[T_COMMAND] = "command", [T_PATHS] = "paths",
	};

	return names[type];
}

char *
settings_describe(void)
{
	GString *out = g_string_new(NULL);

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
		g_string_append_printf(out, "%s\t%s\t%s\t%s\t%s\n",
				       rows[i].section, rows[i].name,
				       type_name(rows[i].type),
				       rows[i].fallback != NULL ?
				       rows[i].fallback : "", rows[i].help);
	return g_string_free(out, FALSE);
}

char *
settings_submit_path(const struct settings *settings)
{
	return g_build_filename(settings->run, "submit.sock", NULL);
}

char *
settings_control_path(const struct settings *settings)
{
	return g_build_filename(settings->run, "control.sock", NULL);
}

static bool
has_word(char **words, const char *word)
{
	for (; *words != NULL; words++)
		if (g_ascii_strcasecmp(*words, word) == 0)
			return true;
	return false;
}

bool
settings_has_domain(const struct settings *settings, const char *domain)
{
	return has_word(settings->domains, domain);
}

bool
settings_shares_domain(const struct settings *settings, const char *domain)
{
	return has_word(settings->shared_domains, domain);
}

bool
settings_is_feedback(const struct settings *settings, const char *addr)
{
	const char *want = settings->feedback;
	size_t name = strcspn(want, "@");
	const char *at = strrchr(addr, '@');

	return want[0] != '\0' && at != NULL &&
	       g_ascii_strncasecmp(addr, want, name) == 0 &&
	       (addr[name] == '@' || addr[name] == '+') &&
	       strcmp(at, want + name) == 0;
}
