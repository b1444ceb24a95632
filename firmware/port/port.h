/* What a program finds on a machine without an operating system: files and a console by semihosting, and two gauges. */
#ifndef FIRMWARE_PORT_H
#define FIRMWARE_PORT_H

#include <stddef.h>
#include <stdint.h>

/* The program. */
int main(int argc, char **argv);

/* A handle, or -1. */
int port_open(const char *path, int to_write);
/* The number of bytes read, fewer at the end. */
size_t port_read(int handle, void *data, size_t size);
/* 0 or -1. */
int port_write(int handle, const void *data, size_t size);
int port_close(int handle);
/* Text for whoever watches. */
void port_note(const char *text);

/* Fills the free stack below the caller with a pattern; afterwards: how many bytes below the caller's own frame were
 * written to since.  0 on machines that cannot tell. */
void port_stack_mark(void);
uint32_t port_stack_used(void);
/* Processor clocks since the start, modulo 2^24.  0 where nobody counts. */
uint32_t port_clocks(void);

#endif
