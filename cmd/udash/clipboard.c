/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "udash/term.h"

/* OSC 52 with base64. */
void dash_clipboard(struct uc_buf *out, const char *bytes, size_t len)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
		"0123456789+/";

	uc_buf_add(out, "\033]52;c;");
	for (size_t i = 0; i < len; i += 3) {
		const unsigned char a = (unsigned char)bytes[i];
		const unsigned char b = i + 1 < len ? (unsigned char)bytes[i + 1] : 0;
		const unsigned char c = i + 2 < len ? (unsigned char)bytes[i + 2] : 0;

		uc_buf_addc(out, digits[a >> 2]);
		uc_buf_addc(out, digits[(a & 3) << 4 | b >> 4]);
		uc_buf_addc(out, i + 1 < len ? digits[(b & 15) << 2 | c >> 6] : '=');
		uc_buf_addc(out, i + 2 < len ? digits[c & 63] : '=');
	}
	uc_buf_add(out, "\007");
}
