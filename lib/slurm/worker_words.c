/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* What a worker that failed tells: libslurm's stderr, and what it was waiting for. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "slurm/conf.h"
#include "slurm/worker.h"

/* Endings that say nothing when a line before them does. */
static const char *const empty_words[] = {
	"Unable to process configuration file",
	"Could not establish a configuration source",
	"Unspecified error",
	"Batch job submission failed",
};

struct line {
	const char *at;
	size_t len;
};

static bool starts_with(struct line line, const char *text)
{
	return line.len >= strlen(text) && !memcmp(line.at, text, strlen(text));
}

static struct line skip(struct line line, size_t n)
{
	return (struct line){ line.at + n, line.len - n };
}

/* "slurm-worker-38: error: text" -> "text" */
static struct line strip(struct line line)
{
	static const char *const marks[] = { "error: ", "fatal: ", "info: ", "debug: " };
	const char *colon;

	while (line.len && (line.at[0] == ' ' || line.at[0] == '\t'))
		line = skip(line, 1);
	while (line.len &&
	       (line.at[line.len - 1] == ' ' || line.at[line.len - 1] == '\r'))
		line.len--;
	colon = memmem(line.at, line.len, ": ", 2);
	if (starts_with(line, "slurm-worker") && colon)
		line = skip(line, (size_t)(colon - line.at) + 2);
	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
		if (starts_with(line, marks[i]))
			line = skip(line, strlen(marks[i]));
	return line;
}

static bool is_empty_talk(struct line line)
{
	for (size_t i = 0; i < sizeof(empty_words) / sizeof(empty_words[0]); i++)
		if (starts_with(line, empty_words[i]))
			return true;
	return line.len == 0;
}

void uc_worker_words(struct uc_buf *out, const char *said, size_t len)
{
	struct line best = { NULL, 0 };

	while (len) {
		const char *end = memchr(said, '\n', len);
		size_t n = end ? (size_t)(end - said) : len;
		struct line line = strip((struct line){ said, n });

		if (line.len && (!is_empty_talk(line) || !best.at))
			best = line;
		n += end != NULL;
		said += n;
		len -= n;
	}
	if (best.at)
		uc_buf_safen(out, best.at, best.len, 0);
}

bool uc_worker_lacks_library(const char *said, size_t len)
{
	return memmem(said, len, "error while loading shared libraries", 36) != NULL;
}

/* The inode of "socket:[123]", else 0. */
static unsigned long socket_inode(pid_t pid, const char *fd)
{
	char path[64], target[64];
	unsigned long inode = 0;
	ssize_t n;

	if (strlen(fd) > 10)
		return 0;
	snprintf(path, sizeof(path), "/proc/%d/fd/%s", (int)pid, fd);
	n = readlink(path, target, sizeof(target) - 1);
	if (n <= 0)
		return 0;
	target[n] = '\0';
	return sscanf(target, "socket:[%lu]", &inode) == 1 ? inode : 0;
}

static bool is_unix_socket(unsigned long inode)
{
	FILE *file = fopen("/proc/net/unix", "re");
	char line[256];
	bool found = false;

	while (file && !found && fgets(line, sizeof(line), file)) {
		unsigned long n;

		/* Num RefCount Protocol Flags Type St Inode Path */
		if (sscanf(line, "%*s %*s %*s %*s %*s %*s %lu", &n) == 1)
			found = n == inode;
	}
	if (file)
		fclose(file);
	return found;
}

/* slurmctld is spoken to over TCP; besides fd 3 only munged has a UNIX socket. */
bool uc_worker_waits_for_munge(pid_t pid)
{
	char path[64];
	struct dirent *entry;
	bool found = false;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	dir = opendir(path);
	while (dir && !found && (entry = readdir(dir))) {
		unsigned long inode = 0;

		if (strcmp(entry->d_name, "3") && entry->d_name[0] != '.')
			inode = socket_inode(pid, entry->d_name);
		found = inode && is_unix_socket(inode);
	}
	if (dir)
		closedir(dir);
	return found;
}

int uc_worker_timed_out(const struct uc_worker *worker, struct uc_error *err)
{
	uc_auto(buf) struct uc_buf hosts = { 0 };
	char limit[32];

	if (worker->timeout_ms % 1000)
		snprintf(limit, sizeof(limit), "%d ms", worker->timeout_ms);
	else
		snprintf(limit, sizeof(limit), "%d s", worker->timeout_ms / 1000);
	if (uc_worker_waits_for_munge(worker->pid)) {
		uc_fail(err, UC_UNREACHABLE,
			"munged on this host did not answer within %s", limit);
		return uc_hint(err, "Slurm authenticates through munge: try 'munge -n', "
				    "tell the admins when it hangs");
	}
	uc_slurm_conf_hosts(&hosts, uc_slurm_conf_path(worker->slurm_conf));
	uc_fail(err, UC_UNREACHABLE, "slurmctld%s%s did not answer within %s",
		hosts.len ? " at " : "", uc_buf_text(&hosts), limit);
	return uc_hint(err, "it is down or busy: try again later, or 'scontrol ping'");
}
