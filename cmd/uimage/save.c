/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * uimage save: the container of a step that runs, as an image. A step of ours enters it
 * (--container-name=JOB.STEP:exec) and has pyxis export its files (--container-save) when
 * it ends, which is at once. pyxis 0.24 does so with enroot export, from the folder on
 * the node's disk: a container that is mounted by squashfuse has none.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <ucluster/job.h>
#include <ucluster/node.h>
#include <ucluster/source.h>
#include <ucluster/state.h>
#include <ucluster/step.h>
#include <unistd.h>
#include "common/overlap.h"
#include "uimage/import.h"
#include "uimage/uimage.h"

/* The node has closed the file; a shared file system may show it late. */
#define LOOKS   10
#define LOOK_NS 300000000L

struct save_args {
	bool force, dry_run;
	const char *node;
};

struct save {
	struct uc_run *run;
	struct save_args args;
	struct import im; /* the image that is made */
	uint32_t job_id, step_id;
	struct uc_steps *steps;
	const struct uc_step *step;
	struct uc_buf node, part;
	bool exported; /* pyxis said so */
};

/* clang-format off */
static const struct uc_opt options[] = {
	{ "force", .type = UC_OPT_FLAG, .offset = offsetof(struct save_args, force),
	  .group = "Image", .help = "replace an image of that name, once the new one is whole" },
	{ "nodelist", 'w', UC_OPT_STRING, .metavar = "NODE",
	  .offset = offsetof(struct save_args, node),
	  .help = "of a step on several nodes: whose container; else the first one's" },
	{ "dry-run", .type = UC_OPT_FLAG, .offset = offsetof(struct save_args, dry_run),
	  .group = "Way", .help = "print the srun command, and do nothing" },
	{ 0 }
};
/* clang-format on */

/* --- which container --- */

static int parse_job(struct save *s, const char *text, struct uc_error *err)
{
	const size_t digits = strspn(text, "0123456789");
	const char *dot = text + digits;

	s->step_id = UC_NONE32;
	if (digits == 0 || digits > 9 || (*dot && *dot != '.') ||
	    (*dot == '.' && !uc_step_parse(dot + 1, &s->step_id))) {
		uc_fail(err, UC_USAGE, "'%s' is no job and no step of one", text);
		return uc_hint(err, "as in 4711, the last step of it, or 4711.0");
	}
	s->job_id = (uint32_t)strtoul(text, NULL, 10);
	return 0;
}

static bool has_container(const struct uc_step *step)
{
	size_t len;

	return uc_step_option(step, "container-image", &len) ||
	       uc_step_option(step, "container-name", &len);
}

static void choose_step(struct save *s)
{
	for (size_t i = 0; i < s->steps->count; i++) {
		const struct uc_step *step = &s->steps->row[i];
		const bool own = step->name.bytes &&
				 strcmp(step->name.bytes, UC_OVERLAP_NAME) == 0;

		if (s->step_id != UC_NONE32
			    ? step->step_id == s->step_id
			    : !own && has_container(step) &&
				      (!s->step || step->step_id > s->step->step_id))
			s->step = step;
	}
}

static int find_step(struct save *s, struct uc_source *src, struct uc_error *err)
{
	const struct uc_job_query query = { .job_ids = &s->job_id, .job_count = 1 };
	uc_auto(jobs) struct uc_jobs *jobs = NULL;
	uc_auto(buf) struct uc_buf name = { 0 };

	if (uc_jobs_load(src, &query, &jobs, err) < 0)
		return -1;
	if (jobs->count == 0)
		return uc_fail(err, UC_NOTFOUND, "no job %" PRIu32, s->job_id);
	if ((jobs->row[0].state & UC_JOB_BASE) != UC_JOB_RUNNING) {
		uc_fail(err, UC_NOTFOUND,
			"job %" PRIu32 " does not run: its container is "
			"there only while it does",
			s->job_id);
		return uc_hint(err, "usrun --save keeps the next one's");
	}
	if (jobs->row[0].user_id != getuid() && getuid() != 0)
		return uc_fail(err, UC_DENIED, "job %" PRIu32 " is somebody else's",
			       s->job_id);
	if (uc_steps_load(src, s->job_id, &s->steps, err) < 0)
		return -1;
	choose_step(s);
	if (!s->step && s->step_id != UC_NONE32) {
		uc_buf_step(&name, s->step_id);
		return uc_fail(err, UC_NOTFOUND, "job %" PRIu32 " runs no step %s",
			       s->job_id, uc_buf_text(&name));
	}
	if (!s->step || !has_container(s->step)) {
		uc_fail(err, UC_NOTFOUND,
			"job %" PRIu32 " runs no step that srun started in a container",
			s->job_id);
		return uc_hint(err, "pyxis can enter and save only those");
	}
	return 0;
}

