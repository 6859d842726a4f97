/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "conf/keys.h"
#include "core/mail/addr.h"
#include "db/auto.h"
#include "db/dump_parts.h"
#include "db/inside.h"
#include "db/load.h"
#include "core/base/banned.h"

#define SECRET_LEN 32
#define TODO "correct the file; nothing of it has been loaded"

struct load_check {
	struct txn *txn;
	uint64_t line;
	bool header_seen;
	GHashTable *lists;	/* addresses in the dump */
	GHashTable *scopes;	/* of settings, to be lists at the end ->
				 * number of the line */
	GArray *posts;		/* struct post_id in the dump */
	bool posts_sorted;
	char *last_list;	/* the one that was last known */
	struct dump_counts counts;

	/* the post that is being read, and its form */
	bool in_post, in_form;
	struct post_id post;
	uint64_t bytes_at, bytes_size;
	char *form_list;
	enum form_use form_use;
	uint64_t header_at, header_size, body_at, body_size;
};

struct load_check *
load_check_new(struct txn *txn)
{
	struct load_check *check = g_new0(struct load_check, 1);

	check->txn = txn;
	check->lists = g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
					     NULL);
	check->scopes = g_hash_table_new_full(g_str_hash, g_str_equal,
					      g_free, g_free);
	check->posts = g_array_new(FALSE, FALSE, sizeof(struct post_id));
	return check;
}

void
load_check_free(struct load_check *check)
{
	if (check == NULL)
		return;
	g_hash_table_unref(check->lists);
	g_hash_table_unref(check->scopes);
	g_array_unref(check->posts);
	g_free(check->last_list);
	g_free(check->form_list);
	g_free(check);
}

enum err_code
load_parse(const char *line, size_t len, json_t **out, struct err *err)
{
	json_error_t why;
	json_t *object = json_loadb(line, len, JSON_REJECT_DUPLICATES, &why);

	if (object == NULL)
		return err_set(err, ERR_INVALID, TODO,
			       "no JSON, or not in UTF-8: %s (column %d)",
			       why.text, why.column);
	if (!json_is_object(object)) {
		json_decref(object);
		return err_set(err, ERR_INVALID, TODO,
			       "a JSON object is expected");
	}
	*out = object;
	return ERR_OK;
}

static enum err_code
check_header(struct load_check *check, const json_t *object,
	     struct err *err)
{
	const char *format = field_text(object, "format");

	if (strcmp(format, DUMP_FORMAT) != 0)
		return err_set(err, ERR_INVALID, "",
			       "this is not a dump of muster: the first line "
			       "of one says \"format\":\"%s\"", DUMP_FORMAT);
	if (field_num(object, "version") != DUMP_VERSION)
		return err_set(err, ERR_INVALID,
			       "load it with the muster that wrote it",
			       "the dump has version %lld; this muster reads "
			       "version %d",
			       (long long)field_num(object, "version"),
			       DUMP_VERSION);
	check->header_seen = true;
	return ERR_OK;
}

/* Is there a list of this address, in the dump so far or in the store? */
static enum err_code
list_is_known(struct load_check *check, const char *addr, bool *known,
	      struct err *err)
{
	g_autoptr(list_t) list = NULL;
	enum err_code rc;

	*known = g_strcmp0(check->last_list, addr) == 0 ||
		g_hash_table_contains(check->lists, addr);
	if (*known || check->txn == NULL)
		return ERR_OK;
	rc = list_find(check->txn, addr, &list, err);
	*known = list != NULL;
	if (rc == ERR_OK && *known) {
		g_free(check->last_list);
		check->last_list = g_strdup(addr);
	}
	return rc;
}

static enum err_code
check_list_field(struct load_check *check, const json_t *object,
		 struct err *err)
{
	const char *addr = field_text(object, "list");
	bool known;
	enum err_code rc = list_is_known(check, addr, &known, err);

	if (rc != ERR_OK || known)
		return rc;
	return field_bad(err, object, "list", "there is no list %.320s in "
			 "the lines before or in the store", addr);
}

static int
id_order(const void *left, const void *right)
{
	return memcmp(left, right, POST_ID_LEN);
}

