/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * How files begin that may be secrets: any bytes. What was found is found as well when
 * harmless text stands before it. The bytes are a name, too, and two paths.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <ucluster/text.h>

#include "sync/secret.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

static int sign(int number)
{
	return (number > 0) - (number < 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *what = uc_sync_secret_text((const char *)data, size);
	uc_auto(buf) struct uc_buf text = { 0 };
	char *second;
	int where;

	uc_buf_add(&text, "text\n");
	uc_buf_addn(&text, data, size);
	if (text.failed)
		return 0;
	check(!what == !uc_sync_secret_text(text.data, text.len));
	uc_buf_addc(&text, '\0');
	check(!text.failed && !uc_sync_secret_text(text.data, text.len));
	(void)uc_sync_secret_name(text.data);

	/* two paths, each of which is seen from the other */
	second = text.data + text.len / 2;
	*second++ = '\0';
	where = uc_sync_path_compare(text.data, second);
	check(sign(where) == -sign(uc_sync_path_compare(second, text.data)));
	check((where == 0) == (strcmp(text.data, second) == 0));
	return 0;
}
