/* SPDX-License-Identifier: BSD-2-Clause */
#include "db/load.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib.h>

#include "core/base/log.h"
#include "core/base/banned.h"

/*
 * A load is all or nothing, and yet no transaction of Berkeley DB's could
 * hold it. So the dump is first copied to home/load (the input may be a
 * pipe) and checked whole against the store. Then a marker in meta, durable,
 * says that the copy is to be put in; that is done in lazy transactions of
 * bounded size, which may be repeated without harm. When the marker is gone,
 * it is done; as long as it is there, each store_open() does it again.
 */
#define COPY_NAME "dump"
#define BATCH_RECORDS 5000
#define BATCH_BYTES (4 * 1024 * 1024)
#define MARKER bytes_of("load", 4)
#define COPY_BUFFER (256 * 1024)

struct load {
	struct store *store;
	char *path;
	dump_progress progress;
	void *arg;
	uint64_t lines;		/* in the copy */
	uint64_t bytes;
};

static void
tell(const struct load *load, const char *step, uint64_t done)
{
	if (load->progress != NULL)
		load->progress(load->arg, step, done, load->lines);
}

enum err_code
load_line(FILE *in, char *buf, size_t *len_out, struct err *err)
{
	size_t len = 0;
	int c;

	while ((c = getc_unlocked(in)) != EOF && c != '\n') {
		if (len == LINE_LONGEST)
			return err_set(err, ERR_INVALID, "", "longer than %d "
				       "bytes", LINE_LONGEST);
		buf[len++] = (char)c;
	}
	if (c == EOF && ferror(in))
		return err_errno(err, "", "reading the dump");
	buf[len] = '\0';
	*len_out = c == EOF && len == 0 ? SIZE_MAX : len;
	return ERR_OK;
}

static enum err_code
write_all(int fd, const char *data, size_t len, struct err *err)
{
	while (len > 0) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, "free space on the file system "
					 "of home", "copying the dump");
		data += n;
		len -= (size_t)n;
	}
	return ERR_OK;
}

static void
count_lines(struct load *load, const char *data, size_t len)
{
	const char *end = data + len;

	while ((data = memchr(data, '\n', (size_t)(end - data))) != NULL) {
		load->lines++;
		data++;
	}
}

static enum err_code
copy_bytes(struct load *load, int in, int out, struct err *err)
{
	g_autofree char *buf = g_malloc(COPY_BUFFER);
	enum err_code rc;
	ssize_t n;

	for (;;) {
		n = read(in, buf, COPY_BUFFER);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, "", "reading the dump");
		if (n == 0)
			break;
		count_lines(load, buf, (size_t)n);
		load->bytes += (uint64_t)n;
		rc = write_all(out, buf, (size_t)n, err);
		if (rc != ERR_OK)
			return rc;
	}
	if (fsync(out) < 0)
		return err_errno(err, "", "copying the dump");
	return ERR_OK;
}

static enum err_code
sync_dir(const struct load *load, struct err *err)
{
	g_autofree char *dir = g_path_get_dirname(load->path);
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = fd < 0 ? -1 : fsync(fd);

	if (rc < 0)
		(void) err_errno(err, "", "%s", dir);
	if (fd >= 0)
		(void) close(fd);
	return rc < 0 ? ERR_IO : ERR_OK;
}

static enum err_code
copy(struct load *load, int in, struct err *err)
{
	int out = open(load->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
		       0600);
	enum err_code rc;

	if (out < 0)
		return err_errno(err, "", "%s", load->path);
	rc = copy_bytes(load, in, out, err);
	if (close(out) < 0 && rc == ERR_OK)
		rc = err_errno(err, "", "%s", load->path);
	return rc == ERR_OK ? sync_dir(load, err) : rc;
}

static enum err_code
open_copy(const struct load *load, FILE **out, struct err *err)
{
	*out = fopen(load->path, "re");
	return *out != NULL ? ERR_OK : err_errno(err, "", "%s", load->path);
}

