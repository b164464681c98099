/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * Job ids, lists of tasks, new values and signals, all of the same text: an id that is
 * read matches what it names and nothing with another number; two lists of tasks have one
 * in common just when both have it; a change is in its bounds. Faults are one safe line.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <ucluster/action.h>
#include <ucluster/units.h>

/* So many tasks are tried one by one. */
#define TRIED 300

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

static void check_fault(const struct uc_error *err)
{
	check(err->code == UC_USAGE && err->text[0]);
	check(!strpbrk(err->text, "\n\r\033"));
}

/* The rest of an array, "4-30:3" and so on: as often as the id has a task of it. */
static void check_rest(const struct uc_job_id *id, const char *rest)
{
	const struct uc_job job = { .job_id = id->job,
				    .array_job_id = id->job,
				    .array_task_id = UC_NONE32,
				    .array_tasks = { rest } };
	struct uc_job_id only = *id;
	bool common = false;

	if (!id->tasks)
		return;
	for (uint32_t task = 0; task < TRIED; task++) {
		only.tasks = NULL;
		only.task = task;
		common = common || (uc_job_id_has_task(id, id->job, task) &&
				    uc_job_id_match(&only, &job));
	}
	check(uc_job_id_match(id, &job) == common);
}

static void check_id(const struct uc_job_id *id)
{
	const uint32_t task = id->task == UC_NONE32 ? 3 : id->task;
	const struct uc_job other = { .job_id = id->job ^ 1,
				      .array_job_id = id->job ^ 2,
				      .het_job_id = id->job ^ 4,
				      .array_task_id = task };
	const struct uc_job plain = { .job_id = id->job, .array_task_id = UC_NONE32 };
	struct uc_job one = { .job_id = id->job + 9,
			      .array_job_id = id->job,
			      .array_task_id = task };
	const bool whole =
		id->task == UC_NONE32 && id->component == UC_NONE32 && !id->tasks;

	check(id->job > 0 && id->job < UC_NONE32);
	check(!uc_job_id_match(id, &other));
	check(uc_job_id_match(id, &plain) == whole);
	check(uc_job_id_match(id, &one) == uc_job_id_has_task(id, id->job, task));
	check_rest(id, "4-30:3,40-41,100-299:7%2");
	check_rest(id, "0-299");
	check_rest(id, "299,5");
}

static void check_tasks(const char *text)
{
	const char *rest = text;
	struct uc_tasks range;

	while (uc_tasks_next(&rest, &range)) {
		check(rest > text && range.step > 0 && range.first <= range.last);
		text = rest;
	}
	check(rest == text);
}

static void check_change(const struct uc_change *change)
{
	const struct uc_job job = { .job_id = 7, .time_limit = 3600 };
	struct uc_error err = { 0 };
	int64_t limit = 0;

	check(change->value && uc_change_name(change->key));
	if (change->key != UC_CHANGE_TIME)
		return;
	check(change->number > 0 && change->sign >= -1 && change->sign <= 1);
	if (uc_change_limit(change, &job, &limit, &err) < 0) {
		check(change->sign < 0);
		check_fault(&err);
		return;
	}
	check(limit > 0 && (limit == UC_DURATION_INFINITE || limit % 60 == 0));
	check(change->sign <= 0 || limit > job.time_limit);
	check(change->sign >= 0 || limit <= job.time_limit);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct uc_error err = { 0 }, fault = { 0 }, odd = { 0 };
	struct uc_change change;
	struct uc_job_id id;
	char *text = malloc(size + 1);
	int number = 0;

	if (!text)
		return 0;
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	if (uc_job_id_parse(text, &id, &err) == 0)
		check_id(&id);
	else
		check_fault(&err);
	check_tasks(text);
	if (uc_change_parse(text, &change, &fault) == 0)
		check_change(&change);
	else
		check_fault(&fault);
	if (uc_signal_parse(text, &number, &odd) == 0)
		check(number >= 1 && number <= 64);
	else
		check_fault(&odd);
	free(text);
	return 0;
}
