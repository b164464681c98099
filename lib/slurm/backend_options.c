/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "slurm/backend_options.h"

#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <strings.h>
#include <ucluster/units.h>
#include "slurm/when.h"

#define AT(field) offsetof(job_desc_msg_t, field)
#define NUMBER    "expected a number"
#define TEXT      "expected a value"
#define GPUS      "expected a number of GPUs: 2 or a100:2"
#define SIZE      "expected a size: 16G, 24GB, 500M"
#define SPAN      "expected a time: 90, 1:30:00, 2-12, 8h, 2d"
#define WHEN      "expected a point in time: now+2h, 16:00, 2026-11-21T08:00"
#define NOTHING   "expected no value"
#define NODES     "expected names of nodes, or a file with them: gpu[1-2], ./hosts"
/* Behind what else is expected. */
#define SINCE(release)      ", and Slurm " release " or newer"
#define ONLY_SINCE(release) "expected Slurm " release " or newer"
#define TASKS_MAX           0x7fffffff
#define SMALL_MAX           0xfffd

static void *field_of(struct backend_draft *draft, const struct backend_option *option)
{
	return (char *)&draft->desc + option->offset;
}

static int set_text(struct backend_draft *draft, const struct backend_option *option,
		    const char *value)
{
	if (!*value)
		return -1;
	*(char **)field_of(draft, option) = uc_arena_strdup(draft->arena, value);
	return 0;
}

/* Below the working directory, unless it is absolute. */
static int set_folder(struct backend_draft *draft, const struct backend_option *option,
		      const char *value)
{
	(void)option;
	if (!*value)
		return -1;
	draft->desc.work_dir =
		*value == '/' || !draft->cwd
			? uc_arena_strdup(draft->arena, value)
			: uc_arena_printf(draft->arena, "%s/%s", draft->cwd, value);
	return 0;
}

static int set_u16(struct backend_draft *draft, const struct backend_option *option,
		   const char *value)
{
	uint64_t n;

	if (!backend_value_number(value, option->a, option->b, &n))
		return -1;
	*(uint16_t *)field_of(draft, option) = (uint16_t)n;
	return 0;
}

static int set_u32(struct backend_draft *draft, const struct backend_option *option,
		   const char *value)
{
	uint64_t n;

	if (!backend_value_number(value, option->a, option->b, &n))
		return -1;
	*(uint32_t *)field_of(draft, option) = (uint32_t)n;
	return 0;
}

static int flag_u16(struct backend_draft *draft, const struct backend_option *option,
		    const char *value)
{
	(void)value;
	*(uint16_t *)field_of(draft, option) = (uint16_t)option->a;
	return 0;
}

static int flag_bits(struct backend_draft *draft, const struct backend_option *option,
		     const char *value)
{
	(void)value;
	uc_desc_add_flags(&draft->desc, option->a);
	return option->a ? 0 : -1; /* the release has no such flag */
}

static int set_tasks(struct backend_draft *draft, const struct backend_option *option,
		     const char *value)
{
	draft->tasks_set = true;
	return set_u32(draft, option, value);
}

static int set_cpus(struct backend_draft *draft, const struct backend_option *option,
		    const char *value)
{
	draft->cpus_set = true;
	return set_u16(draft, option, value);
}

/* Minutes, rounded up so that nobody gets less than asked for; 0 is no limit, as sbatch
 * has it. */
static int set_minutes(struct backend_draft *draft, const struct backend_option *option,
		       const char *value)
{
	int64_t seconds;

	if (uc_duration_parse(value, &seconds, NULL) < 0)
		return -1;
	*(uint32_t *)field_of(draft, option) =
		seconds == UC_DURATION_INFINITE || seconds == 0
			? INFINITE
			: (uint32_t)((seconds + 59) / 60);
	return 0;
}

static int set_seconds(struct backend_draft *draft, const struct backend_option *option,
		       const char *value)
{
	int64_t seconds;

	if (uc_duration_parse(value, &seconds, NULL) < 0 ||
	    seconds == UC_DURATION_INFINITE)
		return -1;
	*(uint32_t *)field_of(draft, option) = (uint32_t)seconds;
	return 0;
}

static int set_time(struct backend_draft *draft, const struct backend_option *option,
		    const char *value)
{
	int64_t when;

	if (uc_when_parse(value, draft->now, &when, NULL) < 0)
		return -1;
	*(time_t *)field_of(draft, option) = (time_t)when;
	return 0;
}

