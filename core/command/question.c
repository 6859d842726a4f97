/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "core/auth/domain.h"
#include "core/command/subscription_inside.h"
#include "core/letter/plain.h"
#include "core/mail/addr.h"
#include "core/base/banned.h"

/*
 * Letters to addresses that have not asked for them, as far as we know: they
 * bring a token, and who reads mail there sends it back. Whoever can send
 * mail can have us write such a letter to anybody, so the rates here are what
 * stands between a stranger and ten thousand of them.
 *
 * Who causes it is counted first, and what is refused for that does not use
 * up what the address has. The address comes before its domain: else ten
 * thousand requests for one address would lock out its neighbours.
 */

#define TOLD_MOST 12		/* letters to one mailbox in that time */
#define TOLD_S 3600
#define DETAIL_MAX 2000		/* bytes; what makes one has limits below it */

/* --- how often ---------------------------------------------------------- */

/*
 * One mailbox has many spellings: "Ann@", "ANN@", "ann+1@", "a.nn@" all
 * arrive at the same person with most who offer mail. For counting it does no
 * harm that somewhere they are different ones.
 */
static char *
fold_addr(const char *addr)
{
	const char *at = strrchr(addr, '@');
	g_autofree char *local = g_utf8_casefold(addr, at - addr);
	GString *out = g_string_new(NULL);

	for (const char *p = local; *p != '\0' && (*p != '+' || p == local);
	     p++)
		if (*p != '.' && *p != '"' && *p != '\\')
			g_string_append_c(out, *p);
	g_string_append(out, at);
	return g_string_free(out, FALSE);
}

/* Whoever has a domain has all below it. */
static char *
fold_domain(const char *addr)
{
	const char *domain = strrchr(addr, '@') + 1;
	g_autofree char *ascii = domain_ascii(domain);

	return ascii != NULL ? domain_org(ascii) : g_strdup(domain);
}

struct limit { const char *kind; const char *name; int64_t most, window_s; };

static enum err_code
ask_limit(const struct request *req, const struct limit *limit,
	  bool *allowed, struct err *err)
{
	if (!*allowed || limit->most == 0 || limit->name[0] == '\0')
		return ERR_OK;
	return letter_allowed(req->txn, limit->kind, limit->name,
			      (unsigned int)limit->most,
			      MIN(limit->window_s, LETTER_WINDOW_MAX_S),
			      req->with->now_ms, allowed, err);
}

static bool
is_here(const struct asker *asker)
{
	return asker->is_authority &&
		(asker->client == NULL || asker->client[0] == '\0');
}

enum err_code
request_allowed(const struct request *req, const char *addr, bool *allowed,
		struct err *err)
{
	const struct list_conf *conf = req->conf;
	const char *client = req->asker->client;
	g_autofree char *network = letter_network(client != NULL ? client :
						  "");
	g_autofree char *mailbox = fold_addr(addr);
	g_autofree char *domain = fold_domain(addr);
	const struct limit limits[] = {
		{ "confirm network", network, conf->confirm_network_rate,
		  conf->confirm_network_rate_s },
		{ "confirm address", mailbox, conf->confirm_address_rate,
		  conf->confirm_address_rate_s },
		/* who sits at the machine may ask a whole company */
		{ "confirm domain", is_here(req->asker) ? "" : domain,
		  conf->confirm_domain_rate, conf->confirm_domain_rate_s },
	};
	enum err_code rc = ERR_OK;

	*allowed = true;
	for (size_t i = 0; i < G_N_ELEMENTS(limits) && rc == ERR_OK; i++)
		rc = ask_limit(req, &limits[i], allowed, err);
	if (rc == ERR_OK && !*allowed)
		req->out->outcome = SUB_TOO_OFTEN;
	/* also where no letter goes out, so that nobody can tell */
	if (rc == ERR_OK && *allowed)
		(void) g_strlcpy(req->out->asked, addr,
				 sizeof(req->out->asked));
	return rc;
}

/* --- sending ------------------------------------------------------------ */

static enum err_code
send(const struct request *req, struct letter *letter, struct err *err)
{
	g_autofree char *what = g_strdup_printf("letter \"%s\"",
						letter->template);

	letter->list = req->list->id;
	letter->list_addr = req->list->addr;
	letter->conf = req->conf;
	letter->sender = LETTER_NULL;
	return letter_send(req->txn, req->with->settings, letter, what, NULL,
			   err);
}

