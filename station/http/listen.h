/* The listening socket: passed by the service manager, or opened here; loopback only. */
#ifndef STATION_HTTP_LISTEN_H
#define STATION_HTTP_LISTEN_H

#include "base/err.h"

#include <sys/socket.h>

#define LISTEN_TEXT_SIZE 32

struct listener {
	int fd; /* owned by whoever holds the listener; does not block, is not inherited */
	unsigned port;
	char address[LISTEN_TEXT_SIZE]; /* "127.0.0.1:8080", "[::1]:8080" */
};

/* 127.0.0.1:PORT, [::1]:PORT or localhost:PORT (which is 127.0.0.1); config-invalid for anything else.  Pure. */
bool listen_parse(const char *text, struct sockaddr_storage *out, socklen_t *size, struct err *e);
/* Descriptor 3 when LISTEN_PID is this process and LISTEN_FDS counts it (both are then removed from the environment),
 * else a socket of our own on `text`. */
bool listen_open(const char *text, struct listener *out, struct err *e);

#endif
