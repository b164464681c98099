/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_UDASH_DISK_H
#define UC_UDASH_DISK_H
/*
 * A thread for disks, which may hang in the kernel: how full they are, and scans. One
 * thing at a time.
 */
#include "common/disk_paths.h"

struct disk_work;

struct disk_work *disk_work_new(const struct uc_run *run); /* NULL: cannot be started */
/* False: it hangs; the process must end by _exit(2). */
bool disk_work_free(struct disk_work *work);
bool disk_work_is_busy(const struct disk_work *work);
int disk_work_fd(const struct disk_work *work); /* readable when something is done */

/* Not while it is busy. Ask for the file systems of the user's places. */
void disk_work_list(struct disk_work *work);
/* Read the kept scan of a folder; or scan it now, and keep that. */
void disk_work_load(struct disk_work *work, const char *path);
void disk_work_scan(struct disk_work *work, const char *path);
void disk_work_stop(struct disk_work *work); /* a scan: it ends with what it has */

/* What is known; borrowed until the next thing is asked for. True: something new. */
bool disk_work_take(struct disk_work *work);
const struct disk_paths *disk_work_paths(const struct disk_work *work);
const struct uc_disk_list *disk_work_fs(const struct disk_work *work);
const struct uc_disk_scan *disk_work_result(const struct disk_work *work);
const struct uc_error *disk_work_error(const struct disk_work *work);
/* Of a scan that runs. */
void disk_work_progress(struct disk_work *work, struct uc_disk_progress *out);

#endif
