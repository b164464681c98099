/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * Disks: the user's places with bars; below them what fills the one at the cursor, from
 * a kept scan or one that is made now. Enter goes into a place, then into folders, as far
 * as the scan tells; Backspace goes back.
 */
#include <stdlib.h>
#include <string.h>
#include <ucluster/reason.h>
#include <ucluster/units.h>
#include "udash/dash.h"
#include "udash/disk.h"

struct disk {
	struct disk_work *work;
	bool asked;    /* for the places */
	size_t place;  /* the cursor's */
	bool inside;   /* keys move in the scan */
	bool scanning; /* what runs is a scan, not a look at a kept one */
	bool wants_load;
	char *within; /* folder below the scan's root, NULL: itself */
	enum uc_disk_by by;
	size_t at, top; /* in the rows that are shown */
	size_t shown;   /* rows, as they were drawn */
};

static struct disk *disk_of(const struct dash *d)
{
	return d->pane[DASH_DISK];
}

static const char *const by_names[] = { "folder", "owner", "age", "kind",
					"largest file" };
enum {
	BY_FILE = UC_DISK_BY_COUNT,
	BYS
};

/* --- rows of the scan --- */

/* The name of a row as it is shown, or NULL when it is not of the folder looked into. */
static const char *name_within(const struct disk *p, const char *name)
{
	const size_t len = p->within ? strlen(p->within) : 0;

	if (!name)
		return p->within ? NULL : "?";
	if (len) {
		if (strncmp(name, p->within, len) != 0 || name[len] != '/')
			return NULL;
		name += len + 1;
	}
	return strchr(name, '/') ? NULL : name;
}

struct line {
	struct uc_raw name;
	const char *full; /* path below the root; NULL: it is no folder */
	uint64_t bytes, files;
};

/* The `index`th row that is to be seen. */
static bool line_at(const struct disk *p, size_t index, struct line *out)
{
	const struct uc_disk_scan *scan = disk_work_result(p->work);
	const struct uc_disk_rows *rows;
	size_t seen = 0;

	if (!scan)
		return false;
	if ((int)p->by == BY_FILE) {
		if (index >= scan->largest_count)
			return false;
		*out = (struct line){ scan->largest[index].path, NULL,
				      scan->largest[index].bytes, 1 };
		return true;
	}
	rows = &scan->by[p->by];
	for (size_t i = 0; i < rows->count; i++) {
		const struct uc_disk_row *row = &rows->row[i];
		const char *name = row->name.bytes;

		if (p->by == UC_DISK_BY_FOLDER)
			name = name_within(p, name);
		if (p->by == UC_DISK_BY_FOLDER && !name)
			continue;
		if (seen++ < index)
			continue;
		*out = (struct line){ uc_raw(name),
				      p->by == UC_DISK_BY_FOLDER ? row->name.bytes : NULL,
				      row->sum.bytes, row->sum.files };
		return true;
	}
	return false;
}

static size_t count_lines(const struct disk *p)
{
	struct line line;
	size_t count = 0;

	while (line_at(p, count, &line))
		count++;
	return count;
}

/* --- the thread --- */

static const char *place_path(const struct disk *p)
{
	const struct disk_paths *paths = disk_work_paths(p->work);

	return p->place < paths->count ? paths->item[p->place].path : NULL;
}

static void look(struct disk *p)
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
	struct disk *p = disk_of(d);

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

/* --- drawing --- */

static void draw_place(const struct dash *d, const struct disk *p, struct dash_area area,
		       int line, size_t index, const struct disk_path *path,
		       const struct uc_disk_fs *fs)
{
	const bool narrow = area.columns < 70;
	const int name = narrow ? 14 : 30;
	uc_auto(buf) struct uc_buf text = { 0 };
	int column;

	dash_put(area, line, 0, DASH_FAINT, path->why);
	column = dash_put_cell(area, line, 8, name, DASH_PLAIN, uc_raw(path->path)) + 1;
	if (!fs || fs->state == UC_DISK_SILENT) {
		dash_put(area, line, column, DASH_BAD, fs ? "does not answer" : "");
	} else if (fs->state == UC_DISK_FAILED) {
		dash_put(area, line, column, DASH_BAD, strerror(fs->error));
	} else {
		const bool full = fs->used > fs->size / 10 * 9;

		column = dash_put_bar(area, line, column, narrow ? 10 : 20,
				      full ? DASH_BAD : DASH_GOOD, fs->used,
				      fs->used + fs->available) +
			 1;
		uc_size_words(&text, fs->available);
		uc_buf_add(&text, " free of ");
		uc_size_words(&text, fs->size);
		if (fs->quota.known && fs->quota.bytes_limit) {
			uc_buf_add(&text, ", quota ");
			uc_size_words(&text, fs->quota.bytes);
			uc_buf_add(&text, " of ");
			uc_size_words(&text, fs->quota.bytes_limit);
		}
		dash_put(area, line, column, DASH_PLAIN, uc_buf_text(&text));
	}
	(void)d;
	if (index == p->place)
		dash_flag_row(area, line, p->inside ? DASH_MARKED : DASH_SELECTED);
}

static void draw_places(const struct dash *d, const struct disk *p, struct dash_area area)
{
	const struct disk_paths *paths = disk_work_paths(p->work);
	const struct uc_disk_list *fs = disk_work_fs(p->work);

	/* while the thread works on them they are its */
	if (disk_work_is_busy(p->work) && !fs) {
		dash_put(area, 0, 2, DASH_FAINT, "asking the disks...");
		return;
	}
	for (size_t i = 0; i < paths->count; i++)
		draw_place(d, p, area, (int)i, i, &paths->item[i],
			   fs && i < fs->count ? &fs->row[i] : NULL);
}

