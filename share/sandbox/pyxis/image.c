/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* The squashfs file: opened as the user, mounted by the kernel or by squashfuse. */
#include "holder.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/loop.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SUPERBLOCK_SIZE 96
#define SQUASHFS_MAGIC  "hsqs"
#define FUSE_MAGIC      0x65735546
/* squashfuse mounts within milliseconds. */
#define FUSE_WAIT_MS 10000
/* Another process may take the free loop device first. */
#define LOOP_TRIES 50

#define ATTR_IDMAP 0x00100000 /* MOUNT_ATTR_IDMAP, Linux 5.12; squashfs 6.2 */

/*
 * An open image that is a squashfs file of its full length; -1 after telling why not in
 * the words of enroot and unsquashfs.
 */
int uc_image_open(const char *path)
{
	struct stat st;
	unsigned char head[SUPERBLOCK_SIZE];
	uint64_t used;

	if (stat(path, &st) || !S_ISREG(st.st_mode)) {
		uc_note("[ERROR] No such file or directory: %s", path);
		return -1;
	}
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || pread(fd, head, sizeof(head), 0) != sizeof(head) ||
	    memcmp(head, SQUASHFS_MAGIC, 4) != 0) {
		uc_note("[ERROR] Invalid image format: %s", path);
		uc_close(&fd);
		return -1;
	}
	memcpy(&used, head + 40, sizeof(used));
	if ((uint64_t)st.st_size < le64toh(used)) {
		uc_note("Read on filesystem failed because EOF");
		uc_note("FATAL ERROR: File system corruption detected");
		uc_close(&fd);
	}
	return fd;
}

/* A loop device with the image, gone when its last user is. */
static int loop_attach(int image, char *path, size_t size)
{
	struct loop_config config = {
		.fd = (uint32_t)image,
		.info.lo_flags = LO_FLAGS_READ_ONLY | LO_FLAGS_AUTOCLEAR,
	};
	int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);

	for (int i = 0; control >= 0 && i < LOOP_TRIES; i++) {
		int number = ioctl(control, LOOP_CTL_GET_FREE);
		if (number < 0)
			break;
		snprintf(path, size, "/dev/loop%d", number);
		int loop = open(path, O_RDONLY | O_CLOEXEC);
		if (loop >= 0 && ioctl(loop, LOOP_CONFIGURE, &config) == 0) {
			close(control);
			return loop;
		}
		int why = errno;
		uc_close(&loop);
		if (why != EBUSY)
			break;
	}
	uc_close(&control);
	return -1;
}

static int write_map(pid_t pid, const char *name, uint32_t id)
{
	char path[64], map[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	int len = snprintf(map, sizeof(map), "0 %u 1", id);
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int rc = fd >= 0 && write(fd, map, (size_t)len) == len ? 0 : -1;
	uc_close(&fd);
	return rc;
}

/* A user namespace in which root is the job's user: the map of the image's owners. */
static int owner_namespace(uid_t uid, gid_t gid)
{
	int ready[2], fd = -1;
	char byte, path[64];

	if (pipe2(ready, O_CLOEXEC))
		return -1;
	pid_t pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (unshare(CLONE_NEWUSER) == 0 && write(ready[1], "", 1) == 1)
			pause();
		_exit(1);
	}
	uc_close(&ready[1]);
	if (pid > 0 && read(ready[0], &byte, 1) == 1 &&
	    write_map(pid, "uid_map", uid) == 0 && write_map(pid, "gid_map", gid) == 0) {
		snprintf(path, sizeof(path), "/proc/%d/ns/user", (int)pid);
		fd = open(path, O_RDONLY | O_CLOEXEC);
	}
	uc_close(&ready[0]);
	if (pid > 0) {
		kill(pid, SIGKILL);
		uc_child_wait(pid, 1000);
	}
	return fd;
}

/* Replaces the mount at target by one whose files of root belong to the user. */
static int give_to_user(const char *target, uid_t uid, gid_t gid)
{
	struct {
		uint64_t set, clear, propagation, userns_fd;
	} attr = { .set = ATTR_IDMAP };
	int owner = owner_namespace(uid, gid);
	int tree = (int)syscall(SYS_open_tree, AT_FDCWD, target,
				O_CLOEXEC | 1 /* a clone */);
	int rc = -1;

	if (owner >= 0 && tree >= 0) {
		attr.userns_fd = (uint64_t)owner;
		rc = (int)syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &attr,
				  sizeof(attr));
	}
	if (rc == 0)
		rc = umount2(target, MNT_DETACH);
	if (rc == 0)
		rc = (int)syscall(SYS_move_mount, tree, "", AT_FDCWD, target,
				  4 /* from empty path */);
	uc_close(&owner);
	uc_close(&tree);
	return rc;
}

/* As root, in a mount namespace of our own: nothing of this outlives it. */
int uc_image_mount_kernel(int image, const char *target, uid_t uid, gid_t gid)
{
	char device[32];
	int loop = loop_attach(image, device, sizeof(device));

	if (loop < 0)
		return -1;
	int rc =
		mount(device, target, "squashfs", MS_RDONLY | MS_NOSUID | MS_NODEV, NULL);
	if (rc == 0 && give_to_user(target, uid, gid)) {
		umount2(target, MNT_DETACH);
		rc = -1;
	}
	close(loop);
	return rc;
}

/* The server is not root inside, so the right to mount must outlive its exec. */
static int keep_mount_right(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { 0 };

	if (syscall(SYS_capget, &head, data))
		return -1;
	data[0].inheritable |= 1u << CAP_SYS_ADMIN;
	if (syscall(SYS_capset, &head, data))
		return -1;
	return prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_SYS_ADMIN, 0, 0);
}

/* In the container's user namespace; the server lives as long as its parent, the holder.
 */
int uc_image_mount_fuse(const char *path, const char *target, pid_t *server)
{
	char *owner = uc_fmt("ro,uid=%u,gid=%u", (unsigned int)getuid(),
			     (unsigned int)getgid());
	const char *const argv[] = {
		"squashfuse", "-f", "-o", owner, path, target, NULL
	};
	const struct timespec pause_5ms = { .tv_nsec = 5000000 };
	struct statfs fs;

	*server = owner ? fork() : -1;
	if (*server == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		setenv("PATH", "/usr/local/bin:/usr/bin:/bin", 1);
		if (keep_mount_right() == 0)
			execvp(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	free(owner);
	for (int i = 0; *server > 0 && i < FUSE_WAIT_MS / 5; i++) {
		if (statfs(target, &fs) == 0 && fs.f_type == FUSE_MAGIC)
			return 0;
		if (waitpid(*server, NULL, WNOHANG) != 0) {
			*server = -1;
			break;
		}
		nanosleep(&pause_5ms, NULL);
	}
	if (*server > 0) {
		kill(*server, SIGKILL);
		uc_child_wait(*server, 1000);
		*server = -1;
	}
	uc_note("[ERROR] Failed to mount: %s", path);
	return -1;
}
