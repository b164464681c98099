/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Asking slurmctld about a job that waits as if it were submitted anew, changed. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucluster/gres.h>
#include <ucluster/sooner.h>
#include <ucluster/state.h>
#include <ucluster/units.h>

/* Starts nearer than this are the same one. */
#define SAME 90

/* Options of the request, their text in one buffer: offsets, until it has stopped
 * growing. */
#define OPTIONS_MAX 32
struct request {
	struct {
		const char *name;
		size_t value;
	} option[OPTIONS_MAX];
	size_t count;
	struct uc_buf text;
};

static void add(struct request *request, const char *name, const char *value)
{
	if (!value || !*value || request->count == OPTIONS_MAX)
		return;
	request->option[request->count].name = name;
	request->option[request->count++].value = request->text.len;
	uc_buf_addn(&request->text, value, strlen(value) + 1);
}

static void add_number(struct request *request, const char *name, uint32_t number)
{
	char text[16];

	if (number == UC_NONE32 || !number)
		return;
	snprintf(text, sizeof(text), "%u", number);
	add(request, name, text);
}

/* "gres:gpu:a100:2" or "gres/gpu=2", of any release, as "--gpus=a100:2" wants it. */
static void add_gpus(struct request *request, const char *name, const char *tres)
{
	uc_auto(buf) struct uc_buf text = { 0 };
	struct uc_gres_walk walk = { .rest = tres };
	struct uc_gres item;

	while (uc_gres_next(&walk, &item)) {
		if (!uc_span_is(item.name, "gpu"))
			continue;
		uc_buf_addf(&text, "%s%.*s%s%" PRIu64, text.len ? "," : "",
			    (int)item.type.len, item.type.at ? item.type.at : "",
			    item.type.len ? ":" : "", item.count);
	}
	add(request, name, uc_buf_text(&text));
}

static void add_amounts(struct request *request, const struct uc_job *job)
{
	uc_auto(buf) struct uc_buf text = { 0 };

	if (job->time_limit == UC_DURATION_INFINITE || job->time_limit > 0) {
		uc_duration_format(&text, job->time_limit);
		add(request, "time", uc_buf_text(&text));
	}
	if (job->memory) {
		uc_buf_reset(&text);
		uc_buf_addf(&text, "%" PRIu64 "M", job->memory >> 20);
		add(request, job->memory_per_cpu ? "mem-per-cpu" : "mem",
		    uc_buf_text(&text));
	}
	uc_buf_reset(&text);
	uc_buf_addf(&text, "%u", job->node_count ? job->node_count : 1);
	if (job->node_max > job->node_count)
		uc_buf_addf(&text, "-%u", job->node_max);
	add(request, "nodes", uc_buf_text(&text));
	add_number(request, "ntasks", job->tasks);
	add_number(request, "cpus-per-task", job->cpus_per_task);
	add_number(request, "ntasks-per-node", job->tasks_per_node);
	if (job->sharing == UC_SHARING_NONE)
		add(request, "exclusive", "exclusive");
	request->text.failed = request->text.failed || text.failed;
}

static void describe(struct request *request, const struct uc_job *job)
{
	add(request, "partition", job->partition.bytes);
	add(request, "account", job->account.bytes);
	add(request, "qos", job->qos.bytes);
	add_amounts(request, job);
	add_gpus(request, "gpus", job->tres_per_job.bytes);
	add_gpus(request, "gpus-per-node", job->tres_per_node.bytes);
	add_gpus(request, "gpus-per-socket", job->tres_per_socket.bytes);
	add_gpus(request, "gpus-per-task", job->tres_per_task.bytes);
	add(request, "constraint", job->features.bytes);
	add(request, "reservation", job->reservation.bytes);
	add(request, "licenses", job->licenses.bytes);
	add(request, "nodelist", job->required_nodes.bytes);
	add(request, "exclude", job->excluded_nodes.bytes);
}

/* The start, 0 when it is refused; -1 when slurmctld does not answer. */
static int64_t ask(struct uc_source *src, const struct request *request,
		   const struct uc_sooner *change, struct uc_error *err)
{
	static const char *const argv[] = { "job", NULL };
	static const char *const environment[] = { "PATH=/usr/bin:/bin", NULL };
	struct uc_submit_option option[OPTIONS_MAX + 1];
	struct uc_submission job = { .script = "#!/bin/sh\n",
				     .argv = argv,
				     .environment = environment,
				     .workdir = "/",
				     .options = option };
	uc_auto(estimate) struct uc_estimate estimate = { 0 };
	struct uc_error why = { 0 };

	for (size_t i = 0; i < request->count; i++) {
		const char *value = uc_buf_text(&request->text);

		if (change && !strcmp(request->option[i].name, change->name))
			continue;
		option[job.option_count++] =
			(struct uc_submit_option){ request->option[i].name,
						   value + request->option[i].value };
	}
	if (change)
		option[job.option_count++] =
			(struct uc_submit_option){ change->name, change->value };
	if (uc_estimate(src, &job, &estimate, &why) == 0)
		return estimate.start > 0 ? estimate.start : 0;
	if (why.code != UC_UNREACHABLE)
		return 0;
	if (err)
		*err = why;
	return -1;
}

/* By start; those that start together stay in the order in which they were found. */
static void sort_changes(struct uc_sooner *change, size_t count)
{
	for (size_t i = 1; i < count; i++)
		for (size_t k = i; k > 0 && change[k].start < change[k - 1].start; k--) {
			struct uc_sooner held = change[k];

			change[k] = change[k - 1];
			change[k - 1] = held;
		}
}

/*
 * slurmctld answers for a job submitted now: to the time at which there is room it adds
 * what jobs that wait ask for, CPUs x time limit, divided by the partition's CPUs. It
 * counts those whose priority is not below the new one's. The job itself is among them
 * and has to be taken out again; so have those behind it, and for a job that fits into a
 * gap, those that it would not keep waiting.
 */
