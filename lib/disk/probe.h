/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_DISK_PROBE_H
#define UC_DISK_PROBE_H
/*
 * What disk-probe PATH writes to its stdout, in one piece. It may hang for ever in the
 * kernel, as with a network file system whose server is gone.
 */
#include <stdint.h>
#include <ucluster/disk.h>

#define UC_PROBE_MAGIC 0x75646931u /* changes with the struct */

struct uc_disk_probe {
	uint32_t magic;
	int32_t error; /* errno; nothing else is set then */
	int64_t type;  /* f_type */
	uint64_t size, used, available, files, files_used;
	uint64_t mount_id; /* 0: not known */
	uint32_t dev_major, dev_minor;
	struct uc_disk_quota quota;
};

#endif
