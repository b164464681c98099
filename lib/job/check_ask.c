/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* What a specification asks for, from options and srun's input variables. */
#include <stdlib.h>
#include <string.h>
#include "job/check.h"
#include "job/spec.h"

/* An option wins over a variable; of several variables the last in the table does. */
static const char *value_of(const struct uc_spec *spec, const char *const *environment,
			    const char *name)
{
	const char *value = uc_spec_get(spec, name);
	size_t count;
	const struct uc_slurm_option *opt = uc_slurm_options(&count);

	/* "mem" given means that SLURM_MEM_PER_CPU does not count */
	if (value || !environment || uc_spec_excludes(spec, name))
		return value;
	for (size_t i = 0; i < count; i++)
		for (size_t v = 0;
		     strcmp(opt[i].name, name) == 0 && v < 3 && opt[i].srun_env[v]; v++) {
			const char *found = uc_env_value(environment, opt[i].srun_env[v]);

			value = found && *found ? found : value;
		}
	return value;
}

struct reader {
	const struct uc_spec *spec;
	const char *const *environment;
};

static const char *get(const struct reader *r, const char *name)
{
	return value_of(r->spec, r->environment, name);
}

/* All of the text, else 0. */
static uint64_t number(const char *text)
{
	char *end;
	unsigned long long n;

	if (!text || text[0] < '0' || text[0] > '9')
		return 0;
	n = strtoull(text, &end, 10);
	return *end || n > INT32_MAX ? 0 : n;
}

static uint32_t get_number(const struct reader *r, const char *name)
{
	return (uint32_t)number(get(r, name));
}

static uint64_t get_size(const struct reader *r, const char *name)
{
	const char *text = get(r, name);
	uint64_t bytes;

	return text && uc_size_parse(text, &bytes, NULL) == 0 ? bytes : 0;
}

/* Minutes as slurmctld counts them, rounded up; 0 is srun's word for no limit. */
static int64_t get_minutes(const struct reader *r, const char *name)
{
	const char *text = get(r, name);
	int64_t seconds;

	if (!text || uc_duration_parse(text, &seconds, NULL) < 0)
		return UC_ASK_NO_TIME;
	if (seconds == UC_DURATION_INFINITE || seconds == 0)
		return UC_DURATION_INFINITE;
	return (seconds + 59) / 60;
}

static void add_gpus(struct uc_ask_gpu_list *list, struct uc_span type, uint64_t count)
{
	struct uc_ask_gpus *item = &list->item[list->count];

	if (!count || list->count == UC_ASK_GPUS || type.len >= sizeof(item->type))
		return;
	if (type.len)
		memcpy(item->type, type.at, type.len);
	item->type[type.len] = '\0';
	item->count = count;
	list->count++;
}

/* "2", "a100:2", "a100", separated by commas. */
static void read_gpus(struct uc_ask_gpu_list *list, const char *text)
{
	for (; text && *text; text += *text == ',') {
		size_t len = strcspn(text, ",");
		const char *colon = memchr(text, ':', len);
		const char *last = colon ? colon + 1 : text;
		char digits[16] = "";

		if ((size_t)(text + len - last) < sizeof(digits))
			memcpy(digits, last, (size_t)(text + len - last));
		if (colon)
			add_gpus(list, (struct uc_span){ text, (size_t)(colon - text) },
				 number(digits));
		else if (number(digits) || digits[0] == '0')
			add_gpus(list, (struct uc_span){ text, 0 }, number(digits));
		else
			add_gpus(list, (struct uc_span){ text, len }, 1);
		text += len;
	}
}

static void read_gres(struct uc_ask_gpu_list *list, const char *text)
{
	struct uc_gres_walk walk = { .rest = text };
	struct uc_gres item;

	while (uc_gres_next(&walk, &item))
		if (uc_span_is(item.name, "gpu"))
			add_gpus(list, item.type, item.count);
}

/* "2", "2-4"; anything else is not understood. */
static void read_nodes(struct uc_ask *ask, const char *text)
{
	const char *dash = text ? strchr(text, '-') : NULL;
	char low[16] = "";
	uint64_t min, max;

	ask->nodes_max = UC_NONE32;
	if (!text || (dash && (size_t)(dash - text) >= sizeof(low)))
		return;
	if (dash)
		memcpy(low, text, (size_t)(dash - text));
	min = number(dash ? low : text);
	max = dash ? number(dash + 1) : min;
	if (!min || max < min)
		return;
	ask->nodes_given = true;
	ask->nodes_min = (uint32_t)min;
	ask->nodes_max = ask->nodes_asked = (uint32_t)max;
}

