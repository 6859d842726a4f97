/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/answers.h"

#include <string.h>

#include <glib.h>

#include "conf/settings.h"
#include "core/base/clock.h"
#include "core/base/wire.h"
#include "core/command/door.h"
#include "core/mail/addr.h"
#include "core/mail/pattern.h"
#include "core/moderate/policy.h"
#include "db/post.h"
#include "db/rate.h"
#include "db/roster.h"
#include "core/base/banned.h"

#define RATE_MOST 1000000	/* more are not counted */

/* --- people ------------------------------------------------------------- */

static void
person_of_conf(const struct list_conf *conf, const char *addr,
	       struct person *out)
{
	out->owner = addresses_match(conf->owners, addr);
	out->moderator = addresses_match(conf->moderators, addr);
	out->banned = addresses_match(conf->banned, addr);
	out->accepted = addresses_match(conf->accepted, addr);
}

static enum err_code
person_of_list(struct txn *txn, const struct list *list,
	       const struct list_conf *conf, const char *addr,
	       struct person *out, struct err *err)
{
	struct member *member = NULL;
	enum err_code rc = roster_find(txn, list->id, addr, &member, err);

	if (rc != ERR_OK)
		return rc;
	memset(out, 0, sizeof(*out));
	person_of_conf(conf, addr, out);
	out->member = member != NULL;
	if (member != NULL) {
		out->moderated = member->moderated;
		out->since_s = member->since_s;
		out->posts = member->posts;
	}
	member_free(member);
	return ERR_OK;
}

/* Of a list that does not exist nobody is anything. */
static enum err_code
store_person(void *arg, const char *list_addr, const char *addr,
	     struct person *out, struct err *err)
{
	struct txn *reader = store_reader(arg);
	struct list_conf *conf = NULL;
	struct list *list = NULL;
	enum err_code rc = list_find(reader, list_addr, &list, err);

	memset(out, 0, sizeof(*out));
	if (rc == ERR_OK && list != NULL)
		rc = list_conf_load(reader, list->addr, &conf, err);
	if (rc == ERR_OK && list != NULL)
		rc = person_of_list(reader, list, conf, addr, out, err);
	list_conf_free(conf);
	list_free(list);
	return rc;
}

static enum err_code
store_rate(void *arg, const char *list_addr, const char *author,
	   int64_t seconds, int64_t *out, struct err *err)
{
	const int64_t window_s = CLAMP(seconds, 0, RATE_WINDOW_MAX_S);
	struct txn *reader = store_reader(arg);
	struct list *list = NULL;
	uint64_t count = 0;
	enum err_code rc = list_find(reader, list_addr, &list, err);

	if (rc == ERR_OK && list != NULL)
		rc = rate_count(reader, list->id,
				author[0] != '\0' ? author : NULL,
				clock_ms() - window_s * 1000,
				RATE_MOST, &count, err);
	list_free(list);
	*out = (int64_t)count;
	return rc;
}

static enum err_code
store_duplicate(void *arg, const char *list_addr, const char *message_id,
		bool *out, struct err *err)
{
	struct txn *reader = store_reader(arg);
	struct list *list = NULL;
	enum err_code rc = list_find(reader, list_addr, &list, err);

	*out = false;
	if (rc == ERR_OK && list != NULL)
		rc = post_was_on_list(reader, message_id, list->addr, out, err);
	list_free(list);
	return rc;
}

struct questions
store_questions(struct store *store)
{
	return (struct questions){store_person, store_rate, store_duplicate,
				  store};
}

static json_t *
person_json(const struct person *person)
{
	return json_pack("{s:b, s:b, s:b, s:b, s:b, s:b, s:I, s:I}", "member",
			 person->member, "moderated", person->moderated,
			 "banned", person->banned, "accepted",
			 person->accepted, "owner", person->owner,
			 "moderator", person->moderator, "since",
			 (json_int_t)person->since_s, "posts",
			 (json_int_t)person->posts);
}

/* --- policies ----------------------------------------------------------- */

char *
list_policy_text(const char *list, const struct list_conf *conf)
{
	const struct policy_keys keys = {
		.list = list,
		.policy = conf->policy,
		.refuse_text = conf->refuse_text,
		.emergency = conf->emergency,
		.closed = conf->closed,
		.commands_pass = !conf->misdirected,
		.accept_automatic = conf->accept_automatic,
		.accepts_lists = conf->accepted[0] != NULL,
		.dmarc_reject = conf->dmarc == DMARC_ACTION_REJECT &&
			!conf->anonymous,
		.dmarc_may_hold = conf->dmarc_when == DMARC_WHEN_NEEDED &&
			!list_conf_changes_all(conf),
		.own_domain = conf->dmarc_when == DMARC_WHEN_NEEDED &&
			conf->sign_key[0] != '\0' ? conf->sign_domain : "",
		.recipients_max = conf->recipients_max,
		.author_rate = conf->author_rate,
		.author_rate_s = conf->author_rate_s,
		.list_rate = conf->list_rate,
		.list_rate_s = conf->list_rate_s,
	};

	return policy_text_for(&keys);
}

