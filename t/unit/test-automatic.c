/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "core/mail/automatic.h"
#include "core/mail/mime.h"
#include "t/lib/tap.h"

static const char *
command_name(enum command_meant command)
{
	static const char *const names[] = {"none", "subscribe",
					    "unsubscribe"};

	return names[command];
}

struct judged {
	const char *automatic, *command;
};

static struct judged
judge(const char *sender, const char *bytes, size_t len)
{
	struct header header;
	struct judged is;
	size_t body_at;

	/* An mbox's line, which no MTA lets through */
	if (len > 5 && strncmp(bytes, "From ", 5) == 0) {
		const char *end = memchr(bytes, '\n', len);

		len -= (size_t)(end + 1 - bytes);
		bytes = end + 1;
	}
	g_assert_true(header_parse(bytes, len, &header, &body_at));
	is.automatic = automatic_name(automatic_kind(
		sender, &header, bytes + body_at, len - body_at));
	if (is.automatic == NULL)
		is.automatic = "no";
	is.command = command_name(command_meant(&header, bytes + body_at,
						len - body_at));
	header_done(&header);
	return is;
}

static void
test_hand_made(void)
{
	static const struct {
		const char *sender, *post, *automatic, *command;
	} rows[] = {
		{"a@x.test", "Subject: hello\n\nhi\n", "no", "none"},
		{"", "Subject: hello\n\nhi\n", "dsn", "none"},
		{"a@x.test", "Auto-Submitted: no\n\nhi\n", "no", "none"},
		{"a@x.test", "Auto-Submitted: (me) Auto-Replied; x=y\n\nhi\n",
		 "autoreply", "none"},
		{"a@x.test", "Auto-Submitted:\n auto-generated\n\nhi\n",
		 "generated", "none"},
		{"a@x.test", "Subject: Out of office: x\n\nhi\n", "autoreply",
		 "none"},
		{"a@x.test", "Subject: Re: Out of office: x\n\nwell\n", "no",
		 "none"},
		{"a@x.test", "Subject: Vacation\n\nI will be away.\n", "no",
		 "none"},
		{"a@x.test",
		 "X-Auto-Response-Suppress: All\nSubject: x\n\nhi\n", "no",
		 "none"},
		{"a@x.test", "Precedence: bulk\nSubject: x\n\nhi\n", "no",
		 "none"},
		{"a@x.test",
		 "From: Ann <ann@x.test>\nSubject: Fwd: Undelivered Mail "
		 "Returned to Sender\n\nwhat is this?\n", "no", "none"},
		{"a@x.test",
		 "From: MAILER-DAEMON@x.test\nSubject: Mail delivery failed: "
		 "returning message to sender\n\nx\n", "dsn", "none"},
		{"a@x.test", "From: mailer-daemon@x.test\nSubject: You have "
		 "won\n\nx\n", "no", "none"},
		{"a@x.test",
		 "Content-Type: multipart/report;\n report-type=disposition-"
		 "notification; boundary=b\n\n--b--\n", "dsn", "none"},
		{"a@x.test", "Subject: unsubscribe\n\n\n", "no",
		 "unsubscribe"},
		{"a@x.test", "Subject: [dev] Unsubscribe\n\nthanks\n", "no",
		 "unsubscribe"},
		{"a@x.test", "Subject: Re: Unsubscribe\n\nDo it yourself, "
		 "by the link below, as everybody else on this list does "
		 "it.\n", "no", "none"},
		{"a@x.test", "Subject: hi\n\nUNSUBSCRIBE\n-- \nAnn\n", "no",
		 "unsubscribe"},
		{"a@x.test", "Subject: hi\n\nBitte abmelden\n", "no",
		 "unsubscribe"},
		{"a@x.test", "Subject: \n\nsubscribe dev\n", "no",
		 "subscribe"},
		{"a@x.test", "Subject: subscribe() leaks a reference\n\nIn "
		 "event.c it takes one that is never dropped again when the "
		 "queue is full.\n", "no", "none"},
		{"a@x.test",
		 "Content-Type: text/html\nSubject: x\n\n<html><style>p "
		 "{}</style><p>unsub&#115;cribe</p></html>\n", "no",
		 "unsubscribe"},
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct judged is = judge(rows[i].sender, rows[i].post,
					 strlen(rows[i].post));

		if (strcmp(is.automatic, rows[i].automatic) != 0 ||
		    strcmp(is.command, rows[i].command) != 0)
			g_error("%s: %s, %s", rows[i].post, is.automatic,
				is.command);
	}
}

/* --- corpora ------------------------------------------------------------ */

static char *
corpus(const char *name)
{
	const char *src = g_getenv("MUSTER_SRC");
	g_autofree char *path = g_build_filename(src != NULL ? src : ".",
						 "..", "shared", "corpus",
						 name, NULL);

	if (g_file_test(path, G_FILE_TEST_EXISTS))
		return g_steal_pointer(&path);
	g_test_skip("no corpus");
	return NULL;
}

typedef void (*row_fn)(char **columns, const char *bytes, gsize len,
		       void *data);

