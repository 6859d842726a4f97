/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/pending/program.h"

#include <string.h>

#include "core/auth/evidence.h"
#include "core/base/sandbox.h"
#include "core/mail/piped.h"
#include "db/list.h"
#include "db/post.h"
#include "core/base/banned.h"

#define VALUE_MAX 1000		/* octets of a variable */

struct run {
	const struct program_with *with;
	const struct job *job;
	const struct program *program;
	struct post *post;
	GBytes *came;		/* with CRLF */
	GBytes *input;		/* the same with LF */
};

/* --- what it gets ------------------------------------------------------- */

/* Strangers have written most of it. */
static void
add_variable(GPtrArray *env, const char *name, const char *value)
{
	char *text = g_strdup_printf("%s=%.*s", name, VALUE_MAX, value);

	for (char *p = text; *p != '\0'; p++)
		if (g_ascii_iscntrl(*p))
			*p = ' ';
	g_ptr_array_add(env, text);
}

static char *
verified_author_of(const struct post *post)
{
	struct evidence *evidence = evidence_of_text(post->evidence);
	char *author = g_strdup(evidence->author);

	evidence_free(evidence);
	return author;
}

static GPtrArray *
environment(const struct run *run)
{
	GPtrArray *env = g_ptr_array_new_with_free_func(g_free);
	g_autofree char *author = verified_author_of(run->post);
	char id[POST_ID_TEXT + 1];

	post_id_text(&run->job->post, id);
	add_variable(env, "MUSTER_LIST", run->job->list_addr);
	add_variable(env, "MUSTER_POST", id);
	add_variable(env, "MUSTER_MESSAGE_ID", run->post->message_id);
	add_variable(env, "MUSTER_SENDER", run->post->sender);
	add_variable(env, "MUSTER_AUTHOR", author);
	g_ptr_array_add(env, NULL);
	return env;
}

static struct sandbox_limits
limits_of(const struct program *program)
{
	return (struct sandbox_limits){
		.time_ms = program->time_s * 1000, .cpu_s = program->cpu_s,
		.output = program->output, .memory = program->memory,
		.files = program->files, .processes = program->processes,
		.space = program->space,
	};
}

static enum err_code
run_sandbox(const struct run *run, struct sandbox_result *out,
	    struct err *err)
{
	const struct settings *settings = run->with->settings;
	g_autoptr(GPtrArray) env = environment(run);
	const struct sandbox_order order = {
		.helper = settings->sandbox_helper,
		.user = settings->sandbox_user,
		.argv = run->program->command,
		.env = (char *const *)env->pdata,
		.paths = run->program->paths, .input = run->input,
		.limits = limits_of(run->program),
		.is_stopped = run->with->is_stopped, .arg = run->with->arg,
	};

	if (sandbox_run(&order, out, err) != ERR_OK)
		return err_context(err, "program %s", run->program->name);
	return ERR_OK;
}

/* --- what it gives ------------------------------------------------------ */

static enum err_code
take_output(const struct run *run, const struct sandbox_result *result,
	    struct program_made *out, struct err *err)
{
	g_autoptr(GBytes) message = NULL;
	const char *wrong;

	if (g_bytes_equal(result->output, run->input))
		return ERR_OK;
	message = piped_to(result->output);
	if (g_bytes_equal(message, run->came))
		return ERR_OK;
	wrong = piped_wrong(message, run->came);
	if (wrong != NULL)
		return err_set(err, ERR_INVALID, "mend it, then muster queue "
			       "retry", "program %s: what it wrote is no "
			       "message: %s", run->program->name, wrong);
	out->message = g_steal_pointer(&message);
	return ERR_OK;
}

static enum err_code
give_up(const struct run *run, const struct sandbox_result *result,
	enum err_code code, struct err *err)
{
	const struct sandbox_limits limits = limits_of(run->program);
	g_autofree char *end = sandbox_end_text(result, &limits);
	const bool has_complaint = result->complaint[0] != '\0';

