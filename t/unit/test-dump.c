/* SPDX-License-Identifier: BSD-2-Clause */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include <jansson.h>

#include "db/dump.h"
#include "db/inside.h"
#include "db/number.h"
#include "db/rate.h"
#include "t/unit/store-case.h"

#define HEADER "{\"format\":\"muster-dump\",\"version\":1}\n"
#define ID "aaaaaaaaaaaaaaaaaaaq"
#define KEY64 "000102030405060708090a0b0c0d0e0f" \
	"000102030405060708090a0b0c0d0e0f"
#define LIST "{\"addr\":\"dev@example.org\",\"created_s\":1," \
	"\"type\":\"list\"}\n"
#define MEMBER(addr, list, bounces) "{\"addr\":\"" addr "\"," \
	"\"bounce_reason\":\"\",\"bounced_s\":0,\"bounces\":" bounces "," \
	"\"delivery\":true,\"list\":\"" list "\",\"name\":\"\"," \
	"\"own_posts\":true,\"since_s\":1,\"type\":\"member\"}\n"
#define POST(size) "{\"auth\":\"\",\"author\":\"\",\"client\":\"\"," \
	"\"door\":\"\",\"helo\":\"\",\"id\":\"" ID "\"," \
	"\"message_id\":\"\",\"qid\":\"\",\"received_s\":1,\"sender\":\"\"," \
	"\"size\":" size ",\"type\":\"post\"}\n"
#define PIECE(part, number, data) "{\"data\":\"" data "\",\"list\":\"\"," \
	"\"number\":" number ",\"part\":\"" part "\",\"post\":\"" ID "\"," \
	"\"type\":\"piece\"}\n"
#define FORM(header, has, body) "{\"body_at\":0,\"body_size\":" body "," \
	"\"has_body\":" has ",\"header_size\":" header "," \
	"\"list\":\"dev@example.org\",\"post\":\"" ID "\"," \
	"\"type\":\"form\"}\n"
#define FORM_OF(use, header) "{\"body_at\":0,\"body_size\":0," \
	"\"has_body\":false,\"header_size\":" header "," \
	"\"list\":\"dev@example.org\",\"post\":\"" ID "\"," \
	"\"type\":\"form\",\"use\":\"" use "\"}\n"
#define FORM_PIECE(part, data) "{\"data\":\"" data "\"," \
	"\"list\":\"dev@example.org\",\"number\":0," \
	"\"part\":\"" part "\",\"post\":\"" ID "\"," \
	"\"type\":\"piece\"}\n"
#define JOB(stage, role, audience, list, gone) "{\"addrs\":[]," \
	"\"after\":\"\",\"as_of_s\":0,\"attempts\":0," \
	"\"audience\":\"" audience "\",\"detail\":\"\",\"due_ms\":0," \
	"\"id\":\"" ID "\",\"list\":\"" list "\",\"list_gone\":" gone "," \
	"\"made_ms\":0,\"post\":\"" ID "\",\"reason\":\"\",\"refused\":0," \
	"\"role\":\"" role "\",\"sent\":0,\"stage\":\"" stage "\"," \
	"\"type\":\"job\",\"until\":\"\",\"was\":\"\"}\n"
#define NEW_MEMBER(delivery, more) "{\"addr\":\"a@x.example\"," \
	"\"bounce_reason\":\"\",\"bounced_s\":0,\"bounces\":0," \
	"\"delivery\":" delivery ",\"list\":\"dev@example.org\"," \
	"\"name\":\"\"," more "\"own_posts\":true,\"since_s\":1," \
	"\"type\":\"member\"}\n"
#define TOKEN(hash, kind, list, addr) "{\"addr\":\"" addr "\"," \
	"\"detail\":\"\",\"expires_s\":9,\"hash\":\"" hash "\"," \
	"\"kind\":\"" kind "\",\"list\":\"" list "\",\"made_s\":1," \
	"\"other\":\"\",\"type\":\"token\"}\n"
#define EVENT(kind, list, addr) "{\"addr\":\"" addr "\"," \
	"\"kind\":\"" kind "\",\"list\":\"" list "\",\"number\":0," \
	"\"time_us\":1,\"type\":\"event\",\"what\":\"\"}\n"
#define RATE(author, list) "{\"author\":\"" author "\"," \
	"\"list\":\"" list "\",\"post\":\"" ID "\",\"time_ms\":1," \
	"\"type\":\"rate\"}\n"
#define SETTING(scope, key, value) "{\"key\":\"" key "\"," \
	"\"scope\":\"" scope "\",\"type\":\"setting\"," \
	"\"value\":\"" value "\"}\n"

static char *
dump_text(struct store_case *t, const char *const *lists)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	g_assert_nonnull(out);
	case_ok(dump_write(t->store, lists, out, &t->err), t);
	g_assert_cmpint(fclose(out), ==, 0);
	return text;
}

static enum err_code
load_text(struct store_case *t, const char *text, bool dry_run,
	  struct dump_counts *counts)
{
	g_autoptr(GBytes) bytes = g_bytes_new(text, strlen(text));
	int fd = case_memfd(bytes);
	enum err_code rc;

	g_assert_cmpint(lseek(fd, 0, SEEK_SET), ==, 0);
	rc = dump_load(t->store, fd, dry_run, NULL, NULL, counts, &t->err);
	g_assert_cmpint(close(fd), ==, 0);
	return rc;
}

