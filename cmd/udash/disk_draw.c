/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Disks: the user's places with bars, and what fills the one at the cursor. */
#include <string.h>
#include <ucluster/reason.h>
#include <ucluster/units.h>
#include "udash/disk_pane.h"

enum {
	NARROW = 60, /* columns: below that, less is said */
};

/* --- places --- */

static void add_quota(struct uc_buf *text, const struct uc_disk_quota *quota)
{
	if (!quota->known || !quota->bytes_limit)
		return;
	uc_buf_add(text, ", quota ");
	uc_size_words(text, quota->bytes);
	uc_buf_add(text, " of ");
	uc_size_words(text, quota->bytes_limit);
}

static void draw_fs(struct dash_area span, const struct uc_disk_fs *fs, bool narrow)
{
	const bool full = fs->used > fs->size / 10 * 9;
	uc_auto(buf) struct uc_buf text = { 0 };
	const int bar = narrow ? 6 : span.columns < 50 ? 10 : 20;

	if (fs->state != UC_DISK_OK) {
		dash_put(span, 0, 0, DASH_BAD,
			 fs->state == UC_DISK_SILENT ? "does not answer"
						     : strerror(fs->error));
		return;
	}
	dash_put_bar(dash_span(span, 0, 0, bar), full ? DASH_BAD : DASH_GOOD, fs->used,
		     fs->used + fs->available);
	uc_size_words(&text, fs->available);
	uc_buf_add(&text, narrow ? " free" : " free of ");
	if (!narrow) {
		uc_size_words(&text, fs->size);
		add_quota(&text, &fs->quota);
	}
	dash_put(span, 0, bar + 1, full ? DASH_BAD : DASH_PLAIN, uc_buf_text(&text));
}

/* While the thread works on them they are its. */
static size_t count_places(const struct disk_pane *p)
{
	return disk_work_is_busy(p->work) && !p->scanning && !disk_work_fs(p->work)
		       ? 0
		       : disk_work_paths(p->work)->count;
}

static void draw_places(const struct disk_pane *p, struct dash_area area)
{
	const struct disk_paths *paths = disk_work_paths(p->work);
	const struct uc_disk_list *fs = disk_work_fs(p->work);
	const bool narrow = area.columns < NARROW;
	const int why = narrow ? 0 : 8;
	int path = 8;

	for (size_t i = 0; i < paths->count; i++) {
		const int wide = (int)strlen(paths->item[i].path);

		path = wide > path ? wide : path;
	}
	if (path > (area.columns - why) / 2 - 4)
		path = (area.columns - why) / 2 - 4;
	for (size_t i = 0; i < paths->count && (int)i < area.rows; i++) {
		const struct dash_area line = dash_from(area, (int)i, 0);

		if (why)
			dash_put(line, 0, 0, DASH_FAINT, paths->item[i].why);
		dash_put_raw(dash_span(line, 0, why, path), DASH_PLAIN,
			     uc_raw(paths->item[i].path));
		if (fs && i < fs->count)
			draw_fs(dash_from(line, 0, why + path + 1), &fs->row[i], narrow);
		if (i == p->place)
			dash_flag_row(line, 0, p->inside ? DASH_MARKED : DASH_SELECTED);
	}
}

/* --- the scan --- */

static void draw_progress(const struct disk_pane *p, struct dash_area area)
{
	struct uc_disk_progress now;
	uc_auto(buf) struct uc_buf bytes = { 0 }, root = { 0 };
	const char *path = p->steps ? p->step[p->steps - 1].root : NULL;

	disk_work_progress(p->work, &now);
	uc_size_words(&bytes, now.bytes);
	uc_buf_safe(&root, uc_raw(path ? path : ""), area.grid->safe);
	dash_putf(dash_from(area, 0, 2), DASH_STRONG, "scanning %s", uc_buf_text(&root));
	dash_putf(dash_from(area, 1, 2), DASH_WAIT, "%ju files, %s", (uintmax_t)now.files,
		  uc_buf_text(&bytes));
	dash_putf(dash_from(area, 2, 2), DASH_PLAIN, "%ju folders to go, %jd s",
		  (uintmax_t)now.waiting, (intmax_t)(now.elapsed_ms / 1000));
	dash_put(area, 3, 2, DASH_FAINT, "x stops it and keeps what was found");
}

/* "by folder  /data/anna/runs       3.4G, 1204 files, scanned 12:03": the path is cut. */
static void draw_head(const struct dash *d, const struct disk_pane *p,
		      const struct uc_disk_scan *scan, struct dash_area head)
{
	uc_auto(buf) struct uc_buf text = { 0 }, path = { 0 };
	int column, wide;

	uc_buf_add(&path, uc_raw_empty(scan->root) ? "" : scan->root.bytes);
	if (disk_within(p) && p->by == UC_DISK_BY_FOLDER)
		uc_buf_addf(&path, "%s%s", path.len > 1 ? "/" : "", disk_within(p));
	uc_size_words(&text, p->whole);
	if (head.columns >= NARROW)
		uc_buf_addf(&text, " of %ju files", (uintmax_t)scan->total.files);
	uc_buf_add(&text, ", ");
	uc_buf_clock(&text, scan->time, d->data ? d->data->now : scan->time);
	if (scan->partial)
		uc_buf_add(&text, ", a part only");
	else if (scan->denied && head.columns >= NARROW)
		uc_buf_addf(&text, ", %ju not readable", (uintmax_t)scan->denied);
	dash_role_row(head, 0, DASH_HEAD);
	column = dash_putf(dash_from(head, 0, 0), DASH_HEAD, "by %s  ",
			   disk_by_names[p->by]);
	wide = (int)uc_text_width(uc_buf_text(&text));
	dash_put_raw(dash_span(head, 0, column, head.columns - column - wide - 2),
		     DASH_HEAD, uc_raw(uc_buf_text(&path)));
	dash_put_right(dash_span(head, 0, head.columns - wide, wide), DASH_HEAD,
		       uc_buf_text(&text));
}

