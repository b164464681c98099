/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * Disks: the user's places with bars; below them what fills the one at the cursor, from
 * a kept scan or one that is made now. Enter goes into a place, then into folders, and
 * below those that the scan tells of into scans of their own; Backspace goes back.
 */
#include <stdlib.h>
#include <string.h>
#include "udash/disk_pane.h"

static struct disk_pane *disk_of(const struct dash *d)
{
	return d->pane[DASH_DISK];
}

/* --- the thread --- */

static const char *place_path(const struct disk_pane *p)
{
	const struct disk_paths *paths = disk_work_paths(p->work);

	return p->place < paths->count ? paths->item[p->place].path : NULL;
}

static void drop_steps(struct disk_pane *p, size_t keep)
{
	while (p->steps > keep) {
		p->steps--;
		free(p->step[p->steps].root);
		free(p->step[p->steps].within);
		p->step[p->steps] = (struct disk_step){ 0 };
	}
}

/* The kept scan of the last step is wanted; while the thread is busy, later. */
static void load(struct disk_pane *p)
{
	p->lines = p->at = p->top = 0;
	p->wants_load = disk_work_is_busy(p->work);
	if (p->wants_load || !p->steps)
		return;
	p->scanning = false;
	disk_work_load(p->work, p->step[p->steps - 1].root);
}

static bool add_step(struct disk_pane *p, const char *root)
{
	char *copy = p->steps < DISK_STEPS ? strdup(root) : NULL;

	if (!copy)
		return false;
	p->step[p->steps++] = (struct disk_step){ .root = copy };
	return true;
}

/* The place at the cursor. */
static void look(struct disk_pane *p)
{
	const char *path = place_path(p);

	drop_steps(p, 0);
	if (path && add_step(p, path))
		load(p);
}

static bool tick(struct dash *d)
{
	struct disk_pane *p = disk_of(d);

	if (!p->asked) {
		p->asked = true;
		disk_work_list(p->work);
		return true;
	}
	if (!disk_work_take(p->work))
		return p->scanning;
	if (p->scanning)
		d->message[0] = '\0';
	p->scanning = false;
	if (!p->steps)
		look(p);
	else if (p->wants_load)
		load(p);
	else
		disk_lines_make(p);
	return true;
}

/* --- keys --- */

/* Deeper than the scan tells: what a scan of that folder told, if there was one. */
static void enter_below(struct disk_pane *p, const char *full)
{
	const char *root = p->step[p->steps - 1].root;
	uc_auto(buf) struct uc_buf path = { 0 };

	uc_buf_addf(&path, "%s/%s", strcmp(root, "/") == 0 ? "" : root, full);
	if (!path.failed && add_step(p, uc_buf_text(&path)))
		load(p);
}

static void enter_folder(struct disk_pane *p)
{
	const struct disk_line *line = p->at < p->lines ? &p->line[p->at] : NULL;
	struct disk_step *step = p->steps ? &p->step[p->steps - 1] : NULL;
	char *within;

	if (!p->inside) {
		p->inside = p->lines > 0;
		return;
	}
	if (!line || !line->full || !step)
		return;
	if (disk_depth(line->full) >= p->depth) {
		enter_below(p, line->full);
		return;
	}
	within = strdup(line->full);
	if (!within)
		return;
	free(step->within);
	step->within = within;
	p->at = p->top = 0;
	disk_lines_make(p);
}

/* The cursor goes to where one was in it. */
static void find_line(struct disk_pane *p, const char *full)
{
	p->at = p->top = 0;
	for (size_t i = 0; i < p->lines; i++)
		if (p->line[i].full && strcmp(p->line[i].full, full) == 0)
			p->at = i;
}

static void leave_folder(struct disk_pane *p)
{
	struct disk_step *step = p->steps ? &p->step[p->steps - 1] : NULL;
	char *from = step ? step->within : NULL, *slash;

	if (!from && p->steps > 1) {
		drop_steps(p, p->steps - 1);
		load(p);
		return;
	}
	if (!from) {
		p->inside = false;
		p->at = p->top = 0;
		return;
	}
	slash = strrchr(from, '/');
	step->within = slash ? strndup(from, (size_t)(slash - from)) : NULL;
	disk_lines_make(p);
	find_line(p, from);
	free(from);
}

