/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* disk-probe PATH: what there is to know of the file system PATH is on (probe.h). */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>
#include "disk/probe.h"
#include "disk/quota.h"

#ifndef STATX_MNT_ID
#define STATX_MNT_ID 0x1000 /* Linux 5.8 */
#endif

static int probe(const char *path, struct uc_disk_probe *out)
{
	struct statfs fs;
	struct statx st;
	uint64_t unit;
	int fd = open(path, O_PATH | O_CLOEXEC);

	if (fd < 0 || fstatfs(fd, &fs) < 0 ||
	    statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_MNT_ID, &st) < 0)
		return -1;
	unit = (uint64_t)(fs.f_frsize ? fs.f_frsize : fs.f_bsize);
	out->type = fs.f_type;
	out->size = fs.f_blocks * unit;
	out->used = (fs.f_blocks - fs.f_bfree) * unit;
	out->available = fs.f_bavail * unit;
	out->files = fs.f_files;
	out->files_used = fs.f_files - fs.f_ffree;
	if (st.stx_mask & STATX_MNT_ID)
		out->mount_id = st.stx_mnt_id;
	out->dev_major = st.stx_dev_major;
	out->dev_minor = st.stx_dev_minor;
	uc_disk_quota_get(fd, getuid(), &out->quota);
	return 0;
}

int main(int argc, char **argv)
{
	struct uc_disk_probe out = { .magic = UC_PROBE_MAGIC };

	if (argc != 2)
		return UC_USAGE;
	if (probe(argv[1], &out) < 0)
		out.error = errno ? errno : EIO;
	return write(STDOUT_FILENO, &out, sizeof(out)) == sizeof(out) ? UC_OK : UC_FAILED;
}
