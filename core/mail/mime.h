/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_MAIL_MIME_H
#define MUSTER_MAIL_MIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

#include "core/mail/header.h"

/*
 * All that needs to understand MIME, dates and mailboxes: the one door to
 * GMime, whose types stop here. mime_init() once per process, before any
 * thread; everything else is thread-safe.
 */

void mime_init(void);

/*
 * mime_authors - canonical addresses of all mailboxes in all From fields
 * (RFC 5322 section 3.6.2), groups opened, repeats left out, as char * with
 * free function, at most MIME_AUTHORS_MAX. complete is false where a From
 * could not be understood as a whole, or there was more: then nobody should
 * be trusted on the word of these. Empty, and complete, where there is no
 * From.
 */
#define MIME_AUTHORS_MAX 32
GPtrArray *mime_authors(const struct header *header, bool *complete);

/* mime_mailboxes - the same of a value such as header_value() has it;
 * complete is false too where there are none */
GPtrArray *mime_mailboxes(const char *value, bool *complete);

/* mime_recipients - the same of To and Cc; whoever made the post has named
 * them, and nothing proves that they got it */
#define MIME_RECIPIENTS_MAX 1000
GPtrArray *mime_recipients(const struct header *header, bool *complete);

/*
 * mime_named - the same of the fields of one name, with the names that the
 * mailboxes have: in UTF-8 without control characters, "" if none, found in a
 * comment where there is no other
 */
struct mailbox { char *addr, *name; };
GPtrArray *mime_named(const struct header *header, const char *name,
		      bool *complete);

/* mime_unname - the value of an address field (header_value) without the
 * names of addr that end in suffix; NULL: it has none, or is not understood.
 * The caller frees. */
char *mime_unname(const char *value, const char *addr, const char *suffix);

/*
 * mime_mailbox - one "addr" or "Name <addr>" (RFC 5322 section 3.4), as in
 * an address file. name_out is decoded UTF-8, "" if none; addr_out as
 * written, without brackets. NULL on success, else a static sentence that
 * says what is wrong.
 */
const char *mime_mailbox(const char *text, char **addr_out, char **name_out);

/* mime_display_names - those of an address list, decoded, that are not
 * empty, added as char * of their own */
void mime_display_names(const char *value, GPtrArray *out);

/* mime_decode_phrase - the words in front of "<addr>", of such bytes */
char *mime_decode_phrase(const char *phrase, size_t len);
/* mime_decode - RFC 2047 to UTF-8 without control characters; never NULL;
 * the caller frees */
char *mime_decode(const char *value);
/* mime_encode_text - UTF-8 to RFC 2047 where needed; the caller frees */
char *mime_encode_text(const char *text);
/* mime_append_text - such a text as a field, folded */
void mime_append_text(struct header *header, const char *name,
		      const char *text);
/* mime_encode_phrase - a display name for "phrase <addr>" */
char *mime_encode_phrase(const char *text);

/*
 * mime_param - a parameter of a Content-Type or Content-Disposition value,
 * decoded (RFC 2231, RFC 2047) to UTF-8 without control characters; NULL:
 * there is none. The caller frees.
 */
char *mime_param(const char *value, const char *name);

/* mime_to_utf8 - text in a charset ("" : UTF-8); what cannot be read is
 * replaced. NULs become blanks. The caller frees. */
char *mime_to_utf8(const char *charset, const char *bytes, size_t len);

char *mime_date_now(void);			/* RFC 5322 section 3.3 */
/* mime_date_utc - the same time as that of a Date, or fallback_s (unix time)
 * where it cannot be read, in UTC; the caller frees */
char *mime_date_utc(const char *value, int64_t fallback_s);
/* mime_date_read - the value of a Date as unix time; 0: it is none */
int64_t mime_date_read(const char *value);
char *mime_message_id(const char *domain);	/* "<...@domain>" */

/* mime_is_ascii - no octet of it has its eighth bit */
bool mime_is_ascii(const char *bytes, size_t len);

