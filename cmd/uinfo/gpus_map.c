/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* uinfo gpus --map: a line a node, a letter a GPU; every user has a letter. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucluster/reason.h>
#include <ucluster/state.h>
#include <ucluster/units.h>
#include "uinfo/gpus.h"

/* No letter of these has another meaning. Users beyond share '?'. */
static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

static const struct mark {
	char letter;
	enum uc_role role;
	const char *meaning;
} marks[] = {
	[UC_GPU_FREE] = { '.', UC_ROLE_GOOD, "free" },
	[UC_GPU_MINE] = { '#', UC_ROLE_WAIT, "yours" },
	[UC_GPU_OTHER] = { '?', UC_ROLE_PLAIN, "others'" },
	[UC_GPU_RESERVED] = { '=', UC_ROLE_FAINT, "reserved" },
	[UC_GPU_OUT] = { '-', UC_ROLE_BAD, "out of service" },
};

#define MARKS (sizeof(marks) / sizeof(marks[0]))

/* Of the other users, those with the most GPUs first. */
struct holder {
	const struct uc_job *job; /* whose GPUs become free first */
	uint64_t gpus, first;     /* all, and those of `job` */
	char letter;
};

struct map_view {
	const struct uc_run *run;
	const struct uc_gpu_map *map;
	const struct uinfo_filter *filter;
	int64_t now;
	struct holder *holder;
	size_t holders;
	uint64_t count[MARKS];
};

static bool ends_sooner(const struct uc_job *a, const struct uc_job *b)
{
	const int64_t x = a->end_time ? a->end_time : INT64_MAX;
	const int64_t y = b->end_time ? b->end_time : INT64_MAX;

	return x < y;
}

static struct holder *find_holder(struct map_view *view, const struct uc_job *job)
{
	for (size_t i = 0; i < view->holders; i++)
		if (view->holder[i].job->user_id == job->user_id)
			return &view->holder[i];
	return NULL;
}

/* -1: out of memory. */
static int count_slot(struct map_view *view, const struct uc_gpu_slot *slot)
{
	struct holder *holder;

	view->count[slot->holder]++;
	if (slot->holder != UC_GPU_OTHER || !slot->job)
		return 0;
	holder = find_holder(view, slot->job);
	if (!holder) {
		struct holder *bigger =
			reallocarray(view->holder, view->holders + 1, sizeof(*bigger));

		if (!bigger)
			return -1;
		view->holder = bigger;
		holder = &bigger[view->holders++];
		*holder = (struct holder){ .job = slot->job };
	}
	holder->gpus++;
	if (holder->job == slot->job) {
		holder->first++;
	} else if (ends_sooner(slot->job, holder->job)) {
		holder->job = slot->job;
		holder->first = 1;
	}
	return 0;
}

static int compare_holders(const void *a, const void *b)
{
	const struct holder *x = a, *y = b;

	if (x->gpus != y->gpus)
		return x->gpus < y->gpus ? 1 : -1;
	return x->job->user_id < y->job->user_id ? -1 : x->job->user_id > y->job->user_id;
}

static int count_all(struct map_view *view)
{
	for (size_t n = 0; n < view->map->count; n++) {
		const struct uc_gpu_node *node = &view->map->node[n];

		if (!uinfo_filter_node(view->filter, node->node))
			continue;
		for (size_t i = 0; i < node->count; i++)
			if (count_slot(view, &node->slot[i]) < 0)
				return -1;
	}
	if (view->holders)
		qsort(view->holder, view->holders, sizeof(*view->holder),
		      compare_holders);
	for (size_t i = 0; i < view->holders; i++)
		view->holder[i].letter = i < sizeof(letters) - 1 ? letters[i] : '?';
	return 0;
}

static void add_cell(struct uc_buf *line, const struct map_view *view, char letter,
		     enum uc_role role)
{
	const char *sgr = view->run->color ? uc_role_sgr(role) : NULL;

	if (sgr)
		uc_buf_addf(line, "\033[%sm%c\033[0m", sgr, letter);
	else
		uc_buf_addc(line, letter);
}

static void add_slot(struct uc_buf *line, struct map_view *view,
		     const struct uc_gpu_slot *slot)
{
	const struct mark *mark = &marks[slot->holder];
	const struct holder *holder = NULL;

	if (slot->holder == UC_GPU_OTHER && slot->job)
		holder = find_holder(view, slot->job);
	add_cell(line, view, holder ? holder->letter : mark->letter, mark->role);
}

/* Types beside each other as in the node: "a100", or "a100+h100". */
static void add_types(struct uc_buf *out, const struct uc_gpu_node *node, unsigned safe)
{
	const char *last = NULL;

	for (size_t i = 0; i < node->count; i++) {
		const char *type = node->slot[i].type.bytes;

		if (!type || type == last)
			continue;
		if (last)
			uc_buf_addc(out, '+');
		uc_buf_safe(out, node->slot[i].type, safe);
		last = type;
	}
}

struct widths {
	size_t name, type, cells;
};

static struct widths find_widths(const struct map_view *view)
{
	struct widths w = { 0 };

