/* SPDX-License-Identifier: BSD-2-Clause */
#include "db/fields.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/mail/addr.h"
#include "db/inside.h"
#include "core/base/banned.h"

enum field_kind {
	FIELD_TEXT,	/* at most TEXT_LONGEST bytes */
	FIELD_BOOL,
	FIELD_NUM,	/* 0 to most */
	FIELD_BOOL_LATER,	/* the same, but older dumps lack it, and */
	FIELD_NUM_LATER,	/* it then reads as false, 0, and "" */
	FIELD_TEXT_LATER,
	FIELD_ID_LATER,	/* and all 0 */
	FIELD_DELIVERY,	/* a name, or, in older dumps, true or false */
	FIELD_ID,
	FIELD_CANON,	/* a canonical address, or, with most 1, "" */
	FIELD_BASE64,
	FIELD_TEXTS,
};

struct field {
	const char *name;
	enum field_kind kind;
	int64_t most;
};

#define FIELDS_MAX 32

struct shape {
	const char *name;
	struct field fields[FIELDS_MAX];	/* ended by name == NULL */
};

static const struct shape shapes[DUMP_TYPES] = {
	[DUMP_META] = { "meta", {
		{ "name", FIELD_TEXT, 0 },
		{ "value", FIELD_BASE64, 0 },
	} },
	[DUMP_SETTING] = { "setting", {
		{ "key", FIELD_TEXT, 0 },
		{ "scope", FIELD_TEXT, 0 },
		{ "value", FIELD_TEXT, 0 },
	} },
	[DUMP_LIST] = { "list", {
		{ "addr", FIELD_CANON, 0 },
		{ "created_s", FIELD_NUM, INT64_MAX },
		{ "number", FIELD_NUM_LATER, INT64_MAX - 1 },
	} },
	[DUMP_MEMBER] = { "member", {
		{ "ack", FIELD_BOOL_LATER, 0 },
		{ "addr", FIELD_TEXT, 0 },
		{ "bounce_reason", FIELD_TEXT, 0 },
		{ "bounced_s", FIELD_NUM, INT64_MAX },
		{ "bounces", FIELD_NUM, UINT32_MAX },
		{ "changes", FIELD_TEXT_LATER, 0 },
		{ "delivery", FIELD_DELIVERY, 0 },
		/* the only one that is true when it is not there */
		{ "duplicates", FIELD_BOOL_LATER, 0 },
		{ "hidden", FIELD_BOOL_LATER, 0 },
		{ "language", FIELD_TEXT_LATER, 0 },
		{ "list", FIELD_CANON, 0 },
		{ "moderated", FIELD_BOOL_LATER, 0 },
		{ "name", FIELD_TEXT, 0 },
		{ "off_by", FIELD_TEXT_LATER, 0 },
		{ "off_s", FIELD_NUM_LATER, INT64_MAX },
		{ "own_posts", FIELD_BOOL, 0 },
		{ "posts", FIELD_NUM_LATER, INT64_MAX },
		{ "probe_post", FIELD_TEXT_LATER, 0 },
		{ "probe_s", FIELD_NUM_LATER, INT64_MAX },
		{ "rise", FIELD_NUM_LATER, UINT32_MAX },
		{ "score", FIELD_NUM_LATER, UINT32_MAX },
		{ "score_s", FIELD_NUM_LATER, INT64_MAX },
		{ "scored_s", FIELD_NUM_LATER, INT64_MAX },
		{ "since_s", FIELD_NUM, INT64_MAX },
		{ "warned_s", FIELD_NUM_LATER, INT64_MAX },
		{ "warnings", FIELD_NUM_LATER, UINT32_MAX },
	} },
	[DUMP_POST] = { "post", {
		{ "auth", FIELD_TEXT, 0 },
		{ "author", FIELD_TEXT, 0 },
		{ "client", FIELD_TEXT, 0 },
		{ "door", FIELD_TEXT, 0 },
		{ "evidence", FIELD_TEXT_LATER, 0 },
		{ "helo", FIELD_TEXT, 0 },
		{ "id", FIELD_ID, 0 },
		{ "message_id", FIELD_TEXT, 0 },
		{ "qid", FIELD_TEXT, 0 },
		{ "received_s", FIELD_NUM, INT64_MAX },
		{ "sender", FIELD_TEXT, 0 },
		{ "size", FIELD_NUM, POST_LONGEST },
	} },
	[DUMP_FORM] = { "form", {
		{ "body_at", FIELD_NUM, INT64_MAX },
		{ "body_size", FIELD_NUM, POST_LONGEST },
		{ "has_body", FIELD_BOOL, 0 },
		{ "header_size", FIELD_NUM, POST_LONGEST },
		{ "list", FIELD_CANON, 0 },
		{ "post", FIELD_ID, 0 },
		{ "use", FIELD_TEXT_LATER, 0 },
	} },
	[DUMP_PIECE] = { "piece", {
		{ "data", FIELD_BASE64, 0 },
		{ "list", FIELD_CANON, 1 },
		{ "number", FIELD_NUM, POST_LONGEST / PIECE_MAX },
		{ "part", FIELD_TEXT, 0 },
		{ "post", FIELD_ID, 0 },
	} },
	[DUMP_JOB] = { "job", {
		{ "addrs", FIELD_TEXTS, 0 },
		{ "after", FIELD_TEXT, 0 },
		{ "as_of_s", FIELD_NUM, INT64_MAX },
		{ "attempts", FIELD_NUM, UINT32_MAX },
		{ "audience", FIELD_TEXT, 0 },
		{ "delivery", FIELD_TEXT_LATER, 0 },
		{ "detail", FIELD_TEXT, 0 },
		{ "due_ms", FIELD_NUM, INT64_MAX },
		{ "elsewhere", FIELD_NUM_LATER, INT64_MAX },
		{ "group", FIELD_ID_LATER, 0 },
		{ "held_for", FIELD_TEXT_LATER, 0 },
		{ "id", FIELD_ID, 0 },
		{ "list", FIELD_TEXT, 0 },
		{ "list_gone", FIELD_BOOL, 0 },
		{ "made_ms", FIELD_NUM, INT64_MAX },
		{ "null_sender", FIELD_BOOL_LATER, 0 },
		{ "position", FIELD_NUM_LATER, INT64_MAX },
		{ "post", FIELD_ID, 0 },
		{ "reason", FIELD_TEXT, 0 },
		{ "refused", FIELD_NUM, INT64_MAX },
		{ "role", FIELD_TEXT, 0 },
		{ "sent", FIELD_NUM, INT64_MAX },
		{ "stage", FIELD_TEXT, 0 },
		{ "through", FIELD_TEXT_LATER, 0 },
		{ "until", FIELD_TEXT, 0 },
		{ "was", FIELD_TEXT, 0 },
	} },
	[DUMP_SEEN] = { "seen", {
		{ "key", FIELD_TEXT, 0 },
		{ "post", FIELD_ID, 0 },
		{ "time_s", FIELD_NUM, INT64_MAX },
	} },
	[DUMP_TRACE] = { "trace", {
		{ "list", FIELD_TEXT, 0 },
		{ "number", FIELD_NUM, UINT16_MAX },
		{ "post", FIELD_ID, 0 },
		{ "stage", FIELD_TEXT, 0 },
		{ "time_us", FIELD_NUM, INT64_MAX },
		{ "what", FIELD_TEXT, 0 },
	} },
	[DUMP_REF] = { "ref", {
		{ "name", FIELD_TEXT, 0 },
		{ "post", FIELD_ID, 0 },
		{ "time_us", FIELD_NUM, INT64_MAX },
	} },
	[DUMP_RATE] = { "rate", {
		{ "author", FIELD_TEXT, 0 },
		{ "list", FIELD_CANON, 0 },
		{ "post", FIELD_ID, 0 },
		{ "time_ms", FIELD_NUM, INT64_MAX },
	} },
	[DUMP_TOKEN] = { "token", {
		{ "addr", FIELD_CANON, 0 },
		{ "detail", FIELD_TEXT, 0 },
		{ "expires_s", FIELD_NUM, INT64_MAX },
		{ "hash", FIELD_TEXT, 0 },
		{ "kind", FIELD_TEXT, 0 },
		{ "list", FIELD_CANON, 1 },
		{ "made_s", FIELD_NUM, INT64_MAX },
		{ "other", FIELD_CANON, 1 },
	} },
	[DUMP_EVENT] = { "event", {
		{ "addr", FIELD_CANON, 1 },
		{ "kind", FIELD_TEXT, 0 },
		{ "list", FIELD_CANON, 0 },
		{ "number", FIELD_NUM, UINT16_MAX },
		{ "time_us", FIELD_NUM, INT64_MAX },
		{ "what", FIELD_TEXT, 0 },
	} },
	[DUMP_DIGEST] = { "digest", {
		{ "bytes", FIELD_NUM, INT64_MAX },
		{ "issue", FIELD_NUM, UINT32_MAX },
		{ "list", FIELD_CANON, 0 },
		{ "number", FIELD_NUM, UINT32_MAX },
		{ "opened_s", FIELD_NUM, INT64_MAX },
		{ "period", FIELD_TEXT, 0 },
		{ "posts", FIELD_NUM, UINT32_MAX },
		{ "volume", FIELD_NUM, UINT32_MAX },
		{ "volume_issue", FIELD_NUM, UINT32_MAX },
	} },
	[DUMP_DIGEST_POST] = { "digest-post", {
		{ "issue", FIELD_NUM, UINT32_MAX },
		{ "list", FIELD_CANON, 0 },
		{ "number", FIELD_NUM, UINT32_MAX },
		{ "post", FIELD_ID, 0 },
	} },
	[DUMP_WAY] = { "way", {
		{ "as_of_s", FIELD_NUM, INT64_MAX },
		{ "group", FIELD_ID, 0 },
		{ "list", FIELD_CANON, 0 },
		{ "position", FIELD_NUM, INT64_MAX },
		{ "post", FIELD_ID, 0 },
		{ "through", FIELD_CANON, 0 },
		{ "time_us", FIELD_NUM, INT64_MAX },
		{ "turn", FIELD_NUM, UINT32_MAX },
	} },
	[DUMP_ARCHIVE] = { "archive", {
		{ "last", FIELD_NUM, UINT32_MAX },
		{ "list", FIELD_CANON, 0 },
		{ "mbox_size", FIELD_NUM, INT64_MAX },
		{ "posts", FIELD_NUM, UINT32_MAX },
	} },
	[DUMP_ARCHIVED] = { "archived", {
		{ "format", FIELD_TEXT, 0 },
		{ "hash", FIELD_TEXT, 0 },
		{ "list", FIELD_CANON, 0 },
		{ "message_id", FIELD_TEXT, 0 },
		{ "number", FIELD_NUM, UINT32_MAX },
		{ "offset", FIELD_NUM, INT64_MAX },
		{ "post", FIELD_ID, 0 },
		{ "size", FIELD_NUM, INT64_MAX },
		{ "time_s", FIELD_NUM, INT64_MAX },
	} },
};