static enum err_code
check_lines(const struct load *load, struct load_check *check, FILE *in,
	    struct err *err)
{
	g_autofree char *line = g_malloc(LINE_LONGEST + 1);
	uint64_t number = 0;
	size_t len;
	enum err_code rc;

	for (;;) {
		rc = load_line(in, line, &len, err);
		if (rc == ERR_INVALID)
			return err_context(err, "line %llu",
					   (unsigned long long)number + 1);
		if (rc != ERR_OK || len == SIZE_MAX)
			return rc;
		rc = load_check_line(check, line, len, err);
		if (rc != ERR_OK)
			return rc;
		if (++number % BATCH_RECORDS == 0)
			tell(load, "checking", number);
	}
}

static enum err_code
check_copy(const struct load *load, struct dump_counts *out, struct err *err)
{
	g_autoptr(load_check_t) check = load_check_new(
		store_reader(load->store));
	FILE *in;
	enum err_code rc = open_copy(load, &in, err);

	if (rc != ERR_OK)
		return rc;
	rc = check_lines(load, check, in, err);
	(void) fclose(in);	/* it was only read */
	return rc == ERR_OK ? load_check_end(check, out, err) : rc;
}

/* The second pass: records of one transaction, which may run twice. */
struct batch {
	struct load_put *put;
	GPtrArray *objects;	/* json_t */
	size_t bytes;
};

static enum err_code
batch_body(struct txn *txn, void *arg, struct err *err)
{
	const struct batch *batch = arg;
	struct load_put *put = batch->put;
	enum dump_type type;
	enum err_code rc = ERR_OK;

	load_put_begin(put);
	for (guint i = 0; rc == ERR_OK && i < batch->objects->len; i++) {
		json_t *object = g_ptr_array_index(batch->objects, i);

		rc = fields_check(object, &type, err);
		if (rc == ERR_OK)
			rc = load_put(put, txn, object, type, err);
	}
	return rc;
}

static enum err_code
batch_commit(const struct load *load, struct batch *batch, struct err *err)
{
	enum err_code rc = ERR_OK;

	if (batch->objects->len > 0)
		rc = store_txn(load->store, TXN_LAZY, batch_body, batch, err);
	g_ptr_array_set_size(batch->objects, 0);
	batch->bytes = 0;
	return rc;
}

static enum err_code
batch_add(const struct load *load, struct batch *batch, const char *line,
	  size_t len, struct err *err)
{
	json_t *object = NULL;
	enum err_code rc = load_parse(line, len, &object, err);

	if (rc != ERR_OK)
		return rc;
	g_ptr_array_add(batch->objects, object);
	batch->bytes += len;
	if (batch->objects->len < BATCH_RECORDS &&
	    batch->bytes < BATCH_BYTES)
		return ERR_OK;
	return batch_commit(load, batch, err);
}

static enum err_code
put_lines(const struct load *load, struct batch *batch, FILE *in,
	  struct err *err)
{
	g_autofree char *line = g_malloc(LINE_LONGEST + 1);
	uint64_t number = 0;
	size_t len;
	enum err_code rc;

	for (;;) {
		rc = load_line(in, line, &len, err);
		if (rc == ERR_OK && len == SIZE_MAX)
			return batch_commit(load, batch, err);
		/* the first line is the header */
		if (rc == ERR_OK && number++ > 0)
			rc = batch_add(load, batch, line, len, err);
		if (rc != ERR_OK)
			return err_context(err, "line %llu",
					   (unsigned long long)number);
		if (number % BATCH_RECORDS == 0)
			tell(load, "writing", number);
	}
}

static void
unref_object(void *object)
{
	json_decref(object);
}

