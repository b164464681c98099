/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_CONFIG_SCHEMA_H
#define UC_CONFIG_SCHEMA_H
#include <ucluster/config.h>

/* Keys in the table, at most; a compile-time check in keys.c holds it. */
#define UC_KEYS_MAX 64

/* By full name; NULL when there is none. */
const struct uc_key *uc_key_find(const char *name);
/* Its position in the table. */
size_t uc_key_index(const struct uc_key *key);
/* Do its values from all layers add up ("mounts", "env")? */
bool uc_key_adds_up(const struct uc_key *key);

/* A text for a message: clipped, never in the middle of a character ("%.*s"). (value.c)
 */
int uc_shown(const char *text);
#define UC_SHOWN(text) uc_shown(text), (text)

/*
 * Fill in out->number, out->size and out->text from one scalar. An empty text is no
 * value: it unsets the key. Text without position. (value.c)
 */
int uc_value_parse(const struct uc_key *key, const char *text, struct uc_setting *out,
		   struct uc_error *err) UC_MUST_CHECK;
/* Check one item of a list. (value.c) */
int uc_item_check(const struct uc_key *key, const char *text,
		  struct uc_error *err) UC_MUST_CHECK;
/* Check the name and the value of one entry of a map. (value.c) */
int uc_entry_check(const struct uc_key *key, const char *name, const char *text,
		   struct uc_error *err) UC_MUST_CHECK;
/* What separates a list's items when it is written as one text: ',' or ':'. (value.c) */
char uc_list_separator(const struct uc_key *key);
/* "expected a size, such as '24G', not a list". (value.c) */
int uc_type_fail(const struct uc_key *key, const char *found, struct uc_error *err);

/*
 * "unknown key ...", with a hint at what was meant below `prefix` ("" or "slurm.") of a
 * file or a profile. (unknown.c)
 */
int uc_unknown_key(const char *prefix, bool in_profile, const char *word,
		   struct uc_error *err);

/* Why a project file may not set this variable, or NULL when it may. (project_rules.c) */
const char *uc_project_env_reason(const char *name);
/* Does this mount stay inside the project directory? (project_rules.c) */
int uc_project_mount_check(const char *folder, const char *mount,
			   struct uc_error *err) UC_MUST_CHECK;
/* May a project file name this host? -1 with err when not. */
int uc_project_host_check(const char *host, struct uc_error *err);

#endif
