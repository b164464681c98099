/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_BASE_BASE64_H
#define UC_BASE_BASE64_H
#include <ucluster/text.h>

/* For bytes that are not UTF-8 in JSON. Decoding is strict: padded, no blanks. */
void uc_base64_encode(struct uc_buf *out, const void *bytes, size_t len);
bool uc_base64_decode(struct uc_buf *out, const char *text) UC_MUST_CHECK;

#endif
