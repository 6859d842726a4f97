/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_AUTH_EVIDENCE_H
#define MUSTER_AUTH_EVIDENCE_H

#include <stdbool.h>
#include <stddef.h>

#include <glib.h>
#include <jansson.h>

/*
 * Evidence: what authentication found out about who sends a post, one value
 * that goes along with it. The same for every list. All texts are UTF-8,
 * never NULL, "" where there is nothing; domains are A-labels in lower case.
 */

/* The results of RFC 8601 section 2.7 */
enum auth_result {
	AUTH_NONE, AUTH_PASS, AUTH_FAIL, AUTH_SOFTFAIL, AUTH_NEUTRAL,
	AUTH_POLICY,		/* good, but our policy does not count it */
	AUTH_TEMPERROR, AUTH_PERMERROR
};

const char *auth_result_name(enum auth_result result);	/* "pass" ... */
bool auth_result_of_name(const char *name, enum auth_result *out);

struct spf_evidence {
	enum auth_result result;
	bool by_helo;		/* a null sender: the HELO name was checked */
	char *domain;		/* whose record */
	char *reason;		/* one line for people, "" if none */
};

struct dkim_evidence {		/* one per signature that was looked at */
	enum auth_result result;
	char *domain;		/* d= */
	char *selector;		/* s= */
	char *identity;		/* i=, as it stands there, or "" */
	char *algorithm;	/* a=, "rsa-sha256" */
	char *signature;	/* the first 8 or more characters of b= */
	char *reason;
};

struct dmarc_evidence {
	enum auth_result result;	/* NONE: no record at the domain */
	char *author_domain;	/* of From; "" if there is no one domain */
	char *record_domain;	/* where the record was found */
	char *policy;		/* "none", "quarantine", "reject" that holds
				 * for author_domain (p, sp or np), "" */
	bool testing;		/* t=y */
	char *aligned;		/* "spf", "dkim" or "": what made it pass */
	char *aligned_domain;
	char *reason;
};

struct arc_evidence {
	enum auth_result result;	/* NONE PASS FAIL TEMPERROR */
	unsigned int instances;
	unsigned int oldest_pass;	/* RFC 8617 section 5.2; 0: all pass */
	char *sealer;		/* d= of the newest seal */
	char *results;		/* the newest ARC-Authentication-Results
				 * that `sealer` wrote, without "i=N;" */
	char *reason;
};

/* By what the author is verified */
enum verified_by { BY_NONE, BY_DMARC, BY_LOGIN, BY_NETWORK, BY_SEALER };
const char *verified_by_name(enum verified_by by);	/* "dmarc" ... */

struct evidence {
	struct spf_evidence spf;
	GPtrArray *dkim;	/* of struct dkim_evidence */
	unsigned int dkim_ignored;	/* signatures past the cap */
	struct dmarc_evidence dmarc;
	struct arc_evidence arc;
	char *login;		/* SMTP AUTH, "" */
	char *client;		/* "192.0.2.7", "2001:db8::1", "" */
	bool client_trusted;	/* in [auth] trusted */
	char *author;		/* the verified author's canonical address,
				 * "" if nobody is verified */
	enum verified_by by;
	/* the author's domain publishes a DMARC policy, so that a message
	 * really from there would pass */
	bool verifiable;
};

struct evidence *evidence_new(void);	/* all NONE and "" */
void evidence_free(struct evidence *evidence);

/* The parts, for those who fill them: texts are replaced with g_free() and
 * g_strdup(). dkim_evidence_array: frees its items. */
struct dkim_evidence *dkim_evidence_new(void);
GPtrArray *dkim_evidence_array(void);
void spf_evidence_init(struct spf_evidence *spf);
void spf_evidence_done(struct spf_evidence *spf);
void dmarc_evidence_init(struct dmarc_evidence *dmarc);
void dmarc_evidence_done(struct dmarc_evidence *dmarc);
void arc_evidence_init(struct arc_evidence *arc);
void arc_evidence_done(struct arc_evidence *arc);

/* evidence_json / evidence_of_json - for the way to musterd, the store and
 * `muster trace`. What is missing or of a wrong type is NONE or "". */
json_t *evidence_json(const struct evidence *evidence);
struct evidence *evidence_of_json(const json_t *object);
/* evidence_of_text - the same, of JSON as a text, such as a post has it */
struct evidence *evidence_of_text(const char *text);

/* evidence_text - one line for people: "spf=pass (example.org) dkim=..." ;
 * the caller frees */
char *evidence_text(const struct evidence *evidence);

#endif
