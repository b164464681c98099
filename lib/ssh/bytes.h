/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_SSH_BYTES_H
#define UC_SSH_BYTES_H
/* Numbers and strings as SSH has them (RFC 4251, 5), read within bounds. */
#include <stdint.h>
#include <ucluster/text.h>

struct uc_bytes {
	const unsigned char *at;
	size_t left;
};

/* False, and nothing is taken: there is not that much. */
bool uc_bytes_number(struct uc_bytes *bytes, uint32_t *number);
bool uc_bytes_string(struct uc_bytes *bytes, struct uc_bytes *string);
/* Whether these are exactly the bytes of `text`. */
bool uc_bytes_are(const struct uc_bytes *bytes, const char *text);

void uc_buf_add_number(struct uc_buf *buf, uint32_t number);
void uc_buf_add_string(struct uc_buf *buf, const void *bytes, size_t len);

#endif
