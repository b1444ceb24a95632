/* Walks a folder by descriptors: each step opens a name in an open folder and never follows a link. */
#include "os/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/file.h"

struct reader {
	size_t bytes_left, entries_left;
	unsigned depth;      /* of the folder being read; the top one: 0 */
	char path[PATH_MAX]; /* of the entry being read, below the top; for messages */
};

static void close_folder(DIR **folder)
{
	if (*folder)
		closedir(*folder);
}
#define AUTO_CLOSEDIR __attribute__((cleanup(close_folder)))

static bool read_folder(struct reader *r, int fd, struct romfs_entry *into, struct err *e);

/* S_IFREG or S_IFDIR; 0 with *e filled for all else.  Judges the entry itself, before it is opened: opening a device
 * can have effects. */
static mode_t judge_type(const struct reader *r, int folder, const struct dirent *d, struct err *e)
{
	struct stat st;
	if (d->d_type == DT_REG || d->d_type == DT_DIR)
		return d->d_type == DT_REG ? S_IFREG : S_IFDIR;
	if (fstatat(folder, d->d_name, &st, AT_SYMLINK_NOFOLLOW)) {
		err_sys(e, CODE_FILE_FAILED, errno, "cannot look at %s", r->path);
		return 0;
	}
	if (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode))
		return st.st_mode & S_IFMT;
	const char *what = S_ISLNK(st.st_mode) ? "a symbolic link" : "a device, pipe or socket";
	err_set(e, CODE_FILE_FAILED, "%s is %s; an image holds files and folders only", r->path, what);
	return 0;
}

static bool read_file(struct reader *r, int fd, struct romfs_entry *into, struct err *e)
{
	if (!file_read_fd(fd, r->path, r->bytes_left, &into->data, &into->size, e))
		return false;
	r->bytes_left -= into->size;
	return true;
}

static bool descend(struct reader *r, int fd, struct romfs_entry *into, struct err *e)
{
	if (r->depth == ROMFS_MAX_DEPTH)
		return err_set(e, CODE_TOO_LARGE, "%s is more than %d folders deep", r->path, ROMFS_MAX_DEPTH);
	r->depth++;
	bool ok = read_folder(r, fd, into, e);
	r->depth--;
	return ok;
}

static bool read_entry(struct reader *r, int folder, const struct dirent *d, struct romfs_entry *into, struct err *e)
{
	size_t n = strlen(d->d_name);
	if (!romfs_name_ok((const uint8_t *)d->d_name, n))
		return err_set(e, CODE_NAME_INVALID, "%s is not UTF-8", r->path);
	if (!r->entries_left--)
		return err_set(e, CODE_TOO_LARGE, "there are more than %u entries", TREE_MAX_ENTRIES);
	mode_t type = judge_type(r, folder, d, e);
	if (!type)
		return false;
	bool file = type == S_IFREG;
	AUTO_CLOSE int fd = openat(
	    folder, d->d_name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | (file ? 0 : O_DIRECTORY));
	if (fd < 0)
		return err_sys(e, CODE_FILE_FAILED, errno, "cannot open %s", r->path);
	struct romfs_entry *entry = romfs_entry_add(into, d->d_name, n, file ? ROMFS_FILE : ROMFS_DIR);
	if (!entry)
		return err_set(e, CODE_NO_MEMORY, "no memory for %s", r->path);
	return file ? read_file(r, fd, entry, e) : descend(r, fd, entry, e);
}

/* Reads all of the open folder; the path in r grows by each entry's name and shrinks again. */
static bool read_folder(struct reader *r, int fd, struct romfs_entry *into, struct err *e)
{
	int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	AUTO_CLOSEDIR DIR *folder = own < 0 ? NULL : fdopendir(own);
	if (!folder) {
		int cause = errno;
		if (own >= 0)
			close(own);
		return err_sys(e, CODE_FILE_FAILED, cause, "cannot list '%s'", r->path);
	}
	size_t length = strlen(r->path);
	for (;;) {
		errno = 0;
		const struct dirent *d = readdir(folder);
		if (!d)
			return !errno || err_sys(e, CODE_FILE_FAILED, errno, "cannot list '%s'", r->path);
		if (!strcmp(d->d_name, ".") || !strcmp(d->d_name, ".."))
			continue;
		int more = snprintf(r->path + length, sizeof r->path - length, "%s%s", length ? "/" : "", d->d_name);
		if (more < 0 || (size_t)more >= sizeof r->path - length)
			return err_set(e, CODE_TOO_LARGE, "a path is longer than %d bytes", PATH_MAX);
		if (!read_entry(r, fd, d, into, e))
			return false;
		r->path[length] = '\0';
	}
}

bool tree_read(const char *path, struct romfs_entry **root, struct err *e)
{
	struct reader r = { .bytes_left = TREE_MAX_BYTES, .entries_left = TREE_MAX_ENTRIES };
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, CODE_FILE_FAILED, errno, "cannot open the folder %s", path);
	struct romfs_entry *top = romfs_entry_new_root();
	if (!top)
		return err_set(e, CODE_NO_MEMORY, "no memory for a folder");
	if (!read_folder(&r, fd, top, e)) {
		romfs_entry_free(top);
		return err_prefix(e, "%s", path);
	}
	*root = top;
	return true;
}
