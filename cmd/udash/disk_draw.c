/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Disks: the user's places with bars, and what fills the one at the cursor. */
#include <string.h>
#include <ucluster/reason.h>
#include <ucluster/units.h>
#include "udash/disk_pane.h"

static const char *const by_names[] = { "folder", "owner", "age", "kind",
					"largest file" };
/* --- rows of the scan --- */

/* The name of a row as it is shown, or NULL when it is not of the folder looked into. */
static const char *name_within(const struct disk_pane *p, const char *name)
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

bool disk_line_at(const struct disk_pane *p, size_t index, struct disk_line *out)
{
	const struct uc_disk_scan *scan = disk_work_result(p->work);
	const struct uc_disk_rows *rows;
	size_t seen = 0;

	if (!scan)
		return false;
	if ((int)p->by == DISK_BY_FILE) {
		if (index >= scan->largest_count)
			return false;
		*out = (struct disk_line){ scan->largest[index].path, NULL,
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
		*out = (struct disk_line){ uc_raw(name),
					   p->by == UC_DISK_BY_FOLDER ? row->name.bytes
								      : NULL,
					   row->sum.bytes, row->sum.files };
		return true;
	}
	return false;
}

size_t disk_count_lines(const struct disk_pane *p)
{
	struct disk_line line;
	size_t count = 0;

	while (disk_line_at(p, count, &line))
		count++;
	return count;
}

/* --- drawing --- */

static void draw_fs(struct dash_area span, const struct uc_disk_fs *fs)
{
	const bool full = fs->used > fs->size / 10 * 9;
	uc_auto(buf) struct uc_buf text = { 0 };
	const int bar = span.columns < 45 ? 10 : 20;

	if (fs->state == UC_DISK_SILENT || fs->state == UC_DISK_FAILED) {
		dash_put(span, 0, 0, DASH_BAD,
			 fs->state == UC_DISK_SILENT ? "does not answer"
						     : strerror(fs->error));
		return;
	}
	dash_put_bar(dash_span(span, 0, 0, bar), full ? DASH_BAD : DASH_GOOD, fs->used,
		     fs->used + fs->available);
	uc_size_words(&text, fs->available);
	uc_buf_add(&text, " free of ");
	uc_size_words(&text, fs->size);
	if (fs->quota.known && fs->quota.bytes_limit) {
		uc_buf_add(&text, ", quota ");
		uc_size_words(&text, fs->quota.bytes);
		uc_buf_add(&text, " of ");
		uc_size_words(&text, fs->quota.bytes_limit);
	}
	dash_put(span, 0, bar + 1, DASH_PLAIN, uc_buf_text(&text));
}

static void draw_places(const struct disk_pane *p, struct dash_area area)
{
	const struct disk_paths *paths = disk_work_paths(p->work);
	const struct uc_disk_list *fs = disk_work_fs(p->work);

	/* while the thread works on them they are its */
	if (disk_work_is_busy(p->work) && !fs) {
		dash_put(area, 0, 2, DASH_FAINT, "asking the disks...");
		return;
	}
	for (size_t i = 0; i < paths->count; i++) {
		const struct dash_area line = dash_from(area, (int)i, 0);
		const int name = line.columns < 70 ? 14 : 30;

		dash_put(line, 0, 0, DASH_FAINT, paths->item[i].why);
		dash_put_raw(dash_span(line, 0, 8, name), DASH_PLAIN,
			     uc_raw(paths->item[i].path));
		if (fs && i < fs->count)
			draw_fs(dash_from(line, 0, name + 9), &fs->row[i]);
		if (i == p->place)
			dash_flag_row(line, 0, p->inside ? DASH_MARKED : DASH_SELECTED);
	}
}

static void draw_progress(const struct disk_pane *p, struct dash_area area)
{
	struct uc_disk_progress now;
	uc_auto(buf) struct uc_buf bytes = { 0 };

	disk_work_progress(p->work, &now);
	uc_size_words(&bytes, now.bytes);
	dash_putf(dash_from(area, 0, 2), DASH_WAIT,
		  "scanning: %ju files, %s, %ju folders to go", (uintmax_t)now.files,
		  uc_buf_text(&bytes), (uintmax_t)now.waiting);
	dash_put(area, 1, 2, DASH_FAINT, "x stops it and keeps what was found");
}

static void draw_scan_head(const struct dash *d, const struct disk_pane *p,
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

static void draw_line(const struct disk_pane *p, struct dash_area area, int row,
		      const struct disk_line *line, uint64_t most)
{
	uc_auto(buf) struct uc_buf size = { 0 };
	int column = 9;

	uc_size_words(&size, line->bytes);
	dash_put_right(dash_span(area, row, 0, 8), DASH_PLAIN, uc_buf_text(&size));
	column += dash_put_bar(dash_span(area, row, 9, area.columns < 60 ? 8 : 20),
			       DASH_GOOD, line->bytes, most) +
		  1;
	if (area.columns >= 60 && (int)p->by != DISK_BY_FILE) {
		dash_putf(dash_from(area, row, column), DASH_FAINT, "%9ju",
			  (uintmax_t)line->files);
		column += 10;
	}
	dash_put_raw(dash_span(area, row, column, area.columns - column), DASH_PLAIN,
		     line->name);
}

static void draw_scan(struct dash *d, struct disk_pane *p, struct dash_area area)
{
	const struct uc_disk_scan *scan = disk_work_result(p->work);
	struct disk_line line = { 0 };
	uint64_t most;

	if (!scan) {
		dash_put(area, 0, 2, DASH_FAINT,
			 "never scanned: S finds out what fills it (it takes a while)");
		return;
	}
	draw_scan_head(d, p, scan, dash_area_top(&area, 1));
	p->shown = disk_count_lines(p);
	d->page = (size_t)(area.rows > 0 ? area.rows : 0);
	most = disk_line_at(p, 0, &line) ? line.bytes : 0;
	if (p->at >= p->shown)
		p->at = p->shown ? p->shown - 1 : 0;
	if (p->at < p->top)
		p->top = p->at;
	if (d->page && p->at >= p->top + d->page)
		p->top = p->at - d->page + 1;
	for (int row = 0; row < area.rows && disk_line_at(p, p->top + (size_t)row, &line);
	     row++) {
		draw_line(p, area, row, &line, most);
		if (p->inside && p->top + (size_t)row == p->at)
			dash_flag_row(area, row, DASH_SELECTED);
	}
}

void disk_draw(struct dash *d, struct dash_area area)
{
	struct disk_pane *p = d->pane[DASH_DISK];
	const size_t places = disk_work_is_busy(p->work) && !p->scanning
				      ? 1
				      : disk_work_paths(p->work)->count;
	const int rows = (int)places < area.rows / 2 ? (int)places : area.rows / 2;

	draw_places(p, dash_area_top(&area, rows < 1 ? 1 : rows));
	dash_area_top(&area, 1);
	if (disk_work_is_busy(p->work) && p->scanning)
		draw_progress(p, area);
	else if (!disk_work_is_busy(p->work))
		draw_scan(d, p, area);
}
