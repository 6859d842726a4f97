/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/command/admin.h"

#include <errno.h>
#include <string.h>

#include "config.h"
#include "core/command/verb.h"
#include "core/base/banned.h"

#define ANY (-1)
#define NO_PAIRS (-1)

const struct verb verbs[] = {
	{ "list", "create", "NAME@DOMAIN [KEY=VALUE...]",
	  "Make a list.",
	  "The domain must stand in the settings \"domains\" or "
	  "\"shared-domains\".\nThe keys are those of \"muster list keys\".",
	  "LIST KEY", OPTION_OWNER, 1, ANY, 1, false, NULL,
	  list_create_run },
	{ "list", "ls", "", "Print the addresses of all lists.", NULL, "",
	  OPTION_JSON, 0, 0, NO_PAIRS, false, NULL, list_ls_run },
	{ "list", "show", "LIST|@DOMAIN|site",
	  "Print a list's keys, where each value comes from, and how many "
	  "members it has.",
	  "@DOMAIN and site show what the lists there inherit.",
	  "LIST", OPTION_JSON, 1, 1, NO_PAIRS, false, NULL, list_show_run },
	{ "list", "set", "LIST|@DOMAIN|site [KEY=VALUE...]",
	  "Set keys of a list, or what the lists of a domain or of the site "
	  "inherit.",
	  "All is checked before anything is changed.\n"
	  "The keys are those of \"muster list keys\".",
	  "LIST KEY", OPTION_UNSET, 1, ANY, 1, false, list_set_check,
	  list_set_run },
	{ "list", "pause", "LIST|@DOMAIN|site...",
	  "Let no more copies leave; posts are taken, and wait.",
	  "Copies that are with the connections already still leave, at most "
	  "[outbound]\nin-flight of them.",
	  "LIST", 0, 1, ANY, NO_PAIRS, false, NULL, list_pause_run },
	{ "list", "resume", "LIST|@DOMAIN|site...",
	  "Take posts and let copies leave, at once.", NULL,
	  "LIST", 0, 1, ANY, NO_PAIRS, false, NULL, list_resume_run },
	{ "list", "drain", "LIST|@DOMAIN|site...",
	  "Let what is queued leave; new posts are answered 451, so that they "
	  "come again.",
	  "With --wait it ends when nothing is queued any more; posts that a "
	  "moderator\nholds do not count.",
	  "LIST", OPTION_WAIT, 1, ANY, NO_PAIRS, false, list_drain_check,
	  list_drain_run },
	{ "list", "delete", "LIST",
	  "Delete a list, its keys and its members, at once and for good.",
	  NULL, "LIST", 0, 1, 1, NO_PAIRS, false, NULL, list_delete_run },
	{ "list", "keys", "",
	  "Print the keys of lists and of members, with their defaults.",
	  NULL, "", OPTION_JSON, 0, 0, NO_PAIRS, true, NULL,
	  list_keys_run },
	{ "member", "add", "LIST [ADDR...|-]",
	  "Subscribe addresses, each ADDR or \"Name <ADDR>\".",
	  "A file (- is stdin) has one address a line; empty lines and those "
	  "that\nbegin with # are passed over. Each bad line is reported "
	  "and left out, the\nothers are added, and the exit status is 1.",
	  "LIST ADDR", OPTION_FILE | OPTION_JSON | OPTION_MODE |
	  OPTION_LANGUAGE | OPTION_WELCOME | OPTION_CONFIRM, 1, ANY, NO_PAIRS,
	  false, member_add_check, member_add_run },
	{ "member", "invite", "LIST [ADDR...|-]",
	  "Invite addresses: each gets a letter, and is a member when it is "
	  "answered.",
	  "A file is read as for \"member add\". Who has an invitation that "
	  "holds is not\ninvited again.", "LIST ADDR",
	  OPTION_FILE | OPTION_JSON | OPTION_LANGUAGE, 1, ANY, NO_PAIRS,
	  false, addresses_check, member_invite_run },
	{ "member", "find", "ADDR",
	  "Print the lists that an address is subscribed to, and how.",
	  NULL, "ADDR", OPTION_JSON, 1, 1, NO_PAIRS, false, NULL,
	  member_find_run },
	{ "member", "ls", "LIST",
	  "Print the members' addresses, behind a tab what is not the "
	  "default.", "With several of --delivery, --off-by and --moderated, "
	  "all must hold.", "LIST", OPTION_JSON | OPTION_MEMBERS, 1, 1,
	  NO_PAIRS, false, member_ls_check, member_ls_run },
	{ "member", "show", "LIST ADDR",
	  "Print what is known about a member, with his last bounce.", NULL,
	  "LIST ADDR", OPTION_JSON, 2, 2, NO_PAIRS, false, NULL,
	  member_show_run },
	{ "member", "set", "LIST ADDR KEY=VALUE...",
	  "Change a member.",
	  "The keys are those of \"muster list keys\".",
	  "LIST ADDR MEMBERKEY", 0, 3, ANY, 2, false, NULL,
	  member_set_run },
	{ "member", "move", "LIST OLD NEW",
	  "Put a new address in the place of an old one, with all that is "
	  "known about the\nmember.", NULL, "LIST ADDR ADDR",
	  OPTION_ALL | OPTION_JSON, 3, 3, NO_PAIRS, false, NULL,
	  member_move_run },
	{ "member", "remove", "LIST [ADDR...|-]", "Unsubscribe addresses.",
	  "A file is read as for \"member add\".", "LIST ADDR",
	  OPTION_FILE | OPTION_JSON | OPTION_GOODBYE, 1, ANY, NO_PAIRS,
	  false, member_remove_check, member_remove_run },
	{ "member", "leave", "LIST TOKEN",
	  "Do what a click on List-Unsubscribe asks (RFC 8058), for a web "
	  "server.",
	  "The exit status is 0 when the member has left, and 1, with the "
	  "reason on\nstderr, when the token is not valid or whom it is for "
	  "has left already.", "LIST", OPTION_JSON, 2, 2, NO_PAIRS, false,
	  NULL, member_leave_run },
	{ "digest", "ls", "[LIST]",
	  "Print the digests that are being collected.",
	  "Without LIST: those that have posts.", "LIST", OPTION_JSON, 0, 1,
	  NO_PAIRS, false, NULL, digest_ls_run },
	{ "digest", "send", "LIST", "Send what there is of a digest now.",
	  NULL, "LIST", 0, 1, 1, NO_PAIRS, false, NULL, digest_send_run },
	{ "archive", "ls", "LIST",
	  "Print the posts of an archive: number, when, id, Message-ID.",
	  NULL, "LIST", OPTION_JSON, 1, 1, NO_PAIRS, false, NULL,
	  archive_ls_run },
	{ "archive", "export", "LIST FILE|DIR|-",
	  "Copy an archive into an mbox (mboxrd), or a Maildir.",
	  "What is there already is not written over. With - an mbox is "
	  "written to stdout.", "LIST OUT", OPTION_FORMAT | OPTION_JSON, 2,
	  2, NO_PAIRS, false, archive_export_check, archive_export_run },
	{ "archive", "import", "LIST FILE|DIR|-",
	  "Put the messages of an mbox or a Maildir into an archive.",
	  "What is there already is passed over, so it can be interrupted "
	  "and run again.\nThe file may be gzipped, and be one of Pipermail "
	  "or HyperKitty. Each message that\nis none is reported and left "
	  "out, and the exit status is 1.", "LIST FILE",
	  OPTION_FORMAT | OPTION_JSON, 2, 2, NO_PAIRS, false,
	  archive_import_check, archive_import_run },
	{ "archive", "verify", "LIST",
	  "Look whether all in an archive is there, byte for byte.",
	  "A line for each post that is missing or has changed, and the exit "
	  "status is 1.", "LIST", OPTION_FORGET | OPTION_JSON, 1, 1,
	  NO_PAIRS, false, NULL, archive_verify_run },
	{ "held", "ls", "[LIST]",
	  "Print the posts that wait for a moderator.",
	  NULL, "LIST", OPTION_JSON, 0, 1, NO_PAIRS, false, NULL,
	  held_ls_run },
	{ "held", "show", "ID",
	  "Print all about a held post: who, why, and how it begins.",
	  "The ids are those of \"muster held ls\".", "ID",
	  OPTION_JSON | OPTION_RAW, 1, 1, NO_PAIRS, false, held_show_check,
	  held_show_run },
	{ "held", "approve", "ID...", "Send held posts on to their list.",
	  NULL, "ID", 0, 1, ANY, NO_PAIRS, false, NULL, held_approve_run },
	{ "held", "accept", "ID...",
	  "Approve held posts, and always accept their authors from now on.",
	  "The authors are added to the key \"accepted\" of the list.", "ID",
	  0, 1, ANY, NO_PAIRS, false, NULL, held_accept_run },
	{ "held", "reject", "ID...",
	  "Do not send held posts on, and tell their authors.",
	  "Nobody is told whose mail has not proved that it is his.", "ID",
	  OPTION_REASON, 1, ANY, NO_PAIRS, false, NULL, held_reject_run },
	{ "held", "discard", "ID...",
	  "Do not send held posts on, and tell nobody.",
	  NULL, "ID", 0, 1, ANY, NO_PAIRS, false, NULL, held_discard_run },
	{ "queue", "ls", "", "Print the jobs of all stages.", NULL, "",
	  OPTION_JSON, 0, 0, NO_PAIRS, false, NULL, queue_ls_run },
	{ "queue", "show", "ID", "Print all about a job.", NULL, "ID",
	  OPTION_JSON, 1, 1, NO_PAIRS, false, NULL, queue_show_run },
	{ "queue", "retry", "ID...",
	  "Make jobs due now; shunted ones go back to their stage.", NULL,
	  "ID", 0, 1, ANY, NO_PAIRS, false, NULL, queue_retry_run },
	{ "queue", "drop", "ID...",
	  "Give up jobs: those who have not got the post do not get it.",
	  NULL, "ID", 0, 1, ANY, NO_PAIRS, false, NULL, queue_drop_run },
	{ "policy", "show", "LIST",
	  "Print all rules that hold for a list: those of its keys, and its "
	  "policy.",
	  "The first that matches decides.", "LIST", OPTION_JSON, 1, 1,
	  NO_PAIRS, false, NULL, policy_show_run },
	{ "policy", "set", "LIST|@DOMAIN|site FILE|-",
	  "Make the text of a file the policy; it is checked first.",
	  "A word such as members, instead of rules, names a preset.",
	  "LIST FILE", 0, 2, 2, NO_PAIRS, false, NULL, policy_set_run },
	{ "policy", "check", "FILE|-",
	  "Look for mistakes in the text of a policy.",
	  "A mistake is printed as FILE:LINE:COLUMN: what is wrong, and the "
	  "exit\nstatus is 1.",
	  "FILE", 0, 1, 1, NO_PAIRS, true, NULL, policy_check_run },
	{ "policy", "presets", "[NAME]",
	  "Print the names of the policies that come with muster, or the "
	  "text of one.", NULL, "PRESET", 0, 0, 1, NO_PAIRS, true, NULL,
	  policy_presets_run },
	{ "policy", "test", "LIST MESSAGE-FILE",
	  "Say what a list's policy makes of a message, rule by rule.",
	  "Nothing is looked up in the DNS: --evidence FACT=VALUE says what "
	  "would be found,\nsuch as dmarc=pass or author.verified=no; any "
	  "fact of muster-policy(5) can be\ngiven so. The envelope sender "
	  "is the author if --from does not say else.",
	  "LIST FILE", OPTION_JSON | OPTION_EVIDENCE, 2, 2, NO_PAIRS, false,
	  NULL, policy_test_run },
	{ "template", "ls", "[LIST|@DOMAIN|site]",
	  "Print the names of all texts of letters, with their languages.",
	  "Behind a language stands who has set a text of his own: the list, "
	  "its domain,\nor the site.",
	  "LIST", OPTION_JSON, 0, 1, NO_PAIRS, false, NULL, template_ls_run },
	{ "template", "show", "NAME [LIST|@DOMAIN|site]",
	  "Print the text that holds.",
	  "Without --language that of the list; where there is none, in "
	  "English.", "TEMPLATE LIST",
	  OPTION_LANGUAGE | OPTION_PREVIEW | OPTION_JSON, 1, 2, NO_PAIRS,
	  false, NULL, template_show_run },
	{ "template", "set", "LIST|@DOMAIN|site NAME [FILE|-]",
	  "Make the text of a file a letter's own; it is checked first.",
	  "Without FILE, or with -, it is read from stdin. Without "
	  "--language it is in that\nof the list.",
	  "LIST TEMPLATE FILE", OPTION_LANGUAGE, 2, 3, NO_PAIRS, false, NULL,
	  template_set_run },
	{ "template", "unset", "LIST|@DOMAIN|site NAME",
	  "Remove such a text, so that the inherited one holds.", NULL,
	  "LIST TEMPLATE", OPTION_LANGUAGE, 2, 2, NO_PAIRS, false, NULL,
	  template_unset_run },
	{ "template", "check", "FILE|-",
	  "Look for mistakes in the text of a letter.",
	  "A mistake is printed as FILE:LINE:COLUMN: what is wrong, and the "
	  "exit\nstatus is 1. Where the file is not called as the template "
	  "is, --name says which\nfields there are.",
	  "FILE", OPTION_NAME, 1, 1, NO_PAIRS, true, NULL,
	  template_check_run },
	{ "template", "fields", "[NAME]",
	  "Print the fields that a text may have: without NAME those of all.",
	  NULL, "TEMPLATE", OPTION_JSON, 0, 1, NO_PAIRS, true, NULL,
	  template_fields_run },
	{ "bounce", "ls", "LIST",
	  "Print the members whose mail comes back.",
	  "Tabs between address, state (score, probe, off, warned), score, "
	  "last bounce,\nwhat is done next and when, and what the mail server "
	  "has said.", "LIST", OPTION_JSON | OPTION_OFF, 1, 1, NO_PAIRS,
	  false, NULL, bounce_ls_run },
	{ "bounce", "show", "LIST ADDR",
	  "Print what has come back from a member, and what followed.", NULL,
	  "LIST ADDR", OPTION_JSON, 2, 2, NO_PAIRS, false, NULL,
	  bounce_show_run },
	{ "bounce", "reset", "LIST ADDR...",
	  "Forget what has failed; who was turned off for it gets posts "
	  "again.", NULL, "LIST ADDR", 0, 2, ANY, NO_PAIRS, false, NULL,
	  bounce_reset_run },
	{ "bounce", "test", "FILE|-",
	  "Say whose delivery has failed, as a message tells that came back.",
	  "A line CLASS TAB ADDRESS for each: hard or soft. A message that "
	  "reports no\nfailure is \"none\": also a warning of a delay, an "
	  "automatic reply, a complaint.\n--json tells which of them, and the "
	  "reasons. The file may be an mbox.", "FILE", OPTION_JSON, 1, 1,
	  NO_PAIRS, true, NULL, bounce_test_run },
	{ "trace", NULL, "MESSAGE-ID|ID",
	  "Tell the story of a post, by its Message-ID, its id, the MTA's "
	  "queue id, or the id of a job.", NULL, "ID", OPTION_JSON, 1, 1,
	  NO_PAIRS, false, NULL, trace_run },
	{ "status", NULL, "",
	  "Print what there is: lists, members, jobs, free space.", NULL, "",
	  OPTION_JSON, 0, 0, NO_PAIRS, false, NULL, status_run },
	{ "top", NULL, "",
	  "Show relays, lists and queue at work; q ends it.",
	  "Where stdout is no terminal, and with --once or --json, it is one "
	  "look.", "", OPTION_LIVE | OPTION_JSON, 0, 0, NO_PAIRS, false,
	  top_check, top_run },
	{ "check", NULL, "",
	  "Look for what is wrong: settings, sockets, relay, lists, "
	  "database.",
	  "A line for each finding, beginning with ok, warning or error; with "
	  "an\nerror the exit status is 1.", "", OPTION_JSON, 0, 0, NO_PAIRS,
	  false, NULL, check_run },
	{ "backup", NULL, "DIR",
	  "Copy the database into a new or empty directory, while it is "
	  "used.", NULL, "DIR", 0, 1, 1, NO_PAIRS, false, NULL, backup_run },
	{ "dump", NULL, "[LIST...]",
	  "Print the whole database, or these lists with their members, as "
	  "JSON Lines.", NULL, "LIST", 0, 0, ANY, NO_PAIRS, false, NULL,
	  dump_run },
	{ "load", NULL, "[FILE]",
	  "Put in what dump has printed; all is checked before anything is "
	  "changed.", "Without FILE, or with -, it is read from stdin.",
	  "FILE", OPTION_DRY_RUN | OPTION_JSON, 0, 1, NO_PAIRS, false, NULL,
	  load_run },
	{ "settings", NULL, "",
	  "Print every key of the settings file, with its default.", NULL, "",
	  OPTION_JSON, 0, 0, NO_PAIRS, true, NULL, settings_run },
	{ "completion", "bash", "", "Print the completion script for bash.",
	  NULL, "", 0, 0, 0, NO_PAIRS, true, NULL, completion_bash_run },
	{ "completion", "words", "-- [WORD...]",
	  "Print what may follow these words; the completion script asks "
	  "this.", NULL, "", 0, 0, ANY, NO_PAIRS, true, NULL,
	  completion_words_run },
	{ 0 },
};

