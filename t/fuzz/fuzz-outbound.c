/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * A relay that answers whatever it likes. The first byte is the size of the
 * pieces in which its answers come (0: line by line), the second what copies
 * there are (bits 1, 2, 4) and whether it reads what it is sent (8: only at
 * the end; 16: a long post); the rest are the answers. Where a connection
 * ends, the next one gets what is left of them.
 *
 * What the client has said is read once more here, by an oracle that pairs
 * it with the answers from the beginning: it tells which copies a relay that
 * means what it says has taken.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <glib.h>
#include <glib/gstdio.h>

#include "core/outbound/conn.h"
#include "core/outbound/reply.h"
#include "core/base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LIST "dev@lists.test"
#define COPIES 7
#define CONNS_MAX 4
#define LARGE 20000		/* more than the socket's buffer of BUFFER */
#define BUFFER 4096

/* The process lives for all inputs. */
static struct {
	struct settings *settings;
	struct verp *verp;
	struct composed *plain, *personal, *large;
	int listen_fd;
	struct sockaddr_un addr;
	socklen_t addr_len;
} world;

static void
check(bool holds)
{
	if (!holds)
		abort();
}

/* --- what is there ------------------------------------------------------ */

static struct settings *
make_settings(void)
{
	static const char text[] = "[muster]\ndomains = lists.test\n";
	g_autofree char *path = NULL;
	struct settings *settings;
	struct err err = ERR_INIT;
	int fd = g_file_open_tmp("muster-fuzz-XXXXXX", &path, NULL);

	check(fd >= 0 && write(fd, text, strlen(text)) ==
	      (ssize_t)strlen(text));
	check(settings_load(path, &settings, &err) == ERR_OK);
	(void)close(fd);
	(void)g_unlink(path);
	return settings;
}

static struct composed *
make_post(bool personal, size_t filler)
{
	const struct post_id post = { { 0 } };
	char mark[SLOT_MARK_MAX];
	g_autofree char *header = NULL, *letters = g_strnfill(filler, 'x');
	g_autofree char *body = g_strdup_printf(
		"hello\r\n.\r\n%s\r\n..two\r\n", letters);
	g_autoptr(GBytes) header_bytes = NULL, body_bytes = NULL;

	slot_mark(world.verp, LIST, &post, SLOT_MEMBER, mark);
	header = g_strdup_printf("Subject: x\r\nX-You: %s\r\n",
				 personal ? mark : "all");
	header_bytes = g_bytes_new(header, strlen(header));
	body_bytes = g_bytes_new(body, strlen(body));
	return compose(world.verp, &post, LIST, header_bytes, body_bytes);
}

static void
make_world(void)
{
	const uint8_t secret[VERP_SECRET_LEN] = { 1 };

	world.settings = make_settings();
	world.verp = verp_new(secret);
	world.plain = make_post(false, 0);
	world.personal = make_post(true, 0);
	world.large = make_post(false, LARGE);
	world.addr.sun_family = AF_UNIX;
	world.listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	/* An address of the kernel's choice */
	check(bind(world.listen_fd, (const struct sockaddr *)&world.addr,
		   sizeof(sa_family_t)) == 0);
	world.addr_len = sizeof(world.addr);
	check(getsockname(world.listen_fd, (struct sockaddr *)&world.addr,
			  &world.addr_len) == 0);
	check(listen(world.listen_fd, 1) == 0);
}

/* --- the copies, and what became of them -------------------------------- */

struct play {
	struct batch *batch;		/* NULL: all is answered, and gone */
	GQueue waiting;			/* of envelopes' indices */
	unsigned int finals[COPIES];
	GArray *sent;			/* of guint, on this connection */
	/* of the connection: */
	bool is_deaf;			/* hears nothing until the end */
	int fd;				/* the relay's end */
	GString *heard;			/* all that the client has said */
	GString *told;			/* all that the relay has */
};

static void
add_copy(struct batch *batch, guint index)
{
	g_autofree char *addr = g_strdup_printf(
		index == 6 ? "m\xc3\xb6%u@d.test" : "m%u@d.test", index);

	batch_add_copy(batch, addr, addr);
}

