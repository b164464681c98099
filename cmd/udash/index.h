/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_UDASH_INDEX_H
#define UC_UDASH_INDEX_H
/*
 * What sorting, filtering and adding up need of a hundred thousand jobs, side by side in
 * memory: made by the thread that asks, so that no key waits for it.
 */
#include <ucluster/job.h>

enum dash_life {
	DASH_HOLDS,
	DASH_WAITS,
	DASH_ENDED,
};

struct dash_brief {
	uint32_t job; /* its place in the jobs */
	uint32_t job_id, array_job_id, user_id;
	int64_t submitted;
	uint32_t user, name, partition; /* their places in the alphabet */
	uint32_t priority;
	uint32_t elapsed; /* seconds, when the jobs were asked for */
	uint32_t gpus;    /* 0: none, or not known */
	uint32_t tasks;   /* that wait */
	uint32_t text;    /* where in the index's text */
	uint8_t life;     /* enum dash_life */
	bool rest;        /* of an array that has not started */
	uint8_t id_wide;  /* columns of its id; 255: or more */
	uint8_t user_wide, name_wide, partition_wide;
};

/* In the order of ids: the newest first, tasks of an array one after the other. */
struct dash_index {
	size_t count;
	struct dash_brief *job;
	/* id, user, name, partition, account, nodes, state; lower case, a line a job, and
	 * a \n before the first */
	char *text;
	size_t len;
};
/* NULL: out of memory. */
struct dash_index *dash_index_new(const struct uc_jobs *jobs);
void dash_index_free(struct dash_index *index);
/* Is this in the text of the `at`th? `lower`: in lower case, without \n. */
bool dash_index_has(const struct dash_index *index, size_t at, const char *lower,
		    size_t len);

/* Sort by key, the least first; equal ones stay as they are. `spare`: as many. */
struct dash_item {
	uint64_t key;
	uint32_t at;
};
void dash_sort(struct dash_item *item, struct dash_item *spare, size_t count);

#endif
