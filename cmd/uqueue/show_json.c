/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* A job as an object: all columns, and what is more than a column. */
#include <ucluster/gres.h>
#include "uqueue/show.h"

static void put_nodes(struct uc_json *json, const struct uc_job *job)
{
	uc_auto(strv) struct uc_strv names = { 0 };
	uc_auto(buf) struct uc_buf text = { 0 };

	show_node_names(job, &names);
	uc_json_open(json, "gpus_by_node", '[');
	for (size_t i = 0; i < job->gres_detail.count && i < names.count; i++) {
		struct uc_gpus gpus = { 0 };

		uc_gpus_add(&gpus, job->gres_detail.item[i].bytes);
		if (!gpus.count)
			continue;
		uc_buf_reset(&text);
		if (gpus.indexed)
			uc_buf_index_set(&text, &gpus.used);
		uc_json_open(json, NULL, '{');
		uc_json_text(json, "node", uc_raw(names.item[i]));
		uc_json_amount(json, "gpus", gpus.count);
		uc_json_text(json, "ids", uc_raw(text.len ? uc_buf_text(&text) : NULL));
		uc_json_close(json, '}');
	}
	uc_json_close(json, ']');
	json->out->failed = json->out->failed || names.failed || text.failed;
}

static void put_files(struct uc_json *json, const struct show *show, size_t row)
{
	static const char *const keys[] = { "output", "errors" };

	for (int i = 0; i < 2; i++) {
		uc_auto(buf) struct uc_buf path = { 0 };
		bool known = show_output(show, row, i == 1, &path) == 0;

		uc_json_text(json, keys[i], uc_raw(known ? uc_buf_text(&path) : NULL));
	}
}

static void put_words(struct uc_json *json, const char *key, const struct uc_buf *words)
{
	uc_json_text(json, key, uc_raw(words->len ? uc_buf_text(words) : NULL));
	json->out->failed = json->out->failed || words->failed;
}

static void put_ending(struct uc_json *json, const struct show *show,
		       const struct uc_job *job)
{
	uc_auto(buf) struct uc_buf how = { 0 }, advice = { 0 };
	struct uc_ending ending;

	if (show_ending(show, job, &ending)) {
		uc_ending_sentence(&how, &ending, 0);
		uc_ending_action(&advice, &ending);
	}
	put_words(json, "ended", &how);
	put_words(json, "advice", &advice);
}

static void put_tasks(struct uc_json *json, const struct show *show)
{
	uc_json_open(json, "tasks_by_state", '[');
	for (size_t i = 0; i < show->group_count; i++) {
		uc_json_open(json, NULL, '{');
		put_words(json, "state", &show->group[i].words);
		uc_json_number(json, "count", (int64_t)show->group[i].count);
		put_words(json, "tasks", &show->group[i].tasks);
		uc_json_close(json, '}');
	}
	uc_json_close(json, ']');
}

static void put_receipt(struct uc_json *json, const struct uc_receipt *receipt)
{
	if (!receipt) {
		uc_json_null(json, "receipt");
		return;
	}
	uc_json_open(json, "receipt", '{');
	uc_json_open(json, "command", '[');
	for (size_t i = 0; receipt->command && receipt->command[i]; i++)
		uc_json_text(json, NULL, uc_raw(receipt->command[i]));
	uc_json_close(json, ']');
	uc_json_text(json, "image", uc_raw(receipt->container.image));
	uc_json_text(json, "directory", uc_raw(receipt->cwd));
	uc_json_text(json, "snapshot", uc_raw(receipt->snapshot));
	uc_json_text(json, "commit", uc_raw(receipt->git.commit));
	if (receipt->ended)
		uc_json_number(json, "exit_code", receipt->exit_code);
	else
		uc_json_null(json, "exit_code");
	uc_json_close(json, '}');
}

static void put_used(struct uc_json *json, const struct show *show)
{
	if (!show->eff.history || !show->eff.history->count) {
		uc_json_null(json, "used");
		return;
	}
	uc_json_open(json, "used", '{');
	uqueue_eff_json(json, &show->eff);
	uc_json_close(json, '}');
}

void show_json(const struct show *show, struct uc_json *json)
{
	const struct uc_table table = { .rows = show->rows,
					.count = show->row_count,
					.row_size = sizeof(*show->rows),
					.context = &show->context,
					.now = show->now };
	uc_auto(value) struct uc_value value = { 0 };

	for (size_t r = 0; r < table.count; r++) {
		const struct uc_job *job = show->rows[r].job;

		uc_json_open(json, NULL, '{');
		for (size_t c = 0; uqueue_columns[c].heading; c++) {
			uc_value_get(&table, r, &uqueue_columns[c], &value);
			uc_json_value(json, uqueue_columns[c].key, &value);
		}
		put_ending(json, show, job);
		put_nodes(json, job);
		put_files(json, show, r);
		put_tasks(json, show);
		put_used(json, show);
		put_receipt(json, show->receipt);
		uc_json_close(json, '}');
	}
}
