/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Jobs are ended, held, released, requeued and changed. */
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <ucluster/action.h>
#include <ucluster/units.h>
#include "slurm/compat.h"
#include "slurm/backend.h"
#include "base/arena.h"

struct request {
	struct uc_arena *arena; /* the strings */
	char *target;
	uint32_t kind, signal, job_id, user_id;
	int64_t submitted;
	bool user_hold;
	int errnum;          /* of the request that failed */
	job_desc_msg_t desc; /* of what is to change */
};

static const char doing[] = "slurmctld refuses";

/* Texts of a job description; time and nice value are numbers. */
static const struct {
	const char *name;
	size_t offset;
} texts[] = {
	{ "partition", offsetof(job_desc_msg_t, partition) },
	{ "name", offsetof(job_desc_msg_t, name) },
	{ "comment", offsetof(job_desc_msg_t, comment) },
	{ "dependency", offsetof(job_desc_msg_t, dependency) },
};

static int set_number(job_desc_msg_t *desc, const char *name, const char *value)
{
	int64_t seconds;

	if (strcmp(name, "nice") == 0) {
		desc->nice = (uint32_t)(NICE_OFFSET + strtoll(value, NULL, 10));
		return 0;
	}
	if (strcmp(name, "time") != 0 || uc_duration_parse(value, &seconds, NULL) < 0)
		return -1;
	desc->time_limit =
		seconds == UC_DURATION_INFINITE ? INFINITE : (uint32_t)(seconds / 60);
	return 0;
}

static int set_change(struct request *request, const struct uc_frame_item *item,
		      struct uc_error *err)
{
	char *name = uc_arena_strndup(request->arena, item->bytes, item->len);
	const size_t len = name ? strlen(name) : 0;

	if (!name)
		return uc_fail(err, UC_FAILED, "out of memory");
	if (len == item->len)
		return uc_fail(err, UC_INVALID, "change '%s' came without a value", name);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (strcmp(texts[i].name, name) != 0)
			continue;
		*(char **)((char *)&request->desc + texts[i].offset) = name + len + 1;
		return 0;
	}
	if (set_number(&request->desc, name, name + len + 1) == 0)
		return 0;
	return uc_fail(err, UC_INVALID, "the worker does not know change '%s=%s'", name,
		       name + len + 1);
}

static int read_request(struct request *request, const struct uc_frame *question,
			struct uc_error *err)
{
	struct uc_frame_item item;

	request->kind = uc_frame_u32(question, UC_TAG_ACTION, UINT32_MAX);
	request->signal = uc_frame_u32(question, UC_TAG_SIGNAL, 0);
	request->job_id = uc_frame_u32(question, UC_TAG_JOB_ID, 0);
	request->user_id = uc_frame_u32(question, UC_TAG_USER_ID, UC_NONE32);
	request->user_hold = uc_frame_u32(question, UC_TAG_USER_HOLD, 0) != 0;
	slurm_init_job_desc_msg(&request->desc);
	for (size_t at = 0; uc_frame_next(question, &at, &item);) {
		if (item.tag == UC_TAG_TARGET)
			request->target =
				uc_arena_strndup(request->arena, item.bytes, item.len);
		else if (item.tag == UC_TAG_SUBMITTED &&
			 item.len == sizeof(request->submitted))
			memcpy(&request->submitted, item.bytes, item.len);
		else if (item.tag == UC_TAG_OPTION && set_change(request, &item, err) < 0)
			return -1;
	}
	if (!request->target || !request->job_id || !request->submitted)
		return uc_fail(err, UC_INVALID, "an action came without its target");
	return 0;
}

static bool is_the_one(const struct request *request, const job_info_t *job)
{
	const uint32_t id = request->job_id;

	return (job->job_id == id || job->array_job_id == id || job->het_job_id == id) &&
	       job->submit_time == request->submitted && job->user_id == request->user_id;
}

/* Is it still the job that somebody saw? Numbers are given anew, jobs are requeued. */
static int look_again(const struct request *request, struct uc_error *err)
{
	job_info_msg_t *msg = NULL;
	bool found = false;

	if (uc_load_job(&msg, request->job_id, SHOW_LOCAL | SHOW_ALL) != SLURM_SUCCESS)
		return errno == ESLURM_INVALID_JOB_ID
			       ? uc_fail(err, UC_NOTFOUND,
					 "it is not in slurmctld's memory any more")
			       : backend_fail(err, errno, "loading a job");
	for (uint32_t i = 0; i < msg->record_count; i++)
		found = found || is_the_one(request, &msg->job_array[i]);
	slurm_free_job_info_msg(msg);
	if (found)
		return 0;
	uc_fail(err, UC_NOTFOUND,
		"it is not the job that was listed: another has its number by now, or it "
		"was requeued");
	return uc_hint(err, "nothing was done to it; list the jobs again");
}

