/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* What configuration adds to what was asked for. */
#include "job/spec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "base/path.h"
#include "container/container.h"

struct defaults {
	struct uc_spec *spec;
	const struct uc_spec_rules *rules;
	struct uc_errors *notes;
	struct uc_error *err;
};

UC_PRINTF(2, 3)
static void note(struct defaults *d, const char *fmt, ...)
{
	uc_auto(buf) struct uc_buf text = { 0 };
	struct uc_error remark = { 0 };
	va_list ap;

	va_start(ap, fmt);
	uc_buf_addv(&text, fmt, ap);
	va_end(ap);
	uc_fail(&remark, UC_OK, "%s", uc_buf_text(&text));
	if (d->notes)
		uc_errors_add(d->notes, &remark);
}

static const struct uc_setting *setting(const struct defaults *d, const char *key)
{
	return d->rules->config ? uc_config_get(d->rules->config, key) : NULL;
}

/* Is the option, or one that excludes it, set by a variable that srun reads? */
static bool environment_sets(const struct defaults *d, const char *const *names)
{
	size_t count;
	const struct uc_slurm_option *opt = uc_slurm_options(&count);

	for (; !d->rules->batch && *names; names++)
		for (size_t i = 0; i < count; i++)
			for (const char *const *v = opt[i].srun_env; *v; v++)
				if (strcmp(opt[i].name, *names) == 0 &&
				    uc_env_value(d->rules->environment, *v))
					return true;
	return false;
}

struct rule {
	const char *key, *option;
	const char
		*const others[8]; /* the default is left away when one of these is set */
};

/* clang-format off */
static const struct rule rules_of_options[] = {
	{ "partition", "partition", { "partition", NULL } },
	{ "account", "account", { "account", NULL } },
	{ "qos", "qos", { "qos", NULL } },
	{ "gpus", "gpus", { "gpus", "gpus-per-node", "gpus-per-task", "gpus-per-socket",
			    "gres", "tres-per-task", NULL } },
	{ "cpus_per_task", "cpus-per-task", { "cpus-per-task", "cpus-per-gpu", NULL } },
	{ "mem", "mem", { "mem", "mem-per-cpu", "mem-per-gpu", NULL } },
	{ "time", "time", { "time", NULL } },
};
/* clang-format on */

static int add_option(struct defaults *d, const struct rule *rule)
{
	const struct uc_setting *value = setting(d, rule->key);

	if (!value || !value->text || value->text[0] == '\0' ||
	    uc_spec_has_any(d->spec, rule->others) || environment_sets(d, rule->others))
		return 0;
	if (uc_spec_set(d->spec, rule->option, value->text, d->err) < 0)
		return uc_context(d->err, "%s (%s)", rule->key, value->at.path);
	if (uc_spec_mark_setting(d->spec, value, NULL, d->err) < 0)
		return -1;
	/* a limit that ends a job is said, or nobody knows why it ended */
	if (strcmp(rule->key, "time") == 0)
		note(d, "time limit %s, from %s", uc_spec_get(d->spec, "time"),
		     value->at.path[0] ? value->at.path : "the built-in defaults");
	return 0;
}

static int add_image(struct defaults *d)
{
	const struct uc_setting *value = setting(d, "image");
	struct uc_container *box = &d->spec->box;
	struct uc_where where = d->rules->where;

	if (box->image || !value || !value->text || value->text[0] == '\0')
		return 0;
	/* "./x.sqsh" in a file is beside that file */
	if (value->base && value->base[0])
		where.cwd = value->base[0];
	if (uc_container_set_image(box, value->text, &where, d->err) < 0)
		return uc_context(d->err, "image of %s", value->at.path);
	return uc_spec_mark_setting(d->spec, value, NULL, d->err);
}

/* Which item of the list made this mount: the last with its target. */
static const struct uc_origin *mount_origin(const struct uc_setting *value,
					    const struct uc_mount *mount)
{
	struct uc_where where = { .cwd = "/", .home = "/", .unchecked = true };
	const struct uc_origin *found = NULL;

	for (size_t i = 0; value->from && value->list[i]; i++) {
		uc_auto(container) struct uc_container one = { 0 };

		if (value->base && value->base[i])
			where.cwd = value->base[i];
		if (uc_container_add_mount(&one, value->list[i], UC_MOUNT_NEW, &where,
					   NULL) < 0)
			continue;
		/* "~" is another one here */
		if (strcmp(one.mounts[0].target, mount->target) == 0 || !found)
			found = &value->from[i];
	}
	return found;
}

/* Configured mounts: a later one wins on the same target, the user's own wins over all.
 */
