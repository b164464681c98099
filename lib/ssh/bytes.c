/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "ssh/bytes.h"

#include <string.h>

bool uc_bytes_number(struct uc_bytes *bytes, uint32_t *number)
{
	const unsigned char *p = bytes->at;

	if (bytes->left < 4)
		return false;
	*number =
		(uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
	bytes->at += 4;
	bytes->left -= 4;
	return true;
}

bool uc_bytes_string(struct uc_bytes *bytes, struct uc_bytes *string)
{
	struct uc_bytes rest = *bytes;
	uint32_t len;

	if (!uc_bytes_number(&rest, &len) || len > rest.left)
		return false;
	*string = (struct uc_bytes){ rest.at, len };
	*bytes = (struct uc_bytes){ rest.at + len, rest.left - len };
	return true;
}

bool uc_bytes_are(const struct uc_bytes *bytes, const char *text)
{
	return bytes->left == strlen(text) && memcmp(bytes->at, text, bytes->left) == 0;
}

void uc_buf_add_number(struct uc_buf *buf, uint32_t number)
{
	const unsigned char bytes[4] = { (unsigned char)(number >> 24),
					 (unsigned char)(number >> 16),
					 (unsigned char)(number >> 8),
					 (unsigned char)number };

	uc_buf_addn(buf, bytes, sizeof(bytes));
}

void uc_buf_add_string(struct uc_buf *buf, const void *bytes, size_t len)
{
	uc_buf_add_number(buf, (uint32_t)len);
	uc_buf_addn(buf, bytes, len);
}
