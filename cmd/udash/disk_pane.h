/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_UDASH_DISK_PANE_H
#define UC_UDASH_DISK_PANE_H
/* The pane of disks: keys (pane_disk.c), rows (disk_lines.c), looks (disk_draw.c). */
#include "udash/dash.h"
#include "udash/disk.h"

/* As a scan tells, and the largest files. */
enum {
	DISK_BY_FILE = UC_DISK_BY_COUNT,
	DISK_BYS,
	DISK_STEPS = 16, /* scans below one another */
};

/* One row. Texts are borrowed from the scan. */
struct disk_line {
	struct uc_raw name;
	const char *full; /* path below the root; NULL: it is no folder to go into */
	uint64_t bytes, files;
};

/* A scan, and where one was in it. */
struct disk_step {
	char *root;   /* absolute */
	char *within; /* folder below it; NULL: itself */
};

struct disk_pane {
	struct disk_work *work;
	bool asked;    /* for the places */
	size_t place;  /* the cursor's */
	bool inside;   /* keys move in the scan */
	bool scanning; /* what runs is a scan, not a look at a kept one */
	bool wants_load;
	struct disk_step step[DISK_STEPS]; /* the last is what is shown */
	size_t steps;
	enum uc_disk_by by;
	struct disk_line *line;
	size_t lines, room;
	uint64_t whole; /* bytes of what the rows are of */
	size_t depth;   /* levels of folders that the scan tells of */
	size_t at, top; /* in the rows */
};

extern const char *const disk_by_names[DISK_BYS];

/* The rows of what is known now; none when there is no scan, or no memory. */
void disk_lines_make(struct disk_pane *p);
/* "a/b": 2. */
size_t disk_depth(const char *path);
/* The folder that the rows are of, below the scan's root; NULL: itself. */
const char *disk_within(const struct disk_pane *p);

/* disk_draw.c */
void disk_draw(struct dash *d, struct dash_area area);
/* The row of places, or of the scan, at a row of the area; false: none of these. */
bool disk_place_at(const struct disk_pane *p, struct dash_area area, int row,
		   size_t *place);
bool disk_row_at(const struct disk_pane *p, struct dash_area area, int row, size_t *at);

#endif
