/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_JOB_CHECK_H
#define UC_JOB_CHECK_H
/* What the files of the check share. */
#include <ucluster/check.h>
#include <ucluster/gres.h>
#include <ucluster/units.h>

#define UC_ASK_NO_TIME (-1)

/* GPUs of one type, or of any (type ""). */
struct uc_ask_gpus {
	char type[64];
	uint64_t count;
};
#define UC_ASK_GPUS 8
struct uc_ask_gpu_list {
	struct uc_ask_gpus item[UC_ASK_GPUS];
	size_t count;
};

/* What a specification asks for; 0 = not asked for. Numbers are lower bounds. */
struct uc_ask {
	const char *partitions, *account, *qos; /* NULL = not named */
	int64_t minutes;                        /* UC_ASK_NO_TIME, UC_DURATION_INFINITE */
	bool nodes_given;
	uint32_t nodes_min, nodes_max; /* max UC_NONE32 = any */
	uint32_t nodes_asked;          /* the largest number that was written */
	uint32_t tasks, tasks_per_node, cpus_per_task, cpus_min;
	uint64_t memory, memory_per_cpu, memory_per_gpu; /* bytes */
	uint32_t cpus_per_gpu;
	struct uc_ask_gpu_list job, node, task; /* GPUs in all, a node, a task */
	bool memory_given, overcommit, reservation;
	bool tasks_open; /* their number follows from something else */
};
/* False: it is of a kind that is not judged (other clusters, a step). */
bool uc_ask_read(struct uc_ask *ask, const struct uc_spec *spec,
		 const char *const *environment);
uint64_t uc_ask_gpu_sum(const struct uc_ask_gpu_list *list);
/* GPUs of a type ("" = all) that the whole job has at least. */
uint64_t uc_ask_gpus_total(const struct uc_ask *ask, const char *type);
uint64_t uc_ask_tasks(const struct uc_ask *ask);
uint64_t uc_ask_nodes(const struct uc_ask *ask);
uint64_t uc_ask_cpus(const struct uc_ask *ask);

/* One judgement. */
struct uc_check {
	struct uc_ask ask;
	const struct uc_check_facts *facts;
	const struct uc_limit *assoc; /* the user's for account and partition, or NULL */
	const struct uc_limit *qos;   /* the job's, or NULL when not known */
	uint32_t nodes_most;          /* that the job may have there */
	struct uc_errors *faults;     /* NULL: only count */
	size_t count;
};
UC_PRINTF(2, 3) void uc_check_fault(struct uc_check *c, const char *fmt, ...);
/* Of the last fault. */
UC_PRINTF(2, 3) void uc_check_hint(struct uc_check *c, const char *fmt, ...);

/* All that one partition may refuse; `assoc` and `qos` are set for it. */
void uc_check_partition(struct uc_check *c, const struct uc_partition *p);
/* The time of a job that asks for none; UC_ASK_NO_TIME when it is not known. */
int64_t uc_check_default_minutes(const struct uc_check *c, const struct uc_partition *p);
/* Another partition where nothing is refused, or NULL. */
const struct uc_partition *uc_check_other(const struct uc_check *c,
					  const struct uc_partition *p);
/* check_fit.c: nodes, CPUs, memory, GPUs. */
void uc_check_fit(struct uc_check *c, const struct uc_partition *p);
/*
 * check_settled.c: do the totals of the job's partitions alone show that their nodes have
 * what is asked for?
 */
bool uc_check_is_settled(const struct uc_spec *spec, const struct uc_check_facts *facts);
/* check_limits.c: account and QOS exist; limits that can never be met. */
void uc_check_names(struct uc_check *c);
void uc_check_find(struct uc_check *c, const struct uc_partition *p);
/* How many nodes the job may have in this partition at most. */
uint32_t uc_check_nodes_most(const struct uc_check *c, const struct uc_partition *p);
void uc_check_limits(struct uc_check *c, const struct uc_partition *p);

/* Is `word` in "a,b,c"? Without regard to case. */
bool uc_check_has_word(const char *list, const char *word);
/* "1 GPU", "2 GPUs" */
void uc_buf_count(struct uc_buf *buf, uint64_t n, const char *what);

#endif
