/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * Disks: the user's places with bars; below them what fills the one at the cursor, from
 * a kept scan or one that is made now. Enter goes into a place, then into folders, as far
 * as the scan tells; Backspace goes back.
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

static void look(struct disk_pane *p)
{
	const char *path = place_path(p);

	free(p->within);
	p->within = NULL;
	p->at = p->top = 0;
	if (!path)
		return;
	if (disk_work_is_busy(p->work)) {
		p->wants_load = true;
		return;
	}
	p->wants_load = false;
	p->scanning = false;
	disk_work_load(p->work, path);
}

static bool tick(struct dash *d)
{
	struct disk_pane *p = disk_of(d);

	if (!p->asked) {
		p->asked = true;
		p->wants_load = true;
		disk_work_list(p->work);
		return true;
	}
	if (!disk_work_take(p->work))
		return p->scanning;
	p->scanning = false;
	if (p->wants_load)
		look(p);
	return true;
}

/* --- keys --- */

static void enter_folder(struct disk_pane *p)
{
	struct disk_line line;

	if (!p->inside) {
		p->inside = p->shown > 0;
		return;
	}
	if (!disk_line_at(p, p->at, &line) || !line.full ||
	    strcmp(line.name.bytes, ".") == 0)
		return;
	{
		char *within = strdup(line.full), *before = p->within;
		const size_t at = p->at;

		p->within = within;
		p->at = p->top = 0;
		if (within && disk_count_lines(p)) {
			free(before);
			return;
		}
		free(within); /* the scan does not go deeper */
		p->within = before;
		p->at = at;
	}
}

static void leave_folder(struct disk_pane *p)
{
	char *slash;

	p->at = p->top = 0;
	if (!p->within) {
		p->inside = false;
		return;
	}
	slash = strrchr(p->within, '/');
	if (slash) {
		*slash = '\0';
		return;
	}
	free(p->within);
	p->within = NULL;
}

static void start_scan(struct dash *d, struct disk_pane *p)
{
	const char *path = place_path(p);

	if (!path || disk_work_is_busy(p->work))
		return;
	dash_say(d, "scanning %s", path);
	free(p->within);
	p->within = NULL;
	p->inside = false;
	p->scanning = true;
	disk_work_scan(p->work, path);
}

static void move(struct disk_pane *p, int64_t by)
{
	const size_t count = p->inside ? p->shown : disk_work_paths(p->work)->count;
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
	free(p->within);
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
