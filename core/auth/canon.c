/* SPDX-License-Identifier: BSD-2-Clause */

/* Canonical forms, RFC 6376 section 3.4 */
#include <string.h>

#include <openssl/evp.h>

#include "core/auth/sigcore.h"
#include "core/base/banned.h"

/* --- fields ------------------------------------------------------------- */

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Section 3.4.2: the name in lower case, folds undone, blanks run together,
 * none at either end of the value. */
static void
relax(const char *raw, size_t len, GString *out)
{
	const char *colon = memchr(raw, ':', len);
	size_t name_len = colon != NULL ? (size_t)(colon - raw) : len;
	bool blank = false, begun = false;

	while (name_len > 0 && is_blank(raw[name_len - 1]))
		name_len--;
	for (size_t i = 0; i < name_len; i++)
		g_string_append_c(out, g_ascii_tolower(raw[i]));
	g_string_append_c(out, ':');
	for (const char *p = colon != NULL ? colon + 1 : raw + len;
	     p < raw + len; p++) {
		if (*p == '\r' || *p == '\n')
			continue;
		if (is_blank(*p)) {
			blank = true;
			continue;
		}
		if (blank && begun)
			g_string_append_c(out, ' ');
		g_string_append_c(out, *p);
		begun = true;
		blank = false;
	}
	g_string_append(out, "\r\n");
}

/* Bytes as they are, but each line end is CRLF. */
static void
keep(const char *raw, size_t len, GString *out)
{
	while (len > 0 && (raw[len - 1] == '\n' || raw[len - 1] == '\r'))
		len--;
	for (size_t i = 0; i < len; i++) {
		if (raw[i] == '\n' && (i == 0 || raw[i - 1] != '\r'))
			g_string_append_c(out, '\r');
		g_string_append_c(out, raw[i]);
	}
	g_string_append(out, "\r\n");
}

void
canon_field(enum canon canon, const char *raw, size_t len, GString *out)
{
	if (canon == CANON_RELAXED)
		relax(raw, len, out);
	else
		keep(raw, len, out);
}

/* --- bodies ------------------------------------------------------------- *
 * What may turn out to be the end (empty lines; in relaxed form also blanks)
 * waits until something else follows.
 */

struct body_hash {
	enum canon canon;
	EVP_MD_CTX *md;
	uint64_t lines;		/* line ends that wait */
	bool blank;		/* blanks that wait (relaxed) */
	bool cr;		/* a CR that may begin a line end */
	uint64_t len;		/* octets hashed so far */
};

static EVP_MD_CTX *
md_new(void)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();

	if (md == NULL || EVP_DigestInit_ex(md, EVP_sha256(), NULL) != 1)
		g_error("OpenSSL has no SHA-256");
	return md;
}

struct body_hash *
body_hash_new(enum canon canon)
{
	struct body_hash *hash = g_new0(struct body_hash, 1);

	hash->canon = canon;
	hash->md = md_new();
	return hash;
}

struct body_hash *
body_hash_copy(const struct body_hash *hash)
{
	struct body_hash *copy = g_memdup2(hash, sizeof(*hash));

	copy->md = md_new();
	if (EVP_MD_CTX_copy_ex(copy->md, hash->md) != 1)
		g_error("OpenSSL cannot copy a digest");
	return copy;
}

static void
put(struct body_hash *hash, const char *bytes, size_t len)
{
	(void)EVP_DigestUpdate(hash->md, bytes, len);
	hash->len += len;
}

static void
put_waiting(struct body_hash *hash)
{
	for (; hash->lines > 0; hash->lines--)
		put(hash, "\r\n", 2);
	if (hash->blank)
		put(hash, " ", 1);
	hash->blank = false;
}

static bool
is_plain(const struct body_hash *hash, char c)
{
	return c != '\r' && c != '\n' &&
	       (hash->canon == CANON_SIMPLE || !is_blank(c));
}

/* The run of bytes that only need to be copied. */
static size_t
feed_plain(struct body_hash *hash, const char *bytes, size_t len)
{
	size_t run = 0;

	while (run < len && is_plain(hash, bytes[run]))
		run++;
	if (run > 0) {
		put_waiting(hash);
		put(hash, bytes, run);
	}
	return run;
}

static void
end_line(struct body_hash *hash)
{
	hash->blank = false;	/* at the end of a line it goes */
	hash->lines++;
}

static void
feed_special(struct body_hash *hash, char c)
{
	if (c == '\n')
		end_line(hash);
	else if (c == '\r')
		hash->cr = true;
	else
		hash->blank = true;
}

void
body_hash_feed(struct body_hash *hash, const void *data, size_t len)
{
	const char *bytes = data, *end = bytes + len;

	while (bytes < end) {
		if (hash->cr) {
			hash->cr = false;
			if (*bytes == '\n') {
				end_line(hash);
				bytes++;
				continue;
			}
			/* A bare CR is a byte like others. */
			put_waiting(hash);
			put(hash, "\r", 1);
		}
		bytes += feed_plain(hash, bytes, (size_t)(end - bytes));
		if (bytes < end)
			feed_special(hash, *bytes++);
	}
}

uint64_t
body_hash_end(struct body_hash *hash, uint8_t out[32])
{
	uint64_t len;

	if (hash->cr) {
		put_waiting(hash);
		put(hash, "\r", 1);
	}
	/* A last line without its end gets one; of a body without any line
	 * the simple form is one CRLF (section 3.4.3), the relaxed empty. */
	if (hash->len > 0 || hash->canon == CANON_SIMPLE)
		put(hash, "\r\n", 2);
	(void)EVP_DigestFinal_ex(hash->md, out, NULL);
	len = hash->len;
	EVP_MD_CTX_free(hash->md);
	g_free(hash);
	return len;
}
