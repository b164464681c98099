/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Jobs: which RPC to ask with, and Slurm's record as our row. */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <time.h>
#include <ucluster/gres.h>
#include "slurm/compat.h"
#include "slurm/backend.h"
#include "slurm/wire.h"

/* Beyond this many users or ids one RPC for everything is cheaper for slurmctld. */
#define SINGLE_MAX 8

struct work {
	struct uc_wire *wire;
	struct uc_job clear;       /* a row with nothing set */
	struct uc_job_query query; /* what it asks of states */
	bool users_wanted, gpus_wanted;
	uint32_t users[SINGLE_MAX + 1], jobs[SINGLE_MAX + 1];
	size_t user_count, job_count; /* SINGLE_MAX + 1 = more */
	const struct uc_frame *question;
	bool filter_users, filter_jobs;
	uint16_t flags;
	int64_t since;  /* when slurmctld said so before, for all jobs only */
	bool unchanged; /* no job changed after that */
	bool failed;    /* out of memory */
	uint32_t *seen; /* ids already sent, a hash; only with several ids */
	size_t seen_size, seen_used;
	int64_t updated;
	struct uc_buf types;
};

#define TEXT(from, to)                                                                   \
	{                                                                                \
		offsetof(job_info_t, from), offsetof(struct uc_job, to)                  \
	}
static const struct {
	size_t from, to;
} texts[] = {
	TEXT(account, account),
	TEXT(admin_comment, admin_comment),
	TEXT(alloc_node, submit_host),
	TEXT(array_task_str, array_tasks),
	TEXT(batch_host, batch_host),
	TEXT(burst_buffer, burst_buffer),
	TEXT(cluster, cluster),
	TEXT(command, command),
	TEXT(comment, comment),
	TEXT(cpus_per_tres, cpus_per_tres),
	TEXT(dependency, dependency),
	TEXT(exc_nodes, excluded_nodes),
	TEXT(features, features),
	TEXT(gres_total, gres_total),
	TEXT(het_job_id_set, het_ids),
	TEXT(licenses, licenses),
	TEXT(mail_user, mail_user),
	TEXT(mcs_label, mcs_label),
	TEXT(mem_per_tres, memory_per_tres),
	TEXT(name, name),
	TEXT(network, network),
	TEXT(nodes, nodes),
	TEXT(partition, partition),
	TEXT(qos, qos),
	TEXT(req_nodes, required_nodes),
	TEXT(resv_name, reservation),
	TEXT(sched_nodes, sched_nodes),
	TEXT(state_desc, reason_text),
	TEXT(std_err, std_err),
	TEXT(std_in, std_in),
	TEXT(std_out, std_out),
	TEXT(system_comment, system_comment),
	TEXT(tres_alloc_str, tres_alloc),
	TEXT(tres_per_job, tres_per_job),
	TEXT(tres_per_node, tres_per_node),
	TEXT(tres_per_socket, tres_per_socket),
	TEXT(tres_per_task, tres_per_task),
	TEXT(tres_req_str, tres_req),
	TEXT(wckey, wckey),
	TEXT(work_dir, workdir),
};
#undef TEXT

/* Empty strings are "not set" in Slurm. */
static struct uc_raw set_or_null(char *text)
{
	return uc_raw(text && *text ? text : NULL);
}

static void fill_texts(const job_info_t *from, struct uc_job *to)
{
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		char *const *text = (char *const *)((const char *)from + texts[i].from);

		*(struct uc_raw *)((char *)to + texts[i].to) = set_or_null(*text);
	}
	to->prefer = set_or_null(uc_job_prefer(from));
	to->container = set_or_null(uc_job_container(from));
	to->extra = set_or_null(uc_job_extra(from));
	to->submit_line = set_or_null(uc_job_submit_line(from));
}

static void fill_ids(const job_info_t *from, struct uc_job *to)
{
	to->job_id = from->job_id;
	to->array_job_id = from->array_job_id;
	to->array_task_id = backend_u32(from->array_task_id);
	to->array_max_tasks = from->array_max_tasks;
	to->het_job_id = from->het_job_id;
	to->het_offset = from->het_job_id ? from->het_job_offset : 0;
	to->user_id = from->user_id;
	to->group_id = from->group_id;
	to->state = from->job_state;
	to->reason = from->state_reason;
	to->priority = from->priority;
	to->restarts = from->restart_cnt;
	to->nice = (int64_t)from->nice - NICE_OFFSET;
	to->exit_status = from->exit_code;
	to->derived_status = from->derived_ec;
	to->submit_session = from->alloc_sid;
}

