/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Changes that may make a job start sooner, from what is known without asking. */
#include <ucluster/sooner.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucluster/gres.h>
#include <ucluster/state.h>
#include <ucluster/units.h>

/*
 * A job that ends this long before the next begins leaves room for cleaning up and for
 * the backfill scheduler, which counts in steps of minutes (bf_resolution).
 */
#define SLACK 180
/* Nobody wants a job that is shorter. */
#define TIME_LEAST 300
/* Of each kind at most. */
#define PARTITIONS_MAX     2
#define REASON_RESERVATION 14
/* A reservation with more nodes covers any partition. */
#define NODES_MAX 10000

struct search {
	const struct uc_job *job;
	const struct uc_sooner_facts *facts;
	struct uc_sooner *out;
	size_t count, max;
};

static struct uc_sooner *next(struct search *search, enum uc_sooner_kind kind,
			      const char *name)
{
	struct uc_sooner *change;

	if (search->count == search->max)
		return NULL;
	change = &search->out[search->count++];
	*change = (struct uc_sooner){ .kind = kind };
	snprintf(change->name, sizeof(change->name), "%s", name);
	return change;
}

static void put(char *out, size_t size, const struct uc_buf *text)
{
	size_t len = uc_text_clip(uc_buf_text(text), size / 2);

	/* columns of two bytes and more are rare in what stands here */
	if (len >= size)
		len = 0;
	memcpy(out, uc_buf_text(text), len);
	out[len] = '\0';
}

/* Names that Slurm allows, so that they can stand in a command as they are. */
static bool is_plain(const char *name)
{
	return name && *name &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
			    "0123456789_.-") == strlen(name) &&
	       *name != '-' && strlen(name) < 64;
}

static bool has_word(const char *list, const char *word)
{
	size_t len = strlen(word);

	while (list && *list) {
		size_t n = strcspn(list, ",");

		if (n == len && memcmp(list, word, n) == 0)
			return true;
		list += n + (list[n] == ',');
	}
	return false;
}

static const struct uc_partition *own_partition(const struct search *search)
{
	const struct uc_partitions *all = search->facts->partitions;

	for (size_t i = 0; all && i < all->count; i++)
		if (all->row[i].name.bytes && search->job->partition.bytes &&
		    has_word(search->job->partition.bytes, all->row[i].name.bytes))
			return &all->row[i];
	return NULL;
}

/* A time limit that ends well before `when`, in whole minutes. */
static void offer_time(struct search *search, int64_t when, const struct uc_buf *why)
{
	const struct uc_job *job = search->job;
	int64_t gap = when - search->facts->now;
	int64_t limit = (gap - gap / 100 - SLACK) / 60 * 60;
	uc_auto(buf) struct uc_buf text = { 0 };
	struct uc_sooner *change;

	if (limit < TIME_LEAST || job->time_limit == UC_NOT_SET ||
	    limit >= job->time_limit)
		return;
	for (size_t i = 0; i < search->count; i++)
		if (search->out[i].kind == UC_SOONER_TIME)
			return; /* the earlier one, which was offered first, is enough */
	change = next(search, UC_SOONER_TIME, "time");
	if (!change)
		return;
	uc_duration_format(&text, limit);
	snprintf(change->value, sizeof(change->value), "%s", uc_buf_text(&text));
	snprintf(change->set, sizeof(change->set), "time=%s", uc_buf_text(&text));
	put(change->why, sizeof(change->why), why);
	change->frees = true;
	change->limit = limit;
	change->end_by = when;
}

static bool covers(const struct uc_reservation *reservation, const char *nodes)
{
	uc_auto(strv) struct uc_strv names = { 0 };

	if (uc_raw_empty(reservation->nodes) || !nodes)
		return true;
	uc_hosts_expand(reservation->nodes.bytes, NODES_MAX, &names);
	for (size_t i = 0; i < names.count; i++)
		if (uc_hosts_has(nodes, names.item[i]))
			return true;
	return names.failed;
}

/* Before the first reservation that its time limit runs into. */
static void find_reservation(struct search *search)
{
	const struct uc_reservations *all = search->facts->reservations;
	const struct uc_partition *partition = own_partition(search);
	const struct uc_reservation *first = NULL;
	uc_auto(buf) struct uc_buf why = { 0 };

	for (size_t i = 0; all && i < all->count; i++) {
		const struct uc_reservation *it = &all->row[i];

		if (it->start_time <= search->facts->now ||
		    (it->flags & (UC_RESERVATION_FLOATS | UC_RESERVATION_ANY_NODES)) ||
		    (first && it->start_time >= first->start_time) ||
		    !covers(it, partition ? partition->nodes.bytes : NULL))
			continue;
		first = it;
	}
	if (!first)
		return;
	uc_buf_add(&why, "it would end before reservation ");
	uc_buf_safe(&why, first->name, search->facts->safe);
	uc_buf_add(&why, " begins at ");
	uc_buf_clock(&why, first->start_time, search->facts->now);
	offer_time(search, first->start_time, &why);
}

