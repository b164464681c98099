/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * Is a file plain text? libyaml's own reader finds bad bytes too, but gives them line 0,
 * takes UTF-16, and counts U+0085, U+2028 and U+2029 as line ends where editors do not.
 */
#include <stdint.h>
#include <string.h>

#include "config/yaml.h"

/* Length of the UTF-8 sequence at p, its value in *c; 0 when it is not valid UTF-8. */
static size_t decode(const unsigned char *p, size_t left, uint32_t *c)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t len = p[0] < 0x80             ? 1
		     : (p[0] & 0xe0) == 0xc0 ? 2
		     : (p[0] & 0xf0) == 0xe0 ? 3
		     : (p[0] & 0xf8) == 0xf0 ? 4
					     : 0;

	if (!len || len > left)
		return 0;
	*c = len == 1 ? p[0] : p[0] & (0xffU >> (len + 1));
	for (size_t i = 1; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		*c = *c << 6 | (p[i] & 0x3f);
	}
	if (*c < least[len] || *c > 0x10ffff || (*c >= 0xd800 && *c <= 0xdfff))
		return 0;
	return len;
}

static bool is_text(uint32_t c)
{
	if (c < 0x20)
		return c == '\t' || c == '\n';
	if (c >= 0x7f && c <= 0x9f)
		return false;
	return c != 0x2028 && c != 0x2029 && c != 0xfeff && c != 0xfffe && c != 0xffff;
}

static void advance(struct uc_place *at, uint32_t c)
{
	if (c == '\n') {
		at->line++;
		at->column = 1;
	} else {
		at->column++;
	}
}

static int wrong_encoding(struct uc_place *at, struct uc_error *err)
{
	*at = (struct uc_place){ 1, 1 };
	uc_fail(err, UC_USAGE, "the file is UTF-16 or UTF-32, expected UTF-8");
	return uc_hint(err, "save the file again as UTF-8");
}

int uc_bytes_check(const char *bytes, size_t len, struct uc_place *at,
		   struct uc_error *err)
{
	const unsigned char *p = (const unsigned char *)bytes;
	uint32_t c = 0;

	*at = (struct uc_place){ 1, 1 };
	if (len >= 2 &&
	    ((p[0] == 0xff && p[1] == 0xfe) || (p[0] == 0xfe && p[1] == 0xff)))
		return wrong_encoding(at, err);
	for (size_t i = 0, n; i < len; i += n, advance(at, c)) {
		n = decode(p + i, len - i, &c);
		if (!n) {
			uc_fail(err, UC_USAGE, "byte 0x%02x is not valid UTF-8", p[i]);
			return uc_hint(err, "save the file again as UTF-8");
		}
		if (c == '\r' && i + 1 < len && p[i + 1] == '\n')
			continue;
		if (c == 0 && len >= 4 && i < 4)
			return wrong_encoding(at, err);
		if (!is_text(c))
			return uc_fail(err, UC_USAGE, "%s U+%04X in the file",
				       c == 0x2028 || c == 0x2029 ? "line separator"
				       : c >= 0xfe00              ? "special character"
								  : "control character",
				       c);
	}
	return 0;
}

struct uc_place uc_bytes_place(const char *bytes, size_t len, size_t offset)
{
	const unsigned char *p = (const unsigned char *)bytes;
	struct uc_place at = { 1, 1 };
	uint32_t c = 0;

	for (size_t i = 0, n; i < len && i < offset; i += n) {
		n = decode(p + i, len - i, &c);
		if (!n)
			break;
		advance(&at, c);
	}
	return at;
}