static enum err_code
post_is_known(struct load_check *check, const struct post_id *id,
	      bool *known, struct err *err)
{
	g_autoptr(post_t) post = NULL;
	guint at;
	enum err_code rc;

	if (!check->posts_sorted)
		g_array_sort(check->posts, id_order);
	check->posts_sorted = true;
	*known = g_array_binary_search(check->posts, id, id_order, &at);
	if (*known || check->txn == NULL)
		return ERR_OK;
	rc = post_get(check->txn, id, &post, err);
	*known = post != NULL;
	return rc;
}

static enum err_code
check_meta(struct load_check *check, const json_t *object, struct err *err)
{
	g_autoptr(GBytes) value = field_base64(object, "value");

	(void) check;
	if (strcmp(field_text(object, "name"), "secret") != 0)
		return field_bad(err, object, "name",
				 "\"secret\" is expected");
	if (g_bytes_get_size(value) != SECRET_LEN)
		return field_bad(err, object, "value",
				 "%d bytes in base64 are expected",
				 SECRET_LEN);
	return ERR_OK;
}

static bool
is_list_name(const char *addr)
{
	g_autofree char *canon = addr_canon(addr);
	g_autofree char *lower = g_ascii_strdown(addr, -1);

	return canon != NULL && strcmp(canon, addr) == 0 &&
		strcmp(lower, addr) == 0 && list_name_check(addr) == NULL;
}

/* "@" and a domain in lower case, which an address with it must keep */
static bool
is_domain_scope(const char *scope)
{
	g_autofree char *addr = g_strconcat("x", scope, NULL);
	g_autofree char *canon = addr_canon(addr);

	return scope[0] == '@' && strchr(scope + 1, '@') == NULL &&
		canon != NULL && strcmp(canon, addr) == 0;
}

static enum err_code
check_scope(struct load_check *check, const json_t *object, struct err *err)
{
	const char *scope = field_text(object, "scope");
	uint64_t *line;

	if (scope[0] == '\0' || is_domain_scope(scope))
		return ERR_OK;
	if (!is_list_name(scope))
		return field_bad(err, object, "scope", "\"\", \"@domain\" or "
				 "the address of a list is expected");
	if (g_hash_table_contains(check->scopes, scope))
		return ERR_OK;
	line = g_new(uint64_t, 1);
	*line = check->line;
	g_hash_table_insert(check->scopes, g_strdup(scope), line);
	return ERR_OK;
}

static enum err_code
check_setting(struct load_check *check, const json_t *object,
	      struct err *err)
{
	const char *name = field_text(object, "key");
	const char *text = field_text(object, "value");
	const struct key *key = key_of_setting(name);
	g_autofree char *value = NULL;
	struct err why = ERR_INIT;

	if (key == NULL) {
		(void) key_unknown(list_keys, name, &why);
		return field_bad(err, object, "key", "%s", why.what);
	}
	if (key_check(key, text, &value, &why) != ERR_OK)
		return field_bad(err, object, "value", "%s", why.what);
	return check_scope(check, object, err);
}

static enum err_code
check_list(struct load_check *check, const json_t *object, struct err *err)
{
	const char *addr = field_text(object, "addr");
	const char *why = list_name_check(addr);

	if (why != NULL)
		return field_bad(err, object, "addr", "%s", why);
	if (!is_list_name(addr))
		return field_bad(err, object, "addr", "\"%.320s\" has upper "
				 "case letters", addr);
	g_hash_table_add(check->lists, g_strdup(addr));
	check->counts.lists++;
	return ERR_OK;
}

static enum err_code
check_member(struct load_check *check, const json_t *object,
	     struct err *err)
{
	const char *addr = field_text(object, "addr");
	g_autofree char *canon = addr_canon(addr);
	enum err_code rc;

	if (canon == NULL)
		return field_bad(err, object, "addr",
				 "\"%.320s\" is not a mail address", addr);
	check->counts.members++;
	rc = member_json_check(object, err);
	return rc == ERR_OK ? check_list_field(check, object, err) : rc;
}

static enum err_code
check_token(struct load_check *check, const json_t *object, struct err *err)
{
	enum err_code rc = token_json_check(object, err);

	if (rc != ERR_OK || field_text(object, "list")[0] == '\0')
		return rc;
	return check_list_field(check, object, err);
}

static enum err_code
check_event(struct load_check *check, const json_t *object, struct err *err)
{
	enum err_code rc = event_json_check(object, err);

	return rc == ERR_OK ? check_list_field(check, object, err) : rc;
}

