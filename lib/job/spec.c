/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "job/spec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int uc_spec_new(struct uc_spec **out, struct uc_error *err)
{
	struct uc_spec *spec = calloc(1, sizeof(*spec));

	if (!spec)
		return uc_fail(err, UC_FAILED, "out of memory");
	*out = spec;
	return 0;
}

static void free_setting(struct uc_setting_of *setting)
{
	free(setting->name);
	free(setting->value);
	free(setting->word[0]);
	free(setting->word[1]);
	free(setting->from);
}

void uc_spec_free(struct uc_spec *spec)
{
	int saved = errno;

	if (!spec)
		return;
	for (size_t i = 0; i < spec->count; i++)
		free_setting(&spec->settings[i]);
	free(spec->settings);
	uc_container_free(&spec->box);
	uc_strv_free(&spec->command);
	uc_strv_free(&spec->env);
	uc_strv_free(&spec->hidden_env);
	uc_strv_free(&spec->soft_env);
	for (size_t i = 0; i < spec->origin_count; i++) {
		free(spec->origins[i].what);
		free(spec->origins[i].from);
	}
	free(spec->origins);
	free(spec->script);
	uc_strv_free(&spec->session);
	free(spec);
	errno = saved;
}

const char *uc_option_name(const struct uc_slurm_option *option)
{
	return option->same ? option->same : option->name;
}

struct uc_setting_of *uc_spec_append(struct uc_spec *spec,
				     const struct uc_slurm_option *option,
				     const char *value)
{
	struct uc_setting_of *setting;

	if (spec->count == spec->cap) {
		size_t cap = spec->cap ? spec->cap * 2 : 16;

		setting = reallocarray(spec->settings, cap, sizeof(*setting));
		if (!setting)
			return NULL;
		spec->settings = setting;
		spec->cap = cap;
	}
	setting = &spec->settings[spec->count];
	*setting = (struct uc_setting_of){ .option = option };
	if (value && !(setting->value = strdup(value)))
		return NULL;
	spec->count++;
	return setting;
}

static struct uc_setting_of *find_last(const struct uc_spec *spec, const char *name)
{
	for (size_t i = spec->count; i > 0; i--) {
		struct uc_setting_of *setting = &spec->settings[i - 1];

		if (setting->option && strcmp(uc_option_name(setting->option), name) == 0)
			return setting;
	}
	return NULL;
}

static int unknown_name(const char *name, struct uc_error *err)
{
	const char *near = uc_slurm_option_nearest(name, strlen(name));

	if (near)
		return uc_fail(
			err, UC_USAGE,
			"'%s' is not an option of srun or sbatch; did you mean '%s'?",
			name, near);
	return uc_fail(err, UC_USAGE, "'%s' is not an option of srun or sbatch", name);
}

int uc_spec_set(struct uc_spec *spec, const char *name, const char *value,
		struct uc_error *err)
{
	uc_auto(buf) struct uc_buf kind = { 0 };
	const struct uc_slurm_option *option;
	struct uc_setting_of *setting;
	size_t candidates;

	option = uc_slurm_option_find(name, strlen(name), UC_SCOPE_SRUN | UC_SCOPE_SBATCH,
				      &candidates);
	if (!option || strcmp(option->name, name) != 0)
		return unknown_name(name, err);
	if (value && value[0] == '\0')
		value = NULL;
	if (!value && option->arity == UC_ARITY_REQUIRED)
		return uc_fail(err, UC_USAGE, "--%s needs a value", name);
	if (value && option->arity == UC_ARITY_NONE)
		return uc_fail(err, UC_USAGE, "--%s takes no value, '%s' was given", name,
			       value);
	if (value && uc_kind_value(uc_option_name(option), value, &kind, err) < 0)
		return uc_context(err, "--%s", name);
	if (kind.len > 0)
		value = uc_buf_text(&kind);
	setting = find_last(spec, uc_option_name(option));
	if (setting && !setting->word[0] && !setting->bundled) {
		char *copy = value ? strdup(value) : NULL;

		if (value && !copy)
			return uc_fail(err, UC_FAILED, "out of memory");
		free(setting->value);
		free(setting->from);
		setting->value = copy;
		setting->layer = setting->from = NULL;
		return 0;
	}
	return uc_spec_append(spec, option, value)
		       ? 0
		       : uc_fail(err, UC_FAILED, "out of memory");
}

