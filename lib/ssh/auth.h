/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_SSH_AUTH_H
#define UC_SSH_AUTH_H
/* Logging in by libssh2, after the host's key was judged. */
#include <ucluster/ssh.h>

#include "ssh/agent.h"
#include "ssh/config.h"
#include "ssh/identity.h"
#include "ssh/link.h"

#define UC_IDENTITIES 32

/* The user's keys. Zero-initialise; uc_keys_load, uc_keys_free. */
struct uc_keys {
	struct uc_agent agent;
	struct uc_identity file[UC_IDENTITIES];
	size_t files;
	size_t usable; /* of both, by libssh2 */
	struct uc_buf
		beyond; /* what only ssh can use: "RSA key '/home/me/.ssh/id_rsa'" */
};
void uc_keys_load(struct uc_keys *keys, const struct uc_ssh_config *config,
		  const char *const *environment);
void uc_keys_free(struct uc_keys *keys);
UC_DEFINE_AUTO_VALUE(keys, struct uc_keys)

struct uc_auth {
	struct uc_link *link;
	const struct uc_ssh_config *config;
	const struct uc_ssh_asker *asker; /* NULL: nobody is there */
	struct uc_keys *keys;
	const char *name; /* of the host, in messages */
	bool may_leave;   /* rather -1 than a question that ssh might not need */
	/* set when it failed: what ssh itself could try besides; empty: nothing */
	struct uc_buf beyond;
	int prompts;  /* answered so far */
	bool refused; /* by us: too many or too long questions */
	bool gave_up; /* the user */
};

/* 0, or -1 with UC_DENIED, UC_UNREACHABLE. */
int uc_auth_run(struct uc_auth *auth, struct uc_error *err) UC_MUST_CHECK;

/*
 * What libssh2 or the link says about a step that failed; `what` completes "while",
 * as in "logging in".
 */
int uc_link_fail(const struct uc_link *link, const char *name, const char *what,
		 struct uc_error *err);

/* Call libssh2 until it is done or the time is over. */
#define UC_DRIVE(link, rc, call)                                                         \
	do                                                                               \
		(rc) = (call);                                                           \
	while ((rc) == LIBSSH2_ERROR_EAGAIN && uc_link_wait(link))

#endif