const char *
dump_type_name(enum dump_type type)
{
	return shapes[type].name;
}

enum err_code
field_bad(struct err *err, const json_t *object, const char *field,
	  const char *format, ...)
{
	char why[600];
	va_list ap;

	va_start(ap, format);
	(void) vsnprintf(why, sizeof(why), format, ap);
	va_end(ap);
	return err_set(err, ERR_INVALID, "correct the file; nothing of it "
		       "has been loaded", "%s: field \"%s\": %s",
		       field_text(object, "type"), field, why);
}

/* Base64 is right when it is what we would have written (RFC 4648
 * section 3.5: one text for the same bytes). */
static bool
base64_is_right(const char *text)
{
	g_autofree guchar *data = NULL;
	g_autofree char *again = NULL;
	gsize len;

	data = g_base64_decode(text, &len);
	again = g_base64_encode(data, len);
	return strcmp(again, text) == 0;
}

static bool
is_canon(const char *text)
{
	g_autofree char *canon = addr_canon(text);

	return canon != NULL && strcmp(canon, text) == 0;
}

static enum err_code
check_text(json_t *object, const struct field *field, struct err *err)
{
	const json_t *value = json_object_get(object, field->name);
	const char *text = json_string_value(value);
	struct post_id id;

	if (text == NULL)
		return field_bad(err, object, field->name,
				 "a string is expected");
	if (field->kind == FIELD_BASE64)
		return base64_is_right(text) ? ERR_OK :
			field_bad(err, object, field->name,
				  "base64 (RFC 4648, padded) is expected");
	if (json_string_length(value) > TEXT_LONGEST)
		return field_bad(err, object, field->name, "longer than %d "
				 "bytes", TEXT_LONGEST);
	if ((field->kind == FIELD_ID || field->kind == FIELD_ID_LATER) &&
	    !post_id_parse(text, &id))
		return field_bad(err, object, field->name, "an id of %d "
				 "characters of a-z 2-7 is expected",
				 POST_ID_TEXT);
	if (field->kind == FIELD_CANON && !is_canon(text) &&
	    (field->most == 0 || text[0] != '\0'))
		return field_bad(err, object, field->name,
				 "\"%.320s\" is not a mail address in "
				 "canonical form", text);
	return ERR_OK;
}

