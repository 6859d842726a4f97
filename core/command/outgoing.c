/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * pause, resume and drain: verbs over the key "outgoing", which is what the
 * engine (copies) and the doors (posts) go by.
 */
#include <poll.h>
#include <stdarg.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/wire.h"
#include "core/command/flow.h"
#include "core/command/print.h"
#include "core/command/verb.h"
#include "core/base/banned.h"

#define KEY "outgoing"
#define RESUMED_EACH 256	/* jobs in a transaction */
#define LOOK_MS 250		/* between two looks at the queue */
#define LOOK_SHARE 20		/* a look is at most this share of the time */
#define NAMED_MOST 5		/* lists, in a line for people */

/* --- jobs that were set aside ------------------------------------------- */

/* Of a list that is not paused any more. */
struct resume {
	struct store *store;
	GHashTable *paused;	/* list -> is it? as GINT */
	GPtrArray *jobs;	/* that wait because their list was paused */
	guint from, done;
};

static bool
was_set_aside(const struct job *job)
{
	/* One that is due may be under way already. */
	return strcmp(job->reason, OUTBOUND_PAUSED) == 0 &&
		job->due_ms > clock_ms();
}

static enum err_code
list_is_paused(struct resume *resume, const char *list, bool *out,
	       struct err *err)
{
	g_autofree char *outgoing = NULL;
	gpointer known;
	enum err_code rc;

	if (g_hash_table_lookup_extended(resume->paused, list, NULL,
					 &known)) {
		*out = GPOINTER_TO_INT(known) != 0;
		return ERR_OK;
	}
	rc = setting_holds(store_reader(resume->store), list, KEY, &outgoing,
			   err);
	if (rc != ERR_OK)
		return rc;
	*out = g_strcmp0(outgoing, "paused") == 0;
	g_hash_table_insert(resume->paused, g_strdup(list),
			    GINT_TO_POINTER(*out));
	return ERR_OK;
}

/* Id and due time of those whose list goes on; what else is in the record is
 * read again when it is changed. */
static bool
collect_set_aside(void *arg, const struct job *job)
{
	struct resume *resume = arg;
	struct err err = ERR_INIT;
	bool paused = true;
	struct job *key;

	if (!was_set_aside(job))
		return true;
	/* On an error it stays, and is looked at when it is due. */
	(void) list_is_paused(resume, job->list_addr, &paused, &err);
	if (paused)
		return true;
	key = job_new(job->stage, &job->post, job->list, job->list_addr);
	key->id = job->id;
	key->due_ms = job->due_ms;
	g_ptr_array_add(resume->jobs, key);
	return true;
}

/* In the order in which they came. */
static enum err_code
make_due(struct txn *txn, const struct job *key, guint *done,
	 struct err *err)
{
	g_autoptr(job_auto) job = NULL;
	char reason[] = "";
	bool taken = false;
	struct job next;
	enum err_code rc = queue_again(txn, key, &job, err);

	if (rc != ERR_OK || job == NULL || !was_set_aside(job))
		return rc;
	next = *job;		/* texts are borrowed */
	next.due_ms = MIN(job->made_ms, clock_ms());
	next.reason = reason;
	rc = queue_replace(txn, job, &next, &taken, err);
	*done += rc == ERR_OK && taken ? 1 : 0;
	return rc;
}

static enum err_code
resume_body(struct txn *txn, void *arg, struct err *err)
{
	struct resume *resume = arg;
	enum err_code rc = ERR_OK;

	resume->done = 0;
	for (guint i = 0; i < RESUMED_EACH && rc == ERR_OK &&
	     resume->from + i < resume->jobs->len; i++)
		rc = make_due(txn, resume->jobs->pdata[resume->from + i],
			      &resume->done, err);
	return rc;
}

static void
free_job(void *job)
{
	job_free(job);
}

