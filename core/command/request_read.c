/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "core/command/request_inside.h"
#include "core/mail/automatic.h"
#include "core/mail/content.h"
#include "core/mail/mime.h"
#include "core/mail/own.h"
#include "core/base/banned.h"

/*
 * A whole mail. People greet, thank and sign, so a few lines that are no
 * commands are borne; what comes behind them was not written for a machine.
 */

#define JUNK_MAX 3	/* lines that are no commands */

struct reading {
	const char *list;
	unsigned int most;
	unsigned int junk;
	struct requests *out;
};

/* --- lines that say nothing --------------------------------------------- */

static bool
begins_with_word(const char *line, const char *const *words, size_t count)
{
	g_autofree char *lower = g_utf8_strdown(line, -1);

	for (size_t i = 0; i < count; i++) {
		size_t len = strlen(words[i]);

		if (strncmp(lower, words[i], len) == 0 &&
		    !g_unichar_isalpha(g_utf8_get_char(lower + len)))
			return true;
	}
	return false;
}

static bool
is_greeting(const char *line)
{
	static const char *const words[] = {
		"hello", "hi", "dear", "good morning", "good day", "hey",
		"hallo", "liebe", "lieber", "sehr geehrte", "guten tag",
		"guten morgen", "moin", "servus", "bonjour", "salut", "cher",
		"chère", "hola", "buenos días", "estimado", "estimada",
		"madame", "monsieur",
	};

	return begins_with_word(line, words, G_N_ELEMENTS(words));
}

/* Behind it comes a name. */
static bool
is_farewell(const char *line)
{
	static const char *const words[] = {
		"thanks", "thank you", "thx", "many thanks", "regards",
		"best regards", "kind regards", "best", "best wishes",
		"cheers", "sincerely", "yours", "greetings", "bye",
		"danke", "vielen dank", "mit freundlichen", "freundliche",
		"viele grüße", "liebe grüße", "beste grüße", "grüße", "gruß",
		"gruss", "schöne grüße", "mfg", "lg", "vg", "merci",
		"cordialement", "bien cordialement", "salutations",
		"amicalement", "gracias", "muchas gracias", "saludos",
		"un saludo", "atentamente", "grazie", "groeten",
	};

	return begins_with_word(line, words, G_N_ELEMENTS(words));
}

/* --- lines -------------------------------------------------------------- */

static bool
is_same(const struct request *a, const struct request *b)
{
	return a->fault == REQUEST_FINE && b->fault == REQUEST_FINE &&
	       a->verb == b->verb && g_strcmp0(a->key, b->key) == 0 &&
	       strcmp(a->value, b->value) == 0 &&
	       strcmp(a->addr, b->addr) == 0 &&
	       g_strv_equal((const char *const *)a->words,
			    (const char *const *)b->words);
}

static bool
is_known(const struct requests *requests, const struct request *request)
{
	for (guint i = 0; i < requests->all->len; i++)
		if (is_same(requests->all->pdata[i], request))
			return true;
	return false;
}

/* Takes request. */
static void
keep(struct reading *reading, struct request *request)
{
	struct requests *out = reading->out;

	if (!is_known(out, request) && out->all->len < reading->most) {
		g_ptr_array_add(out->all, request);
		return;
	}
	out->more += !is_known(out, request);
	request_free(request);
}

/* False: the rest is left alone. Takes request. */
static bool
take(struct reading *reading, struct request *request)
{
	if (request->verb == REQUEST_STOP && request->fault == REQUEST_FINE) {
		request_free(request);
		return false;
	}
	if (request->fault != REQUEST_FINE &&
	    reading->junk++ == JUNK_MAX) {
		reading->out->has_rest = true;
		request_free(request);
		return false;
	}
	keep(reading, request);
	return true;
}

static bool
is_fine(const char *list, const char *line)
{
	struct request *request = request_line(list, line);
	bool fine = request->fault == REQUEST_FINE;

	request_free(request);
	return fine;
}

/* How many of the lines that follow belong to the last command */
static size_t
take_more(struct reading *reading, char *const *lines, size_t count)
{
	struct request *last = reading->out->all->len == 0 ? NULL :
		reading->out->all->pdata[reading->out->all->len - 1];
	size_t i = 0;

	while (last != NULL && i < count && lines[i][0] != '\0' &&
	       !is_fine(reading->list, lines[i]) &&
	       request_continue(last, lines[i]))
		i++;
	return i;
}

