/* Clocks that are wrong, loaded before the C library.  CLOCK_SHIFT moves CLOCK_REALTIME by so many seconds, or by those
 * in the file that it names, which may change at any time.  Once there is a file CLOCK_LEAP, CLOCK_MONOTONIC is an hour
 * ahead for the main thread, and for no other: its waits are over. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static time_t shift(void)
{
	const char *text = getenv("CLOCK_SHIFT");
	char said[24] = "0";
	if (text && *text == '/') {
		int fd = (int)syscall(SYS_openat, AT_FDCWD, text, O_RDONLY | O_CLOEXEC);
		ssize_t n = fd >= 0 ? syscall(SYS_read, fd, said, sizeof said - 1) : 0;
		if (fd >= 0)
			syscall(SYS_close, fd);
		said[n > 0 ? n : 0] = '\0';
		text = said;
	}
	return text ? (time_t)strtol(text, NULL, 10) : 0;
}

static time_t leap(void)
{
	static _Atomic int leapt;
	const char *path = getenv("CLOCK_LEAP");
	if (!path || syscall(SYS_gettid) != getpid())
		return 0;
	if (!leapt && !access(path, F_OK))
		leapt = 1;
	return leapt ? 3600 : 0;
}

int clock_gettime(clockid_t clock, struct timespec *out)
{
	int rc = (int)syscall(SYS_clock_gettime, clock, out);
	if (rc == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
		out->tv_sec += shift();
	else if (rc == 0 && clock == CLOCK_MONOTONIC)
		out->tv_sec += leap();
	return rc;
}

int gettimeofday(struct timeval *restrict out, void *restrict zone)
{
	struct timespec now;
	(void)zone;
	if (clock_gettime(CLOCK_REALTIME, &now))
		return -1;
	*out = (struct timeval){ now.tv_sec, now.tv_nsec / 1000 };
	return 0;
}

time_t time(time_t *out)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	if (out)
		*out = now.tv_sec;
	return now.tv_sec;
}