static void
begin(struct play *play, uint8_t kind)
{
	const struct post_id post = { { 0 } };
	struct batch *batch = batch_new(kind & 1 ? world.personal :
					kind & 16 ? world.large : world.plain,
					world.settings, world.verp, &post,
					LIST, NULL);

	for (guint i = 0; i < COPIES; i++)
		add_copy(batch, i);
	if (kind & 1) {
		for (guint i = 0; i < COPIES; i++)
			batch_envelop(batch, i, 1, SENDER_SINGLE, NULL);
	} else {
		batch_envelop(batch, 0, 3, kind & 2 ? SENDER_XVERP :
			      SENDER_SHARED, NULL);
		batch_envelop(batch, 3, 1, SENDER_SINGLE, NULL);
		batch_envelop(batch, 4, 3, kind & 4 ? SENDER_XVERP :
			      SENDER_SHARED, NULL);
	}
	*play = (struct play){ .batch = batch, .fd = -1,
			       .is_deaf = (kind & 8) != 0 };
	g_queue_init(&play->waiting);
	for (guint i = 0; i < batch->envelopes->len; i++)
		g_queue_push_tail(&play->waiting, GUINT_TO_POINTER(i));
	play->sent = g_array_new(FALSE, FALSE, sizeof(guint));
}

/* As in relay.c: with the last answer the batch is gone. */
static void
settle(struct play *play, guint envelope, guint copy,
       enum copy_result result)
{
	struct batch *batch = play->batch;
	const struct envelope *in = batch_envelope(batch, envelope);

	check(copy >= in->first && copy < in->first + in->count);
	check(batch_copy(batch, copy)->result == COPY_OPEN);
	check(result == COPY_SENT || result == COPY_DEFERRED ||
	      result == COPY_REFUSED);
	check(++play->finals[copy] == 1);
	batch_copy(batch, copy)->result = result;
	batch_envelope(batch, envelope)->answered++;
	if (++batch->answered == batch->copies->len) {
		check(g_queue_is_empty(&play->waiting));
		batch_free(g_steal_pointer(&play->batch));
	}
}

static void
on_answered(void *arg, struct batch *batch, guint envelope, guint copy,
	    enum copy_result result, int code, const char *text)
{
	struct play *play = arg;

	check(batch == play->batch && text != NULL);
	check(result != COPY_SENT || (code >= 200 && code < 300));
	if (result == COPY_SENT)
		g_array_append_val(play->sent, copy);
	settle(play, envelope, copy, result);
}

static void
on_again(void *arg, struct batch *batch, guint index, bool lost)
{
	struct play *play = arg;
	struct envelope *envelope = batch_envelope(batch, index);

	check(batch == play->batch && envelope->answered < envelope->count);
	check(g_queue_find(&play->waiting, GUINT_TO_POINTER(index)) == NULL);
	for (guint i = 0; i < envelope->count; i++)
		check(batch_copy(batch, envelope->first + i)->result !=
		      COPY_AGAIN);
	envelope->losses += lost;
	g_queue_push_tail(&play->waiting, GUINT_TO_POINTER(index));
}

static void
on_refused(void *arg, int code, const char *text)
{
	(void)arg;
	check(text != NULL && (code == 0 || (code >= 200 && code < 600)));
}

static void
start_one(struct play *play, struct conn *conn)
{
	struct batch *batch = play->batch;
	guint index = GPOINTER_TO_UINT(g_queue_pop_head(&play->waiting));
	guint before = batch->envelopes->len;

	if (batch_envelope(batch, index)->sender == SENDER_XVERP &&
	    !conn_offers_xverp(conn)) {
		batch_split(batch, index);
		for (guint i = before; i < batch->envelopes->len; i++)
			g_queue_push_tail(&play->waiting,
					  GUINT_TO_POINTER(i));
		return;
	}
	conn_start(conn, batch, index);
}

/* --- the oracle --------------------------------------------------------- */

struct oracle {
	const char *at, *end;		/* of what was said */
	struct reply_reader replies;
	bool is_open;			/* a MAIL without an end */
	bool sender_ok;
	guint rcpts[COPIES];		/* said in this transaction */
	bool rcpt_ok[COPIES];
	bool taken[COPIES];		/* in any of them */
};

static int
next_code(struct oracle *oracle)
{
	struct reply reply;

	return reply_next(&oracle->replies, &reply) ? reply.code : 0;
}

static guint
copy_of(const char *line)
{
	const char *at = strchr(line, '@');
	guint copy;

	check(g_str_has_prefix(line, "RCPT TO:<m") && at != NULL);
	copy = (guint)(at[-1] - '0');
	check(copy < COPIES && g_str_has_prefix(at, "@d.test>"));
	return copy;
}

