/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * The --container options: the names, argument forms, rules and messages of pyxis 0.24,
 * because what scripts and usrun rely on is tested against them.
 */
#include "pyxis.h"

#include <limits.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Slurm hands an option's callback no context, so the values live here. */
static struct uc_options opts = {
	.mount_home = UC_UNSET,
	.remap_root = UC_UNSET,
	.entrypoint = UC_UNSET,
	.entrypoint_log = UC_UNSET,
	.writable = UC_UNSET,
};

enum uc_key {
	KEY_IMAGE,
	KEY_MOUNTS,
	KEY_WORKDIR,
	KEY_NAME,
	KEY_SAVE,
	KEY_ENV,
	KEY_UNSHARE,
	KEY_MOUNT_HOME,
	KEY_REMAP_ROOT,
	KEY_ENTRYPOINT,
	KEY_ENTRYPOINT_LOG,
	KEY_WRITABLE,
};

static int out_of_memory(void)
{
	slurm_error("pyxis: could not allocate memory");
	return -1;
}

/* 1: keep the value, 0: the same again, -1: refused. */
static int check_single(const char *name, const char *old, const char *value)
{
	if (!value || !*value) {
		slurm_error("pyxis: --container-%s: argument required", name);
		return -1;
	}
	/* Slurm itself may call twice with one value. */
	if (!old)
		return 1;
	if (strcmp(old, value) == 0)
		return 0;
	slurm_error("pyxis: --container-%s specified multiple times", name);
	return -1;
}

static int set_single(const char *name, char **field, const char *value)
{
	int rc = check_single(name, *field, value);

	if (rc <= 0)
		return rc;
	*field = strdup(value);
	return *field ? 0 : out_of_memory();
}

static int set_image(const char *value)
{
	return set_single("image", &opts.image, value);
}

static int set_workdir(const char *value)
{
	return set_single("workdir", &opts.workdir, value);
}

static int set_mounts(const char *value)
{
	if (!value || !*value) {
		slurm_error("pyxis: --container-mounts: argument required");
		return -1;
	}
	return uc_mounts_parse(&opts, value);
}

static int set_save(const char *value)
{
	if (value && *value && value[strlen(value) - 1] == '/') {
		slurm_error("pyxis: --container-save: target is a directory");
		return -1;
	}
	return set_single("save", &opts.save, value);
}

static int set_name(const char *value)
{
	static const char *const flags[] = { "auto", "create", "exec", "no_exec" };

	int rc = check_single("name", opts.name, value);
	if (rc <= 0)
		return rc;

	size_t len = strcspn(value, ":");
	const char *flag = value[len] && value[len + 1] ? value + len + 1 : flags[0];
	if (len == 0) {
		slurm_error("pyxis: --container-name: empty name");
		return -1;
	}
	for (size_t i = 0; i < sizeof(flags) / sizeof(*flags); i++) {
		if (strcmp(flag, flags[i]) != 0)
			continue;
		opts.name = strndup(value, len);
		opts.name_flag = strdup(flag);
		return opts.name && opts.name_flag ? 0 : out_of_memory();
	}
	slurm_error(
		"pyxis: --container-name: flag must be \"auto\", \"create\", \"exec\" or "
		"\"no_exec\"");
	return -1;
}

static int add_env(const char *name, const char *whole)
{
	if (!*name) {
		slurm_error("pyxis: --container-env: invalid format: %s", whole);
		return -1;
	}
	return uc_list_add(&opts.env, &opts.n_env, name);
}

static int add_namespace(const char *name, const char *whole)
{
	static const struct {
		const char *name;
		int flag;
	} known[] = { { "net", CLONE_NEWNET },
		      { "ipc", CLONE_NEWIPC },
		      { "uts", CLONE_NEWUTS } };

	(void)whole;
	if (!*name) {
		slurm_error("pyxis: --container-unshare: empty namespace argument");
		return -1;
	}
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		if (strcmp(name, known[i].name) == 0) {
			opts.unshare |= known[i].flag;
			return 0;
		}
	}
	slurm_error("pyxis: --container-unshare: unknown namespace '%s'", name);
	return -1;
}

static int set_list(const char *option, const char *value,
		    int (*add)(const char *item, const char *whole))
{
	if (!value || !*value) {
		slurm_error("pyxis: --container-%s: argument required", option);
		return -1;
	}

	char *copy = strdup(value), *rest = copy, *item;
	int rc = copy ? 0 : out_of_memory();
	while (rc == 0 && (item = strsep(&rest, ",")))
		rc = add(item, value);
	free(copy);
	return rc;
}

static int set_switch(int *field, int value, const char *yes, const char *no)
{
	if (*field != UC_UNSET && *field != value) {
		slurm_error("pyxis: both --%s and --%s were specified", yes, no);
		return -1;
	}
	*field = value;
	return 0;
}

