/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * A fuzz target without the fuzzer: every file of its corpus once, as TAP.
 * The program replay-x reads the directory given, or t/data/fuzz/x.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <glib.h>

#include "core/base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *
corpus_dir(const char *program)
{
	const char *src = g_getenv("MUSTER_SRC");
	const char *dash = strrchr(program, '-');

	return g_build_filename(src != NULL ? src : ".", "t", "data", "fuzz",
				dash != NULL ? dash + 1 : program, NULL);
}

static int
compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static GPtrArray *
list_files(const char *path)
{
	GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
	const char *name;

	while (dir != NULL && (name = g_dir_read_name(dir)) != NULL)
		g_ptr_array_add(names, g_build_filename(path, name, NULL));
	g_ptr_array_sort(names, compare);
	return names;
}

static bool
replay(const char *path)
{
	g_autofree char *bytes = NULL;
	gsize len;

	if (!g_file_get_contents(path, &bytes, &len, NULL))
		return false;
	(void) LLVMFuzzerTestOneInput((const uint8_t *)bytes, len);
	return true;
}

int
main(int argc, char **argv)
{
	g_autofree char *dir = argc > 1 ? g_strdup(argv[1])
		: corpus_dir(argv[0]);
	g_autoptr(GPtrArray) files = list_files(dir);
	bool all = true;

	if (files->len == 0) {
		printf("1..0 # SKIP no files in %s\n", dir);
		return 0;
	}
	printf("1..%u\n", files->len);
	for (guint i = 0; i < files->len; i++) {
		const char *path = g_ptr_array_index(files, i);
		g_autofree char *name = g_path_get_basename(path);
		bool ok = replay(path);

		printf("%s %u - %s\n", ok ? "ok" : "not ok", i + 1, name);
		(void) fflush(stdout);
		all &= ok;
	}
	return all ? 0 : 1;
}
