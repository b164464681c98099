/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* The columns of `uimage list`. Keys are for ever; add, never rename. */
#include "uimage/list.h"

static const struct uc_image_file *file_of(const void *row)
{
	return ((const struct list_row *)row)->file;
}

static void put_text(struct uc_value *out, struct uc_raw text)
{
	if (uc_raw_empty(text))
		return;
	out->type = UC_VALUE_TEXT;
	out->text = text;
}

static void get_name(const void *row, const void *context, struct uc_value *out)
{
	(void)context;
	put_text(out, file_of(row)->name);
}

static void get_path(const void *row, const void *context, struct uc_value *out)
{
	(void)context;
	put_text(out, file_of(row)->path);
}

static void get_size(const void *row, const void *context, struct uc_value *out)
{
	(void)context;
	out->type = UC_VALUE_SIZE;
	out->number = (int64_t)file_of(row)->size;
}

#define SHOWN UC_COLUMN_DEFAULT
#define RIGHT UC_COLUMN_RIGHT
#define CUT   UC_COLUMN_CUT
// clang-format off
const struct uc_column list_columns[] = {
	{ "NAME", "name", SHOWN | CUT, 16, "what usrun --image takes", get_name },
	{ "SIZE", "size", SHOWN | RIGHT, 0, "its size", get_size },
	{ "PATH", "path", CUT, 16, "the file", get_path },
	{ 0 }
};
// clang-format on