static struct post *
make_post(size_t size)
{
	struct post *post = g_new0(struct post, 1);

	post_id_new(&post->id);
	post->received_s = 1700000000;
	post->sender = g_strdup("ann@example.net");
	post->qid = g_strdup("4bXk");
	post->message_id = g_strdup("<\"odd\\\x01\xf0\x9f\x93\xac\xff@x>");
	post->door = g_strdup("lmtp");
	post->client = g_strdup("");
	post->helo = g_strdup("\xc3\xa4\xe2\x80\xa8\x7f\t");
	post->auth = g_strdup("");
	post->author = g_strdup("\xd7\xa9@x.example, b@example.net");
	post->evidence = g_strdup("{\"by\":\"\xd7\xa9 \\\"\"}");
	post->size = size;
	post->jobs = 5;
	return post;
}

/* For lists that are there, one that is gone, and none. */
static enum err_code
fill_tokens(struct txn *txn, struct err *err)
{
	char kind[] = "join", addr[] = "B\xc3\xb6@example.net",
	     detail[] = "\"digest\"\n";
	enum err_code rc = ERR_OK;

	for (uint32_t list = 0; rc == ERR_OK && list <= 3; list++) {
		char text[TOKEN_TEXT + 1];
		struct token token = {
			.kind = kind, .list = list, .addr = addr,
			.other = list == 2 ? addr : NULL, .detail = detail,
			.made_s = 5, .expires_s = INT64_MAX,
		};

		rc = token_new(txn, &token, text, err);
		if (rc == ERR_OK && list > 0)
			rc = event_add(txn, list, "joined", addr, err,
				       "\"%u\"", list);
		if (rc == ERR_OK && list > 0)
			rc = event_add(txn, list, "probe", "", err, "\\");
	}
	return rc;
}

static void
make_odd(struct member *member)
{
	g_free(member->name);
	member->name = g_strdup("B\xc3\xb6 \"x\" \\ \xe2\x80\xa9");
	g_free(member->language);
	member->language = g_strdup("de");
	member->delivery = DELIVERY_OFF;
	member->off_by = OFF_BY_BOUNCES;
	member->off_s = 6;
	member->duplicates = false;
	member->ack = true;
	member->hidden = true;
	member->bounces = 7;
	member->bounce = (struct bounce_state){
		.score = 4250, .score_s = 8, .scored_s = 9, .probe_s = 10,
		.probe_post = { 0, 1, 0xfe, 0xff }, .warned_s = 11,
		.warnings = 2, .rise = 1000,
	};
	member->moderated = true;
	member->posts = 12;
}

static enum err_code
fill_lists(struct txn *txn, struct err *err)
{
	struct member *member = member_new("B\xc3\xb6@Example.NET", 5);
	bool done;
	enum err_code rc;

	make_odd(member);
	rc = list_create(txn, "gone@example.org", 1, &done, err);
	if (rc == ERR_OK)
		rc = list_create(txn, "z@example.org", 1, &done, err);
	if (rc == ERR_OK)
		rc = list_create(txn, "dev@example.org", 2, &done, err);
	if (rc == ERR_OK)
		rc = list_delete(txn, "gone@example.org", &done, err);
	if (rc == ERR_OK)
		rc = setting_put(txn, "", "policy", "open", err);
	if (rc == ERR_OK)
		rc = setting_put(txn, "dev@example.org", "max-size", "1M",
				 err);
	if (rc == ERR_OK)
		rc = setting_put(txn, "@example.org", "policy", "members",
				 err);
	if (rc == ERR_OK)
		rc = roster_put(txn, 3, member, err);
	if (rc == ERR_OK)
		rc = roster_put(txn, 2, member, err);
	member_deliver(member, DELIVERY_DIGEST_PLAIN, OFF_NOT, 1);
	g_free(member->addr);
	member->addr = g_strdup("c@example.net");
	if (rc == ERR_OK)
		rc = roster_put(txn, 2, member, err);
	if (rc == ERR_OK)
		rc = fill_tokens(txn, err);
	member_free(member);
	return rc;
}

static enum err_code
put_job(struct txn *txn, const struct post *post, uint32_t list,
	const char *addr, enum stage stage, struct err *err)
{
	struct job *job = job_new(stage, &post->id, list, addr);
	enum err_code rc;

	job->due_ms = stage == STAGE_OUTBOUND ? 17 : 0;
	job->was = stage == STAGE_SHUNTED ? STAGE_PENDING : 0;
	job->null_sender = stage == STAGE_HELD;
	job->role = ROLE_OWNER;
	job->audience = TO_ADDRS;
	g_strfreev(job->addrs);
	job->addrs = g_strsplit("a@x.example b@x.example", " ", -1);
	g_free(job->reason);
	job->reason = g_strdup("450 \"busy\"");
	rc = queue_put(txn, job, err);
	job_free(job);
	return rc;
}

/* List 1 has been deleted. */
static enum err_code
put_archived(struct txn *txn, const struct post *post, uint32_t list,
	     struct err *err)
{
	struct archive archive;
	struct archived one = {
		.post = post->id, .time_s = 7, .size = 1000,
		.format = post->id.bytes[0] % 2 == 0 ? ARCHIVE_MBOX :
			ARCHIVE_MAILDIR,
		.hash = { 1, 2, 255 }, .message_id = post->message_id,
	};
	enum err_code rc = archive_lock(txn, list, &archive, err);

	if (one.format == ARCHIVE_MBOX)
		one.offset = archive.mbox_size;
	return rc == ERR_OK ? archive_add(txn, &archive, &one, err) : rc;
}

