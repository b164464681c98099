/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* A program of this machine as a stream; a thread reads what it says as errors. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <ucluster/units.h>
#include <unistd.h>

#include "base/linux.h"
#include "base/program.h"
#include "ssh/stream.h"

#define DRAIN   32 /* reads: twice what a pipe holds */
#define DEPTH   4  /* of processes started by processes */
#define LOOK_MS 2  /* a child's end has no descriptor on older systems */

struct child {
	struct uc_stream_end end;
	bool asks; /* it may ask at the terminal, as one of the caller's processes */
	pid_t pid;
	bool reaped;
	int status;  /* as waitpid() has it; -1: not known */
	int errors;  /* what it writes to its standard error */
	int stop[2]; /* a pipe; a byte: read what is there and end */
	pthread_t reader;
	pthread_mutex_t lock; /* of the next two */
	struct uc_tail tail;
	size_t untold; /* bytes at the end of the tail that uc_child_says has not seen */
};

static void keep(struct child *child, const char *bytes, size_t len)
{
	pthread_mutex_lock(&child->lock);
	uc_tail_add(&child->tail, bytes, len);
	child->untold += len;
	if (child->untold > child->tail.len)
		child->untold = child->tail.len;
	pthread_mutex_unlock(&child->lock);
}

static void *read_errors(void *arg)
{
	struct child *child = arg;
	struct pollfd ready[2] = { { .fd = child->errors, .events = POLLIN },
				   { .fd = child->stop[0], .events = POLLIN } };
	char chunk[4096];

	for (;;) {
		ssize_t got = 0;
		bool stop;

		if (poll(ready, 2, -1) < 0)
			continue;
		stop = ready[1].revents != 0;
		/* what is in the pipe yet, whoever else may write there for ever */
		for (int i = 0; i < DRAIN && (i == 0 || stop); i++) {
			got = read(child->errors, chunk, sizeof(chunk));
			if (got > 0)
				keep(child, chunk, (size_t)got);
			if (got <= 0)
				break;
		}
		if (stop || got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
			return NULL;
	}
}

static void reap(struct child *child, int flags)
{
	pid_t got;

	if (child->reaped)
		return;
	do
		got = waitpid(child->pid, &child->status, flags);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		child->status = -1; /* whoever ignores SIGCHLD learns nothing */
	child->reaped = got != 0;
}

static bool child_ended(struct uc_stream_end *end)
{
	struct child *child = (struct child *)end;

	reap(child, WNOHANG);
	return child->reaped;
}

static int exit_status(int status)
{
	if (status != -1 && WIFEXITED(status))
		return WEXITSTATUS(status);
	return status != -1 && WIFSIGNALED(status) ? 128 + WTERMSIG(status) : -1;
}

/* Not by closing the pipe: whoever else was started meanwhile may hold it open. */
static void end_reader(const struct child *child)
{
	(void)!write(child->stop[1], "", 1); /* the pipe is empty */
	pthread_join(child->reader, NULL);
}

static int child_close(struct uc_stream_end *end, int wait_ms, struct uc_buf *said)
{
	struct child *child = (struct child *)end;
	int64_t deadline = uc_monotonic_ms() + wait_ms;
	bool killed = false;
	int status;

	while (!child_ended(end) && uc_monotonic_ms() < deadline)
		poll(NULL, 0, LOOK_MS);
	if (!child->reaped) {
		killed = true;
		kill(child->pid, SIGKILL);
		reap(child, 0);
	}
	end_reader(child);
	if (said)
		uc_buf_addn(said, child->tail.bytes, child->tail.len);
	pthread_mutex_destroy(&child->lock);
	close(child->errors);
	close(child->stop[0]);
	close(child->stop[1]);
	status = killed ? -1 : exit_status(child->status);
	free(child);
	return status;
}

void uc_child_says(struct uc_stream *stream, struct uc_buf *said)
{
	struct child *child = (struct child *)stream->end;

	pthread_mutex_lock(&child->lock);
	uc_buf_addn(said, child->tail.bytes + child->tail.len - child->untold,
		    child->untold);
	child->untold = 0;
	pthread_mutex_unlock(&child->lock);
}

#if UC_LINUX
#include <sys/sysmacros.h>

static bool is_terminal(const struct stat *st)
{
	unsigned kind = major(st->st_rdev);

	/* consoles, /dev/tty, and those of ssh, tmux and windows (devices.txt of Linux)
	 */
	return S_ISCHR(st->st_mode) &&
	       (kind == 4 || kind == 5 || (kind >= 136 && kind <= 143));
}

static bool has_terminal(pid_t pid)
{
	bool found = false;
	char path[64];
	DIR *folder;

	(void)snprintf(path, sizeof(path), "/proc/%ld/fd", (long)pid);
	folder = opendir(path);
	if (!folder)
		return errno == EACCES; /* it hides; else it ended */
	for (struct dirent *entry; !found && (entry = readdir(folder));) {
		struct stat st;

		found = entry->d_name[0] != '.' &&
			fstatat(dirfd(folder), entry->d_name, &st, 0) == 0 &&
			is_terminal(&st);
	}
	closedir(folder);
	return found;
}
#else
static bool has_terminal(pid_t pid)
{
	int fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);

	/* what it has open cannot be told; somebody is there who may be asked */
	(void)pid;
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}
#endif

