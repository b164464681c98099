/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * session-usage MS: a step beside a job's terminal, that prints what the job did on this
 * node meanwhile: "cpu USED" (ms; -1: not known) and "gpus busy" or "gpus idle".
 */
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <ucluster/error.h>
#include <ucluster/units.h>
#include "session/place.h"
#include "session/usage.h"

extern char **environ;

/* nvidia-smi takes seconds on a node that is busy; a driver that hangs never answers. */
#define PROBE_MS  20000
#define SPAN_MOST 60000

static const char *env(const char *name)
{
	const size_t len = strlen(name);

	for (char **e = environ; *e; e++)
		if (strncmp(*e, name, len) == 0 && (*e)[len] == '=')
			return *e + len + 1;
	return NULL;
}

/* 0 and the number; -1. */
static long read_span(const char *text)
{
	char *end;
	const long span = strtol(text, &end, 10);

	return *text && !*end && span >= 0 && span <= SPAN_MOST ? span : -1;
}

static enum uc_gpu_state ask(const char *gpus)
{
	const int64_t until = uc_monotonic_ms() + PROBE_MS;
	struct uc_gpu_probe probe = { 0 };
	enum uc_gpu_state state = UC_GPU_LATER;

	if (!uc_gpu_probe_start(&probe, gpus, (const char *const *)environ))
		return UC_GPU_UNKNOWN;
	while (state == UC_GPU_LATER && uc_monotonic_ms() < until) {
		poll(&(struct pollfd){ .fd = probe.fd, .events = POLLIN }, 1, 100);
		state = uc_gpu_probe_read(&probe);
	}
	uc_gpu_probe_end(&probe);
	return state;
}

/* Without a GPU, or one that could be asked, CPU time alone counts. */
static bool gpus_are_busy(void)
{
	const char *gpus = env("SLURM_STEP_GPUS");
	enum uc_gpu_state state;

	if (!gpus)
		gpus = env("SLURM_JOB_GPUS");
	if (!gpus)
		return false;
	state = ask(gpus);
	/* where others' GPUs are hidden, the numbers begin at 0 in each job */
	if (state == UC_GPU_UNKNOWN)
		state = ask(NULL);
	return state == UC_GPU_BUSY;
}

int main(int argc, char **argv)
{
	const char *job = env("SLURM_JOB_ID");
	const long span = argc == 2 ? read_span(argv[1]) : -1;
	int64_t before, after;

	if (span < 0 || !uc_place_is_plain(job)) {
		dprintf(STDERR_FILENO, "usage: session-usage MS, in a job\n");
		return UC_USAGE;
	}
	before = uc_usage_cpu(job);
	poll(NULL, 0, (int)span);
	after = uc_usage_cpu(job);
	/* less than before: something ended, and so it did something */
	if (before < 0 || after < before)
		after = before - 1;
	return dprintf(STDOUT_FILENO, "cpu %" PRId64 "\ngpus %s\n", after - before,
		       gpus_are_busy() ? "busy" : "idle") < 0
		       ? UC_FAILED
		       : UC_OK;
}