static enum err_code
fill_post(struct txn *txn, const struct post *post, int fd, struct err *err)
{
	g_autoptr(GBytes) big = g_bytes_new_take(g_malloc0(100000), 100000);
	struct form large = { big, big, 0 }, small = { big, NULL, 70 };
	uint8_t key[SEEN_KEY_LEN];
	struct post_id first;
	bool new;
	enum err_code rc = post_put(txn, post, fd, err);

	memset(key, post->id.bytes[0], sizeof(key));
	if (rc == ERR_OK)
		rc = form_put(txn, &post->id, 2, FORM_COPIES, &large, err);
	if (rc == ERR_OK)
		rc = form_put(txn, &post->id, 2, FORM_BASE, &small, err);
	if (rc == ERR_OK)
		rc = form_put(txn, &post->id, 3, FORM_BASE, &large, err);
	if (rc == ERR_OK)
		rc = form_put(txn, &post->id, 3, FORM_COPIES, &small, err);
	if (rc == ERR_OK)
		rc = form_put(txn, &post->id, 1, FORM_COPIES, &small, err);
	if (rc == ERR_OK)
		rc = put_job(txn, post, 3, "dev@example.org",
			     STAGE_OUTBOUND, err);
	if (rc == ERR_OK)
		rc = put_job(txn, post, 1, "gone@example.org",
			     STAGE_SHUNTED, err);
	if (rc == ERR_OK)
		rc = put_job(txn, post, 3, "dev@example.org", STAGE_HELD,
			     err);
	if (rc == ERR_OK)
		rc = put_job(txn, post, 3, "dev@example.org", STAGE_NOTICE,
			     err);
	if (rc == ERR_OK)
		rc = put_job(txn, post, 3, "dev@example.org", STAGE_ARCHIVE,
			     err);
	if (rc == ERR_OK)
		rc = put_archived(txn, post, 3, err);
	if (rc == ERR_OK)
		rc = put_archived(txn, post, 1, err);
	if (rc == ERR_OK)
		rc = seen_add(txn, key, &post->id, 5, &new, &first, err);
	for (uint32_t list = 1; rc == ERR_OK && list <= 3; list++)
		rc = rate_add(txn, list, "a@x.example", 7000000 * list,
			      &post->id, err);
	if (rc == ERR_OK)
		rc = rate_add(txn, 3, "b@x.example", 7000000, &post->id,
			      err);
	if (rc == ERR_OK)
		rc = post_note_on_list(txn, &post->id, "<1@x>",
				       "dev@example.org", err);
	if (rc == ERR_OK)
		rc = trace_add(txn, &post->id, "inbound", "dev@example.org",
			       err, "\xf0\x9f\x93\xac \"%s\"", "x\\");
	if (rc == ERR_OK)
		rc = trace_ref(txn, &post->id, post->message_id, err);
	return rc;
}

struct fill {
	struct post *posts[20];
	int fd;
};

/* The posts of a list are counted. */
static enum err_code
fill_number(struct txn *txn, struct err *err)
{
	struct list *list = NULL;
	uint64_t number = 0;
	enum err_code rc = list_find(txn, "dev@example.org", &list, err);

	if (rc == ERR_OK)
		rc = number_put(txn, list->id, 41, err);
	if (rc == ERR_OK)
		rc = number_next(txn, list->id, &number, err);
	list_free(list);
	return rc;
}

static enum err_code
fill_body(struct txn *txn, void *arg, struct err *err)
{
	struct fill *fill = arg;
	enum err_code rc = fill_lists(txn, err);

	if (rc == ERR_OK)
		rc = fill_number(txn, err);
	for (size_t i = 0; rc == ERR_OK && i < 20; i++)
		rc = fill_post(txn, fill->posts[i], fill->fd, err);
	return rc;
}

/* Something of every kind, in an order that is not the one of the keys. */
static void
fill_store(struct store_case *t)
{
	g_autoptr(GBytes) bytes = g_bytes_new_take(g_malloc0(200000),
						   200000);
	struct fill fill = { .fd = case_memfd(bytes) };

	for (size_t i = 0; i < 20; i++)
		fill.posts[i] = make_post(i * 10000);
	case_txn(t, fill_body, &fill);
	for (size_t i = 0; i < 20; i++)
		post_free(fill.posts[i]);
	(void) close(fill.fd);
}

static void
count_finding(void *arg, const char *text)
{
	g_test_message("%s", text);
	(*(int *)arg)++;
}

static int
findings(struct store_case *t)
{
	int count = 0;

	case_ok(store_check(t->store, count_finding, &count, &t->err), t);
	return count;
}

static int
count_of(const char *text, const char *part)
{
	int count = 0;

	for (; (text = strstr(text, part)) != NULL; text++)
		count++;
	return count;
}

