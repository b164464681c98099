/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include <ucluster/idle.h>

#include <ucluster/units.h>

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

int64_t uc_guard_span(const struct uc_guard *g)
{
	const int64_t part = g->idle / SAMPLE_PART;

	return part < SAMPLE_MOST ? part : SAMPLE_MOST;
}

bool uc_guard_due(const struct uc_guard *g, int64_t now)
{
	return g->idle > 0 && (g->cpu < 0 || now - g->sampled >= uc_guard_span(g));
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

/* --- words --- */

void uc_guard_warning(const struct uc_guard *g, const char *what, struct uc_buf *out)
{
	uc_buf_add(out, "idle for ");
	uc_duration_words(out, g->idle / 1000);
	uc_buf_addf(out, ": the %s ends in ", what);
	uc_duration_words(out, g->grace / 1000);
	uc_buf_add(out, " unless a key is pressed");
}

void uc_guard_last_words(const char *what, uint32_t gpus, int64_t left,
			 struct uc_buf *out)
{
	uc_buf_addf(out, "the %s was idle and ends", what);
	if (gpus > 0)
		uc_buf_addf(out, "; %u %s given back", gpus,
			    gpus == 1 ? "GPU is" : "GPUs are");
	if (gpus > 0 && left > 0) {
		uc_buf_add(out, " ");
		uc_duration_words(out, left);
		uc_buf_addf(out, " early (%.1f GPU hours)", (double)left * gpus / 3600);
	}
}
