/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include <glib.h>

#include "conf/content.h"
#include "conf/keys.h"
#include "conf/programs.h"
#include "conf/settings.h"
#include "core/mail/addr.h"
#include "core/mail/header_rules.h"
#include "core/mail/subject.h"
#include "core/base/banned.h"

/* What a key of each type accepts, and how its value is stored. */

#define ADDRS_MAX 100
#define PATTERN_MAX 320		/* bytes of one */
#define PATH_MAX_LEN 1000

static enum err_code
bad(const struct key *key, const char *value, const char *accepted,
    struct err *err)
{
	return err_set(err, ERR_INVALID, "", "%s=%.400s: %s is expected",
		       key->name, value, accepted);
}

static enum err_code
check_utf8(const struct key *key, const char *text, size_t max,
	   const char *accepted, struct err *err)
{
	if (!g_utf8_validate(text, -1, NULL))
		return bad(key, "(bytes)", "text in UTF-8", err);
	if (strlen(text) > max)
		return bad(key, "(long text)", accepted, err);
	return ERR_OK;
}

static bool
has_control(const char *text, const char *allowed)
{
	for (; *text != '\0'; text++)
		if (((unsigned char)*text < ' ' || *text == 0x7f) &&
		    strchr(allowed, *text) == NULL)
			return true;
	return false;
}

/* U+0080 to U+009F, which are commands to a terminal too. A description of
 * an older muster may have them; print_plain() takes care of that. */
static bool
has_c1(const char *text)
{
	for (const char *p = text; (p = strchr(p, 0xc2)) != NULL; p++)
		if ((unsigned char)p[1] < 0xa0)
			return true;
	return false;
}

static enum err_code
check_text(const struct key *key, const char *value, char **out,
	   struct err *err)
{
	g_autofree char *text = g_strstrip(g_strdup(value));
	enum err_code rc = check_utf8(key, text, KEY_TEXT_MAX,
				      "a line of at most 400 bytes", err);

	if (rc != ERR_OK)
		return rc;
	if (has_control(text, ""))
		return bad(key, "(text)",
			   "one line without control characters", err);
	*out = g_steal_pointer(&text);
	return ERR_OK;
}

static enum err_code
check_prefix(const struct key *key, const char *value, char **out,
	     struct err *err)
{
	g_autofree char *text = NULL;
	enum err_code rc = check_text(key, value, &text, err);

	if (rc != ERR_OK)
		return rc;
	if (subject_prefix_wrong(text) != NULL)
		return bad(key, text, subject_prefix_wrong(text), err);
	*out = g_steal_pointer(&text);
	return ERR_OK;
}

static enum err_code
check_path(const struct key *key, const char *value, char **out,
	   struct err *err)
{
	g_autofree char *path = g_strstrip(g_strdup(value));
	enum err_code rc = check_utf8(key, path, PATH_MAX_LEN,
				      "at most 1000 bytes", err);

	if (rc != ERR_OK)
		return rc;
	if ((path[0] != '/' && path[0] != '\0') || has_control(path, "") ||
	    has_c1(path))
		return bad(key, path, "an absolute path", err);
	*out = g_steal_pointer(&path);
	return ERR_OK;
}

/* Selectors and domains of signatures are written into header fields:
 * letters, digits, hyphens and dots, no label longer than DNS allows. */
static bool
is_dns_name(const char *name)
{
	g_auto(GStrv) labels = g_strsplit(name, ".", -1);

	if (strlen(name) > 253)
		return false;
	for (char **label = labels; *label != NULL; label++) {
		const size_t len = strlen(*label);

		if (len == 0 || len > 63 || (*label)[0] == '-' ||
		    (*label)[len - 1] == '-')
			return false;
		for (const char *p = *label; *p != '\0'; p++)
			if (!g_ascii_isalnum(*p) && *p != '-' && *p != '_')
				return false;
	}
	return true;
}

static enum err_code
check_domain(const struct key *key, const char *value, char **out,
	     struct err *err)
{
	g_autofree char *name = g_strstrip(g_ascii_strdown(value, -1));

	if (name[0] != '\0' && !is_dns_name(name))
		return bad(key, name, "a name as in DNS, such as "
			   "lists.example.org (xn--... for other letters)",
			   err);
	*out = g_steal_pointer(&name);
	return ERR_OK;
}

