/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * job-inside enters a container, and what it needs fails: setns(2) and fork(2) are this
 * test's (-Wl,--wrap), the container is a process in a PID namespace of its own.
 */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "inside/inside.h"

pid_t __real_fork(void);
pid_t __wrap_fork(void);
int __wrap_setns(int fd, int type);

/* as main.c has it, which has a main of its own */
void inside_say(const char *fmt, ...)
{
	va_list ap;

	fputs("uattach: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

static struct {
	int forks;   /* that were asked for */
	int refused; /* the kind of namespace that cannot be entered; 0: none */
	int entered;
} asked;

pid_t __wrap_fork(void)
{
	asked.forks++;
	errno = EAGAIN;
	return -1;
}

int __wrap_setns(int fd, int type)
{
	(void)fd;
	asked.entered |= type;
	errno = EPERM;
	return type == asked.refused ? -1 : 0;
}

struct container {
	char job[16];
	pid_t keeper;
	int errors, before; /* standard error, meanwhile and before */
};

/* The first process of a PID and a mount namespace, as one of a job. */
static void be_container(const char *job, int ready)
{
	static const char *const words[] = { "sleep", "1000", NULL };
	char id[48];
	char *env[] = { id, (char *)"SLURM_STEP_ID=0", (char *)"PATH=/usr/bin:/bin",
			NULL };
	char no = 'n';
	pid_t pid;

	snprintf(id, sizeof(id), "SLURM_JOB_ID=%s", job);
	if ((geteuid() != 0 && unshare(CLONE_NEWUSER) < 0) ||
	    unshare(CLONE_NEWPID | CLONE_NEWNS) < 0) {
		if (write(ready, &no, 1) < 0)
			_exit(1);
		_exit(0);
	}
	pid = __real_fork();
	if (pid == 0) {
		/* its end tells that it is what it is to be */
		fcntl(ready, F_SETFD, FD_CLOEXEC);
		execvpe(words[0], (char *const *)words, env);
		_exit(1);
	}
	close(ready);
	waitpid(pid, NULL, 0);
	_exit(0);
}

static int set_up(void **state)
{
	struct container *c = calloc(1, sizeof(*c));
	int ready[2];
	char no;

	asked.forks = asked.refused = asked.entered = 0;
	snprintf(c->job, sizeof(c->job), "%d7", (int)getpid());
	assert_int_equal(pipe(ready), 0);
	c->keeper = __real_fork();
	if (c->keeper == 0) {
		close(ready[0]);
		setpgid(0, 0);
		be_container(c->job, ready[1]);
	}
	close(ready[1]);
	*state = c;
	c->errors = fileno(tmpfile());
	c->before = dup(STDERR_FILENO);
	if (read(ready[0], &no, 1) == 1) {
		waitpid(c->keeper, NULL, 0);
		c->keeper = 0;
	}
	close(ready[0]);
	return 0;
}

static int tear_down(void **state)
{
	struct container *c = *state;

	if (c->keeper) {
		kill(-c->keeper, SIGKILL);
		waitpid(c->keeper, NULL, 0);
	}
	close(c->errors);
	close(c->before);
	free(c);
	return 0;
}

/* What it returns, and says. */
static int enter(struct container *c, char *said, size_t size)
{
	char *argv[] = { c->job, (char *)"0", (char *)"true", NULL };
	ssize_t got;
	int rc;

	fflush(stderr);
	dup2(c->errors, STDERR_FILENO);
	rc = inside_enter(argv);
	fflush(stderr);
	dup2(c->before, STDERR_FILENO);
	got = pread(c->errors, said, size - 1, 0);
	said[got > 0 ? got : 0] = '\0';
	return rc;
}

static void test_no_process_can_be_made(void **state)
{
	struct container *c = *state;
	char said[512];

	if (!c->keeper)
		skip();
	assert_int_equal(enter(c, said, sizeof(said)), 1);
	assert_int_equal(asked.forks, 1);
	assert_true(asked.entered & CLONE_NEWPID);
	assert_non_null(
		strstr(said, "uattach: no process can be made: Resource temporarily"));
}

static void test_a_container_that_cannot_be_entered(void **state)
{
	struct container *c = *state;
	char said[512];

	if (!c->keeper)
		skip();
	asked.refused = CLONE_NEWNS;
	assert_int_equal(enter(c, said, sizeof(said)), 1);
	/* nothing is run outside of it instead */
	assert_int_equal(asked.forks, 0);
	assert_non_null(strstr(said, "the job's container cannot be entered: ns/mnt"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_no_process_can_be_made, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_a_container_that_cannot_be_entered,
						set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
