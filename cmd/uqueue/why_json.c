/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Why a job waits, as JSON. */
#include <ucluster/state.h>
#include "uqueue/why.h"

static void put_words(struct uc_json *json, const char *key, const struct uc_buf *words)
{
	uc_json_text(json, key, uc_raw(words->len ? uc_buf_text(words) : NULL));
	json->out->failed = json->out->failed || words->failed;
}

static void put_reason(const struct why_view *view, struct uc_json *json)
{
	const struct uc_job *job = view->job;
	uc_auto(buf) struct uc_buf sentence = { 0 }, action = { 0 };

	uc_reason_sentence(&sentence, job, &view->context);
	uc_reason_action(&action, job, &view->context);
	uc_json_text(json, "reason", uc_raw(uc_reason_name(job->reason)));
	uc_json_text(json, "why", uc_raw(uc_reason_short(job->reason)));
	put_words(json, "sentence", &sentence);
	put_words(json, "action", &action);
	uc_json_bool(json, "never_starts", uc_reason_never_starts(job->reason));
}

static void put_rank(const struct why_view *view, struct uc_json *json)
{
	const struct uc_rank *rank = &view->rank;

	if (!rank->counts) {
		uc_json_null(json, "rank");
		return;
	}
	uc_json_open(json, "rank", '{');
	uc_json_number(json, "ahead", rank->ahead);
	uc_json_number(json, "limited", rank->limited);
	uc_json_number(json, "behind", rank->behind);
	uc_json_amount(json, "tasks_ahead", rank->tasks);
	uc_json_amount(json, "gpus_ahead", rank->gpus);
	uc_json_close(json, '}');
}

static void put_releases(const struct why_view *view, struct uc_json *json)
{
	uc_json_open(json, "releases", '[');
	for (size_t i = 0; i < view->release_count; i++) {
		uc_json_open(json, NULL, '{');
		uc_json_number(json, "job_id", view->release[i].job->job_id);
		uc_json_text(json, "user", view->release[i].job->user);
		uc_json_number(json, "gpus", view->release[i].gpus);
		uc_json_time(json, "at", view->release[i].at);
		uc_json_close(json, '}');
	}
	uc_json_close(json, ']');
}

static void put_changes(const struct why_view *view, struct uc_json *json)
{
	uc_json_number(json, "changes_tried", (int64_t)view->tried);
	uc_json_open(json, "changes", '[');
	for (size_t i = 0; i < view->sooner.count; i++) {
		const struct uc_sooner *change = &view->sooner.item[i];
		uc_auto(buf) struct uc_buf command = { 0 };

		why_add_command(&command, view, change);
		uc_json_open(json, NULL, '{');
		uc_json_text(json, "option", uc_raw(change->name));
		uc_json_text(json, "value", uc_raw(change->value));
		uc_json_time(json, "start", change->start);
		uc_json_text(json, "because",
			     uc_raw(change->why[0] ? change->why : NULL));
		put_words(json, "command", &command);
		uc_json_close(json, '}');
	}
	uc_json_close(json, ']');
}

void why_json(const struct why_view *view, const char *text, struct uc_json *json)
{
	const struct uc_job *job = view->job;
	uc_auto(buf) struct uc_buf id = { 0 };
	bool waits = uc_job_waits(job);

	why_add_id(&id, view);
	uc_json_open(json, NULL, '{');
	uc_json_number(json, "version", 1);
	uc_json_number(json, "now", view->context.now);
	put_words(json, "id", &id);
	uc_json_text(json, "user", job->user);
	uc_json_text(json, "name", job->name);
	uc_json_text(json, "state", uc_raw(uc_job_state_name(job->state)));
	uc_json_bool(json, "waits", waits);
	if (waits) {
		put_reason(view, json);
		put_rank(view, json);
		put_releases(view, json);
		uc_json_time(json, "start_time", job->start_time);
		uc_json_text(json, "sched_nodes", job->sched_nodes);
		uc_json_time(json, "start_if_first", view->sooner.as_is);
		put_changes(view, json);
	}
	uc_json_text(json, "text", uc_raw(text));
	uc_json_close(json, '}');
	uc_buf_addc(json->out, '\n');
}
