/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * A libslurm that has no cluster but a file, STAND_IN_CLUSTER, in the words of one
 *release:
 *
 *	job job_id=1 job_state=1 gres_total=gpu:a100:2 ...
 *	node name=gpu1 cpus=16 alloc_cpus=4 ...
 *
 * Members are set by their names in slurm.h. A value ends at a blank. All that the worker
 * calls besides is in stubs.c and ends the process.
 */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <slurm/slurm.h>
#include <slurm/slurm_errno.h>

#define ROWS_MAX 64

enum form {
	TEXT,
	LIST, /* of texts, separated by blanks as ";" */
	U16,
	U32,
	U64,
	TIME
};

struct member {
	const char *name;
	enum form form;
	size_t offset;
};

#define JOB(form, name)                                                                  \
	{                                                                                \
#name, form, offsetof(job_info_t, name)                                  \
	}
static const struct member job_members[] = { JOB(U32, job_id),
					     JOB(U32, job_state),
					     JOB(U32, num_nodes),
					     JOB(U32, num_cpus),
					     JOB(U32, num_tasks),
					     JOB(TIME, submit_time),
					     JOB(TIME, start_time),
					     JOB(TEXT, name),
					     JOB(TEXT, nodes),
					     JOB(TEXT, partition),
					     JOB(TEXT, gres_total),
					     JOB(LIST, gres_detail_str),
					     JOB(TEXT, tres_alloc_str),
					     JOB(TEXT, tres_req_str),
					     JOB(TEXT, tres_per_job),
					     JOB(TEXT, tres_per_node),
					     JOB(TEXT, tres_per_socket),
					     JOB(TEXT, tres_per_task),
					     { 0 } };

/* What is allocated on a node is kept beside it; see slurm_get_select_nodeinfo(). */
struct node {
	node_info_t info;
	uint16_t used_cpus;
	uint64_t used_mib;
	char *used_tres;
};

#define NODE(form, name)                                                                 \
	{                                                                                \
#name, form, offsetof(struct node, info.name)                            \
	}
static const struct member node_members[] = {
	NODE(TEXT, name),
	NODE(U32, node_state),
	NODE(U16, cpus),
	NODE(U64, real_memory),
	NODE(TEXT, gres),
	NODE(TEXT, gres_used),
	NODE(TEXT, tres_fmt_str),
	NODE(TEXT, reason),
	{ "alloc_cpus", U16, offsetof(struct node, used_cpus) },
	{ "alloc_memory", U64, offsetof(struct node, used_mib) },
	{ "alloc_tres", TEXT, offsetof(struct node, used_tres) },
	{ 0 }
};

static char *copy_text(const char *text, size_t len)
{
	char *copy = strndup(text, len);

	if (!copy)
		abort();
	return copy;
}

static char **copy_list(char *value, uint32_t *count)
{
	char **list = calloc(ROWS_MAX, sizeof(*list));
	char *save = NULL;

	*count = 0;
	for (char *at = strtok_r(value, ";", &save); at && list && *count < ROWS_MAX;
	     at = strtok_r(NULL, ";", &save))
		list[(*count)++] = copy_text(at, strlen(at));
	return list;
}

static void set_member(const struct member *member, void *row, char *value)
{
	void *field = (char *)row + member->offset;
	const unsigned long long n = strtoull(value, NULL, 0);

	if (member->form == TEXT)
		*(char **)field = copy_text(value, strlen(value));
	else if (member->form == LIST)
		*(char ***)field =
			copy_list(value, &((job_info_t *)row)->gres_detail_cnt);
	else if (member->form == U16)
		*(uint16_t *)field = (uint16_t)n;
	else if (member->form == U32)
		*(uint32_t *)field = (uint32_t)n;
	else if (member->form == U64)
		*(uint64_t *)field = n;
	else
		*(time_t *)field = (time_t)n;
}

/* "name=value name=value" */
static void read_row(const struct member *members, void *row, char *words)
{
	char *save = NULL;

	for (char *word = strtok_r(words, " \n", &save); word;
	     word = strtok_r(NULL, " \n", &save)) {
		char *value = strchr(word, '=');
		size_t i = 0;

		if (!value)
			abort();
		*value++ = '\0';
		while (members[i].name && strcmp(members[i].name, word) != 0)
			i++;
		if (!members[i].name) {
			fprintf(stderr, "fatal: no member '%s'\n", word);
			abort();
		}
		set_member(&members[i], row, value);
	}
}

/* The rows of a kind: how many. */
static uint32_t read_rows(const char *kind, const struct member *members, void *rows,
			  size_t size)
{
	const char *path = getenv("STAND_IN_CLUSTER");
	FILE *file = path ? fopen(path, "re") : NULL;
	const size_t len = strlen(kind);
	char line[2048];
	uint32_t count = 0;

	if (!file)
		abort();
	while (fgets(line, sizeof(line), file) && count < ROWS_MAX)
		if (!strncmp(line, kind, len) && line[len] == ' ')
			read_row(members, (char *)rows + count++ * size, line + len);
	fclose(file);
	return count;
}

