/* A disk in trouble: loaded before the C library into an unmodified program, it fails calls on files as a text file
 * says, which may change at any time.  DISK_TROUBLE names that file; each line is
 *
 *   CALL ERRNO PART     CALL: sync (fsync, fdatasync), write (write, pwrite, ftruncate) or open (for writing);
 *                       every file whose path holds PART fails with that number
 *
 * An empty or missing file: all is well. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* By system calls alone, since it runs inside of what it replaces. */
static size_t read_orders(char *out, size_t size)
{
	const char *path = getenv("DISK_TROUBLE");
	int fd = path ? (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC) : -1;
	ssize_t n = fd >= 0 ? syscall(SYS_read, fd, out, size - 1) : 0;
	if (fd >= 0)
		syscall(SYS_close, fd);
	out[n > 0 ? n : 0] = '\0';
	return n > 0 ? (size_t)n : 0;
}

/* The number that this call on this file is to fail with; 0: none. */
static int trouble(const char *call, const char *path)
{
	char orders[1024], name[16], part[256], *line = orders, *rest;
	int number, failed = 0;
	if (!read_orders(orders, sizeof orders))
		return 0;
	for (; (line = strtok_r(line, "\n", &rest)); line = NULL)
		if (sscanf(line, "%15s %d %255s", name, &number, part) == 3 && !strcmp(name, call) &&
		    strstr(path, part))
			failed = number;
	return failed;
}

static int trouble_of(const char *call, int fd)
{
	char link[32], path[4096];
	int kept = errno;
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	ssize_t n = readlink(link, path, sizeof path - 1);
	path[n > 0 ? n : 0] = '\0';
	int number = n > 0 ? trouble(call, path) : 0;
	errno = number ? number : kept;
	return number;
}

int fsync(int fd)
{
	return trouble_of("sync", fd) ? -1 : (int)syscall(SYS_fsync, fd);
}

int fdatasync(int fd)
{
	return trouble_of("sync", fd) ? -1 : (int)syscall(SYS_fdatasync, fd);
}

ssize_t write(int fd, const void *data, size_t size)
{
	return trouble_of("write", fd) ? -1 : syscall(SYS_write, fd, data, size);
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t at)
{
	return trouble_of("write", fd) ? -1 : syscall(SYS_pwrite64, fd, data, size, at);
}

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at)
{
	return pwrite(fd, data, size, at);
}

int ftruncate(int fd, off_t size)
{
	return trouble_of("write", fd) ? -1 : (int)syscall(SYS_ftruncate, fd, size);
}

int ftruncate64(int fd, off64_t size)
{
	return ftruncate(fd, size);
}

static int open_checked(const char *path, int flags, mode_t mode)
{
	int number = (flags & O_ACCMODE) != O_RDONLY ? trouble("open", path) : 0;
	if (!number)
		return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
	errno = number;
	return -1;
}

int open(const char *path, int flags, ...)
{
	va_list args;
	va_start(args, flags);
	mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(args, mode_t) : 0;
	va_end(args);
	return open_checked(path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
	va_list args;
	va_start(args, flags);
	mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(args, mode_t) : 0;
	va_end(args);
	return open_checked(path, flags | O_LARGEFILE, mode);
}
