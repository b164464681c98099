/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_UIMAGE_LIST_H
#define UC_UIMAGE_LIST_H
/* The rows and columns of `uimage list`. */
#include <ucluster/image.h>
#include "common/table.h"

struct list_row {
	const struct uc_image_file *file;
	struct uc_image *image; /* NULL: it cannot be read */
};
extern const struct uc_column list_columns[];

#endif
