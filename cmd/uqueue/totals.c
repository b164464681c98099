/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* uqueue --by: sums over jobs, against what the machine has. */
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <ucluster/gres.h>
#include <ucluster/node.h>
#include <ucluster/state.h>
#include "uqueue/totals.h"

const char *const uqueue_by_names[] = { "user", "account", "partition",
					"node", "gpu",     NULL };

/* A host list of a job is not longer than this; who writes more means harm. */
#define NODES_MAX 100000

struct totals {
	enum uqueue_by by;
	void *tree;                /* of struct total, by name; tsearch(3) */
	struct uqueue_total **row; /* the same in order of their making */
	size_t count, size;
	struct uqueue_total machine;
	bool failed;
};

static int compare_names(const void *a, const void *b)
{
	const struct uqueue_total *x = a, *y = b;

	return strverscmp(x->name, y->name);
}

static struct uqueue_total *find_total(struct totals *totals, const char *name,
				       size_t len)
{
	struct uqueue_total *total = calloc(1, sizeof(*total));
	struct uqueue_total **found = NULL;

	if (total)
		total->name = strndup(name, len);
	if (total && total->name)
		found = tsearch(total, &totals->tree, compare_names);
	if (found && *found != total) {
		free(total->name);
		free(total);
		return *found;
	}
	if (found && totals->count == totals->size) {
		size_t size = totals->size ? 2 * totals->size : 64;
		struct uqueue_total **bigger =
			reallocarray(totals->row, size, sizeof(struct uqueue_total *));

		if (bigger) {
			totals->row = bigger;
			totals->size = size;
		}
	}
	if (found && totals->count < totals->size)
		return totals->row[totals->count++] = total;
	if (found)
		tdelete(total, &totals->tree, compare_names);
	if (total)
		free(total->name);
	free(total);
	totals->failed = true;
	return NULL;
}

static void keep_total(void *total)
{
	(void)total; /* totals->row has it */
}

static void free_totals(struct totals *totals)
{
	for (size_t i = 0; i < totals->count; i++) {
		free(totals->row[i]->name);
		free(totals->row[i]);
	}
	free(totals->row);
	tdestroy(totals->tree, keep_total);
}

static void add_to(struct totals *totals, struct uc_span name, const struct uc_job *job,
		   const struct uqueue_amount *amount)
{
	struct uqueue_total *total = find_total(totals, name.at, name.len);
	struct uqueue_amount *sum;

	if (!total)
		return;
	sum = uc_job_waits(job) ? &total->waiting : &total->running;
	sum->jobs += amount->jobs;
	sum->cpus += amount->cpus;
	sum->gpus += amount->gpus;
	sum->memory += amount->memory;
}

static struct uc_span span_of(const char *text)
{
	return (struct uc_span){ text, strlen(text) };
}

/* A waiting job that names several partitions waits in each. */
static void add_words(struct totals *totals, struct uc_raw words,
		      const struct uc_job *job, const struct uqueue_amount *amount)
{
	const char *at = uc_raw_empty(words) ? "-" : words.bytes;

	while (*at) {
		size_t len = strcspn(at, ",");

		if (len)
			add_to(totals, (struct uc_span){ at, len }, job, amount);
		at += len + (at[len] == ',');
	}
}

/* Its part on each node: GPUs exactly, the rest divided evenly. */
static void add_nodes(struct totals *totals, const struct uc_job *job,
		      const struct uqueue_amount *amount)
{
	uc_auto(strv) struct uc_strv names = { 0 };

	if (!uc_job_holds(job))
		return;
	uc_hosts_expand(job->nodes.bytes, NODES_MAX, &names);
	totals->failed = totals->failed || names.failed;
	for (size_t i = 0; i < names.count; i++) {
		struct uqueue_amount part = { 1, amount->cpus / names.count,
					      amount->gpus / names.count,
					      amount->memory / names.count };
		struct uc_gpus gpus = { 0 };

		if (job->gres_detail.count) {
			if (i < job->gres_detail.count)
				uc_gpus_add(&gpus, job->gres_detail.item[i].bytes);
			part.gpus = gpus.count;
		}
		add_to(totals, span_of(names.item[i]), job, &part);
	}
}

/* A job with several models counts in each; one that names none may wait for any. */
static void add_models(struct totals *totals, const struct uc_job *job,
		       const struct uqueue_amount *amount, uint64_t tasks)
{
	struct uqueue_amount part = *amount;
	struct uc_gpus gpus;
	uint64_t rest;

	uc_job_gpus(job, &gpus);
	rest = gpus.count;
	for (size_t i = 0; i < gpus.type_count; i++) {
		part.gpus = gpus.type[i].count * tasks;
		rest -= gpus.type[i].count < rest ? gpus.type[i].count : rest;
		add_to(totals, gpus.type[i].name, job, &part);
	}
	part.gpus = rest * tasks;
	if (rest)
		add_to(totals, span_of(uc_job_waits(job) ? "any" : "gpu"), job, &part);
}

