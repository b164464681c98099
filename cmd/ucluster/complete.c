/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * ucluster complete KIND: words for the completion scripts, one a line. Names that a
 * shell would expand or that would need quoting are left out: the words come from other
 * people.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <ucluster/image.h>
#include <ucluster/limits.h>
#include <ucluster/reservation.h>
#include <ucluster/state.h>
#include "ucluster/commands.h"
#include "ucluster/complete.h"
#include "ucluster/templates.h"

enum {
	TIMEOUT_MS = 1500, /* somebody sits at the prompt and waits */
	KEEP = 300,        /* seconds that words of the cluster are fresh */
	KEEP_JOBS = 10,
	KEEP_MOST = 7 * 86400, /* older ones are worth nothing */
};

struct args {
	bool refresh;
};

static const struct uc_opt options[] = {
	{ "refresh", .type = UC_OPT_FLAG, .flags = UC_OPT_HIDDEN,
	  .offset = offsetof(struct args, refresh), .group = "Words",
	  .help = "ask the cluster and keep the answer, print nothing" },
	{ 0 },
};

static void add_wordn(struct uc_buf *out, const char *word, size_t len)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789_.+-/:@%";

	if (!len || word[0] == '-' || strspn(word, plain) < len)
		return;
	uc_buf_addn(out, word, len);
	uc_buf_addc(out, '\n');
}

static void add_word(struct uc_buf *out, struct uc_raw word)
{
	if (!uc_raw_empty(word))
		add_wordn(out, word.bytes, strlen(word.bytes));
}

static int add_partitions(struct uc_source *source, struct uc_buf *out,
			  struct uc_error *err)
{
	uc_auto(partitions) struct uc_partitions *partitions = NULL;

	if (uc_partitions_load(source, &partitions, err) < 0)
		return -1;
	for (size_t i = 0; i < partitions->count; i++)
		add_word(out, partitions->row[i].name);
	return 0;
}

static int add_nodes(struct uc_source *source, struct uc_buf *out, struct uc_error *err)
{
	uc_auto(nodes) struct uc_nodes *nodes = NULL;

	if (uc_nodes_load(source, &nodes, err) < 0)
		return -1;
	for (size_t i = 0; i < nodes->count; i++)
		add_word(out, nodes->row[i].name);
	return 0;
}

static int add_reservations(struct uc_source *source, struct uc_buf *out,
			    struct uc_error *err)
{
	uc_auto(reservations) struct uc_reservations *all = NULL;

	if (uc_reservations_load(source, &all, err) < 0)
		return -1;
	for (size_t i = 0; i < all->count; i++)
		add_word(out, all->row[i].name);
	return 0;
}

/* Own ones: nobody types another's id by hand. */
static int add_jobs(struct uc_source *source, struct uc_buf *out, struct uc_error *err)
{
	uc_auto(jobs) struct uc_jobs *jobs = NULL;
	const uint32_t me = getuid();
	const struct uc_job_query query = { .user_ids = &me, .user_count = 1 };
	uint32_t array = 0;

	if (uc_jobs_load(source, &query, &jobs, err) < 0)
		return -1;
	for (size_t i = 0; i < jobs->count; i++) {
		const struct uc_job *job = &jobs->row[i];

		if (job->user_id != me || uc_job_is_finished(job->state))
			continue;
		if (!job->array_job_id) {
			uc_buf_addf(out, "%u\n", job->job_id);
			continue;
		}
		if (job->array_job_id != array)
			uc_buf_addf(out, "%u\n", job->array_job_id);
		array = job->array_job_id;
		if (job->array_task_id != UC_NONE32)
			uc_buf_addf(out, "%u_%u\n", array, job->array_task_id);
	}
	return 0;
}

static int add_limits(struct uc_source *source, struct uc_buf *out, bool accounts,
		      struct uc_error *err)
{
	uc_auto(limits) struct uc_limits *limits = NULL;

	if (uc_limits_load(source, getuid(), &limits, err) < 0)
		return -1;
	for (size_t i = 0; i < limits->count; i++) {
		const struct uc_limit *row = &limits->row[i];

		if (accounts && row->kind == UC_LIMIT_ASSOCIATION)
			add_word(out, row->account);
		if (!accounts && row->kind == UC_LIMIT_QOS)
			add_word(out, row->name);
	}
	return 0;
}

static int add_accounts(struct uc_source *source, struct uc_buf *out,
			struct uc_error *err)
{
	return add_limits(source, out, true, err);
}

