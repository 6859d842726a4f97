/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/archive/place.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib.h>

#include "core/archive/link.h"
#include "core/base/banned.h"

#define TODO "see that its file system is mounted, has space, and belongs " \
	"to musterd's user; nothing is lost: it is tried again"

static const char *const folders[] = { "tmp", "new", "cur" };

#define DEFAULT_DIR "archive/%{list-domain}/%{list-name}"
/* whose archive it is: a link to the address, which is made or not, and cannot
 * be half written */
#define MARK ".list"

/* What goes into a path, and cannot lead elsewhere. */
static char *
safe_name(const char *text)
{
	char *name = g_strdup(text);

	for (char *p = name; *p != '\0'; p++)
		if (*p == '/' || (unsigned char)*p < ' ')
			*p = '_';
	if (name[0] == '.')
		name[0] = '_';
	return name;
}

static char *
fill_dir(const char *template, const char *list)
{
	const char *at = strrchr(list, '@');
	g_autofree char *local = g_strndup(list, (gsize)(at - list));
	g_autofree char *addr = safe_name(list), *name = safe_name(local);
	g_autofree char *domain = safe_name(at + 1);
	const char *const names[][2] = {
		{ "%{list}", addr }, { "%{list-name}", name },
		{ "%{list-domain}", domain }, { NULL, NULL },
	};

	return archive_fill(template, names);
}

/* Up to which "/" it must be there: what has no name of the list in it. */
static size_t
fixed_part(const char *template)
{
	const char *name = strstr(template, "%{");
	g_autofree char *before = name != NULL ?
		g_strndup(template, (gsize)(name - template)) :
		g_strdup(template);
	const char *slash = strrchr(before, '/');

	return (size_t)(slash - before);
}

void
archive_place_init(struct place_of_archive *out,
		   const struct settings *settings,
		   const struct list_conf *conf, const char *list)
{
	g_autofree char *template = conf->archive_dir[0] != '\0' ?
		g_strdup(conf->archive_dir) :
		g_build_filename(settings->home, DEFAULT_DIR, NULL);

	out->dir = fill_dir(template, list);
	out->fixed = conf->archive_dir[0] != '\0' ? fixed_part(template) :
		strlen(settings->home);
	out->is_private = conf->archive_private;
	out->list = g_strdup(list);
}

void
archive_place_done(struct place_of_archive *place)
{
	g_clear_pointer(&place->dir, g_free);
	g_clear_pointer(&place->list, g_free);
}

mode_t
archive_file_mode(const struct place_of_archive *place)
{
	return place->is_private ? 0640 : 0644;
}

enum err_code
archive_failed(const struct place_of_archive *place, const char *what,
	       struct err *err)
{
	enum err_code rc = err_errno(err, TODO, "the archive of %s, %s%s%s",
				     place->list, place->dir,
				     what[0] != '\0' ? "/" : "", what);

	if (rc == ERR_NOSPACE)
		return rc;
	if (err != NULL)
		err->code = ERR_DOWN;
	return ERR_DOWN;
}

/* --- the directory ------------------------------------------------------ */

static enum err_code
sync_dir(const struct place_of_archive *place, int fd, struct err *err)
{
	return fsync(fd) == 0 ? ERR_OK : archive_failed(place, "", err);
}

/* One of the path, which anybody may pass, whatever the umask; it is on disk
 * before what is in it. */
static enum err_code
make_dir(const struct place_of_archive *place, const char *path, mode_t mode,
	 struct err *err)
{
	g_autofree char *above = g_path_get_dirname(path);
	int fd;
	enum err_code rc;

	if (mkdir(path, 0700) != 0)
		return errno == EEXIST ? ERR_OK :
			archive_failed(place, "", err);
	if (chmod(path, mode) != 0)
		return archive_failed(place, "", err);
	fd = open(above, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return archive_failed(place, "", err);
	rc = sync_dir(place, fd, err);
	(void) close(fd);
	return rc;
}

static enum err_code
make_path(const struct place_of_archive *place, struct err *err)
{
	g_autofree char *path = g_strdup(place->dir);
	enum err_code rc = ERR_OK;

	for (char *p = strchr(path + place->fixed + 1, '/');
	     p != NULL && rc == ERR_OK; p = strchr(p + 1, '/')) {
		*p = '\0';
		rc = make_dir(place, path, 0755, err);
		*p = '/';
	}
	return rc == ERR_OK ? make_dir(place, path, 0700, err) : rc;
}

/* Only the directory itself keeps strangers out, see place.h. */
static enum err_code
set_mode(const struct place_of_archive *place, int fd, struct err *err)
{
	struct stat st;
	mode_t mode;

	if (fstat(fd, &st) != 0)
		return archive_failed(place, "", err);
	mode = st.st_mode & 07777;
	mode = place->is_private ? mode & ~(mode_t)07 : mode | 055;
	if (mode != (st.st_mode & 07777) && fchmod(fd, mode) != 0)
		return archive_failed(place, "", err);
	return ERR_OK;
}

static enum err_code
make_folder(const struct place_of_archive *place, int fd, const char *name,
	    bool *made, struct err *err)
{
	if (mkdirat(fd, name, 0700) != 0)
		return errno == EEXIST ? ERR_OK :
			archive_failed(place, name, err);
	*made = true;
	/* whatever the umask */
	return fchmodat(fd, name, place->is_private ? 0750 : 0755, 0) == 0 ?
		ERR_OK : archive_failed(place, name, err);
}

/* Two lists in one directory would be a muddle that nobody gets apart. */
static enum err_code
mark(const struct place_of_archive *place, int fd, bool *made,
     struct err *err)
{
	char list[512] = "";

	if (symlinkat(place->list, fd, MARK) == 0) {
		*made = true;
		return ERR_OK;
	}
	if (errno != EEXIST || readlinkat(fd, MARK, list,
					  sizeof(list) - 1) <= 0)
		return archive_failed(place, MARK, err);
	if (strcmp(list, place->list) == 0)
		return ERR_OK;
	return err_set(err, ERR_DOWN, "set archive-dir of each list to a "
		       "directory of its own, as with %{list-name} in it; or "
		       "remove .list there",
		       "the archive of %s, %s, is that of %s", place->list,
		       place->dir, list);
}

static enum err_code
prepare(const struct place_of_archive *place, int fd, struct err *err)
{
	bool made = false;
	enum err_code rc = mark(place, fd, &made, err);

	if (rc == ERR_OK)
		rc = set_mode(place, fd, err);
	for (size_t i = 0; rc == ERR_OK && i < G_N_ELEMENTS(folders); i++)
		rc = make_folder(place, fd, folders[i], &made, err);
	return rc == ERR_OK && made ? sync_dir(place, fd, err) : rc;
}

enum err_code
archive_place_look(const struct place_of_archive *place, int *fd_out,
		   struct err *err)
{
	int fd = open(place->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return archive_failed(place, "", err);
	*fd_out = fd;
	return ERR_OK;
}

enum err_code
archive_place_open(const struct place_of_archive *place,
		   const struct archive *archive, int *fd_out,
		   struct err *err)
{
	int fd = open(place->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	enum err_code rc;

	if (fd < 0 && errno == ENOENT && archive->posts == 0) {
		rc = make_path(place, err);
		if (rc != ERR_OK)
			return rc;
		fd = open(place->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	if (fd < 0)
		return archive_failed(place, "", err);
	rc = prepare(place, fd, err);
	if (rc != ERR_OK) {
		(void) close(fd);
		return rc;
	}
	*fd_out = fd;
	return ERR_OK;
}
