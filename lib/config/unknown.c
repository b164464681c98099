/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* An unknown key: what was probably meant. */
#include "config/schema.h"

#include <ctype.h>
#include <string.h>

/* What the same thing is called by Slurm, pyxis and others. */
static const struct {
	const char *theirs, *ours;
} synonyms[] = {
	{ "chdir", "workdir" },
	{ "container", "image" },
	{ "container_image", "image" },
	{ "container_mounts", "mounts" },
	{ "container_workdir", "workdir" },
	{ "cores", "cpus_per_task" },
	{ "cpus", "cpus_per_task" },
	{ "environment", "env" },
	{ "gres", "gpus" },
	{ "memory", "mem" },
	{ "presets", "profiles" },
	{ "queue", "partition" },
	{ "time_limit", "time" },
	{ "variables", "env" },
	{ "volumes", "mounts" },
	{ "walltime", "time" },
};

/* The nearest key that is right where `word` stands, or NULL. */
static const char *nearest_key(const char *prefix, bool in_profile, const char *word)
{
	const char *names[UC_KEYS_MAX + 4];
	size_t count = 0, skip = strlen(prefix);
	char lower[32] = "";

	for (size_t i = 0; word[i] && i < sizeof(lower) - 1; i++)
		lower[i] = word[i] == '-' ? '_' : (char)tolower((unsigned char)word[i]);
	for (size_t i = 0; !skip && i < sizeof(synonyms) / sizeof(synonyms[0]); i++)
		if (strcmp(synonyms[i].theirs, lower) == 0)
			return synonyms[i].ours;
	for (const struct uc_key *k = uc_config_keys(); k->name; k++) {
		if (strncmp(k->name, prefix, skip) != 0 || (in_profile && !k->profile))
			continue;
		names[count++] = k->name + skip;
	}
	if (!skip)
		names[count++] = in_profile ? "inherit" : "profiles";
	if (!skip && !in_profile)
		names[count++] = "slurm";
	if (!skip)
		names[count++] = "session"; /* profiles may set some of it */
	names[count] = NULL;
	return uc_text_nearest(lower, names);
}

/* The key of a group ("slurm.timeout") that `word` is the last part of, or NULL. */
static const struct uc_key *grouped_key(const char *word)
{
	for (const struct uc_key *k = uc_config_keys(); k->name; k++) {
		const char *dot = strchr(k->name, '.');

		if (dot && (strcmp(dot + 1, word) == 0 || strcmp(k->name, word) == 0))
			return k;
	}
	return NULL;
}

int uc_unknown_key(const char *prefix, bool in_profile, const char *word,
		   struct uc_error *err)
{
	const struct uc_key *grouped = grouped_key(word);
	const char *near = nearest_key(prefix, in_profile, word);

	uc_fail(err, UC_USAGE, "unknown key '%s%.*s'", prefix, UC_SHOWN(word));
	if (prefix[0] && uc_key_find(word))
		return uc_hint(err, "'%s' belongs to the left, outside of '%.*s'", word,
			       (int)strlen(prefix) - 1, prefix);
	if (!prefix[0] && grouped)
		return uc_hint(err, "write '%.*s:' and below it, indented, '%s:'",
			       (int)strcspn(grouped->name, "."), grouped->name,
			       strchr(grouped->name, '.') + 1);
	if (near)
		return uc_hint(err, "did you mean '%s'?", near);
	return uc_hint(err, "ucluster.config(5) lists all keys");
}
