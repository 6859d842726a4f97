/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/letter/letter.h"
#include "core/letter/source.h"
#include "t/unit/stage-case.h"
#include "core/base/banned.h"

#define NOW_MS 1800000000000LL
#define HOUR_MS 3600000LL

struct case_of {
	struct stage_case t;
	struct list_conf *conf;
	struct post_id post;
	bool allowed;
};

static void
begin(struct case_of *c)
{
	*c = (struct case_of){ 0 };
	stage_begin(&c->t);
	stage_set(&c->t, "owner", "owner@example.org");
	stage_set(&c->t, "description", "A list");
}

static void
end(struct case_of *c)
{
	list_conf_free(c->conf);
	stage_end(&c->t);
}

static void
load_conf(struct case_of *c)
{
	list_conf_free(c->conf);
	c->conf = NULL;
	case_ok(list_conf_load(store_reader(c->t.s.store), LIST_ADDR,
			       &c->conf, &c->t.s.err), &c->t.s);
}

/* --- sending ------------------------------------------------------------ */

struct send_work { struct case_of *c; struct letter letter; };

static enum err_code
send_body(struct txn *txn, void *arg, struct err *err)
{
	struct send_work *work = arg;

	return letter_send(txn, work->c->t.settings, &work->letter, "a test",
			   &work->c->post, err);
}

static enum err_code
take_body(struct txn *txn, void *arg, struct err *err)
{
	const struct job *job = arg;
	bool taken;
	enum err_code rc = queue_take(txn, job, &taken, err);

	return rc == ERR_OK ? post_release(txn, &job->post, 1, err) : rc;
}

static char *
text_of(struct case_of *c, const struct job *job)
{
	struct form *form = NULL;
	char *text;

	case_ok(form_get(store_reader(c->t.s.store), &job->post, job->list,
			 FORM_COPIES, &form, &c->t.s.err), &c->t.s);
	text = g_strdup_printf("%.*s\r\n%.*s",
			       (int)g_bytes_get_size(form->header),
			       (const char *)g_bytes_get_data(form->header,
							      NULL),
			       (int)g_bytes_get_size(form->body),
			       (const char *)g_bytes_get_data(form->body,
							      NULL));
	form_free(form);
	return text;
}

/* The letter as it would leave, and its job (to be freed) if that is asked
 * for; it is gone then. */
static char *
send(struct case_of *c, struct letter letter, struct job **job_out)
{
	struct send_work work = { c, letter };
	struct job *job;
	char *text;

	load_conf(c);
	work.letter.list = c->t.list;
	work.letter.list_addr = LIST_ADDR;
	work.letter.conf = c->conf;
	if (letter.to == NULL)
		work.letter.to = "ann@example.net";
	case_txn(&c->t.s, send_body, &work);
	job = stage_job(&c->t, STAGE_OUTBOUND);
	text = text_of(c, job);
	case_txn(&c->t.s, take_body, job);
	if (job_out != NULL)
		*job_out = job;
	else
		job_free(job);
	return text;
}

static const struct letter_field reason[] = {
	{ "reason", "because" }, { "subject", "caf\xc3\xa9" }, { 0 }
};

static void
test_header(void)
{
	struct case_of c;
	g_autofree char *text = NULL, *trace = NULL;
	struct job *job;

	begin(&c);
	text = send(&c, (struct letter){ .template = "held-rejected",
					 .fields = reason }, &job);
	stage_see(text, "From: <dev-owner@lists.example.org>\r\n");
	stage_see(text, "\r\nTo: <ann@example.net>\r\n");
	stage_see(text, "\r\nAuto-Submitted: auto-generated\r\n");
	stage_see(text, "\r\nPrecedence: bulk\r\n");
	stage_see(text, "\r\nX-Auto-Response-Suppress: All\r\n");
	stage_see(text, "\r\nList-Id: <dev.lists.example.org>\r\n");
	stage_see(text, "\r\nContent-Language: en\r\n");
	stage_see(text, "\r\nContent-Transfer-Encoding: quoted-printable\r\n");
	stage_see(text, "\r\nSubject: Your post to dev@lists.example.org was "
		  "not accepted:\r\n =?");
	stage_see(text, "  Subject:   caf=C3=A9\r\n");
	g_assert_true(job->null_sender);
	g_assert_true(post_id_equal(&job->post, &c.post));
	trace = stage_trace(&c.t, &c.post);
	stage_see(trace, "outbound: a test, to ann@example.net");
	job_free(job);
	end(&c);
}