/* The first of the step's nodes, unless one is named. */
static int find_node(struct save *s, struct uc_error *err)
{
	uc_auto(strv) struct uc_strv all = { 0 };

	if (!uc_raw_empty(s->step->nodes))
		uc_hosts_expand(s->step->nodes.bytes, 100000, &all);
	if (all.failed || all.count == 0)
		return uc_fail(err, UC_FAILED, "the step's nodes are not known");
	if (s->args.node && uc_strv_find(&all, s->args.node) < 0)
		return uc_fail(err, UC_NOTFOUND, "the step does not run on '%s'",
			       s->args.node);
	uc_buf_add(&s->node, s->args.node ? s->args.node : all.item[0]);
	if (all.count > 1 && !s->args.node)
		uc_run_say(s->run, 0, "of %zu nodes, the container on '%s' is saved",
			   all.count, uc_buf_text(&s->node));
	return s->node.failed ? uc_fail(err, UC_FAILED, "out of memory") : 0;
}

/* --- srun --- */

static void add_container(const struct save *s, struct uc_strv *argv)
{
	size_t len;
	const char *name = uc_step_option(s->step, "container-name", &len);
	const char *colon = name ? memchr(name, ':', len) : NULL;

	if (name)
		uc_strv_addf(argv, "--container-name=%.*s:exec",
			     (int)(colon ? (size_t)(colon - name) : len), name);
	else
		uc_strv_addf(argv, "--container-name=%" PRIu32 ".%" PRIu32 ":exec",
			     s->job_id, s->step->step_id);
	uc_strv_addf(argv, "--container-save=%s", uc_buf_text(&s->part));
}

static int make_words(struct save *s, struct uc_strv *argv, struct uc_error *err)
{
	/* ":" would begin another component for srun */
	static const char *const nothing[] = { "/bin/sh", "-c", "exit 0", NULL };

	uc_overlap_srun(s->job_id, uc_buf_text(&s->node), argv);
	uc_strv_add(argv, "--chdir=/");
	add_container(s, argv);
	uc_strv_add_all(argv, nothing);
	return argv->failed ? uc_fail(err, UC_FAILED, "out of memory") : 0;
}

static void take_line(void *arg, const char *line)
{
	struct save *s = arg;
	uc_auto(buf) struct uc_buf safe = { 0 };
	const bool exported = strstr(line, "pyxis: exported container");
	const bool error = strstr(line, "error: ") || strstr(line, "fatal: ");

	s->exported |= exported;
	uc_buf_safe(&safe, uc_raw(line), s->run->safe);
	uc_run_say(s->run, error && !exported ? 0 : 1, "%s", uc_buf_text(&safe));
}

static int name_part(struct save *s, struct uc_error *err)
{
	uint32_t number;

	if (getrandom(&number, sizeof(number), 0) != sizeof(number))
		return uc_fail_errno(err, UC_FAILED, errno, "getrandom");
	uc_buf_addf(&s->part, "%s/.%s" IMPORT_PART "%08" PRIx32,
		    uc_buf_text(&s->im.folder), uc_buf_text(&s->im.name), number);
	return s->part.failed ? uc_fail(err, UC_FAILED, "out of memory") : 0;
}

/* srun's status says nothing of the save. */
static int look(struct save *s, struct uc_error *err)
{
	const struct timespec pause = { .tv_nsec = LOOK_NS };
	struct stat st;

	for (int i = 0; s->exported && i < LOOKS; i++) {
		if (stat(uc_buf_text(&s->part), &st) == 0)
			return 0;
		nanosleep(&pause, NULL);
	}
	uc_fail(err, UC_FAILED,
		"pyxis did not save the container of step %" PRIu32 ".%" PRIu32,
		s->job_id, s->step->step_id);
	if (s->exported)
		return uc_hint(err, "it says it did: is '%s' the same folder on '%s'?",
			       uc_buf_text(&s->im.folder), uc_buf_text(&s->node));
	return uc_hint(err, "it says why above; one that is mounted with squashfuse has "
			    "no files to save");
}

