/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* GRES and TRES strings, lists of array tasks, points in time. */
#include <stdlib.h>
#include <string.h>
#include <ucluster/gres.h>
#include "slurm/when.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int holds)
{
	if (!holds)
		abort();
}

static void check_span(const char *text, size_t size, struct uc_span span)
{
	check(!span.len || (span.at >= text && span.at + span.len <= text + size));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	struct uc_gres_walk walk = { .rest = text };
	struct uc_gpus gpus = { 0 }, again = { 0 };
	struct uc_gres item;
	uc_auto(buf) struct uc_buf types = { 0 }, indices = { 0 };
	int64_t when;
	uint64_t sum = 0;

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	while (uc_gres_next(&walk, &item)) {
		check_span(text, size, item.name);
		check_span(text, size, item.type);
		check_span(text, size, item.indices);
		check(item.name.len > 0);
	}
	uc_gpus_add(&gpus, text);
	uc_buf_gpu_types(&types, &gpus);
	uc_buf_index_set(&indices, &gpus.used);
	/* What is written reads back as the same set. */
	if (indices.len)
		check(uc_index_set_add(&again.used,
				       (struct uc_span){ indices.data, indices.len }) ==
		      0);
	check(!memcmp(&again.used, &gpus.used, sizeof(gpus.used)));
	for (size_t i = 0; i < gpus.type_count; i++)
		if (__builtin_add_overflow(sum, gpus.type[i].count, &sum))
			sum = UINT64_MAX;
	check(gpus.count >= sum);
	uc_gpus_multiply(&gpus, size);
	(void)uc_array_count(text);
	if (uc_when_parse(text, 1795249800, &when, NULL) < 0)
		when = 0;
	free(text);
	return 0;
}