const char *uc_spec_get(const struct uc_spec *spec, const char *name)
{
	const struct uc_setting_of *setting = find_last(spec, name);

	if (!setting)
		return NULL;
	return setting->value ? setting->value : "";
}

bool uc_spec_has_any(const struct uc_spec *spec, const char *const *names)
{
	for (; *names; names++)
		if (find_last(spec, *names))
			return true;
	return false;
}

bool uc_spec_excludes(const struct uc_spec *spec, const char *name)
{
	static const char *const groups[][4] = {
		{ "mem", "mem-per-cpu", "mem-per-gpu", NULL },
		{ "requeue", "no-requeue", NULL },
		{ "exclusive", "oversubscribe", NULL },
		{ "core-spec", "thread-spec", NULL },
	};

	for (size_t g = 0; g < sizeof(groups) / sizeof(groups[0]); g++)
		for (const char *const *n = groups[g]; *n; n++)
			if (strcmp(*n, name) == 0)
				return uc_spec_has_any(spec, groups[g]);
	return find_last(spec, name) != NULL;
}

static bool names_gpu(const char *list)
{
	/* "gpu:2", "gres:gpu:2", "gres/gpu:2", "gres/gpu=2", "shard" is no GPU of its own
	 */
	for (const char *at = list; at && (at = strstr(at, "gpu")); at += 3)
		if ((at == list || strchr(",:/", at[-1])) &&
		    (at[3] == '\0' || strchr(",:=(", at[3])))
			return true;
	return false;
}

static bool is_zero(const char *count)
{
	const char *number = strrchr(count, ':');

	return strcmp(number ? number + 1 : count, "0") == 0;
}

bool uc_spec_wants_gpus(const struct uc_spec *spec, const char *const *environment)
{
	static const char *const counts[][2] = {
		{ "gpus", "SLURM_GPUS" },
		{ "gpus-per-node", "SLURM_GPUS_PER_NODE" },
		{ "gpus-per-socket", "SLURM_GPUS_PER_SOCKET" },
		{ "gpus-per-task", "SLURM_GPUS_PER_TASK" },
	};
	static const char *const lists[][2] = {
		{ "gres", "SLURM_GRES" },
		{ "tres-per-task", "SLURM_TRES_PER_TASK" },
	};

	for (size_t i = 0; i < 4; i++) {
		const char *value = uc_spec_get(spec, counts[i][0]);

		value = value ? value : uc_env_value(environment, counts[i][1]);
		if (value && value[0] && !is_zero(value))
			return true;
	}
	for (size_t i = 0; i < 2; i++) {
		const char *value = uc_spec_get(spec, lists[i][0]);

		value = value ? value : uc_env_value(environment, lists[i][1]);
		if (value && names_gpu(value))
			return true;
	}
	/* a step has the GPUs of its job */
	return spec->step && uc_env_value(environment, "SLURM_JOB_GPUS");
}

int uc_spec_set_command(struct uc_spec *spec, const char *const *argv,
			struct uc_error *err)
{
	uc_strv_free(&spec->command);
	uc_strv_add_all(&spec->command, argv);
	return spec->command.failed ? uc_fail(err, UC_FAILED, "out of memory") : 0;
}

const char *const *uc_spec_command(const struct uc_spec *spec)
{
	static const char *const none[] = { NULL };

	return spec->command.count > 0 ? (const char *const *)spec->command.item : none;
}

struct uc_container *uc_spec_container(struct uc_spec *spec)
{
	return &spec->box;
}

void uc_spec_set_runtime(struct uc_spec *spec, enum uc_runtime runtime)
{
	spec->runtime = runtime;
}