static void fill_times(const job_info_t *from, struct uc_job *to)
{
	to->submit_time = from->submit_time;
	to->eligible_time = from->eligible_time;
	to->accrue_time = from->accrue_time;
	to->start_time = from->start_time;
	to->end_time = from->end_time;
	to->suspend_time = from->suspend_time;
	to->suspended = from->pre_sus_time;
	to->preempt_time = from->preempt_time;
	to->resize_time = from->resize_time;
	to->deadline = from->deadline;
	to->last_tried = from->last_sched_eval;
	to->time_limit = backend_minutes(from->time_limit);
	to->time_min = from->time_min ? backend_minutes(from->time_min) : UC_NOT_SET;
}

static void fill_amounts(const job_info_t *from, struct uc_job *to)
{
	uint64_t memory = from->pn_min_memory;
	uint16_t shared = uc_job_shared(from);

	to->node_count = from->num_nodes;
	to->node_max = from->max_nodes;
	to->cpus = from->num_cpus;
	to->cpu_max = from->max_cpus;
	to->tasks = backend_u32(from->num_tasks);
	to->cpus_per_task = backend_u16(from->cpus_per_task);
	to->tasks_per_node = backend_u16(from->ntasks_per_node);
	to->tasks_per_socket = backend_u16(from->ntasks_per_socket);
	to->tasks_per_core = backend_u16(from->ntasks_per_core);
	to->sockets_per_node = backend_u16(from->sockets_per_node);
	to->cores_per_socket = backend_u16(from->cores_per_socket);
	to->threads_per_core = backend_u16(from->threads_per_core);
	to->cpus_per_node_min = from->pn_min_cpus;
	to->sharing = shared >= NO_VAL16 ? UC_SHARING_SITE : shared;
	if (memory != NO_VAL64) {
		to->memory_per_cpu = (memory & MEM_PER_CPU) != 0;
		to->memory = (memory & ~MEM_PER_CPU) << 20;
	}
	to->tmp_disk = (uint64_t)from->pn_min_tmp_disk << 20;
	to->contiguous = from->contiguous == 1;
	to->batch = from->batch_flag == 1;
	to->requeue = from->requeue == 1;
	to->reboot = from->reboot == 1;
}

/* gres_detail_str has the layout of an array of uc_raw. */
static void fill_gpus(struct work *work, const job_info_t *from, struct uc_job *to)
{
	struct uc_gpus gpus;

	_Static_assert(sizeof(struct uc_raw) == sizeof(char *), "see above");
	if (from->gres_detail_cnt && from->gres_detail_str) {
		to->gres_detail.item = (const struct uc_raw *)from->gres_detail_str;
		to->gres_detail.count = from->gres_detail_cnt;
	}
	uc_job_gpus(to, &gpus);
	to->gpus = gpus.count < UC_NONE32 ? (uint32_t)gpus.count : UC_NONE32;
	to->shards = gpus.shards < UC_NONE32 ? (uint32_t)gpus.shards : UC_NONE32;
	if (!gpus.type_count)
		return;
	uc_buf_reset(&work->types);
	uc_buf_gpu_types(&work->types, &gpus);
	if (work->types.len)
		to->gpu_types = uc_raw(work->types.data);
}

static bool has_id(const struct work *work, enum uc_frame_tag tag, uint32_t id)
{
	struct uc_frame_item item;

	for (size_t at = 0; uc_frame_next(work->question, &at, &item);) {
		uint32_t value;

		if (item.tag != tag || item.len != sizeof(value))
			continue;
		memcpy(&value, item.bytes, sizeof(value));
		if (value == id)
			return true;
	}
	return false;
}

