/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_UINFO_USAGE_H
#define UC_UINFO_USAGE_H
#include <ucluster/usage.h>
#include "uinfo/cluster.h"

/* What cells are computed from besides the row. */
struct usage_look {
	const struct uc_usage *usage;
	uint64_t most; /* of one row: the whole bar */
	bool bar, ascii;
};
/* By enum uc_usage_by. */
extern const struct uc_column *const usage_columns[];
extern const struct uc_column usage_day_columns[];
/* What a row's share is of. */
uint64_t usage_weight(const struct uc_usage *usage, const struct uc_usage_row *row);

/* A row of the fair share. */
struct usage_share {
	const struct uc_limit *limit;
};
extern const struct uc_column usage_share_columns[];

#endif
