/* Forks and executes. */
#include "os/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* Between fork and exec: calls that are safe there only.  What goes wrong is told through the pipe. */
__attribute__((noreturn)) static void become(const struct spawn_spec *spec, int trouble, pid_t parent)
{
	sigset_t none;
	sigemptyset(&none);
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(127); /* it died before it could be watched */
	for (int s = 1; s < NSIG; s++)
		signal(s, SIG_DFL);
	sigprocmask(SIG_SETMASK, &none, NULL);
	bool placed = true;
	for (unsigned i = 0; i < spec->fd_count; i++)
		placed = placed && dup2(spec->fds[i], (int)i) == (int)i;
	if (placed && (!spec->cwd || chdir(spec->cwd) == 0))
		execvp(spec->argv[0], (char *const *)(uintptr_t)spec->argv);
	int cause = errno;
	ssize_t told = write(trouble, &cause, sizeof cause);
	_exit(told < 0 ? 126 : 127);
}

bool spawn_above(int *fd)
{
	if (*fd >= SPAWN_MAX_FDS)
		return true;
	int moved = fcntl(*fd, F_DUPFD_CLOEXEC, SPAWN_MAX_FDS);
	close(*fd);
	*fd = moved;
	return moved >= 0;
}

bool spawn_pipe(int ends[2], struct err *e)
{
	if (pipe2(ends, O_CLOEXEC)) {
		ends[0] = ends[1] = -1;
		return err_sys(e, CODE_FILE_FAILED, errno, "cannot make a pipe");
	}
	bool first = spawn_above(&ends[0]), second = spawn_above(&ends[1]);
	return (first && second) || err_sys(e, CODE_FILE_FAILED, errno, "cannot make a pipe");
}

static void close_both(const int ends[2])
{
	for (int i = 0; i < 2; i++)
		if (ends[i] >= 0)
			close(ends[i]);
}

pid_t spawn(const struct spawn_spec *spec, struct err *e)
{
	int ends[2] = { -1, -1 }, cause = 0;
	pid_t parent = getpid();
	if (!spawn_pipe(ends, e)) {
		close_both(ends);
		return -1;
	}
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0)
		become(spec, ends[1], parent);
	if (pid < 0) {
		err_sys(e, CODE_FILE_FAILED, errno, "cannot start %.100s", spec->argv[0]);
		close_both(ends);
		return -1;
	}
	setpgid(pid, pid);
	close(ends[1]);
	ssize_t n;
	do
		n = read(ends[0], &cause, sizeof cause);
	while (n < 0 && errno == EINTR);
	close(ends[0]);
	if (n == 0)
		return pid;
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	err_sys(e, cause == ENOENT || cause == EACCES ? CODE_NOT_FOUND : CODE_FILE_FAILED, cause,
	    "cannot start the program %.100s", spec->argv[0]);
	return -1;
}
