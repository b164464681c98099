/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_COMMON_CLUSTER_H
#define UC_COMMON_CLUSTER_H
/* What commands that look at the whole cluster share. */
#include <ucluster/capacity.h>
#include "common/run.h"

/* The names of who asks. Zero-initialise; free. */
struct uc_self {
	char *user; /* NULL: this machine has no name for the number */
	struct uc_strv groups;
};
/*
 * Fill in facts->who, which borrows from *self. Names of a recording are not this
 * machine's: there everybody is a stranger. Groups are looked up only where a partition
 * or reservation asks for them: directories may be slow.
 */
int uc_self_find(struct uc_self *self, bool live, struct uc_capacity_facts *facts,
		 struct uc_error *err) UC_MUST_CHECK;
void uc_self_free(struct uc_self *self);
UC_DEFINE_AUTO_VALUE(self, struct uc_self)

/*
 * Let answers about jobs be shared with this user's other commands on this host that ask
 * the same; `kind` tells questions apart. Nothing when the source is not live.
 */
int uc_run_share(const struct uc_run *run, struct uc_source *source, const char *kind,
		 struct uc_error *err) UC_MUST_CHECK;

#endif
