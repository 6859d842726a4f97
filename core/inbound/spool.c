/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/inbound/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <glib.h>

#include "core/base/banned.h"

#define BUFFER_LEN 65536

struct spool {
	int fd;
	int failed; /* errno of the first failure, or 0 */
	uint64_t size;
	size_t buffered;
	char *map;
	size_t map_len;
	char buffer[BUFFER_LEN];
};

struct spool *
spool_new(void)
{
	struct spool *spool = g_malloc(sizeof(*spool));

	spool->fd =
		memfd_create("muster-post", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	spool->failed = spool->fd < 0 ? errno : 0;
	spool->size = 0;
	spool->buffered = 0;
	spool->map = NULL;
	spool->map_len = 0;
	return spool;
}

void
spool_free(struct spool *spool)
{
	if (spool == NULL)
		return;
	if (spool->map != NULL)
		(void)munmap(spool->map, spool->map_len);
	if (spool->fd >= 0)
		(void)close(spool->fd);
	g_free(spool);
}

static void
write_out(struct spool *spool, const char *bytes, size_t len)
{
	ssize_t count;

	while (len > 0 && spool->failed == 0) {
		count = write(spool->fd, bytes, len);
		if (count < 0 && errno != EINTR)
			spool->failed = errno;
		if (count > 0) {
			bytes += count;
			len -= (size_t)count;
		}
	}
}

void
spool_add(struct spool *spool, const void *bytes, size_t len)
{
	spool->size += len;
	if (spool->buffered + len > BUFFER_LEN) {
		write_out(spool, spool->buffer, spool->buffered);
		spool->buffered = 0;
	}
	if (len > BUFFER_LEN) {
		write_out(spool, bytes, len);
		return;
	}
	memcpy(spool->buffer + spool->buffered, bytes, len);
	spool->buffered += len;
}

uint64_t
spool_size(const struct spool *spool)
{
	return spool->size;
}

enum err_code
spool_seal(struct spool *spool, int *fd, const char **bytes, struct err *err)
{
	write_out(spool, spool->buffer, spool->buffered);
	spool->buffered = 0;
	if (spool->failed == 0 &&
	    fcntl(spool->fd, F_ADD_SEALS,
		  F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) !=
		    0)
		spool->failed = errno;
	if (spool->failed == 0 && spool->size > 0) {
		spool->map = mmap(NULL, spool->size, PROT_READ, MAP_SHARED,
				  spool->fd, 0);
		spool->map_len = spool->size;
		if (spool->map == MAP_FAILED) {
			spool->failed = errno;
			spool->map = NULL;
		}
	}
	if (spool->failed != 0) {
		errno = spool->failed;
		return err_errno(err, "free memory", "cannot keep the post");
	}
	*fd = spool->fd;
	*bytes = spool->map != NULL ? spool->map : "";
	return ERR_OK;
}
