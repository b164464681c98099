/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include <ucluster/usage.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <ucluster/state.h>
#include "base/arena.h"

/* Years are asked for by months or users, not by days. */
#define DAYS_MAX 1500

struct build {
	const struct uc_usage_query *query;
	struct uc_usage *usage;
	int64_t now;
	size_t size; /* rows there is room for */
	bool failed, gpus_seen, gpus_unknown;
};

int64_t uc_day_begin(int64_t when, int days)
{
	time_t t = (time_t)when;
	struct tm tm;

	if (!localtime_r(&t, &tm))
		return when;
	tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
	tm.tm_mday -= days;
	tm.tm_isdst = -1;
	return (int64_t)mktime(&tm);
}

static struct uc_usage_row *add_row(struct build *b)
{
	struct uc_usage *usage = b->usage;

	if (usage->count == b->size) {
		const size_t size = b->size ? 2 * b->size : 32;
		struct uc_usage_row *bigger =
			reallocarray(usage->row, size, sizeof(*bigger));

		if (!bigger) {
			b->failed = true;
			return NULL;
		}
		usage->row = bigger;
		b->size = size;
	}
	usage->row[usage->count] = (struct uc_usage_row){ 0 };
	return &usage->row[usage->count++];
}

static void add_days(struct build *b)
{
	int64_t day = uc_day_begin(b->query->since, 0);

	while (day < b->query->until && b->usage->count < DAYS_MAX) {
		struct uc_usage_row *row = add_row(b);
		time_t t = (time_t)day;
		struct tm tm;
		char name[32] = "";

		if (!row)
			return;
		if (localtime_r(&t, &tm))
			strftime(name, sizeof(name), "%F", &tm);
		row->name = uc_raw(uc_arena_strdup(b->usage->arena, name));
		row->day = day;
		day = uc_day_begin(day, -1);
	}
}

static struct uc_usage_row *find_name(struct build *b, struct uc_raw name)
{
	const char *text = name.bytes ? name.bytes : "";
	struct uc_usage_row *row;

	for (size_t i = 0; i < b->usage->count; i++)
		if (strcmp(b->usage->row[i].name.bytes, text) == 0)
			return &b->usage->row[i];
	row = add_row(b);
	if (row)
		row->name = uc_raw(uc_arena_strdup(b->usage->arena, text));
	if (!row || !row->name.bytes) {
		b->failed = true;
		return NULL;
	}
	return row;
}

/* When it ran; false: it never did, or not then. */
static bool find_span(const struct build *b, const struct uc_past *job, int64_t *from,
		      int64_t *to)
{
	const bool ended = uc_job_is_finished(job->state) && job->end_time;

	*from = job->start_time;
	*to = ended ? job->end_time : b->now;
	if (!*from || (job->state & UC_JOB_BASE) == UC_JOB_PENDING || *to <= *from)
		return false;
	if (*from < b->query->since)
		*from = b->query->since;
	if (*to > b->query->until)
		*to = b->query->until;
	return *to > *from;
}

/* Suspended it held nothing; when that was is not known: evenly. */
static double part_running(const struct build *b, const struct uc_past *job)
{
	const bool ended = uc_job_is_finished(job->state) && job->end_time;
	const int64_t whole = (ended ? job->end_time : b->now) - job->start_time;

	if (job->suspended <= 0 || whole <= 0)
		return 1;
	return job->suspended >= whole ? 0
				       : (double)(whole - job->suspended) / (double)whole;
}

static void add_time(struct uc_usage_row *row, const struct uc_past *job, double seconds)
{
	const uint32_t gpus = job->gpus == UC_NONE32 ? 0 : job->gpus;

	row->jobs++;
	row->cpu_seconds += (uint64_t)(seconds * job->cpus + 0.5);
	row->gpu_seconds += (uint64_t)(seconds * gpus + 0.5);
}

static void add_to_days(struct build *b, const struct uc_past *job, int64_t from,
			int64_t to, double running)
{
	for (size_t i = 0; i < b->usage->count; i++) {
		struct uc_usage_row *row = &b->usage->row[i];
		const int64_t next =
			i + 1 < b->usage->count ? b->usage->row[i + 1].day : INT64_MAX;
		const int64_t begin = from > row->day ? from : row->day;
		const int64_t end = to < next ? to : next;

		if (end > begin)
			add_time(row, job, (double)(end - begin) * running);
	}
}

static bool is_named(struct uc_raw raw, const char *name)
{
	return !name || (raw.bytes && strcmp(raw.bytes, name) == 0);
}

static void add_job(struct build *b, const struct uc_past *job)
{
	const double running = part_running(b, job);
	struct uc_usage_row *row;
	int64_t from, to;

	if (job->step.bytes || !is_named(job->user, b->query->user) ||
	    !is_named(job->account, b->query->account) || !find_span(b, job, &from, &to))
		return;
	b->gpus_seen = b->gpus_seen || job->gpus != UC_NONE32;
	b->gpus_unknown = b->gpus_unknown || job->gpus == UC_NONE32;
	add_time(&b->usage->total, job, (double)(to - from) * running);
	if (b->query->by == UC_USAGE_BY_DAY) {
		add_to_days(b, job, from, to, running);
		return;
	}
	row = find_name(b, b->query->by == UC_USAGE_BY_USER ? job->user : job->account);
	if (row)
		add_time(row, job, (double)(to - from) * running);
}

static int compare_rows(const void *a, const void *b)
{
	const struct uc_usage_row *x = a, *y = b;

	if (x->gpu_seconds != y->gpu_seconds)
		return x->gpu_seconds < y->gpu_seconds ? 1 : -1;
	if (x->cpu_seconds != y->cpu_seconds)
		return x->cpu_seconds < y->cpu_seconds ? 1 : -1;
	return strcmp(x->name.bytes, y->name.bytes);
}

int uc_usage_make(const struct uc_history *history, const struct uc_usage_query *query,
		  struct uc_usage **out, struct uc_error *err)
{
	struct uc_usage_query asked = *query;
	uc_auto(usage) struct uc_usage *usage = calloc(1, sizeof(*usage));
	struct build b = { .query = &asked, .usage = usage, .now = history->now };

	if (!asked.until || asked.until > history->now)
		asked.until = history->now;
	if (usage)
		usage->arena = uc_arena_new();
	if (!usage || !usage->arena)
		return uc_fail(err, UC_FAILED, "out of memory");
	if (asked.by == UC_USAGE_BY_DAY)
		add_days(&b);
	for (size_t i = 0; i < history->count && !b.failed; i++)
		add_job(&b, &history->row[i]);
	if (b.failed || uc_arena_failed(usage->arena))
		return uc_fail(err, UC_FAILED, "out of memory");
	if (asked.by != UC_USAGE_BY_DAY && usage->count)
		qsort(usage->row, usage->count, sizeof(*usage->row), compare_rows);
	usage->gpus_known = b.gpus_seen || !b.gpus_unknown;
	*out = uc_take(&usage);
	return 0;
}

void uc_usage_free(struct uc_usage *usage)
{
	if (!usage)
		return;
	free(usage->row);
	uc_arena_free(usage->arena);
	free(usage);
}
