/* The mount driver on a 64-bit and on a 32-bit machine: both say the same of every image, down to each offset. */
#include "walk.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int to_child, from_child;

/* build/fuzz/walk32, which lives as long as we do. */
static void start(void)
{
	int in[2], out[2];
	if (pipe(in) || pipe(out))
		abort();
	pid_t pid = fork();
	if (pid < 0)
		abort();
	if (pid == 0) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		close(in[1]);
		close(out[0]);
		execl("build/fuzz/walk32", "walk32", (char *)NULL);
		perror("build/fuzz/walk32");
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	to_child = in[1];
	from_child = out[0];
}

static void send_all(const void *data, size_t size)
{
	const uint8_t *p = data;
	while (size) {
		ssize_t n = write(to_child, p, size);
		if (n <= 0)
			abort();
		p += n;
		size -= (size_t)n;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint32_t length = (uint32_t)size;
	uint64_t theirs;
	if (size > WALK_MAX)
		return 0;
	if (!to_child)
		start();
	send_all(&length, sizeof length);
	send_all(data, size);
	uint64_t ours = walk_image(data, size);
	if (read(from_child, &theirs, sizeof theirs) != (ssize_t)sizeof theirs || theirs != ours)
		abort();
	return 0;
}
