/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Does the job fit the nodes of a partition, empty as they may become? */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "job/check.h"
#include "slurm/rank_hosts.h"

/* A task's share, after what the partition makes of it. */
struct share {
	uint64_t cpus, memory_per_cpu; /* memory 0: not counted */
};

/* One node: how many tasks it can take, and its GPUs. */
struct room {
	uint64_t tasks;
	const struct uc_node *node;
};

/* The partition as a whole, and its best nodes. */
struct sums {
	uint32_t nodes;
	uint64_t cpus, cpus_most, memory_most, gpus, gpus_most;
};

static uint64_t gpus_of(const struct uc_node *node, const char *type)
{
	struct uc_gpus gpus = { 0 };

	if (!type[0])
		return node->gpus == UC_NONE32 ? UINT64_MAX / 4 : node->gpus;
	uc_gpus_add(&gpus, node->gres.bytes);
	for (size_t i = 0; i < gpus.type_count; i++)
		if (uc_span_is(gpus.type[i].name, type))
			return gpus.type[i].count;
	return 0;
}

static uint64_t cpus_of(const struct uc_node *node, const struct uc_partition *p)
{
	return node->cpus > p->cpus_per_node_max ? p->cpus_per_node_max : node->cpus;
}

static bool is_in(const struct uc_node *node, const struct uc_partition *p)
{
	return node->name.bytes &&
	       (uc_check_has_word(node->partitions.bytes, p->name.bytes) ||
		uc_hosts_has(p->nodes.bytes, node->name.bytes));
}

static struct sums add_up(const struct uc_check *c, const struct uc_partition *p,
			  const char *type)
{
	const struct uc_nodes *nodes = c->facts->nodes;
	struct sums sums = { 0 };

	for (size_t i = 0; i < nodes->count; i++) {
		const struct uc_node *node = &nodes->row[i];
		uint64_t cpus = cpus_of(node, p), gpus = gpus_of(node, type);

		if (!is_in(node, p))
			continue;
		sums.nodes++;
		sums.cpus += cpus;
		sums.gpus += gpus;
		sums.cpus_most = cpus > sums.cpus_most ? cpus : sums.cpus_most;
		sums.gpus_most = gpus > sums.gpus_most ? gpus : sums.gpus_most;
		if (node->memory > sums.memory_most)
			sums.memory_most = node->memory;
	}
	return sums;
}

static void hint_request(struct uc_check *c, const struct uc_partition *p,
			 const struct uc_buf *request)
{
	const struct uc_partition *other = uc_check_other(c, p);
	const char *first = uc_buf_text(request);

	if (other)
		uc_check_hint(c, "%s%s--partition=%s", first, *first ? ", or " : "",
			      other->name.bytes);
	else if (*first)
		uc_check_hint(c, "%s", first);
}

/* Types of GPUs that the nodes of a partition have. */
static void list_types(const struct uc_check *c, const struct uc_partition *p,
		       struct uc_strv *types)
{
	for (size_t i = 0; i < c->facts->nodes->count; i++) {
		const struct uc_node *node = &c->facts->nodes->row[i];
		struct uc_gpus gpus = { 0 };

		if (!is_in(node, p))
			continue;
		uc_gpus_add(&gpus, node->gres.bytes);
		for (size_t t = 0; t < gpus.type_count; t++) {
			uc_auto(buf) struct uc_buf name = { 0 };

			uc_buf_addn(&name, gpus.type[t].name.at, gpus.type[t].name.len);
			if (uc_strv_find(types, uc_buf_text(&name)) < 0)
				uc_strv_add(types, uc_buf_text(&name));
		}
	}
}

static void no_gpus(struct uc_check *c, const struct uc_partition *p, const char *type)
{
	uc_auto(strv) struct uc_strv types = { 0 };
	uc_auto(buf) struct uc_buf hint = { 0 };
	const char *near = NULL;

	list_types(c, p, &types);
	if (types.count && !types.failed)
		near = uc_text_nearest(type, (const char *const *)types.item);
	if (type[0])
		uc_check_fault(c, "partition '%s' has no GPUs of type '%s'%s%s%s",
			       p->name.bytes, type, near ? "; did you mean '" : "",
			       near ? near : "", near ? "'?" : "");
	else
		uc_check_fault(c, "partition '%s' has no GPUs", p->name.bytes);
	for (size_t i = 0; i < types.count; i++)
		uc_buf_addf(&hint, "%s%s", i ? ", " : "types there: ", types.item[i]);
	hint_request(c, p, &hint);
}