static enum err_code
check_num(json_t *object, const struct field *field, struct err *err)
{
	const json_t *value = json_object_get(object, field->name);

	if (!json_is_integer(value) || json_integer_value(value) < 0 ||
	    json_integer_value(value) > field->most)
		return field_bad(err, object, field->name, "a whole number "
				 "from 0 to %lld is expected",
				 (long long)field->most);
	return ERR_OK;
}

static enum err_code
check_texts(json_t *object, const struct field *field, struct err *err)
{
	const json_t *texts = json_object_get(object, field->name), *text;
	size_t i;

	if (!json_is_array(texts))
		return field_bad(err, object, field->name,
				 "an array of strings is expected");
	json_array_foreach(texts, i, text)
		if (!json_is_string(text) ||
		    json_string_length(text) > TEXT_LONGEST)
			return field_bad(err, object, field->name,
					 "an array of strings is expected");
	return ERR_OK;
}

static enum err_code
check_bool(json_t *object, const struct field *field, struct err *err)
{
	const json_t *value = json_object_get(object, field->name);

	if (json_is_boolean(value) ||
	    (field->kind == FIELD_DELIVERY && json_is_string(value)))
		return ERR_OK;
	return field_bad(err, object, field->name,
			 "%s is expected", field->kind == FIELD_DELIVERY ?
			 "off, on, digest or plain" : "true or false");
}