static enum err_code
check_addrs(const struct key *key, const char *value, char **out,
	    struct err *err)
{
	g_auto(GStrv) parts = g_strsplit(value, ",", -1);
	g_autoptr(GString) joined = g_string_new(NULL);
	unsigned int count = 0;

	for (char **part = parts; *part != NULL; part++) {
		g_autofree char *addr = NULL;

		g_strstrip(*part);
		if ((*part)[0] == '\0')
			continue;
		addr = addr_canon(*part);
		if (addr == NULL || strchr(addr, ',') != NULL)
			return bad(key, *part, "an address NAME@DOMAIN", err);
		if (++count > ADDRS_MAX)
			return bad(key, "(many)", "at most 100 addresses",
				   err);
		g_string_append_printf(joined, "%s%s",
				       joined->len > 0 ? ", " : "", addr);
	}
	*out = g_strdup(joined->str);
	return ERR_OK;
}

/* Blanks and line ends separate too, for those who paste. */
static enum err_code
check_patterns(const struct key *key, const char *value, char **out,
	       struct err *err)
{
	g_auto(GStrv) words = g_strsplit_set(value, ", \t\r\n", -1);
	g_autoptr(GString) joined = g_string_new(NULL);
	enum err_code rc = check_utf8(key, value, SIZE_MAX, "", err);

	if (rc != ERR_OK)
		return rc;
	for (char **word = words; *word != NULL; word++) {
		if ((*word)[0] == '\0')
			continue;
		if (strlen(*word) > PATTERN_MAX || has_control(*word, "") ||
		    has_c1(*word))
			return bad(key, "(words)", "a pattern of at most 320 "
				   "bytes, such as ann@example.net or "
				   "@example.com", err);
		g_string_append_printf(joined, "%s%s",
				       joined->len > 0 ? ", " : "", *word);
		if (joined->len > KEY_LONG_MAX)
			return bad(key, "(many patterns)", "at most 16000 "
				   "bytes; more than that fit in a file that "
				   "the policy names", err);
	}
	*out = g_strdup(joined->str);
	return ERR_OK;
}

static enum err_code
check_program(const struct key *key, const char *value, char **out,
	      struct err *err)
{
	g_autofree char *name = g_strstrip(g_strdup(value));

	if (!g_utf8_validate(name, -1, NULL))
		return bad(key, "(bytes)", "a name", err);
	if (name[0] != '\0' && !program_name_is_right(name))
		return bad(key, name, "the NAME of a [program NAME] of the "
			   "settings, or nothing", err);
	*out = g_steal_pointer(&name);
	return ERR_OK;
}

static const char *const presets[] = {
	"open", "members", "members-strict", "moderated", "announce", NULL
};

bool
key_is_preset(const char *policy)
{
	return g_strv_contains(presets, policy);
}

/* One word that is neither is a preset's name that is misspelt. */
static bool
is_wrong_word(const char *text)
{
	static const char *const actions[] = {
		"accept", "hold", "reject", "discard", "defer", NULL
	};

	return strpbrk(text, " \t\n#\"") == NULL &&
		!g_strv_contains(actions, text);
}

static char *
without_cr(const char *text)
{
	g_auto(GStrv) lines = g_strsplit(text, "\r\n", -1);

	return g_strjoinv("\n", lines);
}

static enum err_code
check_policy(const struct key *key, const char *value, char **out,
	     struct err *err)
{
	g_autofree char *text = without_cr(value);
	enum err_code rc = check_utf8(key, text, KEY_LONG_MAX,
				      "at most 16000 bytes", err);

	if (rc != ERR_OK)
		return rc;
	if (key_is_preset(g_strstrip(text))) {
		*out = g_steal_pointer(&text);
		return ERR_OK;
	}
	if (is_wrong_word(text))
		return bad(key, text, "open, members, members-strict, "
			   "moderated, announce or the text of a policy",
			   err);
	if (has_control(text, "\t\n") || has_c1(text))
		return bad(key, "(text)", "text without control characters",
			   err);
	*out = g_steal_pointer(&text);
	return ERR_OK;
}

