/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* What is below the table of the overview: jobs, limits, disks; and all of it as JSON. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucluster/reason.h>
#include <ucluster/units.h>
#include "uinfo/overview.h"

static void put_line(const struct uc_run *run, struct uc_buf *line)
{
	if (line->failed) {
		uc_run_say(run, 0, "out of memory: a line is left out");
		return;
	}
	if (run->stdout_tty && line->len)
		line->data[uc_text_clip(line->data, (size_t)run->columns)] = '\0';
	puts(uc_buf_text(line));
}

/* Is there a row before it with the same note? */
static bool is_repeated(const struct overview *all, size_t row, const char *note)
{
	for (size_t i = 0; i < row; i++) {
		uc_auto(buf) struct uc_buf other = { 0 };

		overview_note(&other, &all->row[i], all->world.facts.now);
		if (strcmp(uc_buf_text(&other), note) == 0)
			return true;
	}
	return false;
}

static void add_row_name(struct uc_buf *line, const struct uc_capacity_row *row,
			 unsigned safe)
{
	uc_buf_add(line, line->len ? ", " : "");
	uc_buf_safe(line, row->partition->name, safe);
	uc_buf_addc(line, ' ');
	if (row->type.bytes)
		uc_buf_safe(line, row->type, safe);
	else
		uc_buf_add(line, "CPUs");
}

void overview_print_notes(const struct uc_run *run, const struct overview *all,
			  size_t count, size_t most)
{
	for (size_t i = 0; i < count && most; i++) {
		uc_auto(buf) struct uc_buf note = { 0 }, line = { 0 };
		size_t same = 0;

		overview_note(&note, &all->row[i], all->world.facts.now);
		if (!note.len || is_repeated(all, i, uc_buf_text(&note)))
			continue;
		for (size_t k = i; k < count; k++) {
			uc_auto(buf) struct uc_buf other = { 0 };

			overview_note(&other, &all->row[k], all->world.facts.now);
			if (strcmp(uc_buf_text(&other), uc_buf_text(&note)) != 0)
				continue;
			same++;
			add_row_name(&line, &all->row[k], run->safe);
		}
		if (same == count && count > 1) {
			uc_buf_reset(&line);
			uc_buf_add(&line, "all");
		}
		uc_buf_add(&line, ": ");
		uc_buf_safen(&line, uc_buf_text(&note), note.len, run->safe);
		put_line(run, &line);
		most--;
	}
}

static void add_amount(struct uc_buf *line, uint64_t n, const char *what)
{
	if (n)
		uc_buf_addf(line, ", %llu %s%s", (unsigned long long)n, what,
			    n == 1 ? "" : "s");
}

void overview_print_jobs(const struct uc_run *run, const struct overview *all)
{
	static const char *const next[] = { "ends at the latest",
					    "is expected to start" };
	uint64_t sum = 0;

	for (size_t i = 0; i < OVERVIEW_STATES; i++) {
		const struct overview_jobs *jobs = &all->jobs[i];
		uc_auto(buf) struct uc_buf line = { 0 };

		sum += jobs->jobs;
		if (!jobs->jobs)
			continue;
		uc_buf_addf(&line, "%s: %llu job%s", i ? "waiting" : "running",
			    (unsigned long long)jobs->jobs, jobs->jobs == 1 ? "" : "s");
		add_amount(&line, jobs->gpus, "GPU");
		add_amount(&line, jobs->cpus, "CPU");
		if (jobs->next) {
			uc_buf_addf(&line, "; %u %s at ", jobs->next_job, next[i]);
			uc_buf_clock(&line, jobs->next, all->world.facts.now);
		}
		put_line(run, &line);
	}
	if (!sum)
		puts("you have no jobs in the queue");
}

static double share_of(const struct uinfo_limit *limit)
{
	return limit->limit ? (double)limit->used / (double)limit->limit : 1;
}

static void add_number(struct uc_buf *line, const struct uinfo_limit *limit, uint64_t n)
{
	if (limit->kind == UC_VALUE_SIZE)
		uc_size_words(line, n);
	else
		uc_buf_addf(line, "%llu", (unsigned long long)n);
}

/* The next of those with something in use, by how much of it; NULL: none is left. */
static const struct uinfo_limit *next_limit(const struct uinfo_limits *limits, bool *done)
{
	const struct uinfo_limit *found = NULL;

	for (size_t i = 0; i < limits->count; i++) {
		const struct uinfo_limit *limit = &limits->row[i];

		if (done[i] || limit->used == UC_NONE64)
			continue;
		if (!found || share_of(limit) > share_of(found))
			found = limit;
	}
	if (found)
		done[found - limits->row] = true;
	return found;
}

