/* SPDX-License-Identifier: BSD-2-Clause */
#include "db/token.h"

#include <string.h>
#include <sys/random.h>

#include "core/base/base32.h"
#include "core/mail/addr.h"
#include "db/auto.h"
#include "db/expire.h"
#include "db/inside.h"
#include "core/base/banned.h"

/*
 * A token has two records: one below its hash, and an entry that leads there
 * from list and address. Both are written and removed together. They expire
 * each by itself, so between two transactions of an expiry one may be there
 * without the other; of that nobody takes notice, as it has expired.
 */
#define TOKENS place_of(TABLE_TOKENS)
#define SCAN_SIZE (16 * 1024)
#define RAW_LEN (TOKEN_TEXT / 8 * 5)

enum { KIND_TOKEN = 'T', KIND_INDEX = 'A' };

void
token_free(struct token *token)
{
	if (token == NULL)
		return;
	g_free(token->kind);
	g_free(token->addr);
	g_free(token->other);
	g_free(token->detail);
	g_free(token);
}

/* --- records ------------------------------------------------------------ */

bool
is_kind(const char *text, size_t max)
{
	size_t len = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-");

	return len > 0 && len <= max && text[len] == '\0';
}

static void
token_key(GByteArray *out, const uint8_t hash[TOKEN_HASH])
{
	g_byte_array_set_size(out, 0);
	put_u8(out, KIND_TOKEN);
	put_raw(out, hash, TOKEN_HASH);
}

/* kind NULL: the beginning that all kinds have; addr NULL: all of a list */
static void
index_key(GByteArray *out, uint32_t list, const char *addr,
	  const char *kind)
{
	g_byte_array_set_size(out, 0);
	put_u8(out, KIND_INDEX);
	put_u32(out, list);
	if (addr != NULL)
		put_key_text(out, addr);
	if (kind != NULL)
		put_key_text(out, kind);
}

static void
index_key_of(GByteArray *out, const uint8_t hash[TOKEN_HASH],
	     const struct token_view *token)
{
	index_key(out, token->list, token->addr, token->kind);
	put_raw(out, hash, TOKEN_HASH);
}

static void
token_encode(GByteArray *out, const struct token_view *token)
{
	put_u32(out, token->list);
	put_u64(out, (uint64_t)token->made_s);
	put_u64(out, (uint64_t)token->expires_s);
	put_text(out, token->kind);
	put_text(out, token->addr);
	put_text(out, token->other);
	put_text(out, token->detail);
}

static void
read_token(struct cursor *in, struct token_view *out)
{
	out->list = get_u32(in);
	out->made_s = get_time(in);
	out->expires_s = get_time(in);
	out->kind = get_text(in);
	out->addr = get_text(in);
	out->other = get_text(in);
	out->detail = get_text(in);
}

enum err_code
token_read(struct bytes key, struct bytes value, bool *is_index_out,
	   uint8_t hash_out[TOKEN_HASH], struct token_view *out,
	   struct err *err)
{
	const void *hash;
	struct cursor k, v;
	uint8_t kind;

	*out = (struct token_view){ .other = "", .detail = "" };
	cursor_init(&k, key);
	cursor_record(&v, value);
	kind = get_u8(&k);
	if (kind == KIND_INDEX) {
		out->list = get_u32(&k);
		out->addr = get_key_text(&k);
		out->kind = get_key_text(&k);
		out->expires_s = get_time(&v);
	} else {
		read_token(&v, out);
	}
	hash = get_raw(&k, TOKEN_HASH);
	if (hash == NULL || !cursor_end(&k) || !cursor_end(&v) ||
	    (kind != KIND_INDEX && kind != KIND_TOKEN))
		return record_corrupt(TOKENS, key, err);
	memcpy(hash_out, hash, TOKEN_HASH);
	*is_index_out = kind == KIND_INDEX;
	return ERR_OK;
}

static enum err_code
get(struct txn *txn, const uint8_t hash[TOKEN_HASH], bool to_change,
    GBytes **bytes_out, struct token_view *out, bool *found, struct err *err)
{
	g_autoptr(GByteArray) key = g_byte_array_new();
	g_autoptr(GBytes) bytes = NULL;
	uint8_t same[TOKEN_HASH];
	bool is_index;
	enum err_code rc;

	token_key(key, hash);
	rc = to_change ? table_lock(txn, TOKENS, bytes_buf(key), &bytes, err)
		: table_get(txn, TOKENS, bytes_buf(key), &bytes, err);
	if (rc == ERR_OK && bytes != NULL)
		rc = token_read(bytes_buf(key), bytes_whole(bytes), &is_index,
				same, out, err);
	if (rc != ERR_OK)
		return rc;
	*found = bytes != NULL;
	*bytes_out = g_steal_pointer(&bytes);
	return ERR_OK;
}

