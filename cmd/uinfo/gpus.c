/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* uinfo gpus: GPUs by node, type or partition, and a map of them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucluster/state.h>
#include "uinfo/gpus.h"

enum by {
	BY_NODE,
	BY_TYPE,
	BY_PARTITION,
	BY_GPU,
};

struct gpus_args {
	bool map;
	int by;
	struct uinfo_filter filter;
	struct uc_listing listing;
};

struct rows {
	struct gpu_row *row;
	size_t count, size;
};

static const char *const by_words[] = { "node", "type", "partition", "gpu", NULL };
static const struct uc_column *const by_columns[] = { gpu_node_columns, gpu_type_columns,
						      gpu_partition_columns,
						      gpu_slot_columns };

// clang-format off
static const struct uc_opt options[] = {
	{ "map", .type = UC_OPT_FLAG, .offset = offsetof(struct gpus_args, map),
	  .group = "What to say", .help = "draw a letter for each GPU: free, mine, whose",
	  .doc = "Draw a line for each node with a letter for each GPU:\n"
		 ".Ql \\&.\nfree,\n.Ql #\nyours,\n.Ql =\nreserved for others,\n"
		 ".Ql \\-\nout of service, and a letter for each of the other users, who "
		 "are\nlisted below with the job that ends first." },
	{ "by", .type = UC_OPT_CHOICE, .metavar = "WHAT", .choices = by_words,
	  .offset = offsetof(struct gpus_args, by),
	  .help = "a line for each node, type, partition or gpu",
	  .doc = "A line for each\n.Cm node\nand model\n.Pq the usual choice ,\nfor each\n"
		 ".Cm type\nof GPU, each\n.Cm partition\nand model, or each\n.Cm gpu ,\n"
		 "with the job that has it." },
	UINFO_NODE_OPTIONS(struct gpus_args, filter),
	UC_LISTING_OPTIONS(struct gpus_args, listing),
	{ 0 }
};
// clang-format on

static struct gpu_row *add_row(struct rows *rows)
{
	if (rows->count == rows->size) {
		const size_t size = rows->size ? 2 * rows->size : 64;
		struct gpu_row *bigger = reallocarray(rows->row, size, sizeof(*bigger));

		if (!bigger)
			return NULL;
		rows->row = bigger;
		rows->size = size;
	}
	rows->row[rows->count] = (struct gpu_row){ 0 };
	return &rows->row[rows->count++];
}

static bool same(struct uc_raw a, struct uc_raw b)
{
	return a.bytes == b.bytes || (a.bytes && b.bytes && !strcmp(a.bytes, b.bytes));
}

/* The row of a type, from `first` on. */
static struct gpu_row *find_type(struct rows *rows, size_t first, struct uc_raw type)
{
	struct gpu_row *row;

	for (size_t i = first; i < rows->count; i++)
		if (same(rows->row[i].type, type))
			return &rows->row[i];
	row = add_row(rows);
	if (row)
		row->type = type;
	return row;
}

static void add_slot(struct gpu_row *row, const struct uc_gpu_slot *slot)
{
	row->total++;
	row->used += slot->holder == UC_GPU_MINE || slot->holder == UC_GPU_OTHER;
	row->mine += slot->holder == UC_GPU_MINE;
	row->free += slot->holder == UC_GPU_FREE || slot->holder == UC_GPU_RESERVED;
	row->reserved += slot->holder == UC_GPU_RESERVED;
	row->out += slot->holder == UC_GPU_OUT;
}

static int add_node(struct rows *rows, const struct uc_gpu_node *node, bool by_type)
{
	const size_t first = by_type ? 0 : rows->count;
	struct uc_raw last = { NULL };
	struct gpu_row *row = NULL;

	for (size_t i = 0; i < node->count; i++) {
		if (!row || !same(last, node->slot[i].type)) {
			last = node->slot[i].type;
			row = find_type(rows, first, last);
			if (!row)
				return -1;
			row->nodes++;
			row->node = by_type ? NULL : node;
		}
		add_slot(row, &node->slot[i]);
	}
	return 0;
}