static void draw_progress(const struct disk *p, struct dash_area area)
{
	struct uc_disk_progress now;
	uc_auto(buf) struct uc_buf bytes = { 0 };

	disk_work_progress(p->work, &now);
	uc_size_words(&bytes, now.bytes);
	dash_putf(area, 0, 2, DASH_WAIT, "scanning: %ju files, %s, %ju folders to go",
		  (uintmax_t)now.files, uc_buf_text(&bytes), (uintmax_t)now.waiting);
	dash_put(area, 1, 2, DASH_FAINT, "x stops it and keeps what was found");
}

static void draw_scan_head(const struct dash *d, const struct disk *p,
			   const struct uc_disk_scan *scan, struct dash_area head)
{
	uc_auto(buf) struct uc_buf text = { 0 };

	dash_role_row(head, 0, DASH_HEAD);
	uc_buf_addf(&text, "by %s  ", by_names[p->by]);
	uc_buf_safe(&text, scan->root, d->grid.safe);
	if (p->within) {
		uc_buf_addc(&text, '/');
		uc_buf_safe(&text, uc_raw(p->within), d->grid.safe);
	}
	uc_buf_add(&text, "  ");
	uc_size_words(&text, scan->total.bytes);
	uc_buf_addf(&text, " in %ju files, scanned ", (uintmax_t)scan->total.files);
	uc_buf_clock(&text, scan->time, d->data ? d->data->now : scan->time);
	if (scan->partial)
		uc_buf_add(&text, ", only a part");
	dash_put(head, 0, 0, DASH_HEAD, uc_buf_text(&text));
}

static void draw_line(const struct disk *p, struct dash_area area, int row,
		      const struct line *line, uint64_t most)
{
	uc_auto(buf) struct uc_buf size = { 0 };
	int column;

	uc_size_words(&size, line->bytes);
	dash_put_right(area, row, 0, 8, DASH_PLAIN, uc_buf_text(&size));
	column = dash_put_bar(area, row, 9, area.columns < 60 ? 8 : 20, DASH_GOOD,
			      line->bytes, most) +
		 1;
	if (area.columns >= 60 && (int)p->by != BY_FILE) {
		dash_putf(area, row, column, DASH_FAINT, "%9ju", (uintmax_t)line->files);
		column += 10;
	}
	dash_put_cell(area, row, column, area.columns - column, DASH_PLAIN, line->name);
}

static void draw_scan(struct dash *d, struct disk *p, struct dash_area area)
{
	const struct uc_disk_scan *scan = disk_work_result(p->work);
	struct line line = { 0 };
	uint64_t most;

	if (!scan) {
		dash_put(area, 0, 2, DASH_FAINT,
			 "never scanned: S finds out what fills it (it takes a while)");
		return;
	}
	draw_scan_head(d, p, scan, dash_area_top(&area, 1));
	p->shown = count_lines(p);
	d->page = (size_t)(area.rows > 0 ? area.rows : 0);
	most = line_at(p, 0, &line) ? line.bytes : 0;
	if (p->at >= p->shown)
		p->at = p->shown ? p->shown - 1 : 0;
	if (p->at < p->top)
		p->top = p->at;
	if (d->page && p->at >= p->top + d->page)
		p->top = p->at - d->page + 1;
	for (int row = 0; row < area.rows && line_at(p, p->top + (size_t)row, &line);
	     row++) {
		draw_line(p, area, row, &line, most);
		if (p->inside && p->top + (size_t)row == p->at)
			dash_flag_row(area, row, DASH_SELECTED);
	}
}

static void draw(struct dash *d, struct dash_area area)
{
	struct disk *p = disk_of(d);
	const size_t places = disk_work_is_busy(p->work) && !p->scanning
				      ? 1
				      : disk_work_paths(p->work)->count;
	const int rows = (int)places < area.rows / 2 ? (int)places : area.rows / 2;

	draw_places(d, p, dash_area_top(&area, rows < 1 ? 1 : rows));
	dash_area_top(&area, 1);
	if (disk_work_is_busy(p->work) && p->scanning)
		draw_progress(p, area);
	else if (!disk_work_is_busy(p->work))
		draw_scan(d, p, area);
}

/* --- keys --- */

static void enter_folder(struct disk *p)
{
	struct line line;

	if (!p->inside) {
		p->inside = p->shown > 0;
		return;
	}
	if (!line_at(p, p->at, &line) || !line.full || strcmp(line.name.bytes, ".") == 0)
		return;
	{
		char *within = strdup(line.full), *before = p->within;
		const size_t at = p->at;

		p->within = within;
		p->at = p->top = 0;
		if (within && count_lines(p)) {
			free(before);
			return;
		}
		free(within); /* the scan does not go deeper */
		p->within = before;
		p->at = at;
	}
}

static void leave_folder(struct disk *p)
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

static void start_scan(struct dash *d, struct disk *p)
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

static void move(struct disk *p, int64_t by)
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
	struct disk *p = disk_of(d);
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
		p->by = (enum uc_disk_by)((p->by + 1) % BYS);
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
	const struct disk *p = disk_of(d);

	return !p->asked ? 0 : p->scanning ? 200 : -1;
}

static int open_pane(struct dash *d)
{
	struct disk *p = calloc(1, sizeof(*p));

	if (!p)
		return -1;
	d->pane[DASH_DISK] = p;
	p->work = disk_work_new(d->run);
	return p->work ? 0 : -1;
}

static void close_pane(struct dash *d)
{
	struct disk *p = disk_of(d);

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
	.draw = draw,
	.key = key,
	.fd = work_fd,
	.wait_ms = wait_ms,
	.tick = tick,
};
