/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* The jobs: a line each, those of an array folded into one. */
#include <stdlib.h>
#include <string.h>
#include <ucluster/reason.h>
#include <ucluster/state.h>
#include <ucluster/units.h>
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

/* Columns, left out from the right where the terminal is narrow. */
struct widths {
	int id, user, name, partition, state, time, bar, gpus;
};

static struct widths fit(const struct dash *d, int columns)
{
	struct widths w = { .id = 12,
			    .user = 9,
			    .name = 14,
			    .partition = 9,
			    .state = 3,
			    .time = 12,
			    .gpus = 9 };
	int used;

	if (!d->everybody)
		w.user = 0;
	if (columns < 100) {
		w.id = 10;
		w.user = w.user ? 8 : 0;
		w.partition = 7;
		w.name = 12;
	}
	if (columns < 70)
		w.partition = w.gpus = 0;
	if (columns < 55)
		w.name = 10;
	if (columns < 45)
		w.user = 0;
	used = w.id + w.user + w.name + w.partition + w.state + w.time + w.gpus + 12;
	if (columns - used > 24)
		w.bar = 10;
	if (columns - used - w.bar > 40)
		w.name += (columns - used - w.bar - 40) / 2;
	if (w.name > 40)
		w.name = 40;
	return w;
}

static int put_head(struct dash_area area, int column, int width, const char *text,
		    bool sorted)
{
	if (!width)
		return column;
	dash_put_raw(dash_span(area, 0, column, width), sorted ? DASH_STRONG : DASH_HEAD,
		     uc_raw(text));
	return column + width + 1;
}

static void draw_head(struct dash_area area, const struct jobs_pane *p,
		      const struct widths *w)
{
	int column = 0;

	dash_role_row(area, 0, DASH_HEAD);
	column = put_head(area, column, w->id, "JOB", p->sort == JOBS_BY_ID);
	column = put_head(area, column, w->user, "USER", p->sort == JOBS_BY_USER);
	column = put_head(area, column, w->name, "NAME", p->sort == JOBS_BY_NAME);
	column = put_head(area, column, w->partition, "PARTITION",
			  p->sort == JOBS_BY_PARTITION);
	column = put_head(area, column, w->state, "ST",
			  p->sort == JOBS_BY_STATE || p->sort == JOBS_BY_PRIORITY);
	column = put_head(area, column, w->time, "TIME", p->sort == JOBS_BY_TIME);
	column = put_head(area, column, w->bar, "", false);
	column = put_head(area, column, w->gpus, "GPUS", p->sort == JOBS_BY_GPUS);
	put_head(area, column, area.columns - column, "WHERE OR WHY", false);
}

/* "2d06h", "5h42m", "43m", "51s"; "1d" when nothing is left. */
static void add_short(struct uc_buf *out, int64_t seconds)
{
	const int64_t days = seconds / 86400, hours = seconds / 3600 % 24;
	const int64_t minutes = seconds / 60 % 60;

	if (days)
		uc_buf_addf(out, "%jdd", (intmax_t)days);
	if (days && hours)
		uc_buf_addf(out, "%02jdh", (intmax_t)hours);
	else if (!days && hours)
		uc_buf_addf(out, "%jdh", (intmax_t)hours);
	if (!days && hours && minutes)
		uc_buf_addf(out, "%02jdm", (intmax_t)minutes);
	else if (!days && !hours && seconds >= 60)
		uc_buf_addf(out, "%jdm", (intmax_t)minutes);
	else if (seconds < 60)
		uc_buf_addf(out, "%jds", (intmax_t)seconds);
}

static void add_time(struct uc_buf *out, const struct uc_job *job, int64_t now)
{
	if (!uc_job_waits(job))
		add_short(out, uc_job_elapsed(job, now));
	if (job->time_limit == UC_NOT_SET)
		return;
	uc_buf_addc(out, '/');
	if (job->time_limit == UC_DURATION_INFINITE)
		uc_buf_add(out, "-");
	else
		add_short(out, job->time_limit);
}

static void add_id(struct uc_buf *out, const struct jobs_row *row)
{
	if (row->records > 1)
		uc_buf_addf(out, "+%u_[]", row->job->array_job_id);
	else
		uc_buf_job_id(out, row->job, UC_NONE32);
}

/* Where it runs, why it waits, how it ended. */
static void add_where(struct uc_buf *out, const struct jobs_row *row)
{
	const struct uc_job *job = row->job;

	if (row->records > 1)
		uc_buf_addf(out, "%u run, %u wait  ", row->running, row->waiting);
	if (uc_job_waits(job) || (!uc_job_holds(job) && job->reason))
		uc_buf_add(out, uc_reason_short(job->reason));
	else if (!uc_raw_empty(job->nodes))
		uc_buf_add(out, job->nodes.bytes);
}

