/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "slurm/cache.h"
#include "slurm/history.h"
#include "slurm/source_ops.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

struct uc_source {
	const struct uc_source_ops *ops;
	void *self;
	struct uc_cache *cache; /* NULL: none */
	int64_t rest_age_ms;    /* 0: only jobs go through it */
	struct uc_asked asked;
};

static const struct uc_source_ops *const all_sources[] = {
	&uc_source_slurm,
	&uc_source_record,
	&uc_source_synthetic,
};

#define SOURCE_COUNT (sizeof(all_sources) / sizeof(all_sources[0]))

int64_t uc_clock_now(void)
{
	return (int64_t)time(NULL);
}

static const struct uc_source_ops *find_source(const char *name, const char **words)
{
	const char *colon = strchr(name, ':');
	size_t len = colon ? (size_t)(colon - name) : strlen(name);

	*words = colon ? colon + 1 : "";
	for (size_t i = 0; i < SOURCE_COUNT; i++) {
		const char *known = all_sources[i]->name;

		if (strlen(known) == len && !memcmp(known, name, len))
			return all_sources[i];
	}
	return NULL;
}

int uc_source_open(const char *name, const struct uc_source_options *options,
		   struct uc_source **out, struct uc_error *err)
{
	static const struct uc_source_options defaults;
	const char *words;
	const struct uc_source_ops *ops = find_source(name, &words);
	struct uc_source *src;

	if (!ops)
		return uc_fail(err, UC_USAGE,
			       "no source '%s': expected slurm:, record:DIR or "
			       "synthetic:nodes=N,jobs=N,seed=N",
			       name);
	src = calloc(1, sizeof(*src));
	if (!src)
		return uc_fail(err, UC_FAILED, "out of memory");
	src->ops = ops;
	if (ops->open(words, options ? options : &defaults, &src->self, err) < 0) {
		free(src);
		return -1;
	}
	*out = src;
	return 0;
}

void uc_source_free(struct uc_source *src)
{
	if (!src)
		return;
	src->ops->close(src->self);
	uc_cache_free(src->cache);
	free(src);
}

void uc_source_rest(struct uc_source *src)
{
	if (src->ops->rest)
		src->ops->rest(src->self);
}

void uc_source_tidy(struct uc_source *src)
{
	if (src->ops->tidy)
		src->ops->tidy(src->self);
}

bool uc_source_is_live(const struct uc_source *src)
{
	return src->ops->live;
}

int64_t uc_source_now(const struct uc_source *src)
{
	return src->ops->now(src->self);
}

int uc_source_ping(struct uc_source *src, struct uc_error *err)
{
	return src->ops->ping ? src->ops->ping(src->self, err) : 0;
}

static bool has_id(const uint32_t *ids, size_t count, uint32_t id)
{
	for (size_t i = 0; i < count; i++)
		if (ids[i] == id)
			return true;
	return false;
}

static bool is_asked_for(const struct uc_job_query *query, const struct uc_job *job)
{
	if (query->user_count &&
	    !has_id(query->user_ids, query->user_count, job->user_id))
		return false;
	if (!uc_job_query_has_state(query, job->state))
		return false;
	if (!query->job_count)
		return true;
	return has_id(query->job_ids, query->job_count, job->job_id) ||
	       (job->array_job_id &&
		has_id(query->job_ids, query->job_count, job->array_job_id)) ||
	       (job->het_job_id &&
		has_id(query->job_ids, query->job_count, job->het_job_id));
}

/* Fields that nobody asked for, made as if unset: no caller gets used to them. */
static void clear_others(const struct uc_fields *wanted, struct uc_job *row)
{
	const struct uc_rows_type *type = uc_rows_type(UC_ROWS_JOBS);
	struct uc_job clear;

	uc_row_clear(type, &clear);
	for (size_t i = 0; i < type->field_count; i++)
		if (!uc_fields_have(wanted, i))
			uc_row_copy_field(&type->fields[i], &clear, row);
}

/* In place: the rows are in the snapshot's own arena and nobody has seen them yet. */
static int filter_jobs(const struct uc_job_query *query, struct uc_rows *rows,
		       struct uc_error *err)
{
	struct uc_job *row = (struct uc_job *)(uintptr_t)rows->row;
	struct uc_fields wanted;
	size_t kept = 0;

