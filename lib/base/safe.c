/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * The sanitiser: nothing that it lets through can move the cursor, change the terminal's
 * state, reorder what is seen or hide. The model is OpenSSH's snmprintf.
 */
#include <ucluster/text.h>

#include <string.h>
#include <wchar.h>

#include "base/utf8.h"

#define COLOUR_MAX 32 /* bytes of a colour sequence */
#define MARKS_MAX  2  /* combining marks a cell; more pile up over neighbouring lines */

struct range {
	uint32_t first, last;
};

/* Code points that are shown escaped. Unicode 15: Cc, Cf, Zl, Zp, fillers, noncharacters.
 */
static const struct range hidden[] = {
	{ 0x0000, 0x001f },   { 0x007f, 0x009f },   { 0x00ad, 0x00ad },
	{ 0x034f, 0x034f },   { 0x061c, 0x061c },   { 0x115f, 0x1160 },
	{ 0x17b4, 0x17b5 },   { 0x180b, 0x180f },   { 0x200b, 0x200f },
	{ 0x2028, 0x202e },   { 0x2060, 0x206f },   { 0x3164, 0x3164 },
	{ 0xd800, 0xdfff },   { 0xfdd0, 0xfdef },   { 0xfeff, 0xfeff },
	{ 0xffa0, 0xffa0 },   { 0xfff0, 0xfffb },   { 0xfffe, 0xffff },
	{ 0x110bd, 0x110bd }, { 0x13430, 0x13455 }, { 0x1bca0, 0x1bca3 },
	{ 0x1d173, 0x1d17a }, { 0xe0000, 0xe0fff }, { 0xf0000, 0x10ffff },
};

/* Marks in locales whose wcwidth() does not know them. */
static const struct range marks[] = {
	{ 0x0300, 0x036f }, { 0x1ab0, 0x1aff }, { 0x1dc0, 0x1dff },
	{ 0x20d0, 0x20ff }, { 0xfe00, 0xfe0f }, { 0xfe20, 0xfe2f },
};

static bool within(const struct range *table, size_t count, uint32_t code)
{
	for (size_t i = 0; i < count && table[i].first <= code; i++)
		if (code <= table[i].last)
			return true;
	return false;
}

static bool is_hidden(uint32_t code)
{
	return within(hidden, sizeof(hidden) / sizeof(hidden[0]), code);
}

static bool is_mark(uint32_t code)
{
	return code >= 0x300 && (within(marks, sizeof(marks) / sizeof(marks[0]), code) ||
				 wcwidth((wchar_t)code) == 0);
}

/* Length of a well-formed colour sequence ESC [ digits ; ... m at the front, or 0. */
static size_t colour_length(const char *text, size_t len)
{
	size_t i = 2;

	if (len < 3 || text[0] != '\x1b' || text[1] != '[')
		return 0;
	while (i < len && i < COLOUR_MAX &&
	       (text[i] == ';' || (text[i] >= '0' && text[i] <= '9')))
		i++;
	return i < len && text[i] == 'm' ? i + 1 : 0;
}

static void add_escaped(struct uc_buf *buf, uint32_t code)
{
	if (code < 0x100)
		uc_buf_addf(buf, "\\x%02x", (unsigned)code);
	else
		uc_buf_addf(buf, code < 0x10000 ? "\\u%04x" : "\\U%08x", (unsigned)code);
}

static void add_invalid(struct uc_buf *buf, unsigned char byte, unsigned flags)
{
	if (flags & UC_SAFE_ASCII)
		add_escaped(buf, byte);
	else
		uc_buf_add(buf, "\xef\xbf\xbd");
}

static bool passes(uint32_t code, unsigned flags)
{
	if ((code == '\n' || code == '\t') && flags & UC_SAFE_NEWLINE)
		return true;
	if (code == '\r' && flags & UC_SAFE_RETURN)
		return true;
	return !is_hidden(code) && (code < 0x80 || !(flags & UC_SAFE_ASCII));
}

/* Printable ASCII at the front: passes whatever the flags, and most text is that. */
static size_t plain_length(const char *bytes, size_t len)
{
	size_t i = 0;

	while (i < len && bytes[i] >= 0x20 && bytes[i] < 0x7f)
		i++;
	return i;
}

void uc_buf_safen(struct uc_buf *buf, const char *bytes, size_t len, unsigned flags)
{
	unsigned marks_here = 0;
	uint32_t code = 0;
	size_t size;

	for (size_t i = 0; i < len; i += size) {
		size = plain_length(bytes + i, len - i);
		if (size) {
			uc_buf_addn(buf, bytes + i, size);
			marks_here = 0;
			continue;
		}
		size = flags & UC_SAFE_COLOUR ? colour_length(bytes + i, len - i) : 0;
		if (size) {
			uc_buf_addn(buf, bytes + i, size);
			continue;
		}
		size = uc_utf8_decode(bytes + i, len - i, &code);
		if (size == 0) {
			add_invalid(buf, (unsigned char)bytes[i], flags);
			size = 1;
			continue;
		}
		marks_here = is_mark(code) ? marks_here + 1 : 0;
		if (passes(code, flags) && marks_here <= MARKS_MAX)
			uc_buf_addn(buf, bytes + i, size);
		else
			add_escaped(buf, code);
	}
}

void uc_buf_safe(struct uc_buf *buf, struct uc_raw raw, unsigned flags)
{
	if (raw.bytes)
		uc_buf_safen(buf, raw.bytes, strlen(raw.bytes), flags);
}

static bool is_colour_start(const char *bytes, size_t len)
{
	if (len > 1 && bytes[1] != '[')
		return false;
	for (size_t i = 2; i < len; i++)
		if (bytes[i] != ';' && (bytes[i] < '0' || bytes[i] > '9'))
			return false;
	return len < COLOUR_MAX;
}

size_t uc_text_unfinished(const char *bytes, size_t len)
{
	const size_t look = len < COLOUR_MAX ? len : COLOUR_MAX;
	const char *escape;

	/* a lead byte, and fewer behind it than it announces */
	for (size_t back = 1; back <= 3 && back <= len; back++) {
		const unsigned char byte = (unsigned char)bytes[len - back];

		if (byte >= 0x80 && byte < 0xc0)
			continue;
		if (byte >= 0xc2 && back < (byte >= 0xf0 ? 4u : byte >= 0xe0 ? 3u : 2u))
			return back;
		break;
	}
	escape = memrchr(bytes + len - look, '\x1b', look);
	if (!escape || !is_colour_start(escape, (size_t)(bytes + len - escape)))
		return 0;
	return (size_t)(bytes + len - escape);
}
