/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_SSH_HOST_H
#define UC_SSH_HOST_H
/* Whether the machine that answers is the one that was meant. */
#include <ucluster/ssh.h>

#include "ssh/config.h"
#include "ssh/known_hosts.h"

/* Zero-initialise; uc_host_load, uc_host_free. */
struct uc_host {
	const struct uc_ssh_config *config; /* these three are borrowed */
	const struct uc_ssh_asker *asker;   /* NULL: nobody is there */
	struct uc_known_peer peer;
	struct uc_known_hosts known;
	struct uc_strv types; /* of key that it is known by */
	bool certified; /* an authority's line names it: its key may be a certificate */
};

/* Read what is known. A file that cannot be read is an error. */
int uc_host_load(struct uc_host *host, const struct uc_ssh_config *config,
		 const struct uc_ssh_asker *asker, struct uc_error *err) UC_MUST_CHECK;
void uc_host_free(struct uc_host *host);
UC_DEFINE_AUTO_VALUE(host, struct uc_host)

/*
 * Judge the key it shows. 0: it is known, or the user just trusted it; everything else is
 * UC_DENIED, and nothing may be sent to it.
 */
int uc_host_judge(const struct uc_host *host, const struct uc_host_key *key,
		  struct uc_error *err) UC_MUST_CHECK;

#endif
