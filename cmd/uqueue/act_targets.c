/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * Which records an action hits, and the least requests that hit just these. A plain
 * number means a whole array to slurmctld, even where it is the number of its last task
 * too: tasks are always named "4711_9".
 */
#include <stdlib.h>
#include <string.h>
#include <ucluster/state.h>
#include "uqueue/act.h"

#define NO_TARGET SIZE_MAX

/* An array or heterogeneous job, as far as the snapshot has it. */
struct group {
	uint32_t id;
	size_t live, chosen; /* records that have not ended, those of them that are hit */
	int64_t submit_time;
	uint32_t user_id;
	bool mixed; /* these differ: it takes more than one request */
	size_t target;
};

struct groups {
	struct group *item;
	size_t count;
};

/* Or is about to; one that is requeued completes and waits at the same time. */
static bool has_ended(const struct uc_job *job)
{
	return (job->state & UC_JOB_BASE) >= UC_JOB_COMPLETED;
}

/* What a filter is for; what is named by id is slurmctld's to judge, unless it ended. */
static bool suits(const struct uqueue_act *act, const struct uc_job *job)
{
	const bool named = act->filter.id_count > 0;
	const bool waits = uc_job_waits(job);

	if (act->action.kind == UC_ACTION_REQUEUE)
		return named || (!waits && !has_ended(job));
	if (has_ended(job))
		return false;
	switch (act->action.kind) {
	case UC_ACTION_CANCEL:
		return named || !act->action.signal || !waits;
	case UC_ACTION_HOLD:
		return named || (waits && job->priority > 0);
	case UC_ACTION_RELEASE:
		return named || (waits && job->priority == 0);
	default:
		return true;
	}
}

static uint32_t group_of(const struct uc_job *job)
{
	return job->het_job_id ? job->het_job_id : job->array_job_id;
}

/* "3-5,7" */
static void add_range(struct uc_buf *out, uint32_t first, uint32_t last)
{
	if (out->len)
		uc_buf_addc(out, ',');
	uc_buf_addi(out, first);
	if (last > first)
		uc_buf_addf(out, "%c%u", last == first + 1 ? ',' : '-', last);
}

/* Those tasks of a record that are asked for; all of them without `filter`. */
static int choose_tasks(const struct uqueue_filter *filter, const struct uc_job *job,
			struct uc_buf *out, struct uc_error *err)
{
	const char *rest = job->array_tasks.bytes;
	struct uc_tasks range;
	int64_t first = -1, last = -1;

	while (uc_tasks_next(&rest, &range)) {
		for (uint64_t task = range.first; task <= range.last;
		     task += range.step) {
			if (filter && !uqueue_filter_task(filter, job, (uint32_t)task))
				continue;
			if (first >= 0 && (int64_t)task == last + 1) {
				last = (int64_t)task;
				continue;
			}
			if (first >= 0)
				add_range(out, (uint32_t)first, (uint32_t)last);
			first = last = (int64_t)task;
		}
	}
	if (first >= 0)
		add_range(out, (uint32_t)first, (uint32_t)last);
	if (out->failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	if (*rest && *rest != '%')
		return uc_fail(err, UC_FAILED,
			       "the tasks of array %u are not known in full: '%s'",
			       job->array_job_id, job->array_tasks.bytes);
	return 0;
}

/* The whole record was asked for, by its own id or by everything else. */
static bool is_whole(const struct uqueue_filter *filter, const struct uc_job *job)
{
	return !filter->by_task || uqueue_filter_task(filter, job, UC_NONE32 - 1);
}

static int narrow(struct uqueue_hit *hit, const struct uqueue_filter *filter,
		  struct uc_error *err)
{
	uc_auto(buf) struct uc_buf tasks = { 0 };

