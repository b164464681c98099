/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_UINFO_UINFO_H
#define UC_UINFO_UINFO_H
/* The subcommands of uinfo and the parts of `uinfo disk`. */
#include <ucluster/disk.h>
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

/* A path that somebody cares about, and why: "home", "here", "images". */
struct disk_path {
	char *path; /* absolute */
	const char *why;
};
struct disk_paths {
	struct disk_path *item;
	size_t count;
};
/* Those on the command line; without any, the user's own. */
int disk_paths_find(const struct uc_run *run, struct disk_paths *out,
		    struct uc_error *err) UC_MUST_CHECK;
void disk_paths_free(struct disk_paths *paths);
/* Ask for their file systems; one that is silent has said so afterwards. */
int disk_paths_load(const struct uc_run *run, const struct disk_paths *paths,
		    struct uc_disk_list **out, struct uc_error *err) UC_MUST_CHECK;

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
/* state_dir of uc_disk_scan_save() */
void disk_state_dir(const struct uc_run *run, struct uc_buf *out);

#endif