static void
test_answer(void)
{
	struct case_of c;
	g_autofree char *text = NULL, *forged = NULL;

	begin(&c);
	text = send(&c, (struct letter){
		.template = "command-help", .answers = "<1@example.net>",
		.reply_to = "dev-confirm+x@lists.example.org" }, NULL);
	stage_see(text, "\r\nIn-Reply-To: <1@example.net>\r\n");
	stage_see(text, "\r\nReferences: <1@example.net>\r\n");
	stage_see(text, "\r\nAuto-Submitted: auto-replied\r\n");
	stage_see(text, "\r\nReply-To: <dev-confirm+x@lists.example.org>");
	stage_see(text, "\r\nContent-Transfer-Encoding: 7bit\r\n");
	forged = send(&c, (struct letter){
		.template = "command-help",
		.answers = "<1@example.net>\r\nBcc: <x@example.net>" }, NULL);
	g_assert_null(strstr(forged, "Bcc"));
	g_assert_null(strstr(forged, "In-Reply-To"));
	stage_see(forged, "\r\nAuto-Submitted: auto-replied\r\n");
	end(&c);
}

/* Its copies go out under a VERP sender, as a post's. */
static void
test_verp(void)
{
	struct case_of c;
	struct job *job;

	begin(&c);
	g_free(send(&c, (struct letter){ .template = "bounce-probe",
					 .sender = LETTER_VERP }, &job));
	g_assert_false(job->null_sender);
	g_assert_cmpint(job->audience, ==, TO_ADDRS);
	g_assert_cmpstr(job->addrs[0], ==, "ann@example.net");
	g_assert_true(post_id_equal(&job->post, &c.post));
	job_free(job);
	end(&c);
}

/* Each line of 76 at most, and what is decoded is what was meant. */
static void
test_quoted(void)
{
	static const char wanted[] = "veuillez r\xc3\xa9pondre";
	g_autoptr(GString) plain = g_string_new(NULL);
	g_autofree char *text = NULL;
	struct case_of c;
	const char *body;

	begin(&c);
	text = send(&c, (struct letter){ .template = "join-confirm",
					 .language = "fr" }, NULL);
	stage_see(text, "\r\nContent-Language: fr\r\n");
	body = strstr(text, "\r\n\r\n") + 4;
	for (const char *p = body; *p != '\0'; p++) {
		g_assert_true(p[0] != '\n' || strcspn(p + 1, "\r") <= 76);
		g_assert_true((unsigned char)*p < 0x80);
		if (g_str_has_prefix(p, "=\r\n")) {
			p += 2;
		} else if (*p == '=') {
			g_string_append_c(plain, (char)(
				g_ascii_xdigit_value(p[1]) * 16 +
				g_ascii_xdigit_value(p[2])));
			p += 2;
		} else {
			g_string_append_c(plain, *p);
		}
	}
	stage_see(plain->str, wanted);
	end(&c);
}

static void
test_about(void)
{
	static const char post[] = "Subject: x\r\n\r\nbody\r\n";
	struct letter_about whole = { post, strlen(post), 14, true };
	struct letter_about part = { post, strlen(post), 12, false };
	struct case_of c;
	g_autofree char *text = NULL, *head = NULL;

	begin(&c);
	text = send(&c, (struct letter){ .template = "command-help",
					 .about = &whole }, NULL);
	stage_see(text, "multipart/mixed");
	stage_see(text, "Content-Type: message/rfc822\r\n");
	stage_see(text, "\r\n\r\nSubject: x\r\n\r\nbody\r\n");
	head = send(&c, (struct letter){ .template = "command-help",
					 .about = &part }, NULL);
	stage_see(head, "Content-Type: text/rfc822-headers");
	g_assert_null(strstr(head, "body\r\n"));
	end(&c);
}

/* --- whose text --------------------------------------------------------- */

struct set_work { const char *scope, *key, *value; };

static enum err_code
set_body(struct txn *txn, void *arg, struct err *err)
{
	const struct set_work *work = arg;

	return setting_put(txn, work->scope, work->key, work->value, err);
}

static void
set(struct case_of *c, const char *scope, const char *language,
    const char *subject)
{
	g_autofree char *key = template_setting("held-waiting", language);
	g_autofree char *text = g_strdup_printf("%s\n\nx", subject);
	struct set_work work = { scope, key, text };

	case_txn(&c->t.s, set_body, &work);
}

static void
see_subject(struct case_of *c, const char *language, const char *want)
{
	g_autofree char *text = send(c, (struct letter){
		.template = "held-waiting", .language = language }, NULL);
	g_autofree char *line = g_strdup_printf("\r\nSubject: %s", want);

	stage_see(text, line);
}

static void
test_order(void)
{
	struct case_of c;

	begin(&c);
	see_subject(&c, "de", "Ihr Beitrag an ");
	see_subject(&c, "de-at", "Ihr Beitrag an ");
	see_subject(&c, "it", "Your post to ");
	see_subject(&c, NULL, "Your post to ");
	stage_set(&c.t, "language", "fr");
	see_subject(&c, "", "Votre message ");
	see_subject(&c, "it", "Votre message ");
	see_subject(&c, "en", "Your post to ");
	set(&c, "", "de", "Subject: site");
	see_subject(&c, "de", "site\r\n");
	set(&c, "@lists.example.org", "de", "Subject: domain");
	see_subject(&c, "de", "domain\r\n");
	set(&c, LIST_ADDR, "de", "Subject: list");
	see_subject(&c, "de", "list\r\n");
	set(&c, "", "it", "Subject: sito");
	see_subject(&c, "it", "sito\r\n");
	see_subject(&c, "it-ch", "sito\r\n");
	set(&c, "", "de-at", "Subject: \xc3\xb6sterreichisch");
	see_subject(&c, "de-at", "=?");
	end(&c);
}

