/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* The columns of `uimage search`. Keys are for ever; add, never rename. */
#include "uimage/search.h"

static void get_name(const void *row, const void *context, struct uc_value *out)
{
	(void)context;
	uc_value_put_raw(out, ((const struct search_row *)row)->file->name);
}

static void get_path(const void *row, const void *context, struct uc_value *out)
{
	(void)context;
	uc_value_put_raw(out, ((const struct search_row *)row)->file->path);
}

static void get_all(const void *data, const void *context, struct uc_value *out)
{
	const struct search_row *row = data;

	(void)context;
	out->type = UC_VALUE_BOOL;
	out->number = row->met_count == row->asked;
	out->role = out->number ? UC_ROLE_GOOD : UC_ROLE_BAD;
	if (out->number)
		uc_buf_add(&out->shown, "all");
	else
		uc_buf_addf(&out->shown, "%zu of %zu", row->met_count, row->asked);
}

static void get_found(const void *data, const void *context, struct uc_value *out)
{
	const struct uc_requirements *wanted =
		((const struct search_context *)context)->wanted;
	const struct search_row *row = data;

	for (size_t i = 0; i < wanted->count; i++) {
		if (row->met[i].met != UC_MET_YES)
			continue;
		uc_buf_addf(&out->scratch, "%s%s", out->scratch.len ? ", " : "",
			    wanted->row[i].name);
		if (row->met[i].version.bytes)
			uc_buf_addf(&out->scratch, " %s", row->met[i].version.bytes);
	}
	uc_value_put_raw(out, uc_raw(uc_buf_text(&out->scratch)));
}

static void get_missing(const void *data, const void *context, struct uc_value *out)
{
	const struct uc_requirements *wanted =
		((const struct search_context *)context)->wanted;
	const struct search_row *row = data;

	for (size_t i = 0; i < wanted->count; i++) {
		const struct uc_meeting *met = &row->met[i];

		if (met->met != UC_MET_NO && met->met != UC_MET_OTHER)
			continue;
		uc_buf_addf(&out->scratch, "%s%s%s", out->scratch.len ? ", " : "",
			    wanted->row[i].name, wanted->row[i].specifiers);
		if (met->met == UC_MET_OTHER)
			uc_buf_addf(&out->scratch, " (has %s)",
				    met->version.bytes ? met->version.bytes
						       : "an unknown version");
	}
	out->role = UC_ROLE_BAD;
	uc_value_put_raw(out, uc_raw(uc_buf_text(&out->scratch)));
}

static void get_met(const void *row, const void *context, struct uc_value *out)
{
	(void)context;
	out->type = UC_VALUE_NUMBER;
	out->number = (int64_t)((const struct search_row *)row)->met_count;
}

static void get_asked(const void *row, const void *context, struct uc_value *out)
{
	(void)context;
	out->type = UC_VALUE_NUMBER;
	out->number = (int64_t)((const struct search_row *)row)->asked;
}

static void get_size(const void *row, const void *context, struct uc_value *out)
{
	(void)context;
	out->type = UC_VALUE_SIZE;
	out->number = (int64_t)((const struct search_row *)row)->file->size;
}

static void get_changed(const void *row, const void *context, struct uc_value *out)
{
	(void)context;
	out->type = UC_VALUE_TIME;
	out->number = ((const struct search_row *)row)->file->mtime;
}

#define SHOWN UC_COLUMN_DEFAULT
#define CUT   UC_COLUMN_CUT
#define RIGHT UC_COLUMN_RIGHT
// clang-format off
const struct uc_column search_columns[] = {
	{ "NAME", "name", SHOWN | CUT, 16, "of the image", get_name },
	{ "HAS", "has_all", SHOWN, 0, "whether it has all that is asked for", get_all },
	{ "FOUND", "found", SHOWN | CUT, 14, "packages that fit, with their versions", get_found },
	{ "MISSING", "missing", SHOWN | CUT | UC_COLUMN_ANY, 14,
	  "what is not there, or in another version", get_missing },
	{ "MET", "met", RIGHT, 0, "how many fit", get_met },
	{ "ASKED", "asked", RIGHT, 0, "of how many, without those that are not for this image",
	  get_asked },
	{ "SIZE", "size", RIGHT, 0, "size of the file", get_size },
	{ "CHANGED", "changed", 0, 0, "when the file was last changed", get_changed },
	{ "PATH", "path", CUT, 16, "the file", get_path },
	{ 0 }
};
// clang-format on
