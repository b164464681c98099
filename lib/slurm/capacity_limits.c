/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Who may use a partition, and what limits leave of it. */
#include <stdio.h>
#include <string.h>
#include <ucluster/units.h>
#include "slurm/capacity_parts.h"
#include "slurm/limit_levels.h"
#include "slurm/rank_hosts.h"

/* A partition, as one account and QOS of the user sees it. */
struct view {
	const struct uc_limits *limits;
	const struct uc_partition *partition;
	const char *type; /* of GPU; NULL: CPUs are what counts */
	struct uc_limit_levels levels;
	struct uc_grant grant;
};

static void lower(struct view *view, uint64_t *value, uint64_t allowed, uint64_t used,
		  const struct uc_limit *by)
{
	const uint64_t left = allowed > used ? allowed - used : 0;
	const bool first = value == (view->type ? &view->grant.gpus : &view->grant.cpus);

	if (left >= *value)
		return;
	*value = left;
	/* none of the others: no GPU either */
	if (first || left == 0)
		view->grant.by = by;
}

/* One TRES of the lists "allowed" and "in use". */
static bool lower_tres(struct view *view, uint64_t *value, const char *const tres[2],
		       const struct uc_raw lists[2], const struct uc_limit *by)
{
	uint64_t allowed, used = 0;

	if (!uc_tres_get(lists[0].bytes, tres[0], tres[1], &allowed))
		return false;
	if (!uc_tres_get(lists[1].bytes, tres[0], tres[1], &used))
		used = 0;
	lower(view, value, allowed, used, by);
	return true;
}

/* Limits of one user in a QOS, and of all in a QOS, an association and those above. */
static void lower_by(struct view *view, uint64_t *value, const char *name,
		     const char *type)
{
	const char *const tres[2] = { name, type };
	const struct uc_limit *const *row = view->levels.row;
	const struct uc_limit *up;

	for (; *row; row++) {
		const struct uc_raw lists[2] = { (*row)->tres_user,
						 (*row)->tres_user_used };

		if (lower_tres(view, value, tres, lists, *row))
			break;
	}
	for (row = view->levels.row; *row; row++) {
		const struct uc_raw lists[2] = { (*row)->tres_group,
						 (*row)->tres_group_used };

		if (lower_tres(view, value, tres, lists, *row))
			break;
	}
	/* a QOS that has the limit stands for the accounts, too */
	if (*row && (*row)->kind == UC_LIMIT_QOS)
		return;
	for (up = view->grant.association; up; up = uc_limits_above(view->limits, up)) {
		const struct uc_raw lists[2] = { up->tres_group, up->tres_group_used };

		if (up->kind == UC_LIMIT_ACCOUNT)
			lower_tres(view, value, tres, lists, up);
	}
}

/* One more job may not start: nothing is left. */
static void lower_jobs(struct view *view)
{
	uint64_t jobs = UINT64_MAX;
	const struct uc_limit *full = NULL;

	for (const struct uc_limit *const *at = view->levels.row; *at && !full; at++) {
		const struct uc_limit *row = *at;

		if (row->user_jobs != UC_NONE32 && row->user_jobs_used >= row->user_jobs)
			full = row;
		if (row->kind == UC_LIMIT_QOS && row->group_jobs != UC_NONE32 &&
		    row->jobs_used >= row->group_jobs)
			full = row;
		if (row->kind == UC_LIMIT_ASSOCIATION && row->jobs_max != UC_NONE32 &&
		    row->jobs_used >= row->jobs_max)
			full = row;
	}
	if (full) {
		lower(view, &jobs, 0, 0, full);
		view->grant.gpus = view->grant.cpus = 0;
	}
}

static void lower_all(struct view *view)
{
	struct uc_grant *grant = &view->grant;
	uint64_t nodes = UINT64_MAX;

	if (view->type)
		lower_by(view, &grant->gpus, "gpu", "");
	if (view->type && strcmp(view->type, "gpu") != 0)
		lower_by(view, &grant->gpus, "gpu", view->type);
	lower_by(view, &grant->cpus, "cpu", "");
	lower_by(view, &nodes, "node", "");
	lower_jobs(view);
	if (!nodes || !grant->cpus)
		grant->gpus = grant->cpus = 0;
	for (const struct uc_limit *const *row = view->levels.row; *row; row++) {
		if ((*row)->wall_max == UC_NOT_SET)
			continue;
		grant->wall = (*row)->wall_max;
		grant->wall_by = *row;
		break;
	}
}

