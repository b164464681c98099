/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "disk/quota.h"

#include <linux/dqblk_xfs.h>
#include <stddef.h>
#include <sys/quota.h>
#include <sys/syscall.h>
#include <unistd.h>

void uc_disk_quota_from_vfs(const struct dqblk *from, struct uc_disk_quota *out)
{
	*out = (struct uc_disk_quota){
		.known = true,
		.bytes = from->dqb_curspace,
		.bytes_soft = 1024 * from->dqb_bsoftlimit,
		.bytes_limit = 1024 * from->dqb_bhardlimit,
		.files = from->dqb_curinodes,
		.files_soft = from->dqb_isoftlimit,
		.files_limit = from->dqb_ihardlimit,
	};
}

void uc_disk_quota_from_xfs(const struct fs_disk_quota *from, struct uc_disk_quota *out)
{
	*out = (struct uc_disk_quota){
		.known = true,
		.bytes = 512 * from->d_bcount,
		.bytes_soft = 512 * from->d_blk_softlimit,
		.bytes_limit = 512 * from->d_blk_hardlimit,
		.files = from->d_icount,
		.files_soft = from->d_ino_softlimit,
		.files_limit = from->d_ino_hardlimit,
	};
}

#ifdef SYS_quotactl_fd
/* QCMD() shifts an int into its sign. */
static bool ask(int fd, unsigned command, uint32_t uid, void *out)
{
	command = command << SUBCMDSHIFT | USRQUOTA;
	return syscall(SYS_quotactl_fd, fd, command, uid, out) == 0;
}
#endif

/* Linux 5.14 takes a descriptor; before, a device would have to be named and readable. */
void uc_disk_quota_get(int fd, uint32_t uid, struct uc_disk_quota *out)
{
	*out = (struct uc_disk_quota){ 0 };
#ifdef SYS_quotactl_fd
	struct dqblk vfs = { 0 };
	struct fs_disk_quota xfs = { 0 };

	if (ask(fd, (unsigned)Q_GETQUOTA, uid, &vfs))
		uc_disk_quota_from_vfs(&vfs, out);
	else if (ask(fd, Q_XGETQUOTA, uid, &xfs))
		uc_disk_quota_from_xfs(&xfs, out);
#else
	(void)fd;
	(void)uid;
#endif
}