	for (size_t n = 0; n < view->map->count; n++) {
		const struct uc_gpu_node *node = &view->map->node[n];
		uc_auto(buf) struct uc_buf name = { 0 }, type = { 0 };
		size_t width;

		if (!uinfo_filter_node(view->filter, node->node))
			continue;
		uc_buf_safe(&name, node->node->name, view->run->safe);
		add_types(&type, node, view->run->safe);
		width = uc_text_width(uc_buf_text(&name));
		w.name = width > w.name ? width : w.name;
		width = uc_text_width(uc_buf_text(&type));
		w.type = width > w.type ? width : w.type;
		w.cells = node->count > w.cells ? node->count : w.cells;
	}
	return w;
}

static void pad(struct uc_buf *line, size_t from, size_t width)
{
	const size_t now = uc_text_width(uc_buf_text(line) + from);

	for (size_t i = now; i < width; i++)
		uc_buf_addc(line, ' ');
}

/* Words behind the cells: why none of its free GPUs can be had. */
static void add_remark(struct uc_buf *line, const struct map_view *view,
		       const struct uc_gpu_node *node)
{
	if (!uc_node_is_usable(node->node->state)) {
		uc_buf_addf(line, "  %s", uc_node_state_word(node->node->state));
		if (!uc_raw_empty(node->node->reason)) {
			uc_buf_add(line, ": ");
			uc_buf_safe(line, node->node->reason, view->run->safe);
		}
	} else if (node->reservation) {
		uc_buf_add(line, "  reservation ");
		uc_buf_safe(line, node->reservation->name, view->run->safe);
		uc_buf_add(line, " until ");
		uc_buf_clock(line, node->reservation->end_time, view->now);
	}
	if (node->guessed)
		uc_buf_add(line, "  (which of them is not known)");
}

static bool print_node(struct map_view *view, const struct uc_gpu_node *node,
		       const struct widths *widths)
{
	uc_auto(buf) struct uc_buf line = { 0 };
	size_t from;

	uc_buf_safe(&line, node->node->name, view->run->safe);
	pad(&line, 0, widths->name);
	uc_buf_add(&line, "  ");
	from = line.len;
	add_types(&line, node, view->run->safe);
	pad(&line, from, widths->type);
	uc_buf_add(&line, "  ");
	for (size_t i = 0; i < node->count; i++)
		add_slot(&line, view, &node->slot[i]);
	if (!uc_node_is_usable(node->node->state) || node->reservation || node->guessed) {
		for (size_t i = node->count; i < widths->cells; i++)
			uc_buf_addc(&line, ' ');
		add_remark(&line, view, node);
	}
	if (view->run->stdout_tty && !view->run->color && !line.failed)
		line.data[uc_text_clip(line.data, (size_t)view->run->columns)] = '\0';
	if (!line.failed)
		puts(uc_buf_text(&line));
	return !line.failed;
}

static bool print_legend(struct map_view *view)
{
	uc_auto(buf) struct uc_buf line = { 0 };

	for (size_t i = 0; i < MARKS; i++) {
		if (!view->count[i] || (i == UC_GPU_OTHER && view->holders))
			continue;
		uc_buf_add(&line, line.len ? "   " : "");
		add_cell(&line, view, marks[i].letter, marks[i].role);
		uc_buf_addf(&line, " %s %llu", marks[i].meaning,
			    (unsigned long long)view->count[i]);
	}
	uc_buf_addc(&line, '\n');
	for (size_t i = 0; i < view->holders; i++) {
		const struct holder *holder = &view->holder[i];

		add_cell(&line, view, holder->letter, UC_ROLE_PLAIN);
		uc_buf_addc(&line, ' ');
		uc_buf_safe(&line, holder->job->user, view->run->safe);
		uc_buf_addf(&line, " %llu, ", (unsigned long long)holder->gpus);
		if (holder->first != holder->gpus)
			uc_buf_addf(&line, "%llu of them ",
				    (unsigned long long)holder->first);
		if (holder->job->end_time &&
		    holder->job->time_limit != UC_DURATION_INFINITE) {
			uc_buf_add(&line, "until ");
			uc_buf_clock(&line, holder->job->end_time, view->now);
		} else {
			uc_buf_add(&line, "without a time limit");
		}
		uc_buf_addf(&line, " (job %u)\n", holder->job->job_id);
	}
	if (!line.failed)
		fputs(uc_buf_text(&line), stdout);
	return !line.failed;
}

int gpu_map_print(const struct uc_run *run, const struct uc_gpu_map *map,
		  const struct uinfo_filter *filter, int64_t now, struct uc_error *err)
{
	struct map_view view = { .run = run, .map = map, .filter = filter, .now = now };
	struct widths widths;
	bool ok = count_all(&view) == 0, any = false;

	widths = find_widths(&view);
	for (size_t n = 0; ok && n < map->count; n++) {
		if (!uinfo_filter_node(filter, map->node[n].node))
			continue;
		ok = print_node(&view, &map->node[n], &widths);
		any = true;
	}
	if (ok && any) {
		putchar('\n');
		ok = print_legend(&view);
	}
	free(view.holder);
	return ok ? 0 : uc_fail(err, UC_FAILED, "out of memory");
}
