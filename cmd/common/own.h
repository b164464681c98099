/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_COMMON_OWN_H
#define UC_COMMON_OWN_H
#include <ucluster/receipt.h>
#include "common/run.h"

/* The receipt of a job that this user has submitted with usrun, or NULL. Free it. */
struct uc_receipt *uc_run_receipt(const struct uc_run *run, const struct uc_job *job);

#endif
