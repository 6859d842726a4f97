/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/archive/source.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/archive/files.h"
#include "core/base/banned.h"

#define TIME_LEAST_S 100000000	/* 1973: what is less is no time */

const char *const source_forms[] = {
	"any", "mboxrd", "mboxo", "mboxcl", "mboxcl2", "pipermail", NULL
};

struct source {
	struct mbox_source *mbox;	/* NULL: a Maildir */
	char *name;
	int dir;
	GPtrArray *files;	/* "new/...", "cur/...", by name */
	guint next;
	uint64_t octets;
	char *failed;		/* the folder that could not be read, or NULL */
	int problem;
};

void
source_message_done(struct source_message *message)
{
	g_clear_pointer(&message->bytes, g_byte_array_unref);
	g_clear_pointer(&message->where, g_free);
}

struct source *
source_mbox(FILE *in, const char *name, enum source_form form)
{
	struct source *source = g_new0(struct source, 1);

	source->name = g_strdup(name);
	source->mbox = mbox_source_new(in, name, form);
	return source;
}

/* --- Maildir ------------------------------------------------------------ */

static void
list_folder(struct source *source, const char *folder)
{
	int fd = openat(source->dir, folder, O_RDONLY | O_DIRECTORY |
			O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *entry;

	if (dir == NULL) {
		source->problem = errno;
		g_free(source->failed);
		source->failed = g_strdup(folder);
		if (fd >= 0)
			(void) close(fd);
		return;
	}
	while ((entry = readdir(dir)) != NULL)
		if (entry->d_name[0] != '.')
			g_ptr_array_add(source->files, g_strdup_printf(
					"%s/%s", folder, entry->d_name));
	(void) closedir(dir);
}

/* By when they came, which their names begin with. */
static int
by_name(const void *left, const void *right)
{
	const char *a = *(char *const *)left + strlen("new/");
	const char *b = *(char *const *)right + strlen("new/");
	const gint64 x = g_ascii_strtoll(a, NULL, 10);
	const gint64 y = g_ascii_strtoll(b, NULL, 10);

	return x != y ? (x < y ? -1 : 1) : strcmp(a, b);
}

struct source *
source_maildir(int dir, const char *name)
{
	struct source *source = g_new0(struct source, 1);

	source->name = g_strdup(name);
	source->dir = dir;
	source->files = g_ptr_array_new_with_free_func(g_free);
	list_folder(source, "new");
	list_folder(source, "cur");
	g_ptr_array_sort(source->files, by_name);
	return source;
}

void
source_free(struct source *source)
{
	if (source == NULL)
		return;
	mbox_source_free(source->mbox);
	g_clear_pointer(&source->files, g_ptr_array_unref);
	g_free(source->failed);
	g_free(source->name);
	g_free(source);
}

/* Some programs write the line of an mbox into files of a Maildir, too. */
static void
drop_from_line(struct source_message *message)
{
	const char *data = (const char *)message->bytes->data;
	const char *end = message->bytes->len > 0 ?
		memchr(data, '\n', message->bytes->len) : NULL;
	bool is_pipermail;
	int64_t time_s;

	if (end != NULL && from_line_read(data, (size_t)(end + 1 - data),
					  &time_s, &is_pipermail))
		g_byte_array_remove_range(message->bytes, 0,
					  (guint)(end + 1 - data));
}

static const char *
read_file(const struct source *source, const char *file,
	  struct source_message *out)
{
	int fd = openat(source->dir, file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW |
			O_NONBLOCK);
	const char *wrong = NULL;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) != 0)
		wrong = "it cannot be opened";
	else if (!S_ISREG(st.st_mode))
		wrong = "it is no file";
	else if (st.st_size > SOURCE_LARGEST)
		wrong = "it is larger than a message may be";
	if (wrong == NULL) {
		g_byte_array_set_size(out->bytes, (guint)st.st_size);
		/* its name begins with it, by custom */
		out->time_s = g_ascii_strtoll(file + strlen("new/"), NULL,
					      10);
		if (out->time_s < TIME_LEAST_S || out->time_s > st.st_mtime)
			out->time_s = (int64_t)st.st_mtime;
		if (!files_read(fd, (char *)out->bytes->data,
				(size_t)st.st_size, 0))
			wrong = "it cannot be read";
	}
	if (fd >= 0)
		(void) close(fd);
	return wrong;
}

static enum err_code
next_file(struct source *source, struct source_message *out, bool *more,
	  struct err *err)
{
	const char *file;

	if (source->failed != NULL) {
		errno = source->problem;
		return err_errno(err, "give a Maildir that musterd's user "
				 "can read, or an mbox", "%s/%s",
				 source->name, source->failed);
	}
	*more = source->next < source->files->len;
	if (!*more)
		return ERR_OK;
	file = g_ptr_array_index(source->files, source->next++);
	out->bytes = g_byte_array_new();
	out->where = g_strdup_printf("%s/%s", source->name, file);
	out->wrong = read_file(source, file, out);
	source->octets += out->bytes->len;
	drop_from_line(out);
	return ERR_OK;
}

/* --- both --------------------------------------------------------------- */

enum err_code
source_next(struct source *source, struct source_message *out, bool *more,
	    struct err *err)
{
	*out = (struct source_message){ 0 };
	*more = false;
	return source->mbox != NULL ?
		mbox_source_next(source->mbox, out, more, err) :
		next_file(source, out, more, err);
}

uint64_t
source_octets(const struct source *source)
{
	return source->mbox != NULL ? mbox_source_octets(source->mbox) :
		source->octets;
}
