/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * The idle guard of a plain --pty: the process beside srun (watch.c) looks when the
 * terminal was read or written last. Only when that is as long ago as session.idle it
 * asks slurmctld which job it is, and a step beside the job what that does. Nothing is
 * between the terminal and srun.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <ucluster/idle.h>
#include <ucluster/units.h>
#include "common/overlap.h"
#include "usrun/watch.h"

#define GRAIN     8     /* s: the kernel writes down times of terminals no finer */
#define ANSWER_MS 60000 /* for a step to answer, besides what it waits */
#define PAUSE_MS  3600000
#define HANGUP_MS 10000 /* for a shell to end by itself */

struct idle {
	const struct usrun *u;
	struct usrun_waiting *job;
	int srun, terminal;
	struct uc_guard guard;
	time_t read, written; /* of the terminal, when we looked last */
	uint32_t job_id, gpus;
	int64_t end; /* epoch: of its time; 0 = not known */
};

int64_t usrun_idle_limit(const struct usrun *u)
{
	return u->args.idle >= 0 ? u->args.idle
				 : uc_config_number(u->run->config, "session.idle", 0);
}

int usrun_idle_terminal(const struct usrun *u)
{
	char path[64];

	if (!uc_spec_get(u->spec, "pty") || !u->run->stdin_tty ||
	    usrun_idle_limit(u) <= 0 || ttyname_r(STDIN_FILENO, path, sizeof(path)) != 0)
		return -1;
	/* of our own: what is set for it is not set for srun */
	return open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
}

/* --- the terminal --- */

/* True: it was used since the last look. */
static bool take_times(struct idle *i)
{
	const time_t read = i->read, written = i->written;
	struct stat st;

	if (fstat(i->terminal, &st) < 0)
		return false;
	i->read = st.st_atime;
	i->written = st.st_mtime;
	return i->read != read || i->written != written;
}

static void look(struct idle *i)
{
	const int64_t now = uc_monotonic_ms();
	time_t last, present = time(NULL);

	if (!take_times(i))
		return;
	last = (i->read > i->written ? i->read : i->written) + GRAIN;
	uc_guard_seen(&i->guard, last >= present ? now : now - (present - last) * 1000);
}

/* One line; whatever the program has the terminal do, it is plain text. */
static void say(struct idle *i, const struct uc_buf *text)
{
	uc_auto(buf) struct uc_buf line = { 0 };

	uc_buf_addf(&line, "\r\n%s: %s\r\n", i->u->run->prog, uc_buf_text(text));
	if (!line.failed && write(i->terminal, line.data, line.len) < 0)
		return;
	take_times(i);
}

/* True: srun has ended. */
static bool pause_for(const struct idle *i, int64_t ms)
{
	struct pollfd on = { .fd = i->srun, .events = POLLIN };

	return poll(&on, 1, (int)(ms < PAUSE_MS ? ms : PAUSE_MS)) > 0;
}

/* --- what the job does --- */

static void words(const struct idle *i, const char *node, struct uc_strv *argv)
{
	uc_overlap_srun(i->job_id, node, argv);
	uc_strv_add(argv, "--quiet");
	uc_strv_add(argv, "--chdir=/");
	uc_strv_addf(argv, "%s/session-usage", i->u->run->libexec_dir);
	uc_strv_addf(argv, "%" PRId64, uc_guard_span(&i->guard));
}

/* Out of the terminal's reach; `out`: its standard output, or -1. */
static int start(const struct idle *i, char *const *argv, int out, pid_t *pid)
{
	uc_auto(strv) struct uc_strv env = { 0 };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t none;
	int rc;

	uc_overlap_environment(i->u->run, &env);
	if (env.failed)
		return ENOMEM;
	sigemptyset(&none);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawn_file_actions_init(&actions);
	for (int fd = 0; fd < 3; fd++)
		posix_spawn_file_actions_addopen(&actions, fd, "/dev/null", O_RDWR, 0);
	if (out >= 0)
		posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
	rc = posix_spawnp(pid, argv[0], &actions, &attr, argv, env.item);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attr);
	return rc;
}

/* Its words until it ends, or srun does, or time is over. */
static void read_answer(const struct idle *i, int fd, char *text, size_t size)
{
	const int64_t until = uc_monotonic_ms() + uc_guard_span(&i->guard) + ANSWER_MS;
	size_t len = 0;

	while (len < size - 1) {
		struct pollfd on[] = { { .fd = fd, .events = POLLIN },
				       { .fd = i->srun, .events = POLLIN } };
		const int64_t left = until - uc_monotonic_ms();
		ssize_t got;

		if (left <= 0 || poll(on, 2, (int)left) <= 0 || on[1].revents)
			break;
		got = read(fd, text + len, size - 1 - len);
		if (got <= 0)
			break;
		len += (size_t)got;
	}
	text[len] = '\0';
}

