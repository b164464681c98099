/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Which jobs are rows, those of an array folded into one, and in which order. */
#include <stdlib.h>
#include <string.h>
#include <ucluster/state.h>
#include "udash/jobs.h"

/* --- which rows --- */

/* What is looked for, in lower case. */
struct wanted {
	char text[256];
	size_t len;
};

static void read_filter(const struct dash *d, struct wanted *wanted)
{
	const char *part = uc_buf_text(&d->filter);

	wanted->len = 0;
	for (; *part && wanted->len + 1 < sizeof(wanted->text); part++)
		wanted->text[wanted->len++] =
			*part >= 'A' && *part <= 'Z' ? (char)(*part + 'a' - 'A') : *part;
}

static bool matches(const struct dash *d, size_t at, const struct wanted *wanted)
{
	const struct dash_brief *job = &d->data->index->job[at];

	/* what became of one's own is of interest */
	if (job->user_id != d->me && (!d->everybody || job->life == DASH_ENDED))
		return false;
	return !wanted->len ||
	       dash_index_has(d->data->index, at, wanted->text, wanted->len);
}

struct dash_id jobs_array_id(const struct uc_job *job)
{
	return (struct dash_id){ job->array_job_id, 1 };
}

struct dash_id jobs_row_id(const void *rows, size_t index)
{
	return ((const struct jobs_row *)rows)[index].id;
}

const struct uc_job *jobs_row_next(const struct dash *d, const struct jobs_pane *p,
				   const struct jobs_row *row, const struct uc_job *job)
{
	const struct uc_job *jobs = d->data->jobs->row;

	if (!job)
		return &jobs[row->first];
	return job == &jobs[row->last] ? NULL : &jobs[p->next[job - jobs]];
}

bool jobs_row_is_array(const struct jobs_row *row)
{
	return row->records > 1 || (!row->inside && row->job->array_job_id &&
				    !uc_raw_empty(row->job->array_tasks));
}

void jobs_row_name(struct uc_buf *out, const struct jobs_row *row)
{
	if (jobs_row_is_array(row))
		uc_buf_addf(out, "%u[+]", row->job->array_job_id);
	else
		uc_buf_job_id(out, row->job, UC_NONE32);
}

static void count_into(struct dash *d, struct jobs_row *row, const struct dash_brief *job)
{
	const uint64_t when = (uint64_t)job->submitted << 1 | 1;

	row->records++;
	row->last = job->job;
	if (row->id.when & 1 && when < row->id.when)
		row->id.when = when;
	row->running += job->life == DASH_HOLDS;
	row->waiting += job->tasks;
	if (job->life == DASH_HOLDS)
		row->gpus += job->gpus;
	/* the rest of the array says more than a task */
	if (job->life == DASH_WAITS || row->records == 1) {
		row->job = &d->data->jobs->row[job->job];
		row->brief = job;
	}
}

static bool reserve(struct jobs_pane *p, size_t count)
{
	struct jobs_row *row, *all;
	struct dash_item *item;
	uint32_t *next;

	if (count <= p->room)
		return true;
	row = reallocarray(p->row, count, sizeof(*row));
	p->row = row ? row : p->row;
	all = reallocarray(p->all, count, sizeof(*all));
	p->all = all ? all : p->all;
	next = reallocarray(p->next, count, sizeof(*next));
	p->next = next ? next : p->next;
	item = reallocarray(p->item, 2 * count, sizeof(*item));
	p->item = item ? item : p->item;
	if (!row || !all || !next || !item)
		return false;
	p->room = count;
	return true;
}

/*
 * An array that is folded is the same one however many of its tasks have records; these
 * follow one another in the index.
 */
