/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Which jobs are rows, those of an array folded into one, and in which order. */
#include <stdlib.h>
#include <string.h>
#include <ucluster/state.h>
#include "udash/jobs.h"

/* --- which rows --- */

static bool matches(const struct dash *d, const struct uc_job *job)
{
	const char *part = uc_buf_text(&d->filter);
	uc_auto(buf) struct uc_buf id = { 0 };

	/* what became of one's own is of interest */
	if (!dash_is_mine(d, job) &&
	    (!d->everybody || (uc_job_is_finished(job->state) && !uc_job_holds(job))))
		return false;
	if (!part[0])
		return true;
	uc_buf_job_id(&id, job, UC_NONE32);
	return dash_text_has(uc_buf_text(&id), part) ||
	       dash_text_has(job->user.bytes, part) ||
	       dash_text_has(job->name.bytes, part) ||
	       dash_text_has(job->partition.bytes, part) ||
	       dash_text_has(job->account.bytes, part) ||
	       dash_text_has(job->nodes.bytes, part) ||
	       dash_text_has(uc_job_state_name(job->state), part);
}

struct dash_id jobs_array_id(const struct uc_job *job)
{
	return (struct dash_id){ job->array_job_id, 1 };
}

/* An array that is folded is the same one however many of its tasks have records. */
struct dash_id jobs_row_id(const void *rows, size_t index)
{
	const struct jobs_row *row = &((const struct jobs_row *)rows)[index];

	if (row->job->array_job_id && !row->inside)
		return (struct dash_id){ row->job->array_job_id,
					 (uint64_t)row->submitted << 1 | 1 };
	return dash_job_id(row->job);
}

const struct uc_job *jobs_row_next(const struct dash *d, const struct jobs_pane *p,
				   const struct jobs_row *row, const struct uc_job *job)
{
	const struct uc_job *jobs = d->data->jobs->row;

	if (!job)
		return &jobs[row->first];
	return job == &jobs[row->last] ? NULL : &jobs[p->next[job - jobs]];
}

bool jobs_row_is_array(const struct jobs_row *row)
{
	return row->records > 1 || (!row->inside && row->job->array_job_id &&
				    !uc_raw_empty(row->job->array_tasks));
}

void jobs_row_name(struct uc_buf *out, const struct jobs_row *row)
{
	if (jobs_row_is_array(row))
		uc_buf_addf(out, "%u[+]", row->job->array_job_id);
	else
		uc_buf_job_id(out, row->job, UC_NONE32);
}

static void count_into(struct jobs_row *row, const struct uc_job *job)
{
	const uint32_t tasks = uc_array_count(job->array_tasks.bytes);

	row->records++;
	if (job->submit_time < row->submitted)
		row->submitted = job->submit_time;
	row->running += uc_job_holds(job);
	if (uc_job_waits(job))
		row->waiting += tasks && tasks != UC_NONE32 ? tasks : 1;
	if (uc_job_holds(job) && job->gpus != UC_NONE32)
		row->gpus += job->gpus;
	if (uc_job_waits(job)) /* the rest of the array says more than a task */
		row->job = job;
}

/* The rows of folded arrays, found by the array's id. */
struct arrays {
	struct {
		uint32_t id, row;
	} * slot;
	size_t slots;
};

/* The row of this array, or where to put it. */
static uint32_t *array_row(struct arrays *arrays, uint32_t id)
{
	size_t at = (size_t)(id * 0x9e3779b1u) & (arrays->slots - 1);

	while (arrays->slot[at].id && arrays->slot[at].id != id)
		at = (at + 1) & (arrays->slots - 1);
	if (!arrays->slot[at].id)
		arrays->slot[at].row = UINT32_MAX;
	arrays->slot[at].id = id;
	return &arrays->slot[at].row;
}

static bool reserve(struct jobs_pane *p, size_t count, struct arrays *arrays)
{
	if (count > p->room) {
		struct jobs_row *row = reallocarray(p->row, count, sizeof(*row));
		uint32_t *next = reallocarray(p->next, count, sizeof(*next));

		p->row = row ? row : p->row;
		p->next = next ? next : p->next;
		if (!row || !next)
			return false;
		p->room = count;
	}
	for (arrays->slots = 64; arrays->slots < 2 * count; arrays->slots *= 2)
		;
	arrays->slot = calloc(arrays->slots, sizeof(*arrays->slot));
	return arrays->slot != NULL;
}

static size_t collect(struct dash *d, struct jobs_pane *p, struct arrays *arrays)
{
	const struct uc_jobs *jobs = d->data->jobs;
	size_t count = 0;

	for (size_t i = 0; i < jobs->count; i++) {
		const struct uc_job *job = &jobs->row[i];
		uint32_t *place = NULL;
		const bool unfolded = job->array_job_id &&
				      dash_set_has(&p->unfolded, jobs_array_id(job));

		if (!matches(d, job))
			continue;
		if (job->array_job_id && !unfolded) {
			place = array_row(arrays, job->array_job_id);
			if (*place != UINT32_MAX) {
				p->next[p->row[*place].last] = (uint32_t)i;
				p->row[*place].last = (uint32_t)i;
				count_into(&p->row[*place], job);
				continue;
			}
			*place = (uint32_t)count;
		}
		p->row[count] = (struct jobs_row){ .job = job,
						   .first = (uint32_t)i,
						   .last = (uint32_t)i,
						   .submitted = job->submit_time,
						   .inside = unfolded };
		count_into(&p->row[count++], job);
	}
	return count;
}

