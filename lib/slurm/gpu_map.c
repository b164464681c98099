/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Who holds each GPU of each node: from the indices that jobs and nodes tell. */
#include <stdlib.h>
#include <string.h>
#include <ucluster/capacity.h>
#include <ucluster/state.h>
#include "slurm/capacity_parts.h"

struct build {
	const struct uc_capacity_facts *facts;
	struct uc_arena *arena;
	struct uc_node_index index;
	struct uc_gpu_map *map;
	bool failed;  /* out of memory for names */
	uint32_t *at; /* of a row of nodes: its place in the map + 1, 0 = none */
};

static void fill_types(struct build *b, struct uc_gpu_node *node,
		       const struct uc_node_gpus *gpus)
{
	size_t slot = 0;

	for (size_t i = 0; i < gpus->count; i++) {
		char *type = uc_arena_strndup(b->arena, gpus->item[i].type.at,
					      gpus->item[i].type.len);

		for (uint64_t k = 0; k < gpus->item[i].total && slot < node->count; k++)
			node->slot[slot++].type = uc_raw(type);
	}
}

static void add_node(struct build *b, size_t n, const struct uc_horizon *horizon)
{
	const struct uc_node *node = &b->facts->nodes->row[n];
	struct uc_gpu_node *out = &b->map->node[b->map->count];
	struct uc_node_gpus gpus;

	uc_node_gpus(node, &gpus);
	if (!gpus.count || node->gpus == UC_NONE32)
		return;
	*out = (struct uc_gpu_node){ .node = node, .count = node->gpus };
	if (horizon->barred && !horizon->own)
		out->reservation = horizon->barred;
	/* counts of gres without an index each would be harm */
	if (out->count > UC_INDEX_MAX)
		out->count = UC_INDEX_MAX;
	out->slot = uc_arena_array(b->arena, out->count, sizeof(*out->slot));
	if (!out->slot)
		return;
	fill_types(b, out, &gpus);
	b->at[n] = (uint32_t)++b->map->count;
}

static void take(struct uc_gpu_slot *slot, const struct uc_job *job, uint32_t me)
{
	slot->job = job;
	slot->holder = job && job->user_id == me ? UC_GPU_MINE : UC_GPU_OTHER;
}

/* The GPUs of a job on one of its nodes. */
static void add_part(struct build *b, struct uc_gpu_node *node, const struct uc_job *job,
		     const char *detail)
{
	struct uc_gpus gpus = { 0 };
	uint64_t rest;

	uc_gpus_add(&gpus, detail);
	rest = gpus.count;
	for (size_t i = 0; gpus.indexed && i < node->count; i++) {
		if (!uc_index_set_has(&gpus.used, (unsigned)i))
			continue;
		take(&node->slot[i], job, b->facts->who.user_id);
		rest -= rest > 0;
	}
	if (gpus.indexed || !rest)
		return;
	node->guessed = true;
	for (size_t i = 0; i < node->count && rest; i++)
		if (node->slot[i].holder == UC_GPU_FREE) {
			take(&node->slot[i], job, b->facts->who.user_id);
			rest--;
		}
}

static void add_job(struct build *b, const struct uc_job *job)
{
	uc_auto(strv) struct uc_strv names = { 0 };

	if (!job->gpus || !uc_job_holds(job) || uc_raw_empty(job->nodes) ||
	    !job->gres_detail.count)
		return;
	uc_hosts_expand(job->nodes.bytes, UC_NODE_INDEX_MAX, &names);
	b->failed = b->failed || names.failed;
	for (size_t i = 0; i < names.count && i < job->gres_detail.count; i++) {
		long n = uc_node_index_find(&b->index, names.item[i]);

		if (n >= 0 && b->at[n])
			add_part(b, &b->map->node[b->at[n] - 1], job,
				 job->gres_detail.item[i].bytes);
	}
}

/* What the node says is in use, and no job that is seen. */
static void add_unseen(struct uc_gpu_node *node)
{
	struct uc_index_set used = { { 0 } };
	const char *indices = node->node->gpu_indices.bytes;
	uint64_t known = 0, in_use = node->node->gpus_used;

	if (indices &&
	    uc_index_set_add(&used, (struct uc_span){ indices, strlen(indices) }) == 0)
		for (size_t i = 0; i < node->count; i++)
			if (node->slot[i].holder == UC_GPU_FREE &&
			    uc_index_set_has(&used, (unsigned)i))
				node->slot[i].holder = UC_GPU_OTHER;
	for (size_t i = 0; i < node->count; i++)
		known += node->slot[i].holder != UC_GPU_FREE;
	if (in_use == UC_NONE32 || known >= in_use)
		return;
	node->guessed = true;
	for (size_t i = 0; i < node->count && known < in_use; i++)
		if (node->slot[i].holder == UC_GPU_FREE) {
			node->slot[i].holder = UC_GPU_OTHER;
			known++;
		}
}

static void finish_node(struct uc_gpu_node *node)
{
	const bool usable = uc_node_is_usable(node->node->state);

	add_unseen(node);
	for (size_t i = 0; i < node->count; i++) {
		struct uc_gpu_slot *slot = &node->slot[i];

		if (slot->holder != UC_GPU_FREE)
			continue;
		if (!usable)
			slot->holder = UC_GPU_OUT;
		else if (node->reservation)
			slot->holder = UC_GPU_RESERVED;
	}
}

static void fill(struct build *b)
{
	const struct uc_capacity_facts *facts = b->facts;
	const struct uc_horizon *horizon;

	uc_node_index_make(&b->index, facts->nodes, b->arena);
	horizon = uc_horizons(facts, &b->index, b->arena);
	b->at = uc_arena_array(b->arena, facts->nodes->count + 1, sizeof(*b->at));
	b->map->node =
		uc_arena_array(b->arena, facts->nodes->count + 1, sizeof(*b->map->node));
	if (!horizon || !b->at || !b->map->node) {
		b->failed = true;
		return;
	}
	for (size_t n = 0; n < facts->nodes->count; n++)
		add_node(b, n, &horizon[n]);
	for (size_t i = 0; facts->jobs && i < facts->jobs->count; i++)
		add_job(b, &facts->jobs->row[i]);
	for (size_t i = 0; i < b->map->count; i++)
		finish_node(&b->map->node[i]);
}

int uc_gpu_map_make(const struct uc_capacity_facts *facts, struct uc_gpu_map **out,
		    struct uc_error *err)
{
	struct build b = { .facts = facts,
			   .arena = uc_arena_new(),
			   .map = calloc(1, sizeof(*b.map)) };

	if (b.arena && b.map)
		fill(&b);
	if (!b.arena || !b.map || b.failed || uc_arena_failed(b.arena)) {
		uc_arena_free(b.arena);
		free(b.map);
		return uc_fail(err, UC_FAILED, "out of memory");
	}
	b.map->arena = b.arena;
	*out = b.map;
	return 0;
}

void uc_gpu_map_free(struct uc_gpu_map *map)
{
	if (!map)
		return;
	uc_arena_free(map->arena);
	free(map);
}
