/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_T_TAP_H
#define MUSTER_T_TAP_H

#include <glib.h>

/*
 * A unit test is a table of cases, each named after the promise it keeps.
 * GLib's runner does the rest; it speaks TAP when told to, and prove runs
 * a test without arguments, so tap_run() tells it.
 */
struct tap_case {
	const char *promise;	/* "local part exactly" */
	void (*run)(void);
};

static inline int
tap_run(const char *module, const struct tap_case *cases)
{
	char program[] = "test", flag[] = "--tap";
	char *argv[] = { program, flag, NULL };
	char **args = argv;
	int argc = 2;

	g_test_init(&argc, &args, NULL);
	/* GLib's "Bail out!" would end all of prove, not this test only. */
	g_test_set_nonfatal_assertions();
	for (; cases->promise != NULL; cases++) {
		g_autofree char *path = g_strdup_printf("/%s/%s", module,
							cases->promise);

		g_test_add_func(path, cases->run);
	}
	return g_test_run();
}

#endif
