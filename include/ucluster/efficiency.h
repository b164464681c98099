/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UCLUSTER_EFFICIENCY_H
#define UCLUSTER_EFFICIENCY_H
/*
 * What jobs used of what they were given, and what to ask for the next time.
 *
 *	struct uc_efficiency eff;
 *	struct uc_advice advice[UC_ADVICE_MAX];
 *	uc_efficiency_of(past, &eff, &err);
 *	size_t count = uc_efficiency_advice(&eff, advice, UC_ADVICE_MAX);
 *	for (size_t i = 0; i < count; i++)
 *		printf("%s  %s\n", advice[i].option, advice[i].words);
 *
 * A history with steps (history.h) tells; without samples there are times only.
 */
#include <stdint.h>
#include <ucluster/error.h>
#include <ucluster/history.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Of several runs; `count` 0: nothing is known. */
struct uc_spread {
	size_t count;
	int64_t least, middle, most;
};

/*
 * Of all jobs of a history together: one, the tasks of an array, the components of a
 * heterogeneous job. Shares are thousandths of what was given.
 */
struct uc_efficiency {
	size_t runs;                /* that started */
	size_t waiting;             /* that have not; the rest of an array counts once */
	size_t running;             /* of `runs`: they used more since the last step */
	size_t completed;           /* of `runs`: with exit code 0 */
	size_t sampled;             /* of `runs`: their nodes took samples of them */
	struct uc_spread elapsed;   /* seconds a run */
	struct uc_spread cpu_share; /* CPU time used of CPUs x elapsed */
	struct uc_spread memory;    /* bytes on all nodes of a run, at most */
	struct uc_spread memory_share;
	struct uc_spread gpu_percent;
	struct uc_spread gpu_memory; /* bytes of one task, at most */

	/* together */
	uint64_t cpu_seconds,
		cpu_used_ms; /* given and used, of runs whose use is known */
	uint64_t core_seconds, gpu_seconds; /* given, of all runs */
	bool gpus_known;

	/* of one run, the largest */
	uint32_t cpus, tasks, node_count, gpus;
	uint64_t memory_given, memory_asked; /* all nodes; a node, or a CPU */
	uint64_t memory_node; /* used on one node, at most, as far as known */
	bool memory_per_cpu;
	int64_t time_limit; /* UC_NOT_SET, UC_DURATION_INFINITE: none */
};
/* -1 only when out of memory. */
int uc_efficiency_of(const struct uc_history *history, struct uc_efficiency *out,
		     struct uc_error *err) UC_MUST_CHECK;

#define UC_ADVICE_MAX 8
struct uc_advice {
	char option[40]; /* "--mem=8G"; empty: there is no option for it */
	char words[160]; /* a clause: "it used at most 5.9G of its 64G" */
};
/* What to ask for instead, the most wasteful first; none while it has not run. */
size_t uc_efficiency_advice(const struct uc_efficiency *efficiency, struct uc_advice *out,
			    size_t max);

#ifdef __cplusplus
}
#endif
#endif