static void
test_identity(void)
{
	g_autofree char *first = NULL, *second = NULL, *third = NULL;
	struct dump_counts counts;
	struct store_case a, b;

	case_begin(&a);
	case_begin(&b);
	fill_store(&a);
	g_assert_cmpint(findings(&a), ==, 0);
	first = dump_text(&a, NULL);
	g_assert_cmpuint(strlen(first), >, 3000000);
	case_ok(load_text(&b, first, false, &counts), &b);
	g_assert_cmpuint(counts.posts, ==, 20);
	g_assert_cmpuint(counts.jobs, ==, 100);
	g_assert_cmpuint(counts.lists, ==, 2);
	g_assert_cmpuint(counts.members, ==, 3);
	g_assert_cmpint(count_of(first, "\"type\":\"token\""), ==, 3);
	g_assert_cmpint(count_of(first, "\"type\":\"event\""), ==, 4);
	second = dump_text(&b, NULL);
	g_assert_true(strcmp(first, second) == 0);
	g_assert_cmpint(findings(&b), ==, 0);
	case_ok(load_text(&b, first, false, &counts), &b);
	case_ok(load_text(&b, first, false, &counts), &b);
	third = dump_text(&b, NULL);
	g_assert_true(strcmp(first, third) == 0);
	g_assert_cmpint(findings(&b), ==, 0);
	case_end(&a);
	case_end(&b);
}

static void
test_last_release(void)
{
	g_autofree char *text = NULL;
	struct dump_counts counts;
	struct store_case a, b;
	GPtrArray *jobs;

	case_begin(&a);
	case_begin(&b);
	fill_store(&a);
	text = dump_text(&a, NULL);
	case_ok(load_text(&b, text, false, &counts), &b);
	jobs = case_due(&b, STAGE_OUTBOUND, 17);
	g_assert_cmpuint(jobs->len, >, 0);
	{
		const struct job *job = g_ptr_array_index(jobs, 0);
		struct post *post;

		case_ok(post_get(store_reader(b.store), &job->post, &post,
				 &b.err), &b);
		g_assert_nonnull(post);
		g_assert_cmpuint(post->jobs, ==, 5);
		post_free(post);
	}
	g_ptr_array_unref(jobs);
	case_end(&a);
	case_end(&b);
}

static void
test_chosen(void)
{
	static const char *const lists[] = { "dev@example.org", NULL };
	static const char *const none[] = { "no@example.org", NULL };
	g_autofree char *text = NULL, *again = NULL;
	struct dump_counts counts;
	struct store_case a, b;
	FILE *null = fopen("/dev/null", "w");

	case_begin(&a);
	case_begin(&b);
	fill_store(&a);
	text = dump_text(&a, lists);
	g_assert_cmpstr(text, ==, HEADER
		"{\"key\":\"max-size\",\"scope\":\"dev@example.org\","
		"\"type\":\"setting\",\"value\":\"1M\"}\n"
		"{\"addr\":\"dev@example.org\",\"created_s\":2,"
		"\"number\":42,\"type\":\"list\"}\n"
		"{\"ack\":true,\"addr\":\"B\xc3\xb6@Example.NET\","
		"\"bounce_reason\":\"\",\"bounced_s\":0,\"bounces\":7,"
		"\"delivery\":\"off\",\"duplicates\":false,"
		"\"hidden\":true,\"language\":\"de\","
		"\"list\":\"dev@example.org\",\"moderated\":true,"
		"\"name\":\"B\xc3\xb6 \\\"x\\\" \\\\ \xe2\x80\xa9\","
		"\"off_by\":\"bounces\",\"off_s\":6,\"own_posts\":true,"
		"\"posts\":12,\"probe_post\":\"0001feff\",\"probe_s\":10,"
		"\"rise\":1000,\"score\":4250,\"score_s\":8,\"scored_s\":9,"
		"\"since_s\":5,\"type\":\"member\",\"warned_s\":11,"
		"\"warnings\":2}\n");
	case_ok(load_text(&b, text, false, &counts), &b);
	again = dump_text(&b, lists);
	g_assert_cmpstr(text, ==, again);
	g_assert_cmpint(dump_write(a.store, none, null, &a.err), ==,
			ERR_INVALID);
	(void) fclose(null);
	case_end(&a);
	case_end(&b);
}

static void
test_full_device(void)
{
	struct store_case t;
	FILE *out = fopen("/dev/full", "w");

	case_begin(&t);
	fill_store(&t);
	g_assert_cmpint(dump_write(t.store, NULL, out, &t.err), ==,
			ERR_NOSPACE);
	(void) fclose(out);
	case_end(&t);
}

