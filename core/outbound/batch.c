/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/outbound/batch.h"

#include <string.h>

#include "core/mail/addr.h"
#include "core/base/banned.h"

#define TEXTS_BLOCK 16384

static void
later_free(void *data)
{
	struct later *later = data;

	g_ptr_array_free(later->addrs, TRUE);
	g_free(later);
}

struct batch *
batch_new(struct composed *what, struct settings *settings,
	  const struct verp *verp, const struct post_id *post,
	  const char *list_addr, void *owner)
{
	struct batch *batch = g_new0(struct batch, 1);

	batch->what = composed_ref(what);
	batch->settings = settings_ref(settings);
	batch->verp = verp;
	batch->post = *post;
	batch->list_addr = g_strdup(list_addr);
	batch->owner = owner;
	batch->weight = 1;
	batch->copies = g_array_new(FALSE, TRUE, sizeof(struct copy));
	batch->envelopes = g_array_new(FALSE, TRUE, sizeof(struct envelope));
	batch->later = g_ptr_array_new_with_free_func(later_free);
	batch->texts = g_string_chunk_new(TEXTS_BLOCK);
	g_queue_init(&batch->again);
	return batch;
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
	g_ptr_array_free(batch->later, TRUE);
	g_string_chunk_free(batch->texts);
	g_queue_clear(&batch->again);
	batch_free(batch->late);
	g_free(batch->list_addr);
	g_free(batch->through);
	g_free(batch->last);
	g_free(batch);
}

/* As it was given, but for one that is longer than the lines of a footer can
 * bear, or would need a dot doubled (compose.c): canonical ones are neither. */
static const char *
member_text(const struct copy *copy)
{
	return copy->addr[0] == '.' || strlen(copy->addr) > ADDR_MAX ?
		copy->key : copy->addr;
}

static const char *
own_text(struct batch *batch, const char *text)
{
	return text != NULL ? g_string_chunk_insert(batch->texts, text) :
		NULL;
}

void
batch_add_copy(struct batch *batch, const char *addr, const char *key)
{
	struct copy copy = { .result = COPY_OPEN };

	copy.addr = g_string_chunk_insert(batch->texts, addr);
	copy.is_utf8 = !g_str_is_ascii(addr);
	copy.key = strcmp(addr, key) == 0 ? copy.addr :
		g_string_chunk_insert(batch->texts, key);
	if (text_has(&batch->what->raw, SLOT_LEAVE)) {
		uint8_t handle[MEMBER_HANDLE_LEN];
		char token[VERP_TOKEN_LEN + 1];

		member_handle(key, handle);
		leave_token_make(batch->verp, batch->through != NULL ?
				 batch->through : batch->list_addr, handle,
				 batch->post.bytes, token);
		copy.leave = g_string_chunk_insert(batch->texts, token);
	}
	if (text_has(&batch->what->raw, SLOT_MEMBER_QP)) {
		g_autofree char *value = slot_value_qp(member_text(&copy));

		copy.member_qp = own_text(batch, value);
	}
	g_array_append_val(batch->copies, copy);
}

void
batch_add_later(struct batch *batch, const char *addr,
		const struct domain_limit *limit, int64_t due_ms)
{
	struct later *later = NULL;

	for (guint i = 0; i < batch->later->len && later == NULL; i++) {
		later = g_ptr_array_index(batch->later, i);
		if (later->limit != limit)
			later = NULL;
	}
	if (later == NULL) {
		later = g_new0(struct later, 1);
		later->limit = limit;
		later->due_ms = due_ms;
		later->addrs = g_ptr_array_new();
		g_ptr_array_add(batch->later, later);
	}
	g_ptr_array_add(later->addrs,
			g_string_chunk_insert(batch->texts, addr));
}

void
batch_token(const struct batch *batch, const struct envelope *envelope,
	    char token[VERP_TOKEN_LEN + 1])
{
	uint8_t handle[MEMBER_HANDLE_LEN];

	if (envelope->sender != SENDER_SINGLE) {
		verp_make_post(batch->verp, batch->list_addr,
			       batch->post.bytes, token);
		return;
	}
	member_handle(batch_copy(batch, envelope->first)->key, handle);
	verp_make(batch->verp, batch->list_addr, handle, batch->post.bytes,
		  token);
}

void
batch_envelop(struct batch *batch, guint first, guint count,
	      enum sender sender, const struct domain_limit *limit)
{
	struct envelope envelope = { .first = first, .count = count,
				     .sender = sender, .limit = limit };

	g_array_append_val(batch->envelopes, envelope);
}

void
batch_split(struct batch *batch, guint index)
{
	const struct envelope envelope = *batch_envelope(batch, index);

	for (guint i = envelope.first; i < envelope.first + envelope.count;
	     i++)
		if (batch_copy(batch, i)->result == COPY_OPEN)
			batch_envelop(batch, i, 1, SENDER_SINGLE,
				      envelope.limit);
	batch_envelope(batch, index)->count = 0;
}

void
batch_values(const struct copy *copy, const char *values[SLOTS])
{
	values[SLOT_MEMBER] = member_text(copy);
	values[SLOT_LEAVE] = copy->leave;
	values[SLOT_MEMBER_QP] = copy->member_qp != NULL ? copy->member_qp :
		values[SLOT_MEMBER];
}

void
batch_sign(struct batch *batch)
{
	const char *values[SLOTS];

	if (batch->what->signer == NULL)
		return;
	for (guint i = 0; i < batch->copies->len; i++) {
		struct copy *copy = batch_copy(batch, i);
		g_autofree char *field = NULL;

		batch_values(copy, values);
		field = composed_sign(batch->what, values);
		if (field != NULL)
			copy->signature = g_string_chunk_insert(batch->texts,
								field);
	}
}

/* The other batch's texts go with it. */
static void
move_late(struct batch *late, struct copy *copy)
{
	bool same = copy->key == copy->addr;

	if (copy->result == COPY_OPEN) {
		copy->addr = own_text(late, copy->addr);
		copy->key = same ? copy->addr : own_text(late, copy->key);
		copy->leave = own_text(late, copy->leave);
		copy->member_qp = own_text(late, copy->member_qp);
		copy->signature = own_text(late, copy->signature);
		return;
	}
	*copy = (struct copy){ .result = COPY_ELSEWHERE };
	late->elsewhere++;
}

struct batch *
batch_take_late(struct batch *batch)
{
	struct batch *late = batch_new(batch->what, batch->settings,
				       batch->verp, &batch->post,
				       batch->list_addr, NULL);

	late->is_late = true;
	late->unwanted = g_atomic_int_get(&batch->unwanted);
	late->list = batch->list;
	late->weight = batch->weight;
	late->next = batch->next;
	late->answered = batch->answered;
	g_array_append_vals(late->copies, batch->copies->data,
			    batch->copies->len);
	g_array_append_vals(late->envelopes, batch->envelopes->data,
			    batch->envelopes->len);
	for (guint i = 0; i < late->copies->len; i++) {
		struct copy *first = batch_copy(batch, i);

		move_late(late, batch_copy(late, i));
		if (first->result == COPY_OPEN)
			first->result = COPY_LATE;
	}
	batch->late = late;
	return late;
}