enum admin_status
outgoing_changed(const struct call *call, guint *resumed_out)
{
	g_autoptr(GPtrArray) jobs = g_ptr_array_new_with_free_func(free_job);
	g_autoptr(GHashTable) paused = g_hash_table_new_full(
		g_str_hash, g_str_equal, g_free, NULL);
	struct resume resume = { .store = call->admin->store,
				 .paused = paused, .jobs = jobs };
	struct err err = ERR_INIT;
	guint resumed = 0;
	enum err_code rc;

	rc = queue_walk_in(store_reader(resume.store), STAGE_OUTBOUND,
			   collect_set_aside, &resume, &err);
	for (; rc == ERR_OK && resume.from < jobs->len;
	     resume.from += RESUMED_EACH) {
		rc = store_txn(resume.store, TXN_LAZY, resume_body, &resume,
			       &err);
		resumed += resume.done;
	}
	if (call->admin->wake != NULL)
		call->admin->wake();
	if (resumed_out != NULL)
		*resumed_out = resumed;
	return rc == ERR_OK ? ADMIN_DONE : call_fail(call, &err);
}

/* --- what is queued ----------------------------------------------------- */

struct queued {
	const char *scope;
	guint ways;		/* jobs on their way out */
	guint held, shunted;
};

static bool
is_in_scope(const char *scope, const char *list)
{
	if (scope[0] == '\0')
		return true;
	return scope[0] == '@' ? g_str_has_suffix(list, scope) :
		strcmp(scope, list) == 0;
}

static bool
count_queued(void *arg, const struct job *job)
{
	struct queued *queued = arg;

	if (!is_in_scope(queued->scope, job->list_addr) &&
	    !is_in_scope(queued->scope, job_through_addr(job)))
		return true;
	if (job->stage == STAGE_HELD)
		queued->held++;
	else if (job->stage == STAGE_SHUNTED)
		queued->shunted++;
	else
		queued->ways++;
	return true;
}

static enum err_code
look_at_queue(const struct call *call, const char *scope, struct queued *out,
	      struct err *err)
{
	*out = (struct queued){ .scope = scope };
	return queue_walk(call->admin->store, count_queued, out, err);
}

/* Lists below a scope that have a value of their own: "a@x, b@x and 3 more",
 * or NULL. */
static enum err_code
own_values(const struct call *call, const char *scope, char **out,
	   struct err *err)
{
	struct txn *reader = store_reader(call->admin->store);
	g_autoptr(GString) names = g_string_new(NULL);
	g_autofree char *after = g_strdup("");
	guint count = 0;
	enum err_code rc;

	for (;;) {
		g_autoptr(list_auto) list = NULL;
		g_autofree char *value = NULL;

		rc = list_next(reader, after, &list, err);
		if (rc != ERR_OK || list == NULL)
			break;
		g_free(after);
		after = g_strdup(list->addr);
		if (!is_in_scope(scope, list->addr))
			continue;
		rc = setting_get(reader, list->addr, KEY, &value, err);
		if (rc != ERR_OK)
			break;
		if (value != NULL && ++count <= NAMED_MOST)
			g_string_append_printf(names, "%s%s (%s)",
				count > 1 ? ", " : "", list->addr, value);
	}
	if (count > NAMED_MOST)
		g_string_append_printf(names, " and %u more",
				       count - NAMED_MOST);
	*out = count > 0 ? g_strdup(names->str) : NULL;
	return rc;
}

/* --- the change --------------------------------------------------------- */

struct change {
	GPtrArray *scopes;
	const char *value;	/* NULL: back to "on" */
	const char *gone;	/* a list that is not there any more */
};

/* What a list inherits may be "on" already; a value of its own would then
 * only be in the way of the next who pauses all lists. */
static enum err_code
put_on(struct txn *txn, const char *scope, struct err *err)
{
	g_autofree char *inherited = NULL;
	bool removed;
	enum err_code rc = setting_remove(txn, scope, KEY, &removed, err);

	if (rc == ERR_OK)
		rc = setting_holds(txn, scope, KEY, &inherited, err);
	if (rc == ERR_OK && inherited != NULL &&
	    strcmp(inherited, "on") != 0)
		rc = setting_put(txn, scope, KEY, "on", err);
	return rc;
}