static enum err_code
check_field(json_t *object, const struct field *field, struct err *err)
{
	if (json_object_get(object, field->name) == NULL)
		return field_bad(err, object, field->name, "missing");
	switch (field->kind) {
	case FIELD_BOOL:
	case FIELD_BOOL_LATER:
	case FIELD_DELIVERY:
		return check_bool(object, field, err);
	case FIELD_NUM:
	case FIELD_NUM_LATER:
		return check_num(object, field, err);
	case FIELD_TEXTS:
		return check_texts(object, field, err);
	default:
		return check_text(object, field, err);
	}
}

static bool
is_field(const struct shape *shape, const char *name)
{
	for (const struct field *field = shape->fields; field->name != NULL;
	     field++)
		if (strcmp(field->name, name) == 0)
			return true;
	return strcmp(name, "type") == 0;
}

static bool
is_later(enum field_kind kind)
{
	return kind == FIELD_BOOL_LATER || kind == FIELD_NUM_LATER ||
		kind == FIELD_TEXT_LATER || kind == FIELD_ID_LATER;
}

static enum err_code
check_shape(json_t *object, const struct shape *shape, struct err *err)
{
	const char *name;
	json_t *value;
	size_t count = 1;	/* "type" */
	enum err_code rc;

	for (const struct field *field = shape->fields; field->name != NULL;
	     field++) {
		if (is_later(field->kind) &&
		    json_object_get(object, field->name) == NULL)
			continue;
		rc = check_field(object, field, err);
		if (rc != ERR_OK)
			return rc;
		count++;
	}
	if (json_object_size(object) == count)
		return ERR_OK;
	json_object_foreach(object, name, value)
		if (!is_field(shape, name))
			return field_bad(err, object, name,
					 "there is no such field");
	return ERR_OK;
}

