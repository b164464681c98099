/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* The jobs: a line each, those of an array folded into one. */
#include <stdlib.h>
#include <string.h>
#include "udash/jobs.h"

static struct jobs_pane *jobs_of(const struct dash *d)
{
	return d->pane[DASH_JOBS];
}

static void take(struct dash *d)
{
	jobs_rows_take(d, jobs_of(d));
}

/* --- drawing --- */

/* The column whose heading tells the order. */
static const uint8_t sort_column[JOBS_SORTS] = {
	[JOBS_BY_STATE] = JOBS_STATE,         [JOBS_BY_ID] = JOBS_ID,
	[JOBS_BY_USER] = JOBS_USER,           [JOBS_BY_NAME] = JOBS_NAME,
	[JOBS_BY_PARTITION] = JOBS_PARTITION, [JOBS_BY_TIME] = JOBS_TIME,
	[JOBS_BY_GPUS] = JOBS_GPUS,           [JOBS_BY_PRIORITY] = JOBS_PRIORITY,
};

/* An array that is folded: all of it. */
static bool is_marked(const struct dash *d, const struct jobs_pane *p,
		      const struct jobs_row *row)
{
	const struct uc_job *job = NULL;

	if (!d->marks.count)
		return false;
	while ((job = jobs_row_next(d, p, row, job)))
		if (!dash_set_has(&d->marks, dash_job_id(job)))
			return false;
	return true;
}

static void draw(struct dash *d, struct dash_area area)
{
	struct jobs_pane *p = jobs_of(d);
	struct dash_columns *columns = &d->columns[DASH_JOBS];
	const char *wanted = uc_buf_text(&d->search);

	dash_columns_fit(columns, area.columns);
	dash_columns_head(columns, dash_area_top(&area, 1), sort_column[p->sort]);
	d->page = (size_t)(area.rows > 0 ? area.rows : 0);
	dash_list_show(&p->list, d->page);
	if (!p->list.count)
		dash_draw_none(d, area, "job",
			       d->everybody ? "no jobs"
					    : "no jobs of yours; u shows everybody's");
	for (int line = 0; line < area.rows; line++) {
		const size_t at = p->list.top + (size_t)line;

		if (at >= p->list.count)
			break;
		jobs_draw_row(d, area, line, &p->row[at]);
		if (is_marked(d, p, &p->row[at]))
			dash_flag_row(area, line, DASH_MARKED);
		if (wanted[0] && dash_text_has(p->row[at].job->name.bytes, wanted))
			dash_flag_row(area, line, DASH_FOUND);
		if (at == p->list.at)
			dash_flag_row(area, line, DASH_SELECTED);
	}
}

/* --- keys --- */

static const struct uc_job *job_at(struct dash *d)
{
	const struct jobs_pane *p = jobs_of(d);

	return d->data && p->list.count ? p->row[p->list.at].job : NULL;
}

static bool row_has(const struct jobs_row *row, const char *text)
{
	uc_auto(buf) struct uc_buf id = { 0 };

	jobs_row_name(&id, row);
	return dash_text_has(uc_buf_text(&id), text) ||
	       dash_text_has(row->job->name.bytes, text) ||
	       dash_text_has(row->job->user.bytes, text) ||
	       dash_text_has(row->job->nodes.bytes, text);
}

/* The next row, or the one before, that has it; round the end. */
static void find_next(struct dash *d, bool back)
{
	struct jobs_pane *p = jobs_of(d);
	const char *text = uc_buf_text(&d->search);
	const size_t count = p->list.count;

	for (size_t i = 1; text[0] && i <= count; i++) {
		const size_t at = (p->list.at + (back ? count - i : i)) % count;

		if (row_has(&p->row[at], text)) {
			dash_list_go(&p->list, p->row, jobs_row_id, (int64_t)at);
			return;
		}
	}
	dash_say(d, text[0] ? "not found: %s" : "nothing to search for%s", text);
}

static void fold(struct dash *d, bool open)
{
	struct jobs_pane *p = jobs_of(d);
	const struct uc_job *job = job_at(d);
	uint32_t array;

	if (!job || !job->array_job_id)
		return;
	array = job->array_job_id;
	if (dash_set_has(&p->unfolded, jobs_array_id(job)) == open ||
	    !dash_set_toggle(&p->unfolded, jobs_array_id(job)))
		return;
	p->list.id = dash_job_id(job);
	take(d);
	for (size_t i = 0; !open && i < p->list.count; i++)
		if (p->row[i].job->array_job_id == array)
			dash_list_go(&p->list, p->row, jobs_row_id, (int64_t)i);
}

