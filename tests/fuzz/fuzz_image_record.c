/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * What was kept of an image; and what its small files say, which always makes a record
 * that can be taken.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "image/inside.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void (*const texts[])(struct uc_buf *out, const char *bytes, size_t len) = {
	uc_inside_os_release,
	uc_inside_environment,
	uc_inside_rc,
	uc_inside_dpkg,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uc_auto(buf) struct uc_buf record = { 0 };
	struct uc_image *image = NULL;
	struct uc_error err = { 0 };
	char *name, version[16];

	if (uc_image_record_parse((const char *)data, size, &image, &err) == 0)
		uc_image_free(image);
	else
		assert(err.code == UC_INVALID);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		texts[i](&record, (const char *)data, size);
	name = malloc(size + 1);
	if (!name)
		return 0;
	memcpy(name, data, size);
	name[size] = '\0';
	uc_inside_entry(&record, "/usr/lib/python3.10/site-packages", name);
	uc_inside_entry(&record, "/opt/conda/conda-meta", name);
	uc_inside_entry(&record, "/usr/local", name);
	uc_inside_python(name, version, sizeof(version));
	free(name);
	uc_buf_add(&record, "end\t1\t2\t3\n");
	if (record.failed)
		return 0;
	assert(uc_image_record_parse(record.data, record.len, &image, &err) == 0);
	uc_image_free(image);
	return 0;
}
