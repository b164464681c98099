/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* The layers, read one after the other and laid over each other. */
#include "config/layers.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/path.h"
#include "config/resolve.h"

int uc_fd_read(int fd, struct uc_buf *out, struct uc_error *err)
{
	const size_t most = UC_YAML_BYTES + 4; /* a byte order mark, and one too many */
	char chunk[4096];

	while (out->len < most) {
		ssize_t n = read(fd, chunk, sizeof(chunk));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return uc_fail_errno(err, UC_USAGE, errno, "cannot be read");
		if (n == 0)
			break;
		uc_buf_addn(out, chunk, (size_t)n);
		if (out->failed)
			return uc_fail(err, UC_FAILED, "out of memory");
	}
	return 0;
}

void uc_load_fault(struct uc_load *load, const struct uc_file *file, struct uc_place at,
		   struct uc_error *err)
{
	if (at.line > 0)
		uc_at(err, file->path, at.line, at.column);
	else
		uc_context(err, "%s", file->path);
	uc_errors_add(load->faults, err);
	load->fault_count++;
}

void uc_load_warn(struct uc_load *load, struct uc_error *err)
{
	uc_errors_add(&load->warnings, err);
	load->failed |= load->warnings.count == 0;
}

struct uc_file *uc_load_file(struct uc_load *load, enum uc_layer layer, const char *path,
			     const char *folder)
{
	struct uc_file *file = uc_arena_alloc(load->arena, sizeof(*file));

	if (!file)
		return NULL;
	file->layer = layer;
	file->path = uc_arena_strdup(load->arena, path);
	file->folder = uc_arena_strdup(load->arena, folder);
	file->settings.tail = &file->settings.first;
	file->profile_tail = &file->profiles;
	return file->path && file->folder ? file : NULL;
}

/* The folder of a file, absolute where the working directory is known. */
static int file_folder(const struct uc_load *load, const char *path, struct uc_buf *out)
{
	uc_auto(buf) struct uc_buf folder = { 0 };

	uc_path_folder(&folder, path);
	if (folder.failed)
		return -1;
	if (load->from->cwd && path[0] != '/')
		return uc_path_absolute(out, uc_buf_text(&folder), load->from->cwd, NULL,
					NULL);
	uc_buf_add(out, uc_buf_text(&folder));
	return out->failed ? -1 : 0;
}

void uc_load_bytes(struct uc_load *load, enum uc_layer layer, const char *path,
		   const char *bytes, size_t len)
{
	uc_auto(buf) struct uc_buf folder = { 0 };
	struct uc_node *root;
	struct uc_file *file;

	if (file_folder(load, path, &folder) < 0) {
		load->failed = true;
		return;
	}
	file = uc_load_file(load, layer, path, uc_buf_text(&folder));
	if (!file)
		return;
	load->file[layer] = file;
	load->fault_count += uc_yaml_read(
		load->arena,
		&(struct uc_yaml_file){ .path = file->path, .bytes = bytes, .len = len },
		&root, load->faults);
	if (root && !uc_arena_failed(load->arena))
		uc_check_file(load, file, root);
}

/* The site's or the user's file; one that does not exist is an absent layer. */
static void load_path(struct uc_load *load, enum uc_layer layer, const char *path)
{
	uc_auto(buf) struct uc_buf bytes = { 0 };
	struct uc_error err = { 0 };
	struct stat st;
	int fd;

	if (!path)
		return;
	fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return;
	if (fd < 0)
		uc_fail_errno(&err, UC_USAGE, errno, "cannot open '%s'", path);
	else if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		uc_fail(&err, UC_USAGE, "'%s' is not a regular file", path);
	else if (uc_fd_read(fd, &bytes, &err) < 0)
		uc_context(&err, "%s", path);
	if (fd >= 0)
		close(fd);
	if (err.code != UC_OK) {
		uc_errors_add(load->faults, &err);
		load->fault_count++;
		return;
	}
	uc_load_bytes(load, layer, path, uc_buf_text(&bytes), bytes.len);
}

/* The value of NAME in "NAME=value" strings, or NULL. */
static const char *variable(const char *const *environment, const char *name)
{
	size_t len = strlen(name);

	for (; *environment; environment++)
		if (strncmp(*environment, name, len) == 0 && (*environment)[len] == '=')
			return *environment + len + 1;
	return NULL;
}

