/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* uinfo nodes: a line for each node. */
#include <stdlib.h>
#include "uinfo/nodes.h"

struct nodes_args {
	struct uinfo_filter filter;
	struct uc_listing listing;
};

// clang-format off
static const struct uc_opt options[] = {
	UINFO_NODE_OPTIONS(struct nodes_args, filter),
	UC_LISTING_OPTIONS(struct nodes_args, listing),
	{ 0 }
};
// clang-format on

static int list(struct uc_run *run, const struct nodes_args *args,
		const struct uc_selection *shown)
{
	uc_auto(source) struct uc_source *source = NULL;
	uc_auto(world) struct uc_world world = { 0 };
	struct uc_error err = { 0 };
	const struct uc_node **rows;
	size_t count = 0;
	int status;

	if (uc_run_config(run, NULL) < 0 || uc_run_source(run, 0, &source) < 0)
		return run->status;
	if (uc_world_load(&world, run, source, 0, &err) < 0 ||
	    uinfo_filter_check(&args->filter, world.partitions, &err) < 0)
		return uc_run_error(run, &err);
	rows = calloc(world.nodes->count + 1, sizeof(*rows));
	if (!rows) {
		uc_fail(&err, UC_FAILED, "out of memory");
		return uc_run_error(run, &err);
	}
	for (size_t i = 0; i < world.nodes->count; i++)
		if (uinfo_filter_node(&args->filter, &world.nodes->row[i]))
			rows[count++] = &world.nodes->row[i];
	status = uc_table_print(run,
				&(struct uc_table){ .name = "nodes",
						    .rows = rows,
						    .count = count,
						    .row_size = sizeof(*rows),
						    .now = world.nodes->now },
				shown, &args->listing);
	free(rows);
	return status;
}

static int run_nodes(struct uc_run *run, const struct uc_cmd *cmd, int argc, char **argv)
{
	struct nodes_args args = { 0 };
	struct uc_selection shown;
	struct uc_error err = { 0 };
	int status;

	(void)argc;
	if (!uc_run_parse(run, cmd, argv, &args))
		status = run->status;
	else if (uinfo_filter_check_states(&args.filter, &err) < 0)
		status = uc_run_error(run, &err);
	else if (uc_listing_select(run, uinfo_node_columns, &args.listing, &shown) < 0)
		status = run->status;
	else
		status = list(run, &args, &shown);
	uinfo_filter_free(&args.filter);
	return status;
}

const struct uc_cmd uinfo_cmd_nodes = {
	.name = "uinfo nodes",
	.summary = "list nodes: state, GPUs, CPUs, memory",
	.options = options,
	.columns = uinfo_node_columns,
	.shared = UC_SHARED_COLOR | UC_SHARED_VERBOSE | UC_SHARED_SOURCE,
	.doc = "List nodes: state, what they have, and how much of it is in use.",
	.fn = run_nodes,
};
