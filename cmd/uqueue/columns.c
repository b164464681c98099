/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* The columns of uqueue. Keys are for ever; add, never rename. */
#include <stdint.h>
#include "uqueue/uqueue.h"

static const struct uc_job *job_of(const void *row)
{
	return ((const struct uqueue_row *)row)->job;
}

static void put_raw(struct uc_value *out, struct uc_raw raw)
{
	if (uc_raw_empty(raw))
		return;
	out->type = UC_VALUE_TEXT;
	out->text = raw;
}

static void put_number(struct uc_value *out, uint32_t number)
{
	if (number == UC_NONE32)
		return;
	out->type = UC_VALUE_NUMBER;
	out->number = number;
}

/* A number that means nothing when it is 0. */
static void put_some(struct uc_value *out, uint32_t number)
{
	if (number)
		put_number(out, number);
}

static void put_signed(struct uc_value *out, int64_t number)
{
	out->type = UC_VALUE_NUMBER;
	out->number = number;
}

static void put_time(struct uc_value *out, int64_t when)
{
	if (!when)
		return;
	out->type = UC_VALUE_TIME;
	out->number = when;
}

static void put_duration(struct uc_value *out, int64_t seconds)
{
	if (seconds == UC_NOT_SET)
		return;
	out->type = UC_VALUE_SECONDS;
	out->number = seconds;
}

static void put_size(struct uc_value *out, uint64_t bytes)
{
	if (!bytes || bytes > INT64_MAX)
		return;
	out->type = UC_VALUE_SIZE;
	out->number = (int64_t)bytes;
}

static void put_bool(struct uc_value *out, bool yes)
{
	out->type = UC_VALUE_BOOL;
	out->number = yes;
}

#define GETTER(field, put)                                                               \
	static void get_##field(const void *row, const void *context,                    \
				struct uc_value *out)                                    \
	{                                                                                \
		(void)context;                                                           \
		put(out, job_of(row)->field);                                            \
	}
// clang-format off
GETTER(job_id, put_number) GETTER(array_job_id, put_some) GETTER(array_tasks, put_raw)
GETTER(array_max_tasks, put_some) GETTER(het_job_id, put_some) GETTER(het_ids, put_raw)
GETTER(user_id, put_number) GETTER(group_id, put_number) GETTER(account, put_raw)
GETTER(name, put_raw) GETTER(partition, put_raw) GETTER(qos, put_raw) GETTER(wckey, put_raw)
GETTER(cluster, put_raw) GETTER(reason_text, put_raw) GETTER(priority, put_number)
GETTER(restarts, put_number) GETTER(nice, put_signed)
GETTER(submit_time, put_time) GETTER(eligible_time, put_time) GETTER(accrue_time, put_time)
GETTER(start_time, put_time) GETTER(end_time, put_time) GETTER(suspend_time, put_time)
GETTER(preempt_time, put_time) GETTER(deadline, put_time) GETTER(last_tried, put_time)
GETTER(time_limit, put_duration) GETTER(time_min, put_duration)
GETTER(nodes, put_raw) GETTER(batch_host, put_raw) GETTER(sched_nodes, put_raw)
GETTER(required_nodes, put_raw) GETTER(excluded_nodes, put_raw) GETTER(submit_host, put_raw)
GETTER(node_count, put_number) GETTER(node_max, put_some) GETTER(cpus, put_number)
GETTER(tasks, put_number) GETTER(cpus_per_task, put_number) GETTER(tasks_per_node, put_number)
GETTER(threads_per_core, put_number) GETTER(tmp_disk, put_size) GETTER(shards, put_some)
GETTER(gpu_types, put_raw) GETTER(tres_req, put_raw) GETTER(tres_alloc, put_raw)
GETTER(tres_per_job, put_raw) GETTER(tres_per_node, put_raw) GETTER(tres_per_socket, put_raw)
GETTER(tres_per_task, put_raw) GETTER(features, put_raw) GETTER(dependency, put_raw)
GETTER(licenses, put_raw) GETTER(reservation, put_raw) GETTER(container, put_raw)
GETTER(command, put_raw) GETTER(workdir, put_raw) GETTER(std_in, put_raw)
GETTER(std_out, put_raw) GETTER(std_err, put_raw) GETTER(submit_line, put_raw)
GETTER(comment, put_raw) GETTER(admin_comment, put_raw) GETTER(batch, put_bool)
GETTER(requeue, put_bool) GETTER(contiguous, put_bool)
	// clang-format on

	static void get_array_task(const void *row, const void *context,
				   struct uc_value *out)
{
	const struct uqueue_row *one = row;

	(void)context;
	put_number(out, one->task != UC_NONE32 ? one->task : one->job->array_task_id);
}

static void get_het_offset(const void *row, const void *context, struct uc_value *out)
{
	(void)context;
	if (job_of(row)->het_job_id)
		put_number(out, job_of(row)->het_offset);
}

