/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include <linux/landlock.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sync/serve_inside.h"

/* The sanitizers' own look at /proc when a process ends. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

/* Rights by version of the interface: all that open files by path. */
#define RIGHTS_2 ((UINT64_C(1) << 14) - 1) /* the second one: renaming elsewhere, too */
#define RIGHTS_3 (UINT64_C(1) << 14)       /* truncating */

void serve_confine(int root)
{
	struct landlock_ruleset_attr attr = { .handled_access_fs = RIGHTS_2 };
	struct landlock_path_beneath_attr below = { .parent_fd = root };
	long version, rules;

	if (SANITIZED)
		return;
	version = syscall(SYS_landlock_create_ruleset, NULL, 0,
			  LANDLOCK_CREATE_RULESET_VERSION);
	if (version < 2) /* one that cannot rename between folders is of no use */
		return;
	if (version >= 3)
		attr.handled_access_fs |= RIGHTS_3;
	below.allowed_access = attr.handled_access_fs;
	rules = syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
	if (rules < 0)
		return;
	if (syscall(SYS_landlock_add_rule, (int)rules, LANDLOCK_RULE_PATH_BENEATH, &below,
		    0) == 0 &&
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0)
		(void)syscall(SYS_landlock_restrict_self, (int)rules, 0);
	close((int)rules);
}
