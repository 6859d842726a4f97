/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_T_HELD_CASE_H
#define MUSTER_T_HELD_CASE_H

#include "core/held/held.h"
#include "core/held/inside.h"
#include "db/dump.h"
#include "t/unit/stage-case.h"

/* A list of an owner's, and posts that are held for it, for one case. */

#define NOW_MS 1800000000000LL		/* 2027-01-15 08:00 UTC */
#define DAY_MS 86400000LL
#define ANN "{\"author\":\"ann@example.net\",\"by\":\"dmarc\"}"
#define MOD "{\"author\":\"mod@example.org\",\"by\":\"dmarc\"}"
#define APPROVE "From: mod@example.org\r\nSubject: Re: Held\r\n\r\napprove\r\n"
#define POST "From: Ann <ann@example.net>\r\nSubject: hi there\r\n" \
	"Message-ID: <1@example.net>\r\n\r\nfirst line\r\nsecond line\r\n"

struct held_case {
	struct stage_case t;
	struct held_key *key;
	struct held_result result;
	int64_t now_ms;
};

static inline void
held_begin(struct held_case *h)
{
	*h = (struct held_case){ .now_ms = NOW_MS };
	stage_begin(&h->t);
	h->key = held_key_new(store_secret(h->t.s.store));
	stage_set(&h->t, "owner", "owner@example.org");
	stage_set(&h->t, "held-notice", "no");
}

static inline void
held_end(struct held_case *h)
{
	held_key_free(h->key);
	stage_end(&h->t);
}

/* A post, and how it comes. */
struct mail {
	const char *sender, *author, *evidence, *bytes, *detail;
};

struct mail_work {
	struct held_case *h;
	const struct mail *mail;
	struct post *post;
	enum stage stage;
	int fd;
};

static inline enum err_code
put_body(struct txn *txn, void *arg, struct err *err)
{
	struct mail_work *work = arg;
	struct list list = { .id = work->h->t.list,
			     .addr = (char *)(uintptr_t)LIST_ADDR };
	struct held_offer offer = {
		.post = &work->post->id, .list = &list, .role = ROLE_POST,
		.detail = work->mail->detail,
		.reason = "rule 2: not\nauthor.member",
		.now_ms = work->h->now_ms,
	};
	struct job *job;
	enum err_code rc = post_put(txn, work->post, work->fd, err);

	if (rc != ERR_OK)
		return rc;
	if (work->stage == STAGE_HELD)
		return held_put(txn, &offer, err);
	job = job_new(work->stage, &work->post->id, list.id, list.addr);
	job->role = ROLE_CONFIRM;
	g_free(job->detail);
	job->detail = g_strdup(work->mail->detail);
	rc = queue_put(txn, job, err);
	job_free(job);
	return rc;
}

static inline struct post_id
put_mail(struct held_case *h, const struct mail *mail, enum stage stage)
{
	g_autoptr(GBytes) bytes = g_bytes_new(mail->bytes,
					      strlen(mail->bytes));
	struct post post = {
		.received_s = NOW_MS / 1000, .size = strlen(mail->bytes),
		.jobs = stage == STAGE_HELD ? HELD_JOBS : 1,
		.sender = (char *)(uintptr_t)mail->sender,
		.author = (char *)(uintptr_t)mail->author,
		.evidence = (char *)(uintptr_t)mail->evidence,
		.message_id = (char *)(uintptr_t)"<1@example.net>",
		.door = (char *)(uintptr_t)"milter",
	};
	struct mail_work work = { h, mail, &post, stage, case_memfd(bytes) };

	post_id_new(&post.id);
	case_txn(&h->t.s, put_body, &work);
	(void) close(work.fd);
	return post.id;
}

static const struct mail anns = {
	"ann@example.net", "ann@example.net", ANN, POST, "",
};

/* As submission does; the notices are made. */
static inline struct job *
hold(struct held_case *h, const struct mail *mail)
{
	struct post_id post = put_mail(h, mail, STAGE_HELD);
	g_autoptr(GPtrArray) jobs = case_due(&h->t.s, STAGE_HELD, INT64_MAX);

	for (guint i = 0; i < jobs->len; i++)
		if (post_id_equal(&((struct job *)jobs->pdata[i])->post,
				  &post))
			return g_ptr_array_steal_index(jobs, i);
	g_assert_not_reached();
}

struct decide_work {
	struct held_case *h;
	const struct job *job;
	struct held_act act;
	bool fail;
};

/* A kill in the middle: all that a transaction did is undone. */
static inline enum err_code
failed(const struct decide_work *work, enum err_code rc, struct err *err)
{
	return rc == ERR_OK && work->fail ?
		err_set(err, ERR_IO, "", "killed") : rc;
}

static inline enum err_code
decide_body(struct txn *txn, void *arg, struct err *err)
{
	struct decide_work *work = arg;

	return failed(work, held_decide(txn, work->h->t.settings, work->job,
					&work->act, &work->h->result, err),
		      err);
}

static inline enum err_code
expire_body(struct txn *txn, void *arg, struct err *err)
{
	struct decide_work *work = arg;
	bool expired;

	return failed(work, held_expire_run(txn, work->job, work->h->now_ms,
					    &expired, err), err);
}

