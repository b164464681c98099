/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* ucluster version: what is installed, and for which Slurm. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucluster/ucluster.h>
#include "common/json.h"
#include "common/run.h"
#include "ucluster/commands.h"

struct args {
	bool json;
};

static const struct uc_opt options[] = {
	{ "json", .type = UC_OPT_FLAG, .offset = offsetof(struct args, json),
	  .group = "Output", .help = "as a JSON object",
	  .doc = "Print a JSON object with\n.Dq version ,\n.Dq bin_dir ,\n"
		 ".Dq libexec_dir ,\n.Dq data_dir\nand\n.Dq slurm_workers ,\n"
		 "the numbers of the libslurm releases that there are workers for." },
	{ 0 }
};

static int by_number(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/* slurm-worker-38: of libslurm.so.38. */
static size_t find_workers(const char *folder, int *number, size_t max)
{
	static const char name[] = "slurm-worker-";
	size_t count = 0;
	DIR *dir = opendir(folder);

	for (struct dirent *entry; dir && count < max && (entry = readdir(dir));)
		if (strncmp(entry->d_name, name, strlen(name)) == 0)
			number[count++] =
				(int)strtol(entry->d_name + strlen(name), NULL, 10);
	if (dir)
		closedir(dir);
	qsort(number, count, sizeof(*number), by_number);
	return count;
}

static void print_json(const struct uc_run *run, const int *number, size_t count,
		       struct uc_buf *out)
{
	struct uc_json json = { .out = out };

	uc_json_open(&json, NULL, '{');
	uc_json_text(&json, "version", uc_raw(uc_version()));
	uc_json_text(&json, "bin_dir", uc_raw(run->bin_dir));
	uc_json_text(&json, "libexec_dir", uc_raw(run->libexec_dir));
	uc_json_text(&json, "data_dir", uc_raw(run->data_dir));
	uc_json_open(&json, "slurm_workers", '[');
	for (size_t i = 0; i < count; i++)
		uc_json_number(&json, NULL, number[i]);
	uc_json_close(&json, ']');
	uc_json_close(&json, '}');
}

static int run_version(struct uc_run *run, const struct uc_cmd *cmd, int argc,
		       char **argv)
{
	uc_auto(buf) struct uc_buf out = { 0 };
	struct args args = { 0 };
	int number[32];
	size_t count;

	(void)argc;
	if (!uc_run_parse(run, cmd, argv, &args))
		return run->status;
	count = find_workers(run->libexec_dir, number, 32);
	if (!args.json) {
		printf("ucluster %s\n", uc_version());
		return UC_OK;
	}
	print_json(run, number, count, &out);
	puts(uc_buf_text(&out));
	return UC_OK;
}

const struct uc_cmd uc_cmd_version = {
	.name = "ucluster version",
	.summary = "print what is installed, and for which Slurm",
	.options = options,
	.shared = UC_SHARED_VERBOSE,
	.fn = run_version,
};