	return err_set(err, code, code == ERR_INVALID ? "mend the program, "
		       "then muster queue retry" : "nothing: it is run again",
		       "program %s: %s%s%s%s", run->program->name,
		       has_complaint ? result->complaint : "",
		       has_complaint ? " (" : "", end,
		       has_complaint ? ")" : "");
}

static enum err_code
judge(const struct run *run, const struct sandbox_result *result,
      struct program_made *out, struct err *err)
{
	if (result->end == SANDBOX_STOPPED)
		return give_up(run, result, ERR_BUSY, err);
	if (result->end != SANDBOX_EXITED)
		return give_up(run, result, ERR_INVALID, err);
	switch (result->status) {
	case 0:
		return take_output(run, result, out, err);
	case PROGRAM_UNCHANGED:
		return ERR_OK;
	case PROGRAM_LATER:
		return give_up(run, result, ERR_DOWN, err);
	default:
		return give_up(run, result, ERR_INVALID, err);
	}
}

/* --- one run ------------------------------------------------------------ */

/* *out NULL: it has none, or is gone itself. */
static enum err_code
name_of(struct txn *reader, const struct job *job, char **out,
	struct err *err)
{
	struct list_conf *conf = NULL;
	struct list *list = NULL;
	enum err_code rc = list_by_id(reader, job->list, &list, err);

	if (rc == ERR_OK && list != NULL)
		rc = list_conf_load(reader, job->list_addr, &conf, err);
	if (rc == ERR_OK && conf != NULL && conf->program[0] != '\0')
		*out = g_strdup(conf->program);
	list_free(list);
	list_conf_free(conf);
	return rc;
}

/* A list or a post that has gone is pending_run()'s to find. */
static enum err_code
find_program(struct run *run, struct program_made *out, struct err *err)
{
	struct txn *reader = store_reader(run->with->store);
	enum err_code rc = name_of(reader, run->job, &out->name, err);

	if (rc != ERR_OK || out->name == NULL)
		return rc;
	run->program = settings_program(run->with->settings, out->name);
	if (run->program == NULL)
		return err_set(err, ERR_INVALID, "add it, or unset program, "
			       "then muster queue retry", "the list's program "
			       "%s is not in the settings", out->name);
	rc = post_get(reader, &run->job->post, &run->post, err);
	if (rc == ERR_OK && run->post != NULL)
		rc = post_bytes(reader, &run->job->post, &run->came, err);
	return rc;
}

static enum err_code
run_program(struct run *run, struct program_made *out, struct err *err)
{
	struct sandbox_result result = { 0 };
	enum err_code rc;

	run->input = piped_from(run->came);
	rc = run_sandbox(run, &result, err);
	if (rc == ERR_OK)
		rc = judge(run, &result, out, err);
	sandbox_result_done(&result);
	return rc;
}

enum err_code
program_run(const struct program_with *with, const struct job *job,
	    struct program_made *out, struct err *err)
{
	struct run run = { .with = with, .job = job };
	enum err_code rc;

	memset(out, 0, sizeof(*out));
	rc = find_program(&run, out, err);
	if (rc == ERR_OK && run.came != NULL)
		rc = run_program(&run, out, err);
	post_free(run.post);
	g_clear_pointer(&run.came, g_bytes_unref);
	g_clear_pointer(&run.input, g_bytes_unref);
	return rc;
}

void
program_made_done(struct program_made *made)
{
	g_clear_pointer(&made->name, g_free);
	g_clear_pointer(&made->message, g_bytes_unref);
}

enum err_code
program_probe(const struct settings *settings, char **holds, struct err *err)
{
	g_autoptr(GBytes) nothing = g_bytes_new_static("", 0);
	char path[] = "/bin/true";
	const struct sandbox_order order = {
		.helper = settings->sandbox_helper,
		.user = settings->sandbox_user,
		.argv = (char *const []){ path, NULL },
		.input = nothing, .limits = sandbox_limits_usual,
	};
	struct sandbox_result result = { 0 };
	enum err_code rc = sandbox_run(&order, &result, err);

	if (rc == ERR_OK)
		*holds = g_steal_pointer(&result.holds);
	sandbox_result_done(&result);
	return rc;
}
