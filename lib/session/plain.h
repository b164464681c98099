/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_SESSION_PLAIN_H
#define UC_SESSION_PLAIN_H
/* Text between sequences, as a terminal emulator may be given it. */
#include <ucluster/text.h>

/* A character that is not yet whole. Zero-initialise. */
struct uc_plain {
	char part[4];
	size_t len;
};
/*
 * Add the text: what is not UTF-8 as U+FFFD, controls of C1 not at all. ASCII passes;
 * what is not whole waits for the next call.
 */
void uc_plain_add(struct uc_plain *p, const char *bytes, size_t len, struct uc_buf *out);

#endif
