/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* uinfo disk: the file systems a user cares about; disk_scan.c says what fills them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "uinfo/uinfo.h"

static const char *const by_choices[] = { "dir", "owner", "age", "kind", "file", NULL };

// clang-format off
static const struct uc_opt options[] = {
	{ "scan", .type = UC_OPT_FLAG, .offset = offsetof(struct disk_args, scan),
	  .group = "What fills them", .help = "add up all files below each folder",
	  .doc = "Add up all files below each\n.Ar DIR ,\nor below the working directory.\n"
		 "Hard links count once, other file systems are not entered.\n"
		 "The result is kept and shown by\n.Fl -by\nwithout\n.Fl -scan ." },
	{ "by", .type = UC_OPT_CHOICE, .metavar = "WHAT", .choices = by_choices,
	  .offset = offsetof(struct disk_args, by),
	  .help = "list folders, owners, ages, kinds or largest files",
	  .doc = "List folders\n.Pq Cm dir , No the usual choice ,\n.Cm owner\ns, by\n"
		 ".Cm age\nof the last change, by\n.Cm kind ,\nor the largest files\n"
		 ".Pq Cm file .\nWithout\n.Fl -scan :\nas of the last scan." },
	{ "depth", .type = UC_OPT_NUMBER, .metavar = "N", .min = 1, .max = UC_DISK_DEPTH_MAX,
	  .offset = offsetof(struct disk_args, depth),
	  .help = "with --scan: folders down to this level" },
	{ "top", .type = UC_OPT_NUMBER, .metavar = "N", .min = 1, .max = UC_DISK_TOP_MAX,
	  .offset = offsetof(struct disk_args, top), .help = "list the N largest only",
	  .doc = "List the\n.Ar N\nlargest only.\nThe usual number is 20 on a terminal; in a "
		 "pipe there is no limit, except for files,\nof which 20 are kept unless more "
		 "are asked for." },
	{ "threads", .type = UC_OPT_NUMBER, .metavar = "N", .min = 1,
	  .max = UC_DISK_THREADS_MAX, .offset = offsetof(struct disk_args, threads),
	  .help = "with --scan: threads to use",
	  .doc = "With\n.Fl -scan :\nuse this many threads.\nOtherwise there are as many as "
		 "processors, at most 8,\nand 16 where a disk or server has to be waited for." },
	UC_LISTING_OPTIONS(struct disk_args, listing),
	{ 0 }
};
// clang-format on

static int say_faults(struct uc_run *run, const struct uc_disk_list *list)
{
	int status = 0;

	for (size_t i = 0; i < list->count; i++) {
		const struct uc_disk_fs *fs = &list->row[i];
		struct uc_error err = { 0 };

		if (fs->state == UC_DISK_OK)
			continue;
		if (fs->state == UC_DISK_SILENT)
			uc_fail(&err, UC_UNREACHABLE,
				"the file system of '%s' does not answer",
				fs->path.bytes);
		else
			uc_fail_errno(&err,
				      fs->error == ENOENT || fs->error == ENOTDIR
					      ? UC_NOTFOUND
				      : fs->error == EACCES ? UC_DENIED
							    : UC_FAILED,
				      fs->error, "'%s'", fs->path.bytes);
		uc_run_error(run, &err);
		status = status ? status : run->status;
	}
	return status;
}

size_t disk_rows_make(struct disk_fs_row *rows, const struct disk_paths *paths,
		      const struct uc_disk_list *list, bool merge)
{
	size_t count = 0;

	for (size_t i = 0; i < list->count; i++) {
		const struct uc_disk_fs *fs = &list->row[i];
		size_t r = merge ? 0 : count;

		while (r < count &&
		       !(fs->mount_id && rows[r].fs->mount_id == fs->mount_id))
			r++;
		if (r == count)
			rows[count++].fs = fs;
		if (strstr(uc_buf_text(&rows[r].why), paths->item[i].why))
			continue;
		if (rows[r].why.len)
			uc_buf_addc(&rows[r].why, ',');
		uc_buf_add(&rows[r].why, paths->item[i].why);
	}
	return count;
}

static int show(struct uc_run *run, const struct disk_args *args,
		const struct disk_paths *paths, const struct uc_selection *shown)
{
	uc_auto(disk_list) struct uc_disk_list *list = NULL;
	const struct disk_context context = {
		.bar = run->stdout_tty && !args->listing.parsable,
		.ascii = run->safe & UC_SAFE_ASCII,
	};
	struct disk_fs_row *rows = calloc(paths->count + 1, sizeof(*rows));
	struct uc_error err = { 0 };
	size_t count;
	int status, faults;

	if (!rows)
		uc_fail(&err, UC_FAILED, "out of memory");
	if (!rows || disk_paths_load(run, paths, &list, &err) < 0) {
		free(rows);
		return uc_run_error(run, &err);
	}
	count = disk_rows_make(rows, paths, list, !run->parsed.operands.count);
	status = uc_table_print(run,
				&(struct uc_table){ .name = "disks",
						    .rows = rows,
						    .count = count,
						    .row_size = sizeof(*rows),
						    .context = &context,
						    .now = time(NULL) },
				shown, &args->listing);
	for (size_t i = 0; i < count; i++)
		uc_buf_free(&rows[i].why);
	free(rows);
	faults = say_faults(run, list);
	return status ? status : faults;
}

static bool wants_scan(const struct disk_args *args)
{
	return args->scan || args->by >= 0 || args->top;
}

static int check(const struct disk_args *args, struct uc_error *err)
{
	if (args->scan || !(args->depth || args->threads))
		return 0;
	uc_fail(err, UC_USAGE, "option '--%s' goes with '--scan'",
		args->depth ? "depth" : "threads");
	return -1;
}

static int run_disk(struct uc_run *run, const struct uc_cmd *cmd, int argc, char **argv)
{
	struct disk_args args = { .by = -1 };
	struct disk_paths paths = { 0 };
	struct uc_selection shown;
	struct uc_error err = { 0 };
	int status;

	(void)argc;
	if (!uc_run_parse(run, cmd, argv, &args))
		return run->status;
	if (check(&args, &err) < 0)
		return uc_run_error(run, &err);
	if (!wants_scan(&args) &&
	    uc_listing_select(run, disk_fs_columns, &args.listing, &shown) < 0)
		return run->status;
	if (uc_run_config(run, NULL) < 0)
		return run->status;
	/* what fills the disk is asked of one folder, not of all there are */
	if (wants_scan(&args) && !run->parsed.operands.count)
		uc_strv_add(&run->parsed.operands, ".");
	if (disk_paths_find(run, &paths, &err) < 0)
		status = uc_run_error(run, &err);
	else if (wants_scan(&args))
		status = disk_scan(run, &args, &paths);
	else
		status = show(run, &args, &paths, &shown);
	disk_paths_free(&paths);
	return status;
}

const struct uc_cmd uinfo_cmd_disk = {
	.name = "uinfo disk",
	.summary = "how full disks are, and what fills them",
	.usage = (const char *const[]){ "[OPTION...] [DIR...]",
					"--scan [OPTION...] [DIR...]", NULL },
	.options = options,
	.columns = disk_fs_columns,
	.operands = "DIR",
	.shared = UC_SHARED_COLOR | UC_SHARED_VERBOSE,
	.doc = "Show the file systems of each\n.Ar DIR ,\nor of the home directory, the "
	       "working directory and the configured\n.Ic image_dirs :\nsize, what is "
	       "free, and your quota.\nOne that does not answer within 3 seconds is "
	       "listed as such.",
	.fn = run_disk,
};
