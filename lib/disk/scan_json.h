/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_DISK_SCAN_JSON_H
#define UC_DISK_SCAN_JSON_H
/* What a scan's JSON has, for its writer and its reader. */
#include <stddef.h>
#include <ucluster/disk.h>

#define UC_DISK_SCAN_SCHEMA  "ucluster-disk-scan"
#define UC_DISK_SCAN_VERSION 1

enum uc_scan_field_kind {
	UC_SCAN_BOOL,
	UC_SCAN_INT,    /* int, 0 or more */
	UC_SCAN_U32,    /* uint32_t */
	UC_SCAN_TIME,   /* int64_t, any */
	UC_SCAN_NUMBER, /* uint64_t; what exceeds INT64_MAX is that */
};
struct uc_scan_field {
	const char *name; /* NULL ends a table */
	enum uc_scan_field_kind kind;
	size_t offset;
};
extern const struct uc_scan_field uc_scan_fields[]; /* of struct uc_disk_scan */
extern const struct uc_scan_field uc_scan_sum_fields[];
extern const struct uc_scan_field uc_scan_file_fields[];
extern const char *const uc_scan_groups[UC_DISK_BY_COUNT];

#endif
