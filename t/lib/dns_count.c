/* SPDX-License-Identifier: BSD-2-Clause */
#include "t/lib/dns_count.h"

#include <pthread.h>
#include <time.h>

#include <glib.h>

#include "core/base/banned.h"

struct dns_counts {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	GHashTable *table;	/* "NAME TYPE" and "NAME" */
	FILE *log;
};

struct dns_counts *
dns_counts_new(void)
{
	struct dns_counts *counts = g_new0(struct dns_counts, 1);

	(void)pthread_mutex_init(&counts->lock, NULL);
	(void)pthread_cond_init(&counts->changed, NULL);
	counts->table = g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
					      NULL);
	return counts;
}

void
dns_counts_free(struct dns_counts *counts)
{
	g_hash_table_unref(counts->table);
	(void)pthread_cond_destroy(&counts->changed);
	(void)pthread_mutex_destroy(&counts->lock);
	g_free(counts);
}

/* Locked */
static void
add_one(struct dns_counts *counts, char *key)
{
	guint count = GPOINTER_TO_UINT(g_hash_table_lookup(counts->table, key));

	(void)g_hash_table_replace(counts->table, key,
				   GUINT_TO_POINTER(count + 1));
}

void
dns_count_add(struct dns_counts *counts, const char *name, const char *type,
	      bool is_tcp)
{
	(void)pthread_mutex_lock(&counts->lock);
	add_one(counts, g_strdup(name));
	add_one(counts, g_strdup_printf("%s %s", name, type));
	if (counts->log != NULL) {
		(void)fprintf(counts->log, "%s %s %s\n", name, type,
			      is_tcp ? "tcp" : "udp");
		(void)fflush(counts->log);
	}
	(void)pthread_cond_broadcast(&counts->changed);
	(void)pthread_mutex_unlock(&counts->lock);
}

/* Locked */
static unsigned int
count_of(struct dns_counts *counts, const char *name, const char *type)
{
	g_autofree char *key =
		type == NULL ? g_strdup(name)
			     : g_strdup_printf("%s %s", name, type);

	return GPOINTER_TO_UINT(g_hash_table_lookup(counts->table, key));
}

unsigned int
dns_count_get(struct dns_counts *counts, const char *name, const char *type)
{
	unsigned int count;

	(void)pthread_mutex_lock(&counts->lock);
	count = count_of(counts, name, type);
	(void)pthread_mutex_unlock(&counts->lock);
	return count;
}

bool
dns_count_await(struct dns_counts *counts, const char *name,
		const char *type, unsigned int wanted)
{
	struct timespec until;
	int rc = 0;
	bool result;

	(void)clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 60;
	(void)pthread_mutex_lock(&counts->lock);
	while (count_of(counts, name, type) < wanted && rc == 0)
		rc = pthread_cond_timedwait(&counts->changed, &counts->lock,
					    &until);
	result = count_of(counts, name, type) >= wanted;
	(void)pthread_mutex_unlock(&counts->lock);
	return result;
}

void
dns_count_log(struct dns_counts *counts, FILE *log)
{
	(void)pthread_mutex_lock(&counts->lock);
	counts->log = log;
	(void)pthread_mutex_unlock(&counts->lock);
}
