/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_UINFO_UINFO_H
#define UC_UINFO_UINFO_H
/* The subcommands of uinfo and the parts of `uinfo disk`. */
#include <ucluster/disk.h>
#include "common/disk_paths.h"
#include "common/opt.h"
#include "common/table.h"

extern const struct uc_cmd uinfo_cmd_disk;

struct disk_args {
	bool scan;
	int by;                      /* enum disk_by, -1: not given */
	int64_t top, depth, threads; /* 0: not given */
	struct uc_listing listing;
};
/* UC_DISK_BY_..., and the largest files. */
enum {
	DISK_BY_FILE = UC_DISK_BY_COUNT,
};

/* A row of the table of file systems, and of a scan. */
struct disk_fs_row {
	const struct uc_disk_fs *fs;
	struct uc_buf why;
};
struct disk_scan_row {
	struct uc_raw name, owner;
	struct uc_disk_sum sum;
	int64_t mtime;
};
/* One row for each path, or (merge) for each file system; how many. */
size_t disk_rows_make(struct disk_fs_row *rows, const struct disk_paths *paths,
		      const struct uc_disk_list *list, bool merge);
/* What cells are computed from besides the row. */
struct disk_context {
	bool bar, ascii;
	uint64_t total; /* bytes that shares are of */
};
extern const struct uc_column disk_fs_columns[];
extern const struct uc_column disk_scan_columns[];

/* Scan, or show what is kept. Returns the exit status. */
int disk_scan(struct uc_run *run, const struct disk_args *args,
	      const struct disk_paths *paths);

#endif
