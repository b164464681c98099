/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Scans that are kept: state_dir/disk/HASH.json, one for each root. */
#include <string.h>
#include "base/arena.h"
#include "base/file.h"
#include "disk/scan_json.h"

enum {
	FILE_MAX = 64 * 1024 * 1024,
};

/* FNV-1a: it spreads names, the root in the file says whose it is. */
static void add_path(struct uc_buf *out, const char *state_dir, const char *root)
{
	uint64_t hash = 0xcbf29ce484222325u;

	for (const char *p = root; *p; p++)
		hash = (hash ^ (unsigned char)*p) * 0x100000001b3u;
	uc_buf_addf(out, "%s/disk/%016llx.json", state_dir, (unsigned long long)hash);
}

int uc_disk_scan_save(const struct uc_disk_scan *scan, const char *state_dir,
		      struct uc_error *err)
{
	uc_auto(buf) struct uc_buf folder = { 0 }, path = { 0 }, text = { 0 };

	uc_buf_addf(&folder, "%s/disk", state_dir);
	add_path(&path, state_dir, scan->root.bytes);
	if (folder.failed || path.failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	if (uc_disk_scan_encode(scan, &text, err) < 0 ||
	    uc_file_mkdirs(folder.data, 0700, err) < 0)
		return -1;
	return uc_file_write(path.data, text.data, text.len, 0600, err);
}

int uc_disk_scan_load(const char *root, const char *state_dir, struct uc_disk_scan **out,
		      struct uc_error *err)
{
	uc_auto(disk_scan) struct uc_disk_scan *scan = NULL;
	uc_auto(buf) struct uc_buf path = { 0 }, text = { 0 };

	add_path(&path, state_dir, root);
	if (path.failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	if (uc_file_read(path.data, FILE_MAX, &text, err) < 0)
		return -1;
	if (uc_disk_scan_parse(uc_buf_text(&text), text.len, &scan, err) < 0)
		return uc_context(err, "%s", path.data);
	if (strcmp(scan->root.bytes, root) != 0)
		return uc_fail(err, UC_NOTFOUND, "%s is of '%s'", path.data,
			       scan->root.bytes);
	*out = uc_take(&scan);
	return 0;
}