static int add_qoses(struct uc_source *source, struct uc_buf *out, struct uc_error *err)
{
	return add_limits(source, out, false, err);
}

static void add_profiles(const struct uc_run *run, struct uc_buf *out)
{
	const char *const *names = uc_config_profiles(run->config);

	for (size_t i = 0; names[i]; i++)
		add_word(out, uc_raw(names[i]));
}

/* Names in a folder that end in `suffix`, without it; one that is gone has none. */
static void add_folder(struct uc_buf *out, const char *path, const char *suffix)
{
	const size_t tail = strlen(suffix);
	DIR *dir = opendir(path);
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		size_t len = strlen(entry->d_name);

		if (entry->d_name[0] != '.' && len > tail &&
		    strcmp(entry->d_name + len - tail, suffix) == 0)
			add_wordn(out, entry->d_name, len - tail);
	}
	if (dir)
		closedir(dir);
}

/* Short names of the images in the configured directories. */
static void add_images(const struct uc_run *run, struct uc_buf *out)
{
	const char *const *dirs = uc_config_list(run->config, "image_dirs");

	for (size_t i = 0; dirs[i]; i++) {
		uc_auto(buf) struct uc_buf path = { 0 };
		const bool home = dirs[i][0] == '~';

		if (home && !run->home)
			continue;
		uc_buf_addf(&path, "%s%s", home ? run->home : "", dirs[i] + home);
		add_folder(out, uc_buf_text(&path), ".sqsh");
	}
}

/* Paths of all templates. */
static int find_templates(const struct uc_run *run, struct uc_strv *paths)
{
	uc_auto(strv) struct uc_strv folders = { 0 };

	if (template_folders(run, &folders, NULL) < 0)
		return -1;
	return uc_template_list((const char *const *)folders.item, paths, NULL);
}

static void add_templates(const struct uc_run *run, struct uc_buf *out)
{
	uc_auto(strv) struct uc_strv paths = { 0 };

	if (find_templates(run, &paths) < 0)
		return;
	for (size_t i = 0; i < paths.count; i++)
		add_word(out, uc_raw(strrchr(paths.item[i], '/') + 1));
}

static void add_shells(const struct uc_run *run, struct uc_buf *out)
{
	(void)run;
	uc_buf_add(out, "bash\nzsh\nfish\n");
}

