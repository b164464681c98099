/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* The columns of `uinfo disk`. Keys are for ever; add, never rename. */
#include <string.h>
#include <ucluster/units.h>
#include "uinfo/uinfo.h"

enum {
	BAR = 8, /* cells */
};

static void put_raw(struct uc_value *out, struct uc_raw raw)
{
	if (!raw.bytes)
		return;
	out->type = UC_VALUE_TEXT;
	out->text = raw;
}

static void put(struct uc_value *out, enum uc_value_type type, uint64_t number)
{
	out->type = type;
	out->number = number > INT64_MAX ? INT64_MAX : (int64_t)number;
}

/* Rounded up, as df does: 100 means that nothing is left. */
static uint64_t percent(uint64_t part, uint64_t whole)
{
	return whole ? (uint64_t)((double)part * 100 / (double)whole + 0.9999) : 0;
}

/* "▇▇▇▇▇▁▁▁ 61%" */
static void put_percent(struct uc_value *out, uint64_t value,
			const struct disk_context *context)
{
	uint64_t cells = value > 100 ? BAR : (value * BAR + 50) / 100;

	put(out, UC_VALUE_NUMBER, value);
	for (uint64_t i = 0; context->bar && i < BAR; i++)
		uc_buf_add(&out->shown, context->ascii ? i < cells ? "#" : "."
					: i < cells    ? "\xe2\x96\x87"
						       : "\xe2\x96\x81");
	uc_buf_addf(&out->shown, "%s%3d%%", context->bar ? " " : "", (int)value);
}

#define FS const struct uc_disk_fs *fs = ((const struct disk_fs_row *)row)->fs

#define GETTER(function, type, holds, member)                                            \
	static void function(const void *row, const void *context, struct uc_value *out) \
	{                                                                                \
		FS;                                                                      \
		(void)context;                                                           \
		if (fs->state == UC_DISK_OK && (holds))                                  \
			put(out, type, fs->member);                                      \
	}
GETTER(get_size, UC_VALUE_SIZE, true, size)
GETTER(get_used, UC_VALUE_SIZE, true, used)
GETTER(get_free, UC_VALUE_SIZE, true, available)
GETTER(get_files, UC_VALUE_NUMBER, fs->files, files_used)
GETTER(get_files_max, UC_VALUE_NUMBER, fs->files, files)
GETTER(get_network, UC_VALUE_BOOL, true, network)
GETTER(get_quota_used, UC_VALUE_SIZE, fs->quota.known, quota.bytes)
GETTER(get_quota_soft, UC_VALUE_SIZE, fs->quota.bytes_soft, quota.bytes_soft)
GETTER(get_quota_files, UC_VALUE_NUMBER, fs->quota.known, quota.files)
GETTER(get_quota_files_limit, UC_VALUE_NUMBER, fs->quota.files_limit, quota.files_limit)

#define RAW_GETTER(function, member)                                                     \
	static void function(const void *row, const void *context, struct uc_value *out) \
	{                                                                                \
		FS;                                                                      \
		(void)context;                                                           \
		put_raw(out, fs->member);                                                \
	}
RAW_GETTER(get_path, path)
RAW_GETTER(get_mount, mount)
RAW_GETTER(get_device, device)
RAW_GETTER(get_type, type)

static void get_why(const void *row, const void *context, struct uc_value *out)
{
	const struct uc_buf *why = &((const struct disk_fs_row *)row)->why;

	(void)context;
	out->scratch.failed = out->scratch.failed || why->failed;
	put_raw(out, uc_raw(uc_buf_text(why)));
}

static void get_state(const void *row, const void *context, struct uc_value *out)
{
	FS;

	(void)context;
	out->role = fs->state == UC_DISK_OK ? UC_ROLE_GOOD : UC_ROLE_BAD;
	put_raw(out, uc_raw(fs->state == UC_DISK_OK       ? "ok"
			    : fs->state == UC_DISK_SILENT ? "no answer"
							  : strerror(fs->error)));
}

static void get_use(const void *row, const void *context, struct uc_value *out)
{
	FS;
	uint64_t value = percent(fs->used, fs->used + fs->available);

	if (fs->state != UC_DISK_OK) {
		get_state(row, context, out);
		uc_buf_add(&out->shown, out->text.bytes);
		out->type = UC_VALUE_NONE;
		return;
	}
	out->role = value >= 95 ? UC_ROLE_BAD : value >= 85 ? UC_ROLE_WAIT : UC_ROLE_GOOD;
	put_percent(out, value, context);
}

static void get_quota(const void *row, const void *context, struct uc_value *out)
{
	FS;

	(void)context;
	if (!fs->quota.bytes_limit && !fs->quota.bytes_soft)
		return;
	put(out, UC_VALUE_SIZE,
	    fs->quota.bytes_limit ? fs->quota.bytes_limit : fs->quota.bytes_soft);
	if (fs->quota.bytes >= (uint64_t)out->number)
		out->role = UC_ROLE_BAD;
	uc_size_words(&out->shown, fs->quota.bytes);
	uc_buf_add(&out->shown, " of ");
	uc_size_words(&out->shown, (uint64_t)out->number);
}

