/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* A session in this terminal, and what is said when it is no longer shown. */
#include "uattach/session.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <ucluster/batch.h>
#include <ucluster/state.h>
#include <ucluster/units.h>
#include "common/stay.h"
#include "uattach/view.h"

#define TRIES      3
#define END_MS     10000 /* from the end of a server to that of its job */
#define SHORT_MS   3000  /* the same, when it never was there */
#define ASK_MS     500
#define SETTLED_MS 60000 /* a line that held so long is tried as often again */
#define LINES      10    /* of the output of one that is over */

const char *uattach_session_key(const struct uc_job *job, size_t *len)
{
	const char *command = job->command.bytes;
	const size_t mark = strlen(UC_SPEC_SESSION);

	if (!job->batch || !command ||
	    strncmp(command, UC_SPEC_SESSION " ", mark + 1) != 0)
		return NULL;
	command += mark + 1;
	*len = strspn(command, "0123456789abcdef");
	return *len > 0 && (command[*len] == ' ' || command[*len] == '\0') ? command
									   : NULL;
}

bool uattach_is_session(const struct uc_job *job)
{
	size_t len;

	return uattach_session_key(job, &len);
}

static int open_signals(sigset_t *before)
{
	static const int taken[] = { SIGCHLD, SIGWINCH, SIGTSTP, SIGTERM, SIGHUP,
				     SIGINT,  SIGQUIT,  SIGPIPE, SIGTTIN, SIGTTOU };
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
		sigaddset(&set, taken[i]);
	sigprocmask(SIG_BLOCK, &set, before);
	sigdelset(&set, SIGPIPE);
	sigdelset(&set, SIGTTIN);
	sigdelset(&set, SIGTTOU);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* A line that broke while it was written to: the SIGPIPE is not to come now. */
static void close_signals(int fd, const sigset_t *before)
{
	const struct timespec at_once = { 0 };
	sigset_t pipe;

	if (fd >= 0)
		close(fd);
	sigemptyset(&pipe);
	sigaddset(&pipe, SIGPIPE);
	while (sigtimedwait(&pipe, NULL, &at_once) == SIGPIPE)
		;
	sigprocmask(SIG_SETMASK, before, NULL);
}

/* --- what is said afterwards --- */

static bool is_suspended(const struct uc_job *job)
{
	return (job->state & UC_JOB_BASE) == UC_JOB_SUSPENDED;
}

static int fail_suspended(const struct uc_job *job, struct uc_error *err)
{
	uc_fail(err, UC_UNREACHABLE, "job %u is suspended, and so is its session",
		job->job_id);
	return uc_hint(err, "uattach %u shows it again when the job goes on",
		       job->job_id);
}

static int fail_link(struct uattach_view *v, struct uc_error *err)
{
	uc_auto(buf) struct uc_buf said = { 0 };
	const char *text = uc_buf_text(&v->link.said);

	if (is_suspended(v->job))
		return fail_suspended(v->job, err);
	if (v->outcome == VIEW_REFUSED)
		return uc_fail(err, UC_NOTFOUND, "%s", uc_buf_text(&v->notice));
	uc_buf_addn(&said, text, strcspn(text, "\n"));
	if (said.len > 0)
		return uc_fail(err, UC_UNREACHABLE, "job %u: %s", v->job->job_id,
			       uc_buf_text(&said));
	uc_fail(err, UC_UNREACHABLE, "the line to the session of job %u is gone",
		v->job->job_id);
	return uc_hint(err, "uattach %u attaches again", v->job->job_id);
}

static void say_detached(const struct uattach_view *v)
{
	uc_run_say(v->u->run, 0,
		   "detached, the session goes on; back to it: uattach %u; to end it: "
		   "uqueue --cancel %u",
		   v->job->job_id, v->job->job_id);
}

static int conclude(struct uattach_view *v, struct uc_error *err)
{
	struct uc_run *run = v->u->run;

	switch (v->outcome) {
	case VIEW_DETACHED:
		say_detached(v);
		return 0;
	case VIEW_KILLED:
		say_detached(v);
		run->status = 128 + v->signal;
		return -1;
	case VIEW_ENDED:
		if (v->over.end != UC_SESSION_ENDED && v->notice.len > 0)
			uc_run_say(run, 0, "%s", uc_buf_text(&v->notice));
		run->status = WIFSIGNALED(v->over.status) ? 128 + WTERMSIG(v->over.status)
							  : WEXITSTATUS(v->over.status);
		uc_stay_keep(run, v->job, run->status);
		return run->status ? -1 : 0;
	default:
		fail_link(v, err);
		if (v->signal) { /* and nobody waited for its end */
			uc_run_error(run, err);
			err->text[0] = '\0';
			run->status = 128 + v->signal;
		}
		return -1;
	}
}

/* Of the session's job; slurmctld knows more than a line that broke. */
enum job_is {
	JOB_RUNS,
	JOB_SUSPENDED,
	JOB_OVER,
	JOB_UNKNOWN, /* slurmctld does not answer */
};

static enum job_is ask(struct uattach_view *v)
{
	struct uattach *u = v->u;
	struct uc_jobs *before = uc_take(&u->jobs);

	if (uattach_reload(u, NULL) < 0) {
		/* what is said of it needs the row */
		uc_jobs_free(u->jobs);
		u->jobs = before;
		u->job = v->job;
		return u->forgotten ? JOB_OVER : JOB_UNKNOWN;
	}
	uc_jobs_free(before);
	v->job = u->job;
	if (is_suspended(v->job))
		return JOB_SUSPENDED;
	return (v->job->state & UC_JOB_BASE) == UC_JOB_RUNNING &&
			       !(v->job->state & UC_JOB_COMPLETING)
		       ? JOB_RUNS
		       : JOB_OVER;
}

/* What the server had to say besides is in the job's output, mostly nothing. */
static bool has_output(const struct uc_job *job)
{
	uc_auto(buf) struct uc_buf path = { 0 };
	struct stat st;

	return uc_job_output(job, false, NULL, &path, NULL) == 0 &&
	       stat(uc_buf_text(&path), &st) == 0 && S_ISREG(st.st_mode) &&
	       st.st_size > 0;
}

static int tell_end(struct uattach *u, struct uc_error *err)
{
	if (u->forgotten) {
		uc_fail(err, UC_NOTFOUND, "slurmctld does not know job %u any more",
			u->id.job);
		return uattach_past(u, err);
	}
	return uc_stay(&(struct uc_stay){ .run = u->run,
					  .id = u->id,
					  .ending = true,
					  .output = has_output(u->job),
					  .lines = LINES },
		       err);
}

/* By a signal, within so many ms. That srun ended, or a window changed, is none. */
static bool stopped(struct uattach_view *v, int ms)
{
	struct pollfd on = { v->signals, POLLIN, 0 };
	struct signalfd_siginfo info;

	if (poll(&on, 1, ms) <= 0 ||
	    read(v->signals, &info, sizeof(info)) != sizeof(info) ||
	    info.ssi_signo == SIGCHLD || info.ssi_signo == SIGWINCH)
		return false;
	if (info.ssi_signo == SIGTSTP)
		raise(SIGSTOP);
	else
		v->signal = (int)info.ssi_signo;
	return v->signal != 0;
}

/* The server is gone: slurmctld hears of the job's end a little later. */
static enum job_is wait_for_end(struct uattach_view *v, int ms)
{
	const int64_t until = uc_monotonic_ms() + ms;
	enum job_is job;

	do
		job = ask(v);
	while (job == JOB_RUNS && uc_monotonic_ms() < until && !stopped(v, ASK_MS));
	return job;
}

/* The session cannot be reached: because its job is over? `met`: it was shown before. */
static enum job_is find_reason(struct uattach_view *v, bool met)
{
	if (!met)
		return wait_for_end(v, SHORT_MS);
	return v->outcome == VIEW_REFUSED ? wait_for_end(v, END_MS) : ask(v);
}

/* A line that broke is tried again: the session does not know of it. */
static int show_again(struct uattach_view *v, struct uc_error *err)
{
	bool met = false;

	for (int attempt = 1;; attempt++) {
		int rc = uattach_view_show(v, err);
		const bool lost = rc == 0 && v->outcome == VIEW_LOST;
		const bool refused = rc == 0 && v->outcome == VIEW_REFUSED;
		enum job_is job = JOB_RUNS;

		met |= v->welcome;
		if (lost || refused)
			job = find_reason(v, met);
		if (lost && v->welcome && v->heard - v->begun >= SETTLED_MS)
			attempt = 1;
		if (met && lost && job == JOB_RUNS && attempt < TRIES) {
			/* with its lines: what came meanwhile was not seen */
			uc_run_say(v->u->run, 0, "the line is gone; attaching again");
			uattach_link_close(&v->link);
			continue;
		}
		if (rc == 0)
			rc = job == JOB_OVER ? tell_end(v->u, err) : conclude(v, err);
		uattach_link_close(&v->link);
		return rc;
	}
}

int uattach_session(struct uattach *u, const struct uc_job *job, struct uc_error *err)
{
	struct uattach_view v = { .u = u,
				  .job = job,
				  .link = { .to = -1, .from = -1, .errors = -1 },
				  .signals = -1,
				  .history = UINT32_MAX };
	const char *keys = uc_config_string(u->run->config, "session.detach_key");
	sigset_t before;
	int rc;

	if (uc_job_is_finished(job->state))
		return tell_end(u, err);
	if (!uc_source_is_live(u->src))
		return uc_fail(err, UC_DENIED,
			       "a source that is not live has no session to show");
	if (is_suspended(job))
		return fail_suspended(job, err);
	if (uc_detach_parse(&v.keys, keys ? keys : "ctrl-a d", err) < 0)
		return uc_context(err, "session.detach_key");
	if (uattach_terminal_open(&v.terminal, err) < 0)
		return -1;
	v.signals = open_signals(&before);
	rc = v.signals < 0 ? uc_fail_errno(err, UC_FAILED, errno, "signalfd")
			   : show_again(&v, err);
	uattach_terminal_close(&v.terminal);
	close_signals(v.signals, &before);
	uc_buf_free(&v.in);
	uc_buf_free(&v.out);
	uc_buf_free(&v.screen);
	uc_buf_free(&v.notice);
	return rc;
}
