/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "uqueue/uqueue.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <ucluster/state.h>

void uqueue_filter_free(struct uqueue_filter *filter)
{
	free(filter->users);
	free(filter->ids);
	free(filter->states);
}

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

int uqueue_filter_users(struct uqueue_filter *filter, const struct uc_strv *words,
			bool live, struct uc_error *err)
{
	filter->users = calloc(words->count + 1, sizeof(*filter->users));
	if (!filter->users)
		return uc_fail(err, UC_FAILED, "out of memory");
	for (size_t i = 0; i < words->count; i++) {
		struct uqueue_user *user = &filter->users[filter->user_count++];
		const char *p = words->item[i];
		struct passwd *pw;

		*user = (struct uqueue_user){ p, UC_NONE32 };
		if (read_number(&p, &user->id) && !*p)
			continue;
		user->id = UC_NONE32;
		/* Names of a recording are not this machine's. */
		if (!live)
			continue;
		pw = getpwnam(user->name);
		if (!pw)
			return uc_fail(err, UC_NOTFOUND, "no user '%s'", user->name);
		user->id = pw->pw_uid;
	}
	return 0;
}

int uqueue_filter_ids(struct uqueue_filter *filter, const struct uc_strv *words,
		      struct uc_error *err)
{
	filter->ids = calloc(words->count + 1, sizeof(*filter->ids));
	if (!filter->ids)
		return uc_fail(err, UC_FAILED, "out of memory");
	for (size_t i = 0; i < words->count; i++) {
		struct uqueue_id *id = &filter->ids[filter->id_count++];
		const char *p = words->item[i];
		bool ok = read_number(&p, &id->job) && id->job;

		id->task = UC_NONE32;
		if (ok && *p == '_') {
			p++;
			ok = read_number(&p, &id->task);
		}
		if (!ok || *p)
			return uc_fail(
				err, UC_USAGE,
				"option '--jobs': '%s' is no job id: expected 4711 "
				"or 4711_3",
				words->item[i]);
	}
	return 0;
}

int uqueue_filter_states(struct uqueue_filter *filter, const struct uc_strv *words,
			 struct uc_error *err)
{
	filter->states = calloc(words->count + 1, sizeof(*filter->states));
	if (!filter->states)
		return uc_fail(err, UC_FAILED, "out of memory");
	for (size_t i = 0; i < words->count; i++) {
		int64_t state = uc_job_state_find(words->item[i]);

		if (strcasecmp(words->item[i], "all") == 0)
			filter->all_states = true;
		else if (state < 0)
			return uc_fail(
				err, UC_USAGE,
				"option '--states': '%s' is no job state: expected "
				"'all' or some of PD, R, S, CG, CD, CA, F, TO, NF, OOM",
				words->item[i]);
		else
			filter->states[filter->state_count++] = state;
	}
	return 0;
}

static bool match_user(const struct uqueue_filter *filter, const struct uc_job *job)
{
	for (size_t i = 0; i < filter->user_count; i++) {
		const struct uqueue_user *user = &filter->users[i];

		if (user->id != UC_NONE32
			    ? user->id == job->user_id
			    : job->user.bytes && !strcmp(job->user.bytes, user->name))
			return true;
	}
	return !filter->user_count;
}

/* Whether `task` is one of those that "2-9,12-20:4%2" still stands for. */
static bool task_waits(const char *tasks, uint32_t task)
{
	const char *p = tasks;

	while (p && *p) {
		uint32_t first, last, step = 1;

		if (!read_number(&p, &first))
			return false;
		last = first;
		if (*p == '-' && (++p, !read_number(&p, &last)))
			return false;
		if (*p == ':' && (++p, !read_number(&p, &step) || !step))
			return false;
		if (task >= first && task <= last && (task - first) % step == 0)
			return true;
		if (*p++ != ',')
			return false;
	}
	return false;
}

bool uqueue_id_match(const struct uqueue_id *id, const struct uc_job *job)
{
	if (id->task == UC_NONE32)
		return id->job == job->job_id || id->job == job->array_job_id ||
		       id->job == job->het_job_id;
	if (id->job != job->array_job_id)
		return false;
	return id->task == job->array_task_id ||
	       task_waits(job->array_tasks.bytes, id->task);
}

static bool match_id(const struct uqueue_filter *filter, const struct uc_job *job)
{
	for (size_t i = 0; i < filter->id_count; i++)
		if (uqueue_id_match(&filter->ids[i], job))
			return true;
	return !filter->id_count;
}

/* A waiting job may name several partitions, "gpu,batch". */
static bool match_partition(const struct uqueue_filter *filter, const struct uc_job *job)
{
	const struct uc_strv *words = filter->partitions;
	const char *names = job->partition.bytes;

	if (!words || !words->count)
		return true;
	while (names && *names) {
		size_t len = strcspn(names, ",");

		for (size_t i = 0; i < words->count; i++)
			if (strlen(words->item[i]) == len &&
			    strncmp(words->item[i], names, len) == 0)
				return true;
		names += len + (names[len] == ',');
	}
	return false;
}

static bool match_state(const struct uqueue_filter *filter, const struct uc_job *job)
{
	if (filter->all_states)
		return true;
	/* slurmctld keeps ended jobs for some minutes; they are shown when asked for. */
	if (!filter->state_count)
		return filter->id_count || !uc_job_is_finished(job->state);
	for (size_t i = 0; i < filter->state_count; i++) {
		uint32_t state = (uint32_t)filter->states[i];

		if (state > UC_JOB_BASE ? (job->state & state) != 0
					: (job->state & UC_JOB_BASE) == state &&
						  !(job->state & UC_JOB_COMPLETING))
			return true;
	}
	return false;
}

bool uqueue_filter_match(const struct uqueue_filter *filter, const struct uc_job *job)
{
	return match_state(filter, job) && match_user(filter, job) &&
	       match_id(filter, job) && match_partition(filter, job);
}
