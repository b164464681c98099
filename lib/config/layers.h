/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_CONFIG_LAYERS_H
#define UC_CONFIG_LAYERS_H
/*
 * Loading, step by step: begin, each file's bytes in the order of the layers, end. Files
 * are read, checked and kept apart; only uc_load_end() lays them over each other.
 */
#include "config/schema.h"
#include "config/yaml.h"

/* One checked "key: value" of a file, a profile or the environment. */
struct uc_assign {
	struct uc_setting set;
	struct uc_assign *next;
};
struct uc_assigns {
	struct uc_assign *first, **tail;
};

struct uc_profile {
	const char *name;
	const struct uc_file *file;
	const char *inherit; /* or NULL */
	struct uc_place inherit_at;
	struct uc_assigns settings;
	size_t seen; /* used while looking for cycles */
	struct uc_profile *next;
};

struct uc_file {
	enum uc_layer layer;
	const char *path;   /* of a variable: its name */
	const char *folder; /* relative paths are taken from here */
	struct uc_assigns settings;
	struct uc_profile *profiles, **profile_tail;
};

struct uc_load {
	const struct uc_config_from *from;
	struct uc_arena *arena;
	struct uc_errors *faults;
	size_t fault_count;        /* warnings not counted */
	struct uc_errors warnings; /* added last: a list\'s first entry is its status */
	bool failed;               /* out of memory outside of the arena */
	struct uc_file *file[UC_LAYER_OPTION]; /* by layer, NULL when absent */
	const char *project_path;
	const char *const *names; /* of all profiles, once they are asked for */
};

int uc_load_begin(struct uc_load *load, const struct uc_config_from *from,
		  struct uc_errors *faults) UC_MUST_CHECK;
void uc_load_bytes(struct uc_load *load, enum uc_layer layer, const char *path,
		   const char *bytes, size_t len);
int uc_load_end(struct uc_load *load, struct uc_config **out) UC_MUST_CHECK;

/* Set the position (or, for a variable, its name) and add *err to the faults. */
void uc_load_fault(struct uc_load *load, const struct uc_file *file, struct uc_place at,
		   struct uc_error *err);
/* Tell without failing. */
void uc_load_warn(struct uc_load *load, struct uc_error *err);
/* A new, empty layer; NULL when out of memory. */
struct uc_file *uc_load_file(struct uc_load *load, enum uc_layer layer, const char *path,
			     const char *folder);
/* All of an open file, at most what uc_yaml_read() takes and one byte more. */
int uc_fd_read(int fd, struct uc_buf *out, struct uc_error *err) UC_MUST_CHECK;

/* Walk a file's tree; fills file->settings and file->profiles. (check.c) */
void uc_check_file(struct uc_load *load, struct uc_file *file,
		   const struct uc_node *root);
/* As if the file said "key: text". (check.c) */
void uc_check_text(struct uc_load *load, struct uc_file *file, const struct uc_key *key,
		   const char *text);

/* Unknown parents and cycles of all profiles. (profiles.c) */
void uc_profiles_check(struct uc_load *load);
/* The profile of this name that counts: the latest layer's. NULL: none. (profiles.c) */
struct uc_profile *uc_profile_find(const struct uc_load *load, const char *name);
/* Names of all, sorted; ask when all files are read. (profiles.c) */
const char *const *uc_profiles_names(struct uc_load *load);

/* Find, check and read the project file, if there is one to be trusted. (project.c) */
void uc_project_load(struct uc_load *load);

#endif
