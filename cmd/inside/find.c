/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "inside/inside.h"

#define FILE_MAX (4 << 20) /* an environment is at most that long */

void processes_free(struct processes *list)
{
	free(list->item);
	list->item = NULL;
	list->count = 0;
}

bool process_read(pid_t pid, const char *file, struct uc_buf *out)
{
	uc_auto(buf) struct uc_buf path = { 0 };
	char bytes[8192];
	ssize_t got = 0;
	int fd;

	uc_buf_reset(out);
	uc_buf_addf(&path, "/proc/%d/%s", (int)pid, file);
	fd = open(uc_buf_text(&path), O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	while (out->len < FILE_MAX && (got = read(fd, bytes, sizeof(bytes))) > 0)
		uc_buf_addn(out, bytes, (size_t)got);
	close(fd);
	return got >= 0 && !out->failed;
}

bool process_variable(pid_t pid, const char *name, struct uc_buf *out)
{
	uc_auto(buf) struct uc_buf all = { 0 };
	const size_t len = strlen(name);

	if (!process_read(pid, "environ", &all))
		return false;
	for (size_t at = 0; at < all.len;) {
		const char *entry = all.data + at;
		const size_t size = strnlen(entry, all.len - at);

		if (size > len && entry[len] == '=' && memcmp(entry, name, len) == 0) {
			uc_buf_reset(out);
			uc_buf_addn(out, entry + len + 1, size - len - 1);
			return !out->failed;
		}
		at += size + 1;
	}
	return false;
}

/* The fields behind the name, which may hold anything. */
static bool read_stat(struct process *p)
{
	uc_auto(buf) struct uc_buf text = { 0 };
	uint64_t user, system;
	char *open, *close;
	long pages, resident;
	int parent;

	if (!process_read(p->pid, "stat", &text) || !text.data)
		return false;
	open = strchr(text.data, '(');
	close = strrchr(text.data, ')');
	if (!open || !close || close < open)
		return false;
	*close = '\0';
	snprintf(p->name, sizeof(p->name), "%s", open + 1);
	if (sscanf(close + 1,
		   " %c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %" SCNu64 " %" SCNu64
		   " %*d %*d %*d %*d %" SCNu64 " %*d %" SCNu64,
		   &p->state, &parent, &user, &system, &p->threads, &p->start) != 6)
		return false;
	p->parent = parent;
	p->ticks = user + system;
	if (process_read(p->pid, "statm", &text) && text.data &&
	    sscanf(text.data, "%ld %ld", &pages, &resident) == 2)
		p->memory = (uint64_t)resident * (uint64_t)sysconf(_SC_PAGESIZE);
	return true;
}

/* slurmstepd puts them into a cgroup .../job_4711/step_0/..., where the site has that. */
static bool is_in_cgroup(pid_t pid, const char *job)
{
	uc_auto(buf) struct uc_buf text = { 0 }, part = { 0 };

	uc_buf_addf(&part, "/job_%s/", job);
	return process_read(pid, "cgroup", &text) && text.data && !part.failed &&
	       strstr(text.data, part.data);
}

static bool is_of_job(pid_t pid, const char *job)
{
	uc_auto(buf) struct uc_buf value = { 0 };

	const char *node = getenv("SLURMD_NODENAME");

	if (!process_variable(pid, "SLURM_JOB_ID", &value))
		return is_in_cgroup(pid, job);
	if (strcmp(uc_buf_text(&value), job) != 0)
		return false;
	/* several slurmd may share a host */
	return !node || !process_variable(pid, "SLURMD_NODENAME", &value) ||
	       strcmp(uc_buf_text(&value), node) == 0;
}

static int add(struct processes *list, const struct process *p)
{
	struct process *grown;

	if ((list->count & (list->count - 1)) == 0) {
		grown = realloc(list->item,
				(list->count ? list->count * 2 : 1) * sizeof(*grown));
		if (!grown)
			return -1;
		list->item = grown;
	}
	list->item[list->count++] = *p;
	return 0;
}

/* What has cleared its environment is a child of what has not. */
static void add_children(struct processes *list)
{
	for (bool more = true; more;) {
		more = false;
		for (size_t i = 0; i < list->count; i++)
			for (size_t k = 0; k < list->count && !list->item[i].ours; k++)
				if (list->item[k].ours &&
				    list->item[k].pid == list->item[i].parent)
					more = list->item[i].ours = true;
	}
}

int processes_find(struct processes *list, const char *job)
{
	DIR *dir = opendir("/proc");
	const uid_t me = getuid();
	struct dirent *entry;

	if (!dir)
		return -1;
	while ((entry = readdir(dir))) {
		struct process p = { .pid = (pid_t)strtol(entry->d_name, NULL, 10) };
		struct stat st;

		if (p.pid <= 0 || fstatat(dirfd(dir), entry->d_name, &st, 0) < 0 ||
		    st.st_uid != me || !read_stat(&p))
			continue;
		p.ours = is_of_job(p.pid, job);
		if (add(list, &p) < 0)
			break;
	}
	closedir(dir);
	add_children(list);
	return 0;
}
