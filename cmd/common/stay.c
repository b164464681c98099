/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "common/stay.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <ucluster/state.h>

#define READ_MS      200   /* between two looks at the file */
#define ASK_LEAST_MS 1000  /* between two questions: at first, */
#define ASK_MOST_MS  10000 /* and in the end */
/* A shared file system may show the last lines, and the file itself, late. */
#define SETTLE_MS 1000
#define LATE_MS   5000

/* A file that the job writes. */
struct stream {
	struct uc_buf path; /* empty: not yet known */
	int in, out;        /* -1: not yet open; where to */
	off_t at;
};

struct stay {
	struct uc_stay what;
	struct stream stream[2]; /* output, errors */
	size_t streams;
	int signals;
	int64_t ask_at, pause;
	bool seen, unreachable, started, over;
	int64_t start_time;
	int status;
};

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* --- the job --- */

/* srun's way of saying it: the code, 128 and the signal, 143 when it was cancelled. */
static int exit_status(const struct uc_job *job)
{
	const int status = (int)job->exit_status;
	const uint32_t base = job->state & UC_JOB_BASE;

	if (WIFSIGNALED(status))
		return 128 + WTERMSIG(status);
	if (WEXITSTATUS(status))
		return WEXITSTATUS(status);
	if (base == UC_JOB_COMPLETED)
		return 0;
	return base == UC_JOB_CANCELLED ? 128 + SIGTERM : UC_FAILED;
}

static bool same_file(const struct uc_job *job)
{
	return uc_raw_empty(job->std_err) ||
	       (job->std_out.bytes &&
		strcmp(job->std_out.bytes, job->std_err.bytes) == 0);
}

/* A name with the node's in it is known only when the job runs. */
static void find_paths(struct stay *f, const struct uc_job *job)
{
	struct stat st;

	if (!f->what.output)
		return;
	f->streams = same_file(job) ? 1 : 2;
	for (size_t i = 0; i < f->streams; i++) {
		struct stream *s = &f->stream[i];

		if (s->path.len > 0)
			continue;
		if (uc_job_output(job, i == 1, NULL, &s->path, NULL) < 0)
			uc_buf_reset(&s->path);
		else if (f->what.append && !f->started &&
			 stat(uc_buf_text(&s->path), &st) == 0)
			s->at = st.st_size;
	}
}

/* All rows of the id: one, or those of an array. */
static void take_answer(struct stay *f, const struct uc_jobs *jobs)
{
	bool over = jobs->count > 0;
	int worst = 0;

	for (size_t i = 0; i < jobs->count; i++) {
		const struct uc_job *job = &jobs->row[i];
		const int status = exit_status(job);

		over = over && uc_job_is_finished(job->state) &&
		       !(job->state & UC_JOB_COMPLETING);
		worst = status > worst ? status : worst;
		if ((job->state & UC_JOB_BASE) != UC_JOB_PENDING)
			f->started = true;
		f->start_time = job->start_time;
		if (jobs->count == 1)
			find_paths(f, job);
	}
	f->seen |= jobs->count > 0;
	f->over = over || jobs->count == 0;
	f->status = worst;
}

static int ask(struct stay *f, struct uc_error *err)
{
	const struct uc_job_query query = { .job_ids = &f->what.job_id, .job_count = 1 };
	uc_auto(jobs) struct uc_jobs *jobs = NULL;
	const bool was_started = f->started;

	if (uc_jobs_load(f->what.src, &query, &jobs, err) < 0) {
		if (err->code != UC_UNREACHABLE)
			return -1;
		if (!f->unreachable)
			uc_run_say(f->what.run, 0,
				   "slurmctld does not answer; the job goes on, and so "
				   "does this");
		f->unreachable = true;
	} else {
		f->unreachable = false;
		take_answer(f, jobs);
	}
	/* what just started may end soon; later on nothing is urgent */
	if (f->started != was_started)
		f->pause = ASK_LEAST_MS;
	f->ask_at = now_ms() + f->pause;
	f->pause = f->pause * 3 / 2 > ASK_MOST_MS ? ASK_MOST_MS : f->pause * 3 / 2;
	if (f->over && !f->seen)
		return uc_fail(err, UC_NOTFOUND, "slurmctld does not know job %" PRIu32,
			       f->what.job_id);
	return 0;
}

/* --- its output --- */

static int put_all(int fd, const char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t done = write(fd, bytes, len);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -1;
		bytes += done;
		len -= (size_t)done;
	}
	return 0;
}