static enum err_code
check_post(struct load_check *check, const json_t *object, struct err *err)
{
	if (!evidence_is_right(field_text(object, "evidence")))
		return field_bad(err, object, "evidence",
				 "a JSON object as text is expected, or \"\"");
	field_id(object, "id", &check->post);
	g_array_append_val(check->posts, check->post);
	check->posts_sorted = false;
	check->in_post = true;
	check->bytes_at = 0;
	check->bytes_size = (uint64_t)field_num(object, "size");
	check->counts.posts++;
	return ERR_OK;
}

/* Does the line belong to the post that is being read? */
static enum err_code
check_same_post(struct load_check *check, const json_t *object,
		struct err *err)
{
	struct post_id id;

	field_id(object, "post", &id);
	if (!check->in_post ||
	    memcmp(id.bytes, check->post.bytes, POST_ID_LEN) != 0)
		return field_bad(err, object, "post",
				 "it must follow the record of its post");
	return ERR_OK;
}

static enum err_code
check_form(struct load_check *check, const json_t *object, struct err *err)
{
	enum err_code rc = check_same_post(check, object, err);

	if (rc == ERR_OK)
		rc = check_list_field(check, object, err);
	if (rc != ERR_OK)
		return rc;
	if (!form_use_of(field_text(object, "use"), &check->form_use))
		return field_bad(err, object, "use", "\"copies\" or \"base\" "
				 "is expected");
	if (check->bytes_at > 0)
		return field_bad(err, object, "post", "forms come before "
				 "the pieces of the post itself");
	if (!field_bool(object, "has_body") &&
	    field_num(object, "body_size") > 0)
		return field_bad(err, object, "body_size",
				 "0 is expected without a body");
	check->in_form = true;
	g_free(check->form_list);
	check->form_list = g_strdup(field_text(object, "list"));
	check->header_at = check->body_at = 0;
	check->header_size = (uint64_t)field_num(object, "header_size");
	check->body_size = (uint64_t)field_num(object, "body_size");
	return ERR_OK;
}

/* A piece must be the next of its part, and as long as there is room for. */
static enum err_code
check_next_piece(const json_t *object, uint64_t *at, uint64_t size,
		 struct err *err)
{
	g_autoptr(GBytes) data = field_base64(object, "data");
	uint64_t want = MIN(size - *at, PIECE_MAX);

	if (want == 0)
		return field_bad(err, object, "number",
				 "all %llu bytes are there already",
				 (unsigned long long)size);
	if ((uint64_t)field_num(object, "number") != *at / PIECE_MAX)
		return field_bad(err, object, "number", "piece %llu is next",
				 (unsigned long long)(*at / PIECE_MAX));
	if (g_bytes_get_size(data) != want)
		return field_bad(err, object, "data",
				 "%llu bytes are expected, not %zu",
				 (unsigned long long)want,
				 g_bytes_get_size(data));
	*at += want;
	return ERR_OK;
}

static enum err_code
check_piece(struct load_check *check, const json_t *object, struct err *err)
{
	const char *part = field_text(object, "part");
	bool of_form = strcmp(part, "bytes") != 0;
	const char *list = of_form ? check->form_list : "";
	enum form_part form;
	enum form_use use;
	enum err_code rc = check_same_post(check, object, err);

	if (rc != ERR_OK)
		return rc;
	if (g_strcmp0(field_text(object, "list"), list) != 0 ||
	    (of_form && !check->in_form))
		return field_bad(err, object, "list",
				 "it must follow the record of its form");
	if (!of_form)
		return check_next_piece(object, &check->bytes_at,
					check->bytes_size, err);
	if (!form_part_of(part, &use, &form) || use != check->form_use)
		return field_bad(err, object, "part", "\"%s\", \"%s\" or "
				 "\"bytes\" is expected", form_part_name(
				check->form_use, FORM_HEADER),
				 form_part_name(check->form_use, FORM_BODY));
	if (form == FORM_HEADER)
		return check_next_piece(object, &check->header_at,
					check->header_size, err);
	return check_next_piece(object, &check->body_at, check->body_size,
				err);
}

