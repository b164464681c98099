/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Jobs as they are named: "4711", "4711_7", "4711_[3-9]", "4711+1". */
#include <string.h>
#include <ucluster/action.h>

/* Slurm's own limit of MaxArraySize is one more. */
#define TASK_MAX 4000000

/* Digits at *p as a number below UC_NONE32; false when there are none. */
static bool read_number(const char **p, uint32_t *out)
{
	const char *start = *p;
	uint64_t value = 0;

	for (; **p >= '0' && **p <= '9' && value < UC_NONE32; ++*p)
		value = 10 * value + (uint64_t)(**p - '0');
	*out = (uint32_t)value;
	return *p > start && value < UC_NONE32;
}

bool uc_tasks_next(const char **rest, struct uc_tasks *out)
{
	const char *p = *rest;

	out->step = 1;
	if (!p || !read_number(&p, &out->first))
		return false;
	out->last = out->first;
	if (*p == '-' && (++p, !read_number(&p, &out->last)))
		return false;
	if (*p == ':' && (++p, !read_number(&p, &out->step) || !out->step))
		return false;
	if (out->first > out->last || out->last > TASK_MAX)
		return false;
	*rest = *p == ',' ? p + 1 : p;
	return true;
}

/* Behind "3-9,12-20:2%4]" when it is that, else NULL. */
static const char *skip_tasks(const char *text)
{
	struct uc_tasks range;
	const char *p = text;
	uint32_t at_once;

	for (;;) {
		if (!uc_tasks_next(&p, &range))
			return NULL;
		if (p[-1] != ',')
			break;
	}
	if (*p == '%' && (++p, !read_number(&p, &at_once)))
		return NULL;
	return *p == ']' ? p + 1 : NULL;
}

static bool read_part(const char **p, struct uc_job_id *id)
{
	const char *end;

	if (**p == '+') {
		++*p;
		return read_number(p, &id->component);
	}
	if (**p != '_')
		return !**p;
	++*p;
	if (**p != '[')
		return read_number(p, &id->task);
	id->tasks = *p + 1;
	end = skip_tasks(id->tasks);
	*p = end;
	return end;
}

int uc_job_id_parse(const char *text, struct uc_job_id *out, struct uc_error *err)
{
	struct uc_job_id id = { .task = UC_NONE32, .component = UC_NONE32 };
	const char *p = text;

	if (read_number(&p, &id.job) && id.job && read_part(&p, &id) && !*p) {
		*out = id;
		return 0;
	}
	return uc_fail(err, UC_USAGE,
		       "'%s' is no job id: expected 4711, 4711_3, 4711_[3-9] or 4711+1",
		       text);
}

/* Whether `task` is one of "2-9,12-20:4%2". */
static bool is_among(const char *tasks, uint32_t task)
{
	struct uc_tasks range;

	while (uc_tasks_next(&tasks, &range))
		if (task >= range.first && task <= range.last &&
		    (task - range.first) % range.step == 0)
			return true;
	return false;
}

bool uc_job_id_has_task(const struct uc_job_id *id, uint32_t array, uint32_t task)
{
	if (id->job != array || id->component != UC_NONE32)
		return false;
	if (id->tasks)
		return is_among(id->tasks, task);
	return id->task == UC_NONE32 || id->task == task;
}

/* Whether two ranges have a task in common. */
static bool meet(const struct uc_tasks *a, const struct uc_tasks *b)
{
	const struct uc_tasks *wide = a->step > b->step ? a : b;
	const struct uc_tasks *narrow = wide == a ? b : a;
	uint64_t task = wide->first;

	if (b->first > a->last || b->last < a->first)
		return false;
	if (task < narrow->first)
		task += (narrow->first - task + wide->step - 1) / wide->step * wide->step;
	/* after narrow->step of them the remainders come again */
	for (uint64_t n = 0; n < narrow->step; n++, task += wide->step) {
		if (task > wide->last || task > narrow->last)
			return false;
		if ((task - narrow->first) % narrow->step == 0)
			return true;
	}
	return false;
}

static bool overlap(const char *tasks, const char *others)
{
	struct uc_tasks a, b;

	while (uc_tasks_next(&tasks, &a))
		for (const char *rest = others; uc_tasks_next(&rest, &b);)
			if (meet(&a, &b))
				return true;
	return false;
}

bool uc_job_id_match(const struct uc_job_id *id, const struct uc_job *job)
{
	if (id->component != UC_NONE32)
		return id->job == job->het_job_id && id->component == job->het_offset;
	if (id->task == UC_NONE32 && !id->tasks)
		return id->job == job->job_id || id->job == job->array_job_id ||
		       id->job == job->het_job_id;
	if (id->job != job->array_job_id)
		return false;
	if (job->array_task_id != UC_NONE32)
		return uc_job_id_has_task(id, id->job, job->array_task_id);
	if (uc_raw_empty(job->array_tasks))
		return false;
	return id->tasks ? overlap(id->tasks, job->array_tasks.bytes)
			 : is_among(job->array_tasks.bytes, id->task);
}
