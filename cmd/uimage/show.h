/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_UIMAGE_SHOW_H
#define UC_UIMAGE_SHOW_H
/* What `uimage show` prints of one image. */
#include "common/table.h"
#include "uimage/uimage.h"

extern const struct uc_column show_package_columns[];

/* Nothing is printed when it fails. */
int show_text(const struct uc_run *run, const struct uc_image_file *file,
	      const struct uc_image *image, struct uc_error *err) UC_MUST_CHECK;
void show_json(const struct uc_image_file *file, const struct uc_image *image);

#endif
