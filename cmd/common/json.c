/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "common/json.h"

#include <string.h>
#include <ucluster/job.h>
#include <ucluster/units.h>

/* Length of the valid UTF-8 character at `s` and its number, 0 when there is none. */
static size_t utf8_length(const unsigned char *s, uint32_t *number)
{
	static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t len = s[0] < 0x80   ? 1
		     : s[0] < 0xc2 ? 0
		     : s[0] < 0xe0 ? 2
		     : s[0] < 0xf0 ? 3
		     : s[0] < 0xf5 ? 4
				   : 0;
	uint32_t code = len > 1 ? s[0] & (0x7fU >> len) : s[0];

	for (size_t i = 1; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (s[i] & 0x3f);
	}
	if (len > 1 && (code < smallest[len] || code > 0x10ffff ||
			(code >= 0xd800 && code <= 0xdfff)))
		return 0;
	*number = code;
	return len;
}

/* Is this character one that the sanitiser does not show as it is? Without memory: yes.
 */
static bool is_hidden(struct uc_buf *shown, const unsigned char *s, size_t len)
{
	uc_buf_reset(shown);
	uc_buf_safen(shown, (const char *)s, len, 0);
	return shown->len != len || memcmp(shown->data, s, len) != 0;
}

/* A number beyond 16 bits is two halves. */
static void add_number(struct uc_buf *out, uint32_t code)
{
	if (code >= 0x10000) {
		uc_buf_addf(out, "\\u%04X", 0xd800 + ((code - 0x10000) >> 10));
		code = 0xdc00 + ((code - 0x10000) & 0x3ff);
	}
	uc_buf_addf(out, "\\u%04X", code);
}

/* Bytes from `s` on that stand in a JSON string as they are. */
static size_t plain_length(const unsigned char *s)
{
	size_t len = 0;

	while (s[len] >= 0x20 && s[len] < 0x7f && s[len] != '"' && s[len] != '\\')
		len++;
	return len;
}

void uc_buf_json(struct uc_buf *out, const char *text)
{
	static const char names[] = "\b\t\n\f\r\"\\", letters[] = "btnfr\"\\";
	const unsigned char *s = (const unsigned char *)text;
	uc_auto(buf) struct uc_buf shown = { 0 };

	uc_buf_addc(out, '"');
	while (*s) {
		size_t len = plain_length(s);
		const char *name;
		uint32_t code = 0;

		if (!len && *s >= 0x7f)
			len = utf8_length(s, &code);
		if (len) {
			if (code && is_hidden(&shown, s, len))
				add_number(out, code);
			else
				uc_buf_addn(out, s, len);
			s += len;
			continue;
		}
		name = strchr(names, *s);
		if (name)
			uc_buf_addf(out, "\\%c", letters[name - names]);
		else if (*s < 0x20)
			add_number(out, *s);
		else
			uc_buf_add(out, "\xef\xbf\xbd");
		s++;
	}
	uc_buf_addc(out, '"');
}

/* What stands before a value. */
static void begin(struct uc_json *json, const char *key)
{
	if (json->more)
		uc_buf_add(json->out, ", ");
	if (key)
		uc_buf_addf(json->out, "\"%s\": ", key);
	json->more = true;
}

void uc_json_open(struct uc_json *json, const char *key, char bracket)
{
	begin(json, key);
	uc_buf_addc(json->out, bracket);
	json->more = false;
}

void uc_json_close(struct uc_json *json, char bracket)
{
	uc_buf_addc(json->out, bracket);
	json->more = true;
}

void uc_json_null(struct uc_json *json, const char *key)
{
	begin(json, key);
	uc_buf_add(json->out, "null");
}

void uc_json_text(struct uc_json *json, const char *key, struct uc_raw text)
{
	if (!text.bytes) {
		uc_json_null(json, key);
		return;
	}
	begin(json, key);
	uc_buf_json(json->out, text.bytes);
}

void uc_json_number(struct uc_json *json, const char *key, int64_t number)
{
	begin(json, key);
	uc_buf_addi(json->out, number);
}

void uc_json_bool(struct uc_json *json, const char *key, bool value)
{
	begin(json, key);
	uc_buf_add(json->out, value ? "true" : "false");
}

void uc_json_amount(struct uc_json *json, const char *key, uint64_t amount)
{
	if (amount > INT64_MAX)
		uc_json_null(json, key);
	else
		uc_json_number(json, key, (int64_t)amount);
}

void uc_json_time(struct uc_json *json, const char *key, int64_t when)
{
	if (when)
		uc_json_number(json, key, when);
	else
		uc_json_null(json, key);
}

void uc_json_duration(struct uc_json *json, const char *key, int64_t seconds)
{
	if (seconds == UC_NOT_SET || seconds == UC_DURATION_INFINITE)
		uc_json_null(json, key);
	else
		uc_json_number(json, key, seconds);
}

void uc_json_value(struct uc_json *json, const char *key, const struct uc_value *value)
{
	begin(json, key);
	uc_buf_json_value(json->out, value);
}

void uc_json_share(struct uc_json *json, const char *key, int64_t thousandths)
{
	if (thousandths < 0) {
		uc_json_null(json, key);
		return;
	}
	begin(json, key);
	uc_buf_addf(json->out, "%lld.%03d", (long long)thousandths / 1000,
		    (int)(thousandths % 1000));
}