/* All options come here: the key in the upper bits, the switch's value in bit 0. */
static int on_option(int val, const char *arg, int remote)
{
	(void)remote;
	switch ((enum uc_key)(val >> 1)) {
	case KEY_IMAGE:
		return set_image(arg);
	case KEY_MOUNTS:
		return set_mounts(arg);
	case KEY_WORKDIR:
		return set_workdir(arg);
	case KEY_NAME:
		return set_name(arg);
	case KEY_SAVE:
		return set_save(arg);
	case KEY_ENV:
		return set_list("env", arg, add_env);
	case KEY_UNSHARE:
		return set_list("unshare", arg, add_namespace);
	case KEY_MOUNT_HOME:
		return set_switch(&opts.mount_home, val & 1, "container-mount-home",
				  "no-container-mount-home");
	case KEY_REMAP_ROOT:
		return set_switch(&opts.remap_root, val & 1, "container-remap-root",
				  "no-container-remap-root");
	case KEY_ENTRYPOINT:
		return set_switch(&opts.entrypoint, val & 1, "container-entrypoint",
				  "no-container-entrypoint");
	case KEY_ENTRYPOINT_LOG:
		opts.entrypoint_log = val & 1;
		return 0;
	case KEY_WRITABLE:
		return set_switch(&opts.writable, val & 1, "container-writable",
				  "container-readonly");
	}
	return -1;
}

/* struct spank_option wants plain char pointers. */
#define TEXT(s) ((char *)(s))
#define VALUE(key, name, metavar, help)                                                  \
	{                                                                                \
		TEXT(name), TEXT(metavar), TEXT("[pyxis] " help), 1, (key) << 1,         \
			on_option                                                        \
	}
#define SWITCH(key, on, name, help)                                                      \
	{                                                                                \
		TEXT(name), NULL, TEXT("[pyxis] " help), 0, (key) << 1 | (on), on_option \
	}

// clang-format off
static struct spank_option table[] = {
	VALUE(KEY_IMAGE, "container-image", "[USER@][REGISTRY#]IMAGE[:TAG]|PATH",
	      "image of the container's file system: here the path of a squashfs file on the "
	      "node (the sandbox reaches no registry)"),
	VALUE(KEY_MOUNTS, "container-mounts", "SRC:DST[:FLAGS][,SRC:DST...]",
	      "bind mounts inside the container; flags are joined with \"+\", e.g. \"ro+rprivate\""),
	VALUE(KEY_WORKDIR, "container-workdir", "PATH", "working directory inside the container"),
	VALUE(KEY_NAME, "container-name", "NAME[:auto|create|exec|no_exec]",
	      "keep the container under this name and use it again; unnamed containers are "
	      "removed when the step ends"),
	VALUE(KEY_SAVE, "container-save", "PATH",
	      "save the container's state to a squashfs file on the node"),
	SWITCH(KEY_MOUNT_HOME, 1, "container-mount-home", "bind mount the user's home directory"),
	SWITCH(KEY_MOUNT_HOME, 0, "no-container-mount-home",
	       "do not bind mount the user's home directory"),
	SWITCH(KEY_REMAP_ROOT, 1, "container-remap-root",
	       "appear as root inside the container, with no more rights than before"),
	SWITCH(KEY_REMAP_ROOT, 0, "no-container-remap-root",
	       "do not appear as root inside the container"),
	SWITCH(KEY_ENTRYPOINT, 1, "container-entrypoint", "run the image's entrypoint"),
	SWITCH(KEY_ENTRYPOINT, 0, "no-container-entrypoint", "do not run the image's entrypoint"),
	SWITCH(KEY_ENTRYPOINT_LOG, 1, "container-entrypoint-log",
	       "print the output of the entrypoint"),
	SWITCH(KEY_WRITABLE, 1, "container-writable", "make the container's file system writable"),
	SWITCH(KEY_WRITABLE, 0, "container-readonly", "make the container's file system read-only"),
	VALUE(KEY_ENV, "container-env", "NAME[,NAME...]",
	      "environment variables whose value on the host wins over the image's and which "
	      "the entrypoint sees"),
	VALUE(KEY_UNSHARE, "container-unshare", "NS[,NS...]",
	      "new namespaces for the container: net, ipc, uts"),
	SPANK_OPTIONS_TABLE_END
};

/* The environment's form of each option; a switch turned round is READONLY's. */
static const struct {
	const char *name;
	enum uc_key key;
	bool is_switch, turned;
} variables[] = {
	{ "PYXIS_CONTAINER_IMAGE", KEY_IMAGE, false, false },
	{ "PYXIS_CONTAINER_MOUNTS", KEY_MOUNTS, false, false },
	{ "PYXIS_CONTAINER_WORKDIR", KEY_WORKDIR, false, false },
	{ "PYXIS_CONTAINER_NAME", KEY_NAME, false, false },
	{ "PYXIS_CONTAINER_SAVE", KEY_SAVE, false, false },
	{ "PYXIS_CONTAINER_MOUNT_HOME", KEY_MOUNT_HOME, true, false },
	{ "PYXIS_CONTAINER_REMAP_ROOT", KEY_REMAP_ROOT, true, false },
	{ "PYXIS_CONTAINER_ENTRYPOINT", KEY_ENTRYPOINT, true, false },
	{ "PYXIS_CONTAINER_ENTRYPOINT_LOG", KEY_ENTRYPOINT_LOG, true, false },
	{ "PYXIS_CONTAINER_WRITABLE", KEY_WRITABLE, true, false },
	{ "PYXIS_CONTAINER_READONLY", KEY_WRITABLE, true, true },
	{ "PYXIS_CONTAINER_ENV", KEY_ENV, false, false },
	{ "PYXIS_CONTAINER_UNSHARE", KEY_UNSHARE, false, false },
};
// clang-format on