static char *
policy_id(const char *text)
{
	return g_compute_checksum_for_string(G_CHECKSUM_SHA256, text, -1);
}

static enum err_code
answer_policy(struct store *store, const json_t *request, json_t **out,
	      struct err *err)
{
	const char *list = wire_str(request, "list", "");
	g_autofree char *text = NULL, *id = NULL;
	struct list_conf *conf = NULL;
	enum err_code rc = list_conf_load(store_reader(store), list, &conf,
					  err);

	if (rc != ERR_OK)
		return rc;
	text = list_policy_text(list, conf);
	id = policy_id(text);
	*out = json_pack("{s:i, s:s, s:s}", "rc", ERR_OK, "id", id, "text",
			 text);
	list_conf_free(conf);
	return ERR_OK;
}

/* --- recipients --------------------------------------------------------- */

struct rcpt_question {
	const struct submission_server *server;
	struct settings *settings;
	const char *client;
	struct addr sender, rcpt;
	struct role_addr role;
};

static struct door_with
answer_door(const struct submission_server *server)
{
	return (struct door_with){server->verp, server->held, clock_ms()};
}

static bool
is_command(enum role role)
{
	return role == ROLE_REQUEST || role == ROLE_JOIN ||
	       role == ROLE_LEAVE || role == ROLE_CONFIRM;
}

/* As milters and SMTP write it (RFC 5321 section 4.1.3) */
static const char *
bare_client(const char *client)
{
	return g_ascii_strncasecmp(client, "IPv6:", 5) == 0 ? client + 5
							    : client;
}

/* A token that was made for the copy to this list, by the list *is. Nobody
 * else can make one, and none but the mail server has seen it: it is never
 * one that many copies share. */
static bool
is_copy_for(const struct rcpt_question *q, const struct list *list,
	    const struct role_addr *is)
{
	uint8_t handle[MEMBER_HANDLE_LEN];
	struct verp_says says = { 0 };
	bool for_list;

	if (is->role != ROLE_BOUNCES || is->detail == NULL ||
	    !verp_read(q->server->verp, is->list, is->detail, &says))
		return false;
	member_handle(list->addr, handle);
	for_list = !says.is_shared &&
		memcmp(says.member, handle, VERP_MEMBER_LEN) == 0;
	g_free(says.addr);
	return for_list;
}

/* Is this a copy that a list of ours has sent to the address of this one,
 * which is a member of it? *out NULL: no. */
static enum err_code
find_parent(const struct rcpt_question *q, const struct list *list,
	    char **out, struct err *err)
{
	struct txn *reader = store_reader(q->server->store);
	struct role_addr sender;
	struct member *member = NULL;
	struct list *parent = NULL;
	enum err_code rc = ERR_OK;

	role_parse(&q->sender, &sender);
	if (is_copy_for(q, list, &sender))
		rc = list_find(reader, sender.list, &parent, err);
	if (rc == ERR_OK && parent != NULL)
		rc = roster_find(reader, parent->id, list->addr, &member, err);
	if (rc == ERR_OK && member != NULL)
		*out = g_strdup(parent->addr);
	member_free(member);
	list_free(parent);
	role_addr_done(&sender);
	return rc;
}

static json_t *
answer_kind(const char *kind)
{
	return json_pack("{s:i, s:s}", "rc", ERR_OK, "kind", kind);
}

static enum err_code
pack_list(const struct rcpt_question *q, const struct door_mail *mail,
	  const struct person *sender, json_t **out, struct err *err)
{
	const struct door_with with = answer_door(q->server);
	const struct list_conf *conf = mail->conf;
	g_autofree char *text = list_policy_text(mail->list->addr, conf);
	g_autofree char *id = policy_id(text), *refusal = NULL;
	g_autofree char *parent = NULL;
	enum token_state token = TOKEN_NONE;
	enum err_code rc = door_token(store_reader(q->server->store), &with,
				      mail, &token, err);
	const bool token_ok = token != TOKEN_NONE;

	if (rc == ERR_OK && mail->role == ROLE_POST &&
	    q->sender.local[0] != '\0' && q->sender.domain[0] != '\0')
		rc = find_parent(q, mail->list, &parent, err);
	if (rc != ERR_OK)
		return rc;
	if (is_command(mail->role))
		refusal = door_rcpt(mail, token_ok);
	*out = json_pack(
		"{s:i, s:s, s:s, s:s, s:s, s:s, s:b, s:b, s:b, s:b, s:b, s:s, "
		"s:I, s:o, s:I, s:s, s:b}",
		"rc", ERR_OK, "kind", "list", "list", mail->list->addr,
		"role", role_name(mail->role), "detail", mail->detail,
		"policy_id", id, "token_ok", token_ok, "has_owner",
		conf->owners[0] != NULL, "client_banned",
		q->client[0] != '\0' && addresses_match(conf->banned, q->client),
		"draining", conf->outgoing == OUTGOING_DRAIN, "misdirected",
		conf->misdirected, "refusal", refusal != NULL ? refusal : "",
		"commands_most", (json_int_t)conf->commands_most, "sender",
		person_json(sender), "size_max", (json_int_t)conf->size_max,
		"parent", parent != NULL ? parent : "", "parent_accepted",
		parent != NULL && addresses_match(conf->accepted, parent));
	return ERR_OK;
}