/* Does the partition take jobs of this account and QOS (NULL: not known)? */
static enum uc_capacity_bar judge(const struct uc_partition *p, const char *account,
				  const char *qos)
{
	if (account && ((!uc_raw_empty(p->allow_accounts) &&
			 !uc_words_share(account, p->allow_accounts.bytes)) ||
			uc_words_share(account, p->deny_accounts.bytes)))
		return UC_BAR_ACCOUNTS;
	if (qos &&
	    ((!uc_raw_empty(p->allow_qos) && !uc_words_share(qos, p->allow_qos.bytes)) ||
	     uc_words_share(qos, p->deny_qos.bytes)))
		return UC_BAR_QOS;
	return UC_BAR_NONE;
}

static uint64_t worth(const struct view *view)
{
	return view->type ? view->grant.gpus : view->grant.cpus;
}

/* More of what counts, or as much for longer, or what needs no option. */
static bool is_better(const struct view *a, const struct view *b)
{
	const int64_t wall_a = a->grant.wall == UC_NOT_SET ? INT64_MAX : a->grant.wall;
	const int64_t wall_b = b->grant.wall == UC_NOT_SET ? INT64_MAX : b->grant.wall;

	if (b->grant.bar == UC_BAR_ASSOCIATION) /* nothing was tried before */
		return true;
	if (b->grant.bar || a->grant.bar)
		return b->grant.bar && !a->grant.bar;
	if (worth(a) != worth(b))
		return worth(a) > worth(b);
	if (a->grant.usual != b->grant.usual)
		return a->grant.usual;
	return wall_a > wall_b;
}

static void try_one(const struct uc_capacity_facts *facts, struct view *best,
		    const struct uc_limit *association, const char *qos)
{
	struct view view = { .limits = facts->limits,
			     .partition = best->partition,
			     .type = best->type,
			     .grant = { .gpus = UINT64_MAX,
					.cpus = UINT64_MAX,
					.wall = UC_NOT_SET,
					.association = association } };
	struct uc_grant *grant = &view.grant;

	grant->qos = qos ? uc_limits_qos(facts->limits, qos) : NULL;
	grant->usual = association->is_default &&
		       (!qos || uc_raw_empty(association->default_qos) ||
			strcmp(qos, association->default_qos.bytes) == 0);
	grant->any_time = grant->qos && grant->qos->flags & UC_LIMIT_ANY_TIME;
	grant->bar = judge(view.partition, association->account.bytes, qos);
	if (!grant->bar && facts->enforced & UC_ENFORCED_LIMITS) {
		view.levels = uc_limit_levels(view.limits, view.partition, grant->qos,
					      association);
		lower_all(&view);
	}
	if (is_better(&view, best))
		best->grant = view.grant;
}

static void try_association(const struct uc_capacity_facts *facts, struct view *best,
			    const struct uc_limit *association)
{
	const char *at = association->qos.bytes;

	if (!at || !*at) {
		try_one(facts, best, association, association->default_qos.bytes);
		return;
	}
	while (*at) {
		size_t len = strcspn(at, ",");
		char name[256];

		snprintf(name, sizeof(name), "%.*s", (int)len, at);
		try_one(facts, best, association, name);
		at += len + (at[len] == ',');
	}
}

void uc_capacity_grant(const struct uc_capacity_facts *facts,
		       const struct uc_partition *partition, const char *type,
		       struct uc_grant *out)
{
	const struct uc_limits *limits = facts->limits;
	struct view best = { .partition = partition,
			     .type = type,
			     .grant = { .bar = UC_BAR_ASSOCIATION,
					.gpus = UINT64_MAX,
					.cpus = UINT64_MAX,
					.wall = UC_NOT_SET } };
	bool known = false;

	for (size_t i = 0; limits && i < limits->count; i++) {
		const struct uc_limit *row = &limits->row[i];

		/* one for this very partition stands for the one for any */
		if (row->kind != UC_LIMIT_ASSOCIATION ||
		    row != uc_limits_association(limits, row->account.bytes,
						 partition->name.bytes))
			continue;
		known = true;
		try_association(facts, &best, row);
	}
	/* without accounting, or when it hides itself, nothing is in the way */
	if (!known &&
	    !(limits && limits->count && facts->enforced & UC_ENFORCED_ACCOUNTS))
		best.grant.bar = UC_BAR_NONE;
	*out = best.grant;
}
