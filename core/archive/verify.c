/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/archive/verify.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/archive/files.h"
#include "db/queue.h"
#include "core/base/banned.h"

#define PROGRESS_POSTS 100

/* --- posts -------------------------------------------------------------- */

/* What of an mbox was found ends there. */
struct found {
	uint64_t mbox_end, maildir;
	uint32_t last;		/* number */
	GArray *lost;
};

static enum err_code
verify_one(struct verify *verify, struct archive_reader *reader,
	   const struct archived *entry, struct found *found,
	   struct err *err)
{
	g_autoptr(GBytes) text = NULL;
	g_autofree char *path = NULL;
	enum archive_found is;
	enum err_code rc = archive_reader_get(reader, entry, &is, &text, err);

	verify->posts++;
	if (rc != ERR_OK)
		return rc;
	found->maildir += entry->format == ARCHIVE_MAILDIR &&
		is != ARCHIVE_MISSING;
	if (is == ARCHIVE_THERE) {
		if (entry->format == ARCHIVE_MBOX)
			found->mbox_end = MAX(found->mbox_end, entry->offset +
					      entry->size);
		return ERR_OK;
	}
	verify->missing += is == ARCHIVE_MISSING;
	verify->changed += is == ARCHIVE_CHANGED;
	g_array_append_val(found->lost, entry->number);
	path = archive_reader_path(reader, entry);
	verify->report(verify->arg, entry, is, path);
	return ERR_OK;
}

static enum err_code
verify_posts(struct verify *verify, struct archive_reader *reader,
	     struct found *found, struct err *err)
{
	struct txn *txn = store_reader(verify->store);
	uint32_t number = 0;
	enum err_code rc;

	for (;;) {
		g_autoptr(archived_t) entry = NULL;

		rc = archive_next(txn, verify->list, number, &entry, err);
		if (rc != ERR_OK || entry == NULL)
			return rc;
		number = found->last = entry->number;
		rc = verify_one(verify, reader, entry, found, err);
		if (rc != ERR_OK)
			return rc;
		if (verify->progress != NULL &&
		    verify->posts % PROGRESS_POSTS == 0)
			verify->progress(verify->arg);
	}
}

/* --- what is not of them ------------------------------------------------ */

static bool
count_job(void *arg, const struct job *job)
{
	struct verify *verify = arg;

	if (job->list == verify->list) {
		verify->waiting += job->stage == STAGE_ARCHIVE;
		verify->shunted += job->stage == STAGE_SHUNTED &&
			job->was == STAGE_ARCHIVE;
	}
	return true;
}

/* The end of the mbox first, then what the store knows of it: so nothing that
 * is just being written looks too much. */
static enum err_code
verify_files(struct verify *verify, const struct found *found,
	     struct err *err)
{
	struct archive archive;
	struct stat st = { .st_size = 0 };
	uint64_t files, at_rest;
	int dir;
	enum err_code rc = archive_place_look(verify->place, &dir, err);

	if (rc != ERR_OK)
		return rc;
	(void) fstatat(dir, ARCHIVE_MBOX_NAME, &st, AT_SYMLINK_NOFOLLOW);
	files = files_count(dir, "new") + files_count(dir, "cur");
	(void) close(dir);
	rc = queue_walk_in(store_reader(verify->store), STAGE_ARCHIVE,
			   count_job, verify, err);
	if (rc == ERR_OK)
		rc = queue_walk_in(store_reader(verify->store), STAGE_SHUNTED,
				   count_job, verify, err);
	if (rc == ERR_OK)
		rc = archive_get(store_reader(verify->store), verify->list,
				 &archive, err);
	if (rc != ERR_OK)
		return rc;
	at_rest = found->maildir + verify->waiting + verify->shunted;
	if ((uint64_t)st.st_size > archive.mbox_size &&
	    verify->waiting + verify->shunted == 0)
		verify->tail = (uint64_t)st.st_size - archive.mbox_size;
	verify->unknown = files > at_rest ? files - at_rest : 0;
	return ERR_OK;
}

/* --- forgetting --------------------------------------------------------- */

struct forgetting {
	struct verify *verify;
	const struct found *found;
	uint64_t count;
};

static enum err_code
forget_one(struct txn *txn, struct archive *archive, uint32_t number,
	   struct forgetting *forgetting, struct err *err)
{
	g_autoptr(archived_t) entry = NULL;
	enum err_code rc = archive_by_number(txn, archive->list, number,
					     &entry, err);

	if (rc != ERR_OK || entry == NULL)
		return rc;
	forgetting->count++;
	return archive_forget(txn, archive, entry, err);
}

static enum err_code
forget_body(struct txn *txn, void *arg, struct err *err)
{
	struct forgetting *forgetting = arg;
	const struct found *found = forgetting->found;
	struct archive archive;
	enum err_code rc = archive_lock(txn, forgetting->verify->list,
					&archive, err);

	forgetting->count = 0;
	for (guint i = 0; rc == ERR_OK && i < found->lost->len; i++)
		rc = forget_one(txn, &archive, g_array_index(
				found->lost, uint32_t, i), forgetting, err);
	/* The next post goes behind the last that is there; what stands there
	 * now is moved out of its way. Not where one has come meanwhile. */
	if (rc == ERR_OK && found->last == archive.last &&
	    archive.mbox_size > found->mbox_end)
		rc = archive_set_mbox(txn, &archive, found->mbox_end, err);
	return rc;
}

static enum err_code
forget(struct verify *verify, const struct found *found, struct err *err)
{
	struct forgetting forgetting = { verify, found, 0 };
	enum err_code rc;

	if (!verify->forget || found->lost->len == 0)
		return ERR_OK;
	rc = store_txn(verify->store, TXN_DURABLE, forget_body, &forgetting,
		       err);
	if (rc == ERR_OK)
		verify->forgotten = forgetting.count;
	return rc;
}

enum err_code
verify_run(struct verify *verify, struct err *err)
{
	g_autoptr(archive_reader_t) reader = NULL;
	g_autoptr(GArray) lost = g_array_new(FALSE, FALSE, sizeof(uint32_t));
	struct found found = { .lost = lost };
	enum err_code rc = archive_reader_open(verify->place, &reader, err);

	if (rc == ERR_OK)
		rc = verify_posts(verify, reader, &found, err);
	if (rc == ERR_OK)
		rc = verify_files(verify, &found, err);
	return rc == ERR_OK ? forget(verify, &found, err) : rc;
}
