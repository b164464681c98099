/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UCLUSTER_SOONER_H
#define UCLUSTER_SOONER_H
/*
 * What would make a job that waits start sooner: changes worth a try, each of which
 * slurmctld is asked about before it is offered.
 *
 *	struct uc_sooner_list list;
 *	uc_sooner_find(job, &facts, &list);
 *	uc_sooner_test(src, job, &facts, &list, &err);
 *	for (size_t i = 0; i < list.count; i++)
 *		printf("--%s=%s %s\n", list.item[i].name, list.item[i].value,
 *		       list.item[i].why);
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

struct uc_sooner_list {
	struct uc_sooner item[UC_SOONER_MAX];
	size_t count;
	/* When it would start unchanged, as slurmctld reckons; 0 = not known. */
	int64_t as_is;
};

/* What is known besides the job; any may be missing. */
struct uc_sooner_facts {
	int64_t now;
	const struct uc_jobs *jobs; /* everybody's */
	const struct uc_nodes *nodes;
	const struct uc_partitions *partitions;
	const struct uc_reservations *reservations;
	const struct uc_reason_limit *limit; /* that it waits for */
	size_t tries;                        /* changes at most, 0 = UC_SOONER_MAX */
	int deadline_ms;                     /* no more questions after that */
	unsigned safe;                       /* enum uc_safe_flags, for `why` */
};

/*
 * Changes that look as if they helped, the easiest first; nothing is asked. None for a
 * job that does not wait its turn (held, dependency, begin time) or is one of a
 * heterogeneous job.
 */
void uc_sooner_find(const struct uc_job *job, const struct uc_sooner_facts *facts,
		    struct uc_sooner_list *list);

/*
 * Ask slurmctld when the caller's own job would start with each of them, and as it is:
 * one RPC each, until the deadline. Leaves those that help, the soonest first, with their
 * start. A change that slurmctld refuses is dropped; -1 only when slurmctld does not
 * answer.
 */
int uc_sooner_test(struct uc_source *src, const struct uc_job *job,
		   const struct uc_sooner_facts *facts, struct uc_sooner_list *list,
		   struct uc_error *err) UC_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
