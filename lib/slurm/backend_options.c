/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "slurm/backend_options.h"

#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <strings.h>
#include <ucluster/units.h>
#include "slurm/when.h"

struct option {
	const char *name;
	/* 0, or -1: the value is not what `expected` says (*err is filled by the caller).
	 */
	int (*set)(struct backend_draft *draft, const struct option *option,
		   const char *value);
	size_t offset; /* of the field in job_desc_msg_t */
	uint64_t a, b; /* limits, or the constant to set */
	const char *expected;
};

static void *field_of(struct backend_draft *draft, const struct option *option)
{
	return (char *)&draft->desc + option->offset;
}

static int set_text(struct backend_draft *draft, const struct option *option,
		    const char *value)
{
	if (!*value)
		return -1;
	*(char **)field_of(draft, option) = uc_arena_strdup(draft->arena, value);
	return 0;
}

static int set_u16(struct backend_draft *draft, const struct option *option,
		   const char *value)
{
	uint64_t n;

	if (!backend_value_number(value, option->a, option->b, &n))
		return -1;
	*(uint16_t *)field_of(draft, option) = (uint16_t)n;
	return 0;
}

static int set_u32(struct backend_draft *draft, const struct option *option,
		   const char *value)
{
	uint64_t n;

	if (!backend_value_number(value, option->a, option->b, &n))
		return -1;
	*(uint32_t *)field_of(draft, option) = (uint32_t)n;
	return 0;
}

static int flag_u16(struct backend_draft *draft, const struct option *option,
		    const char *value)
{
	(void)value;
	*(uint16_t *)field_of(draft, option) = (uint16_t)option->a;
	return 0;
}

static int flag_bits(struct backend_draft *draft, const struct option *option,
		     const char *value)
{
	(void)value;
	draft->desc.bitflags |= option->a;
	return 0;
}

static int set_tasks(struct backend_draft *draft, const struct option *option,
		     const char *value)
{
	draft->tasks_set = true;
	return set_u32(draft, option, value);
}

static int set_cpus(struct backend_draft *draft, const struct option *option,
		    const char *value)
{
	draft->cpus_set = true;
	return set_u16(draft, option, value);
}

static int set_nodes(struct backend_draft *draft, const struct option *option,
		     const char *value)
{
	(void)option;
	draft->nodes_set = true;
	return backend_value_nodes(draft, value);
}

/* Minutes, rounded up so that nobody gets less than asked for; 0 is no limit, as sbatch
 * has it. */
