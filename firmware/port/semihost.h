/* Semihosting (Arm's, as QEMU and every debugger speak it): a breakpoint that a host answers. */
#ifndef FIRMWARE_PORT_SEMIHOST_H
#define FIRMWARE_PORT_SEMIHOST_H

#include <stddef.h>

void semihost_command_line(char *line, size_t size);
__attribute__((noreturn)) void semihost_exit(int status);

#endif
