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

int uattach_link_open(struct uattach_link *link, const struct uc_run *run,
		      const struct uc_job *job, struct uc_error *err)
{
	uc_auto(strv) struct uc_strv argv = { 0 };
	struct uattach_child child = { .to = -1, .from = -1, .errors = -1 };

	*link = (struct uattach_link){ .to = -1, .from = -1, .errors = -1 };
	add_words(run, job, &argv);
	if (uattach_spawn(run, &argv, &child, err) < 0) {
		uattach_child_end(&child, 0);
		return -1;
	}
	link->srun = child.pid;
	link->to = child.to;
	link->from = child.from;
	link->errors = child.errors;
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
