/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_UIMAGE_LIST_H
#define UC_UIMAGE_LIST_H
/* The rows and columns of `uimage list`. */
#include <ucluster/image.h>
#include "common/table.h"

struct list_row {
	const struct uc_image_file *file;
	struct uc_image *image; /* NULL: it cannot be read, or was not */
	uint64_t jobs;          /* of this user, that run in it now */
};
struct list_context {
	int64_t now;
	bool jobs_known;
};
extern const struct uc_column list_columns[];

/* Does a column that is shown tell what is in the image, or who uses it? */
bool list_needs_image(const struct uc_selection *shown);
bool list_needs_jobs(const struct uc_selection *shown);

/* Count the user's running jobs by their images; *known: it could be done. */
void list_count_jobs(struct uc_run *run, struct list_row *rows, size_t count,
		     bool *known);

#endif
