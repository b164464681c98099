/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Rows of partitions and models: what there is, in use, free, and for whom. */
#include <ucluster/capacity.h>

#include <stdlib.h>
#include <string.h>
#include <ucluster/state.h>
#include <ucluster/units.h>
#include "slurm/capacity_parts.h"
#include "slurm/rank_hosts.h"

#define NO_CELL UINT32_MAX

/* A row while it is made; rows of a partition form a list. */
struct cell {
	struct uc_capacity_row row;
	uint32_t next;
	int64_t until; /* the latest horizon of a node with something free */
	const struct uc_horizon *by;
};

struct build {
	const struct uc_capacity_facts *facts;
	struct uc_arena *arena;
	struct uc_node_index index;
	struct uc_horizon *horizon;
	uint32_t *first; /* cell of a partition */
	struct cell *cell;
	size_t count, size;
	size_t recent; /* the partition found last */
	bool failed;
};

static uint64_t used_of(const struct uc_gpus *gpus, struct uc_span type)
{
	for (size_t i = 0; i < gpus->type_count; i++)
		if (gpus->type[i].name.len == type.len &&
		    memcmp(gpus->type[i].name.at, type.at, type.len) == 0)
			return gpus->type[i].count;
	return 0;
}

static uint64_t at_most(uint64_t value, uint64_t most)
{
	return value < most ? value : most;
}

/* Numbers beyond 32 bits are no GPUs: sums over all nodes stay within 64. */
void uc_node_gpus(const struct uc_node *node, struct uc_node_gpus *out)
{
	struct uc_gpus all = { 0 }, used = { 0 };
	uint64_t typed = 0, typed_used = 0;

	out->count = 0;
	if (uc_raw_empty(node->gres))
		return;
	uc_gpus_add(&all, node->gres.bytes);
	uc_gpus_add(&used, node->gres_used.bytes);
	all.count = at_most(all.count, UINT32_MAX);
	used.count = at_most(used.count, UINT32_MAX);
	for (size_t i = 0; i < all.type_count; i++) {
		const uint64_t total = at_most(all.type[i].count, UINT32_MAX);
		const uint64_t taken = used_of(&used, all.type[i].name);

		if (!total)
			continue;
		typed += total;
		typed_used += taken;
		out->item[out->count].type = all.type[i].name;
		out->item[out->count].total = total;
		out->item[out->count++].used = at_most(taken, total);
	}
	if (all.count > typed) {
		out->item[out->count].type = (struct uc_span){ "gpu", 3 };
		out->item[out->count].total = all.count - typed;
		out->item[out->count++].used = at_most(
			used.count - at_most(typed_used, used.count), all.count - typed);
	} else if (out->count == 1) {
		/* 20.11 tells no type of what is in use */
		out->item[0].used = at_most(used.count, out->item[0].total);
	}
}

/* The partition of a name, -1 without one; jobs of one partition come in runs. */
static long find_partition(struct build *b, const char *name, size_t len)
{
	const struct uc_partitions *all = b->facts->partitions;

	for (size_t k = 0; k < all->count; k++) {
		size_t i = (b->recent + k) % all->count;
		const char *known = all->row[i].name.bytes;

		if (!known || strncmp(known, name, len) != 0 || known[len])
			continue;
		b->recent = i;
		return (long)i;
	}
	return -1;
}

static bool is_type(const struct uc_capacity_row *row, struct uc_span type)
{
	if (!row->type.bytes || !type.len)
		return !row->type.bytes && !type.len;
	return uc_span_is(type, row->type.bytes);
}

/* Room for one more; false when out of memory. */
static bool make_room(struct build *b)
{
	const size_t size = b->size ? 2 * b->size : 32;
	struct cell *bigger;

	if (b->count < b->size)
		return true;
	bigger = reallocarray(b->cell, size, sizeof(*bigger));
	if (!bigger) {
		b->failed = true;
		return false;
	}
	b->cell = bigger;
	b->size = size;
	return true;
}

static struct cell *find_cell(struct build *b, size_t partition, struct uc_span type)
{
	uint32_t at = b->first[partition], last = NO_CELL;
	struct cell *cell;

