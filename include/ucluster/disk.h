/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UCLUSTER_DISK_H
#define UCLUSTER_DISK_H
/*
 * Disks: how full file systems are, and what fills them.
 *
 *	uc_auto(disk_scan) struct uc_disk_scan *scan = NULL;
 *	if (uc_disk_scan_run("/data", NULL, &scan, &err) < 0)
 *		...
 *	for (size_t i = 0; i < scan->by[UC_DISK_BY_FOLDER].count; i++)
 *		show(&scan->by[UC_DISK_BY_FOLDER].row[i]);
 */
#include <stdint.h>
#include <ucluster/error.h>
#include <ucluster/text.h>

#ifdef __cplusplus
extern "C" {
#endif

struct uc_arena;

enum uc_disk_state {
	UC_DISK_OK,
	UC_DISK_SILENT, /* did not answer in time: its server may be down */
	UC_DISK_FAILED, /* see error */
};

/* What a user has and may have on a file system; a limit of 0 is none. */
struct uc_disk_quota {
	bool known; /* the file system said so; all else is 0 without it */
	uint64_t bytes, bytes_soft, bytes_limit;
	uint64_t files, files_soft, files_limit;
};

/* The file system that a path is on. Numbers are 0 unless state is UC_DISK_OK. */
struct uc_disk_fs {
	struct uc_raw path;                /* as asked for */
	struct uc_raw mount, device, type; /* NULL when not known */
	uint64_t mount_id; /* the same for paths below one mount; 0 = not known */
	enum uc_disk_state state;
	int error;                      /* an errno, with UC_DISK_FAILED */
	bool network;                   /* a server is asked for each request */
	uint64_t size, used, available; /* bytes; what root keeps is in neither */
	uint64_t files, files_used;     /* 0 files: it has no fixed number of them */
	struct uc_disk_quota quota;     /* of the calling user */
};
struct uc_disk_list {
	struct uc_disk_fs *row;
	size_t count;
	struct uc_arena *arena;
};

/*
 * Ask for the file systems of `paths` (absolute, NULL-terminated), one row each in their
 * order, all at once and no longer than timeout_ms. Each is asked by a process of its own
 * (disk-probe in libexec_dir), which is left behind where the kernel will not let it go.
 */
int uc_disk_list_load(const char *const *paths, const char *libexec_dir, int timeout_ms,
		      struct uc_disk_list **out, struct uc_error *err) UC_MUST_CHECK;
void uc_disk_list_free(struct uc_disk_list *list);
UC_DEFINE_AUTO(disk_list, struct uc_disk_list *)

/* Bytes are what is allocated, as du counts; apparent is the files' length. */
struct uc_disk_sum {
	uint64_t bytes, apparent;
	uint64_t files, folders; /* files: everything that is no folder */
};
struct uc_disk_row {
	struct uc_raw name;
	uint32_t id; /* BY_OWNER: the user's number; else 0 */
	struct uc_disk_sum sum;
};
struct uc_disk_rows {
	struct uc_disk_row *row;
	size_t count;
};

enum uc_disk_by {
	UC_DISK_BY_FOLDER, /* "a/b" with all below it; "." is files of the root itself */
	UC_DISK_BY_OWNER,  /* user's name, NULL when the number has none */
	UC_DISK_BY_AGE,    /* by last change, the youngest first */
	UC_DISK_BY_KIND, /* images, caches, environments, checkpoints, git, logs, other */
	UC_DISK_BY_COUNT,
};

struct uc_disk_file {
	struct uc_raw path; /* from the root of the scan, as all paths here */
	uint64_t bytes, apparent;
	int64_t mtime;
	uint32_t uid;
};
struct uc_disk_fault {
	struct uc_raw path, text;
};

/* What a scan found; immutable. Rows begin with the largest, ages with the youngest. */
struct uc_disk_scan {
	struct uc_raw root; /* absolute */
	int64_t time;       /* when it began, seconds since 1970 */
	int64_t elapsed_ms;
	int threads;
	bool partial;     /* it was stopped: a part of all there is */
	bool approximate; /* too many hard links to remember: some are counted twice */
	struct uc_disk_sum total;
	struct uc_disk_rows by[UC_DISK_BY_COUNT];
	struct uc_disk_file *largest;
	size_t largest_count;
	struct uc_disk_fault *fault; /* some of the folders that could not be read */
	size_t fault_count;
	uint64_t denied, failed; /* how many there are: by permission, otherwise */
	uint64_t vanished;       /* entries that were gone when it came to them */
	uint64_t mounts;         /* other file systems, not entered */
	uint64_t links;          /* further names of files already counted */
	struct uc_arena *arena;
};
void uc_disk_scan_free(struct uc_disk_scan *scan);
UC_DEFINE_AUTO(disk_scan, struct uc_disk_scan *)

struct uc_disk_progress {
	uint64_t files, bytes;
	uint64_t waiting; /* folders known and not yet read */
	int64_t elapsed_ms;
	int threads;
};

#define UC_DISK_THREADS_MAX 64
#define UC_DISK_DEPTH_MAX   8
#define UC_DISK_TOP_MAX     1000

/* How to scan. All 0 is a good choice. */
struct uc_disk_how {
	int threads; /* 0: as many as suit the file system and the processors */
	int depth;   /* levels of folders in BY_FOLDER; 0: one */
	int top;     /* how many of the largest files are kept; 0: 20 */
	bool eager;  /* do not give way to others (nice, ionice) */
	int64_t now; /* what ages are counted from; 0: the clock */
	/* Called by the caller's thread every progress_ms (0: 100); false stops. */
	bool (*progress)(void *arg, const struct uc_disk_progress *now);
	void *arg;
	int progress_ms;
};

/*
 * Add up everything below the folder `root` (absolute). Hard links count once, symbolic
 * links are not followed, other file systems not entered. What cannot be read is counted
 * and named, not an error. `how` may be NULL.
 */
int uc_disk_scan_run(const char *root, const struct uc_disk_how *how,
		     struct uc_disk_scan **out, struct uc_error *err) UC_MUST_CHECK;

/* As JSON; and back, where anything odd is UC_INVALID. */
int uc_disk_scan_encode(const struct uc_disk_scan *scan, struct uc_buf *out,
			struct uc_error *err) UC_MUST_CHECK;
int uc_disk_scan_parse(const char *text, size_t len, struct uc_disk_scan **out,
		       struct uc_error *err) UC_MUST_CHECK;

/* Keep it in state_dir/disk for this root, and get it again: UC_NOTFOUND without one. */
int uc_disk_scan_save(const struct uc_disk_scan *scan, const char *state_dir,
		      struct uc_error *err) UC_MUST_CHECK;
int uc_disk_scan_load(const char *root, const char *state_dir, struct uc_disk_scan **out,
		      struct uc_error *err) UC_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
