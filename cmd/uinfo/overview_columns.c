/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* The columns of the overview. Keys are for ever; add, never rename. */
#include <ucluster/units.h>
#include "uinfo/overview.h"

static const struct uc_capacity_row *row_of(const void *row)
{
	return row;
}

/* GPUs; CPUs where there are none. */
static const struct uc_capacity_sum *sum_of(const void *row)
{
	return row_of(row)->type.bytes ? &row_of(row)->gpus : &row_of(row)->cpus;
}

#define SUM(name, field, role_if_any)                                                    \
	GETTER(name)                                                                     \
	{                                                                                \
		(void)context;                                                           \
		uinfo_put(out, UC_VALUE_NUMBER, sum_of(row)->field);                     \
		if (out->number)                                                         \
			out->role = role_if_any;                                         \
	}
SUM(total, total, UC_ROLE_PLAIN)
SUM(used, used, UC_ROLE_PLAIN)
SUM(free, free, UC_ROLE_PLAIN)
SUM(reserved, reserved, UC_ROLE_PLAIN)

GETTER(out)
{
	(void)context;
	uinfo_put(out, UC_VALUE_NUMBER, sum_of(row)->out);
	out->blank = !out->number;
	out->role = UC_ROLE_BAD;
}

SUM(mine, mine, UC_ROLE_GOOD)

#define COUNT(name, field)                                                               \
	GETTER(name)                                                                     \
	{                                                                                \
		(void)context;                                                           \
		uinfo_put(out, UC_VALUE_NUMBER, row_of(row)->field);                     \
	}
COUNT(most, most)
COUNT(used_mine, used_mine)
COUNT(nodes, nodes)
COUNT(nodes_idle, nodes_idle)
COUNT(nodes_out, nodes_out)
COUNT(cpus, cpus.total)
COUNT(cpus_used, cpus.used)
COUNT(cpus_free, cpus.free)
COUNT(pending_jobs, pending_jobs)
COUNT(pending_gpus, pending_gpus)
COUNT(pending_cpus, pending_cpus)

GETTER(partition)
{
	const struct uc_partition *p = row_of(row)->partition;

	(void)context;
	uc_value_put_raw(out, p->name);
	if (p->flags & UC_PARTITION_DEFAULT && p->name.bytes)
		uc_buf_addf(&out->shown, "%s*", p->name.bytes);
}

GETTER(type)
{
	(void)context;
	uc_value_put_raw(out, row_of(row)->type);
	if (!row_of(row)->type.bytes)
		uc_buf_add(&out->shown, "CPUs");
}

GETTER(unit)
{
	(void)context;
	uc_value_put_raw(out, uc_raw(row_of(row)->type.bytes ? "gpu" : "cpu"));
}

GETTER(wanted)
{
	const struct uc_capacity_row *r = row_of(row);

	(void)context;
	uinfo_put(out, UC_VALUE_NUMBER,
		  r->type.bytes ? r->pending_gpus : r->pending_cpus);
}

GETTER(time)
{
	const struct uc_capacity_row *r = row_of(row);

	(void)context;
	if (!r->time)
		return;
	out->type = UC_VALUE_SECONDS;
	out->number = r->time;
}

static const int64_t *now_of(const void *context)
{
	return context;
}

GETTER(by)
{
	uc_capacity_by(&out->scratch, row_of(row), *now_of(context), 0);
	if (out->scratch.len)
		uinfo_put_scratch(out);
}

GETTER(why)
{
	(void)context;
	uc_capacity_why(&out->scratch, row_of(row), 0);
	if (out->scratch.len)
		uinfo_put_scratch(out);
}

/* What a person wants to know besides the numbers; foreign bytes as they are. */
void overview_note(struct uc_buf *out, const struct uc_capacity_row *r, int64_t now)
{
	const size_t begin = out->len;
	const bool some = r->gpus.mine || r->cpus.mine;

	uc_capacity_why(out, r, 0);
	if (r->qos && !r->usual && some && !uc_raw_empty(r->qos->name))
		uc_buf_addf(out, "%s--qos=%s", out->len > begin ? "; " : "",
			    r->qos->name.bytes);
	if (r->own && !uc_raw_empty(r->own->name))
		uc_buf_addf(out, "%s--reservation=%s", out->len > begin ? "; " : "",
			    r->own->name.bytes);
	if (r->basis > UC_BASIS_PARTITION) {
		uc_buf_addf(out, "%still ", out->len > begin ? "; " : "");
		uc_capacity_by(out, r, now, 0);
	}
}