/* Columns that it took, with the blank behind it. */
static int put_time(struct dash_area rest, const struct widths *w,
		    const struct uc_job *job, int64_t now)
{
	uc_auto(buf) struct uc_buf text = { 0 };
	const bool limited =
		job->time_limit > 0 && job->time_limit != UC_DURATION_INFINITE;

	add_time(&text, job, now);
	dash_put_right(dash_span(rest, 0, 0, w->time), DASH_PLAIN, uc_buf_text(&text));
	if (w->bar && uc_job_holds(job) && limited) {
		const uint64_t elapsed = (uint64_t)uc_job_elapsed(job, now);
		const uint64_t limit = (uint64_t)job->time_limit;

		dash_put_bar(dash_span(rest, 0, w->time + 1, w->bar),
			     10 * elapsed > 9 * limit ? DASH_BAD : DASH_GOOD, elapsed,
			     limit);
	}
	return w->time + 1 + (w->bar ? w->bar + 1 : 0);
}

/* A column that may be left out. */
static int put(struct dash_area span, enum dash_role role, struct uc_raw raw)
{
	return span.columns ? dash_put_raw(span, role, raw) + 1 : 0;
}

static void draw_row(const struct dash *d, struct dash_area area, int line,
		     const struct jobs_row *row, const struct widths *w)
{
	uc_auto(buf) struct uc_buf id = { 0 }, gpus = { 0 }, where = { 0 };
	const struct uc_job *job = row->job;
	const bool mine = dash_is_mine(d, job);
	const char *state = uc_job_state_short(job->state);
	int column = 0;

	add_id(&id, row);
	add_where(&where, row);
	if (row->records > 1 && row->gpus)
		uc_buf_addf(&gpus, "%ju", (uintmax_t)row->gpus);
	else if (row->records == 1)
		uc_buf_job_gpus(&gpus, job, d->options.ascii);
	if (row->records == 1 && !gpus.len && job->gpus && job->gpus != UC_NONE32)
		uc_buf_addf(&gpus, "%u", job->gpus);
	column += put(dash_span(area, line, column, w->id), mine ? DASH_MINE : DASH_PLAIN,
		      uc_raw(uc_buf_text(&id)));
	column += put(dash_span(area, line, column, w->user),
		      mine ? DASH_MINE : DASH_PLAIN, job->user);
	column += put(dash_span(area, line, column, w->name), DASH_PLAIN, job->name);
	column += put(dash_span(area, line, column, w->partition), DASH_PLAIN,
		      job->partition);
	column += put(dash_span(area, line, column, w->state), dash_job_role(job),
		      uc_raw(state ? state : "?"));
	column += put_time(dash_from(area, line, column), w, job, d->data->now);
	column += put(dash_span(area, line, column, w->gpus), DASH_PLAIN,
		      uc_raw(uc_buf_text(&gpus)));
	dash_put_raw(dash_span(area, line, column, area.columns - column),
		     uc_job_waits(job) && uc_reason_never_starts(job->reason)
			     ? DASH_BAD
			     : DASH_PLAIN,
		     uc_raw(uc_buf_text(&where)));
}

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
	const struct widths w = fit(d, area.columns);
	const char *wanted = uc_buf_text(&d->search);

	draw_head(dash_area_top(&area, 1), p, &w);
	d->page = (size_t)(area.rows > 0 ? area.rows : 0);
	dash_list_show(&p->list, d->page);
	if (!p->list.count)
		dash_put(area, 0, 2, DASH_FAINT,
			 uc_buf_text(&d->filter)[0] ? "no job has this text"
			 : d->everybody             ? "no jobs"
						    : "no jobs of yours; u shows all");
	for (int line = 0; line < area.rows; line++) {
		const size_t at = p->list.top + (size_t)line;

		if (at >= p->list.count)
			break;
		draw_row(d, area, line, &p->row[at], &w);
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

	add_id(&id, row);
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

static void sort_next(struct dash *d)
{
	static const char *const names[JOBS_SORTS] = {
		"state", "id", "user", "name", "partition", "time", "GPUs", "priority",
	};
	struct jobs_pane *p = jobs_of(d);

	p->sort = (enum jobs_sort)((p->sort + 1) % JOBS_SORTS);
	dash_say(d, "sorted by %s", names[p->sort]);
	take(d);
}

static bool click(struct dash *d, const struct dash_event *event)
{
	struct jobs_pane *p = jobs_of(d);
	const int first = d->grid.rows >= 12 ? 3 : 2;

	if (event->row < first || event->row - first >= (int)d->page)
		return false;
	dash_list_go(&p->list, p->row, jobs_row_id,
		     (int64_t)p->list.top + event->row - first);
	return true;
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
		sort_next(d);
		return true;
	case 'I':
		p->inverted = !p->inverted;
		take(d);
		return true;
	default:
		return false;
	}
}

/* --- begin and end --- */

static int open_pane(struct dash *d)
{
	d->pane[DASH_JOBS] = calloc(1, sizeof(struct jobs_pane));
	return d->pane[DASH_JOBS] ? 0 : -1;
}

static void close_pane(struct dash *d)
{
	struct jobs_pane *p = jobs_of(d);

	if (!p)
		return;
	free(p->row);
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
	.job = job_at,
	.next = next_at,
};