static void name_gpus(struct uc_buf *buf, uint64_t n, const char *type)
{
	uc_auto(buf) struct uc_buf what = { 0 };

	uc_buf_addf(&what, "%s%sGPU", type, type[0] ? " " : "");
	uc_buf_count(buf, n, uc_buf_text(&what));
}

static uint64_t gpus_in_all(const struct sums *sums, uint32_t nodes)
{
	return nodes < sums->nodes ? (uint64_t)nodes * sums->gpus_most : sums->gpus;
}

static void check_gpu_item(struct uc_check *c, const struct uc_partition *p,
			   const struct uc_ask_gpus *asked, bool per_node)
{
	const struct sums sums = add_up(c, p, asked->type);
	const uint32_t nodes = per_node ? 1 : c->nodes_most;
	const uint64_t has = per_node ? sums.gpus_most : gpus_in_all(&sums, nodes);
	const char *colon = asked->type[0] ? ":" : "";
	uc_auto(buf) struct uc_buf have = { 0 }, hint = { 0 };

	if (asked->count <= has)
		return;
	if (!sums.gpus) {
		no_gpus(c, p, asked->type);
		return;
	}
	name_gpus(&have, has, asked->type);
	if (per_node)
		uc_check_fault(c,
			       "a node of partition '%s' has at most %s, %" PRIu64
			       " are asked for",
			       p->name.bytes, uc_buf_text(&have), asked->count);
	else if (nodes < sums.nodes)
		uc_check_fault(c,
			       "%" PRIu32
			       " node%s of partition '%s' ha%s at most %s, %" PRIu64
			       " are asked for",
			       nodes, nodes == 1 ? "" : "s", p->name.bytes,
			       nodes == 1 ? "s" : "ve", uc_buf_text(&have), asked->count);
	else
		uc_check_fault(c,
			       "partition '%s' has %s in all, %" PRIu64 " are asked for",
			       p->name.bytes, uc_buf_text(&have), asked->count);
	uc_buf_addf(&hint, "--%s=%s%s%" PRIu64, per_node ? "gpus-per-node" : "gpus",
		    asked->type, colon, has);
	hint_request(c, p, &hint);
}

static void check_gpus(struct uc_check *c, const struct uc_partition *p)
{
	for (size_t i = 0; i < c->ask.node.count; i++)
		check_gpu_item(c, p, &c->ask.node.item[i], true);
	for (size_t i = 0; i < c->ask.task.count; i++)
		check_gpu_item(c, p, &c->ask.task.item[i], true);
	for (size_t i = 0; i < c->ask.job.count; i++)
		check_gpu_item(c, p, &c->ask.job.item[i], false);
}

/* --gpus must be enough for one on each node. */
static void check_spread(struct uc_check *c)
{
	const struct uc_ask *ask = &c->ask;
	const uint64_t sum = uc_ask_gpu_sum(&ask->job);

	if (!sum || ask->job.count > 1 || sum >= ask->nodes_min)
		return;
	uc_check_fault(c,
		       "%" PRIu32 " nodes need at least %" PRIu32 " GPUs, %" PRIu64
		       " %s asked for",
		       ask->nodes_min, ask->nodes_min, sum, sum == 1 ? "is" : "are");
	uc_check_hint(c, "--nodes=%" PRIu64 ", or --gpus-per-node=1", sum);
}

static void check_nodes(struct uc_check *c, const struct uc_partition *p)
{
	const struct uc_ask *ask = &c->ask;
	uc_auto(buf) struct uc_buf text = { 0 }, hint = { 0 };
	const uint32_t flags = c->qos ? c->qos->flags : 0;
	const bool open = !c->qos && c->facts->enforced & UC_CHECK_QOS;

	if (!ask->nodes_given)
		return;
	if (ask->nodes_min > p->total_nodes) {
		uc_buf_count(&text, p->total_nodes, "node");
		uc_buf_addf(&hint, "--nodes=%" PRIu32, p->total_nodes);
		uc_check_fault(c, "partition '%s' has %s, %" PRIu32 " are asked for",
			       p->name.bytes, uc_buf_text(&text), ask->nodes_min);
		hint_request(c, p, &hint);
	} else if (ask->nodes_asked > p->node_max && !open &&
		   !(flags & UC_LIMIT_MORE_NODES)) {
		uc_buf_count(&text, p->node_max, "node");
		uc_buf_addf(&hint, "--nodes=%" PRIu32, p->node_max);
		uc_check_fault(c,
			       "partition '%s' allows a job at most %s, %" PRIu32
			       " are asked for",
			       p->name.bytes, uc_buf_text(&text), ask->nodes_asked);
		hint_request(c, p, &hint);
	} else if (ask->nodes_asked < p->node_min && !open &&
		   !(flags & UC_LIMIT_FEWER_NODES)) {
		uc_buf_count(&text, p->node_min, "node");
		uc_buf_addf(&hint, "--nodes=%" PRIu32, p->node_min);
		uc_check_fault(c, "a job in partition '%s' has at least %s",
			       p->name.bytes, uc_buf_text(&text));
		hint_request(c, p, &hint);
	}
}

