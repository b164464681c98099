/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "slurm/synthetic.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <ucluster/state.h>
#include "slurm/source_ops.h"

#define NODES_MAX 100000
#define JOBS_MAX  2000000

const struct uc_synth_kind uc_synth_kinds[UC_SYNTH_KINDS] = {
	{ "a100", 8, 128, 1024, "gpu-a", "gpu" },
	{ "h100", 4, 96, 768, "gpu-h", "gpu" },
	{ NULL, 0, 64, 256, "cpu", "batch" },
};

/* splitmix64: every draw from one state, the same on every machine. */
static uint64_t draw(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static uint32_t below(uint64_t *state, uint32_t limit)
{
	return (uint32_t)(draw(state) % limit);
}

static int read_number(const char *word, const char *name, uint64_t max, uint64_t *value,
		       struct uc_error *err)
{
	char *end;

	errno = 0;
	*value = strtoull(word, &end, 10);
	if (errno || end == word || *end || *word == '-' || *value > max)
		return uc_fail(err, UC_USAGE, "%s=%s: expected a number from 0 to %llu",
			       name, word, (unsigned long long)max);
	return 0;
}

static int read_words(struct uc_synth *synth, const char *words, struct uc_error *err)
{
	uint64_t values[] = { 8, 100, 1 };
	static const struct {
		const char *name;
		uint64_t max;
	} keys[] = { { "nodes", NODES_MAX },
		     { "jobs", JOBS_MAX },
		     { "seed", UINT64_MAX } };

	while (*words) {
		size_t len = strcspn(words, ",");
		char word[64];
		char *value;
		size_t k = 0;

		if (len >= sizeof(word))
			return uc_fail(err, UC_USAGE, "'%.40s...' is too long", words);
		memcpy(word, words, len);
		word[len] = '\0';
		words += len + (words[len] == ',');
		value = strchr(word, '=');
		if (value)
			*value++ = '\0';
		while (k < 3 && strcmp(keys[k].name, word))
			k++;
		if (k == 3 || !value)
			return uc_fail(
				err, UC_USAGE,
				"synthetic: '%s': expected nodes=N, jobs=N or seed=N",
				word);
		if (read_number(value, keys[k].name, keys[k].max, &values[k], err) < 0)
			return -1;
	}
	synth->node_count = (uint32_t)values[0];
	synth->job_count = (uint32_t)values[1];
	synth->seed = values[2];
	return 0;
}

/* Of ten nodes six have A100s, two H100s, two no GPU; a few are out of service. */
static void draw_nodes(struct uc_synth *synth, uint64_t *rng)
{
	uint32_t numbers[UC_SYNTH_KINDS] = { 0 };

	for (uint32_t i = 0; i < synth->node_count; i++) {
		struct uc_synth_node *node = &synth->nodes[i];
		uint32_t place = i % 10;
		size_t kind = place < 6 ? 0 : place < 8 ? 1 : 2;

		node->kind = &uc_synth_kinds[kind];
		node->number = ++numbers[kind];
		switch (i ? below(rng, 50) : 10) {
		case 0:
			node->flags = UC_NODE_DRAIN;
			break;
		case 1:
			node->flags = UC_NODE_NO_RESPOND;
			break;
		case 2:
			node->flags = UC_NODE_RESERVED;
			break;
		}
	}
}

static void draw_request(const struct uc_synth *synth, struct uc_synth_job *job,
			 uint64_t *rng)
{
	static const uint16_t gpus[] = { 1, 1, 1, 1, 1, 2, 2, 4, 4, 8 };
	static const uint32_t minutes[] = { 60, 240, 480, 1440, 1440, 2880, 10080 };
	uint32_t r = below(rng, 100);

	job->kind = r < 65 ? 0 : r < 80 ? 1 : 2;
	job->user = (uint16_t)below(rng, synth->user_count);
	job->name = (uint16_t)below(rng, 16);
	job->node_count = 1;
	job->gpus = uc_synth_kinds[job->kind].gpus ? gpus[below(rng, 10)] : 0;
	if (job->gpus > uc_synth_kinds[job->kind].gpus)
		job->gpus = (uint16_t)uc_synth_kinds[job->kind].gpus;
	if (job->gpus == uc_synth_kinds[job->kind].gpus && job->gpus && !below(rng, 3))
		job->node_count = (uint16_t)(2 + below(rng, 3));
	job->cpus = (uint16_t)(job->gpus ? job->gpus * 8 : 1 + below(rng, 32));
	job->memory_gib = (uint16_t)(job->gpus ? job->gpus * 64 : job->cpus * 2);
	job->limit_minutes = minutes[below(rng, 7)];
	job->long_queue = job->limit_minutes > 2880;
	job->submitted = (int32_t)below(rng, 3 * 86400) + 60;
}

static bool fits(const struct uc_synth_node *node, const struct uc_synth_job *job)
{
	uint32_t free_gpus =
		node->kind->gpus - (uint32_t)__builtin_popcount(node->gpus_used);

	return node->kind == &uc_synth_kinds[job->kind] && !node->flags &&
	       job->gpus <= free_gpus &&
	       node->cpus_used + job->cpus <= node->kind->cpus &&
	       node->memory_used_gib + job->memory_gib <= node->kind->memory_gib;
}

static uint32_t take_gpus(struct uc_synth_node *node, uint32_t count)
{
	uint32_t bits = 0;

	for (uint32_t i = 0; i < node->kind->gpus && count; i++) {
		if (node->gpus_used & 1u << i)
			continue;
		bits |= 1u << i;
		count--;
	}
	node->gpus_used |= bits;
	return bits;
}

/* A few looks at random places: O(1) a job, and a busy cluster when jobs are many. */
static bool place(struct uc_synth *synth, struct uc_synth_job *job, uint64_t *rng)
{
	for (int look = 0; look < 12 && synth->node_count >= job->node_count; look++) {
		uint32_t at = below(rng, synth->node_count - job->node_count + 1u);
		uint32_t n = 0;

		while (n < job->node_count && fits(&synth->nodes[at + n], job))
			n++;
		if (n < job->node_count)
			continue;
		for (n = 0; n < job->node_count; n++) {
			struct uc_synth_node *node = &synth->nodes[at + n];

			node->cpus_used += job->cpus;
			node->memory_used_gib += job->memory_gib;
			job->gpu_bits = take_gpus(node, job->gpus);
		}
		job->node = at;
		return true;
	}
	return false;
}

static void draw_waiting(struct uc_synth_job *job, uint64_t *rng)
{
	/* Priority, Resources, Dependency, BeginTime, JobHeldUser, QOSMaxGRESPerUser */
	static const uint8_t reasons[] = { 1, 1, 1, 1, 1, 1, 3, 3, 2, 9, 16, 149 };

	job->state = UC_JOB_PENDING;
	job->reason = reasons[below(rng, sizeof(reasons))];
	job->started = 0;
}

static void draw_finished(struct uc_synth_job *job, uint64_t *rng)
{
	static const uint8_t states[] = { UC_JOB_COMPLETED, UC_JOB_COMPLETED,
					  UC_JOB_COMPLETED, UC_JOB_FAILED,
					  UC_JOB_CANCELLED, UC_JOB_TIMEOUT,
					  UC_JOB_OOM,       UC_JOB_NODE_FAIL };

	job->state = states[below(rng, sizeof(states))];
	job->submitted = 1200 + (int32_t)below(rng, 3600);
	job->started = 600 + (int32_t)below(rng, 300);
	job->node_count = 1;
}

static void draw_job(struct uc_synth *synth, struct uc_synth_job *job, uint64_t *rng)
{
	uint32_t fate;

	draw_request(synth, job, rng);
	fate = below(rng, 100);
	if (fate < 3 && synth->node_count) {
		draw_finished(job, rng);
		job->node = below(rng, synth->node_count);
	} else if (fate < 90 && place(synth, job, rng)) {
		job->state = fate == 3   ? UC_JOB_RUNNING | UC_JOB_COMPLETING
			     : fate == 4 ? UC_JOB_RUNNING | UC_JOB_CONFIGURING
			     : fate == 5 ? UC_JOB_SUSPENDED
					 : UC_JOB_RUNNING;
		job->started = 1 + (int32_t)below(rng, (uint32_t)job->submitted);
	} else {
		draw_waiting(job, rng);
	}
}

static void draw_element(struct uc_synth *synth, struct uc_synth_job *job, uint64_t *rng,
			 bool last)
{
	if (last || !place(synth, job, rng)) {
		draw_waiting(job, rng);
		return;
	}
	job->state = UC_JOB_RUNNING;
	job->reason = 0;
	job->started = 1 + (int32_t)below(rng, (uint32_t)job->submitted);
}

/* A fifth of the jobs are elements of arrays of up to eight, the last of which is the
 * rest that has not started. */
static void draw_jobs(struct uc_synth *synth, uint64_t *rng)
{
	uint32_t id = 100000;

	for (uint32_t i = 0; i < synth->job_count;) {
		uint32_t run = below(rng, 20) ? 1 : 2 + below(rng, 7);
		uint32_t first = id + 1;

		for (uint32_t k = 0; k < run && i < synth->job_count; k++, i++) {
			struct uc_synth_job *job = &synth->jobs[i];

			if (k)
				*job = synth->jobs[i - 1];
			job->id = ++id;
			if (!k)
				draw_job(synth, job, rng);
			else
				draw_element(synth, job, rng, k + 1 == run);
			if (run == 1)
				continue;
			job->array_id = first;
			job->task_id = k;
			if (job->state == UC_JOB_PENDING) {
				job->task_id = UC_NONE32;
				job->reason = 72; /* JobArrayTaskLimit */
				i++;
				break;
			}
		}
	}
}

static void synthetic_close(void *self)
{
	struct uc_synth *synth = self;

	free(synth->nodes);
	free(synth->jobs);
	free(synth);
}

static int synthetic_open(const char *words, const struct uc_source_options *options,
			  void **self, struct uc_error *err)
{
	struct uc_synth *synth = calloc(1, sizeof(*synth));
	uint64_t rng;

	(void)options;
	if (!synth)
		return uc_fail(err, UC_FAILED, "out of memory");
	if (read_words(synth, words, err) < 0) {
		synthetic_close(synth);
		return -1;
	}
	synth->user_count = 5 + synth->job_count / 50;
	if (synth->user_count > 400)
		synth->user_count = 400;
	synth->nodes = calloc(synth->node_count + 1u, sizeof(*synth->nodes));
	synth->jobs = calloc(synth->job_count + 1u, sizeof(*synth->jobs));
	if (!synth->nodes || !synth->jobs) {
		synthetic_close(synth);
		return uc_fail(err, UC_FAILED, "out of memory");
	}
	rng = synth->seed;
	draw_nodes(synth, &rng);
	draw_jobs(synth, &rng);
	*self = synth;
	return 0;
}

static int64_t synthetic_now(void *self)
{
	(void)self;
	return UC_SYNTH_NOW;
}

static int synthetic_load(void *self, enum uc_rows_kind kind,
			  const struct uc_job_query *query, struct uc_rows **out,
			  struct uc_error *err)
{
	(void)query;
	return uc_synth_rows(self, kind, out, err);
}

const struct uc_source_ops uc_source_synthetic = {
	.name = "synthetic",
	.open = synthetic_open,
	.close = synthetic_close,
	.now = synthetic_now,
	.load = synthetic_load,
};
