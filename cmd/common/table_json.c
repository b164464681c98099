/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* A listing as JSON, one row at a time: memory does not grow with the rows. */
#include "common/table.h"

#include <jansson.h>
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

/* JSON holds Unicode only: bytes that are not become U+FFFD, all else stays as it is. */
static json_t *json_text(struct uc_raw raw)
{
	uc_auto(buf) struct uc_buf fixed = { 0 };
	const unsigned char *s = (const unsigned char *)raw.bytes;
	json_t *json = json_string(raw.bytes);

	if (json)
		return json;
	while (*s) {
		size_t len = utf8_length(s);

		if (len)
			uc_buf_addn(&fixed, s, len);
		else
			uc_buf_add(&fixed, "\xef\xbf\xbd");
		s += len ? len : 1;
	}
	return fixed.failed ? NULL : json_string(uc_buf_text(&fixed));
}

static json_t *json_value(const struct uc_value *value)
{
	switch (value->type) {
	case UC_VALUE_NONE:
		return json_null();
	case UC_VALUE_TEXT:
		return value->text.bytes ? json_text(value->text) : json_null();
	case UC_VALUE_BOOL:
		return json_boolean(value->number);
	case UC_VALUE_SECONDS:
		return value->number == UC_DURATION_INFINITE
			       ? json_null()
			       : json_integer(value->number);
	case UC_VALUE_TIME:
		return value->number ? json_integer(value->number) : json_null();
	case UC_VALUE_NUMBER:
	case UC_VALUE_SIZE:
		return json_integer(value->number);
	}
	return NULL;
}

int uc_table_json(const struct uc_table *table, const struct uc_selection *shown,
		  struct uc_error *err)
{
	uc_auto(value) struct uc_value value = { 0 };
	int rc = 0;

	printf("{\"version\": 1, \"now\": %lld, \"%s\": [", (long long)table->now,
	       table->name);
	for (size_t r = 0; rc == 0 && r < table->count; r++) {
		json_t *object = json_object();

		for (size_t c = 0; c < shown->count && rc == 0; c++) {
			uc_value_get(table, r, shown->column[c], &value);
			rc = json_object_set_new(object, shown->column[c]->key,
						 json_value(&value));
		}
		fputs(r ? ",\n" : "\n", stdout);
		if (rc == 0 && json_dumpf(object, stdout, 0) < 0 && !ferror(stdout))
			rc = -1;
		json_decref(object);
	}
	puts(table->count ? "\n]}" : "]}");
	return rc == 0 ? 0 : uc_fail(err, UC_FAILED, "out of memory");
}
