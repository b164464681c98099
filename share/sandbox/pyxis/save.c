/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * --container-save, as enroot does it: the target is removed first and written in place,
 * so a failure or a kill leaves a broken file or none, and the step's exit code is the
 * command's. Users meet this on real clusters, so they meet it here.
 */
#include "pyxis.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Slurm itself ends a cancelled step after KillWait. */
#define SAVE_MS    (20 * 60 * 1000)
#define MAX_ARGS   40
#define MAX_MOUNTS 64

struct save {
	const char *path, *options;
	int root;
	bool mounted_over; /* root is a running container's, mounts and all */
};

static int make_way(const char *path)
{
	struct stat st;
	char *copy = strdup(path);
	char *slash = copy ? strrchr(copy, '/') : NULL;

	if (slash)
		*slash = '\0';
	int rc = copy && (!*copy || stat(copy, &st) == 0) ? 0 : -1;
	free(copy);
	if (rc) {
		uc_note("[ERROR] No such file or directory: %s", path);
		return -1;
	}
	if (unlink(path) && errno != ENOENT) {
		uc_note("rm: cannot remove '%s': %s", path, strerror(errno));
		return -1;
	}
	return 0;
}

/*
 * Folders below `dir` on which something is mounted, as patterns for mksquashfs: its
 * -one-file-system takes the files of an overlay for another file system's.
 */
static size_t list_mounts(int dir, const char *prefix, dev_t device, const char **out,
			  size_t count)
{
	int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *folder = copy >= 0 ? fdopendir(copy) : NULL;
	const struct dirent *entry;
	struct stat st;

	while (folder && count < MAX_MOUNTS && (entry = readdir(folder))) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..") ||
		    fstatat(copy, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) ||
		    !S_ISDIR(st.st_mode))
			continue;
		char *path = uc_fmt("%s%s/%s", prefix, entry->d_name,
				    st.st_dev == device ? "" : "*");
		if (path && st.st_dev != device) {
			out[count++] = path;
			continue;
		}
		int below = openat(copy, entry->d_name,
				   O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (path && below >= 0)
			count = list_mounts(below, path, device, out, count);
		uc_close(&below);
		free(path);
	}
	if (folder)
		closedir(folder);
	return count;
}

/* In a child, as the user. */
static int write_image(void *arg)
{
	struct save *save = arg;
	char source[64];
	const char *args[MAX_ARGS + MAX_MOUNTS + 8];
	struct stat st;
	size_t n = 0;
	char *words = strdup(save->options), *rest = words, *word;

	if (!words || make_way(save->path))
		return -1;
	/* The descriptor is opened anew: mksquashfs finds the folder at a path. */
	int root = openat(save->root, ".", O_RDONLY | O_DIRECTORY);
	snprintf(source, sizeof(source), "/proc/self/fd/%d/.", root);
	args[n++] = "mksquashfs";
	args[n++] = source;
	args[n++] = save->path;
	args[n++] = "-all-root";
	args[n++] = "-no-progress";
	args[n++] = "-noappend";
	while (n < MAX_ARGS && (word = strsep(&rest, " \t")))
		if (*word)
			args[n++] = word;
	if (save->mounted_over && fstat(root, &st) == 0) {
		args[n++] = "-wildcards";
		args[n++] = "-e";
		n += list_mounts(root, "", st.st_dev, args + n, 0);
		if (!strcmp(args[n - 1], "-e"))
			n--;
	}
	args[n] = NULL;
	int status = uc_child_exec(args, SAVE_MS);
	free(words);
	if (status > 0 && WIFSIGNALED(status))
		uc_note("child terminated with signal %d", WTERMSIG(status));
	return status == 0 ? 0 : -1;
}

/* After the last task; relative paths start at the submitting shell's $PWD. */
int uc_save(struct uc_box *box, const struct uc_job *job,
	    const struct uc_options *options)
{
	const char *chosen = uc_job_env(job, "ENROOT_SQUASH_OPTIONS");
	struct save save = {
		.root = box->fds[UC_FD_ROOT],
		.mounted_over = box->running,
		.options = chosen ? chosen : "-comp lzo -noD",
	};
	char *path = NULL;

	if (options->save[0] == '/')
		path = strdup(options->save);
	else if (job->cwd)
		path = uc_fmt("%s/%s", job->cwd, options->save);
	else
		slurm_error(
			"pyxis: container export: relative path used, but job's cwd is unset");
	save.path = path;

	int rc = path ? uc_child_run(job, box->log, SAVE_MS, write_image, &save) : -1;
	free(path);
	if (rc == 0) {
		slurm_spank_log("pyxis: exported container %s to %s", box->name,
				options->save);
		return 0;
	}
	uc_box_print_log(box, true);
	slurm_error("pyxis: failed to export container %s to %s", box->name,
		    options->save);
	return -1;
}
