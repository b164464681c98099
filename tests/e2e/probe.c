/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * Asks a source through the public API and prints plain lines, for the tests of sources:
 *
 *	probe [-t MS] [-s SOURCE] [-c CONF] ping | jobs [-d] [-u UID] [-j ID] ... |
 *		nodes | partitions | submit|estimate SCRIPT [NAME=VALUE ...] |
 *		limits [UID] | record DIR | twice
 *
 * Failures: "CODE: text | hint" on stderr, status CODE.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <ucluster/ucluster.h>

extern char **environ;

struct probe {
	struct uc_source *src;
	struct uc_error err;
	char **args; /* after the command's name */
};

static int report(const struct uc_error *err)
{
	fprintf(stderr, "%d: %s", err->code, err->text);
	if (err->hint[0])
		fprintf(stderr, " | %s", err->hint);
	fputc('\n', stderr);
	return err->code;
}

static void show(const char *name, struct uc_raw raw)
{
	uc_auto(buf) struct uc_buf safe = { 0 };

	uc_buf_safe(&safe, raw, 0);
	printf(" %s=%s", name, uc_buf_text(&safe));
}

static int do_ping(struct probe *p)
{
	if (uc_source_ping(p->src, &p->err) < 0)
		return report(&p->err);
	puts("up");
	return 0;
}

static int do_jobs(struct probe *p)
{
	uint32_t users[32], ids[32];
	struct uc_job_query query = { .user_ids = users, .job_ids = ids };
	uc_auto(jobs) struct uc_jobs *jobs = NULL;

	for (char **arg = p->args; *arg; arg++) {
		if (!strcmp(*arg, "-d"))
			query.detail = true;
		else if (!strcmp(*arg, "-u") && arg[1] && query.user_count < 32)
			users[query.user_count++] = (uint32_t)strtoul(*++arg, NULL, 10);
		else if (!strcmp(*arg, "-j") && arg[1] && query.job_count < 32)
			ids[query.job_count++] = (uint32_t)strtoul(*++arg, NULL, 10);
	}
	if (uc_jobs_load(p->src, &query, &jobs, &p->err) < 0)
		return report(&p->err);
	for (size_t i = 0; i < jobs->count; i++) {
		const struct uc_job *job = &jobs->row[i];

		printf("%u state=%s reason=%s cpus=%u nodes=%u gpus=%u memory=%llu "
		       "limit=%lld array=%u tasks=%u nice=%lld",
		       job->job_id, uc_job_state_name(job->state),
		       uc_reason_name(job->reason), job->cpus, job->node_count, job->gpus,
		       (unsigned long long)job->memory, (long long)job->time_limit,
		       job->array_job_id, job->tasks, (long long)job->nice);
		show("name", job->name);
		show("user", job->user);
		show("partition", job->partition);
		show("types", job->gpu_types);
		show("array_tasks", job->array_tasks);
		show("workdir", job->workdir);
		for (size_t k = 0; k < job->gres_detail.count; k++)
			show("detail", job->gres_detail.item[k]);
		putchar('\n');
	}
	return 0;
}

static int do_nodes(struct probe *p)
{
	uc_auto(nodes) struct uc_nodes *nodes = NULL;

	if (uc_nodes_load(p->src, &nodes, &p->err) < 0)
		return report(&p->err);
	for (size_t i = 0; i < nodes->count; i++) {
		const struct uc_node *node = &nodes->row[i];
		uc_auto(buf) struct uc_buf state = { 0 };

		uc_buf_node_state(&state, node->state);
		printf("%s state=%s cpus=%u/%u gpus=%u/%u", node->name.bytes,
		       uc_buf_text(&state), node->cpus_used, node->cpus, node->gpus_used,
		       node->gpus);
		show("types", node->gpu_types);
		show("indices", node->gpu_indices);
		show("partitions", node->partitions);
		putchar('\n');
	}
	return 0;
}

static int do_partitions(struct probe *p)
{
	uc_auto(partitions) struct uc_partitions *all = NULL;

	if (uc_partitions_load(p->src, &all, &p->err) < 0)
		return report(&p->err);
	for (size_t i = 0; i < all->count; i++)
		printf("%s state=%u nodes=%u limit=%lld default=%d\n",
		       all->row[i].name.bytes, all->row[i].state, all->row[i].total_nodes,
		       (long long)all->row[i].time_limit,
		       (all->row[i].flags & UC_PARTITION_DEFAULT) != 0);
	return 0;
}

