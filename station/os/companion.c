/* Starts and ends a program that runs beside us. */
#include "os/companion.h"
#include "os/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static void close_all(const int *fds, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

static bool unblock(int fd)
{
	return fcntl(fd, F_SETFL, O_NONBLOCK) == 0;
}

/* ends: our socket, its socket, our end of its standard error, its own. */
static bool make_ends(int ends[4], struct err *e)
{
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
		return err_sys(e, CODE_FILE_FAILED, errno, "cannot make a socket");
	bool above = spawn_above(&ends[0]) && spawn_above(&ends[1]);
	if (!above || !spawn_pipe(&ends[2], e))
		return err_set(e, CODE_FILE_FAILED, "cannot make a socket and a pipe");
	return (unblock(ends[0]) && unblock(ends[2])) || err_sys(e, CODE_FILE_FAILED, errno, "cannot prepare a socket");
}

bool companion_start(struct companion *out, const char *const *argv, int bulk, struct err *e)
{
	int ends[4] = { -1, -1, -1, -1 };
	*out = (struct companion){ 0, -1, -1, -1 };
	if (!make_ends(ends, e)) {
		close_all(ends, 4);
		return false;
	}
	out->pid = spawn(&(struct spawn_spec){ argv, NULL, 4, { ends[1], ends[1], ends[3], bulk } }, e);
	close(ends[1]);
	close(ends[3]);
	out->channel = ends[0];
	out->errors = ends[2];
	if (out->pid > 0)
		out->pidfd = pidfd_open(out->pid, 0);
	if (out->pid > 0 && out->pidfd >= 0)
		return true;
	if (out->pid > 0)
		err_sys(e, CODE_FILE_FAILED, errno, "cannot watch a child");
	companion_stop(out, 0);
	return false;
}

static bool ends_within(const struct companion *c, unsigned ms)
{
	struct pollfd p = { .fd = c->pidfd, .events = POLLIN };
	return c->pidfd >= 0 && ms && poll(&p, 1, (int)ms) == 1;
}

void companion_stop(struct companion *c, unsigned grace_ms)
{
	if (c->channel >= 0)
		close(c->channel);
	if (c->pid > 0) {
		if (grace_ms)
			kill(-c->pid, SIGTERM);
		ends_within(c, grace_ms);
		/* before it is waited for, so that its number cannot be another's: whoever it left behind goes too */
		kill(-c->pid, SIGKILL);
		while (waitpid(c->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	if (c->errors >= 0)
		close(c->errors);
	if (c->pidfd >= 0)
		close(c->pidfd);
	*c = (struct companion){ 0, -1, -1, -1 };
}
