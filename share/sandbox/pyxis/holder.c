/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * The holder: the child of slurmstepd that makes a container's namespaces, mounts
 * everything and sends the namespaces' descriptors back. It ends then, unless it
 * serves a FUSE image.
 */
#include "holder.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static enum uc_method choose_method(const struct uc_site *site, bool named)
{
	static const char *const names[] = { "kernel", "squashfuse", "unsquashfs" };

	if (named)
		return UC_UNPACK;
	for (int i = 0; site->use && i < 3; i++)
		if (strcmp(site->use, names[i]) == 0)
			return (enum uc_method)i;
	if (getuid() == 0)
		return UC_KERNEL;
	return access("/dev/fuse", R_OK | W_OK) == 0 ? UC_FUSE : UC_UNPACK;
}

/* As root, before the rights are given up for good. */
static int mount_as_root(struct uc_start *start)
{
	if (setresuid(0, 0, 0) || unshare(CLONE_NEWNS) ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return -1;
	return uc_image_mount_kernel(start->image, "lower", start->job->uid,
				     start->job->gid);
}

static int unpack(struct uc_start *start)
{
	struct uc_box *box = start->box;

	if (box->named)
		return uc_image_unpack(start->image_path, "rootfs");

	char *cached = uc_image_unpack_cached(start->image_path, start->image,
					      start->site->cache_path, start->job->uid);
	int rc = cached ? rmdir("lower") : -1;
	if (rc == 0)
		rc = symlink(cached, "lower");
	free(cached);
	return rc;
}

static int write_proc(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	size_t len = strlen(text);
	int rc = fd >= 0 && write(fd, text, len) == (ssize_t)len ? 0 : -1;

	uc_close(&fd);
	return rc;
}

/* uid and gid: as they were outside; a user runs without root under any group. */
static int map_ids(const struct uc_start *start, unsigned int uid, unsigned int gid)
{
	bool remap = start->box->remap_root;
	char *users = uc_fmt("%u %u 1", remap ? 0 : uid, uid);
	char *groups = uc_fmt("%u %u 1", remap ? 0 : gid, gid);
	int rc = users && groups ? 0 : -1;

	if (rc == 0)
		rc = write_proc("/proc/self/setgroups", "deny");
	if (rc == 0)
		rc = write_proc("/proc/self/uid_map", users);
	if (rc == 0)
		rc = write_proc("/proc/self/gid_map", groups);
	free(users);
	free(groups);
	return rc;
}

static int enter_namespaces(const struct uc_start *start)
{
	unsigned int uid = (unsigned int)geteuid(), gid = (unsigned int)getegid();

	/* A change of user made /proc/self root's; the maps are written through it. */
	prctl(PR_SET_DUMPABLE, 1);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS | start->options->unshare)) {
		uc_note("enroot-nsenter: failed to create user namespace: %s",
			strerror(errno));
		return -1;
	}
	if (map_ids(start, uid, gid)) {
		uc_note("enroot-nsenter: failed to map users: %s", strerror(errno));
		return -1;
	}
	return mount("none", "/", NULL, MS_REC | MS_SLAVE, NULL);
}

/* The image below, the writes above; on a tmpfs where the disk cannot carry them. */
static int mount_overlay(void)
{
	const char *data = "lowerdir=lower,upperdir=up/upper,workdir=up/work,userxattr";

	if (mount("overlay", "root", "overlay", 0, data) == 0)
		return 0;
	if (mount("tmpfs", "up", "tmpfs", 0, "mode=755") || mkdir("up/upper", 0755) ||
	    mkdir("up/work", 0755) || mount("overlay", "root", "overlay", 0, data)) {
		uc_note("enroot-mount: failed to mount: overlay at %s: %s", "/",
			strerror(errno));
		return -1;
	}
	return 0;
}

static int mount_root(struct uc_start *start, enum uc_method method, pid_t *server)
{
	struct uc_box *box = start->box;

	if (box->named && mount("rootfs", "root", NULL, MS_BIND, NULL)) {
		uc_note("enroot-mount: failed to mount: %s at /: %s", box->dir,
			strerror(errno));
		return -1;
	}
	if (!box->named && method == UC_FUSE &&
	    uc_image_mount_fuse(start->image_path, "lower", server) &&
	    (start->site->use || unpack(start)))
		return -1;
	if (!box->named && mount_overlay())
		return -1;

	/* Without the mounts to come: what is saved, and what lies below them. */
	start->root = (int)syscall(SYS_open_tree, AT_FDCWD, "root",
				   O_CLOEXEC | 1 /* a clone */);
	return start->root < 0 ? -1 : chdir("root");
}