static void
each_row(const char *dir, const char *index, row_fn visit, void *data)
{
	g_autofree char *path = g_build_filename(dir, index, NULL);
	g_autofree char *text = NULL;
	g_auto(GStrv) lines = NULL;

	g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
	lines = g_strsplit(text, "\n", -1);
	for (char **line = lines + 1; *line != NULL && (*line)[0] != '\0';
	     line++) {
		g_auto(GStrv) columns = g_strsplit(*line, "\t", -1);
		g_autofree char *file = g_build_filename(dir, columns[0],
							 NULL);
		g_autofree char *bytes = NULL;
		gsize len;

		g_assert_true(g_file_get_contents(file, &bytes, &len, NULL));
		visit(columns, bytes, len, data);
	}
}

static const char *
wanted(const char *kind)
{
	static const char *const kinds[][2] = {
		{"autoreply", "autoreply"},
		{"dsn", "dsn"},
		{"bounce-nonstandard", "dsn"},
		{"challenge", "challenge"},
		{"auto-generated", "generated"},
	};

	for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++)
		if (strcmp(kinds[i][0], kind) == 0)
			return kinds[i][1];
	return "no";
}

/* The envelope sender where the table has it, else as the MTA noted it */
static char *
sender_of(const char *column, const char *bytes, gsize len)
{
	struct header header;
	size_t body_at;
	char *path;

	if (strcmp(column, "<>") == 0)
		return g_strdup("");
	if (strcmp(column, "-") != 0)
		return g_strdup(column);
	g_assert_true(header_parse(bytes, len, &header, &body_at));
	path = header_get(&header, "Return-Path");
	header_done(&header);
	if (path == NULL)
		return g_strdup("unknown@example.org");
	if (strcmp(path, "<>") == 0)
		path[0] = '\0';
	return path;
}

static void
visit_autoreply(char **columns, const char *bytes, gsize len, void *data)
{
	g_autofree char *sender = sender_of(columns[3], bytes, len);
	struct judged is = judge(sender, bytes, len);
	bool command = strcmp(columns[1], "command") == 0;
	unsigned int *wrong = data;

	if (strcmp(columns[1], "loop") == 0)
		return;
	/* A challenge is a reply of a robot too; either keeps it away. */
	if (strcmp(is.automatic, wanted(columns[1])) == 0 &&
	    (strcmp(is.command, "none") != 0) == command)
		return;
	g_test_message("%s (%s): %s, %s", columns[0], columns[1],
		       is.automatic, is.command);
	(*wrong)++;
}

static void
test_autoreply(void)
{
	g_autofree char *dir = corpus("autoreply");
	unsigned int wrong = 0;

	if (dir == NULL)
		return;
	each_row(dir, "index.tsv", visit_autoreply, &wrong);
	g_assert_cmpuint(wrong, ==, 0);
}

struct count {
	unsigned int all, automatic, command;
};

static void
visit_any(char **columns, const char *bytes, gsize len, void *data)
{
	struct judged is = judge("list-bounces@example.org", bytes, len);
	struct count *count = data;

	count->all++;
	if (strcmp(is.automatic, "no") != 0 ||
	    strcmp(is.command, "none") != 0)
		g_test_message("%s: %s, %s", columns[0], is.automatic,
			       is.command);
	count->automatic += strcmp(is.automatic, "no") != 0;
	count->command += strcmp(is.command, "none") != 0;
}

/* Mail to lists, nearly all of it by people */
static void
test_mail(void)
{
	g_autofree char *dir = corpus("mail");
	struct count count = {0};

	if (dir == NULL)
		return;
	each_row(dir, "index.tsv", visit_any, &count);
	g_test_message("%u of %u automatic, %u commands", count.automatic,
		       count.all, count.command);
	g_assert_cmpuint(count.automatic * 100, <=, count.all * 5);
	g_assert_cmpuint(count.command * 100, <=, count.all);
}

static void
visit_bounce(char **columns, const char *bytes, gsize len, void *data)
{
	struct count *count = data;
	struct judged is;

	if (strcmp(columns[1], "hard") != 0)
		return;
	is = judge("", bytes, len);
	count->all++;
	count->automatic += strcmp(is.automatic, "no") != 0;
	is = judge("mailer-daemon@example.org", bytes, len);
	count->command += strcmp(is.automatic, "no") != 0;
}

static void
test_bounces(void)
{
	g_autofree char *dir = corpus("bounces");
	struct count count = {0};

	if (dir == NULL)
		return;
	each_row(dir, "truth.tsv", visit_bounce, &count);
	g_test_message("%u hard bounces: %u known by null sender, %u "
		       "without", count.all, count.automatic, count.command);
	g_assert_cmpuint(count.automatic, ==, count.all);
	g_assert_cmpuint(count.command * 100, >=, count.all * 85);
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{"automatic mail and commands", test_hand_made},
		{"the corpus of automatic mail", test_autoreply},
		{"people are not taken for robots", test_mail},
		{"bounces are automatic", test_bounces},
		{NULL, NULL},
	};

	mime_init();
	return tap_run("automatic", cases);
}
