/* SPDX-License-Identifier: BSD-2-Clause */

/* What copies share and what each has of its own: places, dots, signatures. */
#include "core/outbound/compose.h"

#include <string.h>
#include <sys/stat.h>

#include <glib/gstdio.h>

#include "core/auth/arc.h"
#include "core/auth/dkim.h"
#include "core/base/log.h"
#include "core/base/wire.h"
#include "core/mail/mime.h"
#include "core/outbound/batch.h"
#include "t/lib/tap.h"

#define LIST "dev@lists.example.org"
#define TOKEN "abcdefghijklmnopqrstuvwx"

struct case_data {
	struct verp *verp;
	struct post_id post;
	char marks[SLOTS][SLOT_MARK_MAX];
};

static void
begin(struct case_data *t)
{
	static const uint8_t secret[VERP_SECRET_LEN] = { 1, 2, 3 };

	t->verp = verp_new(secret);
	post_id_new(&t->post);
	for (int i = 0; i < SLOTS; i++)
		slot_mark(t->verp, LIST, &t->post, (enum slot)i,
			  t->marks[i]);
}

static void
end(struct case_data *t)
{
	verp_free(t->verp);
}

/* "M" and "L" between braces are the marks. */
static char *
put_in(const char *text, const char *member, const char *leave)
{
	g_auto(GStrv) first = g_strsplit(text, "{M}", -1);
	g_autofree char *half = g_strjoinv(member, first);
	g_auto(GStrv) second = g_strsplit(half, "{L}", -1);

	return g_strjoinv(leave, second);
}

static struct composed *
compose_text(const struct case_data *t, const char *header, const char *body)
{
	g_autofree char *head = put_in(header, t->marks[SLOT_MEMBER],
				       t->marks[SLOT_LEAVE]);
	g_autofree char *rest = put_in(body, t->marks[SLOT_MEMBER],
				       t->marks[SLOT_LEAVE]);
	g_autoptr(GBytes) head_bytes = g_bytes_new(head, strlen(head));
	g_autoptr(GBytes) body_bytes = g_bytes_new(rest, strlen(rest));

	return compose(t->verp, &t->post, LIST, head_bytes, body_bytes);
}

static const char *const values[SLOTS] = {
	[SLOT_MEMBER] = "ann@example.net", [SLOT_LEAVE] = TOKEN,
};

/* --- places ------------------------------------------------------------- */

static char *
with_crlf(const char *text)
{
	g_auto(GStrv) crlf = g_strsplit(text, "\r\n", -1);
	g_autofree char *lf = g_strjoinv("\n", crlf);
	g_auto(GStrv) lines = g_strsplit(lf, "\n", -1);

	return g_strjoinv("\r\n", lines);
}

/* RFC 5321 section 4.5.2, of a whole copy */
static char *
with_dots(const char *text)
{
	g_auto(GStrv) lines = g_strsplit(text, "\r\n.", -1);
	g_autofree char *joined = g_strjoinv("\r\n..", lines);

	return g_strconcat(joined[0] == '.' ? "." : "", joined, NULL);
}

static void
see_filled(const struct text *text, const char *want)
{
	g_autoptr(GString) got = g_string_new(NULL);

	text_append(text, 0, text->len, values, got);
	g_assert_cmpstr(got->str, ==, want);
}

static void
see_copy(const struct case_data *t, const char *header, const char *body)
{
	struct composed *composed = compose_text(t, header, body);
	g_autofree char *whole = g_strconcat(header, "\r\n", body, NULL);
	g_autofree char *filled = put_in(whole, values[SLOT_MEMBER],
					 values[SLOT_LEAVE]);
	g_autofree char *raw = with_crlf(filled);
	g_autofree char *end = g_str_has_suffix(raw, "\r\n") ?
		g_strdup(raw) : g_strconcat(raw, "\r\n", NULL);
	g_autofree char *dotted = with_dots(end);

	see_filled(&composed->raw, end);
	if (composed->dotted.bytes != NULL)
		see_filled(&composed->dotted, dotted);
	else
		g_assert_cmpstr(end, ==, dotted);
	g_assert_cmpmem(composed->raw.bytes + composed->header_len - 2, 2,
			"\r\n", 2);
	composed_unref(composed);
}