long slurm_api_version(void)
{
	return SLURM_VERSION_NUMBER;
}

void slurm_init(const char *conf)
{
	(void)conf;
}

int slurm_ping(int index)
{
	(void)index;
	return SLURM_SUCCESS;
}

int slurm_load_jobs(time_t since, job_info_msg_t **out, uint16_t flags)
{
	job_info_msg_t *msg = calloc(1, sizeof(*msg));
	job_info_t *rows = calloc(ROWS_MAX, sizeof(*rows));

	(void)since, (void)flags;
	if (!msg || !rows)
		abort();
	for (size_t i = 0; i < ROWS_MAX; i++) {
		rows[i].array_task_id = NO_VAL;
		rows[i].time_limit = INFINITE;
	}
	msg->record_count = read_rows("job", job_members, rows, sizeof(*rows));
	msg->job_array = rows;
	*out = msg;
	return SLURM_SUCCESS;
}

#ifdef STAND_IN_SELECT
int slurm_get_select_nodeinfo(dynamic_plugin_data_t *info, unsigned int what,
			      unsigned int state, void *out)
{
	const struct node *node = (const struct node *)(void *)info;

	if (state != NODE_STATE_ALLOCATED)
		abort();
	if (what == SELECT_NODEDATA_SUBCNT)
		memcpy(out, &node->used_cpus, sizeof(node->used_cpus));
	else if (what == SELECT_NODEDATA_MEM_ALLOC)
		memcpy(out, &node->used_mib, sizeof(node->used_mib));
	else
		memcpy(out, &node->used_tres, sizeof(node->used_tres));
	return SLURM_SUCCESS;
}
#endif

int slurm_load_node(time_t since, node_info_msg_t **out, uint16_t flags)
{
	static struct node nodes[ROWS_MAX];
	node_info_msg_t *msg = calloc(1, sizeof(*msg));

	(void)since, (void)flags;
	if (!msg)
		abort();
	msg->record_count = read_rows("node", node_members, nodes, sizeof(*nodes));
	msg->node_array = calloc(ROWS_MAX, sizeof(*msg->node_array));
	for (uint32_t i = 0; msg->node_array && i < msg->record_count; i++) {
#ifdef STAND_IN_SELECT
		nodes[i].info.select_nodeinfo =
			(dynamic_plugin_data_t *)(void *)&nodes[i];
#else
		nodes[i].info.cpus_efctv = nodes[i].info.cpus;
		nodes[i].info.alloc_cpus = nodes[i].used_cpus;
		nodes[i].info.alloc_memory = nodes[i].used_mib;
		nodes[i].info.alloc_tres_fmt_str = nodes[i].used_tres;
#endif
		msg->node_array[i] = nodes[i].info;
	}
	*out = msg;
	return SLURM_SUCCESS;
}

int slurm_load_partitions(time_t since, partition_info_msg_t **out, uint16_t flags)
{
	static char name[] = "gpu", names[] = "gpu[1-3],cpu1";
	static partition_info_t gpu = { .name = name,
					.nodes = names,
					.state_up = PARTITION_UP,
					.max_time = INFINITE,
					.total_nodes = 4 };
	partition_info_msg_t *msg = calloc(1, sizeof(*msg));

	(void)since, (void)flags;
	if (!msg)
		abort();
	msg->record_count = 1;
	msg->partition_array = &gpu;
	*out = msg;
	return SLURM_SUCCESS;
}

void slurm_populate_node_partitions(node_info_msg_t *nodes,
				    partition_info_msg_t *partitions)
{
	for (uint32_t i = 0; i < nodes->record_count; i++)
		nodes->node_array[i].partitions = partitions->partition_array[0].name;
}

int slurm_load_reservations(time_t since, reserve_info_msg_t **out)
{
	*out = calloc(1, sizeof(**out));
	(void)since;
	return *out ? SLURM_SUCCESS : -1;
}

void slurm_free_reservation_info_msg(reserve_info_msg_t *msg)
{
	(void)msg;
}

/* No accounting. */
int slurm_load_ctl_conf(time_t since, slurm_conf_t **out)
{
	static slurm_conf_t conf;

	(void)since;
	*out = &conf;
	return SLURM_SUCCESS;
}

#ifdef STAND_IN_SELECT
void slurm_free_ctl_conf(slurm_conf_t *conf)
#else
void slurm_free_conf(slurm_conf_t *conf)
#endif
{
	(void)conf;
}

/* Processes of one question: the memory goes with them. */
void slurm_free_job_info_msg(job_info_msg_t *msg)
{
	(void)msg;
}

void slurm_free_node_info_msg(node_info_msg_t *msg)
{
	(void)msg;
}

void slurm_free_partition_info_msg(partition_info_msg_t *msg)
{
	(void)msg;
}
