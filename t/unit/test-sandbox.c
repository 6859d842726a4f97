/* SPDX-License-Identifier: BSD-2-Clause */
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <glib.h>
#include <glib/gstdio.h>

#include "core/base/sandbox.h"
#include "core/base/wire.h"
#include "t/lib/tap.h"

#define MEGA (1024 * 1024)

/* What a kernel, or a service that confines musterd, may leave us. The last
 * is enough only where musterd is root and the program is not. */
static const struct mode {
	const char *name;
	const char *const without[3];
} modes[] = {
	{ "all", { NULL } },
	{ "without namespaces", { "namespaces", NULL } },
	{ "without Landlock", { "landlock", NULL } },
	{ "with neither", { "namespaces", "landlock", NULL } },
};
#define MODES G_N_ELEMENTS(modes)

struct try {
	struct sandbox_order order;
	const struct mode *mode;
	char *argv[5];
	struct sandbox_result result;
	struct err err;
	enum err_code rc;
	int64_t took_ms;
	char *output;
};

static char *
helper_path(void)
{
	g_autofree char *self = g_file_read_link("/proc/self/exe", NULL);
	g_autofree char *dir = g_path_get_dirname(self);

	return g_build_filename(dir, "..", "..", "muster-sandbox", NULL);
}

static void
try_init(struct try *try, const struct mode *mode, const char *shell,
	 const char *script)
{
	memset(try, 0, sizeof(*try));
	try->mode = mode;
	try->argv[0] = (char *)(uintptr_t)shell;
	try->argv[1] = (char *)(uintptr_t)(g_str_has_suffix(shell, "perl") ?
					   "-e" : "-c");
	try->argv[2] = (char *)(uintptr_t)script;
	try->order = (struct sandbox_order){
		.helper = helper_path(), .user = "nobody",
		.argv = try->argv, .without = mode->without,
		.input = g_bytes_new_static("hello\n", 6),
		.limits = sandbox_limits_usual,
	};
}

static void
try_run(struct try *try)
{
	const int64_t from_ms = wire_now_ms();
	gsize len = 0;
	const char *bytes = "";

	try->rc = sandbox_run(&try->order, &try->result, &try->err);
	try->took_ms = wire_now_ms() - from_ms;
	if (try->result.output != NULL)
		bytes = g_bytes_get_data(try->result.output, &len);
	try->output = len > 0 ? g_strndup(bytes, len) : g_strdup("");
	if (try->rc != ERR_OK)
		g_test_message("%s: %s", try->mode->name, try->err.what);
	else if (try->result.complaint[0] != '\0')
		g_test_message("%s: %.60s", try->mode->name,
			       try->result.complaint);
}

static void
try_done(struct try *try)
{
	g_free((char *)(uintptr_t)try->order.helper);
	g_bytes_unref(try->order.input);
	sandbox_result_done(&try->result);
	g_free(try->output);
}

/* Does the kernel give it, and the mode leave it? */
static bool
has(const struct mode *mode, const char *what)
{
	static char *holds;
	g_autofree char *lacks = g_strconcat("no ", what, NULL);

	if (holds == NULL) {
		struct try try;

		try_init(&try, &modes[0], "/bin/sh", "cat");
		try_run(&try);
		g_assert_cmpint(try.rc, ==, ERR_OK);
		holds = g_strdup(try.result.holds);
		g_test_message("this kernel gives: %s", holds);
		try_done(&try);
	}
	return strstr(holds, lacks) == NULL &&
		!g_strv_contains(mode->without, g_strcmp0(what, "Landlock") ==
				 0 ? "landlock" : what);
}

/* Does it keep a program from files that everybody may read? */
static bool
mode_hides(const struct mode *mode)
{
	return has(mode, "namespaces") || has(mode, "Landlock");
}

static bool
mode_works(const struct mode *mode)
{
	return mode_hides(mode) || geteuid() == 0;
}

static void
run_script(struct try *try, const struct mode *mode, const char *shell,
	   const char *script)
{
	try_init(try, mode, shell, script);
	try_run(try);
}

