/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_UCLUSTER_COMMANDS_H
#define UC_UCLUSTER_COMMANDS_H
/* The subcommands of ucluster, one file each. */
#include "common/opt.h"

extern const struct uc_cmd uc_cmd_adopt;
extern const struct uc_cmd uc_cmd_complete;
extern const struct uc_cmd uc_cmd_completion;
extern const struct uc_cmd uc_cmd_config;
extern const struct uc_cmd uc_cmd_doctor;
extern const struct uc_cmd uc_cmd_init;
extern const struct uc_cmd uc_cmd_record;
extern const struct uc_cmd uc_cmd_sandbox;
extern const struct uc_cmd uc_cmd_templates;
extern const struct uc_cmd uc_cmd_version;

#endif
