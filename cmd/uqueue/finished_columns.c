/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* The columns of uqueue --finished. Keys are for ever; add, never rename. */
#include "uqueue/finished.h"

static const struct uc_past *past_of(const void *row)
{
	return ((const struct finished_row *)row)->past;
}

static void put_raw(struct uc_value *out, struct uc_raw raw)
{
	if (uc_raw_empty(raw))
		return;
	out->type = UC_VALUE_TEXT;
	out->text = raw;
}

static void put(struct uc_value *out, enum uc_value_type type, int64_t number)
{
	out->type = type;
	out->number = number;
}

static void put_number(struct uc_value *out, uint32_t number)
{
	if (number != UC_NONE32)
		put(out, UC_VALUE_NUMBER, number);
}

static void put_time(struct uc_value *out, int64_t when)
{
	if (when)
		put(out, UC_VALUE_TIME, when);
}

static void put_duration(struct uc_value *out, int64_t seconds)
{
	if (seconds != UC_NOT_SET)
		put(out, UC_VALUE_SECONDS, seconds);
}

static void put_size(struct uc_value *out, uint64_t bytes)
{
	if (bytes && bytes < INT64_MAX)
		put(out, UC_VALUE_SIZE, (int64_t)bytes);
}

#define GETTER(field, put)                                                               \
	static void get_##field(const void *row, const void *context,                    \
				struct uc_value *out)                                    \
	{                                                                                \
		(void)context;                                                           \
		put(out, past_of(row)->field);                                           \
	}
// clang-format off
GETTER(name, put_raw) GETTER(account, put_raw) GETTER(partition, put_raw)
GETTER(qos, put_raw) GETTER(nodes, put_raw) GETTER(workdir, put_raw)
GETTER(submit_line, put_raw) GETTER(comment, put_raw) GETTER(tres_alloc, put_raw)
GETTER(tres_req, put_raw) GETTER(failed_node, put_raw) GETTER(cancelled_by, put_raw)
GETTER(submit_time, put_time) GETTER(start_time, put_time) GETTER(end_time, put_time)
GETTER(elapsed, put_duration) GETTER(time_limit, put_duration)
GETTER(job_id, put_number) GETTER(node_count, put_number) GETTER(cpus, put_number)
GETTER(restarts, put_number) GETTER(memory_total, put_size)
	// clang-format on

	/* How long it was in the queue before it ran, or ended. */
	static void get_waited(const void *row, const void *context, struct uc_value *out)
{
	const struct uc_past *past = past_of(row);
	int64_t until = past->start_time ? past->start_time : past->end_time;

	(void)context;
	if (until >= past->submit_time && past->submit_time)
		put(out, UC_VALUE_SECONDS, until - past->submit_time);
}

static void get_exit(const void *row, const void *context, struct uc_value *out)
{
	struct uc_ending ending;
	int code;

	(void)context;
	uc_ending_of_past(&ending, past_of(row));
	code = uc_ending_code(&ending);
	if (code >= 0)
		put(out, UC_VALUE_NUMBER, code);
}

static void get_derived(const void *row, const void *context, struct uc_value *out)
{
	const uint32_t status = past_of(row)->derived_status;

	(void)context;
	put(out, UC_VALUE_NUMBER,
	    status & 0x7f ? 128 + (status & 0x7f) : status >> 8 & 0xff);
}

static void put_words(struct uc_value *out,
		      void (*add)(struct uc_buf *, const struct uc_ending *, unsigned),
		      const struct uc_past *past)
{
	struct uc_ending ending;
	uc_auto(buf) struct uc_buf words = { 0 };

	uc_ending_of_past(&ending, past);
	/* the table makes it safe */
	add(&words, &ending, 0);
	uc_buf_add(&out->scratch, uc_buf_text(&words));
	if (out->scratch.failed || words.failed || !words.len)
		return;
	out->type = UC_VALUE_TEXT;
	out->text = uc_raw(uc_buf_text(&out->scratch));
	out->role = uc_ending_kind(&ending) == UC_ENDING_COMPLETED ? UC_ROLE_PLAIN
								   : UC_ROLE_BAD;
}

