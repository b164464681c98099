/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UCLUSTER_CONTAINER_H
#define UCLUSTER_CONTAINER_H
/*
 * Containers: image references, mounts, and what pyxis or plain enroot is told.
 *
 *	uc_auto(container) struct uc_container box = { 0 };
 *	uc_container_set_image(&box, "pytorch_22.05", &where, &err);
 *	uc_container_add_mount(&box, "~/data:/data:ro", UC_MOUNT_NEW, &where, &err);
 *	uc_container_pyxis(&box, &options, &err);  --container-image=/data/enroot/...
 */
#include <ucluster/error.h>
#include <ucluster/text.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Who starts the container on the node. */
enum uc_runtime {
	UC_RUNTIME_PYXIS,  /* srun's SPANK plugin */
	UC_RUNTIME_ENROOT, /* "enroot start" as the task's command */
	UC_RUNTIME_NONE,   /* no container */
};

/* What relative paths, ~ and short image names are resolved against. */
struct uc_where {
	const char *cwd, *home;        /* absolute */
	const char *const *image_dirs; /* NULL-terminated, or NULL */
	/*
	 * Do not look whether images, mounts and the target of a save exist: they may be
	 * on the nodes only; an existing target is overwritten.
	 */
	bool unchecked;
};

struct uc_mount {
	char *source; /* absolute path, or "tmpfs" or "umount" */
	char *target; /* absolute */
	char *flags;  /* "ro+nosuid", or NULL */
};

enum uc_switch {
	UC_SITE, /* leave it to the site's default */
	UC_ON,
	UC_OFF,
};

/* Zero-initialise; free with uc_container_free. */
struct uc_container {
	char *image; /* absolute path, or [USER@][REGISTRY#]IMAGE[:TAG]; NULL = none */
	bool image_is_path;
	struct uc_mount *mounts;
	size_t mount_count;
	char *workdir;  /* absolute inside the container, or NULL */
	char *name;     /* NAME[:auto|create|exec|no_exec], or NULL */
	char *save;     /* absolute path, or NULL */
	bool save_over; /* what is there may be replaced */
	char *env;     /* NAME[,NAME...]: names that the host's value wins for, or NULL */
	char *unshare; /* "net,ipc,uts", or NULL */
	enum uc_switch mount_home, remap_root, entrypoint, writable, entrypoint_log;
};
void uc_container_free(struct uc_container *box);
UC_DEFINE_AUTO_VALUE(container, struct uc_container)

/*
 * Is this a whole squashfs file? Its superblock tells, which is written last.
 * UC_NOTFOUND, UC_DENIED; UC_USAGE: no squashfs file, never finished, or cut off.
 */
int uc_squashfs_check(const char *path, struct uc_error *err) UC_MUST_CHECK;

/*
 * Resolve and set the image: a path (with / in front, ./, ../, ~/ or ending in .sqsh), a
 * short name looked up in where->image_dirs ("pytorch_22.05" finds
 * "nvcr.io_nvidia_pytorch_22.05-py3.sqsh"), or a registry reference
 * ("nvcr.io/nvidia/pytorch:24.05-py3" and "docker://..." become REGISTRY#IMAGE). A bare
 * word is a registry's image only when there are no image_dirs. Paths must exist and be
 * whole squashfs files. UC_NOTFOUND with the nearest names; UC_USAGE when several match
 * (they are named) or the reference is malformed; UC_DENIED when it cannot be read.
 */
int uc_container_set_image(struct uc_container *box, const char *ref,
			   const struct uc_where *where,
			   struct uc_error *err) UC_MUST_CHECK;

/* What happens to another mount on the same target. */
enum uc_mount_mode {
	UC_MOUNT_NEW,     /* UC_USAGE */
	UC_MOUNT_REPLACE, /* the new one wins */
	UC_MOUNT_KEEP,    /* the old one wins; the source need not exist */
};
/*
 * Add one mount, SRC[:DST[:FLAG[+FLAG...]]]; DST defaults to SRC. An equal entry is added
 * once. UC_USAGE: malformed, an unknown flag, "," in a path; UC_NOTFOUND: no such source.
 */
int uc_container_add_mount(struct uc_container *box, const char *text,
			   enum uc_mount_mode mode, const struct uc_where *where,
			   struct uc_error *err) UC_MUST_CHECK;
/* Add all of a comma-separated list (--container-mounts). */
int uc_container_add_mounts(struct uc_container *box, const char *list,
			    enum uc_mount_mode mode, const struct uc_where *where,
			    struct uc_error *err) UC_MUST_CHECK;
/* Is `path` seen at the same place inside, through a mount of it or of a parent? */
bool uc_container_shows(const struct uc_container *box, const char *path);

/*
 * Set by the name of pyxis's option, without dashes: "container-image",
 * "no-container-mount-home", ...; value NULL for switches. The last one wins; mounts and
 * the names of container-env add up. UC_USAGE for a value that pyxis would misread.
 */
int uc_container_option(struct uc_container *box, const char *name, const char *value,
			const struct uc_where *where, struct uc_error *err) UC_MUST_CHECK;
/*
 * Take for what is not set yet, of "NAME=value" strings, the container options that an
 * outer salloc or sbatch left there, and pyxis's input variables (PYXIS_CONTAINER_IMAGE,
 * ...).
 */
int uc_container_environment(struct uc_container *box, const char *const *environment,
			     const struct uc_where *where,
			     struct uc_error *err) UC_MUST_CHECK;

/*
 * srun's options for pyxis, each once, parents of mounts before their children; nothing
 * at all without image and name.
 */
int uc_container_pyxis(const struct uc_container *box, struct uc_strv *options,
		       struct uc_error *err) UC_MUST_CHECK;

/*
 * The words to put before the command when enroot runs it on the node without pyxis;
 * `pass` names the variables (NULL-terminated) to hand in besides Slurm's. UC_USAGE when
 * something is asked for that only pyxis can do.
 */
int uc_container_enroot(const struct uc_container *box, const char *const *pass,
			struct uc_strv *words, struct uc_error *err) UC_MUST_CHECK;

/* Where to ask which container options srun has. */
struct uc_srun_query {
	const char *srun;               /* absolute path of srun */
	const char *slurm_conf;         /* what it will read, or NULL */
	const char *state_dir;          /* keeps the answer, made when missing; or NULL */
	const char *const *environment; /* for srun, NULL-terminated */
};
/*
 * The names of pyxis's options ("container-image", ...) that this srun has; none without
 * pyxis. Asked of "srun --help", which needs no controller; kept for an hour while srun,
 * slurm.conf and plugstack.conf stay the same. UC_UNREACHABLE: srun did not answer
 * within 5 s.
 */
int uc_srun_options(const struct uc_srun_query *query, struct uc_strv *names,
		    struct uc_error *err) UC_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
