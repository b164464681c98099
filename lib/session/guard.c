/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "session/guard.h"

/* Between two samples of CPU time, in ms: a part of the whole, at most half a minute. */
#define SAMPLE_PART 10
#define SAMPLE_MOST 30000
/* More than this part of one CPU is work: a waiting Python uses 0.5 %, top 1 %. */
#define BUSY_PART 50

void uc_guard_begin(struct uc_guard *g, int64_t idle, int64_t grace, int64_t now)
{
	*g = (struct uc_guard){
		.idle = idle, .grace = grace, .touched = now, .sampled = now, .cpu = -1
	};
}

void uc_guard_seen(struct uc_guard *g, int64_t now)
{
	g->touched = now;
}

bool uc_guard_due(const struct uc_guard *g, int64_t now)
{
	const int64_t part = g->idle / SAMPLE_PART;

	return g->idle > 0 &&
	       (g->cpu < 0 ||
		now - g->sampled >= (part < SAMPLE_MOST ? part : SAMPLE_MOST));
}

void uc_guard_sample(struct uc_guard *g, int64_t now, int64_t cpu)
{
	const int64_t used = cpu - g->cpu;

	if (cpu < 0 || (g->cpu >= 0 && used * BUSY_PART > now - g->sampled))
		g->touched = now;
	g->sampled = now;
	g->cpu = cpu;
}

void uc_guard_gpus(struct uc_guard *g, int64_t now, bool busy)
{
	g->probed = now;
	if (busy)
		g->touched = now;
}

enum uc_guard_action uc_guard_tick(struct uc_guard *g, int64_t now)
{
	if (g->idle == 0)
		return UC_GUARD_NOTHING;
	if (now - g->touched < g->idle) {
		if (!g->warned)
			return UC_GUARD_NOTHING;
		g->warned = 0;
		return UC_GUARD_CALM;
	}
	if (!g->warned) {
		if (g->probed < g->touched + g->idle)
			return UC_GUARD_PROBE;
		g->warned = now;
		return UC_GUARD_WARN;
	}
	if (now - g->warned < g->grace)
		return UC_GUARD_NOTHING;
	return g->probed < g->warned + g->grace ? UC_GUARD_PROBE : UC_GUARD_END;
}