static enum err_code
check_bool(const struct key *key, const char *value, char **out,
	   struct err *err)
{
	bool truth;

	if (!value_bool(value, &truth))
		return bad(key, value, "yes or no", err);
	*out = g_strdup(truth ? "yes" : "no");
	return ERR_OK;
}

static enum err_code
check_delivery(const struct key *key, const char *value, char **out,
	       struct err *err)
{
	g_autofree char *word = g_strstrip(g_ascii_strdown(value, -1));
	bool truth;

	/* "mime" is what Mailman's users know */
	if (strcmp(word, "digest") == 0 || strcmp(word, "mime") == 0)
		*out = g_strdup("digest");
	else if (strcmp(word, "plain") == 0)
		*out = g_strdup("plain");
	else if (value_bool(word, &truth))
		*out = g_strdup(truth ? "on" : "off");
	else
		return bad(key, value, "on, off, digest or plain", err);
	return ERR_OK;
}

/* Subtags of one to eight letters and digits, the first of letters (RFC 5646
 * section 2.1). It names files, so nothing else gets in. */
bool
key_is_language(const char *tag)
{
	size_t len = strspn(tag, "abcdefghijklmnopqrstuvwxyz");

	if (len < 2 || len > 8 || strlen(tag) > KEY_LANGUAGE_MAX)
		return false;
	for (tag += len; tag[0] == '-'; tag += len + 1) {
		len = strspn(tag + 1, "abcdefghijklmnopqrstuvwxyz"
			     "0123456789");
		if (len < 1 || len > 8)
			return false;
	}
	return tag[0] == '\0';
}

static enum err_code
check_language(const struct key *key, const char *value, char **out,
	       struct err *err)
{
	g_autofree char *tag = g_strdelimit(g_strstrip(
		g_ascii_strdown(value, -1)), "_", '-');

	if (tag[0] != '\0' && !key_is_language(tag))
		return bad(key, value, "the tag of a language, such as de or "
			   "pt-br,", err);
	*out = g_steal_pointer(&tag);
	return ERR_OK;
}

/* What is a number with or without a unit. */
static enum err_code
check_scaled(const struct key *key, const char *value, char **out,
	     struct err *err)
{
	g_autofree char *text = g_strstrip(g_strdup(value));
	int64_t number, window;

	if (key->type == KEY_SIZE && !value_size(text, &number))
		return bad(key, value, "a size such as 400k or 10M", err);
	if (key->type == KEY_NUMBER && (!value_number(text, &number) ||
					number > KEY_NUMBER_MAX))
		return bad(key, value, "a number from 0 to 1000000", err);
	if (key->type == KEY_DURATION &&
	    (!value_duration(text, &number) ||
	     number < KEY_DURATION_LEAST_S || number > KEY_DURATION_MOST_S))
		return bad(key, value, "a duration from 1m to 365d, such as "
			   "14d", err);
	if (key->type == KEY_WEIGHT &&
	    (!value_number(text, &number) || number < 1 ||
	     number > KEY_WEIGHT_MAX))
		return bad(key, value, "a number from 1 to 100", err);
	if (key->type == KEY_COUNT &&
	    (!value_number(text, &number) || number < 1 ||
	     number > KEY_COUNT_MAX))
		return bad(key, value, "a number from 1 to 1000", err);
	if (key->type == KEY_PERCENT &&
	    (!value_number(text, &number) || number > 100))
		return bad(key, value, "a number from 0 to 100", err);
	if (key->type == KEY_POINTS &&
	    (!value_points(text, &number) || number > KEY_POINTS_MAX * 1000))
		return bad(key, value, "a number from 0 to 1000, such as 1 "
			   "or 0.25,", err);
	if (key->type == KEY_RATE && !value_rate(text, &number, &window))
		return bad(key, value, "a number and a time of at most 31d, "
			   "such as 20/1d", err);
	*out = g_steal_pointer(&text);
	return ERR_OK;
}

static enum err_code
check_choice(const struct key *key, const char *value, char **out,
	     struct err *err)
{
	g_autofree char *word = g_strstrip(g_ascii_strdown(value, -1));
	g_autofree char *all = NULL;

