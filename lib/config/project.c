/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Finding the project file, and whether somebody else could have written it. */
#include "config/layers.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "config/project.h"

const char *uc_project_distrust(const struct stat *st, uid_t uid, bool has_acl)
{
	/* In a sticky directory (/tmp) others cannot replace what is ours. */
	bool sticky = S_ISDIR(st->st_mode) && (st->st_mode & S_ISVTX);

	if (st->st_uid != uid && st->st_uid != 0)
		return "belongs to another user";
	if ((st->st_mode & S_IWOTH) && !sticky)
		return "can be written by everybody";
	/*
	 * umask 002 goes with private groups, whose number is the user's. With an ACL the
	 * group bits are its mask: they stand for others then.
	 */
	if ((st->st_mode & S_IWGRP) && !sticky && (st->st_gid != uid || has_acl))
		return "can be written by its group";
	return NULL;
}

static bool has_acl(const char *path)
{
	return getxattr(path, "system.posix_acl_access", NULL, 0) > 0;
}

static const char *distrust_path(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return "cannot be examined";
	return uc_project_distrust(&st, geteuid(), has_acl(path));
}

static void ignore(struct uc_load *load, const char *file, const char *culprit,
		   const char *why)
{
	struct uc_error err = { 0 };

	if (culprit)
		uc_fail(&err, UC_OK, "project file '%s' is ignored: '%s' %s", file,
			culprit, why);
	else
		uc_fail(&err, UC_OK, "project file '%s' is ignored: it %s", file, why);
	uc_hint(&err, "others could change what your jobs run; "
		      "see PROJECT FILES in ucluster.config(5)");
	uc_load_warn(load, &err);
}

/* All directories from `folder` (absolute, no links) up to the root. */
static bool parents_trusted(struct uc_load *load, const char *file, const char *folder)
{
	uc_auto(buf) struct uc_buf path = { 0 };
	const char *why = NULL;

	uc_buf_add(&path, folder);
	while (!path.failed) {
		char *slash;

		why = distrust_path(uc_buf_text(&path));
		if (why) {
			ignore(load, file, uc_buf_text(&path), why);
			return false;
		}
		if (strcmp(uc_buf_text(&path), "/") == 0)
			return true;
		slash = strrchr(path.data, '/');
		path.len = slash == path.data ? 1 : (size_t)(slash - path.data);
		path.data[path.len] = '\0';
	}
	load->failed = true;
	return false;
}

/* The file is open: may it be believed? Then read it. */
static void read_project(struct uc_load *load, int fd, const char *file,
			 const char *folder)
{
	uc_auto(buf) struct uc_buf bytes = { 0 };
	struct uc_error err = { 0 };
	const char *why;
	struct stat st;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		ignore(load, file, NULL, "is not a regular file");
		return;
	}
	why = uc_project_distrust(&st, geteuid(),
				  fgetxattr(fd, "system.posix_acl_access", NULL, 0) > 0);
	if (why) {
		ignore(load, file, NULL, why);
		return;
	}
	if (!parents_trusted(load, file, folder))
		return;
	if (uc_fd_read(fd, &bytes, &err) < 0) {
		load->failed |= bytes.failed;
		ignore(load, file, NULL, err.text);
		return;
	}
	load->project_path = uc_arena_strdup(load->arena, file);
	if (load->project_path)
		uc_load_bytes(load, UC_LAYER_PROJECT, load->project_path,
			      uc_buf_text(&bytes), bytes.len);
}

/* Is there a project file in `folder`? True ends the search. */
static bool try_folder(struct uc_load *load, const char *folder)
{
	uc_auto(buf) struct uc_buf file = { 0 };
	int fd;

	uc_buf_addf(&file, "%s/%s", strcmp(folder, "/") == 0 ? "" : folder,
		    UC_PROJECT_FILE);
	if (file.failed) {
		load->failed = true;
		return true;
	}
	/* No links: a repository can hold one to any file of the user's. */
	fd = open(uc_buf_text(&file),
		  O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd >= 0) {
		read_project(load, fd, uc_buf_text(&file), folder);
		close(fd);
		return true;
	}
	if (errno == ENOENT || errno == ENOTDIR)
		return false;
	ignore(load, uc_buf_text(&file), NULL,
	       errno == ELOOP    ? "is a symbolic link"
	       : errno == EACCES ? "cannot be read"
				 : "cannot be opened");
	return true;
}

static bool same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

void uc_project_load(struct uc_load *load)
{
	struct stat first, here, home;
	bool have_home = load->from->home && stat(load->from->home, &home) == 0;
	char *folder = realpath(load->from->cwd, NULL);
	char *slash;

	if (!folder || stat(folder, &first) < 0) {
		load->failed |= errno == ENOMEM;
		free(folder);
		return;
	}
	while (stat(folder, &here) == 0 && here.st_dev == first.st_dev &&
	       (here.st_uid == geteuid() || here.st_uid == 0) &&
	       !(have_home && same_file(&here, &home)) && !try_folder(load, folder) &&
	       strcmp(folder, "/") != 0) {
		slash = strrchr(folder, '/');
		slash[slash == folder] = '\0';
	}
	free(folder);
}
