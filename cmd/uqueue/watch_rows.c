/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* What changed between two answers. */
#include <stdlib.h>
#include <string.h>
#include "uqueue/watch.h"

void watch_rows_free(struct watch_rows *rows)
{
	uc_jobs_free(rows->jobs);
	free(rows->rows.row);
	free(rows->keys);
	*rows = (struct watch_rows){ 0 };
}

/* A task keeps its key when it leaves the record that stands for many. */
static struct watch_key key_of(const struct uqueue_row *row)
{
	const struct uc_job *job = row->job;
	struct watch_key key = { .id = job->job_id,
				 .task = UC_NONE32,
				 .state = job->state };

	if (!job->array_job_id)
		return key;
	key.id = job->array_job_id;
	key.task = row->task != UC_NONE32 ? row->task : job->array_task_id;
	return key;
}

static int compare_keys(const void *a, const void *b)
{
	const struct watch_key *x = a, *y = b;

	if (x->id != y->id)
		return x->id < y->id ? -1 : 1;
	return (x->task > y->task) - (x->task < y->task);
}

static const struct watch_key *find_key(const struct watch_rows *in,
					const struct uqueue_row *row)
{
	const struct watch_key key = key_of(row);

	return in->key_count
		       ? bsearch(&key, in->keys, in->key_count, sizeof(key), compare_keys)
		       : NULL;
}

static bool is_of(const struct watch_rows *rows, const struct uqueue_row *row)
{
	return rows->jobs && row->job >= rows->jobs->row &&
	       row->job < rows->jobs->row + rows->jobs->count;
}

char watch_rows_mark(const struct watch *w, const struct uqueue_row *row)
{
	const struct watch_key *old;

	if (!w->before.jobs)
		return ' ';
	if (!is_of(&w->now, row))
		return '-';
	old = find_key(&w->before, row);
	if (!old)
		return '+';
	return old->state == row->job->state ? ' ' : '~';
}

static int make_keys(struct watch_rows *rows, struct uc_error *err)
{
	const size_t count = rows->rows.count;

	rows->keys = calloc(count + 1, sizeof(*rows->keys));
	if (!rows->keys)
		return uc_fail(err, UC_FAILED, "out of memory");
	for (size_t i = 0; i < count; i++) {
		const struct uc_job *job = rows->rows.row[i].job;

		rows->keys[i] = key_of(&rows->rows.row[i]);
		rows->keys[i].row = i;
		rows->run += uc_job_holds(job);
		rows->wait += uc_job_waits(job);
	}
	rows->key_count = count;
	qsort(rows->keys, count, sizeof(*rows->keys), compare_keys);
	return 0;
}

/* A row that is gone, and the one it is shown after: 1 + its place, 0 = before all. */
struct gone {
	struct uqueue_row row;
	size_t after, order;
};

static int compare_gone(const void *a, const void *b)
{
	const struct gone *x = a, *y = b;

	if (x->after != y->after)
		return x->after < y->after ? -1 : 1;
	return (x->order > y->order) - (x->order < y->order);
}

static size_t find_gone(const struct watch *w, struct gone *gone)
{
	size_t count = 0, after = 0;

	for (size_t i = 0; i < w->before.rows.count; i++) {
		const struct uqueue_row *row = &w->before.rows.row[i];
		const struct watch_key *key;

		key = find_key(&w->now, row);
		if (key)
			after = key->row + 1;
		else
			gone[count++] = (struct gone){ *row, after, i };
	}
	qsort(gone, count, sizeof(*gone), compare_gone);
	return count;
}

/* They stay for one answer, where they were. */
static int add_gone(struct watch *w, struct uc_error *err)
{
	struct uqueue_rows *rows = &w->now.rows;
	struct gone *gone = calloc(w->before.rows.count + 1, sizeof(*gone));
	struct uqueue_row *merged = NULL;
	size_t count = 0, at = 0;

	if (gone)
		count = find_gone(w, gone);
	if (gone && count)
		merged = calloc(rows->count + count, sizeof(*merged));
	if (!gone || (count && !merged)) {
		free(gone);
		return uc_fail(err, UC_FAILED, "out of memory");
	}
	for (size_t i = 0, g = 0; count && i <= rows->count; i++) {
		while (g < count && gone[g].after == i)
			merged[at++] = gone[g++].row;
		if (i < rows->count)
			merged[at++] = rows->row[i];
	}
	if (count) {
		free(rows->row);
		*rows = (struct uqueue_rows){ merged, at, at };
	}
	free(gone);
	return 0;
}

static int collect(struct watch *w, struct uc_error *err)
{
	struct uqueue_rows *rows = &w->now.rows;
	const struct uc_table table = { .name = "jobs",
					.row_size = sizeof(*rows->row),
					.context = &w->context,
					.now = w->now.jobs->now };

	if (uqueue_listing_rows(&w->list, w->now.jobs, rows) < 0)
		return uc_fail(err, UC_FAILED, "out of memory");
	if (rows->count) {
		struct uc_table sorted = table;

		sorted.rows = rows->row;
		sorted.count = rows->count;
		if (uqueue_sort_rows(&w->list.sort, &sorted, rows->row, err) < 0)
			return -1;
	}
	return make_keys(&w->now, err);
}

static void drop_gone(struct watch_rows *now)
{
	struct uqueue_rows *rows = &now->rows;
	size_t kept = 0;

	for (size_t i = 0; i < rows->count; i++)
		if (is_of(now, &rows->row[i]))
			rows->row[kept++] = rows->row[i];
	rows->count = kept;
}

int watch_rows_take(struct watch *w, struct uc_jobs *jobs, struct uc_error *err)
{
	drop_gone(&w->now);
	watch_rows_free(&w->before);
	if (!jobs) {
		w->context.now = w->asked.at_ms / 1000;
		return 0;
	}
	w->before = w->now;
	w->now = (struct watch_rows){ .jobs = jobs };
	uqueue_context_free(&w->context);
	w->context = (struct uqueue_context){ 0 };
	if (uqueue_context_fill(&w->context, w->run, jobs, err) < 0 ||
	    collect(w, err) < 0)
		return -1;
	return w->before.jobs ? add_gone(w, err) : 0;
}
