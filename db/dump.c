/* SPDX-License-Identifier: BSD-2-Clause */
#include "db/dump.h"

#include <string.h>

#include "db/auto.h"
#include "db/fields.h"
#include "db/dump_parts.h"
#include "db/number.h"
#include "core/base/banned.h"

enum err_code
write_object(struct dump *dump, json_t *object, struct err *err)
{
	g_autofree char *line = object == NULL ? NULL :
		json_dumps(object, JSON_SORT_KEYS | JSON_COMPACT);

	json_decref(object);
	if (line == NULL)
		return err_set(err, ERR_CORRUPT, "run \"muster check\"",
			       "a record holds text that is not UTF-8");
	if (fputs(line, dump->out) == EOF || putc('\n', dump->out) == EOF)
		return err_errno(err, "", "writing the dump");
	return ERR_OK;
}

char *
base64_of(struct bytes bytes)
{
	return g_base64_encode(bytes.data, bytes.len);
}

static enum err_code
write_meta(struct dump *dump, struct err *err)
{
	static const struct bytes key = { "secret", 6 };
	g_autoptr(GBytes) found = NULL;
	g_autofree char *text = NULL;
	struct bytes whole;
	enum err_code rc;

	rc = table_get(dump->txn, place_of(TABLE_META), key, &found, err);
	if (rc != ERR_OK)
		return rc;
	whole = bytes_whole(found);
	if (whole.len < 2)
		return record_corrupt(place_of(TABLE_META), key, err);
	text = base64_of(bytes_of((const uint8_t *)whole.data + 1,
				  whole.len - 1));
	return write_object(dump, json_pack("{ssssss}", "type", "meta",
					    "name", "secret", "value", text),
			    err);
}

static enum err_code
write_setting(struct dump *dump, struct bytes key, struct bytes value,
	      struct err *err)
{
	g_autofree char *name = NULL;
	const char *scope, *text;
	struct cursor k, v;

	cursor_init(&k, key);
	cursor_record(&v, value);
	scope = get_key_text(&k);
	text = get_text(&v);
	if (k.bad || !cursor_end(&v))
		return record_corrupt(place_of(TABLE_SETTINGS), key, err);
	name = g_strndup((const char *)k.at, k.left);
	return write_object(dump, json_pack("{ssssssss}", "type", "setting",
					    "scope", scope, "key", name,
					    "value", text), err);
}

/* prefix: all of them, or those of one scope */
static enum err_code
write_settings(struct dump *dump, struct bytes prefix, struct err *err)
{
	g_autoptr(scan_t) scan = scan_new(dump->txn,
					  place_of(TABLE_SETTINGS), prefix,
					  bytes_of(NULL, 0), DUMP_SCAN,
					  SCAN_DROP);
	struct bytes key, value;
	enum err_code rc;

	while ((rc = scan_next(scan, &key, &value, err)) == ERR_OK &&
	       key.data != NULL) {
		rc = write_setting(dump, key, value, err);
		if (rc != ERR_OK)
			return rc;
	}
	return rc;
}

static enum err_code
write_list(struct dump *dump, const struct list *list, struct err *err)
{
	json_t *object = json_pack("{sssssI}", "type", "list", "addr",
				   list->addr, "created_s",
				   (json_int_t)list->created_s);
	uint64_t number = 0;
	enum err_code rc = number_last(dump->txn, list->id, &number, err);

	if (rc != ERR_OK) {
		json_decref(object);
		return rc;
	}
	if (number > 0)
		(void) json_object_set_new(object, "number", json_integer(
			(json_int_t)number));
	return write_object(dump, object, err);
}

static enum err_code
write_member(struct dump *dump, const char *list, struct bytes key,
	     struct bytes value, struct err *err)
{
	struct roster_entry entry;
	uint32_t number;

	if (!member_read(key, value, &number, &entry))
		return record_corrupt(place_of(TABLE_MEMBERS), key, err);
	/* positions are of use only with the jobs and issues */
	if (dump->jobs == NULL)
		entry.changes_len = 0;
	return write_object(dump, member_json(list, &entry), err);
}

static enum err_code
write_members(struct dump *dump, const struct list *list, struct err *err)
{
	uint32_t number = GUINT32_TO_BE(list->id);
	g_autoptr(scan_t) scan = scan_new(dump->txn, place_of(TABLE_MEMBERS),
					  bytes_of(&number, sizeof(number)),
					  bytes_of(NULL, 0), DUMP_SCAN,
					  SCAN_DROP);
	struct bytes key, value;
	enum err_code rc;

	while ((rc = scan_next(scan, &key, &value, err)) == ERR_OK &&
	       key.data != NULL) {
		rc = write_member(dump, list->addr, key, value, err);
		if (rc != ERR_OK)
			return rc;
	}
	return rc;
}