static bool is_asked_for(const struct work *work, const job_info_t *job)
{
	if (work->filter_users && !has_id(work, UC_TAG_USER_ID, job->user_id))
		return false;
	if (!uc_job_query_has_state(&work->query, job->job_state))
		return false;
	return !work->filter_jobs || has_id(work, UC_TAG_JOB_ID, job->job_id) ||
	       (job->array_job_id && has_id(work, UC_TAG_JOB_ID, job->array_job_id)) ||
	       (job->het_job_id && has_id(work, UC_TAG_JOB_ID, job->het_job_id));
}

/* With several ids, an element and its array may both be asked for. */
static bool is_new(struct work *work, uint32_t id)
{
	size_t i;

	if (work->job_count < 2)
		return true;
	if (work->seen_used * 2 >= work->seen_size) {
		size_t size = work->seen_size ? work->seen_size * 2 : 1024;
		uint32_t *bigger = calloc(size, sizeof(*bigger));

		if (!bigger) {
			work->failed = true;
			return true;
		}
		for (size_t k = 0; k < work->seen_size; k++) {
			i = work->seen[k] * 2654435761u & (size - 1);
			while (work->seen[k] && bigger[i])
				i = (i + 1) & (size - 1);
			if (work->seen[k])
				bigger[i] = work->seen[k];
		}
		free(work->seen);
		work->seen = bigger;
		work->seen_size = size;
	}
	i = id * 2654435761u & (work->seen_size - 1);
	while (work->seen[i] && work->seen[i] != id)
		i = (i + 1) & (work->seen_size - 1);
	if (work->seen[i])
		return false;
	work->seen[i] = id;
	work->seen_used++;
	return true;
}

static void add_jobs(struct work *work, const job_info_msg_t *msg)
{
	for (uint32_t i = 0; i < msg->record_count; i++) {
		const job_info_t *job = &msg->job_array[i];
		struct uc_job row = work->clear;

		if (!job->job_id || !is_asked_for(work, job) ||
		    !is_new(work, job->job_id))
			continue;
		fill_ids(job, &row);
		fill_texts(job, &row);
		fill_times(job, &row);
		fill_amounts(job, &row);
		if (work->users_wanted)
			row.user = uc_raw(backend_user_name(row.user_id));
		if (work->gpus_wanted)
			fill_gpus(work, job, &row);
		uc_wire_add(work->wire, &row);
	}
	if (msg->last_update > work->updated)
		work->updated = msg->last_update;
}

/* What was loaded for an answer: a process that is about to end need not take it apart.
 */
static struct {
	job_info_msg_t *msg[SINGLE_MAX];
	size_t count;
} kept;

static void keep(job_info_msg_t *msg)
{
	kept.msg[kept.count++] = msg;
}

void backend_release(void)
{
	while (kept.count)
		slurm_free_job_info_msg(kept.msg[--kept.count]);
}

static int load_everything(struct work *work, struct uc_error *err)
{
	job_info_msg_t *msg = NULL;

	if (slurm_load_jobs((time_t)work->since, &msg, work->flags) != SLURM_SUCCESS) {
		if (errno != SLURM_NO_CHANGE_IN_DATA)
			return backend_fail(err, errno, "loading jobs");
		work->unchanged = true;
		return 0;
	}
	add_jobs(work, msg);
	keep(msg);
	return 0;
}

/* Jobs in hidden partitions are shown to those who name them or their owner. */
static int load_user(struct work *work, uint32_t uid, struct uc_error *err)
{
	job_info_msg_t *msg = NULL;

	if (slurm_load_job_user(&msg, uid, work->flags | SHOW_ALL) != SLURM_SUCCESS)
		return backend_fail(err, errno, "loading jobs of a user");
	add_jobs(work, msg);
	keep(msg);
	return 0;
}

static int load_id(struct work *work, uint32_t id, struct uc_error *err)
{
	job_info_msg_t *msg = NULL;

	if (uc_load_job(&msg, id, work->flags | SHOW_ALL) != SLURM_SUCCESS)
		return errno == ESLURM_INVALID_JOB_ID
			       ? 0
			       : backend_fail(err, errno, "loading a job");
	add_jobs(work, msg);
	keep(msg);
	return 0;
}

