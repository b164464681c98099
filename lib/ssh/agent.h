/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_SSH_AGENT_H
#define UC_SSH_AGENT_H
/*
 * The user's ssh-agent (draft-miller-ssh-agent), asked with bounds in time and bytes:
 * libssh2 would wait for it for ever.
 */
#include <ucluster/text.h>

#define UC_AGENT_KEYS 64

struct uc_agent_key {
	const unsigned char *blob; /* as on the wire; in the agent's `list` */
	size_t len;
};

/* Zero-initialise, uc_agent_open, uc_agent_free. */
struct uc_agent {
	int fd;
	struct uc_buf list;
	struct uc_agent_key key[UC_AGENT_KEYS];
	size_t count;
};

/* Find the keys in `list`, the agent's answer. False: it makes no sense. */
bool uc_agent_take(struct uc_agent *agent) UC_MUST_CHECK;
/* Ask for its keys. False: there is none or it makes no sense. */
bool uc_agent_open(struct uc_agent *agent, const char *path) UC_MUST_CHECK;
void uc_agent_free(struct uc_agent *agent);
UC_DEFINE_AUTO_VALUE(agent, struct uc_agent)

/* Append the signature without its type. It may ask its user: half a minute. */
bool uc_agent_sign(struct uc_agent *agent, const struct uc_agent_key *key,
		   const unsigned char *data, size_t len,
		   struct uc_buf *signature) UC_MUST_CHECK;

#endif
