/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * Children of slurmstepd with bounded waits, and what they hand back over a socket.
 * slurmstepd has threads, so a child must not touch Slurm's log: it writes to its
 * standard error, which is the container's log.
 */
#include "pyxis.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* poll() that a signal does not end early. */
static int wait_readable(int fd, int timeout_ms)
{
	int64_t end = now_ms() + timeout_ms;

	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		int64_t left = end - now_ms();
		int rc = poll(&p, 1, left > 0 ? (int)left : 0);

		if (rc > 0)
			return 0;
		if (rc == 0 || errno != EINTR)
			return -1;
	}
}

/* The child's wait status; -1 when it had to be killed after timeout_ms. */
int uc_child_wait(pid_t pid, int timeout_ms)
{
	int status = -1;
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	bool late = fd >= 0 && wait_readable(fd, timeout_ms);

	uc_close(&fd);
	if (late)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return late ? -1 : status;
}

/* First thing in a child: dies with slurmstepd's thread, has no signals blocked. */
void uc_child_prepare(int log)
{
	sigset_t none;
	struct sigaction plain = { .sa_handler = SIG_DFL };
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (int sig = 1; sig < NSIG; sig++)
		sigaction(sig, &plain, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (null >= 0)
		dup2(null, STDIN_FILENO);
	dup2(log >= 0 ? log : null, STDOUT_FILENO);
	dup2(log >= 0 ? log : null, STDERR_FILENO);
	if (null > STDERR_FILENO)
		close(null);
}

/* Runs work(arg) in a child as the job's user; 0 when it returned 0 in time. */
int uc_child_run(const struct uc_job *job, int log, int timeout_ms,
		 int (*work)(void *arg), void *arg)
{
	pid_t pid = fork();

	if (pid < 0)
		return -1;
	if (pid == 0) {
		uc_child_prepare(log);
		_exit(uc_job_become_user(job) || work(arg) ? 1 : 0);
	}
	return uc_child_wait(pid, timeout_ms) == 0 ? 0 : -1;
}

/* In a child: runs a tool of the host, output to the log. The wait status, or -1. */
int uc_child_exec(const char *const argv[], int timeout_ms)
{
	static char path[] = "PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin";
	static char *const env[] = { path, NULL };
	pid_t pid = fork();

	if (pid < 0)
		return -1;
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		/* execvpe() searches the caller's PATH, which is slurmstepd's. */
		setenv("PATH", path + strlen("PATH="), 1);
		execvpe(argv[0], (char *const *)(uintptr_t)argv, env);
		uc_note("[ERROR] Command not found: %s", argv[0]);
		_exit(127);
	}
	return uc_child_wait(pid, timeout_ms);
}

/* Sends text and those of the UC_FDS descriptors that are open. */
int uc_send_fds(int sock, const char *text, const int *fds)
{
	uint8_t present[UC_FDS] = { 0 };
	int list[UC_FDS];
	size_t n = 0;
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(list))];
	} control = { 0 };

	for (size_t i = 0; i < UC_FDS; i++) {
		present[i] = fds[i] >= 0;
		if (present[i])
			list[n++] = fds[i];
	}

	struct iovec parts[] = {
		{ present, sizeof(present) },
		{ (void *)(uintptr_t)text, strlen(text) + 1 },
	};
	struct msghdr msg = { .msg_iov = parts, .msg_iovlen = 2 };
	if (n) {
		msg.msg_control = control.space;
		msg.msg_controllen = CMSG_SPACE(n * sizeof(int));
		struct cmsghdr *head = CMSG_FIRSTHDR(&msg);
		head->cmsg_level = SOL_SOCKET;
		head->cmsg_type = SCM_RIGHTS;
		head->cmsg_len = CMSG_LEN(n * sizeof(int));
		memcpy(CMSG_DATA(head), list, n * sizeof(int));
	}
	return sendmsg(sock, &msg, MSG_NOSIGNAL) < 0 ? -1 : 0;
}

int uc_receive_fds(int sock, char *text, size_t size, int *fds, int timeout_ms)
{
	uint8_t present[UC_FDS];
	int list[UC_FDS];
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(list))];
	} control = { 0 };
	struct iovec parts[] = { { present, sizeof(present) }, { text, size - 1 } };
	struct msghdr msg = {
		.msg_iov = parts,
		.msg_iovlen = 2,
		.msg_control = control.space,
		.msg_controllen = sizeof(control.space),
	};

	if (wait_readable(sock, timeout_ms))
		return -1;
	ssize_t got = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
	if (got < (ssize_t)sizeof(present))
		return -1;
	text[(size_t)got - sizeof(present)] = '\0';

	struct cmsghdr *head = CMSG_FIRSTHDR(&msg);
	size_t have = 0, next = 0;
	if (head && head->cmsg_type == SCM_RIGHTS) {
		have = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(list, CMSG_DATA(head), have * sizeof(int));
	}
	for (size_t i = 0; i < UC_FDS; i++)
		fds[i] = present[i] && next < have ? list[next++] : -1;
	return 0;
}
