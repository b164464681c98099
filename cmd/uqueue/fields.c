/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Which fields of a job the columns, the order and the filter need: only these are asked
 * for. A test compares each column alone with the same among all. */
#include <string.h>
#include "uqueue/uqueue.h"

/* Always: names a job in the list, tells its state and its place among the others. */
static const char always[] = "job_id,array_job_id,array_task_id,array_tasks,het_job_id,"
			     "het_offset,user_id,state,priority,reason";

#define STATE_TIMES "start_time,end_time,suspend_time,suspended"
#define ALL_TRES                                                                         \
	"gres_detail,gres_total,node_count,tasks,tasks_per_node,sockets_per_node,"       \
	"tres_alloc,tres_req,tres_per_job,"                                              \
	"tres_per_node,tres_per_socket,tres_per_task"

/* By key; the key of any other column is the name of its field. */
static const struct {
	const char *key, *fields;
} needs[] = {
	{ "elapsed", STATE_TIMES },
	{ "exit_code", "exit_status" },
	{ "gpu_ids", "gres_detail,nodes" },
	{ "gpus", "gpus,gpu_types,shards" },
	{ "id", "" },
	{ "memory", "memory,memory_per_cpu" },
	{ "memory_total", "memory,memory_per_cpu,cpus,node_count,tres_req,tres_alloc" },
	{ "mig", ALL_TRES },
	{ "mine", "" },
	{ "progress", "" },
	{ "time_left", "time_limit," STATE_TIMES },
	{ "where", "nodes" },
	{ "why", "" },
};

void uqueue_fields_add(struct uc_buf *fields, const struct uc_column *column)
{
	const char *words = column->key;

	for (size_t i = 0; i < sizeof(needs) / sizeof(needs[0]); i++)
		if (!strcmp(needs[i].key, column->key))
			words = needs[i].fields;
	if (!fields->len)
		uc_buf_add(fields, always);
	if (words[0])
		uc_buf_addf(fields, ",%s", words);
}

void uqueue_fields_add_filter(struct uc_buf *fields, const struct uqueue_filter *filter)
{
	const struct {
		bool used;
		const char *name;
	} filters[] = {
		{ filter->user_count, "user" },
		{ filter->partitions->count, "partition" },
		{ filter->accounts->count, "account" },
		{ filter->qos->count, "qos" },
		{ filter->names->count, "name" },
		{ filter->nodes.count, "nodes" },
	};

	for (size_t i = 0; i < sizeof(filters) / sizeof(filters[0]); i++)
		if (filters[i].used)
			uc_buf_addf(fields, ",%s", filters[i].name);
}
