/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_AUTH_SIGCORE_H
#define MUSTER_AUTH_SIGCORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

#include "core/base/err.h"
#include "core/auth/lookups.h"
#include "core/mail/header.h"

/*
 * What DKIM signing and ARC share (RFC 6376 sections 3.2 to 3.7): tag lists,
 * canonical forms, keys, signatures. Over OpenSSL; a key is loaded once and
 * may be used by any number of threads.
 */

/* --- tag lists ---------------------------------------------------------- */

#define TAGS_MAX 64

struct tag {
	const char *name, *value;	/* into the copy; trimmed, folds in */
};
struct tags {
	char *copy;
	struct tag list[TAGS_MAX];
	size_t count;
};

/* tags_parse - "v=1; a=rsa-sha256; ..."; false: not a tag list by RFC 6376
 * section 3.2, a tag twice, a NUL, or more than TAGS_MAX */
bool tags_parse(const char *text, size_t len, struct tags *out);
void tags_done(struct tags *tags);
const char *tags_get(const struct tags *tags, const char *name); /* or NULL */

/* --- canonical forms (RFC 6376 section 3.4) ----------------------------- */

enum canon { CANON_SIMPLE, CANON_RELAXED };

/* canon_field - one field, name to final CRLF, appended to out */
void canon_field(enum canon canon, const char *raw, size_t len, GString *out);

/* A body in pieces of any size -> SHA-256 of its canonical form. Bare LF
 * and CRLF both end a line. */
struct body_hash;
struct body_hash *body_hash_new(enum canon canon);
struct body_hash *body_hash_copy(const struct body_hash *hash);
void body_hash_feed(struct body_hash *hash, const void *bytes, size_t len);
/* ends and frees it; returns the octets of the canonical form */
uint64_t body_hash_end(struct body_hash *hash, uint8_t out[32]);

/* --- keys --------------------------------------------------------------- */

enum sig_algorithm { SIG_RSA_SHA256, SIG_ED25519_SHA256 };
const char *sig_algorithm_name(enum sig_algorithm algorithm);
bool sig_algorithm_of_name(const char *name, enum sig_algorithm *out);

/* A private key to sign with. Immutable, counted. */
struct sign_key;
/* sign_key_load - PEM (PKCS#1, PKCS#8), RSA of 1024 bits or more, or ed25519.
 * ERR_INVALID, ERR_IO say what is wrong with which file. */
enum err_code sign_key_load(const char *path, const char *domain,
			    const char *selector, struct sign_key **out,
			    struct err *err);
struct sign_key *sign_key_ref(struct sign_key *key);
void sign_key_unref(struct sign_key *key);
enum sig_algorithm sign_key_algorithm(const struct sign_key *key);
const char *sign_key_domain(const struct sign_key *key);
const char *sign_key_selector(const struct sign_key *key);
/* sign_key_record - the TXT record to publish; the caller frees */
char *sign_key_record(const struct sign_key *key);
/* sig_sign - base64 of the signature over SHA-256(data); NULL: out of memory
 * or of entropy. The caller frees. */
char *sig_sign(const struct sign_key *key, const void *data, size_t len);

/*
 * A public key from the DNS (RFC 6376 section 3.6.1, RFC 8463).
 * key_fetch - at SELECTOR._domainkey.DOMAIN; waits up to the deadline.
 */
enum key_status { KEY_GOOD, KEY_MISSING, KEY_REVOKED, KEY_BAD, KEY_TEMPERROR };
struct public_key;
/* key_name - "SELECTOR._domainkey.DOMAIN" in A-labels where they can be
 * made; the caller frees */
char *key_name(const char *domain, const char *selector);
enum key_status key_fetch(struct lookups *lookups, const char *domain,
			  const char *selector, struct public_key **out);
void public_key_free(struct public_key *key);
/* key_parse - of one TXT record, for the fuzz target */
enum key_status key_parse(const char *text, size_t len,
			  struct public_key **out);
bool sig_verify(const struct public_key *key, enum sig_algorithm algorithm,
		const void *data, size_t len, const char *signature_base64);

#endif
