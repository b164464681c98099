/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* "slurm:", the live cluster: questions become frames for a worker. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <ucluster/units.h>
#include "slurm/source_ops.h"
#include "slurm/wire.h"
#include "slurm/worker.h"

static int slurm_open(const char *words, const struct uc_source_options *options,
		      void **self, struct uc_error *err)
{
	struct uc_worker *worker = NULL;

	if (*words)
		return uc_fail(err, UC_USAGE, "'slurm:%s': nothing may follow 'slurm:'",
			       words);
	if (uc_worker_new(options, &worker, err) < 0)
		return -1;
	*self = worker;
	return 0;
}

static void slurm_close(void *self)
{
	uc_worker_free(self);
}

static void slurm_rest(void *self)
{
	uc_worker_rest(self);
}

static void slurm_tidy(void *self)
{
	uc_worker_tidy(self);
}

static int64_t slurm_now(void *self)
{
	(void)self;
	return uc_clock_now();
}

static int slurm_ping(void *self, struct uc_error *err)
{
	uc_auto(frame) struct uc_frame question = UC_FRAME(UC_ASK_PING);
	uc_auto(frame) struct uc_frame answer = UC_FRAME(0);

	return uc_worker_ask(self, &question, &answer, err);
}

static void put_query(struct uc_frame *question, const struct uc_job_query *query)
{
	for (size_t i = 0; i < query->user_count; i++)
		uc_frame_add_u32(question, UC_TAG_USER_ID, query->user_ids[i]);
	for (size_t i = 0; i < query->job_count; i++)
		uc_frame_add_u32(question, UC_TAG_JOB_ID, query->job_ids[i]);
	if (query->detail)
		uc_frame_add(question, UC_TAG_DETAIL, NULL, 0);
	uc_frame_add_text(question, UC_TAG_FIELDS, query->fields);
	if (query->states || query->state_flags) {
		uc_frame_add_u32(question, UC_TAG_STATES, query->states);
		uc_frame_add_u32(question, UC_TAG_STATE_FLAGS, query->state_flags);
	}
	if (query->since)
		uc_frame_add(question, UC_TAG_SINCE, &query->since, sizeof(query->since));
}

static int slurm_load(void *self, enum uc_rows_kind kind,
		      const struct uc_job_query *query, struct uc_rows **out,
		      struct uc_error *err)
{
	static const uint32_t kinds[] = { [UC_ROWS_JOBS] = UC_ASK_JOBS,
					  [UC_ROWS_NODES] = UC_ASK_NODES,
					  [UC_ROWS_PARTITIONS] = UC_ASK_PARTITIONS,
					  [UC_ROWS_LIMITS] = UC_ASK_LIMITS,
					  [UC_ROWS_RESERVATIONS] = UC_ASK_RESERVATIONS,
					  [UC_ROWS_STEPS] = UC_ASK_STEPS };
	uc_auto(frame) struct uc_frame question = UC_FRAME(kinds[kind]);
	uc_auto(frame) struct uc_frame answer = UC_FRAME(0);

	if (query)
		put_query(&question, query);
	if (uc_worker_ask(self, &question, &answer, err) < 0)
		return -1;
	*out = NULL;
	if (answer.fd < 0 && query && query->since)
		return 0;
	return uc_wire_map(answer.fd, kind, out, err);
}

static void put_time(struct uc_frame *question, enum uc_frame_tag tag, int64_t when)
{
	if (when)
		uc_frame_add(question, tag, &when, sizeof(when));
}

/* "jobacct_gather/none"; "task=10,energy=30" or "30". */
static int slurm_probe(void *self, uint32_t what, struct uc_strv *facts,
		       struct uc_error *err)
{
	uc_auto(frame) struct uc_frame question = UC_FRAME(UC_ASK_PROBE);
	uc_auto(frame) struct uc_frame answer = UC_FRAME(0);
	struct uc_frame_item item;

	uc_frame_add_u32(&question, UC_TAG_CODE, what);
	if (uc_worker_ask(self, &question, &answer, err) < 0)
		return -1;
	for (size_t at = 0; uc_frame_next(&answer, &at, &item);)
		if (item.tag == UC_TAG_TEXT)
			uc_strv_addn(facts, item.bytes, strnlen(item.bytes, item.len));
	return facts->failed ? uc_fail(err, UC_FAILED, "out of memory") : 0;
}

static void read_facts(const struct uc_frame *answer, struct uc_history_facts *facts)
{
	char *type = uc_frame_text(answer, UC_TAG_NOTE);
	char *often = uc_frame_text(answer, UC_TAG_TEXT);
	const char *task = often ? strstr(often, "task=") : NULL;

	facts->measured = type && !strstr(type, "none");
	if (facts->measured && often)
		facts->interval = strtol(task ? task + 5 : often, NULL, 10);
	free(type);
	free(often);
}