GETTER(note)
{
	overview_note(&out->scratch, row_of(row), *now_of(context));
	if (out->scratch.len)
		uinfo_put_scratch(out);
}

GETTER(qos)
{
	(void)context;
	if (row_of(row)->qos)
		uc_value_put_raw(out, row_of(row)->qos->name);
}

GETTER(account)
{
	(void)context;
	if (row_of(row)->association)
		uc_value_put_raw(out, row_of(row)->association->account);
}

#define SHOWN UC_COLUMN_DEFAULT
#define RIGHT UC_COLUMN_RIGHT
#define SPARE UC_COLUMN_SPARE
// clang-format off
const struct uc_column overview_columns[] = {
	{ "PARTITION", "partition", SHOWN, 0, "its name; * marks the default one", get_partition },
	{ "TYPE", "type", SHOWN, 0, "model of GPU; CPUs of nodes that have none", get_type },
	{ "TOTAL", "total", SHOWN | RIGHT, 0, "GPUs (or CPUs) there are", get_total },
	{ "USED", "used", SHOWN | RIGHT, 0, "in use", get_used },
	{ "FREE", "free", SHOWN | RIGHT, 0, "that nobody uses, on nodes that take jobs", get_free },
	{ "YOURS", "mine", SHOWN | RIGHT, 0,
	  "of the free ones, what you may use now: access, limits and reservations considered",
	  get_mine },
	{ "OUT", "out", SHOWN | RIGHT | SPARE | UC_COLUMN_ANY, 0,
	  "that nobody uses, on nodes that take no jobs", get_out },
	{ "NODE", "most", SHOWN | RIGHT | SPARE, 0, "the most of these on one node", get_most },
	{ "LONGEST", "time", SHOWN | RIGHT, 0, "longest time limit that would start at once", get_time },
	{ "WANTED", "wanted", SHOWN | RIGHT | SPARE, 0, "what jobs wait for", get_wanted },
	{ "NOTE", "note", SHOWN | UC_COLUMN_CUT | UC_COLUMN_ANY, 10,
	  "why there is not more, and what LONGEST is by", get_note },
	{ "UNIT", "unit", 0, 0, "what is counted: gpu or cpu", get_unit },
	{ "RESERVED", "reserved", RIGHT, 0, "of the free ones, reserved for others", get_reserved },
	{ "MINE", "used_mine", RIGHT, 0, "in use by your jobs", get_used_mine },
	{ "NODES", "nodes", RIGHT, 0, "nodes", get_nodes },
	{ "IDLE", "nodes_idle", RIGHT, 0, "nodes without jobs that take some", get_nodes_idle },
	{ "NODESOUT", "nodes_out", RIGHT, 0, "nodes that take no jobs", get_nodes_out },
	{ "CPUS", "cpus", RIGHT, 0, "CPUs of these nodes", get_cpus },
	{ "CPUSUSED", "cpus_used", RIGHT, 0, "of these, in use", get_cpus_used },
	{ "CPUSFREE", "cpus_free", RIGHT, 0, "of these, that nobody uses, on nodes that take jobs",
	  get_cpus_free },
	{ "WAITING", "pending_jobs", RIGHT, 0, "jobs and tasks that wait and could run here",
	  get_pending_jobs },
	{ "GPUSWANTED", "pending_gpus", RIGHT, 0, "GPUs that these ask for", get_pending_gpus },
	{ "CPUSWANTED", "pending_cpus", RIGHT, 0, "CPUs that these ask for", get_pending_cpus },
	{ "WHY", "why", 0, 0, "why you may not use all that is free", get_why },
	{ "BY", "by", 0, 0, "what ends a job of the longest time limit", get_by },
	{ "ACCOUNT", "account", 0, 0, "your account that may use it", get_account },
	{ "QOS", "qos", 0, 0, "your QOS that leaves the most", get_qos },
	{ 0 }
};