static void
reset(struct oracle *oracle)
{
	oracle->is_open = oracle->sender_ok = false;
	memset(oracle->rcpts, 0, sizeof(oracle->rcpts));
	memset(oracle->rcpt_ok, 0, sizeof(oracle->rcpt_ok));
}

static guint
first_rcpt(const struct oracle *oracle)
{
	guint i = 0;

	while (i < COPIES && oracle->rcpts[i] == 0)
		i++;
	return i;
}

/* Is it the post, for who is named in this transaction? */
static void
check_body(const struct oracle *oracle, const char *bytes, size_t len)
{
	g_autofree char *body = g_strndup(bytes, len);
	g_autofree char *you = g_strdup_printf("X-You: m%u@",
					       first_rcpt(oracle));
	const char *field = strstr(body, "X-You: ");

	check(field != NULL && g_str_has_prefix(body, "Subject: x\r\n"));
	check(g_str_has_prefix(field, "X-You: all\r\n") ||
	      g_str_has_prefix(field, you) ||
	      g_str_has_prefix(field, "X-You: m\xc3\xb6" "6@"));
	check(strstr(body, "\r\n\r\nhello\r\n") != NULL);
	check(g_str_has_suffix(body, "two\r\n"));
}

static void
take(struct oracle *oracle, int code)
{
	for (guint i = 0; i < COPIES && code >= 200 && code < 300; i++)
		oracle->taken[i] |= oracle->sender_ok && oracle->rcpt_ok[i];
}

static void
read_data(struct oracle *oracle)
{
	const size_t left = (size_t)(oracle->end - oracle->at);
	const char *dot;

	if (next_code(oracle) != 354)
		return;
	if (left >= 3 && memcmp(oracle->at, ".\r\n", 3) == 0) {
		oracle->at += 3;
		(void)next_code(oracle);
		reset(oracle);
		return;
	}
	dot = memmem(oracle->at, left, "\r\n.\r\n", 5);
	if (dot == NULL) {
		oracle->at = oracle->end;
		return;
	}
	check_body(oracle, oracle->at, (size_t)(dot + 2 - oracle->at));
	oracle->at = dot + 5;
	take(oracle, next_code(oracle));
	reset(oracle);
}

static void
read_chunk(struct oracle *oracle, const char *line)
{
	const size_t len = (size_t)g_ascii_strtoull(line + 5, NULL, 10);
	int code;

	check(g_str_has_suffix(line, " LAST"));
	if (len > (size_t)(oracle->end - oracle->at)) {
		oracle->at = oracle->end;
		return;
	}
	check_body(oracle, oracle->at, len);
	oracle->at += len;
	code = next_code(oracle);
	take(oracle, code);
	if (code >= 200 && code < 300)
		reset(oracle);
}

static void
read_mail(struct oracle *oracle, const char *line)
{
	int code = next_code(oracle);

	check(g_str_has_prefix(line, "MAIL FROM:<dev-bounces+"));
	check(!oracle->is_open);
	reset(oracle);
	oracle->is_open = oracle->sender_ok = code >= 200 && code < 300;
}

static void
read_rcpt(struct oracle *oracle, const char *line)
{
	const guint copy = copy_of(line);
	int code = next_code(oracle);

	check(++oracle->rcpts[copy] == 1);
	oracle->rcpt_ok[copy] = code >= 200 && code < 300;
}

static void
read_line(struct oracle *oracle, const char *line)
{
	if (g_str_has_prefix(line, "MAIL ")) {
		read_mail(oracle, line);
	} else if (g_str_has_prefix(line, "RCPT ")) {
		read_rcpt(oracle, line);
	} else if (strcmp(line, "DATA") == 0) {
		read_data(oracle);
	} else if (g_str_has_prefix(line, "BDAT ")) {
		read_chunk(oracle, line);
	} else if (strcmp(line, "RSET") == 0) {
		(void)next_code(oracle);
		reset(oracle);
	} else {
		check(g_str_has_prefix(line, "EHLO ") ||
		      g_str_has_prefix(line, "HELO ") ||
		      strcmp(line, "QUIT") == 0);
		(void)next_code(oracle);
	}
}

