/* Opens or takes over the listening socket. */
#include "http/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PASSED_FD 3 /* the first one, by the convention of sd_listen_fds(3) */
#define BACKLOG   128

static bool port_of(const char *text, unsigned *out)
{
	size_t n = strspn(text, "0123456789");
	if (!n || n > 5 || text[n])
		return false;
	*out = (unsigned)strtoul(text, NULL, 10);
	return *out <= 65535;
}

bool listen_parse(const char *text, struct sockaddr_storage *out, socklen_t *size, struct err *e)
{
	const char *colon = strrchr(text, ':');
	size_t n = colon ? (size_t)(colon - text) : 0;
	unsigned port;
	memset(out, 0, sizeof *out);
	if (!colon || !port_of(colon + 1, &port))
		return err_set(e, CODE_CONFIG_INVALID, "listen = %.40s: it must end with a port, 0 to 65535", text);
	if ((n == 9 && !memcmp(text, "127.0.0.1", n)) || (n == 9 && !memcmp(text, "localhost", n))) {
		struct sockaddr_in *in = (struct sockaddr_in *)out;
		in->sin_family = AF_INET;
		in->sin_port = htons((uint16_t)port);
		in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		*size = sizeof *in;
		return true;
	}
	if (n == 5 && !memcmp(text, "[::1]", n)) {
		struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)out;
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons((uint16_t)port);
		in6->sin6_addr = in6addr_loopback;
		*size = sizeof *in6;
		return true;
	}
	return err_set(e, CODE_CONFIG_INVALID, "listen = %.40s: only 127.0.0.1, [::1] and localhost are served", text);
}

/* Fills port and address from the socket itself; refuses what is not loopback. */
static bool describe(struct listener *l, struct err *e)
{
	struct sockaddr_storage own = { .ss_family = AF_UNSPEC };
	socklen_t size = sizeof own;
	int listening = 0;
	socklen_t listening_size = sizeof listening;
	if (getsockname(l->fd, (struct sockaddr *)&own, &size) ||
	    getsockopt(l->fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &listening_size))
		return err_sys(e, CODE_FILE_FAILED, errno, "the listening socket");
	const struct sockaddr_in *in = (const struct sockaddr_in *)&own;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&own;
	bool four = own.ss_family == AF_INET && in->sin_addr.s_addr == htonl(INADDR_LOOPBACK);
	bool six = own.ss_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr);
	if (!listening || (!four && !six))
		return err_set(
		    e, CODE_CONFIG_INVALID, "the socket that was passed does not listen on 127.0.0.1 or [::1]");
	l->port = ntohs(four ? in->sin_port : in6->sin6_port);
	snprintf(l->address, sizeof l->address, "%s:%u", four ? "127.0.0.1" : "[::1]", l->port);
	return true;
}

/* Was a socket passed to this very process? */
static bool was_passed(void)
{
	const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");
	bool ours = pid && count && strtol(pid, NULL, 10) == (long)getpid() && strtol(count, NULL, 10) >= 1;
	/* whatever they say, it is not for a child of ours */
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	return ours;
}

static bool open_own(const char *text, struct listener *l, struct err *e)
{
	struct sockaddr_storage address;
	socklen_t size;
	const int on = 1;
	if (!listen_parse(text, &address, &size, e))
		return false;
	l->fd = socket(address.ss_family, SOCK_STREAM, 0);
	if (l->fd < 0)
		return err_sys(e, CODE_FILE_FAILED, errno, "cannot have a socket for %s", text);
	setsockopt(l->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(l->fd, (struct sockaddr *)&address, size) || listen(l->fd, BACKLOG))
		return err_sys(e, CODE_FILE_FAILED, errno, "cannot listen on %s", text);
	return true;
}

static bool set_flags(int fd, struct err *e)
{
	int flags = fcntl(fd, F_GETFL);
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) || fcntl(fd, F_SETFD, FD_CLOEXEC))
		return err_sys(e, CODE_FILE_FAILED, errno, "the listening socket");
	return true;
}

bool listen_open(const char *text, struct listener *out, struct err *e)
{
	out->fd = -1;
	bool ok = was_passed() ? (out->fd = PASSED_FD, true) : open_own(text, out, e);
	if (ok && set_flags(out->fd, e) && describe(out, e))
		return true;
	if (out->fd >= 0)
		close(out->fd);
	out->fd = -1;
	return false;
}
