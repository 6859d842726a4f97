/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * libspf2 asks for its records here, one after the other, and stops where
 * one is still under way: then it is run again when there is more. What RFC
 * 7208 limits (section 4.6.4) is counted here too, since the library counts
 * other things; what goes wrong here overrides what the library makes of it.
 */
#include "core/auth/spf.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/types.h>

#include <spf2/spf.h>
#include <spf2/spf_dns.h>

#include "core/auth/domain.h"
#include "core/auth/spf_guard.h"
#include "core/base/banned.h"

#define TERMS_MAX 10
#define VOIDS_MAX 2
#define HOSTS_MAX 10		/* of mx and ptr */
#define NAME_MAX_LEN 253
#define LIBRARY_MAX 100		/* the library's own limits: out of the way */

struct check {
	struct lookups *lookups;
	bool ipv6;
	bool pending;		/* an answer is under way */
	enum auth_result broken;	/* NONE, TEMPERROR or PERMERROR */
	char *why;		/* of that */
	unsigned int records, terms, voids;
};

/* --- what stops the evaluation ------------------------------------------ */

static void
stop(struct check *check, enum auth_result result, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void
stop(struct check *check, enum auth_result result, const char *format, ...)
{
	va_list ap;

	if (check->broken != AUTH_NONE || check->pending)
		return;
	check->broken = result;
	va_start(ap, format);
	check->why = g_strdup_vprintf(format, ap);
	va_end(ap);
}

static bool
is_stopped(const struct check *check)
{
	return check->pending || check->broken != AUTH_NONE;
}

static void
count_term(struct check *check)
{
	if (++check->terms > TERMS_MAX)
		stop(check, AUTH_PERMERROR,
		     "the record asks for more than %d look-ups", TERMS_MAX);
}

static void
count_void(struct check *check, const struct dns_answer *answer)
{
	if (answer->status == DNS_FOUND)
		return;
	if (++check->voids > VOIDS_MAX)
		stop(check, AUTH_PERMERROR,
		     "the record leads to more than %d names without data",
		     VOIDS_MAX);
}

/* --- the DNS ------------------------------------------------------------ */

/* Section 7.3: of a name that has grown too long the right end counts. */
static const char *
cut_name(const char *name)
{
	while (strlen(name) > NAME_MAX_LEN && strchr(name, '.') != NULL)
		name = strchr(name, '.') + 1;
	return name;
}

/* NULL: there is none now, and the check is stopped. */
static const struct dns_answer *
ask(struct check *check, const char *name, enum dns_type type)
{
	const struct dns_answer *answer;

	if (is_stopped(check))
		return NULL;
	name = cut_name(name);
	answer = lookups_get(check->lookups, name, type);
	if (answer == NULL)
		check->pending = true;
	else if (answer->status == DNS_FAILED)
		stop(check, AUTH_TEMPERROR, "DNS of %s: %s", name,
		     answer->why);
	else
		return answer;
	return NULL;
}

/* Section 4.5: the one that is SPF's; NULL: none, or the check is stopped. */
static const struct dns_record *
choose_record(struct check *check, const char *name,
	      const struct dns_answer *answer)
{
	const struct dns_record *chosen = NULL;

	for (size_t i = 0; i < answer->count; i++) {
		const struct dns_record *record = &answer->records[i];

		if (record->len < 6 ||
		    g_ascii_strncasecmp(record->data, "v=spf1", 6) != 0 ||
		    (record->len > 6 && record->data[6] != ' '))
			continue;
		if (chosen != NULL) {
			stop(check, AUTH_PERMERROR,
			     "%s publishes several records", name);
			return NULL;
		}
		chosen = record;
	}
	return chosen;
}

/* The record of a domain, guarded; NULL: it has none, or the check is
 * stopped. */
static char *
record_of(struct check *check, const char *name)
{
	const struct dns_answer *answer;
	const struct dns_record *record;
	bool first = check->records++ == 0;
	char *guarded;

	if (!first)
		count_term(check);
	answer = ask(check, name, DNS_TXT);
	if (answer == NULL)
		return NULL;
	record = choose_record(check, name, answer);
	if (record == NULL) {
		/* of an include or a redirect: sections 5.2 and 6.1 */
		if (!first)
			stop(check, AUTH_PERMERROR,
			     "%s, which the record refers to, has none", name);
		return NULL;
	}
	guarded = spf_guard(record->data, record->len, check->ipv6);
	if (guarded == NULL)
		stop(check, AUTH_PERMERROR,
		     "the record of %s breaks the syntax", name);
	return guarded;
}

/* Any address of the client's kind? For a/0. */
static bool
has_address(struct check *check, const char *name)
{
	const struct dns_answer *answer =
		ask(check, name, check->ipv6 ? DNS_AAAA : DNS_A);

	return answer != NULL && answer->status == DNS_FOUND;
}

/* The same for the hosts of mx/0. */
static bool
has_mail_host(struct check *check, const char *name)
{
	const struct dns_answer *answer = ask(check, name, DNS_MX);

	if (answer == NULL)
		return false;
	count_void(check, answer);
	if (answer->count > HOSTS_MAX)
		stop(check, AUTH_PERMERROR, "%s has more than %d mail hosts",
		     name, HOSTS_MAX);
	for (size_t i = 0; i < answer->count && !is_stopped(check); i++)
		if (has_address(check, answer->records[i].data))
			return true;
	return false;
}

/* --- as the library wants it -------------------------------------------- */

static SPF_dns_rr_t *
reply_empty(SPF_dns_server_t *server, const char *name, ns_type type,
	    int herrno)
{
	return SPF_dns_rr_new_init(server, name, type, 0, herrno);
}

static SPF_dns_rr_t *
reply_one(SPF_dns_server_t *server, const char *name, ns_type type,
	  const void *data, size_t len)
{
	SPF_dns_rr_t *reply = reply_empty(server, name, type, NETDB_SUCCESS);

	if (reply == NULL ||
	    SPF_dns_rr_buf_realloc(reply, 0, len + 1) != SPF_E_SUCCESS)
		return reply;
	memcpy(reply->rr[0], data, len);
	((char *)reply->rr[0])[len] = '\0';
	reply->num_rr = 1;
	return reply;
}

static SPF_dns_rr_t *
reply_all(SPF_dns_server_t *server, const char *name, ns_type type,
	  const struct dns_answer *answer, size_t most)
{
	SPF_dns_rr_t *reply = reply_empty(server, name, type, NETDB_SUCCESS);
	size_t count = MIN(answer->count, most);

	for (size_t i = 0; reply != NULL && i < count; i++) {
		const struct dns_record *record = &answer->records[i];

		if (SPF_dns_rr_buf_realloc(reply, (int)i, record->len + 1) !=
		    SPF_E_SUCCESS)
			return reply;
		memcpy(reply->rr[i], record->data, record->len);
		((char *)reply->rr[i])[record->len] = '\0';
		reply->num_rr = (int)i + 1;
	}
	return reply;
}

static SPF_dns_rr_t *
reply_record(struct check *check, SPF_dns_server_t *server, const char *name)
{
	g_autofree char *record = record_of(check, name);

	if (record == NULL)
		return reply_empty(server, name, ns_t_txt,
				   is_stopped(check) ? TRY_AGAIN : NO_DATA);
	return reply_one(server, name, ns_t_txt, record, strlen(record));
}

/* exists: asks for A whatever the client's kind (section 5.7). */
static SPF_dns_rr_t *
reply_any(struct check *check, SPF_dns_server_t *server, const char *name,
	  const char *rest, enum spf_mark mark)
{
	static const unsigned char address[4] = {127, 0, 0, 2};
	bool any = mark == SPF_MARK_ANY_A ? has_address(check, rest)
					  : has_mail_host(check, rest);

	if (!any && mark == SPF_MARK_ANY_A && !is_stopped(check))
		count_void(check, &(struct dns_answer){.status = DNS_NODATA});
	if (!any)
		return reply_empty(server, name, ns_t_a,
				   is_stopped(check) ? TRY_AGAIN
						     : HOST_NOT_FOUND);
	return reply_one(server, name, ns_t_a, address, sizeof(address));
}

static SPF_dns_rr_t *
reply_hosts(struct check *check, SPF_dns_server_t *server, const char *name,
	    const char *rest, ns_type type)
{
	const struct dns_answer *answer = ask(check, rest,
					      (enum dns_type)type);

	if (answer != NULL) {
		count_void(check, answer);
		if (type == ns_t_mx && answer->count > HOSTS_MAX)
			stop(check, AUTH_PERMERROR,
			     "%s has more than %d mail hosts", rest,
			     HOSTS_MAX);
	}
	if (is_stopped(check))
		return reply_empty(server, name, type, TRY_AGAIN);
	if (answer->status != DNS_FOUND)
		return reply_empty(server, name, type,
				   answer->status == DNS_NXDOMAIN
					   ? HOST_NOT_FOUND
					   : NO_DATA);
	return reply_all(server, name, type, answer,
			 type == ns_t_ptr ? HOSTS_MAX : SIZE_MAX);
}

static SPF_dns_rr_t *
on_lookup(SPF_dns_server_t *server, const char *name, ns_type type,
	  int should_cache)
{
	struct check *check = server->hook;
	enum spf_mark mark;
	const char *rest;

	(void)should_cache;
	if (is_stopped(check))
		return reply_empty(server, name, type, TRY_AGAIN);
	if (type == ns_t_txt)
		return reply_record(check, server, name);
	if (type != ns_t_a && type != ns_t_aaaa && type != ns_t_mx &&
	    type != ns_t_ptr)
		return reply_empty(server, name, type, NO_DATA);
	mark = spf_mark(name, &rest);
	if (mark != SPF_MARK_NONE || type == ns_t_ptr)
		count_term(check);
	if (mark == SPF_MARK_ANY_A || mark == SPF_MARK_ANY_MX)
		return reply_any(check, server, name, rest, mark);
	return reply_hosts(check, server, name, rest, type);
}

/* --- the question ------------------------------------------------------- */

static void
set_text(char **text, char *to)
{
	g_free(*text);
	*text = to;
}

static bool
set_client(SPF_request_t *request, const char *client, bool *ipv6)
{
	struct in6_addr addr;
	struct in_addr mapped;

	*ipv6 = strchr(client, ':') != NULL;
	if (!*ipv6)
		return SPF_request_set_ipv4_str(request, client) ==
		       SPF_E_SUCCESS;
	if (inet_pton(AF_INET6, client, &addr) != 1)
		return false;
	if (!IN6_IS_ADDR_V4MAPPED(&addr))
		return SPF_request_set_ipv6(request, addr) == SPF_E_SUCCESS;
	*ipv6 = false;
	memcpy(&mapped, &addr.s6_addr[12], sizeof(mapped));
	return SPF_request_set_ipv4(request, mapped) == SPF_E_SUCCESS;
}

static enum auth_result
result_of(const struct check *check, SPF_result_t result)
{
	if (check->broken != AUTH_NONE)
		return check->broken;
	switch (result) {
	case SPF_RESULT_NEUTRAL:
		return AUTH_NEUTRAL;
	case SPF_RESULT_PASS:
		return AUTH_PASS;
	case SPF_RESULT_FAIL:
		return AUTH_FAIL;
	case SPF_RESULT_SOFTFAIL:
		return AUTH_SOFTFAIL;
	case SPF_RESULT_NONE:
		return AUTH_NONE;
	case SPF_RESULT_TEMPERROR:
		return AUTH_TEMPERROR;
	default:
		return AUTH_PERMERROR;
	}
}

static char *
reason_of(const struct check *check, const struct spf_question *question,
	  const struct spf_evidence *found)
{
	if (check->why != NULL)
		return g_strdup(check->why);
	switch (found->result) {
	case AUTH_PASS:
		return g_strdup_printf("%s is permitted", question->client);
	case AUTH_FAIL:
	case AUTH_SOFTFAIL:
		return g_strdup_printf("%s is not permitted",
				       question->client);
	case AUTH_PERMERROR:
		return g_strdup("the record cannot be evaluated");
	default:
		return g_strdup("");
	}
}

static void
set_limits(SPF_server_t *server)
{
	(void)SPF_server_set_max_dns_mech(server, LIBRARY_MAX);
	(void)SPF_server_set_max_dns_ptr(server, LIBRARY_MAX);
	(void)SPF_server_set_max_dns_mx(server, LIBRARY_MAX);
}

/*
 * The library lets a client on loopback pass for any domain, without a look at
 * its record ("give localhost a free ride", 1.2.10). Whoever can reach our own
 * port 25, a form on the web server say, could then write in anybody's name.
 */
static SPF_response_t *
ask_on_loopback(SPF_server_t *server, SPF_request_t *request)
{
	SPF_response_t *response = SPF_response_new(request);
	SPF_record_t *record = NULL;
	SPF_errcode_t rc;

	request->cur_dom = request->env_from_dp;
	rc = SPF_server_get_record(server, request, response, &record);
	response->spf_record_exp = record;
	if (rc == SPF_E_SUCCESS)
		(void)SPF_record_interpret(record, request, response, 0);
	else if (rc == SPF_E_NOT_SPF)
		response->result = SPF_RESULT_NONE;
	else if (rc == SPF_E_DNS_ERROR)
		response->result = SPF_RESULT_TEMPERROR;
	else
		response->result = SPF_RESULT_PERMERROR;
	response->spf_record_exp = NULL;
	if (record != NULL)
		SPF_record_free(record);
	return response;
}

/* False: the client's address is none. */
static bool
evaluate(struct check *check, const struct spf_question *question,
	 const char *sender, SPF_result_t *result)
{
	SPF_dns_server_t dns = {.lookup = on_lookup,
				.name = "muster",
				.hook = check};
	SPF_server_t *server = SPF_server_new_dns(&dns, 0);
	SPF_request_t *request = SPF_request_new(server);
	SPF_response_t *response = NULL;
	bool good = set_client(request, question->client, &check->ipv6);

	set_limits(server);
	if (good) {
		(void)SPF_request_set_helo_dom(request,
					       question->helo[0] != '\0'
						       ? question->helo
						       : "unknown");
		(void)SPF_request_set_env_from(request, sender);
		if (SPF_request_is_loopback(request))
			response = ask_on_loopback(server, request);
		else
			(void)SPF_request_query_mailfrom(request, &response);
		*result = response != NULL ? SPF_response_result(response)
					   : SPF_RESULT_INVALID;
	}
	if (response != NULL)
		SPF_response_free(response);
	SPF_request_free(request);
	SPF_server_free(server);
	return good;
}

/* Section 4.3: not a name with at least two labels: NONE */
static char *
domain_to_check(const struct spf_question *question, bool *by_helo)
{
	const char *at = strrchr(question->sender, '@');
	char *domain;

	*by_helo = at == NULL;
	domain = domain_ascii(at != NULL ? at + 1 : question->helo);
	if (domain != NULL && strchr(domain, '.') == NULL)
		g_clear_pointer(&domain, g_free);
	return domain;
}

/* "postmaster" where there is no local part (section 4.3) */
static char *
sender_to_check(const struct spf_question *question, const char *domain)
{
	const char *at = strrchr(question->sender, '@');
	const char *sender = question->sender;

	if (at == NULL || at == sender)
		return g_strdup_printf("postmaster@%s", domain);
	return g_strdup_printf("%.*s@%s", (int)(at - sender), sender, domain);
}

bool
spf_check(struct lookups *lookups, const struct spf_question *question,
	  struct spf_evidence *out)
{
	struct check check = {.lookups = lookups};
	g_autofree char *domain = NULL, *sender = NULL;
	SPF_result_t result = SPF_RESULT_INVALID;
	bool by_helo, good;

	domain = domain_to_check(question, &by_helo);
	good = domain != NULL;
	if (good) {
		sender = sender_to_check(question, domain);
		good = evaluate(&check, question, sender, &result);
	}
	if (check.pending)
		return false;
	spf_evidence_done(out);
	spf_evidence_init(out);
	out->by_helo = by_helo;
	if (domain != NULL)
		set_text(&out->domain, g_strdup(domain));
	if (good)
		out->result = result_of(&check, result);
	set_text(&out->reason, !good ? g_strdup(domain == NULL ?
			 "there is no domain to check" :
			 "the client's address is not known") :
		 reason_of(&check, question, out));
	g_free(check.why);
	return true;
}