static void
test_places(void)
{
	static const char *const bodies[] = {
		"", "hi", "hi\n", "{M}", "{M}\n", "\n{M}\n", "{M}{L}{M}\n",
		".{M}\n", "{M}.\n", "{M}\n.\n", "..{L}\n.{M}\n", ".\n{L}.x\n",
		"a{M}b\r\n.c{L}d\r\n", "{M}\r\n{M}\r\n\r\n{M}", "{L}..{L}\n.",
		"\r\n.\r\n{M}", "{M}\r", "{M}\r\n.\r\r\n",
	};
	struct case_data t;

	begin(&t);
	for (size_t i = 0; i < G_N_ELEMENTS(bodies); i++) {
		see_copy(&t, "From: a@b\n", bodies[i]);
		see_copy(&t, "X: <{L}>\r\n\t{L}\r\nY: {M}\r\n", bodies[i]);
	}
	end(&t);
}

static void
test_any_places(void)
{
	static const char *const pieces[] = {
		"{M}", "{L}", ".", "\r\n", "\n", "x", " ", "..", "\r\n.",
	};
	struct case_data t;

	begin(&t);
	for (int i = 0; i < 3000; i++) {
		g_autoptr(GString) body = g_string_new(NULL);
		int count = g_test_rand_int_range(0, 12);

		for (int j = 0; j < count; j++)
			g_string_append(body, pieces[g_test_rand_int_range(
				0, G_N_ELEMENTS(pieces))]);
		see_copy(&t, "X: {L}\r\n", body->str);
	}
	end(&t);
}

static void
see_unmarked(const struct case_data *t, const char *mark)
{
	struct composed *composed = compose_text(t, "A: b\r\n", mark);

	g_assert_false(composed_is_personal(composed));
	g_assert_nonnull(strstr(composed->raw.bytes, mark));
	composed_unref(composed);
}

/* An author knows his own posts' marks of other lists, say. */
static void
test_hostile(void)
{
	char mark[SLOT_MARK_MAX];
	struct post_id other;
	struct case_data t;

	begin(&t);
	post_id_new(&other);
	slot_mark(t.verp, LIST, &other, SLOT_MEMBER, mark);
	see_unmarked(&t, mark);
	slot_mark(t.verp, "other@lists.example.org", &t.post, SLOT_LEAVE,
		  mark);
	see_unmarked(&t, mark);
	see_unmarked(&t, "%{member}");
	see_unmarked(&t, "%{member.aaaaaaaaaaaaaaaa}");
	(void) g_strlcpy(mark, t.marks[SLOT_MEMBER], sizeof(mark));
	memcpy(mark, "%{MEMBER", strlen("%{MEMBER"));
	see_unmarked(&t, mark);
	/* A mark with one broken by a line end in front of it. */
	see_copy(&t, "A: b\r\n", "%{member.\r\n{M}%{leave.{L}");
	end(&t);
}

static void
see_member(const char *addr, const char *key, const char *want)
{
	const struct copy copy = { .addr = addr, .key = key };
	const char *in[SLOTS];

	batch_values(&copy, in);
	g_assert_cmpstr(in[SLOT_MEMBER], ==, want);
	g_assert_cmpstr(in[SLOT_MEMBER_QP], ==, want);
}

/* In quoted-printable, on lines that are not too long. */
static void
see_member_qp(const char *addr, const char *want)
{
	g_autofree char *got = slot_value_qp(addr);

	g_assert_cmpstr(got, ==, want);
}

static void
test_member_qp(void)
{
	g_autofree char *longest = g_strnfill(300, '\xfc');
	g_autofree char *value = slot_value_qp(longest);
	g_auto(GStrv) lines = g_strsplit(value, "=\r\n", -1);

	see_member_qp("ann@example.net", NULL);
	see_member_qp("a=b@example.net", "a=3Db@example.net");
	see_member_qp("j\xc3\xbcrg@example.net", "j=C3=BCrg@example.net");
	see_member_qp("\"a b\"@example.net", "\"a=20b\"@example.net");
	see_member_qp(".ann@example.net", "=2Eann@example.net");
	see_member_qp("-ann@example.net", "=2Dann@example.net");
	g_assert_cmpuint(g_strv_length(lines), >, 10);
	for (char **line = lines; *line != NULL; line++)
		g_assert_cmpuint(strlen(*line), <=, 75);
}