/* Each number once; more than SINGLE_MAX are only counted. */
static void read_ids(const struct uc_frame *question, enum uc_frame_tag tag,
		     uint32_t *ids, size_t *count)
{
	struct uc_frame_item item;

	*count = 0;
	for (size_t at = 0; uc_frame_next(question, &at, &item);) {
		uint32_t value;
		size_t i = 0;

		if (item.tag != tag || item.len != sizeof(value))
			continue;
		memcpy(&value, item.bytes, sizeof(value));
		while (i < *count && ids[i] != value)
			i++;
		if (i == *count && *count <= SINGLE_MAX)
			ids[(*count)++] = value;
	}
}

/* One RPC an id or user when few are named, else one for all and a filter here. For uid 0
 * slurmctld would send all jobs anyway (REQUEST_JOB_USER_INFO treats 0 as "any"). */
static int load_jobs(struct work *work, struct uc_error *err)
{
	bool few_users = work->user_count && work->user_count <= SINGLE_MAX &&
			 !has_id(work, UC_TAG_USER_ID, 0);

	if (work->job_count && work->job_count <= SINGLE_MAX) {
		work->filter_users = work->user_count > 0;
		for (size_t i = 0; i < work->job_count; i++)
			if (load_id(work, work->jobs[i], err) < 0)
				return -1;
		return 0;
	}
	work->filter_jobs = work->job_count > 0;
	if (few_users) {
		for (size_t i = 0; i < work->user_count; i++)
			if (load_user(work, work->users[i], err) < 0)
				return -1;
		return 0;
	}
	work->filter_users = work->user_count > 0;
	return load_everything(work, err);
}

/* Only the fields that are wanted. */
static int choose_fields(struct work *work, struct uc_error *err)
{
	const struct uc_rows_type *type = uc_rows_type(UC_ROWS_JOBS);
	char *names = uc_frame_text(work->question, UC_TAG_FIELDS);
	struct uc_fields fields, gpus, user;
	int rc = 0;

	uc_row_clear(type, &work->clear);
	uc_fields_all(type, &fields);
	if (names)
		rc = uc_fields_parse(type, names, &fields, err);
	free(names);
	if (rc < 0 || uc_fields_parse(type, "user", &user, err) < 0 ||
	    uc_fields_parse(type, "gpus,gpu_types,shards,gres_detail", &gpus, err) < 0)
		return -1;
	work->users_wanted = uc_fields_overlap(&fields, &user);
	work->gpus_wanted = uc_fields_overlap(&fields, &gpus);
	uc_wire_choose(work->wire, &fields);
	return 0;
}

static void read_question(struct work *work)
{
	const struct uc_frame *question = work->question;
	struct uc_frame_item item;

	for (size_t at = 0; uc_frame_next(question, &at, &item);) {
		if (item.tag == UC_TAG_DETAIL)
			work->flags |= SHOW_DETAIL;
		else if (item.tag == UC_TAG_SINCE && item.len == sizeof(work->since))
			memcpy(&work->since, item.bytes, item.len);
	}
	work->query.states = uc_frame_u32(question, UC_TAG_STATES, 0);
	work->query.state_flags = uc_frame_u32(question, UC_TAG_STATE_FLAGS, 0);
	read_ids(question, UC_TAG_USER_ID, work->users, &work->user_count);
	read_ids(question, UC_TAG_JOB_ID, work->jobs, &work->job_count);
}

int backend_jobs(const struct uc_frame *question, struct uc_frame *answer,
		 struct uc_error *err)
{
	struct work work = { .question = question, .flags = SHOW_LOCAL };
	int rc = -1;

	backend_release();
	read_question(&work);
	work.wire = uc_wire_new(UC_ROWS_JOBS);
	if (!work.wire)
		uc_fail(err, UC_FAILED, "out of memory");
	else if (choose_fields(&work, err) < 0 || load_jobs(&work, err) < 0)
		rc = -1;
	else if (work.failed || work.types.failed)
		uc_fail(err, UC_FAILED, "out of memory");
	else if (work.unchanged)
		rc = 0;
	else
		rc = answer->fd =
			uc_wire_finish(work.wire, (int64_t)time(NULL), work.updated, err);
	uc_wire_free(work.wire);
	uc_buf_free(&work.types);
	free(work.seen);
	return rc < 0 ? -1 : 0;
}
