/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "base/linux.h"
#include "sync/serve_inside.h"

#if UC_LINUX
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Rights by version of the interface: everything that changes files. Reading stays free:
 * git is asked for its rules. */
#define RIGHTS_1                                                                         \
	(LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |                 \
	 LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_CHAR |                 \
	 LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |                     \
	 LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |                   \
	 LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM)
#define RIGHT_2 (UINT64_C(1) << 13) /* renaming to another folder */
#define RIGHT_3 (UINT64_C(1) << 14) /* truncating */

static int allow(int rules, int fd, uint64_t rights)
{
	struct landlock_path_beneath_attr below = { .parent_fd = fd,
						    .allowed_access = rights };

	return (int)syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH,
			    &below, 0);
}

void serve_confine(int root)
{
	struct landlock_ruleset_attr attr = { .handled_access_fs = RIGHTS_1 | RIGHT_2 };
	long version = syscall(SYS_landlock_create_ruleset, NULL, 0,
			       LANDLOCK_CREATE_RULESET_VERSION);
	int rules, null;

	if (version < 2) /* one that cannot rename between folders is of no use */
		return;
	if (version >= 3)
		attr.handled_access_fs |= RIGHT_3;
	rules = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
	if (rules < 0)
		return;
	null = open("/dev/null", O_PATH | O_CLOEXEC); /* children write there */
	if (null >= 0) {
		(void)allow(rules, null, LANDLOCK_ACCESS_FS_WRITE_FILE);
		close(null);
	}
	if (allow(rules, root, attr.handled_access_fs) == 0 &&
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0)
		(void)syscall(SYS_landlock_restrict_self, rules, 0);
	close(rules);
}
#else
/* The checks of every path are all there is. */
void serve_confine(int root)
{
	(void)root;
}
#endif
