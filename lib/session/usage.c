/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "session/usage.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <ucluster/spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/file.h"

/* --- CPU time, of the job's control group --- */

static bool has_controller(const char *list, size_t len, const char *name)
{
	const size_t wanted = strlen(name);

	for (const char *at = list; at < list + len; at += strcspn(at, ",:") + 1)
		if (strncmp(at, name, wanted) == 0 && strchr(",:", at[wanted]))
			return true;
	return false;
}

/* "4:cpu,cpuacct:/slurm/uid_1/job_2/step_batch" up to the job's own group. */
static bool find_group(const char *job, bool *unified, struct uc_buf *path)
{
	uc_auto(buf) struct uc_buf text = { 0 }, group = { 0 };

	uc_buf_addf(&group, "/job_%s", job);
	if (uc_file_read("/proc/self/cgroup", 65536, &text, NULL) < 0 || group.failed)
		return false;
	for (const char *line = uc_buf_text(&text); *line; line += strcspn(line, "\n")) {
		const char *list, *folder, *end;

		line += *line == '\n';
		list = strchr(line, ':');
		folder = list ? strchr(list + 1, ':') : NULL;
		if (!folder)
			return false;
		list++;
		end = strstr(folder, group.data);
		*unified = list == folder;
		if (!end || end > folder + strcspn(folder, "\n") ||
		    strchr("0123456789", end[group.len] ? end[group.len] : 'x') ||
		    (!*unified &&
		     !has_controller(list, (size_t)(folder - list), "cpuacct")))
			continue;
		uc_buf_addf(path, "/sys/fs/cgroup%s%.*s%s", *unified ? "" : "/cpuacct",
			    (int)(end - folder - 1) + (int)group.len, folder + 1,
			    *unified ? "/cpu.stat" : "/cpuacct.usage");
		return !path->failed;
	}
	return false;
}

static int64_t group_cpu(const char *job)
{
	uc_auto(buf) struct uc_buf path = { 0 }, text = { 0 };
	const char *at;
	bool unified;

	if (!find_group(job, &unified, &path) ||
	    uc_file_read(path.data, 65536, &text, NULL) < 0)
		return -1;
	at = uc_buf_text(&text);
	if (!unified)
		return strtoll(at, NULL, 10) / 1000000; /* ns */
	at = strstr(at, "usage_usec ");
	return at ? strtoll(at + strlen("usage_usec "), NULL, 10) / 1000 : -1;
}

/* --- CPU time, of the processes that have the job's number in their environment --- */

static bool is_of_job(const char *folder, const char *mark, size_t len)
{
	uc_auto(buf) struct uc_buf path = { 0 }, text = { 0 };

	uc_buf_addf(&path, "/proc/%s/environ", folder);
	if (path.failed || uc_file_read(path.data, 4 << 20, &text, NULL) < 0)
		return false;
	/* NAME=value, each with a NUL after it */
	for (size_t at = 0; at + len <= text.len;
	     at += strnlen(text.data + at, text.len - at) + 1)
		if (memcmp(text.data + at, mark, len) == 0)
			return true;
	return false;
}

/* Of a process and the children that it waited for. */
static int64_t process_cpu(const char *folder)
{
	uc_auto(buf) struct uc_buf path = { 0 }, text = { 0 };
	const char *at;
	uint64_t sum = 0;

	uc_buf_addf(&path, "/proc/%s/stat", folder);
	if (path.failed || uc_file_read(path.data, 4096, &text, NULL) < 0)
		return 0;
	at = strrchr(uc_buf_text(&text), ')');
	for (int field = 3; at && field <= 17; field++) {
		at = strchr(at + 1, ' ');
		if (at && field >= 14)
			sum += strtoull(at + 1, NULL, 10);
	}
	return (int64_t)(sum * 1000 / (uint64_t)sysconf(_SC_CLK_TCK));
}

static int64_t processes_cpu(const char *job)
{
	uc_auto(buf) struct uc_buf mark = { 0 };
	DIR *proc = opendir("/proc");
	const struct dirent *entry;
	int64_t sum = 0;
	struct stat st;

	uc_buf_addf(&mark, "SLURM_JOB_ID=%s", job);
	uc_buf_addc(&mark, '\0');
	if (!proc || mark.failed) {
		if (proc)
			closedir(proc);
		return -1;
	}
	while ((entry = readdir(proc)))
		if (isdigit((unsigned char)entry->d_name[0]) &&
		    fstatat(dirfd(proc), entry->d_name, &st, 0) == 0 &&
		    st.st_uid == getuid() &&
		    is_of_job(entry->d_name, mark.data, mark.len))
			sum += process_cpu(entry->d_name);
	closedir(proc);
	return sum;
}

int64_t uc_usage_cpu(const char *job)
{
	const int64_t used = group_cpu(job);

	return used >= 0 ? used : processes_cpu(job);
}

/* --- GPUs --- */

enum uc_gpu_state uc_gpu_state(const char *answer)
{
	enum uc_gpu_state state = UC_GPU_UNKNOWN;

	while (*answer) {
		char *end;
		const long used = strtol(answer, &end, 10);

		if (end != answer && used > 0)
			return UC_GPU_BUSY;
		if (end != answer)
			state = UC_GPU_IDLE;
		answer = end + strcspn(end, "\n");
		answer += *answer == '\n';
	}
	return state;
}

bool uc_gpu_probe_start(struct uc_gpu_probe *probe, const char *gpus,
			const char *const *environment)
{
	const char *argv[] = { "nvidia-smi",
			       "--query-gpu=utilization.gpu",
			       "--format=csv,noheader,nounits",
			       gpus ? "-i" : NULL,
			       gpus,
			       NULL };
	int ends[2], rc;

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
		return false;
	rc = uc_spawn(&(struct uc_spawn){ .words = (char *const *)argv,
					  .environment = (char *const *)environment,
					  .fd = { -1, ends[1], -1 } },
		      &probe->pid);
	close(ends[1]);
	if (rc) {
		close(ends[0]);
		probe->pid = 0;
		return false;
	}
	probe->fd = ends[0];
	uc_buf_reset(&probe->text);
	return true;
}

enum uc_gpu_state uc_gpu_probe_read(struct uc_gpu_probe *probe)
{
	char chunk[512];
	ssize_t got = read(probe->fd, chunk, sizeof(chunk));

	if (got > 0 && probe->text.len < 65536)
		uc_buf_addn(&probe->text, chunk, (size_t)got);
	if (got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR)))
		return UC_GPU_LATER;
	return uc_gpu_state(uc_buf_text(&probe->text));
}

void uc_gpu_probe_end(struct uc_gpu_probe *probe)
{
	if (!probe->pid)
		return;
	close(probe->fd);
	/* a driver that hangs keeps it; the caller takes it when it ends */
	kill(probe->pid, SIGKILL);
	uc_buf_free(&probe->text);
	*probe = (struct uc_gpu_probe){ 0 };
}
