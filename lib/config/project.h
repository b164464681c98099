/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_CONFIG_PROJECT_H
#define UC_CONFIG_PROJECT_H
#include <stdbool.h>
#include <sys/stat.h>

#define UC_PROJECT_FILE ".ucluster.yaml"

/* Why a file or directory may be in the hands of others than `uid` and root; NULL: not.
 */
const char *uc_project_distrust(const struct stat *st, uid_t uid, bool has_acl);

#endif