static inline enum err_code
notice_body(struct txn *txn, void *arg, struct err *err)
{
	struct decide_work *work = arg;

	return failed(work, held_notice_run(txn, work->h->t.settings,
					    work->h->key, work->job,
					    work->h->now_ms, err), err);
}

static inline enum err_code
answer_body(struct txn *txn, void *arg, struct err *err)
{
	struct decide_work *work = arg;

	return failed(work, held_answer_run(txn, work->h->t.settings,
					    work->h->key, work->job,
					    work->h->now_ms,
					    &work->h->result, err), err);
}

static inline enum held_outcome
decide(struct held_case *h, const struct job *held,
       enum held_decision decision, const char *reason)
{
	struct decide_work work = {
		.h = h, .job = held,
		.act = { decision, "the administrator", reason, h->now_ms,
			 h->t.verp },
	};

	case_txn(&h->t.s, decide_body, &work);
	return h->result.outcome;
}

/* All jobs of a stage that are due now. */
static inline guint
run_due(struct held_case *h, enum stage stage, txn_body body)
{
	g_autoptr(GPtrArray) jobs = case_due(&h->t.s, stage, h->now_ms);
	struct decide_work work = { .h = h };

	for (guint i = 0; i < jobs->len; i++) {
		work.job = g_ptr_array_index(jobs, i);
		case_txn(&h->t.s, body, &work);
	}
	return jobs->len;
}

/* Letters, each "TO: header and body", in the order of TO; the caller
 * frees. Then they are gone. */
static inline int
text_order(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static inline enum err_code
take_body(struct txn *txn, void *arg, struct err *err)
{
	const struct job *job = arg;
	bool taken;
	enum err_code rc = queue_take(txn, job, &taken, err);

	return rc == ERR_OK ? post_release(txn, &job->post, 1, err) : rc;
}

static inline char *
letter_text(struct held_case *h, struct job *job)
{
	struct form *form = NULL;
	char *text;

	g_assert_true(job->null_sender);
	g_assert_cmpint(job->audience, ==, TO_ADDRS);
	case_ok(form_get(store_reader(h->t.s.store), &job->post, job->list,
			 FORM_COPIES, &form, &h->t.s.err), &h->t.s);
	text = g_strdup_printf("%s: %.*s\r\n%.*s", job->addrs[0],
			       (int)g_bytes_get_size(form->header),
			       (const char *)g_bytes_get_data(form->header,
							      NULL),
			       (int)g_bytes_get_size(form->body),
			       (const char *)g_bytes_get_data(form->body,
							      NULL));
	form_free(form);
	case_ok(store_txn(h->t.s.store, TXN_LAZY, take_body, job,
			  &h->t.s.err), &h->t.s);
	return text;
}

static inline char **
letters(struct held_case *h)
{
	g_autoptr(GPtrArray) jobs = case_due(&h->t.s, STAGE_OUTBOUND,
					     INT64_MAX);
	GPtrArray *texts = g_ptr_array_new();

	for (guint i = 0; i < jobs->len; i++)
		g_ptr_array_add(texts, letter_text(h, jobs->pdata[i]));
	g_ptr_array_sort(texts, text_order);
	g_ptr_array_add(texts, NULL);
	return (char **)g_ptr_array_free(texts, FALSE);
}

static inline void
see_trace(struct held_case *h, const struct post_id *id, const char *part)
{
	g_autofree char *trace = stage_trace(&h->t, id);

	stage_see(trace, part);
}

static inline void
count_finding(void *arg, const char *text)
{
	g_test_message("%s", text);
	(*(int *)arg)++;
}

/* The store is whole, and these many jobs are there. */
static inline void
see_counts(struct held_case *h, uint64_t held, uint64_t notice,
	   uint64_t pending, uint64_t outbound)
{
	int count = 0;

	case_ok(store_check(h->t.s.store, count_finding, &count,
			    &h->t.s.err), &h->t.s);
	g_assert_cmpint(count, ==, 0);
	g_assert_cmpuint(stage_count(&h->t, STAGE_HELD), ==, held);
	g_assert_cmpuint(stage_count(&h->t, STAGE_NOTICE), ==, notice);
	g_assert_cmpuint(stage_count(&h->t, STAGE_PENDING), ==, pending);
	g_assert_cmpuint(stage_count(&h->t, STAGE_OUTBOUND), ==, outbound);
}

/* All of the store as text, and back. */
static inline char *
dump_text(struct held_case *h)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	case_ok(dump_write(h->t.s.store, NULL, out, &h->t.s.err), &h->t.s);
	(void) fclose(out);
	return text;
}

static inline void
load_text(struct held_case *h, const char *text)
{
	g_autoptr(GBytes) bytes = g_bytes_new(text, strlen(text));
	int fd = case_memfd(bytes);
	struct dump_counts counts;

	g_assert_cmpint(lseek(fd, 0, SEEK_SET), ==, 0);
	case_ok(dump_load(h->t.s.store, fd, false, NULL, NULL, &counts,
			  &h->t.s.err), &h->t.s);
	(void) close(fd);
}

#endif
