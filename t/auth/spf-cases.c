/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * For tests: SPF over records that are given. Lines on stdin, words apart by
 * tabs:
 *
 *	dns NAME TYPE STATUS [PREFERENCE HEX]
 *	ask CLIENT HELO SENDER	prints "RESULT TAB DOMAIN TAB REASON"
 *	new			forget all records
 *	time N			ask the last N times; prints microseconds each
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/auth/spf.h"
#include "core/base/wire.h"
#include "core/base/banned.h"

struct world {
	struct lookups *lookups;
	char *client, *helo, *sender;
};

static struct lookups *
no_records(void)
{
	return lookups_new(NULL, wire_now_ms() + 600000, NULL, NULL);
}

static GByteArray *
unhex(const char *hex)
{
	GByteArray *bytes = g_byte_array_new();

	for (; hex[0] != '\0' && hex[1] != '\0'; hex += 2) {
		guint8 byte = (guint8)(g_ascii_xdigit_value(hex[0]) * 16 +
				       g_ascii_xdigit_value(hex[1]));

		g_byte_array_append(bytes, &byte, 1);
	}
	return bytes;
}

static void
put(struct lookups *lookups, char **words)
{
	enum dns_type type = (enum dns_type)g_ascii_strtoull(words[2], NULL,
							     10);
	enum dns_status status = strcmp(words[3], "found") == 0 ? DNS_FOUND
				 : strcmp(words[3], "failed") == 0
					 ? DNS_FAILED
					 : DNS_NODATA;
	g_autoptr(GByteArray) data = unhex(status == DNS_FOUND ? words[5]
							       : "");
	struct dns_record record = {0};

	if (status == DNS_FOUND)
		record.preference = (unsigned int)g_ascii_strtoull(words[4],
								   NULL, 10);
	g_byte_array_append(data, (const guint8 *)"", 1);
	record.data = (const char *)data->data;
	record.len = data->len - 1;
	lookups_put(lookups, words[1], type, status,
		    status == DNS_FOUND ? &record : NULL);
}

static void
ask(const struct world *world, struct spf_evidence *out)
{
	const struct spf_question question = {
		.client = world->client,
		.helo = world->helo,
		.sender = world->sender,
		.receiver = "receiver.example",
	};

	if (!spf_check(world->lookups, &question, out))
		g_error("nothing is under way");
}

static void
answer(struct world *world, char **words)
{
	struct spf_evidence found;

	g_free(world->client);
	g_free(world->helo);
	g_free(world->sender);
	world->client = g_strdup(words[1]);
	world->helo = g_strdup(words[2]);
	world->sender = g_strdup(words[3]);
	spf_evidence_init(&found);
	ask(world, &found);
	(void)printf("%s\t%s\t%s\n", auth_result_name(found.result),
		     found.domain, found.reason);
	spf_evidence_done(&found);
}

static void
measure(const struct world *world, const char *count)
{
	long rounds = strtol(count, NULL, 10);
	struct spf_evidence found;
	clock_t since = clock();

	spf_evidence_init(&found);
	for (long i = 0; i < rounds; i++)
		ask(world, &found);
	(void)printf("%.2f\n", (double)(clock() - since) * 1e6 /
				       CLOCKS_PER_SEC / (double)rounds);
	spf_evidence_done(&found);
}

static void
obey(struct world *world, char **words)
{
	guint count = g_strv_length(words);

	if (strcmp(words[0], "dns") == 0 && count >= 4) {
		put(world->lookups, words);
	} else if (strcmp(words[0], "ask") == 0 && count == 4) {
		answer(world, words);
	} else if (strcmp(words[0], "time") == 0 && count == 2) {
		measure(world, words[1]);
	} else if (strcmp(words[0], "new") == 0) {
		lookups_free(world->lookups);
		world->lookups = no_records();
	} else {
		g_error("a line that is none: %s", words[0]);
	}
	(void)fflush(stdout);
}

int
main(void)
{
	struct world world = {.lookups = no_records()};
	char *line = NULL;
	size_t room = 0;
	ssize_t len;

	while ((len = getline(&line, &room, stdin)) > 0) {
		g_auto(GStrv) words = NULL;

		line[len - 1] = '\0';
		words = g_strsplit(line, "\t", -1);
		if (words[0] != NULL)
			obey(&world, words);
	}
	free(line);
	lookups_free(world.lookups);
	g_free(world.client);
	g_free(world.helo);
	g_free(world.sender);
	return 0;
}
