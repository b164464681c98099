/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_DISK_KIND_H
#define UC_DISK_KIND_H
/* What a file is, as far as names tell. A folder's kind is that of all below it. */

enum uc_disk_kind {
	UC_KIND_OTHER,
	UC_KIND_IMAGE,
	UC_KIND_CACHE,
	UC_KIND_ENVIRONMENT,
	UC_KIND_CHECKPOINT,
	UC_KIND_GIT,
	UC_KIND_LOG,
	UC_KIND_COUNT,
};

const char *uc_disk_kind_name(enum uc_disk_kind kind);
enum uc_disk_kind uc_disk_kind_of_folder(const char *name);
/* The kind of a folder that an entry of this name is in. */
enum uc_disk_kind uc_disk_kind_of_marker(const char *name);
enum uc_disk_kind uc_disk_kind_of_file(const char *name);

#endif
