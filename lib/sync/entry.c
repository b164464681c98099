/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "sync/entry.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

#define BLOCK 4096u /* entries; a block is 160 KiB */

static int rank(unsigned char c)
{
	return c == '/' ? 1 : c + (c != 0);
}

int uc_sync_path_compare(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return rank((unsigned char)*a) - rank((unsigned char)*b);
}

/* A place for one more at the end; NULL when out of memory. */
static struct uc_sync_entry *new_entry(struct uc_sync_list *list)
{
	struct uc_sync_entry **block;

	if (list->count < list->blocks * BLOCK)
		return uc_sync_list_at(list, list->count);
	block = reallocarray(list->block, list->blocks + 1, sizeof(*block));
	if (!block)
		return NULL;
	list->block = block;
	block[list->blocks] = calloc(BLOCK, sizeof(**block));
	return block[list->blocks] ? block[list->blocks++] : NULL;
}

int uc_sync_list_add(struct uc_sync_list *list, const struct uc_sync_entry *entry,
		     struct uc_error *err)
{
	struct uc_sync_entry *copy;

	if (list->count >= UC_SYNC_LIST_MAX - 1)
		return uc_fail(err, UC_FAILED, "more than %u files",
			       UC_SYNC_LIST_MAX - 1);
	if (!list->strings)
		list->strings = uc_arena_new();
	copy = list->strings ? new_entry(list) : NULL;
	if (!copy)
		return uc_fail(err, UC_FAILED, "out of memory at '%s'", entry->path);
	*copy = *entry;
	copy->path = uc_arena_strdup(list->strings, entry->path);
	copy->target = uc_arena_strdup(list->strings, entry->target);
	if (uc_arena_failed(list->strings))
		return uc_fail(err, UC_FAILED, "out of memory at '%s'", entry->path);
	list->count++;
	return 0;
}

struct uc_sync_entry *uc_sync_list_at(const struct uc_sync_list *list, size_t index)
{
	return &list->block[index / BLOCK][index % BLOCK];
}

size_t uc_sync_list_size(const struct uc_sync_list *list)
{
	return list->blocks * (BLOCK * sizeof(**list->block) + sizeof(*list->block)) +
	       (list->strings ? uc_arena_size(list->strings) : 0);
}

void uc_sync_list_free(struct uc_sync_list *list)
{
	for (size_t i = 0; i < list->blocks; i++)
		free(list->block[i]);
	free(list->block);
	uc_arena_free(list->strings);
	*list = (struct uc_sync_list){ 0 };
}

struct uc_sync_twin {
	uint64_t device, inode;
	uint32_t twin; /* 1 + index; 0 = an empty slot */
};

/* The slot of a file, or the empty one where it belongs: a quarter of them are empty. */
static struct uc_sync_twin *find_slot(const struct uc_sync_twins *twins, uint64_t device,
				      uint64_t inode)
{
	uint64_t hash = (inode ^ device << 40) * 0x9e3779b97f4a7c15u;
	size_t at = (size_t)(hash >> 20);

	for (;; at++) {
		struct uc_sync_twin *slot = &twins->slot[at & (twins->slots - 1)];

		if (!slot->twin || (slot->inode == inode && slot->device == device))
			return slot;
	}
}

static int grow(struct uc_sync_twins *twins)
{
	struct uc_sync_twins next = { .used = twins->used };

	if (twins->slots && twins->used < twins->slots / 4 * 3)
		return 0;
	next.slots = twins->slots ? twins->slots * 2 : 64;
	next.slot = calloc(next.slots, sizeof(*next.slot));
	if (!next.slot)
		return -1;
	for (size_t i = 0; i < twins->slots; i++)
		if (twins->slot[i].twin)
			*find_slot(&next, twins->slot[i].device, twins->slot[i].inode) =
				twins->slot[i];
	free(twins->slot);
	*twins = next;
	return 0;
}

int uc_sync_twins_see(struct uc_sync_twins *twins, const struct stat *st, uint32_t index,
		      uint32_t *twin, struct uc_error *err)
{
	struct uc_sync_twin *slot;

	if (grow(twins) < 0)
		return uc_fail(err, UC_FAILED, "out of memory for hard links");
	slot = find_slot(twins, st->st_dev, st->st_ino);
	*twin = slot->twin;
	if (slot->twin)
		return 0;
	*slot = (struct uc_sync_twin){ st->st_dev, st->st_ino, index + 1 };
	twins->used++;
	return 0;
}

void uc_sync_twins_free(struct uc_sync_twins *twins)
{
	free(twins->slot);
	*twins = (struct uc_sync_twins){ 0 };
}