	for (; at != NO_CELL; last = at, at = b->cell[at].next)
		if (is_type(&b->cell[at].row, type))
			return &b->cell[at];
	if (!make_room(b))
		return NULL;
	*(last == NO_CELL ? &b->first[partition] : &b->cell[last].next) =
		(uint32_t)b->count;
	cell = &b->cell[b->count++];
	*cell = (struct cell){ .next = NO_CELL };
	cell->row.partition = &b->facts->partitions->row[partition];
	if (type.len)
		cell->row.type = uc_raw(uc_arena_strndup(b->arena, type.at, type.len));
	return cell;
}

static void add_sum(struct uc_capacity_sum *sum, uint64_t total, uint64_t used,
		    bool usable, bool reserved)
{
	const uint64_t rest = total - at_most(used, total);

	sum->total += total;
	sum->used += at_most(used, total);
	if (!usable) {
		sum->out += rest;
		return;
	}
	sum->free += rest;
	if (reserved)
		sum->reserved += rest;
}

/* Whether one more job can start on it, whatever it asks for. */
static bool has_room(const struct build *b, const struct uc_capacity_row *row,
		     const struct uc_node *node)
{
	/* OverSubscribe=EXCLUSIVE, ExclusiveUser */
	if ((row->partition->share_max == 0 ||
	     row->partition->flags & UC_PARTITION_EXCLUSIVE_USER) &&
	    node->cpus_used && node->owner != b->facts->who.user_id)
		return false;
	if (node->owner != UC_NONE32 && node->owner != b->facts->who.user_id)
		return false;
	return node->cpus_used < node->cpus_usable;
}

static void add_mine(struct build *b, struct cell *cell, size_t n, uint64_t amount)
{
	const struct uc_horizon *h = &b->horizon[n];
	struct uc_capacity_row *row = &cell->row;
	struct uc_capacity_sum *sum = row->type.bytes ? &row->gpus : &row->cpus;

	if (!amount)
		return;
	if ((h->barred && !h->own) ||
	    (row->partition->flags & UC_PARTITION_REQUIRES_RESERVATION && !h->own)) {
		if (!row->reservation)
			row->reservation = h->barred;
		return;
	}
	if (!has_room(b, row, &b->facts->nodes->row[n])) {
		row->bar = UC_BAR_CPUS;
		return;
	}
	sum->mine += amount;
	if (amount > row->most)
		row->most = amount;
	if (h->own)
		row->own = h->own;
	if (h->until > cell->until) {
		cell->until = h->until;
		cell->by = h;
	}
}

static void add_node(struct build *b, size_t n, size_t partition,
		     const struct uc_node_gpus *gpus)
{
	const struct uc_node *node = &b->facts->nodes->row[n];
	const struct uc_horizon *h = &b->horizon[n];
	const bool usable = uc_node_is_usable(node->state);
	const bool reserved = h->barred && !h->own;

	for (size_t i = 0; i < gpus->count || i == 0; i++) {
		const bool has = gpus->count > 0;
		const uint64_t total = has ? gpus->item[i].total : 0;
		const uint64_t used = has ? gpus->item[i].used : 0;
		struct cell *cell =
			find_cell(b, partition,
				  has ? gpus->item[i].type : (struct uc_span){ "", 0 });
		struct uc_capacity_row *row = cell ? &cell->row : NULL;

		if (!row)
			return;
		row->nodes++;
		row->nodes_out += !usable;
		row->nodes_idle += usable && !node->cpus_used;
		add_sum(&row->gpus, total, used, usable, reserved);
		add_sum(&row->cpus, node->cpus_usable, node->cpus_used, usable, reserved);
		if (usable)
			add_mine(b, cell, n,
				 has ? total - used
				     : node->cpus_usable - at_most(node->cpus_used,
								   node->cpus_usable));
	}
}

static void add_nodes(struct build *b)
{
	for (size_t n = 0; n < b->facts->nodes->count; n++) {
		const struct uc_node *node = &b->facts->nodes->row[n];
		const char *at = node->partitions.bytes;
		struct uc_node_gpus gpus;

		if (!at || (node->state & UC_NODE_BASE) == UC_NODE_FUTURE)
			continue;
		uc_node_gpus(node, &gpus);
		while (*at && !b->failed) {
			size_t len = strcspn(at, ",");
			long partition = find_partition(b, at, len);

			if (partition >= 0)
				add_node(b, n, (size_t)partition, &gpus);
			at += len + (at[len] == ',');
		}
	}
}