/* UCLUSTER_X; for what describes a job USRUN_X too, which wins. */
static void load_variable(struct uc_load *load, struct uc_file *env,
			  const struct uc_key *key)
{
	const char *name = key->environment;
	const char *value = NULL;
	struct uc_file *file;

	if (key->profile) {
		name = uc_arena_printf(load->arena, "USRUN_%s",
				       key->environment + strlen("UCLUSTER_"));
		if (!name)
			return;
		value = variable(load->from->environment, name);
	}
	if (!value) {
		name = key->environment;
		value = variable(load->from->environment, name);
	}
	file = value ? uc_load_file(load, UC_LAYER_ENVIRONMENT, name, env->folder) : NULL;
	value = uc_arena_strdup(load->arena, value);
	if (!file || !value)
		return;
	uc_check_text(load, file, key, value);
	if (file->settings.first) {
		*env->settings.tail = file->settings.first;
		env->settings.tail = file->settings.tail;
	}
}

static void load_environment(struct uc_load *load)
{
	const char *cwd = load->from->cwd ? load->from->cwd : "/";
	struct uc_file *env = uc_load_file(load, UC_LAYER_ENVIRONMENT, "", cwd);

	load->file[UC_LAYER_ENVIRONMENT] = env;
	if (!env || !load->from->environment)
		return;
	for (const struct uc_key *k = uc_config_keys(); k->name; k++)
		if (k->environment)
			load_variable(load, env, k);
}

static void load_builtin(struct uc_load *load)
{
	struct uc_file *file = uc_load_file(load, UC_LAYER_BUILTIN, "", "/");

	load->file[UC_LAYER_BUILTIN] = file;
	if (!file)
		return;
	for (const struct uc_key *k = uc_config_keys(); k->name; k++)
		if (k->builtin)
			uc_check_text(load, file, k, k->builtin);
}

int uc_load_begin(struct uc_load *load, const struct uc_config_from *from,
		  struct uc_errors *faults)
{
	*load = (struct uc_load){ .from = from, .faults = faults };
	load->arena = uc_arena_new();
	if (!load->arena) {
		struct uc_error err = { 0 };

		uc_fail(&err, UC_FAILED, "out of memory");
		uc_errors_add(faults, &err);
		return -1;
	}
	load_builtin(load);
	return 0;
}

static void check_preset(struct uc_load *load, const char *preset)
{
	const char *const *names = uc_profiles_names(load);
	struct uc_error err = { 0 };
	const char *near;

	if (!names || uc_profile_find(load, preset))
		return;
	near = uc_text_nearest(preset, names);
	uc_fail(&err, UC_NOTFOUND, "no profile is called '%.*s'", UC_SHOWN(preset));
	if (near)
		uc_hint(&err, "did you mean '%s'?", near);
	else
		uc_hint(&err, "profiles are defined in configuration files, "
			      "see ucluster.config(5)");
	uc_errors_add(load->faults, &err);
	load->fault_count++;
}

int uc_load_end(struct uc_load *load, struct uc_config **out)
{
	struct uc_error err = { 0 };

	load_environment(load);
	uc_profiles_check(load);
	if (load->from->preset)
		check_preset(load, load->from->preset);
	if (load->fault_count == 0)
		*out = uc_resolve(load);
	if (load->failed || uc_arena_failed(load->arena)) {
		*out = NULL;
		uc_fail(&err, UC_FAILED, "out of memory");
		uc_errors_add(load->faults, &err);
	}
	for (size_t i = 0; i < load->warnings.count; i++)
		uc_errors_add(load->faults, &load->warnings.item[i]);
	uc_errors_free(&load->warnings);
	if (*out)
		return 0; /* the arena is the configuration's now */
	uc_arena_free(load->arena);
	return -1;
}

int uc_config_load(const struct uc_config_from *from, struct uc_config **out,
		   struct uc_errors *faults)
{
	struct uc_load load;

	*out = NULL;
	if (uc_load_begin(&load, from, faults) < 0)
		return -1;
	load_path(&load, UC_LAYER_SITE, from->site_path);
	load_path(&load, UC_LAYER_USER, from->user_path);
	if (from->cwd)
		uc_project_load(&load);
	return uc_load_end(&load, out);
}
