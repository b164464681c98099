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
static size_t list_options(const struct uc_spec *spec, struct uc_submit_option *out)
{
	size_t n = 0;

	if (!uc_spec_get(spec, "job-name"))
		out[n++] =
			(struct uc_submit_option){ "job-name", uc_spec_job_name(spec) };
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

int uc_spec_submit(const struct uc_spec *spec, struct uc_source *src,
		   const char *const *environment, const char *workdir,
		   struct uc_submitted *result, struct uc_error *err)
{
	uc_auto(buf) struct uc_buf script = { 0 };
	uc_auto(strv) struct uc_strv env = { 0 };
	uc_auto(strv) struct uc_strv argv = { 0 };
	struct uc_submit_option *options;
	const char **vector = NULL;
	int rc;

	if (uc_spec_script(spec, &script, err) < 0 ||
	    uc_spec_environment(spec, environment, &env, err) < 0)
		return -1;
	if (spec->session.count > 0)
		uc_strv_add(&argv, UC_SPEC_SESSION);
	uc_strv_add_all(&argv, (const char *const *)spec->command.item);
	options = calloc(spec->count + 1, sizeof(*options));
	if (!options || script.failed || argv.failed)
		rc = uc_fail(err, UC_FAILED, "out of memory");
	else {
		struct uc_submission job = {
			.script = uc_buf_text(&script),
			.argv = (const char *const *)argv.item,
			.workdir = workdir,
			.options = options,
			.option_count = list_options(spec, options),
		};

		drop_outer_job(&env);
		vector = uc_secrets_vector(spec->secrets, (const char *const *)env.item,
					   err);
		job.environment = vector;
		rc = vector ? uc_submit(src, &job, result, err) : -1;
	}
	free(vector);
	free(options);
	return rc;
}
