/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_BASE_NETWORK_H
#define UC_BASE_NETWORK_H
#include <stdbool.h>

/* Whether a file system of this f_type (statfs(2)) asks a server or another process. */
bool uc_fs_is_network(long type);

#endif
