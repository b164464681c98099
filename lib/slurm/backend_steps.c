/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Steps of one job, or of all (one RPC). */
#include <errno.h>
#include <inttypes.h>
#include <time.h>
#include <ucluster/node.h>
#include <ucluster/step.h>
#include <ucluster/units.h>
#include "slurm/compat.h"
#include "slurm/backend.h"
#include "slurm/wire.h"

static struct uc_raw set_or_null(const char *text)
{
	return uc_raw(text && *text ? text : NULL);
}

static uint32_t number(uint32_t value)
{
	return value == NO_VAL ? UC_NONE32 : value;
}

static void fill_step(job_step_info_t *from, struct uc_step *to)
{
	to->job_id = from->step_id.job_id;
	to->step_id = from->step_id.step_id;
	to->het_component = number(from->step_id.step_het_comp);
	to->state = from->state;
	to->user_id = from->user_id;
	to->tasks = number(from->num_tasks);
	to->cpus = number(from->num_cpus);
	to->srun_pid = from->srun_pid;
	to->start_time = from->start_time;
	to->run_time = from->run_time;
	to->time_limit = from->time_limit == INFINITE ? UC_DURATION_INFINITE
			 : from->time_limit == NO_VAL ? UC_NOT_SET
						      : (int64_t)from->time_limit * 60;
	to->name = set_or_null(from->name);
	to->nodes = set_or_null(from->nodes);
	to->tres = set_or_null(uc_step_tres(from));
	to->submit_line = set_or_null(uc_step_submit_line(from));
}

/* A job that is over, or has none yet. */
static bool is_none(int code)
{
	return code == ESLURM_INVALID_JOB_ID || code == SLURM_NO_CHANGE_IN_DATA;
}

int backend_steps(const struct uc_frame *question, struct uc_frame *answer,
		  struct uc_error *err)
{
	const struct uc_rows_type *type = uc_rows_type(UC_ROWS_STEPS);
	uc_auto(wire) struct uc_wire *wire = uc_wire_new(UC_ROWS_STEPS);
	job_step_info_response_msg_t *msg = NULL;
	const uint32_t job_id = uc_frame_u32(question, UC_TAG_JOB_ID, 0);

	if (!wire)
		return uc_fail(err, UC_FAILED, "out of memory");
	if (uc_get_steps(job_id == UC_NONE32 ? NO_VAL : job_id, &msg) != SLURM_SUCCESS &&
	    !is_none(errno))
		return backend_fail(err, errno, "loading steps");
	for (uint32_t i = 0; msg && i < msg->job_step_count; i++) {
		struct uc_step row;

		uc_row_clear(type, &row);
		fill_step(&msg->job_steps[i], &row);
		uc_wire_add(wire, &row);
	}
	answer->fd = uc_wire_finish(wire, (int64_t)time(NULL), 0, err);
	slurm_free_job_step_info_response_msg(msg);
	return answer->fd < 0 ? -1 : 0;
}

/* The place of the node in the step's list that has the task; -1: none has it. */
static long find_node(const slurm_step_layout_t *layout, uint32_t task)
{
	for (uint32_t n = 0; n < layout->node_cnt; n++)
		for (uint32_t t = 0; t < layout->tasks[n]; t++)
			if (layout->tids[n][t] == task)
				return n;
	return -1;
}

int backend_task_node(const struct uc_frame *question, struct uc_frame *answer,
		      struct uc_error *err)
{
	uc_auto(strv) struct uc_strv nodes = { 0 };
	slurm_step_id_t id;
	const uint32_t task = uc_frame_u32(question, UC_TAG_TASK, 0);
	slurm_step_layout_t *layout;
	long at;

	uc_step_id_set(&id, uc_frame_u32(question, UC_TAG_JOB_ID, 0),
		       uc_frame_u32(question, UC_TAG_STEP, 0));
	layout = slurm_job_step_layout_get(&id);
	if (!layout)
		return backend_fail(err, errno, "loading the layout of a step");
	at = find_node(layout, task);
	uc_hosts_expand(layout->node_list, layout->node_cnt, &nodes);
	slurm_job_step_layout_free(layout);
	if (at < 0)
		return uc_fail(err, UC_NOTFOUND, "the step has no task %" PRIu32, task);
	if (nodes.failed || (size_t)at >= nodes.count)
		return uc_fail(err, UC_INVALID, "the step's nodes are not understood");
	uc_frame_add_text(answer, UC_TAG_NODES, nodes.item[at]);
	return 0;
}
