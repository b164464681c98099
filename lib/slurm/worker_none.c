/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* No worker fits: which there are, and which libslurm the machine has. */
#include <dirent.h>
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include "base/path.h"
#include "slurm/worker.h"

#define PREFIX "libslurm.so."

static const struct {
	long number;
	const char *release;
} releases[] = {
	{ 36, "20.11" }, { 37, "21.08" }, { 38, "22.05" }, { 39, "23.02" },
	{ 40, "23.11" }, { 41, "24.05" }, { 42, "24.11" }, { 43, "25.05" },
	{ 44, "25.11" }, { 45, "26.05" },
};

/* "libslurm.so.38 (Slurm 22.05)" */
static void add_library(struct uc_buf *out, long number)
{
	uc_buf_addf(out, "%s" PREFIX "%ld", out->len ? ", " : "", number);
	for (size_t i = 0; i < sizeof(releases) / sizeof(releases[0]); i++)
		if (releases[i].number == number)
			uc_buf_addf(out, " (Slurm %s)", releases[i].release);
}

/* A libslurm.so.N somewhere; `at` is where, of the first that a worker is for. */
struct search {
	const struct uc_strv *workers;
	struct uc_buf found;
	struct uc_strv names; /* each once */
	struct uc_buf at;
	long fits; /* 0 = none */
};

static void note_library(struct search *search, const char *folder, const char *name)
{
	char *end;
	long number = strtol(name, &end, 10);

	if (*end || number < 1 || number > 9999 ||
	    uc_strv_find(&search->names, name) >= 0)
		return;
	uc_strv_add(&search->names, name);
	add_library(&search->found, number);
	for (size_t i = 0; !search->fits && i < search->workers->count; i++) {
		if (uc_worker_number(search->workers->item[i]) != number)
			continue;
		search->fits = number;
		uc_buf_add(&search->at, folder);
	}
}

static void look_in(struct search *search, const char *folder)
{
	DIR *dir = *folder == '/' ? opendir(folder) : NULL;
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (!strncmp(entry->d_name, PREFIX, strlen(PREFIX)))
			note_library(search, folder, entry->d_name + strlen(PREFIX));
	if (dir)
		closedir(dir);
}

/* In each folder of a list like PATH, or in `below` beside it. */
static void look_along(struct search *search, const char *list, const char *below)
{
	for (; list && *list; list += strcspn(list, ":"), list += *list == ':') {
		uc_auto(buf) struct uc_buf folder = { 0 };
		const size_t len = strcspn(list, ":");

		if (below && (len < 4 || memcmp(list + len - 4, "/bin", 4)))
			continue;
		uc_buf_addn(&folder, list, below ? len - 4 : len);
		uc_buf_add(&folder, below ? below : "");
		if (!folder.failed)
			look_in(search, uc_buf_text(&folder));
	}
}

static void look_everywhere(struct search *search)
{
	uc_auto(buf) struct uc_buf system = { 0 };
	Dl_info info;

	look_along(search, getenv("LD_LIBRARY_PATH"), NULL);
	/* where libc is, libraries of packages are */
	if (dladdr((void *)(uintptr_t)&strtol, &info) && info.dli_fname)
		uc_path_folder(&system, info.dli_fname);
	look_along(search, uc_buf_text(&system), NULL);
	look_along(search, "/usr/lib:/usr/lib64:/usr/local/lib:/opt/slurm/lib", NULL);
	look_along(search, getenv("PATH"), "/lib");
	look_along(search, getenv("PATH"), "/lib64");
}

/* The loader's words, where the worker's name tells nothing. */
static int fail_named(const char *said, struct uc_error *err)
{
	static const char loading[] = "error while loading shared libraries: ";
	const char *name = strstr(said, loading);

	name = name ? name + sizeof(loading) - 1 : "libslurm";
	return uc_fail(err, UC_UNREACHABLE, "Slurm's library %.*s is not on this machine",
		       (int)strcspn(name, ":\n"), name);
}

static int hint_install(struct uc_error *err)
{
	return uc_hint(err,
		       "install it (Debian: libslurm and that number), or ucluster's "
		       "worker for the Slurm that is here");
}

/* What there is, in words. */
static int report(const struct search *search, const char *workers, struct uc_error *err)
{
	if (search->fits) {
		uc_fail(err, UC_UNREACHABLE,
			"Slurm's library " PREFIX "%ld cannot be loaded from '%s'",
			search->fits, uc_buf_text(&search->at));
		return uc_hint(err,
			       "show it to the loader: LD_LIBRARY_PATH=%s, or "
			       "'module load slurm'",
			       uc_buf_text(&search->at));
	}
	if (search->found.len) {
		uc_fail(err, UC_UNREACHABLE,
			"no worker fits the Slurm here: this machine has %s, workers are "
			"installed for %s",
			uc_buf_text(&search->found), workers);
		return uc_hint(err,
			       "install ucluster's worker for the Slurm that is here, "
			       "or a Slurm that a worker is for");
	}
	uc_fail(err, UC_UNREACHABLE, "Slurm's library is not on this machine: %s",
		workers);
	return hint_install(err);
}

int uc_worker_none(const struct uc_strv *paths, const char *said, struct uc_error *err)
{
	struct search search = { .workers = paths };
	uc_auto(buf) struct uc_buf workers = { 0 };

	if (paths->count == 1 && !uc_worker_number(paths->item[0])) {
		fail_named(said, err);
		return hint_install(err);
	}
	for (size_t i = 0; i < paths->count; i++)
		add_library(&workers, uc_worker_number(paths->item[i]));
	look_everywhere(&search);
	report(&search, uc_buf_text(&workers), err);
	uc_buf_free(&search.found);
	uc_buf_free(&search.at);
	uc_strv_free(&search.names);
	return -1;
}
