/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_BASE_UTF8_H
#define UC_BASE_UTF8_H
#include <stddef.h>
#include <stdint.h>

/*
 * Decode the character at the front of [text, text + len): its bytes (1..4), or 0 when
 * the bytes are not well-formed UTF-8 (overlong, surrogate, beyond U+10FFFF, cut off).
 * len > 0.
 */
size_t uc_utf8_decode(const char *text, size_t len, uint32_t *code);

#endif