static void
add_field(GArray *fields, const char *name, const char *value)
{
	const struct letter_field field = { name, value };

	g_array_append_val(fields, field);
}

/* With what each letter about a request says of it, and more (NULL: none),
 * ended by a name that is NULL. */
static enum err_code
send_with(const struct request *req, struct letter *letter, GArray *fields,
	  const struct letter_field *more, struct err *err)
{
	g_autofree char *now = plain_time(request_now_s(req));
	g_autofree char *network = letter_network(
		req->asker->client != NULL ? req->asker->client : "");

	add_field(fields, "asked.at", now);
	add_field(fields, "client.network", network);
	for (; more != NULL && more->name != NULL; more++)
		add_field(fields, more->name, more->value);
	letter->fields = (const struct letter_field *)(void *)fields->data;
	return send(req, letter, err);
}

static GArray *
fields_new(void)
{
	return g_array_new(TRUE, TRUE, sizeof(struct letter_field));
}

static enum err_code
tell(const struct request *req, const char *template, const char *to,
     const char *language, const struct letter_field *more, struct err *err)
{
	g_autoptr(GArray) fields = fields_new();
	struct letter letter = {
		.to = to, .template = template, .language = language,
	};

	return send_with(req, &letter, fields, more, err);
}

/* He has proved himself, or had his letter counted already; but who joins and
 * leaves a thousand times does not get a thousand welcomes. */
enum err_code
request_tell(const struct request *req, const char *template, const char *to,
	     const char *language, const struct letter_field *fields,
	     struct err *err)
{
	g_autofree char *mailbox = fold_addr(to);
	bool allowed = true;
	enum err_code rc = ERR_OK;

	if (!req->asker->is_authority)
		rc = letter_allowed(req->txn, "told", mailbox, TOLD_MOST,
				    TOLD_S, req->with->now_ms, &allowed,
				    err);
	if (rc == ERR_OK && allowed)
		return tell(req, template, to, language, fields, err);
	req->out->untold = true;
	if (rc != ERR_OK || req->asker->post == NULL)
		return rc;
	return trace_add(req->txn, req->asker->post, SUBSCRIPTION_STAGE,
			 req->list->addr, err, "no letter \"%s\" to %s: "
			 "enough was sent there lately", template, to);
}

static enum err_code
make_token(const struct request *req, const struct question *question,
	   int64_t expires_s, char text[TOKEN_TEXT + 1], struct err *err)
{
	g_autofree char *detail = question->detail != NULL ?
		detail_write(question->detail) : g_strdup("");
	const struct token token = {
		.kind = (char *)(uintptr_t)question->kind,
		.list = req->list->id,
		.addr = (char *)(uintptr_t)question->addr,
		.other = (char *)(uintptr_t)(question->other != NULL ?
					     question->other : ""),
		.detail = detail,
		.made_s = request_now_s(req), .expires_s = expires_s,
	};

	g_assert(strlen(detail) <= DETAIL_MAX);
	return token_new(req->txn, &token, text, err);
}

/*
 * The address that answers are for is also where a mail reader answers to.
 * It is the only way in which an answer written by a machine could confirm:
 * those are told apart before (asker.is_automatic).
 */
static enum err_code
send_question(const struct request *req, const struct question *question,
	      const char *token, int64_t expires_s, struct err *err)
{
	g_autofree char *suffix = g_strconcat("-confirm+", token, NULL);
	g_autofree char *confirm = list_role_addr(req->list->addr, suffix);
	g_autofree char *expires = plain_time(expires_s);
	g_autoptr(GArray) fields = fields_new();
	struct letter letter = {
		.to = question->addr, .template = question->template,
		.language = question->language, .reply_to = confirm,
		/* never to a mail whose author may be another */
		.answers = req->is_proven ? req->asker->message_id : NULL,
	};

	add_field(fields, "confirm.address", confirm);
	add_field(fields, "expires", expires);
	add_field(fields, "asked.by", request_by(req));
	return send_with(req, &letter, fields, question->fields, err);
}

enum err_code
request_ask(const struct request *req, const struct question *question,
	    struct err *err)
{
	const int64_t expires_s = request_now_s(req) +
		req->conf->token_keep_s;
	char token[TOKEN_TEXT + 1];
	enum err_code rc = make_token(req, question, expires_s, token, err);

	if (rc == ERR_OK)
		rc = send_question(req, question, token, expires_s, err);
	if (rc == ERR_OK)
		req->out->outcome = SUB_CONFIRM;
	return rc;
}
