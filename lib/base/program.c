/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "base/program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <ucluster/spawn.h>
#include <ucluster/units.h>
#include <unistd.h>

#include "base/linux.h"

#define LOOK_AGAIN_MS 60000 /* poll() takes an int */

/* In a group of its own, so that what it starts ends with it. */
static int spawn(const struct uc_program *program, int out, pid_t *pid)
{
	static char *const nothing[] = { NULL };
	const struct uc_spawn spawn = {
		.program = program->path,
		.words = program->words,
		.environment = program->environment ? (char *const *)program->environment
						    : nothing,
		.group = true,
		.fd = { -1, out, -1 },
	};

	return uc_spawn(&spawn, pid);
}

/* Read until the end. UC_OK, or what stopped it. */
static enum uc_code read_all(const struct uc_program *program, int fd, struct uc_buf *out)
{
	size_t before = out->len;

	while (!out->failed) {
		struct pollfd ready = { .fd = fd, .events = POLLIN };
		int64_t left = program->deadline - uc_monotonic_ms();
		char chunk[16384];
		ssize_t got;

		if (left <= 0)
			return UC_UNREACHABLE;
		if (poll(&ready, 1, left > LOOK_AGAIN_MS ? LOOK_AGAIN_MS : (int)left) <=
		    0)
			continue;
		got = read(fd, chunk, sizeof(chunk));
		if (got == 0)
			return UC_OK;
		if (got < 0 && errno != EINTR)
			return UC_FAILED;
		if (got <= 0)
			continue;
		uc_buf_addn(out, chunk, (size_t)got);
		if (out->len - before > program->bytes)
			return UC_INVALID;
	}
	return UC_FAILED;
}

/* Wait for its end until the deadline; what did not end by itself is killed. */
static int reap(pid_t pid, enum uc_code how, int64_t deadline)
{
	int status = 0;
	pid_t got;

	for (;;) {
		bool late = how != UC_OK || uc_monotonic_ms() >= deadline;

		if (late)
			kill(-pid, SIGKILL);
		got = waitpid(pid, &status, late ? 0 : WNOHANG);
		if (got > 0)
			return status;
		if (got < 0 && errno != EINTR)
			return 0; /* a caller that ignores SIGCHLD gets no status */
		if (got == 0)
			poll(NULL, 0, 1); /* its output is closed, it is about to end */
	}
}

enum uc_code uc_program_run(const struct uc_program *program, struct uc_buf *out,
			    int *status, int *failure)
{
	enum uc_code how;
	int fds[2];
	pid_t pid;

	*failure = 0;
	if (uc_pipe(fds) < 0) {
		*failure = errno;
		return UC_FAILED;
	}
	*failure = spawn(program, fds[1], &pid);
	close(fds[1]);
	how = *failure ? UC_FAILED : read_all(program, fds[0], out);
	close(fds[0]);
	if (*failure == 0)
		*status = reap(pid, how, program->deadline);
	return how;
}

bool uc_program_find(struct uc_buf *out, const char *name, const char *path)
{
	struct stat st;

	for (path = path ? path : "/usr/bin:/bin"; *path; path += *path == ':') {
		size_t len = strcspn(path, ":");

		uc_buf_reset(out);
		uc_buf_addn(out, path, len);
		uc_buf_addc(out, '/');
		uc_buf_add(out, name);
		if (*path == '/' && stat(uc_buf_text(out), &st) == 0 &&
		    S_ISREG(st.st_mode) && access(uc_buf_text(out), X_OK) == 0)
			return true;
		path += len;
	}
	return false;
}

const char *uc_env_value(const char *const *environment, const char *name)
{
	size_t len = strlen(name);

	for (; environment && *environment; environment++)
		if (strncmp(*environment, name, len) == 0 && (*environment)[len] == '=')
			return *environment + len + 1;
	return NULL;
}
