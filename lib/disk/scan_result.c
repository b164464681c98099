/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* The threads' sums become one result, which never changes again. */
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include "base/arena.h"
#include "disk/scan.h"

static int by_bytes(const void *a, const void *b)
{
	const struct uc_disk_row *x = a, *y = b;

	if (x->sum.bytes != y->sum.bytes)
		return x->sum.bytes < y->sum.bytes ? 1 : -1;
	if (x->name.bytes && y->name.bytes)
		return strcmp(x->name.bytes, y->name.bytes);
	return x->id < y->id ? -1 : x->id > y->id;
}

static int by_size(const void *a, const void *b)
{
	const struct uc_disk_file *x = a, *y = b;

	if (x->bytes != y->bytes)
		return x->bytes < y->bytes ? 1 : -1;
	return strcmp(x->path.bytes, y->path.bytes);
}

static int by_uid(const void *a, const void *b)
{
	const struct uc_disk_row *x = a, *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

/* Newer buckets are deeper: sums go up before they are looked at. Below the root only
 * what lies in the root itself is its row's. */
static void add_folders(struct uc_scan *scan, struct uc_disk_scan *out)
{
	struct uc_disk_rows *rows = &out->by[UC_DISK_BY_FOLDER];
	struct uc_scan_bucket *bucket;

	rows->row = uc_arena_array(out->arena, scan->bucket_count, sizeof(*rows->row));
	if (!rows->row)
		return;
	for (bucket = scan->buckets; bucket; bucket = bucket->older) {
		struct uc_scan_bucket *parent = bucket->parent;
		struct uc_disk_row *row = &rows->row[rows->count++];

		row->name =
			uc_raw(parent ? uc_arena_strdup(out->arena, bucket->path) : ".");
		row->sum = (struct uc_disk_sum){ bucket->bytes, bucket->apparent,
						 bucket->files, bucket->folders };
		if (!parent || !parent->parent)
			uc_disk_sum_add(&out->total, &row->sum);
		if (!parent || !parent->parent)
			continue;
		parent->bytes += row->sum.bytes;
		parent->apparent += row->sum.apparent;
		parent->files += row->sum.files;
		parent->folders += row->sum.folders;
	}
	if (!uc_arena_failed(out->arena))
		qsort(rows->row, rows->count, sizeof(*rows->row), by_bytes);
}

static void name_owner(struct uc_disk_scan *out, struct uc_disk_row *row)
{
	struct passwd pw, *found = NULL;
	char text[4096];

	if (getpwuid_r(row->id, &pw, text, sizeof(text), &found) == 0 && found)
		row->name = uc_raw(uc_arena_strdup(out->arena, found->pw_name));
}

static void add_owners(struct uc_scan_thread *const *threads, size_t count,
		       struct uc_disk_scan *out)
{
	struct uc_disk_rows *rows = &out->by[UC_DISK_BY_OWNER];
	size_t all = 0, last = 0;

	for (size_t t = 0; t < count; t++)
		all += threads[t]->tally.owner_count + 1;
	rows->row = uc_arena_array(out->arena, all, sizeof(*rows->row));
	if (!rows->row)
		return;
	for (size_t t = 0; t < count; t++) {
		const struct uc_scan_tally *tally = &threads[t]->tally;

		for (size_t i = 0; i < tally->owner_cap; i++)
			if (tally->owner[i].used)
				rows->row[rows->count++] = (struct uc_disk_row){
					.id = tally->owner[i].uid,
					.sum = tally->owner[i].sum
				};
		if (tally->others.files + tally->others.folders)
			rows->row[rows->count++] =
				(struct uc_disk_row){ .id = UINT32_MAX,
						      .sum = tally->others };
	}
	qsort(rows->row, rows->count, sizeof(*rows->row), by_uid);
	for (size_t i = 1; i < rows->count; i++)
		if (rows->row[i].id == rows->row[last].id)
			uc_disk_sum_add(&rows->row[last].sum, &rows->row[i].sum);
		else
			rows->row[++last] = rows->row[i];
	rows->count = rows->count ? last + 1 : 0;
	for (size_t i = 0; i < rows->count; i++)
		name_owner(out, &rows->row[i]);
	qsort(rows->row, rows->count, sizeof(*rows->row), by_bytes);
}

static void add_kinds(struct uc_scan_thread *const *threads, size_t count,
		      struct uc_disk_scan *out)
{
	struct uc_disk_rows *kinds = &out->by[UC_DISK_BY_KIND];
	struct uc_disk_rows *ages = &out->by[UC_DISK_BY_AGE];

	kinds->row = uc_arena_array(out->arena, UC_KIND_COUNT, sizeof(*kinds->row));
	ages->row = uc_arena_array(out->arena, UC_SCAN_AGES, sizeof(*ages->row));
	if (!kinds->row || !ages->row)
		return;
	for (int k = 0; k < UC_KIND_COUNT; k++) {
		struct uc_disk_row *row = &kinds->row[kinds->count++];

		row->name = uc_raw(uc_disk_kind_name((enum uc_disk_kind)k));
		for (size_t t = 0; t < count; t++)
			uc_disk_sum_add(&row->sum, &threads[t]->tally.kind[k]);
	}
	for (size_t a = 0; a < UC_SCAN_AGES; a++) {
		struct uc_disk_row *row = &ages->row[ages->count++];

		row->name = uc_raw(uc_scan_age_name(a));
		for (size_t t = 0; t < count; t++)
			uc_disk_sum_add(&row->sum, &threads[t]->tally.age[a]);
	}
	qsort(kinds->row, kinds->count, sizeof(*kinds->row), by_bytes);
}

static void add_largest(struct uc_scan *scan, struct uc_scan_thread *const *threads,
			size_t count, struct uc_disk_scan *out)
{
	size_t all = 0;

	for (size_t t = 0; t < count; t++)
		all += threads[t]->tally.top_count;
	out->largest = uc_arena_array(out->arena, all + 1, sizeof(*out->largest));
	if (!out->largest)
		return;
	for (size_t t = 0; t < count; t++)
		for (size_t i = 0; i < threads[t]->tally.top_count; i++) {
			const struct uc_scan_file *file = &threads[t]->tally.top[i];

			out->largest[out->largest_count] = file->file;
			out->largest[out->largest_count++].path =
				uc_raw(uc_arena_strdup(out->arena, file->path));
		}
	if (uc_arena_failed(out->arena))
		return;
	qsort(out->largest, out->largest_count, sizeof(*out->largest), by_size);
	if (out->largest_count > (size_t)scan->how.top)
		out->largest_count = (size_t)scan->how.top;
}

static void add_faults(struct uc_scan *scan, struct uc_disk_scan *out)
{
	out->fault =
		uc_arena_array(out->arena, scan->fault_count + 1, sizeof(*out->fault));
	if (!out->fault)
		return;
	for (size_t i = 0; i < scan->fault_count; i++) {
		const char *path = scan->fault[i].path[0] ? scan->fault[i].path : ".";
		struct uc_disk_fault *fault = &out->fault[out->fault_count++];

		fault->path = uc_raw(uc_arena_strdup(out->arena, path));
		fault->text = uc_raw(uc_arena_strdup(
			out->arena, strerrordesc_np(scan->fault[i].error)));
	}
	out->denied = scan->denied;
	out->failed = scan->failures;
	out->vanished = scan->vanished;
	out->mounts = scan->mounts;
	out->links = scan->link_count;
}

int uc_scan_result(struct uc_scan *scan, struct uc_scan_thread *const *threads,
		   size_t count, struct uc_disk_scan **out, struct uc_error *err)
{
	struct uc_arena *arena = uc_arena_new();
	struct uc_disk_scan *result =
		arena ? uc_arena_alloc(arena, sizeof(*result)) : NULL;
	bool failed = !result;

	for (size_t t = 0; t < count; t++)
		failed = failed || threads[t]->tally.failed;
	if (!failed) {
		result->arena = arena;
		result->root = uc_raw(uc_arena_strdup(arena, scan->root));
		result->time = scan->how.now;
		result->threads = (int)count;
		result->partial = scan->stop;
		result->approximate = scan->links.full;
		add_folders(scan, result);
		add_owners(threads, count, result);
		add_kinds(threads, count, result);
		add_largest(scan, threads, count, result);
		add_faults(scan, result);
		failed = uc_arena_failed(arena);
	}
	if (failed) {
		uc_arena_free(arena);
		return uc_fail(err, UC_FAILED, "out of memory");
	}
	*out = result;
	return 0;
}
