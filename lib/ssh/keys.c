/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Which keys the user has, in the agent and in files. */
#include <string.h>

#include "ssh/auth.h"

static const char *variable(const char *const *environment, const char *name)
{
	size_t len = strlen(name);

	for (const char *const *at = environment; at && *at; at++)
		if (strncmp(*at, name, len) == 0 && (*at)[len] == '=')
			return *at + len + 1;
	return NULL;
}

/* IdentityAgent of ssh_config(5). */
static const char *agent_path(const struct uc_ssh_config *config,
			      const char *const *environment)
{
	const char *agent = config->agent ? config->agent : "SSH_AUTH_SOCK";

	if (strcmp(agent, "none") == 0)
		return NULL;
	if (strcmp(agent, "SSH_AUTH_SOCK") == 0)
		return variable(environment, agent);
	return *agent == '$' ? variable(environment, agent + 1) : agent;
}

static void note_beyond(struct uc_keys *keys, const char *kind, const char *where)
{
	if (keys->beyond.len < 200)
		uc_buf_addf(&keys->beyond, "%sthe %s key %s",
			    keys->beyond.len ? ", " : "", kind, where);
}

static bool named(const struct uc_keys *keys, const struct uc_agent_key *key)
{
	for (size_t i = 0; i < keys->files; i++)
		if (keys->file[i].blob.len == key->len &&
		    memcmp(keys->file[i].blob.data, key->blob, key->len) == 0)
			return true;
	return false;
}

/* With IdentitiesOnly the agent's keys count only when a file names them. */
static void keep_named(struct uc_keys *keys)
{
	size_t kept = 0;

	for (size_t i = 0; i < keys->agent.count; i++)
		if (named(keys, &keys->agent.key[i]))
			keys->agent.key[kept++] = keys->agent.key[i];
	keys->agent.count = kept;
}

static void count(struct uc_keys *keys)
{
	uc_auto(buf) struct uc_buf where = { 0 };
	size_t kept = 0;

	for (size_t i = 0; i < keys->files; i++) {
		const struct uc_identity *file = &keys->file[i];

		uc_buf_reset(&where);
		uc_buf_addf(&where, "'%s'", file->path);
		if (file->beyond && file->text.len)
			note_beyond(keys, file->beyond, uc_buf_text(&where));
		else if (file->text.len)
			keys->usable++;
	}
	for (size_t i = 0; i < keys->agent.count; i++) {
		const struct uc_agent_key *key = &keys->agent.key[i];
		const char *beyond = uc_identity_beyond(key->blob, key->len);

		if (!beyond)
			keys->agent.key[kept++] = *key;
		else if (!named(keys, key))
			note_beyond(keys, beyond, "of the agent");
	}
	keys->agent.count = kept;
	keys->usable += kept;
}

void uc_keys_load(struct uc_keys *keys, const struct uc_ssh_config *config,
		  const char *const *environment)
{
	const char *path = agent_path(config, environment);

	for (size_t i = 0; i < config->identities.count && keys->files < UC_IDENTITIES;
	     i++) {
		struct uc_identity *file = &keys->file[keys->files];

		if (uc_identity_load(file, config->identities.item[i]))
			keys->files++;
		else
			uc_identity_free(file);
	}
	keys->agent.fd = -1;
	if (path && *path && !uc_agent_open(&keys->agent, path))
		keys->agent.count = 0;
	if (config->identities_only)
		keep_named(keys);
	count(keys);
}

void uc_keys_free(struct uc_keys *keys)
{
	uc_agent_free(&keys->agent);
	for (size_t i = 0; i < keys->files; i++)
		uc_identity_free(&keys->file[i]);
	uc_buf_free(&keys->beyond);
	memset(keys, 0, sizeof(*keys));
}
