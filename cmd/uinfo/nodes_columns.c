/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* The columns of uinfo nodes. Keys are for ever; add, never rename. */
#include <string.h>
#include <ucluster/gres.h>
#include <ucluster/state.h>
#include <ucluster/units.h>
#include "uinfo/nodes.h"

static const struct uc_node *node_of(const void *row)
{
	return *(const struct uc_node *const *)row;
}

#define RAW(name)                                                                        \
	GETTER(name)                                                                     \
	{                                                                                \
		(void)context;                                                           \
		uc_value_put_raw(out, node_of(row)->name);                               \
	}
RAW(name)
RAW(hostname)
RAW(address)
RAW(arch)
RAW(os)
RAW(partitions)
RAW(features)
RAW(active_features)
RAW(reason)
RAW(reason_user)
RAW(comment)
RAW(extra)
RAW(reservation)
RAW(gpu_types)
RAW(gpu_indices)
RAW(gres)
RAW(gres_used)

#define NUMBER(name, kind, holds)                                                        \
	GETTER(name)                                                                     \
	{                                                                                \
		const struct uc_node *node = node_of(row);                               \
                                                                                         \
		(void)context;                                                           \
		if (holds)                                                               \
			uinfo_put(out, kind, (uint64_t)node->name);                      \
	}
NUMBER(cpus_used, UC_VALUE_NUMBER, true)
NUMBER(sockets, UC_VALUE_NUMBER, node->sockets)
NUMBER(cores, UC_VALUE_NUMBER, node->cores)
NUMBER(threads, UC_VALUE_NUMBER, node->threads)
NUMBER(weight, UC_VALUE_NUMBER, true)
NUMBER(memory_used, UC_VALUE_SIZE, true)
NUMBER(memory_free, UC_VALUE_SIZE, node->memory_free != UC_NONE64)
NUMBER(tmp_disk, UC_VALUE_SIZE, node->tmp_disk)
NUMBER(shards, UC_VALUE_NUMBER, node->shards)
NUMBER(shards_used, UC_VALUE_NUMBER, node->shards)
NUMBER(gpus_used, UC_VALUE_NUMBER, node->gpus && node->gpus_used != UC_NONE32)
NUMBER(boot_time, UC_VALUE_TIME, true)
NUMBER(start_time, UC_VALUE_TIME, true)
NUMBER(last_busy, UC_VALUE_TIME, true)
NUMBER(reason_time, UC_VALUE_TIME, true)

GETTER(version)
{
	(void)context;
	uc_value_put_raw(out, node_of(row)->slurm_version);
}

GETTER(state)
{
	const uint32_t state = node_of(row)->state;

	(void)context;
	out->role = uinfo_state_role(state);
	uc_value_put_raw(out, uc_raw(uc_node_state_word(state)));
}

GETTER(state_flags)
{
	(void)context;
	uc_buf_node_state(&out->scratch, node_of(row)->state);
	uinfo_put_scratch(out);
}

GETTER(usable)
{
	(void)context;
	uinfo_put(out, UC_VALUE_BOOL, uc_node_is_usable(node_of(row)->state));
}

GETTER(cpus)
{
	(void)context;
	uinfo_put(out, UC_VALUE_NUMBER, node_of(row)->cpus_usable);
}

/* "3/8" for people. */
static void show_part(struct uc_value *out, uint64_t used, uint64_t total)
{
	uc_buf_addf(&out->shown, "%llu/%llu", (unsigned long long)used,
		    (unsigned long long)total);
	if (total && used >= total)
		out->role = UC_ROLE_FAINT;
}

GETTER(cpu_use)
{
	const struct uc_node *node = node_of(row);

	(void)context;
	uinfo_put(out, UC_VALUE_NUMBER, node->cpus_used);
	show_part(out, node->cpus_used, node->cpus_usable);
}