static int make_source(struct save *s, struct uc_error *err)
{
	uc_auto(buf) struct uc_buf text = { 0 };
	size_t len;
	const char *image = uc_step_option(s->step, "container-image", &len);

	uc_buf_addf(&text, "container of step %" PRIu32 ".%" PRIu32, s->job_id,
		    s->step->step_id);
	if (image)
		uc_buf_addf(&text, ", from %.*s", (int)len, image);
	s->im.from.uri = uc_buf_take(&text);
	return s->im.from.uri ? 0 : uc_fail(err, UC_FAILED, "out of memory");
}

static int export_it(struct save *s, const struct uc_strv *argv, struct uc_error *err)
{
	uc_auto(strv) struct uc_strv env = { 0 };
	const struct import_origin none = { 0 };
	int status;

	uc_overlap_environment(s->run, &env);
	if (env.failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	uc_run_say(s->run, 0, "saving the container of step %" PRIu32 ".%" PRIu32,
		   s->job_id, s->step->step_id);
	if (enroot_run(&(struct enroot_run){ .run = s->run,
					     .program = "srun",
					     .environment = env.item,
					     .words = argv->item,
					     .line = take_line,
					     .arg = s,
					     .signal = &s->im.signal },
		       &status, err) < 0)
		return -1;
	if (look(s, err) < 0 || make_source(s, err) < 0)
		return -1;
	return import_finish(&s->im, uc_buf_text(&s->part), &none, err);
}

static int show(const struct uc_strv *argv, struct uc_error *err)
{
	uc_auto(buf) struct uc_buf line = { 0 };

	uc_buf_quote_argv(&line, (const char *const *)argv->item,
			  isatty(STDOUT_FILENO) ? UC_QUOTE_VISIBLE : UC_QUOTE_EXACT);
	if (line.failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	puts(uc_buf_text(&line));
	return 0;
}

/* Under the lock that imports to that name take, too. */
static int save_locked(struct save *s, const struct uc_strv *argv, struct uc_error *err)
{
	struct import_lock lock;
	sigset_t set;
	int rc;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	if (import_lock_take(s->run, &s->im.folder, &s->im.name, &lock, err) < 0)
		return -1;
	import_sweep(&s->im);
	rc = import_may_write(&s->im, err);
	if (rc == 0)
		rc = export_it(s, argv, err);
	if (rc < 0)
		import_sweep(&s->im);
	import_lock_drop(&lock);
	return rc;
}

static int work(struct save *s, struct uc_error *err)
{
	const struct uc_strv *words = &s->run->parsed.operands;
	uc_auto(source) struct uc_source *src = NULL;
	uc_auto(strv) struct uc_strv argv = { 0 };

	if (parse_job(s, words->item[0], err) < 0 ||
	    import_target(&s->im, words->item[1], err) < 0 ||
	    import_may_write(&s->im, err) < 0)
		return -1;
	if (uc_run_source(s->run, 0, &src) < 0)
		return -1;
	if (!uc_source_is_live(src))
		return uc_fail(err, UC_DENIED, "a source that is not live saves nothing");
	if (find_step(s, src, err) < 0 || find_node(s, err) < 0 ||
	    name_part(s, err) < 0 || make_words(s, &argv, err) < 0)
		return -1;
	return s->args.dry_run ? show(&argv, err) : save_locked(s, &argv, err);
}

static int run_save(struct uc_run *run, const struct uc_cmd *cmd, int argc, char **argv)
{
	struct save s = { .run = run, .im = { .run = run, .done = "saved" } };
	struct uc_error err = { 0 };
	int status = 0;

	(void)argc;
	if (!uc_run_parse(run, cmd, argv, &s.args) || uc_run_config(run, NULL) < 0)
		return run->status;
	s.im.args.force = s.args.force;
	if (work(&s, &err) < 0)
		status = err.text[0] ? uc_run_error(run, &err) : run->status;
	if (s.im.signal)
		status = 128 + s.im.signal;
	uc_steps_free(s.steps);
	uc_buf_free(&s.node);
	uc_buf_free(&s.part);
	uc_import_source_free(&s.im.from);
	uc_buf_free(&s.im.folder);
	uc_buf_free(&s.im.name);
	uc_buf_free(&s.im.target);
	return status;
}

const struct uc_cmd uimage_cmd_save = {
	.name = "uimage save",
	.summary = "make an image of a container that runs",
	.usage = (const char *const[]){ "[OPTION...] JOB[.STEP] NAME", NULL },
	.options = options,
	.operands = "JOBID NAME",
	.min_operands = 2,
	.max_operands = 2,
	.shared = UC_SHARED_VERBOSE | UC_SHARED_SOURCE,
	.epilog = "usrun --save saves a container when its job ends.",
	.fn = run_save,
};
