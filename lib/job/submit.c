/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "job/spec.h"

#include <stdlib.h>
#include <string.h>

static bool begins(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

/*
 * In a job, what describes that job must not reach the new one: srun inside would take
 * SLURM_NTASKS for its own.
 */
static void drop_outer_job(struct uc_strv *env)
{
	bool inside = uc_env_value((const char *const *)env->item, "SLURM_JOB_ID");
	size_t kept = 0;

	for (size_t i = 0; i < env->count; i++) {
		char *entry = env->item[i];

		if (inside && !begins(entry, "SLURM_CONF") &&
		    (begins(entry, "SLURM_") || begins(entry, "SLURMD_")))
			free(entry);
		else
			env->item[kept++] = entry;
	}
	env->count = kept;
	if (env->item)
		env->item[kept] = NULL;
}

/* The job's options for the controller. Returns the number, 0 to count + 1. */
static size_t list_options(const struct uc_spec *spec, const char *name,
			   struct uc_submit_option *out)
{
	size_t n = 0;

	if (!uc_spec_get(spec, "job-name"))
		out[n++] = (struct uc_submit_option){ "job-name", name };
	for (size_t i = 0; i < spec->count; i++) {
		const struct uc_setting_of *s = &spec->settings[i];

		/* waiting is the program's part */
		if (s->option && (s->option->scope & UC_SCOPE_SBATCH) &&
		    !uc_spec_is_overridden(spec, i) &&
		    strcmp(uc_option_name(s->option), "wait") != 0)
			out[n++] = (struct uc_submit_option){ uc_option_name(s->option),
							      s->value ? s->value : "" };
	}
	return n;
}

/* Is it one of the job's own variables, which --export does not take away? */
static bool is_own(const struct uc_spec *spec, const char *variable)
{
	return uc_env_has(&spec->env, variable) ||
	       uc_env_has(&spec->hidden_env, variable) ||
	       uc_env_has(&spec->soft_env, variable) ||
	       uc_secrets_find(spec->secrets, variable);
}

/* What the job's variables are, and what else the caller has; both borrow. */
struct variables {
	const char **own, **others;
};

static int sort_variables(const struct uc_spec *spec, const struct uc_strv *env,
			  struct variables *v, struct uc_error *err)
{
	const char **all =
		uc_secrets_vector(spec->secrets, (const char *const *)env->item, err);
	size_t count = 0, own = 0, others = 0;

	if (!all)
		return -1;
	while (all[count])
		count++;
	v->own = calloc(count + 1, sizeof(*v->own));
	v->others = all;
	if (!v->own)
		return uc_fail(err, UC_FAILED, "out of memory");
	for (size_t i = 0; i < count; i++)
		if (is_own(spec, all[i]))
			v->own[own++] = all[i];
		else
			v->others[others++] = all[i];
	v->others[others] = NULL;
	return 0;
}

static int submit(const struct uc_spec *spec, struct uc_source *src,
		  struct uc_submission *job, struct uc_submitted *result,
		  struct uc_error *err)
{
	uc_auto(buf) struct uc_buf script = { 0 };
	uc_auto(buf) struct uc_buf name = { 0 };
	struct uc_submit_option *options;
	int rc;

	if (uc_spec_script(spec, &script, err) < 0)
		return -1;
	uc_spec_job_name(spec, &name);
	options = calloc(spec->count + 1, sizeof(*options));
	if (!options || name.failed) {
		free(options);
		return uc_fail(err, UC_FAILED, "out of memory");
	}
	job->script = uc_buf_text(&script);
	job->options = options;
	job->option_count = list_options(spec, uc_buf_text(&name), options);
	rc = uc_submit(src, job, result, err);
	free(options);
	return rc;
}

int uc_spec_submit(const struct uc_spec *spec, struct uc_source *src,
		   const char *const *environment, const char *workdir,
		   struct uc_submitted *result, struct uc_error *err)
{
	uc_auto(strv) struct uc_strv env = { 0 };
	uc_auto(strv) struct uc_strv argv = { 0 };
	struct variables v = { 0 };
	int rc = -1;

	if (uc_spec_environment(spec, environment, &env, err) < 0)
		return -1;
	if (spec->session.count > 0) {
		uc_strv_add(&argv, UC_SPEC_SESSION);
		uc_strv_add(&argv, spec->session.item[0]);
	}
	uc_strv_add_all(&argv, (const char *const *)spec->command.item);
	if (argv.failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	drop_outer_job(&env);
	if (sort_variables(spec, &env, &v, err) == 0) {
		struct uc_submission job = {
			.argv = (const char *const *)argv.item,
			.environment = v.others,
			.variables = v.own,
			.workdir = workdir,
		};

		rc = submit(spec, src, &job, result, err);
	}
	free(v.own);
	free(v.others);
	return rc;
}
