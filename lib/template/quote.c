/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Values as shell, YAML, JSON and Python have them. */
#include "template/template.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/utf8.h"

/* Characters that end a line or are invisible for one of the readers, or that YAML has
 * not: C1 controls, separators, marks of order and direction, private uses of encodings.
 */
static bool is_odd(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c <= 0x9f) || (c >= 0x200b && c <= 0x200f) ||
	       (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) ||
	       c == 0xad || c == 0x61c || c == 0xfeff || (c >= 0xfff0 && c <= 0xffff) ||
	       (c & 0xfffe) == 0xfffe;
}

static void add_escaped(struct uc_buf *out, uint32_t c, bool json)
{
	if (c == '\n' || c == '\t')
		uc_buf_add(out, c == '\n' ? "\\n" : "\\t");
	else if (c < 0x10000)
		uc_buf_addf(out, "\\u%04x", c);
	else if (json) /* two halves of UTF-16 */
		uc_buf_addf(out, "\\u%04x\\u%04x", 0xd800 + ((c - 0x10000) >> 10),
			    0xdc00 + ((c - 0x10000) & 0x3ff));
	else
		uc_buf_addf(out, "\\U%08x", c);
}

/*
 * Between double quotes. Of YAML, JSON and Python; ' is escaped where that can be, so
 * that not even in single quotes a value gets out.
 */
static void add_string(struct uc_buf *out, enum uc_template_context context,
		       const char *value)
{
	const size_t len = strlen(value);
	uint32_t c = 0;

	uc_buf_addc(out, '"');
	for (size_t i = 0, n; i < len; i += n) {
		n = uc_utf8_decode(value + i, len - i, &c);
		if (!n) {
			n = 1;
			c = 0xfffd;
		}
		if (c == '"' || c == '\\')
			uc_buf_addf(out, "\\%c", (int)c);
		else if (c == '\'' && context != UC_CONTEXT_JSON)
			uc_buf_add(out, context == UC_CONTEXT_PY ? "\\'" : "\\x27");
		else if (is_odd(c))
			add_escaped(out, c, context == UC_CONTEXT_JSON);
		else
			uc_buf_addn(out, value + i, n);
	}
	uc_buf_addc(out, '"');
}

/* Text for every reader of YAML, old ones included: no number, date, truth or null. */
static bool is_plain_yaml(const char *value)
{
	static const char *const words[] = { "y",   "n",    "yes",   "no",  "on",
					     "off", "true", "false", "null" };
	const size_t digits = strspn(value, "0123456789");

	if (!value[0] || value[strspn(value, "abcdefghijklmnopqrstuvwxyz"
					     "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
					     "0123456789_./+-")])
		return false;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcasecmp(value, words[i]) == 0)
			return false;
	if (digits) /* 24G, 8h */
		return strchr("GgMmTthdKk", value[digits]) && value[digits] &&
		       !value[digits + 1];
	return isalpha((unsigned char)value[0]) || value[0] == '/';
}

static void add_path(struct uc_buf *out, const char *value)
{
	if (strncmp(value, "~/", 2) == 0 || strcmp(value, "~") == 0) {
		uc_buf_add(out, "\"$HOME\"");
		if (!value[1])
			return;
		value++;
	}
	uc_buf_quote(out, value, UC_QUOTE_EXACT);
}

static void add_yes(struct uc_buf *out, enum uc_template_context context, bool yes)
{
	if (context == UC_CONTEXT_PY)
		uc_buf_add(out, yes ? "True" : "False");
	else if (context == UC_CONTEXT_YAML || context == UC_CONTEXT_JSON)
		uc_buf_add(out, yes ? "true" : "false");
	else
		uc_buf_add(out, yes ? "yes" : "no");
}

/* Without zeros in front: these make it octal, or no number, to some. */
static void add_number(struct uc_buf *out, const char *value)
{
	if (*value == '-') {
		uc_buf_addc(out, '-');
		value++;
	}
	while (value[0] == '0' && value[1])
		value++;
	uc_buf_add(out, value);
}

/* What has no value in it. */
static void add_nothing(struct uc_buf *out, enum uc_template_context context,
			enum uc_template_type type)
{
	const bool none = type == UC_TEMPLATE_NUMBER || type == UC_TEMPLATE_BOOL;

	if (context == UC_CONTEXT_SH)
		uc_buf_add(out, "''");
	else if (context != UC_CONTEXT_TEXT)
		uc_buf_add(out, !none                      ? "\"\""
				: context == UC_CONTEXT_PY ? "None"
							   : "null");
}

void uc_template_quote(struct uc_buf *out, enum uc_template_context context,
		       enum uc_template_type type, const char *value)
{
	if (!value[0])
		add_nothing(out, context, type);
	else if (context == UC_CONTEXT_TEXT)
		uc_buf_safe(out, uc_raw(value), 0);
	else if (type == UC_TEMPLATE_NUMBER &&
		 !value[strspn(value, "0123456789-")]) /* as it was checked */
		add_number(out, value);
	else if (type == UC_TEMPLATE_BOOL)
		add_yes(out, context, strcmp(value, "yes") == 0);
	else if (context == UC_CONTEXT_SH && type == UC_TEMPLATE_PATH)
		add_path(out, value);
	else if (context == UC_CONTEXT_SH)
		uc_buf_quote(out, value, UC_QUOTE_EXACT);
	else if (context == UC_CONTEXT_YAML && is_plain_yaml(value))
		uc_buf_add(out, value);
	else
		add_string(out, context, value);
}
