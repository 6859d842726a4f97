/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/inbound/sets.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>

#include <glib.h>

#include "core/base/log.h"
#include "core/mail/addr.h"
#include "core/mail/pattern.h"
#include "core/base/banned.h"

#define SET_BYTES_MAX (64LL * 1024 * 1024)
#define NAME_MAX_LEN 64

struct set {
	struct timespec changed;
	off_t size;
	ino_t inode;
	GHashTable *addrs;	/* canonical; most lines are such */
	GPtrArray *patterns;
};

struct sets {
	char *dir;
	pthread_mutex_t lock;	/* of all */
	GHashTable *by_name;	/* of struct set */
};

static void
set_free(void *data)
{
	struct set *set = data;

	g_hash_table_destroy(set->addrs);
	g_ptr_array_unref(set->patterns);
	g_free(set);
}

struct sets *
sets_new(const char *dir)
{
	struct sets *sets = g_new0(struct sets, 1);

	sets->dir = g_strdup(dir);
	sets->by_name = g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
					      set_free);
	(void)pthread_mutex_init(&sets->lock, NULL);
	return sets;
}

void
sets_free(struct sets *sets)
{
	if (sets == NULL)
		return;
	g_hash_table_destroy(sets->by_name);
	(void)pthread_mutex_destroy(&sets->lock);
	g_free(sets->dir);
	g_free(sets);
}

static void
read_line(struct set *set, const char *path, unsigned int number, char *line)
{
	char *addr;

	line[strcspn(line, "#")] = '\0';
	g_strstrip(line);
	if (line[0] == '\0')
		return;
	addr = strchr(line, '*') == NULL && line[0] != '@' ? addr_canon(line)
							   : NULL;
	if (addr != NULL)
		(void)g_hash_table_add(set->addrs, addr);
	else if (address_pattern_check(line) == NULL)
		g_ptr_array_add(set->patterns, g_strdup(line));
	else
		log_warning(NULL, "set.line", kv_str("file", path),
			    kv_num("line", number),
			    kv_str("what", address_pattern_check(line)));
}

/* NULL: it cannot be read */
static struct set *
set_read(const char *path, const struct stat *st)
{
	g_autofree char *text = NULL;
	g_auto(GStrv) lines = NULL;
	struct set *set;

	if (!S_ISREG(st->st_mode) || st->st_size > SET_BYTES_MAX ||
	    !g_file_get_contents(path, &text, NULL, NULL))
		return NULL;
	set = g_new0(struct set, 1);
	set->changed = st->st_mtim;
	set->size = st->st_size;
	set->inode = st->st_ino;
	set->addrs = g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
					   NULL);
	set->patterns = g_ptr_array_new_with_free_func(g_free);
	lines = g_strsplit(text, "\n", -1);
	for (unsigned int i = 0; lines[i] != NULL; i++)
		read_line(set, path, i + 1, lines[i]);
	return set;
}

static bool
is_current(const struct set *set, const struct stat *st)
{
	return set->changed.tv_sec == st->st_mtim.tv_sec &&
	       set->changed.tv_nsec == st->st_mtim.tv_nsec &&
	       set->size == st->st_size && set->inode == st->st_ino;
}

/* with the lock; *missing: there is no such file */
static const struct set *
set_get(struct sets *sets, const char *name, bool *missing)
{
	g_autofree char *path = g_build_filename(sets->dir, name, NULL);
	struct set *set = g_hash_table_lookup(sets->by_name, name);
	struct stat st;

	*missing = false;
	if (stat(path, &st) != 0) {
		*missing = errno == ENOENT;
		set = NULL;
	} else if (set != NULL && is_current(set, &st)) {
		return set;
	} else {
		set = set_read(path, &st);
	}
	if (set != NULL)
		g_hash_table_replace(sets->by_name, g_strdup(name), set);
	else
		log_warning(NULL, "set.unreadable", kv_str("file", path),
			    kv_str("todo", "see in file() in "
					   "muster-policy(5)"));
	return set;
}

static bool
set_has(const struct set *set, const char *text)
{
	if (g_hash_table_contains(set->addrs, text))
		return true;
	for (guint i = 0; i < set->patterns->len; i++)
		if (address_matches(set->patterns->pdata[i], text))
			return true;
	return false;
}

/* A name is no path. */
static bool
is_name(const char *name)
{
	return name[0] != '\0' && name[0] != '.' &&
	       strlen(name) <= NAME_MAX_LEN && strchr(name, '/') == NULL;
}

enum truth
sets_have(struct sets *sets, const char *name, const char *text)
{
	enum truth truth = TRUTH_NO;
	const struct set *set;
	bool missing;

	if (!is_name(name))
		return TRUTH_NO;
	(void)pthread_mutex_lock(&sets->lock);
	set = set_get(sets, name, &missing);
	if (set != NULL)
		truth = set_has(set, text) ? TRUTH_YES : TRUTH_NO;
	else if (!missing)
		truth = TRUTH_UNKNOWN;
	(void)pthread_mutex_unlock(&sets->lock);
	return truth;
}
