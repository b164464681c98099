/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_SSH_CONFIG_H
#define UC_SSH_CONFIG_H
/*
 * What a destination means: [USER@]HOST[:PORT] looked up in the user's ssh_config(5) by
 * ssh itself (`ssh -G`), or as it stands where no ssh is installed.
 */
#include <stdint.h>
#include <ucluster/text.h>

/* Zero-initialise; free with uc_ssh_config_free. Texts are NULL where nothing is set. */
struct uc_ssh_config {
	bool from_ssh; /* else only what the destination itself says */
	char *hostname, *user;
	int port;
	char *host_key_alias; /* what known_hosts is asked for in place of the host */
	char *strict;         /* "ask", "true", "accept-new", "false" */
	char *agent;          /* socket, variable or "none", as in IdentityAgent */
	char *proxy_jump, *proxy_command;
	char *control_path;   /* of a kept connection of the user's */
	char *address_family; /* "any", "inet", "inet6" */
	char *kex, *ciphers, *macs, *host_key_algorithms; /* allowed, with commas */
	char *hash_names; /* "yes": names that are added to known_hosts are hashed */
	char *gssapi;     /* "yes", "no", as the next */
	char *host_based, *public_key, *keyboard, *password;
	char *beyond; /* the first keyword that only ssh itself does as it says */
	bool identities_only;
	struct uc_strv identities, certificates;
	struct uc_strv user_known, global_known; /* files; a name with blanks is in pieces
						  */
};
void uc_ssh_config_free(struct uc_ssh_config *config);
UC_DEFINE_AUTO_VALUE(ssh_config, struct uc_ssh_config)

/* How ssh is asked. */
struct uc_ssh_ask {
	const char *const *environment; /* PATH to find it in, HOME */
	const char *file; /* in place of the user's configuration, or NULL */
	int64_t deadline; /* of uc_monotonic_ms() */
};

/*
 * Look a destination up. UC_USAGE when it is none or ssh refuses it, UC_UNREACHABLE when
 * ssh took too long (a "Match exec" of the user's), UC_INVALID for more output than ssh
 * would make.
 */
int uc_ssh_config_read(struct uc_ssh_config *config, const char *destination,
		       const struct uc_ssh_ask *ask, struct uc_error *err) UC_MUST_CHECK;

#endif