enum err_code
token_get(struct txn *txn, const uint8_t hash[TOKEN_HASH], GBytes **bytes_out,
	  struct token_view *out, bool *found, struct err *err)
{
	return get(txn, hash, false, bytes_out, out, found, err);
}

enum err_code
token_is_indexed(struct txn *txn, const uint8_t hash[TOKEN_HASH],
		 const struct token_view *token, bool *is, struct err *err)
{
	g_autoptr(GByteArray) key = g_byte_array_new();
	g_autoptr(GBytes) found = NULL;
	enum err_code rc;

	index_key_of(key, hash, token);
	rc = table_get(txn, TOKENS, bytes_buf(key), &found, err);
	if (rc == ERR_OK)
		*is = found != NULL;
	return rc;
}

static enum err_code
remove_both(struct txn *txn, const uint8_t hash[TOKEN_HASH],
	    const struct token_view *token, bool *removed, struct err *err)
{
	g_autoptr(GByteArray) key = g_byte_array_new();
	bool indexed;
	enum err_code rc;

	index_key_of(key, hash, token);
	rc = table_remove(txn, TOKENS, bytes_buf(key), &indexed, err);
	if (rc != ERR_OK)
		return rc;
	token_key(key, hash);
	return table_remove(txn, TOKENS, bytes_buf(key), removed, err);
}

enum err_code
token_remove(struct txn *txn, const uint8_t hash[TOKEN_HASH], bool *removed,
	     struct err *err)
{
	g_autoptr(GBytes) bytes = NULL;
	struct token_view token;
	bool found;
	enum err_code rc = get(txn, hash, true, &bytes, &token, &found, err);

	if (rc != ERR_OK)
		return rc;
	*removed = false;
	return found ? remove_both(txn, hash, &token, removed, err) : ERR_OK;
}

enum err_code
token_put(struct txn *txn, const uint8_t hash[TOKEN_HASH],
	  const struct token_view *token, struct err *err)
{
	g_autoptr(GByteArray) key = g_byte_array_new();
	g_autoptr(GByteArray) value = record_new();
	g_autoptr(GByteArray) entry = record_new();
	bool removed;
	enum err_code rc = token_remove(txn, hash, &removed, err);

	if (rc != ERR_OK)
		return rc;
	token_key(key, hash);
	token_encode(value, token);
	rc = table_put(txn, TOKENS, bytes_buf(key), bytes_buf(value), err);
	if (rc != ERR_OK)
		return rc;
	index_key_of(key, hash, token);
	put_u64(entry, (uint64_t)token->expires_s);
	return table_put(txn, TOKENS, bytes_buf(key), bytes_buf(entry), err);
}

/* --- making and taking -------------------------------------------------- */

static bool
is_canon(const char *addr)
{
	g_autofree char *canon = addr_canon(addr);

	return g_strcmp0(canon, addr) == 0;
}

static void
hash_of(const uint8_t raw[RAW_LEN], uint8_t out[TOKEN_HASH])
{
	g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
	gsize len = TOKEN_HASH;

	g_checksum_update(sum, raw, RAW_LEN);
	g_checksum_get_digest(sum, out, &len);
}

/* False: it has not the form of a token. */
static bool
hash_of_text(const char *text, uint8_t out[TOKEN_HASH])
{
	uint8_t raw[RAW_LEN];

	if (strlen(text) != TOKEN_TEXT ||
	    !base32_decode(text, raw, sizeof(raw)))
		return false;
	hash_of(raw, out);
	return true;
}

enum err_code
token_new(struct txn *txn, const struct token *token,
	  char text_out[TOKEN_TEXT + 1], struct err *err)
{
	const char *other = token->other != NULL ? token->other : "";
	const struct token_view view = {
		.kind = token->kind, .addr = token->addr, .other = other,
		.detail = token->detail, .list = token->list,
		.made_s = MAX(token->made_s, 0),
		.expires_s = MAX(token->expires_s, 0),
	};
	uint8_t raw[RAW_LEN], hash[TOKEN_HASH];
	enum err_code rc;

	if (!is_kind(token->kind, TOKEN_KIND_MAX))
		return err_set(err, ERR_INVALID, "",
			       "\"%s\" is no kind of token", token->kind);
	if (!is_canon(token->addr) || (other[0] != '\0' && !is_canon(other)))
		return err_set(err, ERR_INVALID, "", "a token for \"%s\" and "
			       "\"%s\": not in canonical form", token->addr,
			       other);
	/* up to 256 bytes come whole and never fail (getrandom(2)) */
	if (getrandom(raw, sizeof(raw), 0) != sizeof(raw))
		g_error("no random bytes from the kernel");
	hash_of(raw, hash);
	rc = token_put(txn, hash, &view, err);
	if (rc == ERR_OK)
		base32_encode(raw, sizeof(raw), text_out);
	return rc;
}

