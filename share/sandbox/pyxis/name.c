/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * Containers have a name and a folder RUNTIME/NODE/UID/NAME, all as the user:
 *   unnamed: lower (the image), up/upper and up/work (the writes), root, lock
 *   named:   rootfs (the unpacked image), root
 * "ns" has the number of the mount namespace of its latest start: it runs while a
 * process of the user is in that.
 */
#include "pyxis.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* A task enters its container some milliseconds after the step shows as running. */
#define EXEC_TRIES    40
#define EXEC_PAUSE_NS 50000000

char *uc_user_folder(const struct uc_site *site, const struct uc_job *job)
{
	return uc_fmt("%s/%s/%u", site->runtime_path, job->node, (unsigned int)job->uid);
}

static bool is_number(const char *text)
{
	return *text && text[strspn(text, "0123456789")] == '\0';
}

/* A process of the user whose mount namespace is the one noted; 0 if there is none. */
static pid_t process_inside(const char *folder)
{
	char noted[64] = "", path[300], found[64];
	struct dirent *entry;
	pid_t pid = 0;
	char *file = uc_fmt("%s/ns", folder);
	int fd = file ? open(file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) : -1;
	ssize_t len = fd >= 0 ? read(fd, noted, sizeof(noted) - 1) : -1;
	DIR *proc = len > 0 ? opendir("/proc") : NULL;

	while (proc && !pid && (entry = readdir(proc))) {
		if (!is_number(entry->d_name))
			continue;
		snprintf(path, sizeof(path), "/proc/%s/ns/mnt", entry->d_name);
		ssize_t got = readlink(path, found, sizeof(found));
		if (got == len && memcmp(found, noted, (size_t)len) == 0)
			pid = (pid_t)strtol(entry->d_name, NULL, 10);
	}
	if (proc)
		closedir(proc);
	uc_close(&fd);
	free(file);
	return pid;
}

/* For later steps that want to enter; failing to note it only costs that. */
void uc_box_note_namespace(const struct uc_box *box)
{
	char link[64], self[64];
	char *file = uc_fmt("%s/ns", box->dir);
	int fd = file ? open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
			     0600)
		      : -1;

	snprintf(self, sizeof(self), "/proc/self/fd/%d", box->fds[UC_FD_MNT]);
	ssize_t len = readlink(self, link, sizeof(link));
	if (fd >= 0 && len > 0 && write(fd, link, (size_t)len) != len)
		slurm_info("pyxis: couldn't note the namespace of %s", box->name);
	uc_close(&fd);
	free(file);
}

/* pyxis reads a listing of all names split at blanks: one bad name breaks all. */
static bool listing_is_broken(const char *user_folder)
{
	DIR *dir = opendir(user_folder);
	struct dirent *entry;
	bool broken = false;

	while (dir && !broken && (entry = readdir(dir)))
		broken = strpbrk(entry->d_name, " \t\n") && entry->d_name[0] != '.';
	if (dir)
		closedir(dir);
	return broken;
}

static int check_flag(const struct uc_box *box, const char *flag)
{
	if (strcmp(flag, "create") == 0 && box->filesystem_exists) {
		slurm_error(
			"pyxis: error: \"create\" flag was passed to --container-name but "
			"the container already exists");
		return -1;
	}
	if (strcmp(flag, "exec") == 0 && !box->running) {
		slurm_error(
			"pyxis: error: \"exec\" flag was passed to --container-name but the "
			"container is not running");
		return -1;
	}
	return 0;
}

static void look_for_running(struct uc_box *box, const char *flag)
{
	const struct timespec pause = { .tv_nsec = EXEC_PAUSE_NS };
	int tries = strcmp(flag, "exec") == 0 ? EXEC_TRIES : 1;

	for (int i = 0; i < tries && !box->attach_to; i++) {
		if (i > 0)
			nanosleep(&pause, NULL);
		box->attach_to = process_inside(box->dir);
	}
	box->running = box->attach_to > 0;
}

static int find_named(struct uc_box *box, const char *user_folder,
		      const struct uc_options *options)
{
	struct stat st;

	if (listing_is_broken(user_folder)) {
		slurm_error("pyxis: couldn't get list of containers");
		return -1;
	}
	box->filesystem_exists = stat(box->dir, &st) == 0;
	if (box->filesystem_exists)
		look_for_running(box, options->name_flag);
	if (check_flag(box, options->name_flag))
		return -1;
	if (strcmp(options->name_flag, "no_exec") == 0)
		box->running = false;
	if (box->running) {
		slurm_info("pyxis: reusing existing container namespaces");
	} else if (box->filesystem_exists) {
		slurm_info("pyxis: reusing existing container filesystem");
	} else if (!options->image) {
		slurm_error(
			"pyxis: error: a container with name \"%s\" does not exist, and "
			"--container-image is not set",
			box->name);
		return -1;
	}
	return 0;
}

