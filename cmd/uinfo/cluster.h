/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_UINFO_CLUSTER_H
#define UC_UINFO_CLUSTER_H
/*
 * What the subcommands that look at the cluster share: the overview, gpus, nodes,
 * partitions, limits.
 */
#include <ucluster/capacity.h>
#include "common/cluster.h"
#include "common/opt.h"
#include "common/table.h"

extern const struct uc_cmd uinfo_cmd_gpus, uinfo_cmd_nodes, uinfo_cmd_partitions,
	uinfo_cmd_limits, uinfo_cmd_usage, uinfo_cmd_health;

/* What to ask for; nodes and partitions always. */
enum uinfo_wants {
	UINFO_JOBS = 1,    /* everybody's */
	UINFO_MY_JOBS = 2, /* with GPU indices */
	UINFO_DETAIL = 4,  /* GPU indices of everybody's jobs */
	UINFO_RESERVATIONS = 8,
	UINFO_LIMITS = 16,
};

/* One of each question at most. Zero-initialise; free. */
struct uc_world {
	struct uc_nodes *nodes;
	struct uc_partitions *partitions;
	struct uc_jobs *jobs;
	struct uc_reservations *reservations;
	struct uc_limits *limits;
	struct uc_self self;
	struct uc_capacity_facts facts; /* of all these */
	bool from_slurm;                /* live, not recorded */
};
int uc_world_load(struct uc_world *world, struct uc_run *run, struct uc_source *source,
		  unsigned wants, struct uc_error *err) UC_MUST_CHECK;
/* The limits alone; UC_UNREACHABLE only, whatever else fails leaves none. */
int uc_world_limits(struct uc_world *world, struct uc_run *run, struct uc_source *source,
		    struct uc_error *err) UC_MUST_CHECK;
void uc_world_free(struct uc_world *world);
UC_DEFINE_AUTO_VALUE(world, struct uc_world)

/* Which nodes, as sinfo's options say. */
struct uinfo_filter {
	struct uc_strv partitions, nodes, states;
};
/* UC_USAGE: no such state; UC_NOTFOUND: no such partition. */
int uinfo_filter_check(const struct uinfo_filter *filter,
		       const struct uc_partitions *partitions,
		       struct uc_error *err) UC_MUST_CHECK;
int uinfo_filter_check_states(const struct uinfo_filter *filter,
			      struct uc_error *err) UC_MUST_CHECK;
bool uinfo_filter_node(const struct uinfo_filter *filter, const struct uc_node *node);
bool uinfo_filter_partition(const struct uinfo_filter *filter, struct uc_raw name);
void uinfo_filter_free(struct uinfo_filter *filter);

// clang-format off
#define UINFO_PARTITION_OPTION(type, member)                                             \
	{ "partition", 'p', UC_OPT_LIST, .metavar = "PARTITION", .group = "Which",       \
	  .offset = offsetof(type, member.partitions), .help = "of these partitions" }
#define UINFO_NODE_OPTIONS(type, member)                                                 \
	UINFO_PARTITION_OPTION(type, member),                                            \
	{ "nodes", 'n', UC_OPT_WORDS, .metavar = "NODE",                                 \
	  .offset = offsetof(type, member.nodes), .help = "these nodes, such as gpu[1-3]" }, \
	{ "nodelist", 'w', UC_OPT_WORDS, .metavar = "NODE",                              \
	  .offset = offsetof(type, member.nodes), .help = "the same" },                  \
	{ "states", 't', UC_OPT_LIST, .metavar = "STATE",                                \
	  .offset = offsetof(type, member.states),                                       \
	  .help = "in these states: idle, mix, alloc, drain, down, ...",                 \
	  .doc = "Only nodes in one of these states, by the long and short names of\n"   \
		 ".Xr sinfo 1 ,\nor\n.Cm usable :\nnodes that take jobs." }
// clang-format on

/* What puts a column's value: GETTER(nodes) { ... }. */
#define GETTER(name)                                                                     \
	static void get_##name(const void *row, const void *context, struct uc_value *out)
/* Fill a cell. */
static inline void uinfo_put(struct uc_value *out, enum uc_value_type type,
			     uint64_t number)
{
	out->type = type;
	out->number = number > INT64_MAX ? INT64_MAX : (int64_t)number;
}
static inline void uinfo_put_scratch(struct uc_value *out)
{
	out->type = UC_VALUE_TEXT;
	out->text = uc_raw(uc_buf_text(&out->scratch));
}
/* The colour of a node's state. */
enum uc_role uinfo_state_role(uint32_t state);
/* "▇▇▇▁▁▁▁▁", `part` of `whole`. */
void uinfo_add_bar(struct uc_buf *out, uint64_t part, uint64_t whole, bool ascii);

#endif