GETTER(cpus_free)
{
	const struct uc_node *node = node_of(row);
	const bool some =
		uc_node_is_usable(node->state) && node->cpus_used < node->cpus_usable;

	(void)context;
	uinfo_put(out, UC_VALUE_NUMBER, some ? node->cpus_usable - node->cpus_used : 0);
}

GETTER(gpus)
{
	const struct uc_node *node = node_of(row);

	(void)context;
	if (node->gpus != UC_NONE32)
		uinfo_put(out, UC_VALUE_NUMBER, node->gpus);
}

GETTER(gpu_use)
{
	const struct uc_node *node = node_of(row);

	(void)context;
	if (!node->gpus || node->gpus == UC_NONE32 || node->gpus_used == UC_NONE32)
		return;
	uinfo_put(out, UC_VALUE_NUMBER, node->gpus_used);
	show_part(out, node->gpus_used, node->gpus);
}

GETTER(gpus_free)
{
	const struct uc_node *node = node_of(row);

	(void)context;
	if (!node->gpus || node->gpus == UC_NONE32 || node->gpus_used == UC_NONE32)
		return;
	uinfo_put(out, UC_VALUE_NUMBER,
		  uc_node_is_usable(node->state) && node->gpus > node->gpus_used
			  ? node->gpus - node->gpus_used
			  : 0);
	if (out->number)
		out->role = UC_ROLE_GOOD;
}

GETTER(gpu_model)
{
	const char *types = node_of(row)->gpu_types.bytes;

	(void)context;
	for (; types && *types; types += *types == ',') {
		const size_t item = strcspn(types, ","), name = strcspn(types, ":,");

		if (out->scratch.len)
			uc_buf_addc(&out->scratch, ',');
		uc_buf_addn(&out->scratch, types, name);
		types += item;
	}
	if (out->scratch.len)
		uinfo_put_scratch(out);
}

GETTER(memory)
{
	(void)context;
	uinfo_put(out, UC_VALUE_SIZE, node_of(row)->memory);
}

GETTER(memory_use)
{
	const struct uc_node *node = node_of(row);

	(void)context;
	uinfo_put(out, UC_VALUE_SIZE, node->memory_used);
	uc_size_words(&out->shown, node->memory_used);
	uc_buf_addc(&out->shown, '/');
	uc_size_words(&out->shown, node->memory);
}

GETTER(load)
{
	const struct uc_node *node = node_of(row);

	(void)context;
	if (node->load == UC_NONE32)
		return;
	/* a load of 1.25 is 1250 thousandths */
	uinfo_put(out, UC_VALUE_SHARE, (uint64_t)node->load * 10);
	uc_buf_addf(&out->shown, "%u.%02u", node->load / 100, node->load % 100);
}

