/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* The idle guard at work: it measures, warns, and ends the job. */
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <ucluster/spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <ucluster/units.h>
#include "session/server.h"

/* nvidia-smi takes seconds on a node that is busy; a driver that hangs never answers. */
#define PROBE_MS 20000
/* The program is told to hang up, then to end, then made to. */
#define TERM_MS 10000
#define KILL_MS 20000

static const char *env(const struct server *s, const char *name)
{
	const size_t len = strlen(name);

	for (const char *const *e = s->environment; *e; e++)
		if (strncmp(*e, name, len) == 0 && (*e)[len] == '=')
			return *e + len + 1;
	return NULL;
}

/* --- GPUs --- */

static void probe(struct server *s, const char *gpus)
{
	s->probe_all = !gpus;
	s->probe.since = uc_monotonic_ms();
	if (!uc_gpu_probe_start(&s->probe, gpus, s->environment))
		uc_guard_gpus(&s->guard, uc_monotonic_ms(), false);
}

void uc_server_probed(struct server *s)
{
	const enum uc_gpu_state state = uc_gpu_probe_read(&s->probe);

	if (state == UC_GPU_LATER)
		return;
	uc_gpu_probe_end(&s->probe);
	/* where others' GPUs are hidden, the numbers begin at 0 in each job */
	if (state == UC_GPU_UNKNOWN && !s->probe_all)
		probe(s, NULL);
	else
		uc_guard_gpus(&s->guard, uc_monotonic_ms(), state == UC_GPU_BUSY);
}

static void probe_or_wait(struct server *s)
{
	if (!s->probe.pid) {
		probe(s, env(s, "SLURM_JOB_GPUS"));
	} else if (uc_monotonic_ms() - s->probe.since > PROBE_MS) {
		uc_gpu_probe_end(&s->probe);
		uc_guard_gpus(&s->guard, uc_monotonic_ms(), false);
	}
}

static unsigned count_gpus(const struct server *s)
{
	const char *list = env(s, "SLURM_JOB_GPUS");
	unsigned count = list && *list;

	for (; list && *list; list++)
		count += *list == ',';
	return count;
}

/* --- words --- */

/* Seconds that the job could have run on; 0 = not known. */
static int64_t time_left(const struct server *s)
{
	const char *end = env(s, "SLURM_JOB_END_TIME");
	int64_t until = end ? strtoll(end, NULL, 10) : 0;

	if (until <= 0 && s->options.limit > 0)
		until = s->started + s->options.limit;
	return until > time(NULL) ? until - time(NULL) : 0;
}

static void say(struct server *s, const char *text)
{
	uc_views_notice(s, text);
	dprintf(STDERR_FILENO, "session-server: %s\n", text);
}

static void warn(struct server *s)
{
	uc_auto(buf) struct uc_buf text = { 0 };

	uc_guard_warning(&s->guard, "session", &text);
	say(s, uc_buf_text(&text));
}

static void say_end(struct server *s)
{
	const unsigned gpus = count_gpus(s);
	const int64_t left = time_left(s);
	uc_auto(buf) struct uc_buf text = { 0 };

	uc_guard_last_words("session", gpus, left, &text);
	s->given_back = left * gpus;
	say(s, uc_buf_text(&text));
}

/* --- the end --- */

/* Shells write their history when they are hung up; srun would be made to kill them. */
static void hang_up(const struct server *s)
{
	const char *argv[] = { "scancel", "--signal=HUP", s->job, NULL };
	const struct uc_spawn spawn = { .words = (char *const *)argv,
					.environment = (char *const *)s->environment,
					.fd = { -1, STDOUT_FILENO, STDERR_FILENO } };
	pid_t pid;

	if (uc_spawn(&spawn, &pid) != 0)
		kill(s->child, SIGTERM);
}

static void end_slowly(struct server *s)
{
	const int64_t since = uc_monotonic_ms() - s->ending;

	if (since > KILL_MS)
		kill(s->child, SIGKILL);
	else if (since > TERM_MS)
		kill(s->child, SIGTERM);
}

void uc_server_guard(struct server *s)
{
	const int64_t now = uc_monotonic_ms();

	if (s->ending) {
		end_slowly(s);
		return;
	}
	if (uc_guard_due(&s->guard, now))
		uc_guard_sample(&s->guard, now, uc_usage_cpu(s->job));
	switch (uc_guard_tick(&s->guard, now)) {
	case UC_GUARD_NOTHING:
		break;
	case UC_GUARD_PROBE:
		probe_or_wait(s);
		break;
	case UC_GUARD_WARN:
		warn(s);
		break;
	case UC_GUARD_CALM:
		uc_views_redraw(s);
		break;
	case UC_GUARD_END:
		s->end = UC_SESSION_IDLE;
		s->ending = now;
		say_end(s);
		hang_up(s);
		break;
	}
}
