/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UCLUSTER_CHECK_H
#define UCLUSTER_CHECK_H
/*
 * Before queueing: would slurmctld refuse this job, or let it wait forever?
 *
 *	uc_auto(check_facts) struct uc_check_facts facts = { 0 };
 *	uc_auto(errors) struct uc_errors faults = { 0 };
 *	uc_check_facts_load(&facts, spec, src, &query, &err);
 *	uc_spec_check(spec, &facts, &faults, &err);
 *	for (size_t i = 0; i < faults.count; i++)
 *		...faults.item[i].text, .hint
 *
 * Only what is certain is a fault: what is not understood, or not known, passes.
 */
#include <stdint.h>
#include <ucluster/error.h>
#include <ucluster/limits.h>
#include <ucluster/node.h>
#include <ucluster/source.h>
#include <ucluster/spec.h>

#ifdef __cplusplus
extern "C" {
#endif

/* As in limits.h. */
enum uc_check_enforced {
	UC_CHECK_ACCOUNTS = UC_ENFORCED_ACCOUNTS,
	UC_CHECK_LIMITS = UC_ENFORCED_LIMITS,
	UC_CHECK_QOS = UC_ENFORCED_QOS,
};

struct uc_check_facts {
	/* NULL: not known. The three are freed with the facts. */
	struct uc_partitions *partitions;
	struct uc_nodes *nodes;
	struct uc_limits *limits;
	/* from slurm.conf */
	unsigned enforced;   /* of enum uc_check_enforced */
	bool all_partitions; /* EnforcePartLimits=ALL: each of several must do */
	bool memory;         /* memory is given out, not only looked at */
	bool rewritten;      /* a job_submit plugin may add what is not asked for */
	/* who asks */
	uint32_t user_id;
	struct uc_strv groups;          /* names; empty: not known */
	const char *const *environment; /* for srun's input variables; may be NULL */
	bool batch;      /* sbatch's meaning; it may wait for a partition */
	bool from_cache; /* some of it is old or left out: look again before a refusal */
	bool asked;      /* slurmctld answered a question while this was loaded */
};
void uc_check_facts_free(struct uc_check_facts *facts);
UC_DEFINE_AUTO_VALUE(check_facts, struct uc_check_facts)

struct uc_check_query {
	uint32_t user_id;
	const char *const *environment;
	bool batch;
	const char *slurm_conf; /* NULL as in uc_source_options */
	const char *cache_dir;  /* for definitions, of this user only; NULL = none */
	bool fresh;             /* do not believe the cache */
};
/*
 * Ask for what this specification needs to be checked: partitions; when it asks for
 * anything, limits where they are enforced, and nodes where the partition's totals are
 * not enough; nothing for a step. With the cache (a day old at most) at most one, for
 * partitions or limits that are older than ten minutes.
 */
int uc_check_facts_load(struct uc_check_facts *facts, const struct uc_spec *spec,
			struct uc_source *src, const struct uc_check_query *query,
			struct uc_error *err) UC_MUST_CHECK;

/* Does it name anything that could be refused: partition, time, GPUs, memory, ...? */
bool uc_spec_is_checkable(const struct uc_spec *spec, const char *const *environment);
/*
 * Judge a specification, defaults applied, by snapshots alone. Each fault is UC_USAGE,
 * one line that says the limit, with the nearest legal request as its hint.
 */
int uc_spec_check(const struct uc_spec *spec, const struct uc_check_facts *facts,
		  struct uc_errors *faults, struct uc_error *err) UC_MUST_CHECK;

/*
 * The partition whose largest time limit the job gets, because neither it nor the
 * partition names another; NULL: it has one, or that is not known. An end so far away
 * fits no gap, and a job that hangs keeps what it has.
 */
const struct uc_partition *uc_check_open_end(const struct uc_spec *spec,
					     const struct uc_check_facts *facts);

#ifdef __cplusplus
}
#endif
#endif