static void
test_members(void)
{
	g_autofree char *longer = g_strnfill(400, 'a');
	struct composed *composed;
	struct case_data t;

	see_member("Ann@Example.net", "Ann@example.net", "Ann@Example.net");
	see_member(".ann@example.net", "\".ann\"@example.net",
		   "\".ann\"@example.net");
	see_member(longer, "a@example.net", "a@example.net");
	begin(&t);
	composed = compose_text(&t, "A: b\r\n", "{M}\n");
	g_assert_true(composed->eight_bit);	/* it may be */
	composed_unref(composed);
	composed = compose_text(&t, "A: b\r\n", "{L}\n");
	g_assert_false(composed->eight_bit);
	composed_unref(composed);
	end(&t);
}

/* --- signatures --------------------------------------------------------- */

struct keyed {
	struct case_data t;
	char *dir, *path;
	struct sign_key *key;
	struct lookups *lookups;
};

static void
keyed_begin(struct keyed *k, const char *algorithm)
{
	g_autofree char *command = NULL, *record = NULL;
	struct dns_record answer = { 0 };
	struct err err = ERR_INIT;
	int status = 1;

	begin(&k->t);
	k->dir = g_dir_make_tmp("muster-compose-XXXXXX", NULL);
	k->path = g_build_filename(k->dir, "key", NULL);
	command = g_strdup_printf("openssl genpkey -quiet -algorithm %s "
				  "-out %s", algorithm, k->path);
	g_assert_true(g_spawn_command_line_sync(command, NULL, NULL, &status,
						NULL));
	g_assert_cmpint(status, ==, 0);
	g_assert_cmpint(chmod(k->path, 0600), ==, 0);
	if (sign_key_load(k->path, "lists.example.org", "s", &k->key, &err) !=
	    ERR_OK)
		g_error("%s", err.what);
	record = sign_key_record(k->key);
	k->lookups = lookups_new(NULL, wire_now_ms() + 60000, NULL, NULL);
	answer = (struct dns_record){ 0, record, strlen(record) };
	lookups_put(k->lookups, "s._domainkey.lists.example.org", DNS_TXT,
		    DNS_FOUND, &answer);
}

static void
keyed_end(struct keyed *k)
{
	lookups_free(k->lookups);
	sign_key_unref(k->key);
	(void) g_unlink(k->path);
	g_assert_cmpint(g_rmdir(k->dir), ==, 0);
	g_free(k->path);
	g_free(k->dir);
	end(&k->t);
}

static void
see_verified(const struct keyed *k, const GString *copy, bool has_set)
{
	const struct dkim_evidence *one;
	struct arc_evidence arc;
	struct header header;
	GPtrArray *found;
	unsigned int ignored;
	size_t body_at;

	g_assert_true(header_parse(copy->str, copy->len, &header, &body_at));
	found = dkim_check(k->lookups, &header, copy->str + body_at,
			   copy->len - body_at, &ignored);
	g_assert_cmpuint(found->len, ==, 1);
	one = g_ptr_array_index(found, 0);
	if (one->result != AUTH_PASS)
		g_error("%s of:\n%.3000s", one->reason, copy->str);
	g_ptr_array_unref(found);
	arc_evidence_init(&arc);
	arc_check(k->lookups, &header, copy->str + body_at,
		  copy->len - body_at, &arc);
	g_assert_cmpint(arc.result, ==, has_set ? AUTH_PASS : AUTH_NONE);
	arc_evidence_done(&arc);
	header_done(&header);
}

static void
see_signed(const struct keyed *k, const char *header, const char *body,
	   const char *member, bool has_set)
{
	struct composed *composed = compose_text(&k->t, header, body);
	const char *const in[SLOTS] = { [SLOT_MEMBER] = member,
					[SLOT_LEAVE] = TOKEN };
	g_autoptr(GString) copy = NULL;
	g_autofree char *fields = NULL;

	composed_sign_with(composed, k->t.verp, &k->t.post, LIST, k->key,
			   AUTH_NONE);
	fields = composed_sign(composed, in);
	g_assert_nonnull(fields);
	copy = g_string_new(fields);
	text_append(&composed->raw, 0, composed->raw.len, in, copy);
	see_verified(k, copy, has_set);
	composed_unref(composed);
}