static void check_cpus(struct uc_check *c, const struct uc_partition *p,
		       const struct sums *sums)
{
	const struct uc_ask *ask = &c->ask;
	const uint64_t a_task = ask->cpus_per_task ? ask->cpus_per_task : 1;
	const uint64_t total = uc_ask_cpus(ask);
	uc_auto(buf) struct uc_buf text = { 0 }, hint = { 0 };

	if (ask->overcommit)
		return;
	if (a_task > sums->cpus_most) {
		uc_buf_count(&text, sums->cpus_most, "CPU");
		uc_buf_addf(&hint, "--cpus-per-task=%" PRIu64, sums->cpus_most);
		uc_check_fault(c,
			       "a node of partition '%s' has at most %s, %" PRIu64
			       " are asked for each task",
			       p->name.bytes, uc_buf_text(&text), a_task);
		hint_request(c, p, &hint);
	} else if (total > sums->cpus) {
		uc_buf_count(&text, sums->cpus, "CPU");
		if (ask->tasks)
			uc_buf_addf(&hint, "--ntasks=%" PRIu64, sums->cpus / a_task);
		uc_check_fault(c,
			       "partition '%s' has %s in all, %" PRIu64 " are asked for",
			       p->name.bytes, uc_buf_text(&text), total);
		hint_request(c, p, &hint);
	}
}

/* Memory a CPU over the partition's limit is made of more CPUs. */
static struct share share_of(const struct uc_check *c, const struct uc_partition *p)
{
	const struct uc_ask *ask = &c->ask;
	struct share share = { .cpus = ask->cpus_per_task ? ask->cpus_per_task : 1,
			       .memory_per_cpu = ask->memory_per_cpu };

	if (!ask->memory_given && p->memory_default_per_cpu && !c->facts->rewritten &&
	    uc_raw_empty(p->job_defaults))
		share.memory_per_cpu = p->memory_default;
	if (p->memory_max && p->memory_max_per_cpu &&
	    share.memory_per_cpu > p->memory_max) {
		uint64_t times =
			(share.memory_per_cpu + p->memory_max - 1) / p->memory_max;

		share.cpus *= times;
		share.memory_per_cpu /= times;
	}
	if (!c->facts->memory)
		share.memory_per_cpu = 0;
	return share;
}

static void memory_fault(struct uc_check *c, const struct uc_partition *p, uint64_t most,
			 uint64_t asked)
{
	const bool limit = most == p->memory_max;
	uc_auto(buf) struct uc_buf has = { 0 }, want = { 0 }, hint = { 0 };

	uc_size_words(&has, most);
	uc_size_words(&want, asked);
	uc_check_fault(c, "%spartition '%s' %s at most %s of memory%s, %s is asked for",
		       limit ? "" : "a node of ", p->name.bytes, limit ? "allows" : "has",
		       uc_buf_text(&has), limit ? " on a node" : "", uc_buf_text(&want));
	uc_buf_add(&hint, "--mem=");
	uc_size_format(&hint, most);
	hint_request(c, p, &hint);
}