/* Before the first of those ahead of it starts: what backfilling is for. */
static void find_gap(struct search *search)
{
	const struct uc_jobs *jobs = search->facts->jobs;
	const struct uc_job *first = NULL;
	uc_auto(buf) struct uc_buf why = { 0 };

	for (size_t i = 0; jobs && i < jobs->count; i++) {
		const struct uc_job *it = &jobs->row[i];

		if ((it->state & UC_JOB_BASE) != UC_JOB_PENDING || it == search->job ||
		    it->start_time <= search->facts->now ||
		    it->priority < search->job->priority || !it->partition.bytes ||
		    !search->job->partition.bytes ||
		    strcmp(it->partition.bytes, search->job->partition.bytes) != 0 ||
		    (first && it->start_time >= first->start_time))
			continue;
		first = it;
	}
	if (!first)
		return;
	uc_buf_addf(&why, "it would end before job %u by ", first->job_id);
	uc_buf_safe(&why, first->user, search->facts->safe);
	uc_buf_add(&why, " is to start at ");
	uc_buf_clock(&why, first->start_time, search->facts->now);
	offer_time(search, first->start_time, &why);
}

/* GPUs of a model ("" = any) that a usable node of the partitions has, and free ones. */
static uint32_t best_node(const struct search *search, const char *partitions,
			  const char *model, bool only_free)
{
	const struct uc_nodes *nodes = search->facts->nodes;
	uint32_t best = 0;

	for (size_t i = 0; nodes && i < nodes->count; i++) {
		const struct uc_node *node = &nodes->row[i];
		uint32_t gpus = node->gpus;
		bool here = false;

		if (gpus == UC_NONE32 || !uc_node_is_usable(node->state) ||
		    (!uc_raw_empty(search->job->required_nodes) &&
		     !uc_hosts_has(search->job->required_nodes.bytes, node->name.bytes)))
			continue;
		for (const char *at = node->partitions.bytes; at && *at && !here;) {
			size_t len = strcspn(at, ",");
			char name[64];

			snprintf(name, sizeof(name), "%.*s", (int)len, at);
			here = has_word(partitions, name);
			at += len + (at[len] == ',');
		}
		if (!here)
			continue;
		if (*model) {
			struct uc_gpus has = { 0 };

			uc_gpus_add(&has, node->gres.bytes);
			if (has.type_count != 1 || !uc_span_is(has.type[0].name, model))
				continue;
		}
		if (only_free)
			gpus = node->gpus_used < gpus ? gpus - node->gpus_used : 0;
		if (gpus > best)
			best = gpus;
	}
	return best;
}

/* How its GPUs were asked for: the option, the number, and the model or "". */
struct form {
	const char *name;
	uint32_t count;
	char model[64];
};

static bool find_form(const struct uc_job *job, struct form *form)
{
	const struct {
		const char *name, *tres;
	} ways[] = {
		{ "gpus", job->tres_per_job.bytes },
		{ "gpus-per-node", job->tres_per_node.bytes },
		{ "gpus-per-task", job->tres_per_task.bytes },
	};

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		struct uc_gpus gpus = { 0 };

		uc_gpus_add(&gpus, ways[i].tres);
		if (!gpus.count || gpus.count > 1000 || gpus.type_count > 1)
			continue;
		*form = (struct form){ ways[i].name, (uint32_t)gpus.count, "" };
		if (gpus.type_count)
			snprintf(form->model, sizeof(form->model), "%.*s",
				 (int)gpus.type[0].name.len, gpus.type[0].name.at);
		return !form->model[0] || is_plain(form->model);
	}
	return false;
}

static void find_partitions(struct search *search)
{
	const struct uc_partitions *all = search->facts->partitions;
	const struct uc_job *job = search->job;
	struct form form = { 0 };
	size_t found = 0;

	find_form(job, &form);
	for (size_t i = 0; all && i < all->count && found < PARTITIONS_MAX; i++) {
		const struct uc_partition *it = &all->row[i];
		struct uc_sooner *change;

		if (!is_plain(it->name.bytes) || it->state != UC_PARTITION_UP ||
		    (it->flags &
		     (UC_PARTITION_ROOT_ONLY | UC_PARTITION_REQUIRES_RESERVATION)) ||
		    has_word(job->partition.bytes, it->name.bytes) ||
		    (job->time_limit != UC_NOT_SET && it->time_limit < job->time_limit) ||
		    (form.count &&
		     best_node(search, it->name.bytes, form.model, true) < form.count))
			continue;
		change = next(search, UC_SOONER_PARTITION, "partition");
		if (!change)
			return;
		snprintf(change->value, sizeof(change->value), "%s", it->name.bytes);
		snprintf(change->set, sizeof(change->set), "partition=%s",
			 it->name.bytes);
		found++;
	}
}

