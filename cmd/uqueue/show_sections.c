/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* A job in sections: lines of a title and what is known. */
#include <string.h>
#include <ucluster/gres.h>
#include "uqueue/show.h"

/* What stands in a section, as keys of columns; what is not known is left out. */
struct section {
	const char *title, *keys;
	/* Add further lines. */
	void (*more)(const struct show *show, size_t row, struct uc_buf *out);
};

static void add_text(struct uc_buf *out, const char *title, const char *safe)
{
	if (safe && *safe)
		uc_buf_addf(out, "  %-16s %s\n", title, safe);
}

static void add_raw(const struct show *show, struct uc_buf *out, const char *title,
		    const char *bytes)
{
	uc_auto(buf) struct uc_buf text = { 0 };

	uc_buf_safe(&text, uc_raw(bytes), show->run->safe);
	add_text(out, title, uc_buf_text(&text));
	out->failed = out->failed || text.failed;
}

static void add_ending(const struct show *show, size_t row, struct uc_buf *out)
{
	const struct uc_job *job = show->rows[row].job;
	uc_auto(buf) struct uc_buf text = { 0 };
	struct uc_ending ending;

	if (!show_ending(show, job, &ending))
		return;
	uc_ending_sentence(&text, &ending, show->run->safe);
	add_text(out, "how it ended", uc_buf_text(&text));
	uc_buf_reset(&text);
	uc_ending_action(&text, &ending);
	add_text(out, "what to do", uc_buf_text(&text));
	out->failed = out->failed || text.failed;
}

/* "gpu1  0-1 (2×a100)": a line for each node. */
static void add_nodes(const struct show *show, size_t row, struct uc_buf *out)
{
	const struct uc_job *job = show->rows[row].job;
	uc_auto(strv) struct uc_strv names = { 0 };
	uc_auto(buf) struct uc_buf text = { 0 }, name = { 0 }, types = { 0 };

	show_node_names(job, &names);
	/* of one node "gpu ids" tells all */
	for (size_t i = 0;
	     names.count > 1 && i < job->gres_detail.count && i < names.count; i++) {
		struct uc_gpus gpus = { 0 };

		uc_gpus_add(&gpus, job->gres_detail.item[i].bytes);
		if (!gpus.count)
			continue;
		uc_buf_reset(&text);
		uc_buf_reset(&name);
		uc_buf_reset(&types);
		uc_buf_safe(&name, uc_raw(names.item[i]), show->run->safe);
		if (gpus.indexed)
			uc_buf_index_set(&text, &gpus.used);
		uc_buf_gpu_types(&types, &gpus);
		uc_buf_addf(&text, "%s(", text.len ? " " : "");
		uc_buf_safe(&text, uc_raw(uc_buf_text(&types)), show->run->safe);
		uc_buf_addf(&text, "%s)", types.len ? "" : "model not known");
		add_text(out, uc_buf_text(&name), uc_buf_text(&text));
	}
	out->failed =
		out->failed || text.failed || name.failed || types.failed || names.failed;
}

/* Where output goes, with what stands for %j and the like. */
static void add_files(const struct show *show, size_t row, struct uc_buf *out)
{
	uc_auto(buf) struct uc_buf output = { 0 }, errors = { 0 };
	bool known = show_output(show, row, false, &output) == 0;

	if (known)
		add_raw(show, out, "output", uc_buf_text(&output));
	if (show_output(show, row, true, &errors) == 0 &&
	    strcmp(uc_buf_text(&errors), uc_buf_text(&output)) != 0)
		add_raw(show, out, "errors", uc_buf_text(&errors));
}

static void add_tasks(const struct show *show, size_t row, struct uc_buf *out)
{
	(void)row;
	for (size_t i = 0; i < show->group_count; i++) {
		const struct show_group *group = &show->group[i];
		const char *tasks = uc_buf_text(&group->tasks);

		uc_buf_addf(out, "  %-16s %zu: ", uc_buf_text(&group->words),
			    group->count);
		uc_buf_addn(out, tasks, uc_text_clip(tasks, 60));
		uc_buf_add(out, uc_text_clip(tasks, 60) < strlen(tasks) ? "...\n" : "\n");
	}
}

static void add_use(const struct show *show, size_t row, struct uc_buf *out)
{
	(void)row;
	if (show->eff.history && show->eff.history->count &&
	    show->eff.facts.origin == UC_HISTORY_ACCOUNTING)
		uqueue_eff_lines(out, &show->eff);
}

