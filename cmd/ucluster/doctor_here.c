/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* ucluster doctor: ucluster itself, its configuration, its state, what is left over. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <ucluster/ucluster.h>
#include <unistd.h>
#include "common/files.h"
#include "ucluster/doctor.h"

#define SKEW_S 5 /* seconds that clocks may differ */

static void add_fault(struct doctor *d, const struct uc_error *err)
{
	uc_auto(buf) struct uc_buf path = { 0 };
	bool own = d->run->user_path && strcmp(err->at.path, d->run->user_path) == 0;

	if (err->at.line)
		doctor_add(d, err->code ? DOCTOR_FAIL : DOCTOR_WARN, "%s:%d:%d: %s",
			   doctor_path(d, err->at.path, &path), err->at.line,
			   err->at.column, err->text);
	else
		doctor_add(d, err->code ? DOCTOR_FAIL : DOCTOR_WARN, "%s%s%s",
			   err->at.path, err->at.path[0] ? ": " : "", err->text);
	if (own)
		doctor_remedy(d, "ucluster config --edit");
	else if (err->at.line)
		doctor_remedy(d, "${EDITOR:-vi} +%d %s", err->at.line, err->at.path);
	else
		doctor_remedy(d, "%s", err->hint);
}

void doctor_config(struct doctor *d)
{
	const struct uc_run *run = d->run;
	const struct uc_config_from from = { .site_path = run->site_path,
					     .user_path = run->user_path,
					     .home = run->home,
					     .cwd = run->cwd,
					     .environment = run->environment };
	uc_auto(errors) struct uc_errors faults = { 0 };
	uc_auto(config) struct uc_config *config = NULL;
	const char *paths[3] = { run->site_path, run->user_path, NULL };
	int rc = uc_config_load(&from, &config, &faults);

	for (size_t i = 0; i < faults.count; i++)
		add_fault(d, &faults.item[i]);
	if (rc < 0)
		return;
	paths[2] = uc_config_project_path(config);
	for (int i = 0; i < 3; i++) {
		uc_auto(buf) struct uc_buf path = { 0 };

		if (paths[i] && access(paths[i], R_OK) == 0)
			doctor_add(d, DOCTOR_OK, "%s", doctor_path(d, paths[i], &path));
	}
	if (!d->count)
		doctor_add(d, DOCTOR_OK, "no files, built-in values");
}

static bool is_worker(const struct dirent *entry)
{
	return strncmp(entry->d_name, "slurm-worker-", 13) == 0;
}

/* Programs that commands start, and a worker for some release of Slurm. */
static void check_programs(struct doctor *d)
{
	static const char *const programs[] = { "disk-probe", "job-inside",
						"session-server", "session-attach" };
	const char *folder = d->run->libexec_dir;
	uc_auto(buf) struct uc_buf lacking = { 0 };
	unsigned workers = 0;
	DIR *dir = opendir(folder);

	for (struct dirent *entry; dir && (entry = readdir(dir));)
		workers += is_worker(entry);
	if (dir)
		closedir(dir);
	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
		uc_auto(buf) struct uc_buf path = { 0 };

		uc_buf_addf(&path, "%s/%s", folder, programs[i]);
		if (access(uc_buf_text(&path), X_OK) < 0)
			uc_buf_addf(&lacking, " %s", programs[i]);
	}
	if (!workers)
		uc_buf_add(&lacking, " slurm-worker");
	if (lacking.len) {
		doctor_add(d, DOCTOR_FAIL, "programs are missing in %s:%s", folder,
			   uc_buf_text(&lacking));
		doctor_remedy(d, "cmake --install BUILD-FOLDER");
	} else {
		doctor_add(d, DOCTOR_OK, "ucluster %s in %s", uc_version(),
			   d->run->bin_dir);
	}
}

/* The first usrun in PATH is this one's. */
static void check_path(struct doctor *d)
{
	const char *at = uc_run_env(d->run, "PATH"), *folder = d->run->bin_dir;

	for (; at && *at; at += strcspn(at, ":"), at += *at == ':') {
		uc_auto(buf) struct uc_buf other = { 0 }, own = { 0 };
		struct stat a, b;

		uc_buf_addf(&other, "%.*s/usrun", (int)strcspn(at, ":"), at);
		uc_buf_addf(&own, "%s/usrun", folder);
		if (access(uc_buf_text(&other), X_OK) < 0)
			continue;
		if (stat(uc_buf_text(&other), &a) == 0 &&
		    stat(uc_buf_text(&own), &b) == 0 && a.st_dev == b.st_dev &&
		    a.st_ino == b.st_ino) {
			doctor_add(d, DOCTOR_OK, "usrun in PATH is %s",
				   uc_buf_text(&other));
			return;
		}
		doctor_add(d, DOCTOR_WARN, "usrun in PATH is another: %s",
			   uc_buf_text(&other));
		doctor_remedy(d, "export PATH=%s:$PATH", folder);
		return;
	}
	doctor_add(d, DOCTOR_WARN, "%s is not in PATH", folder);
	doctor_remedy(d, "export PATH=%s:$PATH", folder);
}