/* In each mode the script writes this, and exits with 0. */
static void
expect(const char *shell, const char *script, const char *output)
{
	for (size_t i = 0; i < MODES; i++) {
		struct try try;

		if (!mode_works(&modes[i]))
			continue;
		run_script(&try, &modes[i], shell, script);
		g_assert_cmpint(try.rc, ==, ERR_OK);
		g_assert_cmpint(try.result.end, ==, SANDBOX_EXITED);
		g_assert_cmpint(try.result.status, ==, 0);
		g_assert_cmpstr(try.output, ==, output);
		try_done(&try);
	}
}

/* How many processes have this in their command line? */
static unsigned int
count_processes(const char *mark)
{
	g_autoptr(GDir) dir = g_dir_open("/proc", 0, NULL);
	const char *name;
	unsigned int count = 0;

	while ((name = g_dir_read_name(dir)) != NULL) {
		g_autofree char *path = g_build_filename("/proc", name,
							 "cmdline", NULL);
		g_autofree char *line = NULL;
		gsize len;

		if (!g_ascii_isdigit(name[0]) ||
		    !g_file_get_contents(path, &line, &len, NULL))
			continue;
		for (gsize i = 0; i < len; i++)
			if (line[i] == '\0')
				line[i] = ' ';
		count += len > 0 && strstr(line, mark) != NULL;
	}
	return count;
}

/* --- the use of it ------------------------------------------------------ */

static void
test_filter(void)
{
	expect("/bin/sh", "sed s/hello/bye/", "bye\n");
	expect("/usr/bin/perl", "print uc while <STDIN>", "HELLO\n");
}

static void
test_holds(void)
{
	struct try try;

	for (size_t i = 0; i < MODES; i++) {
		run_script(&try, &modes[i], "/bin/sh", "cat");
		if (mode_works(&modes[i])) {
			g_assert_cmpint(try.rc, ==, ERR_OK);
			g_test_message("%s: %s", modes[i].name,
				       try.result.holds);
		} else {
			g_assert_cmpint(try.rc, ==, ERR_INVALID);
			g_assert_nonnull(strstr(try.err.what, "Landlock"));
		}
		try_done(&try);
	}
}

/* Both sides write before they read, and neither waits for ever. */
static void
test_large(void)
{
	static const char *const scripts[] = {
		"print while <STDIN>",
		"$/ = undef; my $all = 'y' x 10485760; print $all; <STDIN>",
		"print 'y' x 10485760; close STDOUT; 1 while <STDIN>",
	};

	for (size_t i = 0; i < G_N_ELEMENTS(scripts) * MODES; i++) {
		struct try try;
		g_autofree char *large = g_strnfill(10 * MEGA, 'y');

		if (!mode_works(&modes[i % MODES]))
			continue;
		try_init(&try, &modes[i % MODES], "/usr/bin/perl",
			 scripts[i / MODES]);
		g_bytes_unref(try.order.input);
		try.order.input = g_bytes_new(large, 10 * MEGA);
		try_run(&try);
		g_assert_cmpint(try.rc, ==, ERR_OK);
		g_assert_cmpint(try.result.end, ==, SANDBOX_EXITED);
		/* no dump of it in the log */
		g_assert_true(strcmp(try.output, large) == 0);
		try_done(&try);
	}
}

static void
test_input_closed(void)
{
	struct try try;
	g_autofree char *large = g_strnfill(10 * MEGA, 'y');

	try_init(&try, &modes[0], "/bin/sh", "exec 0<&-; echo enough");
	g_bytes_unref(try.order.input);
	try.order.input = g_bytes_new(large, 10 * MEGA);
	try_run(&try);
	g_assert_cmpint(try.rc, ==, ERR_OK);
	g_assert_cmpstr(try.output, ==, "enough\n");
	try_done(&try);
}

