/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* uimage list: the images there are, a line each. */
#include <stdlib.h>
#include <strings.h>
#include <time.h>
#include "uimage/list.h"
#include "uimage/uimage.h"

struct args {
	struct uc_listing listing;
};

// clang-format off
static const struct uc_opt options[] = {
	UC_LISTING_OPTIONS(struct args, listing),
	{ 0 }
};
// clang-format on

static int show(struct uc_run *run, const struct args *args,
		const struct uc_selection *shown)
{
	uc_auto(image_files) struct uc_image_files *files = NULL;
	struct uc_error err = { 0 };
	struct list_row *rows;
	int status;

	if (uimage_find(run, &files, &err) < 0)
		return uc_run_error(run, &err);
	rows = calloc(files->count + 1, sizeof(*rows));
	if (!rows) {
		uc_fail(&err, UC_FAILED, "out of memory");
		return uc_run_error(run, &err);
	}
	for (size_t i = 0; i < files->count; i++)
		rows[i].file = &files->row[i];
	status = uc_table_print(run,
				&(struct uc_table){ .name = "images",
						    .rows = rows,
						    .count = files->count,
						    .row_size = sizeof(*rows),
						    .now = time(NULL) },
				shown, &args->listing);
	free(rows);
	return status;
}

static int run_list(struct uc_run *run, const struct uc_cmd *cmd, int argc, char **argv)
{
	struct args args = { 0 };
	struct uc_selection shown;

	(void)argc;
	if (!uc_run_parse(run, cmd, argv, &args) ||
	    uc_listing_select(run, list_columns, &args.listing, &shown) < 0 ||
	    uc_run_config(run, NULL) < 0)
		return run->status;
	return show(run, &args, &shown);
}

const struct uc_cmd uimage_cmd_list = {
	.name = "uimage list",
	.summary = "the images there are",
	.usage = (const char *const[]){ "[OPTION...] [PATTERN]", NULL },
	.options = options,
	.columns = list_columns,
	.operands = "PATTERN",
	.max_operands = 1,
	.shared = UC_SHARED_COLOR | UC_SHARED_VERBOSE | UC_SHARED_SOURCE,
	.fn = run_list,
};
