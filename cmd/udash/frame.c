/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* One frame: header, tabs, the view, the bar of keys; boxes on top. */
#include <stdio.h>
#include <string.h>
#include <ucluster/reason.h>
#include <ucluster/state.h>
#include <ucluster/units.h>
#include "udash/dash.h"

/* Below so many rows the header is one line, below so many there is no bar. */
enum {
	ROWS_SMALL = 12,
	ROWS_TINY = 6,
	SPARK = 24, /* columns */
};

/* --- the header --- */

/* GPUs of one model, or of all that have no name, summed over the nodes. */
struct model {
	const char *type;
	uint64_t total, free, mine;
};
enum {
	MODELS = 12
};

static struct model *find_model(struct model *models, size_t *count, const char *type)
{
	for (size_t i = 0; i < *count; i++)
		if (strcmp(models[i].type, type) == 0)
			return &models[i];
	if (*count == MODELS)
		return &models[MODELS - 1];
	models[*count] = (struct model){ .type = type };
	return &models[(*count)++];
}

static size_t count_models(const struct uc_gpu_map *map, struct model *models)
{
	size_t count = 0;

	for (size_t n = 0; n < map->count; n++) {
		const struct uc_gpu_node *node = &map->node[n];

		for (size_t i = 0; i < node->count; i++) {
			const struct uc_gpu_slot *slot = &node->slot[i];
			const char *type =
				uc_raw_empty(slot->type) ? "gpu" : slot->type.bytes;
			struct model *model = find_model(models, &count, type);

			model->total++;
			model->free += slot->holder == UC_GPU_FREE;
			model->mine += slot->holder == UC_GPU_MINE;
		}
	}
	return count;
}

static int put_gpus(struct dash_area line, int column, const struct dash_data *data)
{
	struct model models[MODELS];
	const size_t count = count_models(data->map, models);

	if (!count)
		return dash_put(line, 0, column, DASH_FAINT, "no GPUs");
	column = dash_put(line, 0, column, DASH_PLAIN, "free ");
	for (size_t i = 0; i < count; i++) {
		uc_auto(buf) struct uc_buf safe = { 0 };

		uc_buf_safe(&safe, uc_raw(models[i].type), line.grid->safe);
		column += dash_putf(dash_from(line, 0, column), DASH_PLAIN, "%s%s ",
				    i ? "  " : "", uc_buf_text(&safe));
		column += dash_putf(
			dash_from(line, 0, column), models[i].free ? DASH_GOOD : DASH_BAD,
			"%ju/%ju", (uintmax_t)models[i].free, (uintmax_t)models[i].total);
	}
	return column;
}

static int put_mine(struct dash_area line, int column, const struct dash *d)
{
	const struct uc_jobs *jobs = d->data->jobs;
	uint64_t running = 0, waiting = 0, gpus = 0;

	for (size_t i = 0; i < jobs->count; i++) {
		const struct uc_job *job = &jobs->row[i];

		if (!dash_is_mine(d, job))
			continue;
		running += uc_job_holds(job);
		if (uc_job_waits(job)) {
			const uint32_t tasks = uc_array_count(job->array_tasks.bytes);

			waiting += tasks && tasks != UC_NONE32 ? tasks : 1;
		}
		if (uc_job_holds(job) && job->gpus != UC_NONE32)
			gpus += job->gpus;
	}
	return column + dash_putf(dash_from(line, 0, column), DASH_MINE,
				  "me: %ju running, %ju waiting, %ju GPU%s",
				  (uintmax_t)running, (uintmax_t)waiting, (uintmax_t)gpus,
				  gpus == 1 ? "" : "s");
}

/* How old it is, and how long slurmctld took; in red when it does not answer. */
static int put_age(struct dash_area line, const struct dash *d)
{
	uc_auto(buf) struct uc_buf text = { 0 };
	const int64_t age = d->data ? (uc_monotonic_ms() - d->data->at_ms) / 1000 : -1;
	enum dash_role role = DASH_FAINT;

	if (d->err.text[0]) {
		role = DASH_BAD;
		uc_buf_add(&text, d->err.code == UC_UNREACHABLE ? "no answer" : "failed");
		if (age >= 0)
			uc_buf_add(&text, ", shown: ");
	} else if (!d->data) {
		uc_buf_add(&text, "asking");
	}
	if (age >= 0) {
		uc_duration_words(&text, age);
		uc_buf_add(&text, " old");
	}
	if (d->paused)
		uc_buf_add(&text, ", paused");
	else if (d->data && !d->err.text[0])
		uc_buf_addf(&text, ", %jd ms", (intmax_t)d->data->took_ms);
	dash_put_right(dash_span(line, 0,
				 line.columns - (int)uc_text_width(uc_buf_text(&text)),
				 (int)uc_text_width(uc_buf_text(&text))),
		       role, uc_buf_text(&text));
	return line.columns - (int)uc_text_width(uc_buf_text(&text));
}