/* slurmdbd gone: what slurmctld remembers is better than nothing. */
static int slurm_history(void *self, const struct uc_history_query *query,
			 struct uc_history_facts *facts, struct uc_rows **out,
			 struct uc_error *err)
{
	struct uc_worker *worker = self;
	uc_auto(frame) struct uc_frame question = UC_FRAME(UC_ASK_HISTORY);
	uc_auto(frame) struct uc_frame answer = UC_FRAME(0);
	struct uc_error why = { 0 };

	for (size_t i = 0; i < query->user_count; i++)
		uc_frame_add_u32(&question, UC_TAG_USER_ID, query->user_ids[i]);
	for (size_t i = 0; i < query->job_count; i++)
		uc_frame_add_u32(&question, UC_TAG_JOB_ID, query->job_ids[i]);
	put_time(&question, UC_TAG_START, query->since);
	put_time(&question, UC_TAG_END, query->until);
	if (query->steps)
		uc_frame_add(&question, UC_TAG_DETAIL, NULL, 0);
	if (uc_worker_ask(worker, &question, &answer, &why) == 0) {
		read_facts(&answer, facts);
		return answer.fd < 0 ? 0
				     : uc_wire_map(answer.fd, UC_ROWS_HISTORY, out, err);
	}
	if (worker->sending && answer.kind == UC_SAY_FAILED &&
	    why.code == UC_UNREACHABLE) {
		snprintf(facts->why, sizeof(facts->why), "slurmdbd does not answer");
		return 0;
	}
	if (worker->sending && why.code == UC_UNREACHABLE)
		return uc_fail(err, UC_UNREACHABLE, "slurmdbd did not answer within %d s",
			       worker->timeout_ms / 1000);
	if (err)
		*err = why;
	return -1;
}

static const char *option_value(const struct uc_submission *job, const char *name)
{
	for (size_t i = job->option_count; i-- > 0;)
		if (!strcmp(job->options[i].name, name))
			return job->options[i].value;
	return NULL;
}

static void put_option(struct uc_frame *question, const char *name, const char *value)
{
	uc_auto(buf) struct uc_buf pair = { 0 };

	uc_buf_addn(&pair, name, strlen(name) + 1);
	uc_buf_add(&pair, value ? value : "");
	if (pair.failed)
		question->body.failed = true;
	else
		uc_frame_add(question, UC_TAG_OPTION, pair.data, pair.len);
}

static void put_submission(struct uc_frame *question, const struct uc_submission *job)
{
	uc_frame_add_text(question, UC_TAG_SCRIPT, job->script);
	uc_frame_add_text(question, UC_TAG_WORKDIR, job->workdir);
	for (size_t i = 0; job->argv && job->argv[i]; i++)
		uc_frame_add_text(question, UC_TAG_ARGUMENT, job->argv[i]);
	for (size_t i = 0; job->environment && job->environment[i]; i++)
		uc_frame_add_text(question, UC_TAG_ENVIRONMENT, job->environment[i]);
	for (size_t i = 0; job->variables && job->variables[i]; i++)
		uc_frame_add_text(question, UC_TAG_VARIABLE, job->variables[i]);
	for (size_t i = 0; i < job->option_count; i++)
		put_option(question, job->options[i].name, job->options[i].value);
}

/* It was on its way when it failed, and slurmctld did not refuse it. */
static bool is_lost(const struct uc_worker *worker, const struct uc_error *why)
{
	return worker->sending && why->code != UC_USAGE && why->code != UC_DENIED &&
	       why->code != UC_NOTFOUND && why->code != UC_FAILED;
}

/* The request was on its way: nobody may assume anything, least of all submit again. */
static int report_lost(const struct uc_submission *job, struct uc_error *err)
{
	const char *name = option_value(job, "job-name");
	uc_auto(buf) struct uc_buf word = { 0 };
	struct uc_error why = *err;

	uc_fail(err, UC_UNREACHABLE, "%s; the job may be queued all the same", why.text);
	if (!name)
		name = job->argv && job->argv[0] ? job->argv[0] : "";
	uc_buf_quote(&word, name, UC_QUOTE_VISIBLE);
	return uc_hint(err, "look before submitting again: squeue --me --name=%s",
		       uc_buf_text(&word));
}

static int slurm_submit(void *self, const struct uc_submission *job,
			struct uc_submitted *result, struct uc_error *err)
{
	struct uc_worker *worker = self;
	uc_auto(frame) struct uc_frame question = UC_FRAME(UC_ASK_SUBMIT);
	uc_auto(frame) struct uc_frame answer = UC_FRAME(0);
	struct uc_error why = { 0 };

	put_submission(&question, job);
	if (uc_worker_ask(worker, &question, &answer, &why) < 0) {
		if (err)
			*err = why;
		if (err && is_lost(worker, &why))
			return report_lost(job, err);
		return -1;
	}
	result->job_id = uc_frame_u32(&answer, UC_TAG_JOB_ID, 0);
	if (!result->job_id)
		return uc_fail(err, UC_INVALID, "the worker sent no job id");
	result->note = uc_frame_text(&answer, UC_TAG_NOTE);
	result->message = uc_frame_text(&answer, UC_TAG_MESSAGE);
	return 0;
}