static void add_job(struct totals *totals, const struct uc_job *job)
{
	uint64_t tasks = 1;
	struct uqueue_amount amount = { 1, job->cpus,
					job->gpus == UC_NONE32 ? 0 : job->gpus,
					uqueue_job_memory(job) };

	if (!uc_job_waits(job) && !uc_job_holds(job))
		return;
	if (!uc_raw_empty(job->array_tasks)) {
		uint32_t count = uc_array_count(job->array_tasks.bytes);

		tasks = count == UC_NONE32 ? 1 : count;
	}
	amount = (struct uqueue_amount){ tasks, tasks * amount.cpus, tasks * amount.gpus,
					 tasks * amount.memory };
	switch (totals->by) {
	case UQUEUE_BY_USER:
		add_to(totals, span_of(uc_raw_empty(job->user) ? "-" : job->user.bytes),
		       job, &amount);
		return;
	case UQUEUE_BY_ACCOUNT:
		add_to(totals,
		       span_of(uc_raw_empty(job->account) ? "-" : job->account.bytes),
		       job, &amount);
		return;
	case UQUEUE_BY_PARTITION:
		add_words(totals, job->partition, job, &amount);
		return;
	case UQUEUE_BY_NODE:
		add_nodes(totals, job, &amount);
		return;
	case UQUEUE_BY_GPU:
		add_models(totals, job, &amount, tasks);
		return;
	}
}

static void add_machine(struct uqueue_total *total, const struct uc_node *node)
{
	total->cpus += node->cpus;
	total->memory += node->memory;
	total->gpus += node->gpus == UC_NONE32 ? 0 : node->gpus;
}

/* Nodes and models are there also when nobody uses them. */
static void add_node(struct totals *totals, const struct uc_node *node)
{
	struct uc_gpus gpus = { 0 };
	struct uqueue_total *total;
	uint64_t typed = 0;

	add_machine(&totals->machine, node);
	if (totals->by == UQUEUE_BY_NODE) {
		total = find_total(totals, node->name.bytes, strlen(node->name.bytes));
		if (total)
			add_machine(total, node);
	}
	if (totals->by != UQUEUE_BY_GPU)
		return;
	uc_gpus_add(&gpus, node->gres.bytes);
	for (size_t i = 0; i <= gpus.type_count; i++) {
		struct uc_span name =
			i < gpus.type_count ? gpus.type[i].name : span_of("gpu");
		uint64_t count =
			i < gpus.type_count ? gpus.type[i].count : gpus.count - typed;

		if (!count)
			continue;
		typed += count;
		total = find_total(totals, name.at, name.len);
		if (total)
			total->gpus += count;
	}
}

static int compare_rows(const void *a, const void *b, void *context)
{
	const struct uqueue_total *x = *(struct uqueue_total *const *)a,
				  *y = *(struct uqueue_total *const *)b;
	const enum uqueue_by *by = context;

	if (*by != UQUEUE_BY_NODE && *by != UQUEUE_BY_GPU) {
		if (x->running.gpus != y->running.gpus)
			return x->running.gpus < y->running.gpus ? 1 : -1;
		if (x->running.cpus != y->running.cpus)
			return x->running.cpus < y->running.cpus ? 1 : -1;
	}
	return strverscmp(x->name, y->name);
}

/* CPUs and memory of a model's nodes are not its own: no share of them. */
static void finish(struct totals *totals)
{
	for (size_t i = 0; i < totals->count; i++) {
		struct uqueue_total *total = totals->row[i];

		if (totals->by == UQUEUE_BY_NODE || totals->by == UQUEUE_BY_GPU)
			continue;
		total->cpus = totals->machine.cpus;
		total->gpus = totals->machine.gpus;
		total->memory = totals->machine.memory;
	}
	if (totals->count)
		qsort_r(totals->row, totals->count, sizeof(struct uqueue_total *),
			compare_rows, &totals->by);
}

static int load(struct totals *totals, struct uc_source *source,
		const struct uqueue_args *args, struct uc_jobs **jobs,
		struct uc_error *err)
{
	const struct uqueue_wants wants = { .detail = totals->by == UQUEUE_BY_NODE };
	uc_auto(nodes) struct uc_nodes *nodes = NULL;
	struct uqueue_filter filter = { 0 };
	int rc = -1;

	if (uqueue_filter_make(&filter, args, uc_source_is_live(source), err) < 0 ||
	    uqueue_load(source, &filter, &wants, jobs, err) < 0 ||
	    uc_nodes_load(source, &nodes, err) < 0)
		goto out;
	for (size_t i = 0; i < nodes->count; i++)
		add_node(totals, &nodes->row[i]);
	for (size_t i = 0; i < (*jobs)->count; i++)
		if (uqueue_filter_match(&filter, &(*jobs)->row[i]))
			add_job(totals, &(*jobs)->row[i]);
	finish(totals);
	rc = totals->failed ? uc_fail(err, UC_FAILED, "out of memory") : 0;
out:
	uqueue_filter_free(&filter);
	return rc;
}

int uqueue_totals(struct uc_run *run, const struct uqueue_args *args)
{
	uc_auto(source) struct uc_source *source = NULL;
	uc_auto(jobs) struct uc_jobs *jobs = NULL;
	struct totals totals = { .by = (enum uqueue_by)args->by };
	struct uc_selection shown;
	struct uc_error err = { 0 };
	int status;

	if (uc_listing_select(run, uqueue_totals_columns[args->by], &args->listing,
			      &shown) < 0 ||
	    uc_run_config(run, NULL) < 0 || uc_run_source(run, 0, &source) < 0)
		return run->status;
	if (load(&totals, source, args, &jobs, &err) < 0)
		status = uc_run_error(run, &err);
	else
		status = uc_table_print(
			run,
			&(struct uc_table){ .name = "totals",
					    .rows = totals.row,
					    .count = totals.count,
					    .row_size = sizeof(struct uqueue_total *),
					    .now = jobs->now },
			&shown, &args->listing);
	free_totals(&totals);
	return status;
}