/* Whatever is in the store, mail goes out. */
static void
test_broken(void)
{
	struct case_of c;

	begin(&c);
	set(&c, LIST_ADDR, "en", "no subject");
	see_subject(&c, NULL, "Your post to ");
	set(&c, "@lists.example.org", "en", "Subject: of the domain");
	see_subject(&c, NULL, "of the domain\r\n");
	end(&c);
}

/* Texts stand between other settings of the scope, which hold all the same. */
static void
test_settings(void)
{
	struct case_of c;

	begin(&c);
	for (int i = 0; i < 26; i++) {
		g_autofree char *language = g_strdup_printf("x%c", 'a' + i);
		g_autofree char *fill = g_strnfill(9000, 'x');
		g_autofree char *text = g_strconcat("Subject: ", fill, NULL);

		set(&c, LIST_ADDR, language, text);
	}
	stage_set(&c.t, "verp", "single");
	stage_set(&c.t, "weight", "7");
	load_conf(&c);
	g_assert_cmpstr(c.conf->description, ==, "A list");
	g_assert_cmpint(c.conf->verp, ==, VERP_SINGLE);
	g_assert_cmpuint(c.conf->weight, ==, 7);
	end(&c);
}

/* --- how often ---------------------------------------------------------- */

struct rate_work {
	struct case_of *c; const char *kind, *name; int64_t now_ms;
	int64_t window_s;
};

static enum err_code
rate_body(struct txn *txn, void *arg, struct err *err)
{
	struct rate_work *work = arg;

	return letter_allowed(txn, work->kind, work->name, 3, work->window_s,
			      work->now_ms, &work->c->allowed, err);
}

static bool
allowed(struct case_of *c, const char *kind, const char *name,
	int64_t after_ms)
{
	struct rate_work work = { c, kind, name, NOW_MS + after_ms, 7200 };

	case_txn(&c->t.s, rate_body, &work);
	return c->allowed;
}

static void
test_rates(void)
{
	struct case_of c;

	begin(&c);
	g_assert_true(allowed(&c, "join", "a@example.net", 0));
	g_assert_true(allowed(&c, "join", "a@example.net", HOUR_MS));
	g_assert_true(allowed(&c, "join", "a@example.net", HOUR_MS));
	g_assert_false(allowed(&c, "join", "a@example.net", HOUR_MS));
	g_assert_true(allowed(&c, "leave", "a@example.net", HOUR_MS));
	g_assert_true(allowed(&c, "join", "b@example.net", HOUR_MS));
	g_assert_true(allowed(&c, "join", "a@example.net", 2 * HOUR_MS +
			      1000));
	g_assert_false(allowed(&c, "join", "a@example.net", 2 * HOUR_MS +
			       1000));
	end(&c);
}

static void
test_networks(void)
{
	static const struct { const char *client, *want; } table[] = {
		{ "192.0.2.77", "192.0.2.0/24" },
		{ "2001:db8:1:2::3", "2001:db8:1::/48" },
		{ "IPv6:2001:db8:1:2::3", "2001:db8:1::/48" },
		{ "::ffff:192.0.2.77", "192.0.2.0/24" },
		{ "fe80::1%eth0", "fe80::/48" },
		{ "", "" }, { "unknown", "" }, { "192.0.2", "" },
	};
	g_autofree char *domain = letter_domain("a@b\"@Example.ORG");
	g_autofree char *none = letter_domain("a");

	for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
		g_autofree char *got = letter_network(table[i].client);

		g_assert_cmpstr(got, ==, table[i].want);
	}
	g_assert_cmpstr(domain, ==, "example.org");
	g_assert_cmpstr(none, ==, "");
}

static const struct tap_case cases[] = {
	{ "a letter says that it is automatic", test_header },
	{ "an answer says to what, and nothing else", test_answer },
	{ "a bounce of it may count", test_verp },
	{ "quoted-printable, in lines of 76", test_quoted },
	{ "a post goes with it, or its header", test_about },
	{ "the nearest text in the wanted language holds", test_order },
	{ "a text that cannot be read is passed over", test_broken },
	{ "texts hide no setting", test_settings },
	{ "so many in a time, for each kind and name", test_rates },
	{ "networks and domains", test_networks },
	{ NULL, NULL }
};

int
main(void)
{
	return tap_run("letter", cases);
}
