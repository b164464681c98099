/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "base/base64.h"

#include <string.h>

static const char digits[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void uc_base64_encode(struct uc_buf *out, const void *bytes, size_t len)
{
	const unsigned char *p = bytes;

	for (size_t i = 0; i < len; i += 3) {
		size_t left = len - i;
		unsigned n = (unsigned)p[i] << 16 |
			     (left > 1 ? (unsigned)p[i + 1] << 8 : 0) |
			     (left > 2 ? (unsigned)p[i + 2] : 0);

		uc_buf_addc(out, digits[n >> 18]);
		uc_buf_addc(out, digits[n >> 12 & 63]);
		uc_buf_addc(out, left > 1 ? digits[n >> 6 & 63] : '=');
		uc_buf_addc(out, left > 2 ? digits[n & 63] : '=');
	}
}

static int digit(char c)
{
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

bool uc_base64_decode(struct uc_buf *out, const char *text)
{
	size_t len = strlen(text);

	if (len % 4)
		return false;
	for (size_t i = 0; i < len; i += 4) {
		bool last = i + 4 == len;
		int pad = last ? (text[i + 3] == '=') + (text[i + 2] == '=') : 0;
		unsigned n = 0;

		for (int k = 0; k < 4; k++) {
			int d = digit(text[i + (size_t)k]);

			if (k >= 4 - pad)
				d = text[i + (size_t)k] == '=' ? 0 : -1;
			if (d < 0)
				return false;
			n = n << 6 | (unsigned)d;
		}
		uc_buf_addc(out, (char)(n >> 16));
		if (pad < 2)
			uc_buf_addc(out, (char)(n >> 8 & 255));
		if (pad < 1)
			uc_buf_addc(out, (char)(n & 255));
	}
	return !out->failed;
}
