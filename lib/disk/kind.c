/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "disk/kind.h"

#include <stddef.h>
#include <string.h>

struct rule {
	enum uc_disk_kind kind;
	const char *prefix, *suffix; /* of a file's name; suffixes from the last dot */
};

static const char *const names[UC_KIND_COUNT] = {
	[UC_KIND_OTHER] = "other",
	[UC_KIND_IMAGE] = "images",
	[UC_KIND_CACHE] = "caches",
	[UC_KIND_ENVIRONMENT] = "environments",
	[UC_KIND_CHECKPOINT] = "checkpoints",
	[UC_KIND_GIT] = "git",
	[UC_KIND_LOG] = "logs",
};

static const struct rule folders[] = {
	{ UC_KIND_CACHE, ".cache", NULL },      { UC_KIND_CACHE, "__pycache__", NULL },
	{ UC_KIND_CACHE, "pip", NULL },         { UC_KIND_CACHE, "huggingface", NULL },
	{ UC_KIND_CACHE, ".mypy_cache", NULL }, { UC_KIND_CACHE, ".pytest_cache", NULL },
	{ UC_KIND_GIT, ".git", NULL },
};

/* virtualenv and venv write the one (PEP 405), conda and mamba the other. */
static const struct rule markers[] = {
	{ UC_KIND_ENVIRONMENT, "pyvenv.cfg", NULL },
	{ UC_KIND_ENVIRONMENT, "conda-meta", NULL },
};

static const struct rule files[] = {
	{ UC_KIND_IMAGE, "", ".sqsh" },
	{ UC_KIND_IMAGE, "", ".squashfs" },
	{ UC_KIND_IMAGE, "", ".sif" },
	{ UC_KIND_CHECKPOINT, "", ".pt" },
	{ UC_KIND_CHECKPOINT, "", ".pth" },
	{ UC_KIND_CHECKPOINT, "", ".ckpt" },
	{ UC_KIND_CHECKPOINT, "", ".safetensors" },
	{ UC_KIND_LOG, "slurm-", ".out" },
	{ UC_KIND_LOG, "slurm-", ".err" },
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

const char *uc_disk_kind_name(enum uc_disk_kind kind)
{
	return names[kind];
}

static enum uc_disk_kind find(const struct rule *rule, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (rule[i].prefix[0] == name[0] && strcmp(rule[i].prefix, name) == 0)
			return rule[i].kind;
	return UC_KIND_OTHER;
}

enum uc_disk_kind uc_disk_kind_of_folder(const char *name)
{
	return find(folders, COUNT(folders), name);
}

enum uc_disk_kind uc_disk_kind_of_marker(const char *name)
{
	return find(markers, COUNT(markers), name);
}

enum uc_disk_kind uc_disk_kind_of_file(const char *name)
{
	const char *dot = strrchr(name, '.');

	if (!dot || dot == name)
		return UC_KIND_OTHER;
	for (size_t i = 0; i < COUNT(files); i++)
		if (strcmp(files[i].suffix, dot) == 0 &&
		    strncmp(files[i].prefix, name, strlen(files[i].prefix)) == 0)
			return files[i].kind;
	return UC_KIND_OTHER;
}
