/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_JOB_RECEIPT_H
#define UC_JOB_RECEIPT_H
/* The JSON form of a receipt: one table says how each field is written and read. */
#include "base/base64.h"
#include <ucluster/receipt.h>

#define UC_RECEIPT_SCHEMA  "ucluster-receipt"
#define UC_RECEIPT_VERSION 1
#define UC_RECEIPT_MAX                                                                   \
	(8 << 20) /* bytes; the kernel takes 6 MiB of arguments at most                  \
		   */

enum uc_receipt_kind {
	UC_RECEIPT_TEXT,  /* const char * */
	UC_RECEIPT_LIST,  /* const char *const * */
	UC_RECEIPT_NAMES, /* the same, of variables */
	UC_RECEIPT_BOOL,  /* bool */
	UC_RECEIPT_ID,    /* uint32_t, not 0 */
	UC_RECEIPT_TIME,  /* int64_t */
	UC_RECEIPT_SIZE,  /* uint64_t */
	UC_RECEIPT_CODE,  /* uint32_t, an exit code; known where `ended` is */
};
struct uc_receipt_field {
	const char *section; /* the object it stands in; NULL: the outermost */
	const char *name;
	enum uc_receipt_kind kind;
	size_t offset; /* in struct uc_receipt */
};
/* Ends with a name of NULL. */
extern const struct uc_receipt_field uc_receipt_fields[];

/* Add the file's bytes. */
int uc_receipt_encode(const struct uc_receipt *receipt, struct uc_buf *out,
		      struct uc_error *err) UC_MUST_CHECK;

#endif