/* "gpus=" of each key that a template has, whichever is meant. */
static void add_template_keys(const struct uc_run *run, struct uc_buf *out)
{
	uc_auto(strv) struct uc_strv paths = { 0 }, names = { 0 };

	if (find_templates(run, &paths) < 0)
		return;
	for (size_t i = 0; i < paths.count; i++) {
		uc_auto(template) struct uc_template *t = NULL;
		uc_auto(errors) struct uc_errors faults = { 0 };
		const struct uc_template_key *key;
		size_t count = 0;

		if (uc_template_load(paths.item[i], &t, &faults) < 0)
			continue;
		key = uc_template_keys(t, &count);
		for (; count > 0; count--, key++) {
			if (names.count && uc_strv_find(&names, key->name) >= 0)
				continue;
			uc_strv_add(&names, key->name);
			uc_buf_addf(out, "%s=\n", key->name);
		}
	}
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Of the images that were read already: nobody at a prompt waits for more. */
static void collect_packages(const struct uc_image_files *files,
			     const struct uc_image_reader *reader, struct uc_strv *names)
{
	for (size_t i = 0; i < files->count; i++) {
		uc_auto(image) struct uc_image *image = NULL;
		struct uc_error err = { 0 };

		if (uc_image_packages(reader, &files->row[i], &image, &err) < 0)
			continue;
		for (size_t k = 0; k < image->package_count; k++)
			if (image->packages[k].kind != UC_PACKAGE_DPKG)
				uc_strv_add(names, image->packages[k].name.bytes);
	}
}

static void add_packages(const struct uc_run *run, struct uc_buf *out)
{
	const char *list_name = uc_config_string(run->config, "image_packages");
	const char *const *named = uc_config_list(run->config, "image_dirs");
	uc_auto(image_files) struct uc_image_files *files = NULL;
	uc_auto(strv) struct uc_strv dirs = { 0 }, names = { 0 };
	uc_auto(buf) struct uc_buf state = { 0 };
	struct uc_image_reader reader = { 0 };
	struct uc_error err = { 0 };

	for (; *named; named++)
		if ((*named)[0] != '~' || run->home)
			uc_strv_addf(&dirs, "%s%s", (*named)[0] == '~' ? run->home : "",
				     *named + ((*named)[0] == '~'));
	uc_run_state_dir(run, &state);
	if (!dirs.count || dirs.failed || !state.len ||
	    uc_image_files_find((const char *const *)dirs.item, list_name, &files, &err) <
		    0)
		return;
	reader.state_dir = uc_buf_text(&state);
	collect_packages(files, &reader, &names);
	if (names.count)
		qsort(names.item, names.count, sizeof(*names.item), by_text);
	for (size_t i = 0; i < names.count; i++)
		if (i == 0 || strcmp(names.item[i], names.item[i - 1]) != 0)
			add_word(out, uc_raw(names.item[i]));
}

/* Either function answers: ask the cluster, or look at the configuration. */
static const struct kind {
	const char *name;
	int (*ask)(struct uc_source *source, struct uc_buf *out, struct uc_error *err);
	void (*look)(const struct uc_run *run, struct uc_buf *out);
	int64_t keep; /* seconds */
} kinds[] = {
	{ "PARTITION", add_partitions, NULL, KEEP },
	{ "NODE", add_nodes, NULL, KEEP },
	{ "JOBID", add_jobs, NULL, KEEP_JOBS },
	{ "ACCOUNT", add_accounts, NULL, KEEP },
	{ "QOS", add_qoses, NULL, KEEP },
	{ "RESERVATION", add_reservations, NULL, KEEP },
	{ "PROFILE", NULL, add_profiles, 0 },
	{ "IMAGE", NULL, add_images, 0 },
	{ "TEMPLATE", NULL, add_templates, 0 },
	{ "SHELL", NULL, add_shells, 0 },
	{ "PACKAGE", NULL, add_packages, 0 },
	{ "KEY=VALUE", NULL, add_template_keys, 0 },
};

static int ask(struct uc_run *run, const struct kind *kind, struct uc_buf *words)
{
	uc_auto(source) struct uc_source *source = NULL;
	struct uc_error err = { 0 };

	if (uc_run_source(run, TIMEOUT_MS, &source) < 0)
		return -1;
	if (kind->ask(source, words, &err) < 0) {
		uc_run_error(run, &err);
		return -1;
	}
	complete_cache_put(run, kind->name, words);
	return 0;
}

/*
 * Words that are old are printed at once and asked for again behind; only a first time
 * waits. Job ids change fast: old ones only where slurmctld does not answer.
 */
static int print_words(struct uc_run *run, const struct kind *kind)
{
	uc_auto(buf) struct uc_buf kept = { 0 }, words = { 0 };
	int64_t age = 0;
	bool known;

	if (kind->look) {
		kind->look(run, &words);
		fputs(uc_buf_text(&words), stdout);
		return 0;
	}
	known = complete_cache_get(run, kind->name, &kept, &age) && age < KEEP_MOST;
	if (known && (age < kind->keep || kind->keep == KEEP)) {
		fputs(uc_buf_text(&kept), stdout);
		if (age >= kind->keep)
			complete_cache_refresh(run, kind->name);
		return 0;
	}
	if (ask(run, kind, &words) == 0)
		fputs(uc_buf_text(&words), stdout);
	else if (known)
		fputs(uc_buf_text(&kept), stdout);
	else
		return run->status;
	return 0;
}

static int refresh(struct uc_run *run, const struct kind *kind)
{
	uc_auto(buf) struct uc_buf words = { 0 };

	if (!kind->ask || !complete_cache_lock(run, kind->name))
		return 0;
	return ask(run, kind, &words) < 0 ? run->status : 0;
}

static int run_complete(struct uc_run *run, const struct uc_cmd *cmd, int argc,
			char **argv)
{
	struct args args = { 0 };
	struct uc_error err = { 0 };
	const char *name;

	(void)argc;
	if (!uc_run_parse(run, cmd, argv, &args) || uc_run_config(run, NULL) < 0)
		return run->status;
	name = run->parsed.operands.item[0];
	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++)
		if (strcmp(kinds[k].name, name) == 0)
			return args.refresh ? refresh(run, &kinds[k])
					    : print_words(run, &kinds[k]);
	uc_fail(&err, UC_USAGE, "'%s' is no kind of word that can be completed", name);
	return uc_run_error(run, &err);
}

const struct uc_cmd uc_cmd_complete = {
	.name = "ucluster complete",
	.summary = "print words for the shells' completion",
	.options = options,
	.operands = "KIND",
	.min_operands = 1,
	.max_operands = 1,
	.shared = UC_SHARED_SOURCE | UC_SHARED_VERBOSE,
	.hidden = true,
	.fn = run_complete,
};
