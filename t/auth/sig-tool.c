/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * For tests: signatures, beside other programs' that do the same.
 *
 *	sig-tool verify MESSAGE KEYS	prints "arc RESULT REASON", then
 *					"dkim RESULT DOMAIN REASON" for each
 *	sig-tool sign MESSAGE KEYS PEM DOMAIN SELECTOR	the message, signed
 *	sig-tool seal MESSAGE KEYS PEM DOMAIN SELECTOR RESULTS [TIME]	sealed;
 *		as it was, where nothing is to be sealed
 *	sig-tool record PEM DOMAIN SELECTOR	what is to be published
 *
 * KEYS has "name TAB text" a line, or "name" alone for a DNS that fails.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "core/auth/arc.h"
#include "core/auth/dkim.h"
#include "core/auth/dkim_sign.h"
#include "core/base/wire.h"
#include "core/base/banned.h"

struct post {
	char *bytes;
	gsize len;
	struct header header;
	size_t body_at;
};

static void
post_read(const char *path, struct post *out)
{
	g_autofree char *raw = NULL;
	GString *crlf = g_string_new(NULL);
	gsize len;

	if (!g_file_get_contents(path, &raw, &len, NULL))
		g_error("cannot read %s", path);
	for (gsize i = 0; i < len; i++) {
		if (raw[i] == '\n' && (i == 0 || raw[i - 1] != '\r'))
			g_string_append_c(crlf, '\r');
		g_string_append_c(crlf, raw[i]);
	}
	out->len = crlf->len;
	out->bytes = g_string_free(crlf, FALSE);
	if (!header_parse(out->bytes, out->len, &out->header, &out->body_at))
		g_error("%s has too many fields", path);
}

static struct lookups *
keys_read(const char *path)
{
	struct lookups *lookups = lookups_new(NULL, wire_now_ms() + 60000,
					      NULL, NULL);
	g_autofree char *text = NULL;
	g_auto(GStrv) lines = NULL;

	if (!g_file_get_contents(path, &text, NULL, NULL))
		g_error("cannot read %s", path);
	lines = g_strsplit(text, "\n", -1);
	for (char **line = lines; *line != NULL && (*line)[0] != '\0';
	     line++) {
		g_auto(GStrv) parts = g_strsplit(*line, "\t", 2);
		struct dns_record record = {0};

		if (parts[1] != NULL)
			record = (struct dns_record){0, parts[1],
						     strlen(parts[1])};
		lookups_put(lookups, parts[0], DNS_TXT,
			    parts[1] != NULL ? DNS_FOUND : DNS_FAILED,
			    parts[1] != NULL ? &record : NULL);
	}
	return lookups;
}

static void
verify(struct post *post, struct lookups *lookups)
{
	const char *body = post->bytes + post->body_at;
	size_t len = post->len - post->body_at;
	struct arc_evidence arc;
	unsigned int ignored;
	GPtrArray *found;

	arc_evidence_init(&arc);
	arc_check(lookups, &post->header, body, len, &arc);
	(void)printf("arc %s %s\n", auth_result_name(arc.result), arc.reason);
	arc_evidence_done(&arc);
	found = dkim_check(lookups, &post->header, body, len, &ignored);
	for (guint i = 0; i < found->len; i++) {
		const struct dkim_evidence *one = found->pdata[i];

		(void)printf("dkim %s %s %s\n",
			     auth_result_name(one->result), one->domain,
			     one->reason);
	}
	g_ptr_array_unref(found);
}

static void
add_signature(struct post *post, struct lookups *lookups, char **argv,
	      struct sign_key *key)
{
	const char *body = post->bytes + post->body_at;
	size_t len = post->len - post->body_at;
	struct body_hash *hash = body_hash_new(CANON_RELAXED);
	g_autoptr(GString) out = g_string_new(NULL);
	struct arc_evidence arc;
	uint8_t digest[32];

	body_hash_feed(hash, body, len);
	(void)body_hash_end(hash, digest);
	arc_evidence_init(&arc);
	arc_check(lookups, &post->header, body, len, &arc);
	if (strcmp(argv[1], "seal") == 0)
		(void)arc_seal(&post->header, &arc, argv[7], digest, key,
			       argv[8] != NULL
				       ? g_ascii_strtoll(argv[8], NULL, 10)
				       : time(NULL));
	else if (!dkim_add_signature(&post->header, digest, key, time(NULL)))
		g_error("not signed");
	arc_evidence_done(&arc);
	header_write(&post->header, out);
	g_string_append(out, "\r\n");
	g_string_append_len(out, body, (gssize)len);
	(void)fwrite(out->str, 1, out->len, stdout);
}

static struct sign_key *
load(char **argv)
{
	struct sign_key *key = NULL;
	struct err err = ERR_INIT;

	if (sign_key_load(argv[0], argv[1], argv[2], &key, &err) != ERR_OK)
		g_error("%s", err.what);
	return key;
}

int
main(int argc, char **argv)
{
	g_autofree char *record = NULL;
	struct sign_key *key = NULL;
	struct lookups *lookups;
	struct post post;

	if (argc == 5 && strcmp(argv[1], "record") == 0) {
		key = load(argv + 2);
		record = sign_key_record(key);
		(void)printf("%s\n", record);
		sign_key_unref(key);
		return 0;
	}
	if (argc < 4)
		return 2;
	post_read(argv[2], &post);
	lookups = keys_read(argv[3]);
	if (argc >= 7) {
		key = load(argv + 4);
		add_signature(&post, lookups, argv, key);
	} else {
		verify(&post, lookups);
	}
	sign_key_unref(key);
	lookups_free(lookups);
	header_done(&post.header);
	g_free(post.bytes);
	return 0;
}