/* A process, and those that it started, such as the ssh of a ProxyJump. */
static bool any_asks(pid_t pid, int depth)
{
	char path[80], children[1024];
	ssize_t len = 0;
	int fd;

	if (has_terminal(pid))
		return true;
	(void)snprintf(path, sizeof(path), "/proc/%ld/task/%ld/children", (long)pid,
		       (long)pid);
	fd = depth > 0 ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	if (fd >= 0) {
		len = read(fd, children, sizeof(children) - 1);
		close(fd);
	}
	children[len > 0 ? len : 0] = '\0';
	for (char *at = children, *end; (pid = (pid_t)strtol(at, &end, 10)) > 0; at = end)
		if (any_asks(pid, depth - 1))
			return true;
	return false;
}

bool uc_child_asks(const struct uc_stream *stream)
{
	const struct child *child = (const struct child *)stream->end;

	return any_asks(child->pid, DEPTH);
}

static int start(struct child *child, const char *program, char *const *words,
		 const char *const *environment, const int fds[2])
{
	static const char *const nothing[] = { NULL };
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t none, pipe;
	int rc = posix_spawn_file_actions_init(&files);

	if (rc != 0)
		return rc;
	rc = posix_spawnattr_init(&attr);
	if (rc != 0) {
		posix_spawn_file_actions_destroy(&files);
		return rc;
	}
	sigemptyset(&none);
	sigemptyset(&pipe);
	sigaddset(&pipe, SIGPIPE);
	rc = posix_spawn_file_actions_adddup2(&files, fds[0], 0);
	rc = rc ? rc : posix_spawn_file_actions_adddup2(&files, fds[0], 1);
	rc = rc ? rc : posix_spawn_file_actions_adddup2(&files, fds[1], 2);
#ifdef __GLIBC_PREREQ
#if __GLIBC_PREREQ(2, 34)
	/* ssh stays in the background: what the caller has open is not its business */
	rc = rc ? rc : posix_spawn_file_actions_addclosefrom_np(&files, 3);
#endif
#endif
	rc = rc ? rc : posix_spawnattr_setsigmask(&attr, &none);
	rc = rc ? rc : posix_spawnattr_setsigdefault(&attr, &pipe);
	/* Ctrl-C is for the caller, who may want to end in peace */
	rc = rc ? rc
		: posix_spawnattr_setflags(
			  &attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
					 (child->asks ? 0 : POSIX_SPAWN_SETPGROUP));
	rc = rc ? rc
		: posix_spawn(&child->pid, program, &files, &attr, words,
			      (char *const *)(environment ? environment : nothing));
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&files);
	return rc;
}

/* The thread of a library takes no signals: they are the program's. */
static int start_reader(struct child *child)
{
	sigset_t all, before;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&child->reader, NULL, read_errors, child);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return rc;
}

static void close_all(const int *fds, int count)
{
	for (int i = 0; i < count; i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

/* What is open and the child, or an errno. fds: the stream's, the child's, errors' both,
 * the end's both. */
static int bring_up(struct child *child, int fds[6], const char *program,
		    const char *const *words, const char *const *environment)
{
	int rc;

	if (uc_stream_pair(fds) < 0 || uc_pipe(fds + 2) < 0 || uc_pipe(fds + 4) < 0)
		return errno;
	if (fcntl(fds[2], F_SETFL, O_NONBLOCK) < 0 ||
	    fcntl(fds[1], F_SETFL, 0) < 0) /* programs do not expect another */
		return errno;
	child->errors = fds[2];
	memcpy(child->stop, fds + 4, sizeof(child->stop));
	rc = start_reader(child);
	if (rc != 0)
		return rc;
	rc = start(child, program, (char *const *)words, environment,
		   (int[2]){ fds[1], fds[3] });
	close(fds[1]);
	close(fds[3]);
	fds[1] = fds[3] = -1;
	if (rc != 0)
		end_reader(child);
	return rc;
}

static const char *find_path(const char *const *environment)
{
	for (const char *const *at = environment; at && *at; at++)
		if (strncmp(*at, "PATH=", 5) == 0)
			return *at + 5;
	return NULL;
}

static int spawn(struct uc_stream *stream, const char *const *words,
		 const char *const *environment, bool asks, struct uc_error *err)
{
	uc_auto(buf) struct uc_buf program = { 0 };
	int fds[6] = { -1, -1, -1, -1, -1, -1 };
	struct child *child;
	int rc;

	if (strchr(words[0], '/'))
		uc_buf_add(&program, words[0]);
	else if (!uc_program_find(&program, words[0], find_path(environment)))
		return uc_fail(err, UC_NOTFOUND, "no program '%s' in PATH", words[0]);
	child = calloc(1, sizeof(*child));
	if (!child || program.failed) {
		free(child);
		return uc_fail(err, UC_FAILED, "out of memory");
	}
	child->end = (struct uc_stream_end){ child_ended, child_close };
	child->asks = asks;
	pthread_mutex_init(&child->lock, NULL);
	rc = bring_up(child, fds, uc_buf_text(&program), words, environment);
	if (rc != 0) {
		close_all(fds, 6);
		pthread_mutex_destroy(&child->lock);
		free(child);
		return uc_fail_errno(err, rc == ENOENT ? UC_NOTFOUND : UC_FAILED, rc,
				     "cannot start '%s'", uc_buf_text(&program));
	}
	stream->in = stream->out = fds[0];
	stream->end = &child->end;
	return 0;
}

int uc_stream_spawn(struct uc_stream *stream, const char *const *words,
		    const char *const *environment, struct uc_error *err)
{
	return spawn(stream, words, environment, false, err);
}

int uc_child_spawn(struct uc_stream *stream, const char *const *words,
		   const char *const *environment, struct uc_error *err)
{
	return spawn(stream, words, environment, true, err);
}
