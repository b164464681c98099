/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_UQUEUE_TOTALS_H
#define UC_UQUEUE_TOTALS_H
/* Sums over jobs: made by totals.c, shown by totals_columns.c. */
#include "uqueue/uqueue.h"

struct uqueue_amount {
	uint64_t jobs, cpus, gpus, memory;
};
/* A row is a pointer to one. */
struct uqueue_total {
	char *name;
	struct uqueue_amount running, waiting;
	uint64_t cpus, gpus, memory; /* what there is of it: its share is of this */
};

/* One table for each enum uqueue_by. */
extern const struct uc_column *const uqueue_totals_columns[];

#endif
