/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * A state of the last run that holds anything: its entries are paths of a length that
 * there is, in a number that was told. The first byte says how many; the rest is what is
 * packed into the file, so that its checksum is right.
 */
#include <endian.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>
#include <zstd.h>

#include "sync/state.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(struct uc_sync_state *state, uint64_t count)
{
	const struct uc_sync_known *known;
	uint64_t told = 0;

	while ((known = uc_sync_state_next(state))) {
		size_t len = strlen(known->path);

		if (len == 0 || len > UC_SYNC_PATH_MAX || known->kind > UC_SYNC_LINK)
			abort();
		told++;
	}
	if (told > count || uc_sync_state_rewind(state, NULL) < 0)
		abort();
	(void)uc_sync_state_seek(state, "m");
	(void)uc_sync_state_next(state);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t count = size ? data[0] : 0, words[3];
	struct uc_sync_state *state = uc_sync_state_parse(data, size);
	size_t room = ZSTD_compressBound(size), len;
	char *file;

	uc_sync_state_free(state);
	if (size < 1 || !(file = malloc(32 + room)))
		return 0;
	len = ZSTD_compress(file + 32, room, data + 1, size - 1, 1);
	if (ZSTD_isError(len))
		abort();
	memcpy(file, "ucstate\1", 8);
	words[0] = htole64(count);
	words[1] = htole64(XXH3_64bits_withSeed(file + 32, len, count));
	words[2] = htole64(len);
	memcpy(file + 8, words, sizeof(words));
	state = uc_sync_state_parse(file, 32 + len);
	if (!state)
		abort();
	check(state, count);
	uc_sync_state_free(state);
	free(file);
	return 0;
}
