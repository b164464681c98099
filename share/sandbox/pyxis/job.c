/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* What Slurm and the node know of the step and its user. */
#include "pyxis.h"

#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int load_items(spank_t sp, struct uc_job *job)
{
	const struct {
		spank_item_t item;
		void *to;
		const char *name;
	} items[] = {
		{ S_JOB_UID, &job->uid, "uid" },
		{ S_JOB_GID, &job->gid, "gid" },
		{ S_JOB_ID, &job->id, "ID" },
		{ S_JOB_STEPID, &job->step, "step ID" },
		{ S_JOB_LOCAL_TASK_COUNT, &job->local_tasks, "local task count" },
		{ S_JOB_TOTAL_TASK_COUNT, &job->total_tasks, "total task count" },
	};

	for (size_t i = 0; i < sizeof(items) / sizeof(*items); i++) {
		spank_err_t rc = spank_get_item(sp, items[i].item, items[i].to);
		if (rc == ESPANK_SUCCESS)
			continue;
		slurm_error("pyxis: couldn't get job %s: %s", items[i].name,
			    spank_strerror(rc));
		return -1;
	}
	return 0;
}

static int load_groups(spank_t sp, struct uc_job *job)
{
	gid_t *gids = NULL;
	int n = 0;
	spank_err_t rc = spank_get_item(sp, S_JOB_SUPPLEMENTARY_GIDS, &gids, &n);

	if (rc != ESPANK_SUCCESS) {
		slurm_error("pyxis: couldn't get job supplementary gids: %s",
			    spank_strerror(rc));
		return -1;
	}
	if (n <= 0 || !gids)
		return 0;
	job->gids = calloc((size_t)n, sizeof(*gids));
	if (!job->gids)
		return -1;
	memcpy(job->gids, gids, (size_t)n * sizeof(*gids));
	job->n_gids = n;
	return 0;
}

/* A user the node does not know still runs, by number and without a home. */
static int load_account(struct uc_job *job)
{
	char buf[16384];
	struct passwd pw, *found = NULL;

	if (getpwuid_r(job->uid, &pw, buf, sizeof(buf), &found) || !found) {
		job->user = uc_fmt("%u", (unsigned int)job->uid);
		job->home = strdup("/");
		job->shell = strdup("/bin/sh");
	} else {
		job->user = strdup(pw.pw_name);
		job->home = strdup(pw.pw_dir);
		job->shell = strdup(pw.pw_shell);
	}
	return job->user && job->home && job->shell ? 0 : -1;
}

int uc_job_load(spank_t sp, struct uc_job *job)
{
	char cwd[PATH_MAX];
	const char *node = getenv("SLURMD_NODENAME");

	if (load_items(sp, job) || load_groups(sp, job) || load_account(job))
		return -1;
	if (spank_getenv(sp, "PWD", cwd, sizeof(cwd)) == ESPANK_SUCCESS && cwd[0] == '/')
		job->cwd = strdup(cwd);
	job->node = strdup(node && *node && !strchr(node, '/') ? node : "node");
	return job->node ? 0 : -1;
}

static void free_env(struct uc_job *job)
{
	for (size_t i = 0; job->env && job->env[i]; i++)
		free(job->env[i]);
	free(job->env);
	job->env = NULL;
}

int uc_job_load_env(spank_t sp, struct uc_job *job)
{
	char **env = NULL;
	size_t n = 0;
	spank_err_t rc = spank_get_item(sp, S_JOB_ENV, &env);

	if (rc != ESPANK_SUCCESS) {
		slurm_error("pyxis: couldn't get job environment: %s",
			    spank_strerror(rc));
		return -1;
	}
	while (env && env[n])
		n++;
	free_env(job);
	job->env = calloc(n + 1, sizeof(*env));
	if (!job->env)
		return -1;
	for (size_t i = 0; i < n; i++) {
		job->env[i] = strdup(env[i]);
		if (!job->env[i])
			return -1;
	}
	return 0;
}

const char *uc_job_env(const struct uc_job *job, const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; job->env && job->env[i]; i++)
		if (strncmp(job->env[i], name, len) == 0 && job->env[i][len] == '=')
			return job->env[i] + len + 1;
	return NULL;
}

void uc_job_free(struct uc_job *job)
{
	free_env(job);
	free(job->gids);
	free(job->cwd);
	free(job->user);
	free(job->home);
	free(job->shell);
	free(job->node);
	*job = (struct uc_job){ 0 };
}

/*
 * For a child only: there is no way back. In slurmstepd's callbacks the effective user
 * may be the job's already while the real one is root; with no root anywhere there is
 * nothing to give up.
 */
int uc_job_become_user(const struct uc_job *job)
{
	uid_t real = getuid();

	if (real != 0)
		return real == job->uid ? 0 : -1;
	if (seteuid(0))
		return -1;
	if (setgroups((size_t)job->n_gids, job->gids) ||
	    setresgid(job->gid, job->gid, job->gid) ||
	    setresuid(job->uid, job->uid, job->uid))
		return -1;
	return 0;
}
