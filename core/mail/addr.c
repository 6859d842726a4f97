/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/mail/addr.h"

#include <string.h>

#include <glib.h>

#include "core/base/banned.h"

/* --- characters --------------------------------------------------------- */

/* RFC 5322 section 3.2.3, with UTF-8 (RFC 6532 section 3.2) */
static bool
is_atext(char c)
{
	return g_ascii_isalnum(c) || (unsigned char)c >= 0x80 ||
		(c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

static bool
is_dot_string(const char *local)
{
	if (local[0] == '\0' || local[0] == '.')
		return false;
	for (const char *p = local; *p != '\0'; p++)
		if (*p == '.' ? p[1] == '.' || p[1] == '\0' : !is_atext(*p))
			return false;
	return true;
}

/* Names, and literals such as [127.0.0.1] (RFC 5321 section 4.1.3). */
static bool
is_domain(const char *domain)
{
	size_t len = strlen(domain);

	if (len == 0 || len > 255)
		return false;
	if (domain[0] == '[')
		return len > 2 && strspn(domain + 1, "0123456789abcdefghijkl"
					 "mnopqrstuvwxyz.:-") == len - 2 &&
			domain[len - 1] == ']';
	if (domain[0] == '.' || domain[len - 1] == '.' ||
	    strstr(domain, "..") != NULL)
		return false;
	for (const char *p = domain; *p != '\0'; p++)
		if (!g_ascii_isalnum(*p) && strchr(".-_", *p) == NULL &&
		    (unsigned char)*p < 0x80)
			return false;
	return true;
}

/* --- reading ------------------------------------------------------------ */

/* Shorter than any limit on an address that MTAs keep, and bounds the work. */
#define PATH_MAX_LEN (4 * ADDR_MAX)

/* What stands between the brackets, however many the MTA shows. */
static char *
strip_brackets(const char *path)
{
	char *bare = g_strstrip(g_strdup(path));
	size_t from = strspn(bare, "<"), to = strlen(bare);

	while (to > from && bare[to - 1] == '>')
		to--;
	bare[to] = '\0';
	memmove(bare, bare + from, to - from + 1);
	return bare;
}

/* "@relay,@[IPv6:::1]:mailbox": RFC 5321 appendix C says to ignore the
 * route. NULL: it has no end. */
static const char *
skip_route(const char *path)
{
	bool literal = false;

	if (path[0] != '@')
		return path;
	for (; *path != '\0'; path++) {
		if (*path == ':' && !literal)
			return path + 1;
		if (*path == '[' || *path == ']')
			literal = *path == '[';
	}
	return NULL;
}

/* A quoted local part; *end is what follows it. */
static char *
read_quoted(const char *text, const char **end)
{
	g_autoptr(GString) local = g_string_new(NULL);

	for (text++; *text != '"'; text++) {
		if (*text == '\\')
			text++;
		if (*text == '\0')
			return NULL;
		g_string_append_c(local, *text);
	}
	*end = text + 1;
	return g_strdup(local->str);
}

/* Without quotes. "a..b" and ".a" break the grammar, but MTAs take them. */
static char *
read_bare(const char *text, const char **end)
{
	const char *at = strchr(text, '@');
	size_t len = at != NULL ? (size_t)(at - text) : strlen(text);

	if (len == 0)
		return NULL;
	for (size_t i = 0; i < len; i++)
		if (text[i] != '.' && !is_atext(text[i]))
			return NULL;
	*end = text + len;
	return g_strndup(text, len);
}

/* Not g_utf8_strdown(), whose answer depends on the locale. */
static char *
lower(const char *text)
{
	GString *out = g_string_new(NULL);

	for (; *text != '\0'; text = g_utf8_next_char(text))
		g_string_append_unichar(out, g_unichar_tolower(
			g_utf8_get_char(text)));
	return g_string_free(out, FALSE);
}

static char *
read_domain(const char *text)
{
	char *domain = lower(text);
	size_t len = strlen(domain);

	if (len > 1 && domain[len - 1] == '.')
		domain[len - 1] = '\0';
	if (!is_domain(domain))
		g_clear_pointer(&domain, g_free);
	return domain;
}

static char *
canonical(const char *local, const char *domain)
{
	GString *text = g_string_new(NULL);

	if (is_dot_string(local)) {
		g_string_append(text, local);
	} else {
		g_string_append_c(text, '"');
		for (; *local != '\0'; local++) {
			if (*local == '"' || *local == '\\')
				g_string_append_c(text, '\\');
			g_string_append_c(text, *local);
		}
		g_string_append_c(text, '"');
	}
	if (domain[0] != '\0')
		g_string_append_printf(text, "@%s", domain);
	return g_string_free(text, FALSE);
}

static bool
is_text(const char *text)
{
	if (!g_utf8_validate(text, -1, NULL))
		return false;
	for (const char *p = text; *p != '\0'; p = g_utf8_next_char(p))
		if (g_unichar_iscntrl(g_utf8_get_char(p)))
			return false;
	return true;
}

static void
set_null(struct addr *out)
{
	out->text = g_strdup("");
	out->local = g_strdup("");
	out->domain = g_strdup("");
}

bool
addr_parse(const char *path, struct addr *out)
{
	g_autofree char *bare = NULL, *local = NULL, *domain = NULL;
	g_autofree char *text = NULL;
	const char *mailbox, *end;

	if (path == NULL || strnlen(path, PATH_MAX_LEN + 1) > PATH_MAX_LEN ||
	    !is_text(path))
		return false;
	bare = strip_brackets(path);
	/* "[]" is how Postfix shows it outside of SMTP. */
	if (bare[0] == '\0' || strcmp(bare, "[]") == 0) {
		set_null(out);
		return true;
	}
	mailbox = skip_route(bare);
	if (mailbox == NULL)
		return false;
	local = mailbox[0] == '"' ? read_quoted(mailbox, &end)
				  : read_bare(mailbox, &end);
	if (local == NULL || (*end != '\0' && *end != '@'))
		return false;
	domain = *end == '@' ? read_domain(end + 1) : g_strdup("");
	if (domain == NULL)
		return false;
	text = canonical(local, domain);
	if (strlen(text) > ADDR_MAX)
		return false;
	out->text = g_steal_pointer(&text);
	out->local = g_steal_pointer(&local);
	out->domain = g_steal_pointer(&domain);
	return true;
}

void
addr_done(struct addr *addr)
{
	g_free(addr->text);
	g_free(addr->local);
	g_free(addr->domain);
	memset(addr, 0, sizeof(*addr));
}

char *
addr_canon(const char *mailbox)
{
	struct addr addr = { 0 };
	char *text = NULL;

	if (!addr_parse(mailbox, &addr))
		return NULL;
	if (addr.local[0] != '\0' && addr.domain[0] != '\0')
		text = g_steal_pointer(&addr.text);
	addr_done(&addr);
	return text;
}

/* --- roles -------------------------------------------------------------- */

static const struct {
	const char *ending;
	enum role role;
} endings[] = {
	{ "-request", ROLE_REQUEST },
	{ "-owner", ROLE_OWNER },
	{ "-join", ROLE_JOIN },
	{ "-subscribe", ROLE_JOIN },
	{ "-leave", ROLE_LEAVE },
	{ "-unsubscribe", ROLE_LEAVE },
	{ "-confirm", ROLE_CONFIRM },
	{ "-bounces", ROLE_BOUNCES },
};

static const char *const names[] = {
	[ROLE_POST] = "post", [ROLE_REQUEST] = "request",
	[ROLE_OWNER] = "owner", [ROLE_JOIN] = "join",
	[ROLE_LEAVE] = "leave", [ROLE_CONFIRM] = "confirm",
	[ROLE_BOUNCES] = "bounces", [ROLE_FEEDBACK] = "feedback",
};

const char *
role_name(enum role role)
{
	return names[role];
}

bool
role_of_name(const char *name, enum role *out)
{
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
		if (strcmp(names[i], name) == 0) {
			*out = (enum role)i;
			return true;
		}
	return false;
}

/* "-owner" alone is no list's owner. */
static bool
has_ending(const char *name, const char *ending)
{
	return strlen(name) > strlen(ending) && g_str_has_suffix(name, ending);
}

void
role_parse(const struct addr *addr, struct role_addr *out)
{
	const char *plus = strchr(addr->local, '+');
	g_autofree char *name = NULL;

	name = plus != NULL ? g_strndup(addr->local,
					(gsize)(plus - addr->local))
			    : g_strdup(addr->local);
	for (char *p = name; *p != '\0'; p++)
		*p = g_ascii_tolower(*p);
	out->role = ROLE_POST;
	for (size_t i = 0; i < G_N_ELEMENTS(endings); i++)
		if (has_ending(name, endings[i].ending)) {
			out->role = endings[i].role;
			name[strlen(name) - strlen(endings[i].ending)] = '\0';
			break;
		}
	out->list = canonical(name, addr->domain);
	out->detail = plus != NULL ? g_strdup(plus + 1) : NULL;
}

void
role_addr_done(struct role_addr *addr)
{
	g_free(addr->list);
	g_free(addr->detail);
	memset(addr, 0, sizeof(*addr));
}

/* Room for "-bounces+" and a token of 24 (verp.h). */
#define ROLE_ROOM (9 + 24)
#define NAME_MAX_LEN (ADDR_LOCAL_MAX - ROLE_ROOM)
#define LIST_ADDR_MAX (254 - ROLE_ROOM)	/* RFC 5321 section 4.5.3.1.3 */

static const char *
check_list_local(const char *local)
{
	static const char *const reserved[] = {
		"postmaster", "mailer-daemon", "abuse"
	};

	if (strlen(local) > NAME_MAX_LEN)
		return "a list's name has at most 31 characters, so that its "
			"bounce addresses keep to the 64 of RFC 5321";
	for (const char *p = local; *p != '\0'; p++)
		if (!g_ascii_islower(*p) && !g_ascii_isdigit(*p) &&
		    strchr(".-_", *p) == NULL)
			return "a list's name is of letters, digits, \".\", "
				"\"-\" and \"_\"";
	if (!is_dot_string(local) || local[0] == '-')
		return "a list's name begins with a letter or digit, and has "
			"no \".\" at its end or next to another";
	for (size_t i = 0; i < G_N_ELEMENTS(reserved); i++)
		if (strcmp(local, reserved[i]) == 0)
			return "this name is reserved (RFC 2142)";
	for (size_t i = 0; i < G_N_ELEMENTS(endings); i++)
		if (g_str_has_suffix(local, endings[i].ending))
			return "a list's name cannot end like a list's own "
				"addresses (-request, -owner, -join, "
				"-subscribe, -leave, -unsubscribe, -confirm, "
				"-bounces)";
	return NULL;
}

const char *
list_name_check(const char *text)
{
	struct addr addr = { 0 };
	const char *wrong;

	if (!addr_parse(text, &addr))
		return "a list's address is NAME@DOMAIN";
	if (addr.local[0] == '\0' || addr.domain[0] == '\0' ||
	    addr.domain[0] == '[')
		wrong = "a list's address is NAME@DOMAIN";
	else if (strlen(addr.text) > LIST_ADDR_MAX)
		wrong = "a list's address has at most 221 characters, so that "
			"its bounce addresses keep to the 254 of RFC 5321";
	else
		wrong = check_list_local(addr.local);
	if (wrong == NULL && strcmp(addr.text, text) != 0)
		wrong = "a list's address is written without brackets or "
			"quotes and in lower case";
	addr_done(&addr);
	return wrong;
}

char *
list_role_addr(const char *list, const char *suffix)
{
	const char *at = strrchr(list, '@');

	if (at == NULL)
		at = list + strlen(list);
	return g_strdup_printf("%.*s%s%s", (int)(at - list), list, suffix,
			       at);
}