static int read_mib(const char *value, uint64_t *mib)
{
	uint64_t bytes;

	if (uc_size_parse(value, &bytes, NULL) < 0)
		return -1;
	*mib = (bytes >> 20) + (bytes % (1 << 20) != 0);
	return *mib < NO_VAL ? 0 : -1;
}

/* A node, or a CPU with MEM_PER_CPU in `a`. */
static int set_memory(struct backend_draft *draft, const struct backend_option *option,
		      const char *value)
{
	uint64_t mib;

	if (read_mib(value, &mib) < 0)
		return -1;
	draft->desc.pn_min_memory = mib | option->a;
	return 0;
}

static int set_gpu_memory(struct backend_draft *draft,
			  const struct backend_option *option, const char *value)
{
	uint64_t mib;

	(void)option;
	if (read_mib(value, &mib) < 0)
		return -1;
	draft->desc.mem_per_tres = uc_arena_printf(
		draft->arena, UC_GRES_PREFIX "gpu:%llu", (unsigned long long)mib);
	backend_put_number(&draft->variables, "SLURM_MEM_PER_GPU", mib);
	return 0;
}

static int set_gpu_cpus(struct backend_draft *draft, const struct backend_option *option,
			const char *value)
{
	uint64_t n;

	if (!backend_value_number(value, option->a, option->b, &n))
		return -1;
	draft->desc.cpus_per_tres = uc_arena_printf(
		draft->arena, UC_GRES_PREFIX "gpu:%llu", (unsigned long long)n);
	return 0;
}

static int set_tmp(struct backend_draft *draft, const struct backend_option *option,
		   const char *value)
{
	uint64_t mib;

	(void)option;
	if (read_mib(value, &mib) < 0)
		return -1;
	draft->desc.pn_min_tmp_disk = (uint32_t)mib;
	return 0;
}

static int set_overcommit(struct backend_draft *draft,
			  const struct backend_option *option, const char *value)
{
	(void)option, (void)value;
	draft->desc.overcommit = 1;
	return 0;
}

/* Of sbatch's own talk, or what is so without it. */
static int set_nothing(struct backend_draft *draft, const struct backend_option *option,
		       const char *value)
{
	(void)draft, (void)option, (void)value;
	return 0;
}

static int set_propagate(struct backend_draft *draft, const struct backend_option *option,
			 const char *value)
{
	(void)option;
	draft->propagate = uc_arena_strdup(draft->arena, *value ? value : "ALL");
	return 0;
}

static int set_export(struct backend_draft *draft, const struct backend_option *option,
		      const char *value)
{
	(void)option;
	if (!*value)
		return -1;
	draft->export = uc_arena_strdup(draft->arena, value);
	return 0;
}

/* Seconds and "S" or "L" are passed over by every slurmd from 20.11 on, as by sbatch. */
static int set_user_env(struct backend_draft *draft, const struct backend_option *option,
			const char *value)
{
	size_t digits = strspn(value, "0123456789");

	(void)option;
	if (value[digits] && (!strchr("sSlL", value[digits]) || value[digits + 1]))
		return -1;
	draft->user_env = true;
	return 0;
}

