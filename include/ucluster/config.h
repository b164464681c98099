/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UCLUSTER_CONFIG_H
#define UCLUSTER_CONFIG_H
/*
 * Layered configuration (ucluster.config(5)): built-in, site, user, project, the chosen
 * profile, environment; later wins, lists and maps are replaced, not merged, except
 * "mounts" and "env", which add up (a later entry wins on the same target or name).
 *
 *	uc_auto(config) struct uc_config *cfg = NULL;
 *	uc_auto(errors) struct uc_errors faults = { 0 };
 *	if (uc_config_load(&from, &cfg, &faults) < 0)
 *		print_all(&faults);		every fault, each with path:line:column
 *	const char *image = uc_config_string(cfg, "image");
 */
#include <stdint.h>
#include <ucluster/error.h>
#include <ucluster/text.h>

#ifdef __cplusplus
extern "C" {
#endif

enum uc_layer {
	UC_LAYER_BUILTIN,
	UC_LAYER_SITE,
	UC_LAYER_USER,
	UC_LAYER_PROJECT,
	UC_LAYER_ENVIRONMENT,
	UC_LAYER_OPTION,
};

enum uc_type {
	UC_TYPE_STRING,
	UC_TYPE_NUMBER, /* int64_t */
	UC_TYPE_BOOL,
	UC_TYPE_DURATION, /* int64_t seconds */
	UC_TYPE_SIZE,     /* uint64_t bytes */
	UC_TYPE_LIST,     /* of strings */
	UC_TYPE_MAP,      /* name to string; kept as "NAME=value" strings, in order */
};

/* One key of the schema; the table is constant and ends with name == NULL. */
struct uc_key {
	const char *name; /* "image", "slurm.timeout" */
	enum uc_type type;
	bool project;               /* may a project file (.ucluster.yaml) set it? */
	bool profile;               /* may a profile set it? */
	int64_t min, max;           /* of numbers, seconds, bytes; both 0 = any */
	const char *const *choices; /* NULL-terminated, or NULL */
	const char *builtin;        /* default, as written in YAML; NULL = unset */
	const char *environment;    /* variable that sets it, or NULL */
	const char *example, *help; /* for the man page and completion */
};
const struct uc_key *uc_config_keys(void);

/* Where one item of a list or map comes from; the fields mean what uc_setting's do. */
struct uc_origin {
	enum uc_layer layer;
	const char *profile;
	struct uc_mark at;
};

/* One resolved value; borrowed from its configuration. */
struct uc_setting {
	const struct uc_key *key;
	const char *text;        /* as written; lists and maps joined with ", " */
	int64_t number;          /* number, bool (0, 1), seconds */
	uint64_t size;           /* bytes */
	const char *const *list; /* LIST and MAP: NULL-terminated */
	/*
	 * What relative paths are taken from: the folder of the file, the working
	 * directory for the environment. One for each item of a list or map, else one.
	 */
	const char *const *base;
	const struct uc_origin *from; /* LIST and MAP: of each item, which may add up */
	enum uc_layer layer;
	const char *profile; /* set by this profile, or NULL */
	struct uc_mark at; /* line 0 when not from a file; path = variable's name then */
};
/* "site", "project", "environment" */
const char *uc_layer_name(enum uc_layer layer);

/* Where configuration comes from. Strings are borrowed; NULL = that layer is absent. */
struct uc_config_from {
	const char *site_path;          /* /etc/ucluster/config.yaml */
	const char *user_path;          /* ~/.config/ucluster/config.yaml */
	const char *home;               /* the search for a project file stops here */
	const char *cwd;                /* where the search for .ucluster.yaml starts */
	const char *preset;             /* profile to apply */
	const char *const *environment; /* "NAME=value", NULL-terminated */
};

struct uc_config;
/*
 * Read all layers. On failure *out stays NULL and faults holds every fault found, in the
 * order of the layers. Warnings (a project file ignored because others can write it) come
 * last, have code UC_OK and do not make it fail. An empty text ("") unsets what a lower
 * layer sets.
 */
int uc_config_load(const struct uc_config_from *from, struct uc_config **out,
		   struct uc_errors *faults) UC_MUST_CHECK;
void uc_config_free(struct uc_config *cfg);
UC_DEFINE_AUTO(config, struct uc_config *)

/* The resolved value of a key, NULL when unset. */
const struct uc_setting *uc_config_get(const struct uc_config *cfg, const char *key);
/* Short forms; NULL, fallback or an empty vector when unset. */
const char *uc_config_string(const struct uc_config *cfg, const char *key);
int64_t uc_config_number(const struct uc_config *cfg, const char *key, int64_t fallback);
bool uc_config_bool(const struct uc_config *cfg, const char *key, bool fallback);
const char *const *uc_config_list(const struct uc_config *cfg, const char *key);

/* Names of all profiles, sorted, NULL-terminated; the project file in use, or NULL. */
const char *const *uc_config_profiles(const struct uc_config *cfg);
const char *uc_config_project_path(const struct uc_config *cfg);

#ifdef __cplusplus
}
#endif
#endif