/* "a100:4,h100:2": the number of one type, or of all when there is none of it. */
static uint64_t count_type(const char *types, const char *type)
{
	const size_t len = strlen(type);

	while (types && *types) {
		size_t item = strcspn(types, ",");

		if (item > len && types[len] == ':' && strncmp(types, type, len) == 0)
			return at_most(strtoull(types + len + 1, NULL, 10), UINT32_MAX);
		types += item + (types[item] == ',');
	}
	return 0;
}

static bool has_plain_nodes(const struct build *b, const struct uc_partition *p)
{
	uint32_t c = b->first[p - b->facts->partitions->row];

	while (c != NO_CELL && b->cell[c].row.type.bytes)
		c = b->cell[c].next;
	return c != NO_CELL;
}

/* How many GPUs of this row the job has or wants; false: it is not for this row. */
static bool claims(const struct build *b, const struct cell *cell,
		   const struct uc_job *job, uint64_t *gpus)
{
	*gpus = 0;
	if (!job->gpus || job->gpus == UC_NONE32)
		return !cell->row.type.bytes || !has_plain_nodes(b, cell->row.partition);
	if (!cell->row.type.bytes)
		return false;
	*gpus = uc_raw_empty(job->gpu_types)
			? job->gpus
			: count_type(job->gpu_types.bytes, cell->row.type.bytes);
	return *gpus > 0;
}

static void add_job(struct build *b, struct cell *cell, const struct uc_job *job)
{
	const bool waits = uc_job_waits(job);
	struct uc_capacity_row *row = &cell->row;
	uint64_t tasks = 1, gpus;

	if (!claims(b, cell, job, &gpus))
		return;
	if (!waits) {
		if (job->user_id == b->facts->who.user_id)
			row->used_mine += row->type.bytes ? gpus : job->cpus;
		return;
	}
	if (!uc_raw_empty(job->array_tasks)) {
		uint32_t count = uc_array_count(job->array_tasks.bytes);

		tasks = count == UC_NONE32 ? 1 : count;
	}
	row->pending_jobs += tasks;
	row->pending_gpus += tasks * gpus;
	row->pending_cpus += tasks * job->cpus;
}

static void add_jobs(struct build *b)
{
	const struct uc_jobs *jobs = b->facts->jobs;

	for (size_t i = 0; jobs && i < jobs->count; i++) {
		const char *at = jobs->row[i].partition.bytes;

		if (!at || (!uc_job_waits(&jobs->row[i]) && !uc_job_holds(&jobs->row[i])))
			continue;
		while (*at) {
			size_t len = strcspn(at, ",");
			long partition = find_partition(b, at, len);
			uint32_t c = partition < 0 ? NO_CELL : b->first[partition];

			for (; c != NO_CELL; c = b->cell[c].next)
				add_job(b, &b->cell[c], &jobs->row[i]);
			at += len + (at[len] == ',');
		}
	}
}

static bool is_in_group(const struct uc_identity *who, const char *allowed)
{
	for (const char *const *group = who->groups; group && *group; group++)
		if (uc_words_share(*group, allowed))
			return true;
	return !who->groups;
}

static enum uc_capacity_bar judge(const struct build *b,
				  const struct uc_capacity_row *row)
{
	const struct uc_partition *p = row->partition;
	const struct uc_identity *who = &b->facts->who;

	if (p->state != UC_PARTITION_UP)
		return UC_BAR_STATE;
	if (who->user_id == 0)
		return UC_BAR_NONE;
	if (p->flags & UC_PARTITION_ROOT_ONLY)
		return UC_BAR_ROOT;
	if (!uc_raw_empty(p->allow_groups) && !is_in_group(who, p->allow_groups.bytes))
		return UC_BAR_GROUPS;
	return UC_BAR_NONE;
}

