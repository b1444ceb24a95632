/* Opens or takes over the listening socket. */
#include "http/listen.h"

#include "os/address.h"

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

/* Fills port and address from the socket itself. */
static bool describe(struct listener *l, bool anywhere, struct err *e)
{
	struct sockaddr_storage own = { .ss_family = AF_UNSPEC };
	socklen_t size = sizeof own;
	char host[INET6_ADDRSTRLEN];
	int listening = 0;
	socklen_t listening_size = sizeof listening;
	if (getsockname(l->fd, (struct sockaddr *)&own, &size) ||
	    getsockopt(l->fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &listening_size))
		return err_sys(e, CODE_FILE_FAILED, errno, "the listening socket");
	bool four = own.ss_family == AF_INET;
	if (!listening || (!four && own.ss_family != AF_INET6))
		return err_set(
		    e, CODE_CONFIG_INVALID, "the socket that was passed does not listen on an internet address");
	address_text((struct sockaddr *)&own, host, sizeof host);
	l->loopback = address_is_loopback(&own);
	l->port = ntohs(four ? ((struct sockaddr_in *)&own)->sin_port : ((struct sockaddr_in6 *)&own)->sin6_port);
	snprintf(l->address, sizeof l->address, four ? "%s:%u" : "[%s]:%u", host, l->port);
	return l->loopback || anywhere ||
	       err_set(e, CODE_LISTEN_UNSAFE, "%s is not on loopback, and login or TLS is not set", l->address);
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
	if (!address_parse(text, &address, &size, e))
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

bool listen_open(const char *text, bool anywhere, struct listener *out, struct err *e)
{
	out->fd = -1;
	bool ok = was_passed() ? (out->fd = PASSED_FD, true) : open_own(text, out, e);
	if (ok && set_flags(out->fd, e) && describe(out, anywhere, e))
		return true;
	if (out->fd >= 0)
		close(out->fd);
	out->fd = -1;
	return false;
}