/* --- their order --- */

/* Running, then waiting, then the rest. */
static uint64_t state_rank(const struct uc_job *job)
{
	return uc_job_holds(job) ? 0 : uc_job_waits(job) ? 1 : 2;
}

static uint64_t number_of(const struct jobs_row *row, enum jobs_sort sort, int64_t now)
{
	const struct uc_job *job = row->job;

	switch (sort) {
	case JOBS_BY_STATE:
		return state_rank(job) << 32 |
		       (uc_job_waits(job) ? UINT32_MAX - job->priority : 0);
	case JOBS_BY_TIME:
		return INT64_MAX - (uint64_t)uc_job_elapsed(job, now);
	case JOBS_BY_GPUS:
		return UINT64_MAX - (row->records > 1         ? row->gpus
				     : job->gpus == UC_NONE32 ? 0
							      : job->gpus);
	case JOBS_BY_PRIORITY:
		return UINT32_MAX - job->priority;
	default:
		return 0;
	}
}

static int compare_text(struct uc_raw a, struct uc_raw b)
{
	return strcmp(a.bytes ? a.bytes : "", b.bytes ? b.bytes : "");
}

static uint32_t main_id(const struct uc_job *job)
{
	return job->array_job_id ? job->array_job_id : job->job_id;
}

/* Newest first, tasks of an array in their order. */
static int compare_ids(const struct uc_job *a, const struct uc_job *b)
{
	const uint32_t x = main_id(a), y = main_id(b);

	if (x != y)
		return x < y ? 1 : -1;
	if (a->array_task_id != b->array_task_id)
		return a->array_task_id < b->array_task_id ? -1 : 1;
	return a->job_id < b->job_id ? -1 : a->job_id > b->job_id;
}

static int compare_rows(const void *a, const void *b, void *arg)
{
	const struct jobs_row *x = a, *y = b;
	const struct jobs_pane *p = arg;
	int order = 0;

	if (p->sort == JOBS_BY_USER)
		order = compare_text(x->job->user, y->job->user);
	else if (p->sort == JOBS_BY_NAME)
		order = compare_text(x->job->name, y->job->name);
	else if (p->sort == JOBS_BY_PARTITION)
		order = compare_text(x->job->partition, y->job->partition);
	else if (x->key != y->key)
		order = x->key < y->key ? -1 : 1;
	if (!order)
		order = compare_ids(x->job, y->job);
	return p->inverted ? -order : order;
}

/* --- how wide they are --- */

static uint8_t digits(uint32_t number)
{
	uint8_t count = 1;

	for (; number > 9; number /= 10)
		count++;
	return count;
}

static void widest(uint8_t *most, size_t width)
{
	if (width > *most)
		*most = width > UINT8_MAX ? UINT8_MAX : (uint8_t)width;
}

/* Columns as wide as what is in them, within bounds: they stay so while one scrolls. */
static void measure(struct dash *d, const struct jobs_pane *p, size_t count)
{
	uint8_t *wanted = d->columns[DASH_JOBS].wanted;
	uint8_t id = 5, user = 4, name = 8, partition = 4;

	for (size_t i = 0; i < count; i++) {
		const struct uc_job *job = p->row[i].job;
		size_t wide = digits(main_id(job));

		if (jobs_row_is_array(&p->row[i]))
			wide += 3;
		else if (!uc_raw_empty(job->array_tasks))
			wide += 3 + strlen(job->array_tasks.bytes);
		else if (job->array_job_id)
			wide += 1u + digits(job->array_task_id);
		widest(&id, wide);
		widest(&user, job->user.bytes ? strlen(job->user.bytes) : 0);
		widest(&name, job->name.bytes ? strlen(job->name.bytes) : 0);
		widest(&partition,
		       job->partition.bytes ? strlen(job->partition.bytes) : 0);
	}
	wanted[JOBS_ID] = id > 16 ? 16 : id;
	wanted[JOBS_USER] = user > 12 ? 12 : user;
	wanted[JOBS_NAME] = name > 24 ? 24 : name;
	wanted[JOBS_PARTITION] = partition > 12 ? 12 : partition;
}

void jobs_rows_take(struct dash *d, struct jobs_pane *p)
{
	struct arrays arrays = { 0 };
	size_t count;

	if (!d->data || !reserve(p, d->data->jobs->count + 1, &arrays))
		return;
	count = collect(d, p, &arrays);
	free(arrays.slot);
	for (size_t i = 0; i < count; i++)
		p->row[i].key = number_of(&p->row[i], p->sort, d->data->now);
	qsort_r(p->row, count, sizeof(*p->row), compare_rows, p);
	measure(d, p, count);
	dash_list_sync(&p->list, p->row, count, jobs_row_id);
}
