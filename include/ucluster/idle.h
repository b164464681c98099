/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UCLUSTER_IDLE_H
#define UCLUSTER_IDLE_H
/*
 * When a session, or a job with a terminal, has been idle for long: nothing typed or
 * printed, no CPU time used, no work on its GPUs. It is warned of, and ended after a
 * grace period. No clock and no process in here: what is measured is told to it. Times
 * are ms of any clock.
 *
 *	uc_guard_begin(&guard, 3600000, 300000, now);
 *	...
 *	uc_guard_seen(&guard, when_a_key_was_pressed);
 *	switch (uc_guard_tick(&guard, now)) {
 *		...
 */
#include <stdbool.h>
#include <stdint.h>
#include <ucluster/text.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A value. */
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

/* What a guard starts with: nothing has been idle yet. */
void uc_guard_begin(struct uc_guard *g, int64_t idle, int64_t grace, int64_t now);
/* Something was typed or printed. */
void uc_guard_seen(struct uc_guard *g, int64_t now);
/* Between two samples of CPU time, in ms: a part of the idle time. */
int64_t uc_guard_span(const struct uc_guard *g);
/* Is it time to measure CPU time? */
bool uc_guard_due(const struct uc_guard *g, int64_t now);
/* All CPU time the job used, in ms; -1 when not known: then it counts as busy. */
void uc_guard_sample(struct uc_guard *g, int64_t now, int64_t cpu);
/* What its GPUs do. */
void uc_guard_gpus(struct uc_guard *g, int64_t now, bool busy);
/* What is to be done now. */
enum uc_guard_action uc_guard_tick(struct uc_guard *g, int64_t now);

/* "idle for 1h: the session ends in 5m unless a key is pressed"; `what`: "session". */
void uc_guard_warning(const struct uc_guard *g, const char *what, struct uc_buf *out);
/*
 * "the session was idle and ends; 2 GPUs are given back 3h early (6.0 GPU hours)": with
 * `left` seconds that it could have run on, 0 = not known.
 */
void uc_guard_last_words(const char *what, uint32_t gpus, int64_t left,
			 struct uc_buf *out);

#ifdef __cplusplus
}
#endif
#endif
