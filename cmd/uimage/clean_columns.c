/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* The columns of `uimage clean`. Keys are for ever; add, never rename. */
#include "uimage/clean.h"

static const struct clean_item *item_of(const void *row)
{
	return row;
}

static void get_kind(const void *row, const void *context, struct uc_value *out)
{
	(void)context;
	out->type = UC_VALUE_TEXT;
	out->text = uc_raw(clean_kind_name(item_of(row)->kind));
}

static void get_size(const void *row, const void *context, struct uc_value *out)
{
	(void)context;
	out->type = UC_VALUE_SIZE;
	out->number = (int64_t)item_of(row)->size;
}

static void get_used(const void *row, const void *context, struct uc_value *out)
{
	(void)context;
	out->type = UC_VALUE_TIME;
	out->number = item_of(row)->used;
}

static void get_files(const void *row, const void *context, struct uc_value *out)
{
	(void)context;
	if (item_of(row)->kind != CLEAN_LAYERS)
		return;
	out->type = UC_VALUE_NUMBER;
	out->number = (int64_t)item_of(row)->files;
}

static void get_path(const void *row, const void *context, struct uc_value *out)
{
	(void)context;
	out->type = UC_VALUE_TEXT;
	out->text = uc_raw(item_of(row)->path);
}

static void get_goes(const void *row, const void *context, struct uc_value *out)
{
	(void)context;
	out->type = UC_VALUE_BOOL;
	out->number = !item_of(row)->stays;
}

static void get_note(const void *row, const void *context, struct uc_value *out)
{
	(void)context;
	if (!item_of(row)->note)
		return;
	out->type = UC_VALUE_TEXT;
	out->role = item_of(row)->stays ? UC_ROLE_WAIT : UC_ROLE_PLAIN;
	out->text = uc_raw(item_of(row)->note);
}

const struct uc_column clean_columns[] = {
	{ "KIND", "kind", UC_COLUMN_DEFAULT, 0, "import, layers, container or image",
	  get_kind },
	{ "SIZE", "size", UC_COLUMN_DEFAULT | UC_COLUMN_RIGHT, 0, "on disk", get_size },
	{ "USED", "used", UC_COLUMN_DEFAULT | UC_COLUMN_SPARE, 0, "when it was last",
	  get_used },
	{ "FILES", "files", UC_COLUMN_RIGHT, 0, "how many layers go", get_files },
	{ "GOES", "goes", UC_COLUMN_DEFAULT, 0, "whether it would be removed", get_goes },
	{ "PATH", "path", UC_COLUMN_DEFAULT | UC_COLUMN_CUT, 20, "where it is",
	  get_path },
	{ "NOTE", "note", UC_COLUMN_DEFAULT | UC_COLUMN_CUT | UC_COLUMN_ANY, 10,
	  "what it is, or why it stays", get_note },
	{ 0 }
};
