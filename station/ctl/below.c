/* Files below a folder: one openat per part of the path. */
#include "ctl/below.h"

#include "os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int below_open(const char *folder, struct err *e)
{
	if (!file_make_folder(folder, false, e))
		return -1;
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		err_sys(e, CODE_FILE_FAILED, errno, "cannot open the folder %.150s", folder);
	return fd;
}

/* Opens, and makes where it is missing, a folder directly below another one. */
static int enter_folder(int parent, const char *name, struct err *e)
{
	if (mkdirat(parent, name, 0755) && errno != EEXIST) {
		err_sys(e, CODE_FILE_FAILED, errno, "cannot make the folder %.150s", name);
		return -1;
	}
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		err_sys(e, CODE_FILE_FAILED, errno, "cannot enter the folder %.150s", name);
	return fd;
}

/* The folder that holds the path's last part; *name becomes that part. */
static int enter_parent(int folder, const char *path, const char **name, struct err *e)
{
	int at = fcntl(folder, F_DUPFD_CLOEXEC, 0);
	if (at < 0)
		err_sys(e, CODE_FILE_FAILED, errno, "cannot enter a folder");
	for (const char *slash; at >= 0 && (slash = strchr(path, '/')); path = slash + 1) {
		char part[NAME_MAX + 1];
		size_t size = (size_t)(slash - path);
		int next = -1;
		if (size < sizeof part) {
			memcpy(part, path, size);
			part[size] = '\0';
			next = enter_folder(at, part, e);
		} else {
			err_set(e, CODE_FILE_FAILED, "the name %.100s... is too long", path);
		}
		close(at);
		at = next;
	}
	*name = path;
	return at;
}

bool below_put(int folder, const char *path, struct span data, struct err *e)
{
	const char *name;
	AUTO_CLOSE int parent = enter_parent(folder, path, &name, e);
	if (parent < 0)
		return false;
	AUTO_CLOSE int fd = openat(parent, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0)
		return err_sys(e, CODE_FILE_FAILED, errno, "cannot create %.150s", name);
	if (!file_write_all(fd, data, name, e))
		return false;
	return !fsync(fd) || err_sys(e, CODE_FILE_FAILED, errno, "cannot sync %.150s", name);
}

bool below_make_folder(int folder, const char *path, struct err *e)
{
	const char *name;
	AUTO_CLOSE int parent = enter_parent(folder, path, &name, e);
	if (parent < 0)
		return false;
	AUTO_CLOSE int made = enter_folder(parent, name, e);
	return made >= 0;
}
