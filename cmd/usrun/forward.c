/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * --forward: uattach does it. Beside a session, or output that is followed, it is a child
 * that ends with us.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>
#include "usrun/usrun.h"

#define REST_MS 200 /* for what it says behind its last line */

int usrun_forward_wanted(const struct usrun *u, struct uc_error *err)
{
	if (u->args.forward.count == 0 || u->args.batch)
		return 0;
	uc_fail(err, UC_USAGE, "--forward goes with --detachable or --batch");
	return uc_hint(err, "of a job that runs already: uattach JOBID --forward %s",
		       u->args.forward.item[0]);
}

static int words(const struct usrun *u, uint32_t job_id, struct uc_strv *argv,
		 struct uc_error *err)
{
	uc_strv_addf(argv, "%s/uattach", u->run->bin_dir);
	uc_strv_addf(argv, "%" PRIu32, job_id);
	for (size_t i = 0; i < u->args.forward.count; i++)
		uc_strv_addf(argv, "--forward=%s", u->args.forward.item[i]);
	return argv->failed ? uc_fail(err, UC_FAILED, "out of memory") : 0;
}

int usrun_forward_become(const struct usrun *u, uint32_t job_id, struct uc_error *err)
{
	uc_auto(strv) struct uc_strv argv = { 0 };

	if (words(u, job_id, &argv, err) < 0)
		return -1;
	fflush(stdout);
	execve(argv.item[0], argv.item, (char *const *)u->run->environment);
	return uc_fail_errno(err, UC_FAILED, errno, "job %" PRIu32 " was submitted; '%s'",
			     job_id, argv.item[0]);
}

/* In the child. What it prints is talk: standard output is the job's. */
static void be_child(const struct usrun *u, const struct uc_strv *argv, pid_t parent,
		     int out)
{
	const int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (prctl(PR_SET_PDEATHSIG, SIGTERM) < 0 || getppid() != parent || null < 0 ||
	    dup2(null, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0 ||
	    dup2(out, STDERR_FILENO) < 0)
		_exit(1);
	execve(argv->item[0], argv->item, (char *const *)u->run->environment);
	_exit(1);
}

/* Lines that say how to get there. */
static size_t count_lines(const struct uc_buf *said)
{
	size_t count = 0;

	for (const char *line = uc_buf_text(said); line && *line;
	     line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
		count += strncmp(line, "ssh ", 4) == 0 && strchr(line, '\n');
	return count;
}

/* Show what it says until it is up, or has ended. */
static void show_until_up(const struct usrun *u, int from)
{
	uc_auto(buf) struct uc_buf said = { 0 };
	struct pollfd on = { .fd = from, .events = POLLIN };
	char bytes[4096];
	ssize_t got;

	while (poll(&on, 1, count_lines(&said) < u->args.forward.count ? -1 : REST_MS) !=
	       0) {
		got = read(from, bytes, sizeof(bytes));
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		fwrite(bytes, 1, (size_t)got, stderr);
		uc_buf_addn(&said, bytes, (size_t)got);
	}
}

int usrun_forward_start(const struct usrun *u, uint32_t job_id, bool wait,
			struct uc_error *err)
{
	uc_auto(strv) struct uc_strv argv = { 0 };
	const pid_t me = getpid();
	int ends[2] = { -1, STDERR_FILENO };
	pid_t child;

	if (words(u, job_id, &argv, err) < 0)
		return -1;
	if (wait && pipe2(ends, O_CLOEXEC) < 0)
		return uc_fail_errno(err, UC_FAILED, errno, "pipe");
	fflush(NULL);
	child = fork();
	if (child == 0)
		be_child(u, &argv, me, ends[1]);
	if (child < 0)
		uc_run_say(u->run, 0, "no process can be made: %s", strerror(errno));
	if (!wait)
		return 0;
	close(ends[1]);
	if (child > 0)
		show_until_up(u, ends[0]);
	/* later on the screen is the session's */
	close(ends[0]);
	return 0;
}
