/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* The text of --container-mounts, as pyxis reads it. */
#include "pyxis.h"

#include <stdlib.h>
#include <string.h>

/* As pyxis does: a path starts with '/' or '.', two words are special. */
static const char *base_flags(const char *source)
{
	if (source[0] == '/' || source[0] == '.')
		return "x-create=auto,rbind";
	if (strcmp(source, "tmpfs") == 0)
		return "x-create=dir";
	if (strcmp(source, "umount") == 0)
		return "x-detach";
	return NULL;
}

static bool same_mount(const struct uc_mount *a, const struct uc_mount *b)
{
	return strcmp(a->source, b->source) == 0 && strcmp(a->target, b->target) == 0 &&
	       strcmp(a->flags, b->flags) == 0;
}

static void free_mount(struct uc_mount *mount)
{
	free(mount->source);
	free(mount->target);
	free(mount->flags);
}

static int append(struct uc_options *options, struct uc_mount *mount)
{
	for (size_t i = 0; i < options->n_mounts; i++) {
		if (same_mount(&options->mounts[i], mount)) {
			free_mount(mount);
			return 0;
		}
	}

	struct uc_mount *grown =
		realloc(options->mounts, (options->n_mounts + 1) * sizeof(*grown));
	if (!grown)
		return -1;
	options->mounts = grown;
	grown[options->n_mounts++] = *mount;
	return 0;
}

int uc_mounts_add(struct uc_options *options, const char *source, const char *target,
		  const char *flags)
{
	const char *base = base_flags(source);

	if (!base) {
		slurm_error(
			"pyxis: mount source must be a relative path, an absolute path, "
			"\"tmpfs\" or \"umount\"");
		return -1;
	}
	if (target[0] != '/' && target[0] != '.') {
		slurm_error(
			"pyxis: mount target must be a relative path or an absolute path");
		return -1;
	}

	struct uc_mount mount = {
		.source = strdup(source),
		.target = strdup(target),
		.flags = flags ? uc_fmt("%s,%s", base, flags) : strdup(base),
	};
	if (!mount.source || !mount.target || !mount.flags || append(options, &mount)) {
		free_mount(&mount);
		return -1;
	}
	return 0;
}

static int bad_format(const char *entry)
{
	slurm_error("pyxis: --container-mounts: invalid format: %s", entry);
	return -1;
}

/* SRC[:DST[:FLAG+FLAG]]; changes entry. */
static int parse_entry(struct uc_options *options, char *entry, const char *shown)
{
	char *rest = entry;
	char *source = strsep(&rest, ":");

	if (!*source)
		return bad_format(shown);

	char *target = rest ? strsep(&rest, ":") : source;
	if (!*target)
		return bad_format(shown);

	char *flags = rest && *rest ? rest : NULL;
	for (char *c = flags; c && *c; c++)
		if (*c == '+')
			*c = ',';

	if (uc_mounts_add(options, source, target, flags)) {
		slurm_error("pyxis: could not add mount entry: %s:%s", source, target);
		return -1;
	}
	return 0;
}

int uc_mounts_parse(struct uc_options *options, const char *text)
{
	char *copy = strdup(text), *rest = copy, *entry;
	int rc = copy ? 0 : -1;

	while (rc == 0 && (entry = strsep(&rest, ","))) {
		char *shown = strdup(entry);
		rc = shown ? parse_entry(options, entry, shown) : -1;
		free(shown);
	}
	free(copy);
	return rc;
}

void uc_mounts_clear(struct uc_options *options)
{
	for (size_t i = 0; i < options->n_mounts; i++)
		free_mount(&options->mounts[i]);
	free(options->mounts);
	options->mounts = NULL;
	options->n_mounts = 0;
}