static int add_nodes(struct rows *rows, const struct uc_gpu_map *map,
		     const struct gpus_args *args)
{
	for (size_t i = 0; i < map->count; i++)
		if (uinfo_filter_node(&args->filter, map->node[i].node) &&
		    add_node(rows, &map->node[i], args->by == BY_TYPE) < 0)
			return -1;
	return 0;
}

static int add_partitions(struct rows *rows, const struct uc_capacity *all,
			  const struct gpus_args *args)
{
	for (size_t i = 0; i < all->count; i++) {
		const struct uc_capacity_row *from = &all->row[i];
		struct gpu_row *row;

		if (!from->type.bytes ||
		    !uinfo_filter_partition(&args->filter, from->partition->name))
			continue;
		row = add_row(rows);
		if (!row)
			return -1;
		*row = (struct gpu_row){ .partition = from->partition->name,
					 .type = from->type,
					 .nodes = from->nodes,
					 .total = from->gpus.total,
					 .used = from->gpus.used,
					 .mine = from->used_mine,
					 .free = from->gpus.free,
					 .reserved = from->gpus.reserved,
					 .out = from->gpus.out,
					 .waiting = from->pending_gpus };
	}
	return 0;
}

/* A person gets the sums below the table. */
static void print_sums(const struct uc_run *run, const struct rows *rows)
{
	struct rows sums = { 0 };

	for (size_t i = 0; i < rows->count; i++) {
		struct gpu_row *sum = find_type(&sums, 0, rows->row[i].type);

		if (!sum)
			break;
		sum->nodes++;
		sum->total += rows->row[i].total;
		sum->used += rows->row[i].used;
		sum->mine += rows->row[i].mine;
		sum->free += rows->row[i].free;
	}
	for (size_t i = 0; i < sums.count; i++) {
		uc_auto(buf) struct uc_buf line = { 0 };

		uc_buf_safe(&line, sums.row[i].type, run->safe);
		uc_buf_addf(&line, ": %llu of %llu free on %llu node%s",
			    (unsigned long long)sums.row[i].free,
			    (unsigned long long)sums.row[i].total,
			    (unsigned long long)sums.row[i].nodes,
			    sums.row[i].nodes == 1 ? "" : "s");
		if (sums.row[i].mine)
			uc_buf_addf(&line, ", %llu yours",
				    (unsigned long long)sums.row[i].mine);
		puts(uc_buf_text(&line));
	}
	free(sums.row);
}

static int print_slots(struct uc_run *run, const struct gpus_args *args,
		       const struct uc_selection *shown, const struct uc_gpu_map *map,
		       int64_t now)
{
	struct gpu_slot_row *rows;
	size_t count = 0, most = 0;
	struct uc_error err = { 0 };
	int status;

	for (size_t n = 0; n < map->count; n++)
		most += map->node[n].count;
	rows = calloc(most + 1, sizeof(*rows));
	if (!rows) {
		uc_fail(&err, UC_FAILED, "out of memory");
		return uc_run_error(run, &err);
	}
	for (size_t n = 0; n < map->count; n++)
		for (size_t i = 0; i < map->node[n].count; i++)
			if (uinfo_filter_node(&args->filter, map->node[n].node))
				rows[count++] = (struct gpu_slot_row){ &map->node[n],
								       (uint32_t)i };
	status = uc_table_print(run,
				&(struct uc_table){ .name = "gpus",
						    .rows = rows,
						    .count = count,
						    .row_size = sizeof(*rows),
						    .now = now },
				shown, &args->listing);
	free(rows);
	return status;
}

