/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/auth/resolver_ctx.h"

#include <sys/resource.h>
#include <unistd.h>

#include <glib.h>

#include "core/auth/dns_answer.h"
#include "core/base/banned.h"

#define TRUST_ANCHOR "/usr/share/dns/root.key"

/* Sockets for questions under way: half of what the process may open, within
 * these. Questions that find none wait for one. */
#define SOCKETS_LEAST 64
#define SOCKETS_MOST 4096

static const struct {
	const char *name, *value;
} options[] = {
	/* A server on loopback is a server. */
	{ "do-not-query-localhost:", "no" },
	/* Private addresses have names where we run; nobody signs them. */
	{ "unblock-lan-zones:", "yes" },
	{ "insecure-lan-zones:", "yes" },
	/* Without DNSSEC from the server all is insecure, not bogus. */
	{ "harden-dnssec-stripped:", "no" },
	/*
	 * What libunbound learns of a server holds for less than a second.
	 * All our questions go to the same few servers, and that these do not
	 * answer is mostly the fault of a domain that does not. With the usual
	 * 900 s one silent name makes libunbound 1.17 give up the server after
	 * 44 s, and fail every question for a quarter of an hour; so a question
	 * without answer is over after 7 s, and says nothing of others.
	 */
	{ "infra-host-ttl:", "0" },
	{ "msg-cache-size:", "8m" },
	{ "rrset-cache-size:", "16m" },
	{ "outgoing-num-tcp:", "256" },
};

static enum err_code
set_option(struct ub_ctx *ctx, const char *name, const char *value,
	   struct err *err)
{
	int rc = ub_ctx_set_option(ctx, name, value);

	if (rc == 0)
		return ERR_OK;
	return err_set(err, ERR_INVALID, "install libunbound 1.17 or newer",
		       "libunbound: %s %s: %s", name, value, ub_strerror(rc));
}

static enum err_code
set_sockets(struct ub_ctx *ctx, unsigned int *sockets, struct err *err)
{
	struct rlimit limit;
	char value[32];
	rlim_t count = SOCKETS_LEAST;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
		count = CLAMP(limit.rlim_cur / 2, SOCKETS_LEAST, SOCKETS_MOST);
	*sockets = (unsigned int)count;
	(void)g_snprintf(value, sizeof(value), "%u", *sockets);
	return set_option(ctx, "outgoing-range:", value, err);
}

static enum err_code
set_options(struct ub_ctx *ctx, struct err *err)
{
	enum err_code rc = ERR_OK;

	for (size_t i = 0; i < G_N_ELEMENTS(options) && rc == ERR_OK; i++)
		rc = set_option(ctx, options[i].name, options[i].value, err);
	return rc;
}

static enum err_code
set_servers(struct ub_ctx *ctx, char *const *servers, struct err *err)
{
	int rc;

	if (servers == NULL || servers[0] == NULL) {
		rc = ub_ctx_resolvconf(ctx, NULL);
		if (rc == 0)
			return ERR_OK;
		return err_set(err, ERR_INVALID, "repair it, or set servers "
			       "in section dns", "/etc/resolv.conf: %s",
			       ub_strerror(rc));
	}
	for (; *servers != NULL; servers++) {
		rc = ub_ctx_set_fwd(ctx, *servers);
		if (rc != 0)
			return err_set(err, ERR_INVALID, "give an address, or "
				       "ADDRESS@PORT", "DNS server \"%s\": %s",
				       *servers, ub_strerror(rc));
	}
	return ERR_OK;
}

static enum err_code
set_trust(struct ub_ctx *ctx, struct err *err)
{
	int rc;

	if (access(TRUST_ANCHOR, R_OK) != 0)
		return ERR_OK;
	rc = ub_ctx_add_ta_file(ctx, TRUST_ANCHOR);
	if (rc == 0)
		return ERR_OK;
	return err_set(err, ERR_INVALID, "reinstall dns-root-data",
		       "%s: %s", TRUST_ANCHOR, ub_strerror(rc));
}

static enum err_code
set_up(struct ub_ctx *ctx, char *const *servers, unsigned int *sockets,
       struct err *err)
{
	enum err_code rc;

	/* What goes wrong is in the answers; stderr is not ours. */
	(void)ub_ctx_debugout(ctx, NULL);
	(void)ub_ctx_async(ctx, 1);
	rc = set_options(ctx, err);
	if (rc == ERR_OK)
		rc = set_sockets(ctx, sockets, err);
	if (rc == ERR_OK)
		rc = set_servers(ctx, servers, err);
	if (rc == ERR_OK)
		rc = set_trust(ctx, err);
	return rc;
}

enum err_code
resolver_ctx_new(char *const *servers, struct ub_ctx **out,
		 unsigned int *sockets, struct err *err)
{
	struct ub_ctx *ctx = ub_ctx_create();
	enum err_code rc;

	if (ctx == NULL)
		return err_set(err, ERR_IO, "", "libunbound does not start");
	rc = set_up(ctx, servers, sockets, err);
	if (rc != ERR_OK) {
		ub_ctx_delete(ctx);
		return rc;
	}
	*out = ctx;
	return ERR_OK;
}

/* --- answers ------------------------------------------------------------- */

static struct dns_answer *
answer_data(enum dns_type type, const struct ub_result *result)
{
	struct dns_answer *answer = dns_answer_new(DNS_NODATA);

	for (size_t i = 0; result->data[i] != NULL; i++)
		dns_answer_add_wire(answer, type,
				    (const uint8_t *)result->data[i],
				    (size_t)result->len[i]);
	if (answer->count > 0)
		return answer;
	dns_answer_free(answer);
	return dns_answer_failed("records that cannot be read");
}

static struct dns_answer *
answer_rcode(int rcode)
{
	static const char *const names[] = {
		"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP",
		"REFUSED"
	};
	g_autofree char *why = NULL;

	if (rcode >= 0 && rcode < (int)G_N_ELEMENTS(names))
		return dns_answer_failed(names[rcode]);
	why = g_strdup_printf("rcode %d", rcode);
	return dns_answer_failed(why);
}

static struct dns_answer *
answer_bogus(const char *reason)
{
	g_autofree char *why = g_strdup_printf(
		"bogus: %s", reason != NULL ? reason : "DNSSEC");

	return dns_answer_failed(why);
}

struct dns_answer *
resolver_ctx_answer(enum dns_type type, int error,
		    const struct ub_result *result)
{
	struct dns_answer *answer;

	if (error != 0 || result == NULL)
		return dns_answer_failed(ub_strerror(error));
	if (result->bogus)
		return answer_bogus(result->why_bogus);
	if (result->havedata)
		answer = answer_data(type, result);
	else if (result->nxdomain)
		answer = dns_answer_new(DNS_NXDOMAIN);
	else if (result->rcode == 0)
		answer = dns_answer_new(DNS_NODATA);
	else
		answer = answer_rcode(result->rcode);
	answer->secure = result->secure && answer->status != DNS_FAILED;
	return answer;
}
