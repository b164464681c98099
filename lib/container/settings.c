/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* pyxis's options by name, and its input variables. */
#include "container/container.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include "base/path.h"

void uc_container_free(struct uc_container *box)
{
	int saved = errno;

	for (size_t i = 0; i < box->mount_count; i++) {
		free(box->mounts[i].source);
		free(box->mounts[i].target);
		free(box->mounts[i].flags);
	}
	free(box->mounts);
	free(box->image);
	free(box->workdir);
	free(box->name);
	free(box->save);
	free(box->env);
	free(box->unshare);
	*box = (struct uc_container){ 0 };
	errno = saved;
}

int uc_container_put(char **field, const char *text, struct uc_error *err)
{
	char *copy = strdup(text);

	if (!copy)
		return uc_fail(err, UC_FAILED, "out of memory");
	free(*field);
	*field = copy;
	return 0;
}

static int set_mounts(struct uc_container *box, const char *value,
		      const struct uc_where *where, struct uc_error *err)
{
	return uc_container_add_mounts(box, value, UC_MOUNT_NEW, where, err);
}

static int set_workdir(struct uc_container *box, const char *value,
		       const struct uc_where *where, struct uc_error *err)
{
	uc_auto(buf) struct uc_buf path = { 0 };

	if (value[0] != '/' && value[0] != '~' && value[0] != '.')
		return uc_fail(
			err, UC_USAGE,
			"working directory '%s': a path that begins with / or ./ is "
			"expected",
			value);
	if (uc_path_absolute(&path, value, where->cwd, where->home, err) < 0)
		return uc_context(err, "working directory");
	return uc_container_put(&box->workdir, uc_buf_text(&path), err);
}

static bool is_name(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)text[i]) && !strchr("._-", text[i]))
			return false;
	return len > 0 && text[0] != '-';
}

/* A blank in a name makes a directory that breaks every later use of a name (pyxis 0.24).
 */
static int set_name(struct uc_container *box, const char *value,
		    const struct uc_where *where, struct uc_error *err)
{
	static const char *const flags[] = { "auto", "create", "exec", "no_exec" };
	size_t len = strcspn(value, ":");
	bool known = value[len] == '\0';

	(void)where;
	if (!is_name(value, len))
		return uc_fail(
			err, UC_USAGE,
			"container name '%.*s': letters, digits, '.', '_' and '-' are "
			"expected",
			(int)len, value);
	for (size_t i = 0; !known && i < sizeof(flags) / sizeof(flags[0]); i++)
		known = strcmp(value + len + 1, flags[i]) == 0;
	if (!known)
		return uc_fail(
			err, UC_USAGE,
			"container name '%s': auto, create, exec or no_exec is expected "
			"after ':'",
			value);
	return uc_container_put(&box->name, value, err);
}

static int check_save(const char *path, struct uc_error *err)
{
	uc_auto(buf) struct uc_buf folder = { 0 };
	struct stat st;

	/* pyxis deletes an existing target before it writes, whatever it is */
	if (lstat(path, &st) == 0) {
		if (S_ISDIR(st.st_mode) || (stat(path, &st) == 0 && S_ISDIR(st.st_mode)))
			return uc_fail(
				err, UC_USAGE,
				"save to '%s': it is a directory, a file is expected",
				path);
		uc_fail(err, UC_USAGE, "save to '%s': it exists", path);
		return uc_hint(err, "--force replaces it");
	}
	uc_path_folder(&folder, path);
	if (stat(uc_buf_text(&folder), &st) < 0)
		return uc_fail_errno(err, errno == EACCES ? UC_DENIED : UC_NOTFOUND,
				     errno, "save to '%s'", path);
	if (!S_ISDIR(st.st_mode))
		return uc_fail(err, UC_USAGE, "save to '%s': '%s' is not a directory",
			       path, uc_buf_text(&folder));
	return 0;
}

static int set_save(struct uc_container *box, const char *value,
		    const struct uc_where *where, struct uc_error *err)
{
	uc_auto(buf) struct uc_buf path = { 0 };
	struct stat st;

	if (value[strlen(value) - 1] == '/')
		return uc_fail(err, UC_USAGE,
			       "save to '%s': it is a directory, a file is expected",
			       value);
	if (uc_path_absolute(&path, value, where->cwd, where->home, err) < 0)
		return uc_context(err, "save");
	if (where->unchecked && stat(uc_buf_text(&path), &st) == 0 && S_ISDIR(st.st_mode))
		return uc_fail(err, UC_USAGE,
			       "save to '%s': it is a directory, a file is expected",
			       uc_buf_text(&path));
	if (!where->unchecked && check_save(uc_buf_text(&path), err) < 0)
		return -1;
	box->save_over = where->unchecked;
	return uc_container_put(&box->save, uc_buf_text(&path), err);
}