static void add_receipt(const struct show *show, size_t row, struct uc_buf *out)
{
	const struct uc_receipt *receipt = show->receipt;
	uc_auto(buf) struct uc_buf text = { 0 };

	(void)row;
	if (!receipt)
		return;
	if (receipt->command)
		uc_buf_quote_argv(&text, receipt->command, UC_QUOTE_VISIBLE);
	add_text(out, "command", uc_buf_text(&text));
	add_raw(show, out, "image", receipt->container.image);
	add_raw(show, out, "save", receipt->container.save);
	add_raw(show, out, "directory", receipt->cwd);
	add_raw(show, out, "snapshot", receipt->snapshot);
	uc_buf_reset(&text);
	if (receipt->git.commit) {
		uc_buf_addn(&text, receipt->git.commit, strnlen(receipt->git.commit, 12));
		if (receipt->git.branch)
			uc_buf_addf(&text, " on %s", receipt->git.branch);
		if (receipt->git.dirty)
			uc_buf_add(&text, ", with changes");
	}
	add_raw(show, out, "git", uc_buf_text(&text));
	uc_buf_reset(&text);
	if (receipt->ended) {
		uc_buf_addf(&text, "%u", receipt->exit_code);
		add_text(out, "exit code", uc_buf_text(&text));
		uc_buf_reset(&text);
	}
	uc_buf_addf(&text, "usrun --again=%u", receipt->job_id);
	add_text(out, "run it again", uc_buf_text(&text));
	out->failed = out->failed || text.failed;
}

static const struct section sections[] = {
	{ "Job",
	  "id,name,user,account,qos,state,why,reason_text,exit_code,progress,"
	  "het_ids,comment,admin_comment",
	  add_ending },
	{ "Tasks of the array", "", add_tasks },
	{ "Request",
	  "partition,node_count,node_max,cpus,tasks,cpus_per_task,"
	  "tasks_per_node,memory_total,memory,tmp_disk,gpus,mig,shards,"
	  "tres_per_job,tres_per_node,tres_per_socket,tres_per_task,time_limit,"
	  "time_min,features,licenses,reservation,dependency,sharing,"
	  "required_nodes,excluded_nodes,requeue,priority,nice",
	  NULL },
	{ "Where", "nodes,batch_host,sched_nodes,submit_host", NULL },
	{ "Times",
	  "submit_time,eligible_time,start_time,end_time,deadline,elapsed,"
	  "time_left,suspend_time,preempt_time,last_tried,restarts",
	  NULL },
	{ "GPUs", "gpu_types,gpu_ids", add_nodes },
	{ "Files", "command,submit_line,workdir,std_in,std_out,std_err,container",
	  add_files },
	{ "Used", "", add_use },
	{ "Submitted with usrun", "", add_receipt },
};

static const struct uc_column *find_column(const char *key, size_t len)
{
	for (size_t i = 0; uqueue_columns[i].heading; i++)
		if (strncmp(uqueue_columns[i].key, key, len) == 0 &&
		    !uqueue_columns[i].key[len])
			return &uqueue_columns[i];
	return NULL;
}

/* Accounting does not keep these: they would be shown as not set. */
static bool in_accounting(const struct uc_column *column)
{
	return strcmp(column->key, "requeue") != 0 && strcmp(column->key, "nice") != 0;
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

static void add_section(struct uc_buf *out, const struct show *show,
			const struct uc_table *table, size_t row,
			const struct section *section)
{
	uc_auto(value) struct uc_value value = { 0 };
	uc_auto(buf) struct uc_buf text = { 0 }, lines = { 0 };

	for (const char *key = section->keys; *key;) {
		size_t len = strcspn(key, ",");
		const struct uc_column *column = find_column(key, len);

		uc_buf_reset(&text);
		key += len + (key[len] == ',');
		if (show->forgotten && !in_accounting(column))
			continue;
		uc_value_get(table, row, column, &value);
		uc_value_text(&text, &value, show->run->safe);
		if (text.len)
			add_line(&lines, column, &text);
	}
	if (section->more)
		section->more(show, row, &lines);
	if (lines.len)
		uc_buf_addf(out, "%s\n%s", section->title, uc_buf_text(&lines));
	out->failed = out->failed || text.failed || lines.failed;
}

void show_sections(const struct show *show, struct uc_buf *out)
{
	const struct uc_table table = { .rows = show->rows,
					.count = show->row_count,
					.row_size = sizeof(*show->rows),
					.context = &show->context,
					.now = show->now };

	for (size_t r = 0; r < table.count; r++) {
		if (out->len)
			uc_buf_addc(out, '\n');
		for (size_t s = 0; s < sizeof(sections) / sizeof(sections[0]); s++)
			add_section(out, show, &table, r, &sections[s]);
	}
}