static void read_tasks(struct uc_ask *ask, const struct reader *r)
{
	static const char *const others[] = { "ntasks-per-gpu",    "ntasks-per-core",
					      "ntasks-per-socket", "distribution",
					      "nodefile",          NULL };
	uint64_t a_node;

	read_nodes(ask, get(r, "nodes"));
	ask->tasks = get_number(r, "ntasks");
	ask->tasks_per_node = get_number(r, "ntasks-per-node");
	ask->cpus_per_task = get_number(r, "cpus-per-task");
	ask->cpus_min = get_number(r, "mincpus");
	ask->cpus_per_gpu = get_number(r, "cpus-per-gpu");
	ask->overcommit = get(r, "overcommit") != NULL;
	for (size_t i = 0; others[i]; i++)
		ask->tasks_open |= get(r, others[i]) != NULL;
	/* srun and sbatch take fewer nodes when there are fewer tasks */
	if (ask->nodes_given && ask->tasks && ask->tasks < ask->nodes_min)
		ask->nodes_min = ask->nodes_asked = ask->tasks;
	/* and slurmctld no more nodes than tasks, and each for as many as it may get */
	if ((ask->tasks || ask->tasks_per_node) && uc_ask_tasks(ask) < ask->nodes_max &&
	    !ask->tasks_open)
		ask->nodes_max = (uint32_t)uc_ask_tasks(ask);
	a_node = (uint64_t)ask->tasks_per_node *
		 (ask->cpus_per_task ? ask->cpus_per_task : 1);
	if (!ask->overcommit && uc_ask_tasks(ask) > 1 && a_node > ask->cpus_min)
		ask->cpus_min = (uint32_t)a_node;
}

static void read_memory(struct uc_ask *ask, const struct reader *r)
{
	ask->memory = get_size(r, "mem");
	ask->memory_per_cpu = get_size(r, "mem-per-cpu");
	ask->memory_per_gpu = get_size(r, "mem-per-gpu");
	ask->memory_given =
		get(r, "mem") || get(r, "mem-per-cpu") || get(r, "mem-per-gpu");
}

bool uc_ask_read(struct uc_ask *ask, const struct uc_spec *spec,
		 const char *const *environment)
{
	const struct reader r = { spec, environment };
	const char *partitions = get(&r, "partition");

	*ask = (struct uc_ask){ .nodes_max = UC_NONE32 };
	if (spec->step || get(&r, "jobid") || get(&r, "clusters") || get(&r, "cluster"))
		return false;
	ask->partitions = partitions && *partitions ? partitions : NULL;
	ask->account = get(&r, "account");
	ask->qos = get(&r, "qos");
	ask->reservation = get(&r, "reservation") != NULL;
	ask->minutes = get_minutes(&r, "time-min");
	if (ask->minutes == UC_ASK_NO_TIME)
		ask->minutes = get_minutes(&r, "time");
	read_tasks(ask, &r);
	read_memory(ask, &r);
	read_gpus(&ask->job, get(&r, "gpus"));
	read_gpus(&ask->node, get(&r, "gpus-per-node"));
	read_gpus(&ask->task, get(&r, "gpus-per-task"));
	read_gres(&ask->node, get(&r, "gres"));
	return true;
}

uint64_t uc_ask_gpu_sum(const struct uc_ask_gpu_list *list)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < list->count; i++)
		sum += list->item[i].count;
	return sum;
}

static uint64_t of_type(const struct uc_ask_gpu_list *list, const char *type)
{
	for (size_t i = 0; i < list->count; i++)
		if (type[0] && strcmp(list->item[i].type, type) == 0)
			return list->item[i].count;
	return type[0] ? 0 : uc_ask_gpu_sum(list);
}

uint64_t uc_ask_nodes(const struct uc_ask *ask)
{
	return ask->nodes_min ? ask->nodes_min : 1;
}

uint64_t uc_ask_tasks(const struct uc_ask *ask)
{
	if (ask->tasks)
		return ask->tasks;
	return uc_ask_nodes(ask) * (ask->tasks_per_node ? ask->tasks_per_node : 1);
}

uint64_t uc_ask_cpus(const struct uc_ask *ask)
{
	uint64_t cpus = uc_ask_tasks(ask) * (ask->cpus_per_task ? ask->cpus_per_task : 1);

	return ask->overcommit ? uc_ask_nodes(ask) : cpus;
}

uint64_t uc_ask_gpus_total(const struct uc_ask *ask, const char *type)
{
	uint64_t most = of_type(&ask->job, type);
	uint64_t nodes = of_type(&ask->node, type) * uc_ask_nodes(ask);
	uint64_t tasks =
		of_type(&ask->task, type) * (ask->tasks_open ? 1 : uc_ask_tasks(ask));

	most = nodes > most ? nodes : most;
	return tasks > most ? tasks : most;
}