	if (g_strv_contains(key->choices, word)) {
		*out = g_steal_pointer(&word);
		return ERR_OK;
	}
	all = g_strjoinv(", ", (char **)(uintptr_t)key->choices);
	return bad(key, value, all, err);
}

/* It goes into a header field between angle brackets, and must have one place
 * for what says whom it is about (RFC 8058 section 3.1 asks for https). */
static enum err_code
check_url(const struct key *key, const char *value, char **out,
	  struct err *err)
{
	g_autofree char *url = g_strstrip(g_strdup(value));
	const char *place = strstr(url, "%{token}");
	bool fine = g_str_has_prefix(url, "https://") && place != NULL &&
		strstr(place + 1, "%{token}") == NULL &&
		strlen(url) <= KEY_TEXT_MAX;

	for (const char *p = url; *p != '\0'; p++)
		fine = fine && *p > ' ' && *p < 0x7f &&
			strchr("<>\"\\", *p) == NULL;
	if (url[0] != '\0' && !fine)
		return bad(key, value, "https://... of ASCII with one "
			   "%{token} in it", err);
	*out = g_steal_pointer(&url);
	return ERR_OK;
}

/* A name of no field would stand in each post as it was typed. */
static enum err_code
bad_field(const struct key *key, const char *text, size_t len,
	  struct err *err)
{
	g_autofree char *field = g_strndup(text, len);
	g_autofree char *name = g_strndup(text + 2, len - 3);
	const char *nearest = key_nearest(text_field_names, name);
	g_autofree char *all = nearest != NULL ? g_strdup(nearest) :
		g_strjoinv("}, %{", (char **)(uintptr_t)text_field_names);
	g_autofree char *known = g_strdup_printf("a field that there is: "
						 "%%{%s}", all);

	return bad(key, field, known, err);
}

static enum err_code
check_fields(const struct key *key, const char *text, struct err *err)
{
	enum text_field field;

	for (size_t taken; *text != '\0'; text += MAX(taken, 1)) {
		taken = text_field_at(text, &field);
		if (taken > 0 && field == TEXT_FIELDS)
			return bad_field(key, text, taken, err);
	}
	return ERR_OK;
}

/* The same for one that names a post; most archives have http, too. */
static enum err_code
check_link(const struct key *key, const char *value, char **out,
	   struct err *err)
{
	static const char *const names[] = {
		"%{message-id}", "%{hash}", "%{list}", "%{list-name}",
		"%{list-domain}",
	};
	g_autofree char *url = g_strstrip(g_strdup(value));
	bool fine = (g_str_has_prefix(url, "https://") ||
		     g_str_has_prefix(url, "http://")) &&
		strlen(url) <= KEY_TEXT_MAX;
	bool known;

	for (const char *p = url; *p != '\0'; p++) {
		fine = fine && *p > ' ' && *p < 0x7f &&
			strchr("<>\"\\", *p) == NULL;
		known = !g_str_has_prefix(p, "%{");
		for (size_t i = 0; i < G_N_ELEMENTS(names) && !known; i++)
			known = g_str_has_prefix(p, names[i]);
		fine = fine && known;
	}
	if (url[0] != '\0' && !fine)
		return bad(key, value, "https://... of ASCII, with "
			   "%{message-id}, %{hash}, %{list}, %{list-name} or "
			   "%{list-domain} in it", err);
	*out = g_steal_pointer(&url);
	return ERR_OK;
}

static enum err_code
check_lines(const struct key *key, const char *value, char **out,
	    struct err *err)
{
	const bool is_long = key->type == KEY_TEMPLATE;
	g_autoptr(GString) text = g_string_new(NULL);
	enum err_code rc = check_utf8(key, value, is_long ? KEY_LONG_MAX :
				      KEY_LINES_MAX, is_long ?
				      "a text of at most 16000 bytes" :
				      "a text of at most 4000 bytes", err);

	if (rc != ERR_OK)
		return rc;
	for (const char *p = value; *p != '\0'; p++)
		if (*p != '\r')
			g_string_append_c(text, *p);
	if (has_control(text->str, "\n\t") || has_c1(text->str))
		return bad(key, "(text)", "lines without control characters",
			   err);
	if (!is_long && check_fields(key, text->str, err) != ERR_OK)
		return err->code;
	g_strchomp(text->str);
	*out = g_strdup(text->str);
	return ERR_OK;
}

