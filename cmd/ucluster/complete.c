/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * ucluster complete KIND: words for the completion scripts, one a line. Names that a
 * shell would expand or that would need quoting are left out: the words come from other
 * people.
 */
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "common/run.h"
#include "ucluster/commands.h"

/* Somebody sits at the prompt and waits. */
enum {
	TIMEOUT_MS = 2000
};

static void put_word(const char *word, size_t len)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789_.+-/:@%";

	if (len && word[0] != '-' && strspn(word, plain) >= len)
		printf("%.*s\n", (int)len, word);
}

static int put_partitions(struct uc_source *source, struct uc_error *err)
{
	uc_auto(partitions) struct uc_partitions *partitions = NULL;

	if (uc_partitions_load(source, &partitions, err) < 0)
		return -1;
	for (size_t i = 0; i < partitions->count; i++) {
		const struct uc_raw name = partitions->row[i].name;

		if (!uc_raw_empty(name))
			put_word(name.bytes, strlen(name.bytes));
	}
	return 0;
}

static int put_nodes(struct uc_source *source, struct uc_error *err)
{
	uc_auto(nodes) struct uc_nodes *nodes = NULL;

	if (uc_nodes_load(source, &nodes, err) < 0)
		return -1;
	for (size_t i = 0; i < nodes->count; i++) {
		const struct uc_raw name = nodes->row[i].name;

		if (!uc_raw_empty(name))
			put_word(name.bytes, strlen(name.bytes));
	}
	return 0;
}

static int put_jobs(struct uc_source *source, struct uc_error *err)
{
	uc_auto(jobs) struct uc_jobs *jobs = NULL;
	const uint32_t me = getuid();
	const struct uc_job_query query = { .user_ids = &me, .user_count = 1 };

	if (uc_jobs_load(source, &query, &jobs, err) < 0)
		return -1;
	for (size_t i = 0; i < jobs->count; i++)
		if (jobs->row[i].user_id == me)
			printf("%u\n", jobs->row[i].job_id);
	return 0;
}

static void put_profiles(const struct uc_run *run)
{
	const char *const *names = uc_config_profiles(run->config);

	for (size_t i = 0; names[i]; i++)
		put_word(names[i], strlen(names[i]));
}

/* Short names of the images in the configured directories; one that is gone has none. */
static void put_images(const struct uc_run *run)
{
	const char *const *dirs = uc_config_list(run->config, "image_dirs");

	for (size_t i = 0; dirs[i]; i++) {
		DIR *dir = opendir(dirs[i]);
		struct dirent *entry;

		while (dir && (entry = readdir(dir))) {
			size_t len = strlen(entry->d_name);

			if (len > 5 && strcmp(entry->d_name + len - 5, ".sqsh") == 0)
				put_word(entry->d_name, len - 5);
		}
		if (dir)
			closedir(dir);
	}
}

/* Either function answers: ask the cluster, or look at the configuration. */
static const struct {
	const char *kind;
	int (*ask)(struct uc_source *source, struct uc_error *err);
	void (*look)(const struct uc_run *run);
} kinds[] = {
	{ "PARTITION", put_partitions, NULL }, { "NODE", put_nodes, NULL },
	{ "JOBID", put_jobs, NULL },           { "PROFILE", NULL, put_profiles },
	{ "IMAGE", NULL, put_images },
};

static int put_kind(struct uc_run *run, size_t k)
{
	uc_auto(source) struct uc_source *source = NULL;
	struct uc_error err = { 0 };

	if (uc_run_config(run, NULL) < 0)
		return run->status;
	if (kinds[k].look) {
		kinds[k].look(run);
		return 0;
	}
	if (uc_run_source(run, TIMEOUT_MS, &source) < 0)
		return run->status;
	return kinds[k].ask(source, &err) < 0 ? uc_run_error(run, &err) : 0;
}

static int run_complete(struct uc_run *run, const struct uc_cmd *cmd, int argc,
			char **argv)
{
	struct uc_error err = { 0 };
	const char *kind;

	(void)argc;
	if (!uc_run_parse(run, cmd, argv, NULL))
		return run->status;
	kind = run->parsed.operands.item[0];
	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++)
		if (strcmp(kinds[k].kind, kind) == 0)
			return put_kind(run, k);
	uc_fail(&err, UC_USAGE, "'%s' is no kind of word that can be completed", kind);
	return uc_run_error(run, &err);
}

const struct uc_cmd uc_cmd_complete = {
	.name = "ucluster complete",
	.summary = "print words for the shells' completion",
	.operands = "KIND",
	.min_operands = 1,
	.max_operands = 1,
	.shared = UC_SHARED_SOURCE,
	.hidden = true,
	.fn = run_complete,
};