static void
test_output_closed(void)
{
	struct try try;

	run_script(&try, &modes[0], "/bin/sh",
		   "echo some; exec 1>&-; sleep 0.3; exit 4");
	g_assert_cmpint(try.rc, ==, ERR_OK);
	g_assert_cmpint(try.result.status, ==, 4);
	g_assert_cmpstr(try.output, ==, "some\n");
	try_done(&try);
}

static void
test_ends(void)
{
	static const struct {
		const char *script;
		enum sandbox_end end;
		int status;
		const char *text;
	} ends[] = {
		{ "exit 0", SANDBOX_EXITED, 0, "exit status 0" },
		{ "exit 99", SANDBOX_EXITED, 99, "exit status 99" },
		{ "exit 75", SANDBOX_EXITED, 75, "exit status 75" },
		{ "kill -TERM $$", SANDBOX_SIGNALLED, SIGTERM,
		  "killed by signal 15 (Terminated)" },
		{ "kill -SEGV $$", SANDBOX_SIGNALLED, SIGSEGV,
		  "killed by signal 11 (Segmentation fault)" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(ends); i++) {
		g_autofree char *text = NULL;
		struct try try;

		run_script(&try, &modes[0], "/bin/sh", ends[i].script);
		g_assert_cmpint(try.rc, ==, ERR_OK);
		g_assert_cmpint(try.result.end, ==, ends[i].end);
		g_assert_cmpint(try.result.status, ==, ends[i].status);
		text = sandbox_end_text(&try.result, &try.order.limits);
		g_assert_cmpstr(text, ==, ends[i].text);
		try_done(&try);
	}
}

static void
test_complaint(void)
{
	static const struct { const char *script, *complaint; } said[] = {
		{ "exit 1", "" },
		{ "printf '\\n  no key\\r\\nmore\\n' >&2; exit 1", "no key" },
		{ "printf 'a\\033[31m\\377b' >&2; exit 1", "a [31m\xef\xbf\xbd"
		  "b" },
		{ "echo first >&2; yes >&2 | head -c 1000000; exit 1",
		  "first" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(said); i++) {
		struct try try;

		run_script(&try, &modes[0], "/bin/sh", said[i].script);
		g_assert_cmpint(try.rc, ==, ERR_OK);
		g_assert_cmpstr(try.result.complaint, ==, said[i].complaint);
		try_done(&try);
	}
}

static void
test_environment(void)
{
	char *env[] = {
		(char *)(uintptr_t)"MUSTER_LIST=dev@lists.example.org",
		(char *)(uintptr_t)"MUSTER_SENDER=", NULL
	};

	(void) g_setenv("MUSTER_TEST_SECRET", "x", TRUE);
	for (size_t i = 0; i < MODES; i++) {
		struct try try;

		if (!mode_works(&modes[i]))
			continue;
		try_init(&try, &modes[i], "/usr/bin/perl",
			 "print join ' ', map { /^(HOME|TMPDIR)$/ ? $_ : "
			 "\"$_=$ENV{$_}\" } sort keys %ENV; "
			 "chdir $ENV{HOME} or die; "
			 "print $ENV{HOME} eq $ENV{TMPDIR} ? '!' : '?'");
		try.order.env = env;
		try_run(&try);
		g_assert_cmpstr(try.output, ==, "HOME LANG=C.UTF-8 "
				"MUSTER_LIST=dev@lists.example.org "
				"MUSTER_SENDER= PATH=/usr/local/bin:/usr/bin:"
				"/bin TMPDIR!");
		try_done(&try);
	}
}

static void
test_not_there(void)
{
	static const char *const paths[] = {
		"/usr/bin/there-is-no-such", "/nowhere/at/all", "relative",
		"/usr", "/etc/passwd", "/",
	};

	for (size_t i = 0; i < G_N_ELEMENTS(paths); i++) {
		struct try try;

		run_script(&try, &modes[0], paths[i], "");
		g_assert_cmpint(try.rc, ==, ERR_INVALID);
		g_assert_nonnull(strstr(try.err.what, paths[i]));
		try_done(&try);
	}
}

static void
test_no_helper(void)
{
	struct try try;

	try_init(&try, &modes[0], "/bin/sh", "cat");
	g_free((char *)(uintptr_t)try.order.helper);
	try.order.helper = g_strdup("/nowhere/muster-sandbox");
	try_run(&try);
	g_assert_cmpint(try.rc, ==, ERR_IO);
	try_done(&try);
}

static void *
run_one(void *unused)
{
	for (int i = 0; i < 5; i++) {
		struct try try;
		g_autofree char *large = g_strnfill(MEGA, (char)('a' + i));

		try_init(&try, &modes[0], "/bin/sh", "cat");
		g_bytes_unref(try.order.input);
		try.order.input = g_bytes_new(large, MEGA);
		try_run(&try);
		g_assert_cmpint(try.rc, ==, ERR_OK);
		g_assert_true(strcmp(try.output, large) == 0);
		try_done(&try);
	}
	return unused;
}

static void
test_threads(void)
{
	GThread *threads[6];

	for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
		threads[i] = g_thread_new("run", run_one, NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
		(void) g_thread_join(threads[i]);
}

/* --- limits ------------------------------------------------------------- */

/* It ends so, in each mode, soon, and leaves nobody who has the mark. */
static void
expect_end(const char *shell, const char *script,
	   const struct sandbox_limits *limits, enum sandbox_end end)
{
	for (size_t i = 0; i < MODES; i++) {
		struct try try;

		if (!mode_works(&modes[i]))
			continue;
		try_init(&try, &modes[i], shell, script);
		try.order.limits = *limits;
		try_run(&try);
		g_assert_cmpint(try.rc, ==, ERR_OK);
		g_assert_cmpint(try.result.end, ==, end);
		g_assert_cmpint(try.took_ms, <, limits->time_ms + 15000);
		g_assert_cmpuint(count_processes("98765"), ==, 0);
		try_done(&try);
	}
}

static void
test_hang(void)
{
	struct sandbox_limits limits = sandbox_limits_usual;

	limits.time_ms = 400;
	expect_end("/bin/sh", "sleep 98765", &limits, SANDBOX_LATE);
	expect_end("/usr/bin/perl", "$SIG{$_} = 'IGNORE' for keys %SIG; "
		   "close STDIN; close STDOUT; close STDERR; "
		   "while (98765) { sleep 1000 }", &limits, SANDBOX_LATE);
	/* nor does it hurry because nobody reads */
	expect_end("/usr/bin/perl", "$SIG{PIPE} = 'IGNORE'; 98765; "
		   "while (1) { print STDERR 'x' x 1000 }", &limits,
		   SANDBOX_LATE);
}

static void
test_children(void)
{
	static const char script[] =
		"(sleep 98765 &) ; setsid sleep 98765 & "
		"perl -e 'use POSIX; for (1..3) { if (!fork) { setsid; "
		"exit if fork; setsid; exec qw(sleep 98765) } }' ; "
		"sleep 0.1; echo done";

	expect("/bin/sh", script, "done\n");
	g_assert_cmpuint(count_processes("98765"), ==, 0);
}

static void
test_fork_bomb(void)
{
	struct sandbox_limits limits = sandbox_limits_usual;

	limits.time_ms = 1500;
	limits.processes = 12;
	expect_end("/usr/bin/perl", "98765; while (1) { fork }", &limits,
		   SANDBOX_LATE);
	/* each parent ends, so that none stays for long */
	expect_end("/usr/bin/perl", "98765; if (!fork) { while (1) { "
		   "fork and exit } } sleep 1000", &limits, SANDBOX_LATE);
}

static void
test_processes(void)
{
	for (size_t i = 0; i < MODES; i++) {
		struct try try;

		if (!mode_works(&modes[i]))
			continue;
		try_init(&try, &modes[i], "/usr/bin/perl",
			 "my $n = 0; while (defined(my $pid = fork)) { "
			 "if (!$pid) { sleep 1000 } last if ++$n > 100 } "
			 "print $n");
		try.order.limits.processes = 10;
		try_run(&try);
		g_assert_cmpint(try.rc, ==, ERR_OK);
		/* where the number is the user's, others may count */
		g_assert_cmpint(g_ascii_strtoll(try.output, NULL, 10), <=, 10);
		g_assert_cmpint(g_ascii_strtoll(try.output, NULL, 10), >=, 
				has(&modes[i], "namespaces") ? 9 : 1);
		try_done(&try);
	}
}

static void
test_memory(void)
{
	for (size_t i = 0; i < MODES; i++) {
		struct try try;

		if (!mode_works(&modes[i]))
			continue;
		try_init(&try, &modes[i], "/usr/bin/perl",
			 "my $x = 'x' x (200 << 20); print 'has'");
		try.order.limits.memory = 100 * MEGA;
		try_run(&try);
		g_assert_cmpint(try.rc, ==, ERR_OK);
		g_assert_cmpstr(try.output, ==, "");
		g_assert_false(try.result.end == SANDBOX_EXITED &&
			       try.result.status == 0);
		try_done(&try);
	}
}

static void
test_flood(void)
{
	struct sandbox_limits limits = sandbox_limits_usual;

	limits.output = 3 * MEGA;
	expect_end("/bin/sh", "yes 98765", &limits, SANDBOX_FLOOD);
	expect_end("/bin/sh", "head -c 3145729 /dev/zero; sleep 98765",
		   &limits, SANDBOX_FLOOD);
	expect_end("/bin/sh", "head -c 3145728 /dev/zero", &limits,
		   SANDBOX_EXITED);
}

static void
test_cpu(void)
{
	for (size_t i = 0; i < 2; i++) {
		struct try try;

		if (!mode_works(&modes[i]))
			continue;
		try_init(&try, &modes[i], "/usr/bin/perl", "1 while 1");
		try.order.limits.cpu_s = 1;
		try_run(&try);
		g_assert_cmpint(try.rc, ==, ERR_OK);
		g_assert_cmpint(try.result.end, ==, SANDBOX_SIGNALLED);
		g_assert_cmpint(try.result.status, ==, SIGXCPU);
		try_done(&try);
	}
}

static void
test_files(void)
{
	expect("/usr/bin/perl", "my @f; while (open my $f, '<', '/dev/null') "
	       "{ push @f, $f } print @f > 50 && @f <= 64 ? 'ok' : @f", "ok");
	/* no core, and no file over its space */
	expect("/bin/sh", "ulimit -c", "0\n");
	expect("/bin/sh", "cd $TMPDIR; head -c 70000000 /dev/zero >f "
	       "2>/dev/null || echo no; wc -c <f", "no\n67108864\n");
}

static bool
is_stopped(void *arg)
{
	int *asked = arg;

	return ++*asked > 3;
}

static void
test_stopped(void)
{
	struct try try;
	int asked = 0;

	try_init(&try, &modes[0], "/bin/sh", "sleep 98765");
	try.order.is_stopped = is_stopped;
	try.order.arg = &asked;
	try_run(&try);
	g_assert_cmpint(try.rc, ==, ERR_OK);
	g_assert_cmpint(try.result.end, ==, SANDBOX_STOPPED);
	g_assert_cmpint(try.took_ms, <, 15000);
	try_done(&try);
}

/* --- what is not its ---------------------------------------------------- */

static void
test_network(void)
{
	expect("/usr/bin/perl", "use Socket; "
	       "for my $f (AF_INET, AF_INET6, AF_UNIX) { "
	       "print socket(my $s, $f, $_, 0) ? 'yes' : 'no' "
	       "for SOCK_STREAM, SOCK_DGRAM } "
	       "print socketpair(my $a, my $b, AF_UNIX, SOCK_DGRAM, 0) ? "
	       "'yes' : 'no'; "
	       "print socketpair($a, $b, AF_UNIX, SOCK_STREAM, 0) ? "
	       "'yes' : 'no'", "nonononononono" "yes");
}

struct home {
	char *dir, *file, *sub;
};

/* As muster's home, but that everybody may read it: only the fence keeps the
 * program from it. */
static void
home_make(struct home *home)
{
	home->dir = g_dir_make_tmp("home-XXXXXX", NULL);
	home->file = g_build_filename(home->dir, "secret", NULL);
	g_assert_true(g_file_set_contents(home->file, "the roster", -1,
					  NULL));
	g_assert_cmpint(g_chmod(home->dir, 0777), ==, 0);
	g_assert_cmpint(g_chmod(home->file, 0666), ==, 0);
}

static void
home_remove(struct home *home)
{
	(void) g_unlink(home->file);
	(void) g_rmdir(home->dir);
	g_free(home->file);
	g_free(home->dir);
}

static void
test_home(void)
{
	struct home home;
	g_autofree char *script = NULL, *text = NULL;

	home_make(&home);
	script = g_strdup_printf(
		"cat %1$s; echo x >%1$s; echo x >%2$s/new; ls %2$s; "
		"rm -f %1$s; mv %1$s %2$s/other; ln %1$s here; "
		"cat /proc/%3$d/environ /proc/%3$d/root%1$s; "
		"cat /etc/shadow; echo x >/usr/bin/x; "
		"mkdir /new; echo x >/etc/x; exec 2>&1; echo end",
		home.file, home.dir, (int)getpid());
	/* Without either it is its mode, 0700, that keeps another user out. */
	for (size_t i = 0; i < MODES; i++) {
		struct try try;

		if (!mode_hides(&modes[i]))
			continue;
		run_script(&try, &modes[i], "/bin/sh", script);
		g_assert_cmpint(try.rc, ==, ERR_OK);
		g_assert_cmpstr(try.output, ==, "end\n");
		try_done(&try);
	}
	g_assert_true(g_file_get_contents(home.file, &text, NULL, NULL));
	g_assert_cmpstr(text, ==, "the roster");
	home_remove(&home);
}

static void
test_paths(void)
{
	struct home home;
	g_autofree char *script = NULL;

	home_make(&home);
	script = g_strdup_printf("cat %1$s; echo x >%1$s || echo no",
				 home.file);
	for (size_t i = 0; i < MODES; i++) {
		struct try try;

		if (!mode_hides(&modes[i]))
			continue;
		try_init(&try, &modes[i], "/bin/sh", script);
		try.order.paths = (char *[]){ home.dir, NULL };
		try_run(&try);
		g_assert_cmpint(try.rc, ==, ERR_OK);
		g_assert_cmpstr(try.output, ==, "the rosterno\n");
		try_done(&try);
	}
	home_remove(&home);
}

static void
test_signals(void)
{
	g_autofree char *script = g_strdup_printf(
		"my @no = map { kill(0, $_) ? 'yes' : 'no' } %d, %d, -1; "
		"print \"@no \"; my $pid = fork; "
		"if (!$pid) { sleep 1000; exit } "
		"print setpriority(0, %d, 10) ? 'yes' : 'no'; "
		"print syscall(101, 16, %d, 0, 0) < 0 ? 'no' : 'yes'; ",
		(int)getpid(), (int)getppid(), (int)getpid(),
		(int)getpid());

	for (size_t i = 0; i < MODES; i++) {
		struct try try;

		if (!mode_works(&modes[i]))
			continue;
		run_script(&try, &modes[i], "/usr/bin/perl", script);
		g_assert_cmpint(try.rc, ==, ERR_OK);
		g_assert_true(g_str_has_prefix(try.output, "no no "));
#ifdef __x86_64__
		g_assert_true(g_str_has_suffix(try.output, "nono"));
#endif
		try_done(&try);
	}
}

static volatile sig_atomic_t signalled;

static void
count_signal(int number)
{
	(void) number;
	signalled = 1;
}

/* The kernel would send it, for a descriptor that is ready. */
static void
test_ordered_signals(void)
{
	g_autofree char *script = g_strdup_printf(
		"use Fcntl qw(F_SETFL); pipe my $r, my $w; "
		"fcntl $r, 10, %d; fcntl $r, 8, %d; "
		"fcntl $r, F_SETFL, 020000; syswrite $w, 'x'; print 'end'",
		SIGUSR2, (int)getpid());

	(void) signal(SIGUSR2, count_signal);
	expect("/usr/bin/perl", script, "end");
	g_assert_false(signalled);
	(void) signal(SIGUSR2, SIG_DFL);
}

/* Whatever we have open, with or without close-on-exec. */
static void
test_descriptors(void)
{
	int fds[100];

	for (size_t i = 0; i < G_N_ELEMENTS(fds); i++)
		fds[i] = open("/dev/null", O_RDWR);
	expect("/usr/bin/perl", "use POSIX; for my $n (0..2000) { "
	       "print \"$n \" if defined fcntl_ok($n) } "
	       "sub fcntl_ok { my $fd = POSIX::dup2($_[0], 63) // return; "
	       "POSIX::close(63) if $_[0] != 63; 1 }", "0 1 2 ");
	for (size_t i = 0; i < G_N_ELEMENTS(fds); i++)
		(void) close(fds[i]);
}

static void
test_privileges(void)
{
	expect("/usr/bin/perl", "print $> != 0 ? 'some' : 'root'; "
	       "print setpgrp(0, 0) ? '' : '';", "some");
	/* nothing of that, whoever it is */
	expect("/bin/sh", "unshare -U true 2>/dev/null && echo yes; "
	       "unshare -Ur true 2>/dev/null && echo yes; "
	       "chroot / true 2>/dev/null && echo yes; "
	       "mount -t tmpfs x /tmp 2>/dev/null && echo yes; echo end",
	       "end\n");
}

static void
test_tmp(void)
{
	g_autoptr(GDir) dir = NULL;
	const char *name;

	expect("/bin/sh", "cd; mkdir -p a/b; echo x >a/b/f; chmod 0 a; "
	       "ls -d a; : >98765; ls /tmp/98765 2>/dev/null || ls 98765 | "
	       "sed 's,^,/tmp/,'", "a\n/tmp/98765\n");
	dir = g_dir_open("/tmp", 0, NULL);
	while ((name = g_dir_read_name(dir)) != NULL)
		g_assert_cmpstr(name, !=, "98765");
}

static const struct tap_case cases[] = {
	{ "bytes in, bytes out", test_filter },
	{ "it is said what holds, and too little is refused", test_holds },
	{ "10 MB in and out, whoever begins", test_large },
	{ "a program need not read", test_input_closed },
	{ "nor keep its output open", test_output_closed },
	{ "how it ended is told", test_ends },
	{ "the first line of its complaint is kept", test_complaint },
	{ "its environment is what was ordered", test_environment },
	{ "a program that is not there", test_not_there },
	{ "a helper that is not there", test_no_helper },
	{ "many at once", test_threads },
	{ "one that hangs is ended", test_hang },
	{ "children do not outlive it", test_children },
	{ "a fork bomb ends with it", test_fork_bomb },
	{ "no more processes than are allowed", test_processes },
	{ "no more memory than is allowed", test_memory },
	{ "no more output than is allowed", test_flood },
	{ "no more CPU time than is allowed", test_cpu },
	{ "files, and their size", test_files },
	{ "it is ended when we stop", test_stopped },
	{ "no network and no socket", test_network },
	{ "nobody's files can be read or written", test_home },
	{ "but those that were named", test_paths },
	{ "no process of ours can be reached", test_signals },
	{ "nor by way of the kernel", test_ordered_signals },
	{ "no descriptor of ours reaches it", test_descriptors },
	{ "no privilege, and no way to one", test_privileges },
	{ "a directory of its own, which goes", test_tmp },
	{ NULL, NULL }
};

int
main(void)
{
	(void) signal(SIGPIPE, SIG_IGN);
	return tap_run("sandbox", cases);
}
