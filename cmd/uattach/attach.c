/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Input and output of a step, by Slurm's own sattach(1). */
#include <inttypes.h>
#include <ucluster/ending.h>
#include <ucluster/state.h>
#include "uattach/inside.h"
#include "uattach/relay.h"
#include "uattach/uattach.h"

/* The newest that srun started and that is not one of ours; else salloc's. */
static const struct uc_step *choose_step(const struct uattach *u,
					 const struct uc_steps *steps)
{
	const struct uc_step *found = NULL;

	for (size_t i = 0; i < steps->count; i++) {
		const struct uc_step *step = &steps->row[i];
		const bool numbered = uc_step_is_numbered(step->step_id);

		if (u->step != UC_NONE32) {
			if (step->step_id == u->step)
				return step;
			continue;
		}
		if ((step->state & UC_JOB_BASE) != UC_JOB_RUNNING ||
		    (!numbered && step->step_id != UC_STEP_INTERACTIVE) ||
		    uattach_is_own_step(step))
			continue;
		if (!found || (numbered && (!uc_step_is_numbered(found->step_id) ||
					    step->step_id > found->step_id)))
			found = step;
	}
	return found;
}

static int no_step(const struct uattach *u, const struct uc_job *job,
		   struct uc_error *err)
{
	uc_auto(buf) struct uc_buf name = { 0 }, step = { 0 };

	uattach_job_name(&name, job);
	if (u->step != UC_NONE32) {
		uc_buf_step(&step, u->step);
		return uc_fail(err, UC_NOTFOUND, "job %s runs no step %s",
			       uc_buf_text(&name), uc_buf_text(&step));
	}
	uc_fail(err, UC_NOTFOUND, "job %s runs nothing that could be attached to",
		uc_buf_text(&name));
	return uc_hint(err, "'uattach %s --shell' opens a shell in it",
		       uc_buf_text(&name));
}

static bool has_terminal(const struct uc_step *step)
{
	size_t len;

	return step->step_id == UC_STEP_INTERACTIVE || uc_step_option(step, "pty", &len);
}

static int make_words(const struct uattach *u, const struct uc_step *step, bool pty,
		      struct uc_strv *argv, struct uc_error *err)
{
	static const char *const filters[] = { "input", "output", "error" };
	uc_auto(buf) struct uc_buf name = { 0 };

	if (u->args.task >= 0 && step->tasks != UC_NONE32 &&
	    (uint64_t)u->args.task >= step->tasks)
		return uc_fail(err, UC_NOTFOUND,
			       "there is no task %" PRId64 ": the step has %" PRIu32
			       ", counted from 0",
			       u->args.task, step->tasks);
	uc_strv_add(argv, "sattach");
	if (pty)
		uc_strv_add(argv, "--pty");
	else if (u->args.task < 0 && step->tasks > 1 && step->tasks != UC_NONE32)
		uc_strv_add(argv, "--label");
	for (size_t i = 0; u->args.task >= 0 && i < 3; i++)
		uc_strv_addf(argv, "--%s-filter=%" PRId64, filters[i], u->args.task);
	uc_buf_step(&name, step->step_id);
	uc_strv_addf(argv, "%" PRIu32 ".%s", step->job_id, uc_buf_text(&name));
	if (argv->failed || name.failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	return 0;
}

/*
 * With it, as a rule, the job; but Slurm takes seconds for that after a step that was
 * attached to, and who waits for the end of the step does not wait for these.
 */
static int tell_end(struct uattach *u, const struct uc_step *step, int status,
		    struct uc_error *err)
{
	uc_auto(buf) struct uc_buf line = { 0 };

	uc_buf_addf(&line, "step %" PRIu32 ".", step->job_id);
	uc_buf_step(&line, step->step_id);
	uc_buf_add(&line, " ended");
	if (status > 128) {
		uc_buf_add(&line, " by ");
		uc_buf_signal(&line, status - 128);
	} else if (status) {
		uc_buf_addf(&line, " with exit code %d", status);
	}
	uc_run_say(u->run, 0, "%s", uc_buf_text(&line));
	u->run->status = status;
	err->text[0] = '\0';
	return status ? -1 : 0;
}

int uattach_step(struct uattach *u, const struct uc_job *job, struct uc_error *err)
{
	uc_auto(steps) struct uc_steps *steps = NULL;
	uc_auto(strv) struct uc_strv argv = { 0 };
	const struct uc_step *step;
	struct uattach_end end = { 0 };
	bool pty;

	if (uc_steps_load(u->src, job->job_id, &steps, err) < 0)
		return -1;
	step = choose_step(u, steps);
	if (!step)
		return no_step(u, job, err);
	/* a screen is nothing for a file, nor for a filter */
	pty = has_terminal(step) && u->run->stdin_tty && u->run->stdout_tty &&
	      !u->args.json && !u->args.grep;
	if (make_words(u, step, pty, &argv, err) < 0 ||
	    (pty ? uattach_relay_screen(u, &argv, &end, err)
		 : uattach_relay_lines(u, &argv, &end, err)) < 0)
		return -1;
	if (!end.detached)
		return tell_end(u, step, end.status, err);
	uattach_say_detached(u);
	u->run->status = end.status;
	err->text[0] = '\0';
	return end.status ? -1 : 0;
}