static enum err_code
check_digest(struct load_check *check, const json_t *object, struct err *err)
{
	struct digest digest;

	if (field_num(object, "issue") == 0)
		return field_bad(err, object, "issue", "0 is none");
	if (strlen(field_text(object, "period")) >= sizeof(digest.period))
		return field_bad(err, object, "period", "at most %zu bytes are "
				 "expected", sizeof(digest.period) - 1);
	return check_list_field(check, object, err);
}

/* Is the post there that the line names? */
static enum err_code
check_post_field(struct load_check *check, const json_t *object,
		 struct err *err)
{
	struct post_id post;
	bool known;
	enum err_code rc;

	field_id(object, "post", &post);
	rc = post_is_known(check, &post, &known, err);
	if (rc != ERR_OK || known)
		return rc;
	return field_bad(err, object, "post", "there is no post %s in the "
			 "lines before or in the store",
			 field_text(object, "post"));
}

static enum err_code
check_digest_post(struct load_check *check, const json_t *object,
		  struct err *err)
{
	enum err_code rc = check_list_field(check, object, err);

	return rc == ERR_OK ? check_post_field(check, object, err) : rc;
}

static enum err_code
check_archived(struct load_check *check, const json_t *object,
	       struct err *err)
{
	enum err_code rc = archived_json_check(object, err);

	return rc == ERR_OK ? check_list_field(check, object, err) : rc;
}

static enum err_code
check_job_names(const json_t *object, struct err *err)
{
	const char *delivery = field_text(object, "delivery");
	const char *was = field_text(object, "was");
	enum delivery_mode mode;
	enum audience audience;
	enum stage stage;
	enum role role;

	if (!stage_of_name(field_text(object, "stage"), &stage))
		return field_bad(err, object, "stage", "pending, outbound, "
				 "bounce or shunted is expected");
	if (was[0] != '\0' && !stage_of_name(was, &stage))
		return field_bad(err, object, "was", "a stage or \"\" is "
				 "expected");
	if (!role_of_name(field_text(object, "role"), &role))
		return field_bad(err, object, "role", "a role, such as "
				 "\"post\" or \"owner\", is expected");
	if (delivery[0] != '\0' && !delivery_mode_of_name(delivery, &mode))
		return field_bad(err, object, "delivery", "off, on, digest "
				 "or plain is expected");
	if (!audience_of_name(field_text(object, "audience"), &audience))
		return field_bad(err, object, "audience", "none, members or "
				 "addrs is expected");
	return ERR_OK;
}

static enum err_code
check_job(struct load_check *check, const json_t *object, struct err *err)
{
	enum err_code rc = check_job_names(object, err);

	if (rc == ERR_OK && !field_bool(object, "list_gone") &&
	    field_text(object, "list")[0] != '\0')
		rc = check_list_field(check, object, err);
	if (rc != ERR_OK)
		return rc;
	rc = check_post_field(check, object, err);
	if (rc != ERR_OK)
		return rc;
	check->counts.jobs++;
	return ERR_OK;
}

static enum err_code
check_seen(struct load_check *check, const json_t *object, struct err *err)
{
	uint8_t key[SEEN_KEY_LEN];

	(void) check;
	if (!field_hex(object, "key", key, sizeof(key)))
		return field_bad(err, object, "key", "%zu hexadecimal "
				 "digits in lower case are expected",
				 2 * sizeof(key));
	return ERR_OK;
}

static enum err_code
check_ref(struct load_check *check, const json_t *object, struct err *err)
{
	(void) check;
	if (field_text(object, "name")[0] == '\0')
		return field_bad(err, object, "name", "empty");
	return ERR_OK;
}

static enum err_code
check_rate(struct load_check *check, const json_t *object, struct err *err)
{
	uint8_t author[MEMBER_HANDLE_LEN];

	if (!field_hex(object, "author", author, sizeof(author)))
		return field_bad(err, object, "author", "%zu hexadecimal "
				 "digits in lower case are expected",
				 2 * sizeof(author));
	return check_list_field(check, object, err);
}

static enum err_code
check_way(struct load_check *check, const json_t *object, struct err *err)
{
	bool known;
	enum err_code rc = check_list_field(check, object, err);

	if (rc == ERR_OK)
		rc = list_is_known(check, field_text(object, "through"),
				   &known, err);
	if (rc == ERR_OK && !known)
		rc = field_bad(err, object, "through", "there is no such "
			       "list, neither in front of this line nor in "
			       "the store");
	return rc;
}

