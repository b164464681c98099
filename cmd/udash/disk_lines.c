/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* What a scan tells of the folder looked into, row by row, the largest first. */
#include <stdlib.h>
#include <string.h>
#include "udash/disk_pane.h"

static const char files_here[] = "(files in it)";

const char *const disk_by_names[DISK_BYS] = {
	[UC_DISK_BY_FOLDER] = "folder",  [UC_DISK_BY_OWNER] = "owner",
	[UC_DISK_BY_AGE] = "age",        [UC_DISK_BY_KIND] = "kind",
	[DISK_BY_FILE] = "largest file",
};

const char *disk_within(const struct disk_pane *p)
{
	return p->steps ? p->step[p->steps - 1].within : NULL;
}

/* The name of a folder as it is shown, or NULL when it is not of the one looked into. */
static const char *name_within(const char *within, const char *name)
{
	const size_t len = within ? strlen(within) : 0;

	if (len) {
		if (strncmp(name, within, len) != 0 || name[len] != '/')
			return NULL;
		name += len + 1;
	}
	return strchr(name, '/') ? NULL : name;
}

size_t disk_depth(const char *path)
{
	size_t depth = 1;

	for (; *path; path++)
		depth += *path == '/';
	return depth;
}

static void add(struct disk_pane *p, const struct disk_line *line)
{
	if (p->lines == p->room) {
		const size_t room = p->room ? 2 * p->room : 64;
		struct disk_line *more = reallocarray(p->line, room, sizeof(*more));

		if (!more)
			return;
		p->line = more;
		p->room = room;
	}
	p->line[p->lines++] = *line;
}

static int compare(const void *a, const void *b)
{
	const struct disk_line *x = a, *y = b;

	if (x->bytes != y->bytes)
		return x->bytes < y->bytes ? 1 : -1;
	return strcmp(x->name.bytes ? x->name.bytes : "",
		      y->name.bytes ? y->name.bytes : "");
}

/* Folders in the one looked into; what is left of it are files of its own. */
static void add_folders(struct disk_pane *p, const struct uc_disk_scan *scan)
{
	const struct uc_disk_rows *rows = &scan->by[UC_DISK_BY_FOLDER];
	const char *within = disk_within(p);
	struct uc_disk_sum whole = within ? (struct uc_disk_sum){ 0 } : scan->total;
	uint64_t bytes = 0, files = 0;

	p->depth = 1;
	for (size_t i = 0; i < rows->count; i++) {
		const struct uc_disk_row *row = &rows->row[i];
		const char *full = row->name.bytes;
		const char *name = full ? name_within(within, full) : NULL;

		if (full && disk_depth(full) > p->depth)
			p->depth = disk_depth(full);
		if (within && full && strcmp(full, within) == 0)
			whole = row->sum;
		if (!name || strcmp(full, ".") == 0)
			continue;
		bytes += row->sum.bytes;
		files += row->sum.files;
		add(p, &(struct disk_line){ uc_raw(name), full, row->sum.bytes,
					    row->sum.files });
	}
	p->whole = whole.bytes;
	if (whole.files > files)
		add(p, &(struct disk_line){ uc_raw(files_here), NULL,
					    whole.bytes > bytes ? whole.bytes - bytes : 0,
					    whole.files - files });
	if (p->lines)
		qsort(p->line, p->lines, sizeof(*p->line), compare);
}

static void add_rows(struct disk_pane *p, const struct uc_disk_rows *rows)
{
	for (size_t i = 0; i < rows->count; i++)
		add(p, &(struct disk_line){ uc_raw_empty(rows->row[i].name)
						    ? uc_raw("(number without a name)")
						    : rows->row[i].name,
					    NULL, rows->row[i].sum.bytes,
					    rows->row[i].sum.files });
}

void disk_lines_make(struct disk_pane *p)
{
	const struct uc_disk_scan *scan =
		disk_work_is_busy(p->work) ? NULL : disk_work_result(p->work);

	p->lines = 0;
	p->whole = scan ? scan->total.bytes : 0;
	if (scan && (int)p->by == DISK_BY_FILE) {
		for (size_t i = 0; i < scan->largest_count; i++)
			add(p, &(struct disk_line){ scan->largest[i].path, NULL,
						    scan->largest[i].bytes, 1 });
	} else if (scan && p->by == UC_DISK_BY_FOLDER) {
		add_folders(p, scan);
	} else if (scan) {
		add_rows(p, &scan->by[p->by]);
	}
	if (p->at >= p->lines)
		p->at = p->lines ? p->lines - 1 : 0;
}
