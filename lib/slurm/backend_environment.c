/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "slurm/backend_environment.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include "slurm/conf.h"

static const struct {
	const char *name;
	int resource;
} limits[] = {
	{ "AS", RLIMIT_AS },         { "CORE", RLIMIT_CORE },
	{ "CPU", RLIMIT_CPU },       { "DATA", RLIMIT_DATA },
	{ "FSIZE", RLIMIT_FSIZE },   { "MEMLOCK", RLIMIT_MEMLOCK },
	{ "NOFILE", RLIMIT_NOFILE }, { "NPROC", RLIMIT_NPROC },
	{ "RSS", RLIMIT_RSS },       { "STACK", RLIMIT_STACK },
};

/* Where NAME=value is in the list, or its end. */
static size_t find(const struct uc_strv *env, const char *name)
{
	size_t len = strlen(name), i = 0;

	while (i < env->count &&
	       (strncmp(env->item[i], name, len) || env->item[i][len] != '='))
		i++;
	return i;
}

bool backend_has(const struct uc_strv *env, const char *name)
{
	return find(env, name) < env->count;
}

void backend_put(struct uc_strv *env, const char *name, const char *value)
{
	const size_t at = find(env, name);
	uc_auto(buf) struct uc_buf line = { 0 };

	if (!value)
		return;
	uc_buf_addf(&line, "%s=", name);
	uc_buf_add(&line, value);
	if (line.failed) {
		env->failed = true;
	} else if (at < env->count) {
		free(env->item[at]);
		env->item[at] = uc_buf_take(&line);
	} else {
		uc_strv_add(env, line.data);
	}
}

void backend_put_number(struct uc_strv *env, const char *name, unsigned long long n)
{
	char text[32];

	snprintf(text, sizeof(text), "%llu", n);
	backend_put(env, name, text);
}

/* "ALL", "NONE", or names with or without RLIMIT_ in a comma-separated list */
static bool lists_limit(const char *list, const char *name)
{
	if (!strcasecmp(list, "ALL"))
		return true;
	while (*list) {
		size_t len = strcspn(list, ",");
		const char *word = list;
		size_t n = len;

		if (n > 7 && !strncasecmp(word, "RLIMIT_", 7)) {
			word += 7;
			n -= 7;
		}
		if (n == strlen(name) && !strncasecmp(word, name, n))
			return true;
		list += len + (list[len] == ',');
	}
	return false;
}

/*
 * Limits go along as slurm.conf's PropagateResourceLimits[Except] has it, all by default;
 * those the user asks for are marked with U, and the job fails when one cannot be set.
 */
static void put_limits(struct backend_draft *draft, struct uc_strv *env)
{
	uc_auto(buf) struct uc_buf which = { 0 }, except = { 0 };
	const char *path = uc_slurm_conf_path(NULL);

	uc_slurm_conf_value(&which, path, "PropagateResourceLimits");
	uc_slurm_conf_value(&except, path, "PropagateResourceLimitsExcept");
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		const char *name = limits[i].name;
		bool listed = except.len  ? !lists_limit(except.data, name)
			      : which.len ? lists_limit(which.data, name)
					  : true;
		char variable[32], value[32];
		struct rlimit limit;

		if (draft->propagate)
			listed = lists_limit(draft->propagate, name);
		if (!listed || getrlimit(limits[i].resource, &limit) < 0)
			continue;
		snprintf(variable, sizeof(variable), "SLURM_RLIMIT_%s", name);
		snprintf(value, sizeof(value), "%s%lu", draft->propagate ? "U" : "",
			 (unsigned long)limit.rlim_cur);
		backend_put(env, variable, value);
	}
}

static void put_numbers(const struct backend_draft *draft, struct uc_strv *env)
{
	const job_desc_msg_t *desc = &draft->desc;

	if (draft->cpus_set)
		backend_put_number(env, "SLURM_CPUS_PER_TASK", desc->cpus_per_task);
	if (desc->ntasks_per_core != NO_VAL16)
		backend_put_number(env, "SLURM_NTASKS_PER_CORE", desc->ntasks_per_core);
	if (desc->threads_per_core != NO_VAL16)
		backend_put_number(env, "SLURM_THREADS_PER_CORE", desc->threads_per_core);
	if (desc->plane_size != NO_VAL16)
		backend_put_number(env, "SLURM_DIST_PLANESIZE", desc->plane_size);
	if (UC_SLURM_SINCE(23, 2))
		backend_put(env, "SLURM_TRES_PER_TASK", desc->tres_per_task);
}

static void put_assignments(struct uc_strv *env, const struct uc_strv *list)
{
	for (size_t i = 0; i < list->count; i++) {
		char *name = list->item[i], *value = strchr(name, '=');

		if (!value)
			continue;
		*value = '\0';
		backend_put(env, name, value + 1);
		*value = '=';
	}
	env->failed |= list->failed;
}

int backend_environment(struct backend_draft *draft, const struct uc_strv *own,
			struct uc_strv *env, struct uc_error *err)
{
	char host[256] = "", mask[8];
	mode_t old = umask(0);
	int priority;

	umask(old);
	snprintf(mask, sizeof(mask), "%04o", (unsigned)old);
	gethostname(host, sizeof(host) - 1);
	errno = 0;
	priority = getpriority(PRIO_PROCESS, 0);
	backend_put(env, "SLURM_SUBMIT_DIR", draft->cwd);
	backend_put(env, "SLURM_SUBMIT_HOST", host);
	backend_put(env, "SLURM_JOB_NAME", draft->desc.name);
	if (!backend_has(env, "SLURM_UMASK"))
		backend_put(env, "SLURM_UMASK", mask);
	if (!errno) {
		char text[16];

		snprintf(text, sizeof(text), "%d", priority);
		backend_put(env, "SLURM_PRIO_PROCESS", text);
	}
	put_assignments(env, &draft->variables);
	put_numbers(draft, env);
	if (!draft->user_env) /* slurmd finds them with the login's environment */
		put_limits(draft, env);
	put_assignments(env, own);
	if (env->failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	draft->desc.environment = env->item;
	draft->desc.env_size = (uint32_t)env->count;
	return 0;
}
