/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Which worker executables there are: one for each libslurm the suite was built for. */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/path.h"
#include "slurm/worker.h"

#define PREFIX "slurm-worker-"

/* libexec/ucluster, relative to where this library was loaded from (UC_LIBEXEC, set by
 * the build), so that a build tree and any prefix work. */
static int default_folder(struct uc_buf *folder, struct uc_error *err)
{
	Dl_info info;
	char *library = NULL;

	if (dladdr((void *)(uintptr_t)&uc_source_open, &info) && info.dli_fname)
		library = realpath(info.dli_fname, NULL);
	if (!library)
		return uc_fail(err, UC_FAILED,
			       "cannot tell where libucluster was loaded from");
	uc_path_folder(folder, library);
	uc_buf_addf(folder, "/%s", UC_LIBEXEC);
	free(library);
	return 0;
}

long uc_worker_number(const char *path)
{
	const char *name = uc_path_name(path);
	char *end;
	long n;

	if (strncmp(name, PREFIX, strlen(PREFIX)))
		return 0;
	name += strlen(PREFIX);
	n = strtol(name, &end, 10);
	return *name >= '1' && *name <= '9' && !*end && n < 10000 ? n : 0;
}

static int newest_first(const void *a, const void *b)
{
	long na = *(const long *)a, nb = *(const long *)b;

	return na < nb ? 1 : na > nb ? -1 : 0;
}

#define WORKERS_MAX 64

static size_t list_numbers(const char *folder, long *numbers)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	size_t count = 0;

	if (!dir)
		return 0;
	while ((entry = readdir(dir)) && count < WORKERS_MAX) {
		long n = uc_worker_number(entry->d_name);

		if (n)
			numbers[count++] = n;
	}
	closedir(dir);
	qsort(numbers, count, sizeof(*numbers), newest_first);
	return count;
}

int uc_worker_find(const char *libexec_dir, struct uc_strv *paths, struct uc_error *err)
{
	const char *forced = getenv("UCLUSTER_SLURM_WORKER");
	uc_auto(buf) struct uc_buf folder = { 0 };
	long numbers[WORKERS_MAX];
	size_t count;

	if (forced && *forced) {
		uc_strv_add(paths, forced);
		return 0;
	}
	if (libexec_dir)
		uc_buf_add(&folder, libexec_dir);
	else if (default_folder(&folder, err) < 0)
		return -1;
	count = list_numbers(uc_buf_text(&folder), numbers);
	for (size_t i = 0; i < count; i++)
		uc_strv_addf(paths, "%s/" PREFIX "%ld", uc_buf_text(&folder), numbers[i]);
	if (paths->failed || folder.failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	if (count)
		return 0;
	uc_fail(err, UC_NOTFOUND, "no worker for libslurm in '%s'", uc_buf_text(&folder));
	return uc_hint(err, "build ucluster where Slurm's headers (libslurm-dev) are "
			    "installed, or install its worker package");
}
