/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <ucluster/units.h>
#include "slurm/backend.h"
#include "slurm/backend_environment.h"
#include "slurm/backend_options.h"
#include "slurm/backend_request.h"

void backend_request_free(struct backend_request *request)
{
	uc_arena_free(request->draft.arena);
	uc_strv_free(&request->argv);
	uc_strv_free(&request->given);
	uc_strv_free(&request->own);
	uc_strv_free(&request->environment);
	uc_strv_free(&request->draft.variables);
}

static int set_option(struct backend_request *request, const struct uc_frame_item *item,
		      struct uc_error *err)
{
	/* The receiver put a NUL behind the frame, but not behind each item. */
	char *name = uc_arena_strndup(request->draft.arena, item->bytes, item->len);
	size_t len = name ? strlen(name) : 0;

	if (!name)
		return uc_fail(err, UC_FAILED, "out of memory");
	if (len == item->len)
		return uc_fail(err, UC_INVALID, "option '%s' came without a value", name);
	return backend_option_set(&request->draft, name, name + len + 1, err);
}

static int read_question(struct backend_request *request, const struct uc_frame *question,
			 struct uc_error *err)
{
	struct uc_frame_item item;
	job_desc_msg_t *desc = &request->draft.desc;

	for (size_t at = 0; uc_frame_next(question, &at, &item);) {
		struct uc_arena *arena = request->draft.arena;

		if (item.tag == UC_TAG_SCRIPT)
			desc->script = uc_arena_strndup(arena, item.bytes, item.len);
		else if (item.tag == UC_TAG_WORKDIR)
			request->draft.cwd = desc->work_dir =
				uc_arena_strndup(arena, item.bytes, item.len);
		else if (item.tag == UC_TAG_ARGUMENT)
			uc_strv_addn(&request->argv, item.bytes, item.len);
		else if (item.tag == UC_TAG_ENVIRONMENT)
			uc_strv_addn(&request->given, item.bytes, item.len);
		else if (item.tag == UC_TAG_VARIABLE)
			uc_strv_addn(&request->own, item.bytes, item.len);
		else if (item.tag == UC_TAG_OPTION && set_option(request, &item, err) < 0)
			return -1;
	}
	return 0;
}

/* sbatch's own checks; slurmctld makes none of them. */
static int check_script(const job_desc_msg_t *desc, struct uc_error *err)
{
	const char *script = desc->script;

	if (!script || !*script)
		return uc_fail(err, UC_USAGE, "the batch script is empty");
	if (strncmp(script, "#!", 2))
		return uc_fail(err, UC_USAGE,
			       "the batch script has no first line as #!/bin/bash");
	if (strstr(script, "\r\n"))
		return uc_fail(err, UC_USAGE,
			       "the batch script has DOS line ends (CRLF), expected LF");
	if (!desc->work_dir || desc->work_dir[0] != '/')
		return uc_fail(err, UC_USAGE,
			       "the working directory '%s' is not absolute",
			       desc->work_dir ? desc->work_dir : "");
	return 0;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static int complete(struct backend_request *request, struct uc_error *err)
{
	job_desc_msg_t *desc = &request->draft.desc;

	if (check_script(desc, err) < 0)
		return -1;
	if (request->argv.failed || request->given.failed || request->own.failed ||
	    uc_arena_failed(request->draft.arena))
		return uc_fail(err, UC_FAILED, "out of memory");
	desc->argc = (uint32_t)request->argv.count;
	desc->argv = request->argv.item;
	if (!desc->name)
		desc->name =
			uc_arena_strdup(request->draft.arena,
					desc->argc ? base_name(desc->argv[0]) : "batch");
	desc->user_id = getuid();
	desc->group_id = getgid();
	if (backend_options_finish(&request->draft, err) < 0 ||
	    backend_export(&request->draft, &request->given, &request->environment, err) <
		    0)
		return -1;
	return backend_environment(&request->draft, &request->own, &request->environment,
				   err);
}

int backend_request_read(struct backend_request *request, const struct uc_frame *question,
			 struct uc_error *err)
{
	request->timeout_ms = uc_frame_u32(question, UC_TAG_TIMEOUT_MS, 10000);
	request->draft.now = (int64_t)time(NULL);
	request->draft.arena = uc_arena_new();
	if (!request->draft.arena)
		return uc_fail(err, UC_FAILED, "out of memory");
	slurm_init_job_desc_msg(&request->draft.desc);
	return read_question(request, question, err) < 0 ? -1 : complete(request, err);
}

/* As sbatch: a full queue and busy nodes pass; wait a little longer each time. */
static bool may_retry(int errnum)
{
	return errnum == EAGAIN || errnum == UC_ESLURM_QUEUE_FULL ||
	       errnum == ESLURM_NODES_BUSY;
}

static int submit(struct backend_request *request, submit_response_msg_t **response)
{
	int64_t deadline = uc_monotonic_ms() + request->timeout_ms;

	for (int64_t pause = 250;; pause *= 2) {
		int rc = slurm_submit_batch_job(&request->draft.desc, response);
		int errnum = rc == SLURM_SUCCESS ? 0 : errno;

		if (!errnum || !may_retry(errnum) ||
		    uc_monotonic_ms() + pause + 500 > deadline)
			return errnum;
		usleep((useconds_t)pause * 1000);
	}
}

static void put_response(struct uc_frame *answer, const submit_response_msg_t *response)
{
	uc_frame_add_u32(answer, UC_TAG_JOB_ID, uc_response_job_id(response));
	if (response->error_code)
		uc_frame_add_text(answer, UC_TAG_NOTE,
				  slurm_strerror((int)response->error_code));
	if (response->job_submit_user_msg && *response->job_submit_user_msg) {
		uc_auto(buf) struct uc_buf safe = { 0 };

		uc_buf_safe(&safe, uc_raw(response->job_submit_user_msg),
			    UC_SAFE_NEWLINE);
		uc_frame_add_text(answer, UC_TAG_MESSAGE, uc_buf_text(&safe));
	}
}

int backend_submit(const struct uc_frame *question, struct uc_frame *answer,
		   struct uc_error *err)
{
	__attribute__((
		cleanup(backend_request_free))) struct backend_request request = { 0 };
	uc_auto(frame) struct uc_frame sending = UC_FRAME(UC_SAY_SENDING);
	struct uc_frame_progress at = { 0 };
	submit_response_msg_t *response = NULL;
	int errnum;

	if (backend_request_read(&request, question, err) < 0)
		return -1;
	/* From here on nobody but slurmctld knows whether the job exists. */
	if (uc_frame_send(BACKEND_SOCKET, &sending, &at, 0) != 1)
		return uc_fail(err, UC_FAILED, "nobody waits for the answer any more");
	errnum = submit(&request, &response);
	if (errnum) {
		if (backend_is_unsent(errnum))
			uc_frame_add_u32(answer, UC_TAG_UNSENT, 1);
		backend_fail(err, errnum, "slurmctld refuses the job");
		if (err->code ==
		    UC_FAILED) /* it knows why: something was asked wrongly */
			err->code = UC_USAGE;
		return -1;
	}
	put_response(answer, response);
	slurm_free_submit_response_response_msg(response);
	return 0;
}