int uc_options_register(spank_t sp)
{
	for (size_t i = 0; table[i].name; i++) {
		spank_err_t rc = spank_option_register(sp, &table[i]);
		if (rc == ESPANK_SUCCESS)
			continue;
		slurm_error("pyxis: couldn't register option %s: %s", table[i].name,
			    spank_strerror(rc));
		return -1;
	}
	return 0;
}

static bool is_given(enum uc_key key)
{
	switch (key) {
	case KEY_IMAGE:
		return opts.image;
	case KEY_MOUNTS:
		return opts.n_mounts > 0;
	case KEY_WORKDIR:
		return opts.workdir;
	case KEY_NAME:
		return opts.name;
	case KEY_SAVE:
		return opts.save;
	case KEY_ENV:
		return opts.n_env > 0;
	case KEY_UNSHARE:
		return opts.unshare != 0;
	case KEY_MOUNT_HOME:
		return opts.mount_home != UC_UNSET;
	case KEY_REMAP_ROOT:
		return opts.remap_root != UC_UNSET;
	case KEY_ENTRYPOINT:
		return opts.entrypoint != UC_UNSET;
	case KEY_ENTRYPOINT_LOG:
		return opts.entrypoint_log != UC_UNSET;
	case KEY_WRITABLE:
		return opts.writable != UC_UNSET;
	}
	return true;
}

static int read_switch(const char *text)
{
	static const char *const words[][4] = { { "0", "false", "no", "n" },
						{ "1", "true", "yes", "y" } };

	for (int value = 0; value < 2; value++)
		for (size_t i = 0; i < 4; i++)
			if (strcasecmp(text, words[value][i]) == 0)
				return value;
	return UC_UNSET;
}

/* The command line's value wins silently; a bad value here is only printed. */
void uc_options_from_environment(spank_t sp)
{
	char buf[PATH_MAX];

	for (size_t i = 0; i < sizeof(variables) / sizeof(*variables); i++) {
		const char *text = getenv(variables[i].name);
		enum uc_key key = variables[i].key;

		if (spank_context() == S_CTX_REMOTE) {
			spank_err_t rc =
				spank_getenv(sp, variables[i].name, buf, sizeof(buf));
			text = rc == ESPANK_SUCCESS ? buf : NULL;
		}
		if (!text || is_given(key))
			continue;
		if (!variables[i].is_switch) {
			(void)on_option((int)key << 1, text, 0);
			continue;
		}
		int value = read_switch(text);
		if (value != UC_UNSET)
			(void)on_option((int)key << 1 | (value ^ variables[i].turned),
					NULL, 0);
	}
}

static void say_ignored(const char *name)
{
	slurm_error("pyxis: ignoring --%s because neither --container-image nor "
		    "--container-name is set",
		    name);
}

bool uc_options_wanted(void)
{
	static const struct {
		enum uc_key key;
		const char *name;
	} said[] = {
		{ KEY_MOUNTS, "container-mounts" },
		{ KEY_WORKDIR, "container-workdir" },
		{ KEY_SAVE, "container-save" },
		{ KEY_MOUNT_HOME, "[no-]container-mount-home" },
		{ KEY_REMAP_ROOT, "[no-]container-remap-root" },
		{ KEY_ENTRYPOINT, "[no-]container-entrypoint" },
		{ KEY_ENTRYPOINT_LOG, "container-entrypoint-log" },
	};

	if (opts.image || opts.name)
		return true;
	for (size_t i = 0; i < sizeof(said) / sizeof(*said); i++)
		if (is_given(said[i].key))
			say_ignored(said[i].name);
	if (opts.writable != UC_UNSET)
		say_ignored(opts.writable ? "container-writable" : "container-readonly");
	return false;
}

struct uc_options *uc_options_get(void)
{
	return &opts;
}

void uc_options_free(void)
{
	char **single[] = { &opts.image, &opts.workdir, &opts.name, &opts.name_flag,
			    &opts.save };

	for (size_t i = 0; i < sizeof(single) / sizeof(*single); i++) {
		free(*single[i]);
		*single[i] = NULL;
	}
	uc_mounts_clear(&opts);
	uc_list_free(&opts.env, &opts.n_env);
}
