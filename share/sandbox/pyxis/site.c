/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* The words of plugstack.conf, and the folders they name. */
#include "pyxis.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// clang-format off
static const struct {
	const char *key;
	size_t at;
} texts[] = {
	{ "runtime_path=", offsetof(struct uc_site, runtime_path) },
	{ "cache_path=", offsetof(struct uc_site, cache_path) },
	{ "gpu_dir=", offsetof(struct uc_site, gpu_dir) },
	{ "use=", offsetof(struct uc_site, use) },
}, switches[] = {
	{ "sbatch_support=", offsetof(struct uc_site, sbatch_support) },
	{ "execute_entrypoint=", offsetof(struct uc_site, entrypoint) },
	{ "writable=", offsetof(struct uc_site, writable) },
	{ "mount_home=", offsetof(struct uc_site, mount_home) },
	{ "remap_root=", offsetof(struct uc_site, remap_root) },
};
// clang-format on

static const char *value_of(const char *word, const char *key)
{
	size_t len = strlen(key);

	return strncmp(word, key, len) == 0 ? word + len : NULL;
}

static bool take_text(struct uc_site *site, const char *word)
{
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		const char *value = value_of(word, texts[i].key);
		if (!value)
			continue;
		*(const char **)((char *)site + texts[i].at) = value;
		return true;
	}
	return false;
}

static bool take_switch(struct uc_site *site, const char *word)
{
	for (size_t i = 0; i < sizeof(switches) / sizeof(*switches); i++) {
		const char *value = value_of(word, switches[i].key);
		if (!value || (strcmp(value, "0") != 0 && strcmp(value, "1") != 0))
			continue;
		*(bool *)((char *)site + switches[i].at) = *value == '1';
		return true;
	}
	return false;
}

static bool take_scope(struct uc_site *site, const char *word)
{
	const char *value = value_of(word, "container_scope=");

	if (!value || (strcmp(value, "job") != 0 && strcmp(value, "global") != 0))
		return false;
	site->scope_job = strcmp(value, "job") == 0;
	return true;
}

static bool is_method(const char *use)
{
	return strcmp(use, "kernel") == 0 || strcmp(use, "squashfuse") == 0 ||
	       strcmp(use, "unsquashfs") == 0;
}

int uc_site_parse(struct uc_site *site, int argc, char **argv)
{
	*site = (struct uc_site){
		.runtime_path = "/run/pyxis",
		.cache_path = "/var/cache/pyxis",
		.sbatch_support = true,
		/* enroot ships "no"; sites whose users run pip inside say yes. */
		.writable = true,
	};
	for (int i = 0; i < argc; i++) {
		if (take_text(site, argv[i]) || take_switch(site, argv[i]) ||
		    take_scope(site, argv[i]))
			continue;
		slurm_error("pyxis: unknown configuration option: %s", argv[i]);
		return -1;
	}
	if (site->use && !is_method(site->use)) {
		slurm_error("pyxis: use: invalid value: %s", site->use);
		return -1;
	}
	if (site->runtime_path[0] != '/' || site->cache_path[0] != '/') {
		slurm_error("pyxis: runtime_path and cache_path must be absolute paths");
		return -1;
	}
	return 0;
}

/* Only the last component is made, as pyxis does. */
static int make_folder(const char *path, mode_t mode)
{
	if (mkdir(path, mode) == 0)
		return chmod(path, mode);
	return errno == EEXIST ? 0 : -1;
}

int uc_site_folders(const struct uc_site *site)
{
	const char *paths[] = { site->runtime_path, site->cache_path };

	for (size_t i = 0; i < 2; i++) {
		if (make_folder(paths[i], 0755)) {
			slurm_error("pyxis: slurmd: couldn't mkdir %s: %s", paths[i],
				    strerror(errno));
			return -1;
		}
	}
	return 0;
}

static int make_user_folder(const char *parent, const struct uc_job *job)
{
	char *path = uc_fmt("%s/%u", parent, (unsigned int)job->uid);
	int rc = path ? mkdir(path, 0700) : -1;

	if (rc == 0)
		rc = lchown(path, job->uid, job->gid);
	else if (path && errno == EEXIST)
		rc = 0;
	if (rc)
		slurm_error("pyxis: couldn't mkdir %s: %s", path ? path : parent,
			    strerror(errno));
	free(path);
	return rc;
}

/* Called as the user slurmd runs as. The virtual nodes share one disk, so each has a
 * folder. */
int uc_site_user_folder(const struct uc_site *site, const struct uc_job *job)
{
	char *node = uc_fmt("%s/%s", site->runtime_path, job->node);
	int rc = -1;

	if (node && make_folder(site->runtime_path, 0755) == 0 &&
	    make_folder(node, 0755) == 0 && make_folder(site->cache_path, 0755) == 0)
		rc = make_user_folder(node, job);
	if (rc == 0)
		rc = make_user_folder(site->cache_path, job);
	free(node);
	return rc;
}
