/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* A listing on a terminal where libsmartcols is not: as in a pipe. */
#include "common/table.h"

int uc_table_tty(const struct uc_run *run, const struct uc_table *table,
		 const struct uc_selection *wanted, const struct uc_listing *listing,
		 struct uc_error *err)
{
	return uc_table_plain(run, table, wanted, listing, err);
}
