/* Where a server listens, as text: an address and a port. */
#ifndef STATION_OS_ADDRESS_H
#define STATION_OS_ADDRESS_H

#include "base/err.h"

#include <stddef.h>
#include <sys/socket.h>

/* An IPv4 address, an IPv6 address in brackets or localhost (which is 127.0.0.1), and :PORT; config-invalid for
 * anything else.  Pure. */
bool address_parse(const char *text, struct sockaddr_storage *out, socklen_t *size, struct err *e);
/* Is it an address of this machine alone? */
bool address_is_local(const char *text);
/* Without its port; "" for what is no internet address. */
void address_text(const struct sockaddr *a, char *out, size_t size);
bool address_is_loopback(const struct sockaddr_storage *a);

#endif
