/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "common/table.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <ucluster/units.h>

static int fail_column(const struct uc_column *columns, const char *name,
		       struct uc_error *err)
{
	uc_auto(strv) struct uc_strv keys = { 0 };
	const char *near = NULL;

	if (!name[0])
		return uc_fail(err, UC_USAGE,
			       "option '--format': a column's name is empty");
	for (size_t i = 0; columns[i].heading; i++)
		uc_strv_add(&keys, columns[i].key);
	if (!keys.failed)
		near = uc_text_nearest(name, (const char *const *)keys.item);
	if (near)
		return uc_fail(err, UC_USAGE,
			       "option '--format': no column '%s': did you mean '%s'?",
			       name, near);
	return uc_fail(err, UC_USAGE,
		       "option '--format': no column '%s': see '--list-columns'", name);
}

static int add_column(const struct uc_column *columns, const char *name,
		      struct uc_selection *out, struct uc_error *err)
{
	for (size_t i = 0; columns[i].heading; i++) {
		if (strcasecmp(columns[i].key, name) != 0)
			continue;
		if (out->count == UC_SELECTION_MAX)
			return uc_fail(err, UC_USAGE,
				       "option '--format': more than %d columns",
				       UC_SELECTION_MAX);
		out->column[out->count++] = &columns[i];
		return 0;
	}
	return fail_column(columns, name, err);
}

static int select_columns(const struct uc_column *columns,
			  const struct uc_listing *listing, struct uc_selection *out,
			  struct uc_error *err)
{
	uc_auto(buf) struct uc_buf name = { 0 };
	const char *format = listing->format;

	if (!format && !listing->json)
		format = listing->usual;
	*out = (struct uc_selection){ 0 };
	for (size_t i = 0; columns[i].heading; i++)
		if ((!format && listing->json) ||
		    ((!format || format[0] == '+') &&
		     (columns[i].flags & UC_COLUMN_DEFAULT)))
			out->column[out->count++] = &columns[i];
	if (!format)
		return 0;
	format += format[0] == '+';
	for (;;) {
		size_t len = strcspn(format, ",");

		uc_buf_reset(&name);
		uc_buf_addn(&name, format, len);
		if (add_column(columns, uc_buf_text(&name), out, err) < 0)
			return -1;
		if (!format[len])
			return 0;
		format += len + 1;
	}
}

static void list_columns(const struct uc_column *columns)
{
	int width = 0;

	for (size_t i = 0; columns[i].heading; i++)
		if ((int)strlen(columns[i].key) > width)
			width = (int)strlen(columns[i].key);
	for (size_t i = 0; columns[i].heading; i++)
		printf("%-*s  %s\n", width, columns[i].key, columns[i].help);
}

int uc_listing_select(struct uc_run *run, const struct uc_column *columns,
		      const struct uc_listing *listing, struct uc_selection *out)
{
	struct uc_error err = { 0 };

	if (listing->json && listing->parsable) {
		uc_fail(&err, UC_USAGE,
			"options '--json' and '--parsable2' exclude each other");
		uc_run_error(run, &err);
		return -1;
	}
	if (select_columns(columns, listing, out, &err) < 0) {
		uc_run_error(run, &err);
		return -1;
	}
	if (!listing->list_columns)
		return 0;
	list_columns(columns);
	run->status = 0;
	return -1;
}

void uc_value_free(struct uc_value *value)
{
	uc_buf_free(&value->scratch);
	uc_buf_free(&value->shown);
}

void uc_value_put_raw(struct uc_value *out, struct uc_raw text)
{
	if (uc_raw_empty(text))
		return;
	out->type = UC_VALUE_TEXT;
	out->text = text;
}

void uc_value_get(const struct uc_table *table, size_t row,
		  const struct uc_column *column, struct uc_value *out)
{
	uc_buf_reset(&out->scratch);
	uc_buf_reset(&out->shown);
	out->type = UC_VALUE_NONE;
	out->role = UC_ROLE_PLAIN;
	out->blank = false;
	column->get((const char *)table->rows + row * table->row_size, table->context,
		    out);
}

/* Slurm's form of a time: without blanks, sortable. */
static void add_time(struct uc_buf *out, int64_t seconds)
{
	time_t when = (time_t)seconds;
	struct tm tm;
	char text[64];

	if (localtime_r(&when, &tm) && strftime(text, sizeof(text), "%FT%T", &tm))
		uc_buf_add(out, text);
	else
		uc_buf_addf(out, "%" PRId64, seconds);
}

void uc_value_text(struct uc_buf *out, const struct uc_value *value, unsigned safe)
{
	out->failed = out->failed || value->scratch.failed || value->shown.failed;
	if (value->blank)
		return;
	if (value->shown.len) {
		uc_buf_safen(out, value->shown.data, value->shown.len, safe);
		return;
	}
	switch (value->type) {
	case UC_VALUE_NONE:
		return;
	case UC_VALUE_TEXT:
		uc_buf_safe(out, value->text, safe);
		return;
	case UC_VALUE_NUMBER:
		uc_buf_addi(out, value->number);
		return;
	case UC_VALUE_SIZE:
		uc_size_words(out, (uint64_t)value->number);
		return;
	case UC_VALUE_SECONDS:
		uc_duration_format(out, value->number);
		return;
	case UC_VALUE_TIME:
		if (value->number)
			add_time(out, value->number);
		return;
	case UC_VALUE_BOOL:
		uc_buf_add(out, value->number ? "yes" : "no");
		return;
	case UC_VALUE_SHARE:
		uc_buf_addf(out, "%" PRId64 ".%d%%", value->number / 10,
			    (int)(value->number % 10));
		return;
	}
}

const char *uc_role_sgr(enum uc_role role)
{
	/* Colours of the terminal's own palette: its owner chose them to be readable. */
	static const char *const sgr[] = {
		[UC_ROLE_PLAIN] = NULL, [UC_ROLE_GOOD] = "32", [UC_ROLE_WAIT] = "33",
		[UC_ROLE_BAD] = "1;31", [UC_ROLE_FAINT] = "2",
	};

	return sgr[role];
}

int uc_table_print(struct uc_run *run, const struct uc_table *table,
		   const struct uc_selection *shown, const struct uc_listing *listing)
{
	struct uc_error err = { 0 };
	int rc;

	if (listing->json)
		rc = uc_table_json(table, shown, &err);
	else if (!table->count)
		rc = 0;
	else if (run->stdout_tty && !listing->parsable)
		rc = uc_table_tty(run, table, shown, listing, &err);
	else
		rc = uc_table_plain(run, table, shown, listing, &err);
	return rc < 0 ? uc_run_error(run, &err) : 0;
}
