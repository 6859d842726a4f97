/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/outbound/batch.h"

#include <string.h>

#include "core/base/banned.h"

#define TEXTS_BLOCK 16384

struct batch *
batch_new(struct composed *what, struct settings *settings, void *owner)
{
	struct batch *batch = g_new0(struct batch, 1);

	batch->what = composed_ref(what);
	batch->settings = settings_ref(settings);
	batch->owner = owner;
	batch->weight = 1;
	batch->copies = g_array_new(FALSE, TRUE, sizeof(struct copy));
	batch->envelopes = g_array_new(FALSE, TRUE, sizeof(struct envelope));
	batch->texts = g_string_chunk_new(TEXTS_BLOCK);
	g_queue_init(&batch->again);
	return batch;
}

void
batch_add(struct batch *batch, const char *addr, const char *key,
	  const char *token, const struct domain_limit *limit)
{
	struct envelope envelope = { .first = batch->copies->len, .count = 1,
				     .limit = limit };
	struct copy copy = { .result = COPY_OPEN };

	copy.addr = g_string_chunk_insert(batch->texts, addr);
	copy.key = strcmp(addr, key) == 0 ? copy.addr :
		g_string_chunk_insert(batch->texts, key);
	(void) g_strlcpy(envelope.token, token, sizeof(envelope.token));
	g_array_append_val(batch->copies, copy);
	g_array_append_val(batch->envelopes, envelope);
}

void
batch_free(struct batch *batch)
{
	if (batch == NULL)
		return;
	for (guint i = 0; i < batch->copies->len; i++)
		g_free(batch_copy(batch, i)->reply);
	composed_unref(batch->what);
	settings_unref(batch->settings);
	g_array_free(batch->copies, TRUE);
	g_array_free(batch->envelopes, TRUE);
	g_string_chunk_free(batch->texts);
	g_queue_clear(&batch->again);
	g_free(batch->last);
	g_free(batch);
}
