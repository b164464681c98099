/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * What a batch job with --save leaves beside its target when it is killed before its
 * script can clean up: .NAME.saving-JOBID, begun and not finished. The next save to the
 * same target takes it away. A whole image stays: somebody was told where it is.
 */
#include "usrun/usrun.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <ucluster/state.h>

/* What was written to lately may be of a running job of another cluster. */
#define QUIET_S 600

/* The job in NAME, after the prefix; 0: it is not such a file's. */
static uint32_t job_of(const char *name, const struct uc_buf *prefix)
{
	const char *number = name + prefix->len;
	size_t digits;

	if (strncmp(name, prefix->data, prefix->len) != 0)
		return 0;
	digits = strspn(number, "0123456789");
	if (digits == 0 || digits > 9 || number[digits])
		return 0;
	return (uint32_t)strtoul(number, NULL, 10);
}

static bool is_old_part(const char *path)
{
	struct uc_error why;
	struct stat st;

	return lstat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid() &&
	       st.st_mtime + QUIET_S < time(NULL) && uc_squashfs_check(path, &why) < 0;
}

static bool is_over(struct uc_source *src, uint32_t job_id)
{
	const struct uc_job_query query = { .job_ids = &job_id, .job_count = 1 };
	uc_auto(jobs) struct uc_jobs *jobs = NULL;

	if (uc_jobs_load(src, &query, &jobs, NULL) < 0)
		return false;
	for (size_t i = 0; i < jobs->count; i++)
		if (!uc_job_is_finished(jobs->row[i].state))
			return false;
	return true;
}

static void sweep_folder(struct usrun *u, const struct uc_buf *folder,
			 const struct uc_buf *prefix, struct uc_source *src)
{
	uc_auto(source) struct uc_source *own = NULL;
	DIR *dir = opendir(uc_buf_text(folder));
	const struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		const uint32_t job_id = job_of(entry->d_name, prefix);
		uc_auto(buf) struct uc_buf path = { 0 };

		uc_buf_addf(&path, "%s%s", uc_buf_text(folder), entry->d_name);
		if (!job_id || path.failed || !is_old_part(uc_buf_text(&path)))
			continue;
		/* asked only when there is something to ask about */
		if (!src && uc_run_source(u->run, 0, &own) == 0)
			src = own;
		if (!src)
			break;
		if (is_over(src, job_id))
			unlink(uc_buf_text(&path));
	}
	if (dir)
		closedir(dir);
}

void usrun_sweep(struct usrun *u, const char *target, struct uc_source *src)
{
	const char *name = strrchr(target, '/') + 1;
	uc_auto(buf) struct uc_buf folder = { 0 };
	uc_auto(buf) struct uc_buf prefix = { 0 };

	uc_buf_addn(&folder, target, (size_t)(name - target));
	uc_buf_addf(&prefix, ".%.120s.saving-", name); /* as in the script */
	if (!folder.failed && !prefix.failed)
		sweep_folder(u, &folder, &prefix, src);
}
