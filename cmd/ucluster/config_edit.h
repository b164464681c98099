/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_UCLUSTER_CONFIG_EDIT_H
#define UC_UCLUSTER_CONFIG_EDIT_H
/* The user's configuration in an editor. */
#include "common/run.h"

/*
 * Edit a copy of the user's file by VISUAL, EDITOR or vi; without a fault it takes the
 * file's place. The exit status; errors are printed.
 */
int uc_config_edit(struct uc_run *run);

#endif