// clang-format off
static const struct backend_option options[] = {
	{ "account", set_text, AT(account), 0, 0, TEXT, NULL },
	{ "acctg-freq", set_text, AT(acctg_freq), 0, 0, TEXT, "SLURM_ACCTG_FREQ" },
	{ "array", set_text, AT(array_inx), 0, 0, "expected tasks: 0-99%4", NULL },
	{ "batch", set_text, AT(batch_features), 0, 0, TEXT, NULL },
	{ "bb", set_text, AT(burst_buffer), 0, 0, TEXT, NULL },
	{ "begin", set_time, AT(begin_time), 0, 0, WHEN, NULL },
	{ "chdir", set_folder, 0, 0, 0, TEXT, NULL },
	{ "cluster-constraint", set_text, AT(cluster_features), 0, 0, TEXT, NULL },
	{ "comment", set_text, AT(comment), 0, 0, TEXT, NULL },
	{ "consolidate-segments", flag_bits, 0, UC_CONSOLIDATE_SEGMENTS, 0, ONLY_SINCE("25.11"), NULL },
	{ "constraint", set_text, AT(features), 0, 0, TEXT, NULL },
	{ "container", backend_set_container, 0, 0, 0, "expected an OCI bundle, and Slurm 21.08 or newer",
	  "SLURM_CONTAINER" },
	{ "container-id", backend_set_container_id, 0, 0, 0, TEXT SINCE("23.02"), "SLURM_CONTAINER_ID" },
	{ "container-type", backend_set_container_type, 0, 0, 0, TEXT SINCE("26.05"),
	  "SLURM_CONTAINER_TYPE" },
	{ "context", backend_set_context, 0, 0, 0, TEXT SINCE("21.08"), NULL },
	{ "contiguous", flag_u16, AT(contiguous), 1, 0, NOTHING, NULL },
	{ "core-spec", set_u16, AT(core_spec), 0, 0x7fff, NUMBER, NULL },
	{ "cores-per-socket", set_u16, AT(cores_per_socket), 1, SMALL_MAX, NUMBER, NULL },
	{ "cpu-freq", backend_set_cpu_freq, 0, 0, 0, "expected a frequency in kHz, low, medium, "
	  "high, highm1, a governor, or MIN-MAX[:GOVERNOR]", NULL },
	{ "cpus-per-gpu", set_gpu_cpus, 0, 1, SMALL_MAX, NUMBER, "SLURM_CPUS_PER_GPU" },
	{ "cpus-per-task", set_cpus, AT(cpus_per_task), 1, SMALL_MAX, NUMBER, NULL },
	{ "deadline", set_time, AT(deadline), 0, 0, WHEN, NULL },
	{ "delay-boot", set_seconds, AT(delay_boot), 0, 0, SPAN, NULL },
	{ "dependency", set_text, AT(dependency), 0, 0, "expected TYPE:JOB: afterok:1234",
	  "SLURM_JOB_DEPENDENCY" },
	{ "distribution", backend_set_distribution, 0, 0, 0, "expected block, cyclic, arbitrary or "
	  "plane=N, as in cyclic:block", NULL },
	{ "error", set_text, AT(std_err), 0, 0, TEXT, NULL },
	{ "exclude", backend_set_nodelist, AT(exc_nodes), 0, 0, NODES, NULL },
	{ "exclusive", backend_set_exclusive, 0, 0, 0, "expected nothing, user, mcs or topo", NULL },
	{ "export", set_export, 0, 0, 0, "expected ALL, NONE, NIL or variables: ALL,NAME,NAME=VALUE",
	  NULL },
	{ "extra", backend_set_extra, 0, 0, 0, TEXT SINCE("23.02"), NULL },
	{ "extra-node-info", backend_set_node_info, 0, 0, 0,
	  "expected SOCKETS[:CORES[:THREADS]], each a number or *", NULL },
	{ "get-user-env", set_user_env, 0, 0, 0, "expected nothing, or seconds and S or L: 10L",
	  NULL },
	{ "gpu-bind", backend_set_gpu_bind, AT(tres_bind), 0, 0, "expected closest, none, single:N, "
	  "per_task:N, map_gpu:LIST or mask_gpu:LIST, verbose, before it or not", NULL },
	{ "gpu-freq", backend_set_gpu_freq, AT(tres_freq), 0, 0, "expected low, medium, high, highm1 or "
	  "MHz, for memory as well: medium,memory=high", "SLURM_GPU_FREQ" },
	{ "gpus", backend_set_gpus, AT(tres_per_job), ':', 0, GPUS, "SLURM_GPUS" },
	{ "gpus-per-node", backend_set_gpus, AT(tres_per_node), ':', 0, GPUS,
	  "SLURM_GPUS_PER_NODE" },
	{ "gpus-per-socket", backend_set_gpus, AT(tres_per_socket), ':', 0, GPUS,
	  "SLURM_GPUS_PER_SOCKET" },
	{ "gpus-per-task", backend_set_gpus, AT(tres_per_task), UC_PER_TASK_MARK, 0, GPUS,
	  UC_GPUS_PER_TASK_VARIABLE },
	{ "gres", backend_set_gres, 0, 0, 0, "expected NAME[:TYPE][:COUNT]: gpu:a100:2,nvme", NULL },
	{ "gres-flags", backend_set_gres_flags, 0, 0, 0, "expected enforce-binding, disable-binding, "
	  "or from 23.11 on multiple-tasks-per-sharing, one-task-per-sharing", NULL },
	{ "hint", backend_set_hint, 0, 0, 0, "expected compute_bound, memory_bound, multithread or "
	  "nomultithread", NULL },
	{ "hold", backend_set_hold, 0, 0, 0, NOTHING, NULL },
	{ "ignore-pbs", set_nothing, 0, 0, 0, NOTHING, NULL },
	{ "input", set_text, AT(std_in), 0, 0, TEXT, NULL },
	{ "job-name", set_text, AT(name), 0, 0, TEXT, NULL },
	{ "kill-on-invalid-dep", backend_set_invalid_dep, 0, 0, 0, "expected yes or no", NULL },
	{ "licenses", backend_set_licenses, 0, 0, 0, TEXT, NULL },
	{ "mail-type", backend_set_mail, 0, 0, 0, "expected NONE, BEGIN, END, FAIL, REQUEUE, ALL, "
	  "TIME_LIMIT, TIME_LIMIT_90, _80, _50, STAGE_OUT, INVALID_DEPEND, ARRAY_TASKS", NULL },
	{ "mail-user", set_text, AT(mail_user), 0, 0, TEXT, NULL },
	{ "mcs-label", set_text, AT(mcs_label), 0, 0, TEXT, NULL },
	{ "mem", set_memory, 0, 0, 0, SIZE, NULL },
	{ "mem-bind", backend_set_mem_bind, 0, 0, 0, "expected none, rank, local, map_mem:LIST or "
	  "mask_mem:LIST, and quiet, verbose, sort, nosort, prefer", NULL },
	{ "mem-per-cpu", set_memory, 0, MEM_PER_CPU, 0, SIZE, NULL },
	{ "mem-per-gpu", set_gpu_memory, 0, 0, 0, SIZE, NULL },
	{ "mem-update", backend_set_mem_update, 0, 0, 0,
	  "expected PERCENT@TIME: 10@30" SINCE("26.05"), NULL },
	{ "mincpus", set_u16, AT(pn_min_cpus), 1, SMALL_MAX, NUMBER, NULL },
	{ "network", set_text, AT(network), 0, 0, TEXT, NULL },
	{ "nice", backend_set_nice, 0, 0, 0, "expected a number from -2147483645 to 2147483645",
	  NULL },
	{ "no-kill", backend_set_no_kill, 0, 0, 0, "expected nothing or off", NULL },
	{ "no-requeue", flag_u16, AT(requeue), 0, 0, NOTHING, NULL },
	{ "nodefile", backend_set_nodefile, AT(req_nodes), 0, 0,
	  "expected a file with names of nodes", NULL },
	{ "nodelist", backend_set_nodelist, AT(req_nodes), 0, 0, NODES, NULL },
	{ "nodes", backend_set_nodes, 0, 0, 0, "expected nodes: 2 or 2-4", NULL },
	{ "ntasks", set_tasks, AT(num_tasks), 1, TASKS_MAX, NUMBER, NULL },
	{ "ntasks-per-core", set_u16, AT(ntasks_per_core), 1, SMALL_MAX, NUMBER,
	  "SLURM_NTASKS_PER_CORE" },
	{ "ntasks-per-gpu", set_u16, AT(ntasks_per_tres), 1, SMALL_MAX, NUMBER,
	  "SLURM_NTASKS_PER_GPU" },
	{ "ntasks-per-node", set_u16, AT(ntasks_per_node), 1, SMALL_MAX, NUMBER,
	  "SLURM_NTASKS_PER_NODE" },
	{ "ntasks-per-socket", set_u16, AT(ntasks_per_socket), 1, SMALL_MAX, NUMBER,
	  "SLURM_NTASKS_PER_SOCKET" },
	{ "ntasks-per-tres", set_u16, AT(ntasks_per_tres), 1, SMALL_MAX, NUMBER,
	  "SLURM_NTASKS_PER_TRES" },
	{ "oom-kill-step", backend_set_oom_kill, 0, 0, 0, "expected 0 or 1" SINCE("24.11"), NULL },
	{ "open-mode", backend_set_open_mode, 0, 0, 0, "expected append or truncate", NULL },
	{ "output", set_text, AT(std_out), 0, 0, TEXT, NULL },
	{ "overcommit", set_overcommit, 0, 0, 0, NOTHING, NULL },
	{ "oversubscribe", flag_u16, AT(shared), 1, 0, NOTHING, NULL },
	{ "parsable", set_nothing, 0, 0, 0, NOTHING, NULL },
	{ "partition", set_text, AT(partition), 0, 0, TEXT, NULL },
	{ "power", backend_set_power, 0, 0, 0, "expected level, and Slurm before 24.05", NULL },
	{ "prefer", backend_set_prefer, 0, 0, 0, TEXT SINCE("22.05"), NULL },
	{ "priority", backend_set_priority, 0, 0, 0, "expected a number or TOP", NULL },
	{ "profile", backend_set_profile, 0, 0, 0,
	  "expected none, all, or some of energy, task, lustre, network", NULL },
	{ "propagate", set_propagate, 0, 0, 0, "expected ALL, NONE or limits: STACK,NOFILE", NULL },
	{ "qos", set_text, AT(qos), 0, 0, TEXT, NULL },
	{ "quiet", set_nothing, 0, 0, 0, NOTHING, NULL },
	{ "reboot", flag_u16, AT(reboot), 1, 0, NOTHING, NULL },
	{ "requeue", flag_u16, AT(requeue), 1, 0, NOTHING, NULL },
	{ "reservation", set_text, AT(reservation), 0, 0, TEXT, NULL },
	{ "resources", backend_set_licenses, 0, 0, 0, TEXT SINCE("26.05"), NULL },
	{ "resv-ports", backend_set_ports, 0, 0, SMALL_MAX, NUMBER SINCE("24.05"), NULL },
	{ "segment", backend_set_segment, 0, 1, SMALL_MAX, NUMBER SINCE("24.05"), NULL },
	{ "signal", backend_set_signal, 0, 0, 0, "expected [B:|R:]SIGNAL[@SECONDS]: B:USR1@120",
	  NULL },
	{ "sockets-per-node", set_u16, AT(sockets_per_node), 1, SMALL_MAX, NUMBER, NULL },
	{ "spread-job", flag_bits, 0, SPREAD_JOB, 0, NOTHING, NULL },
	{ "spread-segments", flag_bits, 0, UC_SPREAD_SEGMENTS, 0, ONLY_SINCE("25.11"), NULL },
	{ "stepmgr", flag_bits, 0, UC_STEPMGR, 0, ONLY_SINCE("24.05"), NULL },
	{ "switches", backend_set_switches, 0, 0, 0, "expected COUNT[@TIME]: 1@30", NULL },
	{ "tasks-per-node", set_u16, AT(ntasks_per_node), 1, SMALL_MAX, NUMBER,
	  "SLURM_NTASKS_PER_NODE" },
	{ "thread-spec", set_u16, AT(core_spec), 0, 0x7fff, NUMBER, NULL },
	{ "threads-per-core", set_u16, AT(threads_per_core), 1, SMALL_MAX, NUMBER, NULL },
	{ "time", set_minutes, AT(time_limit), 0, 0, SPAN, NULL },
	{ "time-min", set_minutes, AT(time_min), 0, 0, SPAN, NULL },
	{ "tmp", set_tmp, 0, 0, 0, SIZE, NULL },
	{ "tres-bind", backend_set_tres_bind, 0, 0, 0, TEXT SINCE("23.11"), "SLURM_TRES_BIND" },
	{ "tres-per-task", backend_set_tres_per_task, 0, 0, 0,
	  "expected TRES=COUNT: cpu=4,gres/gpu=1" SINCE("23.02"), NULL },
	{ "use-min-nodes", flag_bits, 0, USE_MIN_NODES, 0, NOTHING, NULL },
	{ "verbose", set_nothing, 0, 0, 0, NOTHING, NULL },
	{ "wait-all-nodes", set_u16, AT(wait_all_nodes), 0, 1, "expected 0 or 1", NULL },
	{ "wckey", set_text, AT(wckey), 0, 0, TEXT, NULL },
};
// clang-format on

#define OPTION_COUNT (sizeof(options) / sizeof(options[0]))

const char *backend_option_name(size_t i)
{
	return i < OPTION_COUNT ? options[i].name : NULL;
}

static int find_option(const void *name, const void *option)
{
	return strcmp(name, ((const struct backend_option *)option)->name);
}

int backend_option_set(struct backend_draft *draft, const char *name, const char *value,
		       struct uc_error *err)
{
	const struct backend_option *option =
		bsearch(name, options, OPTION_COUNT, sizeof(options[0]), find_option);

	if (!option) {
		uc_fail(err, UC_USAGE, "--%s is not known for batch jobs here", name);
		return uc_hint(err, "leave it away, or submit with sbatch");
	}
	if (!strcmp(option->expected, NOTHING) && *value)
		return uc_fail(err, UC_USAGE, "--%s=%s: " NOTHING, name, value);
	if (option->set(draft, option, value) < 0)
		return uc_fail(err, UC_USAGE, "--%s%s%s: %s", name, *value ? "=" : "",
			       value, option->expected);
	if (!strcmp(name, "thread-spec"))
		draft->desc.core_spec |= CORE_SPEC_THREAD;
	if (option->variable)
		backend_put(&draft->variables, option->variable, value);
	return 0;
}