static struct token *
token_of(const struct token_view *view)
{
	struct token *token = g_new(struct token, 1);

	*token = (struct token){
		.kind = g_strdup(view->kind), .list = view->list,
		.addr = g_strdup(view->addr), .other = g_strdup(view->other),
		.detail = g_strdup(view->detail), .made_s = view->made_s,
		.expires_s = view->expires_s,
	};
	return token;
}

static enum err_code
find(struct txn *txn, const char *text, int64_t now_s, bool take,
     struct token **out, struct err *err)
{
	g_autoptr(GBytes) bytes = NULL;
	struct token_view view;
	uint8_t hash[TOKEN_HASH];
	bool found = false, removed;
	enum err_code rc = ERR_OK;

	*out = NULL;
	if (!hash_of_text(text, hash))
		return ERR_OK;
	rc = get(txn, hash, take, &bytes, &view, &found, err);
	if (rc != ERR_OK || !found || view.expires_s <= now_s)
		return rc;
	if (take)
		rc = remove_both(txn, hash, &view, &removed, err);
	if (rc == ERR_OK)
		*out = token_of(&view);
	return rc;
}

enum err_code
token_find(struct txn *txn, const char *text, int64_t now_s,
	   struct token **out, struct err *err)
{
	return find(txn, text, now_s, false, out, err);
}

enum err_code
token_take(struct txn *txn, const char *text, int64_t now_s,
	   struct token **out, struct err *err)
{
	return find(txn, text, now_s, true, out, err);
}

/* --- many --------------------------------------------------------------- */

static enum err_code
walk_one(struct txn *txn, struct bytes key, struct bytes value, token_one one,
	 void *arg, struct err *err)
{
	g_autoptr(GBytes) bytes = NULL;
	g_autoptr(token_t) token = NULL;
	struct token_view view;
	uint8_t hash[TOKEN_HASH];
	bool found = false, is_index;
	enum err_code rc = token_read(key, value, &is_index, hash, &view, err);

	if (rc == ERR_OK)
		rc = get(txn, hash, false, &bytes, &view, &found, err);
	if (rc != ERR_OK || !found)
		return rc;
	token = token_of(&view);
	return one(arg, hash, token, err);
}

static enum err_code
walk(struct txn *txn, struct bytes prefix, token_one one, void *arg,
     struct err *err)
{
	g_autoptr(scan_t) scan = scan_new(txn, TOKENS, prefix,
					bytes_of(NULL, 0), SCAN_SIZE,
					SCAN_DROP);
	struct bytes key, value;
	enum err_code rc;

	while ((rc = scan_next(scan, &key, &value, err)) == ERR_OK &&
	       key.data != NULL) {
		rc = walk_one(txn, key, value, one, arg, err);
		if (rc != ERR_OK)
			return rc;
	}
	return rc;
}

enum err_code
token_walk(struct txn *txn, uint32_t list, const char *addr, token_one one,
	   void *arg, struct err *err)
{
	g_autoptr(GByteArray) prefix = g_byte_array_new();

	index_key(prefix, list, addr, NULL);
	return walk(txn, bytes_buf(prefix), one, arg, err);
}

struct removing {
	struct txn *txn;
	uint64_t count;
};

static enum err_code
remove_one(void *arg, const uint8_t hash[TOKEN_HASH],
	   const struct token *token, struct err *err)
{
	struct removing *removing = arg;
	bool removed = false;
	enum err_code rc = token_remove(removing->txn, hash, &removed, err);

	(void) token;
	removing->count += removed;
	return rc;
}

enum err_code
token_remove_for(struct txn *txn, uint32_t list, const char *addr,
		 const char *kind, uint64_t *count_out, struct err *err)
{
	g_autoptr(GByteArray) prefix = g_byte_array_new();
	struct removing removing = { .txn = txn };
	enum err_code rc;

	index_key(prefix, list, addr, kind);
	rc = walk(txn, bytes_buf(prefix), remove_one, &removing, err);
	if (rc == ERR_OK && count_out != NULL)
		*count_out = removing.count;
	return rc;
}

static enum err_code
token_is_old(struct place at, struct bytes key, struct bytes value,
	     int64_t before, bool *old, struct err *err)
{
	struct token_view view;
	uint8_t hash[TOKEN_HASH];
	bool is_index;
	enum err_code rc = token_read(key, value, &is_index, hash, &view, err);

	(void) at;
	if (rc == ERR_OK)
		*old = view.expires_s <= before;
	return rc;
}

enum err_code
token_expire(struct store *store, int64_t now_s, struct err *err)
{
	return expire(store, TABLE_TOKENS, 0, token_is_old, now_s, err);
}