static void
read_lines(struct reading *reading, const GPtrArray *lines)
{
	char *const *all = (char *const *)lines->pdata;

	for (size_t i = 0; i < lines->len; i++) {
		if (all[i][0] == '\0' || is_greeting(all[i]))
			continue;
		if (is_farewell(all[i]) ||
		    !take(reading, request_line(reading->list, all[i])))
			return;
		i += take_more(reading, all + i + 1, lines->len - i - 1);
	}
}

/* A Subject counts only if it is a command as a whole: there are others. */
static bool
read_subject(struct reading *reading, const char *subject)
{
	g_autofree char *line = own_line(subject);
	bool is_reply;
	struct request *request = request_line(reading->list,
					       own_subject(line, &is_reply));

	if (request->fault == REQUEST_FINE && request->verb != REQUEST_STOP)
		return take(reading, request);
	request_free(request);
	return true;
}

static bool
has_text(const GPtrArray *lines)
{
	for (guint i = 0; i < lines->len; i++)
		if (((const char *)lines->pdata[i])[0] != '\0')
			return true;
	return false;
}

/* Nothing but a Subject, and that is no command: it is what was asked. */
static void
read_only_subject(struct reading *reading, const char *subject)
{
	g_autofree char *line = own_line(subject);
	bool is_reply;
	const char *bare = own_subject(line, &is_reply);

	if (bare[0] == '\0')
		reading->out->is_empty = true;
	else
		(void)take(reading, request_line(reading->list, bare));
}

struct requests *
requests_read(const char *list, const char *subject, const char *text,
	      unsigned int most)
{
	g_autoptr(GPtrArray) lines = own_lines(text);
	struct requests *out = g_new0(struct requests, 1);
	struct reading reading = {.list = list, .most = most, .out = out};

	out->all = g_ptr_array_new_with_free_func(request_free);
	if (read_subject(&reading, subject))
		read_lines(&reading, lines);
	if (out->all->len == 0 && out->more == 0 && !has_text(lines))
		read_only_subject(&reading, subject);
	return out;
}

void
requests_free(struct requests *requests)
{
	if (requests == NULL)
		return;
	g_ptr_array_unref(requests->all);
	g_free(requests);
}

/* --- a mail ------------------------------------------------------------- */

static bool
has_fine(const struct requests *requests)
{
	for (guint i = 0; i < requests->all->len; i++) {
		const struct request *request = requests->all->pdata[i];

		if (request->fault == REQUEST_FINE)
			return true;
	}
	return false;
}

/* "Please take me off your list." */
static void
read_meaning(struct reading *reading, enum command_meant meant)
{
	struct requests *out = reading->out;
	const struct request *first = out->all->len > 0 ? out->all->pdata[0]
							: NULL;
	struct request *request = request_line(
		reading->list, meant == COMMAND_SUBSCRIBE ? "subscribe"
							  : "unsubscribe");

	if (first != NULL) {
		g_free(request->line);
		request->line = g_strdup(first->line);
	}
	g_ptr_array_set_size(out->all, 0);
	g_ptr_array_add(out->all, request);
	out->is_empty = out->has_rest = false;
}

struct requests *
requests_of_post(const char *list, const struct header *header,
		 const char *body, size_t body_len, unsigned int most)
{
	size_t len = MIN(body_len, REQUEST_BYTES_MAX);
	g_autofree char *text = content_own_text(header, body, len);
	g_autofree char *raw = header_get(header, "Subject");
	g_autofree char *subject = mime_decode(raw != NULL ? raw : "");
	struct reading reading = {
		.list = list, .most = most,
		.out = requests_read(list, subject, text, most),
	};
	enum command_meant meant;

	if (has_fine(reading.out) || reading.out->is_empty || most == 0)
		return reading.out;
	meant = command_meant(header, body, len);
	if (meant != COMMAND_NONE)
		read_meaning(&reading, meant);
	return reading.out;
}

static bool
needs_proof(const struct request *request)
{
	const struct request_kind *kind = request_kind_of(request->verb);

	return request->fault != REQUEST_FINE || kind == NULL ||
	       kind->whom != REQUEST_FOR_ALL;
}

bool
requests_need_proof(const struct requests *requests)
{
	for (guint i = 0; i < requests->all->len; i++)
		if (!needs_proof(requests->all->pdata[i]))
			return false;
	return true;
}
