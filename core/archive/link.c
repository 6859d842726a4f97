/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/archive/link.h"

#include <string.h>

#include <glib.h>

#include "core/base/base32.h"
#include "core/base/banned.h"

#define SHA1_LEN 20
#define LINE_ROOM 900		/* of 998 octets (RFC 5322 section 2.1.1) */

/* --- the author's wish -------------------------------------------------- */

static bool
says_no(const char *value)
{
	return g_ascii_strncasecmp(value, "no", 2) == 0 &&
		!g_ascii_isalnum(value[2]);
}

static bool
refuses(const struct header *header, const char *name, bool by_no)
{
	int at;

	for (int n = 0; (at = header_find(header, name, n)) >= 0; n++) {
		g_autofree char *value = header_value(header, at);

		if (says_no(value) == by_no)
			return true;
	}
	return false;
}

bool
archive_is_refused(const struct list_conf *conf, const struct header *header)
{
	return !conf->archive_all &&
		(refuses(header, "X-No-Archive", false) ||
		 refuses(header, "X-Archive", true) ||
		 refuses(header, "Archive", true));
}

/* --- links -------------------------------------------------------------- */

static char *
bare_id(const char *message_id)
{
	const char *from = strchr(message_id, '<');
	const char *to = from != NULL ? strchr(from, '>') : NULL;

	return to != NULL ? g_strndup(from + 1, (gsize)(to - from - 1)) :
		g_strstrip(g_strdup(message_id));
}

char *
archive_id_hash(const char *message_id)
{
	g_autofree char *id = bare_id(message_id);
	g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA1);
	guint8 hash[SHA1_LEN];
	gsize len = sizeof(hash);
	char text[2 * SHA1_LEN];

	g_checksum_update(sum, (const guchar *)id, -1);
	g_checksum_get_digest(sum, hash, &len);
	base32_encode(hash, sizeof(hash), text);
	return g_ascii_strup(text, -1);
}

static char *
escaped(const char *text)
{
	return g_uri_escape_string(text, "@", FALSE);
}

char *
archive_fill(const char *template, const char *const (*names)[2])
{
	GString *out = g_string_new(NULL);

	for (const char *p = template; *p != '\0';) {
		size_t taken = 0;

		for (size_t i = 0; names[i][0] != NULL && taken == 0; i++) {
			if (!g_str_has_prefix(p, names[i][0]))
				continue;
			g_string_append(out, names[i][1]);
			taken = strlen(names[i][0]);
		}
		if (taken == 0)
			g_string_append_c(out, *p);
		p += MAX(taken, 1);
	}
	return g_string_free(out, FALSE);
}

static char *
fill_list(const char *template, const char *list, const char *id,
	  const char *hash)
{
	const char *at = strrchr(list, '@');
	g_autofree char *local = g_strndup(list, (gsize)(at - list));
	g_autofree char *name = escaped(local), *addr = escaped(list);
	const char *const names[][2] = {
		{ "%{list}", addr }, { "%{list-name}", name },
		{ "%{list-domain}", at + 1 }, { "%{message-id}", id },
		{ "%{hash}", hash }, { NULL, NULL },
	};

	return archive_fill(template, names);
}

char *
archive_link(const struct list_conf *conf, const char *list,
	     const char *message_id)
{
	g_autofree char *bare = NULL, *id = NULL, *hash = NULL;

	if (conf->archive_url[0] == '\0' || message_id == NULL ||
	    message_id[0] == '\0')
		return NULL;
	bare = bare_id(message_id);
	id = escaped(bare);
	hash = archive_id_hash(message_id);
	return fill_list(conf->archive_url, list, id, hash);
}

char *
archive_top(const struct list_conf *conf, const char *list)
{
	const char *url = conf->archive_url;
	const char *id = strstr(url, "%{message-id}");
	const char *hash = strstr(url, "%{hash}");
	const char *first = id == NULL || (hash != NULL && hash < id) ?
		hash : id;
	g_autofree char *before = NULL;
	char *slash;

	if (url[0] == '\0')
		return NULL;
	before = first != NULL ? g_strndup(url, (gsize)(first - url)) :
		g_strdup(url);
	slash = strrchr(before, '/');
	if (slash != NULL)
		slash[1] = '\0';
	return fill_list(before, list, "", "");
}

/* --- fields ------------------------------------------------------------- */

/* A URL has no blank to fold it at; RFC 5064 section 2.1 allows folds in it,
 * which only lines that were too long otherwise get. */
static void
append_url(struct header *header, const char *name, const char *url)
{
	g_autoptr(GString) value = g_string_new("<");

	for (size_t i = 0; url[i] != '\0'; i++) {
		if (i > 0 && i % LINE_ROOM == 0)
			g_string_append(value, "\r\n ");
		g_string_append_c(value, url[i]);
	}
	g_string_append_c(value, '>');
	header_append(header, name, value->str);
}

void
archive_add_fields(const struct list_conf *conf, const char *list,
		   struct header *header)
{
	g_autofree char *top = archive_top(conf, list);
	g_autofree char *message_id = header_get(header, "Message-ID");
	g_autofree char *link = NULL;

	if (top == NULL)
		return;
	append_url(header, "List-Archive", top);
	link = archive_link(conf, list, message_id);
	if (link != NULL && !archive_is_refused(conf, header))
		append_url(header, "Archived-At", link);
}
