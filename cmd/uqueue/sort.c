/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* The order of the listing. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <ucluster/state.h>
#include "uqueue/uqueue.h"

/* squeue's letters, where they mean one of our columns. */
static const struct {
	char letter;
	const char *key;
} letters[] = {
	{ 'a', "account" },      { 'A', "job_id" },         { 'B', "batch_host" },
	{ 'C', "cpus" },         { 'd', "tmp_disk" },       { 'D', "node_count" },
	{ 'e', "end_time" },     { 'E', "dependency" },     { 'f', "features" },
	{ 'F', "array_job_id" }, { 'G', "group_id" },       { 'i', "id" },
	{ 'j', "name" },         { 'k', "comment" },        { 'K', "array_task_id" },
	{ 'l', "time_limit" },   { 'L', "time_left" },      { 'm', "memory" },
	{ 'M', "elapsed" },      { 'n', "required_nodes" }, { 'N', "nodes" },
	{ 'o', "command" },      { 'p', "priority" },       { 'P', "partition" },
	{ 'q', "qos" },          { 'Q', "priority" },       { 'r', "reason" },
	{ 'R', "where" },        { 'S', "start_time" },     { 't', "state" },
	{ 'T', "state" },        { 'u', "user" },           { 'U', "user_id" },
	{ 'v', "reservation" },  { 'V', "submit_time" },    { 'w', "wckey" },
	{ 'W', "licenses" },     { 'x', "excluded_nodes" }, { 'y', "nice" },
	{ 'Y', "sched_nodes" },  { 'Z', "workdir" },
};

static const struct uc_column *find_column(const char *word)
{
	for (size_t i = 0;
	     word[0] && !word[1] && i < sizeof(letters) / sizeof(letters[0]); i++)
		if (letters[i].letter == word[0])
			word = letters[i].key;
	for (size_t i = 0; uqueue_columns[i].heading; i++)
		if (strcasecmp(uqueue_columns[i].key, word) == 0)
			return &uqueue_columns[i];
	return NULL;
}

int uqueue_sort_parse(const struct uc_strv *words, struct uqueue_sort *out,
		      struct uc_error *err)
{
	const size_t max = sizeof(out->key) / sizeof(out->key[0]);

	*out = (struct uqueue_sort){ 0 };
	for (size_t i = 0; i < words->count; i++) {
		const char *word = words->item[i];
		bool down = word[0] == '-';
		const struct uc_column *column = find_column(word + strspn(word, "+-"));

		if (!column)
			return uc_fail(err, UC_USAGE,
				       "option '--sort': no column '%s': see "
				       "'--list-columns'",
				       word);
		if (out->count == max)
			return uc_fail(err, UC_USAGE,
				       "option '--sort': more than %zu columns", max);
		out->key[out->count].column = column;
		out->key[out->count++].descending = down;
	}
	return 0;
}

/* A row's place by one key: text, or a number; what is not known comes last. */
struct place {
	int64_t number;
	char *text; /* owned; NULL: the number counts */
	bool unknown;
};
struct item {
	struct uqueue_row row;
	struct place *place; /* one a key */
};

/* Ids and states have an order of their own, which their text does not show. */
static bool special(const struct uqueue_row *row, const struct uc_column *column,
		    int64_t *number)
{
	const struct uc_job *job = row->job;
	uint32_t minor = 0, major = job->job_id;

	if (column->get == uqueue_get_state) {
		*number = job->state & UC_JOB_BASE;
		return true;
	}
	if (column->get != uqueue_get_id)
		return false;
	if (job->array_job_id) {
		major = job->array_job_id;
		minor = row->task != UC_NONE32 ? row->task : job->array_task_id;
	} else if (job->het_job_id) {
		major = job->het_job_id;
		minor = job->het_offset;
	}
	*number = (int64_t)((uint64_t)major << 32 | minor);
	return true;
}

static int find_place(const struct uc_table *table, size_t row,
		      const struct uc_column *column, struct place *out)
{
	uc_auto(value) struct uc_value value = { 0 };
	const struct uqueue_row *rows = table->rows;

	if (special(&rows[row], column, &out->number))
		return 0;
	uc_value_get(table, row, column, &value);
	out->number = value.number;
	out->unknown = value.type == UC_VALUE_NONE;
	if (value.type != UC_VALUE_TEXT)
		return 0;
	out->text = strdup(value.text.bytes);
	return out->text ? 0 : -1;
}

static int compare_places(const struct place *a, const struct place *b)
{
	if (a->text && b->text)
		return strverscmp(a->text, b->text);
	return a->number < b->number ? -1 : a->number > b->number;
}

static int compare_ids(const struct uqueue_row *x, const struct uqueue_row *y)
{
	if (x->job->job_id != y->job->job_id)
		return x->job->job_id < y->job->job_id ? -1 : 1;
	return (x->task > y->task) - (x->task < y->task);
}

static int compare_items(const void *a, const void *b, void *context)
{
	const struct uqueue_sort *sort = context;
	const struct item *x = a, *y = b;

	for (size_t k = 0; k < sort->count; k++) {
		int order;

		if (x->place[k].unknown != y->place[k].unknown)
			return x->place[k].unknown - y->place[k].unknown;
		order = compare_places(&x->place[k], &y->place[k]);
		if (order)
			return sort->key[k].descending ? -order : order;
	}
	return compare_ids(&x->row, &y->row);
}

static int sort_by_keys(const struct uqueue_sort *sort, const struct uc_table *table,
			struct uqueue_row *rows)
{
	struct item *items = calloc(table->count + 1, sizeof(*items));
	struct place *places = calloc(table->count * sort->count + 1, sizeof(*places));
	bool ok = items && places;

	for (size_t r = 0; ok && r < table->count; r++) {
		items[r] = (struct item){ rows[r], &places[r * sort->count] };
		for (size_t k = 0; ok && k < sort->count; k++)
			ok = find_place(table, r, sort->key[k].column,
					&items[r].place[k]) == 0;
	}
	if (ok)
		qsort_r(items, table->count, sizeof(*items), compare_items,
			(void *)(uintptr_t)sort);
	for (size_t r = 0; ok && r < table->count; r++)
		rows[r] = items[r].row;
	for (size_t i = 0; places && i < table->count * sort->count; i++)
		free(places[i].text);
	free(places);
	free(items);
	return ok ? 0 : -1;
}

/* Order: what runs, what waits (the next to start first), what has ended; then by id. */
static int phase(const struct uc_job *job)
{
	if (uc_job_is_finished(job->state))
		return 2;
	return (job->state & UC_JOB_BASE) == UC_JOB_PENDING;
}

static int compare_usual(const void *a, const void *b)
{
	const struct uqueue_row *x = a, *y = b;
	int first = phase(x->job), second = phase(y->job);

	if (first != second)
		return first - second;
	if (first == 1 && x->job->priority != y->job->priority)
		return x->job->priority < y->job->priority ? 1 : -1;
	return compare_ids(x, y);
}

int uqueue_sort_rows(const struct uqueue_sort *sort, const struct uc_table *table,
		     struct uqueue_row *rows, struct uc_error *err)
{
	if (!sort->count)
		qsort(rows, table->count, sizeof(*rows), compare_usual);
	else if (sort_by_keys(sort, table, rows) < 0)
		return uc_fail(err, UC_FAILED, "out of memory");
	return 0;
}