void overview_print_limits(const struct uc_run *run, const struct overview *all,
			   size_t most)
{
	const struct uinfo_limits *limits = &all->limits;
	bool *done = calloc(limits->count + 1, sizeof(*done));
	const struct uinfo_limit *limit;

	if (!done)
		uc_run_say(run, 0, "out of memory: limits are left out");
	for (size_t i = 0; done && i < most && (limit = next_limit(limits, done)); i++) {
		uc_auto(buf) struct uc_buf line = { 0 };

		uc_buf_add(&line, "limit: ");
		add_number(&line, limit, limit->used);
		uc_buf_add(&line, " of ");
		add_number(&line, limit, limit->limit);
		if (limit->what && limit->type[0])
			uc_buf_addf(&line, " %s", limit->type);
		uc_buf_addf(&line, " %s in use, ",
			    limit->what ? limit->what : limit->type);
		uinfo_limit_whose(&line, limit, run->safe);
		if (limit->of->kind == UC_LIMIT_QOS)
			uc_buf_addf(&line, " (%s)",
				    limit->per == UINFO_PER_USER ? "you" : "all");
		put_line(run, &line);
	}
	free(done);
}

void overview_print_disks(const struct uc_run *run, const struct overview *all)
{
	for (size_t i = 0; i < all->disks.count; i++) {
		const struct uc_disk_fs *fs = all->disks.row[i].fs;
		const uint64_t whole = fs->used + fs->available;
		uc_auto(buf) struct uc_buf line = { 0 };

		line.failed = all->disks.row[i].why.failed;
		uc_buf_add(&line, "disk: ");
		uc_buf_safe(&line, fs->path, run->safe);
		uc_buf_addf(&line, " (%s) ", uc_buf_text(&all->disks.row[i].why));
		if (fs->state != UC_DISK_OK) {
			uc_buf_add(&line, fs->state == UC_DISK_SILENT
						  ? "does not answer"
						  : strerror(fs->error));
			put_line(run, &line);
			continue;
		}
		uc_size_words(&line, fs->available);
		uc_buf_add(&line, " of ");
		uc_size_words(&line, whole);
		uc_buf_addf(&line, " free, %.0f%% used",
			    whole ? (double)fs->used * 100 / (double)whole : 0);
		if (fs->quota.bytes_limit || fs->quota.bytes_soft) {
			uc_buf_add(&line, "; quota ");
			uc_size_words(&line, fs->quota.bytes);
			uc_buf_add(&line, " of ");
			uc_size_words(&line,
				      fs->quota.bytes_limit ?: fs->quota.bytes_soft);
		}
		put_line(run, &line);
	}
}

#define COUNT(name)                                                                      \
	GETTER(name)                                                                     \
	{                                                                                \
		(void)context;                                                           \
		uinfo_put(out, UC_VALUE_NUMBER,                                          \
			  ((const struct overview_jobs *)row)->name);                    \
	}
COUNT(jobs)
COUNT(gpus)
COUNT(cpus)

GETTER(state)
{
	(void)context;
	uc_value_put_raw(out, uc_raw(((const struct overview_jobs *)row)->state));
}

GETTER(next)
{
	(void)context;
	uinfo_put(out, UC_VALUE_TIME,
		  (uint64_t)((const struct overview_jobs *)row)->next);
}

GETTER(next_job)
{
	const struct overview_jobs *jobs = row;

	(void)context;
	if (jobs->next_job)
		uinfo_put(out, UC_VALUE_NUMBER, jobs->next_job);
}

static const struct uc_column jobs_columns[] = {
	{ "STATE", "state", 0, 0, "", get_state },
	{ "JOBS", "jobs", 0, 0, "", get_jobs },
	{ "GPUS", "gpus", 0, 0, "", get_gpus },
	{ "CPUS", "cpus", 0, 0, "", get_cpus },
	{ "NEXT", "next_time", 0, 0, "", get_next },
	{ "NEXTJOB", "next_job_id", 0, 0, "", get_next_job },
	{ 0 },
};

static void select_all(const struct uc_column *columns, struct uc_selection *out)
{
	out->count = 0;
	for (; columns->heading && out->count < UC_SELECTION_MAX; columns++)
		out->column[out->count++] = columns;
}

int overview_json(const struct overview *all, const struct uc_selection *shown,
		  struct uc_error *err)
{
	const struct disk_context disk_context = { 0 };
	const struct uinfo_limit_look look = { 0 };
	const struct uc_table tables[] = {
		{ .name = "jobs",
		  .rows = all->jobs,
		  .count = OVERVIEW_STATES,
		  .row_size = sizeof(all->jobs[0]) },
		{ .name = "limits",
		  .rows = all->limits.row,
		  .count = all->limits.count,
		  .row_size = sizeof(*all->limits.row),
		  .context = &look },
		{ .name = "disks",
		  .rows = all->disks.row,
		  .count = all->disks.count,
		  .row_size = sizeof(*all->disks.row),
		  .context = &disk_context },
	};
	const struct uc_column *const columns[] = { jobs_columns, uinfo_limit_columns,
						    disk_fs_columns };
	const struct uc_table capacity = { .name = "capacity",
					   .rows = all->row,
					   .count = all->count,
					   .row_size = sizeof(*all->row),
					   .context = &all->world.facts.now };

	printf("{\"version\": 1, \"now\": %lld, ", (long long)all->world.facts.now);
	if (uc_table_json_array(&capacity, shown, err) < 0)
		return -1;
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		struct uc_selection every;

		select_all(columns[i], &every);
		fputs(",\n", stdout);
		if (uc_table_json_array(&tables[i], &every, err) < 0)
			return -1;
	}
	puts("}");
	return 0;
}
