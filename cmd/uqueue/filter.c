/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Which jobs are asked for. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#include <ucluster/state.h>
#include "uqueue/uqueue.h"

/* More nodes than any cluster has. */
#define NODES_MAX 100000

void uqueue_filter_free(struct uqueue_filter *filter)
{
	free(filter->users);
	free(filter->ids);
	free(filter->states);
	uc_strv_free(&filter->nodes);
}

static int make_users(struct uqueue_filter *filter, const struct uqueue_args *args,
		      bool live, struct uc_error *err)
{
	const struct uc_strv *words = &args->users;

	filter->users = calloc(words->count + 1, sizeof(*filter->users));
	if (!filter->users)
		return uc_fail(err, UC_FAILED, "out of memory");
	for (size_t i = 0; i < words->count; i++) {
		struct uqueue_user *user = &filter->users[filter->user_count++];

		user->name = words->item[i];
		if (uc_run_user(user->name, live, &user->id, err) < 0)
			return -1;
	}
	if (args->me)
		filter->users[filter->user_count++] =
			(struct uqueue_user){ "", getuid() };
	return 0;
}

int uqueue_id_parse(const char *word, const char *option, struct uc_job_id *id,
		    struct uc_error *err)
{
	if (uc_job_id_parse(word, id, err) == 0)
		return 0;
	return option ? uc_context(err, "option '--%s'", option) : -1;
}

static int make_ids(struct uqueue_filter *filter, const struct uc_strv *words,
		    struct uc_error *err)
{
	filter->words = words;
	filter->ids = calloc(words->count + 1, sizeof(*filter->ids));
	if (!filter->ids)
		return uc_fail(err, UC_FAILED, "out of memory");
	for (size_t i = 0; i < words->count; i++) {
		struct uc_job_id *id = &filter->ids[filter->id_count++];

		if (uqueue_id_parse(words->item[i], "jobs", id, err) < 0)
			return -1;
		filter->by_task = filter->by_task || id->task != UC_NONE32 || id->tasks;
	}
	return 0;
}

static int make_states(struct uqueue_filter *filter, const struct uqueue_args *args,
		       struct uc_error *err)
{
	const struct uc_strv *words = &args->states;

	filter->states = calloc(words->count + 1, sizeof(*filter->states));
	if (!filter->states)
		return uc_fail(err, UC_FAILED, "out of memory");
	if (args->start && !words->count)
		filter->states[filter->state_count++] = UC_JOB_PENDING;
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

int uqueue_filter_make(struct uqueue_filter *filter, const struct uqueue_args *args,
		       bool live, struct uc_error *err)
{
	filter->partitions = &args->partitions;
	filter->accounts = &args->accounts;
	filter->qos = &args->qos;
	filter->names = &args->names;
	for (size_t i = 0; i < args->nodes.count; i++)
		uc_hosts_expand(args->nodes.item[i], NODES_MAX, &filter->nodes);
	if (filter->nodes.failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	if (make_ids(filter, &args->jobs, err) < 0 ||
	    make_states(filter, args, err) < 0 || make_users(filter, args, live, err) < 0)
		return -1;
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

/* Named by its own number, which may not be that of its array. */
static bool is_whole(const struct uc_job_id *id, const struct uc_job *job)
{
	return id->task == UC_NONE32 && !id->tasks && uc_job_id_match(id, job);
}

bool uqueue_filter_task(const struct uqueue_filter *filter, const struct uc_job *job,
			uint32_t task)
{
	for (size_t i = 0; i < filter->id_count; i++)
		if (is_whole(&filter->ids[i], job) ||
		    uc_job_id_has_task(&filter->ids[i], job->array_job_id, task))
			return true;
	return !filter->id_count;
}

static bool match_id(const struct uqueue_filter *filter, const struct uc_job *job)
{
	for (size_t i = 0; i < filter->id_count; i++)
		if (uc_job_id_match(&filter->ids[i], job))
			return true;
	return !filter->id_count;
}

/* A waiting job may name several partitions, "gpu,batch". */
static bool match_words(const struct uc_strv *words, struct uc_raw field)
{
	const char *names = field.bytes;

	if (!words->count)
		return true;
	while (names && *names) {
		size_t len = strcspn(names, ",");

		for (size_t i = 0; i < words->count; i++)
			if (strlen(words->item[i]) == len &&
			    strncasecmp(words->item[i], names, len) == 0)
				return true;
		names += len + (names[len] == ',');
	}
	return false;
}

static bool match_name(const struct uc_strv *words, struct uc_raw name)
{
	return !words->count || uc_strv_find(words, name.bytes ? name.bytes : "") >= 0;
}

static bool match_nodes(const struct uqueue_filter *filter, const struct uc_job *job)
{
	for (size_t i = 0; i < filter->nodes.count; i++)
		if (uc_hosts_has(job->nodes.bytes, filter->nodes.item[i]))
			return true;
	return !filter->nodes.count;
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
	       match_id(filter, job) && match_words(filter->partitions, job->partition) &&
	       match_words(filter->accounts, job->account) &&
	       match_words(filter->qos, job->qos) &&
	       match_name(filter->names, job->name) && match_nodes(filter, job);
}

int uqueue_filter_found(const struct uqueue_filter *filter, const struct uc_jobs *jobs,
			struct uc_error *err)
{
	for (size_t i = 0; i < filter->id_count; i++) {
		const struct uc_job_id *id = &filter->ids[i];
		bool found = false;

		for (size_t r = 0; !found && r < jobs->count; r++)
			found = uc_job_id_match(id, &jobs->row[r]);
		if (!found)
			return uc_fail(err, UC_NOTFOUND, "job %s is not in the queue",
				       filter->words->item[i]);
	}
	return 0;
}