	if (query->fields &&
	    uc_fields_parse(uc_rows_type(UC_ROWS_JOBS), query->fields, &wanted, err) < 0)
		return -1;
	for (size_t i = 0; i < rows->count; i++)
		if (is_asked_for(query, &row[i]))
			row[kept++] = row[i];
	rows->count = kept;
	for (size_t i = 0; query->fields && i < kept; i++)
		clear_others(&wanted, &row[i]);
	return 0;
}

static int load_jobs(struct uc_source *src, const struct uc_job_query *query,
		     struct uc_jobs **out, struct uc_error *err)
{
	struct uc_rows *rows = NULL;

	if (src->ops->load(src->self, UC_ROWS_JOBS, query, &rows, err) < 0)
		return -1;
	if (!src->ops->filters && filter_jobs(query, rows, err) < 0) {
		uc_rows_free(rows);
		return -1;
	}
	*out = (struct uc_jobs *)rows;
	return 0;
}

int uc_jobs_load(struct uc_source *src, const struct uc_job_query *query,
		 struct uc_jobs **out, struct uc_error *err)
{
	static const struct uc_job_query everything;
	const int64_t begun = uc_clock_ms();
	int rc;

	if (!query)
		query = &everything;
	if (src->cache && query->max_age_ms) {
		rc = uc_cache_jobs(src->cache, query, load_jobs, src, out, err);
		src->asked = *uc_cache_asked(src->cache);
		return rc;
	}
	rc = load_jobs(src, query, out, err);
	src->asked = (struct uc_asked){ begun, uc_clock_ms() - begun, false };
	return rc;
}

int uc_source_cache(struct uc_source *src, const char *dir, const char *name,
		    struct uc_error *err)
{
	uc_cache_free(src->cache);
	src->cache = NULL;
	return uc_cache_new(dir, name, &src->cache, err);
}

void uc_source_asked(const struct uc_source *src, struct uc_asked *out)
{
	*out = src->asked;
}

void uc_source_cache_rest(struct uc_source *src, int64_t max_age_ms)
{
	src->rest_age_ms = max_age_ms;
}

static int ask_rows(struct uc_source *src, enum uc_rows_kind kind, struct uc_rows **out,
		    struct uc_error *err)
{
	return src->ops->load(src->self, kind, NULL, out, err);
}

static int load_rows(struct uc_source *src, enum uc_rows_kind kind, struct uc_rows **out,
		     struct uc_error *err)
{
	if (src->cache && src->rest_age_ms)
		return uc_cache_rows(src->cache,
				     &(struct uc_rows_question){ kind, src->rest_age_ms },
				     ask_rows, src, out, err);
	return ask_rows(src, kind, out, err);
}

int uc_nodes_load(struct uc_source *src, struct uc_nodes **out, struct uc_error *err)
{
	struct uc_rows *rows = NULL;

	if (load_rows(src, UC_ROWS_NODES, &rows, err) < 0)
		return -1;
	*out = (struct uc_nodes *)rows;
	return 0;
}

int uc_partitions_load(struct uc_source *src, struct uc_partitions **out,
		       struct uc_error *err)
{
	struct uc_rows *rows = NULL;

	if (load_rows(src, UC_ROWS_PARTITIONS, &rows, err) < 0)
		return -1;
	*out = (struct uc_partitions *)rows;
	return 0;
}

int uc_limits_load(struct uc_source *src, uint32_t user_id, struct uc_limits **out,
		   struct uc_error *err)
{
	const struct uc_job_query query = { .user_ids = &user_id, .user_count = 1 };
	struct uc_rows *rows = NULL;

	/* recordings and made-up clusters have no accounting */
	if (!src->ops->live)
		rows = uc_rows_new(UC_ROWS_LIMITS, 0, src->ops->now(src->self), err);
	else if (src->ops->load(src->self, UC_ROWS_LIMITS, &query, &rows, err) < 0)
		return -1;
	*out = (struct uc_limits *)rows;
	return rows ? 0 : -1;
}

int uc_reservations_load(struct uc_source *src, struct uc_reservations **out,
			 struct uc_error *err)
{
	struct uc_rows *rows = NULL;

	if (load_rows(src, UC_ROWS_RESERVATIONS, &rows, err) < 0)
		return -1;
	*out = (struct uc_reservations *)rows;
	return 0;
}

