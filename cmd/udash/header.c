/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* The first line: what is free, what is mine, how old it is; in fewer words where the
 * terminal is narrow. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <ucluster/reason.h>
#include <ucluster/state.h>
#include <ucluster/units.h>
#include "udash/dash.h"

enum {
	PIECES = 3 * DASH_MODELS + 16,
	WORDS = 5, /* ways to say it: all the words, ... none */
};

/* The line before it is known whether it fits. */
struct line {
	struct {
		enum dash_role role;
		char text[48]; /* safe */
	} piece[PIECES];
	size_t count;
	int columns;
};

static void add(struct line *line, enum dash_role role, const char *fmt, ...)
	UC_PRINTF(3, 4);
static void add(struct line *line, enum dash_role role, const char *fmt, ...)
{
	uc_auto(buf) struct uc_buf text = { 0 };
	char *to;
	va_list ap;

	if (line->count == PIECES)
		return;
	to = line->piece[line->count].text;
	va_start(ap, fmt);
	uc_buf_addv(&text, fmt, ap);
	va_end(ap);
	if (text.len >= sizeof(line->piece[0].text))
		text.data[uc_text_clip(text.data, sizeof(line->piece[0].text) / 4)] =
			'\0';
	snprintf(to, sizeof(line->piece[0].text), "%s", uc_buf_text(&text));
	line->piece[line->count++].role = role;
	line->columns += (int)uc_text_width(to);
}

/* --- what is told --- */

static struct dash_model *find_model(struct dash_sums *sums, const char *type)
{
	for (size_t i = 0; i < sums->models; i++)
		if (strcmp(sums->model[i].type, type) == 0)
			return &sums->model[i];
	if (sums->models == DASH_MODELS)
		return &sums->model[DASH_MODELS - 1];
	sums->model[sums->models] = (struct dash_model){ .type = type };
	return &sums->model[sums->models++];
}

static void count_models(const struct uc_gpu_map *map, struct dash_sums *sums)
{
	for (size_t n = 0; n < map->count; n++) {
		const struct uc_gpu_node *node = &map->node[n];

		for (size_t i = 0; i < node->count; i++) {
			const struct uc_gpu_slot *slot = &node->slot[i];
			struct dash_model *model = find_model(
				sums,
				uc_raw_empty(slot->type) ? "gpu" : slot->type.bytes);

			model->total++;
			model->free += slot->holder == UC_GPU_FREE;
			model->mine += slot->holder == UC_GPU_MINE;
			model->out += slot->holder == UC_GPU_OUT;
			sums->used += slot->holder == UC_GPU_MINE ||
				      slot->holder == UC_GPU_OTHER;
		}
		sums->gpus += node->count;
	}
}

void dash_sum(struct dash *d)
{
	const struct dash_index *index = d->data->index;
	struct dash_sums sums = { 0 };

	for (size_t i = 0; i < index->count; i++) {
		const struct dash_brief *job = &index->job[i];

		if (job->user_id != d->me)
			continue;
		sums.running += job->life == DASH_HOLDS;
		sums.waiting += job->tasks;
		if (job->life == DASH_HOLDS)
			sums.my_gpus += job->gpus;
	}
	count_models(d->data->map, &sums);
	d->sums = sums;
}

/* --- in words --- */

static void add_gpus(struct line *line, const struct dash *d, int words)
{
	const struct dash_model *models = d->sums.model;
	const size_t count = d->sums.models;

	if (count && words > 1)
		add(line, DASH_PLAIN, "free ");
	for (size_t i = 0; i < count; i++) {
		uc_auto(buf) struct uc_buf safe = { 0 };

		uc_buf_safe(&safe, uc_raw(models[i].type), d->grid.safe);
		add(line, DASH_PLAIN, "%s%s ",
		    !i          ? ""
		    : words > 2 ? "  "
				: " ",
		    uc_buf_text(&safe));
		add(line, models[i].free ? DASH_GOOD : DASH_BAD, "%ju",
		    (uintmax_t)models[i].free);
		if (words)
			add(line, DASH_PLAIN, "/%ju", (uintmax_t)models[i].total);
	}
	if (count)
		add(line, DASH_PLAIN, words > 2 ? "   " : "  ");
}

