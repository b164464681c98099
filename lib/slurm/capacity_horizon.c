/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Until when each node is free of reservations and of plans for other jobs. */
#include <string.h>
#include <ucluster/state.h>
#include "slurm/capacity_parts.h"

struct walk {
	const struct uc_capacity_facts *facts;
	const struct uc_node_index *index;
	struct uc_horizon *horizon;
	bool failed; /* out of memory for names */
};

/* Slurm lets a job of another run into it only where it has FLEX. */
static void mark(struct uc_horizon *h, const struct uc_reservation *r, int64_t now,
		 bool admits)
{
	if (r->start_time > now) {
		if (r->start_time < h->until) {
			h->until = r->start_time;
			h->next = r;
			h->job = NULL;
		}
		return;
	}
	if (!admits) {
		h->barred = r;
		return;
	}
	h->own = r;
	if (!(r->flags & UC_RESERVATION_FLEX) && r->end_time < h->until) {
		h->until = r->end_time;
		h->next = r;
		h->job = NULL;
	}
}

static void add_reservation(struct walk *walk, const struct uc_reservation *r,
			    const struct uc_identity *who)
{
	const bool admits = uc_reservation_admits(r, who);
	uc_auto(strv) struct uc_strv names = { 0 };

	if (r->end_time <= walk->facts->now || uc_raw_empty(r->nodes) ||
	    r->flags & (UC_RESERVATION_ANY_NODES | UC_RESERVATION_PARTIAL))
		return;
	if (strcmp(r->nodes.bytes, "ALL") == 0) {
		for (size_t i = 0; i < walk->facts->nodes->count; i++)
			mark(&walk->horizon[i], r, walk->facts->now, admits);
		return;
	}
	uc_hosts_expand(r->nodes.bytes, UC_NODE_INDEX_MAX, &names);
	walk->failed = walk->failed || names.failed;
	for (size_t i = 0; i < names.count; i++) {
		long at = uc_node_index_find(walk->index, names.item[i]);

		if (at >= 0)
			mark(&walk->horizon[at], r, walk->facts->now, admits);
	}
}

/* The backfill scheduler keeps these nodes for a job that waits. */
static void add_plan(struct walk *walk, const struct uc_job *job)
{
	uc_auto(strv) struct uc_strv names = { 0 };

	uc_hosts_expand(job->sched_nodes.bytes, UC_NODE_INDEX_MAX, &names);
	walk->failed = walk->failed || names.failed;
	for (size_t i = 0; i < names.count; i++) {
		long at = uc_node_index_find(walk->index, names.item[i]);
		struct uc_horizon *h = at < 0 ? NULL : &walk->horizon[at];

		if (!h || job->start_time >= h->until)
			continue;
		h->until = job->start_time;
		h->next = NULL;
		h->job = job;
	}
}

/* Accounts of `who`, from the limits. NULL when out of memory. */
static const char *const *find_accounts(const struct uc_capacity_facts *facts,
					struct uc_arena *arena)
{
	const size_t most = facts->limits ? facts->limits->count : 0;
	const char **names = uc_arena_array(arena, most + 1, sizeof(*names));
	size_t count = 0;

	for (size_t i = 0; names && i < most; i++)
		if (facts->limits->row[i].kind == UC_LIMIT_ASSOCIATION &&
		    facts->limits->row[i].account.bytes)
			names[count++] = facts->limits->row[i].account.bytes;
	return names;
}

struct uc_horizon *uc_horizons(const struct uc_capacity_facts *facts,
			       const struct uc_node_index *index, struct uc_arena *arena)
{
	const size_t count = facts->nodes->count;
	struct walk walk = { .facts = facts,
			     .index = index,
			     .horizon = uc_arena_array(arena, count + 1,
						       sizeof(struct uc_horizon)) };
	struct uc_identity who = facts->who;

	if (!walk.horizon)
		return NULL;
	if (!who.accounts)
		who.accounts = find_accounts(facts, arena);
	for (size_t i = 0; i < count; i++)
		walk.horizon[i].until = INT64_MAX;
	for (size_t i = 0; facts->reservations && i < facts->reservations->count; i++)
		add_reservation(&walk, &facts->reservations->row[i], &who);
	for (size_t i = 0; facts->jobs && i < facts->jobs->count; i++) {
		const struct uc_job *job = &facts->jobs->row[i];

		if (uc_job_waits(job) && job->start_time > facts->now &&
		    !uc_raw_empty(job->sched_nodes))
			add_plan(&walk, job);
	}
	return walk.failed ? NULL : walk.horizon;
}