static enum err_code
check_rules(const struct key *key, const char *value, char **out,
	    struct err *err)
{
	g_autofree char *text = NULL;
	struct header_rules *rules = NULL;
	enum err_code rc = check_lines(key, value, &text, err);

	if (rc != ERR_OK)
		return rc;
	if (header_rules_parse(text, &rules, err) != ERR_OK)
		return err_context(err, "%s", key->name);
	header_rules_free(rules);
	*out = g_steal_pointer(&text);
	return ERR_OK;
}

static enum err_code
check_content(const struct key *key, const char *value, char **out,
	      struct err *err)
{
	struct filter_policy policy = { 0 };
	enum err_code rc = check_utf8(key, value, KEY_LONG_MAX,
				      "rules of at most 16000 bytes", err);

	if (rc != ERR_OK)
		return rc;
	if (has_control(value, "\r\n\t") || has_c1(value))
		return bad(key, "(text)", "rules without control characters",
			   err);
	rc = content_parse(value, &policy, err);
	filter_policy_done(&policy);
	if (rc == ERR_OK)
		*out = content_print(value);
	return rc;
}

enum err_code
key_check(const struct key *key, const char *value, char **out,
	  struct err *err)
{
	switch (key->type) {
	case KEY_TEXT:
		return check_text(key, value, out, err);
	case KEY_BOOL:
		return check_bool(key, value, out, err);
	case KEY_DELIVERY:
		return check_delivery(key, value, out, err);
	case KEY_LANGUAGE:
		return check_language(key, value, out, err);
	case KEY_COUNT:
	case KEY_PERCENT:
	case KEY_POINTS:
	case KEY_SIZE:
	case KEY_NUMBER:
	case KEY_DURATION:
	case KEY_RATE:
	case KEY_WEIGHT:
		return check_scaled(key, value, out, err);
	case KEY_CHOICE:
		return check_choice(key, value, out, err);
	case KEY_URL:
		return check_url(key, value, out, err);
	case KEY_LINK:
		return check_link(key, value, out, err);
	case KEY_LINES:
	case KEY_TEMPLATE:
		return check_lines(key, value, out, err);
	case KEY_RULES:
		return check_rules(key, value, out, err);
	case KEY_PREFIX:
		return check_prefix(key, value, out, err);
	case KEY_CONTENT:
		return check_content(key, value, out, err);
	case KEY_PATH:
		return check_path(key, value, out, err);
	case KEY_DOMAIN:
		return check_domain(key, value, out, err);
	case KEY_POLICY:
		return check_policy(key, value, out, err);
	case KEY_ADDRS:
		return check_addrs(key, value, out, err);
	case KEY_PROGRAM:
		return check_program(key, value, out, err);
	case KEY_PATTERNS:
		return check_patterns(key, value, out, err);
	}
	g_assert_not_reached();
}

char **
key_words(const char *value)
{
	g_auto(GStrv) parts = g_strsplit(value, ",", -1);
	g_autoptr(GStrvBuilder) words = g_strv_builder_new();

	for (char **part = parts; *part != NULL; part++)
		if (g_strstrip(*part)[0] != '\0')
			g_strv_builder_add(words, *part);
	return g_strv_builder_end(words);
}

/* RFC 5321 section 2.4: the local part exactly, the domain in any case. */
static bool
same_word(const char *a, const char *b)
{
	const char *at = strrchr(a, '@');
	const size_t local = at != NULL ? (size_t)(at - a) : 0;

	return strncmp(a, b, local) == 0 &&
		g_ascii_strcasecmp(a + local, b + local) == 0;
}

char *
key_words_add(const char *value, const char *addr)
{
	g_auto(GStrv) words = key_words(value);
	g_autofree char *longer = NULL;

	if (strpbrk(addr, ", \t\r\n*") != NULL)
		return NULL;
	for (char **known = words; *known != NULL; known++)
		if (same_word(*known, addr))
			return g_strdup(value);
	longer = g_strconcat(value, words[0] != NULL ? ", " : "", addr, NULL);
	return strlen(longer) <= KEY_LONG_MAX ? g_steal_pointer(&longer) :
		NULL;
}