static int add_mounts(struct defaults *d)
{
	const struct uc_setting *value = setting(d, "mounts");
	uc_auto(container) struct uc_container all = { 0 };
	struct uc_where where = d->rules->where;

	where.unchecked = true;
	for (size_t i = 0; value && value->list && value->list[i]; i++) {
		if (value->base && value->base[i])
			where.cwd = value->base[i];
		if (uc_container_add_mount(&all, value->list[i], UC_MOUNT_REPLACE, &where,
					   d->err) < 0)
			return uc_context(d->err, "mounts of %s", value->at.path);
	}
	for (size_t i = 0; i < all.mount_count; i++) {
		const struct uc_mount *mount = &all.mounts[i];
		uc_auto(buf) struct uc_buf text = { 0 };
		struct stat st;

		if (mount->source[0] == '/' && stat(mount->source, &st) < 0 &&
		    (errno == ENOENT || errno == ENOTDIR)) {
			note(d, "mount '%s' is left out: it does not exist",
			     mount->source);
			continue;
		}
		uc_buf_addf(&text, "%s:%s", mount->source, mount->target);
		if (mount->flags)
			uc_buf_addf(&text, ":%s", mount->flags);
		if (text.failed)
			return uc_fail(d->err, UC_FAILED, "out of memory");
		if (uc_container_add_mount(&d->spec->box, uc_buf_text(&text),
					   UC_MOUNT_KEEP, &where, d->err) < 0 ||
		    uc_spec_mark_setting(d->spec, value, mount_origin(value, mount),
					 d->err) < 0)
			return -1;
	}
	return 0;
}

/* Mounted over, these would take away what the image brings, or what the node needs. */
static bool is_of_the_image(const char *path)
{
	static const char *const below[] = { "/bin",  "/boot",  "/dev",   "/etc",
					     "/lib",  "/lib32", "/lib64", "/libx32",
					     "/proc", "/sbin",  "/sys",   "/usr",
					     NULL };
	static const char *const exactly[] = { "/",    "/home", "/opt", "/root", "/run",
					       "/srv", "/tmp",  "/var", NULL };

	for (const char *const *p = below; *p; p++)
		if (uc_path_below(path, *p))
			return true;
	for (const char *const *p = exactly; *p; p++)
		if (strcmp(path, *p) == 0)
			return true;
	return false;
}

static bool has_target(const struct uc_container *box, const char *path)
{
	for (size_t i = 0; i < box->mount_count; i++)
		if (strcmp(box->mounts[i].target, path) == 0 &&
		    strcmp(box->mounts[i].source, "umount") != 0)
			return true;
	return false;
}

/* Where the job would start without a container: --chdir, its variable, or here. */
static int start_folder(struct defaults *d, struct uc_buf *out)
{
	const struct uc_where *where = &d->rules->where;
	const char *chdir = uc_spec_get(d->spec, "chdir");

	if (!chdir && !d->rules->batch)
		chdir = uc_env_value(d->rules->environment, "SLURM_REMOTE_CWD");
	if (!chdir && !d->rules->batch)
		chdir = uc_env_value(d->rules->environment, "SLURM_WORKING_DIR");
	if (!chdir && !where->cwd)
		return 0;
	return uc_path_absolute(out, chdir ? chdir : where->cwd, where->cwd, where->home,
				d->err);
}

/* Mount the working directory at the same place, and start there. */
static int add_workdir(struct defaults *d)
{
	struct uc_container *box = &d->spec->box;
	const struct uc_setting *value = setting(d, "workdir");
	uc_auto(buf) struct uc_buf folder = { 0 };
	struct uc_where where = d->rules->where;
	const char *path;

	if (value && value->base && value->base[0]) /* as in add_image() */
		where.cwd = value->base[0];
	if (!box->workdir && value && value->text && value->text[0] &&
	    (uc_container_option(box, "container-workdir", value->text, &where, d->err) <
		     0 ||
	     uc_spec_mark_setting(d->spec, value, NULL, d->err) < 0))
		return uc_context(d->err, "workdir of %s", value->at.path);
	if (start_folder(d, &folder) < 0)
		return -1;
	path = uc_buf_text(&folder);
	if (path[0] == '\0')
		return 0;
	if (!d->rules->no_default_mounts && !uc_container_shows(box, path) &&
	    !has_target(box, path)) {
		if (strpbrk(path, ",:\n"))
			note(d,
			     "the working directory is not mounted: '%s' has a comma, a colon "
			     "or a line break in its name",
			     path);
		else if (is_of_the_image(path))
			note(d,
			     "the working directory is not mounted: '%s' is the image's own",
			     path);
		else if (uc_container_add_mount(box, path, UC_MOUNT_KEEP,
						&d->rules->where, d->err) < 0)
			return -1;
	}
	if (!box->workdir && (uc_container_shows(box, path) || has_target(box, path)))
		return uc_container_put(&box->workdir, path, d->err);
	return 0;
}

