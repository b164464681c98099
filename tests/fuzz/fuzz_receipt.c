/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* The reader of receipts: one clear error, or a receipt that is written and read alike.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "job/receipt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

static size_t walk(const char *const *list)
{
	size_t bytes = 0;

	for (; list && *list; list++)
		bytes += strlen(*list) + 1;
	return bytes;
}

static void check_sound(const struct uc_receipt *r)
{
	check(r->job_id > 0 && r->submit_time >= 0);
	for (size_t i = 0; i < r->option_count; i++)
		check(r->options[i].name[0] && !strchr(r->options[i].name, '='));
	walk(r->command);
	walk(r->env);
	walk(r->secrets);
	walk(r->container.mounts);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uc_auto(receipt) struct uc_receipt *first = NULL;
	uc_auto(receipt) struct uc_receipt *second = NULL;
	uc_auto(buf) struct uc_buf one = { 0 };
	uc_auto(buf) struct uc_buf two = { 0 };
	struct uc_error err = { 0 };

	if (uc_receipt_parse("fuzz.json", (const char *)data, size, &first, &err) < 0) {
		check(!first && err.code == UC_INVALID && err.text[0]);
		check(!strchr(err.text, '\n') && !strchr(err.text, '\x1b'));
		return 0;
	}
	check_sound(first);
	check(uc_receipt_encode(first, &one, &err) == 0);
	check(uc_receipt_parse("again.json", one.data, one.len, &second, &err) == 0);
	check(uc_receipt_encode(second, &two, &err) == 0);
	check(one.len == two.len && memcmp(one.data, two.data, one.len) == 0);
	check(walk(first->command) == walk(second->command));
	return 0;
}
