/* SPDX-License-Identifier: Apache-2.0 */
#include "programs/isaribi_child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	EXIT_CANNOT_RUN = 127,
	FIRST_FREE_FD = 10,
};

struct ends {
	int read_fd;
	int write_fd;
};

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void close_ends(struct ends *ends)
{
	close_fd(&ends->read_fd);
	close_fd(&ends->write_fd);
}

/* Above the descriptors that a child gets by number, so that dup2() cannot hit one of them. */
static int open_pipe(struct ends *ends)
{
	int fds[2];

	if (pipe(fds) != 0)
		return -errno;
	ends->read_fd = fcntl(fds[0], F_DUPFD_CLOEXEC, FIRST_FREE_FD);
	ends->write_fd = fcntl(fds[1], F_DUPFD_CLOEXEC, FIRST_FREE_FD);
	close(fds[0]);
	close(fds[1]);
	return ends->read_fd >= 0 && ends->write_fd >= 0 ? 0 : -EMFILE;
}

static void become(const struct child_spec *spec, pid_t parent, int out_fd, int secret_fd)
{
	sigset_t none;
	int null_fd = open("/dev/null", O_RDWR);

	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent) /* it died before we asked to be told */
		_exit(EXIT_CANNOT_RUN);
	signal(SIGPIPE, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (null_fd < 0)
		_exit(EXIT_CANNOT_RUN);
	dup2(null_fd, STDIN_FILENO);
	dup2(out_fd >= 0 ? out_fd : null_fd, STDOUT_FILENO);
	if (spec->is_quiet)
		dup2(null_fd, STDERR_FILENO);
	if (null_fd > STDERR_FILENO)
		close(null_fd);
	if (secret_fd >= 0)
		dup2(secret_fd, CHILD_SECRET_FD);
	/* execvp() takes strings it does not change, but says so in no way that C knows. */
	execvp(spec->argv[0], (char *const *)(uintptr_t)spec->argv);
	_exit(EXIT_CANNOT_RUN);
}

static int put_secret(struct ends *ends, const char *secret)
{
	size_t len = strlen(secret);
	int err = open_pipe(ends);

	/* A page always fits into an empty pipe. */
	if (err == 0 && write(ends->write_fd, secret, len) != (ssize_t)len)
		err = -EIO;
	close_fd(&ends->write_fd);
	return err;
}

int child_start(struct child *child, const struct child_spec *spec)
{
	struct ends out = { -1, -1 };
	struct ends secret = { -1, -1 };
	pid_t parent = getpid();
	int err = spec->is_heard ? open_pipe(&out) : 0;

	if (err == 0 && spec->secret)
		err = put_secret(&secret, spec->secret);
	if (err == 0) {
		*child = (struct child){ .pid = fork(), .out_fd = -1 };
		if (child->pid == 0)
			become(spec, parent, out.write_fd, secret.read_fd);
		if (child->pid < 0)
			err = -errno;
	}
	close_ends(&secret);
	if (err != 0) {
		close_ends(&out);
		*child = (struct child)CHILD_NONE;
		return err;
	}
	close_fd(&out.write_fd);
	child->out_fd = out.read_fd;
	if (child->out_fd >= 0)
		(void)fcntl(child->out_fd, F_SETFL, O_NONBLOCK);
	return 0;
}

void child_signal(const struct child *child, int signal_number)
{
	if (child->pid > 0)
		(void)kill(child->pid, signal_number);
}

bool child_reap(struct child *child)
{
	int status = 0;

	if (child->pid <= 0 || waitpid(child->pid, &status, WNOHANG) != child->pid)
		return false;
	if (WIFSIGNALED(status))
		snprintf(child->end, sizeof(child->end), "signal %d", WTERMSIG(status));
	else
		snprintf(child->end, sizeof(child->end), "exit code %d", WEXITSTATUS(status));
	child->pid = 0;
	close_fd(&child->out_fd);
	return true;
}

const char *child_read_line(struct child *child)
{
	static char whole[CHILD_LINE_SIZE];
	char c;

	/* A byte at a time: it is a line or two in a child's life. */
	while (child->out_fd >= 0) {
		ssize_t n = read(child->out_fd, &c, 1);

		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0)
			close_fd(&child->out_fd);
		if (n <= 0)
			return NULL;
		if (c == '\n') {
			snprintf(whole, sizeof(whole), "%.*s", (int)child->len, child->line);
			child->len = 0;
			return whole;
		}
		if (child->len < sizeof(child->line) - 1)
			child->line[child->len++] = c;
	}
	return NULL;
}