/* Of a running container of another step nothing can be changed but where to start. */
static bool is_joined(const struct uc_container *box)
{
	const char *flag = box->name ? strchr(box->name, ':') : NULL;

	return flag && strcmp(flag, ":exec") == 0;
}

static int add_container(struct defaults *d)
{
	struct uc_container *box = &d->spec->box;

	if (uc_container_environment(box, d->rules->environment, &d->rules->where,
				     d->err) < 0 ||
	    uc_spec_mark(d->spec, uc_layer_name(UC_LAYER_ENVIRONMENT), NULL, d->err) < 0)
		return -1;
	if (is_joined(box))
		return 0;
	if (add_image(d) < 0)
		return -1;
	if (!box->image && !box->name)
		return 0;
	if (!d->rules->no_default_mounts && add_mounts(d) < 0)
		return -1;
	return add_workdir(d) < 0
		       ? -1
		       : uc_spec_mark(d->spec, "working directory", NULL, d->err);
}

/* Has the user given it already? */
static bool is_given(const struct uc_spec *spec, const char *assignment)
{
	return uc_spec_has_env(spec, assignment) ||
	       uc_secrets_find(spec->secrets, assignment);
}

static void add_soft(struct defaults *d, const char *name, const char *value)
{
	if (!uc_env_value(d->rules->environment, name) && !is_given(d->spec, name))
		uc_strv_addf(&d->spec->soft_env, "%s=%s", name, value);
}

static int add_environment(struct defaults *d)
{
	const struct uc_setting *value = setting(d, "env");
	struct uc_spec *spec = d->spec;
	bool contained =
		spec->runtime != UC_RUNTIME_NONE && (spec->box.image || spec->box.name);

	for (size_t i = 0; value && value->list && value->list[i]; i++) {
		/* a batch script can be read back, also by who runs the cluster */
		const bool hide = d->rules->batch && uc_env_is_secret(value->list[i]);

		if (!is_given(spec, value->list[i]) &&
		    ((hide ? uc_spec_hide_env(spec, value->list[i], d->err)
			   : uc_spec_set_env(spec, value->list[i], d->err)) < 0 ||
		     uc_spec_mark_setting(spec, value,
					  value->from ? &value->from[i] : NULL,
					  d->err) < 0))
			return uc_context(d->err, "env of %s", value->at.path);
	}
	add_soft(d, "PYTHONUNBUFFERED", "1");
	value = setting(d, "slurm.conf");
	if (value && value->text && value->text[0] && !d->rules->batch)
		add_soft(d, "SLURM_CONF", value->text);
	/*
	 * The driver gets into a container only when these are set, and images without
	 * GPU software do not set them; on a node without GPUs they make the start fail.
	 */
	if (contained && uc_spec_wants_gpus(spec, d->rules->environment)) {
		add_soft(d, "NVIDIA_VISIBLE_DEVICES", "all");
		add_soft(d, "NVIDIA_DRIVER_CAPABILITIES", "compute,utility");
	}
	if (spec->soft_env.failed)
		return uc_fail(d->err, UC_FAILED, "out of memory");
	return uc_spec_mark(spec, uc_layer_name(UC_LAYER_BUILTIN), NULL, d->err);
}

static int add_caches(struct defaults *d)
{
	const struct uc_setting *value = setting(d, "cache_dir");
	uc_auto(buf) struct uc_buf missing = { 0 };

	if (!value || !value->text || value->text[0] == '\0')
		return 0;
	if (uc_spec_add_caches(d->spec, d->rules, value, &missing, d->err) < 0)
		return -1;
	if (missing.len > 0)
		note(d, "cache_dir '%s' is left out: it is no directory",
		     uc_buf_text(&missing));
	return 0;
}

static bool is_step(const struct uc_spec *spec, const struct uc_spec_rules *rules)
{
	return !rules->batch && (uc_spec_get(spec, "jobid") ||
				 uc_env_value(rules->environment, "SLURM_JOB_ID"));
}

int uc_spec_defaults(struct uc_spec *spec, const struct uc_spec_rules *rules,
		     struct uc_errors *notes, struct uc_error *err)
{
	struct defaults d = { .spec = spec, .rules = rules, .notes = notes, .err = err };

	if (uc_spec_mark(spec, uc_layer_name(UC_LAYER_OPTION), NULL, err) < 0)
		return -1;
	spec->step = is_step(spec, rules);
	for (size_t i = 0; !spec->step && !rules->no_options &&
			   i < sizeof(rules_of_options) / sizeof(rules_of_options[0]);
	     i++)
		if (add_option(&d, &rules_of_options[i]) < 0)
			return -1;
	if (!rules->no_container && spec->runtime != UC_RUNTIME_NONE &&
	    add_container(&d) < 0)
		return -1;
	return add_environment(&d) < 0 ? -1 : add_caches(&d);
}