int uc_act_check(const struct uc_source *src, struct uc_error *err)
{
	if (src->ops->live && src->ops->act)
		return 0;
	uc_fail(err, UC_DENIED,
		"'%s:' is not a live cluster: nothing is done to its jobs",
		src->ops->name);
	return uc_hint(err, "unset UC_SOURCE to use the cluster");
}

int uc_act(struct uc_source *src, const struct uc_action *action,
	   const struct uc_target *target, char **note, struct uc_error *err)
{
	*note = NULL;
	if (uc_act_check(src, err) < 0)
		return -1;
	return src->ops->act(src->self, action, target, note, err);
}

int uc_history_load(struct uc_source *src, const struct uc_history_query *query,
		    struct uc_history_facts *facts, struct uc_history **out,
		    struct uc_error *err)
{
	const struct uc_job_query jobs_of = { .user_ids = query->user_ids,
					      .user_count = query->user_count,
					      .job_ids = query->job_ids,
					      .job_count = query->job_count };
	uc_auto(jobs) struct uc_jobs *jobs = NULL;
	struct uc_rows *rows = NULL;

	*facts = (struct uc_history_facts){ .origin = UC_HISTORY_MEMORY,
					    .why = "this cluster has no accounting" };
	if (src->ops->history &&
	    src->ops->history(src->self, query, facts, &rows, err) < 0)
		return -1;
	if (rows) {
		facts->origin = UC_HISTORY_ACCOUNTING;
		facts->why[0] = '\0';
		*out = (struct uc_history *)rows;
		return 0;
	}
	if (uc_jobs_load(src, &jobs_of, &jobs, err) < 0)
		return -1;
	*out = uc_history_of_jobs(jobs, query, err);
	return *out ? 0 : -1;
}

int uc_step_task_node(struct uc_source *src, const struct uc_step *step, uint32_t task,
		      struct uc_buf *node, struct uc_error *err)
{
	if (!src->ops->task_node)
		return uc_fail(err, UC_NOTFOUND, "'%s:' does not know where tasks run",
			       src->ops->name);
	return src->ops->task_node(src->self, step, task, node, err);
}

int uc_steps_load(struct uc_source *src, uint32_t job_id, struct uc_steps **out,
		  struct uc_error *err)
{
	const struct uc_job_query query = { .job_ids = &job_id, .job_count = 1 };
	struct uc_rows *rows = NULL;

	if (!src->ops->live)
		rows = uc_rows_new(UC_ROWS_STEPS, 0, uc_source_now(src), err);
	else if (src->ops->load(src->self, UC_ROWS_STEPS, &query, &rows, err) < 0)
		return -1;
	*out = (struct uc_steps *)rows;
	return rows ? 0 : -1;
}

int uc_source_probe(struct uc_source *src, uint32_t what, struct uc_strv *facts,
		    struct uc_error *err)
{
	if (!src->ops->probe)
		return uc_fail(err, UC_DENIED, "'%s:' is not a live cluster",
			       src->ops->name);
	return src->ops->probe(src->self, what, facts, err);
}

void uc_submitted_free(struct uc_submitted *result)
{
	free(result->note);
	free(result->message);
	*result = (struct uc_submitted){ 0 };
}

int uc_submit(struct uc_source *src, const struct uc_submission *job,
	      struct uc_submitted *result, struct uc_error *err)
{
	*result = (struct uc_submitted){ 0 };
	if (!src->ops->live || !src->ops->submit) {
		uc_fail(err, UC_DENIED,
			"'%s:' is not a live cluster: nothing is submitted",
			src->ops->name);
		return uc_hint(err, "unset UC_SOURCE to use the cluster");
	}
	return src->ops->submit(src->self, job, result, err);
}

void uc_estimate_free(struct uc_estimate *result)
{
	free(result->nodes);
	free(result->partition);
	free(result->preempted);
	*result = (struct uc_estimate){ 0 };
}

int uc_estimate(struct uc_source *src, const struct uc_submission *job,
		struct uc_estimate *result, struct uc_error *err)
{
	int rc;

	*result = (struct uc_estimate){ 0 };
	if (!src->ops->estimate)
		return uc_fail(err, UC_DENIED,
			       "'%s:' is not a live cluster: nobody can say when a job "
			       "would start",
			       src->ops->name);
	rc = src->ops->estimate(src->self, job, result, err);
	if (rc < 0)
		uc_estimate_free(result);
	return rc;
}
