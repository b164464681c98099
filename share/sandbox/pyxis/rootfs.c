/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* What every container has, and what the user mounts into it. */
#include "holder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// clang-format off
static const struct {
	const char *source, *target;
	enum uc_create create;
	const char *flags;
	bool optional;
} always[] = {
	{ "/proc", "/proc", UC_CREATE_DIR, "rbind,rslave", false },
	{ "/sys", "/sys", UC_CREATE_DIR, "rbind,rslave", false },
	{ NULL, "/dev", UC_CREATE_DIR, NULL, false }, /* dev.c */
	{ "tmpfs", "/tmp", UC_CREATE_DIR, "mode=1777", false },
	{ "tmpfs", "/var/run", UC_CREATE_DIR, "mode=755", false },
	{ "tmpfs", "/var/lock", UC_CREATE_DIR, "mode=1777", false },
	{ "/etc/hosts", "/etc/hosts", UC_CREATE_FILE, "bind,ro", true },
	{ "/etc/hostname", "/etc/hostname", UC_CREATE_FILE, "bind,ro", true },
	{ "/etc/resolv.conf", "/etc/resolv.conf", UC_CREATE_FILE, "bind,ro", true },
	{ "/etc/machine-id", "/etc/machine-id", UC_CREATE_FILE, "bind,ro", true },
};
// clang-format on

/* An image's dangling link would lead the mount astray: it makes room for a file. */
static void clear_dangling(int root, const char *path)
{
	int fd = uc_path_open(root, path, O_PATH);

	if (fd < 0 && errno == ENOENT)
		unlinkat(root, path + 1, 0);
	uc_close(&fd);
}

static int mount_always(struct uc_start *start, int root)
{
	struct stat st;

	for (size_t i = 0; i < sizeof(always) / sizeof(*always); i++) {
		const char *source = always[i].source, *target = always[i].target;

		if (!source) {
			if (uc_rootfs_dev(start, root))
				return -1;
			continue;
		}
		if (always[i].optional) {
			if (stat(source, &st))
				continue;
			clear_dangling(root, target);
		}
		if (uc_mount_on(root, source, target, always[i].create,
				always[i].flags) == 0 ||
		    always[i].optional)
			continue;
		uc_note("enroot-mount: failed to mount: %s at %s: %s", source, target,
			strerror(errno));
		return -1;
	}
	/* Cgroup mounts below /sys may refuse; the top one is what counts. */
	if (uc_mount_readonly(root, "/sys", true))
		return uc_mount_readonly(root, "/sys", false);
	return 0;
}

static int mount_home(struct uc_start *start, int root)
{
	struct uc_box *box = start->box;
	struct stat st;

	if (!box->mount_home) {
		int fd = uc_path_make(root, box->home, UC_CREATE_DIR);
		uc_close(&fd);
		return 0;
	}
	if (stat(start->job->home, &st) == 0 &&
	    uc_mount_on(root, start->job->home, box->home, UC_CREATE_DIR, "rbind") == 0)
		return 0;
	uc_note("enroot-mount: failed to mount: %s at %s: %s", start->job->home,
		box->home, strerror(errno));
	return -1;
}

/* root: the container's future /, writable still. */
int uc_rootfs_fill(struct uc_start *start)
{
	int root = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int rc = root < 0 ? -1 : 0;

	if (rc == 0)
		rc = uc_rootfs_accounts(start, root);
	if (rc == 0)
		rc = mount_always(start, root);
	if (rc == 0)
		rc = mount_home(start, root);
	/* Relative sources start in the step's working directory on the node. */
	if (rc == 0 && chdir(start->node_cwd) && chdir("/"))
		rc = -1;
	for (size_t i = 0; rc == 0 && i < start->options->n_mounts; i++)
		rc = uc_mount_entry(root, &start->options->mounts[i]);
	if (rc == 0)
		rc = fchdir(root);
	uc_close(&root);
	return rc;
}
