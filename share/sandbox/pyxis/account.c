/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* The user and the group in the container's /etc/passwd and /etc/group. */
#include "holder.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_ACCOUNTS_SIZE (4 << 20)

/* Does a line start with NAME: or have ID in its third field? */
static bool has_entry(const char *text, const char *name, unsigned int id)
{
	size_t len = strlen(name);

	for (const char *line = text; line && *line;) {
		const char *field = line;
		if (strncmp(line, name, len) == 0 && line[len] == ':')
			return true;
		for (int i = 0; i < 2 && field; i++) {
			field = strpbrk(field, ":\n");
			field = field && *field == ':' ? field + 1 : NULL;
		}
		char *end;
		if (field && strtoul(field, &end, 10) == id && end != field &&
		    *end == ':')
			return true;
		line = strchr(line, '\n');
		line = line ? line + 1 : NULL;
	}
	return false;
}

static int append(int root, const char *path, const char *old, const char *line)
{
	size_t len = strlen(old);
	int fd = uc_path_open(root, path, O_WRONLY | O_APPEND | O_CREAT);

	if (fd < 0)
		return -1;
	dprintf(fd, "%s%s\n", len && old[len - 1] != '\n' ? "\n" : "", line);
	close(fd);
	return 0;
}

/* Images that refuse (no /etc, not writable) do without: the number still works. */
static void ensure(int root, const char *path, const char *name, unsigned int id,
		   const char *line)
{
	char *old = uc_path_read(root, path, MAX_ACCOUNTS_SIZE);

	if (line && !has_entry(old ? old : "", name, id))
		(void)append(root, path, old ? old : "", line);
	free(old);
}

static const char *shell_inside(const struct uc_start *start, int root)
{
	int fd = uc_path_open(root, start->job->shell, O_PATH);
	const char *shell = fd >= 0 ? start->job->shell : "/bin/sh";

	uc_close(&fd);
	return shell;
}

int uc_rootfs_accounts(const struct uc_start *start, int root)
{
	const struct uc_job *job = start->job;
	unsigned int uid = (unsigned int)job->uid, gid = (unsigned int)job->gid;
	const char *home = start->box->home;
	int etc = uc_path_make(root, "/etc", UC_CREATE_DIR);

	uc_close(&etc);
	if (start->box->remap_root) {
		ensure(root, "/etc/passwd", "root", 0, "root:x:0:0:root:/root:/bin/sh");
		ensure(root, "/etc/group", "root", 0, "root:x:0:");
	}
	char *user = uc_fmt("%s:x:%u:%u::%s:%s", job->user, uid, gid, home,
			    shell_inside(start, root));
	ensure(root, "/etc/passwd", job->user, uid, user);
	free(user);

	struct group *found = getgrgid(job->gid);
	char *name = found ? strdup(found->gr_name) : uc_fmt("%u", gid);
	char *group = name ? uc_fmt("%s:x:%u:", name, gid) : NULL;
	ensure(root, "/etc/group", name ? name : "", gid, group);
	free(group);
	free(name);
	return 0;
}