#define HEAD "From: a@example.net\r\nSubject: x\r\n y\r\n" \
	"List-Unsubscribe: <https://x/{L}>,\r\n\t<mailto:y@z>\r\n" \
	"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
#define BEGUN "ARC-Authentication-Results: i=1; lists.example.org; " \
	"spf=none\r\n"

static void
see_all_signed(const char *algorithm)
{
	static const char *const bodies[] = {
		"hi\r\n", "", "{M}", "{M} \r\n\r\n", "a \t {M}\t b{L}\n\n\n",
		"\r\n\r\n{M}\r\n\r\nend", "{M}{M}\r\n",
	};
	static const char *const people[] = {
		"ann@example.net", "\"a  b\"@example.net",
		"\xc3\xbc@example.net",
	};
	struct keyed k;

	keyed_begin(&k, algorithm);
	for (size_t i = 0; i < G_N_ELEMENTS(bodies); i++)
		for (size_t j = 0; j < G_N_ELEMENTS(people); j++) {
			see_signed(&k, HEAD, bodies[i], people[j], false);
			see_signed(&k, BEGUN HEAD, bodies[i], people[j],
				   true);
		}
	keyed_end(&k);
}

static void
test_rsa(void)
{
	see_all_signed("RSA");
}

static void
test_ed25519(void)
{
	see_all_signed("ED25519");
}

/* No header keeps a post from being signed. */
static void
test_many_fields(void)
{
	g_autoptr(GString) header = g_string_new(BEGUN HEAD);
	struct keyed k;

	for (int i = 0; i < 1000; i++)
		g_string_append_printf(header, "List-Id: <a%d>\r\n"
				       "List-Post: x\r\n"
				       "List-Archive: <%d@b>\r\n", i, i);
	keyed_begin(&k, "ED25519");
	see_signed(&k, header->str, "{M}\r\n", "ann@example.net", true);
	keyed_end(&k);
}

/* --- threads ------------------------------------------------------------ */

struct together { struct composed *composed; struct keyed *k; gint good; };

static void *
sign_some(void *data)
{
	struct together *together = data;

	for (int i = 0; i < 50; i++) {
		g_autofree char *member = g_strdup_printf("m%d@example.net",
							  i);
		const char *const in[SLOTS] = { [SLOT_MEMBER] = member,
						[SLOT_LEAVE] = TOKEN };
		g_autofree char *fields = composed_sign(together->composed,
							in);

		if (fields != NULL)
			g_atomic_int_inc(&together->good);
	}
	return NULL;
}

static void
test_threads(void)
{
	struct together together = { 0 };
	GThread *threads[4];
	struct keyed k;

	keyed_begin(&k, "RSA");
	together.k = &k;
	together.composed = compose_text(&k.t, BEGUN HEAD, "hi\n{M}\n");
	composed_sign_with(together.composed, k.t.verp, &k.t.post, LIST,
			   k.key, AUTH_NONE);
	for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
		threads[i] = g_thread_new("signs", sign_some, &together);
	for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
		(void) g_thread_join(threads[i]);
	g_assert_cmpint(together.good, ==, 200);
	composed_unref(together.composed);
	keyed_end(&k);
}

static const struct tap_case cases[] = {
	{ "places, and dots around them", test_places },
	{ "places anywhere", test_any_places },
	{ "marks that are not of this post", test_hostile },
	{ "what a member's address looks like", test_members },
	{ "and in quoted-printable", test_member_qp },
	{ "each copy's RSA signature and seal", test_rsa },
	{ "each copy's ed25519 signature and seal", test_ed25519 },
	{ "thousands of fields", test_many_fields },
	{ "many sign at once", test_threads },
	{ NULL, NULL }
};

int
main(void)
{
	log_open("test-compose", 1);
	mime_init();
	return tap_run("compose", cases);
}