static enum err_code
answer_list(const struct rcpt_question *q, const struct list *list,
	    json_t **out, struct err *err)
{
	struct txn *reader = store_reader(q->server->store);
	struct list_conf *conf = NULL;
	struct person sender = {0};
	struct door_mail mail = {
		.list = list, .role = q->role.role, .sender = q->sender.text,
		.detail = q->role.detail != NULL ? q->role.detail : "",
		.client = q->client,
	};
	enum err_code rc = list_conf_load(reader, list->addr, &conf, err);

	mail.conf = conf;
	if (rc == ERR_OK && q->sender.text[0] != '\0')
		rc = person_of_list(reader, list, conf, q->sender.text,
				    &sender, err);
	if (rc == ERR_OK)
		rc = pack_list(q, &mail, &sender, out, err);
	list_conf_free(conf);
	return rc;
}

/* A mailbox without domain is one of the MTA's own host. RFC 5321 section
 * 4.5.1 makes postmaster a mailbox of every domain, and the MTA's to
 * deliver. */
static const char *
kind_of_unknown(const struct rcpt_question *q, bool domainless)
{
	if (domainless ||
	    !settings_has_domain(q->settings, q->rcpt.domain) ||
	    g_ascii_strcasecmp(q->rcpt.local, "postmaster") == 0)
		return "foreign";
	return "unknown";
}

/* Of the whole site; which lists a report is for is known at its end. */
#define FEEDBACK_SIZE_MAX (20 * 1024 * 1024)

static json_t *
answer_feedback(const struct settings *settings)
{
	return json_pack("{s:i, s:s, s:s, s:s, s:I}", "rc", ERR_OK, "kind",
			 "list", "list", settings->feedback, "role",
			 role_name(ROLE_FEEDBACK), "size_max",
			 (json_int_t)FEEDBACK_SIZE_MAX);
}

static enum err_code
look_up_rcpt(struct rcpt_question *q, bool domainless, json_t **out,
	     struct err *err)
{
	struct list *list = NULL;
	enum err_code rc;

	if (!settings_has_domain(q->settings, q->rcpt.domain) &&
	    !settings_shares_domain(q->settings, q->rcpt.domain)) {
		*out = answer_kind("foreign");
		return ERR_OK;
	}
	if (settings_is_feedback(q->settings, q->rcpt.text)) {
		*out = answer_feedback(q->settings);
		return ERR_OK;
	}
	role_parse(&q->rcpt, &q->role);
	rc = list_find(store_reader(q->server->store), q->role.list, &list,
		       err);
	if (rc == ERR_OK && list == NULL)
		*out = answer_kind(kind_of_unknown(q, domainless));
	else if (rc == ERR_OK)
		rc = answer_list(q, list, out, err);
	list_free(list);
	role_addr_done(&q->role);
	return rc;
}

/* "dev" alone is dev at our own host. */
static bool
complete_rcpt(struct rcpt_question *q)
{
	g_autofree char *full = NULL;

	if (q->rcpt.domain[0] != '\0')
		return true;
	full = g_strdup_printf("%s@%s", q->rcpt.text, q->settings->hostname);
	addr_done(&q->rcpt);
	memset(&q->rcpt, 0, sizeof(q->rcpt));
	return addr_parse(full, &q->rcpt);
}

static enum err_code
answer_rcpt(const struct submission_server *server, const json_t *request,
	    json_t **out, struct err *err)
{
	struct rcpt_question q = {
		.server = server,
		.settings = server->settings(),
		.client = bare_client(wire_str(request, "client", "")),
	};
	bool domainless;
	enum err_code rc = ERR_OK;

	if (!addr_parse(wire_str(request, "rcpt", ""), &q.rcpt) ||
	    q.rcpt.local[0] == '\0' ||
	    !addr_parse(wire_str(request, "sender", ""), &q.sender)) {
		*out = answer_kind("foreign");
	} else {
		domainless = q.rcpt.domain[0] == '\0';
		if (complete_rcpt(&q))
			rc = look_up_rcpt(&q, domainless, out, err);
		else
			*out = answer_kind("foreign");
	}
	addr_done(&q.rcpt);
	addr_done(&q.sender);
	settings_unref(q.settings);
	return rc;
}

