/* SPDX-License-Identifier: BSD-2-Clause */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib.h>

#include "db/check.h"
#include "db/table.h"
#include "core/base/banned.h"

/*
 * The checksums of all pages as they are on the disk. The records do not tell:
 * those that are in the cache are read from there, and nobody reads what is
 * free. A damaged page that the library meets ends the environment, so this
 * comes first, and without the library.
 *
 * The layout is that of Berkeley DB 5.3 (dbinc/db_page.h, db/db_conv.c): a
 * checksum of 4 bytes, by which it is itself taken as 0, at byte 28 of a page,
 * and at byte 492 of the 512 that a metadata page has. A page that was never
 * written is all 0.
 *
 * The file may be written while it is read: what looks wrong is read again.
 */
#define PAGE_SIZE 4096
#define META_SIZE 512
#define META_SUM_AT 492
#define SUM_AT 28
#define NUMBER_AT 8
#define TYPE_AT 25
#define TYPE_HASH_META 8
#define TYPE_QUEUE_META 10
#define PAGES_EACH 64		/* that are read at once */
#define TRIES 5
#define PAUSE_US 20000
#define REPORTED_MAX 20

/* Chris Torek's hash; the four bytes at sum_at count as 0. */
static uint32_t
sum_of(const uint8_t *page, size_t len, size_t sum_at)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < len; i++)
		sum = sum * 33 + (i - sum_at < sizeof(sum) ? 0 : page[i]);
	return sum;
}

static bool
is_blank(const uint8_t *page)
{
	for (size_t i = 0; i < PAGE_SIZE; i++)
		if (page[i] != 0)
			return false;
	return true;
}

static bool
is_sound(const uint8_t *page, uint64_t number)
{
	bool is_meta = page[TYPE_AT] >= TYPE_HASH_META &&
		page[TYPE_AT] <= TYPE_QUEUE_META;
	size_t sum_at = is_meta ? META_SUM_AT : SUM_AT;
	uint32_t sum, own;

	if (is_blank(page))
		return true;
	memcpy(&sum, page + sum_at, sizeof(sum));
	memcpy(&own, page + NUMBER_AT, sizeof(own));
	return own == number &&
		sum == sum_of(page, is_meta ? META_SIZE : PAGE_SIZE, sum_at);
}

static bool
is_sound_later(int fd, uint64_t number)
{
	uint8_t page[PAGE_SIZE];

	for (int i = 0; i < TRIES; i++) {
		g_usleep(PAUSE_US);
		if (pread(fd, page, sizeof(page), (off_t)(number * PAGE_SIZE))
		    != PAGE_SIZE || is_sound(page, number))
			return true;
	}
	return false;
}

static enum err_code
check_file(struct check *check, const char *path, const char *name, int fd,
	   struct err *err)
{
	g_autofree uint8_t *pages = g_malloc(PAGES_EACH * PAGE_SIZE);
	uint64_t number = 0;
	ssize_t got;

	while ((got = pread(fd, pages, PAGES_EACH * PAGE_SIZE,
			    (off_t)(number * PAGE_SIZE))) >= PAGE_SIZE) {
		for (ssize_t i = 0; i < got / PAGE_SIZE; i++, number++) {
			if (is_sound(pages + i * PAGE_SIZE, number) ||
			    is_sound_later(fd, number))
				continue;
			if (check->damaged++ < REPORTED_MAX)
				check_report(check, "%s: page %llu of %s is "
					     "damaged, its checksum is wrong",
					     name, (unsigned long long)number,
					     path);
		}
	}
	return got < 0 ? err_errno(err, "", "%s", path) : ERR_OK;
}

static enum err_code
check_name(struct check *check, const char *dir, const char *name,
	   struct err *err)
{
	g_autofree char *path = g_build_filename(dir, name, NULL);
	enum err_code rc;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return err_errno(err, "", "%s", path);
	rc = check_file(check, path, name, fd, err);
	(void) close(fd);
	return rc;
}

enum err_code
check_pages(struct check *check, const char *home, struct err *err)
{
	g_autofree char *path = g_build_filename(home, "env", "data", NULL);
	g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
	enum err_code rc = ERR_OK;
	const char *name;

	if (dir == NULL)
		return err_set(err, ERR_IO, "", "%s cannot be read", path);
	while (rc == ERR_OK && (name = g_dir_read_name(dir)) != NULL)
		rc = check_name(check, path, name, err);
	return rc;
}