static const struct uc_job *next_at(struct dash *d, const struct uc_job *job)
{
	const struct jobs_pane *p = jobs_of(d);

	return p->list.count ? jobs_row_next(d, p, &p->row[p->list.at], job) : NULL;
}

/* All that the row stands for, or, when all of that is marked, none of it. */
static void mark(struct dash *d)
{
	struct jobs_pane *p = jobs_of(d);
	const struct uc_job *job = NULL;
	bool all;

	if (!p->list.count)
		return;
	all = is_marked(d, p, &p->row[p->list.at]);
	while ((job = next_at(d, job)))
		if (dash_set_has(&d->marks, dash_job_id(job)) == all &&
		    !dash_set_toggle(&d->marks, dash_job_id(job)))
			return;
	dash_list_go(&p->list, p->row, jobs_row_id, (int64_t)p->list.at + 1);
}

static const char *const sort_names[JOBS_SORTS] = {
	"state", "id", "user", "name", "partition", "time", "GPUs", "priority",
};

/* Rows that are stale borrow from what is gone. */
static void order(struct dash *d)
{
	if (d->stale & 1u << DASH_JOBS)
		take(d);
	else
		jobs_rows_sort(jobs_of(d));
}

static void sort_by(struct dash *d, enum jobs_sort sort)
{
	struct jobs_pane *p = jobs_of(d);

	p->sort = sort;
	dash_say(d, "sorted by %s", sort_names[sort]);
	order(d);
}

/* A heading sorts by it, the other way round when it is by it already. */
static void click_head(struct dash *d, int column)
{
	struct jobs_pane *p = jobs_of(d);
	const size_t which = dash_columns_at(&d->columns[DASH_JOBS], column);

	for (int i = 0; i < JOBS_SORTS; i++)
		if (sort_column[i] == which) {
			p->inverted = p->sort == (enum jobs_sort)i && !p->inverted;
			sort_by(d, (enum jobs_sort)i);
			return;
		}
}

static bool click(struct dash *d, const struct dash_event *event)
{
	struct jobs_pane *p = jobs_of(d);
	const size_t at = p->list.top + (size_t)(event->row - 1);

	if (event->row == 0) {
		click_head(d, event->column);
		return true;
	}
	if (event->row < 1 || at >= p->list.count)
		return false;
	if (at == p->list.at)
		dash_show_details(d);
	dash_list_go(&p->list, p->row, jobs_row_id, (int64_t)at);
	return true;
}

static bool sort_named(struct dash *d, const char *name)
{
	for (int i = 0; i < JOBS_SORTS; i++)
		if (name[0] && strncasecmp(sort_names[i], name, strlen(name)) == 0) {
			sort_by(d, (enum jobs_sort)i);
			return true;
		}
	return false;
}

static bool key(struct dash *d, const struct dash_event *event)
{
	struct jobs_pane *p = jobs_of(d);

	if (dash_list_key(&p->list, p->row, jobs_row_id, event->key, d->page))
		return true;
	switch (event->key) {
	case DASH_KEY_CLICK:
		return click(d, event);
	case 'n':
	case 'N':
		find_next(d, event->key == 'N');
		return true;
	case '+':
	case DASH_KEY_RIGHT:
		fold(d, true);
		return true;
	case '-':
	case DASH_KEY_LEFT:
		fold(d, false);
		return true;
	case ' ':
		mark(d);
		return true;
	case 's':
	case DASH_KEY_F + 6:
		sort_by(d, (enum jobs_sort)((p->sort + 1) % JOBS_SORTS));
		return true;
	case 'I':
		p->inverted = !p->inverted;
		order(d);
		return true;
	default:
		return false;
	}
}

/* --- begin and end --- */

static int open_pane(struct dash *d)
{
	d->pane[DASH_JOBS] = calloc(1, sizeof(struct jobs_pane));
	jobs_columns_open(&d->columns[DASH_JOBS]);
	return d->pane[DASH_JOBS] ? 0 : -1;
}

static void close_pane(struct dash *d)
{
	struct jobs_pane *p = jobs_of(d);

	if (!p)
		return;
	free(p->row);
	free(p->all);
	free(p->item);
	free(p->next);
	dash_set_free(&p->unfolded);
	free(p);
}

const struct dash_pane dash_pane_jobs = {
	.name = "Jobs",
	.open = open_pane,
	.close = close_pane,
	.take = take,
	.draw = draw,
	.key = key,
	.sort = sort_named,
	.job = job_at,
	.next = next_at,
};
