/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_UIMAGE_UIMAGE_H
#define UC_UIMAGE_UIMAGE_H
/* The subcommands of uimage, one or more files each, and what they share. */
#include <ucluster/image.h>
#include "common/opt.h"
#include "common/run.h"

extern const struct uc_cmd uimage_cmd_list;

/* Where images are: the configured image_dirs, absolute. Zero-initialise; free. */
int uimage_dirs(const struct uc_run *run, struct uc_strv *dirs,
		struct uc_error *err) UC_MUST_CHECK;
/*
 * All images of these folders; says which folders cannot be read. UC_USAGE: none are
 * configured.
 */
int uimage_find(struct uc_run *run, struct uc_image_files **out,
		struct uc_error *err) UC_MUST_CHECK;

#endif
