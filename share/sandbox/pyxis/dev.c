/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * /dev is the host's. When the site has made-up GPU nodes (gpu_dir), /dev is a tmpfs
 * of binds of all the host's entries, with the job's GPUs beside them as nvidiaN.
 */
#include "holder.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_GPUS 64

/* Which GPUs the step has, as in SLURM_STEP_GPUS=0,2-3; indices into seen. */
static size_t job_gpus(const struct uc_job *job, bool *seen)
{
	const char *text = uc_job_env(job, "SLURM_STEP_GPUS");
	size_t n = 0;

	if (!text)
		text = uc_job_env(job, "SLURM_JOB_GPUS");
	while (text && isdigit((unsigned char)*text)) {
		char *end;
		unsigned long first = strtoul(text, &end, 10), last = first;
		if (*end == '-')
			last = strtoul(end + 1, &end, 10);
		for (unsigned long i = first; i <= last && i < MAX_GPUS; i++, n++)
			seen[i] = true;
		text = *end == ',' ? end + 1 : NULL;
	}
	return n;
}

/* gpu_dir with %n replaced by the node's name. */
static char *gpu_folder(const struct uc_start *start)
{
	const char *mark = strstr(start->site->gpu_dir, "%n");

	if (!mark)
		return strdup(start->site->gpu_dir);
	return uc_fmt("%.*s%s%s", (int)(mark - start->site->gpu_dir),
		      start->site->gpu_dir, start->job->node, mark + 2);
}

static int copy_link(int dev, const char *name)
{
	char target[PATH_MAX];
	char *path = uc_fmt("/dev/%s", name);
	ssize_t len = path ? readlink(path, target, sizeof(target) - 1) : -1;

	free(path);
	if (len < 0)
		return -1;
	target[len] = '\0';
	return symlinkat(target, dev, name);
}

static int copy_entry(int root, int dev, const char *name)
{
	struct stat st;
	char *path = uc_fmt("/dev/%s", name);
	int rc = path ? lstat(path, &st) : -1;

	if (rc == 0 && S_ISLNK(st.st_mode))
		rc = copy_link(dev, name);
	else if (rc == 0)
		rc = uc_mount_on(root, path, path,
				 S_ISDIR(st.st_mode) ? UC_CREATE_DIR : UC_CREATE_FILE,
				 "rbind");
	free(path);
	return rc;
}

/* A host's entry that cannot be had (no rights, gone) is left out. */
static void copy_host(int root, int dev)
{
	DIR *dir = opendir("/dev");
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
		    strncmp(entry->d_name, "nvidia", 6) == 0)
			continue;
		if (copy_entry(root, dev, entry->d_name))
			uc_note("pyxis: /dev/%s is left out: %s", entry->d_name,
				strerror(errno));
	}
	if (dir)
		closedir(dir);
}

static int add_gpus(int root, const char *folder, const bool *seen)
{
	for (int i = 0; i < MAX_GPUS; i++) {
		if (!seen[i])
			continue;
		char *source = uc_fmt("%s/nvidia%d", folder, i);
		char *target = uc_fmt("/dev/nvidia%d", i);
		int rc = source && target ? uc_mount_on(root, source, target,
							UC_CREATE_FILE, "bind")
					  : -1;
		if (rc)
			uc_note("enroot-mount: failed to mount: %s at %s: %s", source,
				target, strerror(errno));
		free(source);
		free(target);
		if (rc)
			return -1;
	}
	return 0;
}

int uc_rootfs_dev(struct uc_start *start, int root)
{
	bool seen[MAX_GPUS] = { false };

	if (!start->site->gpu_dir || !job_gpus(start->job, seen)) {
		int rc = uc_mount_on(root, "/dev", "/dev", UC_CREATE_DIR, "rbind,rslave");
		if (rc)
			uc_note("enroot-mount: failed to mount: /dev at /dev: %s",
				strerror(errno));
		return rc;
	}

	char *folder = gpu_folder(start);
	int rc = folder ? uc_mount_on(root, "tmpfs", "/dev", UC_CREATE_DIR, "mode=755")
			: -1;
	int dev = rc == 0 ? uc_path_open(root, "/dev", O_RDONLY | O_DIRECTORY) : -1;
	if (dev >= 0) {
		copy_host(root, dev);
		rc = add_gpus(root, folder, seen);
	}
	uc_close(&dev);
	free(folder);
	return rc;
}