/* All lists, in the order of their addresses. */
static enum err_code
all_lists(struct dump *dump, GPtrArray *lists, struct err *err)
{
	const char *after = "";
	struct list *list;
	enum err_code rc;

	while ((rc = list_next(dump->txn, after, &list, err)) == ERR_OK &&
	       list != NULL) {
		g_ptr_array_add(lists, list);
		after = list->addr;
		g_hash_table_insert(dump->lists, GUINT_TO_POINTER(list->id),
				    g_strdup(list->addr));
	}
	return rc;
}

static int
by_addr(const void *left, const void *right)
{
	const struct list *a = *(struct list *const *)left;
	const struct list *b = *(struct list *const *)right;

	return strcmp(a->addr, b->addr);
}

static enum err_code
chosen_lists(struct dump *dump, const char *const *names, GPtrArray *lists,
	     struct err *err)
{
	struct list *list;
	enum err_code rc;

	for (; *names != NULL; names++) {
		rc = list_find(dump->txn, *names, &list, err);
		if (rc != ERR_OK)
			return rc;
		if (list == NULL)
			return err_set(err, ERR_INVALID, "see \"muster list "
				       "ls\"", "there is no list %s", *names);
		g_ptr_array_add(lists, list);
	}
	g_ptr_array_sort(lists, by_addr);
	for (guint i = lists->len; i > 1; i--)
		if (by_addr(&lists->pdata[i - 1], &lists->pdata[i - 2]) == 0)
			g_ptr_array_remove_index(lists, i - 1);
	return ERR_OK;
}

static enum err_code
write_header(struct dump *dump, struct err *err)
{
	return write_object(dump, json_pack("{sssi}", "format", DUMP_FORMAT,
					    "version", DUMP_VERSION), err);
}

static enum err_code
write_rosters(struct dump *dump, GPtrArray *lists, struct err *err)
{
	enum err_code rc = ERR_OK;

	for (guint i = 0; rc == ERR_OK && i < lists->len; i++)
		rc = write_list(dump, g_ptr_array_index(lists, i), err);
	for (guint i = 0; rc == ERR_OK && i < lists->len; i++)
		rc = write_members(dump, g_ptr_array_index(lists, i), err);
	return rc;
}

static enum err_code
write_rate(struct dump *dump, const char *list, const struct rate_view *rate,
	   struct err *err)
{
	g_autoptr(GString) author = g_string_new(NULL);
	char text[POST_ID_TEXT + 1];

	for (size_t i = 0; i < sizeof(rate->author); i++)
		g_string_append_printf(author, "%02x", rate->author[i]);
	post_id_text(&rate->id, text);
	return write_object(dump, json_pack("{ss ss ss ss sI}", "type",
					    "rate", "list", list,
					    "author", author->str,
					    "post", text, "time_ms",
					    (json_int_t)rate->time_ms), err);
}

static enum err_code
write_rates_of(struct dump *dump, struct place at, const struct list *list,
	       struct err *err)
{
	uint32_t number = GUINT32_TO_BE(list->id);
	g_autoptr(scan_t) scan = scan_new(dump->txn, at,
					  bytes_of(&number, sizeof(number)),
					  bytes_of(NULL, 0), 16 * 1024,
					  SCAN_DROP);
	struct bytes key, value;
	struct rate_view rate;
	enum err_code rc;

	while ((rc = scan_next(scan, &key, &value, err)) == ERR_OK &&
	       key.data != NULL) {
		rc = rate_decode(at, key, value, &rate, err);
		if (rc == ERR_OK)
			rc = write_rate(dump, list->addr, &rate, err);
		if (rc != ERR_OK)
			return rc;
	}
	return rc;
}

/* In the order of the lists' addresses, since their numbers stay inside.
 * Those of a deleted list are of no use to anybody. */
static enum err_code
write_rates(struct dump *dump, GPtrArray *lists, struct err *err)
{
	enum err_code rc = ERR_OK;

	for (guint i = 0; i < lists->len; i++)
		for (unsigned int n = 0; rc == ERR_OK && n < SHARDS; n++)
			rc = write_rates_of(dump, (struct place){
					    TABLE_RATES, n },
					    g_ptr_array_index(lists, i), err);
	return rc;
}

/* Those of a deleted list lead nowhere. */
static enum err_code
write_token(struct dump *dump, struct bytes key, struct bytes value,
	    struct err *err)
{
	uint8_t hash[TOKEN_HASH];
	struct token_view token;
	const char *list = "";
	bool is_index;
	enum err_code rc = token_read(key, value, &is_index, hash, &token,
				      err);

