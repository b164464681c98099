/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_INSIDE_GPUS_H
#define UC_INSIDE_GPUS_H
#include <ucluster/text.h>

/* Add "gpu" lines of those that the job has, or a "note" why there are none. */
void gpus_add(struct uc_buf *out);

#endif