static void add_mine(struct line *line, const struct dash *d, int words)
{
	const struct dash_sums *mine = &d->sums;
	uc_auto(buf) struct uc_buf limit = { 0 };

	if (words > 2)
		add(line, DASH_MINE, "me: %ju running, %ju waiting, %ju GPU%s",
		    (uintmax_t)mine->running, (uintmax_t)mine->waiting,
		    (uintmax_t)mine->my_gpus, mine->my_gpus == 1 ? "" : "s");
	else
		add(line, DASH_MINE,
		    words > 1 ? "me %ju R %ju PD %ju GPU%s" : "%juR %juPD %juG%.0s",
		    (uintmax_t)mine->running, (uintmax_t)mine->waiting,
		    (uintmax_t)mine->my_gpus, mine->my_gpus == 1 ? "" : "s");
	dash_add_limit(d, words > 1 ? "limit " : "of ", &limit);
	if (limit.len)
		add(line, DASH_PLAIN, "%s%s", words > 1 ? "  " : " ",
		    uc_buf_text(&limit));
}

/*
 * Seconds, in steps: a screen on which nothing changes is left alone. -1: it is as new as
 * it can be.
 */
static int64_t age_of(const struct dash *d)
{
	const int64_t age = d->data ? (uc_monotonic_ms() - d->data->at_ms) / 1000 : -1;
	const bool late = d->err.text[0] || 1000 * age > 3 * d->options.interval_ms;

	if (!late)
		return -1;
	return d->err.text[0] || age < 10 ? age : age - age % 5;
}

/* 1, 2, 5, 10, ...: not less than that. */
static int64_t about(int64_t ms)
{
	int64_t step = 1;

	while (10 * step <= ms)
		step *= 10;
	return step * (ms <= step ? 1 : ms <= 2 * step ? 2 : ms <= 5 * step ? 5 : 10);
}

/* What is told stays until it is twice that, or a tenth: a screen on which nothing
 * changes is left alone. */
void dash_note_took(struct dash *d, int64_t ms)
{
	if (!d->took_about || ms > 2 * d->took_about || 10 * ms < d->took_about)
		d->took_about = about(ms);
}

/* How old it is, and how long slurmctld took; in red when it does not answer. */
static void add_age(struct line *line, const struct dash *d, int words)
{
	uc_auto(buf) struct uc_buf text = { 0 };
	const int64_t age = age_of(d);
	enum dash_role role = DASH_FAINT;

	if (d->err.text[0]) {
		role = DASH_BAD;
		uc_buf_add(&text, d->err.code == UC_UNREACHABLE ? "no answer" : "failed");
		if (age >= 0)
			uc_buf_add(&text, words > 1 ? ", shown: " : ", ");
	} else if (!d->data) {
		uc_buf_add(&text, "asking");
	}
	if (age >= 0) {
		uc_duration_words(&text, age);
		uc_buf_add(&text, words > 1 ? " old" : "");
	}
	if (text.len)
		uc_buf_add(&text, words ? ", " : " ");
	if (d->paused)
		uc_buf_add(&text, "paused");
	else if (dash_is_unwatched(d))
		uc_buf_add(&text, "idle");
	else if (d->data && !d->err.text[0] && words)
		uc_buf_addf(&text, "%jd ms", (intmax_t)d->took_about);
	else if (text.len)
		text.data[text.len -= words ? 2 : 1] = '\0';
	add(line, role, "%s", uc_buf_text(&text));
}

static void put(struct dash_area area, int column, const struct line *line)
{
	for (size_t i = 0; i < line->count; i++)
		column = dash_put(area, 0, column, line->piece[i].role,
				  line->piece[i].text);
}

void dash_draw_header(const struct dash *d, struct dash_area area)
{
	struct line left, right;
	int words = WORDS - 1;

	for (;; words--) {
		left = right = (struct line){ 0 };
		if (words > 3)
			add(&left, DASH_STRONG, "udash  ");
		if (d->data) {
			add_gpus(&left, d, words);
			add_mine(&left, d, words);
		}
		add_age(&right, d, words);
		if (!words || left.columns + 2 + right.columns <= area.columns)
			break;
	}
	put(area, 0, &left);
	if (left.columns + 2 + right.columns <= area.columns || d->err.text[0]) {
		const int from = area.columns - right.columns;

		dash_put(area, 0, from - 1, DASH_PLAIN, " ");
		put(dash_area_part(area, 0, from, 1, area.columns), 0, &right);
	}
}