/* srun hands the first signal on to its step; what does not listen is killed. */
static void end_child(pid_t pid)
{
	const int orders[] = { 0, SIGTERM, SIGKILL };

	for (size_t k = 0; k < sizeof(orders) / sizeof(orders[0]); k++) {
		if (orders[k])
			kill(pid, orders[k]);
		for (int turn = 0; turn < 200; turn++) {
			if (waitpid(pid, NULL, WNOHANG) != 0)
				return;
			poll(NULL, 0, 10);
		}
	}
}

/* What is not known counts as work. */
static void take_answer(struct idle *i, const char *text)
{
	const int64_t now = uc_monotonic_ms();
	int64_t used = -1;
	char gpus[8] = "";

	if (sscanf(text, "cpu %" SCNd64 " gpus %7s", &used, gpus) != 2)
		used = -1;
	uc_guard_sample(&i->guard, now - uc_guard_span(&i->guard), 0);
	uc_guard_sample(&i->guard, now, used);
	uc_guard_gpus(&i->guard, now, strcmp(gpus, "idle") != 0);
}

static void ask_step(struct idle *i, const char *node)
{
	uc_auto(strv) struct uc_strv argv = { 0 };
	int ends[2];
	char text[128] = "";
	pid_t pid;

	words(i, node, &argv);
	if (argv.failed || pipe2(ends, O_CLOEXEC) < 0) {
		take_answer(i, "");
		return;
	}
	if (start(i, argv.item, ends[1], &pid) == 0) {
		close(ends[1]);
		read_answer(i, ends[0], text, sizeof(text));
		close(ends[0]);
		end_child(pid);
	} else {
		close(ends[0]);
		close(ends[1]);
	}
	take_answer(i, text);
}

/* False: what is not seen from one node is not judged. */
static bool ask(struct idle *i)
{
	uc_auto(jobs) struct uc_jobs *jobs = NULL;
	const struct uc_job *job = usrun_waiting_running(i->job, i->u->run, &jobs);
	int64_t ran;

	if (!job) {
		take_answer(i, "");
		return true;
	}
	if (job->node_count != 1 || uc_raw_empty(job->nodes))
		return false;
	i->job_id = job->job_id;
	i->gpus = job->gpus == UC_NONE32 ? 0 : job->gpus;
	i->end = job->end_time;
	ran = (jobs->now - job->start_time) * 1000;
	if (ran < i->guard.idle)
		uc_guard_seen(&i->guard, uc_monotonic_ms() - ran);
	else
		ask_step(i, job->nodes.bytes);
	return true;
}

/* --- the end --- */

static void cancel(const struct idle *i, const char *option)
{
	uc_auto(buf) struct uc_buf number = { 0 };
	char *argv[] = { (char *)"scancel", (char *)option, NULL, NULL };
	pid_t pid;

	uc_buf_addi(&number, i->job_id);
	argv[2] = number.data;
	if (!number.failed && start(i, argv, -1, &pid) == 0)
		end_child(pid);
}

/* Shells write their history when they are hung up. */
static void end(struct idle *i)
{
	const int64_t left = i->end - (int64_t)time(NULL);
	uc_auto(buf) struct uc_buf text = { 0 };

	uc_guard_last_words("job", i->gpus, left > 0 ? left : 0, &text);
	say(i, &text);
	cancel(i, "--signal=HUP");
	if (!pause_for(i, HANGUP_MS))
		cancel(i, "--quiet");
}

/* ms to the next look. */
static int64_t pause_of(const struct idle *i)
{
	const int64_t left = i->guard.touched + i->guard.idle - uc_monotonic_ms();

	return i->guard.warned || left < 500 ? 500 : left;
}

void usrun_idle_guard(const struct usrun *u, struct usrun_waiting *job, int srun,
		      int terminal)
{
	const int64_t grace = uc_config_number(u->run->config, "session.grace", 1);
	struct idle i = { .u = u, .job = job, .srun = srun, .terminal = terminal };
	uc_auto(buf) struct uc_buf text = { 0 };

	uc_guard_begin(&i.guard, usrun_idle_limit(u) * 1000, grace * 1000,
		       uc_monotonic_ms());
	take_times(&i);
	while (!pause_for(&i, pause_of(&i))) {
		look(&i);
		switch (uc_guard_tick(&i.guard, uc_monotonic_ms())) {
		case UC_GUARD_PROBE:
			if (!ask(&i))
				return;
			break;
		case UC_GUARD_WARN:
			uc_guard_warning(&i.guard, "job", &text);
			say(&i, &text);
			uc_buf_reset(&text);
			break;
		case UC_GUARD_END:
			end(&i);
			return;
		case UC_GUARD_NOTHING:
		case UC_GUARD_CALM:
			break;
		}
	}
}
