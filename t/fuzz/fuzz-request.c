/* SPDX-License-Identifier: BSD-2-Clause */

/* Commands by mail, and those that were sent to the list. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/command/request.h"
#include "core/mail/content.h"
#include "core/mail/mime.h"
#include "core/mail/misdirected.h"
#include "core/base/banned.h"

#define LIST "dev@lists.example.org"
#define MOST 10

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_text(const char *text)
{
	if (!g_utf8_validate(text, -1, NULL) || strchr(text, '\n') != NULL)
		abort();
}

static void
check_request(const struct request *request)
{
	check_text(request->line);
	check_text(request->value);
	check_text(request->addr);
	check_text(request->given);
	check_text(request->name);
	check_text(request->what);
	for (char **word = request->words; *word != NULL; word++)
		check_text(*word);
	if (request->verb == REQUEST_STOP || request->verb >= REQUEST_VERBS ||
	    (request->verb == REQUEST_NONE &&
	     request->fault == REQUEST_FINE))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree char *bytes = g_malloc0(size + 1), *text = NULL;
	struct requests *requests;
	struct header header;
	size_t body_at;

	mime_init();
	memcpy(bytes, data, size);
	if (!header_parse(bytes, size, &header, &body_at))
		return 0;
	requests = requests_of_post(LIST, &header, bytes + body_at,
				    size - body_at, MOST);
	if (requests->all->len > MOST)
		abort();
	for (guint i = 0; i < requests->all->len; i++)
		check_request(requests->all->pdata[i]);
	(void)requests_need_proof(requests);
	requests_free(requests);
	text = content_own_text(&header, bytes + body_at, size - body_at);
	(void)misdirected(LIST, &header, text);
	header_done(&header);
	return 0;
}