static const struct {
	const char *text, *what;
} bad[] = {
	{ "", "input is empty" },
	{ "\n", "line 1: no JSON" },
	{ "[1]\n", "line 1: a JSON object" },
	{ "{}\n", "line 1: this is not a dump of muster" },
	{ "{\"format\":\"x\",\"version\":1}\n", "not a dump of muster" },
	{ "{\"format\":\"muster-dump\",\"version\":2}\n", "has version 2" },
	{ "{\"format\":\"muster-dump\"}\n", "has version 0" },
	{ HEADER "\n", "line 2: no JSON" },
	{ HEADER "{\"a\":1}\n", "line 2: field \"type\": missing" },
	{ HEADER "{\"type\":7}\n", "line 2: field \"type\": missing" },
	{ HEADER "{\"type\":\"x\"}\n", "there is no type \"x\"" },
	{ HEADER "{\"type\":\"list\",\"type\":\"list\"}\n", "duplicate" },
	{ HEADER "{\"type\":\"list\",\"addr\":\"\xff\"}\n", "UTF-8" },
	{ HEADER "{\"type\":\"list\",\"addr\":\"d@x\"}\n",
	  "line 2: list: field \"created_s\": missing" },
	{ HEADER "{\"type\":\"list\",\"addr\":1,\"created_s\":1}\n",
	  "list: field \"addr\": a string" },
	{ HEADER "{\"type\":\"list\",\"addr\":\"d@x\",\"created_s\":\"1\"}\n",
	  "list: field \"created_s\": a whole number" },
	{ HEADER "{\"type\":\"list\",\"addr\":\"d@x\",\"created_s\":-1}\n",
	  "from 0 to" },
	{ HEADER "{\"type\":\"list\",\"addr\":\"d@x\",\"created_s\":1.5}\n",
	  "a whole number" },
	{ HEADER "{\"type\":\"list\",\"addr\":\"d@x\",\"created_s\":"
	  "99999999999999999999}\n", "no JSON" },
	{ HEADER "{\"type\":\"list\",\"addr\":\"d@x\",\"created_s\":1,"
	  "\"z\":1}\n", "list: field \"z\": there is no such field" },
	{ HEADER "{\"type\":\"list\",\"addr\":\"Dev@example.org\","
	  "\"created_s\":1}\n", "list: field \"addr\":" },
	{ HEADER "{\"type\":\"list\",\"addr\":\"dev@Example.org\","
	  "\"created_s\":1}\n", "list: field \"addr\":" },
	{ HEADER "{\"type\":\"list\",\"addr\":\"dev+x@example.org\","
	  "\"created_s\":1}\n", "list: field \"addr\":" },
	{ HEADER "{\"name\":\"x\",\"type\":\"meta\",\"value\":\"\"}\n",
	  "meta: field \"name\":" },
	{ HEADER "{\"name\":\"secret\",\"type\":\"meta\",\"value\":\"AA\"}\n",
	  "meta: field \"value\": base64" },
	{ HEADER "{\"name\":\"secret\",\"type\":\"meta\",\"value\":\"AA==\"}"
	  "\n", "meta: field \"value\": 32 bytes" },
	{ HEADER SETTING("", "polcy", "open"), "setting: field \"key\":" },
	{ HEADER SETTING("", "subject_prefix", "x"),
	  "setting: field \"key\":" },
	{ HEADER SETTING("", "policy", "opn"),
	  "setting: field \"value\": policy" },
	{ HEADER SETTING("@", "policy", "open"),
	  "setting: field \"scope\":" },
	{ HEADER SETTING("@A.org", "policy", "open"),
	  "setting: field \"scope\":" },
	{ HEADER SETTING("dev@example.org", "policy", "open"),
	  "line 2: setting: field \"scope\": there is no list" },
	{ HEADER MEMBER("a@x.example", "dev@example.org", "0") LIST,
	  "line 2: member: field \"list\": there is no list" },
	{ HEADER LIST MEMBER("a", "dev@example.org", "0"),
	  "line 3: member: field \"addr\": \"a\" is not" },
	{ HEADER LIST MEMBER("a@x.example", "dev@example.org",
			     "4294967296"),
	  "line 3: member: field \"bounces\":" },
	{ HEADER LIST "{\"addr\":\"a@x.example\",\"bounce_reason\":\"\","
	  "\"bounced_s\":0,\"bounces\":0,\"delivery\":true,"
	  "\"list\":\"dev@example.org\",\"moderated\":1,\"name\":\"\","
	  "\"own_posts\":true,\"since_s\":1,\"type\":\"member\"}\n",
	  "member: field \"moderated\": true or false" },
	{ HEADER LIST NEW_MEMBER("7", ""),
	  "member: field \"delivery\": off, on" },
	{ HEADER LIST NEW_MEMBER("\"yes\"", ""),
	  "member: field \"delivery\": off, on" },
	{ HEADER LIST NEW_MEMBER("\"off\"", "\"off_by\":\"me\","),
	  "member: field \"off_by\": self, admin" },
	{ HEADER LIST NEW_MEMBER("\"off\"", "\"off_s\":-1,"),
	  "member: field \"off_s\": a whole number" },
	{ HEADER LIST NEW_MEMBER("\"on\"", "\"language\":\"../x\","),
	  "member: field \"language\": language=../x: the tag" },
	{ HEADER LIST NEW_MEMBER("\"on\"", "\"language\":\"DE\","),
	  "member: field \"language\": lower" },
	{ HEADER LIST NEW_MEMBER("\"on\"", "\"probe_post\":\"0011223\","),
	  "member: field \"probe_post\": 8 hex" },
	{ HEADER LIST NEW_MEMBER("\"on\"", "\"score\":4294967296,"),
	  "member: field \"score\": a whole number" },
	{ HEADER LIST TOKEN("00", "join", "dev@example.org", "a@x.example"),
	  "token: field \"hash\": 64 hex" },
	{ HEADER LIST TOKEN(KEY64, "Join", "dev@example.org", "a@x.example"),
	  "token: field \"kind\": 1 to 32" },
	{ HEADER LIST TOKEN(KEY64, "join", "no@example.org", "a@x.example"),
	  "token: field \"list\": there is no list" },
	{ HEADER LIST TOKEN(KEY64, "join", "dev@example.org", ""),
	  "token: field \"addr\":" },
	{ HEADER LIST EVENT("", "dev@example.org", "a@x.example"),
	  "event: field \"kind\": 1 to 32" },
	{ HEADER LIST EVENT("off", "", "a@x.example"),
	  "event: field \"list\":" },
	{ HEADER LIST EVENT("off", "no@example.org", ""),
	  "event: field \"list\": there is no list" },
	{ HEADER LIST EVENT("off", "dev@example.org", "a@X.example"),
	  "event: field \"addr\":" },
	{ HEADER LIST RATE("0011223344556677", "no@example.org"),
	  "rate: field \"list\": there is no list" },
	{ HEADER LIST RATE("001122334455667", "dev@example.org"),
	  "rate: field \"author\": 16 hex" },
	{ HEADER LIST RATE("001122334455667G", "dev@example.org"),
	  "rate: field \"author\": 16 hex" },
	{ HEADER PIECE("bytes", "0", "AA=="), "piece: field \"post\":" },
	{ HEADER LIST FORM("0", "false", "0"), "form: field \"post\":" },
	{ HEADER POST("1073741825"), "post: field \"size\":" },
	{ HEADER POST("1"), "end of the file, line 2: piece" },
	{ HEADER "{\"auth\":\"\",\"author\":\"\",\"client\":\"\",\"door\":"
	  "\"\",\"evidence\":\"[]\",\"helo\":\"\",\"id\":\"" ID "\","
	  "\"message_id\":\"\",\"qid\":\"\",\"received_s\":1,"
	  "\"sender\":\"\",\"size\":0,\"type\":\"post\"}\n",
	  "post: field \"evidence\": a JSON object" },
	{ HEADER POST("1") LIST, "line 3: piece: field \"part\"" },
	{ HEADER POST("2") PIECE("bytes", "0", "AA=="),
	  "field \"data\": 2 bytes are expected, not 1" },
	{ HEADER POST("1") PIECE("bytes", "1", "AA=="),
	  "field \"number\": piece 0 is next" },
	{ HEADER POST("1") PIECE("bytes", "0", "AA==")
	  PIECE("bytes", "1", "AA=="), "all 1 bytes are there" },
	{ HEADER POST("1") PIECE("bytes", "0", "AB=="), "base64" },
	{ HEADER POST("1") PIECE("byte", "0", "AA=="), "piece: field" },
	{ HEADER LIST POST("1") PIECE("bytes", "0", "AA==")
	  FORM("0", "false", "0"), "forms come before" },
	{ HEADER LIST POST("0") FORM("0", "false", "1"),
	  "form: field \"body_size\": 0 is" },
	{ HEADER LIST POST("0") FORM_OF("best", "0"),
	  "form: field \"use\": \"copies\" or \"base\" is" },
	{ HEADER LIST POST("0") FORM_OF("base", "1"),
	  "pieces of \"base-header\" are missing" },
	{ HEADER LIST POST("0") FORM_OF("base", "1")
	  FORM_PIECE("header", "AA=="), "\"base-header\", \"base-body\" or" },
	{ HEADER LIST POST("0") FORM("1", "false", "0"),
	  "pieces of \"header\" are missing" },
	{ HEADER LIST POST("0") FORM("0", "true", "1") LIST,
	  "line 5: piece: field \"part\": pieces of \"body\"" },
	{ HEADER LIST JOB("pending", "post", "none", "dev@example.org",
			  "false"), "job: field \"post\": there is no" },
	{ HEADER POST("0") JOB("pending", "post", "none", "dev@example.org",
			       "false"), "job: field \"list\": there is" },
	{ HEADER POST("0") JOB("x", "post", "none", "", "false"),
	  "job: field \"stage\":" },
	{ HEADER POST("0") JOB("pending", "x", "none", "", "false"),
	  "job: field \"role\":" },
	{ HEADER POST("0") JOB("pending", "post", "x", "", "false"),
	  "job: field \"audience\":" },
	{ HEADER "{\"key\":\"00\",\"post\":\"" ID "\",\"time_s\":1,"
	  "\"type\":\"seen\"}\n", "seen: field \"key\":" },
	{ HEADER "{\"key\":\"" KEY64 "\",\"post\":\"x\",\"time_s\":1,"
	  "\"type\":\"seen\"}\n", "seen: field \"post\": an id" },
	{ HEADER "{\"name\":\"\",\"post\":\"" ID "\",\"time_us\":1,"
	  "\"type\":\"ref\"}\n", "ref: field \"name\": empty" },
	{ HEADER "{\"list\":\"\",\"number\":65536,\"post\":\"" ID "\","
	  "\"stage\":\"\",\"time_us\":1,\"type\":\"trace\",\"what\":\"\"}\n",
	  "trace: field \"number\":" },
};