/* The folder that is shown: the place, or a folder of it. */
static void start_scan(struct dash *d, struct disk_pane *p)
{
	const struct disk_step *step = p->steps ? &p->step[p->steps - 1] : NULL;

	if (!step)
		return;
	if (step->within && p->inside) {
		uc_auto(buf) struct uc_buf path = { 0 };

		uc_buf_addf(&path, "%s/%s",
			    strcmp(step->root, "/") == 0 ? "" : step->root, step->within);
		if (path.failed || !add_step(p, uc_buf_text(&path)))
			return;
	}
	dash_say(d, "scanning %s", p->step[p->steps - 1].root);
	free(p->step[p->steps - 1].within);
	p->step[p->steps - 1].within = NULL;
	p->lines = p->at = p->top = 0;
	p->wants_load = false;
	p->scanning = true;
	disk_work_scan(p->work, p->step[p->steps - 1].root);
}

static void move(struct disk_pane *p, int64_t by)
{
	const size_t count = p->inside ? p->lines : disk_work_paths(p->work)->count;
	size_t *which = p->inside ? &p->at : &p->place;
	int64_t to = (int64_t)*which + by;

	to = to >= (int64_t)count ? (int64_t)count - 1 : to;
	to = to < 0 ? 0 : to;
	if (*which == (size_t)to)
		return;
	*which = (size_t)to;
	if (!p->inside)
		look(p);
}

/* A place, or a folder; a second time: into it. */
static void click(struct dash *d, const struct dash_event *event)
{
	struct disk_pane *p = disk_of(d);
	size_t to;

	if (disk_place_at(p, d->body, event->row, &to)) {
		p->inside = false;
		move(p, (int64_t)to - (int64_t)p->place);
	} else if (disk_row_at(p, d->body, event->row, &to)) {
		if (p->inside && p->at == to)
			enter_folder(p);
		else
			p->at = to;
		p->inside = true;
	}
}

static bool key(struct dash *d, const struct dash_event *event)
{
	struct disk_pane *p = disk_of(d);
	const int64_t page = (int64_t)d->page;

	if (disk_work_is_busy(p->work)) {
		if (event->key == 'x')
			disk_work_stop(p->work);
		return event->key == 'x';
	}
	switch (event->key) {
	case 'k':
	case DASH_KEY_UP:
		move(p, -1);
		return true;
	case 'j':
	case DASH_KEY_DOWN:
		move(p, 1);
		return true;
	case DASH_KEY_PAGE_UP:
		move(p, -page);
		return true;
	case DASH_CTRL('u'):
		move(p, -page / 2);
		return true;
	case DASH_CTRL('d'):
		move(p, page / 2);
		return true;
	case DASH_KEY_PAGE_DOWN:
		move(p, page);
		return true;
	case 'g':
	case DASH_KEY_HOME:
		move(p, INT32_MIN);
		return true;
	case 'G':
	case DASH_KEY_END:
		move(p, INT32_MAX);
		return true;
	case DASH_KEY_ENTER:
	case DASH_KEY_RIGHT:
		enter_folder(p);
		return true;
	case DASH_KEY_BACKSPACE:
	case DASH_KEY_LEFT:
	case DASH_KEY_ESC:
		leave_folder(p);
		return true;
	case 'b':
		p->by = (enum uc_disk_by)((p->by + 1) % DISK_BYS);
		p->at = p->top = 0;
		disk_lines_make(p);
		return true;
	case DASH_KEY_CLICK:
		click(d, event);
		return true;
	case DASH_KEY_WHEEL_UP:
		move(p, -3);
		return true;
	case DASH_KEY_WHEEL_DOWN:
		move(p, 3);
		return true;
	case 'S':
		start_scan(d, p);
		return true;
	default:
		return false;
	}
}

/* --- begin and end --- */

static int work_fd(struct dash *d)
{
	return disk_work_fd(disk_of(d)->work);
}

static int wait_ms(struct dash *d)
{
	const struct disk_pane *p = disk_of(d);

	return !p->asked ? 0 : p->scanning ? 200 : -1;
}

static int open_pane(struct dash *d)
{
	struct disk_pane *p = calloc(1, sizeof(*p));

	if (!p)
		return -1;
	d->pane[DASH_DISK] = p;
	p->work = disk_work_new(d->run);
	return p->work ? 0 : -1;
}

static void close_pane(struct dash *d)
{
	struct disk_pane *p = disk_of(d);

	if (!p)
		return;
	if (!disk_work_free(p->work))
		d->hangs = true;
	drop_steps(p, 0);
	free(p->line);
	free(p);
}

const struct dash_pane dash_pane_disk = {
	.name = "Disk",
	.open = open_pane,
	.close = close_pane,
	.draw = disk_draw,
	.key = key,
	.fd = work_fd,
	.wait_ms = wait_ms,
	.tick = tick,
};
