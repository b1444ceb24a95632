/* Bounded reads, atomic durable writes, private folders. */
#include "os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void auto_close_(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static bool read_whole(int fd, const char *name, uint8_t *out, size_t size, struct err *e)
{
	for (size_t have = 0; have < size;) {
		ssize_t n = pread(fd, out + have, size - have, (off_t)have);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(e, CODE_FILE_FAILED, errno, "cannot read %s", name);
		if (n == 0)
			return err_set(e, CODE_FILE_FAILED, "%s became shorter while it was read", name);
		have += (size_t)n;
	}
	return true;
}

bool file_read_fd(int fd, const char *name, size_t limit, uint8_t **data, size_t *size, struct err *e)
{
	struct stat st;
	if (fstat(fd, &st))
		return err_sys(e, CODE_FILE_FAILED, errno, "cannot look at %s", name);
	if (!S_ISREG(st.st_mode))
		return err_set(e, CODE_FILE_FAILED, "%s is not a regular file", name);
	if (st.st_size < 0 || (uint64_t)st.st_size > limit)
		return err_set(e, CODE_TOO_LARGE, "%s has more than %zu bytes", name, limit);
	size_t want = (size_t)st.st_size;
	AUTO_FREE uint8_t *buffer = malloc(want + 1);
	if (!buffer)
		return err_set(e, CODE_NO_MEMORY, "no memory for the %zu bytes of %s", want, name);
	if (!read_whole(fd, name, buffer, want, e))
		return false;
	buffer[want] = 0;
	*data = buffer;
	*size = want;
	buffer = NULL;
	return true;
}

bool file_read(const char *path, size_t limit, uint8_t **data, size_t *size, struct err *e)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return err_sys(e, CODE_FILE_FAILED, errno, "cannot open %s", path);
	return file_read_fd(fd, path, limit, data, size, e);
}

bool file_write_all(int fd, struct span data, const char *name, struct err *e)
{
	while (data.size) {
		ssize_t n = write(fd, data.data, data.size);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(e, CODE_FILE_FAILED, errno, "cannot write %s", name);
		data = span_of(data.data + n, data.size - (size_t)n);
	}
	return true;
}

int file_unnamed(const char *folder, struct err *e)
{
	int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0)
		err_sys(e, CODE_FILE_FAILED, errno, "cannot create a temporary file in %s", folder);
	return fd;
}

bool file_sync_folder(const char *folder, struct err *e)
{
	AUTO_CLOSE int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd))
		return err_sys(e, CODE_FILE_FAILED, errno, "cannot sync the folder %s", folder);
	return true;
}

/* The folder part of a path, "." when there is none. */
static void folder_of(const char *path, char out[PATH_MAX])
{
	const char *slash = strrchr(path, '/');
	if (!slash)
		snprintf(out, PATH_MAX, ".");
	else
		snprintf(out, PATH_MAX, "%.*s", slash == path ? 1 : (int)(slash - path), path);
}

static bool fill_and_rename(
    int fd, const char *temporary, const char *path, struct span data, unsigned mode, struct err *e)
{
	if (!file_write_all(fd, data, path, e))
		return false;
	if (fchmod(fd, mode) || fsync(fd))
		return err_sys(e, CODE_FILE_FAILED, errno, "cannot sync %s", path);
	if (rename(temporary, path))
		return err_sys(e, CODE_FILE_FAILED, errno, "cannot put %s in place", path);
	return true;
}

/* The rename would put a file where a device, a pipe or somebody's link was. */
static bool replaceable(const char *path, struct err *e)
{
	struct stat st;
	if (lstat(path, &st) || S_ISREG(st.st_mode))
		return true;
	return err_set(e, CODE_FILE_FAILED, "%.150s is there and is not a regular file", path);
}

bool file_write_atomic(const char *path, struct span data, unsigned mode, struct err *e)
{
	char temporary[PATH_MAX], folder[PATH_MAX];
	if (snprintf(temporary, sizeof temporary, "%s.XXXXXX", path) >= (int)sizeof temporary)
		return err_set(e, CODE_FILE_FAILED, "the path %.80s... is too long", path);
	if (!replaceable(path, e))
		return false;
	AUTO_CLOSE int fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, CODE_FILE_FAILED, errno, "cannot create a file beside %s", path);
	if (!fill_and_rename(fd, temporary, path, data, mode, e)) {
		unlink(temporary);
		return false;
	}
	folder_of(path, folder);
	return file_sync_folder(folder, e);
}

/* A new folder's name is on disk before anything in it is; where its parent may not be read nobody can see to that. */
static bool make_one(const char *path, struct err *e)
{
	char parent[PATH_MAX];
	if (mkdir(path, 0755))
		return errno == EEXIST || err_sys(e, CODE_FILE_FAILED, errno, "cannot create the folder %s", path);
	folder_of(path, parent);
	return access(parent, R_OK) != 0 || file_sync_folder(parent, e);
}

bool file_make_folder(const char *path, bool private_folder, struct err *e)
{
	char part[PATH_MAX];
	struct stat st;
	if (!*path || snprintf(part, sizeof part, "%s", path) >= (int)sizeof part)
		return err_set(e, CODE_FILE_FAILED, "the path '%.80s' is empty or too long", path);
	for (char *slash = strchr(part + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (!make_one(part, e))
			return false;
		*slash = '/';
	}
	if (!make_one(part, e))
		return false;
	if (stat(part, &st) || !S_ISDIR(st.st_mode))
		return err_set(e, CODE_FILE_FAILED, "%s is not a folder", path);
	if (private_folder && (st.st_mode & 077) && chmod(part, 0700))
		return err_sys(e, CODE_FILE_FAILED, errno, "cannot make %s private", path);
	return true;
}

bool file_join(char *out, size_t size, const char *folder, const char *name, struct err *e)
{
	int n = snprintf(out, size, "%s/%s", folder, name);
	if (n >= 0 && (size_t)n < size)
		return true;
	return err_set(e, CODE_FILE_FAILED, "the path %.80s/%.80s is too long", folder, name);
}
