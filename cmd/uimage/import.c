/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * uimage import: an image of a registry becomes a file. Downloading, unpacking and
 * packing take CPUs, disk and minutes: a job does it, which is followed here.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <ucluster/batch.h>
#include <ucluster/spec.h>
#include <unistd.h>
#include "common/files.h"
#include "common/stay.h"
#include "uimage/import.h"
#include "uimage/uimage.h"

#define CPUS   "4"
#define MEMORY "16G"

/* clang-format off */
static const struct uc_opt options[] = {
	{ "force", .type = UC_OPT_FLAG, .offset = offsetof(struct import_args, force),
	  .group = "Image", .help = "replace an image of that name, once the new one is whole",
	  .doc = "Replace an image of that name.\nThe old one stays until the new one is "
		 "complete." },
	{ "arch", .type = UC_OPT_STRING, .metavar = "ARCH",
	  .offset = offsetof(struct import_args, arch),
	  .help = "x86_64, aarch64 or ppc64le; else that of the machine that imports" },
	{ "partition", 'p', UC_OPT_STRING, .metavar = "PARTITION",
	  .offset = offsetof(struct import_args, partition), .group = "Job",
	  .help = "partition of the job" },
	{ "account", 'A', UC_OPT_STRING, .metavar = "ACCOUNT",
	  .offset = offsetof(struct import_args, account), .help = "account that is charged" },
	{ "qos", 'q', UC_OPT_STRING, .metavar = "QOS",
	  .offset = offsetof(struct import_args, qos), .help = "quality of service" },
	{ "time", 't', UC_OPT_STRING, .metavar = "TIME",
	  .offset = offsetof(struct import_args, time), .help = "time limit of the job" },
	{ "cpus-per-task", 'c', UC_OPT_STRING, .metavar = "N",
	  .offset = offsetof(struct import_args, cpus), .help = "CPUs; 4 unless told" },
	{ "mem", .type = UC_OPT_STRING, .metavar = "SIZE",
	  .offset = offsetof(struct import_args, memory), .help = "memory; 16G unless told" },
	{ "gpus", 'G', UC_OPT_STRING, .metavar = "N",
	  .offset = offsetof(struct import_args, gpus),
	  .help = "GPUs, where every job must have some; else none" },
	{ "nodelist", 'w', UC_OPT_STRING, .metavar = "NODE",
	  .offset = offsetof(struct import_args, nodelist), .help = "the node to do it on" },
	{ "preset", .type = UC_OPT_STRING, .metavar = "PROFILE",
	  .offset = offsetof(struct import_args, preset),
	  .help = "a profile, for what the job is given" },
	{ "local", .type = UC_OPT_FLAG, .offset = offsetof(struct import_args, local),
	  .group = "Way", .help = "do it on this machine, without a job",
	  .doc = "Do it on this machine and not in a job.\nLogin nodes are everybody's: it "
		 "takes some minutes of all their CPUs." },
	{ "batch", .type = UC_OPT_FLAG, .offset = offsetof(struct import_args, batch),
	  .help = "submit the job and return" },
	{ "parsable", .type = UC_OPT_FLAG, .offset = offsetof(struct import_args, parsable),
	  .help = "with --batch: print the job's number only" },
	{ "dry-run", .type = UC_OPT_FLAG, .offset = offsetof(struct import_args, dry_run),
	  .help = "print the job's script, and do nothing" },
	{ "inside", .type = UC_OPT_FLAG, .flags = UC_OPT_HIDDEN,
	  .offset = offsetof(struct import_args, inside), .help = "this is the job" },
	{ 0 }
};
/* clang-format on */

/* --- the job --- */

static int set(struct uc_spec *spec, const char *name, const char *value,
	       struct uc_error *err)
{
	return value && value[0] ? uc_spec_set(spec, name, value, err) : 0;
}

/*
 * What the command line says, else the configuration: of what other jobs need (CPUs,
 * GPUs, memory, time) only when a profile is named for this one.
 */