/* The longest time limit, and what it is by. */
static void finish_time(const struct build *b, struct cell *cell,
			const struct uc_grant *grant)
{
	struct uc_capacity_row *row = &cell->row;
	int64_t left;

	row->time = row->partition->time_limit;
	row->basis = UC_BASIS_PARTITION;
	if (row->time == UC_NOT_SET || grant->any_time)
		row->time = UC_DURATION_INFINITE;
	if (grant->wall != UC_NOT_SET && grant->wall < row->time) {
		row->time = grant->wall;
		row->basis = UC_BASIS_LIMIT;
		if (!row->limit)
			row->limit = grant->wall_by;
	}
	if (cell->until == INT64_MAX || !cell->by)
		return;
	/* time limits are whole minutes */
	left = (cell->until - b->facts->now) / 60 * 60;
	if (left >= row->time)
		return;
	row->time = left > 0 ? left : 0;
	row->basis = cell->by->job ? UC_BASIS_PLANNED : UC_BASIS_RESERVATION;
	row->job = cell->by->job;
	if (cell->by->next)
		row->reservation = cell->by->next;
}

static void finish_cell(const struct build *b, struct cell *cell)
{
	struct uc_capacity_row *row = &cell->row;
	struct uc_capacity_sum *sum = row->type.bytes ? &row->gpus : &row->cpus;
	struct uc_grant grant;
	uint64_t allowed;
	enum uc_capacity_bar bar;

	uc_capacity_grant(b->facts, row->partition, row->type.bytes, &grant);
	row->association = grant.association;
	row->qos = grant.qos;
	row->usual = grant.usual || !grant.association;
	bar = judge(b, row);
	if (!bar)
		bar = grant.bar;
	allowed = row->type.bytes ? grant.gpus : grant.cpus;
	if (bar)
		sum->mine = 0;
	else if (allowed < sum->mine) {
		bar = UC_BAR_LIMIT;
		row->limit = grant.by;
		sum->mine = allowed;
	} else if (sum->reserved || (row->reservation && !sum->mine)) {
		bar = UC_BAR_RESERVATION;
	} else {
		bar = row->bar;
	}
	row->bar = bar;
	row->most = at_most(row->most, sum->mine);
	if (sum->mine)
		finish_time(b, cell, &grant);
}

static int compare_cells(const void *a, const void *b)
{
	const struct uc_capacity_row *x = &((const struct cell *)a)->row;
	const struct uc_capacity_row *y = &((const struct cell *)b)->row;

	if (x->partition != y->partition)
		return x->partition < y->partition ? -1 : 1;
	if (!x->type.bytes || !y->type.bytes)
		return !x->type.bytes - !y->type.bytes;
	return strverscmp(x->type.bytes, y->type.bytes);
}

static struct uc_capacity *finish(struct build *b)
{
	struct uc_capacity *out = calloc(1, sizeof(*out));

	add_nodes(b);
	if (!b->failed)
		add_jobs(b);
	for (size_t i = 0; i < b->count; i++)
		finish_cell(b, &b->cell[i]);
	if (b->count)
		qsort(b->cell, b->count, sizeof(*b->cell), compare_cells);
	if (out)
		out->row = uc_arena_array(b->arena, b->count + 1, sizeof(*out->row));
	if (!out || !out->row || b->failed || uc_arena_failed(b->arena)) {
		free(out);
		return NULL;
	}
	for (size_t i = 0; i < b->count; i++)
		out->row[i] = b->cell[i].row;
	out->count = b->count;
	out->arena = b->arena;
	return out;
}

int uc_capacity_make(const struct uc_capacity_facts *facts, struct uc_capacity **out,
		     struct uc_error *err)
{
	const size_t partitions = facts->partitions->count;
	struct build b = { .facts = facts, .arena = uc_arena_new() };
	struct uc_capacity *made = NULL;

	if (b.arena) {
		uc_node_index_make(&b.index, facts->nodes, b.arena);
		b.horizon = uc_horizons(facts, &b.index, b.arena);
		b.first = uc_arena_array(b.arena, partitions + 1, sizeof(*b.first));
	}
	for (size_t i = 0; b.first && i < partitions; i++)
		b.first[i] = NO_CELL;
	if (b.horizon && b.first)
		made = finish(&b);
	free(b.cell);
	if (!made) {
		uc_arena_free(b.arena);
		return uc_fail(err, UC_FAILED, "out of memory");
	}
	*out = made;
	return 0;
}

void uc_capacity_free(struct uc_capacity *capacity)
{
	if (!capacity)
		return;
	uc_arena_free(capacity->arena);
	free(capacity);
}
