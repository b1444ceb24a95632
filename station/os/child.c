/* Starts, watches and ends a child process. */
#include "os/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/clock.h"
#include "os/file.h"
#include "os/spawn.h"

enum { OUT, ERR, PIPES };

/* A running child, as its parent sees it. */
struct child {
	const struct child_spec *spec;
	struct child_result *result;
	pid_t pid;
	int pidfd, pipe[PIPES]; /* our ends; -1 when closed */
	int64_t deadline;       /* CLOCK_MONOTONIC, ms; of the next step towards its end */
	bool termed, killed, reaped;
};

/* Its standard input: a file in memory, so that writing to it cannot block, nor end us by a signal. */
static int input_fd(struct span input, struct err *e)
{
	int fd = memfd_create("input", MFD_CLOEXEC);
	if (fd < 0) {
		err_sys(e, CODE_FILE_FAILED, errno, "cannot make an input");
		return -1;
	}
	if (file_write_all(fd, input, "the input", e) && lseek(fd, 0, SEEK_SET) == 0)
		return fd;
	close(fd);
	return -1;
}

static void close_ends(int ends[PIPES][2])
{
	for (int i = 0; i < PIPES; i++)
		for (int k = 0; k < 2; k++)
			if (ends[i][k] >= 0)
				close(ends[i][k]);
}

static bool start(struct child *c, struct err *e)
{
	int ends[PIPES][2] = { { -1, -1 }, { -1, -1 } };
	AUTO_CLOSE int input = input_fd(c->spec->input, e);
	bool done = input >= 0 && (spawn_above(&input) || err_set(e, CODE_FILE_FAILED, "cannot make an input"));
	for (int i = 0; done && i < PIPES; i++)
		done = spawn_pipe(ends[i], e);
	if (done)
		c->pid = spawn(
		    &(struct spawn_spec){ c->spec->argv, c->spec->cwd, 3, { input, ends[OUT][1], ends[ERR][1] } }, e);
	done = done && c->pid > 0;
	for (int i = 0; done && i < PIPES; i++) {
		c->pipe[i] = ends[i][0];
		ends[i][0] = -1;
	}
	close_ends(ends);
	return done;
}

static bool keep(struct child_text *t, const char *bytes, size_t size, size_t limit)
{
	size_t room = limit - t->size;
	if (size > room) {
		t->cut = true;
		size = room;
	}
	if (!size)
		return true;
	char *grown = realloc(t->text, t->size + size + 1);
	if (!grown)
		return false;
	memcpy(grown + t->size, bytes, size);
	t->text = grown;
	t->size += size;
	grown[t->size] = '\0';
	return true;
}

static bool take(struct child *c, int which, struct err *e)
{
	char bytes[16384];
	ssize_t n = read(c->pipe[which], bytes, sizeof bytes);
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return true;
	if (n <= 0) {
		close(c->pipe[which]);
		c->pipe[which] = -1;
		return true;
	}
	struct child_text *t = which == OUT ? &c->result->out : &c->result->err;
	return keep(t, bytes, (size_t)n, c->spec->output_limit) ||
	       err_set(e, CODE_NO_MEMORY, "no memory for what %.100s printed", c->spec->argv[0]);
}

static void note_end(struct child *c)
{
	int status = 0;
	while (waitpid(c->pid, &status, 0) < 0 && errno == EINTR)
		;
	c->reaped = true;
	if (c->termed || c->killed)
		return; /* why is known */
	c->result->end = WIFSIGNALED(status) ? CHILD_SIGNALED : CHILD_EXITED;
	c->result->status = WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
	/* whoever it left behind in its group may hold the pipes open */
	kill(-c->pid, SIGKILL);
	c->deadline = clock_mono_ms() + CHILD_GRACE_MS;
}

/* The next step towards its end: TERM, KILL, and then giving up on the pipes.  False: nothing more to wait for. */
static bool press(struct child *c)
{
	if (c->reaped || c->killed)
		return false;
	kill(-c->pid, c->termed ? SIGKILL : SIGTERM);
	c->killed = c->termed;
	c->termed = true;
	c->deadline = clock_mono_ms() + CHILD_GRACE_MS;
	return true;
}

