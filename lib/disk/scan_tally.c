/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* One thread's sums: nothing here is shared. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "disk/scan.h"

enum {
	OWNERS_FIRST = 16,
	OWNERS_MAX = 16384, /* beyond: counted together */
	DAY = 24 * 3600
};

static const struct {
	const char *name;
	int64_t below; /* seconds */
} ages[UC_SCAN_AGES] = {
	{ "up to a day", DAY },           { "up to a week", 7 * DAY },
	{ "up to a month", 30 * DAY },    { "up to 3 months", 91 * DAY },
	{ "up to a year", 365 * DAY },    { "up to 2 years", 730 * DAY },
	{ "older than that", INT64_MAX },
};

const char *uc_scan_age_name(size_t age)
{
	return ages[age].name;
}

void uc_disk_sum_add(struct uc_disk_sum *to, const struct uc_disk_sum *from)
{
	to->bytes += from->bytes;
	to->apparent += from->apparent;
	to->files += from->files;
	to->folders += from->folders;
}

static size_t place(const struct uc_scan_owner *owner, size_t cap, uint32_t uid)
{
	size_t at = (uid * 0x9e3779b1u >> 8) & (cap - 1);

	while (owner[at].used && owner[at].uid != uid)
		at = (at + 1) & (cap - 1);
	return at;
}

static bool grow(struct uc_scan_tally *tally)
{
	size_t cap = tally->owner_cap ? 2 * tally->owner_cap : OWNERS_FIRST;
	struct uc_scan_owner *owner = calloc(cap, sizeof(*owner));

	if (!owner) {
		tally->failed = true;
		return false;
	}
	for (size_t i = 0; i < tally->owner_cap; i++)
		if (tally->owner[i].used)
			owner[place(owner, cap, tally->owner[i].uid)] = tally->owner[i];
	free(tally->owner);
	tally->owner = owner;
	tally->owner_cap = cap;
	return true;
}

static struct uc_disk_sum *sum_of_owner(struct uc_scan_tally *tally, uint32_t uid)
{
	struct uc_scan_owner *owner;

	if (2 * tally->owner_count >= tally->owner_cap &&
	    (tally->owner_count >= OWNERS_MAX || !grow(tally)))
		return &tally->others;
	owner = &tally->owner[place(tally->owner, tally->owner_cap, uid)];
	if (!owner->used) {
		*owner = (struct uc_scan_owner){ .uid = uid, .used = true };
		tally->owner_count++;
	}
	return &owner->sum;
}

void uc_scan_tally_add(struct uc_scan_tally *tally, const struct uc_scan_entry *entry,
		       enum uc_disk_kind kind, int64_t now)
{
	bool folder = S_ISDIR(entry->mode);
	struct uc_disk_sum sum = { entry->bytes, entry->apparent, !folder, folder };
	size_t age = 0;

	while (age + 1 < UC_SCAN_AGES && entry->mtime < now - ages[age].below)
		age++;
	uc_disk_sum_add(&tally->kind[kind], &sum);
	uc_disk_sum_add(&tally->age[age], &sum);
	uc_disk_sum_add(sum_of_owner(tally, entry->uid), &sum);
}

static void sink(struct uc_scan_file *heap, size_t count, size_t at)
{
	for (;;) {
		size_t child = 2 * at + 1;
		struct uc_scan_file moved = heap[at];

		if (child >= count)
			return;
		if (child + 1 < count &&
		    heap[child + 1].file.bytes < heap[child].file.bytes)
			child++;
		if (moved.file.bytes <= heap[child].file.bytes)
			return;
		heap[at] = heap[child];
		heap[child] = moved;
		at = child;
	}
}

static void rise(struct uc_scan_file *heap, size_t at)
{
	while (at > 0 && heap[at].file.bytes < heap[(at - 1) / 2].file.bytes) {
		struct uc_scan_file moved = heap[at];

		heap[at] = heap[(at - 1) / 2];
		heap[(at - 1) / 2] = moved;
		at = (at - 1) / 2;
	}
}

void uc_scan_tally_top(struct uc_scan_tally *tally, const struct uc_scan_entry *entry,
		       const char *folder, const char *name)
{
	uc_auto(buf) struct uc_buf path = { 0 };
	struct uc_scan_file file = { .file = { .bytes = entry->bytes,
					       .apparent = entry->apparent,
					       .mtime = entry->mtime,
					       .uid = entry->uid } };

	if (!entry->bytes || (tally->top_count == tally->top_max &&
			      entry->bytes <= tally->top[0].file.bytes))
		return;
	if (folder[0])
		uc_buf_addf(&path, "%s/", folder);
	uc_buf_add(&path, name);
	file.path = uc_buf_take(&path);
	if (!file.path) {
		tally->failed = true;
		return;
	}
	if (tally->top_count < tally->top_max) {
		tally->top[tally->top_count] = file;
		rise(tally->top, tally->top_count++);
		return;
	}
	free(tally->top[0].path);
	tally->top[0] = file;
	sink(tally->top, tally->top_count, 0);
}

void uc_scan_tally_free(struct uc_scan_tally *tally)
{
	for (size_t i = 0; i < tally->top_count; i++)
		free(tally->top[i].path);
	free(tally->top);
	free(tally->owner);
}