/* Nobody is marked sent whose copy was not taken. */
static void
check_sent(const struct play *play)
{
	struct oracle oracle = { .at = play->heard->str,
				 .end = play->heard->str + play->heard->len };
	const char *lf;

	reply_reader_init(&oracle.replies);
	reply_feed(&oracle.replies, play->told->str, play->told->len);
	(void)next_code(&oracle);	/* the greeting */
	while ((lf = memmem(oracle.at, (size_t)(oracle.end - oracle.at),
			    "\r\n", 2)) != NULL) {
		g_autofree char *line = g_strndup(oracle.at, (gsize)
						  (lf - oracle.at));

		oracle.at = lf + 2;
		read_line(&oracle, line);
	}
	for (guint i = 0; i < play->sent->len; i++)
		check(oracle.taken[g_array_index(play->sent, guint, i)]);
	reply_reader_done(&oracle.replies);
}

/* --- the play ----------------------------------------------------------- */

static void
hear(struct play *play)
{
	char bytes[65536];
	ssize_t count;

	while ((count = recv(play->fd, bytes, sizeof(bytes),
			     MSG_DONTWAIT)) > 0)
		g_string_append_len(play->heard, bytes, count);
}

static size_t
piece_len(const uint8_t *at, size_t left, uint8_t piece)
{
	const uint8_t *lf;

	if (piece != 0)
		return MIN(piece, left);
	lf = memchr(at, '\n', left);
	return lf != NULL ? (size_t)(lf - at) + 1 : left;
}

/* False: it is over. */
static bool
serve(struct play *play, struct conn *conn)
{
	bool goes_on = conn_read(conn, false);

	while (goes_on && !g_queue_is_empty(&play->waiting) &&
	       conn_has_room(conn))
		start_one(play, conn);
	return goes_on && conn_write(conn);
}

/* One connection; how much of the answers it has used up */
static size_t
converse(struct play *play, const uint8_t *answers, size_t len,
	 uint8_t piece)
{
	const struct conn_events events = { on_answered, on_again, on_refused,
					    play };
	struct conn *conn = conn_open(&world.addr, world.addr_len,
				      world.settings, &events);
	size_t at = 0, now;
	const int buffer = BUFFER;
	guint open = 0;

	check(conn != NULL && setsockopt(conn_fd(conn), SOL_SOCKET, SO_SNDBUF,
					 &buffer, sizeof(buffer)) == 0);
	play->fd = accept4(world.listen_fd, NULL, NULL, SOCK_CLOEXEC);
	play->heard = g_string_new(NULL);
	play->told = g_string_new(NULL);
	g_array_set_size(play->sent, 0);
	(void)serve(play, conn);
	do {
		if (!play->is_deaf)
			hear(play);
		now = piece_len(answers + at, len - at, piece);
		if (now == 0 || send(play->fd, answers + at, now,
				     MSG_NOSIGNAL) != (ssize_t)now)
			break;
		g_string_append_len(play->told, (const char *)answers + at,
				    (gssize)now);
		at += now;
	} while (serve(play, conn));
	open = conn_open_count(conn);
	check(conn_close(conn) <= COPIES && open <= 50);
	hear(play);
	check_sent(play);
	(void)close(play->fd);
	g_string_free(play->heard, TRUE);
	g_string_free(play->told, TRUE);
	return at;
}

/* Each copy has its answer, or its envelope waits. */
static void
check_account(const struct play *play)
{
	guint waiting = 0, open = 0;

	if (play->batch == NULL)
		return;
	for (guint i = 0; i < COPIES; i++)
		open += play->finals[i] == 0;
	for (const GList *at = play->waiting.head; at != NULL;
	     at = at->next) {
		const struct envelope *envelope = batch_envelope(
			play->batch, GPOINTER_TO_UINT(at->data));

		for (guint i = 0; i < envelope->count; i++)
			waiting += play->finals[envelope->first + i] == 0;
	}
	check(waiting == open && open > 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct play play;
	size_t at = 2;

	if (size < 2)
		return 0;
	if (world.settings == NULL)
		make_world();
	begin(&play, data[1]);
	for (int i = 0; i < CONNS_MAX && play.batch != NULL && at < size;
	     i++) {
		at += converse(&play, data + at, size - at, data[0]);
		check_account(&play);
	}
	batch_free(play.batch);
	g_queue_clear(&play.waiting);
	g_array_free(play.sent, TRUE);
	return 0;
}
