/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/auth/spf_guard.h"

#include <arpa/inet.h>
#include <string.h>

#include <glib.h>

#include "core/base/banned.h"

/* Labels that no host has: a hyphen may not end one. */
static const struct {
	const char *label;
	enum spf_mark mark;
} marks[] = {
	{"muster-t-.", SPF_MARK_TERM},
	{"muster-a-.", SPF_MARK_ANY_A},
	{"muster-m-.", SPF_MARK_ANY_MX},
};

static const char *
label_of(enum spf_mark mark)
{
	return marks[mark - SPF_MARK_TERM].label;
}

enum spf_mark
spf_mark(const char *name, const char **rest)
{
	for (size_t i = 0; i < G_N_ELEMENTS(marks); i++)
		if (g_ascii_strncasecmp(name, marks[i].label,
					strlen(marks[i].label)) == 0) {
			*rest = name + strlen(marks[i].label);
			return marks[i].mark;
		}
	*rest = name;
	return SPF_MARK_NONE;
}

/* --- the grammar -------------------------------------------------------- */

/* macro-expand behind "%{", to the brace; NULL: none */
static const char *
skip_macro(const char *at)
{
	const char *digits;

	if (*at == '\0' || strchr("slodiphvSLODIPHV", *at) == NULL)
		return NULL;
	digits = ++at;
	at += strspn(at, "0123456789");
	if (at > digits && strspn(digits, "0") == (size_t)(at - digits))
		return NULL;	/* no part at all: section 7.3 */
	if (*at == 'r' || *at == 'R')
		at++;
	at += strspn(at, ".-+,/_=");
	return *at == '}' ? at + 1 : NULL;
}

/* macro-string up to `end`; *macro_last: it ends in a macro-expand */
static bool
is_macro_string(const char *at, const char *end, bool *macro_last)
{
	*macro_last = false;
	while (at < end) {
		*macro_last = false;
		if (*at < 0x21 || *at > 0x7e)
			return false;
		if (*at != '%') {
			at++;
			continue;
		}
		if (at + 1 < end && strchr("%_-", at[1]) != NULL) {
			at += 2;
			continue;
		}
		if (at + 1 >= end || at[1] != '{')
			return false;
		at = skip_macro(at + 2);
		if (at == NULL || at > end)
			return false;
		*macro_last = true;
	}
	return true;
}

/* toplabel: letters, digits, hyphens inside, and not digits only */
static bool
is_toplabel(const char *at, size_t len)
{
	bool digits_only = true;

	if (len == 0 || at[0] == '-' || at[len - 1] == '-')
		return false;
	for (size_t i = 0; i < len; i++) {
		if (!g_ascii_isalnum(at[i]) && at[i] != '-')
			return false;
		digits_only &= g_ascii_isdigit(at[i]);
	}
	return !digits_only;
}

static bool
is_domain_spec(const char *text, size_t len)
{
	const char *end = text + len, *dot;
	bool macro_last;

	if (len == 0 || !is_macro_string(text, end, &macro_last))
		return false;
	if (macro_last)
		return true;
	if (end[-1] == '.')
		end--;
	dot = memrchr(text, '.', (size_t)(end - text));
	/* A macro's brace may hold a dot, but not what follows the last. */
	return dot != NULL && is_toplabel(dot + 1, (size_t)(end - dot - 1));
}

/* "/" and a number without leading zero, at most `most` */
static bool
read_cidr(const char *text, size_t len, unsigned int most,
	  unsigned int *out)
{
	unsigned int number = 0;

	if (len == 0 || len > 3 || (text[0] == '0' && len > 1))
		return false;
	for (size_t i = 0; i < len; i++) {
		if (!g_ascii_isdigit(text[i]))
			return false;
		number = number * 10 + (unsigned int)(text[i] - '0');
	}
	*out = number;
	return number <= most;
}

/* --- one term ----------------------------------------------------------- */

struct guard {
	bool ipv6;
	GString *out;
	char *redirect;		/* domain-spec */
	bool has_exp, has_all;
};

struct term {
	const char *qualifier;	/* "+" "-" "?" "~" or "" */
	const char *args;	/* behind the name */
	size_t len;		/* of args */
};