#define SHOWN UC_COLUMN_DEFAULT
#define RIGHT UC_COLUMN_RIGHT
#define SPARE UC_COLUMN_SPARE
#define CUT   UC_COLUMN_CUT
#define ANY   UC_COLUMN_ANY
// clang-format off
const struct uc_column uinfo_node_columns[] = {
	{ "NODE", "node", SHOWN, 0, "its name", get_name },
	{ "STATE", "state", SHOWN, 0, "what it is doing, in a word", get_state },
	{ "PARTITIONS", "partitions", SHOWN | SPARE | CUT, 8, "in these partitions", get_partitions },
	{ "GPU", "gpu", SHOWN | ANY, 0, "model of its GPUs", get_gpu_model },
	{ "GPUS", "gpu_use", SHOWN | RIGHT | ANY, 0, "GPUs in use, of all", get_gpu_use },
	{ "FREE", "gpus_free", SHOWN | RIGHT | ANY, 0,
	  "GPUs that nobody uses, on nodes that take jobs", get_gpus_free },
	{ "CPUS", "cpu_use", SHOWN | RIGHT, 0, "CPUs in use, of all", get_cpu_use },
	{ "LOAD", "load", SHOWN | RIGHT | SPARE, 0, "processes that run, on average", get_load },
	{ "MEMORY", "memory_use", SHOWN | RIGHT, 0, "memory given to jobs, of all", get_memory_use },
	{ "REASON", "reason", SHOWN | CUT | ANY, 12, "why it takes no jobs", get_reason },
	{ "NGPUS", "gpus", RIGHT, 0, "GPUs it has", get_gpus },
	{ "GPUSUSED", "gpus_used", RIGHT, 0, "GPUs in use", get_gpus_used },
	{ "GPUTYPES", "gpu_types", 0, 0, "models with their numbers", get_gpu_types },
	{ "GPUIDS", "gpu_indices", 0, 0, "indices of the GPUs in use", get_gpu_indices },
	{ "SHARDS", "shards", RIGHT, 0, "parts of shared GPUs", get_shards },
	{ "SHARDSUSED", "shards_used", RIGHT, 0, "parts of shared GPUs in use", get_shards_used },
	{ "NCPUS", "cpus", RIGHT, 0, "CPUs that jobs can have", get_cpus },
	{ "CPUSUSED", "cpus_used", RIGHT, 0, "CPUs in use", get_cpus_used },
	{ "CPUSFREE", "cpus_free", RIGHT, 0, "CPUs that nobody uses, on nodes that take jobs",
	  get_cpus_free },
	{ "SOCKETS", "sockets", RIGHT, 0, "sockets", get_sockets },
	{ "CORES", "cores", RIGHT, 0, "cores of a socket", get_cores },
	{ "THREADS", "threads", RIGHT, 0, "threads of a core", get_threads },
	{ "MEM", "memory", RIGHT, 0, "memory it has", get_memory },
	{ "MEMUSED", "memory_used", RIGHT, 0, "memory given to jobs", get_memory_used },
	{ "MEMFREE", "memory_free", RIGHT, 0, "memory that its system says is free", get_memory_free },
	{ "TMP", "tmp_disk", RIGHT, 0, "temporary disk space", get_tmp_disk },
	{ "USABLE", "usable", 0, 0, "whether it takes jobs", get_usable },
	{ "FLAGS", "state_flags", 0, 0, "its state with all flags, as scontrol says it",
	  get_state_flags },
	{ "REASONUSER", "reason_user", 0, 0, "who took it out", get_reason_user },
	{ "SINCE", "reason_time", 0, 0, "when it was taken out", get_reason_time },
	{ "RESERVATION", "reservation", 0, 0, "reservation it is in now", get_reservation },
	{ "FEATURES", "features", 0, 0, "features it can have", get_features },
	{ "ACTIVE", "active_features", 0, 0, "features it has", get_active_features },
	{ "WEIGHT", "weight", RIGHT, 0, "the lower the sooner it is given to jobs", get_weight },
	{ "BOOTED", "boot_time", 0, 0, "when its system started", get_boot_time },
	{ "SLURMD", "start_time", 0, 0, "when its slurmd started", get_start_time },
	{ "LASTBUSY", "last_busy", 0, 0, "when it last had a job", get_last_busy },
	{ "VERSION", "version", 0, 0, "its release of Slurm", get_version },
	{ "ARCH", "arch", 0, 0, "kind of processor", get_arch },
	{ "OS", "os", 0, 0, "operating system", get_os },
	{ "HOST", "hostname", 0, 0, "its host name", get_hostname },
	{ "ADDRESS", "address", 0, 0, "its network address", get_address },
	{ "COMMENT", "comment", 0, 0, "comment", get_comment },
	{ "EXTRA", "extra", 0, 0, "extra", get_extra },
	{ "GRES", "gres", 0, 0, "generic resources as Slurm writes them", get_gres },
	{ "GRESUSED", "gres_used", 0, 0, "those in use as Slurm writes them", get_gres_used },
	{ 0 }
};
