/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/outbound/batch.h"

#include "core/base/banned.h"

static void
copy_done(void *data)
{
	struct copy *copy = data;

	g_free(copy->addr);
	g_free(copy->key);
	g_free(copy->reply);
}

struct batch *
batch_new(struct composed *what, void *owner)
{
	struct batch *batch = g_new0(struct batch, 1);

	batch->what = composed_ref(what);
	batch->owner = owner;
	batch->copies = g_array_new(FALSE, TRUE, sizeof(struct copy));
	g_array_set_clear_func(batch->copies, copy_done);
	g_queue_init(&batch->again);
	return batch;
}

void
batch_add(struct batch *batch, const char *addr, const char *key,
	  const char *token)
{
	struct copy copy = {
		.addr = g_strdup(addr), .key = g_strdup(key),
		.result = COPY_OPEN,
	};

	(void) g_strlcpy(copy.token, token, sizeof(copy.token));
	g_array_append_val(batch->copies, copy);
}

void
batch_free(struct batch *batch)
{
	if (batch == NULL)
		return;
	composed_unref(batch->what);
	g_array_free(batch->copies, TRUE);
	g_queue_clear(&batch->again);
	g_free(batch->last);
	g_free(batch);
}
