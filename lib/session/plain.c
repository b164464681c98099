/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "session/plain.h"

#include "base/utf8.h"

#define UNKNOWN "\xef\xbf\xbd"

/* By its first byte; 0: nothing begins so. */
static size_t size_of(unsigned char first)
{
	if (first < 0xc2 || first > 0xf4)
		return 0;
	return first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

static void end_part(struct uc_plain *p, struct uc_buf *out)
{
	uint32_t code;

	if (uc_utf8_decode(p->part, p->len, &code) != p->len)
		uc_buf_add(out, UNKNOWN);
	else if (code >= 0xa0)
		uc_buf_addn(out, p->part, p->len);
	p->len = 0;
}

static void add_byte(struct uc_plain *p, char c, struct uc_buf *out)
{
	const unsigned char byte = (unsigned char)c;

	if (p->len > 0 && (byte & 0xc0) == 0x80) {
		p->part[p->len++] = c;
		if (p->len == size_of((unsigned char)p->part[0]))
			end_part(p, out);
		return;
	}
	if (p->len > 0)
		end_part(p, out);
	if (byte < 0x80)
		uc_buf_addc(out, c);
	else if (size_of(byte) == 0)
		uc_buf_add(out, UNKNOWN);
	else
		p->part[p->len++] = c;
}

void uc_plain_add(struct uc_plain *p, const char *bytes, size_t len, struct uc_buf *out)
{
	size_t done = 0;

	for (size_t i = 0; i < len; i++) {
		if (p->len == 0 && (unsigned char)bytes[i] < 0x80)
			continue;
		uc_buf_addn(out, bytes + done, i - done);
		add_byte(p, bytes[i], out);
		done = i + 1;
	}
	uc_buf_addn(out, bytes + done, len - done);
}
