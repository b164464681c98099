/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "base/network.h"

#include <stddef.h>

bool uc_fs_is_network(long type)
{
	static const unsigned int types[] = {
		0x00006969, /* NFS */
		0x0000517b, /* SMB */
		0x0000564c, /* NCP */
		0x00c36400, /* Ceph */
		0x01021997, /* 9P */
		0x01161970, /* GFS2 */
		0x0bd00bd0, /* Lustre */
		0x19830326, /* BeeGFS */
		0x20030528, /* OrangeFS */
		0x47504653, /* GPFS */
		0x5346414f, /* AFS */
		0x65735546, /* FUSE: sshfs, GlusterFS, ... */
		0x7461636f, /* OCFS2 */
		0x73757245, /* Coda */
		0xfe534d42, /* SMB2 */
		0xff534d42, /* CIFS */
	};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (types[i] == (unsigned int)type)
			return true;
	return false;
}