/* Fills name, dir and what is there already. */
int uc_box_find(struct uc_box *box, const struct uc_site *site, const struct uc_job *job,
		const struct uc_options *options)
{
	char *user_folder = uc_user_folder(site, job);
	char *scope = site->scope_job ? uc_fmt("%u_", job->id) : strdup("");
	int rc = -1;

	box->named = options->name != NULL;
	if (user_folder && scope) {
		box->name = box->named
				    ? uc_fmt("pyxis_%s%s", scope, options->name)
				    : uc_fmt("pyxis_%s%u.%u", scope, job->id, job->step);
		box->dir = box->name ? uc_fmt("%s/%s", user_folder, box->name) : NULL;
	}
	if (box->dir)
		rc = box->named ? find_named(box, user_folder, options) : 0;
	free(scope);
	free(user_folder);
	return rc;
}

static int take_lock(const char *folder, int flags)
{
	char *path = uc_fmt("%s/lock", folder);
	int fd = path ? open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | flags, 0600) : -1;

	free(path);
	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB))
		uc_close(&fd);
	return fd;
}

/* Folders of steps whose slurmstepd was killed: nobody holds their lock any more. */
static void sweep(const char *user_folder)
{
	DIR *dir = opendir(user_folder);
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		if (strncmp(entry->d_name, "pyxis_", 6) != 0 &&
		    strncmp(entry->d_name, ".new.", 5) != 0)
			continue;
		char *path = uc_fmt("%s/%s", user_folder, entry->d_name);
		int lock = path ? take_lock(path, 0) : -1;
		if (lock >= 0)
			uc_tree_remove(path);
		uc_close(&lock);
		free(path);
	}
	if (dir)
		closedir(dir);
}

static int make_parts(const char *folder, bool named)
{
	static const char *const unnamed_parts[] = { "root", "lower", "up", "up/upper",
						     "up/work" };
	size_t n = named ? 1 : sizeof(unnamed_parts) / sizeof(*unnamed_parts);

	for (size_t i = 0; i < n; i++) {
		char *path = uc_fmt("%s/%s", folder, unnamed_parts[i]);
		int rc = path ? mkdir(path, 0755) : -1;
		if (rc == 0)
			rc = chmod(path, 0755); /* whatever the job's umask is */
		free(path);
		if (rc)
			return -1;
	}
	return 0;
}

/*
 * Makes the folder under a temporary name, which dir is until uc_box_keep_folder().
 * Everything in it is removed with it while its lock is held by nobody.
 */
int uc_box_make_folder(struct uc_box *box)
{
	char *slash = strrchr(box->dir, '/');
	char *user_folder = strndup(box->dir, (size_t)(slash - box->dir));
	char *dir = user_folder ? uc_fmt("%s/.new.%d", user_folder, (int)getpid()) : NULL;
	int rc = -1;

	if (strchr(box->name, '/') == NULL && strlen(box->name) < 256 && dir) {
		sweep(user_folder);
		/* Another step's sweep may come between the two. */
		for (int i = 0; i < 5 && box->lock < 0; i++)
			if (mkdir(dir, 0700) == 0 || errno == EEXIST)
				box->lock = take_lock(dir, O_CREAT);
		rc = box->lock >= 0 ? make_parts(dir, box->named) : -1;
		free(box->dir);
		box->dir = dir;
		dir = NULL;
	}
	free(dir);
	free(user_folder);
	return rc;
}

/* The folder is complete: gives it its name. A named one is never swept again. */
int uc_box_keep_folder(struct uc_box *box)
{
	char *slash = strrchr(box->dir, '/');
	char *path = uc_fmt("%.*s/%s", (int)(slash - box->dir), box->dir, box->name);
	char *lock = uc_fmt("%s/lock", box->dir);
	int rc = path && lock ? 0 : -1;

	if (rc == 0 && box->named)
		rc = unlink(lock);
	if (rc == 0)
		rc = rename(box->dir, path);
	if (rc == 0) {
		free(box->dir);
		box->dir = path;
		path = NULL;
	}
	free(lock);
	free(path);
	return rc;
}