static int read_estimate(const struct uc_frame *answer, struct uc_estimate *result,
			 struct uc_error *err)
{
	struct uc_frame_item item;
	size_t count = 0;

	for (size_t at = 0; uc_frame_next(answer, &at, &item);)
		count += item.tag == UC_TAG_JOB_ID;
	result->preempted = calloc(count + 1, sizeof(*result->preempted));
	if (!result->preempted)
		return uc_fail(err, UC_FAILED, "out of memory");
	for (size_t at = 0; uc_frame_next(answer, &at, &item);) {
		if (item.tag == UC_TAG_JOB_ID && item.len == sizeof(uint32_t))
			memcpy(&result->preempted[result->preempted_count++], item.bytes,
			       item.len);
		else if (item.tag == UC_TAG_START && item.len == sizeof(result->start))
			memcpy(&result->start, item.bytes, item.len);
	}
	result->nodes = uc_frame_text(answer, UC_TAG_NODES);
	result->partition = uc_frame_text(answer, UC_TAG_PARTITION);
	return 0;
}

static int slurm_estimate(void *self, const struct uc_submission *job,
			  struct uc_estimate *result, struct uc_error *err)
{
	uc_auto(frame) struct uc_frame question = UC_FRAME(UC_ASK_ESTIMATE);
	uc_auto(frame) struct uc_frame answer = UC_FRAME(0);

	put_submission(&question, job);
	if (uc_worker_ask(self, &question, &answer, err) < 0)
		return -1;
	return read_estimate(&answer, result, err);
}

static void put_changes(struct uc_frame *question, const struct uc_action *action,
			const struct uc_target *target)
{
	for (size_t i = 0; i < action->change_count; i++) {
		const struct uc_change *change = &action->changes[i];
		const char *value = change->value;
		uc_auto(buf) struct uc_buf text = { 0 };

		if (change->key == UC_CHANGE_TIME)
			uc_duration_format(&text, target->limit);
		else if (change->key == UC_CHANGE_NICE)
			uc_buf_addi(&text, change->number);
		if (text.len)
			value = uc_buf_text(&text);
		put_option(question, uc_change_name(change->key), value);
		question->body.failed = question->body.failed || text.failed;
	}
}

static int slurm_act(void *self, const struct uc_action *action,
		     const struct uc_target *target, char **note, struct uc_error *err)
{
	struct uc_worker *worker = self;
	uc_auto(frame) struct uc_frame question = UC_FRAME(UC_ASK_ACT);
	uc_auto(frame) struct uc_frame answer = UC_FRAME(0);
	struct uc_error why = { 0 };

	uc_frame_add_u32(&question, UC_TAG_ACTION, action->kind);
	uc_frame_add_u32(&question, UC_TAG_SIGNAL, (uint32_t)action->signal);
	uc_frame_add_u32(&question, UC_TAG_USER_HOLD, action->user_hold);
	uc_frame_add_text(&question, UC_TAG_TARGET, target->id);
	uc_frame_add_u32(&question, UC_TAG_JOB_ID, target->job_id);
	uc_frame_add_u32(&question, UC_TAG_USER_ID, target->user_id);
	uc_frame_add(&question, UC_TAG_SUBMITTED, &target->submit_time,
		     sizeof(target->submit_time));
	put_changes(&question, action, target);
	if (uc_worker_ask(worker, &question, &answer, &why) == 0) {
		*note = uc_frame_text(&answer, UC_TAG_NOTE);
		return 0;
	}
	if (err)
		*err = why;
	if (!is_lost(worker, &why))
		return -1;
	uc_fail(err, UC_UNREACHABLE, "%s; it may be done all the same", why.text);
	return uc_hint(err, "look before trying again: uqueue -j %s", target->id);
}

static int slurm_task_node(void *self, const struct uc_step *step, uint32_t task,
			   struct uc_buf *node, struct uc_error *err)
{
	uc_auto(frame) struct uc_frame question = UC_FRAME(UC_ASK_TASK_NODE);
	uc_auto(frame) struct uc_frame answer = UC_FRAME(0);
	char *name;

	uc_frame_add_u32(&question, UC_TAG_JOB_ID, step->job_id);
	uc_frame_add_u32(&question, UC_TAG_STEP, step->step_id);
	uc_frame_add_u32(&question, UC_TAG_TASK, task);
	if (uc_worker_ask(self, &question, &answer, err) < 0)
		return -1;
	name = uc_frame_text(&answer, UC_TAG_NODES);
	if (!name)
		return uc_fail(err, UC_INVALID, "the worker named no node");
	uc_buf_add(node, name);
	free(name);
	return 0;
}

const struct uc_source_ops uc_source_slurm = {
	.name = "slurm",
	.live = true,
	.filters = true,
	.open = slurm_open,
	.close = slurm_close,
	.rest = slurm_rest,
	.tidy = slurm_tidy,
	.now = slurm_now,
	.ping = slurm_ping,
	.load = slurm_load,
	.probe = slurm_probe,
	.history = slurm_history,
	.submit = slurm_submit,
	.estimate = slurm_estimate,
	.task_node = slurm_task_node,
	.act = slurm_act,
};