static int refuse(struct request *request, struct uc_error *err)
{
	request->errnum = errno;
	return backend_fail(err, request->errnum, doing);
}

/* What became of the tasks of an array, one by one. */
static int report_tasks(const job_array_resp_msg_t *resp, struct uc_error *err)
{
	uc_auto(buf) struct uc_buf text = { 0 };
	uint32_t failed = 0, worst = 0;

	for (uint32_t i = 0; i < resp->job_array_count; i++) {
		const uint32_t rc = resp->error_code[i];
		const char *more = uc_array_error_text(resp, i);

		if (rc == SLURM_SUCCESS)
			continue;
		worst = rc;
		if (failed++ > 0)
			uc_buf_add(&text, "; ");
		if (resp->job_array_count > 1)
			uc_buf_addf(&text, "%s: ", resp->job_array_id[i]);
		uc_buf_add(&text, more && *more ? more : slurm_strerror((int)rc));
	}
	if (!failed)
		return 0;
	backend_fail(err, (int)worst, doing);
	if (failed < resp->job_array_count)
		return uc_fail(err, UC_FAILED, "%s a part of it: %s", doing,
			       uc_buf_text(&text));
	return uc_fail(err, err->code, "%s: %s", doing, uc_buf_text(&text));
}

static int update(struct request *request, struct uc_error *err)
{
	job_array_resp_msg_t *resp = NULL;
	int rc;

	request->desc.job_id_str = request->target;
	if (slurm_update_job2(&request->desc, &resp) != SLURM_SUCCESS)
		return refuse(request, err);
	rc = resp ? report_tasks(resp, err) : 0;
	slurm_free_job_array_resp(resp);
	return rc;
}

static int requeue(struct request *request, struct uc_error *err)
{
	job_array_resp_msg_t *resp = NULL;
	int rc;

	if (slurm_requeue2(request->target, 0, &resp) != SLURM_SUCCESS)
		return refuse(request, err);
	rc = resp ? report_tasks(resp, err) : 0;
	slurm_free_job_array_resp(resp);
	return rc;
}

/* Who wants a job to end does not mind that it has. */
static int cancel(struct request *request, struct uc_frame *answer, struct uc_error *err)
{
	const uint16_t number = request->signal ? (uint16_t)request->signal : SIGKILL;

	if (uc_kill_job(request->target, number, 0) == SLURM_SUCCESS)
		return 0;
	if ((errno != ESLURM_ALREADY_DONE && errno != ESLURM_INVALID_JOB_ID) ||
	    request->signal)
		return refuse(request, err);
	uc_frame_add_text(answer, UC_TAG_NOTE, "it had ended by itself");
	return 0;
}

static int act(struct request *request, struct uc_frame *answer, struct uc_error *err)
{
	switch (request->kind) {
	case UC_ACTION_CANCEL:
		return cancel(request, answer, err);
	case UC_ACTION_HOLD:
		request->desc.priority = 0;
		request->desc.alloc_sid = request->user_hold ? ALLOC_SID_USER_HOLD : 0;
		return update(request, err);
	case UC_ACTION_RELEASE:
		request->desc.priority = INFINITE;
		request->desc.alloc_sid = 0;
		return update(request, err);
	case UC_ACTION_REQUEUE:
		return requeue(request, err);
	case UC_ACTION_CHANGE:
		return update(request, err);
	default:
		return uc_fail(err, UC_INVALID, "the worker does not know action %u",
			       request->kind);
	}
}

int backend_act(const struct uc_frame *question, struct uc_frame *answer,
		struct uc_error *err)
{
	uc_auto(frame) struct uc_frame sending = UC_FRAME(UC_SAY_SENDING);
	struct uc_frame_progress at = { 0 };
	struct request request = { .arena = uc_arena_new() };
	int rc = -1;

	if (!request.arena)
		return uc_fail(err, UC_FAILED, "out of memory");
	if (read_request(&request, question, err) < 0 || look_again(&request, err) < 0)
		goto out;
	if (uc_frame_send(BACKEND_SOCKET, &sending, &at, 0) != 1) {
		uc_fail(err, UC_FAILED, "nobody waits for the answer any more");
		goto out;
	}
	rc = act(&request, answer, err);
	if (rc < 0 && backend_is_unsent(request.errnum))
		uc_frame_add_u32(answer, UC_TAG_UNSENT, 1);
out:
	uc_arena_free(request.arena);
	return rc;
}