	if (choose_tasks(filter, hit->row.job, &tasks, err) < 0)
		return -1;
	hit->narrowed = malloc(sizeof(*hit->narrowed));
	hit->tasks = uc_buf_take(&tasks);
	if (!hit->narrowed || !hit->tasks)
		return uc_fail(err, UC_FAILED, "out of memory");
	*hit->narrowed = *hit->row.job;
	hit->narrowed->array_tasks = uc_raw(hit->tasks);
	hit->row.job = hit->narrowed;
	return 0;
}

static int choose_hits(struct uqueue_act *act, struct uc_error *err)
{
	act->hits = calloc(act->jobs->count + 1, sizeof(*act->hits));
	if (!act->hits)
		return uc_fail(err, UC_FAILED, "out of memory");
	for (size_t i = 0; i < act->jobs->count; i++) {
		const struct uc_job *job = &act->jobs->row[i];
		struct uqueue_hit *hit = &act->hits[act->hit_count];

		if (!uqueue_filter_match(&act->filter, job) || !suits(act, job))
			continue;
		*hit = (struct uqueue_hit){ .row = { job, UC_NONE32 },
					    .target = NO_TARGET };
		act->hit_count++;
		if (!uc_raw_empty(job->array_tasks) && !is_whole(&act->filter, job) &&
		    narrow(hit, &act->filter, err) < 0)
			return -1;
	}
	return 0;
}

static int compare_groups(const void *a, const void *b)
{
	const struct group *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

static struct group *find_group(const struct groups *groups, uint32_t id)
{
	const struct group key = { .id = id };

	return id ? bsearch(&key, groups->item, groups->count, sizeof(key),
			    compare_groups)
		  : NULL;
}

static int find_groups(const struct uqueue_act *act, struct groups *groups,
		       struct uc_error *err)
{
	size_t kept = 0;

	groups->item = calloc(act->jobs->count + 1, sizeof(*groups->item));
	if (!groups->item)
		return uc_fail(err, UC_FAILED, "out of memory");
	for (size_t i = 0; i < act->jobs->count; i++)
		if (group_of(&act->jobs->row[i]) && !has_ended(&act->jobs->row[i]))
			groups->item[groups->count++].id = group_of(&act->jobs->row[i]);
	qsort(groups->item, groups->count, sizeof(*groups->item), compare_groups);
	for (size_t i = 0; i < groups->count; i++)
		if (!kept || groups->item[kept - 1].id != groups->item[i].id)
			groups->item[kept++] = (struct group){ .id = groups->item[i].id,
							       .target = NO_TARGET };
	groups->count = kept;
	for (size_t i = 0; i < act->jobs->count; i++) {
		const struct uc_job *job = &act->jobs->row[i];
		struct group *group = find_group(groups, group_of(job));

		if (!group || has_ended(job))
			continue;
		group->mixed |=
			group->live++ && (group->submit_time != job->submit_time ||
					  group->user_id != job->user_id);
		group->submit_time = job->submit_time;
		group->user_id = job->user_id;
	}
	for (size_t i = 0; i < act->hit_count; i++) {
		struct group *group = find_group(groups, group_of(act->hits[i].row.job));

		if (group && !act->hits[i].narrowed)
			group->chosen++;
	}
	return 0;
}

/* The snapshot surely has all records of it. */
static bool is_known(const struct uqueue_filter *filter, uint32_t id)
{
	for (size_t i = 0; i < filter->id_count; i++)
		if (filter->ids[i].job == id)
			return true;
	return !filter->id_count;
}

/*
 * Only to end them, one request does for all: requeueing an array would start its ended
 * tasks again. Of a heterogeneous job slurmctld wants the first component named.
 */
static bool is_one(const struct uqueue_act *act, const struct group *group,
		   const struct uc_job *job)
{
	if (!group || group->mixed || group->chosen != group->live ||
	    !is_known(&act->filter, group->id))
		return false;
	if (job->het_job_id)
		return act->action.kind != UC_ACTION_CHANGE;
	return act->action.kind == UC_ACTION_CANCEL &&
	       (group->live > 1 || !uc_raw_empty(job->array_tasks));
}

static int name_target(const struct uc_job *job, struct uc_buf *out, struct uc_error *err)
{
	uc_auto(buf) struct uc_buf tasks = { 0 };

	if (job->het_job_id) {
		uc_buf_addf(out, "%u+%u", job->het_job_id, job->het_offset);
		return 0;
	}
	if (!job->array_job_id) {
		uc_buf_addi(out, job->job_id);
		return 0;
	}
	if (job->array_task_id != UC_NONE32) {
		uc_buf_addf(out, "%u_%u", job->array_job_id, job->array_task_id);
		return 0;
	}
	if (uc_raw_empty(job->array_tasks))
		return uc_fail(err, UC_FAILED, "the tasks of array %u are not known",
			       job->array_job_id);
	if (choose_tasks(NULL, job, &tasks, err) < 0)
		return -1;
	if (strpbrk(uc_buf_text(&tasks), ",-"))
		uc_buf_addf(out, "%u_[%s]", job->array_job_id, uc_buf_text(&tasks));
	else
		uc_buf_addf(out, "%u_%s", job->array_job_id, uc_buf_text(&tasks));
	return 0;
}

static const struct uc_change *time_change(const struct uqueue_act *act)
{
	for (size_t i = 0; i < act->action.change_count; i++)
		if (act->changes[i].key == UC_CHANGE_TIME)
			return &act->changes[i];
	return NULL;
}

/* slurmctld ends all components with the first one. */
static int check_component(const struct uqueue_act *act, const struct group *group,
			   const struct uc_job *job, struct uc_error *err)
{
	if (act->action.kind != UC_ACTION_CANCEL || act->action.signal ||
	    !job->het_job_id || job->het_offset > 0 || !group || group->live < 2)
		return 0;
	uc_fail(err, UC_USAGE,
		"job %u+0 cannot be cancelled alone: all others end with it",
		job->het_job_id);
	return uc_hint(err, "to cancel all of it: uqueue --cancel %u", job->het_job_id);
}

static int add_goal(struct uqueue_act *act, struct uqueue_hit *hit, struct group *group,
		    struct uc_error *err)
{
	const struct uc_job *job = hit->row.job;
	const struct uc_change *change = time_change(act);
	struct uqueue_goal *goal = &act->goals[act->goal_count];
	const bool one = is_one(act, group, job);
	uc_auto(buf) struct uc_buf id = { 0 };

	if (one)
		uc_buf_addi(&id, group->id);
	else if (check_component(act, group, job, err) < 0 ||
		 name_target(job, &id, err) < 0)
		return -1;
	*goal = (struct uqueue_goal){ .id = uc_buf_take(&id), .job = job };
	if (!goal->id)
		return uc_fail(err, UC_FAILED, "out of memory");
	goal->target = (struct uc_target){ .id = goal->id,
					   .job_id = one ? group->id : job->job_id,
					   .submit_time = job->submit_time,
					   .user_id = job->user_id };
	if (one)
		group->target = act->goal_count;
	hit->target = act->goal_count++;
	return change ? uc_change_limit(change, job, &goal->target.limit, err) : 0;
}

uint64_t uqueue_hit_jobs(const struct uqueue_hit *hit)
{
	uint32_t count = 1;

	if (!uc_raw_empty(hit->row.job->array_tasks))
		count = uc_array_count(hit->row.job->array_tasks.bytes);
	return count == UC_NONE32 ? 1 : count;
}

static int make_goals(struct uqueue_act *act, const struct groups *groups,
		      struct uc_error *err)
{
	for (size_t i = 0; i < act->hit_count; i++) {
		struct uqueue_hit *hit = &act->hits[i];
		struct group *group = find_group(groups, group_of(hit->row.job));

		if (group && group->target != NO_TARGET)
			hit->target = group->target;
		else if (add_goal(act, hit, group, err) < 0)
			return -1;
		act->goals[hit->target].jobs += uqueue_hit_jobs(hit);
	}
	return 0;
}

/* What there is to say of an id that no hit is of. */
static void explain_id(const struct uqueue_act *act, size_t id, struct uc_error *err)
{
	const char *word = act->filter.words->item[id];
	const struct uc_job *found = NULL;
	bool matches = false;

	for (size_t i = 0; i < act->jobs->count; i++) {
		const struct uc_job *job = &act->jobs->row[i];

		if (!uc_job_id_match(&act->filter.ids[id], job))
			continue;
		found = job;
		matches = matches || uqueue_filter_match(&act->filter, job);
	}
	if (!found)
		uc_fail(err, UC_NOTFOUND, "job %s is not in the queue", word);
	else if (!matches)
		uc_fail(err, UC_NOTFOUND,
			"job %s is in the queue, but other options leave it out", word);
	else if (uc_job_is_finished(found->state))
		uc_fail(err, UC_NOTFOUND, "job %s has ended already (%s)", word,
			uc_job_state_name(found->state));
	else
		uc_fail(err, UC_NOTFOUND, "job %s is about to end", word);
}

static int add_missing(struct uqueue_act *act, struct uc_error *err)
{
	for (size_t id = 0; id < act->filter.id_count; id++) {
		struct uqueue_goal *goal = &act->goals[act->goal_count];
		bool hit = false;

		for (size_t i = 0; !hit && i < act->hit_count; i++)
			hit = uc_job_id_match(&act->filter.ids[id], act->hits[i].row.job);
		if (hit)
			continue;
		*goal = (struct uqueue_goal){ .id = strdup(act->filter.words->item[id]) };
		if (!goal->id)
			return uc_fail(err, UC_FAILED, "out of memory");
		act->goal_count++;
		explain_id(act, id, &goal->err);
	}
	return 0;
}

int uqueue_act_choose(struct uqueue_act *act, struct uc_error *err)
{
	struct groups groups = { 0 };
	int rc = -1;

	if (choose_hits(act, err) < 0)
		return -1;
	act->goals =
		calloc(act->hit_count + act->filter.id_count + 1, sizeof(*act->goals));
	if (!act->goals)
		return uc_fail(err, UC_FAILED, "out of memory");
	if (find_groups(act, &groups, err) == 0)
		rc = make_goals(act, &groups, err);
	free(groups.item);
	return rc < 0 ? -1 : add_missing(act, err);
}
