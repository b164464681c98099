/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * mkjobs FROM TO UID...: submits jobs number FROM to TO - 1 through the public API as one
 * of these users; root only. One in a hundred is an array that has not started, one in
 * ten needs a CPU only, some are held or wait for another; names and paths differ.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <ucluster/ucluster.h>
#include <unistd.h>

#define OPTIONS 12

struct batch {
	unsigned from, to, users;
	char **uids;
	uint32_t last_id;
};

static unsigned mixed(unsigned number)
{
	number = number * 2654435761u ^ 0x5bd1e995u;
	return (number ^ number >> 15) * 0x2c1b3c6du >> 8;
}

/* The last user has a sixth of all jobs. */
static unsigned owner(const struct batch *batch, unsigned number)
{
	unsigned mix = mixed(number);

	return mix % 6 ? mix / 6 % batch->users : batch->users - 1;
}

struct text {
	char name[64], gpus[16], comment[80], output[128], depends[32], array[24];
};

static size_t choose(const struct batch *batch, unsigned number, struct text *text,
		     struct uc_submit_option *options)
{
	static const char *const names[] = { "train",   "finetune-llm", "eval",
					     "größe-µ", "a b c",        "preprocess" };
	unsigned mix = mixed(number + 77777);
	size_t n = 0;

	snprintf(text->name, sizeof(text->name), "%s-%u", names[mix % 6], number);
	snprintf(text->comment, sizeof(text->comment), "wandb=%08x", mix);
	snprintf(text->output, sizeof(text->output),
		 "/home/user%u/runs/%s/logs/%%x-%%j.out", owner(batch, number),
		 text->name);
	options[n++] = (struct uc_submit_option){ "job-name", text->name };
	options[n++] = (struct uc_submit_option){ "comment", text->comment };
	options[n++] = (struct uc_submit_option){ "output", text->output };
	options[n++] =
		(struct uc_submit_option){ "time", number % 3 ? "8:00:00" : "3-0" };
	options[n++] = (struct uc_submit_option){ "mem", "1G" };
	if (number % 10 == 0) {
		options[n++] = (struct uc_submit_option){ "partition", "cpu" };
		return n;
	}
	snprintf(text->gpus, sizeof(text->gpus), number % 2 ? "a100:%u" : "%u",
		 1u << mix / 8 % 4);
	options[n++] = (struct uc_submit_option){ "gpus-per-node", text->gpus };
	options[n++] = (struct uc_submit_option){ "partition",
						  number % 20 == 1 ? "long,gpu" : "gpu" };
	if (number % 100 == 99) {
		snprintf(text->array, sizeof(text->array), "0-%u%%4", 9 + mix % 100);
		options[n++] = (struct uc_submit_option){ "array", text->array };
	} else if (number % 12 == 3) {
		options[n++] = (struct uc_submit_option){ "hold", "" };
	} else if (number % 12 == 4 && batch->last_id) {
		snprintf(text->depends, sizeof(text->depends), "afterany:%u",
			 batch->last_id);
		options[n++] = (struct uc_submit_option){ "dependency", text->depends };
	}
	return n;
}

static int submit(struct uc_source *src, struct batch *batch, unsigned number,
		  struct uc_error *err)
{
	struct uc_submit_option options[OPTIONS];
	struct text text;
	const struct uc_submission job = {
		.script = "#!/bin/sh\ntrue\n",
		.argv = (const char *const[]){ "/home/somebody/projects/2026/run.sh",
					       NULL },
		.environment = (const char *const[]){ "PATH=/usr/bin:/bin", NULL },
		.workdir = "/tmp",
		.options = options,
		.option_count = choose(batch, number, &text, options),
	};
	uc_auto(submitted) struct uc_submitted done = { 0 };

	if (uc_submit(src, &job, &done, err) < 0)
		return -1;
	batch->last_id = done.job_id;
	return 0;
}

/* All jobs of one user, in a process of his own. */
static int submit_all(struct batch *batch, unsigned user)
{
	uc_auto(source) struct uc_source *src = NULL;
	const struct uc_source_options options = { .timeout_ms = 120000 };
	struct uc_error err = { 0 };
	unsigned uid = (unsigned)atoi(batch->uids[user]);

	if (setresgid(uid, uid, uid) < 0 || setresuid(uid, uid, uid) < 0) {
		perror("mkjobs");
		return 1;
	}
	if (uc_source_open("slurm:", &options, &src, &err) < 0)
		goto failed;
	for (unsigned i = batch->from; i < batch->to; i++)
		if (owner(batch, i) == user && submit(src, batch, i, &err) < 0)
			goto failed;
	return 0;
failed:
	fprintf(stderr, "mkjobs: %s\n", err.text);
	return 1;
}

int main(int argc, char **argv)
{
	struct batch batch = { 0 };
	int failed = 0, status;

	if (argc < 4)
		return 2;
	batch.from = (unsigned)atoi(argv[1]);
	batch.to = (unsigned)atoi(argv[2]);
	batch.uids = argv + 3;
	batch.users = (unsigned)argc - 3;
	for (unsigned user = 0; user < batch.users; user++) {
		if (user >= 4 && wait(&status) > 0)
			failed |= status;
		if (fork() == 0)
			_exit(submit_all(&batch, user));
	}
	while (wait(&status) > 0)
		failed |= status;
	return failed ? 1 : 0;
}