static void
test_bad(void)
{
	g_autofree char *before = NULL, *after = NULL;
	struct dump_counts counts;
	struct store_case t;

	case_begin(&t);
	before = dump_text(&t, NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		enum err_code rc = load_text(&t, bad[i].text, false,
					     &counts);

		if (rc != ERR_INVALID ||
		    strstr(t.err.what, bad[i].what) == NULL)
			g_error("%s: got %d \"%s\", wanted \"%s\"",
				bad[i].text, rc, t.err.what, bad[i].what);
	}
	after = dump_text(&t, NULL);
	g_assert_cmpstr(before, ==, after);
	case_end(&t);
}

static void
test_good(void)
{
	static const char text[] = HEADER
		SETTING("dev@example.org", "policy",
			"hold \\\"a\\\" when tls\\n\\taccept")
		SETTING("", "banned", "@x.example, 192.0.2.0/24")
		LIST RATE("0011223344556677", "dev@example.org")
		MEMBER("A@X.example", "dev@example.org", "4294967295")
		TOKEN(KEY64, "join", "", "a@x.example")
		TOKEN(KEY64, "leave", "dev@example.org", "a@x.example")
		EVENT("off", "dev@example.org", "")
		POST("1") FORM("1", "true", "0")
		"{\"data\":\"AA==\",\"list\":\"dev@example.org\","
		"\"number\":0,\"part\":\"header\",\"post\":\"" ID "\","
		"\"type\":\"piece\"}\n"
		PIECE("bytes", "0", "AA==")
		JOB("pending", "post", "none", "dev@example.org", "false")
		"{\"key\":\"" KEY64 "\",\"post\":\"" ID "\",\"time_s\":1,"
		"\"type\":\"seen\"}";
	struct dump_counts counts;
	struct store_case t;

	case_begin(&t);
	case_ok(load_text(&t, text, true, &counts), &t);
	g_assert_cmpuint(counts.members, ==, 1);
	{
		g_autofree char *dry = dump_text(&t, NULL);

		g_assert_null(strstr(dry, "dev@example.org"));
	}
	case_ok(load_text(&t, text, false, &counts), &t);
	g_assert_cmpint(findings(&t), ==, 0);
	{
		g_autofree char *again = dump_text(&t, NULL);

		g_assert_nonnull(strstr(again, "\\n\\taccept\"}\n"));
		g_assert_nonnull(strstr(again, "\"moderated\":false,"
					"\"name\":\"\",\"off_by\":\"\","
					"\"off_s\":0,\"own_posts\":true,"
					"\"posts\":0,"));
		/* of two with one hash the second stays */
		g_assert_cmpint(count_of(again, "\"type\":\"token\""), ==,
				1);
		g_assert_nonnull(strstr(again, "\"kind\":\"leave\""));
		g_assert_nonnull(strstr(again, "\"type\":\"rate\"}\n"));
	}
	case_end(&t);
}