static bool is_variable(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!(isalpha((unsigned char)text[i]) || text[i] == '_' ||
		      (i > 0 && isdigit((unsigned char)text[i]))))
			return false;
	return len > 0;
}

static bool in_list(const char *list, const char *word, size_t len)
{
	while (list && *list) {
		size_t n = strcspn(list, ",");

		if (n == len && strncmp(list, word, len) == 0)
			return true;
		list += n + (list[n] == ',');
	}
	return false;
}

/* The names end up in a shell script on the node, so they are checked here. */
static int set_env(struct uc_container *box, const char *value,
		   const struct uc_where *where, struct uc_error *err)
{
	uc_auto(buf) struct uc_buf list = { 0 };

	(void)where;
	uc_buf_add(&list, box->env ? box->env : "");
	for (;; value++) {
		size_t len = strcspn(value, ",");

		if (!is_variable(value, len))
			return uc_fail(err, UC_USAGE,
				       "'%.*s' is not a variable's name (to set one: "
				       "--env NAME=VALUE)",
				       (int)len, value);
		if (!in_list(uc_buf_text(&list), value, len)) {
			uc_buf_add(&list, list.len ? "," : "");
			uc_buf_addn(&list, value, len);
		}
		value += len;
		if (*value == '\0')
			break;
	}
	if (list.failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	return uc_container_put(&box->env, uc_buf_text(&list), err);
}

static int set_unshare(struct uc_container *box, const char *value,
		       const struct uc_where *where, struct uc_error *err)
{
	(void)where;
	for (const char *word = value;; word++) {
		size_t len = strcspn(word, ",");

		if (!in_list("net,ipc,uts", word, len))
			return uc_fail(
				err, UC_USAGE,
				"unshare '%s': net, ipc, uts are known, separated by ','",
				value);
		word += len;
		if (*word == '\0')
			return uc_container_put(&box->unshare, value, err);
	}
}

struct setting {
	const char *name;
	int (*set)(struct uc_container *box, const char *value,
		   const struct uc_where *where, struct uc_error *err);
	size_t offset; /* of a switch */
	enum uc_switch value;
	const char *variable; /* that pyxis reads from 0.21 on, or NULL */
	enum uc_switch no;    /* what a "no" in it means */
};
#define SWITCH(member) .offset = offsetof(struct uc_container, member)

/* clang-format off */
static const struct setting settings[] = {
	{ "container-image", uc_container_set_image, .variable = "PYXIS_CONTAINER_IMAGE" },
	{ "container-mounts", set_mounts, .variable = "PYXIS_CONTAINER_MOUNTS" },
	{ "container-workdir", set_workdir, .variable = "PYXIS_CONTAINER_WORKDIR" },
	{ "container-name", set_name, .variable = "PYXIS_CONTAINER_NAME" },
	{ "container-save", set_save, .variable = "PYXIS_CONTAINER_SAVE" },
	{ "container-env", set_env, .variable = "PYXIS_CONTAINER_ENV" },
	{ "container-unshare", set_unshare, .variable = "PYXIS_CONTAINER_UNSHARE" },
	{ "container-mount-home", SWITCH(mount_home), .value = UC_ON,
	  .variable = "PYXIS_CONTAINER_MOUNT_HOME", .no = UC_OFF },
	{ "no-container-mount-home", SWITCH(mount_home), .value = UC_OFF },
	{ "container-remap-root", SWITCH(remap_root), .value = UC_ON,
	  .variable = "PYXIS_CONTAINER_REMAP_ROOT", .no = UC_OFF },
	{ "no-container-remap-root", SWITCH(remap_root), .value = UC_OFF },
	{ "container-entrypoint", SWITCH(entrypoint), .value = UC_ON,
	  .variable = "PYXIS_CONTAINER_ENTRYPOINT", .no = UC_OFF },
	{ "no-container-entrypoint", SWITCH(entrypoint), .value = UC_OFF },
	{ "container-entrypoint-log", SWITCH(entrypoint_log), .value = UC_ON,
	  .variable = "PYXIS_CONTAINER_ENTRYPOINT_LOG", .no = UC_SITE },
	{ "container-writable", SWITCH(writable), .value = UC_ON,
	  .variable = "PYXIS_CONTAINER_WRITABLE", .no = UC_OFF },
	{ "container-readonly", SWITCH(writable), .value = UC_OFF,
	  .variable = "PYXIS_CONTAINER_READONLY", .no = UC_ON },
};
/* clang-format on */
#define SETTINGS (sizeof(settings) / sizeof(settings[0]))

static enum uc_switch *switch_of(struct uc_container *box, const struct setting *s)
{
	return (enum uc_switch *)((char *)box + s->offset);
}

int uc_container_option(struct uc_container *box, const char *name, const char *value,
			const struct uc_where *where, struct uc_error *err)
{
	for (size_t i = 0; i < SETTINGS; i++) {
		const struct setting *s = &settings[i];

		if (strcmp(s->name, name) != 0)
			continue;
		if (!s->set) {
			if (value)
				return uc_fail(err, UC_USAGE, "--%s takes no value",
					       name);
			*switch_of(box, s) = s->value;
			return 0;
		}
		if (!value || value[0] == '\0')
			return uc_fail(err, UC_USAGE, "--%s needs a value", name);
		return s->set(box, value, where, err);
	}
	return uc_fail(err, UC_USAGE, "'--%s' is not an option of containers", name);
}

/* pyxis's reading of a boolean variable; what it does not know it passes over, too. */
static bool read_bool(const char *text, bool *value)
{
	static const char *const yes[] = { "1", "true", "yes", "y" };
	static const char *const no[] = { "0", "false", "no", "n" };

	for (size_t i = 0; i < 4; i++) {
		*value = strcasecmp(text, yes[i]) == 0;
		if (*value || strcasecmp(text, no[i]) == 0)
			return true;
	}
	return false;
}

static const char *variable(const char *const *environment, const char *name)
{
	size_t len = strlen(name);

	for (; environment && *environment; environment++)
		if (strncmp(*environment, name, len) == 0 && (*environment)[len] == '=')
			return *environment + len + 1;
	return NULL;
}

/* Which settings the command line has made before the variables are read. */
static bool is_set(struct uc_container *box, const struct setting *s)
{
	if (!s->set)
		return *switch_of(box, s) != UC_SITE;
	return (s->set == uc_container_set_image && box->image) ||
	       (s->set == set_mounts && box->mount_count > 0) ||
	       (s->set == set_workdir && box->workdir) ||
	       (s->set == set_name && box->name) || (s->set == set_save && box->save) ||
	       (s->set == set_env && box->env) || (s->set == set_unshare && box->unshare);
}

/* What salloc and sbatch leave in the environment of an option that they were given. */
static const char *leaked(const char *const *environment, const char *name)
{
	static const char *const prefixes[] = {
		"_SLURM_SPANK_OPTION_pyxis_", "SLURM_SPANK__SLURM_SPANK_OPTION_pyxis_"
	};
	const char *value = NULL;

	for (size_t i = 0; i < 2 && !value; i++) {
		uc_auto(buf) struct uc_buf full = { 0 };

		uc_buf_add(&full, prefixes[i]);
		for (const char *c = name; *c; c++)
			uc_buf_addc(&full, (char)(*c == '-' ? '_' : *c));
		value = variable(environment, uc_buf_text(&full));
	}
	return value;
}

/* Take one setting from the environment; the allocation's option beats the variable. */
static int take_setting(struct uc_container *box, const struct setting *s,
			const char *const *environment, const struct uc_where *where,
			struct uc_error *err)
{
	const char *value = leaked(environment, s->name);
	const char *from = "the allocation's container";
	bool on;

	if (!value || (s->set && value[0] == '\0')) {
		from = s->variable;
		value = from ? variable(environment, from) : NULL;
		if (!value || value[0] == '\0')
			return 0;
		if (!s->set && read_bool(value, &on))
			*switch_of(box, s) = on ? s->value : s->no;
	} else if (!s->set) {
		*switch_of(box, s) = s->value;
	}
	if (s->set && s->set(box, value, where, err) < 0)
		return uc_context(err, "%s", from);
	return 0;
}

int uc_container_environment(struct uc_container *box, const char *const *environment,
			     const struct uc_where *where, struct uc_error *err)
{
	for (size_t i = 0; i < SETTINGS; i++)
		if (!is_set(box, &settings[i]) &&
		    take_setting(box, &settings[i], environment, where, err) < 0)
			return -1;
	return 0;
}
