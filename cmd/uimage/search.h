/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_UIMAGE_SEARCH_H
#define UC_UIMAGE_SEARCH_H
/* The rows and columns of `uimage search`. */
#include <ucluster/requirement.h>
#include "common/table.h"
#include "uimage/uimage.h"

struct search_row {
	const struct uc_image_file *file;
	struct uc_image *image;
	struct uc_meeting *met; /* one for each requirement */
	size_t met_count;       /* of those that it has */
	size_t asked;           /* that are for it at all */
};
struct search_context {
	const struct uc_requirements *wanted;
	int64_t now;
};
extern const struct uc_column search_columns[];

#endif
