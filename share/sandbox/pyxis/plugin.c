/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * Slurm's callbacks. A step goes through init, init_post_opt (as slurmd's user),
 * user_init (as the job's user, once) in slurmstepd, task_init in each task and task_exit
 * in slurmstepd again.
 */
#include "pyxis.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

SPANK_PLUGIN(pyxis, 1)

/* Removing a large tree of writes. */
#define REMOVE_MS (5 * 60 * 1000)

/* SPANK has no other place for what one callback leaves to the next. */
static struct {
	bool enabled, ended;
	struct uc_site site;
	struct uc_job job;
	struct uc_box box;
	/* Why no task may run: refused before the container was begun, or it failed. */
	bool refused, failed;
	atomic_uint *entered; /* shared with the tasks */
	unsigned int exited;
} state = {
	.box = { .holder = -1,
		 .lock = -1,
		 .log = -1,
		 .sock = -1,
		 .fds = { -1, -1, -1, -1, -1, -1, -1 } },
};

static int init_slurmd(int argc, char **argv)
{
	slurm_info("pyxis: version v0.24.0 (the ucluster sandbox's stand-in for pyxis)");
	if (uc_site_parse(&state.site, argc, argv)) {
		slurm_error("pyxis: failed to parse configuration");
		return -1;
	}
	return uc_site_folders(&state.site);
}

int slurm_spank_init(spank_t sp, int argc, char **argv)
{
	spank_context_t context = spank_context();

	if (context == S_CTX_SLURMD)
		return init_slurmd(argc, argv);
	if (context != S_CTX_LOCAL && context != S_CTX_ALLOCATOR &&
	    context != S_CTX_REMOTE)
		return 0;
	if (uc_site_parse(&state.site, argc, argv)) {
		slurm_error("pyxis: failed to parse configuration");
		return -1;
	}
	if (context == S_CTX_ALLOCATOR && !state.site.sbatch_support)
		return 0;
	if (uc_options_register(sp)) {
		slurm_error("pyxis: failed to register arguments");
		return -1;
	}
	return 0;
}

int slurm_spank_init_post_opt(spank_t sp, int argc, char **argv)
{
	spank_context_t context = spank_context();

	(void)argc;
	(void)argv;
	if (context != S_CTX_LOCAL && context != S_CTX_ALLOCATOR &&
	    context != S_CTX_REMOTE)
		return 0;
	uc_options_from_environment(sp);
	if (!uc_options_wanted() || context != S_CTX_REMOTE)
		return 0;
	state.enabled = true;
	if (uc_job_load(sp, &state.job))
		return -1;
	return uc_site_user_folder(&state.site, &state.job);
}

static bool is_path(const char *image)
{
	return image[0] == '/' || image[0] == '.';
}

/* The sandbox has no network: a registry is as good as unreachable. */
static int refuse_registry(const char *image)
{
	const char *name = strncmp(image, "docker://", 9) == 0 ? image + 9 : image;
	const char *user = strchr(name, '@'), *mark = strchr(name, '#');
	char *host;

	if (user && mark && user < mark)
		name = user + 1;
	host = mark ? strndup(name, (size_t)(mark - name))
		    : strdup("registry-1.docker.io");
	if (state.job.total_tasks <= 1)
		slurm_spank_log("pyxis: importing docker image: %s", image);
	slurm_error("pyxis: failed to import docker image: %s", image);
	slurm_error("pyxis: printing enroot log file:");
	slurm_error("pyxis:     [INFO] Querying registry for permission grant");
	slurm_error("pyxis:     curl: (6) Could not resolve host: %s", host ? host : "");
	slurm_error(
		"pyxis:     [ERROR] Could not query the registry (the sandbox has none)");
	free(host);
	return -1;
}

/* sbatch --container-image: the script itself runs inside and is found at its path. */
static int mount_script(spank_t sp, struct uc_options *options)
{
	int argc = 0;
	char **argv = NULL;

	if (state.job.step != SLURM_BATCH_SCRIPT)
		return 0;
	if (spank_get_item(sp, S_JOB_ARGV, &argc, &argv) != ESPANK_SUCCESS || argc == 0) {
		slurm_error("pyxis: couldn't get sbatch script");
		return -1;
	}
	return uc_mounts_add(options, argv[0], argv[0],
			     "x-create=file,bind,ro,nosuid,nodev,private");
}

static bool choose(int given, const char *variable, bool site)
{
	const char *text = uc_job_env(&state.job, variable);

	if (given != UC_UNSET)
		return given == UC_ON;
	if (text && *text)
		return strchr("yYtT1", *text) != NULL;
	return site;
}

static int settle_box(const struct uc_options *options)
{
	struct uc_box *box = &state.box;

	box->remap_root =
		choose(options->remap_root, "ENROOT_REMAP_ROOT", state.site.remap_root);
	box->mount_home =
		choose(options->mount_home, "ENROOT_MOUNT_HOME", state.site.mount_home);
	box->writable =
		choose(options->writable, "ENROOT_ROOTFS_WRITABLE", state.site.writable);
	box->entrypoint = options->entrypoint == UC_ON ||
			  (options->entrypoint == UC_UNSET && state.site.entrypoint);
	box->home = strdup(box->remap_root ? "/root" : state.job.home);
	return box->home ? 0 : -1;
}

static int prepare(spank_t sp, struct uc_options *options)
{
	state.entered = mmap(NULL, sizeof(*state.entered), PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (state.entered == MAP_FAILED) {
		state.entered = NULL;
		return -1;
	}
	if (uc_job_load_env(sp, &state.job) || mount_script(sp, options) ||
	    settle_box(options))
		return -1;
	return uc_box_find(&state.box, &state.site, &state.job, options);
}

static int start(struct uc_options *options)
{
	struct uc_box *box = &state.box;

	if (box->running) {
		if (options->n_mounts) {
			slurm_spank_log(
				"pyxis: ignoring --container-mounts when attaching to a "
				"running container");
			uc_mounts_clear(options);
		}
		return uc_box_attach(box, &state.job);
	}
	if (!box->filesystem_exists && !is_path(options->image))
		return refuse_registry(options->image);
	if (uc_box_start(box, &state.site, &state.job, options))
		return -1;
	if (box->entrypoint && options->entrypoint_log == UC_ON)
		uc_box_print_log(box, false);
	return 0;
}

/* srun learns nothing of an error here, so it is kept for the tasks to fail with. */
int slurm_spank_user_init(spank_t sp, int argc, char **argv)
{
	struct uc_options *options = uc_options_get();

	(void)argc;
	(void)argv;
	if (!state.enabled)
		return 0;
	state.refused = prepare(sp, options) != 0;
	if (!state.refused)
		state.failed = start(options) != 0;
	return 0;
}

int slurm_spank_task_init(spank_t sp, int argc, char **argv)
{
	const struct uc_options *options = uc_options_get();
	int task = 0;

	(void)argc;
	(void)argv;
	if (!state.enabled)
		return 0;
	if (state.refused)
		return -1;
	if (state.failed) {
		if (spank_get_item(sp, S_TASK_ID, &task) == ESPANK_SUCCESS && task > 0)
			slurm_error(
				"pyxis: container was not started successfully by another task");
		return -1;
	}
	if (uc_env_import(sp, &state.box, options)) {
		slurm_error("pyxis: couldn't read container environment");
		return -1;
	}
	if (uc_join(&state.box, options) || uc_seccomp_pretend())
		return -1;
	atomic_fetch_add(state.entered, 1);
	return 0;
}

static int remove_folder(void *arg)
{
	return uc_tree_remove(arg);
}

/* Once, when the last task has gone or slurmstepd ends without tasks. */
static void end_container(void)
{
	struct uc_box *box = &state.box;

	if (!state.enabled || state.ended)
		return;
	state.ended = true;
	uc_box_close(box);
	if (!box->named && box->lock >= 0) {
		slurm_info("pyxis: removing container filesystem: %s", box->name);
		if (uc_child_run(&state.job, -1, REMOVE_MS, remove_folder, box->dir))
			slurm_info("pyxis: failed to remove container filesystem: %s",
				   box->name);
	}
	uc_close(&box->lock);
}

int slurm_spank_task_exit(spank_t sp, int argc, char **argv)
{
	const struct uc_options *options = uc_options_get();
	int rc = 0;

	(void)sp;
	(void)argc;
	(void)argv;
	if (!state.enabled || ++state.exited < state.job.local_tasks)
		return 0;
	/* Saved only when all tasks had entered, whatever became of them then. */
	if (options->save && !state.refused && !state.failed &&
	    *state.entered == state.job.local_tasks)
		rc = uc_save(&state.box, &state.job, options);
	end_container();
	return rc;
}

/* Slurm drains the node of an epilog that fails: what went wrong is only told. */
int slurm_spank_job_epilog(spank_t sp, int argc, char **argv)
{
	if (uc_site_parse(&state.site, argc, argv))
		slurm_error("pyxis: epilog: failed to parse configuration");
	else
		(void)uc_epilog(sp, &state.site);
	return 0;
}

int slurm_spank_exit(spank_t sp, int argc, char **argv)
{
	(void)sp;
	(void)argc;
	(void)argv;
	if (spank_context() == S_CTX_REMOTE) {
		end_container();
		if (state.entered)
			munmap(state.entered, sizeof(*state.entered));
		free(state.box.name);
		free(state.box.dir);
		free(state.box.home);
		free(state.box.cwd);
		uc_job_free(&state.job);
	}
	uc_options_free();
	return 0;
}
