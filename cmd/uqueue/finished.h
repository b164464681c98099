/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_UQUEUE_FINISHED_H
#define UC_UQUEUE_FINISHED_H
/* Jobs that have ended (finished.c), and their columns (finished_columns.c). */
#include <ucluster/history.h>
#include "uqueue/uqueue.h"

/* Cells of the queue's columns read the first member. */
struct finished_row {
	struct uqueue_row row;
	struct uc_job job;
	const struct uc_past *past;
};
extern const struct uc_column uqueue_finished_columns[];

#endif