/* Not before the job had it: slurmstepd empties what an earlier job left there. */
static bool open_stream(struct stay *f, struct stream *s)
{
	struct stat st;

	if (s->in >= 0)
		return true;
	if (s->path.len == 0 || !f->started || stat(uc_buf_text(&s->path), &st) < 0 ||
	    !S_ISREG(st.st_mode) || (!f->over && st.st_mtime < f->start_time))
		return false;
	s->in = open(uc_buf_text(&s->path), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	return s->in >= 0;
}

/* What is new; 1 when there was something, -1 when it cannot be written. */
static int copy(struct stay *f, struct stream *s)
{
	char chunk[65536];
	struct stat st;
	ssize_t got;
	int any = 0;

	if (!open_stream(f, s))
		return 0;
	/* a job that was requeued begins anew */
	if (fstat(s->in, &st) == 0 && st.st_size < s->at)
		s->at = 0;
	while ((got = pread(s->in, chunk, sizeof(chunk), s->at)) > 0) {
		if (put_all(s->out, chunk, (size_t)got) < 0)
			return -1;
		s->at += got;
		any = 1;
	}
	return any;
}

static int copy_all(struct stay *f, struct uc_error *err)
{
	int any = 0;

	for (size_t i = 0; i < f->streams; i++) {
		int rc = copy(f, &f->stream[i]);

		if (rc < 0)
			return uc_fail_errno(err, UC_FAILED, errno,
					     "cannot write the job's output");
		any |= rc;
	}
	return any;
}

/* --- waiting --- */

static void say_how_to_go_on(const struct stay *f)
{
	uc_auto(buf) struct uc_buf line = { 0 };
	const char *path = uc_buf_text(&f->stream[0].path);

	uc_buf_addf(&line, "job %" PRIu32 " goes on; ", f->what.job_id);
	if (f->what.output && path[0]) {
		uc_buf_add(&line, "its output: tail -f ");
		uc_buf_quote(&line, path, UC_QUOTE_VISIBLE);
		uc_buf_add(&line, "; ");
	}
	uc_buf_addf(&line,
		    "its state: squeue -j %" PRIu32 "; to end it: scancel %" PRIu32,
		    f->what.job_id, f->what.job_id);
	uc_run_say(f->what.run, 0, "%s", uc_buf_text(&line));
}

/* True: a signal came, and this is over. */
static bool pause_for(struct stay *f, int64_t ms)
{
	struct pollfd fd = { .fd = f->signals, .events = POLLIN };
	struct signalfd_siginfo info;

	if (poll(&fd, 1, ms > 0 ? (int)ms : 0) <= 0 ||
	    read(f->signals, &info, sizeof(info)) != sizeof(info))
		return false;
	say_how_to_go_on(f);
	f->status = 128 + (int)info.ssi_signo;
	return true;
}

/* The end of the output may be seen later than the end of the job. */
static int finish(struct stay *f, struct uc_error *err)
{
	const int64_t end = now_ms() + LATE_MS;
	int64_t quiet = now_ms();

	while (f->streams > 0 && now_ms() < end &&
	       (f->stream[0].in < 0 || now_ms() - quiet < SETTLE_MS)) {
		int rc = copy_all(f, err);

		if (rc < 0)
			return -1;
		if (rc > 0)
			quiet = now_ms();
		/* one that never ran wrote nothing */
		if (!f->started || pause_for(f, READ_MS))
			return 0;
	}
	if (f->streams > 0 && f->stream[0].in < 0 && f->started)
		uc_run_say(f->what.run, 0, "the job's output is not seen here: '%s'",
			   uc_buf_text(&f->stream[0].path));
	return 0;
}

static int wait_for_end(struct stay *f, struct uc_error *err)
{
	for (;;) {
		int64_t left;

		if (now_ms() >= f->ask_at && ask(f, err) < 0)
			return -1;
		if (f->over)
			return finish(f, err);
		if (copy_all(f, err) < 0)
			return -1;
		left = f->ask_at - now_ms();
		if (f->streams > 0 && f->started && left > READ_MS)
			left = READ_MS;
		if (pause_for(f, left))
			return 0;
	}
}

/* Those that nohup(1) or a shell had ignored stay so: when blocked they would be read. */
static void choose_signals(sigset_t *set)
{
	static const int ends[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction action;

	sigemptyset(set);
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		if (sigaction(ends[i], NULL, &action) == 0 &&
		    action.sa_handler != SIG_IGN)
			sigaddset(set, ends[i]);
}

int uc_stay(const struct uc_stay *what, struct uc_error *err)
{
	struct stay f = { .what = *what,
			  .stream = { { .in = -1, .out = STDOUT_FILENO },
				      { .in = -1, .out = STDERR_FILENO } },
			  .pause = ASK_LEAST_MS };
	sigset_t set;
	int rc;

	fflush(stdout);
	choose_signals(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	f.signals = signalfd(-1, &set, SFD_CLOEXEC);
	rc = f.signals < 0 ? uc_fail_errno(err, UC_FAILED, errno, "signalfd")
			   : wait_for_end(&f, err);
	for (size_t i = 0; i < 2; i++) {
		if (f.stream[i].in >= 0)
			close(f.stream[i].in);
		uc_buf_free(&f.stream[i].path);
	}
	if (f.signals >= 0)
		close(f.signals);
	if (rc < 0)
		return uc_context(err, "job %" PRIu32 " was submitted", what->job_id);
	what->run->status = f.status;
	err->text[0] = '\0';
	return f.status ? -1 : 0;
}
