/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Columns on a terminal. ncurses and libsmartcols ask wcwidth() too, so that all agree.
 */
#include <ucluster/text.h>

#include <string.h>
#include <wchar.h>

#include "base/utf8.h"

static size_t columns_of(uint32_t code)
{
	int columns = code < 0x80 ? 1 : wcwidth((wchar_t)code);

	return columns < 0 ? 1 : (size_t)columns;
}

/* Bytes of ASCII at the front, eight at a time: most text is nothing else. */
static size_t ascii_length(const char *text, size_t len)
{
	uint64_t eight;
	size_t i = 0;

	for (; i + sizeof(eight) <= len; i += sizeof(eight)) {
		memcpy(&eight, text + i, sizeof(eight));
		if (eight & UINT64_C(0x8080808080808080))
			break;
	}
	while (i < len && (unsigned char)text[i] < 0x80)
		i++;
	return i;
}

/* Walk while the text fits into `columns`; the bytes walked, their width in *used. */
static size_t walk(const char *text, size_t columns, size_t *used)
{
	size_t len = strlen(text), i = 0, size;
	uint32_t code;

	for (*used = 0; i < len; i += size) {
		size = ascii_length(text + i, len - i);
		if (size > columns - *used)
			size = columns - *used;
		if (size) {
			*used += size;
			continue;
		}
		size = uc_utf8_decode(text + i, len - i, &code);
		if (size == 0) {
			size = 1;
			code = '?';
		}
		if (*used + columns_of(code) > columns)
			break;
		*used += columns_of(code);
	}
	return i;
}

size_t uc_text_width(const char *safe)
{
	size_t used;

	walk(safe, SIZE_MAX / 2, &used);
	return used;
}

size_t uc_text_clip(const char *safe, size_t columns)
{
	size_t used;

	return walk(safe, columns, &used);
}
