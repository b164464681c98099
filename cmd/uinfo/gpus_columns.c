/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* The columns of uinfo gpus. Keys are for ever; add, never rename. */
#include <ucluster/state.h>
#include "uinfo/gpus.h"

static const struct gpu_row *row_of(const void *row)
{
	return row;
}

#define COUNT(name, role_if_any, hide)                                                   \
	GETTER(name)                                                                     \
	{                                                                                \
		(void)context;                                                           \
		uinfo_put(out, UC_VALUE_NUMBER, row_of(row)->name);                      \
		if (out->number)                                                         \
			out->role = role_if_any;                                         \
		out->blank = !out->number && (hide);                                     \
	}
COUNT(nodes, UC_ROLE_PLAIN, false)
COUNT(total, UC_ROLE_PLAIN, false)
COUNT(used, UC_ROLE_PLAIN, false)
COUNT(mine, UC_ROLE_WAIT, false)
COUNT(free, UC_ROLE_GOOD, false)
COUNT(reserved, UC_ROLE_FAINT, true)
COUNT(out, UC_ROLE_BAD, true)
COUNT(waiting, UC_ROLE_PLAIN, false)

GETTER(node)
{
	(void)context;
	uc_value_put_raw(out, row_of(row)->node->node->name);
}

GETTER(type)
{
	(void)context;
	uc_value_put_raw(out, row_of(row)->type);
}

GETTER(partition)
{
	(void)context;
	uc_value_put_raw(out, row_of(row)->partition);
}

GETTER(state)
{
	const uint32_t state = row_of(row)->node->node->state;

	(void)context;
	out->role = uinfo_state_role(state);
	uc_value_put_raw(out, uc_raw(uc_node_state_word(state)));
}

GETTER(reservation)
{
	const struct uc_reservation *reservation = row_of(row)->node->reservation;

	(void)context;
	if (reservation)
		uc_value_put_raw(out, reservation->name);
}

GETTER(partitions)
{
	(void)context;
	uc_value_put_raw(out, row_of(row)->node->node->partitions);
}

GETTER(indices)
{
	(void)context;
	uc_value_put_raw(out, row_of(row)->node->node->gpu_indices);
}

GETTER(reason)
{
	(void)context;
	uc_value_put_raw(out, row_of(row)->node->node->reason);
}

static const struct uc_gpu_slot *slot_of(const void *row)
{
	const struct gpu_slot_row *slot = row;

	return &slot->node->slot[slot->index];
}

GETTER(slot_node)
{
	(void)context;
	uc_value_put_raw(out, ((const struct gpu_slot_row *)row)->node->node->name);
}

GETTER(slot_index)
{
	(void)context;
	uinfo_put(out, UC_VALUE_NUMBER, ((const struct gpu_slot_row *)row)->index);
}

GETTER(slot_type)
{
	(void)context;
	uc_value_put_raw(out, slot_of(row)->type);
}

GETTER(slot_state)
{
	static const struct {
		const char *word;
		enum uc_role role;
	} states[] = {
		[UC_GPU_FREE] = { "free", UC_ROLE_GOOD },
		[UC_GPU_MINE] = { "mine", UC_ROLE_WAIT },
		[UC_GPU_OTHER] = { "other", UC_ROLE_PLAIN },
		[UC_GPU_RESERVED] = { "reserved", UC_ROLE_FAINT },
		[UC_GPU_OUT] = { "out", UC_ROLE_BAD },
	};

	(void)context;
	out->role = states[slot_of(row)->holder].role;
	uc_value_put_raw(out, uc_raw(states[slot_of(row)->holder].word));
}

GETTER(slot_user)
{
	(void)context;
	if (slot_of(row)->job)
		uc_value_put_raw(out, slot_of(row)->job->user);
}

GETTER(slot_job)
{
	(void)context;
	if (slot_of(row)->job)
		uinfo_put(out, UC_VALUE_NUMBER, slot_of(row)->job->job_id);
}

GETTER(slot_name)
{
	(void)context;
	if (slot_of(row)->job)
		uc_value_put_raw(out, slot_of(row)->job->name);
}