/* What dumps say of delivery, and what is made of it; dumps of older musters
 * know no more than true and false. */
static void
test_delivery(void)
{
	static const struct { const char *text, *want; } cases[] = {
		{ HEADER LIST NEW_MEMBER("true", ""),
		  "\"delivery\":\"on\",\"duplicates\":true" },
		{ HEADER LIST NEW_MEMBER("false", ""),
		  "\"off_by\":\"admin\",\"off_s\":0," },
		{ HEADER LIST NEW_MEMBER("false", ""),
		  "\"delivery\":\"off\",\"duplicates\":true" },
		{ HEADER LIST NEW_MEMBER("\"plain\"",
					 "\"duplicates\":false,"),
		  "\"delivery\":\"plain\",\"duplicates\":false" },
		{ HEADER LIST NEW_MEMBER("\"on\"", "\"off_by\":\"self\","
					 "\"off_s\":7,"),
		  "\"off_by\":\"\",\"off_s\":0," },
		{ HEADER LIST NEW_MEMBER("\"off\"", "\"off_by\":\"self\","
					 "\"off_s\":7,"),
		  "\"off_by\":\"self\",\"off_s\":7," },
	};
	struct dump_counts counts;
	struct store_case t;

	case_begin(&t);
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *text = NULL;

		case_ok(load_text(&t, cases[i].text, false, &counts), &t);
		text = dump_text(&t, NULL);
		if (strstr(text, cases[i].want) == NULL)
			g_error("%s\nlacks %s", text, cases[i].want);
		g_assert_null(strstr(text, "\"score\""));
	}
	case_end(&t);
}

static void
test_long_line(void)
{
	g_autofree char *fill = g_strnfill(LINE_LONGEST, ' ');
	g_autofree char *text = g_strconcat(HEADER, fill, " \n", NULL);
	struct dump_counts counts;
	struct store_case t;

	case_begin(&t);
	g_assert_cmpint(load_text(&t, text, false, &counts), ==,
			ERR_INVALID);
	g_assert_nonnull(strstr(t.err.what, "line 2: longer than"));
	case_end(&t);
}

/* Ends the process when the second pass has begun. */
static void
die_in_writing(void *arg, const char *step, uint64_t done, uint64_t total)
{
	(void) arg;
	(void) done;
	(void) total;
	if (strcmp(step, "writing") == 0)
		(void) kill(getpid(), SIGKILL);
}

static char *
many_members(void)
{
	GString *text = g_string_new(HEADER LIST);

	for (int i = 0; i < 12000; i++)
		g_string_append_printf(text, "{\"addr\":\"u%05d@x.example\","
			"\"bounce_reason\":\"\",\"bounced_s\":0,"
			"\"bounces\":0,\"delivery\":true,"
			"\"list\":\"dev@example.org\",\"name\":\"\","
			"\"own_posts\":true,\"since_s\":1,"
			"\"type\":\"member\"}\n", i);
	return g_string_free(text, FALSE);
}

static void
child_loads(const char *home, const char *text)
{
	g_autoptr(GBytes) bytes = g_bytes_new(text, strlen(text));
	struct store_case t = { .err = ERR_INIT };
	struct dump_counts counts;
	int fd = case_memfd(bytes);

	(void) lseek(fd, 0, SEEK_SET);
	case_ok(store_open(home, &t.store, &t.err), &t);
	(void) dump_load(t.store, fd, false, die_in_writing, NULL, &counts,
			 &t.err);
	_exit(1);
}

static void
test_cut_off(void)
{
	g_autofree char *text = many_members();
	struct store_case t;
	uint64_t count;
	int status;
	pid_t pid;

	case_begin(&t);
	store_close(t.store);
	t.store = NULL;
	pid = fork();
	g_assert_cmpint(pid, >=, 0);
	if (pid == 0)
		child_loads(t.home, text);
	g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
	g_assert_true(WIFSIGNALED(status));
	case_ok(store_open(t.home, &t.store, &t.err), &t);
	case_ok(roster_count(t.store, 1, &count, NULL, &t.err), &t);
	g_assert_cmpuint(count, ==, 12000);
	case_reopen(&t);
	case_end(&t);
}

