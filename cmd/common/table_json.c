/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* A listing as JSON, one row at a time: memory does not grow with the rows. */
#include "common/table.h"

#include <stdio.h>
#include <string.h>
#include <ucluster/units.h>

/* Length of the valid UTF-8 character at `s`, 0 when there is none. */
static size_t utf8_length(const unsigned char *s)
{
	static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t len = s[0] < 0x80   ? 1
		     : s[0] < 0xc2 ? 0
		     : s[0] < 0xe0 ? 2
		     : s[0] < 0xf0 ? 3
		     : s[0] < 0xf5 ? 4
				   : 0;
	uint32_t code = len > 1 ? s[0] & (0x7f >> len) : s[0];

	for (size_t i = 1; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (s[i] & 0x3f);
	}
	if (len > 1 && (code < smallest[len] || code > 0x10ffff ||
			(code >= 0xd800 && code <= 0xdfff)))
		return 0;
	return len;
}

/* Bytes from `s` on that stand in a JSON string as they are. */
static size_t plain_length(const unsigned char *s)
{
	size_t len = 0;

	while (s[len] >= 0x20 && s[len] < 0x80 && s[len] != '"' && s[len] != '\\')
		len++;
	return len;
}

/* JSON holds Unicode only: bytes that are not become U+FFFD, all else stays as it is. */
static void add_text(struct uc_buf *out, const char *text)
{
	static const char names[] = "\b\t\n\f\r\"\\", letters[] = "btnfr\"\\";
	const unsigned char *s = (const unsigned char *)text;

	uc_buf_addc(out, '"');
	while (*s) {
		size_t len = plain_length(s);
		const char *name;

		if (!len && *s >= 0x80)
			len = utf8_length(s);
		if (len) {
			uc_buf_addn(out, s, len);
			s += len;
			continue;
		}
		name = strchr(names, *s);
		if (name)
			uc_buf_addf(out, "\\%c", letters[name - names]);
		else if (*s < 0x20)
			uc_buf_addf(out, "\\u%04X", *s);
		else
			uc_buf_add(out, "\xef\xbf\xbd");
		s++;
	}
	uc_buf_addc(out, '"');
}

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

static void add_value(struct uc_buf *out, const struct uc_value *value)
{
	if (is_null(value))
		uc_buf_add(out, "null");
	else if (value->type == UC_VALUE_TEXT)
		add_text(out, value->text.bytes);
	else if (value->type == UC_VALUE_BOOL)
		uc_buf_add(out, value->number ? "true" : "false");
	else if (value->type == UC_VALUE_SHARE)
		uc_buf_addf(out, "%lld.%03d", (long long)value->number / 1000,
			    (int)(value->number % 1000));
	else
		uc_buf_addi(out, value->number);
}

int uc_table_json(const struct uc_table *table, const struct uc_selection *shown,
		  struct uc_error *err)
{
	uc_auto(value) struct uc_value value = { 0 };
	uc_auto(buf) struct uc_buf line = { 0 };

	printf("{\"version\": 1, \"now\": %lld, \"%s\": [", (long long)table->now,
	       table->name);
	for (size_t r = 0; r < table->count; r++) {
		uc_buf_reset(&line);
		uc_buf_add(&line, r ? ",\n{" : "\n{");
		for (size_t c = 0; c < shown->count; c++) {
			uc_buf_add(&line, c ? ", \"" : "\"");
			uc_buf_add(&line, shown->column[c]->key);
			uc_buf_add(&line, "\": ");
			uc_value_get(table, r, shown->column[c], &value);
			add_value(&line, &value);
			line.failed = line.failed || value.scratch.failed;
		}
		uc_buf_addc(&line, '}');
		if (line.failed)
			return uc_fail(err, UC_FAILED, "out of memory");
		fwrite(line.data, 1, line.len, stdout);
	}
	puts(table->count ? "\n]}" : "]}");
	return 0;
}