/* --- the other questions ------------------------------------------------ */

static enum err_code
answer_person(struct store *store, const json_t *request, json_t **out,
	      struct err *err)
{
	struct person person;
	enum err_code rc = store_person(store, wire_str(request, "list", ""),
					wire_str(request, "addr", ""),
					&person, err);

	if (rc == ERR_OK)
		*out = json_pack("{s:i, s:o}", "rc", ERR_OK, "person",
				 person_json(&person));
	return rc;
}

static enum err_code
answer_rate(struct store *store, const json_t *request, json_t **out,
	    struct err *err)
{
	int64_t posts;
	enum err_code rc = store_rate(store, wire_str(request, "list", ""),
				      wire_str(request, "author", ""),
				      wire_int(request, "seconds", 0), &posts,
				      err);

	if (rc == ERR_OK)
		*out = json_pack("{s:i, s:I}", "rc", ERR_OK, "posts",
				 (json_int_t)posts);
	return rc;
}

static enum err_code
answer_duplicate(struct store *store, const json_t *request, json_t **out,
		 struct err *err)
{
	bool duplicate;
	enum err_code rc = store_duplicate(
		store, wire_str(request, "list", ""),
		wire_str(request, "message_id", ""), &duplicate, err);

	if (rc == ERR_OK)
		*out = json_pack("{s:i, s:b}", "rc", ERR_OK, "duplicate",
				 duplicate);
	return rc;
}

static enum err_code
answer_taken(struct store *store, const json_t *request, json_t **out,
	     struct err *err)
{
	g_autofree guchar *key = NULL;
	bool taken = false;
	gsize len = 0;
	enum err_code rc;

	key = g_base64_decode(wire_str(request, "key", ""), &len);
	if (len != SEEN_KEY_LEN)
		return err_set(err, ERR_INVALID, "",
			       "the request has no good field \"key\"");
	rc = seen_has(store_reader(store), key, &taken, err);
	if (rc == ERR_OK)
		*out = json_pack("{s:i, s:b}", "rc", ERR_OK, "taken", taken);
	return rc;
}

/* A list that is no more is none of the doors' business: the commit says
 * so. */
static enum err_code
answer_command(const struct submission_server *server, const json_t *request,
	       json_t **out, struct err *err)
{
	const struct door_with with = answer_door(server);
	const struct door_author author = {
		.verified = wire_str(request, "author", ""),
		.from = wire_str(request, "from", ""),
		.needs_proof = wire_bool(request, "needs_proof", 1),
	};
	struct door_mail mail = {
		.detail = wire_str(request, "detail", ""),
		.sender = wire_str(request, "sender", ""),
		.client = bare_client(wire_str(request, "client", "")),
	};
	struct txn *reader = store_reader(server->store);
	g_autofree char *refusal = NULL;
	struct list_conf *conf = NULL;
	struct list *list = NULL;
	enum err_code rc = ERR_OK;

	if (!role_of_name(wire_str(request, "role", ""), &mail.role))
		return err_set(err, ERR_INVALID, "",
			       "the request has no good field \"role\"");
	rc = list_find(reader, wire_str(request, "list", ""), &list, err);
	if (rc == ERR_OK && list != NULL)
		rc = list_conf_load(reader, list->addr, &conf, err);
	mail.list = list;
	mail.conf = conf;
	if (rc == ERR_OK && list != NULL)
		rc = door_end(reader, &with, &mail, &author, &refusal, err);
	list_conf_free(conf);
	list_free(list);
	if (rc == ERR_OK)
		*out = json_pack("{s:i, s:b, s:s}", "rc", ERR_OK, "ok",
				 refusal == NULL, "refusal",
				 refusal != NULL ? refusal : "");
	return rc;
}

enum err_code
answer_question(const struct submission_server *server, const char *op,
		const json_t *request, json_t **out, struct err *err)
{
	struct store *store = server->store;

	if (strcmp(op, "rcpt") == 0)
		return answer_rcpt(server, request, out, err);
	if (strcmp(op, "policy") == 0)
		return answer_policy(store, request, out, err);
	if (strcmp(op, "person") == 0)
		return answer_person(store, request, out, err);
	if (strcmp(op, "rate") == 0)
		return answer_rate(store, request, out, err);
	if (strcmp(op, "duplicate") == 0)
		return answer_duplicate(store, request, out, err);
	if (strcmp(op, "taken") == 0)
		return answer_taken(store, request, out, err);
	if (strcmp(op, "command") == 0)
		return answer_command(server, request, out, err);
	return err_set(err, ERR_INVALID, "",
		       "the request has no good field \"op\"");
}
