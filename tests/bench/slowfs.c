/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * slowfs SOURCE MICROSECONDS MOUNTPOINT [FUSE OPTION...]: shows the folder SOURCE, each
 * request for a name or a listing taking that much longer: a network file system without
 * "readdirplus", where each name is a round trip. What was asked once stays known.
 */
#define FUSE_USE_VERSION 35
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fuse.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PATH_LENGTH 4096

static const char *source;
static long delay_us;

static void round_trip(void)
{
	nanosleep(&(struct timespec){ delay_us / 1000000, delay_us % 1000000 * 1000 },
		  NULL);
}

static const char *real_path(char *out, const char *path)
{
	snprintf(out, PATH_LENGTH, "%s%s", source, path);
	return out;
}

static int slow_getattr(const char *path, struct stat *st, struct fuse_file_info *file)
{
	char real[PATH_LENGTH];

	(void)file;
	round_trip();
	return lstat(real_path(real, path), st) < 0 ? -errno : 0;
}

static int slow_opendir(const char *path, struct fuse_file_info *file)
{
	char real[PATH_LENGTH];
	DIR *dir = opendir(real_path(real, path));

	file->fh = (uintptr_t)dir;
	return dir ? 0 : -errno;
}

static int slow_readdir(const char *path, void *out, fuse_fill_dir_t fill, off_t from,
			struct fuse_file_info *file, enum fuse_readdir_flags flags)
{
	DIR *dir = (DIR *)(uintptr_t)file->fh;
	struct dirent *entry;

	(void)path, (void)flags;
	round_trip();
	if (from != telldir(dir))
		seekdir(dir, from);
	while ((entry = readdir(dir))) {
		const struct stat st = { .st_ino = entry->d_ino,
					 .st_mode = DTTOIF(entry->d_type) };

		if (fill(out, entry->d_name, &st, telldir(dir), 0))
			break;
	}
	return 0;
}

static int slow_releasedir(const char *path, struct fuse_file_info *file)
{
	(void)path;
	closedir((DIR *)(uintptr_t)file->fh);
	return 0;
}

static void *slow_init(struct fuse_conn_info *connection, struct fuse_config *config)
{
	connection->want &= ~(unsigned)(FUSE_CAP_READDIRPLUS | FUSE_CAP_READDIRPLUS_AUTO);
	connection->max_background = 512;
	config->use_ino = config->readdir_ino = 1;
	config->entry_timeout = config->attr_timeout = 3600;
	return NULL;
}

int main(int argc, char **argv)
{
	static const struct fuse_operations operations = {
		.init = slow_init,
		.getattr = slow_getattr,
		.opendir = slow_opendir,
		.readdir = slow_readdir,
		.releasedir = slow_releasedir,
	};

	if (argc < 4)
		return 2;
	source = argv[1];
	delay_us = strtol(argv[2], NULL, 10);
	argv[2] = argv[0];
	return fuse_main(argc - 2, argv + 2, &operations, NULL);
}