static int set_options(struct import *im, struct uc_spec *spec, struct uc_error *err)
{
	const struct import_args *args = &im->args;
	const struct {
		const char *name, *given, *key, *otherwise;
		bool always;
	} rows[] = {
		{ "partition", args->partition, "partition", NULL, true },
		{ "account", args->account, "account", NULL, true },
		{ "qos", args->qos, "qos", NULL, true },
		{ "time", args->time, "time", NULL, false },
		{ "cpus-per-task", args->cpus, "cpus_per_task", CPUS, false },
		{ "mem", args->memory, "mem", MEMORY, false },
		{ "gpus", args->gpus, "gpus", NULL, false },
		{ "nodelist", args->nodelist, NULL, NULL, false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *value = rows[i].given;

		if (!value && rows[i].key && (rows[i].always || args->preset))
			value = uc_config_string(im->run->config, rows[i].key);
		value = value ? value : rows[i].otherwise;
		if (set(spec, rows[i].name, value, err) < 0)
			return -1;
	}
	return uc_spec_set(spec, "ntasks", "1", err);
}

/* Its output is of no use for long: it does not lie in the working directory. */
static int set_output(struct import *im, struct uc_spec *spec, struct uc_error *err)
{
	uc_auto(buf) struct uc_buf path = { 0 };

	uc_run_state_dir(im->run, &path);
	uc_buf_add(&path, "/imports/%j.log");
	if (path.failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	if (path.data[0] != '/' || path.data[strcspn(path.data, "\\\n")] != '\0')
		return uc_spec_set(spec, "output", "uimage-%j.out", err);
	if (!im->args.dry_run)
		uc_keep_folders(path.data);
	return uc_spec_set(spec, "output", uc_buf_text(&path), err);
}

static int set_command(struct import *im, struct uc_spec *spec, struct uc_error *err)
{
	uc_auto(strv) struct uc_strv words = { 0 };

	uc_strv_addf(&words, "%s/uimage", im->run->bin_dir);
	uc_strv_add(&words, "import");
	uc_strv_add(&words, "--local");
	uc_strv_add(&words, "--inside");
	if (im->args.force)
		uc_strv_add(&words, "--force");
	if (im->args.arch)
		uc_strv_addf(&words, "--arch=%s", im->args.arch);
	uc_strv_add(&words, im->from.uri);
	uc_strv_add(&words, uc_buf_text(&im->target));
	if (words.failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	return uc_spec_set_command(spec, (const char *const *)words.item, err);
}

static int make_spec(struct import *im, struct uc_spec *spec, struct uc_error *err)
{
	uc_auto(buf) struct uc_buf name = { 0 };

	uc_buf_addf(&name, "import-%s", uc_buf_text(&im->name));
	uc_spec_set_maker(spec, "uimage import");
	uc_spec_set_runtime(spec, UC_RUNTIME_NONE);
	if (name.failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	if (uc_spec_set(spec, "job-name", uc_buf_text(&name), err) < 0 ||
	    set_options(im, spec, err) < 0 || set_output(im, spec, err) < 0)
		return -1;
	return set_command(im, spec, err);
}

static int show(const struct uc_spec *spec, struct uc_error *err)
{
	uc_auto(buf) struct uc_buf script = { 0 };

	if (uc_spec_script(spec, &script, err) < 0)
		return -1;
	fputs(uc_buf_text(&script), stdout);
	return 0;
}

static int submit(struct import *im, const struct uc_spec *spec, struct uc_error *err)
{
	uc_auto(source) struct uc_source *src = NULL;
	uc_auto(submitted) struct uc_submitted result = { 0 };

	if (uc_run_source(im->run, 0, &src) < 0)
		return -1;
	if (uc_spec_submit(spec, src, im->run->environment,
			   im->run->cwd ? im->run->cwd : "/", &result, err) < 0)
		return -1;
	if (im->args.batch) {
		printf(im->args.parsable ? "%" PRIu32 "\n"
					 : "Submitted batch job %" PRIu32 "\n",
		       result.job_id);
		return 0;
	}
	uc_run_say(im->run, 0, "job %" PRIu32 " imports it", result.job_id);
	return uc_stay(&(struct uc_stay){ .run = im->run,
					  .id = { .job = result.job_id,
						  .task = UC_NONE32,
						  .component = UC_NONE32 },
					  .lines = UC_FOLLOW_ALL,
					  .fresh = true,
					  .output = true,
					  .waiting = true,
					  .ending = true },
		       err);
}

/* Nothing is queued that cannot be done. */
static int import_in_job(struct import *im, struct uc_error *err)
{
	uc_auto(spec) struct uc_spec *spec = NULL;
	uc_auto(buf) struct uc_buf lock = { 0 };
	struct import_owner owner;

	if (uc_spec_new(&spec, err) < 0 || make_spec(im, spec, err) < 0)
		return -1;
	if (im->args.dry_run)
		return show(spec, err);
	uc_buf_addf(&lock, "%s/.%s" IMPORT_LOCK, uc_buf_text(&im->folder),
		    uc_buf_text(&im->name));
	if (!lock.failed && import_lock_is_held(im->run, uc_buf_text(&lock), &owner)) {
		uc_fail(err, UC_DENIED, "'%s' is being imported already, by %s on %s",
			uc_buf_text(&im->name), owner.user, owner.host);
		return owner.job_id > 0
			       ? uc_hint(err, "'uattach %" PRId64 "' shows how far it is",
					 owner.job_id)
			       : -1;
	}
	return submit(im, spec, err);
}

static int check_words(const struct import_args *args, struct uc_error *err)
{
	static const char *const known[] = { "x86_64", "aarch64", "ppc64le", NULL };
	bool found = !args->arch;

	for (const char *const *k = known; *k; k++)
		found |= args->arch && strcmp(args->arch, *k) == 0;
	if (!found)
		return uc_fail(err, UC_USAGE,
			       "--arch '%s': expected x86_64, aarch64 or ppc64le",
			       args->arch);
	if (args->parsable && !args->batch)
		return uc_fail(err, UC_USAGE, "--parsable needs --batch");
	if (args->local && (args->batch || args->dry_run))
		return uc_fail(err, UC_USAGE,
			       "--local has no job: --batch and --dry-run "
			       "do not go with it");
	return 0;
}

static int work(struct import *im, struct uc_error *err)
{
	const struct uc_strv *words = &im->run->parsed.operands;

	if (check_words(&im->args, err) < 0 ||
	    uc_import_source_parse(words->item[0], &im->from, err) < 0 ||
	    import_target(im, words->count > 1 ? words->item[1] : NULL, err) < 0 ||
	    import_may_write(im, err) < 0)
		return -1;
	if (im->args.local)
		return import_here(im, err);
	if (!im->run->bin_dir)
		return uc_fail(err, UC_FAILED, "this program does not know where it is");
	return import_in_job(im, err);
}

static int run_import(struct uc_run *run, const struct uc_cmd *cmd, int argc, char **argv)
{
	struct import im = { .run = run };
	struct uc_error err = { 0 };
	int status = 0;

	(void)argc;
	if (!uc_run_parse(run, cmd, argv, &im.args) ||
	    uc_run_config(run, im.args.preset) < 0)
		return run->status;
	if (work(&im, &err) < 0)
		status = err.text[0] ? uc_run_error(run, &err) : run->status;
	if (im.signal)
		status = 128 + im.signal;
	uc_import_source_free(&im.from);
	uc_buf_free(&im.folder);
	uc_buf_free(&im.name);
	uc_buf_free(&im.target);
	return status;
}

const struct uc_cmd uimage_cmd_import = {
	.name = "uimage import",
	.summary = "make an image of a registry's, in a job",
	.usage = (const char *const[]){ "[OPTION...] SOURCE [NAME]", NULL },
	.options = options,
	.operands = "SOURCE",
	.min_operands = 1,
	.max_operands = 2,
	.shared = UC_SHARED_VERBOSE | UC_SHARED_SOURCE,
	.epilog = "SOURCE: nvcr.io/nvidia/pytorch:24.05-py3, docker://ubuntu:22.04, "
		  "REGISTRY#IMAGE,\ndockerd://IMAGE, podman://IMAGE. NAME: a name, or a "
		  "path.",
	.fn = run_import,
};
