/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* The columns of uqueue --by. Keys are for ever; add, never rename. */
#include "uqueue/totals.h"

static const struct uqueue_total *total_of(const void *row)
{
	return *(const struct uqueue_total *const *)row;
}

static void get_name(const void *row, const void *context, struct uc_value *out)
{
	(void)context;
	out->type = UC_VALUE_TEXT;
	out->text = uc_raw(total_of(row)->name);
}

#define NUMBER(name, field, kind)                                                        \
	static void get_##name(const void *row, const void *context,                     \
			       struct uc_value *out)                                     \
	{                                                                                \
		(void)context;                                                           \
		out->type = kind;                                                        \
		out->number = (int64_t)total_of(row)->field;                             \
		out->blank = !out->number;                                               \
	}
NUMBER(running, running.jobs, UC_VALUE_NUMBER)
NUMBER(cpus, running.cpus, UC_VALUE_NUMBER)
NUMBER(gpus, running.gpus, UC_VALUE_NUMBER)
NUMBER(memory, running.memory, UC_VALUE_SIZE)
NUMBER(pending, waiting.jobs, UC_VALUE_NUMBER)
NUMBER(pending_cpus, waiting.cpus, UC_VALUE_NUMBER)
NUMBER(pending_gpus, waiting.gpus, UC_VALUE_NUMBER)
NUMBER(pending_memory, waiting.memory, UC_VALUE_SIZE)
NUMBER(cpus_total, cpus, UC_VALUE_NUMBER)
NUMBER(gpus_total, gpus, UC_VALUE_NUMBER)
NUMBER(memory_total, memory, UC_VALUE_SIZE)

static void put_share(struct uc_value *out, uint64_t part, uint64_t whole)
{
	if (!whole)
		return;
	out->type = UC_VALUE_SHARE;
	out->number = (int64_t)((double)part * 1000 / (double)whole + 0.5);
}

#define SHARE(field)                                                                     \
	static void get_##field##_share(const void *row, const void *context,            \
					struct uc_value *out)                            \
	{                                                                                \
		(void)context;                                                           \
		put_share(out, total_of(row)->running.field, total_of(row)->field);      \
	}
SHARE(cpus)
SHARE(gpus)
SHARE(memory)

#define SHOWN UC_COLUMN_DEFAULT
#define RIGHT UC_COLUMN_RIGHT
#define SPARE UC_COLUMN_SPARE
// clang-format off
#define SUM_COLUMNS(heading, key, help)                                                  \
	{ heading, key, SHOWN, 0, help, get_name },                                      \
	{ "RUNNING", "running", SHOWN | RIGHT, 0, "jobs that run", get_running },        \
	{ "PENDING", "pending", SHOWN | RIGHT, 0, "jobs and tasks that wait", get_pending }, \
	{ "GPUS", "gpus", SHOWN | RIGHT, 0, "GPUs in use", get_gpus },                   \
	{ "%GPUS", "gpus_share", SHOWN | RIGHT, 0, "share of the GPUs there are",        \
	  get_gpus_share },                                                              \
	{ "CPUS", "cpus", SHOWN | RIGHT, 0, "CPUs in use", get_cpus },                   \
	{ "%CPUS", "cpus_share", SHOWN | RIGHT | SPARE, 0, "share of the CPUs there are", \
	  get_cpus_share },                                                              \
	{ "MEMORY", "memory", SHOWN | RIGHT, 0, "memory in use", get_memory },           \
	{ "%MEMORY", "memory_share", SHOWN | RIGHT | SPARE, 0, "share of the memory there is", \
	  get_memory_share },                                                            \
	{ "GPUSWANTED", "pending_gpus", SHOWN | RIGHT | SPARE, 0, "GPUs that jobs wait for", \
	  get_pending_gpus },                                                            \
	{ "CPUSWANTED", "pending_cpus", RIGHT, 0, "CPUs that jobs wait for",             \
	  get_pending_cpus },                                                            \
	{ "MEMWANTED", "pending_memory", RIGHT, 0, "memory that jobs wait for",          \
	  get_pending_memory },                                                          \
	{ "ALLGPUS", "gpus_total", RIGHT, 0, "GPUs there are", get_gpus_total },         \
	{ "ALLCPUS", "cpus_total", RIGHT, 0, "CPUs there are", get_cpus_total },         \
	{ "ALLMEM", "memory_total", RIGHT, 0, "memory there is", get_memory_total },     \
	{ 0 }
static const struct uc_column by_user[] = { SUM_COLUMNS("USER", "user", "whose jobs") };
static const struct uc_column by_account[] = {
	SUM_COLUMNS("ACCOUNT", "account", "account that is charged") };
static const struct uc_column by_partition[] = {
	SUM_COLUMNS("PARTITION", "partition", "partition") };
static const struct uc_column by_node[] = { SUM_COLUMNS("NODE", "node", "node") };
static const struct uc_column by_gpu[] = { SUM_COLUMNS("GPU", "gpu", "model of GPU") };
// clang-format on

const struct uc_column *const uqueue_totals_columns[] = {
	by_user, by_account, by_partition, by_node, by_gpu,
};