	if (rc != ERR_OK || is_index)
		return rc;
	if (token.list != 0)
		list = g_hash_table_lookup(dump->lists,
					   GUINT_TO_POINTER(token.list));
	return list == NULL ? ERR_OK :
		write_object(dump, token_json(list, hash, &token), err);
}

static enum err_code
write_tokens(struct dump *dump, struct err *err)
{
	g_autoptr(scan_t) scan = scan_new(dump->txn, place_of(TABLE_TOKENS),
					  bytes_of(NULL, 0),
					  bytes_of(NULL, 0), DUMP_SCAN,
					  SCAN_DROP);
	struct bytes key, value;
	enum err_code rc;

	while ((rc = scan_next(scan, &key, &value, err)) == ERR_OK &&
	       key.data != NULL) {
		rc = write_token(dump, key, value, err);
		if (rc != ERR_OK)
			return rc;
	}
	return rc;
}

struct event_line {
	struct dump *dump;
	const char *list;
};

static enum err_code
write_event(void *arg, const struct event *event, struct err *err)
{
	const struct event_line *line = arg;

	return write_object(line->dump, event_json(line->list, event), err);
}

/* In the order of the lists' addresses, as rates. */
static enum err_code
write_events(struct dump *dump, GPtrArray *lists, struct err *err)
{
	enum err_code rc = ERR_OK;

	for (guint i = 0; rc == ERR_OK && i < lists->len; i++) {
		const struct list *list = g_ptr_array_index(lists, i);
		struct event_line line = { dump, list->addr };

		rc = event_walk(dump->txn, list->id, 0, INT64_MAX,
				write_event, &line, err);
	}
	return rc;
}

static enum err_code
dump_chosen(struct dump *dump, const char *const *names, GPtrArray *lists,
	    struct err *err)
{
	enum err_code rc = chosen_lists(dump, names, lists, err);

	if (rc == ERR_OK)
		rc = write_header(dump, err);
	for (guint i = 0; rc == ERR_OK && i < lists->len; i++) {
		const struct list *list = g_ptr_array_index(lists, i);

		rc = write_settings(dump, bytes_of(list->addr,
						   strlen(list->addr) + 1),
				    err);
	}
	return rc == ERR_OK ? write_rosters(dump, lists, err) : rc;
}

static enum err_code
dump_all(struct dump *dump, GPtrArray *lists, struct err *err)
{
	enum err_code rc = digests_aside(dump, err);

	if (rc == ERR_OK)
		rc = jobs_aside(dump, err);

	if (rc == ERR_OK)
		rc = all_lists(dump, lists, err);
	if (rc == ERR_OK)
		rc = write_header(dump, err);
	if (rc == ERR_OK)
		rc = write_meta(dump, err);
	if (rc == ERR_OK)
		rc = write_settings(dump, bytes_of(NULL, 0), err);
	if (rc == ERR_OK)
		rc = write_rosters(dump, lists, err);
	if (rc == ERR_OK)
		rc = write_queue(dump, err);
	if (rc == ERR_OK)
		rc = write_rates(dump, lists, err);
	if (rc == ERR_OK)
		rc = write_tokens(dump, err);
	if (rc == ERR_OK)
		rc = write_events(dump, lists, err);
	if (rc == ERR_OK)
		rc = write_digests(dump, lists, err);
	if (rc == ERR_OK)
		rc = write_archives(dump, lists, err);
	return rc;
}

static void
free_list(void *list)
{
	list_free(list);
}

enum err_code
dump_write(struct store *store, const char *const *lists, FILE *out,
	   struct err *err)
{
	g_autoptr(GPtrArray) found = g_ptr_array_new_with_free_func(
		free_list);
	g_autoptr(GArray) needs = g_array_new(FALSE, FALSE,
					      sizeof(struct need));
	g_autoptr(GHashTable) names = g_hash_table_new_full(
		NULL, NULL, NULL, g_free);
	g_autoptr(GArray) digests = g_array_new(FALSE, FALSE,
						sizeof(struct digest_post));
	g_autoptr(GArray) orders = g_array_new(FALSE, FALSE,
					       sizeof(struct digest_post));
	struct dump dump = {
		.store = store, .txn = store_reader(store), .out = out,
		.needs = needs, .lists = names,
		.digests = digests, .orders = orders,
	};
	enum err_code rc = lists != NULL ?
		dump_chosen(&dump, lists, found, err) :
		dump_all(&dump, found, err);

	if (dump.jobs != NULL)
		(void) fclose(dump.jobs);	/* it was only read last */
	if (rc == ERR_OK && fflush(out) != 0)
		return err_errno(err, "", "writing the dump");
	return rc;
}
