/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UCLUSTER_SOONER_H
#define UCLUSTER_SOONER_H
/*
 * What would make a job that waits start sooner: changes worth a try, each of which
 * slurmctld is asked about before it is offered.
 *
 *	struct uc_sooner change[UC_SOONER_MAX];
 *	size_t count = uc_sooner_find(job, &facts, change, UC_SOONER_MAX);
 *	uc_sooner_test(src, job, &facts, change, &count, &err);
 *	for (size_t i = 0; i < count; i++)
 *		printf("%s %s\n", change[i].option, change[i].why);
 */
#include <stdint.h>
#include <ucluster/error.h>
#include <ucluster/job.h>
#include <ucluster/node.h>
#include <ucluster/reason.h>
#include <ucluster/reservation.h>
#include <ucluster/source.h>

#ifdef __cplusplus
extern "C" {
#endif

enum uc_sooner_kind {
	UC_SOONER_TIME,
	UC_SOONER_PARTITION,
	UC_SOONER_GPUS,  /* fewer */
	UC_SOONER_MODEL, /* of GPU */
	UC_SOONER_NODES, /* fewer */
};

#define UC_SOONER_MAX 8
struct uc_sooner {
	enum uc_sooner_kind kind;
	char name[24];   /* of the option, as srun, sbatch and usrun take it: "time" */
	char value[128]; /* "4:00:00"; foreign text is not in it, names are checked */
	char set[160];   /* "time=4:00:00" for uqueue --set; empty: submit it anew */
	char why[200]; /* a clause, or empty: "it would end before ... begins at 14:20" */
	/* from what keeps it back although there is room for it: it counts when it can
	   start at once, and of a time limit: end by then */
	bool frees;
	int64_t limit, end_by; /* of a time limit */
	int64_t start;         /* when slurmctld would start it then; 0 = not asked */
};

/* What is known besides the job; any may be missing. */
struct uc_sooner_facts {
	int64_t now;
	const struct uc_jobs *jobs; /* everybody's */
	const struct uc_nodes *nodes;
	const struct uc_partitions *partitions;
	const struct uc_reservations *reservations;
	const struct uc_reason_limit *limit; /* that it waits for */
	unsigned safe;                       /* enum uc_safe_flags, for `why` */
};

/*
 * Changes that look as if they helped, the easiest first; nothing is asked. None for a
 * job that does not wait its turn (held, dependency, begin time) or is one of a
 * heterogeneous job.
 */
size_t uc_sooner_find(const struct uc_job *job, const struct uc_sooner_facts *facts,
		      struct uc_sooner *out, size_t max);

/*
 * Ask slurmctld when the caller's own job would start with each of them, and as it is:
 * one RPC each, as long as `deadline_ms` has not passed. Leaves those that help, the
 * soonest first, with their start. *as_is (may be NULL): when it would start unchanged if
 * nobody were ahead of it, 0 = not known. A change that slurmctld refuses is dropped; -1
 * only when slurmctld does not answer.
 */
int uc_sooner_test(struct uc_source *src, const struct uc_job *job,
		   const struct uc_sooner_facts *facts, int deadline_ms,
		   struct uc_sooner *change, size_t *count, int64_t *as_is,
		   struct uc_error *err) UC_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