struct queue {
	const struct uc_partition *partition;
	const struct uc_sooner_facts *facts;
	const struct uc_job *job;
	uint64_t own, ahead, behind; /* CPU minutes */
	bool last;                   /* a new job is behind all others */
};

/* priority/basic counts down from the largest number: age is all that counts. */
#define PRIORITY_BASIC 4000000000u

/* CPUs x minutes, a whole node's CPUs for each node. */
static uint64_t space_of(const struct uc_job *job, const struct uc_partition *partition)
{
	uint64_t each = partition->total_nodes
				? partition->total_cpus / partition->total_nodes
				: 1;
	uint64_t cpus = (job->node_count ? job->node_count : 1) * (each ? each : 1);
	int64_t limit =
		job->time_limit == UC_NOT_SET ? partition->time_limit : job->time_limit;
	uint64_t minutes =
		limit == UC_DURATION_INFINITE ? UINT32_MAX : (uint64_t)limit / 60;

	return (job->cpus > cpus ? job->cpus : cpus) * minutes;
}

/* slurmctld counts a job in the first of its partitions. */
static bool is_in(const struct uc_job *job, const struct uc_partition *partition)
{
	const char *name = partition->name.bytes, *of = job->partition.bytes;
	size_t len = of ? strcspn(of, ",") : 0;

	return name && of && strlen(name) == len && memcmp(name, of, len) == 0;
}

static void measure_queue(struct queue *queue)
{
	const struct uc_partitions *partitions = queue->facts->partitions;
	const struct uc_jobs *jobs = queue->facts->jobs;

	for (size_t i = 0; partitions && i < partitions->count; i++)
		if (is_in(queue->job, &partitions->row[i]))
			queue->partition = &partitions->row[i];
	if (!queue->partition)
		return;
	queue->own = space_of(queue->job, queue->partition);
	queue->last = queue->job->priority > PRIORITY_BASIC;
	for (size_t i = 0; jobs && i < jobs->count; i++) {
		const struct uc_job *job = &jobs->row[i];

		/* a held one has priority 0, below any new one's */
		if ((job->state & UC_JOB_BASE) != UC_JOB_PENDING || !job->priority ||
		    job->job_id == queue->job->job_id || !is_in(job, queue->partition))
			continue;
		*(job->priority >= queue->job->priority ? &queue->ahead
							: &queue->behind) +=
			space_of(job, queue->partition);
	}
}

/* What slurmctld added for that much, in seconds. */
static int64_t delay_of(const struct queue *queue, uint64_t space)
{
	uint64_t cpus = queue->partition ? queue->partition->total_cpus : 0;

	return cpus ? (int64_t)(space / cpus * 60) : 0;
}

/* It waits for a reservation to end: to that nothing was added. */
static bool is_after_reservation(const struct queue *queue, int64_t start)
{
	const struct uc_reservations *all = queue->facts->reservations;

	for (size_t i = 0; all && i < all->count; i++)
		if (start >= all->row[i].end_time - SAME &&
		    start <= all->row[i].end_time + SAME)
			return true;
	return false;
}

/*
 * The answer without what does not delay it. Where one cannot know how many of those
 * behind it were counted, none is taken out of the answer for a change, which is thereby
 * rather too late, and all of that for the job as it is.
 */
static int64_t corrected(const struct queue *queue, const struct uc_sooner *change,
			 int64_t start)
{
	uint64_t space = queue->own;

	if (start <= 0 || is_after_reservation(queue, start) ||
	    (change && change->kind == UC_SOONER_PARTITION))
		return start;
	if (change && change->frees)
		space += queue->ahead;
	if (queue->last || !change)
		space += queue->behind;
	start -= delay_of(queue, space);
	return start > queue->facts->now ? start : queue->facts->now;
}

static bool helps(const struct queue *queue, const struct uc_sooner *change,
		  int64_t alone)
{
	const int64_t now = queue->facts->now;
	/* slurmctld's plan knows who is ahead */
	int64_t expected = queue->job->start_time > now ? queue->job->start_time : alone;

	if (!change->start)
		return false;
	if (change->end_by && change->start + change->limit > change->end_by)
		return false;
	/* there is room for it, but others go first, or a limit keeps it back */
	if (change->frees && expected <= now + SAME)
		return change->start <= now + SAME;
	return !expected || change->start + SAME <= expected;
}

int uc_sooner_test(struct uc_source *src, const struct uc_job *job,
		   const struct uc_sooner_facts *facts, struct uc_sooner_list *list,
		   struct uc_error *err)
{
	const int64_t end = uc_monotonic_ms() + facts->deadline_ms;
	struct queue queue = { .facts = facts, .job = job };
	struct request request = { 0 };
	int64_t alone = 0;
	size_t kept = 0;

	describe(&request, job);
	if (request.text.failed) {
		uc_buf_free(&request.text);
		return uc_fail(err, UC_FAILED, "out of memory");
	}
	measure_queue(&queue);
	if (list->count)
		alone = corrected(&queue, NULL, ask(src, &request, NULL, err));
	for (size_t i = 0; i < list->count && alone >= 0 && uc_monotonic_ms() < end;
	     i++) {
		struct uc_sooner one = list->item[i];

		one.start = corrected(&queue, &one, ask(src, &request, &one, err));
		if (one.start < 0)
			alone = -1;
		else if (helps(&queue, &one, alone))
			list->item[kept++] = one;
	}
	uc_buf_free(&request.text);
	list->count = kept;
	sort_changes(list->item, kept);
	list->as_is = alone > 0 ? alone : 0;
	return alone < 0 ? -1 : 0;
}