static enum err_code
change_scope(struct txn *txn, struct change *change, const char *scope,
	     struct err *err)
{
	g_autoptr(list_auto) list = NULL;
	enum err_code rc = ERR_OK;

	if (strchr(scope, '@') > scope) {
		rc = list_find(txn, scope, &list, err);
		if (rc == ERR_OK && list == NULL) {
			change->gone = scope;
			rc = err_set(err, ERR_INVALID, "", "%s has just been "
				     "deleted", scope);
		}
	}
	if (rc != ERR_OK)
		return rc;
	return change->value == NULL ? put_on(txn, scope, err) :
		setting_put(txn, scope, KEY, change->value, err);
}

static enum err_code
change_body(struct txn *txn, void *arg, struct err *err)
{
	struct change *change = arg;
	enum err_code rc = ERR_OK;

	for (guint i = 0; i < change->scopes->len && rc == ERR_OK; i++)
		rc = change_scope(txn, change, change->scopes->pdata[i], err);
	return rc;
}

static enum admin_status
read_scopes(const struct call *call, GPtrArray *scopes)
{
	for (int i = 0; i < call->count; i++) {
		char *scope = NULL;
		enum admin_status status = call_scope(call, call->args[i],
						      &scope);

		if (status != ADMIN_DONE)
			return status;
		if (g_ptr_array_find_with_equal_func(scopes, scope,
						     g_str_equal, NULL))
			g_free(scope);
		else
			g_ptr_array_add(scopes, scope);
	}
	return ADMIN_DONE;
}

/* "dev@lists.example.org: paused; posts are taken and wait (3 are queued)" */
static enum admin_status
tell(const struct call *call, const char *scope, const char *what)
{
	g_autofree char *own = NULL;
	struct err err = ERR_INIT;
	struct queued queued;
	FILE *out = call->admin->out;

	if (look_at_queue(call, scope, &queued, &err) != ERR_OK)
		return call_fail(call, &err);
	(void) fprintf(out, "%s: %s (%u queued, %u held, %u shunted)\n",
		       scope_text(scope), what, queued.ways, queued.held,
		       queued.shunted);
	if (strchr(scope, '@') > scope)
		return ADMIN_DONE;
	if (own_values(call, scope, &own, &err) != ERR_OK)
		return call_fail(call, &err);
	if (own != NULL)
		(void) fprintf(out, "%s: these have a value of their own, "
			       "and keep it: %s\n", scope_text(scope), own);
	return ADMIN_DONE;
}

static enum admin_status
set_outgoing(const struct call *call, GPtrArray *scopes, const char *value,
	     const char *what)
{
	struct change change = { .scopes = scopes, .value = value };
	struct err err = ERR_INIT;
	enum admin_status status = read_scopes(call, scopes);
	guint resumed = 0;

	if (status != ADMIN_DONE)
		return status;
	if (store_txn(call->admin->store, TXN_DURABLE, change_body, &change,
		      &err) != ERR_OK)
		return call_fail(call, &err);
	status = outgoing_changed(call, &resumed);
	for (guint i = 0; i < scopes->len && status == ADMIN_DONE; i++)
		status = tell(call, scopes->pdata[i], what);
	if (resumed > 0 && status == ADMIN_DONE)
		(void) fprintf(call->admin->out, "%u %s due again\n", resumed,
			       resumed == 1 ? "job is" : "jobs are");
	return status;
}

enum admin_status
list_pause_run(struct call *call)
{
	g_autoptr(GPtrArray) scopes = g_ptr_array_new_with_free_func(g_free);

	return set_outgoing(call, scopes, "paused", "paused; posts are taken "
			    "and wait");
}

enum admin_status
list_resume_run(struct call *call)
{
	g_autoptr(GPtrArray) scopes = g_ptr_array_new_with_free_func(g_free);

	return set_outgoing(call, scopes, NULL, "on; posts are taken and "
			    "copies leave");
}

