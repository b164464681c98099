/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * What runs in the holder, the child of slurmstepd that makes a container. None of it
 * may touch Slurm's log: it says what went wrong with uc_note().
 */
#ifndef UC_SANDBOX_HOLDER_H
#define UC_SANDBOX_HOLDER_H

#include "pyxis.h"

/* image.c, unpack.c */
int uc_image_open(const char *path);
int uc_image_mount_kernel(int image, const char *target, uid_t uid, gid_t gid);
int uc_image_mount_fuse(const char *path, const char *target, pid_t *server);
int uc_image_unpack(const char *path, const char *target);
char *uc_image_unpack_cached(const char *path, int image, const char *cache, uid_t uid);

/* rootfs.c, dev.c, account.c */
struct uc_start {
	struct uc_box *box;
	const struct uc_site *site;
	const struct uc_job *job;
	const struct uc_options *options;
	const char *node_cwd; /* where relative mount sources start */
	const char *image_path;
	int image; /* the image file, open; -1 when reusing a file system */
	int sock;  /* to slurmstepd */
	int root;  /* the container's /, before anything is mounted on it */
};
enum uc_stage uc_hold(struct uc_start *start);
int uc_rootfs_fill(struct uc_start *start);
int uc_rootfs_dev(struct uc_start *start, int root);
int uc_rootfs_accounts(const struct uc_start *start, int root);

/* path.c: paths inside a root, whatever symbolic links it has */
enum uc_create {
	UC_CREATE_NONE,
	UC_CREATE_DIR,
	UC_CREATE_FILE
};
int uc_path_open(int root, const char *path, int flags);
int uc_path_make(int root, const char *path, enum uc_create create);
char *uc_path_read(int root, const char *path, size_t limit);

/* mounts.c */
int uc_mount_on(int root, const char *source, const char *target, enum uc_create create,
		const char *flags);
int uc_mount_entry(int root, const struct uc_mount *mount);
int uc_mount_readonly(int root, const char *target, bool recursive);

/* env.c: the environment and working directory of a start without entrypoint */
int uc_env_plain(struct uc_start *start);

/* 0, -1, or the enum uc_stage to end with.
 * entrypoint.c: in the holder, after the pivot */
int uc_entrypoint_run(struct uc_start *start);

#endif
