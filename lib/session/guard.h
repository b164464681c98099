/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_SESSION_GUARD_H
#define UC_SESSION_GUARD_H
/*
 * When a session has been idle for long: nothing typed or printed, no CPU time used, no
 * work on its GPUs. It is warned of, and ended after a grace period. No clock and no
 * process in here: what is measured is told to it. Times are ms of any clock.
 */
#include <stdbool.h>
#include <stdint.h>

struct uc_guard {
	int64_t idle, grace;    /* idle 0: never */
	int64_t touched;        /* when something happened last */
	int64_t warned, probed; /* when; 0 = not since */
	int64_t sampled, cpu;   /* when, and CPU time used until then; -1 = not yet */
};

enum uc_guard_action {
	UC_GUARD_NOTHING,
	UC_GUARD_PROBE, /* look at the GPUs and tell by uc_guard_gpus() */
	UC_GUARD_WARN,
	UC_GUARD_CALM, /* something happened after the warning */
	UC_GUARD_END,
};

void uc_guard_begin(struct uc_guard *g, int64_t idle, int64_t grace, int64_t now);
/* Something was typed or printed. */
void uc_guard_seen(struct uc_guard *g, int64_t now);
/* Is it time to measure CPU time? */
bool uc_guard_due(const struct uc_guard *g, int64_t now);
/* All CPU time the job used, -1 when not known: then it counts as busy. */
void uc_guard_sample(struct uc_guard *g, int64_t now, int64_t cpu);
void uc_guard_gpus(struct uc_guard *g, int64_t now, bool busy);
enum uc_guard_action uc_guard_tick(struct uc_guard *g, int64_t now);

#endif