/* The pieces of a post, or of a form, end where something else begins. */
static enum err_code
check_complete(struct load_check *check, enum dump_type type, bool of_form,
	       struct err *err)
{
	const char *part = NULL;

	if (type == DUMP_PIECE && of_form)
		return ERR_OK;
	if (check->in_form && check->header_at < check->header_size)
		part = form_part_name(check->form_use, FORM_HEADER);
	else if (check->in_form && check->body_at < check->body_size)
		part = form_part_name(check->form_use, FORM_BODY);
	else if (type != DUMP_PIECE && type != DUMP_FORM && check->in_post &&
		 check->bytes_at < check->bytes_size)
		part = "bytes";
	if (part != NULL)
		return err_set(err, ERR_INVALID, TODO, "piece: field "
			       "\"part\": pieces of \"%s\" are missing in "
			       "front of this line", part);
	check->in_form = false;
	if (type != DUMP_PIECE && type != DUMP_FORM)
		check->in_post = false;
	return ERR_OK;
}

static enum err_code
check_record(struct load_check *check, json_t *object, struct err *err)
{
	static enum err_code (*const checks[DUMP_TYPES])(
		struct load_check *, const json_t *, struct err *) = {
		[DUMP_META] = check_meta,
		[DUMP_SETTING] = check_setting,
		[DUMP_LIST] = check_list,
		[DUMP_MEMBER] = check_member,
		[DUMP_POST] = check_post,
		[DUMP_FORM] = check_form,
		[DUMP_PIECE] = check_piece,
		[DUMP_JOB] = check_job,
		[DUMP_SEEN] = check_seen,
		[DUMP_REF] = check_ref,
		[DUMP_RATE] = check_rate,
		[DUMP_TOKEN] = check_token,
		[DUMP_EVENT] = check_event,
		[DUMP_DIGEST] = check_digest,
		[DUMP_DIGEST_POST] = check_digest_post,
		[DUMP_WAY] = check_way,
		[DUMP_ARCHIVE] = check_list_field,
		[DUMP_ARCHIVED] = check_archived,
	};
	enum dump_type type;
	enum err_code rc = fields_check(object, &type, err);

	if (rc == ERR_OK)
		rc = check_complete(check, type, strcmp(field_text(
				    object, "part"), "bytes") != 0, err);
	if (rc == ERR_OK && checks[type] != NULL)
		rc = checks[type](check, object, err);
	return rc;
}

enum err_code
load_check_line(struct load_check *check, const char *line, size_t len,
		struct err *err)
{
	json_t *object = NULL;
	enum err_code rc;

	check->line++;
	rc = load_parse(line, len, &object, err);
	if (rc == ERR_OK)
		rc = check->header_seen ? check_record(check, object, err) :
			check_header(check, object, err);
	json_decref(object);
	if (rc != ERR_OK)
		return err_context(err, "line %llu",
				   (unsigned long long)check->line);
	return ERR_OK;
}

static enum err_code
check_scopes_exist(struct load_check *check, struct err *err)
{
	GHashTableIter iter;
	void *scope, *line;
	bool known;
	enum err_code rc;

	g_hash_table_iter_init(&iter, check->scopes);
	while (g_hash_table_iter_next(&iter, &scope, &line)) {
		rc = list_is_known(check, scope, &known, err);
		if (rc != ERR_OK)
			return rc;
		if (!known)
			return err_set(err, ERR_INVALID, TODO,
				       "line %llu: setting: field \"scope\": "
				       "there is no list %s in the file or "
				       "in the store",
				       (unsigned long long)*(uint64_t *)line,
				       (const char *)scope);
	}
	return ERR_OK;
}

enum err_code
load_check_end(struct load_check *check, struct dump_counts *out,
	       struct err *err)
{
	enum err_code rc;

	if (!check->header_seen)
		return err_set(err, ERR_INVALID, "", "the input is empty: "
			       "not even the first line of a dump is there");
	rc = check_complete(check, DUMP_META, false, err);
	if (rc != ERR_OK)
		return err_context(err, "end of the file, line %llu",
				   (unsigned long long)check->line);
	rc = check_scopes_exist(check, err);
	if (rc != ERR_OK)
		return rc;
	*out = check->counts;
	out->lines = check->line;
	return ERR_OK;
}
