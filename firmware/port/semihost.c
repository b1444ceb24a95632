/* Files, console and exit by semihosting. */
#include "semihost.h"

#include <string.h>

#include "port.h"

enum {
	SYS_OPEN = 0x01,
	SYS_CLOSE = 0x02,
	SYS_WRITE0 = 0x04,
	SYS_WRITE = 0x05,
	SYS_READ = 0x06,
	SYS_GET_CMDLINE = 0x15,
	SYS_EXIT_EXTENDED = 0x20
};

#define OPEN_READ_BINARY  1u
#define OPEN_WRITE_BINARY 5u

#define STOPPED_APPLICATION_EXIT 0x20026u

/* Operation in r0, the address of its arguments in r1; the host's answer comes back in r0. */
static int call(uint32_t operation, const void *arguments)
{
	register uint32_t r0 __asm("r0") = operation;
	register const void *r1 __asm("r1") = arguments;
	__asm volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
	return (int)r0;
}

int port_open(const char *path, int to_write)
{
	uint32_t a[3] = { (uint32_t)path, to_write ? OPEN_WRITE_BINARY : OPEN_READ_BINARY, strlen(path) };
	return call(SYS_OPEN, a);
}

/* The host answers how many bytes it did not read or write. */
size_t port_read(int handle, void *data, size_t size)
{
	uint32_t a[3] = { (uint32_t)handle, (uint32_t)data, size };
	int left = call(SYS_READ, a);
	return left < 0 || (size_t)left > size ? 0 : size - (size_t)left;
}

int port_write(int handle, const void *data, size_t size)
{
	uint32_t a[3] = { (uint32_t)handle, (uint32_t)data, size };
	return call(SYS_WRITE, a) ? -1 : 0;
}

int port_close(int handle)
{
	uint32_t a[1] = { (uint32_t)handle };
	return call(SYS_CLOSE, a);
}

void port_note(const char *text)
{
	call(SYS_WRITE0, text);
}

void semihost_command_line(char *line, size_t size)
{
	uint32_t a[2] = { (uint32_t)line, size };
	line[0] = '\0';
	if (call(SYS_GET_CMDLINE, a))
		line[0] = '\0';
}

void semihost_exit(int status)
{
	uint32_t a[2] = { STOPPED_APPLICATION_EXIT, (uint32_t)status };
	for (;;)
		call(SYS_EXIT_EXTENDED, a);
}