static int send_job(struct probe *p, struct uc_estimate *estimate)
{
	uc_auto(submitted) struct uc_submitted result = { 0 };
	struct uc_submit_option options[64];
	struct uc_submission job = { .script = p->args[0] ? p->args[0] : "",
				     .argv = (const char *const[]){ "probe.sh", "x y",
								    NULL },
				     .environment = (const char *const *)environ,
				     .options = options };
	char *here = getcwd(NULL, 0);
	int rc;

	job.workdir = here;
	for (char **arg = p->args; *arg && arg[1] && job.option_count < 64; arg++) {
		char *value = strchr(arg[1], '=');

		if (value)
			*value++ = '\0';
		options[job.option_count++] =
			(struct uc_submit_option){ arg[1], value ? value : "" };
	}
	rc = estimate ? uc_estimate(p->src, &job, estimate, &p->err)
		      : uc_submit(p->src, &job, &result, &p->err);
	free(here);
	if (rc == 0 && estimate)
		return 0;
	if (rc < 0)
		return report(&p->err);
	printf("%u note=%s message=%s\n", result.job_id, result.note ? result.note : "",
	       result.message ? result.message : "");
	return 0;
}

static int do_submit(struct probe *p)
{
	return send_job(p, NULL);
}

static int do_estimate(struct probe *p)
{
	uc_auto(estimate) struct uc_estimate estimate = { 0 };
	int rc = send_job(p, &estimate);

	if (rc == 0)
		printf("in %lld s nodes=%s partition=%s preempted=%zu\n",
		       (long long)(estimate.start - (int64_t)time(NULL)),
		       estimate.nodes ? estimate.nodes : "",
		       estimate.partition ? estimate.partition : "",
		       estimate.preempted_count);
	return rc;
}

static int do_limits(struct probe *p)
{
	uc_auto(limits) struct uc_limits *limits = NULL;
	uint32_t user = p->args[0] ? (uint32_t)strtoul(p->args[0], NULL, 10) : getuid();

	if (uc_limits_load(p->src, user, &limits, &p->err) < 0)
		return report(&p->err);
	for (size_t i = 0; i < limits->count; i++) {
		const struct uc_limit *row = &limits->row[i];

		printf("%s", row->kind == UC_LIMIT_QOS       ? "qos"
			     : row->kind == UC_LIMIT_ACCOUNT ? "account"
							     : "own");
		show("name", row->name);
		show("account", row->account);
		show("allowed", row->qos);
		show("default", row->default_qos);
		show("user", row->tres_user);
		show("used", row->tres_group_used);
		printf(" wall=%lld\n",
		       row->wall_max == UC_NOT_SET ? -1 : (long long)row->wall_max);
	}
	return 0;
}

static int do_record(struct probe *p)
{
	if (!p->args[0] || uc_record_write(p->src, p->args[0], &p->err) < 0)
		return report(&p->err);
	return 0;
}

/* Ask, wait for a line on stdin, ask again: what a dashboard lives through. */
static int do_twice(struct probe *p)
{
	int first = do_ping(p);

	fflush(stdout);
	if (getchar() == EOF)
		return 1;
	p->err = (struct uc_error){ 0 };
	return do_ping(p) ? 1 : first;
}

static const struct {
	const char *name;
	int (*run)(struct probe *p);
} commands[] = {
	{ "ping", do_ping },         { "jobs", do_jobs },
	{ "nodes", do_nodes },       { "partitions", do_partitions },
	{ "submit", do_submit },     { "record", do_record },
	{ "estimate", do_estimate }, { "limits", do_limits },
	{ "twice", do_twice },
};

int main(int argc, char **argv)
{
	struct uc_source_options options = { 0 };
	const char *name = "slurm:";
	struct probe p = { 0 };
	int opt, rc = 2;

	while ((opt = getopt(argc, argv, "+t:s:c:")) > 0) {
		if (opt == 't')
			options.timeout_ms = (int)strtol(optarg, NULL, 10);
		else if (opt == 's')
			name = optarg;
		else if (opt == 'c')
			options.slurm_conf = optarg;
		else
			return 2;
	}
	if (optind == argc)
		return 2;
	if (uc_source_open(name, &options, &p.src, &p.err) < 0)
		return report(&p.err);
	p.args = argv + optind + 1;
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (!strcmp(commands[i].name, argv[optind]))
			rc = commands[i].run(&p);
	uc_source_free(p.src);
	return fflush(stdout) ? 1 : rc;
}
