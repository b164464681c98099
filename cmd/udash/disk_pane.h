/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_UDASH_DISK_PANE_H
#define UC_UDASH_DISK_PANE_H
/* The pane of disks: keys (pane_disk.c), rows and looks (disk_draw.c). */
#include "udash/dash.h"
#include "udash/disk.h"

/* As a scan tells, and the largest files. */
enum {
	DISK_BY_FILE = UC_DISK_BY_COUNT,
	DISK_BYS
};

struct disk_pane {
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

struct disk_line {
	struct uc_raw name;
	const char *full; /* path below the root; NULL: it is no folder */
	uint64_t bytes, files;
};

/* disk_draw.c */
/* The `index`th row that is to be seen; false: there are fewer. */
bool disk_line_at(const struct disk_pane *p, size_t index, struct disk_line *out);
size_t disk_count_lines(const struct disk_pane *p);
void disk_draw(struct dash *d, struct dash_area area);

#endif