static int set_minutes(struct backend_draft *draft, const struct option *option,
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

static int set_seconds(struct backend_draft *draft, const struct option *option,
		       const char *value)
{
	int64_t seconds;

	if (uc_duration_parse(value, &seconds, NULL) < 0 ||
	    seconds == UC_DURATION_INFINITE)
		return -1;
	*(uint32_t *)field_of(draft, option) = (uint32_t)seconds;
	return 0;
}

static int set_time(struct backend_draft *draft, const struct option *option,
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
static int set_memory(struct backend_draft *draft, const struct option *option,
		      const char *value)
{
	uint64_t mib;

	if (read_mib(value, &mib) < 0)
		return -1;
	draft->desc.pn_min_memory = mib | option->a;
	return 0;
}

static int set_gpu_memory(struct backend_draft *draft, const struct option *option,
			  const char *value)
{
	uint64_t mib;

	(void)option;
	if (read_mib(value, &mib) < 0)
		return -1;
	draft->desc.mem_per_tres = uc_arena_printf(
		draft->arena, UC_GRES_PREFIX "gpu:%llu", (unsigned long long)mib);
	return 0;
}

static int set_gpu_cpus(struct backend_draft *draft, const struct option *option,
			const char *value)
{
	uint64_t n;

	if (!backend_value_number(value, option->a, option->b, &n))
		return -1;
	draft->desc.cpus_per_tres = uc_arena_printf(
		draft->arena, UC_GRES_PREFIX "gpu:%llu", (unsigned long long)n);
	return 0;
}

static int set_tmp(struct backend_draft *draft, const struct option *option,
		   const char *value)
{
	uint64_t mib;

	(void)option;
	if (read_mib(value, &mib) < 0)
		return -1;
	draft->desc.pn_min_tmp_disk = (uint32_t)mib;
	return 0;
}

static int set_gpus(struct backend_draft *draft, const struct option *option,
		    const char *value)
{
	draft->gpus = uc_arena_strdup(draft->arena, value);
	return backend_value_gpus(draft, value, ':', field_of(draft, option));
}

static int set_gpus_node(struct backend_draft *draft, const struct option *option,
			 const char *value)
{
	draft->gpus_per_node = uc_arena_strdup(draft->arena, value);
	return backend_value_gpus(draft, value, ':', field_of(draft, option));
}

static int set_gpus_task(struct backend_draft *draft, const struct option *option,
			 const char *value)
{
	draft->gpus_per_task = uc_arena_strdup(draft->arena, value);
	return backend_value_gpus(draft, value, UC_PER_TASK_MARK,
				  field_of(draft, option));
}

static int set_gpus_socket(struct backend_draft *draft, const struct option *option,
			   const char *value)
{
	return backend_value_gpus(draft, value, ':', field_of(draft, option));
}

static int set_gres(struct backend_draft *draft, const struct option *option,
		    const char *value)
{
	(void)option;
	return backend_value_gres(draft, value);
}

static int set_mail(struct backend_draft *draft, const struct option *option,
		    const char *value)
{
	(void)option;
	return backend_value_mail(draft, value);
}

static int set_signal(struct backend_draft *draft, const struct option *option,
		      const char *value)
{
	(void)option;
	return backend_value_signal(draft, value);
}

static int set_switches(struct backend_draft *draft, const struct option *option,
			const char *value)
{
	(void)option;
	return backend_value_switches(draft, value);
}

struct word {
	const char *text;
	uint64_t value;
};

/* The value of one of the words ("" counts as a word), else -1. */
static int64_t find_word(const struct word *words, const char *text)
{
	for (size_t i = 0; words[i].text; i++)
		if (!strcasecmp(words[i].text, text))
			return (int64_t)words[i].value;
	return -1;
}

static int set_exclusive(struct backend_draft *draft, const struct option *option,
			 const char *value)
{
	static const struct word words[] = { { "", 0 },          { "yes", 0 },
					     { "exclusive", 0 }, { "user", 2 },
					     { "mcs", 3 },       { "topo", 4 },
					     { NULL, 0 } };
	int64_t found = find_word(words, value);

	(void)option;
	if (found < 0)
		return -1;
	draft->desc.shared = (uint16_t)found;
	return 0;
}

static int set_open_mode(struct backend_draft *draft, const struct option *option,
			 const char *value)
{
	static const struct word words[] = { { "append", OPEN_MODE_APPEND },
					     { "a", OPEN_MODE_APPEND },
					     { "truncate", OPEN_MODE_TRUNCATE },
					     { "t", OPEN_MODE_TRUNCATE },
					     { NULL, 0 } };
	int64_t found = find_word(words, value);

	(void)option;
	if (found < 0)
		return -1;
	draft->desc.open_mode = (uint8_t)found;
	return 0;
}

static int set_invalid_dep(struct backend_draft *draft, const struct option *option,
			   const char *value)
{
	static const struct word words[] = { { "yes", KILL_INV_DEP },
					     { "no", NO_KILL_INV_DEP },
					     { NULL, 0 } };
	int64_t found = find_word(words, value);

	(void)option;
	if (found < 0)
		return -1;
	draft->desc.bitflags |= (uint64_t)found;
	return 0;
}

static int set_gres_flags(struct backend_draft *draft, const struct option *option,
			  const char *value)
{
	static const struct word words[] = { { "enforce-binding", GRES_ENFORCE_BIND },
					     { "disable-binding", GRES_DISABLE_BIND },
					     { NULL, 0 } };
	int64_t found = find_word(words, value);

	(void)option;
	if (found < 0)
		return -1;
	draft->desc.bitflags |= (uint64_t)found;
	return 0;
}

static int set_hold(struct backend_draft *draft, const struct option *option,
		    const char *value)
{
	(void)option, (void)value;
	draft->held = true;
	return 0;
}

/* --nice alone is 100, as sbatch has it. */
static int set_nice(struct backend_draft *draft, const struct option *option,
		    const char *value)
{
	bool negative = *value == '-';
	uint64_t n = 100;

	(void)option;
	if (*value && !backend_value_number(value + negative, 0, 2147483645, &n))
		return -1;
	draft->desc.nice =
		negative ? NICE_OFFSET - (uint32_t)n : NICE_OFFSET + (uint32_t)n;
	return 0;
}

static int set_overcommit(struct backend_draft *draft, const struct option *option,
			  const char *value)
{
	(void)option, (void)value;
	draft->desc.overcommit = 1;
	return 0;
}

static int set_prefer(struct backend_draft *draft, const struct option *option,
		      const char *value)
{
	(void)option;
	return *value && uc_desc_set_prefer(&draft->desc,
					    uc_arena_strdup(draft->arena, value))
		       ? 0
		       : -1;
}

static int set_extra(struct backend_draft *draft, const struct option *option,
		     const char *value)
{
	(void)option;
	return *value && uc_desc_set_extra(&draft->desc,
					   uc_arena_strdup(draft->arena, value))
		       ? 0
		       : -1;
}

static int set_tres_per_task(struct backend_draft *draft, const struct option *option,
			     const char *value)
{
	return UC_SLURM_SINCE(23, 2) ? set_text(draft, option, value) : -1;
}

static int set_distribution(struct backend_draft *draft, const struct option *option,
			    const char *value)
{
	(void)option;
	return backend_value_distribution(draft, value);
}

/* Of sbatch's own talk. */
static int set_nothing(struct backend_draft *draft, const struct option *option,
		       const char *value)
{
	(void)draft, (void)option, (void)value;
	return 0;
}

/* The environment that came with the submission goes along whole, and nothing less. */
static int set_export(struct backend_draft *draft, const struct option *option,
		      const char *value)
{
	(void)draft, (void)option;
	return strcasecmp(value, "ALL") ? -1 : 0;
}

static int set_propagate(struct backend_draft *draft, const struct option *option,
			 const char *value)
{
	(void)option;
	draft->propagate = uc_arena_strdup(draft->arena, *value ? value : "ALL");
	return 0;
}

#define AT(field) offsetof(job_desc_msg_t, field)
#define NUMBER    "expected a number"
#define TEXT      "expected a value"
#define GPUS      "expected a number of GPUs: 2 or a100:2"
#define SIZE      "expected a size: 16G, 24GB, 500M"
#define SPAN      "expected a time: 90, 1:30:00, 2-12, 8h, 2d"
#define WHEN      "expected a point in time: now+2h, 16:00, 2026-11-21T08:00"
#define NOTHING   "expected no value"
#define TASKS_MAX 0x7fffffff
#define SMALL_MAX 0xfffd

// clang-format off
static const struct option options[] = {
	{ "account", set_text, AT(account), 0, 0, TEXT },
	{ "acctg-freq", set_text, AT(acctg_freq), 0, 0, TEXT },
	{ "array", set_text, AT(array_inx), 0, 0, "expected tasks: 0-99%4" },
	{ "batch", set_text, AT(batch_features), 0, 0, TEXT },
	{ "bb", set_text, AT(burst_buffer), 0, 0, TEXT },
	{ "begin", set_time, AT(begin_time), 0, 0, WHEN },
	{ "chdir", set_text, AT(work_dir), 0, 0, TEXT },
	{ "comment", set_text, AT(comment), 0, 0, TEXT },
	{ "constraint", set_text, AT(features), 0, 0, TEXT },
	{ "contiguous", flag_u16, AT(contiguous), 1, 0, NOTHING },
	{ "core-spec", set_u16, AT(core_spec), 0, 0x7fff, NUMBER },
	{ "cores-per-socket", set_u16, AT(cores_per_socket), 1, SMALL_MAX, NUMBER },
	{ "cpus-per-gpu", set_gpu_cpus, 0, 1, SMALL_MAX, NUMBER },
	{ "cpus-per-task", set_cpus, AT(cpus_per_task), 1, SMALL_MAX, NUMBER },
	{ "deadline", set_time, AT(deadline), 0, 0, WHEN },
	{ "delay-boot", set_seconds, AT(delay_boot), 0, 0, SPAN },
	{ "dependency", set_text, AT(dependency), 0, 0, "expected TYPE:JOB: afterok:1234" },
	{ "distribution", set_distribution, 0, 0, 0, "expected block, cyclic, arbitrary or plane=N, "
	  "as in cyclic:block" },
	{ "error", set_text, AT(std_err), 0, 0, TEXT },
	{ "exclude", set_text, AT(exc_nodes), 0, 0, TEXT },
	{ "exclusive", set_exclusive, 0, 0, 0, "expected nothing, user, mcs or topo" },
	{ "export", set_export, 0, 0, 0,
	  "the whole environment goes along, expected ALL; add variables with --env" },
	{ "extra", set_extra, 0, 0, 0, "expected a value, and Slurm 23.02 or newer" },
	{ "gpus", set_gpus, AT(tres_per_job), 0, 0, GPUS },
	{ "gpus-per-node", set_gpus_node, AT(tres_per_node), 0, 0, GPUS },
	{ "gpus-per-socket", set_gpus_socket, AT(tres_per_socket), 0, 0, GPUS },
	{ "gpus-per-task", set_gpus_task, AT(tres_per_task), 0, 0, GPUS },
	{ "gres", set_gres, 0, 0, 0, "expected NAME[:TYPE][:COUNT]: gpu:a100:2,nvme" },
	{ "gres-flags", set_gres_flags, 0, 0, 0, "expected enforce-binding or disable-binding" },
	{ "hold", set_hold, 0, 0, 0, NOTHING },
	{ "input", set_text, AT(std_in), 0, 0, TEXT },
	{ "job-name", set_text, AT(name), 0, 0, TEXT },
	{ "kill-on-invalid-dep", set_invalid_dep, 0, 0, 0, "expected yes or no" },
	{ "licenses", set_text, AT(licenses), 0, 0, TEXT },
	{ "mail-type", set_mail, 0, 0, 0, "expected NONE, BEGIN, END, FAIL, REQUEUE, ALL, "
	  "TIME_LIMIT, TIME_LIMIT_90, _80, _50, STAGE_OUT, INVALID_DEPEND, ARRAY_TASKS" },
	{ "mail-user", set_text, AT(mail_user), 0, 0, TEXT },
	{ "mcs-label", set_text, AT(mcs_label), 0, 0, TEXT },
	{ "mem", set_memory, 0, 0, 0, SIZE },
	{ "mem-per-cpu", set_memory, 0, MEM_PER_CPU, 0, SIZE },
	{ "mem-per-gpu", set_gpu_memory, 0, 0, 0, SIZE },
	{ "mincpus", set_u16, AT(pn_min_cpus), 1, SMALL_MAX, NUMBER },
	{ "network", set_text, AT(network), 0, 0, TEXT },
	{ "nice", set_nice, 0, 0, 0, "expected a number from -2147483645 to 2147483645" },
	{ "no-kill", flag_u16, AT(kill_on_node_fail), 0, 0, NOTHING },
	{ "no-requeue", flag_u16, AT(requeue), 0, 0, NOTHING },
	{ "nodelist", set_text, AT(req_nodes), 0, 0, TEXT },
	{ "nodes", set_nodes, 0, 0, 0, "expected nodes: 2 or 2-4" },
	{ "ntasks", set_tasks, AT(num_tasks), 1, TASKS_MAX, NUMBER },
	{ "ntasks-per-core", set_u16, AT(ntasks_per_core), 1, SMALL_MAX, NUMBER },
	{ "ntasks-per-gpu", set_u16, AT(ntasks_per_tres), 1, SMALL_MAX, NUMBER },
	{ "ntasks-per-node", set_u16, AT(ntasks_per_node), 1, SMALL_MAX, NUMBER },
	{ "ntasks-per-socket", set_u16, AT(ntasks_per_socket), 1, SMALL_MAX, NUMBER },
	{ "open-mode", set_open_mode, 0, 0, 0, "expected append or truncate" },
	{ "output", set_text, AT(std_out), 0, 0, TEXT },
	{ "overcommit", set_overcommit, 0, 0, 0, NOTHING },
	{ "oversubscribe", flag_u16, AT(shared), 1, 0, NOTHING },
	{ "parsable", set_nothing, 0, 0, 0, NOTHING },
	{ "partition", set_text, AT(partition), 0, 0, TEXT },
	{ "prefer", set_prefer, 0, 0, 0, "expected a value, and Slurm 22.05 or newer" },
	{ "priority", set_u32, AT(priority), 0, 0xfffffffd, NUMBER },
	{ "propagate", set_propagate, 0, 0, 0, "expected ALL, NONE or limits: STACK,NOFILE" },
	{ "qos", set_text, AT(qos), 0, 0, TEXT },
	{ "quiet", set_nothing, 0, 0, 0, NOTHING },
	{ "reboot", flag_u16, AT(reboot), 1, 0, NOTHING },
	{ "requeue", flag_u16, AT(requeue), 1, 0, NOTHING },
	{ "reservation", set_text, AT(reservation), 0, 0, TEXT },
	{ "signal", set_signal, 0, 0, 0, "expected [B:|R:]SIGNAL[@SECONDS]: B:USR1@120" },
	{ "sockets-per-node", set_u16, AT(sockets_per_node), 1, SMALL_MAX, NUMBER },
	{ "spread-job", flag_bits, 0, SPREAD_JOB, 0, NOTHING },
	{ "switches", set_switches, 0, 0, 0, "expected COUNT[@TIME]: 1@30" },
	{ "tasks-per-node", set_u16, AT(ntasks_per_node), 1, SMALL_MAX, NUMBER },
	{ "thread-spec", set_u16, AT(core_spec), 0, 0x7fff, NUMBER },
	{ "threads-per-core", set_u16, AT(threads_per_core), 1, SMALL_MAX, NUMBER },
	{ "time", set_minutes, AT(time_limit), 0, 0, SPAN },
	{ "time-min", set_minutes, AT(time_min), 0, 0, SPAN },
	{ "tmp", set_tmp, 0, 0, 0, SIZE },
	{ "tres-per-task", set_tres_per_task, AT(tres_per_task), 0, 0,
	  "expected TRES=COUNT: cpu=4,gres/gpu=1, and Slurm 23.02 or newer" },
	{ "use-min-nodes", flag_bits, 0, USE_MIN_NODES, 0, NOTHING },
	{ "verbose", set_nothing, 0, 0, 0, NOTHING },
	{ "wait-all-nodes", set_u16, AT(wait_all_nodes), 0, 1, "expected 0 or 1" },
	{ "wckey", set_text, AT(wckey), 0, 0, TEXT },
};
// clang-format on

#define OPTION_COUNT (sizeof(options) / sizeof(options[0]))

const char *backend_option_name(size_t i)
{
	return i < OPTION_COUNT ? options[i].name : NULL;
}

static int find_option(const void *name, const void *option)
{
	return strcmp(name, ((const struct option *)option)->name);
}

static int refuse_option(const char *name, struct uc_error *err)
{
	uc_fail(err, UC_USAGE, "--%s: not for batch jobs submitted by ucluster", name);
	return uc_hint(err, "leave it away, or give it to the srun inside the job");
}

int backend_option_set(struct backend_draft *draft, const char *name, const char *value,
		       struct uc_error *err)
{
	const struct option *option =
		bsearch(name, options, OPTION_COUNT, sizeof(options[0]), find_option);

	if (!option)
		return refuse_option(name, err);
	if (!strcmp(option->expected, NOTHING) && *value)
		return uc_fail(err, UC_USAGE, "--%s=%s: " NOTHING, name, value);
	if (option->set(draft, option, value) < 0)
		return uc_fail(err, UC_USAGE, "--%s=%s: %s", name, value,
			       option->expected);
	if (!strcmp(name, "thread-spec"))
		draft->desc.core_spec |= CORE_SPEC_THREAD;
	return 0;
}

/* What sbatch computes from several options; facts: without min_cpus old releases give
 * the CPUs of one task only. */
void backend_options_finish(struct backend_draft *draft)
{
	job_desc_msg_t *desc = &draft->desc;
	/* sbatch takes no node without a task */
	bool fewer = draft->tasks_set && draft->nodes_set && desc->num_tasks > 0 &&
		     desc->num_tasks < desc->min_nodes;
	uint32_t nodes = !draft->nodes_set ? 1
			 : fewer           ? desc->num_tasks
					   : desc->min_nodes;
	uint32_t tasks = draft->tasks_set ? desc->num_tasks : nodes;
	uint32_t cpus = draft->cpus_set ? desc->cpus_per_task : 1;

	if (fewer)
		desc->min_nodes = desc->max_nodes = nodes;
	if (!draft->tasks_set && desc->ntasks_per_node != NO_VAL16) {
		tasks = desc->num_tasks = nodes * desc->ntasks_per_node;
		draft->tasks_set = true;
	}
	if (draft->tasks_set)
		desc->bitflags |= JOB_NTASKS_SET;
	if (draft->cpus_set)
		desc->bitflags |= JOB_CPUS_SET;
	if (draft->held)
		desc->priority = 0; /* whatever --priority says */
	if (desc->overcommit == 1)
		desc->min_cpus = nodes ? nodes : 1;
	else
		desc->min_cpus = tasks * cpus;
}
