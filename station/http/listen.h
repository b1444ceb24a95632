/* The listening socket: passed by the service manager, or opened here. */
#ifndef STATION_HTTP_LISTEN_H
#define STATION_HTTP_LISTEN_H

#include "base/err.h"

#include <sys/socket.h>

#define LISTEN_TEXT_SIZE 64

struct listener {
	int fd; /* owned by whoever holds the listener; does not block, is not inherited */
	unsigned port;
	char address[LISTEN_TEXT_SIZE]; /* "127.0.0.1:8080", "[::1]:8080" */
	bool loopback;
};

/* A socket on another address than 127.0.0.1 and [::1] is listen-unsafe unless `anywhere`.
 * Descriptor 3 when LISTEN_PID is this process and LISTEN_FDS counts it (both are then removed from the environment),
 * else a socket of our own on `text`. */
bool listen_open(const char *text, bool anywhere, struct listener *out, struct err *e);

#endif