enum err_code
fields_check(json_t *object, enum dump_type *out, struct err *err)
{
	const char *type = json_string_value(json_object_get(object,
							     "type"));

	if (type == NULL)
		return err_set(err, ERR_INVALID, "",
			       "field \"type\": missing");
	for (int i = 0; i < DUMP_TYPES; i++)
		if (strcmp(shapes[i].name, type) == 0) {
			*out = (enum dump_type)i;
			return check_shape(object, &shapes[i], err);
		}
	return err_set(err, ERR_INVALID, "",
		       "field \"type\": there is no type \"%.100s\"", type);
}

const char *
field_text(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text != NULL ? text : "";
}

int64_t
field_num(const json_t *object, const char *name)
{
	return json_integer_value(json_object_get(object, name));
}

bool
field_bool(const json_t *object, const char *name)
{
	return json_is_true(json_object_get(object, name));
}

void
field_id(const json_t *object, const char *name, struct post_id *out)
{
	if (!post_id_parse(field_text(object, name), out))
		memset(out, 0, sizeof(*out));
}

GBytes *
field_base64(const json_t *object, const char *name)
{
	gsize len;
	guchar *data = g_base64_decode(field_text(object, name), &len);

	return g_bytes_new_take(data, len);
}

bool
field_hex(const json_t *object, const char *name, uint8_t *out, size_t len)
{
	const char *text = field_text(object, name);

	if (strlen(text) != 2 * len ||
	    strspn(text, "0123456789abcdef") != 2 * len)
		return false;
	for (size_t i = 0; i < len; i++)
		out[i] = (uint8_t)(g_ascii_xdigit_value(text[2 * i]) << 4 |
				   g_ascii_xdigit_value(text[2 * i + 1]));
	return true;
}

char **
field_texts(const json_t *object, const char *name)
{
	const json_t *texts = json_object_get(object, name), *text;
	char **out = g_new0(char *, json_array_size(texts) + 1);
	size_t i;

	json_array_foreach(texts, i, text)
		out[i] = g_strdup(json_string_value(text));
	return out;
}

static const char *const audiences[] = { "none", "members", "addrs" };

bool
evidence_is_right(const char *evidence)
{
	json_t *object = json_loads(evidence, JSON_REJECT_DUPLICATES, NULL);
	bool right = evidence[0] == '\0' || json_is_object(object);

	json_decref(object);
	return right;
}

const char *
audience_name(enum audience audience)
{
	return audiences[audience];
}

bool
audience_of_name(const char *name, enum audience *out)
{
	for (int i = 0; i <= TO_ADDRS; i++)
		if (strcmp(audiences[i], name) == 0) {
			*out = (enum audience)i;
			return true;
		}
	return false;
}

bool
stage_of_name(const char *name, enum stage *out)
{
	static const enum stage stages[] = {
		STAGE_PENDING, STAGE_OUTBOUND, STAGE_BOUNCE, STAGE_NOTICE,
		STAGE_COMMAND, STAGE_PROGRAM, STAGE_ARCHIVE, STAGE_HELD,
		STAGE_SHUNTED,
	};

	for (size_t i = 0; i < G_N_ELEMENTS(stages); i++)
		if (strcmp(stage_name(stages[i]), name) == 0) {
			*out = stages[i];
			return true;
		}
	return false;
}
