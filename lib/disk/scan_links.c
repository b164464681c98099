/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Which inodes with several names were seen: shards with a lock each, open addressing. */
#include <stdlib.h>
#include "disk/scan.h"

enum {
	FIRST = 64,
	/* 64 shards of 2^15 keys of 8 bytes: 16 MiB in all, for 1.5 million files */
	LARGEST = 1 << 15,
};

static size_t place(const uint64_t *key, size_t cap, uint64_t wanted)
{
	size_t at = (size_t)((wanted * 0x9e3779b97f4a7c15u) >> 20) & (cap - 1);

	while (key[at] && key[at] != wanted)
		at = (at + 1) & (cap - 1);
	return at;
}

static bool grow(struct uc_scan_shard *shard)
{
	size_t cap = shard->cap ? 2 * shard->cap : FIRST;
	uint64_t *key = cap <= LARGEST ? calloc(cap, sizeof(*key)) : NULL;

	if (!key)
		return false;
	for (size_t i = 0; i < shard->cap; i++)
		if (shard->key[i])
			key[place(key, cap, shard->key[i])] = shard->key[i];
	free(shard->key);
	shard->key = key;
	shard->cap = cap;
	return true;
}

static bool seen(struct uc_scan_links *links, struct uc_scan_shard *shard, uint64_t key)
{
	size_t at;

	if (4 * shard->count >= 3 * shard->cap && !grow(shard)) {
		atomic_store(&links->full, true);
		return shard->cap && shard->key[place(shard->key, shard->cap, key)];
	}
	at = place(shard->key, shard->cap, key);
	if (shard->key[at])
		return true;
	shard->key[at] = key;
	shard->count++;
	return false;
}

bool uc_scan_links_seen(struct uc_scan_links *links, uint64_t key)
{
	size_t index = (size_t)((key * 0xd6e8feb86659fd93u) >> 58);
	struct uc_scan_shard *shard = &links->shard[index];
	bool found;

	if (!key) /* the mark of an empty place */
		return false;
	pthread_mutex_lock(&shard->lock);
	found = seen(links, shard, key);
	pthread_mutex_unlock(&shard->lock);
	return found;
}