#define SHOWN UC_COLUMN_DEFAULT
#define RIGHT UC_COLUMN_RIGHT
#define CUT   UC_COLUMN_CUT
#define SPARE UC_COLUMN_SPARE
// clang-format off
const struct uc_column disk_fs_columns[] = {
	{ "PATH", "path", SHOWN | CUT, 12, "a path on the file system", get_path },
	{ "WHAT", "what", SHOWN | SPARE, 0, "home, here, images, or named by you", get_why },
	{ "TYPE", "type", SHOWN | SPARE, 0, "its type", get_type },
	{ "SIZE", "size", SHOWN | RIGHT, 0, "its size", get_size },
	{ "USED", "used", SHOWN | RIGHT | SPARE, 0, "how much is in use", get_used },
	{ "FREE", "free", SHOWN | RIGHT, 0, "how much you may still use", get_free },
	{ "USE", "use", SHOWN | RIGHT, 0, "in use, in percent", get_use },
	{ "FILES", "files", SHOWN | RIGHT | SPARE, 0, "number of files", get_files },
	{ "QUOTA", "quota", SHOWN | RIGHT, 0, "your limit, if the file system tells",
	  get_quota },
	{ "MAXFILES", "files_max", RIGHT, 0, "number of files there can be", get_files_max },
	{ "QUOTAUSED", "quota_used", RIGHT, 0, "what counts for your quota", get_quota_used },
	{ "QUOTASOFT", "quota_soft", RIGHT, 0, "limit that may be exceeded for a while",
	  get_quota_soft },
	{ "QUOTAFILES", "quota_files", RIGHT, 0, "your files", get_quota_files },
	{ "QUOTAMAXFILES", "quota_files_max", RIGHT, 0, "how many files you may have",
	  get_quota_files_limit },
	{ "MOUNT", "mount", CUT, 12, "where it is mounted", get_mount },
	{ "DEVICE", "device", CUT, 12, "what is mounted", get_device },
	{ "NETWORK", "network", 0, 0, "whether a server is asked", get_network },
	{ "STATE", "state", 0, 0, "'ok', 'no answer', or what is wrong", get_state },
	{ 0 }
};
// clang-format on

static const struct disk_scan_row *scan_row(const void *row)
{
	return row;
}

#define SCAN_GETTER(function, call)                                                      \
	static void function(const void *row, const void *context, struct uc_value *out) \
	{                                                                                \
		(void)context;                                                           \
		call;                                                                    \
	}
SCAN_GETTER(get_bytes, put(out, UC_VALUE_SIZE, scan_row(row)->sum.bytes))
SCAN_GETTER(get_apparent, put(out, UC_VALUE_SIZE, scan_row(row)->sum.apparent))
SCAN_GETTER(get_scan_files, put(out, UC_VALUE_NUMBER, scan_row(row)->sum.files))
SCAN_GETTER(get_folders, put(out, UC_VALUE_NUMBER, scan_row(row)->sum.folders))
SCAN_GETTER(get_name, put_raw(out, scan_row(row)->name))
SCAN_GETTER(get_owner, put_raw(out, scan_row(row)->owner))

static void get_share(const void *row, const void *data, struct uc_value *out)
{
	const struct disk_context *context = data;
	uint64_t bytes = scan_row(row)->sum.bytes;

	put_percent(
		out,
		context->total
			? (uint64_t)((double)bytes * 100 / (double)context->total + 0.5)
			: 0,
		context);
}

static void get_mtime(const void *row, const void *context, struct uc_value *out)
{
	(void)context;
	if (!scan_row(row)->mtime)
		return;
	out->type = UC_VALUE_TIME;
	out->number = scan_row(row)->mtime;
}

// clang-format off
const struct uc_column disk_scan_columns[] = {
	{ "SIZE", "size", SHOWN | RIGHT, 0, "disk space", get_bytes },
	{ "SHARE", "share", SHOWN | RIGHT | SPARE, 0, "percent of all that was found", get_share },
	{ "FILES", "files", SHOWN | RIGHT | SPARE, 0, "number of files", get_scan_files },
	{ "NAME", "name", SHOWN | CUT, 10, "folder, owner, age, kind or file", get_name },
	{ "FOLDERS", "folders", RIGHT, 0, "number of folders", get_folders },
	{ "LENGTH", "length", RIGHT, 0, "length of the files, holes included", get_apparent },
	{ "OWNER", "owner", CUT, 8, "of a file: whose it is", get_owner },
	{ "CHANGED", "changed", 0, 0, "of a file: when it was last changed", get_mtime },
	{ 0 }
};
// clang-format on