static void offer_gpus(struct search *search, const struct form *form,
		       enum uc_sooner_kind kind, const char *why)
{
	struct uc_sooner *change = next(search, kind, form->name);

	if (!change)
		return;
	snprintf(change->value, sizeof(change->value), "%s%s%u", form->model,
		 form->model[0] ? ":" : "", form->count);
	snprintf(change->why, sizeof(change->why), "%s", why);
}

/* As many as its limit leaves. */
static void find_within_limit(struct search *search)
{
	const struct uc_reason_limit *limit = search->facts->limit;
	struct form form;
	uint64_t left, parts;

	if (!limit || limit->allowed == UC_NONE64 || limit->used == UC_NONE64 ||
	    limit->used >= limit->allowed || limit->asked != search->job->gpus ||
	    !find_form(search->job, &form))
		return;
	parts = search->job->gpus / form.count;
	left = parts ? (limit->allowed - limit->used) / parts : 0;
	if (!left || left >= form.count)
		return;
	form.count = (uint32_t)left;
	offer_gpus(search, &form, UC_SOONER_GPUS, "its limit leaves as many");
	search->out[search->count - 1].frees = true;
}

/* As many as one node has free, and half of what it wants. */
static void find_fewer_gpus(struct search *search, const struct form *form)
{
	uint32_t free =
		best_node(search, search->job->partition.bytes, form->model, true);
	struct form fewer = *form;

	if (free && free < form->count) {
		fewer.count = free;
		offer_gpus(search, &fewer, UC_SOONER_GPUS,
			   "as many are free on one node");
	}
	fewer.count = form->count / 2;
	if (fewer.count && (!free || fewer.count < free))
		offer_gpus(search, &fewer, UC_SOONER_GPUS, "");
}

static void find_models(struct search *search, const struct form *form)
{
	const struct uc_nodes *nodes = search->facts->nodes;
	const char *partitions = search->job->partition.bytes;
	struct form other = *form;

	for (size_t i = 0; form->model[0] && nodes && i < nodes->count; i++) {
		struct uc_gpus has = { 0 };

		uc_gpus_add(&has, nodes->row[i].gres.bytes);
		if (has.type_count != 1 || has.type[0].name.len >= sizeof(other.model))
			continue;
		snprintf(other.model, sizeof(other.model), "%.*s",
			 (int)has.type[0].name.len, has.type[0].name.at);
		if (!is_plain(other.model) || strcmp(other.model, form->model) == 0 ||
		    best_node(search, partitions, other.model, true) < form->count)
			continue;
		offer_gpus(search, &other, UC_SOONER_MODEL, "a node with these is free");
		return;
	}
}

static void find_fewer_nodes(struct search *search)
{
	const struct uc_job *job = search->job;
	struct uc_sooner *change;

	/* tasks that are pinned to nodes would change, too */
	if (job->node_count < 2 || job->node_max == job->node_count / 2)
		return;
	change = next(search, UC_SOONER_NODES, "nodes");
	if (change)
		snprintf(change->value, sizeof(change->value), "%u", job->node_count / 2);
}

/* Its turn, nodes, or the partition's limits: what a change of the request can help. */
static bool may_help(const struct uc_job *job)
{
	/* a reservation that is not its own is in its way */
	if (job->reason == REASON_RESERVATION && uc_raw_empty(job->reservation))
		return true;
	switch (uc_reason_cause(job->reason)) {
	case UC_CAUSE_QUEUE:
	case UC_CAUSE_PARTITION:
	case UC_CAUSE_NODE:
	case UC_CAUSE_REQUEST:
		return true;
	default:
		return false;
	}
}

static void find_any(struct search *search)
{
	struct form form;

	find_reservation(search);
	find_gap(search);
	if (uc_raw_empty(search->job->required_nodes))
		find_partitions(search);
	if (find_form(search->job, &form)) {
		find_models(search, &form);
		find_fewer_gpus(search, &form);
	}
	find_fewer_nodes(search);
}

void uc_sooner_find(const struct uc_job *job, const struct uc_sooner_facts *facts,
		    struct uc_sooner_list *list)
{
	struct search search = {
		.job = job, .facts = facts, .out = list->item, .max = UC_SOONER_MAX
	};
	const enum uc_reason_cause cause = uc_reason_cause(job->reason);

	*list = (struct uc_sooner_list){ 0 };
	if ((job->state & UC_JOB_BASE) != UC_JOB_PENDING || job->het_job_id)
		return;
	if (facts->tries && facts->tries < search.max)
		search.max = facts->tries;
	if (cause == UC_CAUSE_USER || cause == UC_CAUSE_GROUP)
		find_within_limit(&search);
	else if (may_help(job))
		find_any(&search);
	list->count = search.count;
}
