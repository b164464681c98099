/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_DISK_QUOTA_H
#define UC_DISK_QUOTA_H
#include <ucluster/disk.h>

struct dqblk;
struct fs_disk_quota;

/* The quota of a user on the file system that `fd` is on; known is false without one. */
void uc_disk_quota_get(int fd, uint32_t uid, struct uc_disk_quota *out);

/* From the kernel's units: blocks of 1 KiB, and for XFS of 512 bytes. */
void uc_disk_quota_from_vfs(const struct dqblk *from, struct uc_disk_quota *out);
void uc_disk_quota_from_xfs(const struct fs_disk_quota *from, struct uc_disk_quota *out);

#endif