static void
put(struct guard *guard, const struct term *term, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void
put(struct guard *guard, const struct term *term, const char *format, ...)
{
	va_list ap;

	g_string_append_printf(guard->out, " %s", term->qualifier);
	va_start(ap, format);
	g_string_append_vprintf(guard->out, format, ap);
	va_end(ap);
}

/* The digits at the end of text behind a slash; len is cut to what is in
 * front. False: there are digits that are no length. */
static bool
cut_cidr(const char *text, size_t *len, const char *slashes,
	 unsigned int most, unsigned int *out)
{
	size_t at = *len, sign = strlen(slashes);

	while (at > 0 && g_ascii_isdigit(text[at - 1]))
		at--;
	if (at < sign || strncmp(text + at - sign, slashes, sign) != 0)
		return true;
	/* "//" belongs to IPv6, and must not be taken for IPv4's. */
	if (sign == 1 && at >= 2 && text[at - 2] == '/')
		return false;
	if (!read_cidr(text + at, *len - at, most, out))
		return false;
	*len = at - sign;
	return true;
}

/* [":" domain-spec] [dual-cidr-length] of a and mx */
static bool
guard_host(struct guard *guard, const struct term *term, const char *name)
{
	unsigned int bits4 = 32, bits6 = 128;
	size_t len = term->len;
	const char *spec = "%{d}";
	size_t spec_len = 4;
	bool is_mx = name[0] == 'm', all;

	if (!cut_cidr(term->args, &len, "//", 128, &bits6) ||
	    !cut_cidr(term->args, &len, "/", 32, &bits4))
		return false;
	if (len > 0) {
		spec = term->args + 1;
		spec_len = len - 1;
		if (term->args[0] != ':' || !is_domain_spec(spec, spec_len))
			return false;
	}
	all = (guard->ipv6 ? bits6 : bits4) == 0;
	if (all)
		put(guard, term, "exists:%s%.*s",
		    label_of(is_mx ? SPF_MARK_ANY_MX : SPF_MARK_ANY_A),
		    (int)spec_len, spec);
	else
		put(guard, term, "%s:%s%.*s/%u//%u", name,
		    label_of(SPF_MARK_TERM), (int)spec_len, spec,
		    MAX(bits4, 1), MAX(bits6, 1));
	return true;
}

static bool
guard_a(struct guard *guard, const struct term *term)
{
	return guard_host(guard, term, "a");
}

static bool
guard_mx(struct guard *guard, const struct term *term)
{
	return guard_host(guard, term, "mx");
}

static bool
guard_all(struct guard *guard, const struct term *term)
{
	if (term->len > 0)
		return false;
	put(guard, term, "all");
	guard->has_all = true;
	return true;
}

static bool
has_spec(const struct term *term)
{
	return term->len > 1 && term->args[0] == ':' &&
	       is_domain_spec(term->args + 1, term->len - 1);
}

static bool
guard_include(struct guard *guard, const struct term *term)
{
	if (!has_spec(term))
		return false;
	put(guard, term, "include%.*s", (int)term->len, term->args);
	return true;
}

static bool
guard_exists(struct guard *guard, const struct term *term)
{
	if (!has_spec(term))
		return false;
	put(guard, term, "exists:%s%.*s", label_of(SPF_MARK_TERM),
	    (int)term->len - 1, term->args + 1);
	return true;
}

static bool
guard_ptr(struct guard *guard, const struct term *term)
{
	if (term->len > 0 && !has_spec(term))
		return false;
	put(guard, term, "ptr%.*s", (int)term->len, term->args);
	return true;
}

/* ":" network ["/" length] */
static bool
guard_network(struct guard *guard, const struct term *term, int family,
	      const char *halves)
{
	unsigned int most = family == AF_INET ? 32 : 128, bits = most;
	size_t len = term->len;
	g_autofree char *network = NULL;
	unsigned char addr[16];

	if (len < 2 || term->args[0] != ':' ||
	    !cut_cidr(term->args, &len, "/", most, &bits))
		return false;
	network = g_strndup(term->args + 1, len - 1);
	if (inet_pton(family, network, addr) != 1)
		return false;
	if (guard->ipv6 != (family == AF_INET6))
		return true;
	if (bits > 0)
		put(guard, term, "%s:%s/%u",
		    family == AF_INET ? "ip4" : "ip6", network, bits);
	else
		for (; *halves != '\0'; halves += strlen(halves) + 1)
			put(guard, term, "%s", halves);
	return true;
}

static bool
guard_ip4(struct guard *guard, const struct term *term)
{
	return guard_network(guard, term, AF_INET,
			     "ip4:0.0.0.0/1\0ip4:128.0.0.0/1\0");
}

static bool
guard_ip6(struct guard *guard, const struct term *term)
{
	return guard_network(guard, term, AF_INET6,
			     "ip6:::/1\0ip6:8000::/1\0");
}

/* --- a record ----------------------------------------------------------- */

static const struct {
	const char *name;
	bool (*guard)(struct guard *guard, const struct term *term);
} mechanisms[] = {
	{"all", guard_all},	  {"include", guard_include},
	{"a", guard_a},		  {"mx", guard_mx},
	{"ptr", guard_ptr},	  {"ip4", guard_ip4},
	{"ip6", guard_ip6},	  {"exists", guard_exists},
};

static bool
guard_mechanism(struct guard *guard, const char *text)
{
	static const char *const qualifiers[] = {"+", "-", "?", "~"};
	struct term term = {.qualifier = ""};
	size_t len, ignored = guard->out->len;
	bool done = guard->has_all, good = false;

	for (size_t i = 0; i < G_N_ELEMENTS(qualifiers); i++)
		if (*text == qualifiers[i][0])
			term.qualifier = qualifiers[i];
	text += strlen(term.qualifier);
	len = strcspn(text, ":/");
	term.args = text + len;
	term.len = strlen(term.args);
	for (size_t i = 0; i < G_N_ELEMENTS(mechanisms); i++)
		if (strlen(mechanisms[i].name) == len &&
		    g_ascii_strncasecmp(mechanisms[i].name, text, len) == 0)
			good = mechanisms[i].guard(guard, &term);
	/* Behind "all" it is only looked at for its syntax. */
	if (done)
		g_string_truncate(guard->out, ignored);
	return good;
}

/* name "=" ... */
static bool
is_modifier(const char *text, size_t *name_len)
{
	size_t len = 0;

	if (!g_ascii_isalpha(text[0]))
		return false;
	while (g_ascii_isalnum(text[len]) ||
	       (text[len] != '\0' && strchr("-_.", text[len]) != NULL))
		len++;
	*name_len = len;
	return text[len] == '=';
}

static bool
guard_modifier(struct guard *guard, const char *text, size_t name_len)
{
	const char *value = text + name_len + 1;
	bool macro_last;

	if (name_len == 8 && g_ascii_strncasecmp(text, "redirect", 8) == 0) {
		if (guard->redirect != NULL ||
		    !is_domain_spec(value, strlen(value)))
			return false;
		guard->redirect = g_strdup(value);
		return true;
	}
	if (name_len == 3 && g_ascii_strncasecmp(text, "exp", 3) == 0) {
		if (guard->has_exp)
			return false;
		guard->has_exp = true;
		return is_domain_spec(value, strlen(value));
	}
	return is_macro_string(value, value + strlen(value), &macro_last);
}

static bool
guard_terms(struct guard *guard, char **terms)
{
	size_t name_len;

	for (; *terms != NULL; terms++) {
		const char *term = *terms;

		if (term[0] == '\0')
			continue;
		if (is_modifier(term, &name_len)
			    ? !guard_modifier(guard, term, name_len)
			    : !guard_mechanism(guard, term))
			return false;
	}
	return true;
}

static bool
is_printable(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (text[i] < ' ' || text[i] > '~')
			return false;
	return true;
}

char *
spf_guard(const char *record, size_t len, bool client_is_ipv6)
{
	struct guard guard = {.ipv6 = client_is_ipv6};
	g_autofree char *copy = NULL;
	g_auto(GStrv) terms = NULL;
	bool good;

	if (len < 6 || len > SPF_RECORD_MAX || !is_printable(record, len))
		return NULL;
	copy = g_strndup(record + 6, len - 6);	/* behind "v=spf1" */
	terms = g_strsplit(copy, " ", -1);
	guard.out = g_string_new("v=spf1");
	good = terms[0] == NULL || terms[0][0] == '\0';
	good = good && guard_terms(&guard, terms) &&
	       guard.out->len <= SPF_RECORD_MAX;
	if (good && guard.redirect != NULL && !guard.has_all)
		g_string_append_printf(guard.out, " redirect=%s",
				       guard.redirect);
	g_free(guard.redirect);
	return g_string_free(guard.out, !good);
}
