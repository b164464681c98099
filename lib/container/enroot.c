/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * "enroot start" on the node, for clusters without pyxis: one container a task, straight
 * from the image file. It passes no variable by itself, so Slurm's and the GPUs' are
 * named here; it knows no working directory, so a shell inside changes to it and execs
 * the command, whose words it does not touch.
 */
#include "container/container.h"

#include <stdlib.h>
#include <string.h>

/* What programs look at; unset ones are passed over by enroot. */
static const char *const passed[] = {
	"CUDA_VISIBLE_DEVICES",
	"NVIDIA_VISIBLE_DEVICES",
	"NVIDIA_DRIVER_CAPABILITIES",
	"GPU_DEVICE_ORDINAL",
	"ROCR_VISIBLE_DEVICES",
	"SLURM_CLUSTER_NAME",
	"SLURM_CPUS_ON_NODE",
	"SLURM_CPUS_PER_TASK",
	"SLURM_GPUS_ON_NODE",
	"SLURM_GTIDS",
	"SLURM_JOB_ACCOUNT",
	"SLURM_JOB_GPUS",
	"SLURM_JOB_ID",
	"SLURM_JOB_NAME",
	"SLURM_JOB_NODELIST",
	"SLURM_JOB_NUM_NODES",
	"SLURM_JOB_PARTITION",
	"SLURM_JOB_USER",
	"SLURM_JOBID",
	"SLURM_LAUNCH_NODE_IPADDR",
	"SLURM_LOCALID",
	"SLURM_MEM_PER_NODE",
	"SLURM_NNODES",
	"SLURM_NODEID",
	"SLURM_NODELIST",
	"SLURM_NPROCS",
	"SLURM_NTASKS",
	"SLURM_ARRAY_JOB_ID",
	"SLURM_ARRAY_TASK_ID",
	"SLURM_PROCID",
	"SLURM_STEP_GPUS",
	"SLURM_STEP_ID",
	"SLURM_STEP_NODELIST",
	"SLURM_STEP_NUM_TASKS",
	"SLURM_SUBMIT_DIR",
	"SLURM_SUBMIT_HOST",
	"SLURM_TASK_PID",
	"SLURM_TASKS_PER_NODE",
	"SLURMD_NODENAME",
	"TERM",
	NULL,
};

/* What is asked for and only pyxis can do, or NULL. */
static const char *only_pyxis(const struct uc_container *box)
{
	if (!box->image_is_path)
		return box->image ? "an image of a registry"
				  : "a container without an image";
	if (box->name)
		return "--container-name";
	if (box->save)
		return "--container-save";
	if (box->unshare)
		return "--container-unshare";
	if (box->mount_home == UC_ON)
		return "--container-mount-home";
	if (box->entrypoint == UC_OFF)
		return "--no-container-entrypoint";
	return NULL;
}

static void add_mount(struct uc_strv *words, const struct uc_mount *mount)
{
	uc_auto(buf) struct uc_buf options = { 0 };

	uc_strv_add(words, "--mount");
	if (strcmp(mount->source, "tmpfs") == 0)
		uc_buf_add(&options, "x-create=dir");
	else if (strcmp(mount->source, "umount") == 0)
		uc_buf_add(&options, "x-detach");
	else
		uc_buf_add(&options, "x-create=auto,rbind");
	if (mount->flags)
		uc_buf_addf(&options, ",%s", mount->flags);
	for (char *c = options.data; c && *c; c++)
		*c = *c == '+' ? ',' : *c;
	words->failed |= options.failed;
	uc_strv_addf(words, "%s:%s:%s:%s", mount->source, mount->target,
		     strcmp(mount->source, "tmpfs") == 0 ? "tmpfs" : "none",
		     uc_buf_text(&options));
}

static void add_names(struct uc_strv *words, const char *const *names)
{
	for (; names && *names; names++) {
		uc_strv_add(words, "--env");
		uc_strv_add(words, *names);
	}
}

int uc_container_enroot(const struct uc_container *box, const char *const *pass,
			struct uc_strv *words, struct uc_error *err)
{
	const char *missing = only_pyxis(box);
	struct uc_mount **order;

	if (missing) {
		uc_fail(err, UC_USAGE, "plain enroot cannot do this: %s", missing);
		return uc_hint(err, "it needs pyxis, or another --runtime");
	}
	order = uc_mounts_ordered(box);
	if (!order)
		return uc_fail(err, UC_FAILED, "out of memory");
	uc_strv_add(words, "enroot");
	uc_strv_add(words, "start");
	if (box->remap_root == UC_ON)
		uc_strv_add(words, "--root");
	if (box->writable == UC_ON)
		uc_strv_add(words, "--rw");
	for (size_t i = 0; i < box->mount_count; i++)
		add_mount(words, order[i]);
	free(order);
	add_names(words, passed);
	add_names(words, pass);
	uc_strv_add(words, box->image);
	if (box->workdir) {
		uc_strv_add(words, "/bin/sh");
		uc_strv_add(words, "-c");
		uc_strv_add(words, "cd -- \"$0\" && exec \"$@\"");
		uc_strv_add(words, box->workdir);
	}
	return words->failed ? uc_fail(err, UC_FAILED, "out of memory") : 0;
}