/* --- drain -------------------------------------------------------------- */

const char *
list_drain_check(const struct call *call)
{
	int64_t seconds;

	if (call->timeout == NULL)
		return NULL;
	if (!call->wait)
		return "--timeout goes with --wait";
	return value_duration(call->timeout, &seconds) ? NULL :
		"--timeout takes a time such as 90s, 15m or 6h";
}

static enum err_code
count_all(const struct call *call, const GPtrArray *scopes,
	  struct queued *all, struct err *err)
{
	enum err_code rc = ERR_OK;

	*all = (struct queued){ 0 };
	for (guint i = 0; i < scopes->len && rc == ERR_OK; i++) {
		struct queued one;

		rc = look_at_queue(call, scopes->pdata[i], &one, err);
		all->ways += one.ways;
		all->held += one.held;
		all->shunted += one.shunted;
	}
	return rc;
}

/* True: the caller has gone, or musterd is to stop. */
static bool
rest(const struct call *call, int64_t look_ms)
{
	struct pollfd peer = { .fd = call->admin->peer, .events = POLLRDHUP };
	int wait_ms = (int)CLAMP(look_ms * LOOK_SHARE, LOOK_MS, 10000);

	if (call->admin->peer <= 0)
		peer.fd = -1;
	return poll(&peer, 1, wait_ms) > 0;
}

static enum admin_status
later(const struct call *call, const struct queued *left, const char *format,
      ...) __attribute__((format(printf, 3, 4)));

static enum admin_status
later(const struct call *call, const struct queued *left, const char *format,
      ...)
{
	g_autofree char *why = NULL;
	va_list ap;

	va_start(ap, format);
	why = g_strdup_vprintf(format, ap);
	va_end(ap);
	(void) fprintf(call->admin->errors, "muster: %s; %u %s not left yet "
		       "(muster queue ls prints them)\n", why, left->ways,
		       left->ways == 1 ? "job has" : "jobs have");
	return ADMIN_LATER;
}

static enum admin_status
drained(const struct call *call, const struct queued *left)
{
	if (left->shunted > 0)
		return call_refuse(call, "%u shunted %s not leave by %s; "
				   "muster queue retry or drop",
				   left->shunted, left->shunted == 1 ?
				   "job does" : "jobs do", left->shunted == 1 ?
				   "itself" : "themselves");
	(void) fprintf(call->admin->out, "drained: nothing is queued\n");
	return ADMIN_DONE;
}

static enum admin_status
wait_until_left(const struct call *call, const GPtrArray *scopes)
{
	int64_t seconds = 0, begun = wire_now_ms(), look_ms;
	struct progress progress;
	struct queued left;
	struct err err = ERR_INIT;

	if (call->timeout != NULL)
		(void) value_duration(call->timeout, &seconds);
	progress_init(&progress, call);
	for (;;) {
		look_ms = wire_now_ms();
		if (count_all(call, scopes, &left, &err) != ERR_OK)
			return call_fail(call, &err);
		look_ms = wire_now_ms() - look_ms;
		if (left.ways == 0)
			break;
		if (!call->admin->running)
			return later(call, &left, "musterd does not run, so "
				     "nothing leaves");
		if (call->timeout != NULL &&
		    wire_now_ms() - begun >= seconds * 1000)
			return later(call, &left, "%s are over",
				     call->timeout);
		progress_show(&progress, "%u queued", left.ways);
		if (rest(call, look_ms))
			return later(call, &left, "musterd stops");
	}
	progress_clear(&progress);
	return drained(call, &left);
}

enum admin_status
list_drain_run(struct call *call)
{
	g_autoptr(GPtrArray) scopes = g_ptr_array_new_with_free_func(g_free);
	enum admin_status status = set_outgoing(call, scopes, "drain",
		"draining; what is queued leaves, new posts are answered 451");

	if (status != ADMIN_DONE || !call->wait)
		return status;
	(void) fflush(call->admin->out);
	return wait_until_left(call, scopes);
}
