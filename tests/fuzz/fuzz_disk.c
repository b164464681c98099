/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* The reader of kept scans: one clear error, or a scan that is written and read alike. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <ucluster/disk.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uc_auto(disk_scan) struct uc_disk_scan *first = NULL;
	uc_auto(disk_scan) struct uc_disk_scan *second = NULL;
	uc_auto(buf) struct uc_buf one = { 0 }, two = { 0 };
	struct uc_error err = { 0 };

	if (uc_disk_scan_parse((const char *)data, size, &first, &err) < 0) {
		check(!first && err.code == UC_INVALID && err.text[0]);
		check(!strchr(err.text, '\n') && !strchr(err.text, '\x1b'));
		return 0;
	}
	check(first->root.bytes[0] == '/');
	check(uc_disk_scan_encode(first, &one, &err) == 0);
	check(uc_disk_scan_parse(one.data, one.len, &second, &err) == 0);
	check(uc_disk_scan_encode(second, &two, &err) == 0);
	check(one.len == two.len && memcmp(one.data, two.data, one.len) == 0);
	return 0;
}