static void draw_line(const struct disk_pane *p, struct dash_area area, int row,
		      const struct disk_line *line)
{
	const bool narrow = area.columns < NARROW;
	const int bar = narrow ? 6 : area.columns < 100 ? 12 : 20;
	uc_auto(buf) struct uc_buf size = { 0 }, name = { 0 };
	int column = 8;

	uc_size_words(&size, line->bytes);
	dash_put_right(dash_span(area, row, 0, 7), DASH_PLAIN, uc_buf_text(&size));
	if (!narrow) {
		dash_putf(dash_from(area, row, column), DASH_FAINT, "%4.0f%%",
			  p->whole ? 100.0 * (double)line->bytes / (double)p->whole : 0);
		column += 6;
	}
	column += dash_put_bar(dash_span(area, row, column, bar), DASH_GOOD, line->bytes,
			       p->lines && p->line[0].bytes > p->whole / 2 ? p->whole
			       : p->by == UC_DISK_BY_AGE                   ? p->whole
							 : p->line[0].bytes) +
		  1;
	if (!narrow && (int)p->by != DISK_BY_FILE) {
		dash_putf(dash_from(area, row, column), DASH_FAINT, "%9ju",
			  (uintmax_t)line->files);
		column += 10;
	}
	uc_buf_add(&name, uc_raw_empty(line->name) ? "" : line->name.bytes);
	if (line->full)
		uc_buf_addc(&name, '/');
	dash_put_raw(dash_span(area, row, column, area.columns - column),
		     line->full || p->by != UC_DISK_BY_FOLDER ? DASH_PLAIN : DASH_FAINT,
		     uc_raw(uc_buf_text(&name)));
}

/* Why there are no rows. */
static void draw_none(const struct disk_pane *p, struct dash_area area)
{
	const struct uc_error *err = disk_work_error(p->work);

	if (disk_work_result(p->work))
		dash_put(area, 0, 2, DASH_FAINT, "nothing in it");
	else if (err->text[0] && err->code != UC_NOTFOUND)
		dash_put(area, 0, 2, DASH_BAD, err->text);
	else
		dash_put(area, 0, 2, DASH_FAINT,
			 "never scanned; S finds out what fills it");
}

static void draw_scan(struct dash *d, struct disk_pane *p, struct dash_area area)
{
	const struct uc_disk_scan *scan = disk_work_result(p->work);

	if (scan)
		draw_head(d, p, scan, dash_area_top(&area, 1));
	if (!p->lines)
		draw_none(p, area);
	d->page = (size_t)(area.rows > 0 ? area.rows : 0);
	if (p->at < p->top)
		p->top = p->at;
	if (d->page && p->at >= p->top + d->page)
		p->top = p->at - d->page + 1;
	for (int row = 0; row < area.rows && p->top + (size_t)row < p->lines; row++) {
		draw_line(p, area, row, &p->line[p->top + (size_t)row]);
		if (p->inside && p->top + (size_t)row == p->at)
			dash_flag_row(area, row, DASH_SELECTED);
	}
}

/* --- both --- */

static int place_rows(const struct disk_pane *p, struct dash_area area)
{
	const int count = (int)count_places(p), most = area.rows / 2;

	return count < 1 ? 1 : count < most ? count : most;
}

bool disk_place_at(const struct disk_pane *p, struct dash_area area, int row,
		   size_t *place)
{
	*place = row < 0 ? 0 : (size_t)row;
	return row >= 0 && row < place_rows(p, area) && (size_t)row < count_places(p);
}

bool disk_row_at(const struct disk_pane *p, struct dash_area area, int row, size_t *at)
{
	const int first = place_rows(p, area) + 2; /* a blank row, the heading */

	*at = p->top + (size_t)(row < first ? 0 : row - first);
	return row >= first && *at < p->lines;
}

void disk_draw(struct dash *d, struct dash_area area)
{
	struct disk_pane *p = d->pane[DASH_DISK];
	const struct dash_area places = dash_area_top(&area, place_rows(p, area));

	if (count_places(p))
		draw_places(p, places);
	else
		dash_put(places, 0, 2, DASH_FAINT, "asking the disks...");
	dash_area_top(&area, 1);
	if (disk_work_is_busy(p->work) && p->scanning)
		draw_progress(p, area);
	else if (!disk_work_is_busy(p->work))
		draw_scan(d, p, area);
}
