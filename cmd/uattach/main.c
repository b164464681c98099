/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* uattach: what a job prints, and the way into it. */
#include "common/run.h"
#include "uattach/uattach.h"

#define ARG(member) .offset = offsetof(struct uattach_args, member)
// clang-format off
static const struct uc_opt options[] = {
	{ "read-only", .type = UC_OPT_FLAG, ARG(read_only), .group = "Sessions",
	  .help = "look only: nothing typed goes to the session" },
	{ 0 }
};
// clang-format on

static int work(struct uattach *u, struct uc_error *err)
{
	const struct uattach_way *way;

	if (uc_run_source(u->run, 0, &u->src) < 0)
		return -1;
	if (uattach_choose(u, u->run->parsed.operands.item[0], err) < 0)
		return -1;
	way = uattach_way(u, &u->jobs->row[0]);
	if (!way)
		return uc_fail(err, UC_USAGE, "job %u is no batch job",
			       u->jobs->row[0].job_id);
	return way->go(u, &u->jobs->row[0], err);
}

static int run_uattach(struct uc_run *run, const struct uc_cmd *cmd, int argc,
		       char **argv)
{
	struct uattach u = { .run = run };
	struct uc_error err = { 0 };
	int status = 0;

	(void)argc;
	if (!uc_run_parse(run, cmd, argv, &u.args) || uc_run_config(run, NULL) < 0)
		status = run->status;
	else if (work(&u, &err) < 0)
		status = err.text[0] ? uc_run_error(run, &err) : run->status;
	uc_jobs_free(u.jobs);
	uc_source_free(u.src);
	return status;
}

static const struct uc_cmd uattach = {
	.name = "uattach",
	.summary = "follow the output of a job",
	.usage = (const char *const[]){ "JOBID", NULL },
	.options = options,
	.operands = "JOBID",
	.min_operands = 1,
	.max_operands = 1,
	.shared = UC_SHARED_COLOR | UC_SHARED_VERBOSE | UC_SHARED_SOURCE,
	.fn = run_uattach,
};

int main(int argc, char **argv)
{
	return uc_run_main(&uattach, argc, argv);
}