/* Was all of it written? */
static enum admin_status
finish_output(const struct admin *admin)
{
	int problem;

	errno = 0;
	if (fflush(admin->out) == 0 && !ferror(admin->out))
		return ADMIN_DONE;
	problem = admin->out_problem != NULL ? *admin->out_problem : errno;
	/* Nobody reads any more, as with "| head": nothing to complain of. */
	if (problem == EPIPE)
		return ADMIN_REFUSED;
	if (problem == ECANCELED) {
		(void) fputs("muster: musterd stops, and not all was printed "
			     "(run it again)\n", admin->errors);
		return ADMIN_LATER;
	}
	(void) fprintf(admin->errors, "muster: the output could not be "
		       "written: %s\n", g_strerror(problem != 0 ? problem :
						    EIO));
	return ADMIN_REFUSED;
}

enum admin_status
admin_run(const struct admin *admin, int argc, char *const *argv)
{
	enum admin_status status, written;
	struct call call;

	if (verb_parse(argc, argv, admin->out, admin->errors, &call,
		       &status)) {
		call.admin = admin;
		g_assert(call.verb->storeless || admin->store != NULL);
		status = call.verb->run(&call);
	}
	call_done(&call);
	written = finish_output(admin);
	if (written != ADMIN_DONE && (status == ADMIN_DONE ||
				      status == ADMIN_REFUSED))
		status = written;
	(void) fflush(admin->errors);	/* where would we complain? */
	return status;
}

static char *
file_of(const struct call *call)
{
	g_auto(GStrv) kinds = g_strsplit(call->verb->takes, " ", -1);
	const char *file = call->file;

	for (int i = 0; kinds[i] != NULL && i < call->count; i++)
		if (strcmp(kinds[i], "FILE") == 0)
			file = call->args[i];
	return file != NULL && strcmp(file, "-") != 0 ? g_strdup(file) : NULL;
}

bool
admin_prepare(int argc, char *const *argv, struct admin_needs *needs,
	      enum admin_status *status)
{
	struct call call;
	bool good;

	*needs = (struct admin_needs){ 0 };
	good = verb_parse(argc, argv, stdout, stderr, &call, status);
	if (good) {
		needs->store = !call.verb->storeless;
		needs->config = g_strdup(call.config);
		needs->file = file_of(&call);
		needs->live = (call.verb->options & OPTION_LIVE) != 0 &&
			!call.json && !call.once;
		needs->interval_s = call.interval_s;
	}
	call_done(&call);
	return good;
}

void
admin_needs_done(struct admin_needs *needs)
{
	g_free(needs->config);
	g_free(needs->file);
	*needs = (struct admin_needs){ 0 };
}
