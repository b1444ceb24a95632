/* The port for a host: files by the C library, no gauges. */
#include <stdio.h>

#include "port/port.h"

static FILE *open_files[8];

int port_open(const char *path, int to_write)
{
	for (int i = 0; i < 8; i++)
		if (!open_files[i]) {
			open_files[i] = fopen(path, to_write ? "wb" : "rb");
			return open_files[i] ? i : -1;
		}
	return -1;
}

size_t port_read(int handle, void *data, size_t size)
{
	return fread(data, 1, size, open_files[handle]);
}

int port_write(int handle, const void *data, size_t size)
{
	return fwrite(data, 1, size, open_files[handle]) == size ? 0 : -1;
}

int port_close(int handle)
{
	int failed = fclose(open_files[handle]);
	open_files[handle] = NULL;
	return failed;
}

void port_note(const char *text)
{
	fputs(text, stdout);
}

void port_stack_mark(void)
{
}

uint32_t port_stack_used(void)
{
	return 0;
}

uint32_t port_clocks(void)
{
	return 0;
}
