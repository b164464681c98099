/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * The line to a session: srun starts a step beside it, whose standard input and output
 * are the bytes. No port is opened, and who may is Slurm's decision.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "uattach/inside.h"
#include "uattach/session.h"

/* How long srun may take to end by itself, then to be ended, in 10 ms. */
#define LEAVE_TURNS 200
#define TERM_TURNS  100

/* A step that takes nothing away from the job: no CPU, memory or GPU of its own. */
static void add_words(const struct uc_run *run, const struct uc_job *job,
		      struct uc_strv *argv)
{
	static const char *const options[] = {
		"--overlap",          "--nodes=1",  "--ntasks=1", "--mem=0",
		"--gres=none",        "--mpi=none", "--quiet",    "--chdir=/",
		"--job-name=uattach", NULL
	};

	const char *key;
	size_t len;

	uc_strv_add(argv, "srun");
	uc_strv_addf(argv, "--jobid=%u", job->job_id);
	if (!uc_raw_empty(job->batch_host))
		uc_strv_addf(argv, "--nodelist=%s", job->batch_host.bytes);
	uc_strv_add_all(argv, options);
	uc_strv_addf(argv, "%s/session-attach", run->libexec_dir);
	key = uattach_session_key(job, &len);
	uc_strv_addn(argv, key, len);
}

static int spawn(struct uattach_link *link, const struct uc_strv *argv,
		 const struct uc_strv *env, const int far[3])
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t none;
	int rc;

	sigemptyset(&none);
	posix_spawnattr_init(&attr);
	/* out of the terminal's reach: neither its signals nor its modes are srun's */
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawn_file_actions_init(&actions);
	for (int fd = 0; fd < 3; fd++)
		posix_spawn_file_actions_adddup2(&actions, far[fd], fd);
	rc = posix_spawnp(&link->srun, "srun", &actions, &attr, argv->item, env->item);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attr);
	return rc;
}

static void close_all(int *fds, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

int uattach_link_open(struct uattach_link *link, const struct uc_run *run,
		      const struct uc_job *job, struct uc_error *err)
{
	uc_auto(strv) struct uc_strv argv = { 0 };
	uc_auto(strv) struct uc_strv env = { 0 };
	int in[2] = { -1, -1 }, out[2] = { -1, -1 }, errors[2] = { -1, -1 };
	int rc;

	*link = (struct uattach_link){ .to = -1, .from = -1, .errors = -1 };
	add_words(run, job, &argv);
	uc_overlap_environment(run, &env);
	if (argv.failed || env.failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	if (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0 ||
	    pipe2(errors, O_CLOEXEC) < 0)
		rc = errno;
	else
		rc = spawn(link, &argv, &env, (int[]){ in[0], out[1], errors[1] });
	close_all((int[]){ in[0], out[1], errors[1] }, 3);
	if (rc) {
		close_all((int[]){ in[1], out[0], errors[0] }, 3);
		link->srun = 0;
		return uc_fail_errno(err, UC_UNREACHABLE, rc, "cannot run 'srun'");
	}
	link->to = in[1];
	link->from = out[0];
	link->errors = errors[0];
	for (size_t i = 0; i < 3; i++)
		fcntl((int[]){ link->to, link->from, link->errors }[i], F_SETFL,
		      O_NONBLOCK);
	return 0;
}

void uattach_link_listen(struct uattach_link *link)
{
	char chunk[4096];
	ssize_t got;

	if (link->errors < 0)
		return;
	while ((got = read(link->errors, chunk, sizeof(chunk))) > 0)
		if (link->said.len < sizeof(chunk))
			uc_buf_addn(&link->said, chunk, (size_t)got);
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	close(link->errors);
	link->errors = -1;
}

static bool has_ended(struct uattach_link *link, int turns)
{
	for (int i = 0; i < turns; i++) {
		const pid_t got = waitpid(link->srun, NULL, WNOHANG);

		if (got == link->srun || (got < 0 && errno != EINTR))
			return true;
		uattach_link_listen(link);
		poll(NULL, 0, 10);
	}
	return false;
}

void uattach_link_close(struct uattach_link *link)
{
	if (link->to >= 0)
		close(link->to);
	if (link->from >= 0)
		close(link->from);
	link->to = link->from = -1;
	if (link->srun && !has_ended(link, LEAVE_TURNS)) {
		/* srun hands this on as an order to kill the step, and only that */
		kill(link->srun, SIGTERM);
		if (!has_ended(link, TERM_TURNS)) {
			kill(link->srun, SIGKILL);
			has_ended(link, TERM_TURNS);
		}
	}
	link->srun = 0;
	uattach_link_listen(link);
	if (link->errors >= 0)
		close(link->errors);
	link->errors = -1;
	uc_buf_free(&link->said);
}