static bool watch(struct child *c, struct err *e)
{
	while (!c->reaped || c->pipe[OUT] >= 0 || c->pipe[ERR] >= 0) {
		int64_t left = c->deadline - clock_mono_ms();
		struct pollfd fds[] = { { c->pipe[OUT], POLLIN, 0 }, { c->pipe[ERR], POLLIN, 0 },
			{ c->reaped ? -1 : c->pidfd, POLLIN, 0 }, { c->termed ? -1 : c->spec->stop_fd, POLLIN, 0 } };
		if (left > 0 && poll(fds, 4, (int)(left < INT32_MAX ? left : INT32_MAX)) < 0 && errno != EINTR)
			return err_sys(e, CODE_FILE_FAILED, errno, "cannot watch %.100s", c->spec->argv[0]);
		if (left <= 0 || fds[3].revents) {
			if (!c->termed && !c->reaped)
				c->result->end = left <= 0 ? CHILD_TIMED_OUT : CHILD_STOPPED;
			if (!press(c))
				return true;
			continue;
		}
		for (int i = 0; i < PIPES; i++)
			if (fds[i].revents && !take(c, i, e))
				return false;
		if (fds[2].revents)
			note_end(c);
	}
	return true;
}

/* Whatever happened: nobody of its group is left, it is waited for, nothing is open. */
static void finish(struct child *c)
{
	if (c->pid > 0) {
		kill(-c->pid, SIGKILL);
		if (!c->reaped)
			while (waitpid(c->pid, NULL, 0) < 0 && errno == EINTR)
				;
	}
	for (int i = 0; i < PIPES; i++)
		if (c->pipe[i] >= 0)
			close(c->pipe[i]);
	if (c->pidfd >= 0)
		close(c->pidfd);
}

bool child_run(const struct child_spec *spec, struct child_result *result, struct err *e)
{
	*result = (struct child_result){ .end = CHILD_EXITED };
	struct child c = { .spec = spec, .result = result, .pidfd = -1, .pipe = { -1, -1 } };
	c.deadline = clock_mono_ms() + spec->deadline_ms;
	bool done = start(&c, e);
	if (done) {
		c.pidfd = pidfd_open(c.pid, 0);
		done = c.pidfd >= 0 ? watch(&c, e) : err_sys(e, CODE_FILE_FAILED, errno, "cannot watch a child");
	}
	finish(&c);
	return done;
}

void child_result_clear(struct child_result *result)
{
	free(result->out.text);
	free(result->err.text);
	result->out = result->err = (struct child_text){ .text = NULL };
}

/* The last line that says something. */
static void last_line(const struct child_text *t, char out[128])
{
	size_t end = t->size, start;
	while (end && strchr(" \t\r\n", t->text[end - 1]))
		end--;
	for (start = end; start && t->text[start - 1] != '\n'; start--)
		;
	if (end - start > 120)
		start = end - 120;
	snprintf(out, 128, "%.*s", (int)(end - start), end ? t->text + start : "");
	for (char *p = out; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = ' ';
}

bool child_run_ok(const struct child_spec *spec, struct child_result *result, struct err *e)
{
	if (!child_run(spec, result, e))
		return false;
	const char *name = spec->argv[0];
	char line[128];
	last_line(&result->err, line);
	switch (result->end) {
	case CHILD_TIMED_OUT:
		return err_set(e, CODE_CHILD_FAILED, "%.60s was not done after %u ms", name, spec->deadline_ms);
	case CHILD_STOPPED:
		return err_set(e, CODE_CHILD_FAILED, "%.60s was stopped", name);
	case CHILD_SIGNALED:
		return err_set(e, CODE_CHILD_FAILED, "%.60s was ended by signal %d", name, result->status);
	case CHILD_EXITED:
	default:
		return !result->status || err_set(e, CODE_CHILD_FAILED, "%.60s ended with status %d%s%s", name,
					      result->status, *line ? ": " : "", line);
	}
}