/*
 * mime_needs_recode - does a line (of header or body) pass 998 octets
 * without its CRLF (RFC 5321 section 4.5.3.1.6)?
 */
bool mime_needs_recode(const char *bytes, size_t len);

/*
 * mime_recode - the same message with leaf parts that hold over-long lines
 * in quoted-printable (text) or base64 (else, and what is base64 already),
 * and over-long fields folded or, where they have no blank, cut into legal
 * folds; the rest unchanged. Lines end in CRLF. False if that could not be
 * done, with out untouched (the post is then to be shunted): over-long lines
 * in uuencode, in message/partial or deeper than 50 parts; more than 5000
 * parts.
 */
bool mime_recode(const char *bytes, size_t len, GString *out);

/*
 * A mark stands in a text for what each copy of a message has of its own. It
 * is ASCII without "=". qp: what stands in its place where the text is
 * quoted-printable, and what is put in will be too. is_ascii: what is put in
 * has no other letters.
 */
struct mime_mark { const char *text, *qp; bool is_ascii; };

/* Lines that end in CRLF, in UTF-8, or "" */
struct mime_texts {
	const char *above, *below;
	const struct mime_mark *marks;
	size_t mark_count;
};

/*
 * mime_add - a message with texts above and below it, so that nothing of what
 * was there changes its meaning (RFC 2046 section 5.1). header: of the message;
 * it is changed where it must. body, of lines of at most 998 octets. The new
 * body is appended to out. The way says where the texts are:
 *
 * APPEND_LINES	above and below the lines of a text/plain that is nothing
 *		else; in its charset and encoding, or all in UTF-8 now
 * APPEND_PART	parts more, first and last in a multipart/mixed
 * APPEND_AROUND	parts of a multipart/mixed, in which the message is one,
 *		byte for byte as it was
 *
 * A mark is never encoded, but for that of qp: it can be found in the body.
 * Of a message that has a patch in it, both texts are below.
 */
enum append_way { APPEND_LINES, APPEND_PART, APPEND_AROUND };
enum append_way mime_add(struct header *header, const char *body, size_t len,
			 const struct mime_texts *texts, GString *out);

/*
 * mime_obscure - the message with the domains of addresses made unreadable
 * ("ann@xxxxxxxxxxx"), in fields and in parts of text, and of HTML. What
 * says who is answered (Message-ID and the like) and the list's own fields
 * stay, signatures and tracks of the way are left out. Never fails; what it
 * cannot read it copies.
 */
void mime_obscure(const char *bytes, size_t len, GString *out);

/*
 * mime_dsn - the recipients of a delivery status notification (RFC 3464).
 * Returns false if it is none: if it has no message/delivery-status, or only
 * in a message that it contains. Else *out holds a struct dsn_recipient each;
 * there may be none. Where Action is missing or unknown, Status decides.
 */
enum dsn_action { DSN_FAILED, DSN_DELAYED, DSN_OTHER };

struct dsn_recipient {
	enum dsn_action action;
	char *original;		/* Original-Recipient, address part without
				 * xtext, or "" */
	char *final;		/* Final-Recipient, address part, or ""; of
				 * either, whatever stood there, in UTF-8 */
	char *status;		/* "5.1.1", or "" */
	char *diagnostic;	/* one line of UTF-8, at most 400 bytes */
};

struct dsn {
	char *envelope_id;	/* Original-Envelope-Id, or "" */
	GPtrArray *recipients;	/* of struct dsn_recipient, frees them; at
				 * most 1000 */
};

bool mime_dsn(const char *bytes, size_t len, struct dsn *out);
/* mime_dsn_text - the same from fields that stand somewhere in a text, as
 * where the parts of a report have lost their types. False: none of them is
 * about a recipient. */
bool mime_dsn_text(const char *text, size_t len, struct dsn *out);
void dsn_done(struct dsn *dsn);

#endif