static void draw_header(struct dash_area line, const struct dash *d)
{
	uc_auto(buf) struct uc_buf limit = { 0 };
	int column = dash_put(line, 0, 0, DASH_STRONG, "udash  ");
	const int end = put_age(line, d);
	const struct dash_area left = dash_area_part(line, 0, 0, 1, end - 2);

	if (!d->data)
		return;
	column = put_gpus(left, column, d->data);
	column = put_mine(left, column + 3, d);
	dash_add_limit(d, &limit);
	dash_put(left, 0, column + 2, DASH_PLAIN, uc_buf_text(&limit));
}

static void draw_tabs(struct dash_area line, const struct dash *d)
{
	int column = 0;

	for (int i = 0; i < DASH_VIEWS; i++) {
		const enum dash_role role = i == (int)d->view ? DASH_BAR : DASH_PLAIN;

		column += dash_putf(dash_from(line, 0, column), role, " %d %s ", i + 1,
				    dash_panes[i]->name);
	}
	if (uc_buf_text(&d->filter)[0])
		column += 1 + dash_putf(dash_from(line, 0, column + 1), DASH_WAIT,
					"only: %s", uc_buf_text(&d->filter));
	if (d->marks.count)
		column += 1 + dash_putf(dash_from(line, 0, column + 1), DASH_STRONG,
					"%zu marked", d->marks.count);
	if (d->options.read_only)
		column = dash_put(line, 0, column + 1, DASH_FAINT, "read-only");
	if (d->gpus && line.columns - column > SPARK + 20) {
		dash_put_spark(dash_span(line, 0, line.columns - SPARK, SPARK), DASH_GOOD,
			       d->used, d->used_count, d->gpus);
		dash_put_right(dash_span(line, 0, line.columns - SPARK - 16, 15),
			       DASH_FAINT, "GPUs in use ");
	}
}

/* --- the bar --- */

static void draw_bar(struct dash_area line, const struct dash *d)
{
	uc_auto(buf) struct uc_buf key = { 0 }, safe = { 0 };
	const char *name;
	int column = 0;

	if (d->prompt.title) {
		column += dash_putf(dash_from(line, 0, 0), DASH_STRONG, "%s",
				    d->prompt.title);
		uc_buf_safe(&safe, uc_raw(uc_buf_text(&d->prompt.text)), line.grid->safe);
		column = dash_put(line, 0, column, DASH_PLAIN, uc_buf_text(&safe));
		dash_put(line, 0, column, DASH_BAR, " ");
		return;
	}
	if (d->message[0] && uc_monotonic_ms() < d->message_ms) {
		dash_put(line, 0, 0, DASH_STRONG, d->message);
		return;
	}
	for (size_t i = 0; dash_keys_bar(d, i, &key, &name); i++) {
		if (column + (int)key.len + (int)strlen(name) > line.columns)
			break;
		column = dash_put(line, 0, column, DASH_STRONG, uc_buf_text(&key));
		column = dash_put(line, 0, column, DASH_BAR, name) + 1;
		uc_buf_reset(&key);
	}
}

/* --- all of it --- */

/* Instead of a view that has nothing to show yet. */
static void draw_nothing(struct dash_area area, const struct dash *d)
{
	if (!d->err.text[0]) {
		dash_put(area, 1, 2, DASH_FAINT, "asking slurmctld...");
		return;
	}
	dash_put(area, 1, 2, DASH_BAD, d->err.text);
	if (d->err.hint[0])
		dash_putf(dash_from(area, 2, 2), DASH_PLAIN, "hint: %s", d->err.hint);
	dash_put(area, 4, 2, DASH_FAINT, "It is asked again; q ends udash.");
}

void dash_draw(struct dash *d)
{
	const struct dash_pane *pane = dash_panes[d->view];
	struct dash_area area = dash_grid_area(&d->grid), bar = { 0 };

	dash_grid_clear(&d->grid);
	if (area.rows >= ROWS_TINY) {
		draw_header(dash_area_top(&area, 1), d);
		if (area.rows >= ROWS_SMALL)
			draw_tabs(dash_area_top(&area, 1), d);
	}
	if (area.rows >= ROWS_TINY || d->prompt.title)
		bar = dash_area_bottom(&area, 1);
	if (d->data || d->view == DASH_DISK)
		pane->draw(d, area);
	else
		draw_nothing(area, d);
	if (bar.grid)
		draw_bar(bar, d);
	if (d->box.open)
		dash_box_draw(d, dash_grid_area(&d->grid));
}