void doctor_install(struct doctor *d)
{
	check_programs(d);
	check_path(d);
}

/* A file is made there; its time is the clock of whoever keeps the file system. */
static bool try_write(const char *folder, int64_t *skew)
{
	uc_auto(buf) struct uc_buf path = { 0 };
	struct stat st;
	int fd;

	uc_buf_addf(&path, "%s/.doctor-XXXXXX", folder);
	if (path.failed)
		return false;
	uc_keep_folders(path.data);
	fd = mkostemp(path.data, O_CLOEXEC);
	if (fd < 0)
		return false;
	*skew = fstat(fd, &st) == 0 ? (int64_t)st.st_mtime - (int64_t)time(NULL) : 0;
	(void)unlink(path.data);
	close(fd);
	return true;
}

void doctor_state_dir(struct doctor *d)
{
	uc_auto(buf) struct uc_buf folder = { 0 }, shown = { 0 };
	int64_t skew = 0;

	uc_run_state_dir(d->run, &folder);
	if (!folder.len) {
		doctor_add(d, DOCTOR_WARN, "no home directory: nothing is remembered");
		doctor_remedy(d, "export XDG_STATE_HOME=/tmp/$(id -un)-state");
		return;
	}
	if (!try_write(folder.data, &skew)) {
		doctor_add(d, DOCTOR_FAIL, "%s cannot be written to: %s",
			   doctor_path(d, folder.data, &shown), strerror(errno));
		doctor_remedy(d, "ls -ld %s; df %s", folder.data,
			      d->run->home ? d->run->home : "/");
		return;
	}
	doctor_add(d, DOCTOR_OK, "%s can be written to",
		   doctor_path(d, folder.data, &shown));
	if (skew < -SKEW_S || skew > SKEW_S) {
		doctor_add(d, DOCTOR_WARN,
			   "the clock of the file system of %s is off by %lld seconds",
			   uc_buf_text(&shown), (long long)skew);
		doctor_remedy(d, "timedatectl");
	}
}

/* --- what a program that was killed leaves --- */

static bool answers(const char *path)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	bool good;
	int fd;

	if (strlen(path) >= sizeof(to.sun_path))
		return true;
	memcpy(to.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return true;
	good = connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0 ||
	       errno != ECONNREFUSED;
	close(fd);
	return good;
}

static void check_folder(struct doctor *d, const char *folder)
{
	struct stat st;
	unsigned live = 0;
	DIR *dir;

	if (lstat(folder, &st) < 0)
		return;
	if (!S_ISDIR(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 077)) {
		doctor_add(d, DOCTOR_FAIL, "%s is not a directory of yours alone",
			   folder);
		doctor_remedy(d, st.st_uid == geteuid() ? "chmod 700 %s" : "ls -ld %s",
			      folder);
		return;
	}
	dir = opendir(folder);
	for (struct dirent *entry; dir && (entry = readdir(dir));) {
		uc_auto(buf) struct uc_buf path = { 0 };

		uc_buf_addf(&path, "%s/%s", folder, entry->d_name);
		if (lstat(uc_buf_text(&path), &st) < 0 || !S_ISSOCK(st.st_mode))
			continue;
		live += answers(uc_buf_text(&path));
		if (answers(uc_buf_text(&path)))
			continue;
		doctor_add(d, DOCTOR_WARN, "nobody listens at %s any more",
			   uc_buf_text(&path));
		doctor_remedy(d, "rm '%s'", uc_buf_text(&path));
	}
	if (dir)
		closedir(dir);
	if (live)
		doctor_add(d, DOCTOR_OK, "%u connection%s of usync kept in %s", live,
			   live == 1 ? "" : "s", folder);
}

void doctor_sockets(struct doctor *d)
{
	const char *runtime = uc_run_env(d->run, "XDG_RUNTIME_DIR");
	uc_auto(buf) struct uc_buf path = { 0 };

	if (runtime && *runtime == '/') {
		uc_buf_addf(&path, "%s/ucluster-ssh", runtime);
		check_folder(d, uc_buf_text(&path));
	}
	uc_buf_reset(&path);
	uc_buf_addf(&path, "/tmp/ucluster-ssh-%ld", (long)geteuid());
	check_folder(d, uc_buf_text(&path));
	if (!d->count)
		doctor_add(d, DOCTOR_OK, "nothing is left over");
}