static size_t collect(struct dash *d, struct jobs_pane *p)
{
	const struct dash_index *index = d->data->index;
	struct wanted wanted;
	size_t count = 0;

	read_filter(d, &wanted);
	for (size_t i = 0; i < index->count; i++) {
		const struct dash_brief *job = &index->job[i];
		struct jobs_row *last = count ? &p->all[count - 1] : NULL;
		const bool folded =
			job->array_job_id &&
			!dash_set_has(&p->unfolded,
				      (struct dash_id){ job->array_job_id, 1 });

		if (!matches(d, i, &wanted))
			continue;
		if (folded && last && last->id.when & 1 &&
		    last->id.what == job->array_job_id) {
			p->next[last->last] = job->job;
			count_into(d, last, job);
			continue;
		}
		p->all[count] = (struct jobs_row){
			.first = job->job,
			.id = { folded ? job->array_job_id : job->job_id,
				(uint64_t)job->submitted << 1 | folded },
			.inside = job->array_job_id && !folded,
		};
		count_into(d, &p->all[count++], job);
	}
	return count;
}

/* --- their order --- */

enum {
	AHEAD = 16, /* rows: what memory takes */
};

/* The least comes first. */
static uint64_t key_of(const struct jobs_row *row, enum jobs_sort sort)
{
	const struct dash_brief *job = row->brief;

	switch (sort) {
	case JOBS_BY_STATE: /* running, then waiting, then the rest */
		return (uint64_t)job->life << 32 |
		       (job->life == DASH_WAITS ? UINT32_MAX - job->priority : 0);
	case JOBS_BY_USER:
		return job->user;
	case JOBS_BY_NAME:
		return job->name;
	case JOBS_BY_PARTITION:
		return job->partition;
	case JOBS_BY_TIME:
		return UINT32_MAX - job->elapsed;
	case JOBS_BY_GPUS:
		return UINT32_MAX - (row->records > 1 ? row->gpus : job->gpus);
	case JOBS_BY_PRIORITY:
		return UINT32_MAX - job->priority;
	default:
		return 0; /* as they are: by their ids */
	}
}

static void sort_rows(struct jobs_pane *p, size_t count)
{
	for (size_t i = 0; i < count; i++)
		p->item[i] =
			(struct dash_item){ key_of(&p->all[i], p->sort), (uint32_t)i };
	dash_sort(p->item, p->item + count, count);
	for (size_t i = 0; i < count; i++) {
		/* they lie all over memory */
		if (i + AHEAD < count)
			__builtin_prefetch(&p->all[p->item[i + AHEAD].at]);
		p->row[p->inverted ? count - 1 - i : i] = p->all[p->item[i].at];
	}
	dash_list_sync(&p->list, p->row, count, jobs_row_id);
}

void jobs_rows_sort(struct jobs_pane *p)
{
	if (p->list.count)
		sort_rows(p, p->list.count);
}

/* --- how wide they are --- */

static size_t digits(uint32_t number)
{
	size_t count = 1;

	for (; number > 9; number /= 10)
		count++;
	return count;
}

static void widest(uint8_t *most, size_t width)
{
	if (width > *most)
		*most = width > UINT8_MAX ? UINT8_MAX : (uint8_t)width;
}

/* Columns as wide as what is in them, within bounds: they stay so while one scrolls. */
static void measure(struct dash *d, const struct jobs_pane *p, size_t count)
{
	uint8_t *wanted = d->columns[DASH_JOBS].wanted;
	uint8_t id = 5, user = 4, name = 8, partition = 4;

	for (size_t i = 0; i < count; i++) {
		const struct dash_brief *job = p->all[i].brief;
		const bool several =
			p->all[i].records > 1 || (!p->all[i].inside && job->rest);

		widest(&id, several ? 3 + digits(job->array_job_id) : job->id_wide);
		widest(&user, job->user_wide);
		widest(&name, job->name_wide);
		widest(&partition, job->partition_wide);
	}
	wanted[JOBS_ID] = id > 16 ? 16 : id;
	wanted[JOBS_USER] = user > 12 ? 12 : user;
	wanted[JOBS_NAME] = name > 24 ? 24 : name;
	wanted[JOBS_PARTITION] = partition > 12 ? 12 : partition;
}

void jobs_rows_take(struct dash *d, struct jobs_pane *p)
{
	size_t count;

	if (!d->data)
		return;
	p->list.count = 0; /* what it borrows from may be gone */
	if (!reserve(p, d->data->jobs->count + 1))
		return;
	count = collect(d, p);
	measure(d, p, count);
	sort_rows(p, count);
}
