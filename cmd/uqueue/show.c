/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* uqueue show: everything about one job, in sections. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucluster/source.h>
#include "common/run.h"
#include "uqueue/uqueue.h"

/* What stands in a section, as keys of columns; what is not known is left out. */
static const struct {
	const char *title, *keys;
} sections[] = {
	{ "Job", "id,name,user,account,qos,state,why,reason_text,exit_code,progress,"
		 "het_ids,comment,admin_comment" },
	{ "Request",
	  "partition,node_count,node_max,cpus,tasks,cpus_per_task,"
	  "tasks_per_node,memory_total,memory,tmp_disk,gpus,mig,shards,"
	  "tres_per_job,tres_per_node,tres_per_socket,tres_per_task,time_limit,"
	  "time_min,features,licenses,reservation,dependency,sharing,"
	  "required_nodes,excluded_nodes,requeue,priority,nice" },
	{ "Where", "nodes,batch_host,sched_nodes,submit_host" },
	{ "Times", "submit_time,eligible_time,start_time,end_time,deadline,elapsed,"
		   "time_left,suspend_time,preempt_time,last_tried,restarts" },
	{ "GPUs", "gpu_types,gpu_ids" },
	{ "Files", "command,submit_line,workdir,std_in,std_out,std_err,container" },
};
#define SECTION_COUNT (sizeof(sections) / sizeof(sections[0]))

static const struct uc_column *find_column(const char *key, size_t len)
{
	for (size_t i = 0; uqueue_columns[i].heading; i++)
		if (strncmp(uqueue_columns[i].key, key, len) == 0 &&
		    !uqueue_columns[i].key[len])
			return &uqueue_columns[i];
	return NULL;
}

/* "memory_total" is shown as "memory total". */
static void add_line(struct uc_buf *out, const struct uc_column *column,
		     const struct uc_buf *text)
{
	size_t start = out->len;

	uc_buf_addf(out, "  %-16s", column->key);
	for (size_t i = start; !out->failed && i < out->len; i++)
		if (out->data[i] == '_')
			out->data[i] = ' ';
	uc_buf_addf(out, " %s\n", uc_buf_text(text));
}

static void add_section(struct uc_buf *out, const struct uc_run *run,
			const struct uc_table *table, size_t row, size_t section)
{
	uc_auto(value) struct uc_value value = { 0 };
	uc_auto(buf) struct uc_buf text = { 0 }, lines = { 0 };

	for (const char *key = sections[section].keys; *key;) {
		size_t len = strcspn(key, ",");
		const struct uc_column *column = find_column(key, len);

		uc_buf_reset(&text);
		uc_value_get(table, row, column, &value);
		uc_value_text(&text, &value, run->safe);
		if (text.len)
			add_line(&lines, column, &text);
		out->failed = out->failed || text.failed || lines.failed;
		key += len + (key[len] == ',');
	}
	if (lines.len)
		uc_buf_addf(out, "%s\n%s", sections[section].title, uc_buf_text(&lines));
}

static int print_jobs(struct uc_run *run, const struct uc_table *table)
{
	uc_auto(buf) struct uc_buf out = { 0 };
	struct uc_error err = { 0 };

	for (size_t r = 0; r < table->count; r++) {
		if (r)
			uc_buf_addc(&out, '\n');
		for (size_t s = 0; s < SECTION_COUNT; s++)
			add_section(&out, run, table, r, s);
	}
	if (out.failed) {
		uc_fail(&err, UC_FAILED, "out of memory");
		return uc_run_error(run, &err);
	}
	fputs(uc_buf_text(&out), stdout);
	return 0;
}

static int show(struct uc_run *run, struct uc_source *source,
		const struct uqueue_filter *filter, struct uc_error *err)
{
	const struct uqueue_wants wants = { .detail = true, .ended = true };
	uc_auto(jobs) struct uc_jobs *jobs = NULL;
	struct uqueue_context context = { 0 };
	struct uqueue_row *rows;
	size_t count = 0;
	int rc;

	if (uqueue_load(source, filter, &wants, &jobs, err) < 0 ||
	    uqueue_context_fill(&context, run, jobs, err) < 0)
		return -1;
	context.mark = false;
	rows = calloc(jobs->count + 1, sizeof(*rows));
	for (size_t i = 0; rows && i < jobs->count; i++) {
		const struct uc_job *job = &jobs->row[i];
		uint32_t task = UC_NONE32;

		if (!uqueue_filter_match(filter, job))
			continue;
		for (size_t k = 0; k < filter->id_count; k++)
			if (!uc_raw_empty(job->array_tasks) &&
			    uc_job_id_match(&filter->ids[k], job))
				task = filter->ids[k].task;
		rows[count++] = (struct uqueue_row){ job, task };
	}
	rc = rows ? print_jobs(run, &(struct uc_table){ .rows = rows,
							.count = count,
							.row_size = sizeof(*rows),
							.context = &context,
							.now = jobs->now })
		  : uc_fail(err, UC_FAILED, "out of memory");
	free(rows);
	uqueue_context_free(&context);
	return rc < 0 ? -1 : uqueue_filter_found(filter, jobs, err);
}

static int run_show(struct uc_run *run, const struct uc_cmd *cmd, int argc, char **argv)
{
	uc_auto(source) struct uc_source *source = NULL;
	struct uqueue_args args = { 0 };
	struct uqueue_filter filter = { 0 };
	struct uc_error err = { 0 };
	int rc = -1;

	(void)argc;
	if (!uc_run_parse(run, cmd, argv, NULL) || uc_run_config(run, NULL) < 0 ||
	    uc_run_source(run, 0, &source) < 0)
		return run->status;
	args.jobs = run->parsed.operands; /* borrowed */
	if (uqueue_filter_make(&filter, &args, uc_source_is_live(source), &err) == 0)
		rc = show(run, source, &filter, &err);
	uqueue_filter_free(&filter);
	return rc < 0 ? uc_run_error(run, &err) : 0;
}

const struct uc_cmd uqueue_show = {
	.name = "uqueue show",
	.summary = "say everything about some jobs",
	.usage = (const char *const[]){ "JOBID...", NULL },
	.operands = "JOBID",
	.min_operands = 1,
	.shared = UC_SHARED_COLOR | UC_SHARED_VERBOSE | UC_SHARED_SOURCE,
	.fn = run_show,
	.doc = "Show everything that slurmctld knows of these jobs, in sections:\n"
	       "what they are, what they ask for, where and when they run, which GPUs\n"
	       "they hold on which node, and their files.\n"
	       "What is not known or not set is left out.",
};
