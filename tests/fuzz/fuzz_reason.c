/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Sentences, actions and ranks of jobs whose every string is hostile; host lists. */
#include <stdlib.h>
#include <string.h>
#include <ucluster/reason.h>
#include "slurm/rank_hosts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FIELDS 8

static void check(int holds)
{
	if (!holds)
		abort();
}

static void check_safe(const struct uc_buf *text)
{
	check(text->len > 0);
	for (size_t i = 0; i < text->len; i++)
		check((unsigned char)text->data[i] >= ' ' && text->data[i] != 0x7f);
}

/* "reason, then FIELDS lines": each a string of its own. */
static void split(char *text, struct uc_raw fields[FIELDS])
{
	for (size_t i = 0; i < FIELDS; i++) {
		char *end = strchr(text, '\n');

		fields[i] = uc_raw(*text ? text : NULL);
		if (end)
			*end = '\0';
		text = end ? end + 1 : text + strlen(text);
	}
}

/* Every name of an expanded list is in the list, unless it stands there malformed. */
static void check_hosts(const char *list)
{
	uc_auto(strv) struct uc_strv names = { 0 };

	uc_hosts_expand(list, 64, &names);
	check(names.count <= 64);
	for (size_t i = 0; i < names.count; i++)
		check(strpbrk(names.item[i], "[]") || !names.item[i][0] ||
		      uc_hosts_has(list, names.item[i]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	struct uc_raw f[FIELDS];
	uc_auto(buf) struct uc_buf said = { 0 };

	if (!text || !size) {
		free(text);
		return 0;
	}
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	split(text, f);

	const struct uc_node node = { .name = f[0], .partitions = f[1], .reason = f[2] };
	const struct uc_nodes nodes = { .count = 1, .row = &node };
	const struct uc_partition part = { .name = f[1], .time_limit = 60 };
	const struct uc_partitions parts = { .count = 1, .row = &part };
	const struct uc_job job = { .reason = data[0],
				    .priority = 1,
				    .partition = f[1],
				    .required_nodes = f[3],
				    .nodes = f[4],
				    .reason_text = f[5],
				    .dependency = f[6],
				    .reservation = f[7],
				    .qos = f[2],
				    .account = f[0],
				    .gpus = size & 3 };
	const struct uc_jobs jobs = { .count = 1, .row = &job };
	struct uc_rank rank;
	const struct uc_reason_context context = {
		.now = 1, .partitions = &parts, .nodes = &nodes, .rank = &rank
	};

	check(uc_job_rank(&jobs, &job, &rank) && rank.ahead == 0);
	uc_reason_sentence(&said, &job, &context);
	check_safe(&said);
	uc_buf_reset(&said);
	uc_reason_action(&said, &job, &context);
	check_safe(&said);
	if (f[0].bytes && f[3].bytes)
		uc_hosts_has(f[3].bytes, f[0].bytes);
	check_hosts(f[3].bytes);
	free(text);
	return 0;
}
