/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* A listing as JSON, one row at a time: memory does not grow with the rows. */
#include "common/json.h"
#include "common/table.h"

#include <stdio.h>
#include <ucluster/units.h>

static bool is_null(const struct uc_value *value)
{
	switch (value->type) {
	case UC_VALUE_NONE:
		return true;
	case UC_VALUE_TEXT:
		return !value->text.bytes;
	case UC_VALUE_SECONDS:
		return value->number == UC_DURATION_INFINITE;
	case UC_VALUE_TIME:
		return !value->number;
	default:
		return false;
	}
}

void uc_buf_json_value(struct uc_buf *out, const struct uc_value *value)
{
	if (is_null(value))
		uc_buf_addn(out, "null", 4);
	else if (value->type == UC_VALUE_TEXT)
		uc_buf_json(out, value->text.bytes);
	else if (value->type == UC_VALUE_BOOL)
		uc_buf_add(out, value->number ? "true" : "false");
	else if (value->type == UC_VALUE_SHARE)
		uc_buf_addf(out, "%lld.%03d", (long long)value->number / 1000,
			    (int)(value->number % 1000));
	else
		uc_buf_addi(out, value->number);
}

/* What stands before each value of a row, put together once. */
struct keys {
	struct uc_buf text;
	size_t start[UC_SELECTION_MAX + 1];
};

static void make_keys(struct keys *keys, const struct uc_selection *shown)
{
	for (size_t c = 0; c < shown->count; c++) {
		uc_buf_addf(&keys->text, "%s\"%s\": ", c ? ", " : "",
			    shown->column[c]->key);
		keys->start[c + 1] = keys->text.len;
	}
}

static void add_row(struct uc_buf *line, const struct uc_table *table, size_t row,
		    const struct uc_selection *shown, const struct keys *keys)
{
	uc_auto(value) struct uc_value value = { 0 };

	uc_buf_addc(line, '{');
	for (size_t c = 0; c < shown->count; c++) {
		uc_buf_addn(line, keys->text.data + keys->start[c],
			    keys->start[c + 1] - keys->start[c]);
		uc_value_get(table, row, shown->column[c], &value);
		uc_buf_json_value(line, &value);
		line->failed = line->failed || value.scratch.failed || value.shown.failed;
	}
	uc_buf_addc(line, '}');
}

int uc_table_json_array(const struct uc_table *table, const struct uc_selection *shown,
			struct uc_error *err)
{
	uc_auto(buf) struct uc_buf line = { 0 };
	struct keys keys = { 0 };

	make_keys(&keys, shown);
	line.failed = keys.text.failed;
	printf("\"%s\": [", table->name);
	for (size_t r = 0; r < table->count && !line.failed; r++) {
		line.len = 0;
		uc_buf_add(&line, r ? ",\n" : "\n");
		add_row(&line, table, r, shown, &keys);
		if (!line.failed)
			fwrite(line.data, 1, line.len, stdout);
	}
	uc_buf_free(&keys.text);
	if (line.failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	fputs(table->count ? "\n]" : "]", stdout);
	return 0;
}

int uc_table_json(const struct uc_table *table, const struct uc_selection *shown,
		  struct uc_error *err)
{
	printf("{\"version\": 1, \"now\": %lld, ", (long long)table->now);
	if (uc_table_json_array(table, shown, err) < 0)
		return -1;
	puts("}");
	return 0;
}