static void get_ended(const void *row, const void *context, struct uc_value *out)
{
	(void)context;
	put_words(out, uc_ending_sentence, past_of(row));
}

static void get_brief(const void *row, const void *context, struct uc_value *out)
{
	(void)context;
	put_words(out, uc_ending_brief, past_of(row));
}

static void add_action(struct uc_buf *buf, const struct uc_ending *ending, unsigned safe)
{
	(void)safe;
	uc_ending_action(buf, ending);
}

static void get_advice(const void *row, const void *context, struct uc_value *out)
{
	(void)context;
	put_words(out, add_action, past_of(row));
}

#define SHOWN UC_COLUMN_DEFAULT
#define RIGHT UC_COLUMN_RIGHT
#define CUT   UC_COLUMN_CUT
#define SPARE UC_COLUMN_SPARE
// clang-format off
const struct uc_column uqueue_finished_columns[] = {
	{ "JOBID", "id", SHOWN, 0, "job id, with array task or component", uqueue_get_id },
	{ "USER", "user", SHOWN | CUT, 8, "whose it was", uqueue_get_user },
	{ "NAME", "name", SHOWN | CUT, 8, "its name", get_name },
	{ "PARTITION", "partition", SHOWN | CUT | SPARE, 5, "partition", get_partition },
	{ "END", "end_time", SHOWN, 0, "when it ended", get_end_time },
	{ "TIME", "elapsed", SHOWN | RIGHT, 0, "how long it ran", get_elapsed },
	{ "CPUS", "cpus", SHOWN | RIGHT | SPARE, 0, "number of CPUs", get_cpus },
	{ "GPUS", "gpus", SHOWN | RIGHT, 0, "number of GPUs, with their model",
	  uqueue_get_gpus },
	{ "EXIT", "exit_code", SHOWN | RIGHT, 0,
	  "exit status; 128 and more: ended by a signal", get_exit },
	{ "HOW", "ended", SHOWN | CUT, 16, "how it ended, in words", get_ended },
	{ "STATE", "state", 0, 0, "Slurm's name for that", uqueue_get_state },
	{ "HOW", "ended_brief", 0, 0, "the same in few words", get_brief },
	{ "ADVICE", "advice", CUT, 16, "what its owner can do", get_advice },
	{ "STEPEXIT", "derived_code", RIGHT, 0, "exit status of the worst of its steps",
	  get_derived },
	{ "CANCELLED", "cancelled_by", 0, 0, "who cancelled it", get_cancelled_by },
	{ "FAILEDNODE", "failed_node", 0, 0, "which node failed", get_failed_node },
	{ "ID", "job_id", RIGHT, 0, "plain number of the job", get_job_id },
	{ "MINE", "mine", 0, 0, "whether it was one's own", uqueue_get_mine },
	{ "ACCOUNT", "account", CUT, 6, "account that is charged", get_account },
	{ "QOS", "qos", CUT, 6, "quality of service", get_qos },
	{ "SUBMITTED", "submit_time", 0, 0, "when it was submitted", get_submit_time },
	{ "START", "start_time", 0, 0, "when it started", get_start_time },
	{ "WAITED", "waited", RIGHT, 0, "how long it waited in the queue", get_waited },
	{ "LIMIT", "time_limit", RIGHT, 0, "how long it was allowed to run", get_time_limit },
	{ "RESTARTS", "restarts", RIGHT, 0, "how often it was requeued", get_restarts },
	{ "NODES", "node_count", RIGHT, 0, "number of nodes", get_node_count },
	{ "NODELIST", "nodes", CUT, 10, "nodes it ran on", get_nodes },
	{ "MEMORY", "memory_total", RIGHT, 0, "memory on all its nodes together",
	  get_memory_total },
	{ "TRESREQ", "tres_req", CUT, 8, "all that it asked for", get_tres_req },
	{ "TRESALLOC", "tres_alloc", CUT, 8, "all that it was given", get_tres_alloc },
	{ "WORKDIR", "workdir", CUT, 10, "its working directory", get_workdir },
	{ "SUBMITLINE", "submit_line", CUT, 10, "command it was submitted with",
	  get_submit_line },
	{ "COMMENT", "comment", CUT, 10, "comment of its owner", get_comment },
	{ 0 }
};
// clang-format on
