/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* With container_scope=job the named containers of a job end with it. */
#include "pyxis.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#define REMOVE_MS (5 * 60 * 1000)

/* Removes the folders whose name begins with that of prefix's last component. */
static int remove_named(void *arg)
{
	const char *prefix = arg, *slash = strrchr(prefix, '/');
	char *folder = strndup(prefix, (size_t)(slash - prefix));
	DIR *dir = folder ? opendir(folder) : NULL;
	struct dirent *entry;
	int rc = 0;

	while (dir && (entry = readdir(dir))) {
		if (strncmp(entry->d_name, slash + 1, strlen(slash + 1)) != 0)
			continue;
		char *path = uc_fmt("%s/%s", folder, entry->d_name);
		rc |= path ? uc_tree_remove(path) : -1;
		free(path);
	}
	if (dir)
		closedir(dir);
	free(folder);
	return rc;
}

int uc_epilog(spank_t sp, const struct uc_site *site)
{
	const char *node = getenv("SLURMD_NODENAME");
	struct uc_job job = { 0 };

	if (!site->scope_job || !node)
		return 0;
	if (spank_get_item(sp, S_JOB_UID, &job.uid) != ESPANK_SUCCESS ||
	    spank_get_item(sp, S_JOB_GID, &job.gid) != ESPANK_SUCCESS ||
	    spank_get_item(sp, S_JOB_ID, &job.id) != ESPANK_SUCCESS) {
		slurm_error("pyxis: epilog: couldn't get the job's user and ID");
		return -1;
	}
	char *prefix = uc_fmt("%s/%s/%u/pyxis_%u_", site->runtime_path, node,
			      (unsigned int)job.uid, job.id);
	int rc = prefix ? uc_child_run(&job, -1, REMOVE_MS, remove_named, prefix) : -1;
	if (rc)
		slurm_error("pyxis: epilog: couldn't cleanup pyxis containers for job %u",
			    job.id);
	free(prefix);
	return rc;
}