static int print_rows(struct uc_run *run, const struct gpus_args *args,
		      const struct uc_selection *shown, const struct uc_world *world,
		      const struct uc_gpu_map *map)
{
	uc_auto(capacity) struct uc_capacity *all = NULL;
	struct rows rows = { 0 };
	struct uc_error err = { 0 };
	int status, rc;

	if (args->by == BY_PARTITION) {
		if (uc_capacity_make(&world->facts, &all, &err) < 0)
			return uc_run_error(run, &err);
		rc = add_partitions(&rows, all, args);
	} else {
		rc = add_nodes(&rows, map, args);
	}
	if (rc < 0) {
		free(rows.row);
		uc_fail(&err, UC_FAILED, "out of memory");
		return uc_run_error(run, &err);
	}
	status = uc_table_print(run,
				&(struct uc_table){ .name = "gpus",
						    .rows = rows.row,
						    .count = rows.count,
						    .row_size = sizeof(*rows.row),
						    .now = world->facts.now },
				shown, &args->listing);
	if (status == 0 && run->stdout_tty && args->by == BY_NODE && rows.count > 1 &&
	    !args->listing.json && !args->listing.parsable && !args->listing.noheader)
		print_sums(run, &rows);
	if (status == 0 && !rows.count && run->stdout_tty && !args->listing.json)
		uc_run_say(run, 0, "no GPUs");
	free(rows.row);
	return status;
}

/* The picture is for people; what is to be read by programs is a table. */
static bool is_picture(const struct gpus_args *args)
{
	return args->map && !args->listing.json && !args->listing.parsable &&
	       !args->listing.format;
}

static int show(struct uc_run *run, const struct gpus_args *args,
		const struct uc_selection *shown)
{
	uc_auto(source) struct uc_source *source = NULL;
	uc_auto(world) struct uc_world world = { 0 };
	uc_auto(gpu_map) struct uc_gpu_map *map = NULL;
	const unsigned wants = args->by == BY_GPU         ? UINFO_JOBS | UINFO_DETAIL
			       : args->by == BY_PARTITION ? UINFO_JOBS
							  : UINFO_MY_JOBS;
	struct uc_error err = { 0 };

	if (uc_run_config(run, NULL) < 0 || uc_run_source(run, 0, &source) < 0)
		return run->status;
	if (uc_world_load(&world, run, source, wants | UINFO_RESERVATIONS, &err) < 0 ||
	    uinfo_filter_check(&args->filter, world.partitions, &err) < 0 ||
	    uc_gpu_map_make(&world.facts, &map, &err) < 0)
		return uc_run_error(run, &err);
	if (is_picture(args)) {
		if (gpu_map_print(run, map, &args->filter, world.facts.now, &err) < 0)
			return uc_run_error(run, &err);
		return 0;
	}
	return args->by == BY_GPU ? print_slots(run, args, shown, map, world.facts.now)
				  : print_rows(run, args, shown, &world, map);
}

static int check(struct gpus_args *args, struct uc_error *err)
{
	if (args->map && args->by >= 0 && args->by != BY_GPU)
		return uc_fail(err, UC_USAGE,
			       "options '--map' and '--by' exclude each other");
	if (args->by < 0)
		args->by = args->map ? BY_GPU : BY_NODE;
	return uinfo_filter_check_states(&args->filter, err);
}

static int run_gpus(struct uc_run *run, const struct uc_cmd *cmd, int argc, char **argv)
{
	struct gpus_args args = { .by = -1 };
	struct uc_selection shown;
	struct uc_error err = { 0 };
	int status;

	(void)argc;
	if (!uc_run_parse(run, cmd, argv, &args))
		status = run->status;
	else if (check(&args, &err) < 0)
		status = uc_run_error(run, &err);
	else if (uc_listing_select(run, by_columns[args.by], &args.listing, &shown) < 0)
		status = run->status;
	else
		status = show(run, &args, &shown);
	uinfo_filter_free(&args.filter);
	return status;
}

const struct uc_cmd uinfo_cmd_gpus = {
	.name = "uinfo gpus",
	.summary = "list GPUs: free, yours, others', out of service",
	.usage = (const char *const[]){ "[OPTION...]", "--map [OPTION...]", NULL },
	.options = options,
	.columns = gpu_node_columns,
	.shared = UC_SHARED_COLOR | UC_SHARED_VERBOSE | UC_SHARED_SOURCE,
	.doc = "List GPUs: how many there are, how many are in use, by whom, and which "
	       "are free.",
	.fn = run_gpus,
};