static enum err_code
put_copy(const struct load *load, struct err *err)
{
	g_autoptr(GPtrArray) objects = g_ptr_array_new_with_free_func(
		unref_object);
	g_autoptr(load_put_t) put = NULL;
	struct batch batch = { .objects = objects };
	FILE *in;
	enum err_code rc;

	rc = load_put_new(store_reader(load->store), &put, err);
	if (rc == ERR_OK)
		rc = open_copy(load, &in, err);
	if (rc != ERR_OK)
		return rc;
	batch.put = put;
	rc = put_lines(load, &batch, in, err);
	(void) fclose(in);	/* it was only read */
	return rc;
}

static enum err_code
mark_body(struct txn *txn, void *arg, struct err *err)
{
	const bool *on = arg;
	g_autoptr(GByteArray) value = record_new();
	bool removed;

	if (*on)
		return table_put(txn, place_of(TABLE_META), MARKER,
				 bytes_buf(value), err);
	return table_remove(txn, place_of(TABLE_META), MARKER, &removed,
			    err);
}

static enum err_code
mark(struct store *store, bool on, struct err *err)
{
	return store_txn(store, TXN_DURABLE, mark_body, &on, err);
}

/* From the marker on: what is left undone here, the next open does. */
static enum err_code
put_marked(const struct load *load, struct err *err)
{
	enum err_code rc = put_copy(load, err);

	if (rc == ERR_OK)
		rc = mark(load->store, false, err);
	if (rc != ERR_OK)
		return err_context(err, "the load has begun, and is finished "
				   "at the next start");
	(void) unlink(load->path);	/* the next load overwrites it */
	return ERR_OK;
}

static enum err_code
load_all(struct load *load, int in, bool dry_run, struct dump_counts *out,
	 struct err *err)
{
	struct dump_counts counts = { 0 };
	enum err_code rc = copy(load, in, err);

	if (rc == ERR_OK)
		rc = check_copy(load, &counts, err);
	if (rc == ERR_OK && !dry_run)
		rc = store_room(load->store, load->bytes * 2, err);
	if (rc == ERR_OK && !dry_run)
		rc = mark(load->store, true, err);
	if (rc != ERR_OK || dry_run)
		(void) unlink(load->path);	/* of no use any more */
	else
		rc = put_marked(load, err);
	if (rc != ERR_OK)
		return rc;
	tell(load, "done", load->lines);
	*out = counts;
	return ERR_OK;
}

static char *
copy_path(struct store *store)
{
	return g_build_filename(store_home(store), "load", COPY_NAME, NULL);
}

static enum err_code
load_pending(struct store *store, bool *pending, struct err *err)
{
	g_autoptr(GBytes) marker = NULL;
	enum err_code rc = table_get(store_reader(store),
				     place_of(TABLE_META), MARKER, &marker,
				     err);

	*pending = marker != NULL;
	return rc;
}

enum err_code
dump_load(struct store *store, int in, bool dry_run, dump_progress progress,
	  void *arg, struct dump_counts *out, struct err *err)
{
	g_autofree char *path = copy_path(store);
	struct load load = { .store = store, .path = path,
			     .progress = progress, .arg = arg };
	bool pending;
	enum err_code rc;

	if (!g_mutex_trylock(store_load_lock(store)))
		return err_set(err, ERR_BUSY, "wait for it to end",
			       "another load is running");
	rc = load_pending(store, &pending, err);
	if (rc == ERR_OK && pending)
		rc = err_set(err, ERR_BUSY, "restart musterd: each start "
			     "tries to finish it", "an earlier load has not "
			     "been finished");
	if (rc == ERR_OK)
		rc = load_all(&load, in, dry_run, out, err);
	g_mutex_unlock(store_load_lock(store));
	return rc;
}

enum err_code
load_finish(struct store *store, struct err *err)
{
	g_autofree char *path = copy_path(store);
	struct load load = { .store = store, .path = path };
	bool pending;
	enum err_code rc = load_pending(store, &pending, err);

	if (rc != ERR_OK || !pending)
		return rc;
	log_info(NULL, "store.load-finished-at-start", kv_str("file", path));
	return put_marked(&load, err);
}