/* As wait(2) gives it; 128 + signal is what a shell would say. */
static void get_exit_code(const void *row, const void *context, struct uc_value *out)
{
	const struct uc_job *job = job_of(row);
	uint32_t number = job->exit_status & 0x7f;

	(void)context;
	if (uc_job_waits(job) || uc_job_holds(job))
		return;
	put_number(out, number ? 128 + number : job->exit_status >> 8 & 0xff);
}

#define SHOWN UC_COLUMN_DEFAULT
#define RIGHT UC_COLUMN_RIGHT
#define CUT   UC_COLUMN_CUT
#define SPARE UC_COLUMN_SPARE
#define ANY   UC_COLUMN_ANY
// clang-format off
const struct uc_column uqueue_columns[] = {
	{ "JOBID", "id", SHOWN, 0, "job id, with array task or component", uqueue_get_id },
	{ "USER", "user", SHOWN | CUT, 8, "whose it is; on a terminal, * marks one's own",
	  uqueue_get_user },
	{ "NAME", "name", SHOWN | CUT, 8, "its name", get_name },
	{ "PARTITION", "partition", SHOWN | CUT | SPARE, 5, "partition, or those it may go to",
	  get_partition },
	{ "STATE", "state", SHOWN, 0, "state", uqueue_get_state },
	{ "DONE", "progress", SHOWN | RIGHT | SPARE | ANY, 0,
	  "tasks of the array that have ended, of those that slurmctld remembers",
	  uqueue_get_progress },
	{ "TIME", "elapsed", SHOWN | RIGHT, 0, "how long it has run", uqueue_get_elapsed },
	{ "LIMIT", "time_limit", SHOWN | RIGHT | SPARE, 0, "how long it may run", get_time_limit },
	{ "NODES", "node_count", SHOWN | RIGHT | SPARE, 0, "number of nodes", get_node_count },
	{ "CPUS", "cpus", SHOWN | RIGHT | SPARE, 0, "number of CPUs", get_cpus },
	{ "MEMORY", "memory_total", SHOWN | RIGHT | SPARE, 0, "memory on all its nodes together",
	  uqueue_get_memory_total },
	{ "GPUS", "gpus", SHOWN | RIGHT, 0, "number of GPUs and MIG slices, with their model",
	  uqueue_get_gpus },
	{ "WHERE", "where", SHOWN | CUT, 10, "nodes, or (why it waits)", uqueue_get_where },
	{ "ID", "job_id", RIGHT, 0, "plain number of the job", get_job_id },
	{ "ARRAY", "array_job_id", RIGHT, 0, "job id of its array", get_array_job_id },
	{ "TASK", "array_task_id", RIGHT, 0, "its index in the array", get_array_task },
	{ "TASKS", "array_tasks", 0, 0, "indices not started yet", get_array_tasks },
	{ "ATONCE", "array_max_tasks", RIGHT, 0, "tasks of the array that may run at once",
	  get_array_max_tasks },
	{ "HETJOB", "het_job_id", RIGHT, 0, "job id of its heterogeneous job", get_het_job_id },
	{ "PART", "het_offset", RIGHT, 0, "which component of that it is", get_het_offset },
	{ "HETIDS", "het_ids", 0, 0, "ids of all components", get_het_ids },
	{ "MINE", "mine", 0, 0, "whether it is one's own", uqueue_get_mine },
	{ "UID", "user_id", RIGHT, 0, "number of the user", get_user_id },
	{ "GID", "group_id", RIGHT, 0, "number of the group", get_group_id },
	{ "ACCOUNT", "account", CUT, 6, "account that is charged", get_account },
	{ "QOS", "qos", CUT, 6, "quality of service", get_qos },
	{ "WCKEY", "wckey", CUT, 6, "workload characterization key", get_wckey },
	{ "CLUSTER", "cluster", CUT, 6, "cluster, in a federation", get_cluster },
	{ "PRIORITY", "priority", RIGHT, 0, "priority", get_priority },
	{ "NICE", "nice", RIGHT, 0, "taken from its priority", get_nice },
	{ "WHY", "why", CUT, 10, "why it waits, or ended, in short words", uqueue_get_why },
	{ "REASON", "reason", CUT, 10, "the same as Slurm's code", uqueue_get_reason },
	{ "DETAIL", "reason_text", CUT, 10, "what Slurm says besides", get_reason_text },
	{ "LEFT", "time_left", RIGHT, 0, "time until its limit", uqueue_get_time_left },
	{ "MINLIMIT", "time_min", RIGHT, 0, "time limit to which it may be shortened",
	  get_time_min },
	{ "SUBMITTED", "submit_time", 0, 0, "when it was submitted", get_submit_time },
	{ "ELIGIBLE", "eligible_time", 0, 0, "since when it may start", get_eligible_time },
	{ "ACCRUES", "accrue_time", 0, 0, "since when its age counts", get_accrue_time },
	{ "START", "start_time", 0, 0, "when it started, or will at the latest estimate",
	  get_start_time },
	{ "END", "end_time", 0, 0, "when it ended, or must end", get_end_time },
	{ "SUSPENDED", "suspend_time", 0, 0, "when it was last suspended or resumed",
	  get_suspend_time },
	{ "PREEMPTED", "preempt_time", 0, 0, "when it was preempted", get_preempt_time },
	{ "DEADLINE", "deadline", 0, 0, "when it has to be ready", get_deadline },
	{ "TRIED", "last_tried", 0, 0, "when the scheduler last looked at it", get_last_tried },
	{ "RESTARTS", "restarts", RIGHT, 0, "how often it was requeued", get_restarts },
	{ "EXIT", "exit_code", RIGHT, 0, "exit status; 128 and more: ended by a signal",
	  get_exit_code },
	{ "NODELIST", "nodes", CUT, 10, "nodes it runs on", get_nodes },
	{ "FIRST", "batch_host", CUT, 8, "node of its script", get_batch_host },
	{ "FORESEEN", "sched_nodes", CUT, 10, "nodes it may start on", get_sched_nodes },
	{ "WANTED", "required_nodes", CUT, 10, "nodes it asks for", get_required_nodes },
	{ "UNWANTED", "excluded_nodes", CUT, 10, "nodes it does not want", get_excluded_nodes },
	{ "MAXNODES", "node_max", RIGHT, 0, "the most nodes it asks for", get_node_max },
	{ "NTASKS", "tasks", RIGHT, 0, "number of tasks", get_tasks },
	{ "CPUS/TASK", "cpus_per_task", RIGHT, 0, "CPUs for each task", get_cpus_per_task },
	{ "TASKS/NODE", "tasks_per_node", RIGHT, 0, "tasks on each node", get_tasks_per_node },
	{ "THREADS", "threads_per_core", RIGHT, 0, "hardware threads of each core",
	  get_threads_per_core },
	{ "SHARING", "sharing", 0, 0, "with whom it shares its nodes", uqueue_get_sharing },
	{ "MINMEM", "memory", RIGHT, 0, "memory on each node, or each CPU", uqueue_get_memory },
	{ "TMPDISK", "tmp_disk", RIGHT, 0, "temporary disk on each node", get_tmp_disk },
	{ "GPUTYPES", "gpu_types", 0, 0, "GPUs by model", get_gpu_types },
	{ "GPUIDS", "gpu_ids", CUT, 10, "which GPUs of which node", uqueue_get_gpu_ids },
	{ "MIG", "mig", RIGHT, 0, "MIG slices among its GPUs", uqueue_get_mig },
	{ "SHARDS", "shards", RIGHT, 0, "shards of GPUs", get_shards },
	{ "TRES/JOB", "tres_per_job", CUT, 8, "GRES asked for by job", get_tres_per_job },
	{ "TRES/NODE", "tres_per_node", CUT, 8, "GRES asked for by node", get_tres_per_node },
	{ "TRES/SOCKET", "tres_per_socket", CUT, 8, "GRES asked for by socket",
	  get_tres_per_socket },
	{ "TRES/TASK", "tres_per_task", CUT, 8, "GRES asked for by task", get_tres_per_task },
	{ "TRESREQ", "tres_req", CUT, 8, "all that it asks for", get_tres_req },
	{ "TRESALLOC", "tres_alloc", CUT, 8, "all that it was given", get_tres_alloc },
	{ "DEPENDENCY", "dependency", CUT, 10, "jobs it waits for", get_dependency },
	{ "FEATURES", "features", CUT, 8, "features of nodes it asks for", get_features },
	{ "LICENSES", "licenses", CUT, 8, "licenses it asks for", get_licenses },
	{ "RESERVATION", "reservation", CUT, 8, "reservation it runs in", get_reservation },
	{ "CONTIGUOUS", "contiguous", 0, 0, "whether its nodes lie side by side",
	  get_contiguous },
	{ "BATCH", "batch", 0, 0, "whether it has a script", get_batch },
	{ "REQUEUE", "requeue", 0, 0, "whether it may be requeued", get_requeue },
	{ "COMMAND", "command", CUT, 10, "what it runs", get_command },
	{ "WORKDIR", "workdir", CUT, 10, "its working directory", get_workdir },
	{ "STDIN", "std_in", CUT, 10, "file of its input", get_std_in },
	{ "STDOUT", "std_out", CUT, 10, "file of its output", get_std_out },
	{ "STDERR", "std_err", CUT, 10, "file of its error output", get_std_err },
	{ "SUBMITTER", "submit_host", CUT, 8, "host it was submitted from", get_submit_host },
	{ "SUBMITLINE", "submit_line", CUT, 10, "command it was submitted with",
	  get_submit_line },
	{ "CONTAINER", "container", CUT, 10, "OCI container", get_container },
	{ "COMMENT", "comment", CUT, 10, "comment of its owner", get_comment },
	{ "ADMIN", "admin_comment", CUT, 10, "comment of an administrator", get_admin_comment },
	{ 0 }
};
// clang-format on
