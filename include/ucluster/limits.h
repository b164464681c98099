/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UCLUSTER_LIMITS_H
#define UCLUSTER_LIMITS_H
/*
 * What accounting allows a user: associations (user and account, perhaps partition), the
 * accounts above them, and all QOSes, each with limits and what is in use at present.
 *
 *	uc_auto(limits) struct uc_limits *limits = NULL;
 *	uc_limits_load(src, getuid(), &limits, &err);
 *	const struct uc_limit *qos = uc_limits_qos(limits, "short");
 *	if (qos && uc_tres_get(qos->tres_user.bytes, "gpu", "", &gpus))
 *		...
 *
 * Without accounting there are none. Whether slurmctld enforces them is in
 * AccountingStorageEnforce of slurm.conf, not here.
 */
#include <stdint.h>
#include <ucluster/error.h>
#include <ucluster/job.h>
#include <ucluster/source.h>
#include <ucluster/text.h>

#ifdef __cplusplus
extern "C" {
#endif

enum uc_limit_kind {
	UC_LIMIT_ASSOCIATION, /* of the user */
	UC_LIMIT_ACCOUNT,     /* above an association: its group_ limits count as well */
	UC_LIMIT_QOS,
};
/* Of a QOS. */
enum uc_limit_flags {
	UC_LIMIT_DENY = 1,        /* jobs over a limit are refused, not queued */
	UC_LIMIT_ANY_TIME = 2,    /* the partition's time limit does not count */
	UC_LIMIT_FEWER_NODES = 4, /* nor its smallest number of nodes */
	UC_LIMIT_MORE_NODES = 8,  /* nor its largest */
	UC_LIMIT_FIRST = 16, /* its limits come before those of the partition's QOS */
};

/* What AccountingStorageEnforce says. */
enum uc_limits_enforced {
	UC_ENFORCED_ACCOUNTS = 1, /* without an association there is no job */
	UC_ENFORCED_LIMITS = 2,
	UC_ENFORCED_QOS = 4, /* only QOSes that the association has */
};

/* TRES are lists as "cpu=64,mem=128000M,gres/gpu=8"; what is not in it has no limit. */
struct uc_limit {
	uint32_t kind;  /* enum uc_limit_kind */
	uint32_t flags; /* of enum uc_limit_flags */
	uint32_t user_id;
	bool is_default;         /* association: of the user's default account */
	struct uc_raw name;      /* of a QOS */
	struct uc_raw user;      /* of an association */
	struct uc_raw account;   /* unset for a QOS */
	struct uc_raw parent;    /* account above this account */
	struct uc_raw partition; /* the association is for this partition only */
	struct uc_raw qos;       /* allowed to the association: "normal,short" */
	struct uc_raw default_qos;
	uint32_t priority;

	/* of one job; seconds, UC_NOT_SET = no limit */
	int64_t wall_max;
	struct uc_raw tres_job, tres_job_min, tres_node, tres_minutes;

	/* of all jobs of a user, or of an account, in this QOS; UC_NONE32 = no limit */
	uint32_t user_jobs, user_submit, account_jobs, account_submit;
	struct uc_raw tres_user, tres_account;
	uint32_t user_jobs_used, user_submit_used;
	struct uc_raw tres_user_used;

	/* of all jobs of the association, the account with all below, or the QOS */
	uint32_t jobs_max, submit_max; /* association: of its own */
	uint32_t group_jobs, group_submit;
	int64_t group_wall;
	struct uc_raw tres_group, tres_group_minutes, tres_running_minutes;
	uint32_t jobs_used, submit_used;
	struct uc_raw tres_group_used;

	/* fair share of an association or account, in millionths; all 0: not computed */
	uint32_t share;  /* of what its siblings have together */
	uint32_t usage;  /* of the same, as it counts now (it decays) */
	uint32_t factor; /* what its jobs get for priority */
};

/* Immutable; owns all its strings. */
struct uc_limits {
	size_t count;
	const struct uc_limit *row;
	int64_t now, updated; /* as in uc_jobs */
	struct uc_owner *owner;
};
void uc_limits_free(struct uc_limits *limits);
UC_DEFINE_AUTO(limits, struct uc_limits *)

/* What slurmctld knows of this user; one RPC. Fails as all questions of source.h do. */
int uc_limits_load(struct uc_source *src, uint32_t user_id, struct uc_limits **out,
		   struct uc_error *err) UC_MUST_CHECK;

/*
 * Read AccountingStorageEnforce of slurm.conf (NULL: where libslurm looks). False when
 * there is none to be read here: the nodes' configuration may come from slurmctld.
 */
bool uc_limits_enforced(const char *slurm_conf, unsigned *enforced);

/* By name, without regard to case; NULL when there is none. */
const struct uc_limit *uc_limits_qos(const struct uc_limits *limits, const char *name);
/*
 * The user's association: of an account (NULL = the default one) and a partition (NULL =
 * any); one for that very partition wins.
 */
const struct uc_limit *uc_limits_association(const struct uc_limits *limits,
					     const char *account, const char *partition);
/* The account above an association or account; NULL at the top. */
const struct uc_limit *uc_limits_above(const struct uc_limits *limits,
				       const struct uc_limit *limit);
/*
 * The value of one TRES, "cpu" or "gpu", of a type or "" for the sum; memory in bytes.
 * False when the list has none.
 */
bool uc_tres_get(const char *list, const char *name, const char *type, uint64_t *value);

#ifdef __cplusplus
}
#endif
#endif
