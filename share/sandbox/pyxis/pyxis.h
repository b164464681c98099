/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * The sandbox's stand-in for pyxis: what the parts of the plugin share.
 *
 * options.c reads the --container options, job.c what Slurm knows of the step,
 * name.c finds or makes the container's folder, start.c starts the container in a
 * child (holder.c; image.c, rootfs.c and mounts.c do the work there) and gets its
 * namespaces back, env.c and join.c put each task into it, save.c and tree.c end it.
 * plugin.c is the list of Slurm's callbacks.
 */
#ifndef UC_SANDBOX_PYXIS_H
#define UC_SANDBOX_PYXIS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include <slurm/slurm.h>
#include <slurm/spank.h>

#define UC_PRINTF(at) __attribute__((format(printf, at, (at) + 1)))

/* A switch of the user's: not given, off or on. */
enum uc_switch {
	UC_UNSET = -1,
	UC_OFF = 0,
	UC_ON = 1
};

struct uc_mount {
	char *source, *target, *flags; /* flags: comma separated, as in fstab */
};

struct uc_options {
	char *image, *workdir, *name, *name_flag, *save;
	struct uc_mount *mounts;
	size_t n_mounts;
	char **env;
	size_t n_env;
	int mount_home, remap_root, entrypoint, entrypoint_log, writable;
	int unshare; /* CLONE_NEWNET, CLONE_NEWIPC, CLONE_NEWUTS */
};

/* The words after the plugin's path in plugstack.conf. */
struct uc_site {
	const char *runtime_path, *cache_path, *gpu_dir, *use;
	bool scope_job, sbatch_support, entrypoint, writable, mount_home, remap_root;
};

struct uc_job {
	uid_t uid;
	gid_t gid;
	gid_t *gids;
	int n_gids;
	uint32_t id, step, local_tasks, total_tasks;
	char **env;
	char *cwd; /* $PWD of the submitting shell, NULL if unset */
	char *user, *home, *shell;
	char *node;
};

enum uc_method {
	UC_KERNEL,
	UC_FUSE,
	UC_UNPACK
};

/* What a start can fail at; the holder's exit status. */
enum uc_stage {
	UC_STARTED = 0,
	UC_START_FAILED = 1,
	UC_CREATE_FAILED = 64,
	UC_SOURCE_MISSING,
	UC_ENDED_EARLY
};

enum uc_fd {
	UC_FD_USER,
	UC_FD_MNT,
	UC_FD_NET,
	UC_FD_IPC,
	UC_FD_UTS,
	UC_FD_ROOT,
	UC_FD_ENV,
	UC_FDS
};

struct uc_box {
	char *name;       /* pyxis_NAME or pyxis_JOB.STEP */
	char *dir;        /* its folder under the runtime path */
	char *home, *cwd; /* inside */
	bool named, filesystem_exists, running;
	bool remap_root, writable, mount_home, entrypoint;
	pid_t attach_to; /* a process inside, when running */
	pid_t holder;    /* alive only to serve a FUSE image, else -1 */
	int lock, log;
	int sock;        /* to the holder, while it serves an image */
	int fds[UC_FDS]; /* -1: not there */
};

/* options.c */
int uc_options_register(spank_t sp);
void uc_options_from_environment(spank_t sp);
bool uc_options_wanted(void);
struct uc_options *uc_options_get(void);
void uc_options_free(void);

/* mountspec.c */
int uc_mounts_parse(struct uc_options *options, const char *text);
int uc_mounts_add(struct uc_options *options, const char *source, const char *target,
		  const char *flags);
void uc_mounts_clear(struct uc_options *options);

/* site.c */
int uc_site_parse(struct uc_site *site, int argc, char **argv);
int uc_site_folders(const struct uc_site *site);
int uc_site_user_folder(const struct uc_site *site, const struct uc_job *job);

/* job.c */
int uc_job_load(spank_t sp, struct uc_job *job);
int uc_job_load_env(spank_t sp, struct uc_job *job);
const char *uc_job_env(const struct uc_job *job, const char *name);
void uc_job_free(struct uc_job *job);
int uc_job_become_user(const struct uc_job *job);

/* child.c: children with bounded waits */
int uc_child_wait(pid_t pid, int timeout_ms);
int uc_child_run(const struct uc_job *job, int log, int timeout_ms,
		 int (*work)(void *arg), void *arg);
int uc_child_exec(const char *const argv[], int timeout_ms);
void uc_child_prepare(int log);
int uc_send_fds(int sock, const char *text, const int *fds);
int uc_receive_fds(int sock, char *text, size_t size, int *fds, int timeout_ms);

/* name.c */
char *uc_user_folder(const struct uc_site *site, const struct uc_job *job);
int uc_box_find(struct uc_box *box, const struct uc_site *site, const struct uc_job *job,
		const struct uc_options *options);
int uc_box_make_folder(struct uc_box *box);
int uc_box_keep_folder(struct uc_box *box);
void uc_box_note_namespace(const struct uc_box *box);

/* The first letter of what the holder sends. */
#define UC_HOLDER_STAYS '+'
#define UC_HOLDER_ENDS  '-'

/* start.c */
int uc_box_start(struct uc_box *box, const struct uc_site *site, const struct uc_job *job,
		 const struct uc_options *options);
int uc_box_attach(struct uc_box *box, const struct uc_job *job);
void uc_box_print_log(struct uc_box *box, bool failed);
void uc_box_close(struct uc_box *box);

/* holder.c */
const char *uc_missing_source(const struct uc_options *options);

/* env.c */
int uc_env_store(struct uc_box *box, const char *data, size_t size);
int uc_env_collect(struct uc_box *box, int root);
int uc_env_import(spank_t sp, const struct uc_box *box, const struct uc_options *options);
char *uc_env_image_cwd(int root, const char *home);

/* join.c: in the task */
int uc_join(const struct uc_box *box, const struct uc_options *options);
int uc_seccomp_pretend(void);

/* save.c, tree.c, epilog.c */
int uc_epilog(spank_t sp, const struct uc_site *site);
int uc_save(struct uc_box *box, const struct uc_job *job,
	    const struct uc_options *options);
int uc_tree_remove(const char *path);

/* text.c */
char *uc_fmt(const char *fmt, ...) UC_PRINTF(1);
int uc_list_add(char ***list, size_t *n, const char *text);
bool uc_list_has(char *const *list, size_t n, const char *text);
void uc_list_free(char ***list, size_t *n);
void uc_close(int *fd);
/* A line of the log that is printed when the start fails. */
void uc_note(const char *fmt, ...) UC_PRINTF(1);

#endif