static int check_shell(int root)
{
	int fd = uc_path_open(root, "/bin/sh", O_PATH);

	if (fd < 0)
		uc_note("enroot-switchroot: failed to execute: /bin/sh: %s",
			strerror(errno));
	int rc = fd < 0 ? -1 : 0;
	uc_close(&fd);
	return rc;
}

static int switch_root(struct uc_start *start)
{
	if (syscall(SYS_pivot_root, ".", ".") || umount2(".", MNT_DETACH) || chdir("/")) {
		uc_note("enroot-switchroot: failed to pivot root: %s", strerror(errno));
		return -1;
	}
	if (start->box->writable)
		return 0;
	int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int rc = uc_mount_readonly(root, "/", false);
	uc_close(&root);
	return rc;
}

static int open_namespaces(struct uc_start *start)
{
	static const struct {
		const char *path;
		int flag;
	} all[] = {
		{ "/proc/self/ns/user", 0 },
		{ "/proc/self/ns/mnt", 0 },
		{ "/proc/self/ns/net", CLONE_NEWNET },
		{ "/proc/self/ns/ipc", CLONE_NEWIPC },
		{ "/proc/self/ns/uts", CLONE_NEWUTS },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		if (all[i].flag && !(start->options->unshare & all[i].flag))
			continue;
		start->box->fds[i] = open(all[i].path, O_RDONLY | O_CLOEXEC);
		if (start->box->fds[i] < 0)
			return -1;
	}
	start->box->fds[UC_FD_ROOT] = start->root;
	return 0;
}

/* The first absolute source that is missing; relative ones are mount's to complain of. */
const char *uc_missing_source(const struct uc_options *options)
{
	struct stat st;

	for (size_t i = 0; i < options->n_mounts; i++) {
		const char *source = options->mounts[i].source;

		if (source[0] == '/' && stat(source, &st) &&
		    (errno == ENOENT || errno == ENOTDIR))
			return source;
	}
	return NULL;
}

static enum uc_stage create(struct uc_start *start, enum uc_method *method)
{
	struct uc_box *box = start->box;

	/* Still with the user's effective rights: what the user may read is mounted. */
	if (!box->filesystem_exists) {
		start->image = uc_image_open(start->image_path);
		if (start->image < 0)
			return UC_CREATE_FAILED;
	}
	if (*method == UC_KERNEL && !box->filesystem_exists && mount_as_root(start)) {
		if (start->site->use) {
			uc_note("[ERROR] Failed to mount: %s: %s", start->options->image,
				strerror(errno));
			return UC_CREATE_FAILED;
		}
		*method = UC_UNPACK;
	}
	if (uc_job_become_user(start->job))
		return UC_CREATE_FAILED;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (*method == UC_UNPACK && !box->filesystem_exists && unpack(start))
		return UC_CREATE_FAILED;
	return UC_STARTED;
}

/* Slurmstepd is told first whether the holder stays, for the image's server. */
static enum uc_stage hand_over(struct uc_start *start, pid_t server)
{
	const char *cwd = start->box->cwd ? start->box->cwd : "/";
	char *text = uc_fmt("%c%s", server > 0 ? UC_HOLDER_STAYS : UC_HOLDER_ENDS, cwd);
	char byte;

	if (!text || uc_send_fds(start->sock, text, start->box->fds))
		return UC_START_FAILED;
	free(text);
	if (server <= 0)
		return UC_STARTED;
	/* Until slurmstepd closes its end, or dies. */
	while (read(start->sock, &byte, 1) < 0 && errno == EINTR)
		;
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
	return UC_STARTED;
}

/* The child's whole life; what it returns is its exit status. */
enum uc_stage uc_hold(struct uc_start *start)
{
	struct uc_box *box = start->box;
	enum uc_method method = choose_method(start->site, box->named);
	pid_t server = -1;

	if (chdir(box->dir))
		return UC_CREATE_FAILED;
	umask(022);
	enum uc_stage stage = create(start, &method);
	if (stage != UC_STARTED)
		return stage;
	if (uc_missing_source(start->options))
		return UC_SOURCE_MISSING;

	if (enter_namespaces(start) || mount_root(start, method, &server) ||
	    check_shell(start->root) || uc_rootfs_fill(start) || switch_root(start) ||
	    open_namespaces(start))
		return UC_START_FAILED;
	int failed = box->entrypoint ? uc_entrypoint_run(start) : uc_env_plain(start);
	if (failed)
		return failed > 0 ? (enum uc_stage)failed : UC_START_FAILED;
	return hand_over(start, server);
}