/* What a job has on a node at least, also by memory for each CPU. */
static void check_memory(struct uc_check *c, const struct uc_partition *p,
			 const struct sums *sums)
{
	const struct uc_ask *ask = &c->ask;
	const struct share share = share_of(c, p);
	uint64_t tasks = ask->tasks_per_node ? ask->tasks_per_node : 1;
	uint64_t least = ask->memory;

	if (ask->nodes_given && ask->nodes_max && ask->tasks / ask->nodes_max > tasks)
		tasks = ask->tasks / ask->nodes_max;
	if (!ask->overcommit && share.memory_per_cpu * share.cpus * tasks > least)
		least = share.memory_per_cpu * share.cpus * tasks;
	if (ask->memory > sums->memory_most)
		memory_fault(c, p, sums->memory_most, ask->memory);
	else if (p->memory_max && !p->memory_max_per_cpu && least > p->memory_max)
		memory_fault(c, p, p->memory_max, least);
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* 0: the node cannot be one of the job's. */
static uint64_t room_on(const struct uc_check *c, const struct uc_partition *p,
			const struct share *share, const struct uc_node *node)
{
	const struct uc_ask *ask = &c->ask;
	const uint64_t cpus = cpus_of(node, p);
	const uint64_t gpus = uc_ask_gpu_sum(&ask->node);
	uint64_t tasks = UINT32_MAX;

	if (ask->memory > node->memory || ask->cpus_min > cpus ||
	    ask->memory_per_gpu * gpus > node->memory ||
	    (!ask->overcommit && ask->cpus_per_gpu * gpus > cpus))
		return 0;
	for (size_t i = 0; i < ask->node.count; i++)
		if (ask->node.item[i].count > gpus_of(node, ask->node.item[i].type))
			return 0;
	for (size_t i = 0; i < ask->job.count; i++)
		if (!gpus_of(node, ask->job.item[i].type))
			return 0;
	for (size_t i = 0; i < ask->task.count; i++)
		tasks = smaller(tasks, gpus_of(node, ask->task.item[i].type) /
					       ask->task.item[i].count);
	if (!ask->overcommit) {
		tasks = smaller(tasks, cpus / share->cpus);
		if (share->memory_per_cpu)
			tasks = smaller(tasks, node->memory / (share->memory_per_cpu *
							       share->cpus));
	}
	if (!ask->tasks_per_node)
		return tasks;
	/* without --ntasks it is the number on each node */
	if (!ask->tasks && tasks < ask->tasks_per_node)
		return 0;
	return smaller(tasks, ask->tasks_per_node);
}

static int by_tasks(const void *a, const void *b)
{
	const uint64_t left = ((const struct room *)a)->tasks;
	const uint64_t right = ((const struct room *)b)->tasks;

	return left < right ? 1 : left > right ? -1 : 0;
}

static uint64_t gpus_on_best(const struct uc_check *c, const struct room *room,
			     size_t count, const char *type)
{
	uint64_t all = 0, most = 0;

	for (size_t i = 0; i < count; i++) {
		uint64_t n = gpus_of(room[i].node, type);

		all += n;
		most = n > most ? n : most;
	}
	return c->nodes_most < count ? smaller(all, most * c->nodes_most) : all;
}

/* All at once: enough nodes with room for enough tasks and GPUs? */
static bool has_room(const struct uc_check *c, struct room *room, size_t count)
{
	const struct uc_ask *ask = &c->ask;
	uint64_t tasks = 0;

	if (count < uc_ask_nodes(ask))
		return false;
	qsort(room, count, sizeof(*room), by_tasks);
	for (size_t i = 0; i < count && i < c->nodes_most; i++)
		tasks += room[i].tasks;
	if (!ask->tasks_open && tasks < uc_ask_tasks(ask))
		return false;
	for (size_t i = 0; i < ask->job.count; i++)
		if (ask->job.item[i].count >
		    gpus_on_best(c, room, count, ask->job.item[i].type))
			return false;
	return true;
}

static void check_together(struct uc_check *c, const struct uc_partition *p)
{
	const struct uc_nodes *nodes = c->facts->nodes;
	const struct share share = share_of(c, p);
	struct room *room = calloc(nodes->count + 1, sizeof(*room));
	size_t count = 0;

	for (size_t i = 0; room && i < nodes->count; i++) {
		const uint64_t tasks = is_in(&nodes->row[i], p)
					       ? room_on(c, p, &share, &nodes->row[i])
					       : 0;

		if (tasks)
			room[count++] = (struct room){ tasks, &nodes->row[i] };
	}
	if (room && !has_room(c, room, count)) {
		const struct uc_partition *other = uc_check_other(c, p);

		uc_check_fault(
			c,
			"no nodes of partition '%s' have all at once what is asked "
			"for: tasks, CPUs, memory and GPUs",
			p->name.bytes);
		uc_check_hint(c,
			      "ask for less of one of them%s%s; nodes are listed by: "
			      "sinfo -o '%%P %%D %%c %%m %%G'",
			      other ? ", or --partition=" : "",
			      other ? other->name.bytes : "");
	}
	free(room);
}

void uc_check_fit(struct uc_check *c, const struct uc_partition *p)
{
	const size_t before = c->count;
	struct sums sums;

	check_nodes(c, p);
	check_spread(c);
	/* a reservation may have other nodes */
	if (!c->facts->nodes || c->ask.reservation)
		return;
	sums = add_up(c, p, "");
	if (!sums.nodes) { /* not known, and not to be advised */
		c->count += !c->faults;
		return;
	}
	check_gpus(c, p);
	check_memory(c, p, &sums);
	check_cpus(c, p, &sums);
	if (c->count == before)
		check_together(c, p);
}