GETTER(slot_until)
{
	(void)context;
	if (slot_of(row)->job)
		uinfo_put(out, UC_VALUE_TIME, (uint64_t)slot_of(row)->job->end_time);
}

GETTER(slot_reservation)
{
	const struct uc_reservation *reservation =
		((const struct gpu_slot_row *)row)->node->reservation;

	(void)context;
	if (reservation)
		uc_value_put_raw(out, reservation->name);
}

GETTER(slot_guessed)
{
	(void)context;
	uinfo_put(out, UC_VALUE_BOOL, ((const struct gpu_slot_row *)row)->node->guessed);
}

#define SHOWN UC_COLUMN_DEFAULT
#define RIGHT UC_COLUMN_RIGHT
#define ANY   UC_COLUMN_ANY
// clang-format off
#define NUMBERS                                                                          \
	{ "GPUS", "gpus", SHOWN | RIGHT, 0, "GPUs there are", get_total },               \
	{ "USED", "used", SHOWN | RIGHT, 0, "in use", get_used },                        \
	{ "MINE", "mine", SHOWN | RIGHT, 0, "in use by your jobs", get_mine },           \
	{ "FREE", "free", SHOWN | RIGHT, 0, "that nobody uses, on nodes that take jobs", \
	  get_free },                                                                    \
	{ "RESERVED", "reserved", SHOWN | RIGHT | ANY, 0,                                \
	  "of the free ones, reserved for others", get_reserved },                       \
	{ "OUT", "out", SHOWN | RIGHT | ANY, 0,                                          \
	  "that nobody uses, on nodes that take no jobs", get_out }

const struct uc_column gpu_node_columns[] = {
	{ "NODE", "node", SHOWN, 0, "node", get_node },
	{ "TYPE", "type", SHOWN, 0, "model", get_type },
	NUMBERS,
	{ "STATE", "state", SHOWN, 0, "what the node is doing, in a word", get_state },
	{ "RESERVATION", "reservation", SHOWN | ANY, 0,
	  "reservation of others that the node is in now", get_reservation },
	{ "REASON", "reason", UC_COLUMN_CUT, 12, "why it takes no jobs", get_reason },
	{ "PARTITIONS", "partitions", 0, 0, "in these partitions", get_partitions },
	{ "IDS", "indices", 0, 0, "indices of GPUs in use, of all models of the node", get_indices },
	{ 0 }
};
const struct uc_column gpu_type_columns[] = {
	{ "TYPE", "type", SHOWN, 0, "model", get_type },
	{ "NODES", "nodes", SHOWN | RIGHT, 0, "nodes that have some", get_nodes },
	NUMBERS,
	{ 0 }
};
const struct uc_column gpu_partition_columns[] = {
	{ "PARTITION", "partition", SHOWN, 0, "partition", get_partition },
	{ "TYPE", "type", SHOWN, 0, "model", get_type },
	{ "NODES", "nodes", SHOWN | RIGHT, 0, "nodes that have some", get_nodes },
	NUMBERS,
	{ "WANTED", "pending_gpus", SHOWN | RIGHT, 0, "that jobs wait for", get_waiting },
	{ 0 }
};
const struct uc_column gpu_slot_columns[] = {
	{ "NODE", "node", SHOWN, 0, "node", get_slot_node },
	{ "GPU", "index", SHOWN | RIGHT, 0, "its index on the node", get_slot_index },
	{ "TYPE", "type", SHOWN, 0, "model", get_slot_type },
	{ "STATE", "state", SHOWN, 0, "free, mine, other, reserved, out", get_slot_state },
	{ "USER", "user", SHOWN, 0, "whose job has it", get_slot_user },
	{ "JOB", "job_id", SHOWN | RIGHT, 0, "job that has it", get_slot_job },
	{ "UNTIL", "end_time", SHOWN, 0, "when that job ends at the latest", get_slot_until },
	{ "NAME", "name", 0, 0, "name of that job", get_slot_name },
	{ "RESERVATION", "reservation", 0, 0, "reservation of others that the node is in now",
	  get_slot_reservation },
	{ "GUESSED", "guessed", 0, 0, "indices of the node are not known, only how many are in use",
	  get_slot_guessed },
	{ 0 }
};
