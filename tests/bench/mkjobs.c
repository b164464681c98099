/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * mkjobs COUNT: submits COUNT held jobs, which differ in name, size and length of their
 * paths, through the public API; prints the id of the last one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <ucluster/ucluster.h>

static int submit(struct uc_source *src, unsigned number, uint32_t *id,
		  struct uc_error *err)
{
	static const char *const names[] = { "train",   "finetune-llm", "eval",
					     "größe-µ", "a b c",        "preprocess" };
	char name[64], gpus[16], comment[80];
	const struct uc_submit_option options[] = {
		{ "hold", "" },         { "job-name", name },      { "gpus", gpus },
		{ "time", "8:00:00" },  { "mem", "1G" },           { "partition", "gpu" },
		{ "comment", comment }, { "output", "/dev/null" },
	};
	const struct uc_submission job = {
		.script = "#!/bin/sh\ntrue\n",
		.argv = (const char *const[]){ "/home/somebody/projects/2026/run.sh",
					       NULL },
		.environment = (const char *const[]){ "PATH=/usr/bin:/bin", NULL },
		.workdir = "/tmp",
		.options = options,
		.option_count = sizeof(options) / sizeof(options[0]),
	};
	uc_auto(submitted) struct uc_submitted done = { 0 };

	snprintf(name, sizeof(name), "%s-%u", names[number % 6], number);
	snprintf(gpus, sizeof(gpus), "%u", 1 + number % 8);
	snprintf(comment, sizeof(comment), "%.*s", (int)(1 + number % 60),
		 "------------------------------------------------------------");
	if (uc_submit(src, &job, &done, err) < 0)
		return -1;
	*id = done.job_id;
	return 0;
}

int main(int argc, char **argv)
{
	uc_auto(source) struct uc_source *src = NULL;
	unsigned count = argc > 1 ? (unsigned)atoi(argv[1]) : 0;
	struct uc_error err = { 0 };
	uint32_t id = 0;

	if (uc_source_open("slurm:", NULL, &src, &err) < 0)
		goto failed;
	for (unsigned i = 0; i < count; i++)
		if (submit(src, i, &id, &err) < 0)
			goto failed;
	printf("%u\n", id);
	return 0;
failed:
	fprintf(stderr, "mkjobs: %s\n", err.text);
	return 1;
}
