/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * --shell: a step beside the job's own. pyxis enters the container of another step by
 * itself (--container-name=JOB.STEP:exec); everywhere else the helper on the node enters
 * the namespaces of a process of the job, with its environment and in its directory.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "uattach/inside.h"

/* What an image has: bash, or sh. */
static const char *const any_shell[] = {
	"/bin/sh", "-c", "command -v bash >/dev/null 2>&1 && exec bash; exec sh", NULL
};

/* The container of the step by pyxis's rules: by its own name, or by its step's. */
static bool add_pyxis(const struct uattach_place *place, struct uc_strv *argv)
{
	const struct uc_step *step = place->step;
	size_t len, flag;
	const char *name, *dir;

	if (!step)
		return false;
	name = uc_step_option(step, "container-name", &len);
	if (!name && !uc_step_option(step, "container-image", &flag))
		return false;
	if (name) {
		const char *colon = memchr(name, ':', len);

		len = colon ? (size_t)(colon - name) : len;
		uc_strv_addf(argv, "--container-name=%.*s:exec", (int)len, name);
	} else {
		uc_strv_addf(argv, "--container-name=%" PRIu32 ".%" PRIu32 ":exec",
			     step->job_id, step->step_id);
	}
	dir = uc_step_option(step, "container-workdir", &len);
	if (dir && len > 0 && dir[0] == '/')
		uc_strv_addf(argv, "--container-workdir=%.*s", (int)len, dir);
	return true;
}

static int become(const struct uattach *u, const struct uc_strv *argv,
		  struct uc_error *err)
{
	uc_auto(strv) struct uc_strv env = { 0 };

	uc_overlap_environment(u->run, &env);
	if (env.failed || argv->failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	fflush(NULL);
	execvpe(argv->item[0], argv->item, env.item);
	return uc_fail_errno(err, UC_UNREACHABLE, errno, "cannot run '%s'",
			     argv->item[0]);
}

/* By the helper; without it, beside the job on its node. */
static int add_helper(struct uattach *u, const struct uattach_place *place,
		      struct uc_strv *argv, struct uc_error *err)
{
	uc_auto(buf) struct uc_buf step = { 0 };

	/* for what is not beside a process of the job */
	uc_strv_addf(argv, "--chdir=%s",
		     uc_raw_empty(u->job->workdir) ? "/" : u->job->workdir.bytes);
	if (uattach_helper(u, place, argv, err) < 0)
		return -1;
	uc_strv_add(argv, "enter");
	if (u->args.host)
		uc_strv_add(argv, "--host");
	if (u->args.task >= 0)
		uc_strv_addf(argv, "--task=%" PRId64, u->args.task);
	uc_strv_addf(argv, "%" PRIu32, u->job->job_id);
	uc_buf_step(&step, place->step ? place->step->step_id : UC_STEP_BATCH);
	uc_strv_add(argv, uc_buf_text(&step));
	uc_strv_add_all(argv, u->command);
	return 0;
}

int uattach_shell(struct uattach *u, struct uc_error *err)
{
	struct uattach_place place = { 0 };
	uc_auto(strv) struct uc_strv argv = { 0 };
	int rc = uattach_place(u, &place, err);

	if (rc == 0) {
		uattach_srun(u, &place, &argv);
		if (u->run->stdin_tty && u->run->stdout_tty)
			uc_strv_add(&argv, "--pty");
		if (!u->args.host && add_pyxis(&place, &argv))
			uc_strv_add_all(&argv, u->command[0] ? u->command : any_shell);
		else
			rc = add_helper(u, &place, &argv, err);
	}
	if (rc == 0)
		rc = become(u, &argv, err);
	uattach_place_free(&place);
	return rc;
}
