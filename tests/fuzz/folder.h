/* A folder of our own in memory, for the readers that want files. */
#ifndef FUZZ_FOLDER_H
#define FUZZ_FOLDER_H

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder_path[64];

static void folder_leave(void)
{
	char command[96];
	snprintf(command, sizeof command, "rm -rf '%s'", folder_path);
	if (system(command))
		perror(command);
}

/* Made once, gone with the process. */
static const char *folder(void)
{
	if (*folder_path)
		return folder_path;
	snprintf(
	    folder_path, sizeof folder_path, "%s/romline-fuzz-XXXXXX", access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
	if (!mkdtemp(folder_path) || atexit(folder_leave))
		abort();
	return folder_path;
}

static void folder_put(const char *name, const void *data, size_t size)
{
	char path[128];
	snprintf(path, sizeof path, "%s/%s", folder(), name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0 || write(fd, data, size) != (ssize_t)size || close(fd))
		abort();
}

#endif