/* Posts come and go while the store is dumped. */
struct churn {
	struct store_case *t;
	int stop;		/* atomic */
};

struct step {
	struct post post;
	struct job *job;
	int fd;
};

static enum err_code
come_body(struct txn *txn, void *arg, struct err *err)
{
	struct step *step = arg;
	enum err_code rc = post_put(txn, &step->post, step->fd, err);

	return rc == ERR_OK ? queue_put(txn, step->job, err) : rc;
}

static enum err_code
go_body(struct txn *txn, void *arg, struct err *err)
{
	struct step *step = arg;
	bool taken;
	enum err_code rc = queue_take(txn, step->job, &taken, err);

	return rc == ERR_OK ? post_release(txn, &step->post.id, 1, err) : rc;
}

static void *
churn(void *arg)
{
	struct churn *churn = arg;
	g_autoptr(GBytes) bytes = g_bytes_new_take(g_malloc0(70000), 70000);
	int fd = case_memfd(bytes);
	struct err err = ERR_INIT;

	while (!g_atomic_int_get(&churn->stop)) {
		struct step steps[20];

		for (int i = 0; i < 20; i++) {
			steps[i] = (struct step){ .fd = fd, .post = {
				.size = 70000, .jobs = 1 } };
			post_id_new(&steps[i].post.id);
			steps[i].job = job_new(STAGE_PENDING,
					       &steps[i].post.id, 0, "");
			g_assert_cmpint(store_txn(churn->t->store, TXN_LAZY,
					come_body, &steps[i], &err), ==, 0);
		}
		for (int i = 0; i < 20; i++) {
			g_assert_cmpint(store_txn(churn->t->store, TXN_LAZY,
					go_body, &steps[i], &err), ==, 0);
			job_free(steps[i].job);
		}
	}
	(void) close(fd);
	return NULL;
}

static void
test_live(void)
{
	struct dump_counts counts;
	struct store_case a, b;
	struct churn churns[2];
	GThread *threads[2];

	case_begin(&a);
	fill_store(&a);
	for (int i = 0; i < 2; i++) {
		churns[i] = (struct churn){ &a, 0 };
		threads[i] = g_thread_new("churn", churn, &churns[i]);
	}
	for (int i = 0; i < 5; i++) {
		g_autofree char *text = dump_text(&a, NULL);

		case_begin(&b);
		case_ok(load_text(&b, text, false, &counts), &b);
		g_assert_cmpuint(counts.posts, >=, 20);
		g_assert_cmpint(findings(&b), ==, 0);
		g_assert_cmpint(findings(&a), ==, 0);
		case_end(&b);
	}
	for (int i = 0; i < 2; i++) {
		g_atomic_int_set(&churns[i].stop, 1);
		g_thread_join(threads[i]);
	}
	case_end(&a);
}

/* The part of the manual about a type of record; it ends with the next. */
static char *
manual_of(const char *manual, const char *type)
{
	g_autofree char *head = g_strdup_printf("\n.Ss %s\n", type);
	const char *start = strstr(manual, head), *end;

	if (start == NULL)
		g_error("the manual has no section \"%s\"", type);
	end = strstr(start + 1, "\n.S");
	return g_strndup(start, (size_t)(end - start));
}

static void
test_manual(void)
{
	const char *source = g_getenv("MUSTER_SRC");
	g_autofree char *path = g_build_filename(
		source != NULL ? source : "..", "db", "muster-dump.5", NULL);
	g_autofree char *manual = NULL, *text = NULL;
	g_auto(GStrv) lines = NULL;
	struct store_case t;

	if (!g_file_get_contents(path, &manual, NULL, NULL)) {
		g_test_skip("MUSTER_SRC is not set");
		return;
	}
	case_begin(&t);
	fill_store(&t);
	text = dump_text(&t, NULL);
	lines = g_strsplit(text, "\n", -1);
	for (char **line = lines + 1; (*line)[0] != '\0'; line++) {
		json_t *object = json_loads(*line, 0, NULL), *value;
		g_autofree char *part = manual_of(manual, json_string_value(
			json_object_get(object, "type")));
		const char *name;

		json_object_foreach(object, name, value) {
			g_autofree char *word = g_strdup_printf(
				"(Cm|,) %s\\b", name);

			if (strcmp(name, "type") != 0 &&
			    !g_regex_match_simple(word, part, 0, 0))
				g_error("the manual lacks %s in:%s", name,
					part);
		}
		json_decref(object);
	}
	case_end(&t);
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{ "dump, load, dump is the identity", test_identity },
		{ "a loaded post knows its jobs", test_last_release },
		{ "a dump of lists holds them and no secrets", test_chosen },
		{ "a dump that cannot be written is an error",
		  test_full_device },
		{ "each mistake is named, and nothing is loaded", test_bad },
		{ "a dry run changes nothing, a load takes the rest",
		  test_good },
		{ "delivery is read as it is written, and as it was",
		  test_delivery },
		{ "a line is bounded", test_long_line },
		{ "a load that was cut off is finished at the next open",
		  test_cut_off },
		{ "a dump of a store in use can be loaded", test_live },
		{ "the manual has every field", test_manual },
		{ NULL, NULL },
	};

	return tap_run("dump", cases);
}
